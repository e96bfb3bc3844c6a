//! What a host says, and what it holds against its client, met by a raw socket.

use std::time::{Duration, Instant};

use mailreeve_lab::host::{Act, Offers, Reply, Rule, Span, Stage, Temper, TlsTemper};

use super::peer::{PATIENCE, Peer, house};

#[test]
fn a_healthy_host_takes_mail_as_it_is() {
    let house = house(Temper::healthy());
    let mut peer = Peer::greeted(&house);
    let body = "Received: by x\r\nMessage-ID: <1@x>\r\nX-Lab-Id: 42\r\n\r\n..dot\r\n...\r\nend\r\n";
    assert_eq!(peer.send_mail("c@d.test", body), "250");
    assert_eq!(peer.ask("QUIT"), "221");
    assert_eq!(peer.rest(), (Vec::new(), None));
    let deliveries = house.host.deliveries();
    let taken = &deliveries[0];
    assert_eq!(taken.content.as_deref().unwrap(), body.replace("..d", ".d").replace("...", "..").as_bytes());
    assert_eq!((taken.id.as_deref(), taken.message_id.as_deref()), (Some("42"), Some("<1@x>")));
    assert_eq!(
        (taken.trace_fields, taken.helo.as_str(), taken.host.as_str()),
        (1, "me.test", "mx.house.test")
    );
    assert_ne!(taken.sha256, taken.content_sha256);
    assert_eq!(house.host.complaints(), Vec::<String>::new());
}

#[test]
fn commands_out_of_order_are_refused_and_noted() {
    let house = house(Temper::healthy());
    let mut peer = Peer::call(&house);
    assert_eq!(peer.reply(), "220");
    for (line, code) in [
        ("MAIL FROM:<a@b.test>", "503"),
        ("DATA", "503"),
        ("EHLO", "501"),
        ("HELO x", "250"),
        ("RCPT TO:<c@d.test>", "503"),
        ("MAIL FROM:<a@b.test>", "250"),
        ("MAIL FROM:<a@b.test>", "503"),
        ("DATA", "503"),
        ("RSET", "250"),
        ("NOOP", "250"),
        ("VRFY x", "252"),
        ("HELP", "214"),
        ("STARTTLS", "502"),
        ("XYZZY", "500"),
    ] {
        assert_eq!(peer.ask(line), code, "{line}");
    }
    let complaints = house.host.complaints().join("\n");
    for part in
        ["MAIL before EHLO", "no name", "inside of a transaction", "STARTTLS not offered", "unknown command"]
    {
        assert!(complaints.contains(part), "{part}: {complaints}");
    }
}

#[test]
fn any_stage_can_refuse() {
    for (stage, lines) in [
        (Stage::Banner, vec![]),
        (Stage::Helo, vec!["EHLO x"]),
        (Stage::Mail, vec!["EHLO x", "MAIL FROM:<a@b.test>"]),
        (Stage::Rcpt, vec!["EHLO x", "MAIL FROM:<a@b.test>", "RCPT TO:<c@d.test>"]),
        (Stage::Data, vec!["EHLO x", "MAIL FROM:<a@b.test>", "RCPT TO:<c@d.test>", "DATA"]),
        (Stage::Final, vec!["EHLO x", "MAIL FROM:<a@b.test>", "RCPT TO:<c@d.test>", "DATA", "x\r\n."]),
        (Stage::Rset, vec!["EHLO x", "RSET"]),
        (Stage::Quit, vec!["QUIT"]),
    ] {
        for code in [451, 554] {
            let house = house(Temper::refusing(stage, code));
            let mut peer = Peer::call(&house);
            let mut last = peer.reply();
            for line in lines.iter().copied() {
                assert!(last.starts_with(['2', '3']), "{stage:?} {line} {last}");
                last = peer.ask(line);
            }
            assert_eq!(last, code.to_string(), "{stage:?}");
            assert_eq!(house.host.sums().messages, 0);
        }
    }
}

#[test]
fn a_slow_host_takes_its_time_and_then_serves() {
    let delay = Duration::from_millis(60);
    let house = house(Temper::slow(delay));
    let begin = Instant::now();
    let mut peer = Peer::greeted(&house);
    assert_eq!(peer.send_mail("c@d.test", "x\r\n"), "250");
    assert!(begin.elapsed() >= delay * 6, "banner, EHLO, MAIL, RCPT, DATA and the end");
}

#[test]
fn greylisting_counts_tries_for_each_recipient() {
    let house = house(Temper::greylisting(2));
    let mut peer = Peer::greeted(&house);
    peer.ask("MAIL FROM:<a@b.test>");
    for (rcpt, code) in [("x", "451"), ("y", "451"), ("X", "451"), ("x", "250"), ("y", "451"), ("y", "250")] {
        assert_eq!(peer.ask(&format!("RCPT TO:<{rcpt}@d.test>")), code, "{rcpt}");
    }
}

#[test]
fn greylisting_by_time_ends() {
    let span = Duration::from_millis(100);
    let act = Act::Reply(Reply::new(451));
    let house = house(Temper::healthy().rule(Rule::new(Stage::Rcpt, act).span(Span::TimePerAddress(span))));
    let mut peer = Peer::greeted(&house);
    peer.ask("MAIL FROM:<a@b.test>");
    let begin = Instant::now();
    assert_eq!(peer.ask("RCPT TO:<x@d.test>"), "451");
    while peer.ask("RCPT TO:<x@d.test>") == "451" {
        assert!(begin.elapsed() < PATIENCE);
    }
    assert!(begin.elapsed() >= span);
}

