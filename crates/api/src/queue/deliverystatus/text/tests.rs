use super::super::{Column, DeliveryStatus, Direction, Totals};
use super::*;
use crate::command::Command as _;
use crate::workqueue::Held;

const NOW: u64 = 1_597_343_382_000_000;

fn line(host: &str, status: &str, active: u64) -> DestinationLine {
    DestinationLine {
        host: host.to_owned(),
        system: host.starts_with("the."),
        status: status.to_owned(),
        since_us: Some(NOW - 2_220_000_000),
        before_start: false,
        trying: false,
        was: None,
        last_activity_us: None,
        reason: None,
        next_attempt_us: None,
        oldest_us: None,
        suspended: None,
        wait: None,
        active_recips: active,
        conn_out: 0,
        delivered_recips: 1_214,
        soft_bounced_evts: 26,
        hard_bounced_recips: 0,
    }
}

fn cohort(why: &str, recipients: u64, hosts: &[&str], destinations: u64) -> CohortLine {
    CohortLine {
        wait: Wait { why: why.to_owned(), ..Wait::default() },
        owner: "destination".to_owned(),
        recipients,
        destinations,
        wordings: 1,
        hosts: hosts.iter().map(|host| (*host).to_owned()).collect(),
        since_us: Some(NOW - 2_220_000_000),
        next_us: Some(NOW + 678_000_000),
    }
}

fn reply() -> DeliveryStatusReply {
    let mut down = line("away.example", "down", 13);
    down.reason = Some(Reason {
        cause: "connect-refused".to_owned(),
        code: 0,
        text: "Connection refused".to_owned(),
        address: Some("192.0.2.7".to_owned()),
        at_us: NOW,
    });
    down.next_attempt_us = Some(NOW + 678_000_000);
    let mut idle = line("quiet.example", "unknown", 0);
    idle.was = Some("up".to_owned());
    let mut refused = cohort("host-backoff", 41, &["away.example", "b.example", "c.example"], 4);
    refused.wait.text = Some("Connection refused".to_owned());
    refused.wait.address = Some("192.0.2.7".to_owned());
    let mut greylisted = cohort("waiting-for-retry", 1, &["a.example"], 1);
    greylisted.wordings = 20;
    (greylisted.wait.code, greylisted.wait.text) = (451, Some("4.7.1 # greylisted".to_owned()));
    DeliveryStatusReply {
        as_of: AsOf { at_us: NOW, zone: "America/New_York".to_owned() },
        counted_since_us: Some(NOW - 86_400_000_000),
        sort: Column::ActiveRcpts,
        direction: Direction::Descending,
        filter: String::new(),
        offset: 0,
        matching: 10_000,
        destinations: vec![down, idle],
        totals: Totals { active_recips: 45, moving_recips: 1, ..Totals::default() },
        cohorts: vec![refused, greylisted],
        reasons_before: 0,
        reasons: 2,
        others_waiting: 0,
        work_queue: Held::default(),
        recovering: None,
    }
}

#[test]
fn the_reasons_come_before_the_rows() {
    insta::assert_snapshot!(reply().text());
}

#[test]
fn a_queue_without_mail_says_so() {
    let empty = DeliveryStatusReply {
        destinations: Vec::new(),
        totals: Totals::default(),
        cohorts: Vec::new(),
        reasons: 0,
        filter: "nowhere".to_owned(),
        matching: 0,
        ..reply()
    };
    assert!(empty.text().contains("No mail waits.\n"));
    assert!(empty.text().ends_with("No destination matches `nowhere`.\n"));
}

#[test]
fn a_paused_work_queue_is_told_before_the_reasons() {
    let held = Held { messages: 3, recipients: 4, paused_by: Some("ann".to_owned()), ..Held::default() };
    let empty = DeliveryStatusReply {
        totals: Totals::default(),
        cohorts: Vec::new(),
        reasons: 0,
        work_queue: held,
        ..reply()
    };
    let told = "\n3 messages wait in the work queue, paused by ann. `workqueue resume` lets it go on.\n";
    assert!(empty.text().contains(told) && !empty.text().contains("No mail waits"), "{}", empty.text());
}

#[test]
fn the_list_of_reasons_goes_on_until_all_are_told() {
    let all: Vec<CohortLine> = (1..=31).map(|n| cohort("rate-limit", n, &["a.example"], 1)).collect();
    let page = |before: usize| DeliveryStatusReply {
        cohorts: all.iter().skip(before).cloned().collect(),
        reasons_before: before,
        reasons: all.len(),
        ..reply()
    };
    let (mut before, mut told) = (0, 0);
    loop {
        let text = page(before).text();
        told += text.matches("the rate limit of").count();
        let range = format!("Reasons {} to {told} of 31", before + 1);
        assert!(text.contains(&range), "{text}");
        let Some((_, next)) = text.split_once(": `deliverystatus active_rcpts skip_reasons ") else { break };
        before = next.split('`').next().and_then(|next| next.parse().ok()).unwrap_or(0);
        assert_eq!(before, told);
    }
    assert_eq!(told, 31);
    assert!(page(12).text().contains("; the others are those of 196 recipients: "), "{}", page(12).text());
    assert!(page(40).text().contains("`skip_reasons 40` leaves none of 31 reasons.\n"));
}

