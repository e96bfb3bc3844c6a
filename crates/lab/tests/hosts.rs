//! Every temper of a host, met by a raw socket.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};

use mailreeve_lab::host::{
    Act, Authority, Detail, Ending, Host, HostPlan, Offers, Refusing, Reply, Rule, Span, Stage, Swallowing,
    Temper, TlsTemper,
};
use mailreeve_lab::room::Room;

const PATIENCE: Duration = Duration::from_secs(10);
const SILENCE: Duration = Duration::from_millis(150);

fn any() -> SocketAddr {
    ([127, 0, 0, 1], 0).into()
}

/// A host in a room of its own.
struct House {
    host: Host,
    _room: Room,
}

fn house(temper: Temper) -> House {
    let room = Room::open("test").unwrap();
    let detail = Detail::Records { memory: true, content: true, file: None };
    let plan = HostPlan::new(any(), temper).name("mx.house.test").detail(detail);
    let host = Host::start(&room, &Arc::new(Authority::new().unwrap()), plan).unwrap();
    House { host, _room: room }
}

/// A peer that says what it likes.
struct Peer {
    stream: TcpStream,
    heard: Vec<u8>,
}

impl Peer {
    fn call(house: &House) -> Self {
        let stream = TcpStream::connect(house.host.address()).unwrap();
        stream.set_nodelay(true).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        Self { stream, heard: Vec::new() }
    }

    /// Called, and past EHLO.
    fn greeted(house: &House) -> Self {
        let mut peer = Self::call(house);
        assert_eq!(peer.reply(), "220");
        assert_eq!(peer.ask("EHLO me.test"), "250");
        peer
    }

    fn say(&mut self, text: &str) {
        self.stream.write_all(text.as_bytes()).unwrap();
    }

    fn ask(&mut self, line: &str) -> String {
        self.say(&format!("{line}\r\n"));
        self.reply()
    }

    /// One whole reply; its code.
    fn reply(&mut self) -> String {
        self.whole_reply()[..3].to_owned()
    }

    /// One whole reply, or "" at the end.
    fn whole_reply(&mut self) -> String {
        let mut reply = String::new();
        loop {
            let line = self.line();
            reply.push_str(&line);
            if line.is_empty() || line.as_bytes().get(3) != Some(&b'-') {
                return reply;
            }
        }
    }

    fn line(&mut self) -> String {
        loop {
            if let Some(end) = self.heard.iter().position(|byte| *byte == b'\n') {
                return String::from_utf8(self.heard.drain(..=end).collect()).unwrap();
            }
            let mut buffer = [0; 4096];
            match self.stream.read(&mut buffer).unwrap() {
                0 => return String::new(),
                length => self.heard.extend_from_slice(&buffer[..length]),
            }
        }
    }

    /// What comes until the end, and how it ends.
    fn rest(&mut self) -> (Vec<u8>, Option<ErrorKind>) {
        let mut rest = std::mem::take(&mut self.heard);
        let end = self.stream.read_to_end(&mut rest).err().map(|error| error.kind());
        (rest, end)
    }

    fn is_silent(&mut self) -> bool {
        self.stream.set_read_timeout(Some(SILENCE)).unwrap();
        let read = self.stream.read(&mut [0; 64]);
        self.stream.set_read_timeout(Some(PATIENCE)).unwrap();
        read.is_err_and(|error| matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut))
    }

    fn send_mail(&mut self, rcpt: &str, body: &str) -> String {
        for (line, code) in
            [("MAIL FROM:<a@b.test>", "250"), (&format!("RCPT TO:<{rcpt}>"), "250"), ("DATA", "354")]
        {
            assert_eq!(self.ask(line), code, "{line}");
        }
        self.say(body);
        self.ask(".")
    }
}

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
fn a_slow_host_takes_its_time_and_then_serves() {
    let delay = Duration::from_millis(60);
    let house = house(Temper::slow(delay));
    let begin = Instant::now();
    let mut peer = Peer::greeted(&house);
    assert_eq!(peer.send_mail("c@d.test", "x\r\n"), "250");
    assert!(begin.elapsed() >= delay * 6, "banner, EHLO, MAIL, RCPT, DATA and the end");
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
fn a_temper_changes_and_counting_starts_over() {
    let house = house(Temper::refusing(Stage::Mail, 550));
    let mut old = Peer::greeted(&house);
    house.host.change(Temper::healthy());
    assert_eq!(old.ask("MAIL FROM:<a@b.test>"), "550", "an open conversation keeps its manners");
    assert_eq!(Peer::greeted(&house).ask("MAIL FROM:<a@b.test>"), "250");
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
