//! Events an hour over the last minutes: one slot a second, summed when asked.

/// Seconds that are remembered: the longest window.
const SECONDS: usize = 900;

/// Kinds of which rates are kept.
#[derive(Clone, Copy, Debug)]
pub(super) enum Kind {
    MessagesReceived,
    RecipientsReceived,
    SoftBouncedEvents,
    HardBounced,
    Delivered,
    Deleted,
}

const KINDS: usize = 6;

/// Events an hour, extrapolated from one window.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rate {
    /// Messages Received.
    pub messages_received: u64,
    /// Recipients Received.
    pub recipients_received: u64,
    /// Soft Bounced Events.
    pub soft_bounced_events: u64,
    /// Completed Recipients.
    pub completed: u64,
    /// Hard Bounced Recipients.
    pub hard_bounced: u64,
    /// Delivered Recipients.
    pub delivered: u64,
}

/// The seconds of the longest window, each at its place modulo [`SECONDS`].
#[derive(Clone, Debug)]
pub(super) struct Rates {
    slots: Box<[Slot]>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Slot {
    second: u64,
    counts: [u64; KINDS],
}

impl Default for Rates {
    fn default() -> Self {
        Self { slots: vec![Slot::default(); SECONDS].into_boxed_slice() }
    }
}

impl Rates {
    /// Counts `count` events at `at`, microseconds. What is older than the longest window is left out.
    pub(super) fn add(&mut self, at: u64, kind: Kind, count: u64) {
        let second = at / 1_000_000;
        let slot = &mut self.slots[(second % SECONDS as u64) as usize];
        if slot.second < second {
            *slot = Slot { second, counts: [0; KINDS] };
        }
        if slot.second == second {
            slot.counts[kind as usize] += count;
        }
    }

    /// Returns the rates over 1, 5 and 15 minutes; the second of `now` is the last of each window.
    pub(super) fn windows(&self, now: u64) -> [Rate; 3] {
        let now = now / 1_000_000;
        [60, 300, 900].map(|seconds| {
            let mut sums = [0; KINDS];
            let inside = |slot: &&Slot| slot.second <= now && now - slot.second < seconds;
            for slot in self.slots.iter().filter(inside) {
                for (sum, count) in sums.iter_mut().zip(slot.counts) {
                    *sum += count;
                }
            }
            rate(sums.map(|sum| sum * 3_600 / seconds))
        })
    }
}

const fn rate(sums: [u64; KINDS]) -> Rate {
    let hard_bounced = sums[Kind::HardBounced as usize];
    let delivered = sums[Kind::Delivered as usize];
    Rate {
        messages_received: sums[Kind::MessagesReceived as usize],
        recipients_received: sums[Kind::RecipientsReceived as usize],
        soft_bounced_events: sums[Kind::SoftBouncedEvents as usize],
        completed: hard_bounced + delivered + sums[Kind::Deleted as usize],
        hard_bounced,
        delivered,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000;

    fn delivered(rates: &Rates, now: u64) -> [u64; 3] {
        rates.windows(now * SECOND).map(|rate| rate.delivered)
    }

    #[test]
    fn a_hundred_in_the_last_minute() {
        let mut rates = Rates::default();
        rates.add(10_000 * SECOND, Kind::Delivered, 100);
        assert_eq!(delivered(&rates, 10_000), [6_000, 1_200, 400]);
        assert_eq!(delivered(&rates, 10_059), [6_000, 1_200, 400]);
        assert_eq!(delivered(&rates, 10_060), [0, 1_200, 400]);
        assert_eq!(delivered(&rates, 10_299), [0, 1_200, 400]);
        assert_eq!(delivered(&rates, 10_300), [0, 0, 400]);
        assert_eq!(delivered(&rates, 10_899), [0, 0, 400]);
        assert_eq!(delivered(&rates, 10_900), [0, 0, 0]);
    }

    #[test]
    fn slots_are_used_again_and_late_events_find_theirs() {
        let mut rates = Rates::default();
        rates.add(1_000 * SECOND, Kind::Delivered, 1);
        rates.add(1_900 * SECOND, Kind::Delivered, 10);
        assert_eq!(delivered(&rates, 1_900), [600, 120, 40]);
        rates.add(1_000 * SECOND, Kind::Delivered, 1);
        assert_eq!(delivered(&rates, 1_900), [600, 120, 40]);
        rates.add(1_899 * SECOND, Kind::Delivered, 5);
        assert_eq!(delivered(&rates, 1_900), [900, 180, 60]);
        assert_eq!(delivered(&rates, 1_898), [0, 0, 0]);
    }
}
