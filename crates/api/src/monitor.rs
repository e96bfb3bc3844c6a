//! What goes on in the gateway: `topin`, `rate`, `hostrate`, `dnsstatus`, `version`, `resetcounters`.

mod dnsstatus;
mod hostrate;
mod rate;
mod resetcounters;
mod topin;
mod version;

pub use dnsstatus::{DnsCounters, DnsStatus, DnsStatusReply};
pub use hostrate::{HostRate, HostRateReply};
pub use rate::{Rate, RateReply};
pub use resetcounters::{ResetCounters, ResetCountersReply};
pub use topin::{PeerLine, TopIn, TopInReply};
pub use version::{Version, VersionReply};
