//! What a session is told once: its name, its patience, and what it demands of the peer.

use std::fmt;
use std::time::Duration;

/// Settings of the client side of a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The name behind EHLO and HELO: a host name or an address literal (RFC 5321 4.1.1.1).
    pub helo: String,
    /// How long the peer may take.
    pub deadlines: Deadlines,
    /// Whether STARTTLS is used.
    pub tls: TlsDemand,
    /// What to log in with; without it nothing is said about AUTH.
    pub auth: Option<Credentials>,
    /// TLS from the first byte (RFC 8314 3.3): the handshake comes before the greeting.
    pub implicit_tls: bool,
    /// Transactions stop before their content: RSET stands in its place, and every command waits for the reply to the
    /// one before. For asking a peer what it would take; such a session can hand nothing over.
    pub envelope_only: bool,
    /// How much a reply may hold.
    pub limits: ReplyLimits,
}

/// Whether STARTTLS (RFC 3207) is used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum TlsDemand {
    /// Not even when offered.
    Never,
    /// When offered; mail goes in clear where it is not offered or refused.
    #[default]
    Opportunistic,
    /// Always; without it nothing is sent.
    Required,
}

/// What to log in with (RFC 4954). `Debug` shows no password.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// The user, sent as it stands here.
    pub user: String,
    /// The password, sent as it stands here.
    pub password: String,
    /// Lets both be sent without TLS.
    pub allow_clear: bool,
}

/// How long the peer may take, from the moment it is its turn to the end of what is waited for.
///
/// The defaults are the minimum values of RFC 5321 4.5.3.2; those that it does not name are our own.
/// Single bytes of a reply do not prolong a deadline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deadlines {
    /// The greeting: 300 s.
    pub greeting: Duration,
    /// The reply to EHLO and HELO: 300 s.
    pub helo: Duration,
    /// The reply to STARTTLS, and the handshake: 120 s each.
    pub starttls: Duration,
    /// Each reply of an AUTH exchange: 300 s.
    pub auth: Duration,
    /// The reply to MAIL, and to RSET: 300 s.
    pub mail: Duration,
    /// The reply to RCPT, from the reply before it: 300 s.
    pub rcpt: Duration,
    /// The reply to DATA: 120 s.
    pub data_init: Duration,
    /// A block of content taken by the network: 180 s.
    pub data_block: Duration,
    /// The reply to the content: 600 s. Giving up earlier makes duplicates (RFC 1047).
    pub data_end: Duration,
    /// The reply to QUIT: 10 s. Nothing depends on it.
    pub quit: Duration,
}

/// How much a reply may hold before the peer is given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReplyLimits {
    /// Octets of a line with its line end: 2,048. RFC 5321 4.5.3.1.5 says 512, peers say more.
    pub line_octets: usize,
    /// Lines of a reply: 128.
    pub lines: usize,
}

impl Default for Settings {
    /// Default deadlines and limits, opportunistic TLS, no AUTH; as a name only `localhost`.
    fn default() -> Self {
        Self {
            helo: "localhost".to_owned(),
            deadlines: Deadlines::default(),
            tls: TlsDemand::default(),
            auth: None,
            implicit_tls: false,
            envelope_only: false,
            limits: ReplyLimits::default(),
        }
    }
}

impl Credentials {
    /// Makes credentials that are sent under TLS only.
    pub const fn new(user: String, password: String) -> Self {
        Self { user, password, allow_clear: false }
    }
}

impl Default for Deadlines {
    fn default() -> Self {
        Self {
            greeting: Duration::from_secs(300),
            helo: Duration::from_secs(300),
            starttls: Duration::from_secs(120),
            auth: Duration::from_secs(300),
            mail: Duration::from_secs(300),
            rcpt: Duration::from_secs(300),
            data_init: Duration::from_secs(120),
            data_block: Duration::from_secs(180),
            data_end: Duration::from_secs(600),
            quit: Duration::from_secs(10),
        }
    }
}

impl Default for ReplyLimits {
    fn default() -> Self {
        Self { line_octets: 2048, lines: 128 }
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials")
            .field("user", &self.user)
            .field("allow_clear", &self.allow_clear)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_never_shown() {
        let auth = Some(Credentials::new("joe".to_owned(), "s3cret".to_owned()));
        let settings = Settings { auth, ..Settings::default() };
        let shown = format!("{settings:?}");
        assert!(shown.contains("joe") && !shown.contains("s3cret"), "{shown}");
    }
}
