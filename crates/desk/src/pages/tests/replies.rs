//! Replies of a gateway on one afternoon. All text that comes from elsewhere goes through `text`.

use mailreeve_api::counters::{Completion, SystemCounters};
use mailreeve_api::format::AsOf;
use mailreeve_api::queue::{
    AddressLine, Addresses, CohortLine, Column, DeliveryStatusReply, DestinationLine, Direction, Exchanger,
    HostStatusReply, LastError, Reason, RecipientLine, RecipientScope, RouteLine, ShowRecipientsReply,
    Totals, Wait,
};
use mailreeve_api::recorder::RecorderState;
use mailreeve_api::status::{Gauges, OrderLine, Rate, StatusReply};
use mailreeve_api::workqueue::Held;

mod past;
mod told;

pub(super) use past::past;
pub(super) use told::{
    alerts, explained, no_alerts, probed, said, track_details, tracked, tracked_nothing, tried,
};

type Text<'a> = &'a dyn Fn(&str) -> String;

const NOW: u64 = 1_597_343_382_000_000;
const MINUTE: u64 = 60_000_000;

pub(super) fn as_of() -> AsOf {
    AsOf { at_us: NOW, zone: "America/New_York".to_owned() }
}

fn refused(text: Text<'_>) -> Reason {
    Reason {
        cause: "connect-refused".to_owned(),
        code: 0,
        text: text("Connection refused"),
        address: Some("192.0.2.7".to_owned()),
        at_us: NOW - 3 * MINUTE,
    }
}

fn greylisted(text: Text<'_>) -> Reason {
    let text = text("4.7.1 <ann@a.example>: greylisted");
    Reason { cause: "reply-4xx".to_owned(), code: 451, text, address: None, at_us: NOW - 9 * MINUTE }
}

pub(super) fn line(host: &str, status: &str, active: u64) -> DestinationLine {
    DestinationLine {
        host: host.to_owned(),
        system: host.starts_with("the."),
        status: status.to_owned(),
        since_us: Some(NOW - 37 * MINUTE),
        before_start: false,
        trying: false,
        was: None,
        last_activity_us: Some(NOW - 37 * MINUTE),
        reason: None,
        next_attempt_us: None,
        oldest_us: Some(NOW - 50 * MINUTE),
        suspended: None,
        wait: None,
        active_recips: active,
        conn_out: 0,
        delivered_recips: 48_213,
        soft_bounced_evts: 26,
        hard_bounced_recips: 4,
    }
}

fn cohort(text: Text<'_>, why: &str, recipients: u64, hosts: &[&str], destinations: u64) -> CohortLine {
    CohortLine {
        wait: Wait { why: why.to_owned(), ..Wait::default() },
        owner: "destination".to_owned(),
        recipients,
        destinations,
        wordings: 1,
        hosts: hosts.iter().map(|host| text(host)).collect(),
        since_us: Some(NOW - 37 * MINUTE),
        next_us: Some(NOW + 11 * MINUTE),
    }
}

fn cohorts(text: Text<'_>) -> Vec<CohortLine> {
    let mut limit = cohort(text, "rate-limit", 5_001, &["bulk.example"], 1);
    limit.wait.whose = Some(text("bulk.example"));
    limit.owner = "us-policy".to_owned();
    let mut down = cohort(text, "host-backoff", 41, &["a.example", "b.example", "c.example"], 4);
    down.wait.cause = Some("connect-refused".to_owned());
    down.wait.address = Some("192.0.2.7".to_owned());
    let mut later = cohort(text, "waiting-for-retry", 1, &["d.example"], 1);
    (later.wait.cause, later.wait.code) = (Some("reply-4xx".to_owned()), 451);
    later.wait.text = Some(text("4.7.1 # greylisted"));
    later.wordings = 20;
    let mut stopped = cohort(text, "suspended", 2, &["e.example"], 1);
    stopped.wait.by = Some(text("bob"));
    (stopped.owner, stopped.next_us) = ("us".to_owned(), None);
    vec![limit, down, later, stopped]
}

