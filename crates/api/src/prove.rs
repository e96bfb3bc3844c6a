//! `prove`: nothing is lost, by the gateway's own books.

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

use crate::command::{Argument, Command, Effect, Role, Spec, Text, no_more};
use crate::format::{AsOf, thousands};
use crate::wire::Problem;

/// Asks for the proof over a range of time.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Prove {
    /// Its beginning; that of the ledger when absent.
    pub from: Option<String>,
    /// Its end; now when absent.
    pub to: Option<String>,
}

/// Both sides of the account, in recipients.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ProveReply {
    /// When.
    pub as_of: AsOf,
    /// The first instant of the range, microseconds since the epoch.
    pub from_us: u64,
    /// The end of the range.
    pub to_us: u64,
    /// The ledger reaches back to this instant: what was before is not counted.
    #[serde(default)]
    pub reach_us: u64,
    /// The beginning that was asked for, where the ledger does not reach back so far.
    #[serde(default)]
    pub asked_from_us: Option<u64>,
    /// Events read.
    pub events: u64,
    /// What came: opening, received, generated, expanded.
    pub came: Vec<Term>,
    /// What went and what is there: the kinds of ends, and closing.
    pub went: Vec<Term>,
    /// What came without what went: 0 when nothing was lost and nothing made up.
    pub difference: i64,
    /// Segments of the ledger whose counters were compared with what was counted.
    pub segments: u64,
    /// Of these, those that disagree.
    pub disagreeing_segments: u64,
    /// Octets that cannot be read; events in them are not counted.
    pub damaged_bytes: u64,
    /// Recipients that wait in the queue now; `None` while the queue is read back, or where no quiet moment came.
    pub waiting: Option<u64>,
    /// Recipients that are open by the ledger and have no next event, because nothing in the queue has them.
    pub without_next_event: Option<i64>,
}

/// A term of the account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Term {
    /// Its name.
    pub name: String,
    /// Recipients.
    pub recipients: u64,
}

impl ProveReply {
    /// Tells whether everything agrees, as far as it was compared.
    pub fn holds(&self) -> bool {
        self.difference == 0 && self.disagreeing_segments == 0 && self.without_next_event.unwrap_or(0) == 0
    }
}

const fn time(name: &'static str, help: &'static str) -> Argument {
    Argument { name, help, required: false, choices: &[] }
}

impl Command for Prove {
    type Reply = ProveReply;
    const SPEC: Spec = Spec {
        words: "prove",
        summary: "proves from the ledger that no recipient was lost",
        about: "Counts every recipient of a range of time twice, as sums and message by message: opening + received + generated + expanded must be delivered + hard bounced + deleted + dropped + archived + corrupt + closing. Compares what each segment of the ledger says, and how many recipients really wait now: those that are open and that nothing in the queue has would have no next event. Times are 2026-11-20, 2026-11-20T15:04, or an age: 30m, 2h, 7d.",
        arguments: &[
            time("from", "the beginning of the range; that of the ledger when it is left away"),
            time("to", "the end of the range; now when it is left away"),
        ],
        role: Role::ReadOnlyOperator,
        effect: Effect::Read,
        route: "/api/v1/prove",
        example: "prove 24h",
    };
    const PATIENCE: std::time::Duration = std::time::Duration::from_secs(300);

    fn parse(words: &[String]) -> Result<Self, Problem> {
        no_more(words, 2, &Self::SPEC)?;
        if let Some(odd) = words.iter().find(|word| !word.starts_with(|letter: char| letter.is_ascii_digit()))
        {
            return Err(Problem::new(format!("`{odd}` is not a time"), "for example: prove 24h"));
        }
        Ok(Self { from: words.first().cloned(), to: words.get(1).cloned() })
    }
}

