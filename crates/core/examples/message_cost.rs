//! What a message of 4 KiB to one recipient costs in instructions, without IO: the way of every message through the
//! pure crates, as often as wanted, to be run under a tool that counts.
//!
//! `message_cost STAGE MESSAGES`; `scripts/instructions` runs it twice for each stage and takes the difference. Stages:
//! * `talk`: both sessions, ours out to ours in: commands, replies, content, trace field, header facts, transcripts.
//! * `decide`: a recipient through the delivery shard, over a connection that stands.
//! * `tell`: its events into the text log, the counters and the records of message tracking.

use std::error::Error;
use std::sync::Arc;

use jiff::tz::TimeZone;
use mailreeve_core::Instant;
use mailreeve_core::delivery::Delivery;
use mailreeve_core::delivery::io::{
    After, Effect, Input, PeerFacts, RecipientResult, Resolution, Target, Waiting,
};
use mailreeve_core::delivery::settings::Settings;
use mailreeve_core::envelope::ContentFacts;
use mailreeve_core::event::{Event, Stamped};
use mailreeve_core::ids::{Dcid, Host, Icid, Mid, Rid};
use mailreeve_core::mail_log::MailLog;
use mailreeve_core::message::{self, Trace};
use mailreeve_core::tally::Tally;
use mailreeve_core::tracking::{Gather, Tracked};
use mailreeve_smtp::address::{Mailbox, ReversePath};
use mailreeve_smtp::client::{self, Output, Transaction};
use mailreeve_smtp::params::{MailParams, RcptParams};
use mailreeve_smtp::server::{self, DataVerdict, Greeting, Question, Verdict};
use mailreeve_smtp::transcript::Transcript;

const BEGAN: Instant = Instant::from_secs(1_767_225_600);
const SENDER: &str = "alice@sender.example";
const RECIPIENT: &str = "bob@recipient.example";
const HEADER: &[u8] = b"From: <alice@sender.example>\r\nTo: <bob@recipient.example>\r\nSubject: Minutes\r\n\
    Message-ID: <20260101.1@sender.example>\r\nMIME-Version: 1.0\r\n\r\n";
/// Octets of a transcript.
const STRETCH: usize = 16 << 10;

type Outcome = Result<(), Box<dyn Error>>;

fn main() -> Outcome {
    #[allow(
        clippy::disallowed_methods,
        reason = "a measurement with words of its own, not a part of the product"
    )]
    let mut words = std::env::args().skip(1);
    let (stage, messages) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let messages: u64 = messages.parse()?;
    match stage.as_str() {
        "talk" => talk(messages),
        "decide" => decide(messages),
        "tell" => tell(messages),
        _ => Err(format!("no stage is named {stage:?}").into()),
    }
}

/// Both ends of a connection, and what they hold.
struct Wire {
    client: client::Session,
    server: server::Session,
    said: Transcript,
    heard: Transcript,
    content: Vec<u8>,
    zone: TimeZone,
    mid: u64,
    taken: u64,
    done: u64,
    now: Instant,
}

fn talk(messages: u64) -> Outcome {
    let mut settings = server::Settings::new("gateway.example");
    settings.limits.messages = usize::MAX;
    // DATA, as most peers have it.
    (settings.extensions.chunking, settings.extensions.starttls) = (false, false);
    let settings = Arc::new(settings);
    let in_clear = client::Settings { tls: client::TlsDemand::Never, ..client::Settings::default() };
    let line = [&[b'x'; 70][..], b"\r\n"].concat();
    let mut wire = Wire {
        client: client::Session::new(Arc::new(in_clear), BEGAN),
        server: server::Session::new(settings, BEGAN),
        said: Transcript::new(STRETCH, BEGAN),
        heard: Transcript::new(STRETCH, BEGAN),
        content: [HEADER, &line.repeat(55)].concat(),
        zone: TimeZone::UTC,
        mid: 0,
        taken: 0,
        done: 0,
        now: BEGAN,
    };
    wire.server.greet(Greeting::Accept, BEGAN);
    wire.go_on();
    let (mail, recipient) = (ReversePath::parse(SENDER)?, Mailbox::parse(RECIPIENT)?);
    for mid in 1..=messages {
        (wire.mid, wire.now) = (mid, Instant(BEGAN.0 + mid * 100));
        let transaction = Transaction {
            tag: mid,
            mail: mail.clone(),
            params: MailParams::default(),
            recipients: vec![(recipient.clone(), RcptParams::default())],
            size: wire.content.len() as u64,
            eight_bit: false,
            utf8_needed: false,
        };
        wire.client.transact(transaction, wire.now);
        wire.go_on();
        drop((wire.said.take(), wire.heard.take()));
    }
    if wire.taken == messages && wire.done == messages {
        return Ok(());
    }
    Err(format!("{} taken and {} done of {messages}", wire.taken, wire.done).into())
}

