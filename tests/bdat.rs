//! Messages in chunks (RFC 3030), as wrong and as right as they come.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod world;

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use mailreeve_lab::host::{HostPlan, Offers, Temper};
use mailreeve_lab::record::{TRACE_HEADERS, skip_trace};
use mailreeve_lab::sink::Sink;
use world::places::{all_to, sink};
use world::{Gateway, PATIENCE, Talk, wait_until};

struct Setting {
    gateway: Gateway,
    sink: Sink,
}

impl Setting {
    fn start(more: &str) -> Self {
        let sink = sink();
        let gateway = Gateway::start(&format!("{}{more}", all_to(sink.address())));
        Self { gateway, sink }
    }

    /// A conversation that has come as far as its recipient.
    fn envelope(&self) -> Talk {
        let mut talk = Talk::with(self.gateway.smtp);
        assert!(talk.say("EHLO client.test").contains("CHUNKING"));
        begin(&mut talk);
        talk
    }

    /// Exactly these messages have arrived, byte for byte but for the fields on top, in any order.
    fn arrived(&self, expected: &[&[u8]]) {
        assert!(self.sink.wait_for(expected.len() as u64, PATIENCE), "{} arrived", self.sink.sums().messages);
        wait_until("the queue is empty", || self.gateway.active() == 0);
        let mut found: Vec<Vec<u8>> =
            self.sink.deliveries().into_iter().map(|one| own(one.content.unwrap())).collect();
        let mut expected: Vec<Vec<u8>> = expected.iter().map(|one| one.to_vec()).collect();
        found.sort();
        expected.sort();
        assert_eq!(found, expected);
        assert_eq!(self.sink.complaints(), Vec::<String>::new());
    }
}

fn own(content: Vec<u8>) -> Vec<u8> {
    let (start, _) = skip_trace(&content, &TRACE_HEADERS);
    content[start..].to_vec()
}

fn begin(talk: &mut Talk) {
    assert!(talk.say("MAIL FROM:<a@sender.test>").starts_with("250"));
    assert!(talk.say("RCPT TO:<b@example.com>").starts_with("250"));
}

/// Sends a chunk and returns the reply to it.
fn chunk(talk: &mut Talk, octets: &[u8], last: bool) -> String {
    let mark = if last { " LAST" } else { "" };
    talk.send(&[format!("BDAT {}{mark}\r\n", octets.len()).as_bytes(), octets].concat());
    talk.reply()
}

const WHOLE: &[u8] = b"Subject: whole\r\n\r\nwhole\r\n";

/// B1, B2.
#[test]
fn chunks_of_nothing() {
    let setting = Setting::start("");
    let mut talk = Talk::with(setting.gateway.smtp);
    talk.say("EHLO client.test");
    assert!(talk.say("BDAT 0").starts_with("503 "));
    assert!(talk.say("BDAT 0 LAST").starts_with("503 "));
    begin(&mut talk);
    assert!(talk.say("BDAT 0").starts_with("250 "));
    assert!(chunk(&mut talk, WHOLE, false).starts_with("250 "));
    assert!(talk.say("BDAT 0").starts_with("250 "));
    assert!(talk.say("BDAT 0 LAST").starts_with("250 "));
    begin(&mut talk);
    let empty = talk.say("BDAT 0 LAST");
    assert!(empty.starts_with("250 ") || empty.starts_with('5'), "{empty}");
    assert!(talk.say("NOOP").starts_with("250 "));
    let mut expected = vec![WHOLE];
    if empty.starts_with("250 ") {
        expected.push(b"");
    }
    setting.arrived(&expected);
}

/// B3.
#[test]
fn sizes_that_are_none() {
    let setting = Setting::start("");
    let before = setting.gateway.json("status")["gauges"]["ram_kbytes"].as_u64().unwrap();
    for argument in [
        "18446744073709551616",
        "99999999999999999999999",
        "-1",
        "1e9",
        "0x10",
        "5 LAST x",
        "",
        "LAST",
        "5 FIRST",
    ] {
        let mut talk = setting.envelope();
        let reply = talk.say(format!("BDAT {argument}").trim_end());
        assert!(reply.starts_with("501 5.5.4 "), "BDAT {argument}: {reply}");
        assert!(talk.say("NOOP").starts_with("250 "), "in step after BDAT {argument}");
    }
    for argument in ["18446744073709551615", "4294967296", "99999999999"] {
        let mut talk = setting.envelope();
        let reply = talk.say(&format!("BDAT {argument} LAST"));
        // A number, but one that the size limit forbids: told at once or by the end of the connection.
        assert!(
            reply.is_empty() || reply.starts_with("552 5.3.4 ") || reply.starts_with("501 5.5.4 "),
            "{reply}"
        );
    }
    let after = setting.gateway.json("status")["gauges"]["ram_kbytes"].as_u64().unwrap();
    assert!(after < before + (32 << 10), "{before} KiB grew to {after} KiB");
    setting.arrived(&[]);
}

