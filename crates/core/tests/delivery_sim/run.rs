//! One seed: the scheduler between the world and the model, call by call.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};
use std::sync::Arc;

use mailreeve_core::delivery::Delivery;
use mailreeve_core::delivery::io::{Effect, Input, Order, OrderId};
use mailreeve_core::delivery::settings::Settings;
use mailreeve_core::ids::{Dcid, Host, Mid, Rid};

use crate::clock::{Clock, HOUR, MILLI, SECOND};
use crate::coverage::{Coverage, Point};
use crate::model::{Model, Scene, Verdict, Violation, broken, require};
use crate::rng::Rng;
use crate::shell::Happening;
use crate::spool::Spool;
use crate::traffic;
use crate::world::World;

/// Calls at one instant after which the scheduler is taken to be going in circles.
const CALLS_AT_ONE_INSTANT: usize = 200;

/// Of so many heartbeats one is judged.
const BEATS_JUDGED: u64 = 16;

/// After one call of so many the pages of recipients are compared.
const VIEWS_JUDGED: u64 = 8;

/// A run in progress.
pub(crate) struct Sim {
    pub(crate) clock: Clock,
    pub(crate) rng: Rng,
    pub(crate) world: World,
    pub(crate) spool: Spool,
    pub(crate) model: Model,
    pub(crate) delivery: Delivery,
    pub(crate) settings: Arc<Settings>,
    pub(crate) coverage: Coverage,
    /// What the world will do, by steady time.
    pub(crate) agenda: BinaryHeap<Reverse<(u64, u64, Happening)>>,
    pub(crate) sequence: u64,
    /// When the shell wakes the scheduler, steady.
    pub(crate) wake_at: Option<u64>,
    pub(crate) next_mid: u64,
    pub(crate) highest_dcid: u64,
    pub(crate) suspended: BTreeMap<Option<Host>, String>,
    /// Operators' orders that are not over: they survive a restart.
    pub(crate) orders: BTreeMap<OrderId, Order>,
    pub(crate) next_order: u64,
    /// Recipients whose end or attempt was cut by a crash: sending them again is right.
    pub(crate) may_repeat: BTreeSet<(Mid, Rid)>,
    /// The next record of these that is handed out is damaged.
    pub(crate) damaged: BTreeSet<Mid>,
    pub(crate) calls: u64,
    effects: u64,
    trace: bool,
}

/// What a clean run did.
#[derive(Clone, Debug, Default)]
pub(crate) struct Summary {
    /// Calls of the scheduler.
    pub(crate) calls: u64,
    /// Recipients that entered.
    pub(crate) messages: u64,
}

/// Runs one seed.
pub(crate) fn run(
    seed: u64,
    steps: u32,
    trace: bool,
    coverage: &mut Coverage,
) -> Result<Summary, (Violation, String)> {
    let mut sim = Sim::new(seed, trace);
    let result = sim.live(steps);
    coverage.add(&sim.coverage);
    match result {
        Ok(()) => Ok(Summary { calls: sim.calls, messages: sim.next_mid - 1 }),
        Err(violation) => Err((
            violation,
            format!("call {}, steady {} s", sim.calls, (sim.clock.steady / SECOND) - 1_700_000_000),
        )),
    }
}

impl Sim {
    fn new(seed: u64, trace: bool) -> Self {
        let mut rng = Rng::new(seed);
        let world = World::new(&mut rng);
        let settings = Arc::new(traffic::some_settings(&world, &mut rng));
        Self {
            clock: Clock::new(),
            world,
            spool: Spool::new(),
            model: Model::new(settings.clone()),
            delivery: Delivery::new(settings.clone(), rng.next(), Dcid(1)),
            settings,
            coverage: Coverage::new(),
            agenda: BinaryHeap::new(),
            sequence: 0,
            wake_at: None,
            next_mid: 1,
            highest_dcid: 0,
            suspended: BTreeMap::new(),
            orders: BTreeMap::new(),
            next_order: 1,
            may_repeat: BTreeSet::new(),
            damaged: BTreeSet::new(),
            calls: 0,
            effects: 0,
            trace,
            rng,
        }
    }

    fn live(&mut self, steps: u32) -> Verdict {
        if self.trace {
            println!("{:?}", self.settings);
        }
        for _ in 0..steps {
            let pause = self.rng.weighted(&[
                (40, 200 * MILLI),
                (25, 5 * SECOND),
                (20, 90 * SECOND),
                (8, 1_200 * SECOND),
                (2, 3 * HOUR),
            ]);
            let pause = self.rng.range(1, pause);
            self.advance(self.clock.steady + pause)?;
            self.chaos()?;
        }
        self.heal()
    }

    /// Lets the world and the scheduler live until the steady time `until`.
    pub(crate) fn advance(&mut self, until: u64) -> Verdict {
        loop {
            let happening = self.agenda.peek().map(|Reverse((at, ..))| *at);
            let wake = self.wake_at;
            let Some(next) = [happening, wake].into_iter().flatten().min().filter(|next| *next <= until)
            else {
                break;
            };
            self.clock.steady = self.clock.steady.max(next);
            self.spool.commit(self.clock.steady);
            if happening == Some(next) {
                if let Some(Reverse((.., happening))) = self.agenda.pop() {
                    self.happen(happening)?;
                }
            } else {
                self.wake_at = None;
                self.tell(Input::Tick)?;
            }
        }
        self.clock.steady = self.clock.steady.max(until);
        self.spool.commit(self.clock.steady);
        Ok(())
    }

