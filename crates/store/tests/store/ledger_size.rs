//! What the ledger takes on disk.

use crate::ledger::options;
use crate::samples::*;
use mailreeve_core::event::{Event, Stamped};
use mailreeve_core::ids::{Dcid, Host, Icid, Mid, Rid};
use mailreeve_store::ledger::*;
use mailreeve_store::spool::Seq;

#[test]
fn a_message_to_one_recipient_takes_at_most_600_octets() {
    let host = Host::new("mail.customer-example.com");
    let events = [
        accepted(4_000_000_000, 48_213).event,
        Event::MessageStarted {
            mid: Mid(4_000_000_000),
            icid: Icid(3_000_000_000),
            sender: "jane.doe@origin.example".to_owned(),
        },
        Event::RecipientAccepted {
            mid: Mid(4_000_000_000),
            icid: Icid(3_000_000_000),
            rid: Rid(0),
            address: "john.doe@customer-example.com".to_owned(),
        },
        Event::Queued { mid: Mid(4_000_000_000), destinations: vec![(host.clone(), vec![Rid(0)])] },
        Event::DeliveryStarted { dcid: Dcid(2_000_000_000), mid: Mid(4_000_000_000), rids: vec![Rid(0)] },
        Event::Delivered {
            dcid: Dcid(2_000_000_000),
            mid: Mid(4_000_000_000),
            rids: vec![Rid(0)],
            host,
            reply: "250 2.0.0 Ok: queued as 4B1F9A20C1 on mx1.customer-example.com".to_owned(),
        },
        Event::Finished { mid: Mid(4_000_000_000) },
    ];
    let dir = tempfile::tempdir().unwrap();
    let (mut ledger, _) = Ledger::open(dir.path(), &options()).unwrap();
    let before = ledger.position().offset;
    for event in events {
        let stamped = Stamped { at: 1_795_000_000_000_000, event };
        ledger.append(&[Entry { seq: Some(Seq(1 << 40)), stamped }]).unwrap();
    }
    let taken = ledger.position().offset - before;
    assert!(taken <= 600, "{taken}");
}
