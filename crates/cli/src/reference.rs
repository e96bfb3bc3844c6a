//! What is made from the registry for others to read: shell completion, man pages, the command reference. None of
//! it is written by hand, so none of it can be out of date.

use std::fmt::Write as _;
use std::io::{self, Write};

use clap::{Arg, Command};
use clap_complete::Shell;
use mailreeve_api::command::{Effect, Role, Spec};
use mailreeve_api::registry::{COMMANDS, by_words};

/// A man page: the name of its file, and its text in roff.
pub struct ManPage {
    /// `mailreeve-tophosts.1`.
    pub file: String,
    /// The page.
    pub text: Vec<u8>,
}

/// Adds every command of the registry to the binary's own.
pub fn with_commands(binary: Command) -> Command {
    COMMANDS.iter().fold(binary, |tree, entry| {
        let words: Vec<&'static str> = entry.spec.words.split(' ').collect();
        grown(tree, &words, &entry.spec)
    })
}

/// Writes the completion script of a shell.
pub fn completion(shell: Shell, binary: Command, out: &mut dyn Write) {
    let mut tree = with_commands(binary);
    clap_complete::generate(shell, &mut tree, "mailreeve", out);
}

/// Makes a page for the binary and one for each command.
pub fn man_pages(binary: Command) -> io::Result<Vec<ManPage>> {
    let own = page(binary.clone(), "mailreeve".to_owned())?;
    let of_command = |spec: &Spec| {
        let name = format!("mailreeve-{}", spec.words.replace(' ', "-"));
        let command = described(Command::new("mailreeve").display_name(name.clone()), spec);
        page(command.bin_name(format!("mailreeve {}", spec.words)), name)
    };
    let others = COMMANDS.iter().map(|entry| of_command(&entry.spec));
    std::iter::once(Ok(own)).chain(others).collect()
}

/// The command reference, in Markdown.
pub fn markdown() -> String {
    let mut out = String::from(
        "# Command reference\n\n\
         Made from the registry of commands by `mailreeve reference markdown`; do not edit. Every command can be given\n\
         in a shell (`mailreeve tophosts`), and over HTTP at its route. `--json` prints the reply as JSON.\n\n\
         | command | what it does | who may | route |\n|---|---|---|---|\n",
    );
    for entry in COMMANDS {
        let Spec { words, summary, role, .. } = entry.spec;
        let anchor = words.replace(' ', "-");
        let _ = writeln!(
            out,
            "| [`{words}`](#{anchor}) | {summary} | {} | `{}` |",
            who(role),
            route(&entry.spec)
        );
    }
    for entry in COMMANDS {
        section(&mut out, &entry.spec);
    }
    out
}

fn section(out: &mut String, spec: &Spec) {
    let _ = write!(out, "\n## {}\n\n{}\n\n```\n{}\n```\n\n", spec.words, spec.about, usage(spec));
    for argument in spec.arguments {
        let choices = match argument.choices {
            [] => String::new(),
            choices => format!(
                " One of {}.",
                choices.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ")
            ),
        };
        let need = if argument.required { "" } else { " (optional)" };
        let _ =
            writeln!(out, "- `{}`{need}: {}.{choices}", argument.name, argument.help.trim_end_matches('.'));
    }
    if !spec.arguments.is_empty() {
        out.push('\n');
    }
    let _ = writeln!(
        out,
        "Example: `{}`. Who may: {}. Over HTTP: `{}`.",
        spec.example,
        who(spec.role),
        route(spec)
    );
}

/// How a command is typed.
pub(crate) fn usage(spec: &Spec) -> String {
    let named = by_words(spec.words).is_some_and(|entry| entry.named);
    let arguments = spec.arguments.iter().map(|argument| {
        let value = match argument.choices {
            [] => argument.name.to_uppercase(),
            choices => choices.join("|"),
        };
        // What must be there needs no name.
        let name = if named && !argument.required { format!("{} {value}", argument.name) } else { value };
        if argument.required { format!(" {name}") } else { format!(" [{name}]") }
    });
    std::iter::once(spec.words.to_owned()).chain(arguments).collect()
}

fn route(spec: &Spec) -> String {
    let method = match spec.effect {
        Effect::Read => "GET",
        Effect::Change => "POST",
    };
    format!("{method} {}", spec.route)
}

const fn who(role: Role) -> &'static str {
    match role {
        Role::ReadOnlyOperator => "everybody who may look",
        Role::Operator => "operators",
        Role::Administrator => "administrators",
    }
}

/// Puts a command into the tree, its words one below the other.
fn grown(tree: Command, words: &[&'static str], spec: &Spec) -> Command {
    let Some((first, rest)) = words.split_first() else { return described(tree, spec) };
    if tree.find_subcommand(first).is_some() {
        return tree.mut_subcommand(first, |below| grown(below, rest, spec));
    }
    tree.subcommand(grown(Command::new(*first), rest, spec))
}

fn described(command: Command, spec: &Spec) -> Command {
    let command = command.about(spec.summary).long_about(spec.about);
    spec.arguments.iter().fold(command, |command, argument| {
        let mut arg = Arg::new(argument.name).help(argument.help);
        if !argument.choices.is_empty() {
            arg = arg.value_parser(argument.choices.to_vec());
        }
        // A required one behind an optional one is typed without it; what is missing is told by the command itself.
        command.arg(arg)
    })
}

fn page(command: Command, name: String) -> io::Result<ManPage> {
    let mut text = Vec::new();
    clap_mangen::Man::new(command).title(name.to_uppercase()).render(&mut text)?;
    Ok(ManPage { file: format!("{name}.1"), text })
}
