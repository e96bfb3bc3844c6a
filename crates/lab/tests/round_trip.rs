//! The client, the sink and the comparison, with nothing between them, and then with every fault that a
//! gateway could add.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::path::Path;
use std::time::{Duration, Instant};

use mailreeve_lab::client::{self, Body, Ended, Flow, Load, Quota, Report, Transfer};
use mailreeve_lab::host::{
    Act, Detail, Ending, HostPlan, Offers, Reply, Rule, Span, Stage, Temper, TlsTemper,
};
use mailreeve_lab::record::{Acked, Delivery, Rcpt};
use mailreeve_lab::sink::Sink;
use mailreeve_lab::verify::Comparison;

fn any() -> std::net::SocketAddr {
    ([127, 0, 0, 1], 0).into()
}

fn load(sink: &Sink) -> Load {
    Load {
        target: sink.address(),
        keep: true,
        patience: Duration::from_secs(10),
        deadline: Duration::from_secs(60),
        seed: 7,
        ..Load::default()
    }
}

fn compare(report: &Report, sink: &Sink) -> mailreeve_lab::verify::Verdict {
    let mut comparison = Comparison::default();
    report.records.iter().cloned().for_each(|acked| comparison.acked(acked));
    sink.deliveries().iter().for_each(|delivery| comparison.delivered(delivery));
    comparison.verdict()
}

#[test]
fn every_way_of_sending_arrives_whole_and_in_order_of_the_protocol() {
    for flow in [Flow::LockStep, Flow::Pipelined, Flow::Chained] {
        for transfer in [Transfer::Data, Transfer::Bdat(1000), Transfer::Bdat(usize::MAX)] {
            for body in [Body::Plain, Body::Torture] {
                let sink = Sink::start(any(), Detail::default()).unwrap();
                let report = client::run(Load {
                    sessions: 3,
                    quota: Quota::Total(60),
                    size: 6000,
                    recipients: 3,
                    per_connection: Some(7),
                    recipient_domains: vec!["one.test".into(), "two.test".into()],
                    flow,
                    transfer,
                    body,
                    ..load(&sink)
                })
                .unwrap();
                let told = format!("{flow:?} {transfer:?} {body:?}: {report}");
                assert_eq!(report.ended, Ended::Done, "{told}");
                assert_eq!(report.acked.messages, 60, "{told}");
                assert_eq!(report.acked, sink.sums(), "{told}");
                let verdict = compare(&report, &sink);
                assert!(verdict.is_good(), "{told} {verdict}");
                assert_eq!(
                    (verdict.acked, verdict.delivered, verdict.duplicates, verdict.unacked),
                    (180, 180, 0, 0)
                );
                assert_eq!(sink.complaints(), Vec::<String>::new(), "{told}");
                assert!(report.connections >= 9, "{told}");
                assert_eq!(report.latency.count(), 60);
            }
        }
    }
}

#[test]
fn a_bare_host_gets_what_it_can_take() {
    let plan = HostPlan::new(any(), Temper::healthy().offers(Offers { ehlo: false, ..Offers::bare() }));
    let sink = Sink::plan(plan).unwrap();
    let report =
        client::run(Load { quota: Quota::Total(5), transfer: Transfer::Bdat(100), ..load(&sink) }).unwrap();
    assert_eq!(report.acked.messages, 5, "{report}");
    assert_eq!(sink.complaints(), Vec::<String>::new());
    assert!(sink.deliveries().iter().all(|delivery| delivery.mail_params.is_empty()));
}

#[test]
fn encrypted_mail_arrives_and_says_so() {
    let sink = Sink::plan(HostPlan::new(any(), Temper::healthy().tls(TlsTemper::SelfSigned))).unwrap();
    let report = client::run(Load { quota: Quota::Total(5), starttls: true, ..load(&sink) }).unwrap();
    assert_eq!(report.acked.messages, 5, "{report}");
    assert!(sink.deliveries().iter().all(|delivery| delivery.tls));
}

#[test]
fn journals_hold_what_memory_holds() {
    let folder = tempfile::tempdir().unwrap();
    let (acked, delivered) = (folder.path().join("acked"), folder.path().join("delivered"));
    let sink = Sink::to_file(any(), &delivered).unwrap();
    let report = client::run(Load {
        sessions: 4,
        quota: Quota::PerSession(10),
        journal: Some(acked.clone()),
        ..load(&sink)
    })
    .unwrap();
    assert_eq!(report.records.len(), 40);
    assert_eq!(sink.deliveries(), Vec::<Delivery>::new(), "kept in the file only");
    let lines: Vec<Acked> = read(&acked);
    assert_eq!(lines.len(), 40);
    assert!(report.records.iter().all(|record| lines.contains(record)));
    let arrived: Vec<Delivery> = read(&delivered);
    assert!(arrived.iter().all(|delivery| delivery.content_sha256 == delivery.sha256));
    // A line that was torn off does not hide the others.
    std::fs::write(&acked, [std::fs::read(&acked).unwrap().as_slice(), b"{\"id\":\"tor"].concat()).unwrap();
    let mut comparison = Comparison::default();
    comparison.read_acked(&acked).unwrap();
    comparison.read_delivered(&delivered).unwrap();
    let verdict = comparison.verdict();
    assert!(verdict.is_good());
    assert_eq!((verdict.acked, verdict.bad_lines), (40, 1));
}

