//! `help`: from the registry, so it cannot be out of date.

use std::fmt::Write as _;

use mailreeve_api::command::{Effect, Spec};
use mailreeve_api::registry::{COMMANDS, find};
use mailreeve_api::wire::Problem;

use crate::reference::usage;

/// The list of commands, or all about one.
pub(crate) fn text(words: &[String]) -> Result<String, Problem> {
    if words.is_empty() {
        let mut out = String::from("Commands:\n");
        for entry in COMMANDS {
            let _ = writeln!(out, "  {:<18} {}", entry.spec.words, entry.spec.summary);
        }
        out.push_str("\n`help COMMAND` tells more; --json with any command prints its reply as JSON.\n");
        return Ok(out);
    }
    find(words).map(|(entry, _)| about(&entry.spec))
}

fn about(spec: &Spec) -> String {
    let mut out = format!("{}: {}\n\nUsage: {}\n\n{}\n", spec.words, spec.summary, usage(spec), spec.about);
    for argument in spec.arguments {
        let _ = writeln!(out, "  {:<8} {}", argument.name, argument.help);
    }
    let effect = match spec.effect {
        Effect::Read => "Looks only; changes nothing.",
        Effect::Change => "Acts at once; no commit needed.",
    };
    let _ = writeln!(out, "\n{effect}\nExample: {}", spec.example);
    out
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn every_command_has_its_help() {
        let list = text(&[]).unwrap();
        for entry in COMMANDS {
            assert!(list.contains(entry.spec.words));
            let words: Vec<String> = entry.spec.words.split(' ').map(str::to_owned).collect();
            assert!(text(&words).unwrap().contains(entry.spec.example));
        }
        assert!(text(&["nonsense".to_owned()]).is_err());
    }
}
