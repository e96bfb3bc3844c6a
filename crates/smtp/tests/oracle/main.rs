//! A differential run against another parser, `smtp-proto`: thousands of generated commands must be taken or
//! refused alike, and what is taken must say the same.
//!
//! Where the two differ on purpose the piece of the command that makes the difference is marked with a
//! [`Known`](pieces::Known); each is asserted to make exactly that difference, so that this list stays true.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[allow(dead_code, reason = "each test binary uses its part of the player")]
#[path = "../player/mod.rs"]
mod player;

mod pieces;

use std::borrow::Cow;
use std::collections::BTreeMap;

use mailreeve_smtp::params::{BodyKind, MailParams, RcptParams, Return};
use mailreeve_smtp::server::Question;
use pieces::{DOMAINS, KNOWN, Known, LINES, LOCALS, MAIL_WORDS, Makes, RCPT_WORDS, ROUTES, Taken};
use player::server::{Player, base_settings};
use player::{Cut, Random};
use smtp_proto::{
    MAIL_BODY_8BITMIME, MAIL_RET_FULL, MAIL_RET_HDRS, MAIL_SMTPUTF8, RCPT_NOTIFY_DELAY, RCPT_NOTIFY_FAILURE,
    RCPT_NOTIFY_NEVER, RCPT_NOTIFY_SUCCESS, Request,
};

/// What a command was read as.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Read {
    Refused,
    /// The verb, and the name behind it.
    Simple(&'static str, String),
    Mail(String, MailWords),
    Rcpt(String, RcptWords),
}

/// Size, 8BITMIME, SMTPUTF8, RET, ENVID decoded.
type MailWords = (u64, bool, bool, Option<bool>, Option<String>);

/// NOTIFY as never, success, failure, delay; the address of ORCPT decoded.
type RcptWords = ((bool, bool, bool, bool), Option<String>);

#[test]
fn both_parsers_read_the_same() {
    let mut met: BTreeMap<Known, usize> = BTreeMap::new();
    let (mut read_alike, mut refused_alike) = (0, 0);
    let mut wrong = Vec::new();
    let written = LINES.iter().map(|(line, makes)| ((*line).to_owned(), vec![*makes]));
    for (line, makes) in written.chain((0..20_000).map(|seed| generated(&mut Random(seed)))) {
        let (ours, theirs) = (ours(&line), theirs(&line));
        let known: Vec<Known> = makes
            .iter()
            .filter_map(|m| if let Makes::Differs(known) = m { Some(*known) } else { None })
            .collect();
        let as_expected = match known[..] {
            _ if makes.contains(&Makes::Bad) => {
                refused_alike += 1;
                ours == Read::Refused && theirs == Read::Refused
            }
            [] => {
                read_alike += usize::from(ours != Read::Refused);
                ours == theirs
            }
            [known] => {
                *met.entry(known).or_default() += 1;
                holds(known, &ours, &theirs)
            }
            // Two differences may hide each other.
            [_, _, ..] => true,
        };
        if !as_expected {
            wrong.push(format!("{line}\n  {makes:?}\n  ours   {ours:?}\n  theirs {theirs:?}"));
        }
    }
    assert!(
        wrong.is_empty(),
        "{} commands, first:\n{}",
        wrong.len(),
        wrong[..wrong.len().min(12)].join("\n")
    );
    assert!(refused_alike > 2000, "only {refused_alike} commands were refused alike");
    assert!(read_alike > 2000, "only {read_alike} commands were read alike");
    let missing: Vec<_> = KNOWN.iter().filter(|(known, _)| !met.contains_key(known)).collect();
    assert!(missing.is_empty(), "never met: {missing:?}");
}

fn holds(known: Known, ours: &Read, theirs: &Read) -> bool {
    let (_, taken) = KNOWN.iter().find(|(listed, _)| *listed == known).expect("listed");
    let (our_yes, their_yes) = (*ours != Read::Refused, *theirs != Read::Refused);
    match taken {
        Taken::OnlyOurs => our_yes && !their_yes,
        Taken::OnlyTheirs => !our_yes && their_yes,
        Taken::Both => our_yes && their_yes && ours != theirs,
    }
}

/// Builds a MAIL or RCPT, well formed more often than not, and tells what its pieces make.
fn generated(random: &mut Random) -> (String, Vec<Makes>) {
    let mut makes = Vec::new();
    let [local, domain, route] = [(LOCALS, 2), (DOMAINS, 2), (ROUTES, 3)].map(|(pieces, odd)| {
        let index = if random.below(odd) == 0 { random.below(pieces.len()) } else { 0 };
        makes.push(pieces[index].1);
        pieces[index].0
    });
    let (verbs, pool) = match random.below(2) {
        0 => (["MAIL FROM:", "mail from: "], MAIL_WORDS),
        _ => (["RCPT TO:", "Rcpt To: "], RCPT_WORDS),
    };
    let mut line = format!("{}<{route}{local}@{domain}>", verbs[random.below(2)]);
    let mut keywords = Vec::new();
    for _ in 0..random.below(4) {
        let (word, made) = pool[random.below(pool.len())];
        let keyword = word.split('=').next().unwrap().to_ascii_uppercase();
        if !keywords.contains(&keyword) {
            keywords.push(keyword);
            makes.push(made);
            line += [" ", "  "][random.below(2)];
            line += word;
        }
    }
    (line, makes)
}

