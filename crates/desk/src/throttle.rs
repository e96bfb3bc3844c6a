//! Who guesses passwords is slowed down and turned away, and nobody else is.
//!
//! Wrong attempts are counted three times:
//!
//! * by name and place, an address or a browser that is known: too many lock this name there, and only there;
//! * by address: too many lock the address, but not for a name that came in from there lately;
//! * by name: these lock nothing, or whoever knows a name could keep its user out. Comparisons for it wait a
//!   little longer each, but where its user came in lately.
//!
//! An attempt is counted before its password is looked at, so that attempts side by side are not more than
//! attempts in a row; a right password takes its own back. Names that do not exist are counted alike: a lock tells
//! nobody which names do.
//!
//! Time is an argument. What is remembered is bounded: when a table is full the oldest goes, one that locks last.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::IpAddr;
use std::time::{Duration, Instant};

use crate::network::network;
use crate::secret::Digest;

/// Wrong attempts for a name at one place in a [`SPAN`] before it is locked there.
pub(crate) const ATTEMPTS: u32 = 10;
/// Wrong attempts from one address in a [`SPAN`], for whichever names, before it is locked.
const OF_ADDRESS: u32 = 30;
/// Wrong attempts for a name in a [`SPAN`], from wherever, that slow nothing down.
const OF_NAME: u32 = 20;
/// For how long attempts are remembered, and how long a lock lasts.
pub(crate) const SPAN: Duration = Duration::from_secs(15 * 60);
/// For how long a place is known at which somebody came in.
pub(crate) const KNOWN: Duration = Duration::from_secs(30 * 24 * 3_600);
/// Rows of each table.
const REMEMBERED: usize = 10_000;
/// The answer to each further wrong attempt at a place takes this much longer.
const STEP: Duration = Duration::from_millis(100);
/// Each comparison for a name that is slowed down waits this much longer than the one before,
const PAUSE: Duration = Duration::from_millis(100);
/// but no longer than this.
const LONGEST_PAUSE: Duration = Duration::from_secs(3);

/// An account that is tried: its name, and a number that is another one after its password was set anew.
pub(crate) type Account = (String, i64);

/// Where somebody stands who tries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Place {
    /// An address, as far as addresses count as one.
    Network(IpAddr),
    /// A browser that the account came in with: by the digest of what it was given then.
    Browser(Digest),
}

/// Remembers attempts, and where they were right.
#[derive(Default)]
pub(crate) struct Throttle {
    places: HashMap<(Account, Place), Tries>,
    addresses: HashMap<IpAddr, Tries>,
    names: HashMap<Account, Tries>,
    known: HashMap<(Account, Place), Instant>,
}

#[derive(Clone, Copy)]
struct Tries {
    count: u32,
    /// Of the first, and once locked of the one that locked.
    since: Instant,
}

impl Tries {
    fn rest(&self, now: Instant) -> Duration {
        SPAN.saturating_sub(now.saturating_duration_since(self.since))
    }
}

/// An attempt that may go on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Admitted {
    account: Account,
    place: Place,
    network: IpAddr,
    /// The account came in at this place lately.
    pub(crate) known: bool,
    /// How long the comparison waits.
    pub(crate) pause: Duration,
    /// How long the answer to a wrong password takes beyond the comparison.
    pub(crate) delay: Duration,
    /// This attempt, if wrong, is the one that locks the name at this place.
    pub(crate) locks_name: bool,
    /// This attempt, if wrong, is the one that locks the address.
    pub(crate) locks_address: bool,
    /// This attempt, if wrong, is the one from which on the name is slowed down.
    pub(crate) slows_name: bool,
}

impl Admitted {
    /// The browser is known for this account, so what it is known by stays.
    pub(crate) const fn keeps_browser(&self) -> bool {
        matches!(self.place, Place::Browser(_))
    }
}

