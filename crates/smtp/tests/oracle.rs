//! A differential run against another parser, `smtp-proto`: thousands of generated commands must be taken or
//! refused alike, and what is taken must say the same.
//!
//! Where the two differ on purpose the piece of the command that makes the difference is marked with a
//! [`Known`]; each is asserted to make exactly that difference, so that this list stays true.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[allow(dead_code, reason = "each test binary uses its part of the player")]
mod player;

use std::borrow::Cow;
use std::collections::BTreeMap;

use mailreeve_smtp::params::{BodyKind, MailParams, RcptParams, Return};
use mailreeve_smtp::server::Question;
use player::server::{Player, base_settings};
use player::{Cut, Random};
use smtp_proto::{
    MAIL_BODY_8BITMIME, MAIL_RET_FULL, MAIL_RET_HDRS, MAIL_SMTPUTF8, RCPT_NOTIFY_DELAY, RCPT_NOTIFY_FAILURE,
    RCPT_NOTIFY_NEVER, RCPT_NOTIFY_SUCCESS, Request,
};

use Makes::{Alike, Bad, Differs};

/// A difference that is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Known {
    /// They make the bare postmaster an empty address; ours keeps it.
    Postmaster,
    /// They take quotes and escapes off a local part, which changes it; ours keeps it as written.
    Quoted,
    /// They refuse address literals; RFC 5321 4.1.3 wants them.
    Literal,
    /// They refuse a path without brackets; real senders write it.
    NoBrackets,
    /// They refuse dots in odd places; addresses of Japanese carriers have them.
    OddDots,
    /// They take anything for a domain.
    BadDomain,
    /// They take a local part of more than 64 octets.
    LongLocal,
    /// They take whatever stands before the colon for a source route.
    BadRoute,
    /// They do not ask for SMTPUTF8 where an address is not ASCII.
    Utf8,
    /// They know parameters of extensions that ours does not offer.
    NotOffered,
    /// They let the last of two equal parameters win.
    Twice,
    /// They leave malformed xtext alone, or drop what they cannot decode.
    BadXtext,
    /// They know no ORCPT but `rfc822`.
    OtherOrcpt,
    /// They let NEVER stand before other words of NOTIFY.
    Never,
    /// They take a recipient that is empty.
    NullRecipient,
    /// They take the bare postmaster for a sender.
    PostmasterSender,
    /// They take spaces before the colon.
    SpaceBeforeColon,
    /// They ignore what stands behind a command without argument.
    Argument,
    /// They take spaces before the size of a chunk, and any word of it.
    LooseChunk,
    /// They take sizes of chunks beyond 4 GiB.
    HugeChunk,
    /// They take a host name outside ASCII.
    HelloUtf8,
    /// They cut a host name at its first space.
    HelloWords,
    /// They take parameters glued to the path.
    Glued,
    /// They refuse a second space before a host name.
    HelloSpaces,
}

/// How many of which of the two parsers take a command with one known difference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Taken {
    OnlyOurs,
    OnlyTheirs,
    /// Both, but they read something else.
    Both,
}

const KNOWN: &[(Known, Taken)] = &[
    (Known::Postmaster, Taken::Both),
    (Known::Quoted, Taken::Both),
    (Known::Literal, Taken::OnlyOurs),
    (Known::NoBrackets, Taken::OnlyOurs),
    (Known::OddDots, Taken::OnlyOurs),
    (Known::BadDomain, Taken::OnlyTheirs),
    (Known::LongLocal, Taken::OnlyTheirs),
    (Known::BadRoute, Taken::OnlyTheirs),
    (Known::Utf8, Taken::OnlyTheirs),
    (Known::NotOffered, Taken::OnlyTheirs),
    (Known::Twice, Taken::OnlyTheirs),
    (Known::BadXtext, Taken::OnlyTheirs),
    (Known::OtherOrcpt, Taken::OnlyOurs),
    (Known::Never, Taken::OnlyTheirs),
    (Known::NullRecipient, Taken::OnlyTheirs),
    (Known::PostmasterSender, Taken::OnlyTheirs),
    (Known::SpaceBeforeColon, Taken::OnlyTheirs),
    (Known::Argument, Taken::OnlyTheirs),
    (Known::LooseChunk, Taken::OnlyTheirs),
    (Known::HugeChunk, Taken::OnlyTheirs),
    (Known::HelloUtf8, Taken::OnlyTheirs),
    (Known::HelloWords, Taken::Both),
    (Known::Glued, Taken::OnlyTheirs),
    (Known::HelloSpaces, Taken::OnlyOurs),
];

