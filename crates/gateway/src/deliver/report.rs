//! Reports to senders: from what happened to recipients to a message of our own, ready to be put in the queue.
//!
//! One report for a message and round, whatever happened to how many of its recipients. The words are
//! [`dsn`]'s; this file gathers what they need and makes the envelope.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use mailreeve_core::Instant;
use mailreeve_core::delivery::settings::Settings;
use mailreeve_core::dsn::{self, Built, Fact, Outcome, Report};
use mailreeve_core::envelope::{Envelope, Recipient};
use mailreeve_core::event::{Failure, GeneratedKind};
use mailreeve_core::ids::{Host, Icid, Mid, Rid};
use mailreeve_smtp::address::ReversePath;
use mailreeve_smtp::params::{MailParams, RcptParams};
use mailreeve_store::spool::{Content, Put};

use super::bodies::Loaded;
use super::content::Body;
use crate::context::Running;

/// A recipient that a report tells of.
pub(super) struct Reported {
    rid: Rid,
    what: What,
    remote: Option<String>,
}

enum What {
    Failed(Failure),
    Delayed(Failure),
    Relayed { reply: String },
}

impl Reported {
    /// The recipient failed for good.
    pub(super) fn failed(rid: Rid, failure: &Failure) -> Self {
        Self { rid, remote: remote(failure), what: What::Failed(failure.clone()) }
    }

    /// The recipient still waits, until it expires.
    pub(super) fn delayed(rid: Rid, failure: &Failure) -> Self {
        Self { rid, remote: remote(failure), what: What::Delayed(failure.clone()) }
    }

    /// The next hop has it and will not report itself.
    pub(super) fn relayed(rid: Rid, reply: &str, host: &Host) -> Self {
        Self { rid, remote: Some(host.to_string()), what: What::Relayed { reply: reply.to_owned() } }
    }

    fn fact(&self, envelope: &Envelope, settings: &Settings, now: Instant) -> Fact<'_> {
        let (outcome, last_attempt) = match &self.what {
            What::Failed(failure) => (Outcome::Failed(failure), Instant(failure.at)),
            What::Delayed(failure) => {
                let until = expiry(envelope, self.rid, settings);
                (Outcome::Delayed { failure, until }, Instant(failure.at))
            }
            What::Relayed { reply } => (Outcome::Relayed { reply }, now),
        };
        Fact { rid: self.rid, outcome, remote: self.remote.as_deref(), last_attempt: Some(last_attempt) }
    }
}

/// The host that answered, as a literal: a failure knows addresses.
fn remote(failure: &Failure) -> Option<String> {
    failure.address.filter(|_| failure.code > 0).map(|address| format!("[{}]", address.ip()))
}

/// When the recipient expires, by the profile of its destination.
fn expiry(envelope: &Envelope, rid: Rid, settings: &Settings) -> Instant {
    let host = envelope.recipients.get(rid.0 as usize).map(|recipient| recipient.host.as_str());
    let row = settings.controls.iter().find(|(pattern, _)| host.is_some_and(|host| pattern.matches(host)));
    let control = row.map_or(&settings.default_control, |(_, control)| control);
    let seconds = settings.profiles.get(control.profile).map_or(0, |profile| profile.queue_seconds);
    Instant(envelope.accepted_at) + Duration::from_secs(seconds)
}

/// Tells whether the sender asked to hear of success.
pub(super) fn wants_success(envelope: &Envelope, rid: Rid) -> bool {
    let recipient = envelope.recipients.get(rid.0 as usize);
    recipient.and_then(|recipient| recipient.params.notify).is_some_and(|notify| notify.success)
}

/// Tells whether a report can be made from what is at hand.
pub(super) fn is_enough(loaded: &Loaded) -> bool {
    matches!(loaded.content, Body::Memory(_))
}

/// Builds the report, if there is anybody to tell. `None` for the number: the spool gives none any more.
pub(super) fn build(
    loaded: &Loaded,
    reported: &[Reported],
    running: &Running,
    now: Instant,
    mid: impl FnOnce() -> Option<Mid>,
) -> Option<(GeneratedKind, Put)> {
    if reported.is_empty() {
        return None;
    }
    let Body::Memory(content) = &loaded.content else { return None };
    let mid = mid()?;
    let facts: Vec<Fact<'_>> =
        reported.iter().map(|one| one.fact(&loaded.envelope, &running.delivery, now)).collect();
    let built = dsn::build(&Report {
        mid,
        hostname: &running.config.hostname,
        envelope: &loaded.envelope,
        recipients: &facts,
        content,
        at: now,
        zone: &running.zone,
        random: random(),
    })?;
    let kind = built.kind;
    Some((kind, put(mid, built, running, now)))
}

fn put(mid: Mid, built: Built, running: &Running, now: Instant) -> Put {
    let domain = built.recipient.domain();
    let host = domain.map_or_else(|| running.config.hostname.clone(), ToString::to_string);
    let recipient =
        Recipient { host: Host::new(&host), mailbox: built.recipient, params: RcptParams::default() };
    let envelope = Envelope {
        mid,
        icid: Icid(0),
        accepted_at: now.0,
        sender: ReversePath::Null,
        params: MailParams::default(),
        size: built.content.len() as u64,
        content: built.facts,
        recipients: vec![recipient],
    };
    Put { envelope: Arc::new(envelope), content: Content::Memory(Bytes::from(built.content)) }
}

/// Nobody may foretell a boundary: it must not stand in a message that is returned.
fn random() -> u64 {
    let mut octets = [0; 8];
    // It fails only on kernels older than any that this runs on; the Message-ID still has the MID then.
    let _ = rustix::rand::getrandom(&mut octets, rustix::rand::GetRandomFlags::empty());
    u64::from_ne_bytes(octets)
}
