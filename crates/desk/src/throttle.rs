//! Lockout: who guesses passwords is turned away, by the name that is guessed at and by the address.
//!
//! An attempt is counted before its password is looked at, so that attempts side by side are not more than
//! attempts in a row. A right password takes its own attempt back and forgets those against its name. Names
//! that do not exist are counted alike: a lock tells nobody which names do.
//!
//! Time is an argument. What is remembered is bounded; when it is full, names and addresses that are not known
//! yet have to wait.

use std::collections::HashMap;
use std::net::IpAddr;
use std::time::{Duration, Instant};

/// Attempts in a [`SPAN`] before a lock.
pub(crate) const ATTEMPTS: u32 = 10;
/// For how long attempts are remembered, and how long a lock lasts.
pub(crate) const SPAN: Duration = Duration::from_secs(15 * 60);
/// Names remembered, and addresses.
const REMEMBERED: usize = 10_000;
/// The answer to each further wrong attempt takes this much longer.
const STEP: Duration = Duration::from_millis(100);

/// An account that is tried: its name, and a number that is another one after its password was set anew.
pub(crate) type Account = (String, i64);

/// Remembers attempts.
#[derive(Default)]
pub(crate) struct Throttle {
    accounts: HashMap<Account, Tries>,
    addresses: HashMap<IpAddr, Tries>,
}

#[derive(Clone, Copy)]
struct Tries {
    count: u32,
    /// Of the first, and once locked of the one that locked.
    since: Instant,
}

impl Tries {
    fn over(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.since) >= SPAN
    }

    fn locked(&self) -> bool {
        self.count >= ATTEMPTS
    }

    fn rest(&self, now: Instant) -> Duration {
        SPAN.saturating_sub(now.saturating_duration_since(self.since))
    }
}

/// An attempt that may go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Admitted {
    /// How long the answer to a wrong password takes beyond the comparison.
    pub(crate) delay: Duration,
    /// This attempt, if wrong, is the one that locks the name.
    pub(crate) locks_account: bool,
    /// This attempt, if wrong, is the one that locks the address.
    pub(crate) locks_address: bool,
}

impl Throttle {
    /// Counts an attempt; an error says how long to wait.
    pub(crate) fn attempt(
        &mut self,
        account: &Account,
        address: IpAddr,
        now: Instant,
    ) -> Result<Admitted, Duration> {
        let network = network(address);
        let account_rest = wait(&mut self.accounts, account, now);
        let address_rest = wait(&mut self.addresses, &network, now);
        if let Some(rest) = account_rest.max(address_rest) {
            return Err(rest);
        }
        let of_account = count(&mut self.accounts, account.clone(), now);
        let of_address = count(&mut self.addresses, network, now);
        Ok(Admitted {
            delay: STEP * of_account.max(of_address),
            locks_account: of_account == ATTEMPTS,
            locks_address: of_address == ATTEMPTS,
        })
    }

    /// The password was right.
    pub(crate) fn right(&mut self, account: &Account, address: IpAddr) {
        self.accounts.remove(account);
        take_back(&mut self.addresses, &network(address));
    }

    /// The password was not looked at.
    pub(crate) fn not_tried(&mut self, account: &Account, address: IpAddr) {
        take_back(&mut self.accounts, account);
        take_back(&mut self.addresses, &network(address));
    }
}

/// An attempt that is not to be held against a key.
fn take_back<K: std::hash::Hash + Eq>(known: &mut HashMap<K, Tries>, key: &K) {
    if let Some(tries) = known.get_mut(key) {
        tries.count = tries.count.saturating_sub(1);
    }
}

/// How long a key has to wait, if it has to.
fn wait<K: std::hash::Hash + Eq>(known: &mut HashMap<K, Tries>, key: &K, now: Instant) -> Option<Duration> {
    match known.get(key) {
        Some(tries) if tries.over(now) => {
            known.remove(key);
            None
        }
        Some(tries) => tries.locked().then(|| tries.rest(now)),
        None if known.len() < REMEMBERED => None,
        None => {
            known.retain(|_, tries| !tries.over(now));
            (known.len() >= REMEMBERED).then_some(SPAN)
        }
    }
}

fn count<K: std::hash::Hash + Eq>(known: &mut HashMap<K, Tries>, key: K, now: Instant) -> u32 {
    let tries = known.entry(key).or_insert(Tries { count: 0, since: now });
    tries.count += 1;
    if tries.locked() {
        tries.since = now;
    }
    tries.count
}

