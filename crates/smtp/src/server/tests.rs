//! What no dialogue can show: the caller's side of a session.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::sync::Arc;
use std::time::Duration;

use super::*;
use crate::reply::{Enhanced, Reply};

const START: Instant = Instant::from_secs(1000);

fn after(seconds: u64) -> Instant {
    START + Duration::from_secs(seconds)
}

fn greeted() -> Session {
    let mut session = Session::new(Arc::new(Settings::new("gw.example.com")), START);
    session.greet(Greeting::Accept, START);
    session.receive(b"EHLO client.example\r\n", START);
    session.output().clear();
    while session.notices().is_some() {}
    session
}

fn said(session: &mut Session) -> String {
    String::from_utf8(std::mem::take(session.output())).unwrap()
}

#[test]
fn facts_follow_the_session() {
    let mut session = Session::new(Arc::new(Settings::new("gw.example.com")), START);
    assert_eq!((session.stage(), session.last_command()), (Stage::Greeting, None));
    session.greet(Greeting::Accept, START);
    assert_eq!((session.stage(), session.helo()), (Stage::Hello, None));
    session.receive(b"EHLO client.example\r\nBOGUS\r\n", START);
    assert_eq!(
        (session.stage(), session.helo(), session.esmtp()),
        (Stage::Idle, Some("client.example"), true)
    );
    assert_eq!((session.errors(), session.last_command()), (1, Some(Verb::Other)));
    session.receive(b"MAIL FROM:<>\r\n", START);
    assert_eq!((session.stage(), session.transactions()), (Stage::Decision, 0));
    session.answer_mail(Verdict::Accept, START);
    assert_eq!((session.stage(), session.transactions()), (Stage::Envelope, 1));
    session.receive(b"RCPT TO:<b@b.example>\r\n", START);
    session.answer_recipient(Verdict::Accept, START);
    session.receive(b"BDAT 10\r\n", START);
    session.answer_data(DataVerdict::Go { prefix: Vec::new() }, START);
    session.receive(b"12345", START);
    assert_eq!((session.stage(), session.data_bytes()), (Stage::Data, 5));
    session.receive(b"67890", START);
    assert_eq!((session.stage(), session.data_bytes()), (Stage::Data, 10));
    session.receive(b"BDAT 0 LAST\r\n", START);
    session.answer_message(Verdict::Accept, START);
    assert_eq!((session.messages(), session.stage(), session.tls()), (1, Stage::Idle, false));
    assert_eq!(session.last_command(), Some(Verb::Bdat));
    session.receive(b"STARTTLS\r\n", START);
    assert_eq!(session.stage(), Stage::Handshake);
    session.tls_started(START);
    assert_eq!((session.tls(), session.helo(), session.stage()), (true, None, Stage::Hello));
}

#[test]
fn a_question_holds_back_what_follows() {
    let mut session = greeted();
    let input = b"MAIL FROM:<>\r\nNOOP\r\n";
    assert_eq!(session.receive(input, START), 14);
    assert_eq!(session.receive(&input[14..], START), 0, "not before the answer");
    assert!(matches!(session.question(), Some(Question::Mail { .. })));
    assert_eq!(session.question(), None, "asked once");
    assert_eq!(session.receive(&input[14..], START), 0, "taking the question answers nothing");
    session.answer_mail(Verdict::Accept, START);
    assert_eq!(session.receive(&input[14..], START), 6);
    assert_eq!(said(&mut session), "250 2.1.0 Sender ok\r\n250 2.0.0 Ok\r\n");
}

#[test]
fn what_stands_behind_starttls_is_thrown_away() {
    let mut session = greeted();
    let input = b"STARTTLS\r\nRSET\r\nMAIL FROM:<>\r\n";
    assert_eq!(session.receive(input, START), input.len());
    assert_eq!(session.receive(b"\x16\x03\x01", START), 0, "the handshake is the caller's");
    assert_eq!(session.question(), Some(Question::StartTls));
    session.tls_started(START);
    session.receive(b"NOOP\r\n", START);
    assert_eq!(said(&mut session), "220 2.0.0 Start the TLS handshake\r\n250 2.0.0 Ok\r\n");
}

#[test]
fn a_late_answer_changes_nothing() {
    let mut session = greeted();
    session.receive(b"MAIL FROM:<>\r\n", START);
    session.peer_closed(START);
    let ended = session.ended().cloned();
    assert!(matches!(
        ended,
        Some(Ended { reason: EndReason::PeerClosed { stage: Stage::Decision, data_bytes: 0 } })
    ));
    session.answer_mail(Verdict::Accept, START);
    session.answer_message(Verdict::Accept, START);
    session.tls_started(START);
    session.peer_closed(START);
    session.shutdown(Shutdown::Stopping, START);
    session.timeout(after(1_000_000));
    assert_eq!(session.ended().cloned(), ended);
    assert_eq!(said(&mut session), "");
    assert_eq!(session.question(), None, "a question that was not taken goes with the session");
}

