//! Stretches that go on, as they were shown last: in memory only, so that whoever looks finds a conversation while it
//! lasts, and the files have each stretch once, with the fate of the whole.

use std::collections::{BTreeMap, HashMap};

use mailreeve_core::conversation::{Stretch, Which};
use mailreeve_store::recorder::Wanted;

/// Octets of all of them; beyond, those that said nothing for the longest are found only once their stretch is over.
const OCTETS_MAX: usize = 4 << 20;
/// Octets of one beside its steps, roughly.
const STRETCH_OCTETS: usize = 256;

/// The stretches under way.
#[derive(Default)]
pub(super) struct UnderWay {
    shown: HashMap<Which, (u64, Stretch)>,
    /// By when they were shown.
    order: BTreeMap<u64, Which>,
    next: u64,
    octets: usize,
}

impl UnderWay {
    /// Takes what a stretch has so far, in place of what it had before.
    pub(super) fn show(&mut self, stretch: Stretch) {
        let which = stretch.parties.which;
        self.remove(which);
        self.octets += octets(&stretch);
        self.order.insert(self.next, which);
        self.shown.insert(which, (self.next, stretch));
        self.next += 1;
        while self.octets > OCTETS_MAX
            && let Some((_, oldest)) = self.order.first_key_value()
        {
            self.remove(*oldest);
        }
    }

    /// The stretch of a conversation is over, and kept.
    pub(super) fn over(&mut self, which: Which) {
        if !self.shown.is_empty() {
            self.remove(which);
        }
    }

    fn remove(&mut self, which: Which) {
        if let Some((place, stretch)) = self.shown.remove(&which) {
            self.order.remove(&place);
            self.octets -= octets(&stretch);
        }
    }

    /// Returns those that are wanted.
    pub(super) fn of(&self, wanted: Wanted) -> Vec<Stretch> {
        let all = self.shown.values().map(|(_, stretch)| stretch);
        match wanted {
            Wanted::Conversation(which) => {
                self.shown.get(&which).map(|(_, stretch)| stretch.clone()).into_iter().collect()
            }
            Wanted::Message(mid) => all.filter(|stretch| stretch.mid == Some(mid)).cloned().collect(),
        }
    }
}

fn octets(stretch: &Stretch) -> usize {
    STRETCH_OCTETS + stretch.steps.len()
}

#[cfg(test)]
mod tests {
    use mailreeve_core::conversation::Parties;
    use mailreeve_core::ids::{Icid, Mid};
    use mailreeve_smtp::transcript;

    use super::*;

    fn stretch(icid: u64, octets: usize) -> Stretch {
        let parties = Parties {
            which: Which::Inbound(Icid(icid)),
            began_at: icid,
            local: None,
            peer: ([192, 0, 2, 1], 25).into(),
            name: "Incoming".to_owned(),
            host: None,
        };
        let said = transcript::Stretch { octets: vec![0; octets], ..transcript::Stretch::default() };
        Stretch { mid: Some(Mid(icid * 10)), ..Stretch::new(parties, 0, said) }
    }

    #[test]
    fn what_is_shown_is_replaced_and_goes_when_its_stretch_is_kept() {
        let mut shown = UnderWay::default();
        let which = Which::Inbound(Icid(1));
        shown.show(stretch(1, 10));
        shown.show(stretch(1, 20));
        shown.show(stretch(2, 5));
        let steps = |wanted| shown.of(wanted).iter().map(|found| found.steps.len()).collect::<Vec<_>>();
        assert_eq!(steps(Wanted::Conversation(which)), [20]);
        assert_eq!(steps(Wanted::Message(Mid(20))), [5]);
        assert!(steps(Wanted::Message(Mid(30))).is_empty());
        shown.over(which);
        assert!(shown.of(Wanted::Conversation(which)).is_empty());
        shown.over(Which::Inbound(Icid(2)));
        assert_eq!((shown.octets, shown.order.len()), (0, 0));
    }

    #[test]
    fn room_is_bounded_and_the_one_shown_longest_ago_gives_way() {
        let mut shown = UnderWay::default();
        let each = 16 << 10;
        let most = (OCTETS_MAX / (each + STRETCH_OCTETS)) as u64;
        (0..most).for_each(|icid| shown.show(stretch(icid, each)));
        shown.show(stretch(0, each));
        shown.show(stretch(most, each));
        assert!(shown.octets <= OCTETS_MAX);
        let there = |icid| !shown.of(Wanted::Conversation(Which::Inbound(Icid(icid)))).is_empty();
        assert_eq!((there(0), there(1), there(2), there(most)), (true, false, true, true));
    }
}
