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

/// Causes of failure, one a mechanism. `explain` speaks these codes.
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
    /// The certificate did not verify.
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
}
