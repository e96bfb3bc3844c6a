//! Hosts that are silent, leave early, break the line, or are not there at all, met by a raw socket.

use std::io::ErrorKind;
use std::net::TcpStream;
use std::time::{Duration, Instant};

use mailreeve_lab::host::{Act, Ending, Refusing, Rule, Stage, Swallowing, Temper, TlsTemper};

use super::peer::{PATIENCE, Peer, SILENCE, any, house};

#[test]
fn after_421_and_521_the_line_ends_and_after_554_only_quit_is_served() {
    for code in [421, 521] {
        let house = house(Temper::refusing(Stage::Banner, code));
        let mut peer = Peer::call(&house);
        assert_eq!(peer.reply(), code.to_string());
        assert_eq!(peer.rest(), (Vec::new(), None));
    }
    let house = house(Temper::refusing(Stage::Banner, 554));
    let mut peer = Peer::call(&house);
    assert_eq!(peer.reply(), "554");
    assert_eq!(peer.ask("EHLO x"), "503");
    assert_eq!(peer.ask("QUIT"), "221");
    assert_eq!(peer.rest(), (Vec::new(), None));
}

#[test]
fn a_silent_host_holds_the_line() {
    let house = house(Temper::silent());
    let mut peer = Peer::call(&house);
    assert!(peer.is_silent());
    peer.say("EHLO x\r\n");
    assert!(peer.is_silent());
    assert_eq!((house.host.connections(), house.host.open_connections()), (1, 1));
}

#[test]
fn a_reply_can_be_dribbled_or_be_nonsense() {
    let pause = Duration::from_millis(5);
    let dribbling = house(Temper::healthy().rule(Rule::new(Stage::Banner, Act::Proceed).pace(pause)));
    let begin = Instant::now();
    let banner = Peer::call(&dribbling).whole_reply();
    assert!(begin.elapsed() >= pause * (banner.len() as u32 - 1));
    let raw = house(Temper::healthy().at(Stage::Mail, Act::Raw(b"250-x\r\n".to_vec(), 1000)));
    let mut peer = Peer::greeted(&raw);
    peer.say("MAIL FROM:<a@b.test>\r\nQUIT\r\n");
    let (rest, _) = peer.rest();
    assert!(rest.starts_with(&b"250-x\r\n".repeat(1000)) && rest.len() > 7000);
}

#[test]
fn a_throttling_host_leaves_after_its_messages() {
    let house = house(Temper::throttling(2));
    let mut peer = Peer::greeted(&house);
    for _ in 0..2 {
        assert_eq!(peer.send_mail("c@d.test", "x\r\n"), "250");
    }
    assert_eq!(peer.ask("MAIL FROM:<a@b.test>"), "421");
    assert_eq!(peer.rest(), (Vec::new(), None));
    assert_eq!(Peer::greeted(&house).send_mail("c@d.test", "x\r\n"), "250", "a new connection is served");
}

#[test]
fn the_line_breaks_after_data() {
    for (act, taken, end) in [
        (Act::End(Ending::Close), 0, None),
        (Act::End(Ending::Reset), 0, Some(ErrorKind::ConnectionReset)),
        (Act::SwallowReply, 1, None),
    ] {
        let house = house(Temper::healthy().at(Stage::Final, act.clone()));
        let mut peer = Peer::greeted(&house);
        for line in ["MAIL FROM:<a@b.test>", "RCPT TO:<c@d.test>", "DATA"] {
            peer.ask(line);
        }
        peer.say("x\r\n.\r\n");
        assert_eq!(peer.rest(), (Vec::new(), end), "{act:?}");
        assert_eq!(house.host.sums().messages, taken, "{act:?}");
    }
}

#[test]
fn the_line_breaks_at_any_byte() {
    let conversation = "EHLO x\r\nMAIL FROM:<a@b.test>\r\nRCPT TO:<c@d.test>\r\nDATA\r\nx\r\n.\r\n";
    let length = conversation.len() as u64;
    for at in 0..=length {
        let house = house(Temper::cut_after_received(at, Ending::Close));
        let mut peer = Peer::call(&house);
        peer.say(conversation);
        let (rest, _) = peer.rest();
        let replies =
            String::from_utf8(rest).unwrap().lines().filter(|line| line.as_bytes()[3] == b' ').count();
        let expected = 1 + [8, 30, 50, 56, 62].iter().filter(|end| **end <= at).count();
        assert_eq!(replies, expected, "cut after {at}");
        assert_eq!(house.host.sums().messages, u64::from(at == length), "cut after {at}");
    }
    for at in [1, 2, 3, 4, 20] {
        let house = house(Temper::cut_after_sent(at, Ending::Close));
        assert_eq!(Peer::call(&house).rest().0.len() as u64, at);
    }
}

#[test]
fn connections_above_the_limit_are_sent_away() {
    let house = house(Temper { max_connections: Some(1), ..Temper::healthy() });
    let mut first = Peer::greeted(&house);
    let mut second = Peer::call(&house);
    assert_eq!(second.reply(), "421");
    assert_eq!(first.ask("QUIT"), "221");
    drop((first, second));
    let until = Instant::now() + PATIENCE;
    while house.host.open_connections() > 0 && Instant::now() < until {
        std::thread::yield_now();
    }
    assert_eq!(Peer::call(&house).reply(), "220");
}

#[test]
fn broken_starttls_is_broken_as_told() {
    for (tls, code, end) in [
        (TlsTemper::Refuse, "454", None),
        (TlsTemper::Close, "220", Some(&b""[..])),
        (TlsTemper::NoCommonVersion, "220", Some(&b"\x15\x03\x01\x00\x02\x02\x46"[..])),
    ] {
        let house = house(Temper::healthy().tls(tls.clone()));
        let mut peer = Peer::greeted(&house);
        assert_eq!(peer.ask("STARTTLS"), code, "{tls:?}");
        match end {
            Some(end) => assert_eq!(peer.rest(), (end.to_vec(), None), "{tls:?}"),
            None => assert_eq!(peer.ask("MAIL FROM:<a@b.test>"), "250", "{tls:?} goes on in clear"),
        }
    }
    let garbage = house(Temper::healthy().tls(TlsTemper::Garbage));
    let mut peer = Peer::greeted(&garbage);
    assert_eq!(peer.ask("STARTTLS"), "220");
    assert!(!peer.rest().0.starts_with(b"\x16\x03"));
    let hanging = house(Temper::healthy().tls(TlsTemper::Hang));
    let mut peer = Peer::greeted(&hanging);
    assert_eq!(peer.ask("STARTTLS"), "220");
    assert!(peer.is_silent());
}

#[test]
fn clear_text_behind_starttls_comes_first() {
    let injected = "250 injected\r\n";
    let house = house(Temper::healthy().tls(TlsTemper::Inject(injected.to_owned())));
    let mut peer = Peer::greeted(&house);
    assert_eq!(peer.ask("STARTTLS"), "220");
    assert_eq!(peer.line(), injected);
}

#[test]
fn a_refusing_address_refuses_and_frees_its_port() {
    let refusing = Refusing::start(any()).unwrap();
    let address = refusing.address();
    let error = TcpStream::connect_timeout(&address, PATIENCE).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
    assert!(std::net::TcpListener::bind(address).is_err(), "taken while it refuses");
    drop(refusing);
    assert!(std::net::TcpListener::bind(address).is_ok());
}

#[test]
fn a_swallowing_address_answers_nothing() {
    let swallowing = Swallowing::start(any()).unwrap();
    for _ in 0..2 {
        let error = TcpStream::connect_timeout(&swallowing.address(), SILENCE).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TimedOut);
    }
}