#[test]
fn recipients_are_refused_by_pattern_and_the_others_get_their_mail() {
    let full: Reply = "452 4.2.2 no room".parse().unwrap();
    let house = house(Temper::healthy().recipient("full*@*", full).recipient("nobody@*", 550));
    let mut peer = Peer::greeted(&house);
    peer.ask("MAIL FROM:<a@b.test>");
    peer.say("RCPT TO:<full1@d.test>\r\n");
    assert_eq!(peer.whole_reply(), "452 4.2.2 no room\r\n");
    assert_eq!(peer.ask("RCPT TO:<nobody@d.test>"), "550");
    assert_eq!(peer.ask("RCPT TO:<c@d.test> NOTIFY=NEVER"), "250");
    assert_eq!(peer.ask("DATA"), "354");
    assert_eq!(peer.ask("x\r\n."), "250");
    let rcpts = &house.host.deliveries()[0].rcpts;
    assert_eq!(rcpts.len(), 1);
    assert_eq!(
        (rcpts[0].address.as_str(), rcpts[0].params.as_slice()),
        ("c@d.test", &["NOTIFY=NEVER".to_owned()][..])
    );
}

#[test]
fn every_extension_can_be_missing_and_using_it_is_noted() {
    let house = house(Temper::healthy().offers(Offers::bare()));
    let mut peer = Peer::call(&house);
    peer.reply();
    peer.say("EHLO x\r\n");
    assert_eq!(peer.whole_reply().lines().count(), 1);
    assert_eq!(peer.ask("MAIL FROM:<a@b.test> SIZE=5 BODY=8BITMIME"), "250");
    assert_eq!(peer.ask("RCPT TO:<c@d.test>"), "250");
    peer.say("BDAT 3 LAST\r\nabc");
    assert_eq!(peer.reply(), "502");
    peer.say("DATA\r\n\u{e9}\r\n.\r\n");
    assert_eq!((peer.reply(), peer.reply()), ("354".to_owned(), "250".to_owned()));
    let complaints = house.host.complaints().join("\n");
    for part in ["SIZE=5", "BODY=8BITMIME", "BDAT not offered", "commands sent ahead"] {
        assert!(complaints.contains(part), "{part}: {complaints}");
    }
}

#[test]
fn everything_offered_is_named() {
    let offers =
        Offers { limits: Some("RCPTMAX=2 MAILMAX=1".into()), more: vec!["XLAB".into()], ..Offers::default() };
    let house = house(Temper::healthy().offers(offers).tls(TlsTemper::Good));
    let mut peer = Peer::call(&house);
    peer.reply();
    peer.say("EHLO x\r\n");
    let reply = peer.whole_reply();
    for word in [
        "PIPELINING",
        "8BITMIME",
        "SMTPUTF8",
        "CHUNKING",
        "DSN",
        "ENHANCEDSTATUSCODES",
        "STARTTLS",
        "SIZE 67108864",
        "LIMITS RCPTMAX=2 MAILMAX=1",
        "XLAB",
    ] {
        assert!(reply.lines().any(|line| line[4..] == *word), "{word}: {reply}");
    }
    peer.ask("MAIL FROM:<a@b.test>");
    for code in ["250", "250", "452"] {
        assert_eq!(peer.ask("RCPT TO:<c@d.test>"), code);
    }
    peer.ask("RSET");
    assert_eq!(peer.ask("MAIL FROM:<a@b.test>"), "421");
}

#[test]
fn what_is_too_big_is_refused_wherever_that_is_noticed() {
    let house = house(Temper::healthy().offers(Offers { size: Some(100), ..Offers::default() }));
    let mut peer = Peer::greeted(&house);
    assert_eq!(peer.ask("MAIL FROM:<a@b.test> SIZE=101"), "552");
    let big = format!("{}\r\n", "x".repeat(70)).repeat(200);
    assert_eq!(peer.send_mail("c@d.test", &big), "552");
    assert_eq!(peer.send_mail("c@d.test", &big[..216]), "552", "three lines in one piece");
    peer.ask("MAIL FROM:<a@b.test>");
    peer.ask("RCPT TO:<c@d.test>");
    peer.say(&format!("BDAT {}\r\n{big}BDAT 0 LAST\r\n", big.len()));
    assert_eq!((peer.reply(), peer.reply()), ("250".to_owned(), "552".to_owned()));
    assert_eq!(peer.send_mail("c@d.test", "small\r\n"), "250", "still in step");
    assert_eq!(house.host.sums().messages, 1);
}

#[test]
fn chunks_are_taken_as_they_are() {
    let house = house(Temper::healthy());
    let mut peer = Peer::greeted(&house);
    peer.ask("MAIL FROM:<a@b.test>");
    peer.ask("RCPT TO:<c@d.test>");
    peer.say("BDAT 7\r\n.\r\n..\r\nDATA\r\nBDAT 0 LAST\r\n");
    let replies = (peer.reply(), peer.reply(), peer.reply());
    assert_eq!(replies, ("250".into(), "503".into(), "250".into()));
    assert_eq!(house.host.deliveries()[0].content.as_deref(), Some(&b".\r\n..\r\n"[..]));
    peer.say("BDAT 6 LAST\r\nRSET\r\n");
    assert_eq!(peer.reply(), "503", "no recipients, and the chunk is no command");
    assert_eq!(peer.ask("NOOP"), "250");
}

#[test]
fn a_temper_changes_and_counting_starts_over() {
    let house = house(Temper::refusing(Stage::Mail, 550));
    let mut old = Peer::greeted(&house);
    house.host.change(Temper::healthy());
    assert_eq!(old.ask("MAIL FROM:<a@b.test>"), "550", "an open conversation keeps its manners");
    assert_eq!(Peer::greeted(&house).ask("MAIL FROM:<a@b.test>"), "250");
}