fn read<T: serde::de::DeserializeOwned>(path: &Path) -> Vec<T> {
    let text = std::fs::read_to_string(path).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn refusals_are_counted_and_the_rest_arrives() {
    let temper = Temper::healthy()
        .rule(
            Rule::new(Stage::Rcpt, Act::Reply(Reply::new(550).enhanced("5.1.1").text("who")))
                .address("r001-*"),
        )
        .rule(Rule::new(Stage::Mail, Act::Reply(Reply::new(451).text("wait"))).span(Span::First(2)))
        .rule(Rule::new(Stage::Data, Act::Reply(Reply::new(554).text("no data"))).span(Span::First(2)))
        .rule(Rule::new(Stage::Final, Act::Reply(Reply::new(552).text("too odd"))).span(Span::First(2)));
    for (flow, transfer) in [
        (Flow::LockStep, Transfer::Data),
        (Flow::Pipelined, Transfer::Data),
        (Flow::Chained, Transfer::Data),
        (Flow::Pipelined, Transfer::Bdat(1000)),
        (Flow::LockStep, Transfer::Bdat(1000)),
    ] {
        let sink = Sink::plan(HostPlan::new(any(), temper.clone())).unwrap();
        let report =
            client::run(Load { quota: Quota::Total(20), recipients: 3, flow, transfer, ..load(&sink) })
                .unwrap();
        let told = format!("{flow:?} {transfer:?} {report} {:?}", sink.complaints());
        assert_eq!(report.refused_messages(), 6, "{told}");
        assert_eq!(report.acked.messages, 14, "{told}");
        assert_eq!(report.refused_recipients, 14, "{told}");
        assert_eq!(report.acked, sink.sums(), "{told}");
        let verdict = compare(&report, &sink);
        assert!(verdict.is_good() && verdict.unacked == 0, "{told} {verdict}");
    }
}

#[test]
fn a_message_for_nobody_is_not_sent() {
    let sink = Sink::plan(HostPlan::new(any(), Temper::refusing(Stage::Rcpt, 550))).unwrap();
    for flow in [Flow::LockStep, Flow::Pipelined, Flow::Chained] {
        let report = client::run(Load { quota: Quota::Total(5), flow, ..load(&sink) }).unwrap();
        assert_eq!((report.refused_messages(), report.acked.messages), (5, 0), "{report}");
    }
    assert_eq!(sink.sums().messages, 0);
}

#[test]
fn lost_lines_are_made_anew_and_what_hangs_in_the_air_is_uncertain() {
    let temper = Temper::healthy()
        .rule(Rule::new(Stage::Final, Act::End(Ending::Reset)).span(Span::First(3)))
        .rule(Rule::new(Stage::Final, Act::SwallowReply).span(Span::First(5)));
    for flow in [Flow::LockStep, Flow::Pipelined, Flow::Chained] {
        let sink = Sink::plan(HostPlan::new(any(), temper.clone())).unwrap();
        let reconnect = Some(Duration::from_secs(10));
        let report =
            client::run(Load { sessions: 2, quota: Quota::Total(50), flow, reconnect, ..load(&sink) })
                .unwrap();
        assert_eq!(report.acked.messages, 50, "{flow:?} {report}");
        assert_eq!((report.uncertain, report.breaks), (8, 8), "{flow:?} {report}");
        let verdict = compare(&report, &sink);
        assert!(verdict.is_good(), "{verdict}");
        assert_eq!(verdict.unacked, 5, "those whose reply was swallowed {verdict}");
    }
}

#[test]
fn without_leave_to_reconnect_a_lost_line_ends_the_session() {
    let sink = Sink::plan(HostPlan::new(any(), Temper::throttling(3))).unwrap();
    let report = client::run(Load { quota: Quota::Total(10), ..load(&sink) }).unwrap();
    assert_eq!(report.ended, Ended::GaveUp);
    assert_eq!(report.acked.messages, 3);
    let report = client::run(Load {
        quota: Quota::Total(10),
        reconnect: Some(Duration::from_secs(10)),
        ..load(&sink)
    })
    .unwrap();
    assert_eq!((report.ended, report.acked.messages), (Ended::Done, 10), "{report}");
}

#[test]
fn who_persists_gets_through_greylisting() {
    let sink = Sink::plan(HostPlan::new(any(), {
        let act = Act::Reply(Reply::new(451).enhanced("4.7.1"));
        Temper::healthy().rule(Rule::new(Stage::Rcpt, act).span(Span::First(4)))
    }))
    .unwrap();
    let report = client::run(Load { quota: Quota::Total(3), persist: true, ..load(&sink) }).unwrap();
    assert_eq!((report.acked.messages, report.refused_messages()), (3, 0), "{report}");
}

#[test]
fn a_run_ends_at_its_deadline_whatever_the_host_does() {
    let sink =
        Sink::plan(HostPlan::new(any(), Temper::healthy().at(Stage::Final, Act::End(Ending::Hang)))).unwrap();
    let begin = Instant::now();
    let deadline = Duration::from_millis(300);
    let report = client::run(Load { sessions: 5, quota: Quota::Total(50), deadline, ..load(&sink) }).unwrap();
    assert_eq!(report.ended, Ended::Deadline);
    assert_eq!(report.uncertain, 5, "{report}");
    assert!(begin.elapsed() < Duration::from_secs(30));
}

#[test]
fn a_run_can_be_watched_and_stopped() {
    let sink = Sink::start(any(), Detail::Sums).unwrap();
    let running = client::start(Load { sessions: 2, quota: Quota::Endless, ..load(&sink) }).unwrap();
    let until = Instant::now() + Duration::from_secs(30);
    while running.progress().acked < 20 && Instant::now() < until {
        std::thread::yield_now();
    }
    running.stop();
    let report = running.join().unwrap();
    assert_eq!(report.ended, Ended::Stopped);
    assert!(report.acked.messages >= 20);
    assert_eq!(report.acked, sink.sums(), "each session finished its message");
}

#[test]
fn a_paced_run_keeps_its_pace() {
    let sink = Sink::start(any(), Detail::Sums).unwrap();
    let report =
        client::run(Load { sessions: 4, quota: Quota::Total(30), rate: Some(100.0), ..load(&sink) }).unwrap();
    assert_eq!(report.acked.messages, 30);
    assert!(report.elapsed >= Duration::from_millis(280), "29 pauses of 10 ms: {:?}", report.elapsed);
}

fn promise(id: &str, rcpts: &[&str], sha256: &str) -> Acked {
    let rcpts = rcpts.iter().map(|rcpt| (*rcpt).to_owned()).collect();
    Acked {
        id: id.to_owned(),
        mail: "s@a.test".to_owned(),
        rcpts,
        sha256: sha256.to_owned(),
        ..Acked::default()
    }
}

fn arrival(id: Option<&str>, mail: &str, rcpts: &[&str], sha256: &str) -> Delivery {
    let rcpt = |address: &&str| Rcpt { address: (*address).to_owned(), params: Vec::new() };
    Delivery {
        id: id.map(str::to_owned),
        mail: mail.to_owned(),
        rcpts: rcpts.iter().map(rcpt).collect(),
        content_sha256: sha256.to_owned(),
        ..Delivery::default()
    }
}

#[test]
fn each_fault_is_told_apart() {
    let mut comparison = Comparison::default();
    comparison.acked(promise("1", &["a", "b"], "x"));
    comparison.acked(promise("2", &["a"], "x"));
    comparison.acked(promise("3", &["a"], "x"));
    comparison.acked(promise("4", &["a"], "x"));
    // Split in two, one of them twice.
    comparison.delivered(&arrival(Some("1"), "s@a.test", &["a"], "x"));
    comparison.delivered(&arrival(Some("1"), "s@a.test", &["b"], "x"));
    comparison.delivered(&arrival(Some("1"), "s@a.test", &["b"], "x"));
    // Spoilt in its second copy only; and under another sender.
    comparison.delivered(&arrival(Some("2"), "s@a.test", &["a"], "x"));
    comparison.delivered(&arrival(Some("2"), "s@a.test", &["a"], "y"));
    comparison.delivered(&arrival(Some("3"), "t@a.test", &["a"], "x"));
    // Promised to somebody else.
    comparison.delivered(&arrival(Some("4"), "s@a.test", &["c"], "x"));
    comparison.delivered(&arrival(None, "", &["a"], "x"));
    let verdict = comparison.verdict();
    assert!(!verdict.is_good());
    let counts = (verdict.acked, verdict.delivered, verdict.lost, verdict.altered);
    assert_eq!(counts, (5, 5, 1, 2));
    assert_eq!((verdict.duplicates, verdict.unacked, verdict.strangers), (2, 1, 1));
    assert_eq!(verdict.named["lost"], ["4 a"]);
    assert_eq!(verdict.named["altered"], ["2 a", "3 a"]);
    assert_eq!(verdict.named["duplicate"], ["1 b", "2 a"]);
    assert_eq!(verdict.named["unpromised"], ["4 c"]);
}
