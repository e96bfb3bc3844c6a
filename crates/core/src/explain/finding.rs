//! The causes that `explain` names: one code each, who can do something about it, and a page in `docs/why`.
//!
//! A finding is what stands behind a state, as far as it is known: not "deferred" but what the peer deferred it for. The
//! codes are stable: scripts compare them.

use super::owner::Owner;
use super::reply::ReplyClass;

macro_rules! findings {
    ($($(#[$doc:meta])* $name:ident, $code:literal, $owner:ident;)*) => {
        /// A cause that `explain` names.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Finding {
            $($(#[$doc])* $name,)*
        }

        impl Finding {
            /// Every finding.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// Returns the stable code, which is also the name of its page in `docs/why`.
            pub const fn code(self) -> &'static str {
                match self { $(Self::$name => $code,)* }
            }

            /// Returns who can do something about it.
            pub const fn owner(self) -> Owner {
                match self { $(Self::$name => Owner::$owner,)* }
            }
        }
    };
}

findings! {
    /// The address refused the connection.
    ConnectRefused, "connect-refused", Destination;
    /// The address did not answer.
    ConnectTimeout, "connect-timeout", Network;
    /// There is no way to the address.
    NoRoute, "no-route", Network;
    /// A destination of ours has no route and cannot be looked up.
    MissingRoute, "missing-route", Us;
    /// The system could not connect, for another reason.
    ConnectError, "connect-error", Network;
    /// Connected, and no greeting came.
    BannerTimeout, "banner-timeout", Destination;
    /// A reply did not come in time.
    SmtpTimeout, "smtp-timeout", Destination;
    /// The peer turned us away before the first command.
    GreetingRejected, "greeting-rejected", Destination;
    /// The peer did not take EHLO and HELO.
    HelloRejected, "hello-rejected", Destination;
    /// The peer closed in the middle.
    ConnectionLost, "connection-lost", Destination;
    /// The peer closed after the content, before its verdict.
    LostAfterData, "lost-after-data", Destination;
    /// What the peer said is not SMTP.
    ProtocolError, "protocol-error", Destination;
    /// TLS is demanded and not offered.
    TlsNotOffered, "tls-not-offered", UsPolicy;
    /// TLS is demanded and the handshake fails.
    TlsHandshake, "tls-handshake", Destination;
    /// The certificate does not verify, for another reason.
    TlsCertificate, "tls-certificate", Destination;
    /// The certificate ran out.
    TlsCertificateExpired, "tls-certificate-expired", Destination;
    /// The certificate is for another name.
    TlsNameMismatch, "tls-name-mismatch", Destination;
    /// The certificate's issuer is not trusted here.
    TlsCertificateUntrusted, "tls-certificate-untrusted", Destination;
    /// A smarthost did not take name and password.
    AuthFailed, "auth-failed", Us;
    /// The domain does not exist.
    DnsNxdomain, "dns-nxdomain", Sender;
    /// The domain's name service fails.
    DnsServfail, "dns-servfail", DnsOfDestination;
    /// The domain's name service does not answer.
    DnsTimeout, "dns-timeout", DnsOfDestination;
    /// No name server of ours answers anything.
    ResolverUnreachable, "resolver-unreachable", Us;
    /// The domain says that it takes no mail.
    NullMx, "null-mx", Destination;
    /// The exchangers have no address.
    MxNoAddress, "mx-no-address", DnsOfDestination;
    /// Aliases without an end.
    CnameLoop, "cname-loop", DnsOfDestination;
    /// The exchangers are in networks where we do not connect.
    RefusedNetwork, "refused-network", UsPolicy;
    /// The best exchanger is this gateway.
    MailLoop, "mail-loop", Us;
    /// SMTPUTF8 is needed and not offered.
    Utf8NotOffered, "utf8-not-offered", Destination;
    /// The message is larger than the peer takes.
    TooBigForPeer, "too-big-for-peer", Sender;
    /// 8-bit content, and the peer takes 7 bits.
    EightBitNotOffered, "eight-bit-not-offered", UsPolicy;
    /// There is no such mailbox.
    UnknownRecipient, "unknown-recipient", Sender;
    /// The mailbox is there and takes nothing.
    RecipientDisabled, "recipient-disabled", Destination;
    /// The peer does not deliver for the domain.
    DomainNotServed, "domain-not-served", Destination;
    /// The mailbox has no room.
    MailboxFull, "mailbox-full", Destination;
    /// Strangers are to come again.
    Greylisted, "greylisted", Nobody;
    /// Our address is on a block list.
    IpBlocklisted, "ip-blocklisted", Us;
    /// Our address has a bad name with the peer.
    IpReputation, "ip-reputation", Us;
    /// A domain or link of the message is on a list.
    DomainBlocklisted, "domain-blocklisted", Sender;
    /// Our address has no proper name.
    NoReverseDns, "no-reverse-dns", Us;
    /// The peer limits how much we send.
    PeerRateLimit, "peer-rate-limit", Destination;
    /// The peer has too much to do.
    PeerBusy, "peer-busy", Destination;
    /// The peer has no room for any mail.
    PeerOutOfSpace, "peer-out-of-space", Destination;
    /// Something is broken at the peer.
    PeerFault, "peer-fault", Destination;
    /// The peer does not want the content.
    ContentRejected, "content-rejected", Sender;
    /// The peer found something harmful.
    VirusFound, "virus-found", Sender;
    /// The message is not formed as the peer demands.
    MalformedMessage, "malformed-message", Sender;
    /// A rule of the peer.
    PeerPolicy, "peer-policy", Destination;
    /// The peer does not want this sender.
    SenderRejected, "sender-rejected", Sender;
    /// The sender's domain is not in the name service.
    SenderDomainUnresolvable, "sender-domain-unresolvable", DnsOfSender;
    /// SPF, DKIM or DMARC failed at the peer.
    AuthenticationFailed, "authentication-failed", DnsOfSender;
    /// The peer relays nothing for us.
    RelayDenied, "relay-denied", Destination;
    /// The peer wants a name and a password.
    LoginRequired, "login-required", Us;
    /// The peer wants TLS.
    EncryptionRequired, "encryption-required", Us;
    /// Too many recipients at once for the peer.
    TooManyRecipients, "too-many-recipients", Nobody;
    /// The peer says that the message goes round in circles.
    MailLoopBeyond, "mail-loop-beyond", Destination;
    /// The peer did not like a command.
    CommandRefused, "command-refused", Destination;
    /// The peer never takes mail.
    NoMailHere, "no-mail-here", Destination;
    /// Refused for now, in words that nobody knows.
    RefusedForNow, "reply-4xx", Destination;
    /// Refused for good, in words that nobody knows.
    RefusedForGood, "reply-5xx", Destination;

    /// Nothing stands in the way.
    Due, "due", Nobody;
    /// It is being delivered, looked up or connected for.
    OnTheWay, "on-the-way", Nobody;
    /// It waits for its time, and what made it wait is over.
    WaitingForRetry, "waiting-for-retry", Nobody;
    /// All connections of this gateway are in use.
    GatewayLimit, "gateway-limit", UsPolicy;
    /// A limit of ours for the destination is reached.
    DestinationLimit, "destination-limit", UsPolicy;
    /// A limit of ours for an address is reached.
    AddressLimit, "address-limit", UsPolicy;
    /// The address answers more slowly than mail comes.
    AddressOpening, "address-opening", Destination;
    /// An operator suspended delivery.
    DeliverySuspended, "delivery-suspended", Us;
    /// The disk cannot record how deliveries end.
    SpoolSpace, "spool-space", Us;
    /// The gateway is stopping.
    ShuttingDown, "shutting-down", Us;
    /// The queue is being read back after a start.
    Recovering, "recovering", Nobody;
    /// An operator paused the work queue.
    WorkQueuePaused, "work-queue-paused", Us;

    /// The next hop has it.
    Delivered, "delivered", Nobody;
    /// An operator took it out.
    DeletedByOperator, "deleted-by-operator", Us;
    /// An operator put it into the archive.
    ArchivedByOperator, "archived-by-operator", Us;
    /// An operator sent it back.
    BouncedByOperator, "bounced-by-operator", Us;
    /// A route throws it away.
    DiscardedByRoute, "discarded-by-route", UsPolicy;
    /// Too old, or tried too often.
    Expired, "expired", Destination;
    /// What was stored could not be read back.
    RecordCorrupt, "record-corrupt", Us;

    /// Nothing was accepted because the disk had no room.
    RefusedSpoolSpace, "refused-spool-space", Us;
    /// Nothing was accepted because a write had failed.
    RefusedSpoolFailed, "refused-spool-failed", Us;
    /// Nothing was accepted because the queue was full.
    RefusedQueueFull, "refused-queue-full", Us;
    /// An operator suspended receiving.
    ReceivingSuspended, "receiving-suspended", Us;
    /// The recipient was refused here.
    RecipientRejected, "recipient-rejected", Sender;
    /// The message was larger than is taken here.
    MessageTooBig, "message-too-big", Sender;
    /// The sender left in the middle of the message.
    LostDuringData, "lost-during-data", Sender;
    /// The sender gave up its transaction.
    AbandonedBySender, "abandoned-by-sender", Sender;
    /// Refused here, for another reason.
    RefusedHere, "refused-here", UsPolicy;

    /// An exchanger that is to be tried first fails; another one takes the mail.
    BackupMxUsed, "backup-mx-used", Destination;
    /// Nothing waits, and nothing is wrong.
    NothingWaits, "nothing-waits", Nobody;
    /// The records do not know it.
    NotInRecords, "not-in-records", Nobody;
}

impl Finding {
    /// Finds the finding of a code.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|finding| finding.code() == code)
    }

    /// Returns what a class of replies stands for; `hard` when the peer said never.
    pub const fn of_reply(class: ReplyClass, hard: bool) -> Self {
        match class {
            ReplyClass::UnknownRecipient => Self::UnknownRecipient,
            ReplyClass::RecipientDisabled => Self::RecipientDisabled,
            ReplyClass::UnknownDomain => Self::DomainNotServed,
            ReplyClass::MailboxFull => Self::MailboxFull,
            ReplyClass::Greylisted => Self::Greylisted,
            ReplyClass::IpBlocklisted => Self::IpBlocklisted,
            ReplyClass::IpReputation => Self::IpReputation,
            ReplyClass::DomainBlocklisted => Self::DomainBlocklisted,
            ReplyClass::NoReverseDns => Self::NoReverseDns,
            ReplyClass::PeerRateLimit => Self::PeerRateLimit,
            ReplyClass::PeerBusy => Self::PeerBusy,
            ReplyClass::PeerOutOfSpace => Self::PeerOutOfSpace,
            ReplyClass::PeerFault => Self::PeerFault,
            ReplyClass::ContentRejected => Self::ContentRejected,
            ReplyClass::VirusFound => Self::VirusFound,
            ReplyClass::MalformedMessage => Self::MalformedMessage,
            ReplyClass::Policy => Self::PeerPolicy,
            ReplyClass::SenderRejected => Self::SenderRejected,
            ReplyClass::SenderDomainUnresolvable => Self::SenderDomainUnresolvable,
            ReplyClass::AuthenticationFailed => Self::AuthenticationFailed,
            ReplyClass::RelayDenied => Self::RelayDenied,
            ReplyClass::LoginRequired => Self::LoginRequired,
            ReplyClass::EncryptionRequired => Self::EncryptionRequired,
            ReplyClass::TooBig => Self::TooBigForPeer,
            ReplyClass::TooManyRecipients => Self::TooManyRecipients,
            ReplyClass::MailLoop => Self::MailLoopBeyond,
            ReplyClass::CommandRefused => Self::CommandRefused,
            ReplyClass::NoMailHere => Self::NoMailHere,
            ReplyClass::Other if hard => Self::RefusedForGood,
            ReplyClass::Other => Self::RefusedForNow,
        }
    }
}