/// Reads a line with a session that waits for it.
fn ours(line: &str) -> Read {
    let mut settings = base_settings();
    settings.limits.errors = 100;
    let mut player = Player::new(settings, Cut::Whole);
    player.event("greet");
    player.send(b"HELO client.example\r\n");
    let verb = line.get(..4).unwrap_or("").to_ascii_uppercase();
    if ["RCPT", "DATA", "BDAT"].contains(&verb.as_str()) {
        player.send(b"MAIL FROM:<a@a.example>\r\n");
    }
    if ["DATA", "BDAT"].contains(&verb.as_str()) {
        player.send(b"RCPT TO:<b@b.example>\r\n");
    }
    player.agree();
    player.said.clear();
    player.send(format!("{line}\r\n").as_bytes());
    player.pump();
    match player.question.take() {
        Some(Question::Mail { path, params }) => Read::Mail(path.to_string(), our_mail_words(&params)),
        Some(Question::Recipient { mailbox, params }) => {
            Read::Rcpt(mailbox.to_string(), our_rcpt_words(&params))
        }
        Some(Question::Data) => Read::Simple(if verb == "DATA" { "DATA" } else { "BDAT" }, String::new()),
        Some(Question::StartTls) => Read::Simple("STARTTLS", String::new()),
        Some(other) => panic!("{other:?}"),
        None => match &player.said[0][..3] {
            "221" => Read::Simple("QUIT", String::new()),
            "214" => Read::Simple("HELP", String::new()),
            "252" => Read::Simple("VRFY", String::new()),
            "250" if verb == "NOOP" => Read::Simple("NOOP", String::new()),
            "250" if verb == "RSET" => Read::Simple("RSET", String::new()),
            "250" => Read::Simple("HELLO", player.session.helo().unwrap().to_owned()),
            _ => Read::Refused,
        },
    }
}

fn our_mail_words(params: &MailParams) -> MailWords {
    let ret = params.ret.map(|ret| ret == Return::Full);
    let envid = params.envid.as_deref().map(decoded);
    (params.size.unwrap_or(0), params.body == BodyKind::EightBitMime, params.smtputf8, ret, envid)
}

fn our_rcpt_words(params: &RcptParams) -> RcptWords {
    let notify = params.notify.unwrap_or_default();
    let orcpt = params.orcpt.as_deref().map(|orcpt| decoded(orcpt.split_once(';').unwrap().1));
    ((notify.never, notify.success, notify.failure, notify.delay), orcpt)
}

/// Decodes xtext (RFC 3461 4).
fn decoded(text: &str) -> String {
    let mut parts = text.split('+');
    let mut out = parts.next().unwrap().to_owned();
    for part in parts {
        out.push(char::from(u8::from_str_radix(&part[..2], 16).unwrap()));
        out += &part[2..];
    }
    out
}

fn theirs(line: &str) -> Read {
    let line = format!("{line}\r\n");
    let request = match Request::parse(&mut line.as_bytes().iter()) {
        Ok(request) => request,
        Err(_) => return Read::Refused,
    };
    let simple = |name| Read::Simple(name, String::new());
    match request {
        Request::Mail { from } => {
            let flag = |bit| from.flags & bit != 0;
            let ret = match (flag(MAIL_RET_FULL), flag(MAIL_RET_HDRS)) {
                (false, false) => None,
                (full, _) => Some(full),
            };
            let words = (from.size as u64, flag(MAIL_BODY_8BITMIME), flag(MAIL_SMTPUTF8), ret);
            let envid = from.env_id.map(Cow::into_owned);
            Read::Mail(from.address.into_owned(), (words.0, words.1, words.2, words.3, envid))
        }
        Request::Rcpt { to } => {
            let flag = |bit| to.flags & bit != 0;
            let notify = (
                flag(RCPT_NOTIFY_NEVER),
                flag(RCPT_NOTIFY_SUCCESS),
                flag(RCPT_NOTIFY_FAILURE),
                flag(RCPT_NOTIFY_DELAY),
            );
            Read::Rcpt(to.address.into_owned(), (notify, to.orcpt.map(Cow::into_owned)))
        }
        Request::Ehlo { host } | Request::Helo { host } => Read::Simple("HELLO", host.into_owned()),
        Request::Data => simple("DATA"),
        Request::Bdat { .. } => simple("BDAT"),
        Request::Rset => simple("RSET"),
        Request::Noop { .. } => simple("NOOP"),
        Request::Quit => simple("QUIT"),
        Request::Vrfy { .. } => simple("VRFY"),
        Request::Help { .. } => simple("HELP"),
        Request::StartTls => simple("STARTTLS"),
        other => panic!("{other:?}"),
    }
}