#[test]
fn a_verdict_from_before_the_start_says_so() {
    let mut carried = reply();
    carried.destinations[0].before_start = true;
    let told =
        "    Connection refused (192.0.2.7), as before the start, not tried since, next try in 11m 18s\n";
    assert!(carried.text().contains(told), "{}", carried.text());
}

#[test]
fn what_is_tried_now_keeps_its_state_and_reason() {
    let mut tried = reply();
    (tried.destinations[0].trying, tried.destinations[0].next_attempt_us) = (true, None);
    let told = "    Connection refused (192.0.2.7), trying now\n";
    assert!(tried.text().contains(told), "{}", tried.text());
    tried.destinations[0].status = "up".to_owned();
    assert!(!tried.text().contains("trying now"), "{}", tried.text());
}

#[test]
fn a_destination_that_is_up_says_why_its_mail_waits() {
    let mut deferring = reply();
    let wait = Wait {
        why: "waiting-for-retry".to_owned(),
        cause: Some("reply-4xx".to_owned()),
        code: 451,
        text: Some("4.7.1 come back".to_owned()),
        ..Wait::default()
    };
    let line = &mut deferring.destinations[0];
    (line.status, line.wait, line.next_attempt_us) = ("up".to_owned(), Some(wait), None);
    assert!(deferring.text().contains("451 4.7.1 come back"), "{}", deferring.text());
}

#[test]
fn what_a_filter_and_an_offset_leave_out_is_told() {
    let all = "These are the reasons of all destinations, whatever the filter:\n";
    assert!(!reply().text().contains(all));
    let filtered = DeliveryStatusReply { filter: "example".to_owned(), ..reply() };
    assert!(
        filtered.text().contains(&format!("{all}41 recipients at 4 destinations")),
        "{}",
        filtered.text()
    );
    let beyond = DeliveryStatusReply { offset: 20_000, destinations: Vec::new(), ..reply() };
    assert!(beyond.text().ends_with("`offset 20000` leaves none of 10,000 destinations.\n"));
}

#[test]
fn a_page_is_asked_for_in_any_order() {
    let read = |text: &str| {
        let words: Vec<String> = text.split(' ').map(str::to_owned).collect();
        DeliveryStatus::parse(&words).map(|asked| (asked.filter, asked.offset, asked.limit))
    };
    let page = |filter: &str, offset, limit| Ok((filter.to_owned(), offset, limit));
    assert_eq!(read("host"), page("", 0, 20));
    assert_eq!(read("host offset 40"), page("", 40, 20));
    assert_eq!(read("host limit 50 OFFSET 40"), page("", 40, 50));
    for same in ["offset 40 limit 50 a.test", "a.test limit 50 offset 40", "offset 40 a.test limit 50"] {
        assert_eq!(read(&format!("host {same}")), page("a.test", 40, 50), "{same}");
    }
    assert_eq!(read("host a.test 40 50"), page("a.test", 40, 50));
    assert_eq!(read("host limit 1000"), page("", 0, 1_000));
    let reasons = |text: &str| {
        let words: Vec<String> = text.split(' ').map(str::to_owned).collect();
        DeliveryStatus::parse(&words).map(|asked| asked.skip_reasons)
    };
    assert_eq!((reasons("host skip_reasons 12"), reasons("host a.test 0 20 24")), (Ok(12), Ok(24)));
    for wrong in [
        "offset 5",
        "host offset",
        "host limit 0",
        "host limit 1001",
        "host offset -1",
        "host a.test b.test",
        "host a.test 1 2 3 4",
        "host skip_reasons",
        "host offset 1 offset 2",
    ] {
        assert!(read(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn words_are_read_and_mistakes_are_told() {
    let words = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
    let asked = DeliveryStatus::parse(&words("STATUS Example")).unwrap_or_default();
    assert_eq!((asked.sort, asked.filter.as_str(), asked.limit), (Column::Status, "example", 20));
    let problem = DeliveryStatus::parse(&words("colour")).err();
    assert!(problem.is_some_and(|problem| problem.hint.is_some_and(|hint| hint.contains("conn_out"))));
}

#[test]
fn every_column_has_a_word_and_its_usual_direction() {
    for (word, column) in Column::ALL {
        assert_eq!((Column::of_word(word), column.word()), (Some(column), word));
    }
    assert_eq!(Column::Host.usual(), Direction::Ascending);
    assert_eq!(Column::HardBounced.usual(), Direction::Descending);
}
