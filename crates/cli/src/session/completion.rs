//! What a word may go on to be: words of commands, choices of arguments, names of destinations.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use mailreeve_api::command::{Argument, Spec};
use mailreeve_api::registry::{COMMANDS, find};
use mailreeve_api::wire::Call;
use serde_json::json;

use crate::connection;
use crate::help::OF_A_SESSION;
use crate::interrupt::Interrupt;

/// How long somebody who pressed Tab waits for names.
const PATIENCE: Duration = Duration::from_secs(1);
/// Names of arguments that are destinations.
const DESTINATIONS: [&str; 3] = ["host", "domains", "to"];
/// Names of arguments that are destinations behind the word `host`.
const BEHIND_HOST: [&str; 2] = ["name", "what"];

/// Where the names of destinations come from.
pub(super) struct Destinations {
    socket: PathBuf,
}

impl Destinations {
    pub(super) fn of(socket: &Path) -> Self {
        Self { socket: socket.to_owned() }
    }

    /// Those with most recipients waiting; none when the gateway does not answer at once.
    fn names(&self) -> Vec<String> {
        let call = Call::new("tophosts", json!({}));
        let answer = connection::call_within(&self.socket, &call, &Interrupt::of_the_system(), PATIENCE);
        let reply = answer.ok().and_then(|answer| answer.ok).unwrap_or_default();
        let hosts = reply["hosts"].as_array().map(Vec::as_slice).unwrap_or_default();
        hosts.iter().filter_map(|host| host["host"].as_str().map(str::to_owned)).collect()
    }
}

/// Completes the last word of a line of commands; returns where the word begins and what it may be.
pub(super) fn of_commands(typed: &str, destinations: &Destinations) -> (usize, Vec<String>) {
    let begin = typed.rfind([';', '\n']).map_or(0, |end| end + 1);
    let start = begin + typed[begin..].rfind(char::is_whitespace).map_or(0, |end| end + 1);
    let before: Vec<String> = typed[begin..start].split_whitespace().map(str::to_ascii_lowercase).collect();
    let found = candidates(&before, || destinations.names());
    (start, matching(found, &typed[start..]))
}

/// Completes the last of several names of destinations.
pub(super) fn of_destinations(typed: &str, destinations: &Destinations) -> (usize, Vec<String>) {
    let start = typed.rfind([',', ' ']).map_or(0, |end| end + 1);
    (start, matching(destinations.names(), &typed[start..]))
}

fn matching(found: Vec<String>, beginning: &str) -> Vec<String> {
    let beginning = beginning.to_ascii_lowercase();
    let unique: BTreeSet<String> =
        found.into_iter().filter(|word| word.to_ascii_lowercase().starts_with(&beginning)).collect();
    unique.into_iter().collect()
}

/// What may come next where each argument is a name with its value: names that are not there yet, or values.
fn of_named(spec: &Spec, given: &[String]) -> Vec<String> {
    let owned = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
    if !given.len().is_multiple_of(2) {
        let asked =
            spec.arguments.iter().find(|argument| given.last().is_some_and(|last| last == argument.name));
        return asked.map_or_else(Vec::new, |argument| owned(argument.choices));
    }
    let by_name = spec.arguments.iter().filter(|argument| !argument.required);
    let names = by_name.map(|argument| argument.name.to_owned());
    names.filter(|name| given.iter().step_by(2).all(|there| there != name)).collect()
}

/// What may stand behind these words.
fn candidates(before: &[String], destinations: impl FnOnce() -> Vec<String>) -> Vec<String> {
    let (help, before) = match before.split_first() {
        Some((first, rest)) if ["help", "h", "?"].contains(&first.as_str()) => (true, rest),
        _ => (false, before),
    };
    let mut found: Vec<String> = COMMANDS
        .iter()
        .filter_map(|entry| {
            let mut own = entry.spec.words.split(' ');
            before.iter().all(|word| own.next() == Some(word)).then(|| own.next()).flatten()
        })
        .map(str::to_owned)
        .collect();
    if before.is_empty() {
        found.extend(OF_A_SESSION.iter().map(|(word, ..)| (*word).to_owned()));
    }
    if help || before.is_empty() {
        return found;
    }
    if before == ["setttymode"] {
        return ["interactive", "noninteractive"].map(str::to_owned).to_vec();
    }
    if let Ok((entry, given)) = find(before) {
        found.push("--json".to_owned());
        if entry.named {
            match (entry.spec.arguments.first().filter(|first| first.required), given) {
                (Some(first), []) if is_destination(first, given) => found.extend(destinations()),
                (Some(_), [_, given @ ..]) => found.extend(of_named(&entry.spec, given)),
                (_, given) => found.extend(of_named(&entry.spec, given)),
            }
        } else if let Some(argument) = entry.spec.arguments.get(given.len()) {
            found.extend(argument.choices.iter().map(|word| (*word).to_owned()));
            if entry.spec.words == "delivernow" {
                found.push("all".to_owned());
                found.extend(destinations());
            } else if is_destination(argument, given) {
                found.extend(destinations());
            }
        }
    }
    found
}

fn is_destination(argument: &Argument, given: &[String]) -> bool {
    let behind_host = given.last().is_some_and(|word| word == "host");
    argument.choices.is_empty()
        && (DESTINATIONS.contains(&argument.name) || behind_host && BEHIND_HOST.contains(&argument.name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn complete(typed: &str) -> Vec<String> {
        let (before, beginning) = typed.rsplit_once(' ').unwrap_or(("", typed));
        let before: Vec<String> = before.split_whitespace().map(str::to_owned).collect();
        let names = || vec!["a.example".to_owned(), "b.example".to_owned()];
        matching(candidates(&before, names), beginning)
    }

    #[test]
    fn words_choices_and_destinations_are_completed() {
        let table: [(&str, &[&str]); 18] = [
            ("topho", &["tophosts"]),
            ("TopHo", &["tophosts"]),
            ("tophosts ac", &["active_rcpts"]),
            ("workqueue ", &["--json", "pause", "rate", "resume", "status"]),
            ("status d", &["detail"]),
            ("hoststatus a", &["a.example"]),
            ("hoststatus ", &["--json", "a.example", "b.example"]),
            ("hoststatus a.example ", &["--json", "at", "page", "rows", "since"]),
            ("hoststatus a.example since 2h r", &["rows"]),
            ("showrecipients host b", &["b.example"]),
            ("showrecipients from b", &[]),
            ("delivernow a", &["a.example", "all"]),
            ("help topho", &["tophosts"]),
            ("help tophosts ", &[]),
            ("setttymode n", &["noninteractive"]),
            ("track se", &["sender"]),
            ("track state bounced s", &["sender", "subject"]),
            ("track sender a@b.example state b", &["bounced"]),
        ];
        for (typed, wanted) in table {
            assert_eq!(complete(typed), wanted, "{typed}");
        }
        assert!(complete("").len() > COMMANDS.len() / 2 && complete("q") == ["quit"]);
        assert!(complete("nonsense ").is_empty());
    }

    #[test]
    fn the_last_command_of_a_line_is_completed() {
        let nobody = Destinations::of(Path::new("/nowhere"));
        assert_eq!(of_commands("status;topho", &nobody), (7, vec!["tophosts".to_owned()]));
        assert_eq!(of_commands("status; tophosts con", &nobody), (17, vec!["conn_out".to_owned()]));
        assert_eq!(of_destinations("a.example,b", &nobody), (10, Vec::new()));
    }
}
