//! Content against a slow reading of the rules: what DATA and BDAT keep must be what they say.
//!
//! The reference looks at the whole input at once, the session sees it in pieces of any size.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[allow(dead_code, reason = "each test binary uses its part of the player")]
mod player;

use mailreeve_smtp::server::{LineEnds, Question, Settings};
use player::server::{Player, base_settings};
use player::{Cut, Random, escaped};

const LIMIT: u64 = 120;

/// What came of a message.
#[derive(Debug, PartialEq, Eq)]
enum Outcome {
    Message { content: Vec<u8>, header_end: usize, eight_bit: bool, dots: bool },
    Refused(&'static str),
    Unfinished,
}

#[test]
fn data_keeps_what_the_rules_say() {
    let mut seen = [0; 5];
    for seed in 0..6000 {
        let mut random = Random(seed);
        let normalise = seed % 3 == 0;
        let input = random.content();
        let expected = data_by_the_book(&input, normalise);
        let got = data(&input, normalise, random.cut(seed), random.spill());
        assert_eq!(got, expected, "seed {seed}, normalise {normalise}: {}", escaped(&input));
        seen[kind(&expected)] += 1;
    }
    assert!(seen.iter().all(|count| *count > 50), "some outcome was hardly met: {seen:?}");
}

#[test]
fn chunks_keep_what_the_rules_say() {
    let mut seen = [0; 5];
    for seed in 0..6000 {
        let mut random = Random(seed);
        let normalise = seed % 3 == 0;
        let mut input = random.content();
        // Never too big, whatever becomes of its line ends: a chunk is refused for its size beforehand.
        input.truncate(LIMIT as usize / 2);
        let expected = chunks_by_the_book(&input, normalise);
        let got = chunks(&input, &mut random, normalise, seed);
        // Of two faults in different chunks the first chunk's is told.
        let two_faults = !normalise && has_bare(&input) && input.contains(&0);
        if two_faults && got == Outcome::Refused("554") {
            continue;
        }
        assert_eq!(got, expected, "seed {seed}, normalise {normalise}: {}", escaped(&input));
        seen[kind(&expected)] += 1;
    }
    assert!([0, 1, 3].iter().all(|kind| seen[*kind] > 50), "some outcome was hardly met: {seen:?}");
}

#[test]
fn the_thousandth_pipelined_message_is_like_the_first() {
    // Case B10.
    let mut settings = base_settings();
    settings.limits.messages = 2000;
    let mut player = greeted(settings, Cut::Whole);
    for n in 0..1000 {
        let body = format!("Subject: {n}\r\n\r\n{n}");
        player.send(b"MAIL FROM:<a@a.example>\r\nRCPT TO:<b@b.example>\r\n");
        player.send(format!("BDAT {} LAST\r\n{body}", body.len()).as_bytes());
    }
    let messages = player.agree();
    assert_eq!(messages.len(), 1000);
    for (n, message) in messages.iter().enumerate() {
        assert_eq!(message.tail, format!("Subject: {n}\r\n\r\n{n}").into_bytes());
    }
    let codes: Vec<String> = player.said.drain(..).collect();
    assert_eq!(codes.len(), 3000);
    assert!(codes.iter().all(|line| line.starts_with("250 ")), "{codes:?}");
}

/// RFC 5321 4.1.1.4 and 4.5.2 on the whole input.
fn data_by_the_book(input: &[u8], normalise: bool) -> Outcome {
    let framed = [b"\r\n", input].concat();
    let Some(end) = framed.windows(5).position(|five| five == b"\r\n.\r\n") else {
        return Outcome::Unfinished;
    };
    // Between the CRLF that was put in front and the CRLF of the end.
    let sent = if end == 0 { &[][..] } else { &framed[2..end + 2] };
    if !normalise && has_bare(sent) {
        return Outcome::Refused("521");
    }
    let mut content = Vec::new();
    for line in lines(sent) {
        let lone_dot = line.starts_with(b".\n") || (line.starts_with(b".\r") && !line.starts_with(b".\r\n"));
        let stuffed = line.first() == Some(&b'.') && !lone_dot;
        content.extend_from_slice(&line[usize::from(stuffed)..]);
    }
    judged(content)
}

fn chunks_by_the_book(input: &[u8], normalise: bool) -> Outcome {
    if !normalise && has_bare(input) {
        return Outcome::Refused("521");
    }
    judged(input.to_vec())
}

fn judged(content: Vec<u8>) -> Outcome {
    let content = normalised(&content);
    let nul = content.iter().position(|&b| b == 0);
    if content.len() as u64 > LIMIT && nul.is_none_or(|at| at as u64 >= LIMIT) {
        return Outcome::Refused("552");
    }
    if nul.is_some() {
        return Outcome::Refused("554");
    }
    let framed = [b"\r\n", &content[..]].concat();
    let header_end =
        framed.windows(4).position(|four| four == b"\r\n\r\n").map_or(content.len(), |at| at + 2);
    Outcome::Message {
        header_end,
        eight_bit: content.iter().any(|&b| b > 127),
        dots: framed.windows(3).any(|three| three == b"\r\n."),
        content,
    }
}

/// The lines of a text, each with the CRLF that ends it.
fn lines(mut text: &[u8]) -> Vec<&[u8]> {
    let mut lines = Vec::new();
    while let Some(end) = text.windows(2).position(|two| two == b"\r\n") {
        let (line, rest) = text.split_at(end + 2);
        lines.push(line);
        text = rest;
    }
    lines.push(text);
    lines
}

fn has_bare(text: &[u8]) -> bool {
    lines(text)
        .iter()
        .any(|line| line.strip_suffix(b"\r\n").unwrap_or(line).iter().any(|b| matches!(b, b'\r' | b'\n')))
}

fn normalised(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    for line in lines(text) {
        let (body, end) = match line.strip_suffix(b"\r\n") {
            Some(body) => (body, &b"\r\n"[..]),
            None => (line, &b""[..]),
        };
        for &octet in body {
            if matches!(octet, b'\r' | b'\n') { out.extend(b"\r\n") } else { out.push(octet) }
        }
        out.extend(end);
    }
    out
}

fn data(input: &[u8], normalise: bool, cut: Cut, spill: usize) -> Outcome {
    let mut player = greeted(settings(normalise, spill), cut);
    player.send(b"MAIL FROM:<>\r\nRCPT TO:<b@b.example>\r\nDATA\r\n");
    player.agree();
    assert_eq!(player.said.pop_back().as_deref().map(|line| &line[..3]), Some("354"));
    player.send(input);
    outcome(&mut player)
}

fn chunks(input: &[u8], random: &mut Random, normalise: bool, seed: u64) -> Outcome {
    let spill = random.spill();
    let mut player = greeted(settings(normalise, spill), random.cut(seed));
    player.send(b"MAIL FROM:<>\r\nRCPT TO:<b@b.example>\r\n");
    player.agree();
    player.said.clear();
    let mut rest = input;
    loop {
        let (chunk, after) = rest.split_at(random.below(rest.len() + 1));
        rest = after;
        let last = if rest.is_empty() { " LAST" } else { "" };
        player.send(format!("BDAT {}{last}\r\n", chunk.len()).as_bytes());
        player.send(chunk);
        if rest.is_empty() {
            return outcome(&mut player);
        }
    }
}

fn settings(normalise: bool, spill: usize) -> Settings {
    let mut settings = base_settings();
    settings.limits.message_bytes = LIMIT;
    settings.limits.spill_bytes = spill;
    settings.limits.errors = 1000;
    settings.line_ends = if normalise { LineEnds::Normalise } else { LineEnds::Refuse };
    settings
}

fn greeted(settings: Settings, cut: Cut) -> Player {
    let mut player = Player::new(settings, cut);
    player.event("greet");
    player.send(b"HELO client.example\r\n");
    player.agree();
    player.said.clear();
    player
}

/// Plays on to the reply to the message.
fn outcome(player: &mut Player) -> Outcome {
    let mut content = Vec::new();
    loop {
        player.pump();
        match player.question.take() {
            Some(Question::Data) => player.answer(&Question::Data, "go"),
            Some(Question::Spill(part)) => {
                content.extend_from_slice(&part);
                player.answer(&Question::Spill(part), "stored");
            }
            Some(Question::Message(message)) => {
                assert_eq!(message.spilled, content.len() as u64);
                content.extend_from_slice(&message.tail);
                assert_eq!(message.size, content.len() as u64);
                let (header_end, eight_bit, dots) = (message.header_end, message.eight_bit, message.dots);
                return Outcome::Message { content, header_end, eight_bit, dots };
            }
            Some(other) => panic!("{other:?}"),
            None => break,
        }
    }
    let refusal = player.said.iter().find(|line| line.starts_with('5'));
    match refusal.map(|line| &line[..3]) {
        Some("521") => Outcome::Refused("521"),
        Some("552") => Outcome::Refused("552"),
        Some("554") => Outcome::Refused("554"),
        Some(other) => panic!("{other}"),
        None => Outcome::Unfinished,
    }
}

fn kind(outcome: &Outcome) -> usize {
    match outcome {
        Outcome::Message { .. } => 0,
        Outcome::Refused("521") => 1,
        Outcome::Refused("552") => 2,
        Outcome::Refused(_) => 3,
        Outcome::Unfinished => 4,
    }
}

/// Draws inputs, and how they are given.
trait Draw {
    fn cut(&mut self, seed: u64) -> Cut;
    fn spill(&mut self) -> usize;
    fn content(&mut self) -> Vec<u8>;
}

impl Draw for Random {
    fn cut(&mut self, seed: u64) -> Cut {
        match self.below(3) {
            0 => Cut::Whole,
            1 => Cut::Single,
            _ => Cut::Random(seed),
        }
    }

    fn spill(&mut self) -> usize {
        [1, 7, 16, 1000][self.below(4)]
    }

    /// Content made of what matters; mostly with good line ends, mostly ended.
    fn content(&mut self) -> Vec<u8> {
        const GOOD: &[&[u8]] =
            &[b"\r\n", b"\r\n", b".", b"text", b"\xc3\xa9", b"\r\n.", b"Received: x", b"\r\n\r\n"];
        const BAD: &[&[u8]] =
            &[b"\r", b"\n", b"\0", b"\n.\n", b"\n.\r\n", b"\r\n.\n", b"\r.\r", b"\r\n.\r\r\n"];
        let bad_at = self.below(3);
        let mut content = Vec::new();
        for n in 0..self.below(30) {
            let pick = if bad_at == 0 && n % 7 == 6 { BAD } else { GOOD };
            content.extend_from_slice(pick[self.below(pick.len())]);
        }
        if self.below(8) > 0 {
            content.extend_from_slice(b"\r\n.\r\n");
        }
        if self.below(40) == 0 {
            content.splice(0..0, vec![b'x'; 200]);
        }
        content
    }
}