/// B4.
#[test]
fn what_is_too_large_is_read_and_never_obeyed() {
    let setting = Setting::start(
        "[limits]\nmessage_bytes = \"64 KiB\"\nheader_bytes = \"16 KiB\"\nline_bytes = \"16 KiB\"\n",
    );
    let mut talk = setting.envelope();
    let hidden =
        b"\r\nRSET\r\nMAIL FROM:<x@sender.test>\r\nRCPT TO:<victim@example.com>\r\nDATA\r\n".repeat(2_000);
    let reply = chunk(&mut talk, &hidden, true);
    assert!(reply.starts_with("552 5.3.4 "), "{reply}");
    let next = talk.say("NOOP");
    if !next.is_empty() {
        assert!(next.starts_with("250 "), "{next}");
        begin(&mut talk);
        assert!(chunk(&mut talk, WHOLE, true).starts_with("250 "));
        setting.arrived(&[WHOLE]);
    } else {
        setting.arrived(&[]);
    }
}

/// B5.
#[test]
fn data_and_chunks_do_not_mix() {
    let setting = Setting::start("");
    let mut talk = setting.envelope();
    assert!(chunk(&mut talk, b"Subject: half\r\n", false).starts_with("250 "));
    assert!(talk.say("DATA").starts_with("503 5.5.1 "));
    assert!(talk.say("RSET").starts_with("250 "));
    begin(&mut talk);
    assert!(talk.say("DATA").starts_with("354 "));
    // Inside DATA it is text.
    assert!(talk.say("BDAT 5 LAST\r\n.").starts_with("250 "));
    setting.arrived(&[b"BDAT 5 LAST\r\n"]);
}

/// B6.
#[test]
fn a_chunk_that_is_refused_is_thrown_away_whole() {
    let setting = Setting::start("");
    let mut talk = Talk::with(setting.gateway.smtp);
    talk.say("EHLO client.test");
    let hidden = b"MAIL FROM:<x@sender.test>\r\nRCPT TO:<victim@example.com>\r\n";
    assert!(chunk(&mut talk, hidden, false).starts_with("503 "));
    assert!(talk.say("RCPT TO:<b@example.com>").starts_with("503 "), "MAIL of the chunk was obeyed");
    assert!(talk.say("MAIL FROM:<a@sender.test>").starts_with("250 "));
    assert!(chunk(&mut talk, hidden, true).starts_with("503 "));
    assert!(talk.say("NOOP").starts_with("250 "));
    setting.arrived(&[]);
}

/// B7.
#[test]
fn what_stands_between_chunks() {
    let setting = Setting::start("");
    for (command, code) in [("RSET", "250"), ("EHLO again.test", "250"), ("QUIT", "221")] {
        let mut talk = setting.envelope();
        assert!(chunk(&mut talk, b"Subject: half\r\n\r\n", false).starts_with("250 "));
        assert!(talk.say(command).starts_with(code));
        if command != "QUIT" {
            assert!(chunk(&mut talk, b"rest", true).starts_with("503 "), "after {command}");
        }
    }
    let mut talk = setting.envelope();
    let (first, rest) = WHOLE.split_at(10);
    assert!(chunk(&mut talk, first, false).starts_with("250 "));
    assert!(talk.say("NOOP").starts_with("250 "));
    assert!(chunk(&mut talk, rest, true).starts_with("250 "));
    setting.arrived(&[WHOLE]);
}

