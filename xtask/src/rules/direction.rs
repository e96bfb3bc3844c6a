//! Which crate of ours may know which: `smtp <- core <- store <- gateway <- root`, `api <- gateway, cli, desk`,
//! `lab <- tests, root`.
//!
//! Held on the manifests, so that a forbidden edge is a finding before anything is built. A crate that is
//! not in [`ALLOWED`] is a finding too: a new one needs a new direction or a new deliverable, and a line here.

use std::collections::BTreeMap;

use super::Rule;
use crate::finding::Finding;
use crate::tree::{File, Tree};

pub(super) const RULE: Rule = Rule {
    name: "direction",
    about: "crates know each other only downwards, in a chain of at most four, and the pure ones know no runtime",
    check,
};

/// Crate, and what it may link outside of its tests.
const ALLOWED: [(&str, &[&str]); 10] = [
    ("mailreeve-smtp", &[]),
    ("mailreeve-core", &["mailreeve-smtp"]),
    ("mailreeve-store", &["mailreeve-core", "mailreeve-smtp"]),
    // Requests, replies and their text: a client links it and gets nothing of the daemon.
    ("mailreeve-api", &[]),
    ("mailreeve-gateway", &["mailreeve-store", "mailreeve-core", "mailreeve-smtp", "mailreeve-api"]),
    // The CLI can do nothing that REST cannot.
    ("mailreeve-cli", &["mailreeve-api"]),
    // Nor can the desk do what another client cannot.
    ("mailreeve-desk", &["mailreeve-api"]),
    // The world around the gateway. It may implement our traits (a faulty disk), never run the daemon.
    ("mailreeve-lab", &["mailreeve-store", "mailreeve-core", "mailreeve-smtp"]),
    (
        "mailreeve",
        &[
            "mailreeve-gateway",
            "mailreeve-cli",
            "mailreeve-desk",
            "mailreeve-lab",
            "mailreeve-store",
            "mailreeve-api",
            "mailreeve-core",
            "mailreeve-smtp",
        ],
    ),
    ("xtask", &[]),
];

/// What only tests and the root may link.
const TEST_WORLD: &str = "mailreeve-lab";
/// Edges from the root to the farthest crate.
const LONGEST_CHAIN: usize = 4;
/// Crates in which time is an argument and effects are returned.
const PURE: [&str; 2] = ["mailreeve-smtp", "mailreeve-core"];
/// Families that bring a clock, a socket, a file or a thread.
const IMPURE: [&str; 16] = [
    "async-std",
    "chrono",
    "crossbeam",
    "futures",
    "hickory",
    "hyper",
    "libc",
    "mio",
    "nix",
    "parking_lot",
    "rand",
    "reqwest",
    "rusqlite",
    "rustix",
    "socket2",
    "tokio",
];

struct Crate<'a> {
    file: &'a File,
    table: toml::Table,
}

fn check(tree: &Tree) -> Vec<Finding> {
    let crates = crates(tree);
    let mut found = Vec::new();
    for (name, package) in &crates {
        let Some((_, allowed)) = ALLOWED.iter().find(|(known, _)| known == name) else {
            let hint = "a new crate needs a new direction or a new deliverable: add it to xtask/src/rules/direction.rs";
            found.push(Finding::new(&package.file.path, 1, format!("unknown crate {name}"), hint));
            continue;
        };
        found.extend(package.forbidden(name, allowed));
    }
    found.extend(chain(&crates));
    found
}

impl Crate<'_> {
    /// Our own crates in one section.
    fn own<'a>(&'a self, section: &str) -> impl Iterator<Item = &'a str> {
        self.names(section).filter(|name| name.starts_with("mailreeve") || *name == "xtask")
    }

    fn names<'a>(&'a self, section: &str) -> impl Iterator<Item = &'a str> {
        self.table
            .get(section)
            .and_then(toml::Value::as_table)
            .into_iter()
            .flatten()
            .map(|(name, _)| name.as_str())
    }

    fn forbidden(&self, name: &str, allowed: &[&str]) -> Vec<Finding> {
        let mut found = Vec::new();
        for section in ["dependencies", "build-dependencies"] {
            let strangers = self.own(section).filter(|own| !allowed.contains(own));
            found.extend(strangers.map(|own| {
                let hint = "move the decision down, or the type into the crate both know";
                self.finding(own, format!("{name} must not know {own}"), hint)
            }));
        }
        if PURE.contains(&name) {
            let impure = self.names("dependencies").filter(|dep| is_impure(dep));
            found.extend(impure.map(|dep| {
                let hint = "take `now` and return effects; the gateway and the store do them";
                self.finding(dep, format!("{name} is pure and must not link {dep}"), hint)
            }));
        }
        // Tests may look upwards at the lab, and at nothing else.
        let upwards = self.own("dev-dependencies").filter(|own| !allowed.contains(own) && *own != TEST_WORLD);
        found.extend(upwards.map(|own| {
            let hint = "a test that needs it belongs above both, in the root's tests";
            self.finding(own, format!("the tests of {name} must not know {own}"), hint)
        }));
        found
    }

    fn finding(&self, dependency: &str, what: String, hint: &'static str) -> Finding {
        let line =
            self.file.lines().find(|(_, line)| line.starts_with(dependency)).map_or(1, |(number, _)| number);
        Finding::new(&self.file.path, line, what, hint)
    }
}

