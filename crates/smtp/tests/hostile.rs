//! Whatever a peer sends: no panic, no standstill, bounded output.
//!
//! The inputs are random octets, random pieces of SMTP, and the fuzz corpus under `../shared/testdata` where
//! that folder is there. The caller answers at random too.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stderr)]

#[allow(dead_code, reason = "each test binary uses its part of the player")]
mod player;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use mailreeve_smtp::instant::Instant;
use mailreeve_smtp::reply::{Enhanced, LINE_OCTETS, Reply};
use mailreeve_smtp::server::{
    DataVerdict, Greeting, LineEnds, Question, Session, Settings, Shutdown, Stage, Verdict,
};
use player::Random;

/// What the session promises of its output, and the longest reply on top of it.
const OUTPUT_BOUND: usize = (64 << 10) + 12 * LINE_OCTETS;

const PIECES: &[&str] = &[
    "EHLO a.example\r\n",
    "HELO a\r\n",
    "MAIL FROM:<a@a.example>\r\n",
    "MAIL FROM:<> SIZE=10 RET=FULL\r\n",
    "RCPT TO:<b@b.example>\r\n",
    "RCPT TO:<\"x y\"@[IPv6:::1]> NOTIFY=NEVER\r\n",
    "DATA\r\n",
    ".\r\n",
    "\r\n.\r\n",
    "BDAT 5\r\nabcde",
    "BDAT 3 LAST\r\nxyz",
    "BDAT 4000000000\r\n",
    "BDAT 0 LAST\r\n",
    "RSET\r\n",
    "NOOP\r\n",
    "QUIT\r\n",
    "VRFY x\r\n",
    "HELP\r\n",
    "STARTTLS\r\n",
    "Subject: x\r\n\r\n",
    "Received: y\r\n",
    "..",
    "\r",
    "\n",
    "\0",
    "\n.\n",
    "GET / HTTP/1.1\r\n",
    "\u{fc}",
    "MAIL FROM:<",
    "@",
    ">",
    " ",
    "\"",
    "\\",
    "<@a,@b:c@d>",
];

/// How a session may begin that is to get somewhere.
const BEGINNINGS: &[&str] = &[
    "",
    "EHLO a.example\r\nMAIL FROM:<>\r\nRCPT TO:<b@b.example>\r\nDATA\r\n",
    "EHLO a.example\r\nMAIL FROM:<>\r\nRCPT TO:<b@b.example>\r\nBDAT 30\r\n",
    "STARTTLS\r\n",
];

#[test]
fn random_pieces_of_smtp() {
    let mut met = BTreeMap::new();
    for seed in 0..20_000 {
        let mut random = Random(seed);
        let mut input = BEGINNINGS[random.below(BEGINNINGS.len())].as_bytes().to_vec();
        for _ in 0..random.below(60) {
            if random.below(10) == 0 {
                input.extend((0..random.below(50)).map(|_| random.below(256) as u8));
            } else {
                input.extend_from_slice(PIECES[random.below(PIECES.len())].as_bytes());
            }
        }
        play(&input, &mut random, &mut met);
    }
    // The run reaches every question and every end, or it proves little.
    let (questions, ends): (Vec<_>, Vec<_>) = met.iter().partition(|(what, _)| what.starts_with('?'));
    assert_eq!(questions.len(), 6, "{met:#?}");
    assert_eq!(ends.len(), 13, "{met:#?}");
    assert!(met["?Message"] > 1000, "{met:#?}");
}

#[test]
fn random_octets() {
    for seed in 0..500 {
        let mut random = Random(seed);
        let input: Vec<u8> = (0..random.below(5000)).map(|_| random.below(256) as u8).collect();
        play(&input, &mut random, &mut BTreeMap::new());
    }
}

#[test]
fn the_fuzz_corpus_of_chasquid() {
    let folder =
        Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/testdata/fuzz-seeds/chasquid-smtp"));
    if !folder.is_dir() {
        eprintln!("skipped: no ../shared/testdata beside this checkout");
        return;
    }
    let mut seeds = 0;
    #[allow(clippy::disallowed_methods, reason = "the test reads files, the session does not")]
    for entry in std::fs::read_dir(folder).unwrap() {
        let text = std::fs::read_to_string(entry.unwrap().path()).unwrap();
        let quoted =
            text.lines().find_map(|line| line.strip_prefix("[]byte(\"")?.strip_suffix("\")")).unwrap();
        let input = quoted.replace("\\n", "\n").replace("\\\"", "\"").replace("\\\\", "\\");
        for seed in 0..40 {
            play(input.as_bytes(), &mut Random(seed), &mut BTreeMap::new());
            play(input.replace('\n', "\r\n").as_bytes(), &mut Random(seed), &mut BTreeMap::new());
        }
        seeds += 1;
    }
    assert!(seeds >= 10, "only {seeds} seeds");
}

