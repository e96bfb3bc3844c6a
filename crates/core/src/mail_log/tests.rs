#![allow(clippy::unwrap_used)]

mod every_event;
mod stories;

use jiff::tz::TimeZone;

use super::MailLog;
use crate::event::{Cause, Event, Failure, Stage, Stamped};
use crate::ids::Host;

/// Thu Aug 13 14:29:42 2020 UTC.
const T0: u64 = 1_597_328_982_000_000;

const SECOND: u64 = 1_000_000;

fn log() -> MailLog {
    MailLog::new(TimeZone::UTC)
}

/// Renders events, each with its seconds after [`T0`].
fn render(events: Vec<(u64, Event)>) -> String {
    let (mut log, mut out) = (log(), Vec::new());
    for (seconds, event) in events {
        log.render(&Stamped { at: T0 + seconds * SECOND, event }, &mut out);
    }
    checked(out)
}

/// Every line is whole: a time, a level, no control character.
fn checked(out: Vec<u8>) -> String {
    let text = String::from_utf8(out).unwrap();
    assert!(text.is_empty() || text.ends_with('\n'));
    for line in text.lines() {
        let rest = line.get(24..).unwrap_or_default();
        assert!(
            [" Info: ", " Warning: ", " Critical: "].iter().any(|level| rest.starts_with(level)),
            "{line:?}"
        );
        assert!(!line.contains(char::is_control), "{line:?}");
    }
    text
}

fn host(name: &str) -> Host {
    Host::new(name)
}

fn failure(stage: Stage, cause: Cause, status: (u8, u16, u16), code: u16, text: &[&str]) -> Failure {
    let text = text.iter().map(|line| (*line).to_owned()).collect();
    Failure { stage, cause, status, code, text, address: Some("192.0.2.25:25".parse().unwrap()), at: T0 }
}

fn busy() -> Failure {
    failure(Stage::Rcpt, Cause::Reply4xx, (4, 1, 0), 451, &["busy", "it's full"])
}

fn refused() -> Failure {
    failure(Stage::Connect, Cause::ConnectRefused, (4, 4, 1), 0, &["Connection refused"])
}
