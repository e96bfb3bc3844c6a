//! Standing orders: `suspend`, `resume` and their parts for listeners and delivery. They hold over restarts.

mod delivery;
mod everything;
mod listener;

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

use crate::command::{Argument, Spec, Text, no_more};
use crate::wire::Problem;

pub use delivery::{ResumeDel, SuspendDel};
pub use everything::{Resume, Suspend};
pub use listener::{ResumeListener, SuspendListener};

/// Seconds that those under way get when none are given.
pub const SECONDS: u64 = 30;
/// Most seconds that may be given.
pub const SECONDS_MAX: u64 = 600;
/// Most names in one order.
const NAMES_MAX: usize = 100;

const SECONDS_ARGUMENT: Argument = Argument {
    name: "seconds",
    help: "how long transactions under way may go on before their connections are closed abruptly (30)",
    required: false,
    choices: &[],
};

/// After names.
const SECONDS_AFTER_NAMES: Argument = Argument {
    help: "how long transactions under way may go on before their connections are closed abruptly (30); names or ALL stand before it",
    ..SECONDS_ARGUMENT
};

const fn seconds_default() -> u64 {
    SECONDS
}

/// What an order did.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StandingReply {
    /// Of receiving, when the order was about it.
    pub receiving: Option<Side>,
    /// Of delivery, when the order was about it.
    pub delivery: Option<Side>,
}

/// One direction of mail.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Side {
    /// It was suspended, not resumed.
    pub suspended: bool,
    /// Which listeners or destinations; empty for all.
    pub names: Vec<String>,
    /// Connections that were closed abruptly when the time was over.
    pub closed: u64,
    /// What stays suspended in this direction; empty for nothing.
    pub still: Vec<String>,
    /// Of `names`, destinations that no recipient in delivery waits for.
    #[serde(default)]
    pub empty: Vec<String>,
}

impl Text for StandingReply {
    fn text(&self) -> String {
        let mut out = String::new();
        if let Some(side) = &self.receiving {
            side.write(&mut out, "Waiting for listeners to exit...", "Receiving");
        }
        if let Some(side) = &self.delivery {
            side.write(&mut out, "Waiting for outgoing deliveries to finish...", "Mail delivery");
        }
        out
    }
}

impl Side {
    fn write(&self, out: &mut String, waiting: &str, what: &str) {
        let done = if self.suspended { "suspended" } else { "resumed" };
        if self.suspended {
            let _ = writeln!(out, "{waiting}");
        }
        let _ = writeln!(out, "{what} {done}.");
        if !self.names.is_empty() {
            let _ = writeln!(out, "Only for: {}", self.names.join(", "));
        }
        if !self.empty.is_empty() {
            let _ = writeln!(out, "No mail waits for delivery there now: {}", self.empty.join(", "));
        }
        match self.closed {
            0 => {}
            1 => out.push_str("One connection was closed abruptly.\n"),
            closed => {
                let _ = writeln!(out, "{closed} connections were closed abruptly.");
            }
        }
        if !self.still.is_empty() {
            let _ = writeln!(out, "Still suspended: {}", self.still.join(", "));
        }
    }
}

/// Reads `[names|ALL] [seconds]`; no names are all. What stands alone is a name, for names may be numbers.
fn names_and_seconds(words: &[String], spec: &Spec) -> Result<(Vec<String>, u64), Problem> {
    no_more(words, 2, spec)?;
    match words {
        [] => Ok((Vec::new(), SECONDS)),
        [one] => Ok((names(one)?, SECONDS)),
        [first, second, ..] => Ok((names(first)?, seconds(second)?)),
    }
}

fn names(word: &str) -> Result<Vec<String>, Problem> {
    let names: Vec<String> =
        word.split(',').map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned).collect();
    if names.iter().any(|name| name.eq_ignore_ascii_case("all")) {
        return Ok(Vec::new());
    }
    if names.is_empty() || names.len() > NAMES_MAX {
        return Err(Problem::new(
            format!("{} names cannot be given at once", names.len()),
            format!("1 to {NAMES_MAX} names, joined by commas without spaces, or ALL"),
        ));
    }
    Ok(names)
}

fn seconds(word: &str) -> Result<u64, Problem> {
    word.parse().ok().filter(|seconds| *seconds <= SECONDS_MAX).ok_or_else(|| {
        Problem::new(
            format!("`{word}` is not a number of seconds"),
            format!("0 to {SECONDS_MAX}; names are joined by commas without spaces"),
        )
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::command::Command as _;

    fn read(text: &str) -> Result<(Vec<String>, u64), Problem> {
        let words: Vec<String> = text.split_whitespace().map(str::to_owned).collect();
        names_and_seconds(&words, &SuspendDel::SPEC)
    }

    #[test]
    fn names_come_first_and_seconds_never_stand_alone() {
        let of = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        assert_eq!(read("").unwrap(), (of(&[]), 30));
        assert_eq!(read("ALL").unwrap(), (of(&[]), 30));
        assert_eq!(read("ALL 5").unwrap(), (of(&[]), 5));
        // A listener may be called after its port, and a number alone suspends nothing else.
        assert_eq!(read("587").unwrap(), (of(&["587"]), 30));
        assert_eq!(read("30 5").unwrap(), (of(&["30"]), 5));
        assert_eq!(read("a.test,b.test").unwrap(), (of(&["a.test", "b.test"]), 30));
        assert_eq!(read("a.test, 0").unwrap(), (of(&["a.test"]), 0));
        for wrong in ["a.test b.test", "ALL 601", "a.test 601", ",", "a 1 2", "a -1"] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn replies_read_as_operators_know_them() {
        let all = Side { suspended: true, ..Side::default() };
        let reply = StandingReply { receiving: Some(all.clone()), delivery: Some(Side { closed: 2, ..all }) };
        assert_eq!(
            reply.text(),
            "Waiting for listeners to exit...\nReceiving suspended.\n\
             Waiting for outgoing deliveries to finish...\nMail delivery suspended.\n\
             2 connections were closed abruptly.\n"
        );
        let one = Side { names: vec!["a.test".into()], still: vec!["b.test".into()], ..Side::default() };
        let reply = StandingReply { receiving: None, delivery: Some(one) };
        assert_eq!(reply.text(), "Mail delivery resumed.\nOnly for: a.test\nStill suspended: b.test\n");
    }

    #[test]
    fn only_what_can_be_a_recipient_host_is_suspended() {
        let read = |name: &str| SuspendDel::parse(&[name.to_owned()]);
        for name in ["a.test", "A_b.test.", "localhost", "the.cpq.host", "[192.0.2.1]", "[IPv6:2001:db8::1]"]
        {
            assert_eq!(read(name).unwrap().domains.len(), 1, "{name}");
        }
        let long = "a".repeat(64);
        for wrong in
            ["x@y", "a b", "*", "*.test", ".", "a..test", "-a.test", "[]", "[x@y]", "b\u{fc}r.test", &long]
        {
            let problem = read(&format!("good.test,{wrong}")).unwrap_err();
            assert!(problem.message.contains(wrong) && problem.hint.is_some(), "{wrong}: {problem:?}");
            // What is suspended can be resumed, whatever its name.
            assert!(ResumeDel::parse(&[wrong.to_owned()]).is_ok(), "{wrong}");
        }
    }
}
