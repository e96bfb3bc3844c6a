//! Finding out by hand: `dig`, `nslookup`, `dnsflush`.

mod dig;
mod dnsflush;
mod nslookup;
mod records;

pub use dig::{Dig, DigReply};
pub use dnsflush::{DnsFlush, DnsFlushReply};
pub use nslookup::{NsLookup, NsLookupReply};
pub use records::{DnsRecord, Unanswered, seconds};
