//! What waits in the work queue, by number and by destination: nothing of it has to be read to find or count it.

use std::collections::BTreeMap;

use mailreeve_core::ids::{Host, Mid};

use super::Load;

/// How many recipients of a message wait for which destination.
type Shares = Box<[(Host, u32)]>;

/// What waits. Of a message whose commit is under way only the number is known.
#[derive(Default)]
pub(super) struct Waiting {
    messages: BTreeMap<Mid, Option<Shares>>,
    destinations: BTreeMap<Host, BTreeMap<Mid, u32>>,
    recipients: u64,
}

fn sum(shares: &Shares) -> u32 {
    shares.iter().map(|(_, recipients)| recipients).sum()
}

impl Waiting {
    /// Notes a message whose commit is under way.
    pub(super) fn comes(&mut self, mid: Mid) {
        self.messages.insert(mid, None);
    }

    /// Tells whether a message is noted, stored or not yet.
    pub(super) fn knows(&self, mid: Mid) -> bool {
        self.messages.contains_key(&mid)
    }

    /// Notes whom a stored message waits for; who was noted of it before is forgotten.
    pub(super) fn note(&mut self, mid: Mid, recipients: impl Iterator<Item = (Host, u32)>) {
        self.forget(mid);
        let mut by_host: BTreeMap<Host, u32> = BTreeMap::new();
        for (host, count) in recipients {
            *by_host.entry(host).or_default() += count;
        }
        for (host, count) in &by_host {
            self.recipients += u64::from(*count);
            self.destinations.entry(host.clone()).or_default().insert(mid, *count);
        }
        self.messages.insert(mid, Some(by_host.into_iter().collect()));
    }

    /// Forgets a message.
    pub(super) fn forget(&mut self, mid: Mid) {
        let Some(Some(shares)) = self.messages.remove(&mid) else { return };
        self.recipients -= u64::from(sum(&shares));
        for (host, _) in &shares {
            if let Some(messages) = self.destinations.get_mut(host) {
                messages.remove(&mid);
                if messages.is_empty() {
                    self.destinations.remove(host);
                }
            }
        }
    }

    pub(super) fn load(&self) -> Load {
        Load { messages: self.messages.len() as u64, recipients: self.recipients }
    }

    /// Returns the first message that is noted, stored or not yet.
    pub(super) fn first(&self) -> Option<Mid> {
        self.messages.keys().next().copied()
    }

    /// Yields the stored messages behind `after` in order, all or those for one destination, each with so many of its
    /// recipients.
    pub(super) fn stored(
        &self,
        host: Option<&Host>,
        after: Option<Mid>,
    ) -> Box<dyn Iterator<Item = (Mid, u32)> + '_> {
        let from = after.map_or(Mid(0), |after| Mid(after.0.saturating_add(1)));
        match host {
            None => {
                let messages = self.messages.range(from..);
                Box::new(messages.filter_map(|(mid, shares)| Some((*mid, sum(shares.as_ref()?)))))
            }
            Some(host) => {
                let messages = self.destinations.get(host).into_iter();
                Box::new(messages.flat_map(move |of| of.range(from..)).map(|(mid, count)| (*mid, *count)))
            }
        }
    }

    /// Returns how many recipients of a message wait.
    pub(super) fn recipients_of(&self, mid: Mid) -> u32 {
        self.messages.get(&mid).and_then(Option::as_ref).map_or(0, sum)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shares(names: &[&str]) -> impl Iterator<Item = (Host, u32)> {
        names.iter().map(|name| (Host::new(name), 1))
    }

    fn stored(waiting: &Waiting, host: &str, after: Option<u64>) -> Vec<(u64, u32)> {
        let host = Host::new(host);
        waiting.stored(Some(&host), after.map(Mid)).map(|(mid, count)| (mid.0, count)).collect()
    }

    #[test]
    fn who_waits_for_a_destination_is_known_without_a_look_at_the_others() {
        let mut waiting = Waiting::default();
        waiting.comes(Mid(1));
        assert_eq!((waiting.load().messages, waiting.recipients_of(Mid(1))), (1, 0));
        waiting.note(Mid(1), shares(&["a.test", "b.test", "a.test"]));
        waiting.note(Mid(2), shares(&["b.test"]));
        waiting.comes(Mid(3));
        assert_eq!(waiting.load(), Load { messages: 3, recipients: 4 });
        assert_eq!(stored(&waiting, "a.test", None), [(1, 2)]);
        assert_eq!(stored(&waiting, "b.test", None), [(1, 1), (2, 1)]);
        assert_eq!(stored(&waiting, "b.test", Some(1)), [(2, 1)]);
        waiting.note(Mid(1), shares(&["c.test"]));
        assert_eq!((stored(&waiting, "a.test", None), waiting.recipients_of(Mid(1))), (vec![], 1));
        for mid in 1..=3 {
            waiting.forget(Mid(mid));
        }
        assert_eq!((waiting.load(), waiting.destinations.len()), (Load::default(), 0));
    }

    #[test]
    fn a_waiting_message_takes_24_octets_and_24_for_each_destination_beside_the_trees() {
        assert_eq!(size_of::<(Mid, Option<Shares>)>(), 24);
        assert_eq!(size_of::<(Host, u32)>(), 24);
        assert_eq!(size_of::<(Mid, u32)>(), 16);
    }
}
