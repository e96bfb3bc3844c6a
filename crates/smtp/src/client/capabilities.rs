//! What a peer's EHLO reply offers.

use crate::reply::Reply;

/// The extensions a peer offers. Empty before EHLO was answered, after HELO, and from the start of TLS until
/// EHLO was answered again (RFC 3207 4.2).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Capabilities {
    /// SIZE (RFC 1870): the size may be declared.
    pub size_offered: bool,
    /// Octets of content the peer takes; `None` when it named no limit.
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
    pub enhanced_status_codes: bool,
    /// AUTH PLAIN (RFC 4616).
    pub auth_plain: bool,
    /// AUTH LOGIN.
    pub auth_login: bool,
    /// Recipients of a transaction: RCPTMAX of LIMITS (RFC 9422).
    pub recipients_max: Option<usize>,
    /// Transactions of a connection: MAILMAX of LIMITS.
    pub transactions_max: Option<usize>,
    /// Recipient domains of a connection: RCPTDOMAINMAX of LIMITS.
    pub recipient_domains_max: Option<usize>,
}

impl Capabilities {
    /// Reads the reply to EHLO. Its first line names the peer, each other line an extension; what is unknown
    /// or malformed is not offered.
    pub(super) fn parse(reply: &Reply) -> Self {
        let mut offered = Self::default();
        for line in reply.lines.iter().skip(1) {
            offered.read_line(line);
        }
        offered
    }

    fn read_line(&mut self, line: &str) {
        let mut words = line.split([' ', '=']).filter(|word| !word.is_empty());
        let Some(keyword) = words.next() else { return };
        let is = |name: &str| keyword.eq_ignore_ascii_case(name);
        if is("SIZE") {
            self.size_offered = true;
            // 0 says that there is no fixed limit (RFC 1870 4).
            self.size = words.next().and_then(|limit| limit.parse().ok()).filter(|limit| *limit > 0);
        } else if is("AUTH") {
            // `AUTH=PLAIN` is the form of drafts before RFC 2554; there are servers that have nothing else.
            for mechanism in words {
                self.auth_plain |= mechanism.eq_ignore_ascii_case("PLAIN");
                self.auth_login |= mechanism.eq_ignore_ascii_case("LOGIN");
            }
        } else if is("LIMITS") {
            self.read_limits(line);
        } else if let Some(flag) = self.flag(keyword) {
            *flag = true;
        }
    }

    fn flag(&mut self, keyword: &str) -> Option<&mut bool> {
        let flags = [
            ("PIPELINING", &mut self.pipelining),
            ("8BITMIME", &mut self.eight_bit_mime),
            ("SMTPUTF8", &mut self.smtputf8),
            ("DSN", &mut self.dsn),
            ("CHUNKING", &mut self.chunking),
            ("STARTTLS", &mut self.starttls),
            ("ENHANCEDSTATUSCODES", &mut self.enhanced_status_codes),
        ];
        flags.into_iter().find(|(name, _)| keyword.eq_ignore_ascii_case(name)).map(|(_, flag)| flag)
    }

    fn read_limits(&mut self, line: &str) {
        for limit in line.split(' ').skip(1) {
            let Some((name, value)) = limit.split_once('=') else { continue };
            let slot = match name {
                n if n.eq_ignore_ascii_case("RCPTMAX") => &mut self.recipients_max,
                n if n.eq_ignore_ascii_case("MAILMAX") => &mut self.transactions_max,
                n if n.eq_ignore_ascii_case("RCPTDOMAINMAX") => &mut self.recipient_domains_max,
                _ => continue,
            };
            // A limit of nothing at all would be a way to take mail hostage; RFC 9422 4 starts at 1.
            *slot = value.parse().ok().filter(|limit| *limit > 0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offered(lines: &[&str]) -> Capabilities {
        let lines = std::iter::once("mx.test").chain(lines.iter().copied()).map(str::to_owned).collect();
        Capabilities::parse(&Reply { code: 250, enhanced: None, lines })
    }

    #[test]
    fn keywords_are_read_in_any_case() {
        let all = offered(&[
            "pipelining",
            "8BitMime",
            "SMTPUTF8",
            "DSN",
            "CHUNKING",
            "STARTTLS",
            "ENHANCEDSTATUSCODES",
            "SIZE 1000",
            "AUTH LOGIN CRAM-MD5 PLAIN",
            "LIMITS MAILMAX=5 RCPTMAX=20 rcptdomainmax=1",
            "X-WHATEVER",
        ]);
        let expected = Capabilities {
            size_offered: true,
            size: Some(1000),
            pipelining: true,
            eight_bit_mime: true,
            smtputf8: true,
            dsn: true,
            chunking: true,
            starttls: true,
            enhanced_status_codes: true,
            auth_plain: true,
            auth_login: true,
            recipients_max: Some(20),
            transactions_max: Some(5),
            recipient_domains_max: Some(1),
        };
        assert_eq!(all, expected);
    }

    #[test]
    fn the_first_line_offers_nothing() {
        let reply = Reply { code: 250, enhanced: None, lines: vec!["PIPELINING".to_owned()] };
        assert_eq!(Capabilities::parse(&reply), Capabilities::default());
    }

    #[test]
    fn a_size_without_a_limit_is_still_offered() {
        for line in ["SIZE", "SIZE 0", "SIZE many", "SIZE 99999999999999999999999999"] {
            let offered = offered(&[line]);
            assert!(offered.size_offered && offered.size.is_none(), "{line}");
        }
    }

    #[test]
    fn limits_of_nothing_and_nonsense_are_left_out() {
        let offered = offered(&["LIMITS RCPTMAX=0 MAILMAX=x RCPTDOMAINMAX", "AUTH=PLAIN", "", "STARTTLSX"]);
        assert_eq!(offered, Capabilities { auth_plain: true, ..Capabilities::default() });
    }
}
