//! The part of the gateway that the simulation stands in for: it carries effects out in the world, and
//! brings the world's answers back as inputs after a while.

use mailreeve_core::delivery::io::{After, Effect, Input, OrderId, RecipientResult};
use mailreeve_core::event::{Cause, Failure, Stage};
use mailreeve_core::ids::{Dcid, Host, Mid, Rid};

use crate::clock::{MILLI, SECOND};
use crate::coverage::Point;
use crate::model::{Scene, Verdict};
use crate::run::Sim;
use crate::temper::{Mail, failure};
use crate::world::{Opened, Socket, SocketState};

/// One transaction of so many is followed by a crash.
const CRASH_AFTER_OUTCOME: u64 = 400;

/// Something that the world will do.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Happening {
    /// The name service answers.
    Answer(Host),
    /// The present target of a connection being opened has answered, or has not.
    Open(Dcid),
    /// A transaction ends.
    Outcome(Dcid),
    /// The record of a transaction turns out to be damaged.
    Damaged(Dcid, Mid),
    /// Our QUIT is done.
    Closed(Dcid),
    /// The peer closes the connection.
    PeerCloses(Dcid),
    /// What a slice of this order decided is on its way to the disk.
    SliceStored(OrderId),
}

impl Sim {
    /// Lets the world do it.
    pub(crate) fn happen(&mut self, happening: Happening) -> Verdict {
        match happening {
            Happening::Answer(host) => {
                let resolution = self.world.resolve(&host, &self.settings, &self.clock, &mut self.coverage);
                self.tell(Input::Resolved { host, resolution })
            }
            Happening::Open(dcid) => self.open(dcid),
            Happening::Outcome(dcid) => self.outcome(dcid),
            Happening::Damaged(dcid, mid) => {
                if let Some(socket) = self.world.sockets.get_mut(&dcid) {
                    socket.state = SocketState::Idle;
                    socket.since = self.clock.steady;
                }
                self.tell(Input::RecordCorrupt { dcid, mid, detail: "checksum".into() })
            }
            Happening::Closed(dcid) => match self.world.sockets.remove(&dcid) {
                Some(_) => self.tell(Input::Closed { dcid, why: None }),
                None => Ok(()),
            },
            Happening::PeerCloses(dcid) => self.peer_closes(dcid),
            Happening::SliceStored(order) => self.tell(Input::GoOn { order }),
        }
    }

    /// Begins to open a connection.
    pub(crate) fn connect(&mut self, effect: Effect) -> Verdict {
        let Effect::Connect { dcid, slot, host, targets, tls, credentials, implicit_tls, .. } = effect else {
            return Ok(());
        };
        self.highest_dcid = self.highest_dcid.max(dcid.0);
        let now = self.clock.steady;
        let socket = Socket {
            slot,
            host,
            targets,
            tls,
            credentials,
            implicit_tls,
            state: SocketState::Opening(0),
            failed: Vec::new(),
            facts: None,
            transactions: 0,
            transactions_before: 0,
            asked_at: now,
            since: now,
            peer_closed: false,
        };
        self.world.sockets.insert(dcid, socket);
        self.try_target(dcid)
    }

    /// The connection turns to its present target.
    fn try_target(&mut self, dcid: Dcid) -> Verdict {
        self.model.at_address(dcid, Scene { world: &self.world, clock: &self.clock })?;
        let reach = self.world.exchanger_of(dcid).map(|exchanger| exchanger.reach);
        let after = reach.map_or(MILLI, |reach| reach.latency(&mut self.rng));
        self.plan(after, Happening::Open(dcid));
        Ok(())
    }

    fn open(&mut self, dcid: Dcid) -> Verdict {
        match self.world.open(dcid, &self.clock, &mut self.coverage) {
            Opened::Next => self.try_target(dcid),
            Opened::Ready(target, peer) => {
                if self.rng.chance(8) {
                    let after = self.rng.range(1, 20_000) * MILLI;
                    self.plan(after, Happening::PeerCloses(dcid));
                }
                let failed =
                    self.world.sockets.get(&dcid).map(|socket| socket.failed.clone()).unwrap_or_default();
                self.tell(Input::Ready { dcid, target, peer, failed })
            }
            Opened::Unusable => match self.world.sockets.remove(&dcid) {
                Some(socket) => self.tell(Input::Unusable { dcid, failed: socket.failed }),
                None => Ok(()),
            },
        }
    }

    pub(crate) fn transact(&mut self, dcid: Dcid, mid: Mid, rids: Vec<Rid>) -> Verdict {
        let host = rids
            .first()
            .and_then(|rid| self.model.recipients.get(&(mid, *rid)))
            .map(|recipient| recipient.host.clone());
        if let Some(socket) = self.world.sockets.get_mut(&dcid) {
            if let Some(host) = host.filter(|host| *host != socket.host) {
                self.coverage.hit(Point::TakenOver);
                socket.host = host;
                socket.transactions_before = socket.transactions;
            }
            socket.state = SocketState::Busy { mid, rids };
            socket.since = self.clock.steady;
        }
        if self.damaged.remove(&mid) {
            self.plan(MILLI, Happening::Damaged(dcid, mid));
            return Ok(());
        }
        if let Some(socket) = self.world.sockets.get_mut(&dcid) {
            socket.transactions += 1;
        }
        let times_out =
            self.world.exchanger_of(dcid).is_some_and(|exchanger| exchanger.mail == Mail::TimesOut);
        let after = if times_out { 300 * SECOND } else { self.rng.range(10, 4_000) * MILLI };
        self.plan(after, Happening::Outcome(dcid));
        Ok(())
    }

