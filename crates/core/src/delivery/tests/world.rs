//! A shard with a clock in hand: inputs by short words, effects as lines.

use std::net::SocketAddr;
use std::sync::Arc;

use crate::Instant;
use crate::delivery::Delivery;
use crate::delivery::io::{
    AddressTry, After, Effect, Input, Order, OrderId, PeerFacts, RecipientResult, Resolution, Scope, Target,
    Waiting, Whom,
};
use crate::delivery::settings::Settings;
use crate::delivery::tests::lines::{line, why_line};
use crate::envelope::{ContentFacts, RecipientState};
use crate::event::{Cause, Deed, Failure, Stage};
use crate::ids::{Dcid, Host, Mid, Rid};

/// 2026-01-01, about.
const START: u64 = 1_767_225_600;

pub(super) struct World {
    pub(super) delivery: Delivery,
    pub(super) now: Instant,
    seen: Vec<Effect>,
}

pub(super) fn failure(stage: Stage, cause: Cause, code: u16) -> Failure {
    let class = if code >= 500 { 5 } else { 4 };
    Failure { stage, cause, status: (class, 0, 0), code, text: vec!["words".into()], address: None, at: 0 }
}

pub(super) fn refused() -> Failure {
    failure(Stage::Connect, Cause::ConnectRefused, 0)
}

pub(super) fn greylisted() -> Failure {
    failure(Stage::Rcpt, Cause::Reply4xx, 451)
}

pub(super) fn unknown_user() -> Failure {
    failure(Stage::Rcpt, Cause::Reply5xx, 550)
}

pub(super) fn waiting(mid: u64, rid: u32, host: &str, accepted_at: u64) -> Waiting {
    Waiting {
        mid: Mid(mid),
        rid: Rid(rid),
        host: Host::new(host),
        accepted_at,
        size: 1_000,
        content: ContentFacts::default(),
        state: None,
        null_sender: false,
        notify_failure: true,
        notify_delay: false,
    }
}

pub(super) fn target(last: u8, preference: u16) -> Target {
    Target { address: address(last), name: format!("mx{last}.example"), preference }
}

pub(super) fn address(last: u8) -> SocketAddr {
    SocketAddr::from(([192, 0, 2, last], 25))
}

pub(super) fn peer() -> PeerFacts {
    PeerFacts {
        size_limit: None,
        smtputf8: true,
        eight_bit: true,
        dsn: true,
        recipients_max: 100,
        transactions_max: None,
        tls: None,
    }
}

pub(super) fn host(name: &str) -> Host {
    Host::new(name)
}

impl World {
    pub(super) fn new() -> Self {
        Self::with(|_| ())
    }

    /// A world whose settings differ from the defaults.
    pub(super) fn with(change: impl FnOnce(&mut Settings)) -> Self {
        let mut settings = Settings::default();
        change(&mut settings);
        let delivery = Delivery::new(Arc::new(settings), 1, Dcid(1));
        Self { delivery, now: Instant::from_secs(START), seen: Vec::new() }
    }

    pub(super) fn input(&mut self, input: Input) {
        self.delivery.handle(input, self.now, &mut self.seen);
    }

    /// Returns the effects since the last call, as lines.
    pub(super) fn heard(&mut self) -> Vec<String> {
        let now = self.now;
        std::mem::take(&mut self.seen).iter().map(|effect| line(effect, now)).collect()
    }

    /// Asserts what was heard since the last call, whole and in order.
    #[track_caller]
    pub(super) fn hears(&mut self, expected: &[&str]) {
        assert_eq!(self.heard(), expected);
    }

    /// Returns the raw effects since the last call.
    pub(super) fn effects(&mut self) -> Vec<Effect> {
        std::mem::take(&mut self.seen)
    }

    /// Lets time pass, waking the shard whenever it asks for it.
    pub(super) fn pass(&mut self, seconds: u64) {
        let end = Instant(self.now.0 + seconds * 1_000_000);
        self.settle();
        while let Some(at) = self.delivery.deadline().filter(|at| *at <= end) {
            self.now = self.now.max(at);
            self.input(Input::Tick);
            self.settle();
        }
        self.now = end;
    }

    /// Lets the shard finish what is left over from slices.
    pub(super) fn settle(&mut self) {
        for _ in 0..100_000 {
            if self.delivery.deadline().is_none_or(|at| at > self.now) {
                return;
            }
            self.input(Input::Tick);
        }
        unreachable!("the shard asks for work without end");
    }

    /// Jumps the wall clock without time passing.
    pub(super) fn jump(&mut self, seconds: i64) {
        self.now = Instant(self.now.0.wrapping_add_signed(seconds * 1_000_000));
    }

    pub(super) fn enqueue(&mut self, mid: u64, rids: u32, host: &str) {
        let waiting = (0..rids).map(|rid| waiting(mid, rid, host, self.now.0)).collect();
        self.input(Input::Enqueue(waiting));
    }

