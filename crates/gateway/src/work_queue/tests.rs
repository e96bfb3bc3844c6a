#![allow(clippy::unwrap_used)]

use std::path::Path;

use mailreeve_core::envelope::{ContentFacts, Recipient, RecipientState};
use mailreeve_core::ids::{Host, Rid};
use mailreeve_smtp::address::{Mailbox, ReversePath};
use mailreeve_smtp::params::{MailParams, RcptParams};
use mailreeve_store::standing::Given;

use super::*;

fn envelope(mid: u64, icid: u64) -> Envelope {
    let recipient = |name: &str| Recipient {
        mailbox: Mailbox::parse(&format!("{name}@one.test")).unwrap(),
        params: RcptParams::default(),
        host: Host::new("one.test"),
    };
    Envelope {
        mid: Mid(mid),
        icid: Icid(icid),
        accepted_at: 1,
        sender: ReversePath::Null,
        params: MailParams::default(),
        size: 10,
        content: ContentFacts::default(),
        recipients: vec![recipient("a"), recipient("b")],
    }
}

fn order() -> Pause {
    Pause { given: Given { by: "ann".to_owned(), at: 1 }, reason: String::new() }
}

fn open(dir: &Path) -> (Arc<StandingOrders>, WorkQueue) {
    let standing = Arc::new(StandingOrders::open(dir).unwrap());
    (Arc::clone(&standing), WorkQueue::new(standing))
}

fn run(test: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(test);
}

#[test]
fn what_begins_in_a_pause_waits_for_its_turn_and_nothing_else_does() {
    run(async {
        let dir = tempfile::tempdir().unwrap();
        let (standing, queue) = open(dir.path());
        assert!(!queue.holds(Mid(5)).await);
        assert_eq!(
            queue.pause(&standing.turn().await, order(), || Some(Mid(10))).await.unwrap().unwrap(),
            Mid(10)
        );
        assert!(!queue.holds(Mid(9)).await && queue.holds(Mid(12)).await && queue.holds(Mid(15)).await);
        assert_eq!(queue.page(None, None, 9), [], "on its way is not there yet");
        assert!(queue.arrived(&envelope(12, 1)));
        assert!(!queue.arrived(&envelope(13, 0)), "a report, of which nobody asked");
        assert_eq!((queue.load().recipients, queue.page(None, None, 9)), (2, vec![Mid(12)]));
        assert_eq!(queue.leaving(1_000, |_| false), []);
        queue.resume(&standing.turn().await, || Some(Mid(20))).await.unwrap().unwrap();
        assert!(queue.holds(Mid(16)).await && !queue.holds(Mid(20)).await);
        assert!(queue.arrived(&envelope(16, 1)));
        let leaving = |most| queue.leaving(most, |_| false);
        assert_eq!((leaving(2), leaving(3)), (vec![Mid(12)], vec![Mid(12), Mid(16)]));
        assert_eq!(queue.leaving(2, |mid| mid == Mid(12)), [Mid(16)], "who rests takes nobody's place");
        queue.gone(&[Mid(12), Mid(16)]);
        queue.settle().await.unwrap();
        assert!(!queue.holds(Mid(14)).await && queue.holds(Mid(15)).await, "15 is still on its way");
        queue.gone(&[Mid(15)]);
        queue.settle().await.unwrap();
        assert_eq!((queue.load(), queue.holds(Mid(15)).await), (Load::default(), false));
        assert_eq!(standing.in_force().work_queue, mailreeve_store::standing::WorkQueue::default());
    });
}

#[test]
fn a_start_finds_the_messages_that_waited_and_lets_the_others_pass() {
    run(async {
        let dir = tempfile::tempdir().unwrap();
        let (standing, queue) = open(dir.path());
        queue.pause(&standing.turn().await, order(), || Some(Mid(10))).await.unwrap().unwrap();
        drop((standing, queue));
        let (_standing, queue) = open(dir.path());
        let untried = [(Rid(0), None), (Rid(1), None)];
        assert!(queue.paused() && queue.recovered(&envelope(12, 1), &untried));
        assert!(!queue.recovered(&envelope(9, 1), &untried), "accepted before");
        assert!(!queue.recovered(&envelope(13, 0), &untried), "a report");
        let tried = RecipientState {
            mid: Mid(14),
            rid: Rid(0),
            host: None,
            attempts: 1,
            due_at: 1,
            interval_s: 60,
            last: None,
            delay_reported: false,
        };
        let moved = RecipientState { host: Some(Host::new("two.test")), attempts: 0, ..tried.clone() };
        assert!(!queue.recovered(&envelope(14, 1), &[(Rid(0), Some(tried)), (Rid(1), None)]), "tried");
        assert!(!queue.recovered(&envelope(15, 1), &[]), "all have ended");
        assert!(queue.recovered(&envelope(16, 1), &[(Rid(1), None)]), "a job ended one");
        assert!(
            queue.recovered(&envelope(17, 1), &[(Rid(0), Some(moved)), (Rid(1), None)]),
            "one redirected"
        );
        assert_eq!(queue.page(None, None, 9), [Mid(12), Mid(16), Mid(17)]);
        assert_eq!(queue.page(Some(&Host::new("two.test")), None, 9), [Mid(17)]);
        assert_eq!((queue.load().recipients, queue.recipients_for(&Host::new("one.test"))), (5, 4));
    });
}

#[test]
fn a_pause_that_cannot_be_kept_holds_nothing() {
    run(async {
        let dir = tempfile::tempdir().unwrap();
        let (standing, queue) = open(dir.path());
        assert!(queue.pause(&standing.turn().await, order(), || None).await.is_none());
        assert!(!queue.holds(Mid(12)).await);
        std::fs::create_dir_all(dir.path().join("standing.new/in the way")).unwrap();
        assert!(queue.pause(&standing.turn().await, order(), || Some(Mid(10))).await.unwrap().is_err());
        assert!(!queue.holds(Mid(12)).await && !queue.paused());
    });
}
