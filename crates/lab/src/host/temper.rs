//! The temper of a host: what it offers, and where it does otherwise than a healthy one.
//!
//! A temper is data. Rules are tried in their order and the first that applies decides; where none applies
//! the host behaves. Everything that counts (the first three, for ten minutes) counts over the life of the
//! host, not of a connection, unless it says so.

use std::time::Duration;

use super::offers::Offers;
use super::reply::Reply;
use super::tls::TlsTemper;
use crate::words::Topic;

/// Where in a conversation a rule acts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stage {
    /// The connection is there; the 220 would come.
    Banner,
    /// EHLO or HELO.
    Helo,
    /// STARTTLS.
    Starttls,
    /// MAIL.
    Mail,
    /// RCPT.
    Rcpt,
    /// DATA, or the first BDAT.
    Data,
    /// The message is complete; the last 250 would come.
    Final,
    /// RSET.
    Rset,
    /// QUIT.
    Quit,
}

/// What a host does instead of the ordinary.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Act {
    /// The ordinary thing (for rules that only delay, or that shield an address from later rules).
    Proceed,
    /// Another reply. After 421, and after a 521 banner, the connection ends.
    Reply(Reply),
    /// These bytes this many times, whatever they are, in place of the reply.
    Raw(Vec<u8>, usize),
    /// The ordinary thing, but the connection ends before its reply is sent.
    SwallowReply,
    /// The connection ends, nothing is done.
    End(Ending),
}

/// How a host leaves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ending {
    /// FIN.
    #[default]
    Close,
    /// RST.
    Reset,
    /// Not at all: the connection stays and nothing is read or said any more.
    Hang,
}

/// How often a rule applies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Span {
    /// Every time.
    #[default]
    Always,
    /// The first n times on this host.
    First(u64),
    /// The first n times for each address: greylisting by number.
    FirstPerAddress(u64),
    /// From the first time for each address, for this long: greylisting by time.
    TimePerAddress(Duration),
    /// After n times on this connection: the peer wants a new connection.
    AfterOnConnection(u64),
}

/// One thing that a host does otherwise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    pub(crate) stage: Stage,
    pub(crate) address: Option<String>,
    pub(crate) span: Span,
    pub(crate) delay: Duration,
    pub(crate) pace: Option<Duration>,
    pub(crate) act: Act,
}

impl Rule {
    /// Does `act` at `stage`, always.
    #[must_use]
    pub const fn new(stage: Stage, act: Act) -> Self {
        Self { stage, address: None, span: Span::Always, delay: Duration::ZERO, pace: None, act }
    }

    /// Only for addresses of this pattern: `*` stands for anything. At RCPT and after it is the recipient,
    /// at MAIL the sender.
    #[must_use]
    pub fn address(mut self, pattern: &str) -> Self {
        self.address = Some(pattern.to_owned());
        self
    }

    /// Only this often.
    #[must_use]
    pub const fn span(mut self, span: Span) -> Self {
        self.span = span;
        self
    }

    /// After waiting this long.
    #[must_use]
    pub const fn delay(mut self, delay: Duration) -> Self {
        self.delay = delay;
        self
    }

    /// The reply is dribbled: one byte, this pause, the next byte.
    #[must_use]
    pub const fn pace(mut self, pause: Duration) -> Self {
        self.pace = Some(pause);
        self
    }
}

/// The end of a connection at a given byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cut {
    /// After this many bytes were read from the peer; those are all that is taken.
    pub received: Option<u64>,
    /// After this many bytes were sent to the peer; the rest of a reply stays unsent.
    pub sent: Option<u64>,
    /// How it ends.
    pub ending: Ending,
}

/// All of a host's character.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Temper {
    /// What EHLO says.
    pub offers: Offers,
    /// What STARTTLS does; `None` does not offer it.
    pub tls: Option<TlsTemper>,
    /// TLS from the first byte, without STARTTLS.
    pub implicit_tls: bool,
    /// What it does otherwise, in the order of trying.
    pub rules: Vec<Rule>,
    /// Where the line breaks.
    pub cut: Option<Cut>,
    /// Connections at a time; one more gets 421.
    pub max_connections: Option<usize>,
}

