//! Times as operators write them.
//!
//! ```text
//!   2026-11-20 14:30    2026-11-20T14:30:00    2026-11-20    in the zone of the gateway
//!   14:30    today 14:30    yesterday 14:30    yesterday     the same
//!   2026-11-20T14:30:00Z    2026-11-20T14:30+01:00           with an offset: one instant everywhere
//!   2h    -2h    30m    7d    2w    now                      before now
//! ```
//! An hour that a zone has twice or not at all is named as such instead of being guessed.

use jiff::civil::{Date, DateTime, Time};
use jiff::tz::{AmbiguousOffset, Offset, TimeZone};
use jiff::{Timestamp, ToSpan as _};

/// Octets of a time.
const LONGEST: usize = 64;

/// Why a text is no instant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NoInstant {
    /// It is not a time.
    NotATime,
    /// The clocks were set back: it was that time twice.
    Twice {
        /// In which zone.
        zone: String,
        /// The first, RFC 3339 with its offset.
        first: String,
        /// The second.
        second: String,
    },
    /// The clocks were set forward: it was never that time.
    Never {
        /// In which zone.
        zone: String,
        /// What clocks showed instead, RFC 3339 with its offset.
        instead: String,
    },
}

/// Reads a time; `now` and the answer are microseconds since the epoch.
///
/// # Errors
/// [`NoInstant`].
pub fn read(text: &str, zone: &TimeZone, now: u64) -> Result<u64, NoInstant> {
    let text = text.trim();
    if text.len() > LONGEST {
        return Err(NoInstant::NotATime);
    }
    if let Some(age) = age(text) {
        return Ok(now.saturating_sub(age));
    }
    if let Ok(at) = text.parse::<Timestamp>() {
        return micros(at);
    }
    if text.contains(['[', ']']) {
        return Err(NoInstant::NotATime);
    }
    let civil = civil(text, zone, now).ok_or(NoInstant::NotATime)?;
    in_zone(civil, zone)
}

/// Tells which zone times without an offset are in.
pub fn zone_name(zone: &TimeZone) -> &str {
    zone.iana_name().unwrap_or("UTC")
}

fn micros(at: Timestamp) -> Result<u64, NoInstant> {
    u64::try_from(at.as_microsecond()).map_err(|_| NoInstant::NotATime)
}

fn in_zone(civil: DateTime, zone: &TimeZone) -> Result<u64, NoInstant> {
    let named = || zone_name(zone).to_owned();
    let shown = |offset: Offset| {
        let at = offset.to_timestamp(civil).map_err(|_| NoInstant::NotATime)?;
        Ok(at.display_with_offset(offset).to_string())
    };
    match zone.to_ambiguous_timestamp(civil).offset() {
        AmbiguousOffset::Unambiguous { offset } => {
            micros(offset.to_timestamp(civil).map_err(|_| NoInstant::NotATime)?)
        }
        AmbiguousOffset::Fold { before, after } => {
            Err(NoInstant::Twice { zone: named(), first: shown(before)?, second: shown(after)? })
        }
        // As if the clocks had not been set yet: what they showed at that instant.
        AmbiguousOffset::Gap { before, after } => {
            let at = before.to_timestamp(civil).map_err(|_| NoInstant::NotATime)?;
            let instead = at.display_with_offset(after).to_string();
            Err(NoInstant::Never { zone: named(), instead })
        }
    }
}

/// A date, a time of day, or both.
fn civil(text: &str, zone: &TimeZone, now: u64) -> Option<DateTime> {
    let now = i64::try_from(now).ok().and_then(|us| Timestamp::from_microsecond(us).ok())?;
    let today = zone.to_datetime(now).date();
    let parts = text.split_once(' ').or_else(|| text.split_once(['T', 't']));
    let (day, time) = match parts {
        Some((day, time)) if named_day(day, today).is_some() => (named_day(day, today), Some(time)),
        _ => match named_day(text, today) {
            Some(day) => (Some(day), None),
            None if text.contains(':') => (Some(today), Some(text)),
            None => (None, None),
        },
    };
    let time = time.map_or(Some(Time::midnight()), |time| time_of_day(time.trim()))?;
    Some(day?.to_datetime(time))
}

fn named_day(text: &str, today: Date) -> Option<Date> {
    match text.to_ascii_lowercase().as_str() {
        "today" => Some(today),
        "yesterday" => today.checked_sub(1.day()).ok(),
        _ if text.contains(':') => None,
        _ => text.parse::<Date>().ok(),
    }
}

/// `14:30`, `14:30:07`, `9:05`, with or without parts of a second.
fn time_of_day(text: &str) -> Option<Time> {
    let digits =
        |text: &str| !text.is_empty() && text.bytes().all(|octet| octet.is_ascii_digit() || octet == b'.');
    if !text.split(':').all(digits) || !text.contains(':') {
        return None;
    }
    let padded = if text.find(':') == Some(1) { format!("0{text}") } else { text.to_owned() };
    padded.parse().ok()
}

