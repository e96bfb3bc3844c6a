//! The output of `cargo tree`, read back: packages, and who links whom.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use anyhow::{Context, bail};

/// What `cargo tree --prefix=depth --format` must be asked for: package and licence.
pub(super) const FORMAT: &str = "{p}\t{l}";

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Package {
    pub(super) name: String,
    pub(super) version: String,
    pub(super) licence: String,
    pub(super) source: Source,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Source {
    /// A folder of this workspace.
    Ours,
    CratesIo,
    /// A git repository or another registry, as cargo prints it.
    Elsewhere(String),
}

/// Every package, with those that link it.
#[derive(Debug, Default)]
pub(super) struct Graph {
    parents: BTreeMap<Package, BTreeSet<String>>,
}

impl Graph {
    /// Reads lines of a depth, a package and a licence; a repeated subtree is cut and marked by cargo.
    ///
    /// # Errors
    /// When a line has another shape.
    pub(super) fn parse(tree: &str) -> anyhow::Result<Self> {
        let mut graph = Self::default();
        let mut path: Vec<String> = Vec::new();
        for line in tree.lines().filter(|line| !line.is_empty()) {
            let (depth, package) = parse(line).with_context(|| format!("cargo tree printed `{line}`"))?;
            path.truncate(depth);
            let parents = graph.parents.entry(package.clone()).or_default();
            parents.extend(path.last().cloned());
            path.push(package.name);
        }
        Ok(graph)
    }

    pub(super) fn packages(&self) -> impl Iterator<Item = &Package> {
        self.parents.keys()
    }

    /// Names of the packages that link this one.
    pub(super) fn parents(&self, package: &Package) -> String {
        let names = self.parents.get(package).into_iter().flatten();
        names.map(String::as_str).collect::<Vec<_>>().join(", ")
    }
}

impl fmt::Display for Package {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.name, self.version)
    }
}

/// `2serde_derive v1.0.0 (proc-macro)\tMIT OR Apache-2.0 (*)`.
fn parse(line: &str) -> anyhow::Result<(usize, Package)> {
    let digits = line.bytes().take_while(u8::is_ascii_digit).count();
    let (depth, rest) = line.split_at(digits);
    let (package, licence) = rest.split_once('\t').context("no licence")?;
    let mut words = package.splitn(3, ' ');
    let (Some(name), Some(version)) = (words.next(), words.next().and_then(|word| word.strip_prefix('v')))
    else {
        bail!("no name and version");
    };
    let notes = words.next().unwrap_or_default().split(['(', ')']).map(str::trim);
    let place = notes.filter(|note| !note.is_empty()).find(|note| !matches!(*note, "proc-macro" | "*"));
    let source = match place {
        None => Source::CratesIo,
        Some(place) if place.starts_with('/') => Source::Ours,
        Some(place) => Source::Elsewhere(place.to_owned()),
    };
    let licence = licence.trim_end_matches("(*)").trim().to_owned();
    let package = Package { name: name.to_owned(), version: version.to_owned(), licence, source };
    Ok((depth.parse().context("no depth")?, package))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn lines_of_every_shape_are_read() {
        let read = |line| {
            let (depth, package) = parse(line).unwrap();
            (depth, package.to_string(), package.licence, package.source)
        };
        assert_eq!(
            read("12serde_derive v1.0.2 (proc-macro)\tMIT OR Apache-2.0 (*)"),
            (12, "serde_derive 1.0.2".to_owned(), "MIT OR Apache-2.0".to_owned(), Source::CratesIo)
        );
        assert_eq!(
            read("0own v0.1.0 (proc-macro) (/home/me/own (old))\t"),
            (0, "own 0.1.0".to_owned(), String::new(), Source::Ours)
        );
        let git = Source::Elsewhere("https://git.example/a#12ab".to_owned());
        assert_eq!(
            read("1a v2.0.0 (https://git.example/a#12ab)\tMIT"),
            (1, "a 2.0.0".to_owned(), "MIT".to_owned(), git)
        );
    }

    #[test]
    fn other_shapes_are_refused() {
        for line in ["a v1\tMIT", "1a v1", "1a 1.0\tMIT", "[dev-dependencies]"] {
            assert!(parse(line).is_err(), "{line}");
        }
    }

    #[test]
    fn parents_follow_the_depth() {
        let graph =
            Graph::parse("0a v1 (/p)\t\n1b v1\tMIT\n2c v1\tMIT\n1d v1\tMIT\n2c v1\tMIT\n\n0c v1\tMIT\n")
                .unwrap();
        let parents: Vec<_> = graph.packages().map(|package| graph.parents(package)).collect();
        assert_eq!(parents, ["", "a", "b, d", "a"]);
    }
}
