//! What a waiting recipient costs in memory: at most 160 octets, counted by the allocator itself.

#![allow(clippy::print_stdout, reason = "the figure is worth reading")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use mailreeve_core::Instant;
use mailreeve_core::delivery::Delivery;
use mailreeve_core::delivery::io::{
    After, Effect, Input, PeerFacts, RecipientResult, Resolution, Target, Waiting,
};
use mailreeve_core::delivery::settings::Settings;
use mailreeve_core::envelope::ContentFacts;
use mailreeve_core::event::{Cause, Failure, Stage};
use mailreeve_core::ids::{Dcid, Host, Mid, Rid};

/// Counts the octets that are allocated, with the allocator's own overhead estimated at 8 octets a block.
struct Counting;

static HELD: AtomicUsize = AtomicUsize::new(0);
const OVERHEAD: usize = 8;

// SAFETY: every call goes to the system's allocator unchanged; only a counter is kept beside it.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        HELD.fetch_add(layout.size() + OVERHEAD, Ordering::Relaxed);
        // SAFETY: the caller keeps the contract of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        HELD.fetch_sub(layout.size() + OVERHEAD, Ordering::Relaxed);
        // SAFETY: the caller keeps the contract of `dealloc`, and the block came from `System`.
        unsafe { System.dealloc(block, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const RECIPIENTS: u64 = 200_000;
const LIMIT: usize = 160;
const NOW: Instant = Instant::from_secs(1_767_225_600);

fn waiting(mid: u64, host: &Host) -> Waiting {
    Waiting {
        mid: Mid(mid),
        rid: Rid(0),
        host: host.clone(),
        accepted_at: NOW.0 - (RECIPIENTS - mid) * 1_000,
        size: 4_096,
        content: ContentFacts::default(),
        state: None,
        null_sender: false,
        notify_failure: true,
        notify_delay: false,
    }
}

fn fill(delivery: &mut Delivery, hosts: &[Host], effects: &mut Vec<Effect>) {
    for first in (0..RECIPIENTS).step_by(1_000) {
        let batch =
            (first..first + 1_000).map(|mid| waiting(mid, &hosts[mid as usize % hosts.len()])).collect();
        delivery.handle(Input::Enqueue(batch), NOW, effects);
        effects.clear();
    }
}

/// The most that a recipient may cost, whatever the number of destinations; these cost something too.
#[test]
fn a_waiting_recipient_takes_at_most_160_octets() {
    for destinations in [1, 100] {
        let hosts: Vec<Host> =
            (0..destinations).map(|number| Host::new(&format!("d{number}.example"))).collect();
        let mut effects = Vec::with_capacity(4_096);
        let before = HELD.load(Ordering::Relaxed);
        let mut delivery = Delivery::new(Arc::new(Settings::default()), 1, Dcid(1));
        fill(&mut delivery, &hosts, &mut effects);
        let each = (HELD.load(Ordering::Relaxed) - before) / RECIPIENTS as usize;
        println!("{each} octets a recipient with {destinations} destinations");
        assert!(each <= LIMIT, "{each} octets a recipient with {destinations} destinations");
        assert_eq!(delivery.gauges().active, RECIPIENTS as usize);
    }
    deferred_recipients_share_their_failure();
}

/// A crowd that one host greylists costs no more than one that was never tried.
fn deferred_recipients_share_their_failure() {
    let host = Host::new("a.example");
    let mut settings = Settings::default();
    settings.default_control.concurrency = 1;
    settings.default_control.messages_per_connection = usize::MAX;
    let mut effects = Vec::with_capacity(4_096);
    let before = HELD.load(Ordering::Relaxed);
    let mut delivery = Delivery::new(Arc::new(settings), 1, Dcid(1));
    fill(&mut delivery, std::slice::from_ref(&host), &mut effects);
    let target = Target { address: ([192, 0, 2, 1], 25).into(), name: "mx.example".into(), preference: 10 };
    let resolution = Resolution::Addresses {
        targets: vec![target.clone()],
        exchangers: Vec::new(),
        expires_at: NOW.0 + 1_000_000_000,
    };
    delivery.handle(Input::Resolved { host, resolution }, NOW, &mut effects);
    let peer = PeerFacts {
        size_limit: None,
        smtputf8: true,
        eight_bit: true,
        dsn: true,
        recipients_max: 100,
        transactions_max: None,
        tls: None,
    };
    delivery.handle(Input::Ready { dcid: Dcid(1), target, peer, failed: Vec::new() }, NOW, &mut effects);
    for number in 0..RECIPIENTS {
        let Some((mid, rids)) = effects.drain(..).find_map(transaction) else { break };
        let results = rids.into_iter().map(|rid| (rid, RecipientResult::Soft(greylisted(number)))).collect();
        let now = Instant(NOW.0 + number * 100);
        let outcome = Input::Outcome { dcid: Dcid(1), mid, results, after: After::Usable };
        delivery.handle(outcome, now, &mut effects);
    }
    let each = (HELD.load(Ordering::Relaxed) - before) / RECIPIENTS as usize;
    println!("{each} octets a deferred recipient");
    assert_eq!(delivery.gauges().attempted, RECIPIENTS as usize);
    assert!(each <= LIMIT, "{each} octets a deferred recipient");
}

fn transaction(effect: Effect) -> Option<(Mid, Vec<Rid>)> {
    match effect {
        Effect::Transact { mid, rids, .. } => Some((mid, rids)),
        _ => None,
    }
}

fn greylisted(at: u64) -> Failure {
    Failure {
        stage: Stage::Rcpt,
        cause: Cause::Reply4xx,
        status: (4, 7, 1),
        code: 451,
        text: vec!["4.7.1 Greylisted, come back later".into()],
        address: None,
        at,
    }
}
