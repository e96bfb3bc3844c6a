//! What tracking and explain tell of that afternoon.

use mailreeve_api::alerts::{AlertLine, AlertsReply};
use mailreeve_api::explain::{Evidence, ExplainReply, Link, Next, Other, Remedy, Said, Subject, Verdict};
use mailreeve_api::probe::{
    AddressProbe, Certificate, Exchanger, ProbeReply, ProbeStep, ProbeTls, ProbeVerdict, ProbeWay,
};
use mailreeve_api::recorder::{
    AttemptLine, AttemptsReply, ConversationLine, Direction, FailureLine, SaidLine, TcpLine, TranscriptReply,
};
use mailreeve_api::track::{TrackDetails, TrackRecipient, TrackReply, TrackRow, TrackStep};

use super::{MINUTE, NOW, Text, as_of};

pub(in crate::pages::tests) fn tracked(text: Text<'_>) -> TrackReply {
    let message = TrackRow {
        mid: Some(1_234),
        icid: Some(77),
        began_us: NOW - 50 * MINUTE,
        last_us: NOW - MINUTE,
        states: vec!["delivered".to_owned(), "queued".to_owned(), "bounced".to_owned()],
        sender: Some(text("ann@a.example")),
        recipients: vec![text("bob@b.example")],
        recipient_count: 3,
        subject: Some(text("Minutes")),
        message_id: Some(text("1@a.example")),
        ip: Some("192.0.2.9".to_owned()),
        host: Some(text("mx.a.example")),
        size: 4_711,
        parent: Some(1_200),
        older: false,
    };
    let connection = TrackRow {
        mid: None,
        states: vec!["no-message".to_owned()],
        sender: None,
        recipients: Vec::new(),
        recipient_count: 0,
        subject: None,
        message_id: None,
        parent: None,
        ..message.clone()
    };
    TrackReply {
        as_of: as_of(),
        from_us: NOW - 90_000 * MINUTE,
        to_us: NOW,
        total: 4_000,
        rows: vec![message, connection],
        next: Some("15-m9".to_owned()),
        details: None,
        kept: None,
    }
}

pub(in crate::pages::tests) fn tracked_nothing() -> TrackReply {
    TrackReply { total: 0, rows: Vec::new(), next: None, to_us: 0, ..tracked(&str::to_owned) }
}

pub(in crate::pages::tests) fn track_details(text: Text<'_>) -> TrackDetails {
    let recipient = |rid, address: Option<&str>, state: &str| TrackRecipient {
        rid,
        address: address.map(text),
        host: Some(text("b.example")),
        state: Some(state.to_owned()),
    };
    TrackDetails {
        recipients: vec![recipient(0, Some("bob@b.example"), "delivered"), recipient(1, None, "queued")],
        steps: vec![TrackStep {
            at_us: NOW - 50 * MINUTE,
            key: "track.accepted".to_owned(),
            arguments: serde_json::Value::Null,
            text: text("The message was accepted."),
        }],
        left_out: 3,
    }
}

pub(in crate::pages::tests) fn explained(text: Text<'_>) -> ExplainReply {
    let at = Some("2020-08-13T18:20:00Z".to_owned());
    let evidence =
        |kind: &str| Evidence { kind: kind.to_owned(), text: text("421 not now"), said: Said::default() };
    let link = |kind| Link {
        at: at.clone(),
        what: text("The next hop said no."),
        evidence: evidence(kind),
        said: Said::default(),
    };
    let remedy = |command| Remedy {
        deed: text("delivernow a.example"),
        command,
        what: text("Try again now."),
        who: "us".to_owned(),
        why: text("It may be over."),
        said: Said::default(),
    };
    let other =
        Other { state: text("queued"), cause: text("host-down"), recipients: 3, mid: Some(7), example: None };
    ExplainReply {
        schema: 1,
        as_of: as_of(),
        subject: Subject::default(),
        state: "queued".to_owned(),
        verdict: Verdict {
            cause: "connect-refused".to_owned(),
            owner: "destination".to_owned(),
            since: at.clone(),
            certainty: "inferred".to_owned(),
        },
        summary: text("Its mail server refuses connections."),
        summary_said: Said::default(),
        chain: vec![link("event"), link("reply")],
        next: Next { at: at.clone(), what: text("It is tried again."), said: Said::default() },
        remedy: vec![remedy(true), remedy(false)],
        page: text("docs/why/connect-refused.md"),
        address: None,
        others: vec![other],
        records_since: None,
    }
}