impl Wire {
    /// Carries what each end says to the other until both are silent.
    fn go_on(&mut self) {
        loop {
            let replies = std::mem::take(self.server.output());
            self.server.output_written();
            if !replies.is_empty() {
                self.said.heard_replies(&replies, self.now);
                self.client.receive(&replies, self.now);
            }
            let mut silent = replies.is_empty();
            while let Some(output) = self.client.poll() {
                silent = false;
                match output {
                    Output::Write(octets) => {
                        self.said.said_commands(&octets, self.now);
                        self.feed(&octets);
                    }
                    Output::Content { follow, .. } => {
                        let content = [&self.content[..], b".\r\n"].concat();
                        self.said.said_content(content.len() as u64, self.now);
                        self.feed(&content);
                        self.client.content_written(self.now);
                        self.feed(&follow);
                    }
                    Output::Done { .. } => self.done += 1,
                    _ => {}
                }
            }
            if silent {
                return;
            }
        }
    }

    fn feed(&mut self, mut octets: &[u8]) {
        loop {
            octets = &octets[self.server.receive(octets, self.now)..];
            while self.server.notices().is_some() {}
            match self.server.question() {
                Some(Question::Mail { .. }) => self.server.answer_mail(Verdict::Accept, self.now),
                Some(Question::Recipient { .. }) => self.server.answer_recipient(Verdict::Accept, self.now),
                Some(Question::Data) => {
                    let prefix = self.trace();
                    self.server.answer_data(DataVerdict::Go { prefix }, self.now);
                }
                Some(Question::Message(message)) => {
                    drop(message::header_facts(&message.tail));
                    self.taken += 1;
                    self.heard.heard_content(message.tail.len(), self.now);
                    let text = format!("2.0.0 Ok: queued as MID {}", self.mid);
                    self.server.answer_message(Verdict::AcceptWith(text), self.now);
                }
                Some(Question::Spill(_) | Question::StartTls) => return,
                None if octets.is_empty() => return,
                None => {}
            }
        }
    }

    fn trace(&self) -> Vec<u8> {
        let mut prefix = Vec::with_capacity(512 + self.content.len());
        let trace = Trace {
            helo: "client.example",
            reverse: None,
            peer: [192, 0, 2, 1].into(),
            by: "gateway.example",
            esmtp: true,
            utf8: false,
            tls: None,
            mid: Mid(self.mid),
            recipient: None,
            at: self.now,
            zone: &self.zone,
        };
        message::write_received(&trace, &mut prefix);
        prefix
    }
}

