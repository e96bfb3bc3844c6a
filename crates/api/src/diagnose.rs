//! Finding out by hand: `dig`, `nslookup`, `dnsflush`, `telnet`, `ping`, `ping6`, `traceroute`, `traceroute6`, `netstat`.

mod dig;
mod dnsflush;
mod netstat;
mod nslookup;
mod ping;
mod records;
mod telnet;
mod traceroute;

pub use dig::{Dig, DigReply};
pub use dnsflush::{DnsFlush, DnsFlushReply};
pub use netstat::{NetStat, NetStatReply, SocketLine, SocketTable};
pub use nslookup::{NsLookup, NsLookupReply};
pub use ping::{MOST as PING_MOST, Ping, Ping6, PingPacket, PingPart, PingReply};
pub use records::{DnsRecord, Unanswered, seconds};
pub use telnet::{Telnet, TelnetPart, TelnetReply, TelnetTry};
pub use traceroute::{HOPS, Hop, HopTry, TraceRoute, TraceRoute6, TraceRoutePart, TraceRouteReply};