#[test]
#[should_panic(expected = "no such answer is due")]
#[cfg(debug_assertions)]
fn a_wrong_answer_is_the_callers_mistake() {
    greeted().answer_data(DataVerdict::Go { prefix: Vec::new() }, START);
}

#[test]
fn each_wait_has_its_deadline() {
    let mut settings = Settings::new("gw.example.com");
    settings.deadlines = Deadlines {
        command: Duration::from_secs(10),
        data: Duration::from_secs(20),
        session: Duration::from_secs(1000),
        decision: Duration::from_secs(30),
        handshake: Duration::from_secs(40),
        minimum_rate: 100,
        rate_grace: Duration::from_secs(15),
    };
    let mut session = Session::new(Arc::new(settings), START);
    assert_eq!(session.deadline(), after(30));
    session.greet(Greeting::Accept, after(1));
    assert_eq!(session.deadline(), after(11));
    session.receive(b"EHLO a\r", after(5));
    assert_eq!(session.deadline(), after(11), "half a command gains no time");
    session.receive(b"\nMAIL FROM:<>\r\n", after(6));
    assert_eq!(session.deadline(), after(36));
    session.answer_mail(Verdict::Accept, after(7));
    session.receive(b"RCPT TO:<b@b.example>\r\n", after(7));
    session.answer_recipient(Verdict::Accept, after(8));
    session.receive(b"DATA\r\n", after(8));
    session.answer_data(DataVerdict::Go { prefix: Vec::new() }, after(10));
    assert_eq!(session.deadline(), after(25), "the rate is asked for after its grace");
    session.receive(&[b'x'; 1000], after(11));
    assert_eq!(session.deadline(), after(31), "the next block");
    session.receive(b"\r\n.\r\n", after(12));
    session.answer_message(Verdict::Accept, after(13));
    session.receive(b"STARTTLS\r\n", after(14));
    assert_eq!(session.deadline(), after(54));
    session.tls_started(after(995));
    assert_eq!(session.deadline(), after(1000), "the session's own");
    session.timeout(after(999));
    assert_eq!(session.ended(), None);
    session.timeout(after(1000));
    assert_eq!(session.ended().map(|e| e.reason), Some(EndReason::SessionTime(Stage::Hello)));
    assert_eq!(session.deadline(), after(1010), "time for the last words");
}

#[test]
fn a_verdict_on_a_message_is_not_cut_off_by_the_session_time() {
    let mut session = greeted();
    session.receive(b"MAIL FROM:<>\r\n", START);
    session.answer_mail(Verdict::Accept, START);
    session.receive(b"RCPT TO:<b@b.example>\r\n", START);
    session.answer_recipient(Verdict::Accept, START);
    session.receive(b"BDAT 0 LAST\r\n", after(250));
    session.answer_data(DataVerdict::Go { prefix: Vec::new() }, after(3599));
    assert_eq!(session.deadline(), after(3599 + 120));
    session.timeout(after(3700));
    session.answer_message(Verdict::Accept, after(3701));
    assert_eq!(session.messages(), 1);
    session.timeout(after(3701));
    assert_eq!(session.ended().map(|e| e.reason), Some(EndReason::SessionTime(Stage::Idle)));
}

#[test]
fn notices_come_once_and_the_last_name_counts() {
    let mut session = greeted();
    session.receive(b"EHLO one\r\nHELO two\r\n", START);
    assert_eq!(session.notices(), Some(Notice::Helo { name: "two".to_owned(), esmtp: false }));
    assert_eq!(session.notices(), None);
}

#[test]
fn texts_of_the_caller_cannot_break_the_framing() {
    let mut session = greeted();
    session.receive(b"MAIL FROM:<>\r\n", START);
    session.answer_mail(Verdict::AcceptWith("2.1.0 ok\r\n354 go".to_owned()), START);
    session.receive(b"RCPT TO:<b@b.example>\r\n", START);
    session.answer_recipient(Verdict::Refuse(Reply::new(550, Enhanced(5, 1, 1), "no\n250 yes")), START);
    assert_eq!(said(&mut session), "250 2.1.0 ok  354 go\r\n550 5.1.1 no 250 yes\r\n");
}

#[test]
fn messages_do_not_show_their_octets() {
    let message = Message {
        tail: b"secret".to_vec(),
        spilled: 0,
        size: 6,
        eight_bit: false,
        dots: false,
        header_end: 6,
    };
    let shown = format!("{message:?}");
    assert!(shown.contains("tail_bytes: 6") && !shown.contains("secret"), "{shown}");
}
