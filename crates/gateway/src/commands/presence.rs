//! Who gives commands: a row for each user and place, from the first command or the sign-in to the sign-out, or until
//! nothing was heard for as long as ends a session of the desk.

use std::time::Duration;

use mailreeve_api::desk::Fact;
use mailreeve_api::presence::{Present, WhoReply};
use mailreeve_api::wire::Caller;
use mailreeve_core::Instant;
use parking_lot::Mutex;

use super::Commands;

/// Rows at most; the one that was idle longest gives way.
const ROWS: usize = 500;
/// The caller by which the desk asks for the pages that stay open.
const NOBODY: &str = "desk";

/// The rows.
#[derive(Default)]
pub(super) struct Presence {
    rows: Mutex<Vec<Present>>,
}

impl Presence {
    /// Notes that somebody gave a command.
    pub(super) fn gave(&self, caller: &Caller, command: &str, now: Instant) {
        if caller.from == NOBODY {
            return;
        }
        let mut rows = self.rows.lock();
        let known = rows.iter_mut().find(|row| row.user == caller.user && row.from == caller.from);
        if let Some(row) = known {
            (row.role, row.last_us) = (caller.role, now.0);
            command.clone_into(&mut row.what);
            return;
        }
        if rows.len() >= ROWS
            && let Some(idle) = (0..rows.len()).min_by_key(|place| rows[*place].last_us)
        {
            rows.remove(idle);
        }
        rows.push(Present {
            user: caller.user.clone(),
            role: caller.role,
            from: caller.from.clone(),
            since_us: now.0,
            last_us: now.0,
            what: command.to_owned(),
        });
    }

    /// Takes off who left.
    fn left(&self, user: &str, from: &str) {
        self.rows.lock().retain(|row| row.user != user || row.from != from);
    }

    /// Returns who is there, and drops who was idle for longer than `idle`.
    fn present(&self, idle: Duration, now: Instant) -> Vec<Present> {
        let idle = u64::try_from(idle.as_micros()).unwrap_or(u64::MAX);
        let mut rows = self.rows.lock();
        rows.retain(|row| now.0.saturating_sub(row.last_us) <= idle);
        let mut present = rows.clone();
        present.sort_by_key(|row| row.since_us);
        present
    }
}

impl Commands {
    /// Takes in what the desk tells of people: who leaves is not there any more.
    pub(crate) fn note(&self, fact: &Fact) {
        if let Fact::SignedOut { user, from } = fact {
            self.presence.left(user, from);
        }
    }

    pub(super) fn who(&self) -> WhoReply {
        let idle = self.context.running.load().config.desk.idle_timeout;
        let as_of = self.as_of();
        let present = self.presence.present(idle, Instant(as_of.at_us));
        WhoReply { as_of, present }
    }
}

#[cfg(test)]
mod tests {
    use mailreeve_api::command::Role;

    use super::*;

    fn caller(user: &str, from: &str) -> Caller {
        Caller { user: user.to_owned(), role: Role::Operator, from: from.to_owned() }
    }

    fn second(at: u64) -> Instant {
        Instant(at * 1_000_000)
    }

    #[test]
    fn who_is_idle_or_leaves_is_taken_off() {
        let presence = Presence::default();
        let there = |at| {
            let present = presence.present(Duration::from_secs(60), second(at));
            present.into_iter().map(|row| (row.user, row.what)).collect::<Vec<_>>()
        };
        let row = |user: &str, what: &str| (user.to_owned(), what.to_owned());
        presence.gave(&caller("ann", "192.0.2.1"), "status", second(10));
        presence.gave(&caller("bob", "192.0.2.2"), "status", second(20));
        presence.gave(&caller("ann", "192.0.2.1"), "tophosts", second(30));
        presence.gave(&caller("desk", "desk"), "deliverystatus", second(30));
        assert_eq!(there(40), [row("ann", "tophosts"), row("bob", "status")]);
        assert_eq!(there(85), [row("ann", "tophosts")], "bob was idle for more than a minute");
        presence.left("ann", "192.0.2.9");
        assert_eq!(there(85).len(), 1);
        presence.left("ann", "192.0.2.1");
        assert!(there(85).is_empty());
    }

    #[test]
    fn rows_are_bounded_and_the_most_idle_gives_way() {
        let presence = Presence::default();
        for number in 0..ROWS as u64 + 1 {
            presence.gave(&caller(&format!("u{number}"), "192.0.2.1"), "status", second(number));
        }
        let present = presence.present(Duration::MAX, second(ROWS as u64));
        assert_eq!((present.len(), present[0].user.as_str()), (ROWS, "u1"));
    }
}
