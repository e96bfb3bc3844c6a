//! Mailboxes and paths as MAIL and RCPT carry them (RFC 5321 4.1.2, RFC 6531).
//!
//! An address is parsed once and relayed as its sender wrote it: quoted local parts keep their quotes,
//! domains keep their case and their U-labels. What is compared, routed and looked up is the parsed
//! [`Domain`]. Source routes are the one thing thrown away, as RFC 5321 3.3 asks.
//!
//! Not here: whether a domain exists or is accepted. That is policy.

use std::fmt;
use std::net::IpAddr;

mod grammar;
#[cfg(test)]
mod tests;

/// Octets a local part may have (RFC 5321 4.5.3.1.1).
pub const LOCAL_OCTETS: usize = 64;

/// Octets a domain may have as written (RFC 5321 4.5.3.1.2).
pub const DOMAIN_OCTETS: usize = 255;

/// Octets a path may have with its angle brackets (RFC 5321 4.5.3.1.3).
pub const PATH_OCTETS: usize = 256;

/// The part after the `@`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Domain {
    /// A host name in lower-case A-label form (`xn--...`), without a trailing dot.
    Name(String),
    /// `[192.0.2.1]` or `[IPv6:2001:db8::1]`.
    Literal(IpAddr),
}

/// A mailbox: `local@domain`, or the bare `postmaster` (RFC 5321 4.1.1.3).
///
/// Equality is that of the written form. To ask whether two addresses name the same mailbox, compare
/// their [`key`](Self::key)s.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Mailbox {
    /// The whole address as it is relayed.
    text: String,
    /// Where the local part ends in `text`.
    local_end: usize,
    domain: Option<Domain>,
}

/// What makes two mailboxes the same one: the local part octet by octet (RFC 5321 2.4), the domain without
/// regard to case or to U-label and A-label spelling.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct MailboxKey<'a> {
    local: &'a str,
    domain: Option<&'a Domain>,
}

/// A reverse path: a mailbox, or `<>`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ReversePath {
    /// `<>`: nobody is told of a failure.
    Null,
    /// The sender.
    Mailbox(Mailbox),
}

/// Why a text is not an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AddressError {
    /// Nothing stands where an address must.
    Empty,
    /// `<` without `>`, or something glued to the `>`.
    Brackets,
    /// A source route (`@a,@b:`) that is not one.
    Route,
    /// A second `@` behind the one that ends the local part (RFC 5321 4.1.2 has one).
    Syntax,
    /// A character that needs quoting, or a quoted string that does not end before the `@`.
    Local,
    /// No `@domain`; only `postmaster` may stand alone.
    NoDomain,
    /// Not a host name.
    Domain,
    /// Not an internationalised name: its A-label or U-label form does not convert (RFC 5891).
    Idna,
    /// Brackets that hold neither an IPv4 address nor `IPv6:` and an IPv6 address.
    Literal,
    /// The local part has more than [`LOCAL_OCTETS`].
    LocalTooLong,
    /// The domain has more than [`DOMAIN_OCTETS`], or the path more than [`PATH_OCTETS`].
    TooLong,
}

impl Domain {
    /// Parses a host name or an address literal; U-labels become A-labels, upper case becomes lower.
    ///
    /// # Errors
    /// [`AddressError::Domain`], [`Idna`](AddressError::Idna), [`Literal`](AddressError::Literal) or
    /// [`TooLong`](AddressError::TooLong).
    pub fn parse(text: &str) -> Result<Self, AddressError> {
        grammar::domain(text)
    }
}

impl Mailbox {
    /// Parses `local@domain` or the bare `postmaster`, without angle brackets and without a source route.
    ///
    /// # Errors
    /// What is wrong with `text`, see [`AddressError`].
    pub fn parse(text: &str) -> Result<Self, AddressError> {
        grammar::mailbox(text)
    }

    /// Makes the mailbox `local` at `domain`, the domain written in its A-label form.
    ///
    /// # Errors
    /// [`AddressError::Local`] when `local` is not a local part as it stands on the wire, quotes included;
    /// [`LocalTooLong`](AddressError::LocalTooLong), [`TooLong`](AddressError::TooLong).
    pub fn new(local: &str, domain: &Domain) -> Result<Self, AddressError> {
        grammar::joined(local, domain)
    }

