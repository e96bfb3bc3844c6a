//! What a peer's EHLO reply offers.

use crate::reply::Reply;

/// The extensions offered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Capabilities {
    /// SIZE (RFC 1870), its limit; `Some(0)` means offered without a limit.
    pub size: Option<u64>,
    /// PIPELINING (RFC 2920).
    pub pipelining: bool,
    /// 8BITMIME (RFC 6152).
    pub eight_bit_mime: bool,
    /// SMTPUTF8 (RFC 6531).
    pub smtputf8: bool,
    /// DSN (RFC 3461).
    pub dsn: bool,
    /// CHUNKING (RFC 3030).
    pub chunking: bool,
    /// STARTTLS (RFC 3207).
    pub starttls: bool,
    /// ENHANCEDSTATUSCODES (RFC 2034).
    pub enhanced_codes: bool,
    /// AUTH mechanisms (RFC 4954), upper case.
    pub auth: Vec<String>,
    /// LIMITS RCPTMAX (RFC 9422): recipients of a transaction.
    pub recipients_max: Option<usize>,
    /// LIMITS MAILMAX (RFC 9422): transactions of a connection.
    pub transactions_max: Option<usize>,
}

impl Capabilities {
    /// Reads the lines behind the first; what is not known is passed over.
    pub(super) fn read(reply: &Reply) -> Self {
        let mut offered = Self::default();
        for line in reply.lines.iter().skip(1) {
            let upper = line.to_ascii_uppercase();
            let mut words = upper.split_ascii_whitespace();
            match words.next().unwrap_or_default() {
                "SIZE" => offered.size = Some(words.next().and_then(|size| size.parse().ok()).unwrap_or(0)),
                "PIPELINING" => offered.pipelining = true,
                "8BITMIME" => offered.eight_bit_mime = true,
                "SMTPUTF8" => offered.smtputf8 = true,
                "DSN" => offered.dsn = true,
                "CHUNKING" => offered.chunking = true,
                "STARTTLS" => offered.starttls = true,
                "ENHANCEDSTATUSCODES" => offered.enhanced_codes = true,
                "AUTH" => offered.auth.extend(words.map(str::to_owned)),
                "LIMITS" => words.for_each(|word| offered.read_limit(word)),
                other => {
                    // An old form that some servers still use.
                    if let Some(first) = other.strip_prefix("AUTH=") {
                        offered.auth.push(first.to_owned());
                        offered.auth.extend(words.map(str::to_owned));
                    }
                }
            }
        }
        offered
    }

    fn read_limit(&mut self, word: &str) {
        let Some((name, value)) = word.split_once('=') else { return };
        let value = value.parse().ok().filter(|value| *value > 0);
        match name {
            "RCPTMAX" => self.recipients_max = value,
            "MAILMAX" => self.transactions_max = value,
            _ => {}
        }
    }
}
