//! What is made from the list of commands: the reference in docs, man pages, completion.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::io::Write as _;
use std::process::{Command, Output, Stdio};

fn reference(words: &[&str]) -> Output {
    let output = Command::new(env!("CARGO_BIN_EXE_mailreeve")).arg("reference").args(words).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output
}

#[test]
fn the_command_reference_is_current() {
    let made = String::from_utf8(reference(&["markdown"]).stdout).unwrap();
    let kept = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/commands.md")).unwrap();
    assert!(made == kept, "docs/commands.md is old: cargo run -- reference markdown > docs/commands.md");
}

#[test]
fn every_command_has_a_man_page() {
    let folder = tempfile::tempdir().unwrap();
    reference(&["man", "--to", folder.path().to_str().unwrap()]);
    for entry in mailreeve_api::registry::COMMANDS {
        let file = format!("mailreeve-{}.1", entry.spec.words.replace(' ', "-"));
        let page = std::fs::read_to_string(folder.path().join(&file)).unwrap();
        assert!(page.starts_with(".ie") && page.contains(".SH SYNOPSIS"), "{file}: {page}");
        // roff writes a hyphen with a backslash before it.
        assert!(page.replace('\\', "").contains(entry.spec.summary), "{file}: {page}");
    }
}

#[test]
fn bash_completes_commands_and_the_words_they_take() {
    let script = reference(&["bash"]).stdout;
    let mut shell = Command::new("bash").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut ask = script;
    ask.extend_from_slice(
        b"\nCOMP_WORDS=(mailreeve topho); COMP_CWORD=1; _mailreeve mailreeve topho mailreeve\n\
          printf '%s\\n' \"${COMPREPLY[@]}\"\n\
          COMP_WORDS=(mailreeve tophosts act); COMP_CWORD=2; _mailreeve mailreeve act tophosts\n\
          printf '%s\\n' \"${COMPREPLY[@]}\"\n",
    );
    shell.stdin.take().unwrap().write_all(&ask).unwrap();
    let said = String::from_utf8(shell.wait_with_output().unwrap().stdout).unwrap();
    assert_eq!(said.lines().collect::<Vec<_>>(), ["tophosts", "active_rcpts"]);
}
