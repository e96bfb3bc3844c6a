//! Random changes against a plain model in memory, with reopenings in between.

use std::collections::BTreeMap;

use mailreeve_core::event::Stamped;
use mailreeve_core::ids::{Mid, Rid};
use mailreeve_store::spool::*;
use proptest::prelude::*;

use crate::samples::*;

/// Content lengths around every boundary of [`small`].
const LENGTHS: [usize; 7] = [0, 1, 512, 513, 3000, 20_000, 40_000];

#[derive(Clone, Debug)]
enum Op {
    Put {
        length: usize,
        recipients: usize,
        staged: bool,
    },
    PutAgain(usize),
    Update {
        pick: usize,
        rid: u32,
        due: u64,
    },
    End {
        pick: usize,
        rid: u32,
    },
    Del(usize),
    Apart(usize),
    /// What was gathered since the last one goes into one commit.
    Commit {
        ledger_has_all: bool,
    },
    Reopen,
}

fn op() -> impl Strategy<Value = Op> {
    let pick = 0..1000_usize;
    prop_oneof![
        6 => (prop::sample::select(&LENGTHS), 1..4_usize, any::<bool>())
            .prop_map(|(length, recipients, staged)| Op::Put { length, recipients, staged }),
        1 => pick.clone().prop_map(Op::PutAgain),
        3 => (pick.clone(), 0..3_u32, 1..1000_u64).prop_map(|(pick, rid, due)| Op::Update { pick, rid, due }),
        3 => (pick.clone(), 0..3_u32).prop_map(|(pick, rid)| Op::End { pick, rid }),
        4 => pick.clone().prop_map(Op::Del),
        1 => pick.prop_map(Op::Apart),
        5 => any::<bool>().prop_map(|ledger_has_all| Op::Commit { ledger_has_all }),
        1 => Just(Op::Reopen),
    ]
}

/// A recipient: never tried, tried, or ended.
#[derive(Clone, Debug, PartialEq)]
enum Waiting {
    Untried,
    Tried(u64),
    Ended,
}

#[derive(Clone, Debug)]
struct Message {
    length: usize,
    recipients: usize,
    states: BTreeMap<u32, Waiting>,
}

#[derive(Clone, Debug, Default)]
struct Model {
    messages: BTreeMap<u64, Message>,
    aparts: BTreeMap<u64, usize>,
}

impl Model {
    /// Applies a part of one change; says what a spool must refuse.
    fn apply(&mut self, batch: &Batch) -> Result<(), Refusal> {
        for put in &batch.puts {
            let mid = put.envelope.mid;
            if self.messages.contains_key(&mid.0) {
                return Err(Refusal::DuplicateMid(mid));
            }
            let recipients = put.envelope.recipients.len();
            let length = usize::try_from(put.envelope.size).unwrap();
            self.messages.insert(mid.0, Message { length, recipients, states: BTreeMap::new() });
        }
        for state in &batch.updates {
            let message = self.messages.get_mut(&state.mid.0).ok_or(Refusal::UnknownMid(state.mid))?;
            if message.states.get(&state.rid.0) == Some(&Waiting::Ended) {
                return Err(Refusal::Ended(state.mid, state.rid));
            }
            message.states.insert(state.rid.0, Waiting::Tried(state.due_at));
        }
        for (mid, rid) in &batch.ends {
            let message = self.messages.get_mut(&mid.0).ok_or(Refusal::UnknownMid(*mid))?;
            message.states.insert(rid.0, Waiting::Ended);
        }
        for mid in &batch.dels {
            self.messages.remove(&mid.0).ok_or(Refusal::UnknownMid(*mid))?;
        }
        for apart in &batch.aparts {
            let message = self.messages.remove(&apart.mid.0).ok_or(Refusal::UnknownMid(apart.mid))?;
            self.aparts.insert(apart.mid.0, message.length);
        }
        Ok(())
    }

    fn waits(&self) -> BTreeMap<u64, Waits> {
        let waits = |message: &Message| {
            (0..u32::try_from(message.recipients).unwrap())
                .filter_map(|rid| match message.states.get(&rid).unwrap_or(&Waiting::Untried) {
                    Waiting::Untried => Some((rid, None)),
                    Waiting::Tried(due) => Some((rid, Some((1, *due)))),
                    Waiting::Ended => None,
                })
                .collect()
        };
        self.messages.iter().map(|(mid, message)| (*mid, waits(message))).collect()
    }
}

/// A spool and what it should be.
struct Run {
    dir: tempfile::TempDir,
    options: Options,
    opened: Option<Opened>,
    model: Model,
    next_mid: u64,
    parts: Vec<Batch>,
    outbox: Vec<(Seq, Vec<Stamped>)>,
    synced: Seq,
}