/// Microseconds of `2h`, `-30m`, `now`.
fn age(text: &str) -> Option<u64> {
    if text.eq_ignore_ascii_case("now") {
        return Some(0);
    }
    let text = text.strip_prefix('-').unwrap_or(text);
    let (number, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let seconds = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        "w" => 604_800,
        _ => return None,
    };
    let number: u64 = number.bytes().all(|octet| octet.is_ascii_digit()).then(|| number.parse().ok())??;
    number.checked_mul(seconds)?.checked_mul(1_000_000)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    /// `2026-11-20T13:00:00Z`.
    const NOW: u64 = 1_795_179_600_000_000;

    fn zone(name: &str) -> TimeZone {
        TimeZone::get(name).unwrap()
    }

    fn read_in(name: &str, text: &str) -> Result<String, NoInstant> {
        let at = read(text, &zone(name), NOW)?;
        Ok(Timestamp::from_microsecond(i64::try_from(at).unwrap()).unwrap().to_string())
    }

    #[test]
    fn every_form_is_read() {
        let table = [
            ("2026-11-20 14:30", "2026-11-20T13:30:00Z"),
            ("2026-11-20T14:30", "2026-11-20T13:30:00Z"),
            ("2026-11-20T14:30:07", "2026-11-20T13:30:07Z"),
            ("2026-11-20", "2026-11-19T23:00:00Z"),
            ("2026-07-01 14:30", "2026-07-01T12:30:00Z"),
            ("9:05", "2026-11-20T08:05:00Z"),
            ("13:30:15", "2026-11-20T12:30:15Z"),
            ("today 00:10", "2026-11-19T23:10:00Z"),
            ("yesterday 14:30", "2026-11-19T13:30:00Z"),
            ("Yesterday", "2026-11-18T23:00:00Z"),
            ("2026-11-20T14:30:00Z", "2026-11-20T14:30:00Z"),
            ("2026-11-20T14:30+01:00", "2026-11-20T13:30:00Z"),
            ("2026-11-20 14:30-05:00", "2026-11-20T19:30:00Z"),
            ("-2h", "2026-11-20T11:00:00Z"),
            ("30m", "2026-11-20T12:30:00Z"),
            ("7d", "2026-11-13T13:00:00Z"),
            (" now ", "2026-11-20T13:00:00Z"),
        ];
        for (text, expected) in table {
            assert_eq!(read_in("Europe/Berlin", text).as_deref(), Ok(expected), "{text}");
        }
    }

    #[test]
    fn what_is_no_time_is_refused() {
        let long = "9".repeat(LONGEST + 1);
        for text in [
            "",
            "noon",
            "é",
            "14",
            "14:",
            ":30",
            "24:30",
            "14:61",
            "--2h",
            "2x",
            "tomorrow 14:30",
            "2026-13-01",
            "2026-11-20 25:00",
            "2026-11-20 14:30 CET",
            "99999999999999w",
            "1969-12-31T00:00Z",
            "2026-11-20T14:30[Europe/Berlin]",
            &long,
        ] {
            assert_eq!(read_in("Europe/Berlin", text), Err(NoInstant::NotATime), "{text}");
        }
    }

    #[test]
    fn an_hour_that_a_zone_has_twice_is_named_with_both_its_offsets() {
        let table = [
            ("Europe/Berlin", "2026-10-25 02:30", "2026-10-25T02:30:00+02:00", "2026-10-25T02:30:00+01:00"),
            (
                "America/New_York",
                "2026-11-01 01:30",
                "2026-11-01T01:30:00-04:00",
                "2026-11-01T01:30:00-05:00",
            ),
        ];
        for (zone, text, first, second) in table {
            let twice = NoInstant::Twice { zone: zone.into(), first: first.into(), second: second.into() };
            assert_eq!(read_in(zone, text), Err(twice));
            let (first, second) = (read_in(zone, first).unwrap(), read_in(zone, second).unwrap());
            assert!(first < second, "an hour lies between: {first} {second}");
        }
        assert!(read_in("Europe/Berlin", "2026-10-25 01:59:59").is_ok());
        assert!(read_in("Europe/Berlin", "2026-10-25 03:00").is_ok());
    }

    #[test]
    fn an_hour_that_a_zone_does_not_have_is_named() {
        let table = [
            ("Europe/Berlin", "2026-03-29 02:30", "2026-03-29T03:30:00+02:00"),
            ("America/New_York", "2026-03-08 02:15", "2026-03-08T03:15:00-04:00"),
        ];
        for (zone, text, instead) in table {
            let never = NoInstant::Never { zone: zone.into(), instead: instead.into() };
            assert_eq!(read_in(zone, text), Err(never));
            assert!(read_in(zone, instead).is_ok());
        }
        assert!(read_in("UTC", "2026-03-29 02:30").is_ok());
    }
}