impl Throttle {
    /// Counts an attempt from an address and perhaps a browser that was given a secret before; an error says how
    /// long to wait.
    pub(crate) fn attempt(
        &mut self,
        account: &Account,
        address: IpAddr,
        browser: Option<Digest>,
        now: Instant,
    ) -> Result<Admitted, Duration> {
        let network = network(address);
        let by_browser = browser.map(Place::Browser).filter(|place| self.knows(account, *place, now));
        let place = by_browser.unwrap_or(Place::Network(network));
        let known = by_browser.is_some() || self.knows(account, place, now);
        let here = (account.clone(), place);
        let mut rest = wait(&mut self.places, &here, ATTEMPTS, now);
        if !known {
            rest = rest.max(wait(&mut self.addresses, &network, OF_ADDRESS, now));
        }
        if let Some(rest) = rest {
            return Err(rest);
        }
        let at_place = count(&mut self.places, here, ATTEMPTS, now);
        let (mut at_address, mut for_name) = (0, 0);
        if !known {
            at_address = count(&mut self.addresses, network, OF_ADDRESS, now);
            wait(&mut self.names, account, u32::MAX, now);
            for_name = count(&mut self.names, account.clone(), u32::MAX, now);
        }
        Ok(Admitted {
            account: account.clone(),
            place,
            network,
            known,
            pause: (PAUSE * for_name.saturating_sub(OF_NAME)).min(LONGEST_PAUSE),
            delay: STEP * at_place,
            locks_name: at_place == ATTEMPTS,
            locks_address: at_address == OF_ADDRESS,
            slows_name: for_name == OF_NAME,
        })
    }

    /// The password was right; `browser` is what this browser is known by from now on.
    pub(crate) fn right(&mut self, admitted: &Admitted, browser: Digest, now: Instant) {
        self.places.remove(&(admitted.account.clone(), admitted.place));
        self.take_back(admitted);
        for place in [Place::Network(admitted.network), Place::Browser(browser)] {
            make_room(&mut self.known, |since| *since);
            self.known.insert((admitted.account.clone(), place), now);
        }
    }

    /// The password was not looked at.
    pub(crate) fn not_tried(&mut self, admitted: &Admitted) {
        take_back(&mut self.places, &(admitted.account.clone(), admitted.place));
        self.take_back(admitted);
    }

    fn take_back(&mut self, admitted: &Admitted) {
        if !admitted.known {
            take_back(&mut self.addresses, &admitted.network);
            take_back(&mut self.names, &admitted.account);
        }
    }

    fn knows(&self, account: &Account, place: Place, now: Instant) -> bool {
        let since = self.known.get(&(account.clone(), place));
        since.is_some_and(|since| now.saturating_duration_since(*since) < KNOWN)
    }
}

/// An attempt that is not to be held against a key.
fn take_back<K: Hash + Eq>(tries: &mut HashMap<K, Tries>, key: &K) {
    if let Some(tries) = tries.get_mut(key) {
        tries.count = tries.count.saturating_sub(1);
    }
}

/// How long a key has to wait, if it has to. What is too long ago is forgotten.
fn wait<K: Hash + Eq>(tries: &mut HashMap<K, Tries>, key: &K, most: u32, now: Instant) -> Option<Duration> {
    let known = tries.get(key)?;
    let rest = known.rest(now);
    if rest.is_zero() {
        tries.remove(key);
        return None;
    }
    (known.count >= most).then_some(rest)
}

fn count<K: Hash + Eq + Clone>(tries: &mut HashMap<K, Tries>, key: K, most: u32, now: Instant) -> u32 {
    if !tries.contains_key(&key) {
        make_room(tries, |row| (row.count >= most, row.since));
    }
    let tries = tries.entry(key).or_insert(Tries { count: 0, since: now });
    tries.count = tries.count.saturating_add(1);
    if tries.count >= most {
        tries.since = now;
    }
    tries.count
}

/// Removes the first by `order` when a table is full.
fn make_room<K: Hash + Eq + Clone, V, O: Ord>(table: &mut HashMap<K, V>, order: impl Fn(&V) -> O) {
    if table.len() >= REMEMBERED {
        let first = table.iter().min_by_key(|(_, row)| order(row)).map(|(key, _)| key.clone());
        if let Some(first) = first {
            table.remove(&first);
        }
    }
}

#[cfg(test)]
mod tests;
