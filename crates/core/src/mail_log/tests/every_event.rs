//! Each kind of event, alone, and all of its lines.

mod connections;

use std::collections::BTreeSet;

use insta::assert_snapshot;

use super::*;
use crate::event::{
    AbortReason, Alert, BounceKind, CloseReason, Deed, GeneratedKind, HostFacts, HostStatus, HostWay,
    PeerAction, ProbeSum, RecipientRule, Severity, SignIn, SpoolSpace, TlsResult, Unreported,
};
use crate::ids::{Dcid, Host, Icid, Mid, Rid};

/// A place in the list of kinds. A new kind of event does not compile until it has a place here, and the test
/// fails until a sample of it, and so its lines, stand in the snapshot.
fn place(event: &Event) -> usize {
    match event {
        Event::Started { .. } => 0,
        Event::Stopped => 1,
        Event::LedgerGap { .. } => 2,
        Event::Configured { .. } => 3,
        Event::Alert(_) => 4,
        Event::CountersReset => 5,
        Event::ConnectionOpened { .. } => 6,
        Event::Greeted { .. } => 7,
        Event::PeerJudged { .. } => 8,
        Event::InboundTls { .. } => 9,
        Event::MessageStarted { .. } => 10,
        Event::SenderRejected { .. } => 11,
        Event::RecipientAccepted { .. } => 12,
        Event::RecipientRejected { .. } => 13,
        Event::MessageAborted { .. } => 14,
        Event::Accepted { .. } => 15,
        Event::Generated { .. } => 16,
        Event::Queued { .. } => 17,
        Event::ConnectionClosed { .. } => 18,
        Event::BadCommand { .. } => 19,
        Event::DeliveryOpened { .. } => 20,
        Event::DeliveryTls { .. } => 21,
        Event::ConnectFailed { .. } => 22,
        Event::LookupFailed { .. } => 23,
        Event::HostChanged { .. } => 24,
        Event::DeliveryStarted { .. } => 25,
        Event::Delivered { .. } => 26,
        Event::Deferred { .. } => 27,
        Event::Bounced { .. } => 28,
        Event::Deleted { .. } => 29,
        Event::Corrupt { .. } => 30,
        Event::Finished { .. } => 31,
        Event::DeliveryClosed { .. } => 32,
        Event::DeliverySuspended { .. } => 33,
        Event::DeliveryResumed { .. } => 34,
        Event::DeliverNow { .. } => 35,
        Event::SpoolSpace { .. } => 36,
        Event::Commanded { .. } => 37,
        Event::SignIn { .. } => 38,
        Event::ReceivingSuspended { .. } => 39,
        Event::ReceivingResumed { .. } => 40,
        Event::WorkQueuePaused { .. } => 41,
        Event::WorkQueueResumed { .. } => 42,
        Event::Archived { .. } => 43,
        Event::Redirected { .. } => 44,
        Event::JobDone { .. } => 45,
        Event::Probed { .. } => 46,
        Event::HostFacts { .. } => 47,
        Event::HostFlapped { .. } => 48,
        Event::SettingsChanged { .. } => 49,
    }
}

const KINDS: usize = 50;

#[test]
fn every_event_has_its_lines() {
    let samples: Vec<Event> =
        [house(), desk(), connections::inbound(), messages(), connections::outbound(), ends()].concat();
    let seen: BTreeSet<usize> = samples.iter().map(place).collect();
    assert_eq!(seen, (0..KINDS).collect());
    let shown: Vec<String> = samples
        .into_iter()
        .map(|event| {
            let name = format!("{event:?}").split([' ', '{', '(']).next().unwrap_or_default().to_owned();
            format!("{name}\n{}", render(vec![(0, event)]))
        })
        .collect();
    assert_snapshot!(shown.join("\n"));
}