/// B8, B12: to a next hop that takes chunks, and to one that wants DATA.
#[test]
fn dots_are_nothing_special_in_chunks_and_stuffed_where_they_are() {
    let dotted: &[u8] = b".\r\nSubject: no header at all\r\n.\r\n..\r\n.a\r\n\r\n.\r\n";
    let setting = Setting::start("");
    let mut talk = setting.envelope();
    let (first, rest) = dotted.split_at(4);
    assert!(chunk(&mut talk, first, false).starts_with("250 "));
    assert!(chunk(&mut talk, rest, true).starts_with("250 "));
    setting.arrived(&[dotted]);

    let detail = mailreeve_lab::host::Detail::Records { memory: true, content: true, file: None };
    let temper = Temper::healthy().offers(Offers { chunking: false, ..Offers::default() });
    let plan = HostPlan::new((world::address(), 2525).into(), temper).detail(detail);
    let sink = Sink::plan(plan).unwrap();
    let gateway = Gateway::start(&all_to(sink.address()));
    let setting = Setting { gateway, sink };
    let mut talk = Talk::with(setting.gateway.smtp);
    talk.say("EHLO client.test");
    begin(&mut talk);
    assert!(chunk(&mut talk, dotted, true).starts_with("250 "));
    setting.arrived(&[dotted]);
}

/// B9.
#[test]
fn a_message_that_was_cut_is_none() {
    let setting = Setting::start("");
    let mut talk = setting.envelope();
    assert!(chunk(&mut talk, b"Subject: half\r\n\r\n", false).starts_with("250 "));
    drop(talk);
    // Cut after LAST, before its 250 was read: at most one copy.
    let mut talk = setting.envelope();
    talk.send(&[format!("BDAT {} LAST\r\n", WHOLE.len()).as_bytes(), WHOLE].concat());
    drop(talk);
    wait_until("all connections are closed", || {
        setting.gateway.json("status")["gauges"]["conn_in"].as_u64() == Some(0)
    });
    wait_until("the queue is empty", || setting.gateway.active() == 0);
    let copies = setting.gateway.json("status")["lifetime"]["inj_msgs"].as_u64().unwrap();
    assert!(copies <= 1);
    setting.arrived(if copies == 1 { &[WHOLE] } else { &[] });
}

/// B10.
#[test]
fn a_thousand_messages_in_one_breath() {
    let setting = Setting::start("[limits]\nmessages_per_connection = 2000\n");
    let mut stream = TcpStream::connect(setting.gateway.smtp).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut said = b"EHLO client.test\r\n".to_vec();
    for number in 0..1000 {
        let content = format!("Subject: {number}\r\n\r\n{number}\r\n");
        said.extend(b"MAIL FROM:<a@sender.test>\r\nRCPT TO:<b@example.com>\r\n");
        said.extend(format!("BDAT {} LAST\r\n{content}", content.len()).as_bytes());
    }
    said.extend(b"QUIT\r\n");
    let mut writing = stream.try_clone().unwrap();
    let writer = std::thread::spawn(move || writing.write_all(&said).unwrap());
    let mut answers = String::new();
    stream.read_to_string(&mut answers).unwrap();
    writer.join().unwrap();
    let last = |line: &&str| line.as_bytes().get(3) == Some(&b' ');
    let replies: Vec<&str> = answers.split("\r\n").filter(last).collect();
    assert_eq!(replies.len(), 2 + 3 * 1000 + 1, "banner, EHLO, three for each message, QUIT");
    let queued = replies[2..replies.len() - 1].iter().skip(2).step_by(3);
    assert!(queued.clone().all(|reply| reply.starts_with("250 2.0.0 ")), "{replies:?}");
    let mut numbers: Vec<&str> = queued.map(|reply| reply.rsplit(' ').next().unwrap()).collect();
    let told = numbers.len();
    numbers.dedup();
    assert_eq!((told, numbers.len()), (1000, 1000));
    assert!(setting.sink.wait_for(1000, PATIENCE));
    wait_until("the queue is empty", || setting.gateway.active() == 0);
    assert_eq!(setting.sink.sums().messages, 1000);
}

/// B11, as far as it applies: a body that may not be binary is refused as such, and nothing is cut.
#[test]
fn binary_bodies_are_not_offered_and_not_taken() {
    let setting = Setting::start("");
    let mut talk = Talk::with(setting.gateway.smtp);
    assert!(!talk.say("EHLO client.test").contains("BINARYMIME"));
    let reply = talk.say("MAIL FROM:<a@sender.test> BODY=BINARYMIME");
    assert!(reply.starts_with("501 ") || reply.starts_with("504 ") || reply.starts_with("555 "), "{reply}");
    begin(&mut talk);
    let reply = chunk(&mut talk, b"Subject: binary\r\n\r\na\0b\r\n", true);
    assert!(reply.starts_with('5'), "{reply}");
    begin(&mut talk);
    let reply = chunk(&mut talk, b"Subject: bare\r\n\r\na\nb\rc\r\n", true);
    assert!(reply.starts_with('5'), "{reply}");
    setting.arrived(&[]);
}