/// Who has one IPv6 address has its whole /64.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(v4) => IpAddr::V4(v4),
        IpAddr::V6(v6) => IpAddr::V6((v6.to_bits() & !u128::from(u64::MAX)).into()),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn account(name: &str) -> Account {
        (name.to_owned(), 1)
    }

    fn at(last: u8) -> IpAddr {
        IpAddr::from([192, 0, 2, last])
    }

    #[test]
    fn the_tenth_wrong_password_locks_the_name_from_everywhere() {
        let (mut throttle, now) = (Throttle::default(), Instant::now());
        for n in 1..=10 {
            let admitted = throttle.attempt(&account("ann"), at(n), now).unwrap();
            assert_eq!(admitted.locks_account, n == 10);
            assert!(!admitted.locks_address);
            assert_eq!(admitted.delay, STEP * u32::from(n));
        }
        assert_eq!(throttle.attempt(&account("ann"), at(99), now), Err(SPAN));
        assert!(throttle.attempt(&account("bob"), at(99), now).is_ok());
        // Nearly over, and over.
        let later = now + SPAN - Duration::from_secs(1);
        assert_eq!(throttle.attempt(&account("ann"), at(99), later), Err(Duration::from_secs(1)));
        assert!(throttle.attempt(&account("ann"), at(99), now + SPAN).is_ok());
    }

    #[test]
    fn the_tenth_from_an_address_locks_it_for_every_name() {
        let (mut throttle, now) = (Throttle::default(), Instant::now());
        for n in 0..10 {
            throttle.attempt(&account(&format!("user{n}")), at(1), now).unwrap();
        }
        assert!(throttle.attempt(&account("ann"), at(1), now).is_err());
        assert!(throttle.attempt(&account("ann"), at(2), now).is_ok());
        let v6 = |text: &str| text.parse::<IpAddr>().unwrap();
        for n in 0..10 {
            throttle.attempt(&account(&format!("six{n}")), v6(&format!("2001:db8::{n}")), now).unwrap();
        }
        assert!(throttle.attempt(&account("ann"), v6("2001:db8::ffff:1"), now).is_err());
        assert!(throttle.attempt(&account("ann"), v6("2001:db8:0:1::1"), now).is_ok());
    }

    #[test]
    fn a_right_password_forgets_and_a_new_one_lifts_the_lock() {
        let (mut throttle, now) = (Throttle::default(), Instant::now());
        for _ in 0..50 {
            throttle.attempt(&account("ann"), at(1), now).unwrap();
            throttle.right(&account("ann"), at(1));
        }
        for n in 0..10 {
            throttle.attempt(&account("ann"), at(100 + n), now).unwrap();
        }
        assert!(throttle.attempt(&account("ann"), at(1), now).is_err());
        assert!(throttle.attempt(&("ann".to_owned(), 2), at(1), now).is_ok());
    }

    #[test]
    fn an_attempt_that_was_not_tried_is_not_held_against_anybody() {
        let (mut throttle, now) = (Throttle::default(), Instant::now());
        for _ in 0..50 {
            throttle.attempt(&account("ann"), at(1), now).unwrap();
            throttle.not_tried(&account("ann"), at(1));
        }
        // What was tried still counts.
        for n in 1..=10 {
            let admitted = throttle.attempt(&account("ann"), at(1), now).unwrap();
            assert_eq!((admitted.locks_account, admitted.locks_address), (n == 10, n == 10));
            if n == 9 {
                throttle.attempt(&account("ann"), at(1), now).unwrap();
                throttle.not_tried(&account("ann"), at(1));
            }
        }
        assert!(throttle.attempt(&account("ann"), at(1), now).is_err());
    }

    #[test]
    fn what_is_remembered_has_an_end() {
        let (mut throttle, now) = (Throttle::default(), Instant::now());
        for n in 0..u32::try_from(REMEMBERED).unwrap() + 100 {
            let _ = throttle.attempt(&account(&n.to_string()), IpAddr::from(n.to_be_bytes()), now);
        }
        assert!(throttle.accounts.len() <= REMEMBERED && throttle.addresses.len() <= REMEMBERED);
        assert!(throttle.attempt(&account("new"), at(1), now).is_err());
        assert!(throttle.attempt(&account("new"), at(1), now + SPAN).is_ok());
    }
}
