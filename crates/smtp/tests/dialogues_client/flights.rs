//! Transactions with many recipients: no flight is so large that both sides could block in writing, and no
//! reply goes to the wrong recipient.

use mailreeve_smtp::client::{Final, Output};

use super::driver::Driver;
use super::laws;
use super::script::{Action, Script, transaction};

const RECIPIENTS: usize = 5000;

/// Octets of a flight (RFC 2920 3.1), and of the command that goes beyond them.
const FLIGHT_OCTETS: usize = 32 * 1024 + 512;

fn opened(offered: &str) -> Driver {
    let mut driver = Driver::new(&Script::parse("flights", ""));
    driver.receive(b"220 mx.test\r\n");
    driver.receive(format!("250-mx.test\r\n250 {offered}\r\n").as_bytes());
    driver
}

fn to_many(tag: u64) -> Action {
    let recipients: String = (0..RECIPIENTS).map(|n| format!(" <recipient-{n}@d.test>")).collect();
    Action::Transact(transaction(&format!("{tag} <a@b.test>{recipients}")).unwrap())
}

/// Answers each command of what was written; every third recipient is refused with its own address.
fn answers(commands: &[u8]) -> (String, usize) {
    let commands = str::from_utf8(commands).unwrap();
    let mut recipients = 0;
    let replies = commands.lines().map(|command| match command.strip_prefix("RCPT TO:") {
        Some(path) => {
            recipients += 1;
            let digits: usize =
                path.chars().filter(char::is_ascii_digit).collect::<String>().parse().unwrap();
            format!("{} {path}\r\n", if digits.is_multiple_of(3) { 550 } else { 250 })
        }
        None if command == "DATA" => "354 go\r\n".to_owned(),
        None => "250 ok\r\n".to_owned(),
    });
    (replies.collect(), recipients)
}

/// Answers flight after flight until content is asked for; returns the flights.
fn answer_flights(driver: &mut Driver) -> usize {
    let (mut flights, mut seen) = (0, driver.outputs.len() - 1);
    while let Some(position) =
        driver.outputs[seen..].iter().position(|output| matches!(output, Output::Write(_)))
    {
        let Output::Write(commands) = &driver.outputs[seen + position] else { unreachable!() };
        assert!(commands.len() <= FLIGHT_OCTETS, "a flight of {} octets", commands.len());
        let (replies, _) = answers(commands);
        seen += position + 1;
        flights += 1;
        driver.receive(replies.as_bytes());
    }
    flights
}

#[test]
fn many_recipients_leave_in_bounded_flights() {
    let mut driver = opened("PIPELINING");
    driver.act(&to_many(1));
    let flights = answer_flights(&mut driver);
    assert!((4..20).contains(&flights), "{flights} flights");
    assert!(matches!(driver.outputs.last(), Some(Output::Content { tag: 1, .. })));
    let mut next = 0;
    for output in &driver.outputs {
        if let Output::Recipient { index, reply, .. } = output {
            assert_eq!(*index, next);
            assert_eq!(reply.lines, [format!("<recipient-{index}@d.test>")]);
            assert_eq!(reply.code == 550, index.is_multiple_of(3));
            next += 1;
        }
    }
    assert_eq!(next, RECIPIENTS);
}

#[test]
fn what_is_chained_is_a_bounded_flight_too() {
    let mut driver = opened("PIPELINING");
    driver.act(&Action::Transact(transaction("1 <a@b.test> <c@d.test>").unwrap()));
    driver.act(&to_many(2));
    driver.receive(b"250 ok\r\n250 ok\r\n354 go\r\n");
    let Some(Output::Content { tag: 1, follow, .. }) = driver.outputs.last() else { panic!("no content") };
    assert!((1000..=FLIGHT_OCTETS).contains(&follow.len()), "{} octets chained", follow.len());
    let (replies, recipients) = answers(follow);
    driver.act(&Action::ContentWritten);
    driver.receive(b"250 one\r\n");
    driver.receive(replies.as_bytes());
    assert!(recipients < RECIPIENTS);
    answer_flights(&mut driver);
    driver.act(&Action::ContentWritten);
    driver.receive(b"250 two\r\n");
    assert_eq!(laws::accepted(&driver.outputs).len(), 2);
}

#[test]
fn all_refused_in_an_earlier_flight_ends_without_data() {
    let mut driver = opened("PIPELINING");
    driver.act(&to_many(1));
    while !driver.session.idle() {
        let Some(Output::Write(commands)) = driver.outputs.last() else { panic!("nothing to answer") };
        let refuse = |line: &str| if line.starts_with("MAIL") { "250 ok\r\n" } else { "550 no\r\n" };
        let replies: String = str::from_utf8(commands).unwrap().lines().map(refuse).collect();
        driver.receive(replies.as_bytes());
    }
    let last = driver.outputs.last();
    assert!(matches!(last, Some(Output::Done { tag: 1, result: Final::AllRecipientsRejected })), "{last:?}");
    assert!(driver.outputs.iter().all(|output| !matches!(output, Output::Content { .. })));
}