    pub(super) fn restore(&mut self, mid: u64, host: &str, change: impl FnOnce(&mut RecipientState)) {
        let mut one = waiting(mid, 0, host, self.now.0);
        let mut state = RecipientState {
            mid: Mid(mid),
            rid: Rid(0),
            host: None,
            attempts: 1,
            due_at: self.now.0,
            interval_s: 60,
            last: Some(greylisted()),
            delay_reported: false,
        };
        change(&mut state);
        one.state = Some(state);
        self.input(Input::Enqueue(vec![one]));
    }

    pub(super) fn resolved(&mut self, name: &str, targets: &[Target]) {
        let resolution = Resolution::Addresses {
            targets: targets.to_vec(),
            exchangers: targets.iter().map(|it| (it.preference, 3_600, it.name.clone())).collect(),
            expires_at: self.now.0 + 86_400_000_000,
        };
        self.input(Input::Resolved { host: host(name), resolution });
    }

    pub(super) fn unresolved(&mut self, name: &str, resolution: Resolution) {
        self.input(Input::Resolved { host: host(name), resolution });
    }

    pub(super) fn ready(&mut self, dcid: u64, last: u8) {
        self.ready_with(dcid, last, peer());
    }

    pub(super) fn ready_with(&mut self, dcid: u64, last: u8, peer: PeerFacts) {
        let target = target(last, 10);
        self.input(Input::Ready { dcid: Dcid(dcid), target, peer, failed: Vec::new() });
    }

    pub(super) fn unusable(&mut self, dcid: u64, failed: &[(u8, Failure)]) {
        let tried = |(last, failure): &(u8, Failure)| AddressTry {
            target: target(*last, 10),
            failure: failure.clone(),
        };
        self.input(Input::Unusable { dcid: Dcid(dcid), failed: failed.iter().map(tried).collect() });
    }

    pub(super) fn outcome(&mut self, dcid: u64, mid: u64, results: &[RecipientResult], after: After) {
        let results = (0..).map(Rid).zip(results.iter().cloned()).collect();
        self.input(Input::Outcome { dcid: Dcid(dcid), mid: Mid(mid), results, after });
    }

    pub(super) fn delivered(&mut self, dcid: u64, mid: u64) {
        self.outcome(dcid, mid, &[taken()], After::Usable);
    }

    pub(super) fn soft(&mut self, dcid: u64, mid: u64) {
        self.outcome(dcid, mid, &[RecipientResult::Soft(greylisted())], After::Usable);
    }

    pub(super) fn closed(&mut self, dcid: u64) {
        self.input(Input::Closed { dcid: Dcid(dcid), why: None });
    }

    pub(super) fn deliver_now(&mut self, scope: Scope) {
        self.input(Input::DeliverNow { scope, by: "ann".into() });
    }

    pub(super) fn suspend(&mut self, name: Option<&str>) {
        self.input(Input::Suspend { host: name.map(host), by: "ann".into() });
    }

    pub(super) fn resume(&mut self, name: Option<&str>) {
        self.input(Input::Resume { host: name.map(host), by: "ann".into() });
    }

    /// Gives an order of that number.
    pub(super) fn order(&mut self, id: u64, whom: Whom, deed: Deed) {
        let upto = Mid(1_000_000);
        self.input(Input::Order(Order { id: OrderId(id), whom, upto, deed, by: "ann".into() }));
    }

    pub(super) fn go_on(&mut self, id: u64) {
        self.input(Input::GoOn { order: OrderId(id) });
    }

    /// Takes a message out by an order that is over then.
    pub(super) fn delete(&mut self, mid: u64) {
        self.order(mid, Whom::Messages(vec![Mid(mid)]), Deed::Delete);
        self.go_on(mid);
    }

    /// Brings a destination up with one delivered message (MID 900) over connection 1, which is idle then.
    pub(super) fn make_up(&mut self, name: &str, last: u8) {
        let dcid = self.delivery.next_dcid().0;
        self.enqueue(900, 1, name);
        self.resolved(name, &[target(last, 10)]);
        self.ready(dcid, last);
        self.delivered(dcid, 900);
        self.heard();
    }

    /// Makes a destination down by a refused connection for MID 901, which waits.
    pub(super) fn make_down(&mut self, name: &str, last: u8) {
        let dcid = self.delivery.next_dcid().0;
        self.enqueue(901, 1, name);
        self.resolved(name, &[target(last, 10)]);
        self.unusable(dcid, &[(last, refused())]);
        self.heard();
    }

    pub(super) fn why(&self, mid: u64, rid: u32) -> String {
        match self.delivery.why(Mid(mid), Rid(rid), self.now) {
            Some(why) => why_line(&why, self.now),
            None => "gone".into(),
        }
    }

    pub(super) fn view(&self, name: &str) -> crate::delivery::views::DestinationView {
        self.delivery.destination(&host(name), self.now).unwrap()
    }
}

pub(super) fn taken() -> RecipientResult {
    RecipientResult::Delivered { reply: "ok".into(), relayed_dsn: false }
}
