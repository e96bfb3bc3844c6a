//! What the recorder takes of a message that is delivered at the first try, each over connections of its own.

use mailreeve_core::Instant;
use mailreeve_core::attempt::{Attempt, Outcome, Way};
use mailreeve_core::conversation::{Parties, Stretch, Which};
use mailreeve_core::event::Stage;
use mailreeve_core::ids::{Dcid, Host, Icid, Mid, Rid};
use mailreeve_core::tcp::{ClosedFirst, TcpEnd};
use mailreeve_smtp::transcript::{Heard, Transcript};
use mailreeve_store::recorder::Ring;

/// Octets a message, at most: conversations in and out, with the attempt.
const MOST: u64 = 400;
const MESSAGES: u64 = 10_000;

/// Numbers without a pattern.
struct Chance(u64);

impl Chance {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }
}

struct Letter {
    number: u64,
    at: Instant,
    from: String,
    to: String,
    size: u64,
}

fn inbound(letter: &Letter, chance: &mut Chance) -> Stretch {
    let mut now = letter.at;
    let mut later = || {
        now.0 += 100 + chance.below(40_000);
        now
    };
    let mut said = Transcript::new(16 << 10, letter.at);
    said.said_replies(b"220 gw.example.com ESMTP\r\n", later());
    said.heard_line(b"EHLO mail.sender.example\r\n", Heard::Command, later());
    said.said_replies(b"250-gw.example.com\r\n250-PIPELINING\r\n250-SIZE 104857600\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250-DSN\r\n250-CHUNKING\r\n250 ENHANCEDSTATUSCODES\r\n", later());
    said.heard_line(
        format!("MAIL FROM:<{}> SIZE={}\r\n", letter.from, letter.size).as_bytes(),
        Heard::Command,
        later(),
    );
    said.heard_line(format!("RCPT TO:<{}>\r\n", letter.to).as_bytes(), Heard::Command, later());
    said.heard_line(b"DATA\r\n", Heard::Command, later());
    said.said_replies(b"250 2.1.0 Sender ok\r\n250 2.1.5 Recipient ok\r\n354 Send the message\r\n", later());
    said.heard_content(usize::try_from(letter.size).unwrap(), later());
    said.said_replies(format!("250 2.0.0 Ok: queued as MID {}\r\n", letter.number).as_bytes(), later());
    said.heard_line(b"QUIT\r\n", Heard::Command, later());
    said.said_replies(b"221 2.0.0 Goodbye\r\n", later());
    let parties = Parties {
        which: Which::Inbound(Icid(letter.number)),
        began_at: letter.at.0,
        local: Some(([192, 0, 2, 1], 25).into()),
        peer: (
            [198, 51, chance.below(256) as u8, chance.below(256) as u8],
            40_000 + chance.below(20_000) as u16,
        )
            .into(),
        name: "Incoming".to_owned(),
        host: None,
    };
    let mut stretch = Stretch::new(parties, 0, said.take());
    stretch.mid = Some(Mid(letter.number));
    (stretch.ended, stretch.tcp) = (Some("QUIT".to_owned()), Some(end(chance)));
    stretch
}

/// The end of a connection, as different from others as they are.
fn end(chance: &mut Chance) -> TcpEnd {
    let mut below = |most| chance.below(most) as u32;
    TcpEnd {
        rtt_us: 200 + below(90_000),
        rtt_var_us: below(9_000),
        segments: 10 + below(60),
        sent_again: below(2),
        retries: 0,
        unacked: below(2),
        closed_first: ClosedFirst::They,
    }
}

fn outbound(letter: &Letter, chance: &mut Chance) -> Stretch {
    let reply = format!("2.0.0 Ok: queued as {:X}{:X}", chance.below(1 << 30), chance.below(1 << 16));
    let mut now = letter.at;
    let mut later = || {
        now.0 += 100 + chance.below(40_000);
        now
    };
    let host = letter.to.split('@').nth(1).unwrap().to_owned();
    let mut said = Transcript::new(16 << 10, letter.at);
    said.heard_replies(format!("220 mx1.{host} ESMTP\r\n").as_bytes(), later());
    said.said_commands(b"EHLO gw.example.com\r\n", later());
    said.heard_replies(
        format!("250-mx1.{host}\r\n250-PIPELINING\r\n250-SIZE 52428800\r\n250 8BITMIME\r\n").as_bytes(),
        later(),
    );
    said.said_commands(
        format!("MAIL FROM:<{}> SIZE={}\r\nRCPT TO:<{}>\r\nDATA\r\n", letter.from, letter.size, letter.to)
            .as_bytes(),
        later(),
    );
    said.heard_replies(b"250 2.1.0 Ok\r\n250 2.1.5 Ok\r\n354 End data with <CR><LF>.<CR><LF>\r\n", later());
    said.said_content(letter.size, later());
    said.heard_replies(format!("250 {reply}\r\n").as_bytes(), later());
    let peer = ([203, 0, 113, chance.below(250) as u8], 25).into();
    let local = Some(([192, 0, 2, 1], 40_000 + chance.below(20_000) as u16).into());
    let way = Way { exchanger: format!("mx1.{host}"), peer, local };
    let stages = [
        Stage::Dns,
        Stage::Connect,
        Stage::Greeting,
        Stage::Ehlo,
        Stage::Mail,
        Stage::Rcpt,
        Stage::Data,
        Stage::Content,
        Stage::Final,
    ];
    let mut after = 0;
    let mut passed = |stage| {
        after += 100 + chance.below(40_000);
        (stage, after)
    };
    let attempt = Attempt {
        mid: Mid(letter.number),
        rid: Rid(0),
        host: Host::new(&host),
        dcid: Dcid(letter.number),
        began_at: letter.at.0,
        stages: stages.into_iter().map(&mut passed).collect(),
        way: Some(way),
        tls: None,
        certificate: None,
        passed_over: Vec::new(),
        outcome: Outcome::Delivered(reply),
        tcp: None,
    };
    let parties = Parties {
        which: Which::Outbound(Dcid(letter.number)),
        began_at: letter.at.0,
        local,
        peer,
        name: format!("mx1.{host}"),
        host: Some(Host::new(&host)),
    };
    let mut stretch = Stretch::new(parties, 0, said.take());
    stretch.mid = Some(Mid(letter.number));
    stretch.attempts = vec![attempt];
    (stretch.ended, stretch.tcp) = (Some("closed".to_owned()), Some(end(chance)));
    stretch
}

#[test]
fn a_message_delivered_at_the_first_try_takes_at_most_400_octets() {
    let folder = tempfile::tempdir().unwrap();
    let (mut ring, _) = Ring::open(folder.path(), 1 << 30).unwrap();
    let mut chance = Chance(9);
    for number in 1..=MESSAGES {
        let letter = Letter {
            number,
            at: Instant(1_790_000_000_000_000 + number * 20_011),
            from: format!("person{}@sender{}.example", chance.below(5_000), chance.below(300)),
            to: format!("someone{}@domain{}.example", chance.below(5_000), chance.below(800)),
            size: 1_000 + chance.below(60_000),
        };
        let stretches = [inbound(&letter, &mut chance), outbound(&letter, &mut chance)];
        ring.keep(&stretches, letter.at.0).unwrap();
    }
    let octets = ring.bytes() / MESSAGES;
    println!("{octets} octets a message");
    assert!(octets <= MOST, "{octets} octets a message");
}
