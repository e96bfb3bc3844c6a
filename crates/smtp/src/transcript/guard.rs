//! What of a line may be kept.

use memchr::memchr;

/// Mechanisms whose names are kept: what stands in their place may be the credentials themselves.
const MECHANISMS: &[&str] = &[
    "PLAIN",
    "LOGIN",
    "CRAM-MD5",
    "DIGEST-MD5",
    "NTLM",
    "GSSAPI",
    "GSS-SPNEGO",
    "EXTERNAL",
    "ANONYMOUS",
    "XOAUTH2",
    "OAUTHBEARER",
    "SCRAM-SHA-1",
    "SCRAM-SHA-1-PLUS",
    "SCRAM-SHA-256",
    "SCRAM-SHA-256-PLUS",
    "SCRAM-SHA-512",
];

/// Most octets of a reply to AUTH that are looked at before its line end.
const REPLY_LINE: usize = 4_096;

/// What a server made of a line where a command was due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heard {
    /// A command, its argument as the protocol wants it.
    Command,
    /// A command whose argument may be anything: only the first word is kept.
    FreeText,
    /// It begins as a command and goes on as none: kept for as long as it cannot be anything else.
    Malformed,
    /// No command.
    Other,
}

/// What came up in the conversation so far.
#[derive(Debug, Default)]
pub(super) struct Guard {
    /// Content or AUTH has come up: lines may be content or credentials.
    suspect: bool,
    /// An exchange of AUTH is under way, the client being us.
    authenticating: bool,
    /// The reply line of that exchange that has begun.
    line: Vec<u8>,
}

impl Guard {
    /// Returns how many octets at the beginning of a line a server may keep.
    pub(super) fn shown(&mut self, line: &[u8], heard: Heard) -> usize {
        if let Some(shown) = auth(line) {
            self.suspect = true;
            return shown;
        }
        match heard {
            Heard::Command => {
                // What follows a refused DATA may be content all the same.
                self.suspect |= first_word(line).eq_ignore_ascii_case(b"DATA");
                line.len()
            }
            Heard::FreeText => first_word(line).len(),
            Heard::Malformed if !self.suspect => line.len(),
            Heard::Malformed => first_word(line).len(),
            Heard::Other => 0,
        }
    }

    pub(super) const fn content_came(&mut self) {
        self.suspect = true;
    }

    pub(super) const fn is_authenticating(&self) -> bool {
        self.authenticating
    }

    /// Returns how many octets of a line that a client says may be kept.
    pub(super) fn client_says(&mut self, line: &[u8]) -> usize {
        if self.authenticating {
            return 0;
        }
        match auth(line) {
            Some(shown) => {
                self.authenticating = true;
                shown
            }
            None => line.len(),
        }
    }

    /// Takes an octet that a client hears within an exchange of AUTH; returns a whole line and how many octets at its
    /// beginning may be kept. A challenge (334) is not kept; any other last line ends the exchange.
    pub(super) fn client_hears(&mut self, octet: u8) -> Option<(Vec<u8>, usize)> {
        self.line.push(octet);
        if octet != b'\n' && self.line.len() < REPLY_LINE {
            return None;
        }
        let line = std::mem::take(&mut self.line);
        if line.starts_with(b"334") {
            return Some((line, 3));
        }
        let is_last = line.get(3) != Some(&b'-');
        self.authenticating &= !(is_last && octet == b'\n');
        let shown = line.len();
        Some((line, shown))
    }
}

/// Returns how many octets of a line may be kept that begins with AUTH; `None` for any other line.
fn auth(line: &[u8]) -> Option<usize> {
    let verb = first_word(line);
    if !verb.eq_ignore_ascii_case(b"AUTH") {
        return None;
    }
    let spaces = line[verb.len()..].iter().take_while(|octet| matches!(octet, b' ' | b'\t')).count();
    let behind = verb.len() + spaces;
    let mechanism = first_word(&line[behind..]);
    let known = MECHANISMS.iter().any(|known| mechanism.eq_ignore_ascii_case(known.as_bytes()));
    let shown = if known { behind + mechanism.len() } else { verb.len() };
    // A line end alone is no secret.
    let bare = line[shown..].iter().all(u8::is_ascii_whitespace);
    Some(if bare { line.len() } else { shown })
}

/// Returns the line up to its first space, tab or line end; a word that is no word is none.
fn first_word(line: &[u8]) -> &[u8] {
    let end = memchr(b' ', line).unwrap_or(line.len());
    let line = &line[..end];
    let end = line.iter().position(|octet| !octet.is_ascii_graphic()).unwrap_or(line.len());
    &line[..end]
}
