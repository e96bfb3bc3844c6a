//! What a listener decides about its sessions, shared by all of them.

use std::time::Duration;

/// Settings of the server side of a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The name the server goes by in replies.
    pub hostname: String,
    /// The text behind `220`, beginning with the host name (RFC 5321 4.2).
    pub banner: String,
    /// How much a peer may ask for.
    pub limits: Limits,
    /// How long a peer, and the caller, may take.
    pub deadlines: Deadlines,
    /// What EHLO offers.
    pub extensions: Extensions,
    /// What happens to a bare CR or LF.
    pub line_ends: LineEnds,
}

/// How much a peer may ask for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Octets of a message's content; offered as SIZE.
    pub message_bytes: u64,
    /// Accepted recipients of a message; offered as RCPTMAX.
    pub recipients: usize,
    /// Octets of a message's header section.
    pub header_bytes: usize,
    /// Received fields of a message (RFC 5321 6.3).
    pub hops: usize,
    /// Octets of a line of content, its CRLF not counted.
    pub line_bytes: usize,
    /// Octets of a command line, its CRLF counted.
    pub command_line_bytes: usize,
    /// Transactions of a connection; offered as MAILMAX.
    pub messages: usize,
    /// Commands of a connection that are malformed or out of sequence.
    pub errors: usize,
    /// Octets of content kept in memory before they are handed on by
    /// [`Question::Spill`](super::Question::Spill).
    pub spill_bytes: usize,
    /// Commands since the last accepted message that brought none further: NOOP, RSET, VRFY, HELP, EHLO, and
    /// what is pipelined behind a refused MAIL.
    pub idle_commands: usize,
}

/// How long a peer, and the caller, may take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deadlines {
    /// From a reply to the end of the next command.
    pub command: Duration,
    /// Between two blocks of content.
    pub data: Duration,
    /// The whole session.
    pub session: Duration,
    /// From a question to its answer.
    pub decision: Duration,
    /// From the 220 to STARTTLS to the end of the handshake.
    pub handshake: Duration,
    /// Octets of content a second that a peer must keep up on average, 0 for any.
    pub minimum_rate: u64,
    /// How long a transfer goes on before `minimum_rate` is asked of it.
    pub rate_grace: Duration,
}

/// What EHLO offers besides PIPELINING, SIZE, 8BITMIME and ENHANCEDSTATUSCODES, which are always there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extensions {
    /// STARTTLS (RFC 3207).
    pub starttls: bool,
    /// SMTPUTF8 (RFC 6531).
    pub smtputf8: bool,
    /// DSN (RFC 3461).
    pub dsn: bool,
    /// CHUNKING (RFC 3030).
    pub chunking: bool,
    /// LIMITS (RFC 9422).
    pub limits: bool,
}

/// What happens to a CR without LF, or an LF without CR, in commands and content.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LineEnds {
    /// The message is refused with 521 and the session closed.
    #[default]
    Refuse,
    /// In content each becomes CRLF; a command may end with a bare LF. Neither can end the data.
    Normalise,
}

impl Settings {
    /// Returns the defaults for the server `hostname`.
    pub fn new(hostname: impl Into<String>) -> Self {
        let hostname = hostname.into();
        Self {
            banner: format!("{hostname} ESMTP"),
            hostname,
            limits: Limits::default(),
            deadlines: Deadlines::default(),
            extensions: Extensions::default(),
            line_ends: LineEnds::default(),
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            message_bytes: 100 << 20,
            recipients: 1000,
            header_bytes: 256 << 10,
            hops: 100,
            line_bytes: 64 << 10,
            command_line_bytes: 2048,
            messages: 1000,
            errors: 20,
            spill_bytes: 1 << 20,
            idle_commands: 1000,
        }
    }
}

impl Default for Deadlines {
    /// The times of RFC 5321 4.5.3.2, and an hour for the whole session.
    fn default() -> Self {
        Self {
            command: Duration::from_secs(300),
            data: Duration::from_secs(180),
            session: Duration::from_secs(3600),
            decision: Duration::from_secs(120),
            handshake: Duration::from_secs(60),
            minimum_rate: 0,
            rate_grace: Duration::from_secs(60),
        }
    }
}

impl Default for Extensions {
    fn default() -> Self {
        Self { starttls: true, smtputf8: true, dsn: true, chunking: true, limits: true }
    }
}
