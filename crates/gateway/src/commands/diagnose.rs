//! `dig`, `nslookup`, `dnsflush`, `telnet`, `ping`, `ping6`, `netstat`.

use mailreeve_api::diagnose::{DnsFlush, DnsFlushReply, NetStat, NetStatReply, Ping, Ping6};
use mailreeve_api::wire::{Call, Problem};
use serde_json::Value;

use super::{Commands, read, stopping, unknown, write};
use crate::diagnose::{names, ping, sockets, telnet};

impl Commands {
    /// Answers a call that finds something out by hand.
    pub(super) async fn diagnose(&self, call: Call) -> Result<Value, Problem> {
        let running = self.context.running.load_full();
        match call.command.as_str() {
            "dig" => write(&names::dig(&running, &read(call.args)?).await?),
            "nslookup" => write(&names::nslookup(&running, &read(call.args)?).await?),
            "dnsflush" => write(&self.dns_flush(read(call.args)?)?),
            "telnet" => write(&telnet::telnet(&running, &read(call.args)?).await?),
            "ping" => {
                let Ping { host, count } = read(call.args)?;
                write(&ping::ping(&running, &host, count, false).await?)
            }
            "ping6" => {
                let Ping6 { host, count } = read(call.args)?;
                write(&ping::ping(&running, &host, count, true).await?)
            }
            "netstat" => write(&netstat(read(call.args)?).await?),
            other => Err(unknown(other)),
        }
    }

    fn dns_flush(&self, request: DnsFlush) -> Result<DnsFlushReply, Problem> {
        if !request.confirmed {
            return Err(Problem::new(
                "the DNS cache is cleared only when that is confirmed",
                "give `dnsflush y`",
            ));
        }
        self.context.running.load().dns.flush();
        self.context.peer_names.forget();
        Ok(DnsFlushReply {})
    }
}

/// The kernel's lists can be long: they are read beside the runtime.
async fn netstat(request: NetStat) -> Result<NetStatReply, Problem> {
    let reading = tokio::task::spawn_blocking(move || sockets::netstat(request));
    reading.await.unwrap_or_else(|_| Err(stopping()))
}
