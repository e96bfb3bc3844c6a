//! What a host offers in its answer to EHLO.

/// The extensions that EHLO offers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offers {
    /// EHLO itself; a host without it answers 502 and wants HELO.
    pub ehlo: bool,
    /// PIPELINING (RFC 2920).
    pub pipelining: bool,
    /// 8BITMIME (RFC 6152).
    pub eight_bit: bool,
    /// SMTPUTF8 (RFC 6531).
    pub smtputf8: bool,
    /// CHUNKING (RFC 3030).
    pub chunking: bool,
    /// DSN (RFC 3461).
    pub dsn: bool,
    /// ENHANCEDSTATUSCODES (RFC 2034).
    pub enhanced: bool,
    /// SIZE with this limit in bytes (RFC 1870); larger messages get 552. Without it the limit is 64 MiB.
    pub size: Option<u64>,
    /// LIMITS with this text (RFC 9422), such as `RCPTMAX=20`.
    pub limits: Option<String>,
    /// Further lines, as they are.
    pub more: Vec<String>,
}

impl Default for Offers {
    fn default() -> Self {
        Self {
            ehlo: true,
            pipelining: true,
            eight_bit: true,
            smtputf8: true,
            chunking: true,
            dsn: true,
            enhanced: true,
            size: Some(64 << 20),
            limits: None,
            more: Vec::new(),
        }
    }
}

impl Offers {
    /// Nothing but EHLO.
    #[must_use]
    pub const fn bare() -> Self {
        Self {
            ehlo: true,
            pipelining: false,
            eight_bit: false,
            smtputf8: false,
            chunking: false,
            dsn: false,
            enhanced: false,
            size: None,
            limits: None,
            more: Vec::new(),
        }
    }
}
