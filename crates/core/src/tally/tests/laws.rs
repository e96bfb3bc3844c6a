//! What holds for every legal history.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

/// A wish; what is not possible when its turn comes is left out.
#[derive(Clone, Copy, Debug)]
enum Wish {
    Accept { recipients: u32 },
    Deliver { which: usize, count: usize },
    Defer { which: usize },
    Bounce { which: usize, kind: BounceKind, report: bool },
    Delete { which: usize },
    Archive { which: usize },
    Corrupt { which: usize },
    Reject,
    ResetCounters,
    Restart,
}

fn wish() -> impl Strategy<Value = Wish> {
    let which = 0..64_usize;
    let kind = prop_oneof![
        Just(BounceKind::Dns),
        Just(BounceKind::FiveXx),
        Just(BounceKind::Filter),
        Just(BounceKind::Expired),
        Just(BounceKind::Other),
    ];
    prop_oneof![
        6 => (1..5_u32).prop_map(|recipients| Wish::Accept { recipients }),
        5 => (which.clone(), 1..4_usize).prop_map(|(which, count)| Wish::Deliver { which, count }),
        4 => which.clone().prop_map(|which| Wish::Defer { which }),
        3 => (which.clone(), kind, any::<bool>())
            .prop_map(|(which, kind, report)| Wish::Bounce { which, kind, report }),
        1 => which.clone().prop_map(|which| Wish::Delete { which }),
        1 => which.clone().prop_map(|which| Wish::Archive { which }),
        1 => which.prop_map(|which| Wish::Corrupt { which }),
        1 => Just(Wish::Reject),
        1 => Just(Wish::ResetCounters),
        1 => Just(Wish::Restart),
    ]
}

/// The world that the events tell of: which recipients of which message are open, and where they go.
#[derive(Default)]
struct World {
    open: BTreeMap<u64, Vec<u32>>,
    next_mid: u64,
    events: Vec<Stamped>,
}

const HOSTS: [&str; 3] = ["a.test", "b.test", "c.test"];

impl World {
    fn of(wishes: &[Wish]) -> Self {
        let mut world = Self::default();
        for wish in wishes {
            world.grant(*wish);
        }
        world
    }

    fn open_recipients(&self) -> u64 {
        self.open.values().map(|rids| rids.len() as u64).sum()
    }

    fn grant(&mut self, wish: Wish) {
        match wish {
            Wish::Accept { recipients } => {
                let mid = self.new_message((0..recipients).collect());
                self.tell(accepted(mid, recipients));
            }
            Wish::Deliver { which, count } => {
                let Some((mid, rids)) = self.take(which, count) else { return };
                self.tell(delivered(mid, &rids, HOSTS[which % 3]));
            }
            Wish::Defer { which } => {
                let Some((mid, rid)) = self.look(which) else { return };
                self.tell(deferred(mid, rid, HOSTS[which % 3]));
            }
            Wish::Bounce { which, kind, report } => {
                let Some((mid, rids)) = self.take(which, 1) else { return };
                self.tell(bounced(mid, rids[0], HOSTS[which % 3], kind));
                if report {
                    let report = self.new_message(vec![0]);
                    self.tell(generated(report, mid, GeneratedKind::Bounce, 1));
                }
            }
            Wish::Delete { which } => {
                let Some((mid, rids)) = self.take(which, 1) else { return };
                self.tell(deleted(mid, rids[0], HOSTS[which % 3]));
            }
            Wish::Archive { which } => {
                let Some((mid, rids)) = self.take(which, 1) else { return };
                self.tell(archived(mid, rids[0], HOSTS[which % 3]));
            }
            Wish::Corrupt { which } => {
                let Some((mid, rids)) = self.take(which, usize::MAX) else { return };
                self.tell(corrupt(mid, u32::try_from(rids.len()).unwrap()));
            }
            Wish::Reject => self.tell(rejected(self.next_mid)),
            Wish::ResetCounters => self.tell(Event::CountersReset),
            Wish::Restart => self.tell(Event::Started { version: "0".into(), node: "gw".into() }),
        }
    }

    fn new_message(&mut self, rids: Vec<u32>) -> u64 {
        self.next_mid += 1;
        self.open.insert(self.next_mid, rids);
        self.next_mid
    }

    fn look(&self, which: usize) -> Option<(u64, u32)> {
        let at = which.checked_rem(self.open.len())?;
        self.open.iter().nth(at).map(|(mid, rids)| (*mid, rids[0]))
    }

