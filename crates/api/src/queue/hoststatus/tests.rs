//! The text of a reply.

use super::*;
use crate::command::Text as _;
use crate::queue::Wait;

/// A destination that is up and answers every recipient with 451.
fn greylisting() -> HostStatusReply {
    let at = 1_597_328_982_000_000;
    HostStatusReply {
        as_of: AsOf { at_us: at + 5_000_000, zone: "UTC".to_owned() },
        host: "example.com".to_owned(),
        status: "up".to_owned(),
        since_us: Some(at - 60_000_000),
        before_start: false,
        trying: false,
        reason: None,
        failure: None,
        was: None,
        next_attempt_us: None,
        suspended: None,
        soft_bounced_evts: 3,
        completion: Completion { delivered_recips: 2, ..Completion::default() },
        unattempted_recips: 0,
        attempted_recips: 3,
        conn_out: 0,
        conn_pending: 0,
        oldest_message_us: Some(at - 1_000_000),
        last_activity_us: Some(at),
        addresses: None,
        targets: Vec::new(),
        cohorts: vec![CohortLine {
            wait: Wait {
                why: "waiting-for-retry".to_owned(),
                code: 451,
                text: Some("4.7.1 come back later".to_owned()),
                ..Wait::default()
            },
            owner: "destination".to_owned(),
            recipients: 2,
            destinations: 1,
            wordings: 3,
            hosts: vec!["example.com".to_owned()],
            since_us: Some(at - 30_000_000),
            next_us: Some(at + 60_000_000),
        }],
        failures: Vec::new(),
        exchangers: Vec::new(),
        routes: Vec::new(),
        last_5xx: Some(LastError {
            mode: None,
            text: "550 5.1.1 no such box".to_owned(),
            address: Some("192.0.2.1:25".to_owned()),
            at_us: at - 30_000_000,
        }),
        last_error: Some(LastError {
            mode: None,
            text: "451 4.7.1 come back later".to_owned(),
            address: Some("[2001:db8::1]:25".to_owned()),
            at_us: at,
        }),
        last_tls: None,
        history: None,
    }
}

#[test]
fn a_host_that_is_up_tells_its_last_error_of_any_class() {
    insta::assert_snapshot!(greylisting().text());
}

#[test]
fn without_an_address_the_last_error_names_none() {
    let mut reply = greylisting();
    if let Some(error) = &mut reply.last_error {
        error.address = None;
    }
    let text = reply.text();
    let expected = "Last Error:\n----------\n451 4.7.1 come back later\n(at Thu Aug 13 14:29:42 2020 UTC)\n";
    assert!(text.contains(expected), "{text}");
    reply.last_error = None;
    assert!(!reply.text().contains("Last Error:"));
}