fn held(text: Text<'_>) -> Held {
    Held {
        messages: 7,
        recipients: 9,
        paused_by: Some(text("bob")),
        reason: Some(text("checking")),
        since_us: Some(NOW - 5 * MINUTE),
    }
}

pub(super) fn delivery_status(text: Text<'_>) -> DeliveryStatusReply {
    let mut bulk = line(&text("bulk.example"), "up", 5_001);
    bulk.wait = cohorts(text).into_iter().next().map(|cohort| cohort.wait);
    bulk.conn_out = 1;
    let mut down = line(&text("a.example"), "down", 13);
    (down.reason, down.next_attempt_us) = (Some(refused(text)), Some(NOW + 11 * MINUTE));
    let mut silent = line(&text("faraway.example"), "unknown", 8);
    silent.before_start = true;
    silent.reason = Some(Reason { cause: "connect-timeout".to_owned(), ..refused(text) });
    let mut stopped = line(&text("e.example"), "up", 2);
    stopped.suspended = Some((text("bob"), NOW - 90_000_000_000));
    let mut idle = line(&text("quiet.example"), "unknown", 0);
    idle.was = Some("up".to_owned());
    let mut never = line("the.encryption.queue", "unknown", 0);
    (never.since_us, never.delivered_recips) = (None, 0);
    (never.soft_bounced_evts, never.hard_bounced_recips) = (0, 0);
    DeliveryStatusReply {
        as_of: as_of(),
        counted_since_us: Some(NOW - 24 * 60 * MINUTE),
        sort: Column::ActiveRcpts,
        direction: Direction::Descending,
        filter: text("example"),
        offset: 200,
        matching: 1_007,
        destinations: vec![bulk, down, silent, stopped, idle, never],
        totals: Totals {
            destinations: 10_000,
            up: 9_000,
            down: 12,
            unknown: 988,
            active_recips: 5_063,
            moving_recips: 18,
            ..Totals::default()
        },
        cohorts: cohorts(text),
        reasons_before: 0,
        reasons: 5,
        others_waiting: 3,
        work_queue: held(text),
        recovering: Some((10, 5_063)),
    }
}

pub(super) fn nothing_waits(text: Text<'_>) -> DeliveryStatusReply {
    DeliveryStatusReply {
        filter: String::new(),
        offset: 0,
        matching: 0,
        destinations: Vec::new(),
        totals: Totals::default(),
        cohorts: Vec::new(),
        reasons: 0,
        others_waiting: 0,
        work_queue: Held::default(),
        recovering: None,
        ..delivery_status(text)
    }
}

pub(super) fn host_status(text: Text<'_>) -> HostStatusReply {
    let error = |said: &str| {
        Some(LastError { mode: None, text: text(said), address: None, at_us: NOW - 200 * MINUTE })
    };
    HostStatusReply {
        as_of: as_of(),
        host: text("a.example"),
        status: "down".to_owned(),
        since_us: Some(NOW - 37 * MINUTE),
        before_start: true,
        trying: false,
        reason: Some(text("Connection refused")),
        failure: Some(refused(text)),
        was: None,
        next_attempt_us: Some(NOW + 11 * MINUTE),
        suspended: Some((text("bob"), NOW - MINUTE)),
        soft_bounced_evts: 26,
        completion: Completion {
            delivered_recips: 1_214,
            five_xx_hard_bounced_recips: 4,
            ..Completion::default()
        },
        unattempted_recips: 10,
        attempted_recips: 3,
        conn_out: 0,
        conn_pending: 1,
        oldest_message_us: Some(NOW - 50 * MINUTE),
        last_activity_us: Some(NOW - 3 * MINUTE),
        addresses: Some(Addresses { expires_us: NOW + 60 * MINUTE, ordered: Vec::new() }),
        targets: vec![
            AddressLine {
                address: "192.0.2.7".to_owned(),
                name: text("mx1.a.example"),
                preference: 10,
                failed: Some(refused(text)),
                until_us: Some(NOW + 5 * MINUTE),
            },
            AddressLine {
                address: "2001:db8::7".to_owned(),
                name: text("mx2.a.example"),
                preference: 20,
                failed: None,
                until_us: None,
            },
        ],
        cohorts: cohorts(text).into_iter().skip(1).take(1).collect(),
        failures: vec![refused(text), greylisted(text)],
        exchangers: vec![Exchanger { preference: 10, ttl: 3_144, name: text("mx1.a.example") }],
        routes: vec![RouteLine { priority: 0, hop: text("relay.example:25") }],
        last_5xx: error("550 5.1.1 no such user"),
        last_error: error("451 4.3.0 try later"),
        last_tls: error("handshake failure").map(|tls| LastError { mode: Some(text("Required")), ..tls }),
        history: None,
    }
}

