//! Tempers that have a name of their own, met by a raw socket.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use mailreeve_lab::host::Temper;

use super::peer::{PATIENCE, Peer, house};

/// The first reply to a client that goes on as long as it may.
fn refusal(temper: Temper) -> String {
    let house = house(temper);
    let mut peer = Peer::call(&house);
    let mut reply = peer.whole_reply();
    for line in ["EHLO me.test", "MAIL FROM:<a@b.test>", "RCPT TO:<c@d.test>", "DATA"] {
        if !reply.starts_with(['2', '3']) {
            break;
        }
        peer.say(&format!("{line}\r\n"));
        reply = peer.whole_reply();
    }
    assert_eq!(house.host.sums().messages, 0);
    reply
}

#[test]
fn each_refuses_with_its_code_and_many_wordings() {
    for (temper, start) in [
        (Temper::busy as fn() -> Temper, "421 4.3.2 "),
        (Temper::unwelcoming, "554 5.7.1 "),
        (Temper::without_mail, "521 "),
        (Temper::full, "452 4.2.2 "),
        (Temper::knowing_nobody, "550 5.1.1 "),
        (|| Temper::greylisting_for(PATIENCE), "451 4.7.1 "),
    ] {
        let said: HashSet<String> = (0..20).map(|_| refusal(temper())).collect();
        assert!(said.iter().all(|reply| reply.starts_with(start)), "{start}: {said:?}");
        assert!(said.len() > 1, "always the same words: {said:?}");
    }
}

#[test]
fn a_block_list_is_named_with_the_address_that_is_on_it() {
    let replies: Vec<String> = (0..20).map(|_| refusal(Temper::blocklisting("wren.rbl.test"))).collect();
    for reply in &replies {
        assert!(reply.starts_with("554 5.7.1 ") && reply.ends_with(" wren.rbl.test\r\n"), "{reply}");
    }
    assert!(replies.iter().any(|reply| reply.contains("127.0.0.1")), "{replies:?}");
}

#[test]
fn who_comes_back_after_the_time_is_served() {
    let span = Duration::from_millis(100);
    let house = house(Temper::greylisting_for(span));
    let mut peer = Peer::greeted(&house);
    peer.ask("MAIL FROM:<a@b.test>");
    let begin = Instant::now();
    while peer.ask("RCPT TO:<x@d.test>") == "451" {
        assert!(begin.elapsed() < PATIENCE);
    }
    assert!(begin.elapsed() >= span);
}

#[test]
fn what_is_lost_after_data_was_not_taken() {
    let house = house(Temper::losing_after_data());
    let mut peer = Peer::greeted(&house);
    for line in ["MAIL FROM:<a@b.test>", "RCPT TO:<c@d.test>", "DATA"] {
        peer.ask(line);
    }
    peer.say("x\r\n.\r\n");
    assert_eq!(peer.rest(), (Vec::new(), None));
    assert_eq!(house.host.sums().messages, 0);
}