impl Text for ProveReply {
    fn text(&self) -> String {
        let mut out = String::new();
        let (from, to) = (self.as_of.show(self.from_us), self.as_of.show(self.to_us));
        let _ = writeln!(out, "From {from} to {to}, {} events:\n", thousands(self.events));
        if let Some(asked) = self.asked_from_us {
            let (asked, reach) = (self.as_of.show(asked), self.as_of.show(self.reach_us));
            let _ = writeln!(out, "Asked for from {asked} on, but the ledger reaches back to {reach}:");
            out.push_str("what was before is counted as the opening only.\n\n");
        }
        side(&mut out, "Came", &self.came);
        side(&mut out, "Went or is there", &self.went);
        let _ = writeln!(out, "Difference: {}", self.difference);
        let agree = self.segments - self.disagreeing_segments;
        let _ = writeln!(out, "Segments of the ledger that agree: {agree} of {}", self.segments);
        if self.damaged_bytes > 0 {
            let _ = writeln!(out, "Octets that cannot be read: {}", thousands(self.damaged_bytes));
        }
        match (self.waiting, self.without_next_event) {
            (Some(waiting), Some(without)) => {
                let _ = writeln!(out, "Recipients that wait now: {}", thousands(waiting));
                let _ = writeln!(out, "Recipients without a next event: {without}");
            }
            _ => out.push_str("The queue was not compared: it is being read back, or it was never quiet.\n"),
        }
        out.push_str(match self.holds() {
            true => "\nNothing is missing.\n",
            false => "\nThe books do not agree: keep data_dir as it is, and look at the disk below it.\n",
        });
        out
    }
}

fn side(out: &mut String, title: &str, terms: &[Term]) {
    let sum: u64 = terms.iter().map(|term| term.recipients).sum();
    let _ = writeln!(out, "{title:<24}{:>16}", thousands(sum));
    for term in terms {
        let _ = writeln!(out, "  {:<22}{:>16}", term.name, thousands(term.recipients));
    }
    out.push('\n');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reply(difference: i64, without: Option<i64>) -> ProveReply {
        let term = |name: &str, recipients| Term { name: name.to_owned(), recipients };
        ProveReply {
            as_of: AsOf { at_us: 1_597_343_382_000_000, zone: "UTC".into() },
            from_us: 1_595_000_000_000_000,
            to_us: 1_597_343_382_000_000,
            reach_us: 1_595_000_000_000_000,
            asked_from_us: None,
            events: 12_000,
            came: vec![term("opening", 3), term("received", 2_000)],
            went: vec![term("delivered", 2_001), term("closing", 2)],
            difference,
            segments: 3,
            disagreeing_segments: 0,
            damaged_bytes: 0,
            waiting: without.map(|_| 2),
            without_next_event: without,
        }
    }

    #[test]
    fn a_proof_is_an_account() {
        insta::assert_snapshot!(reply(0, Some(0)).text(), @"
        From Fri Jul 17 15:33:20 2020 UTC to Thu Aug 13 18:29:42 2020 UTC, 12,000 events:

        Came                               2,003
          opening                              3
          received                         2,000

        Went or is there                   2,003
          delivered                        2,001
          closing                              2

        Difference: 0
        Segments of the ledger that agree: 3 of 3
        Recipients that wait now: 2
        Recipients without a next event: 0

        Nothing is missing.
        ");
    }

    #[test]
    fn a_range_that_begins_before_the_ledger_says_how_far_that_reaches() {
        let told = ProveReply { asked_from_us: Some(1_590_000_000_000_000), ..reply(0, Some(0)) }.text();
        let wanted = "Asked for from Wed May 20 18:40:00 2020 UTC on, but the ledger reaches back to Fri Jul 17 15:33:20";
        assert!(told.contains(wanted), "{told}");
        assert!(!reply(0, Some(0)).text().contains("Asked for"));
    }

    #[test]
    fn what_does_not_agree_is_said() {
        for wrong in
            [reply(1, Some(0)), reply(0, Some(1)), ProveReply { disagreeing_segments: 1, ..reply(0, None) }]
        {
            assert!(!wrong.holds() && wrong.text().contains("do not agree"));
        }
        assert!(reply(0, None).holds() && reply(0, None).text().contains("was not compared"));
    }
}
