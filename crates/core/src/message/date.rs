//! Dates as mail and logs write them, in the English words of their standards.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use crate::Instant;

/// Returns the instant as the calendar knows it; what lies beyond the calendar is its last second.
pub(crate) fn timestamp(at: Instant) -> Timestamp {
    let seconds = i64::try_from(at.secs()).unwrap_or(i64::MAX);
    Timestamp::from_second(seconds).unwrap_or(Timestamp::MAX)
}

/// Returns `Mon` to `Sun`.
pub(crate) fn weekday(time: DateTime) -> &'static [u8; 3] {
    const DAYS: [&[u8; 3]; 7] = [b"Mon", b"Tue", b"Wed", b"Thu", b"Fri", b"Sat", b"Sun"];
    DAYS[usize::from(time.weekday().to_monday_zero_offset().unsigned_abs()) % 7]
}

/// Returns `Jan` to `Dec`.
pub(crate) fn month(time: DateTime) -> &'static [u8; 3] {
    const MONTHS: [&[u8; 3]; 12] =
        [b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec"];
    MONTHS[usize::from((time.month() - 1).unsigned_abs()) % 12]
}

/// Appends `Thu, 13 Aug 2020 14:29:42 +0000` (RFC 5322 3.3).
pub(crate) fn write(at: Instant, zone: &TimeZone, out: &mut Vec<u8>) {
    let offset = zone.to_offset(timestamp(at));
    let time = offset.to_datetime(timestamp(at));
    let minutes = offset.seconds() / 60;
    let year = time.year().unsigned_abs();
    out.extend_from_slice(weekday(time));
    out.extend_from_slice(b", ");
    two(time.day().unsigned_abs(), b' ', out);
    out.extend_from_slice(month(time));
    out.push(b' ');
    two((year / 100).to_le_bytes()[0], b'\0', out);
    two((year % 100).to_le_bytes()[0], b' ', out);
    two(time.hour().unsigned_abs(), b':', out);
    two(time.minute().unsigned_abs(), b':', out);
    two(time.second().unsigned_abs(), b' ', out);
    out.push(if minutes < 0 { b'-' } else { b'+' });
    let minutes = minutes.unsigned_abs();
    two((minutes / 60).to_le_bytes()[0], b'\0', out);
    two((minutes % 60).to_le_bytes()[0], b'\0', out);
}

/// Appends two digits and what follows them; NUL is nothing.
fn two(number: u8, then: u8, out: &mut Vec<u8>) {
    out.extend_from_slice(&[b'0' + number / 10 % 10, b'0' + number % 10]);
    if then != 0 {
        out.push(then);
    }
}