    /// Gives an input to the scheduler, carries out what it asks for, and judges everything.
    pub(crate) fn tell(&mut self, input: Input) -> Verdict {
        // A heartbeat that does nothing is judged now and then only; there are thousands in a quiet day.
        let beat = matches!(input, Input::Tick);
        let before = self.effects;
        self.call(input)?;
        let mut calls = 0;
        while self.delivery.deadline().is_some_and(|deadline| deadline <= self.clock.wall()) {
            calls += 1;
            let busy = calls > CALLS_AT_ONE_INSTANT;
            require(!busy, "time makes progress", || {
                format!("{calls} calls at {:?}, deadline {:?}", self.clock.wall(), self.delivery.deadline())
            })?;
            self.call(Input::Tick)?;
        }
        self.wake_at = self.delivery.deadline().map(|deadline| self.clock.to_steady(deadline.0));
        if beat && self.effects == before && self.calls % BEATS_JUDGED != 0 {
            return Ok(());
        }
        self.judge()
    }

    fn call(&mut self, input: Input) -> Verdict {
        self.calls += 1;
        self.coverage.input(&input);
        if self.trace {
            println!(
                "{:>12} {:?} <- {input:?}",
                self.clock.steady - 1_700_000_000 * SECOND,
                self.clock.wall().0
            );
        }
        self.model.begin(&input, Scene { world: &self.world, clock: &self.clock }, &mut self.coverage)?;
        let mut effects = Vec::new();
        self.delivery.handle(input, self.clock.wall(), &mut effects);
        self.effects += effects.len() as u64;
        for effect in effects {
            if self.trace {
                println!(
                    "{:>12} {:?}   -> {effect:?}",
                    self.clock.steady - 1_700_000_000 * SECOND,
                    self.clock.wall().0
                );
            }
            self.model.effect(
                &effect,
                Scene { world: &self.world, clock: &self.clock },
                &mut self.coverage,
            )?;
            self.carry_out(effect)?;
        }
        self.model.finish()
    }

    /// Compares everything that the scheduler claims with the world.
    fn judge(&mut self) -> Verdict {
        let scene = Scene { world: &self.world, clock: &self.clock };
        let keys: Vec<(Mid, Rid)> = self.model.recipients.keys().copied().collect();
        for key in keys {
            let why = self.delivery.why(key.0, key.1, self.clock.wall());
            if self.trace && self.model.recipients.get(&key).is_some_and(|recipient| recipient.seen != why) {
                println!(
                    "{:>12} {:?}      {}.{} {why:?}",
                    self.clock.steady - 1_700_000_000 * SECOND,
                    self.clock.wall().0,
                    key.0,
                    key.1
                );
            }
            self.model.judge_why(key, why, scene, &mut self.coverage)?;
        }
        self.model.audit(self.delivery.deadline(), scene)?;
        if self.calls % VIEWS_JUDGED == 0 {
            crate::views::pages(&self.delivery, &self.model, scene)?;
        }
        crate::views::judge(&self.delivery, &mut self.model, scene, &mut self.coverage)
    }

    /// Takes an effect to the world.
    fn carry_out(&mut self, effect: Effect) -> Verdict {
        match effect {
            Effect::Resolve { host, .. } => {
                let after = self.rng.range(1, 2_000) * MILLI;
                self.plan(after, Happening::Answer(host));
            }
            Effect::Connect { .. } => self.connect(effect)?,
            Effect::Transact { dcid, mid, rids, .. } => return self.transact(dcid, mid, rids),
            Effect::Quit { dcid } => self.quit(dcid),
            Effect::Record(_) | Effect::Retried(_) => {}
            Effect::Redirect { state, .. } => {
                let at = self.clock.steady + self.rng.range(1, 200) * MILLI;
                self.spool.defer(state, at);
            }
            Effect::Slice { order, .. } => {
                let after = self.rng.range(1, 400) * MILLI;
                self.plan(after, Happening::SliceStored(order));
            }
            Effect::OrderOver { order, .. } => {
                self.orders.remove(&order);
            }
            Effect::Defer { state, .. } => {
                let at = self.clock.steady + self.rng.range(1, 200) * MILLI;
                self.spool.defer(state, at);
            }
            Effect::End { mid, rid, .. } => {
                let at = self.clock.steady + self.rng.range(1, 200) * MILLI;
                self.spool.end(mid, rid, at);
            }
        }
        Ok(())
    }

    /// The world takes a recipient's message: once, but for what a crash has cut.
    pub(crate) fn taken(&mut self, mid: Mid, rid: Rid) -> Verdict {
        let count = self.world.taken.entry((mid, rid)).or_default();
        *count += 1;
        if *count > 1 {
            self.coverage.hit(Point::SentAgain);
            if !self.may_repeat.remove(&(mid, rid)) {
                return broken("nobody is sent twice", format!("{mid:?} {rid:?} was taken {count} times"));
            }
        }
        Ok(())
    }

    /// Puts something on the agenda.
    pub(crate) fn plan(&mut self, after: u64, happening: Happening) {
        self.sequence += 1;
        self.agenda.push(Reverse((self.clock.steady + after, self.sequence, happening)));
    }
}
