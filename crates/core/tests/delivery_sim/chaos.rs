//! What operators and fate do, by chance.

use std::sync::Arc;

use mailreeve_core::delivery::io::{Input, Order, OrderId, Scope, Whom};
use mailreeve_core::event::Deed;
use mailreeve_core::ids::{Host, Mid, Rid};

use crate::clock::{HOUR, SECOND};
use crate::coverage::Point;
use crate::model::{Verdict, signature};
use crate::run::Sim;
use crate::temper::Dns;
use crate::traffic;

/// What may happen next.
#[derive(Clone, Copy, Debug)]
enum Act {
    Message,
    ChangeExchanger,
    ChangeDns,
    HealHost,
    DeliverNow,
    Suspend,
    Resume,
    Order,
    Reconfigure,
    SpoolSpace,
    Jump,
    Restart,
    Shutdown,
    Damage,
    Probe,
}

impl Sim {
    /// Lets one thing happen.
    pub(crate) fn chaos(&mut self) -> Verdict {
        let act = self.rng.weighted(&[
            (34, Act::Message),
            (14, Act::ChangeExchanger),
            (4, Act::ChangeDns),
            (6, Act::HealHost),
            (6, Act::DeliverNow),
            (3, Act::Suspend),
            (5, Act::Resume),
            (6, Act::Order),
            (2, Act::Reconfigure),
            (2, Act::SpoolSpace),
            (2, Act::Jump),
            (2, Act::Restart),
            (1, Act::Shutdown),
            (1, Act::Damage),
            (4, Act::Probe),
        ]);
        match act {
            Act::Message => self.message(),
            Act::ChangeExchanger => {
                let index = self.rng.index(self.world.exchangers.len());
                self.world.exchangers[index].change(&mut self.rng);
                Ok(())
            }
            Act::ChangeDns => {
                let index = self.rng.index(self.world.domains.len());
                self.world.domains[index].dns = self.rng.weighted(&Dns::ALL);
                Ok(())
            }
            Act::HealHost => {
                self.world.heal();
                Ok(())
            }
            Act::DeliverNow => self.deliver_now(),
            Act::Suspend => self.suspend(),
            Act::Resume => self.resume(),
            Act::Order => self.order(),
            Act::Reconfigure => {
                self.settings = Arc::new(traffic::some_settings(&self.world, &mut self.rng));
                self.tell(Input::Reconfigure(self.settings.clone()))
            }
            Act::SpoolSpace => {
                let exhausted = self.model.exhausted.is_none();
                self.tell(Input::SpoolSpace { exhausted })?;
                if exhausted && self.rng.chance(70) {
                    self.advance(self.clock.steady + 120 * SECOND)?;
                    self.tell(Input::SpoolSpace { exhausted: false })?;
                }
                Ok(())
            }
            Act::Jump => self.jump(),
            Act::Restart => {
                let crash = self.rng.chance(70);
                self.restart(crash)
            }
            Act::Shutdown => self.shutdown(),
            Act::Probe => self.probe(),
            Act::Damage => {
                if let Some((mid, _)) = self.somebody() {
                    self.damaged.insert(mid);
                }
                Ok(())
            }
        }
    }

    fn message(&mut self) -> Verdict {
        let many = self.rng.weighted(&[(6, 1), (2, 3), (1, 8)]);
        for _ in 0..many {
            let mid = Mid(self.next_mid);
            self.next_mid += 1;
            let message = traffic::some_message(mid, &self.world, self.clock.wall().0, &mut self.rng);
            self.spool.accept(&message);
            self.tell(Input::Enqueue(message))?;
        }
        Ok(())
    }

    /// A probe is answered by whichever exchanger, whatever delivery meets there.
    fn probe(&mut self) -> Verdict {
        let host = self.some_host();
        let index = self.rng.index(self.world.exchangers.len());
        let address = self.world.exchangers[index].address;
        let by_itself = self.rng.chance(50);
        self.tell(Input::Probed { host, address, by_itself })
    }

    fn some_host(&mut self) -> Host {
        let index = self.rng.index(self.world.domains.len());
        self.world.domains[index].host.clone()
    }

    fn somebody(&mut self) -> Option<(Mid, Rid)> {
        let count = self.model.recipients.len();
        if count == 0 {
            return None;
        }
        self.model.recipients.keys().nth(self.rng.index(count)).copied()
    }

    fn deliver_now(&mut self) -> Verdict {
        let scope = match (self.rng.below(3), self.somebody()) {
            (0, _) => Scope::All,
            (1, Some((mid, _))) => Scope::Message(mid),
            (_, _) => Scope::Host(self.some_host()),
        };
        self.tell(Input::DeliverNow { scope, by: "admin".into() })
    }

    fn suspend(&mut self) -> Verdict {
        let host = if self.rng.chance(40) { None } else { Some(self.some_host()) };
        if self.suspended.contains_key(&host) {
            return Ok(());
        }
        let by = format!("operator{}", self.rng.below(3));
        self.suspended.insert(host.clone(), by.clone());
        self.tell(Input::Suspend { host, by })
    }

    fn resume(&mut self) -> Verdict {
        let Some((host, by)) = self.suspended.pop_first() else { return Ok(()) };
        self.tell(Input::Resume { host, by })
    }

    fn order(&mut self) -> Verdict {
        if self.rng.chance(10)
            && let Some(order) = self.orders.values().next().cloned()
        {
            self.coverage.hit(Point::OrderAgain);
            return self.tell(Input::Order(order));
        }
        let whom = match self.rng.weighted(&[(1, 0), (5, 1), (5, 2)]) {
            0 => Whom::All,
            1 => Whom::Host(self.some_host()),
            _ => {
                let count = self.rng.range(1, 4);
                let mids = (0..count).filter_map(|_| self.somebody().map(|(mid, _)| mid));
                Whom::Messages(mids.collect())
            }
        };
        let deed = match self.rng.weighted(&[(3, 0), (2, 1), (2, 2), (5, 3)]) {
            0 => Deed::Delete,
            1 => Deed::Bounce,
            2 => Deed::Archive,
            _ => Deed::Redirect { to: self.some_host() },
        };
        let upto = if self.rng.chance(80) { self.next_mid } else { self.rng.range(1, self.next_mid) };
        let id = OrderId(self.next_order);
        self.next_order += 1;
        let order = Order { id, whom, upto: Mid(upto), deed, by: signature(id) };
        self.orders.insert(id, order.clone());
        self.tell(Input::Order(order))
    }

    fn jump(&mut self) -> Verdict {
        let hour = HOUR as i64;
        let (by, point) = self.rng.pick(&[
            (hour, Point::JumpHour),
            (-hour, Point::JumpHourBack),
            (24 * hour, Point::JumpDay),
            (-24 * hour, Point::JumpDayBack),
            (87_660 * hour, Point::JumpDecade),
        ]);
        self.coverage.hit(point);
        self.clock.jump(by);
        self.model.jumped();
        self.wake_at = self.wake_at.map(|at| at.max(self.clock.steady));
        Ok(())
    }

    /// An orderly stop: transactions end, connections close, then the process is gone and another starts.
    fn shutdown(&mut self) -> Verdict {
        self.tell(Input::Shutdown)?;
        let give_up = self.clock.steady + 2 * HOUR;
        while !self.world.sockets.is_empty() && self.clock.steady < give_up && self.rng.chance(90) {
            self.advance(self.clock.steady + 10 * SECOND)?;
        }
        let crash = !self.world.sockets.is_empty();
        self.restart(crash)
    }
}
