//! The pieces that commands are made of, and the differences that are meant.

use Makes::{Alike, Bad, Differs};

/// A difference that is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Known {
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
pub(crate) enum Taken {
    OnlyOurs,
    OnlyTheirs,
    /// Both, but they read something else.
    Both,
}

pub(crate) const KNOWN: &[(Known, Taken)] = &[
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
pub(crate) enum Makes {
    /// None: both take the piece, or in a whole line, both do the same.
    Alike,
    /// None: both refuse any command with it.
    Bad,
    /// This one.
    Differs(Known),
}

pub(crate) type Piece = (&'static str, Makes);

pub(crate) const LOCALS: &[Piece] = &[
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

pub(crate) const DOMAINS: &[Piece] = &[
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

pub(crate) const ROUTES: &[Piece] = &[
    ("", Alike),
    ("", Alike),
    ("", Alike),
    ("@relay.example:", Alike),
    ("@relay.example,@other.example:", Alike),
    ("@relay!x.example:", Differs(Known::BadRoute)),
    ("relay.example:", Bad),
];

pub(crate) const MAIL_WORDS: &[Piece] = &[
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

pub(crate) const RCPT_WORDS: &[Piece] = &[
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

pub(crate) const LINES: &[Piece] = &[
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