/// A piece of a command, and the difference it makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Makes {
    /// None: both take the piece, or in a whole line, both do the same.
    Alike,
    /// None: both refuse any command with it.
    Bad,
    /// This one.
    Differs(Known),
}

type Piece = (&'static str, Makes);

const LOCALS: &[Piece] = &[
    ("alice", Alike),
    ("a.b-c_d", Alike),
    ("o'neil+tag=x", Alike),
    ("x%y!z", Alike),
    ("{|}~^`*/?&#$", Alike),
    ("\"john doe\"", Differs(Known::Quoted)),
    ("\"a\\\"b\\\\c\"", Differs(Known::Quoted)),
    ("\"a@b>c\"", Differs(Known::Quoted)),
    (".a", Differs(Known::OddDots)),
    ("a..b", Differs(Known::OddDots)),
    ("", Bad),
    ("a b", Bad),
    ("a(b", Bad),
    ("a,b", Bad),
    ("\"open", Bad),
    ("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", Differs(Known::LongLocal)),
    ("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", Alike),
    ("j\u{fc}rgen", Differs(Known::Utf8)),
];

const DOMAINS: &[Piece] = &[
    ("a.example", Alike),
    ("Mail.Example.COM", Alike),
    ("localhost", Alike),
    ("xn--bcher-kva.example", Alike),
    ("a_b.example", Alike),
    ("1.2.3.example", Alike),
    ("b\u{fc}cher.example", Differs(Known::Utf8)),
    ("[192.0.2.1]", Differs(Known::Literal)),
    ("[IPv6:2001:db8::1]", Differs(Known::Literal)),
    ("-a.example", Differs(Known::BadDomain)),
    ("a!b.example", Differs(Known::BadDomain)),
    ("xn---", Differs(Known::BadDomain)),
    ("", Differs(Known::BadDomain)),
    ("a..example", Bad),
    ("b@a.example", Bad),
    ("a example", Bad),
];

const ROUTES: &[Piece] = &[
    ("", Alike),
    ("", Alike),
    ("", Alike),
    ("@relay.example:", Alike),
    ("@relay.example,@other.example:", Alike),
    ("@relay!x.example:", Differs(Known::BadRoute)),
    ("relay.example:", Bad),
];

const MAIL_WORDS: &[Piece] = &[
    ("SIZE=1000", Alike),
    ("size=0", Alike),
    ("SIZE=", Bad),
    ("SIZE=x", Bad),
    ("SIZE=12x", Bad),
    ("BODY=8BITMIME", Alike),
    ("BODY=7bit", Alike),
    ("BODY=", Bad),
    ("BODY=9BIT", Bad),
    ("BODY=BINARYMIME", Differs(Known::NotOffered)),
    ("RET=FULL", Alike),
    ("ret=hdrs", Alike),
    ("RET=ALL", Bad),
    ("ENVID=QQ+2B314", Alike),
    ("ENVID=plain", Alike),
    ("ENVID=", Bad),
    ("ENVID=a=b", Differs(Known::BadXtext)),
    ("ENVID=a+zzb", Differs(Known::BadXtext)),
    ("NOSUCH", Bad),
    ("NOSUCH=1", Bad),
    ("=x", Bad),
    ("MT-PRIORITY=3", Differs(Known::NotOffered)),
    ("AUTH=a@a.example", Differs(Known::NotOffered)),
    ("REQUIRETLS", Differs(Known::NotOffered)),
    ("HOLDFOR=60", Differs(Known::NotOffered)),
    ("BY=120;R", Differs(Known::NotOffered)),
];

const RCPT_WORDS: &[Piece] = &[
    ("NOTIFY=NEVER", Alike),
    ("NOTIFY=SUCCESS,FAILURE", Alike),
    ("notify=delay", Alike),
    ("NOTIFY=", Bad),
    ("NOTIFY=ALWAYS", Bad),
    ("NOTIFY=SUCCESS,", Bad),
    ("NOTIFY=SUCCESS,NEVER", Bad),
    ("NOTIFY=NEVER,SUCCESS", Differs(Known::Never)),
    ("ORCPT=rfc822;bob+2Bx@b.example", Alike),
    ("ORCPT=RFC822;bob@b.example", Alike),
    ("ORCPT=rfc822;", Bad),
    ("ORCPT=rfc822", Bad),
    ("ORCPT=bob@b.example", Bad),
    ("ORCPT=rfc822;a=b@b.example", Differs(Known::BadXtext)),
    ("ORCPT=x400;abc", Differs(Known::OtherOrcpt)),
    ("NOSUCH=1", Bad),
    ("RRVS=2014-04-03T23:01:00Z", Differs(Known::NotOffered)),
];

const LINES: &[Piece] = &[
    ("EHLO client.example", Alike),
    ("ehlo [192.0.2.1]", Alike),
    ("EHLO", Alike),
    ("EHLO ", Alike),
    ("HELO client.example", Alike),
    ("HELO  client.example", Differs(Known::HelloSpaces)),
    ("EHLO two words", Differs(Known::HelloWords)),
    ("EHLO b\u{fc}cher.example", Differs(Known::HelloUtf8)),
    ("DATA", Alike),
    ("DATA ", Alike),
    ("data", Alike),
    ("DATA x", Differs(Known::Argument)),
    ("QUIT", Alike),
    ("QUIT x", Differs(Known::Argument)),
    ("RSET", Alike),
    ("RSET x", Differs(Known::Argument)),
    ("STARTTLS", Alike),
    ("STARTTLS x", Differs(Known::Argument)),
    ("NOOP", Alike),
    ("NOOP x y", Alike),
    ("HELP", Alike),
    ("HELP x", Alike),
    ("VRFY a", Alike),
    ("VRFY", Alike),
    ("VRFY ", Alike),
    ("NOSUCH", Alike),
    ("MAILFROM:<a@a.example>", Alike),
    ("BDAT 0", Alike),
    ("BDAT 0 LAST", Alike),
    ("bdat 000 last", Alike),
    ("BDAT", Alike),
    ("BDAT x", Alike),
    ("BDAT -1", Alike),
    ("BDAT 0x10", Alike),
    ("BDAT 1e9", Alike),
    ("BDAT 5 FIRST", Alike),
    ("BDAT   0", Differs(Known::LooseChunk)),
    ("BDAT 0  LAST", Differs(Known::LooseChunk)),
    ("BDAT 0 LAST x", Differs(Known::LooseChunk)),
    ("BDAT 4294967296", Differs(Known::HugeChunk)),
    ("MAIL FROM :<a@a.example>", Differs(Known::SpaceBeforeColon)),
    ("MAIL FROM:<postmaster>", Differs(Known::PostmasterSender)),
    ("MAIL FROM:<>", Alike),
    ("MAIL FROM: <>", Alike),
    ("MAIL FROM:", Alike),
    ("MAIL FROM", Alike),
    ("MAIL", Alike),
    ("MAIL TO:<a@a.example>", Alike),
    ("MAIL FROM:a@a.example", Differs(Known::NoBrackets)),
    ("MAIL FROM:<a@a.example", Alike),
    ("MAIL FROM:<a@a.example>SIZE=1", Differs(Known::Glued)),
    ("MAIL FROM:<a@a.example> SIZE=1 SIZE=2", Differs(Known::Twice)),
    ("RCPT TO:<b@b.example> NOTIFY=NEVER NOTIFY=SUCCESS", Differs(Known::Twice)),
    ("RCPT TO:<postmaster>", Differs(Known::Postmaster)),
    ("rcpt to:<POSTMASTER> notify=never", Differs(Known::Postmaster)),
    ("RCPT TO:<>", Differs(Known::NullRecipient)),
    ("RCPT TO:<bob>", Alike),
    ("RCPT TO:b@b.example", Differs(Known::NoBrackets)),
];

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
        let known: Vec<Known> =
            makes.iter().filter_map(|m| if let Differs(known) = m { Some(*known) } else { None }).collect();
        let as_expected = match known[..] {
            _ if makes.contains(&Bad) => {
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