#[test]
fn a_flood_of_commands_stops_at_the_output_bound() {
    let mut settings = Settings::new("gw.example.com");
    settings.limits.idle_commands = usize::MAX;
    let mut session = Session::new(Arc::new(settings), Instant(0));
    session.greet(Greeting::Accept, Instant(0));
    let flood = b"EHLO a\r\n".repeat(100_000);
    let taken = session.receive(&flood, Instant(0));
    assert!(taken < flood.len() && session.output().len() <= OUTPUT_BOUND);
    assert_eq!(session.receive(&flood[taken..], Instant(0)), 0, "the output is still full");
    session.output().clear();
    assert!(session.receive(&flood[taken..], Instant(0)) > 0);
}

/// Feeds an input in random pieces, answers at random, checks each step, and notes what was met.
fn play(input: &[u8], random: &mut Random, met: &mut BTreeMap<String, usize>) {
    let mut settings = Settings::new("gw.example.com");
    settings.limits.message_bytes = [50, 5000][random.below(2)];
    settings.limits.spill_bytes = [1, 20, 4000][random.below(3)];
    settings.limits.errors = [3, 1000][random.below(2)];
    settings.limits.command_line_bytes = 200;
    settings.line_ends = [LineEnds::Refuse, LineEnds::Normalise][random.below(2)];
    settings.limits.messages = 2;
    settings.limits.idle_commands = [3, 1000][random.below(2)];
    settings.deadlines.minimum_rate = [0, 10][random.below(2)];
    settings.deadlines.session = Duration::from_secs([100, 3600][random.below(2)]);
    let mut now = Instant::from_secs(1_000_000);
    let mut session = Session::new(Arc::new(settings), now);
    session.greet(Greeting::Accept, now);
    let (mut taken, mut arrived) = (0, 0);
    while session.ended().is_none() {
        while session.notices().is_some() {}
        if let Some(question) = session.question() {
            *met.entry(format!("?{}", word(&question))).or_default() += 1;
            answer(&mut session, question, random, now);
            continue;
        }
        let used = session.receive(&input[taken..arrived], now);
        assert!(used <= arrived - taken);
        assert!(session.output().len() <= OUTPUT_BOUND);
        assert_whole_replies(&mut session);
        taken += used;
        let waits = matches!(session.stage(), Stage::Decision | Stage::Handshake | Stage::Ended);
        assert!(taken == arrived || waits, "nothing is taken and nothing is asked");
        if waits {
            continue;
        }
        if arrived == input.len() {
            break;
        }
        arrived += (1 + random.below(200)).min(input.len() - arrived);
        now = now + Duration::from_millis(random.below(2000) as u64);
        event(&mut session, random, now);
    }
    // From anywhere: silence ends the session in bounded time.
    for _ in 0..10_000 {
        if session.ended().is_some() {
            break;
        }
        now = session.deadline();
        session.timeout(now);
    }
    let ended = session.ended().expect("time ends the session");
    *met.entry(word(&ended.reason)).or_default() += 1;
    assert_eq!(session.receive(b"NOOP\r\n", now), 0, "an ended session takes nothing");
    assert!(session.question().is_none());
}

/// The first word of a value's debug form.
fn word(value: &impl std::fmt::Debug) -> String {
    format!("{value:?}").split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default().to_owned()
}

/// Every reply is whole lines of the right form; none repeats a line end of the peer's.
fn assert_whole_replies(session: &mut Session) {
    let output = std::mem::take(session.output());
    assert!(output.is_empty() || output.ends_with(b"\r\n"));
    for line in output.split_inclusive(|&b| b == b'\n') {
        assert!(line.len() <= LINE_OCTETS && line.ends_with(b"\r\n"));
        assert!(line[..3].iter().all(u8::is_ascii_digit) && matches!(line[3], b' ' | b'-'));
        assert!(!line[..line.len() - 2].iter().any(u8::is_ascii_control));
    }
}

fn answer(session: &mut Session, question: Question, random: &mut Random, now: Instant) {
    let reply = || Reply::new(451, Enhanced(4, 7, 1), "Later");
    let verdict = match random.below(12) {
        0 => Verdict::Refuse(reply()),
        1 => Verdict::AcceptWith("2.0.0 Fine\r\nreally".to_owned()),
        2 => Verdict::RefuseAndClose(reply()),
        _ => Verdict::Accept,
    };
    match question {
        Question::Mail { .. } => session.answer_mail(verdict, now),
        Question::Recipient { .. } => session.answer_recipient(verdict, now),
        Question::Data if random.below(6) == 0 => session.answer_data(DataVerdict::Refuse(reply()), now),
        Question::Data => session.answer_data(DataVerdict::Go { prefix: b"R: x\r\n".to_vec() }, now),
        Question::Spill(part) => {
            assert!(!part.is_empty());
            session.answer_spill(now);
        }
        Question::Message(message) => {
            assert!(message.tail.len() as u64 + message.spilled == message.size + 6);
            session.answer_message(verdict, now);
        }
        Question::StartTls if random.below(4) == 0 => session.tls_failed(now),
        Question::StartTls => session.tls_started(now),
    }
}

fn event(session: &mut Session, random: &mut Random, now: Instant) {
    match random.below(400) {
        0 => session.shutdown(Shutdown::Stopping, now),
        1 => session.peer_closed(now),
        2 => session.timeout(now + Duration::from_secs(100)),
        _ => session.timeout(now),
    }
}