pub(super) fn idle_host(text: Text<'_>) -> HostStatusReply {
    let HostStatusReply { as_of, host, since_us, soft_bounced_evts, completion, conn_pending, .. } =
        host_status(text);
    HostStatusReply {
        was: Some("up".to_owned()),
        reason: Some(text("Connection refused")),
        since_us,
        soft_bounced_evts,
        completion,
        conn_pending,
        ..HostStatusReply::unknown(as_of, &host)
    }
}

pub(super) fn recipients(text: Text<'_>) -> ShowRecipientsReply {
    let line = |mid, sender: &str, subject: Option<&str>| RecipientLine {
        mid,
        rid: 0,
        bytes: 10_240,
        attempts: 3,
        sender: if sender.is_empty() { String::new() } else { text(sender) },
        recipient: text("ann@a.example"),
        subject: subject.map(text),
        why: text("The destination is unreachable"),
        next_us: Some(NOW + 11 * MINUTE),
    };
    ShowRecipientsReply {
        scope: RecipientScope::Host(text("a.example")),
        total: Some(13),
        recipients: vec![line(1_234, "bob@b.example", Some("Invoice")), line(1_240, "", None)],
        next: Some((1_240, 0)),
        searched: None,
    }
}

pub(super) fn nobody() -> ShowRecipientsReply {
    ShowRecipientsReply {
        scope: RecipientScope::All,
        total: Some(0),
        recipients: Vec::new(),
        next: None,
        searched: None,
    }
}

pub(super) fn status(text: Text<'_>) -> StatusReply {
    let counters =
        SystemCounters { inj_msgs: 62_049_822, inj_recips: 62_049_823, ..SystemCounters::default() };
    let rate =
        |name: &str| Rate { name: name.to_owned(), last_1_min: 180, last_5_min: 300, last_15_min: 188 };
    StatusReply {
        as_of: as_of(),
        up_since_us: NOW - 3 * 24 * 60 * MINUTE,
        last_reset_us: None,
        system_status: "Receiving suspended (disk space)".to_owned(),
        recorder: RecorderState { on: true, ..RecorderState::default() },
        durability: vec![text("The disk acknowledges writes before they are durable")],
        listeners: vec!["incoming".to_owned()],
        orders: vec![OrderLine { text: text("Delivery suspended by bob"), since_us: NOW - 5 * MINUTE }],
        recovering: Some((10, 5_063)),
        oldest_message_us: Some(NOW - 50 * MINUTE),
        reset: counters,
        uptime: counters,
        lifetime: counters,
        current_ids: [99_524_480, 51_180_368, 17_550_674],
        work_queue: held(text),
        gauges: Gauges { conn_out: 14, active_recips: 5_063, kbytes_free: 8_388_516, ..Gauges::default() },
        rates: Some(vec![rate("Messages Received"), rate("  Hard Bounced Recipients")]),
    }
}
