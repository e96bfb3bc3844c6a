//! The name of the connecting host, found while its session goes on, and the event that tells it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use mailreeve_core::event::Event;
use mailreeve_core::ids::Icid;
use mailreeve_core::policy::PeerVerdict;

use crate::context::Context;
use crate::lookups::reverse::PeerName;

/// Told exactly once: by the look-up when it ends, or by the connection's end, whichever is first.
pub(super) struct Judgement {
    context: Arc<Context>,
    icid: Icid,
    peer: std::net::IpAddr,
    verdict: PeerVerdict,
    started: Instant,
    told: AtomicBool,
}

impl Judgement {
    pub(super) fn start(
        context: Arc<Context>,
        icid: Icid,
        peer: std::net::IpAddr,
        verdict: PeerVerdict,
    ) -> Arc<Self> {
        let judgement = Arc::new(Self {
            context,
            icid,
            peer,
            verdict,
            started: Instant::now(),
            told: AtomicBool::new(false),
        });
        match judgement.context.peer_names.known(peer) {
            Some(name) => judgement.tell(&name, None),
            None => {
                let looking = Arc::clone(&judgement);
                tokio::spawn(async move {
                    let context = &looking.context;
                    let (dns, deadline) = {
                        let running = context.running.load();
                        (Arc::clone(&running.dns), running.reverse_timeout)
                    };
                    let name = context.peer_names.look_up(&dns, looking.peer, deadline).await;
                    looking.tell(&name, Some(looking.started.elapsed()));
                });
            }
        }
        judgement
    }

    /// The name, if it is known by now: for the trace header.
    pub(super) fn name(&self) -> Option<PeerName> {
        self.context.peer_names.known(self.peer)
    }

    /// The connection ends: what is not known by now stays unknown.
    pub(super) fn close(&self) {
        self.tell(&PeerName { timed_out: true, ..PeerName::default() }, Some(self.started.elapsed()));
    }

    fn tell(&self, name: &PeerName, took: Option<std::time::Duration>) {
        if self.told.swap(true, Ordering::Relaxed) {
            return;
        }
        self.context.events.tell(Event::PeerJudged {
            icid: self.icid,
            peer: self.peer,
            reverse: name.name.clone(),
            verified: name.verified,
            lookup_us: took.map(|took| u64::try_from(took.as_micros()).unwrap_or(u64::MAX)),
            action: self.verdict.action,
            group: self.verdict.group.to_owned(),
            rule: self.verdict.rule.clone(),
        });
    }
}
