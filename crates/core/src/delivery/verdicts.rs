//! Addresses that failed lately: tried last, or not at all while another one of the destination is better.
//!
//! What one destination learns of an address serves all that share it. A verdict starts at a minute, doubles
//! with each failure to an hour, and is forgotten after it has been over for as long as it ran, by a success, and
//! by an operator's retry-now.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;

use crate::delivery::io::{AddressTry, Target};
use crate::delivery::reason::{Kept, Reasons};
use crate::delivery::rng::Rng;
use crate::delivery::steady::Steady;

const FIRST_SECONDS: u64 = 60;
const LONGEST_SECONDS: u64 = 3_600;

/// Targets handed to one attempt.
const TARGETS: usize = 10;

/// Targets of the best preference among them, so that a long list of equals leaves room for a backup.
const TARGETS_OF_BEST: usize = 5;

/// An address that failed.
#[derive(Debug)]
pub(super) struct AddressVerdict {
    pub(super) until: Steady,
    seconds: u64,
    forget: Steady,
    pub(super) failure: Kept,
}

/// The addresses that failed lately.
#[derive(Debug, Default)]
pub(super) struct AddressVerdicts {
    of: BTreeMap<SocketAddr, AddressVerdict>,
    forgotten: BTreeSet<(Steady, SocketAddr)>,
}

impl AddressVerdicts {
    /// Takes in that an address was not usable.
    pub(super) fn failed(&mut self, tried: &AddressTry, reasons: &mut Reasons, now: Steady) {
        let address = tried.target.address;
        let before = self.of.remove(&address);
        if let Some(before) = &before {
            self.forgotten.remove(&(before.forget, address));
        }
        let seconds = before.map_or(FIRST_SECONDS, |before| match before.until > now {
            true => before.seconds,
            false => (before.seconds * 2).min(LONGEST_SECONDS),
        });
        let (until, forget) = (now.plus_secs(seconds), now.plus_secs(seconds * 2));
        let failure = reasons.keep(&tried.failure);
        self.of.insert(address, AddressVerdict { until, seconds, forget, failure });
        self.forgotten.insert((forget, address));
    }

    /// Forgets what was held against an address.
    pub(super) fn clear(&mut self, address: SocketAddr) {
        if let Some(verdict) = self.of.remove(&address) {
            self.forgotten.remove(&(verdict.forget, address));
        }
    }

    /// Forgets everything.
    pub(super) fn clear_all(&mut self) {
        *self = Self::default();
    }

    /// Drops what is long over, a bounded number at a time.
    pub(super) fn sweep(&mut self, now: Steady) {
        for _ in 0..100 {
            match self.forgotten.first() {
                Some((forget, address)) if *forget <= now => self.clear(*address),
                Some(_) | None => return,
            }
        }
    }

    /// Returns the running verdict on an address.
    pub(super) fn running(&self, address: SocketAddr, at: Steady) -> Option<&AddressVerdict> {
        self.of.get(&address).filter(|verdict| verdict.until > at)
    }

    /// Puts usable targets in the order of trying: by preference, shuffled within; those with a running verdict
    /// only when there is no other.
    pub(super) fn order(&self, mut targets: Vec<Target>, rng: &mut Rng, now: Steady) -> Vec<Target> {
        if targets.iter().any(|target| self.running(target.address, now).is_none()) {
            targets.retain(|target| self.running(target.address, now).is_none());
        }
        rng.shuffle(&mut targets);
        targets.sort_by_key(|target| target.preference);
        let best = targets.first().map_or(0, |target| target.preference);
        let of_best = targets.iter().take_while(|target| target.preference == best).count();
        if of_best > TARGETS_OF_BEST {
            targets.drain(TARGETS_OF_BEST..of_best);
        }
        targets.truncate(TARGETS);
        targets
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::event::{Cause, Failure, Stage};

    fn target(last: u8, preference: u16) -> Target {
        Target { address: SocketAddr::from(([192, 0, 2, last], 25)), name: format!("mx{last}"), preference }
    }

    fn fail(verdicts: &mut AddressVerdicts, last: u8, now: Steady) {
        let failure = Failure {
            stage: Stage::Connect,
            cause: Cause::ConnectRefused,
            status: (4, 4, 1),
            code: 0,
            text: vec!["refused".into()],
            address: None,
            at: 0,
        };
        let tried = AddressTry { target: target(last, 10), failure };
        verdicts.failed(&tried, &mut Reasons::default(), now);
    }

    #[test]
    fn a_failing_address_is_left_out_while_another_is_there() {
        let mut verdicts = AddressVerdicts::default();
        let now = Steady(1);
        fail(&mut verdicts, 1, now);
        let order = |verdicts: &AddressVerdicts, now| -> Vec<u16> {
            let targets = vec![target(1, 10), target(2, 20)];
            verdicts.order(targets, &mut Rng::new(1), now).iter().map(|target| target.preference).collect()
        };
        assert_eq!(order(&verdicts, now), [20]);
        assert_eq!(order(&verdicts, now.plus_secs(60)), [10, 20]);
        fail(&mut verdicts, 2, now);
        assert_eq!(order(&verdicts, now), [10, 20], "all fail: all are tried");
    }

    #[test]
    fn verdicts_double_and_are_forgotten() {
        let mut verdicts = AddressVerdicts::default();
        let mut now = Steady(1);
        let mut lengths = Vec::new();
        for _ in 0..8 {
            fail(&mut verdicts, 1, now);
            let until = verdicts.running(target(1, 0).address, now).unwrap().until;
            lengths.push(until.since(now).as_secs());
            now = until;
        }
        assert_eq!(lengths, [60, 120, 240, 480, 960, 1_920, 3_600, 3_600]);
        verdicts.sweep(now.plus_secs(3_600));
        assert!(verdicts.of.is_empty() && verdicts.forgotten.is_empty());
    }

    #[test]
    fn failures_within_one_verdict_do_not_lengthen_it() {
        let mut verdicts = AddressVerdicts::default();
        fail(&mut verdicts, 1, Steady(1));
        fail(&mut verdicts, 1, Steady(2));
        assert_eq!(verdicts.running(target(1, 0).address, Steady(2)).unwrap().seconds, 60);
    }

    #[test]
    fn a_long_list_of_equals_leaves_room_for_a_backup() {
        let verdicts = AddressVerdicts::default();
        let targets =
            (0..20).map(|last| target(last, 10)).chain((20..40).map(|last| target(last, 20))).collect();
        let order = verdicts.order(targets, &mut Rng::new(1), Steady(0));
        let preferences: Vec<_> = order.iter().map(|target| target.preference).collect();
        assert_eq!(preferences, [10, 10, 10, 10, 10, 20, 20, 20, 20, 20]);
    }
}