impl Temper {
    /// Offers everything but STARTTLS and takes all mail.
    #[must_use]
    pub fn healthy() -> Self {
        Self::default()
    }

    /// Accepts connections and never says a word.
    #[must_use]
    pub fn silent() -> Self {
        Self::healthy().at(Stage::Banner, Act::End(Ending::Hang))
    }

    /// Waits this long before every reply.
    #[must_use]
    pub fn slow(delay: Duration) -> Self {
        let stages =
            [Stage::Banner, Stage::Helo, Stage::Mail, Stage::Rcpt, Stage::Data, Stage::Final, Stage::Quit];
        stages
            .into_iter()
            .fold(Self::healthy(), |temper, stage| temper.rule(Rule::new(stage, Act::Proceed).delay(delay)))
    }

    /// Answers `reply` at `stage`, always.
    #[must_use]
    pub fn refusing(stage: Stage, reply: impl Into<Reply>) -> Self {
        Self::healthy().at(stage, Act::Reply(reply.into()))
    }

    /// Answers 451 4.7.1 to the first `tries` tries for each recipient.
    #[must_use]
    pub fn greylisting(tries: u64) -> Self {
        let act = Act::Reply(Reply::new(451).enhanced("4.7.1").about(Topic::Greylisted));
        Self::healthy().rule(Rule::new(Stage::Rcpt, act).span(Span::FirstPerAddress(tries)))
    }

    /// Takes `count` messages on a connection, then says 421 4.7.0 at MAIL and leaves.
    #[must_use]
    pub fn throttling(count: u64) -> Self {
        let act = Act::Reply(Reply::new(421).enhanced("4.7.0").about(Topic::TooFast));
        Self::healthy().rule(Rule::new(Stage::Mail, act).span(Span::AfterOnConnection(count)))
    }

    /// Breaks the line after reading this many bytes.
    #[must_use]
    pub fn cut_after_received(bytes: u64, ending: Ending) -> Self {
        Self { cut: Some(Cut { received: Some(bytes), sent: None, ending }), ..Self::healthy() }
    }

    /// Breaks the line after sending this many bytes.
    #[must_use]
    pub fn cut_after_sent(bytes: u64, ending: Ending) -> Self {
        Self { cut: Some(Cut { received: None, sent: Some(bytes), ending }), ..Self::healthy() }
    }

    /// Adds a rule behind the others.
    #[must_use]
    pub fn rule(mut self, rule: Rule) -> Self {
        self.rules.push(rule);
        self
    }

    /// Adds a rule that always does `act` at `stage`.
    #[must_use]
    pub fn at(self, stage: Stage, act: Act) -> Self {
        self.rule(Rule::new(stage, act))
    }

    /// Refuses recipients of this pattern with `reply`.
    #[must_use]
    pub fn recipient(self, pattern: &str, reply: impl Into<Reply>) -> Self {
        self.rule(Rule::new(Stage::Rcpt, Act::Reply(reply.into())).address(pattern))
    }

    /// Offers STARTTLS of this quality.
    #[must_use]
    pub fn tls(mut self, tls: TlsTemper) -> Self {
        self.tls = Some(tls);
        self
    }

    /// Offers these extensions only.
    #[must_use]
    pub fn offers(mut self, offers: Offers) -> Self {
        self.offers = offers;
        self
    }
}

/// Whether `text` is of the shape of `pattern`, without regard to case; `*` stands for anything.
pub(crate) fn matches(pattern: &str, text: &str) -> bool {
    let (pattern, text) = (pattern.to_lowercase(), text.to_lowercase());
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or("");
    let Some(mut rest) = text.strip_prefix(first) else { return false };
    let mut parts: Vec<&str> = parts.collect();
    let Some(last) = parts.pop() else { return rest.is_empty() };
    for part in parts {
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_whole_addresses() {
        for (pattern, text, expected) in [
            ("full*@*", "Full-box@example.test", true),
            ("full*@*", "not-full@example.test", false),
            ("*", "", true),
            ("a@b", "a@b", true),
            ("a@b", "a@bc", false),
            ("*@b", "x@c", false),
            ("a*b*c", "a-b-bc", true),
            ("aa*aa", "aaa", false),
        ] {
            assert_eq!(matches(pattern, text), expected, "{pattern} {text}");
        }
    }
}
