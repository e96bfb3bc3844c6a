//! The commands that take many recipients, or one message, out of the queue or elsewhere.

use serde::{Deserialize, Serialize};

use super::{Job, Scope};
use crate::command::{Argument, Command, Effect, Next, Role, Spec, Text, no_more};
use crate::destination::{destination, normal, sender as read_sender};
use crate::mid;
use crate::wire::Problem;

/// What an order is answered.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OrderReply {
    /// Nothing was done yet: it is to be given again, confirmed.
    Unconfirmed {
        /// What it is about: the header of a message, a warning; may be empty.
        about: String,
        /// The question, for a person.
        question: String,
        /// Recipients that it would concern now.
        recipients: u64,
    },
    /// It is durable and has begun.
    Begun(Job),
}

impl Text for OrderReply {
    fn text(&self) -> String {
        match self {
            Self::Unconfirmed { about, question, .. } => format!("{about}{question}\n"),
            Self::Begun(job) => format!("{}\n", job.opening()),
        }
    }

    fn next(&self) -> Next {
        match self {
            Self::Unconfirmed { about, question, .. } => {
                Next::Confirm { about: about.clone(), question: question.clone() }
            }
            Self::Begun(job) => Next::Watch { job: job.id },
        }
    }
}

/// Deletes waiting recipients: nobody is told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeleteRecipients {
    /// Whose.
    pub scope: Scope,
    /// Whoever gives it means it.
    #[serde(default)]
    pub confirmed: bool,
}

/// Bounces waiting recipients: each sender is told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BounceRecipients {
    /// Whose.
    pub scope: Scope,
    /// Whoever gives it means it.
    #[serde(default)]
    pub confirmed: bool,
}

/// Gives the recipients of a host another destination.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RedirectRecipients {
    /// Of which host.
    pub host: String,
    /// Where to: a host, or an address in brackets.
    pub to: String,
    /// Whoever gives it means it.
    #[serde(default)]
    pub confirmed: bool,
}

/// Takes one message out of the queue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RemoveMessage {
    /// Which.
    pub mid: u64,
    /// Whoever gives it means it.
    #[serde(default)]
    pub confirmed: bool,
}

/// Saves one message in a file, then takes it out of the queue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ArchiveMessage {
    /// Which.
    pub mid: u64,
}

const CONFIRM: Argument = Argument {
    name: "confirmed",
    help: "`y`: it is meant, no question is asked",
    required: false,
    choices: &["y"],
};
const SCOPE: Argument = Argument {
    name: "scope",
    help: "by recipient host, by envelope sender, or all",
    required: true,
    choices: &["host", "from", "all"],
};
const NAME: Argument =
    Argument { name: "name", help: "the host or the sender", required: false, choices: &[] };
const MID: Argument = Argument { name: "mid", help: "the MID of a message", required: true, choices: &[] };

/// Takes a confirmation off the end of the words; `least` of them say what is meant.
fn confirmation(words: &[String], least: usize) -> (&[String], bool) {
    match words.split_last() {
        Some((last, rest)) if rest.len() >= least && is_yes(last) => (rest, true),
        Some(_) | None => (words, false),
    }
}

fn is_yes(word: &str) -> bool {
    ["y", "yes", "--yes"].iter().any(|yes| yes.eq_ignore_ascii_case(word))
}

fn wrong(spec: &Spec, message: &str) -> Problem {
    Problem::new(format!("{} {message}", spec.words), format!("for example: {}", spec.example))
}

/// Reads `host NAME`, `from ADDRESS` or `all`, and a confirmation.
fn scope(words: &[String], spec: &Spec) -> Result<(Scope, bool), Problem> {
    let all = words.first().is_some_and(|word| word.eq_ignore_ascii_case("all"));
    let (words, confirmed) = confirmation(words, if all { 1 } else { 2 });
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let scope = match words[..] {
        ["all" | "ALL" | "All"] => Scope::All,
        [kind, name] if kind.eq_ignore_ascii_case("host") => Scope::Host(destination(name)?),
        [kind, sender] if kind.eq_ignore_ascii_case("from") => Scope::From(read_sender(sender)?),
        _ => return Err(wrong(spec, "needs `host NAME`, `from ADDRESS` or `all`")),
    };
    Ok((scope, confirmed))
}

fn message(words: &[String], spec: &Spec) -> Result<u64, Problem> {
    let (mid, rest) = mid::take(words, spec)?;
    no_more(rest, 0, spec).map(|()| mid)
}

impl Command for DeleteRecipients {
    type Reply = OrderReply;
    const SPEC: Spec = Spec {
        words: "deleterecipients",
        summary: "deletes waiting messages of a host, of a sender, or all",
        about: "Every recipient in scope that waits for delivery ends; nobody is told. Mail accepted later is not touched, and what is being delivered is deleted only if the delivery fails for now. A message to several recipients counts once for each. The job goes on when nobody watches, and after a restart.",
        arguments: &[SCOPE, NAME, CONFIRM],
        role: Role::Operator,
        effect: Effect::Change,
        route: "/api/v1/deleterecipients",
        example: "deleterecipients host example.com",
    };

