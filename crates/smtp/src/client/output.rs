//! What a session asks of its driver, and what it reports.

use std::fmt;

use crate::address::{Mailbox, ReversePath};
use crate::params::{MailParams, RcptParams};
use crate::reply::Reply;

/// A message to be handed to the peer: the envelope, and what must be known of the content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transaction {
    /// The caller's name for it; every output about it carries the tag.
    pub tag: u64,
    /// The sender.
    pub mail: ReversePath,
    /// The parameters of MAIL as they were received. Size and body kind are declared from `size` and
    /// `eight_bit`; what the peer does not offer is left out.
    pub params: MailParams,
    /// The recipients, at most [`recipients_max`](super::Capabilities::recipients_max).
    pub recipients: Vec<(Mailbox, RcptParams)>,
    /// Octets of the content before dot-stuffing; exactly so many for BDAT.
    pub size: u64,
    /// The content has octets above 127.
    pub eight_bit: bool,
    /// The content has UTF-8 in a header, so that it needs SMTPUTF8 (RFC 6531). Addresses are looked at by
    /// the session itself.
    pub utf8_needed: bool,
}

/// What the driver is to do, or is told.
///
/// A transaction that was handed over ends with exactly one [`Done`](Self::Done) or
/// [`Lost`](Self::Lost) with its tag. [`Closed`](Self::Closed) is the last output of a session, but for the
/// `Lost` of a transaction that is handed over after it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// Write these bytes now.
    Write(Vec<u8>),
    /// Write the content of this transaction, then `follow`, then call
    /// [`content_written`](super::Session::content_written).
    Content {
        /// The transaction.
        tag: u64,
        /// How the content is framed.
        framing: Framing,
        /// Commands of the next transaction, to leave in the same write as the end of the content. Often
        /// empty.
        follow: Vec<u8>,
    },
    /// Do the TLS handshake, then call [`tls_started`](super::Session::tls_started) or
    /// [`tls_failed`](super::Session::tls_failed).
    StartTls,
    /// Greeting, EHLO, TLS and AUTH are done: transactions may come.
    Ready,
    /// The greeting was a refusal (RFC 5321 3.1). The session says QUIT and closes.
    GreetingRejected(Reply),
    /// EHLO was refused for now, or HELO was refused too. The session says QUIT and closes.
    HelloRejected(Reply),
    /// There is no TLS to be had, and why: STARTTLS was refused, or is demanded and not offered. The session
    /// goes on in clear, unless TLS is demanded: then it says QUIT and closes.
    TlsUnavailable(String),
    /// The credentials were refused. The session says QUIT and closes.
    AuthFailed(Reply),
    /// The reply to RCPT number `index`. None comes after [`MailRejected`](Self::MailRejected).
    Recipient {
        /// The transaction.
        tag: u64,
        /// The place in [`Transaction::recipients`].
        index: usize,
        /// 2xx: accepted, if the transaction is. 4xx, 5xx: this recipient's result.
        reply: Reply,
    },
    /// MAIL was refused; the [`Done`](Self::Done) that says the same follows when the session is in step.
    MailRejected {
        /// The transaction.
        tag: u64,
        /// 4xx or 5xx.
        reply: Reply,
    },
    /// The transaction's result, for every recipient that had no refusal of its own.
    Done {
        /// The transaction.
        tag: u64,
        /// The result.
        result: Final,
    },
    /// The connection is lost, or given up.
    Lost {
        /// The transaction that has no result because of it; `None` when none was under way, or its result
        /// was settled before.
        tag: Option<u64>,
        /// What was waited for.
        stage: Stage,
        /// Why.
        why: Lost,
        /// The whole content was written: the peer may have the message. Trying again can make a
        /// duplicate, not trying again can lose it.
        after_data: bool,
    },
    /// Close the connection.
    Closed,
}

/// How content goes over the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Framing {
    /// After DATA: dot-stuffed and ended by `.` CRLF, see [`content`](crate::content).
    Dot,
    /// After `BDAT n LAST`, which was written already (RFC 3030): as it is, exactly `n` octets.
    Bdat,
}

/// The result of a transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Final {
    /// The peer answers for the message now.
    Accepted(Reply),
    /// The peer refused it at this stage: 4xx for now, 5xx for good.
    Rejected(Reply, Stage),
    /// Each recipient was refused by a reply of its own.
    AllRecipientsRejected,
    /// Sender and some recipient were accepted, and taken back: the session hands nothing over
    /// ([`envelope_only`](super::Settings::envelope_only)).
    EnvelopeTaken,
    /// Nothing was sent: this peer cannot take the message.
    NotSent(NotSent),
}

/// Why a peer cannot take a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum NotSent {
    /// It needs SMTPUTF8 (RFC 6531).
    Smtputf8NotOffered,
    /// It is larger than the peer's SIZE (RFC 1870).
    TooBig {
        /// Octets the peer takes.
        limit: u64,
    },
}

/// Why a connection is lost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lost {
    /// The peer closed it, said that it does (421), or refused us before the transaction began.
    PeerClosed,
    /// The peer did not answer in time.
    Timeout,
    /// The peer does not speak SMTP, or the session gave it up; the text says what was wrong.
    Protocol(String),
}

/// How far a session is: what is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Stage {
    /// The TCP connection. Never reported by a session, it begins after that.
    Connect,
    /// The greeting.
    Greeting,
    /// The reply to EHLO or HELO.
    Ehlo,
    /// The reply to STARTTLS, or the handshake.
    StartTls,
    /// A reply of an AUTH exchange.
    Auth,
    /// The reply to MAIL; the time between transactions counts as this.
    Mail,
    /// The reply to RCPT.
    Rcpt,
    /// The reply to DATA.
    Data,
    /// Content is being written.
    Content,
    /// The reply to the content.
    Final,
    /// The reply to RSET, which stands before MAIL when a transaction before failed.
    Rset,
    /// The reply to QUIT.
    Quit,
}

impl fmt::Display for Lost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PeerClosed => f.write_str("the peer closed the connection"),
            Self::Timeout => f.write_str("the peer did not answer in time"),
            Self::Protocol(what) => f.write_str(what),
        }
    }
}

impl fmt::Display for NotSent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Smtputf8NotOffered => f.write_str("the peer does not offer SMTPUTF8"),
            Self::TooBig { limit } => write!(f, "the peer takes at most {limit} octets"),
        }
    }
}
