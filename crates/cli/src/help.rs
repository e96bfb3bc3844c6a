//! `help`: from the registry, so it cannot be out of date.

use std::fmt::Write as _;

use mailreeve_api::command::{Effect, Spec};
use mailreeve_api::explain::pages::{Block, PAGES, page};
use mailreeve_api::registry::{COMMANDS, find};
use mailreeve_api::wire::Problem;

use crate::reference::usage;

/// Behind `help` it asks about a cause.
const WHY: &str = "why";
/// Columns of a line.
const COLUMNS: usize = 80;

/// Words that a session understands besides commands, with what they do.
pub(crate) const OF_A_SESSION: [(&str, &str, &str); 3] = [
    ("help", "lists the commands, or tells all about one; also `h` and `?`", "help delivernow"),
    (
        "setttymode",
        "`noninteractive` asks for nothing and pauses nowhere, `interactive` does; alone it tells which holds",
        "setttymode noninteractive",
    ),
    ("quit", "leaves; also `exit`, `q` and Ctrl-D", "quit"),
];

/// The list of commands, or all about one of them or of the binary's own words.
pub(crate) fn text(words: &[String], binary: &clap::Command) -> Result<String, Problem> {
    if words.is_empty() {
        let mut out = String::from("Commands:\n");
        for entry in COMMANDS {
            let _ = writeln!(out, "  {:<18} {}", entry.spec.words, entry.spec.summary);
        }
        out.push_str("\nIn a session (`mailreeve cli`) also:\n");
        for (word, does, _) in OF_A_SESSION {
            let _ = writeln!(out, "  {word:<18} {}", does.split(';').next().unwrap_or(does).trim_end());
        }
        out.push_str("\nIn a shell also:\n");
        for own in own_words(binary) {
            let summary = own.get_about().map(ToString::to_string).unwrap_or_default();
            let _ = writeln!(
                out,
                "  {:<18} {}",
                format!("mailreeve {}", own.get_name()),
                summary.trim_end_matches('.')
            );
        }
        out.push_str(
            "\n`help COMMAND` tells more; `help why` lists what `explain` may name as the cause, and `help why CODE` tells of\n\
             one what it means and what to do. --json with any command prints its reply as JSON.\n",
        );
        return Ok(out);
    }
    if let [why, codes @ ..] = words
        && why.eq_ignore_ascii_case(WHY)
    {
        return cause(codes);
    }
    if let [word] = words {
        if let Some((word, does, example)) =
            OF_A_SESSION.iter().find(|(own, ..)| own.eq_ignore_ascii_case(word))
        {
            return Ok(format!("{word}: {does}.\n\nExample: {example}\n"));
        }
        if let Some(own) = own_words(binary).find(|own| own.get_name().eq_ignore_ascii_case(word)) {
            let name = format!("mailreeve {}", own.get_name());
            return Ok(own.clone().bin_name(name).render_long_help().to_string());
        }
    }
    find(words).map(|(entry, _)| about(&entry.spec))
}

/// The list of causes, or the page of one.
fn cause(codes: &[String]) -> Result<String, Problem> {
    let mut out = String::new();
    match codes {
        [] => {
            out.push_str("Causes that `explain` may name:\n");
            for page in PAGES {
                let _ = writeln!(out, "  {:<26} {}", page.code, page.gist().trim_end_matches('.'));
            }
            out.push_str("\n`help why CODE` tells what one means, how it is known and what to do.\n");
        }
        [code] => {
            let unknown = || Problem::new(format!("`{code}` is not a cause"), "`help why` lists every cause");
            let page = page(code).ok_or_else(unknown)?;
            let _ = writeln!(out, "{}", page.code);
            for block in page.blocks() {
                match block {
                    Block::Heading(heading) => {
                        let _ = writeln!(out, "\n{heading}");
                    }
                    Block::Paragraph(text) => out.push_str(&indented(&text)),
                }
            }
        }
        _ => return Err(Problem::new("`help why` takes one code", "for example: help why connect-refused")),
    }
    Ok(out)
}

/// A paragraph in lines of at most 80 columns, two of them empty in front.
fn indented(text: &str) -> String {
    let mut out = String::new();
    let mut column = 0;
    for word in text.split(' ') {
        let long = word.chars().count();
        if column == 0 || column + 1 + long > COLUMNS {
            out.push_str(if column == 0 { "  " } else { "\n  " });
            column = 2;
        } else {
            out.push(' ');
            column += 1;
        }
        out.push_str(word);
        column += long;
    }
    out + "\n"
}

/// What the binary understands besides commands, as a shell sees it.
fn own_words(binary: &clap::Command) -> impl Iterator<Item = &clap::Command> {
    binary.get_subcommands().filter(|own| !own.is_hide_set())
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
        let own = clap::Command::new("serve").about("Runs it.").long_about("Runs it, long.");
        let binary = clap::Command::new("mailreeve").subcommand(own);
        let list = text(&[], &binary).unwrap();
        for entry in COMMANDS {
            assert!(list.contains(entry.spec.words));
            let words: Vec<String> = entry.spec.words.split(' ').map(str::to_owned).collect();
            assert!(text(&words, &binary).unwrap().contains(entry.spec.example));
        }
        assert!(text(&["nonsense".to_owned()], &binary).is_err());
        let help = |word: &str| text(&[word.to_owned()], &binary).unwrap();
        assert!(list.contains("mailreeve serve    Runs it\n"), "{list}");
        assert!(help("serve").contains("Runs it, long.") && help("serve").contains("Usage: mailreeve serve"));
        for (word, does, _) in OF_A_SESSION {
            assert!(list.contains(word) && help(word).contains(does));
        }
    }

    #[test]
    fn every_cause_has_its_help() {
        let binary = clap::Command::new("mailreeve");
        let help = |words: &str| {
            let words: Vec<String> = words.split(' ').map(str::to_owned).collect();
            text(&words, &binary)
        };
        let list = help("why").unwrap();
        for page in PAGES {
            assert!(list.contains(&format!("  {} ", page.code)), "{}", page.code);
            let told = help(&page.command()["help ".len()..]).unwrap();
            assert!(told.contains("\nWhat to do\n  ") && !told.contains('#'), "{told}");
            assert!(told.lines().all(|line| line.chars().count() <= COLUMNS), "{told}");
        }
        assert_eq!(help("WHY Connect-Refused").unwrap(), help("why connect-refused").unwrap());
        let problem = help("why nonsense").unwrap_err();
        assert!(problem.message.contains("nonsense") && problem.hint.is_some());
        assert!(help("why a b").is_err());
    }
}