fn decide(messages: u64) -> Outcome {
    let host = Host::new("recipient.example");
    let mut settings = Settings::default();
    settings.default_control.concurrency = 1;
    settings.default_control.messages_per_connection = usize::MAX;
    let mut delivery = Delivery::new(Arc::new(settings), 1, Dcid(1));
    let mut effects = Vec::with_capacity(64);
    let mut delivered = 0;
    for number in 1..=messages {
        let now = Instant(BEGAN.0 + number * 100);
        let waiting = Waiting {
            mid: Mid(number),
            rid: Rid(0),
            host: host.clone(),
            accepted_at: now.0,
            size: 4_096,
            content: ContentFacts::default(),
            state: None,
            null_sender: false,
            notify_failure: true,
            notify_delay: false,
        };
        delivery.handle(Input::Enqueue(vec![waiting]), now, &mut effects);
        if number == 1 {
            effects.clear();
            stand(&mut delivery, &host, &mut effects);
        }
        for effect in std::mem::take(&mut effects) {
            let Effect::Transact { dcid, mid, rids, .. } = effect else { continue };
            let reply = || "2.0.0 Ok: queued as 4B1F9A20C1".to_owned();
            let taken = |rid| (rid, RecipientResult::Delivered { reply: reply(), relayed_dsn: true });
            let results = rids.into_iter().map(taken).collect();
            let outcome = Input::Outcome { dcid, mid, results, after: After::Usable };
            delivery.handle(outcome, now, &mut effects);
            delivered += 1;
        }
        effects.clear();
    }
    if delivered == messages { Ok(()) } else { Err(format!("{delivered} of {messages}").into()) }
}

/// Looks the destination up and has a connection to it.
fn stand(delivery: &mut Delivery, host: &Host, effects: &mut Vec<Effect>) {
    let target = Target { address: ([192, 0, 2, 9], 25).into(), name: "mx.example".into(), preference: 10 };
    let resolution = Resolution::Addresses {
        targets: vec![target.clone()],
        exchangers: Vec::new(),
        expires_at: BEGAN.0 + 86_400_000_000,
    };
    delivery.handle(Input::Resolved { host: host.clone(), resolution }, BEGAN, effects);
    let peer = PeerFacts {
        size_limit: None,
        smtputf8: true,
        eight_bit: true,
        dsn: true,
        recipients_max: 100,
        transactions_max: None,
        tls: None,
    };
    effects.clear();
    delivery.handle(Input::Ready { dcid: Dcid(1), target, peer, failed: Vec::new() }, BEGAN, effects);
}

fn tell(messages: u64) -> Outcome {
    let (mut log, mut tally, mut gather) = (MailLog::new(TimeZone::UTC), Tally::default(), Gather::default());
    let mut lines = Vec::new();
    let (mut place, mut octets) = (0_u64, 0);
    for number in 1..=messages {
        let at = BEGAN.0 + number * 100;
        for event in events(Mid(number)) {
            let stamped = Stamped { at, event };
            log.render(&stamped, &mut lines);
            tally.apply(&stamped);
            place += 100;
            gather.note(place, &stamped);
        }
        let tracked = Tracked::Message(Mid(number));
        let version = gather.get(tracked).map(|gathered| gathered.version);
        gather.stored(&[(tracked, version.unwrap_or_default())], 0);
        octets += lines.len();
        lines.clear();
    }
    if octets > 0 && gather.is_empty() { Ok(()) } else { Err("nothing was told, or records stay".into()) }
}

fn events(mid: Mid) -> [Event; 7] {
    let (icid, dcid, host) = (Icid(1), Dcid(1), Host::new("recipient.example"));
    [
        Event::MessageStarted { mid, icid, sender: SENDER.to_owned() },
        Event::RecipientAccepted { mid, icid, rid: Rid(0), address: RECIPIENT.to_owned() },
        Event::Accepted {
            mid,
            icid,
            size: 4_096,
            sender: SENDER.to_owned(),
            message_id: Some("20260101.1@sender.example".to_owned()),
            subject: Some("Minutes".to_owned()),
            recipients: 1,
        },
        Event::Queued { mid, destinations: vec![(host.clone(), vec![Rid(0)])] },
        Event::DeliveryStarted { dcid, mid, rids: vec![Rid(0)] },
        Event::Delivered { dcid, mid, rids: vec![Rid(0)], host, reply: "2.0.0 Ok: queued".to_owned() },
        Event::Finished { mid },
    ]
}