    fn parse(words: &[String]) -> Result<Self, Problem> {
        let (scope, confirmed) = scope(words, &Self::SPEC)?;
        Ok(Self { scope, confirmed })
    }
}

impl Command for BounceRecipients {
    type Reply = OrderReply;
    const SPEC: Spec = Spec {
        words: "bouncerecipients",
        summary: "bounces waiting messages of a host, of a sender, or all",
        about: "Every recipient in scope that waits for delivery ends, and a bounce goes to its envelope sender. Mail accepted later is not touched, and what is being delivered is bounced only if the delivery fails for now. The job goes on when nobody watches, and after a restart.",
        arguments: &[SCOPE, NAME, CONFIRM],
        role: Role::Operator,
        effect: Effect::Change,
        route: "/api/v1/bouncerecipients",
        example: "bouncerecipients from sender@example.com",
    };

    fn parse(words: &[String]) -> Result<Self, Problem> {
        let (scope, confirmed) = scope(words, &Self::SPEC)?;
        Ok(Self { scope, confirmed })
    }
}

impl Command for RedirectRecipients {
    type Reply = OrderReply;
    const SPEC: Spec = Spec {
        words: "redirectrecipients",
        summary: "sends waiting messages of a host to another one",
        about: "Every recipient of the host that waits for delivery gets another destination, where it is due at once. Mail accepted later is not touched. A host that is not prepared for this mail bounces or loses it.",
        arguments: &[
            Argument { name: "by", help: "by recipient host", required: true, choices: &["host"] },
            Argument { name: "host", help: "the recipient host", required: true, choices: &[] },
            Argument {
                name: "to",
                help: "the other host, or an address in brackets",
                required: true,
                choices: &[],
            },
            CONFIRM,
        ],
        role: Role::Operator,
        effect: Effect::Change,
        route: "/api/v1/redirectrecipients",
        example: "redirectrecipients host example.com other.example.net",
    };

    fn parse(words: &[String]) -> Result<Self, Problem> {
        let (words, confirmed) = confirmation(words, 3);
        match words {
            [kind, from, to] if kind.eq_ignore_ascii_case("host") => {
                Ok(Self { host: destination(from)?, to: normal(to), confirmed })
            }
            _ => Err(wrong(&Self::SPEC, "needs `host NAME OTHER`")),
        }
    }
}

impl Command for RemoveMessage {
    type Reply = OrderReply;
    const SPEC: Spec = Spec {
        words: "removemessage",
        summary: "removes one message from the queue",
        about: "All recipients of the message that wait for delivery end; nobody is told. A message that is being delivered is removed only if the delivery fails for now.",
        arguments: &[MID, CONFIRM],
        role: Role::Operator,
        effect: Effect::Change,
        route: "/api/v1/removemessage",
        example: "removemessage 52",
    };

    fn parse(words: &[String]) -> Result<Self, Problem> {
        let (words, confirmed) = confirmation(words, 1);
        Ok(Self { mid: message(words, &Self::SPEC)?, confirmed })
    }
}

impl Command for ArchiveMessage {
    type Reply = OrderReply;
    const SPEC: Spec = Spec {
        words: "archivemessage",
        summary: "saves one message in a file and removes it from the queue",
        about: "The message is written to the file `oldmessage_MID.mbox` in the folder `archive` of data_dir; then all of its recipients that wait for delivery end, counted as archived.",
        arguments: &[MID],
        role: Role::Operator,
        effect: Effect::Change,
        route: "/api/v1/archivemessage",
        example: "archivemessage 47",
    };

    fn parse(words: &[String]) -> Result<Self, Problem> {
        Ok(Self { mid: message(words, &Self::SPEC)? })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn words(text: &str) -> Vec<String> {
        text.split(' ').map(str::to_owned).collect()
    }

    #[test]
    fn orders_are_read_with_and_without_a_confirmation() {
        let table = [
            ("host Example.COM.", Scope::Host("example.com".into()), false),
            ("host example.com y", Scope::Host("example.com".into()), true),
            ("host y", Scope::Host("y".into()), false),
            ("from <A@b.example> --yes", Scope::From("A@b.example".into()), true),
            ("all", Scope::All, false),
            ("all YES", Scope::All, true),
        ];
        for (text, scope, confirmed) in table {
            let read = DeleteRecipients::parse(&words(text)).unwrap();
            assert_eq!(read, DeleteRecipients { scope, confirmed }, "{text}");
        }
        for text in ["", "host", "all of them", "example.com", "host a b", "from"] {
            assert!(BounceRecipients::parse(&words(text)).is_err(), "{text}");
        }
        let read = RedirectRecipients::parse(&words("host a.example [192.0.2.1] y")).unwrap();
        assert_eq!(
            (read.host.as_str(), read.to.as_str(), read.confirmed),
            ("a.example", "[192.0.2.1]", true)
        );
        assert_eq!(RemoveMessage::parse(&words("52 y")).unwrap(), RemoveMessage { mid: 52, confirmed: true });
        assert!(RemoveMessage::parse(&words("y")).is_err() && ArchiveMessage::parse(&words("47 y")).is_err());
    }
}