fn house() -> Vec<Event> {
    let alert = |severity, hint: &str| {
        let (code, text) = ("spool-low".to_owned(), "Free disk is below 1 GiB.".to_owned());
        Event::Alert(Alert { severity, code, text, hint: hint.to_owned() })
    };
    let by = || "admin".to_owned();
    vec![
        Event::Started { version: "0.1.0".into(), node: "gw.test".into() },
        Event::Stopped,
        Event::LedgerGap { cut_bytes: 117 },
        settings_changed(&[], 0),
        settings_changed(&["delivery.port", "limits.hops"], 3),
        Event::Configured { checksum: 0xabc, source: "/etc/mailreeve/mailreeve.toml".into() },
        alert(Severity::Information, ""),
        alert(Severity::Warning, "Free some disk."),
        alert(Severity::Critical, "Free some disk."),
        Event::CountersReset,
        Event::DeliverySuspended { host: None, by: by() },
        Event::DeliverySuspended { host: Some(host("example.com")), by: by() },
        Event::DeliveryResumed { host: None, by: by() },
        Event::DeliveryResumed { host: Some(host("example.com")), by: by() },
        Event::DeliverNow { scope: "all".into(), recipients: 1_000, by: by() },
        Event::SpoolSpace { state: SpoolSpace::Enough, free_bytes: 1 << 31 },
        Event::SpoolSpace { state: SpoolSpace::Low, free_bytes: 1 << 29 },
        Event::SpoolSpace { state: SpoolSpace::Reserve, free_bytes: 0 },
        Event::SpoolSpace { state: SpoolSpace::Failed, free_bytes: 1 << 31 },
        Event::ReceivingSuspended { listener: None, by: by() },
        Event::ReceivingSuspended { listener: Some("Incoming".into()), by: by() },
        Event::ReceivingResumed { listener: None, by: by() },
        Event::ReceivingResumed { listener: Some("Incoming".into()), by: by() },
        Event::WorkQueuePaused { from: Mid(12), by: by(), reason: "checking the\ndirectory".into() },
        Event::WorkQueuePaused { from: Mid(12), by: by(), reason: String::new() },
        Event::WorkQueueResumed { messages: 1_243, by: by() },
        job_done(Deed::Delete, 100_000),
        job_done(Deed::Bounce, 0),
        job_done(Deed::Archive, 1),
        job_done(Deed::Redirect { to: host("other.example") }, 246),
        probed(1, 2, "ok", "1 of 2 addresses take mail"),
        probed(0, 1, "banner-timeout", "its address takes no mail: timeout"),
    ]
}

