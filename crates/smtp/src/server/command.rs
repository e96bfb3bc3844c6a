//! Command lines, parsed from the slice they came in. Nothing is allocated and nothing is decided here.

use super::question::Verb;
use super::replies;

/// A command with its argument, borrowed from the line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Command<'a> {
    /// HELO, with the name.
    Helo(&'a str),
    /// EHLO, with the name.
    Ehlo(&'a str),
    /// MAIL, with what stands behind `FROM:`.
    Mail(&'a str),
    /// RCPT, with what stands behind `TO:`.
    Rcpt(&'a str),
    /// DATA.
    Data,
    /// BDAT.
    Bdat(Chunk),
    /// RSET.
    Rset,
    /// NOOP, whatever its argument.
    Noop,
    /// QUIT.
    Quit,
    /// VRFY, whatever its argument.
    Vrfy,
    /// HELP, whatever its argument.
    Help,
    /// STARTTLS.
    StartTls,
    /// A request of HTTP (RFC 9110) or one of its fields.
    Http,
}

/// The argument of BDAT (RFC 3030 2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Chunk {
    /// Octets that follow the command line.
    pub(super) octets: u32,
    /// They are the message's last.
    pub(super) last: bool,
}

/// A line that is no command: which one it comes nearest to, and the reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Malformed {
    pub(super) verb: Verb,
    pub(super) reply: &'static str,
}

impl<'a> Command<'a> {
    /// Parses a line without its line end.
    pub(super) fn parse(line: &'a [u8]) -> Result<Self, Malformed> {
        let malformed = |reply| Malformed { verb: Verb::Other, reply };
        if line.iter().any(|&b| b.is_ascii_control() && b != b'\t') {
            return Err(malformed(replies::LINE_CONTROLS));
        }
        let line = str::from_utf8(line).map_err(|_| malformed(replies::LINE_ENCODING))?;
        let line = line.trim_end_matches([' ', '\t']);
        let (word, argument) = line.split_once(' ').unwrap_or((line, ""));
        KNOWN
            .iter()
            .find(|known| word.eq_ignore_ascii_case(known.word))
            .map_or(Err(malformed(replies::UNKNOWN)), |known| {
                (known.parse)(argument).map_err(|reply| Malformed { verb: known.verb, reply })
            })
    }

    /// Returns the verb.
    pub(super) const fn verb(&self) -> Verb {
        match self {
            Self::Helo(_) => Verb::Helo,
            Self::Ehlo(_) => Verb::Ehlo,
            Self::Mail(_) => Verb::Mail,
            Self::Rcpt(_) => Verb::Rcpt,
            Self::Data => Verb::Data,
            Self::Bdat(_) => Verb::Bdat,
            Self::Rset => Verb::Rset,
            Self::Noop => Verb::Noop,
            Self::Quit => Verb::Quit,
            Self::Vrfy => Verb::Vrfy,
            Self::Help => Verb::Help,
            Self::StartTls => Verb::StartTls,
            Self::Http => Verb::Other,
        }
    }
}

/// A word at the start of a line, and what becomes of the rest.
struct Known {
    word: &'static str,
    verb: Verb,
    parse: for<'a> fn(&'a str) -> Result<Command<'a>, &'static str>,
}

const fn known(
    word: &'static str,
    verb: Verb,
    parse: for<'a> fn(&'a str) -> Result<Command<'a>, &'static str>,
) -> Known {
    Known { word, verb, parse }
}