    fn take(&mut self, which: usize, count: usize) -> Option<(u64, Vec<u32>)> {
        let (mid, _) = self.look(which)?;
        let rids = self.open.get_mut(&mid)?;
        let taken = rids.drain(..count.min(rids.len())).collect();
        if rids.is_empty() {
            self.open.remove(&mid);
        }
        Some((mid, taken))
    }

    fn tell(&mut self, event: Event) {
        let second = self.events.len() as u64;
        self.events.push(at(second, event));
    }
}

/// Counts by looking through all events for each question.
fn naive(events: &[Stamped], host: Option<&str>) -> (Ends, u64) {
    let about = |name: &Host| host.is_none_or(|host| host == name.as_str());
    let count = |f: &dyn Fn(&Event) -> u64| events.iter().map(|stamped| f(&stamped.event)).sum::<u64>();
    let hard = |wanted: BounceKind| {
        count(&|event| match event {
            Event::Bounced { host, kind, .. } if about(host) && *kind == wanted => 1,
            _ => 0,
        })
    };
    let ends = Ends {
        hard: HardBounces {
            dns: hard(BounceKind::Dns),
            five_xx: hard(BounceKind::FiveXx),
            filter: hard(BounceKind::Filter),
            expired: hard(BounceKind::Expired),
            other: hard(BounceKind::Other),
        },
        delivered: count(&|event| match event {
            Event::Delivered { host, rids, .. } if about(host) => rids.len() as u64,
            _ => 0,
        }),
        deleted: count(&|event| u64::from(matches!(event, Event::Deleted { host, .. } if about(host)))),
    };
    let soft = count(&|event| u64::from(matches!(event, Event::Deferred { host, .. } if about(host))));
    (ends, soft)
}

fn last(events: &[Stamped], wanted: fn(&Event) -> bool) -> usize {
    events.iter().rposition(|stamped| wanted(&stamped.event)).map_or(0, |at| at + 1)
}

proptest! {
    #[test]
    fn counters_are_the_fold_of_the_events(wishes in proptest::collection::vec(wish(), 0..200)) {
        let world = World::of(&wishes);
        let events = &world.events;
        let tally = fold(events);
        let reset = last(events, |event| matches!(event, Event::CountersReset));
        let start = last(events, |event| matches!(event, Event::Started { .. }));
        for (column, from) in [(Column::Lifetime, 0), (Column::Reset, reset), (Column::Uptime, start)] {
            let counters = tally.counters(column);
            prop_assert_eq!((counters.ends, counters.soft_bounced_events), naive(&events[from..], None));
        }
        for name in HOSTS {
            let (ends, soft_bounced_events) = naive(&events[reset..], Some(name));
            let counters = tally.destination_counters(name).copied().unwrap_or_default();
            prop_assert_eq!((counters.ends, counters.soft_bounced_events), (ends, soft_bounced_events));
        }
    }

    #[test]
    fn the_identity_holds_after_every_event(wishes in proptest::collection::vec(wish(), 0..150)) {
        let (mut world, mut tally, mut told) = (World::default(), Tally::default(), 0);
        let (mut mark, mut opening) = (Counters::default(), 0);
        for wish in wishes {
            world.grant(wish);
            for event in &world.events[told..] {
                tally.apply(event);
            }
            told = world.events.len();
            let closing = world.open_recipients();
            let identity = tally.identity(closing);
            prop_assert!(identity.holds(), "{identity}");
            prop_assert_eq!(tally.open_recipients(), closing);
            prop_assert!(!tally.identity(closing + 1).holds());
            let life = tally.counters(Column::Lifetime);
            prop_assert!(Identity::over(opening, &life.since(&mark), closing).holds());
            if matches!(wish, Wish::Restart) {
                (mark, opening) = (life, closing);
            }
        }
    }

    /// What a segment's opening keeps, with the events behind it, is what never stopped counting.
    #[test]
    fn kept_counters_go_on_where_they_stopped(
        wishes in proptest::collection::vec(wish(), 1..150),
        cut in any::<proptest::sample::Index>(),
    ) {
        let events = World::of(&wishes).events;
        let cut = cut.index(events.len() + 1);
        let mut resumed = Tally::from_bytes(&fold(&events[..cut]).to_bytes()).unwrap();
        for event in &events[cut..] {
            resumed.apply(event);
        }
        prop_assert_eq!(kept(&resumed), kept(&fold(&events)));
    }

    #[test]
    fn no_octets_panic(octets in proptest::collection::vec(any::<u8>(), 0..200)) {
        let mut octets = octets;
        octets.insert(0, 1);
        drop(Tally::from_bytes(&octets));
    }
}
