//! The one list of commands, and the laws that hold over it (law 7).

use std::time::Duration;

use crate::alerts::DisplayAlerts;
use crate::command::Entry;
use crate::diagnose::{Dig, DnsFlush, NetStat, NsLookup, Ping, Ping6, Telnet, TraceRoute, TraceRoute6};
use crate::explain::Explain;
use crate::jobs::{
    ArchiveMessage, BounceRecipients, DeleteRecipients, Jobs, RedirectRecipients, RemoveMessage, ShowJob,
};
use crate::message::{OldMessage, ShowMessage};
use crate::monitor::{DnsStatus, HostRate, Rate, ResetCounters, TopIn, Version};
use crate::presence::{Who, WhoAmI};
use crate::probe::{Probe, SmtpPing, TlsVerify};
use crate::prove::Prove;
use crate::queue::{DeliverNow, DeliveryStatus, HostStatus, ShowRecipients, TopHosts};
use crate::recorder::{Attempts, Transcript};
use crate::standing::{Resume, ResumeDel, ResumeListener, SECONDS_MAX, Suspend, SuspendDel, SuspendListener};
use crate::status::{Status, StatusDetail};
use crate::track::{Track, TrackRebuild};
use crate::wire::{Call, Problem};
use crate::workqueue::{WorkQueue, WorkQueuePause, WorkQueueRate, WorkQueueResume, WorkQueueStatus};

/// How long a gateway of another release may take for a command that is not known here.
const PATIENCE: Duration = Duration::from_secs(30);

/// Every command of the gateway, in the order of help.
pub const COMMANDS: &[Entry] = &[
    Entry::of::<Status>(),
    Entry::of::<StatusDetail>(),
    Entry::of::<Rate>(),
    Entry::of::<DeliveryStatus>(),
    Entry::of::<TopHosts>(),
    Entry::of::<HostStatus>(),
    Entry::of::<HostRate>(),
    Entry::of::<TopIn>(),
    Entry::of::<DnsStatus>(),
    Entry::of::<ShowRecipients>(),
    Entry::of::<Attempts>(),
    Entry::of::<Transcript>(),
    Entry::of::<Explain>(),
    Entry::of::<DeliverNow>(),
    Entry::of::<DeleteRecipients>(),
    Entry::of::<BounceRecipients>(),
    Entry::of::<RedirectRecipients>(),
    Entry::of::<ShowMessage>(),
    Entry::of::<OldMessage>(),
    Entry::of::<RemoveMessage>(),
    Entry::of::<ArchiveMessage>(),
    Entry::of::<Track>(),
    Entry::of::<TrackRebuild>(),
    Entry::of::<Prove>(),
    Entry::of::<Jobs>(),
    Entry::of::<ShowJob>(),
    Entry::of::<Suspend>(),
    Entry::of::<Resume>(),
    Entry::of::<SuspendListener>(),
    Entry::of::<ResumeListener>(),
    Entry::of::<SuspendDel>(),
    Entry::of::<ResumeDel>(),
    Entry::of::<WorkQueue>(),
    Entry::of::<WorkQueueStatus>(),
    Entry::of::<WorkQueuePause>(),
    Entry::of::<WorkQueueResume>(),
    Entry::of::<WorkQueueRate>(),
    Entry::of::<DisplayAlerts>(),
    Entry::of::<ResetCounters>(),
    Entry::of::<Version>(),
    Entry::of::<Who>(),
    Entry::of::<WhoAmI>(),
    Entry::of::<Dig>(),
    Entry::of::<NsLookup>(),
    Entry::of::<DnsFlush>(),
    Entry::of::<Telnet>(),
    Entry::of::<Ping>(),
    Entry::of::<Ping6>(),
    Entry::of::<TraceRoute>(),
    Entry::of::<TraceRoute6>(),
    Entry::of::<Probe>(),
    Entry::of::<SmtpPing>(),
    Entry::of::<TlsVerify>(),
    Entry::of::<NetStat>(),
];

/// Finds the command that `words` begin with; longer names win. Returns it and the words left.
pub fn find(words: &[String]) -> Result<(&'static Entry, &[String]), Problem> {
    let matching = |entry: &&Entry| {
        let own: Vec<&str> = entry.spec.words.split(' ').collect();
        own.len() <= words.len() && own.iter().zip(words).all(|(own, word)| own.eq_ignore_ascii_case(word))
    };
    let best = COMMANDS.iter().filter(matching).max_by_key(|entry| entry.spec.words.split(' ').count());
    match best {
        Some(entry) => Ok((entry, &words[entry.spec.words.split(' ').count()..])),
        None => {
            let word = words.first().map_or("", String::as_str);
            let hint = match nearest(word) {
                Some(near) => format!("did you mean `{near}`? `help` lists every command"),
                None => "`help` lists every command".to_owned(),
            };
            Err(Problem::new(format!("`{word}` is not a command"), hint))
        }
    }
}

/// Finds a command by its exact words.
pub fn by_words(words: &str) -> Option<&'static Entry> {
    COMMANDS.iter().find(|entry| entry.spec.words == words)
}

