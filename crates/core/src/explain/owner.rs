//! Who can do something about a finding.

/// Who can do something about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Owner {
    /// The operator of this gateway.
    Us,
    /// A rule of this gateway that does what it says; its operator may change it.
    UsPolicy,
    /// Whoever runs the mail servers of the recipient's domain.
    Destination,
    /// Whoever sent the message.
    Sender,
    /// Whoever runs the name service of the recipient's domain.
    DnsOfDestination,
    /// Whoever runs the name service of the sender's domain.
    DnsOfSender,
    /// Whoever runs the way between.
    Network,
    /// Nobody: waiting is right.
    Nobody,
}

impl Owner {
    /// Every owner.
    pub const ALL: [Self; 8] = [
        Self::Us,
        Self::UsPolicy,
        Self::Destination,
        Self::Sender,
        Self::DnsOfDestination,
        Self::DnsOfSender,
        Self::Network,
        Self::Nobody,
    ];

    /// Returns the stable code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Us => "us",
            Self::UsPolicy => "us-policy",
            Self::Destination => "destination",
            Self::Sender => "sender",
            Self::DnsOfDestination => "dns-of-destination",
            Self::DnsOfSender => "dns-of-sender",
            Self::Network => "network",
            Self::Nobody => "nobody",
        }
    }
}