    pub(crate) fn quit(&mut self, dcid: Dcid) {
        if let Some(socket) = self.world.sockets.get_mut(&dcid) {
            socket.state = SocketState::Quitting;
            socket.since = self.clock.steady;
        }
        let after = self.rng.range(1, 500) * MILLI;
        self.plan(after, Happening::Closed(dcid));
    }

    /// The peer closes: an idle connection is seen to be closed, a busy one loses its transaction.
    fn peer_closes(&mut self, dcid: Dcid) -> Verdict {
        let Some(socket) = self.world.sockets.get_mut(&dcid) else { return Ok(()) };
        if socket.state != SocketState::Idle {
            socket.peer_closed = true;
            return Ok(());
        }
        self.coverage.hit(Point::PeerCloses);
        self.world.sockets.remove(&dcid);
        let lost = failure((Stage::Mail, Cause::ConnectionLost, (4, 4, 2), 0), None, self.clock.wall().0);
        self.tell(Input::Closed { dcid, why: Some(lost) })
    }

    fn outcome(&mut self, dcid: Dcid) -> Verdict {
        let Some(exchanger) = self.world.exchanger_of(dcid) else { return Ok(()) };
        let (mail, dsn, address, facts) =
            (exchanger.mail, exchanger.facts.dsn, exchanger.address, exchanger.facts.clone());
        let Some(socket) = self.world.sockets.get_mut(&dcid) else { return Ok(()) };
        let SocketState::Busy { mid, rids } = socket.state.clone() else { return Ok(()) };
        let closed = socket.peer_closed;
        socket.state = SocketState::Idle;
        socket.since = self.clock.steady;
        self.coverage.hit(mail.point());
        self.cover_facts(mid, &facts, rids.len());
        let wall = self.clock.wall().0;
        let mail = if closed { Mail::ClosesMidway } else { mail };
        let mut results = Vec::new();
        for &rid in &rids {
            let result = some_result(mail, rid, dsn, |blow| failure(blow, Some(address), wall));
            if matches!(result, RecipientResult::Delivered { .. }) {
                self.taken(mid, rid)?;
            }
            results.push((rid, result));
        }
        let after = match mail {
            Mail::ClosesMidway | Mail::ClosesAfterData | Mail::TimesOut | Mail::Throttles => {
                After::Gone(some_failure(&results))
            }
            Mail::TakesAndCloses => After::Gone(None),
            Mail::Takes | Mail::Rcpt4xx | Mail::Rcpt5xx | Mail::Mixed => After::Usable,
        };
        if matches!(after, After::Gone(_)) {
            self.world.sockets.remove(&dcid);
        }
        self.tell(Input::Outcome { dcid, mid, results, after })?;
        // The worst moment to die: the peer has the message, and we have not written it down.
        if self.rng.below(CRASH_AFTER_OUTCOME) == 0 { self.restart(true) } else { Ok(()) }
    }

    fn cover_facts(&mut self, _mid: Mid, facts: &mailreeve_core::delivery::io::PeerFacts, recipients: usize) {
        let met = [
            (facts.size_limit == Some(20_000), Point::PeerSmall),
            (!facts.smtputf8, Point::PeerNoUtf8),
            (!facts.eight_bit, Point::PeerNoEightBit),
            (facts.transactions_max.is_some() || recipients >= facts.recipients_max, Point::PeerLimits),
        ];
        for (_, point) in met.into_iter().filter(|(met, _)| *met) {
            self.coverage.hit(point);
        }
    }
}

fn some_failure(results: &[(Rid, RecipientResult)]) -> Option<Failure> {
    results.iter().find_map(|(_, result)| match result {
        RecipientResult::Soft(failure) | RecipientResult::Hard(failure) => Some(failure.clone()),
        RecipientResult::Delivered { .. } => None,
    })
}

/// The result of one recipient at a host of this temper.
fn some_result(
    mail: Mail,
    rid: Rid,
    dsn: bool,
    failure: impl Fn((Stage, Cause, (u8, u16, u16), u16)) -> Failure,
) -> RecipientResult {
    let taken = || RecipientResult::Delivered { reply: "250 2.0.0 taken".into(), relayed_dsn: dsn };
    let soft = |blow| RecipientResult::Soft(failure(blow));
    match mail {
        Mail::Takes | Mail::TakesAndCloses => taken(),
        Mail::Rcpt4xx => soft((Stage::Rcpt, Cause::Reply4xx, (4, 7, 1), 451)),
        Mail::Rcpt5xx => RecipientResult::Hard(failure((Stage::Rcpt, Cause::Reply5xx, (5, 1, 1), 550))),
        Mail::Mixed => match rid.0 % 3 {
            0 => soft((Stage::Rcpt, Cause::Reply4xx, (4, 2, 2), 452)),
            1 => RecipientResult::Hard(failure((Stage::Rcpt, Cause::Reply5xx, (5, 1, 1), 550))),
            _ => taken(),
        },
        Mail::ClosesMidway => soft((Stage::Mail, Cause::ConnectionLost, (4, 4, 2), 0)),
        Mail::ClosesAfterData => soft((Stage::Final, Cause::LostAfterData, (4, 4, 2), 0)),
        Mail::TimesOut => soft((Stage::Data, Cause::SmtpTimeout, (4, 4, 2), 0)),
        Mail::Throttles => soft((Stage::Mail, Cause::Reply4xx, (4, 7, 0), 421)),
    }
}
