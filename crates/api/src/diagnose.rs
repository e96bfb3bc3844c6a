//! Finding out by hand: `dig`, `nslookup`, `dnsflush`, `telnet`, `ping`, `ping6`, `netstat`.

mod dig;
mod dnsflush;
mod netstat;
mod nslookup;
mod ping;
mod records;
mod telnet;

pub use dig::{Dig, DigReply};
pub use dnsflush::{DnsFlush, DnsFlushReply};
pub use netstat::{NetStat, NetStatReply, SocketLine, SocketTable};
pub use nslookup::{NsLookup, NsLookupReply};
pub use ping::{MOST as PING_MOST, Ping, Ping6, PingPacket, PingReply};
pub use records::{DnsRecord, Unanswered, seconds};
pub use telnet::{Telnet, TelnetReply, TelnetTry};