/// The commands, those of a transaction first: the list is searched from the front.
const KNOWN: &[Known] = &[
    known("RCPT", Verb::Rcpt, |a| after_keyword(a, "TO:").map(Command::Rcpt).ok_or(replies::RCPT_SYNTAX)),
    known("MAIL", Verb::Mail, |a| after_keyword(a, "FROM:").map(Command::Mail).ok_or(replies::MAIL_SYNTAX)),
    known("DATA", Verb::Data, |a| alone(a, Command::Data)),
    known("BDAT", Verb::Bdat, |a| chunk(a).map(Command::Bdat).ok_or(replies::BDAT_SYNTAX)),
    known("EHLO", Verb::Ehlo, |a| hello_name(a).map(Command::Ehlo).ok_or(replies::HELLO_SYNTAX)),
    known("HELO", Verb::Helo, |a| hello_name(a).map(Command::Helo).ok_or(replies::HELLO_SYNTAX)),
    known("QUIT", Verb::Quit, |a| alone(a, Command::Quit)),
    known("RSET", Verb::Rset, |a| alone(a, Command::Rset)),
    known("STARTTLS", Verb::StartTls, |a| alone(a, Command::StartTls)),
    known("NOOP", Verb::Noop, |_| Ok(Command::Noop)),
    known("VRFY", Verb::Vrfy, |a| {
        if a.trim_start().is_empty() { Err(replies::VRFY_SYNTAX) } else { Ok(Command::Vrfy) }
    }),
    known("HELP", Verb::Help, |_| Ok(Command::Help)),
    known("EXPN", Verb::Other, |_| Err(replies::NOT_IMPLEMENTED)),
    known("AUTH", Verb::Other, |_| Err(replies::NOT_IMPLEMENTED)),
    known("ETRN", Verb::Other, |_| Err(replies::NOT_IMPLEMENTED)),
    known("TURN", Verb::Other, |_| Err(replies::NOT_IMPLEMENTED)),
    known("SEND", Verb::Other, |_| Err(replies::NOT_IMPLEMENTED)),
    known("SOML", Verb::Other, |_| Err(replies::NOT_IMPLEMENTED)),
    known("SAML", Verb::Other, |_| Err(replies::NOT_IMPLEMENTED)),
    known("GET", Verb::Other, |_| Ok(Command::Http)),
    known("POST", Verb::Other, |_| Ok(Command::Http)),
    known("HEAD", Verb::Other, |_| Ok(Command::Http)),
    known("PUT", Verb::Other, |_| Ok(Command::Http)),
    known("DELETE", Verb::Other, |_| Ok(Command::Http)),
    known("PATCH", Verb::Other, |_| Ok(Command::Http)),
    known("TRACE", Verb::Other, |_| Ok(Command::Http)),
    known("OPTIONS", Verb::Other, |_| Ok(Command::Http)),
    known("CONNECT", Verb::Other, |_| Ok(Command::Http)),
    known("PRI", Verb::Other, |_| Ok(Command::Http)),
    known("HOST:", Verb::Other, |_| Ok(Command::Http)),
    known("USER-AGENT:", Verb::Other, |_| Ok(Command::Http)),
    known("CONTENT-TYPE:", Verb::Other, |_| Ok(Command::Http)),
];

fn alone<'a>(argument: &str, command: Command<'a>) -> Result<Command<'a>, &'static str> {
    if argument.is_empty() { Ok(command) } else { Err(replies::NO_ARGUMENT_TAKEN) }
}

fn after_keyword<'a>(argument: &'a str, keyword: &str) -> Option<&'a str> {
    let (word, rest) = argument.trim_start_matches(' ').split_at_checked(keyword.len())?;
    word.eq_ignore_ascii_case(keyword).then_some(rest)
}

/// Anything printable will do: RFC 5321 4.1.4 forbids refusing a peer for its name, and many hosts do not
/// know theirs.
fn hello_name(argument: &str) -> Option<&str> {
    const OCTETS: usize = 255;
    let name = argument.trim_start_matches(' ');
    let fits = matches!(name.len(), 1..=OCTETS) && name.bytes().all(|b| (b' '..=b'~').contains(&b));
    fits.then_some(name)
}

/// Parses `chunk-size [SP "LAST"]` to the letter: a peer with another idea of where the chunk ends must not
/// get past this line. Sizes beyond 4 GiB are refused here too; what cannot be taken is not waited for.
fn chunk(argument: &str) -> Option<Chunk> {
    let (digits, last) = match argument.split_once(' ') {
        Some((digits, word)) if word.eq_ignore_ascii_case("LAST") => (digits, true),
        Some(_) => return None,
        None => (argument, false),
    };
    let only_digits = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
    let octets = only_digits.then(|| digits.parse().ok()).flatten()?;
    Some(Chunk { octets, last })
}
