//! Conversations in a bounded ring: a lane for each [`Fate`], each with room of its own, so that those that went well
//! go first and those that failed go last.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hasher as _};
use std::net::{IpAddr, Ipv6Addr};
use std::path::Path;

use mailreeve_core::conversation::{Fate, SHARES, Stretch, Which};
use mailreeve_core::ids::Mid;

use super::RecorderError;
use super::lane::Lane;
use super::search::Search;

/// Shares begin anew after this long, microseconds, however little was kept meanwhile.
const SHARES_RENEW_US: u64 = 3_600 * 1_000_000;

/// What is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// A conversation.
    Conversation(Which),
    /// All that is about a message.
    Message(Mid),
}

/// The ring. One owner writes; a [`Search`] reads beside it.
#[derive(Debug)]
pub struct Ring {
    lanes: [Lane; Fate::ALL.len()],
    shares: [Shares; Fate::ALL.len()],
}

impl Ring {
    /// Opens the ring in `dir` for at most `max_bytes` (no less than 16 MiB); returns it and how many torn octets were
    /// cut that a crash had left.
    ///
    /// # Errors
    /// [`RecorderError::Io`].
    pub fn open(dir: &Path, max_bytes: u64) -> Result<(Self, u64), RecorderError> {
        let max_bytes = max_bytes.max(16 << 20);
        let mut cut = 0;
        let mut lane = |fate: Fate| {
            let (lane, torn) = Lane::open(&dir.join(fate.word()), fate.room(max_bytes))?;
            cut += torn;
            Ok::<_, RecorderError>(lane)
        };
        let [failed, routine, crowd] = Fate::ALL;
        let lanes = [lane(failed)?, lane(routine)?, lane(crowd)?];
        Ok((Self { lanes, shares: Default::default() }, cut))
    }

    /// Keeps stretches. They survive the end of the process once this returns.
    ///
    /// # Errors
    /// [`RecorderError::Io`].
    pub fn keep(&mut self, stretches: &[Stretch], now_us: u64) -> Result<(), RecorderError> {
        for stretch in stretches {
            let keys = keys(stretch);
            let shares = &self.shares;
            let lanes = &self.lanes;
            let over = |fate: Fate| {
                let most = lanes[fate as usize].segment_bytes() / SHARES;
                keys.iter().flatten().any(|key| shares[fate as usize].of(*key, now_us) >= most)
            };
            let fate = Fate::of(stretch.failed, over) as usize;
            let gathering = self.lanes[fate].gathering();
            let before = gathering.octets.len();
            if !gathering.push(stretch) {
                continue;
            }
            let octets = (gathering.octets.len() - before) as u64;
            self.shares[fate].add(keys.into_iter().flatten(), octets, now_us);
            if self.lanes[fate].pack_if_full()? {
                self.shares[fate] = Shares::default();
            }
        }
        self.lanes.iter_mut().try_for_each(Lane::write)
    }

    /// Octets on disk.
    pub fn bytes(&self) -> u64 {
        self.lanes.iter().map(Lane::bytes).sum()
    }

    /// The oldest instant of anything in it, microseconds since the epoch.
    pub fn oldest(&self) -> Option<u64> {
        self.lanes.iter().filter_map(Lane::oldest).min()
    }

    /// Begins a search; it is carried out without the ring.
    pub fn search(&mut self, wanted: Wanted) -> Search {
        let mut search = Search::new(wanted);
        for lane in &mut self.lanes {
            search.add_records(lane.gathering().octets.clone());
            search.add_blocks(lane.blocks());
        }
        search
    }
}

/// Octets that each destination and peer has in a segment, since it was begun or for an hour.
#[derive(Debug, Default)]
struct Shares {
    since: u64,
    octets: HashMap<u64, u64>,
}

impl Shares {
    fn of(&self, key: u64, now_us: u64) -> u64 {
        if now_us.saturating_sub(self.since) >= SHARES_RENEW_US {
            return 0;
        }
        self.octets.get(&key).copied().unwrap_or(0)
    }

    fn add(&mut self, keys: impl Iterator<Item = u64>, octets: u64, now_us: u64) {
        if now_us.saturating_sub(self.since) >= SHARES_RENEW_US {
            self.octets.clear();
            self.since = now_us;
        }
        for key in keys {
            *self.octets.entry(key).or_default() += octets;
        }
    }
}

/// Who has a share: the destination, and the peer (of IPv6 its /64).
fn keys(stretch: &Stretch) -> [Option<u64>; 2] {
    let peer = match stretch.parties.peer.ip() {
        IpAddr::V4(v4) => IpAddr::V4(v4),
        IpAddr::V6(v6) => {
            let [a, b, c, d, ..] = v6.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
    };
    [stretch.parties.host.as_ref().map(hash), Some(hash(&peer))]
}

fn hash(key: &impl std::hash::Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    key.hash(&mut hasher);
    hasher.finish()
}