impl Run {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let options = small();
        let opened = Some(open(dir.path(), &options));
        Self {
            dir,
            options,
            opened,
            model: Model::default(),
            next_mid: 1,
            parts: Vec::new(),
            outbox: Vec::new(),
            synced: Seq(0),
        }
    }

    fn opened(&mut self) -> &mut Opened {
        self.opened.as_mut().unwrap()
    }

    fn step(&mut self, op: Op) {
        // Numbers a little above those given too: some operations must meet nothing.
        let near = |pick: usize, next: u64| 1 + pick as u64 % (next + 1);
        let next = self.next_mid;
        match op {
            Op::Put { length, recipients, staged } => {
                let mut put = put(next, recipients, length);
                if staged {
                    let mut file = self.opened().staging.create().unwrap();
                    file.write(&octets(next, length)).unwrap();
                    put.content = file.finish().unwrap();
                }
                self.next_mid += 1;
                self.parts.push(mail(vec![put]));
            }
            Op::PutAgain(pick) => {
                // Ids are never given twice; what matters is that a message in the queue is not overwritten.
                let mid = near(pick, next - 1);
                if self.parts.is_empty() && self.model.messages.contains_key(&mid) {
                    self.parts.push(mail(vec![put(mid, 1, 7)]));
                }
            }
            Op::Update { pick, rid, due } => {
                let updates = vec![state(near(pick, next), rid, 1, due)];
                self.parts.push(Batch { updates, ..Batch::default() });
            }
            Op::End { pick, rid } => {
                let ends = vec![(Mid(near(pick, next)), Rid(rid))];
                self.parts.push(Batch { ends, ..Batch::default() });
            }
            Op::Del(pick) => self.parts.push(ends(&[near(pick, next)])),
            Op::Apart(pick) => {
                let aparts = vec![Apart { mid: Mid(near(pick, next)), detail: "told".to_owned() }];
                self.parts.push(Batch { aparts, ..Batch::default() });
            }
            Op::Commit { ledger_has_all } => self.commit(ledger_has_all),
            Op::Reopen => self.reopen(),
        }
    }

    /// Commits as the committer does: without the part that is refused, until it succeeds.
    fn commit(&mut self, ledger_has_all: bool) {
        let mut parts = std::mem::take(&mut self.parts);
        if ledger_has_all {
            self.synced = self.outbox.last().map_or(self.synced, |(seq, _)| *seq);
        }
        let housekeeping = Housekeeping { ledger_synced: self.synced, id_limits: None };
        loop {
            let mut after = self.model.clone();
            let refused =
                parts.iter().enumerate().find_map(|(at, part)| Some((at, after.apply(part).err()?)));
            match (self.opened().engine.commit(&parts, &housekeeping), refused) {
                (Ok(seq), None) => {
                    let events: Vec<Stamped> = parts.iter().flat_map(|part| part.events.clone()).collect();
                    if !events.is_empty() {
                        self.outbox.push((seq, events));
                    }
                    self.model = after;
                    break;
                }
                (Err(SpoolError::Refused { part, refusal }), Some(expected)) => {
                    assert_eq!((part, refusal), expected);
                    parts.remove(part);
                }
                (result, expected) => panic!("{result:?}, expected {expected:?}"),
            }
        }
        assert_eq!(self.opened().reader.usage().messages, self.model.messages.len() as u64);
        if let Some((mid, message)) = self.model.messages.last_key_value() {
            let (mid, length) = (*mid, message.length);
            assert_eq!(read_all(&self.opened().reader, mid), octets(mid, length));
        }
    }

    fn reopen(&mut self) {
        self.commit(false);
        drop(self.opened.take());
        self.opened = Some(open(self.dir.path(), &self.options));
        let (model, outbox, synced) = (self.model.clone(), self.outbox.clone(), self.synced);
        let opened = self.opened();
        assert_eq!(opened.recovery.total(), model.messages.len() as u64);
        assert_eq!(everything(&mut opened.recovery), model.waits());
        for (mid, message) in &model.messages {
            assert_eq!(read_all(&opened.reader, *mid), octets(*mid, message.length), "message {mid}");
            let expected = envelope(*mid, message.recipients, message.length as u64);
            assert_eq!(opened.reader.envelope(Mid(*mid)).unwrap(), *expected);
        }
        let aparts: BTreeMap<u64, ()> =
            opened.reader.aparts().unwrap().iter().map(|apart| (apart.mid.0, ())).collect();
        assert_eq!(aparts.keys().collect::<Vec<_>>(), model.aparts.keys().collect::<Vec<_>>());
        let owed = |outbox: &[(Seq, Vec<Stamped>)]| -> Vec<(Seq, Vec<Stamped>)> {
            let owed = outbox.iter().filter(|(seq, events)| *seq > synced && !events.is_empty());
            owed.cloned().collect()
        };
        assert_eq!(owed(&opened.outbox), owed(&outbox));
        assert_eq!(opened.lost_outbox, []);
    }
}

fn hold(ops: Vec<Op>) {
    let mut run = Run::new();
    for op in ops {
        run.step(op);
    }
    run.reopen();
    run.reopen();
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, max_shrink_iters: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_spool_is_what_the_model_is(ops in prop::collection::vec(op(), 1..160)) {
        hold(ops);
    }
}
