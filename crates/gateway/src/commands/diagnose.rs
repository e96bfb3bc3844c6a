//! `dig`, `nslookup`, `dnsflush`, `telnet`, `ping`, `ping6`, `traceroute`, `traceroute6`, `probe`, `smtpping`,
//! `tlsverify`, `netstat`.

use mailreeve_api::diagnose::{
    DnsFlush, DnsFlushReply, NetStat, NetStatReply, Ping, Ping6, TraceRoute, TraceRoute6,
};
use mailreeve_api::probe::{Probe, ProbeReply, SmtpPing, TlsVerifyReply};
use mailreeve_api::wire::{Call, Problem};
use serde_json::Value;

use super::{Client, Commands, read, stopping, unknown, write};
use crate::context::Running;
use crate::diagnose::{names, ping, sockets, telnet, traceroute};
use crate::probe::{self, Ground};

impl Commands {
    /// Answers a call that finds something out by hand.
    pub(super) async fn diagnose(&self, call: Call, by: &str, client: &Client) -> Result<Value, Problem> {
        let running = self.context.running.load_full();
        match call.command.as_str() {
            "dig" => write(&names::dig(&running, &read(call.args)?).await?),
            "nslookup" => write(&names::nslookup(&running, &read(call.args)?).await?),
            "dnsflush" => write(&self.dns_flush(read(call.args)?)?),
            "telnet" => write(&telnet::telnet(&running, &read(call.args)?, client).await?),
            "ping" => {
                let Ping { host, count } = read(call.args)?;
                write(&ping::ping(&running, &host, count, false, client).await?)
            }
            "ping6" => {
                let Ping6 { host, count } = read(call.args)?;
                write(&ping::ping(&running, &host, count, true, client).await?)
            }
            "traceroute" => {
                let TraceRoute { host, hops } = read(call.args)?;
                write(&traceroute::traceroute(&running, &host, hops, false, client).await?)
            }
            "traceroute6" => {
                let TraceRoute6 { host, hops } = read(call.args)?;
                write(&traceroute::traceroute(&running, &host, hops, true, client).await?)
            }
            "probe" => write(&self.probe(&running, &read(call.args)?, by, client).await?),
            "smtpping" => {
                let request: SmtpPing = read(call.args)?;
                write(&self.probe(&running, &request.into(), by, client).await?)
            }
            "tlsverify" => {
                let probe = probe::tls_verify(self.ground(&running), &read(call.args)?, client).await?;
                write(&TlsVerifyReply { probe })
            }
            "netstat" => write(&netstat(read(call.args)?).await?),
            other => Err(unknown(other)),
        }
    }

    async fn probe(
        &self,
        running: &Running,
        request: &Probe,
        by: &str,
        client: &Client,
    ) -> Result<ProbeReply, Problem> {
        let reply = probe::probe(&self.context, self.ground(running), request, client).await?;
        probe::note(&self.context, &request.to, &reply, by);
        Ok(reply)
    }

    fn ground<'a>(&self, running: &'a Running) -> Ground<'a> {
        Ground { running, clock: self.context.clock }
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
