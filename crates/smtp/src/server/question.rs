//! What a session asks its caller, what it is answered, and what it says about itself.

use std::fmt;

use crate::address::{Mailbox, ReversePath};
use crate::params::{MailParams, RcptParams};
use crate::reply::Reply;

/// What the session waits to be told. Each is taken once and answered once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Question {
    /// May this sender? Answer with [`answer_mail`](super::Session::answer_mail).
    Mail {
        /// Who sends.
        path: ReversePath,
        /// What is asked for, of the offered extensions only.
        params: MailParams,
    },
    /// May this recipient? Answer with [`answer_recipient`](super::Session::answer_recipient).
    Recipient {
        /// Who is to receive.
        mailbox: Mailbox,
        /// What is asked for, of the offered extensions only.
        params: RcptParams,
    },
    /// Content is about to come for at least one accepted recipient. Answer with
    /// [`answer_data`](super::Session::answer_data).
    Data,
    /// Content so far, more than the session keeps, in order. Answer with
    /// [`answer_spill`](super::Session::answer_spill) when it is stored.
    Spill(Vec<u8>),
    /// The content is complete. Answer with [`answer_message`](super::Session::answer_message) when it is
    /// durable, not before.
    Message(Message),
    /// The 220 is in the output: drain it, do the handshake, then call
    /// [`tls_started`](super::Session::tls_started) or [`tls_failed`](super::Session::tls_failed). Octets
    /// read before the handshake and not consumed must be thrown away.
    StartTls,
}

/// Content that came in whole and kept every rule.
#[derive(Clone, PartialEq, Eq)]
pub struct Message {
    /// Prefix and content, or what follows the last spill.
    pub tail: Vec<u8>,
    /// Octets that were handed on by [`Question::Spill`], the prefix counted.
    pub spilled: u64,
    /// Octets of content, the prefix not counted.
    pub size: u64,
    /// An octet above 127 is there.
    pub eight_bit: bool,
    /// Some line of content starts with a dot.
    pub dots: bool,
    /// Octets of prefix and header section, the empty line behind it included: where the body starts in
    /// what was spilled and `tail` put together.
    pub header_end: usize,
}

/// Whether a peer is greeted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Greeting {
    /// 220 and the banner.
    Accept,
    /// This reply, 554 or 421, in the place of the banner. After a 554 the session waits for QUIT and
    /// answers everything else with 503 (RFC 5321 3.1); after a 421 it ends.
    Refuse(Reply),
}

/// The answer to a question about an envelope or a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Yes, in the session's words.
    Accept,
    /// Yes, with this text behind the 250, enhanced code first: `2.0.0 Queued as 12`.
    AcceptWith(String),
    /// No. A 421 ends the session.
    Refuse(Reply),
    /// No, and the session ends.
    RefuseAndClose(Reply),
}

/// The answer to [`Question::Data`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DataVerdict {
    /// Let it come.
    Go {
        /// Octets to stand in front of the content: whole header lines, ended by CRLF.
        prefix: Vec<u8>,
    },
    /// No. The transaction is over. A 421 ends the session.
    Refuse(Reply),
}

/// What the caller should know without being asked anything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice {
    /// The peer said HELO or EHLO.
    Helo {
        /// Its argument as written, at most 255 octets of printable ASCII.
        name: String,
        /// It was EHLO.
        esmtp: bool,
    },
    /// The transaction that MAIL began is over without a message; the envelope, and what was spilled, are to
    /// be dropped.
    TransactionAborted(Abort),
}

/// What ended a transaction before it had a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Abort {
    /// RSET.
    Reset,
    /// EHLO or HELO.
    Hello,
    /// STARTTLS, after whose handshake nothing said before counts.
    StartTls,
    /// The session refused the content, see the reply.
    ContentRefused,
    /// The caller refused DATA or BDAT.
    DataRefused,
    /// The session ended.
    Ended,
}

/// Why the caller ends sessions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Shutdown {
    /// The service stops.
    Stopping,
    /// The service is out of some resource.
    Overloaded,
    /// An operator suspended receiving.
    Suspended,
}

/// How a session ended. What is in the output is still to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ended {
    /// Why.
    pub reason: EndReason,
}

/// Why a session ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EndReason {
    /// The peer said QUIT.
    Quit,
    /// The peer, or the caller in [`Stage::Decision`], took too long.
    Timeout(Stage),
    /// The time for the whole session was over.
    SessionTime(Stage),
    /// Content came in slower than the minimum rate.
    TooSlow {
        /// Octets of content received.
        data_bytes: u64,
    },
    /// Too many commands were malformed or out of sequence.
    TooManyErrors,
    /// Too many commands brought no message further.
    TooManyCommands,
    /// MAIL came once more than a connection allows.
    TooManyMessages,
    /// A bare CR or LF.
    LineEnds,
    /// The peer speaks HTTP.
    WrongProtocol,
    /// The peer closed without QUIT.
    PeerClosed {
        /// Where the session was.
        stage: Stage,
        /// Octets of content received of an unfinished message.
        data_bytes: u64,
    },
    /// The caller asked for it.
    Shutdown(Shutdown),
    /// A greeting or verdict refused the peer.
    Refused,
    /// The TLS handshake failed.
    TlsFailed,
}

/// Where a session is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Stage {
    /// Before the banner.
    Greeting,
    /// After the banner, before HELO or EHLO.
    Hello,
    /// Between two transactions.
    Idle,
    /// In a transaction, before its content.
    Envelope,
    /// The content is coming.
    Data,
    /// A question waits for its answer.
    Decision,
    /// The TLS handshake goes on.
    Handshake,
    /// Over.
    Ended,
}

/// The verb of a command, for the record of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub enum Verb {
    Helo,
    Ehlo,
    Mail,
    Rcpt,
    Data,
    Bdat,
    Rset,
    Noop,
    Quit,
    Vrfy,
    Help,
    StartTls,
    /// Anything else.
    Other,
}

impl fmt::Debug for Message {
    /// Shows the size of the tail, not its octets: mail does not belong in logs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Message")
            .field("tail_bytes", &self.tail.len())
            .field("spilled", &self.spilled)
            .field("size", &self.size)
            .field("eight_bit", &self.eight_bit)
            .field("dots", &self.dots)
            .field("header_end", &self.header_end)
            .finish()
    }
}
