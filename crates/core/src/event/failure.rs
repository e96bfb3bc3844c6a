//! One failure in full: where, why, what the peer said.

use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

/// Where an attempt stood when it failed, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Stage {
    /// Name service.
    Dns,
    /// TCP.
    Connect,
    /// Waiting for 220.
    Greeting,
    /// EHLO or HELO.
    Ehlo,
    /// STARTTLS and the handshake.
    StartTls,
    /// AUTH.
    Auth,
    /// MAIL.
    Mail,
    /// RCPT.
    Rcpt,
    /// DATA or BDAT, before content.
    Data,
    /// Content was being sent.
    Content,
    /// Content was sent, its reply awaited.
    Final,
    /// A decision of ours, no network involved.
    Local,
}

/// One failure in full: kept with the thing that failed, for hours.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// Where it happened.
    pub stage: Stage,
    /// Stable cause code: `connect-refused`, `banner-timeout`, `rcpt-4xx`, `dns-servfail` ...
    pub cause: Cause,
    /// Enhanced status, class 4 or 5 (RFC 3463).
    pub status: (u8, u16, u16),
    /// The peer's reply code, 0 when there was none.
    pub code: u16,
    /// The peer's reply lines, or our own words.
    pub text: Vec<String>,
    /// The address involved.
    pub address: Option<SocketAddr>,
    /// When.
    pub at: u64,
}

/// Causes of failure, one a mechanism. `explain` speaks these codes. New ones come last: records hold their places.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Cause {
    /// TCP RST or ICMP port unreachable.
    ConnectRefused,
    /// No answer to SYN.
    ConnectTimeout,
    /// Network or host unreachable.
    NoRoute,
    /// Another error of the operating system at connect.
    ConnectError,
    /// Connected, no banner in time.
    BannerTimeout,
    /// A timeout later in the conversation.
    SmtpTimeout,
    /// The banner was 4xx or 5xx.
    GreetingRejected,
    /// EHLO and HELO refused.
    HelloRejected,
    /// The peer closed or reset in the middle.
    ConnectionLost,
    /// The peer closed after the content was sent and before its reply.
    LostAfterData,
    /// What the peer said is not SMTP.
    ProtocolError,
    /// TLS is demanded and not offered.
    TlsNotOffered,
    /// TLS is demanded and the handshake failed.
    TlsHandshake,
    /// The certificate did not verify, for a reason that has no code of its own.
    TlsCertificate,
    /// AUTH failed at a smarthost.
    AuthFailed,
    /// A 4xx reply to MAIL, RCPT, DATA or content.
    Reply4xx,
    /// A 5xx reply to MAIL, RCPT, DATA or content.
    Reply5xx,
    /// The name does not exist.
    DnsNxdomain,
    /// SERVFAIL or REFUSED.
    DnsServfail,
    /// No name server answered.
    DnsTimeout,
    /// None of our resolvers answers anything.
    ResolverUnreachable,
    /// RFC 7505.
    NullMx,
    /// Exchangers without an address.
    MxNoAddress,
    /// A chain of aliases without an end.
    CnameLoop,
    /// Every address is one that we refuse to connect to.
    RefusedNetwork,
    /// The best exchanger is ourselves.
    MailLoop,
    /// SMTPUTF8 needed, not offered.
    Utf8NotOffered,
    /// Larger than the peer's SIZE.
    TooBigForPeer,
    /// 8-bit content, no 8BITMIME, and the setting says bounce.
    EightBitNotOffered,
    /// Too old or tried too often.
    Expired,
    /// An operator said bounce.
    Operator,
    /// The stored record is damaged.
    RecordCorrupt,
    /// The certificate ran out.
    TlsCertificateExpired,
    /// The certificate is for another name.
    TlsNameMismatch,
    /// The certificate's issuer is not trusted here.
    TlsCertificateUntrusted,
}

/// What failures have in common that are one and the same trouble, however the peers word it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct FailureKind {
    /// How far it got.
    pub stage: Stage,
    /// The class of what went wrong.
    pub cause: Cause,
    /// Enhanced status code (RFC 3463).
    pub status: (u8, u16, u16),
    /// The reply's code, 0 when there was none.
    pub code: u16,
}

impl Stage {
    /// Returns its name, as replies and pages write it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Dns => "dns",
            Self::Connect => "connect",
            Self::Greeting => "greeting",
            Self::Ehlo => "ehlo",
            Self::StartTls => "starttls",
            Self::Auth => "auth",
            Self::Mail => "mail",
            Self::Rcpt => "rcpt",
            Self::Data => "data",
            Self::Content => "content",
            Self::Final => "final",
            Self::Local => "local",
        }
    }
}

impl Failure {
    /// Returns what is equal for failures that differ in words, addresses and instants only.
    pub const fn kind(&self) -> FailureKind {
        FailureKind { stage: self.stage, cause: self.cause, status: self.status, code: self.code }
    }

