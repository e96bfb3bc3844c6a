//! Stops, crashes, starts, and the end of all troubles.

use std::sync::Arc;

use mailreeve_core::delivery::Delivery;
use mailreeve_core::delivery::io::Input;
use mailreeve_core::delivery::settings::Settings;
use mailreeve_core::ids::{Dcid, Mid, Rid};

use crate::clock::HOUR;
use crate::coverage::Point;
use crate::model::{Model, Verdict, require};
use crate::run::Sim;

impl Sim {
    /// Drops the shard, as a crash or an orderly stop does, and starts another from what was durable.
    pub(crate) fn restart(&mut self, crash: bool) -> Verdict {
        self.coverage.hit(if crash { Point::RestartCrash } else { Point::RestartClean });
        if crash {
            self.lose();
        } else {
            self.spool.flush();
        }
        self.world.sockets.clear();
        self.agenda.clear();
        let seed = self.rng.next();
        let failing = self.delivery.failing(1_000);
        self.delivery =
            Delivery::new(self.settings.clone(), seed, Dcid(self.highest_dcid + 1 + self.rng.below(1_000)));
        self.model = Model::new(self.settings.clone());
        for verdict in &failing {
            self.coverage.hit(Point::VerdictCarried);
            self.delivery.restore_verdict(verdict, self.clock.wall());
            let known = self.model.destinations.entry(verdict.host.clone()).or_default();
            known.carry(verdict, &self.clock);
        }
        for (host, by) in self.suspended.clone() {
            self.tell(Input::Suspend { host, by })?;
        }
        for waiting in self.spool.recover() {
            self.tell(Input::Enqueue(waiting))?;
        }
        for order in self.orders.clone().into_values() {
            self.coverage.hit(Point::OrderResumed);
            self.tell(Input::Order(order))?;
        }
        Ok(())
    }

    /// The crash loses what was not committed, and cuts the transactions under way.
    fn lose(&mut self) {
        let lost = self.spool.crash(&mut self.rng);
        if !lost.is_empty() {
            self.coverage.hit(Point::RestartLostCommit);
        }
        self.may_repeat.extend(lost);
        let busy = self.world.sockets.values().filter_map(|socket| match &socket.state {
            crate::world::SocketState::Busy { mid, rids } => {
                Some(rids.iter().map(|rid| (*mid, *rid)).collect::<Vec<_>>())
            }
            _ => None,
        });
        let busy: Vec<(Mid, Rid)> = busy.flatten().collect();
        if !busy.is_empty() {
            self.coverage.hit(Point::RestartCrashBusy);
        }
        self.may_repeat.extend(busy);
    }

    /// Heals the world: then everybody must end, and nothing may be left behind.
    pub(crate) fn heal(&mut self) -> Verdict {
        self.world.heal();
        self.damaged.clear();
        for (host, by) in std::mem::take(&mut self.suspended) {
            self.tell(Input::Resume { host, by })?;
        }
        self.tell(Input::SpoolSpace { exhausted: false })?;
        // Rate limits make a long queue take days; most worlds get rid of them with their other troubles.
        if self.rng.chance(80) {
            self.settings =
                Arc::new(Settings { profiles: self.settings.profiles.clone(), ..Settings::default() });
            self.tell(Input::Reconfigure(self.settings.clone()))?;
        }
        let give_up = self.clock.steady + 5 * 24 * HOUR;
        while !self.model.is_empty() && self.clock.steady < give_up {
            self.advance(self.clock.steady + HOUR)?;
        }
        let left: Vec<&(Mid, Rid)> = self.model.recipients.keys().take(3).collect();
        require(self.model.is_empty(), "in a healed world everybody ends", || {
            format!("{left:?} and more are still here")
        })?;
        self.advance(self.clock.steady + HOUR)?;
        let open: Vec<&Dcid> = self.world.sockets.keys().collect();
        require(open.is_empty(), "nothing holds a connection when nothing waits", || {
            format!("{open:?} are open")
        })?;
        require(self.orders.is_empty(), "an order that may go on goes on", || format!("{:?}", self.orders))?;
        self.coverage.hit(Point::Healed);
        self.spool.flush();
        let left = self.spool.recover();
        require(left.is_empty(), "the spool is empty when everybody has ended", || format!("{left:?}"))
    }
}
