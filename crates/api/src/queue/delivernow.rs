//! `delivernow`: makes waiting recipients due at once.

use serde::{Deserialize, Serialize};

use crate::command::{Argument, Command, Effect, Role, Spec, Text, no_more};
use crate::destination::destination;
use crate::format::thousands;
use crate::mid;
use crate::wire::Problem;

/// Makes recipients due now: all, those of a host, or those of a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeliverNow {
    /// Everything; also forgets every rate limit's count.
    All,
    /// One destination.
    Host(String),
    /// One message.
    Mid(u64),
}

/// What became due.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct DeliverNowReply {
    /// What it was given for.
    pub scope: DeliverNow,
    /// Waiting recipients in scope.
    pub waiting: u64,
    /// Those of them that became due: a clock or a limit of rate held them.
    pub recipients: u64,
    /// Destinations that these belong to.
    pub destinations: u64,
}

impl Command for DeliverNow {
    type Reply = DeliverNowReply;
    const SPEC: Spec = Spec {
        words: "delivernow",
        summary: "schedules waiting messages for immediate delivery",
        about: "Every waiting recipient in scope becomes due, and what is held against its destination (its clock, failing addresses, a cached look-up, a rate limit's count) is forgotten. Its state and since when stay as they are until the try has told better. Such forced attempts do not count towards the limit of attempts.",
        arguments: &[Argument {
            name: "scope",
            help: "`all`, a recipient host, or a MID",
            required: true,
            choices: &[],
        }],
        role: Role::Operator,
        effect: Effect::Change,
        route: "/api/v1/delivernow",
        example: "delivernow example.com",
    };

    fn parse(words: &[String]) -> Result<Self, Problem> {
        let words = mid::named(words).unwrap_or(words);
        no_more(words, 1, &Self::SPEC)?;
        let word = words.first().ok_or_else(|| {
            Problem::new("delivernow needs to know what to deliver", "`all`, a recipient host, or a MID")
        })?;
        if word.eq_ignore_ascii_case("all") {
            return Ok(Self::All);
        }
        match mid::read(word) {
            Some(mid) => mid.map(Self::Mid),
            None => destination(word).map(Self::Host),
        }
    }
}

impl Text for DeliverNowReply {
    fn text(&self) -> String {
        let first = match &self.scope {
            DeliverNow::All => "Rescheduling all messages for immediate delivery.".to_owned(),
            DeliverNow::Host(host) => format!("Rescheduling all messages to {host} for immediate delivery."),
            DeliverNow::Mid(mid) => format!("Rescheduling message {mid} for immediate delivery."),
        };
        let recipients = if self.recipients == 1 { "recipient" } else { "recipients" };
        let destinations = if self.destinations == 1 { "destination" } else { "destinations" };
        let mut out = format!(
            "{first}\n{} {recipients} at {} {destinations} became due.\n",
            thousands(self.recipients),
            thousands(self.destinations)
        );
        match self.waiting - self.recipients.min(self.waiting) {
            0 => {}
            1 => out.push_str("1 other was waiting for neither a clock nor a rate.\n"),
            others => {
                let others = thousands(others);
                out.push_str(&format!("{others} others were waiting for neither a clock nor a rate.\n"));
            }
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_is_all_a_host_or_a_number_and_anything_else_is_refused() {
        let read = |word: &str| DeliverNow::parse(&[word.to_owned()]);
        assert_eq!(read("ALL"), Ok(DeliverNow::All));
        assert_eq!(read("Example.com."), Ok(DeliverNow::Host("example.com".to_owned())));
        assert_eq!(read("17"), Ok(DeliverNow::Mid(17)));
        for wrong in ["", "ann@example.com", "a b", "..", "99999999999999999999999"] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn what_became_due_and_what_was_due_already_are_told_apart() {
        let text = |waiting, recipients, destinations| {
            let scope = DeliverNow::Host("example.com".to_owned());
            DeliverNowReply { scope, waiting, recipients, destinations }.text()
        };
        let first = "Rescheduling all messages to example.com for immediate delivery.\n";
        let table = [
            ((1, 1, 1), "1 recipient at 1 destination became due.\n"),
            ((200_000, 200_000, 2), "200,000 recipients at 2 destinations became due.\n"),
            (
                (3, 2, 1),
                "2 recipients at 1 destination became due.\n1 other was waiting for neither a clock nor a rate.\n",
            ),
            (
                (1_200, 0, 0),
                "0 recipients at 0 destinations became due.\n1,200 others were waiting for neither a clock nor a rate.\n",
            ),
        ];
        for ((waiting, recipients, destinations), told) in table {
            assert_eq!(text(waiting, recipients, destinations), format!("{first}{told}"));
        }
    }
}
