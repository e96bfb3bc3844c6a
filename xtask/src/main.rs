//! The house rules, held by machine: `cargo xtask tidy` and `cargo xtask deps`.
//!
//! `tidy` reads the text of the tree and needs nothing built; `deps` asks cargo for the dependency graph.
//! Both print every finding as `file:line: what` with a hint, and exit with 1 when there is one. Neither
//! changes a file, except `tidy --bless`, which rewrites `xtask/ratchet.toml` downwards.

mod deps;
mod finding;
mod lexer;
mod outline;
mod ratchet;
mod rules;
mod tree;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, bail};

use crate::finding::Finding;
use crate::tree::Tree;

const USAGE: &str = "\
Usage: cargo xtask tidy [--bless | --list]   check the text of the tree against the house rules
       cargo xtask deps                      check licences, bans and sources of every dependency

  --bless   lower the entries of xtask/ratchet.toml to what the tree has now
  --list    name the rules, one line each
";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    let outcome = match words.as_slice() {
        ["tidy"] => tidy(),
        ["tidy", "--bless"] => bless(),
        ["tidy", "--list"] => say(&list()).map(|()| ExitCode::SUCCESS),
        ["deps"] => workspace_root().and_then(|root| deps::check(&root)).and_then(|found| report(&found)),
        ["--help" | "-h" | "help"] => say(USAGE).map(|()| ExitCode::SUCCESS),
        _ => complain(USAGE).map(|()| ExitCode::from(2)),
    };
    outcome.unwrap_or_else(|error| {
        // Standard error is the last resort: when it is closed too, the exit status still tells.
        drop(complain(&format!("error: {error:#}\n")));
        ExitCode::from(2)
    })
}

fn tidy() -> anyhow::Result<ExitCode> {
    let tree = Tree::read(&workspace_root()?)?;
    let mut found: Vec<Finding> = rules::ALL.iter().flat_map(|rule| (rule.check)(&tree)).collect();
    found.sort();
    report(&found)
}

fn bless() -> anyhow::Result<ExitCode> {
    let root = workspace_root()?;
    let tree = Tree::read(&root)?;
    let before = ratchet::Ratchet::of(&tree)?;
    let after = before.lowered(&tree);
    std::fs::write(root.join(ratchet::PATH), after.to_toml()).context("cannot write the ratchet file")?;
    say(&format!("{}: {} entries, {} before\n", ratchet::PATH, after.len(), before.len()))?;
    tidy()
}

fn list() -> String {
    rules::ALL.iter().map(|rule| format!("{:<12} {}\n", rule.name, rule.about)).collect()
}

fn report(found: &[Finding]) -> anyhow::Result<ExitCode> {
    for finding in found {
        complain(&format!("{finding}\n"))?;
    }
    if found.is_empty() {
        return Ok(ExitCode::SUCCESS);
    }
    complain(&format!("{} findings\n", found.len()))?;
    Ok(ExitCode::FAILURE)
}

/// The folder that holds the workspace's Cargo.toml: the parent of this crate.
fn workspace_root() -> anyhow::Result<PathBuf> {
    let Some(root) = Path::new(env!("CARGO_MANIFEST_DIR")).parent() else {
        bail!("xtask lies in no workspace");
    };
    Ok(root.to_path_buf())
}

fn say(text: &str) -> anyhow::Result<()> {
    std::io::stdout().write_all(text.as_bytes()).context("cannot write to standard output")
}

fn complain(text: &str) -> anyhow::Result<()> {
    std::io::stderr().write_all(text.as_bytes()).context("cannot write to standard error")
}
