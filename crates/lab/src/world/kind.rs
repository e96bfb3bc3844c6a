//! Natures of a host by their names, as files and command lines give them.

use std::time::Duration;

use super::Absent;
use crate::host::Temper;

/// The name of a nature.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Takes all mail.
    #[default]
    Healthy,
    /// Accepts connections and says nothing.
    Silent,
    /// Waits before each reply.
    Slow,
    /// Says 421 instead of a banner.
    Busy,
    /// Says 554 instead of a banner.
    Unwelcoming,
    /// Says 521 instead of a banner.
    WithoutMail,
    /// Answers 451 to the first tries for each recipient, or for some time.
    Greylisting,
    /// Answers 452 to every recipient: no room.
    Full,
    /// Answers 550 to every recipient: unknown.
    KnowingNobody,
    /// Answers 554 to every sender: on a block list.
    Blocklisting,
    /// Answers 421 after some messages on a connection.
    Throttling,
    /// Closes after the content, before its reply.
    LosingAfterData,
    /// Is not there: connections are refused.
    #[serde(alias = "refusing")]
    #[value(alias = "refusing")]
    RefusingConnections,
    /// Is not there: connection requests vanish.
    Vanishing,
}

/// What there is to be at an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Nature {
    /// A host of this temper.
    Host(Temper),
    /// No host.
    Absent(Absent),
}

/// What a name leaves open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Details {
    /// Tries that greylisting refuses, or messages that a throttling host takes on a connection; at least 1.
    pub count: u64,
    /// How long a slow host waits before each reply.
    pub delay: Duration,
    /// How long greylisting refuses, in place of the count.
    pub span: Option<Duration>,
    /// The list that a block-listing host names.
    pub list: String,
}

impl Kind {
    /// What the name stands for.
    #[must_use]
    pub fn nature(self, details: &Details) -> Nature {
        let count = details.count.max(1);
        Nature::Host(match self {
            Self::Healthy => Temper::healthy(),
            Self::Silent => Temper::silent(),
            Self::Slow => Temper::slow(details.delay),
            Self::Busy => Temper::busy(),
            Self::Unwelcoming => Temper::unwelcoming(),
            Self::WithoutMail => Temper::without_mail(),
            Self::Greylisting => {
                details.span.map_or_else(|| Temper::greylisting(count), Temper::greylisting_for)
            }
            Self::Full => Temper::full(),
            Self::KnowingNobody => Temper::knowing_nobody(),
            Self::Blocklisting => Temper::blocklisting(&details.list),
            Self::Throttling => Temper::throttling(count),
            Self::LosingAfterData => Temper::losing_after_data(),
            Self::RefusingConnections => return Nature::Absent(Absent::Refusing),
            Self::Vanishing => return Nature::Absent(Absent::Swallowing),
        })
    }
}
