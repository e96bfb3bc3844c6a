//! `dig`, `nslookup`, `dnsflush`.

use mailreeve_api::diagnose::{DnsFlush, DnsFlushReply};
use mailreeve_api::wire::{Call, Problem};
use serde_json::Value;

use super::{Commands, read, unknown, write};
use crate::diagnose::names;

impl Commands {
    /// Answers a call that finds something out by hand.
    pub(super) async fn diagnose(&self, call: Call) -> Result<Value, Problem> {
        let running = self.context.running.load_full();
        match call.command.as_str() {
            "dig" => write(&names::dig(&running, &read(call.args)?).await?),
            "nslookup" => write(&names::nslookup(&running, &read(call.args)?).await?),
            "dnsflush" => write(&self.dns_flush(read(call.args)?)?),
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
