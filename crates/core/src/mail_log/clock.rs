//! Times as the log shows them. Many lines share a second, so the last one rendered is kept.

use jiff::tz::TimeZone;

use crate::Instant;
use crate::message::date::{month, timestamp, weekday};

/// Octets of `Wed Apr  2 14:30:04 2003`.
pub(super) const STAMP: usize = 24;

/// Renders instants in one zone.
#[derive(Debug)]
pub(super) struct Clock {
    zone: TimeZone,
    second: Option<u64>,
    stamp: [u8; STAMP],
}

impl Clock {
    pub(super) const fn new(zone: TimeZone) -> Self {
        Self { zone, second: None, stamp: [b' '; STAMP] }
    }

    /// Returns the time of `at` (microseconds since the epoch) in the zone.
    pub(super) fn stamp(&mut self, at: u64) -> [u8; STAMP] {
        let second = at / 1_000_000;
        if self.second != Some(second) {
            self.second = Some(second);
            self.draw(at);
        }
        self.stamp
    }

    /// Returns how far the zone is ahead of UTC at `at`.
    pub(super) fn offset_seconds(&self, at: u64) -> i32 {
        self.zone.to_offset(timestamp(Instant(at))).seconds()
    }

    fn draw(&mut self, at: u64) {
        let time = self.zone.to_datetime(timestamp(Instant(at)));
        let stamp = &mut self.stamp;
        stamp[..3].copy_from_slice(weekday(time));
        stamp[4..7].copy_from_slice(month(time));
        two(&mut stamp[8..10], time.day());
        if stamp[8] == b'0' {
            stamp[8] = b' ';
        }
        two(&mut stamp[11..13], time.hour());
        two(&mut stamp[14..16], time.minute());
        two(&mut stamp[17..19], time.second());
        (stamp[13], stamp[16]) = (b':', b':');
        let year = time.year().unsigned_abs();
        two(&mut stamp[20..22], i8::try_from(year / 100).unwrap_or(0));
        two(&mut stamp[22..24], i8::try_from(year % 100).unwrap_or(0));
    }
}

fn two(out: &mut [u8], number: i8) {
    let number = number.unsigned_abs();
    out[0] = b'0' + number / 10;
    out[1] = b'0' + number % 10;
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use jiff::tz::TimeZoneDatabase;

    use super::*;

    fn stamp(zone: &str, second: u64) -> String {
        let zone = TimeZoneDatabase::bundled().get(zone).unwrap();
        String::from_utf8(Clock::new(zone).stamp(second * 1_000_000).to_vec()).unwrap()
    }

    #[test]
    fn days_are_padded_with_a_space_and_zones_are_kept() {
        assert_eq!(stamp("UTC", 0), "Thu Jan  1 00:00:00 1970");
        assert_eq!(stamp("UTC", 1_597_328_982), "Thu Aug 13 14:29:42 2020");
        assert_eq!(stamp("America/New_York", 1_597_328_982), "Thu Aug 13 10:29:42 2020");
        assert_eq!(stamp("Asia/Kolkata", 1_049_272_200), "Wed Apr  2 14:00:00 2003");
        assert_eq!(stamp("UTC", u64::MAX / 1_000_000), "Thu Dec 30 22:00:00 9999");
    }

    #[test]
    fn the_kept_second_is_not_shown_for_another_one() {
        let mut clock = Clock::new(TimeZone::UTC);
        let [first, same, other, back] =
            [1_999_999, 1_000_000, 2_000_000, 1_000_000].map(|at| clock.stamp(at));
        assert_eq!((first, first), (same, back));
        assert_ne!(first, other);
    }
}
