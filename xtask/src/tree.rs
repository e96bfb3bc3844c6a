//! The files a rule looks at: what git tracks or would track, read once.
//!
//! Generated and foreign files are left out (lock file, snapshots, licence text): nobody writes those by
//! hand. Tests build a [`Tree`] from pairs of path and text.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, bail};

use crate::lexer::{self, Lexed};

/// Not written by hand, or not ours: no rule reads them.
const FOREIGN: [&str; 2] = ["Cargo.lock", "LICENSE"];

/// Every text file of the workspace.
pub(crate) struct Tree {
    files: Vec<File>,
}

/// One text file.
pub(crate) struct File {
    /// Path from the workspace root, with `/`.
    pub(crate) path: String,
    pub(crate) text: String,
    /// Present for Rust source only.
    pub(crate) rust: Option<Lexed>,
}

impl Tree {
    /// Reads what git tracks, and what it would: files not ignored count before they are added, so that a
    /// rule speaks up before the commit.
    ///
    /// # Errors
    /// When git cannot list the files, or one that exists cannot be read.
    pub(crate) fn read(root: &Path) -> anyhow::Result<Self> {
        let listed = Command::new("git")
            .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
            .current_dir(root)
            .output()
            .context("cannot run git ls-files")?;
        if !listed.status.success() {
            bail!("git ls-files: {}", String::from_utf8_lossy(&listed.stderr).trim());
        }
        let mut files = Vec::new();
        for path in String::from_utf8_lossy(&listed.stdout).split('\0').filter(|path| is_ours(path)) {
            let full = root.join(path);
            // A deleted file stays listed until the deletion is committed; a link is judged at its target.
            if !full.is_file() || full.is_symlink() {
                continue;
            }
            let bytes = std::fs::read(&full).with_context(|| format!("cannot read {path}"))?;
            // Not text: fixtures and pictures.
            if let Ok(text) = String::from_utf8(bytes) {
                files.push(File::new(path, text));
            }
        }
        files.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(Self { files })
    }

    pub(crate) fn files(&self) -> impl Iterator<Item = &File> {
        self.files.iter()
    }

    /// The Rust files, each with its lexed form.
    pub(crate) fn rust(&self) -> impl Iterator<Item = (&File, &Lexed)> {
        self.files.iter().filter_map(|file| Some((file, file.rust.as_ref()?)))
    }

    pub(crate) fn find(&self, path: &str) -> Option<&File> {
        self.files.iter().find(|file| file.path == path)
    }

    #[cfg(test)]
    pub(crate) fn of(files: &[(&str, &str)]) -> Self {
        Self { files: files.iter().map(|(path, text)| File::new(path, (*text).to_owned())).collect() }
    }
}

impl File {
    fn new(path: &str, text: String) -> Self {
        let rust = path.ends_with(".rs").then(|| lexer::lex(&text));
        Self { path: path.to_owned(), text, rust }
    }

    /// The file's name without folder.
    pub(crate) fn name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or(&self.path)
    }

    /// Lines with their numbers from 1.
    pub(crate) fn lines(&self) -> impl Iterator<Item = (usize, &str)> {
        self.text.lines().enumerate().map(|(index, line)| (index + 1, line))
    }

    /// Whether the whole file is test code: in a `tests` folder, or an out-of-line `tests.rs`.
    pub(crate) fn is_test(&self) -> bool {
        self.path.split('/').any(|part| part == "tests" || part == "tests.rs")
    }
}

fn is_ours(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    !path.is_empty() && !FOREIGN.contains(&name) && !path.ends_with(".snap")
}