fn is_impure(dependency: &str) -> bool {
    IMPURE.iter().any(|family| {
        dependency.strip_prefix(family).is_some_and(|rest| rest.is_empty() || rest.starts_with(['-', '_']))
    })
}

/// Our crates by name. What is not TOML is the manifest rule's to report.
fn crates(tree: &Tree) -> BTreeMap<String, Crate<'_>> {
    let manifests = tree.files().filter(|file| file.name() == "Cargo.toml");
    manifests
        .filter_map(|file| {
            let table: toml::Table = file.text.parse().ok()?;
            let name = table.get("package")?.get("name")?.as_str()?.to_owned();
            let alone = table.contains_key("workspace") && file.path != "Cargo.toml";
            (!alone).then_some((name, Crate { file, table }))
        })
        .collect()
}

fn chain(crates: &BTreeMap<String, Crate<'_>>) -> Option<Finding> {
    let root = crates.get("mailreeve")?;
    let longest = longest_from("mailreeve", crates, crates.len());
    (longest > LONGEST_CHAIN).then(|| {
        let what = format!("the chain of our crates is {longest} long, {LONGEST_CHAIN} at most");
        Finding::new(&root.file.path, 1, what, "put crates beside each other, not on top of each other")
    })
}

/// Edges of the longest path down from `name`. `bound` ends a circle, which cargo refuses anyway.
fn longest_from(name: &str, crates: &BTreeMap<String, Crate<'_>>, bound: usize) -> usize {
    let (Some(package), Some(bound)) = (crates.get(name), bound.checked_sub(1)) else {
        return 0;
    };
    package.own("dependencies").map(|own| 1 + longest_from(own, crates, bound)).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::super::tests::found;
    use super::*;

    fn manifest(name: &str, body: &str) -> String {
        format!("[package]\nname = \"{name}\"\n{body}")
    }

    fn one(name: &str, body: &str) -> Vec<String> {
        found(&RULE, &[("Cargo.toml", &manifest(name, body))])
    }

    #[test]
    fn downwards_is_fine_and_upwards_is_not() {
        let downwards = "[dependencies]\nmailreeve-core.workspace = true\n";
        assert_eq!(one("mailreeve-store", downwards), Vec::<String>::new());
        assert_eq!(
            one("mailreeve-core", "[dependencies]\nmailreeve-store.workspace = true\n"),
            ["Cargo.toml:4: mailreeve-core must not know mailreeve-store"]
        );
        assert_eq!(
            one("mailreeve-cli", "[dependencies]\nmailreeve-gateway.workspace = true\n"),
            ["Cargo.toml:4: mailreeve-cli must not know mailreeve-gateway"]
        );
    }

    #[test]
    fn only_tests_and_the_root_know_the_lab() {
        assert_eq!(
            one("mailreeve-gateway", "[dev-dependencies]\nmailreeve-lab.workspace = true\n"),
            Vec::<String>::new()
        );
        assert_eq!(
            one("mailreeve-gateway", "[dependencies]\nmailreeve-lab.workspace = true\n"),
            ["Cargo.toml:4: mailreeve-gateway must not know mailreeve-lab"]
        );
        assert_eq!(
            one("mailreeve-core", "[dev-dependencies]\nmailreeve-gateway.workspace = true\n"),
            ["Cargo.toml:4: the tests of mailreeve-core must not know mailreeve-gateway"]
        );
    }

    #[test]
    fn pure_crates_link_no_runtime() {
        assert_eq!(
            one("mailreeve-core", "[dependencies]\ntokio-util = \"1\"\nrandom-words = \"1\"\n"),
            ["Cargo.toml:4: mailreeve-core is pure and must not link tokio-util"]
        );
        assert_eq!(one("mailreeve-core", "[dev-dependencies]\ntokio = \"1\"\n"), Vec::<String>::new());
    }

    #[test]
    fn a_crate_nobody_announced_is_a_finding() {
        assert_eq!(one("mailreeve-spare", ""), ["Cargo.toml:1: unknown crate mailreeve-spare"]);
    }

    #[test]
    fn the_chain_is_counted_and_a_circle_ends() {
        let up = |name: &str, on: &str| manifest(name, &format!("[dependencies]\n{on}.workspace = true\n"));
        let files = [
            ("Cargo.toml", up("mailreeve", "mailreeve-gateway")),
            ("g/Cargo.toml", up("mailreeve-gateway", "mailreeve-store")),
            ("s/Cargo.toml", up("mailreeve-store", "mailreeve-core")),
            ("c/Cargo.toml", up("mailreeve-core", "mailreeve-smtp")),
            ("m/Cargo.toml", up("mailreeve-smtp", "xtask")),
            ("x/Cargo.toml", manifest("xtask", "")),
        ];
        let borrowed: Vec<(&str, &str)> = files.iter().map(|(path, text)| (*path, text.as_str())).collect();
        assert_eq!(
            found(&RULE, &borrowed),
            [
                "Cargo.toml:1: the chain of our crates is 5 long, 4 at most",
                "m/Cargo.toml:4: mailreeve-smtp must not know xtask"
            ]
        );
        assert_eq!(found(&RULE, &borrowed[..4]), Vec::<String>::new());
        let circle = [
            ("a/Cargo.toml", &*up("mailreeve", "mailreeve-core")),
            ("b/Cargo.toml", &*up("mailreeve-core", "mailreeve")),
        ];
        assert_eq!(found(&RULE, &circle).len(), 1);
    }
}