    /// Makes the bare `postmaster`.
    pub fn postmaster() -> Self {
        Self { text: "postmaster".to_owned(), local_end: "postmaster".len(), domain: None }
    }

    /// Returns the local part as written, quotes and escapes included.
    pub fn local(&self) -> &str {
        &self.text[..self.local_end]
    }

    /// Returns the domain; `None` for the bare `postmaster`.
    pub const fn domain(&self) -> Option<&Domain> {
        self.domain.as_ref()
    }

    /// Returns the domain as the peer wrote it: its case, its U-labels, its trailing dot.
    pub fn written_domain(&self) -> Option<&str> {
        self.domain.as_ref().and_then(|_| self.text.get(self.local_end + 1..))
    }

    /// Returns the whole address as it is relayed, without angle brackets.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Tells whether the address can be sent to a peer without SMTPUTF8.
    pub fn is_ascii(&self) -> bool {
        self.text.is_ascii()
    }

    /// Returns what two spellings of the same mailbox have in common.
    pub fn key(&self) -> MailboxKey<'_> {
        match &self.domain {
            Some(domain) => MailboxKey { local: self.local(), domain: Some(domain) },
            None => MailboxKey { local: "postmaster", domain: None },
        }
    }
}

impl ReversePath {
    /// Parses what stands between the angle brackets of a reverse path; nothing there is `<>`.
    ///
    /// # Errors
    /// As [`Mailbox::parse`]; the bare `postmaster` is [`AddressError::NoDomain`], no report could be sent
    /// to it.
    pub fn parse(content: &str) -> Result<Self, AddressError> {
        if content.is_empty() {
            return Ok(Self::Null);
        }
        let mailbox = Mailbox::parse(content)?;
        if mailbox.domain.is_none() {
            return Err(AddressError::NoDomain);
        }
        Ok(Self::Mailbox(mailbox))
    }

    /// Returns the mailbox; `None` for `<>`.
    pub const fn mailbox(&self) -> Option<&Mailbox> {
        match self {
            Self::Null => None,
            Self::Mailbox(mailbox) => Some(mailbox),
        }
    }

    /// Tells whether the path can be sent to a peer without SMTPUTF8.
    pub fn is_ascii(&self) -> bool {
        self.mailbox().is_none_or(Mailbox::is_ascii)
    }
}

/// Splits the argument of `MAIL FROM:` or `RCPT TO:` into what its angle brackets hold, without a source
/// route, and the parameters that follow.
///
/// A space before the path and missing brackets are let pass, real senders write both.
///
/// # Errors
/// [`AddressError::Empty`], [`Brackets`](AddressError::Brackets) or [`Route`](AddressError::Route).
pub fn split_path(argument: &str) -> Result<(&str, &str), AddressError> {
    grammar::split_path(argument)
}

impl fmt::Display for Domain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => f.write_str(name),
            Self::Literal(IpAddr::V4(ip)) => write!(f, "[{ip}]"),
            Self::Literal(IpAddr::V6(ip)) => write!(f, "[IPv6:{ip}]"),
        }
    }
}

impl fmt::Display for Mailbox {
    /// Shows the address as it is relayed, without angle brackets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Display for ReversePath {
    /// Shows what stands between the angle brackets; nothing for `<>`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => Ok(()),
            Self::Mailbox(mailbox) => mailbox.fmt(f),
        }
    }
}

impl fmt::Display for AddressError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "The address is missing",
            Self::Brackets => "The angle brackets around the address do not match",
            Self::Route => "The source route before the address is malformed",
            Self::Syntax => "The address has more than one @ outside quotes",
            Self::Local => "The part before the @ is malformed",
            Self::NoDomain => "The address has no domain",
            Self::Domain => "The domain is not a valid host name",
            Self::Idna => "The domain is not a valid internationalised name",
            Self::Literal => "The address literal is neither [IPv4] nor [IPv6:...]",
            Self::LocalTooLong => "The part before the @ is longer than 64 octets",
            Self::TooLong => "The address is too long",
        })
    }
}

impl std::error::Error for AddressError {}