    /// Returns the text in one line, with `#` for what differs from one reply to the next: addresses, queue ids,
    /// numbers. Status codes, network addresses and host names stay.
    pub fn gist(&self) -> String {
        let mut gist = String::new();
        for word in self.text.iter().flat_map(|line| line.split_whitespace()) {
            if gist.len() >= GIST_BYTES {
                break;
            }
            let word = if is_particular(word) { "#" } else { word };
            if word == "#" && gist.ends_with('#') {
                continue;
            }
            if !gist.is_empty() {
                gist.push(' ');
            }
            gist.push_str(&word[..word.floor_char_boundary(GIST_BYTES)]);
        }
        gist
    }
}

/// A gist is about this long at most.
const GIST_BYTES: usize = 160;

/// Tells whether a word of a reply names one message, mailbox or moment.
fn is_particular(word: &str) -> bool {
    let bare = word.trim_matches(|letter: char| !letter.is_alphanumeric());
    let digits = bare.bytes().filter(u8::is_ascii_digit).count();
    let dotted = bare.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.' || byte == b':');
    let only_digits = digits == bare.len() && digits > 0;
    let is_id = digits > 0 && bare.len() >= 8 && !bare.contains('.') && !bare.contains("://");
    word.contains('@') || only_digits || (is_id && !dotted)
}

impl Cause {
    /// Returns the stable code, as JSON, pages and `docs/why` write it.
    pub const fn code(self) -> &'static str {
        match self {
            Self::ConnectRefused => "connect-refused",
            Self::ConnectTimeout => "connect-timeout",
            Self::NoRoute => "no-route",
            Self::ConnectError => "connect-error",
            Self::BannerTimeout => "banner-timeout",
            Self::SmtpTimeout => "smtp-timeout",
            Self::GreetingRejected => "greeting-rejected",
            Self::HelloRejected => "hello-rejected",
            Self::ConnectionLost => "connection-lost",
            Self::LostAfterData => "lost-after-data",
            Self::ProtocolError => "protocol-error",
            Self::TlsNotOffered => "tls-not-offered",
            Self::TlsHandshake => "tls-handshake",
            Self::TlsCertificate => "tls-certificate",
            Self::AuthFailed => "auth-failed",
            Self::Reply4xx => "reply-4xx",
            Self::Reply5xx => "reply-5xx",
            Self::DnsNxdomain => "dns-nxdomain",
            Self::DnsServfail => "dns-servfail",
            Self::DnsTimeout => "dns-timeout",
            Self::ResolverUnreachable => "resolver-unreachable",
            Self::NullMx => "null-mx",
            Self::MxNoAddress => "mx-no-address",
            Self::CnameLoop => "cname-loop",
            Self::RefusedNetwork => "refused-network",
            Self::MailLoop => "mail-loop",
            Self::Utf8NotOffered => "utf8-not-offered",
            Self::TooBigForPeer => "too-big-for-peer",
            Self::EightBitNotOffered => "eight-bit-not-offered",
            Self::Expired => "expired",
            Self::Operator => "operator",
            Self::RecordCorrupt => "record-corrupt",
            Self::TlsCertificateExpired => "tls-certificate-expired",
            Self::TlsNameMismatch => "tls-name-mismatch",
            Self::TlsCertificateUntrusted => "tls-certificate-untrusted",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gist(text: &[&str]) -> String {
        let text = text.iter().map(|line| (*line).to_owned()).collect();
        let failure = Failure {
            stage: Stage::Rcpt,
            cause: Cause::Reply4xx,
            status: (4, 7, 1),
            code: 451,
            text,
            address: None,
            at: 0,
        };
        failure.gist()
    }

    #[test]
    fn a_gist_leaves_out_what_names_one_message() {
        let table = [
            ("4.7.1 <ann@a.example>: greylisted for 299 seconds", "4.7.1 # greylisted for # seconds"),
            ("4.7.1 <bob@b.example>: greylisted for 17 seconds", "4.7.1 # greylisted for # seconds"),
            ("queue id 4bXk2n9QzR1 12 is busy", "queue id # is busy"),
            ("Client host [192.0.2.7] blocked", "Client host [192.0.2.7] blocked"),
            ("mail2.a.example is at its limit", "mail2.a.example is at its limit"),
            ("see https://a.example/block?12345678", "see https://a.example/block?12345678"),
            ("", ""),
        ];
        for (text, expected) in table {
            assert_eq!(gist(&[text]), expected);
        }
        assert_eq!(gist(&["one", "two"]), "one two");
    }

    #[test]
    fn a_gist_is_bounded_and_cut_between_characters() {
        let long = gist(&["é".repeat(500).as_str(), "tail"]);
        assert!(long.len() <= GIST_BYTES + 8, "{}", long.len());
    }
}
