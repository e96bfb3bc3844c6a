//! ESMTP parameters of MAIL and RCPT, parsed once and relayed unchanged.
//!
//! Sources: SIZE (RFC 1870), BODY (RFC 6152), SMTPUTF8 (RFC 6531), RET, ENVID, NOTIFY, ORCPT (RFC 3461,
//! RFC 6533). Not here: whether an extension was offered. The session asks that.

use std::fmt;

mod parse;
#[cfg(test)]
mod tests;

/// Octets an `ENVID=` value may have (RFC 3461 4.4).
pub const ENVID_OCTETS: usize = 100;

/// Octets an `ORCPT=` value may have (RFC 3461 4.2).
pub const ORCPT_OCTETS: usize = 500;

/// How the message data is declared (RFC 6152).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum BodyKind {
    /// Not declared, or `BODY=7BIT`.
    #[default]
    SevenBit,
    /// `BODY=8BITMIME`.
    EightBitMime,
}

/// `RET=`: how much of the message a failure report returns (RFC 3461 4.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Return {
    /// The whole message.
    Full,
    /// Its header only.
    Headers,
}

/// Parameters of MAIL.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MailParams {
    /// `SIZE=`, octets; `None` when not given.
    pub size: Option<u64>,
    /// `BODY=`.
    pub body: BodyKind,
    /// `SMTPUTF8`.
    pub smtputf8: bool,
    /// `RET=`.
    pub ret: Option<Return>,
    /// `ENVID=` in xtext as written (RFC 3461 4.4), validated, at most 100 octets.
    pub envid: Option<String>,
}

/// `NOTIFY=`: when the sender wants a report (RFC 3461 4.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Notify {
    /// `NEVER`; excludes the others.
    pub never: bool,
    /// `SUCCESS`.
    pub success: bool,
    /// `FAILURE`.
    pub failure: bool,
    /// `DELAY`.
    pub delay: bool,
}

/// Parameters of RCPT.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RcptParams {
    /// `NOTIFY=`; `None` when not given (failures are reported, RFC 3461 4.1).
    pub notify: Option<Notify>,
    /// `ORCPT=` as written, `type;xtext`, validated, at most 500 octets.
    pub orcpt: Option<String>,
}

/// Why parameters were not understood. Names no text of the peer's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ParamError {
    /// A keyword that no offered extension defines.
    Unknown,
    /// The named keyword stands there twice.
    Twice(&'static str),
    /// The named keyword has no value, a malformed one, or one where none belongs.
    Value(&'static str),
    /// `BODY=BINARYMIME` (RFC 3030), which is not offered.
    BinaryMime,
}

impl MailParams {
    /// Parses what follows the path of MAIL, keywords in any case and order.
    ///
    /// # Errors
    /// The first parameter that is unknown, repeated or malformed.
    pub fn parse(text: &str) -> Result<Self, ParamError> {
        parse::mail(text)
    }

    /// Tells whether a parameter of the DSN extension (RFC 3461) is there.
    pub const fn uses_dsn(&self) -> bool {
        self.ret.is_some() || self.envid.is_some()
    }
}

impl RcptParams {
    /// Parses what follows the path of RCPT, keywords in any case and order.
    ///
    /// # Errors
    /// The first parameter that is unknown, repeated or malformed.
    pub fn parse(text: &str) -> Result<Self, ParamError> {
        parse::rcpt(text)
    }

    /// Tells whether a parameter of the DSN extension (RFC 3461) is there.
    pub const fn uses_dsn(&self) -> bool {
        self.notify.is_some() || self.orcpt.is_some()
    }
}

impl fmt::Display for Notify {
    /// Shows the value as it stands behind `NOTIFY=`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.never {
            return f.write_str("NEVER");
        }
        let words = [(self.success, "SUCCESS"), (self.failure, "FAILURE"), (self.delay, "DELAY")];
        let mut separator = "";
        for (_, word) in words.iter().filter(|(set, _)| *set) {
            write!(f, "{separator}{word}")?;
            separator = ",";
        }
        Ok(())
    }
}

impl fmt::Display for ParamError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown => f.write_str("A parameter after the address is not supported"),
            Self::Twice(keyword) => write!(f, "{keyword} is given twice"),
            Self::Value(keyword) => write!(f, "The value of {keyword} is malformed"),
            Self::BinaryMime => f.write_str("BODY=BINARYMIME is not supported"),
        }
    }
}

impl std::error::Error for ParamError {}