/// How long an answer to `call` may take before the gateway must be in trouble: what its command may take, and what an
/// order that waits for others says in its arguments.
pub fn patience(call: &Call) -> Duration {
    let waits = call.args["seconds"].as_u64().unwrap_or(0).min(SECONDS_MAX);
    by_words(&call.command).map_or(PATIENCE, |entry| entry.patience) + Duration::from_secs(waits)
}

/// What [`patience`] is at most.
pub fn patience_max() -> Duration {
    let longest = COMMANDS.iter().map(|entry| entry.patience).max().unwrap_or(PATIENCE);
    longest + Duration::from_secs(SECONDS_MAX)
}

/// The command whose name is at most two letters away.
fn nearest(word: &str) -> Option<&'static str> {
    let distance = |entry: &Entry| edit_distance(word, entry.spec.words);
    let best = COMMANDS.iter().min_by_key(|entry| distance(entry))?;
    (distance(best) <= 2).then_some(best.spec.words)
}

fn edit_distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (index, letter) in one.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = index + 1;
        for (place, candidate) in other.iter().enumerate() {
            let change = diagonal + usize::from(letter != *candidate);
            diagonal = row[place + 1];
            row[place + 1] = change.min(row[place] + 1).min(diagonal + 1);
        }
    }
    row[other.len()]
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::collections::BTreeSet;

    use super::*;
    use crate::command::{Effect, Role};

    fn words(text: &str) -> Vec<String> {
        text.split(' ').map(str::to_owned).collect()
    }

    #[test]
    fn words_and_routes_are_unique() {
        let names: BTreeSet<_> = COMMANDS.iter().map(|entry| entry.spec.words).collect();
        let routes: BTreeSet<_> = COMMANDS.iter().map(|entry| entry.spec.route).collect();
        assert_eq!((names.len(), routes.len()), (COMMANDS.len(), COMMANDS.len()));
    }

    #[test]
    fn everything_is_documented_and_the_example_parses() {
        for entry in COMMANDS {
            let spec = entry.spec;
            assert!(!spec.summary.is_empty() && spec.about.ends_with('.'), "{}", spec.words);
            assert!(spec.arguments.iter().all(|argument| !argument.help.is_empty()), "{}", spec.words);
            let example = words(spec.example);
            let (found, rest) = find(&example).unwrap();
            assert_eq!(found.spec.words, spec.words);
            (entry.parse)(rest).unwrap();
        }
    }

    #[test]
    fn a_change_needs_more_than_a_look() {
        for entry in COMMANDS {
            let looks = entry.spec.role == Role::ReadOnlyOperator;
            assert_eq!(looks, entry.spec.effect == Effect::Read, "{}", entry.spec.words);
        }
    }

    #[test]
    fn every_command_refuses_words_it_does_not_know() {
        for entry in COMMANDS {
            assert!((entry.parse)(&words("a b c d")).is_err(), "{}", entry.spec.words);
        }
    }

    #[test]
    fn an_order_that_waits_for_others_is_given_that_time_too() {
        let of = |command: &str, args| patience(&Call::new(command, args)).as_secs();
        assert_eq!(of("suspend", serde_json::json!({ "seconds": 60 })), 90);
        assert_eq!(of("suspend", serde_json::json!({ "seconds": u64::MAX })), 630);
        assert_eq!(of("status", serde_json::Value::Null), 30);
        assert_eq!(of("of another release", serde_json::json!({})), 30);
        assert!(
            COMMANDS.iter().all(|entry| patience_max() >= entry.patience + Duration::from_secs(SECONDS_MAX))
        );
    }

    #[test]
    fn what_comes_from_the_network_forges_no_line_of_a_reply() {
        let evil = "x\r\nCritical: forged\u{1b}[2J\u{9b}m";
        let alert = serde_json::json!({
            "at_us": 1, "severity": "Warning", "code": "desk-lockout", "text": evil, "hint": evil,
        });
        let row = serde_json::json!({
            "mid": 1, "rid": 0, "bytes": 9, "attempts": 1, "sender": evil, "recipient": evil, "subject": evil,
            "why": evil, "next_us": null,
        });
        for (words, reply, lines) in [
            (
                "displayalerts",
                serde_json::json!({ "as_of": { "at_us": 1, "zone": "UTC" }, "alerts": [alert] }),
                4,
            ),
            (
                "showrecipients",
                serde_json::json!({ "scope": "all", "total": 1, "recipients": [row], "next": null }),
                6,
            ),
        ] {
            let text = (by_words(words).unwrap().text)(&reply).unwrap();
            assert!(!text.contains(|letter: char| letter.is_control() && letter != '\n'), "{text:?}");
            assert_eq!(text.lines().count(), lines, "{text:?}");
            assert!(text.contains("x\\x0d\\x0aCritical: forged\\x1b[2J\\x9bm"), "{text:?}");
        }
    }

    #[test]
    fn longer_names_win_and_mistypes_get_a_hint() {
        assert_eq!(find(&words("status detail")).unwrap().0.spec.words, "status detail");
        assert_eq!(find(&words("STATUS")).unwrap().0.spec.words, "status");
        let problem = find(&words("tophost")).err().unwrap();
        assert_eq!(problem.hint.as_deref(), Some("did you mean `tophosts`? `help` lists every command"));
    }
}