pub(in crate::pages::tests) fn tried(text: Text<'_>) -> AttemptsReply {
    let failure = FailureLine {
        stage: "rcpt".to_owned(),
        cause: "reply-4xx".to_owned(),
        status: "4.2.1".to_owned(),
        code: 450,
        text: vec![text("4.2.1 come back")],
    };
    let deferred = AttemptLine {
        rid: 0,
        number: 1,
        host: text("b.example"),
        dcid: 153,
        began_us: NOW - 9 * MINUTE,
        took_us: 1_204_000,
        stages: Vec::new(),
        exchanger: Some(text("mx.b.example")),
        peer: Some("192.0.2.2:25".to_owned()),
        local: Some("192.0.2.9:4711".to_owned()),
        tls: None,
        certificate: None,
        tcp: Some(TcpLine {
            rtt_us: 12_300,
            rtt_var_us: 900,
            segments: 9,
            sent_again: 3,
            retries: 0,
            unacked: 0,
            closed_first: "they".to_owned(),
            lost_packets: true,
        }),
        passed_over: Vec::new(),
        outcome: "deferred".to_owned(),
        reply: Vec::new(),
        failure: Some(failure),
    };
    let delivered = AttemptLine {
        number: 2,
        took_us: 12_345,
        tls: Some(text("TLSv1.3, verified")),
        outcome: "delivered".to_owned(),
        reply: vec![text("2.0.0 taken")],
        failure: None,
        ..deferred.clone()
    };
    AttemptsReply { as_of: as_of(), mid: 1_234, attempts: vec![deferred, delivered] }
}

pub(in crate::pages::tests) fn said(text: Text<'_>) -> TranscriptReply {
    let line =
        |after_us, direction, said: &str| SaidLine { after_us, direction, text: text(said), hidden: false };
    let outbound = ConversationLine {
        kind: "DCID".to_owned(),
        number: 153,
        began_us: NOW - 9 * MINUTE,
        peer: "192.0.2.2:25".to_owned(),
        local: Some("192.0.2.9:4711".to_owned()),
        name: text("mx.b.example"),
        host: Some(text("b.example")),
        ended: None,
        tcp: None,
        lines: vec![
            line(10_000, Direction::In, "220 mx.b.example"),
            line(1_011_000, Direction::Out, "EHLO gw.example"),
            line(1_012_000, Direction::Note, "closed"),
        ],
    };
    let inbound = ConversationLine {
        kind: "ICID".to_owned(),
        number: 77,
        host: None,
        local: None,
        lines: Vec::new(),
        ..outbound.clone()
    };
    TranscriptReply {
        as_of: as_of(),
        conversations: vec![inbound, outbound],
        oldest_us: Some(NOW - 9_000 * MINUTE),
    }
}

pub(in crate::pages::tests) fn probed(text: Text<'_>) -> ProbeReply {
    let verdict =
        |code: &str| ProbeVerdict { usable: false, code: code.to_owned(), text: text("It refuses.") };
    let step = |stage: &str, said: Option<&str>, reply: &[&str], problem: Option<&str>| ProbeStep {
        stage: stage.to_owned(),
        said: said.map(text),
        reply: reply.iter().map(|line| text(line)).collect(),
        problem: problem.map(text),
        took_us: 12_345,
    };
    let shown = Certificate { subject: text("CN=mx"), issuer: text("CN=ca"), ..Certificate::default() };
    let tls = ProbeTls {
        protocol: text("TLSv1.3"),
        cipher: text("AES"),
        chain: vec![shown],
        verified: false,
        problem: Some(text("ran out")),
        problem_code: None,
    };
    let address = AddressProbe {
        name: text("mx.a.example"),
        preference: 10,
        address: "192.0.2.7:25".to_owned(),
        source: None,
        local: Some("192.0.2.9:4711".to_owned()),
        steps: vec![
            step("connect", None, &[], None),
            step("banner", Some("EHLO gw"), &["250 ok"], Some("silence")),
        ],
        tls: Some(tls),
        verdict: verdict("tls-certificate-expired"),
    };
    let mx =
        Exchanger { preference: 10, name: text("mx.a.example"), addresses: vec!["192.0.2.7".to_owned()] };
    let way = ProbeWay { exchangers: vec![mx], problem: Some(verdict("")), ..ProbeWay::default() };
    ProbeReply {
        as_of: as_of(),
        way,
        addresses: vec![address],
        left_out: 2,
        sent: None,
        verdict: verdict("connect-refused"),
        took_us: 1_234_567,
    }
}

pub(in crate::pages::tests) fn alerts(text: Text<'_>) -> AlertsReply {
    let alert = |severity: &str, minutes: u64| AlertLine {
        at_us: NOW - minutes * MINUTE,
        severity: severity.to_owned(),
        code: "spool-low".to_owned(),
        text: text("4 % of the disk is free"),
        hint: text("make room"),
    };
    AlertsReply {
        as_of: as_of(),
        alerts: vec![alert("Critical", 1), alert("Warning", 2), alert("Information", 3_000)],
    }
}

pub(in crate::pages::tests) fn no_alerts() -> AlertsReply {
    AlertsReply { as_of: as_of(), alerts: Vec::new() }
}