fn desk() -> Vec<Event> {
    let commanded = |user: &str, arguments: &str, refused: Option<&str>| Event::Commanded {
        user: user.to_owned(),
        role: "operator".to_owned(),
        from: "192.0.2.7".to_owned(),
        command: "delivernow".to_owned(),
        arguments: arguments.to_owned(),
        refused: refused.map(str::to_owned),
    };
    let sign_in = |user: &str, outcome| {
        let (user, from) = (user.to_owned(), "192.0.2.7".to_owned());
        Event::SignIn { user, from, outcome }
    };
    vec![
        commanded("ann", r#"{"host":"example.com"}"#, None),
        commanded("ann", "", Some("nothing is waiting for delivery there")),
        commanded("ann\n\u{1b}[2J", "\"all\"", None),
        sign_in("ann", SignIn::Granted),
        sign_in("ann\r\nInfo: forged", SignIn::Refused),
        sign_in("ann", SignIn::NameLocked { seconds: 900 }),
        sign_in("ann", SignIn::AddressLocked { seconds: 900 }),
        sign_in("ann", SignIn::Left),
        sign_in("ann", SignIn::NameSlowed),
    ]
}

fn settings_changed(names: &[&str], more: u32) -> Event {
    let settings = names.iter().map(|name| (*name).to_owned()).collect();
    Event::SettingsChanged { from: 0xabc, to: 0xabd, settings, more }
}

fn probed(usable: u32, addresses: u32, code: &str, text: &str) -> Event {
    let sum = ProbeSum::new(addresses, usable, code, text);
    Event::Probed { host: host("example.com"), sum, by: "gateway".into() }
}

fn job_done(deed: Deed, recipients: u64) -> Event {
    Event::JobDone { job: 4, deed, scope: "example.com".into(), recipients, by: "admin".into() }
}

fn messages() -> Vec<Event> {
    let (mid, icid) = (Mid(12), Icid(7));
    let rejected = |rule| {
        let (address, reply) = ("x@other.test".into(), "550 5.7.1 no".into());
        Event::RecipientRejected { mid, icid, address, rule, reply }
    };
    let aborted = |why| Event::MessageAborted { mid, icid, why };
    let accepted = |message_id: Option<&str>, subject: Option<&str>| Event::Accepted {
        mid,
        icid,
        size: 4096,
        sender: "a@b.test".into(),
        message_id: message_id.map(str::to_owned),
        subject: subject.map(str::to_owned),
        recipients: 2,
    };
    let generated = |kind| Event::Generated {
        mid: Mid(13),
        parent: mid,
        kind,
        size: 1_500,
        sender: String::new(),
        recipients: vec!["a@b.test".into()],
    };
    vec![
        Event::MessageStarted { mid, icid, sender: "a@b.test".into() },
        Event::MessageStarted { mid, icid, sender: String::new() },
        Event::RecipientAccepted { mid, icid, rid: Rid(1), address: "\"q\\\"q\"@gw.test".into() },
        rejected(RecipientRule::RelayDenied),
        rejected(RecipientRule::TooMany),
        rejected(RecipientRule::QueueFull),
        aborted(AbortReason::BySender),
        aborted(AbortReason::Lost { data_bytes: 512 }),
        aborted(AbortReason::TooBig),
        aborted(AbortReason::Loop),
        aborted(AbortReason::LineEnds),
        aborted(AbortReason::Spool("disk full".into())),
        aborted(AbortReason::Refused("451 4.3.0 come back".into())),
        accepted(None, None),
        accepted(Some("<1@b.test>"), Some("it's \"here\"\nBcc: x")),
        accepted(Some("o'hara@b.test"), Some("漢字 it's")),
        generated(GeneratedKind::Bounce),
        generated(GeneratedKind::Delay),
        generated(GeneratedKind::Success),
        Event::Queued { mid, destinations: vec![(host("gw.test"), vec![Rid(0), Rid(1)])] },
    ]
}

fn ends() -> Vec<Event> {
    let (dcid, mid, rid, host) = (Dcid(3), Mid(12), Rid(1), host("example.com"));
    let delivered = |reply: &str| Event::Delivered {
        dcid,
        mid,
        rids: vec![Rid(0), rid],
        host: host.clone(),
        reply: reply.into(),
    };
    let bounced = |failure, unreported| Event::Bounced {
        dcid,
        mid,
        rid,
        host: host.clone(),
        kind: BounceKind::FiveXx,
        failure,
        unreported,
    };
    let no = || failure(Stage::Rcpt, Cause::Reply5xx, (5, 1, 1), 550, &["no such user"]);
    let expired = failure(Stage::Local, Cause::Expired, (5, 4, 7), 0, &["too old"]);
    let next_at = T0 + 5_000 * SECOND;
    vec![
        delivered("2.0.0 Ok: queued as 42"),
        delivered(" OK it's done \r\n"),
        delivered("ok"),
        Event::Deferred { dcid, mid, rid, host: host.clone(), failure: busy(), next_at, attempts: 1 },
        bounced(no(), None),
        bounced(no(), Some(Unreported::NullSender)),
        bounced(expired.clone(), Some(Unreported::NullSender)),
        bounced(expired, Some(Unreported::NotRequested)),
        bounced(no(), Some(Unreported::Profile)),
        Event::Deleted { mid, rid, host: host.clone(), by: "admin".into() },
        Event::Archived { mid, rid, host: host.clone(), by: "admin".into() },
        Event::Redirected {
            mid,
            rid,
            from: host.clone(),
            to: Host::new("other.example"),
            by: "admin".into(),
        },
        Event::Corrupt { mid, recipients: 2, detail: "checksum differs".into() },
        Event::Finished { mid },
    ]
}
