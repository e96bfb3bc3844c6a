//! Sizes and times as people write them.

use std::time::Duration;

use super::value::Complaint;

/// 1,024 octets.
pub(super) const KIB: u64 = 1 << 10;
/// 1,048,576 octets.
pub(super) const MIB: u64 = 1 << 20;
/// 1,073,741,824 octets.
pub(super) const GIB: u64 = 1 << 30;
/// 1,099,511,627,776 octets.
pub(super) const TIB: u64 = 1 << 40;

const SIZES: [(&str, u64); 9] = [
    ("TiB", TIB),
    ("GiB", GIB),
    ("MiB", MIB),
    ("KiB", KIB),
    ("TB", 1_000_000_000_000),
    ("GB", 1_000_000_000),
    ("MB", 1_000_000),
    ("KB", 1_000),
    ("B", 1),
];

const TIMES: [(&str, u64); 5] = [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];

/// Reads `64 MiB`, `100 MB` (decimal), `512` (octets). Upper and lower case are one.
pub(super) fn size(text: &str) -> Result<u64, Complaint> {
    let bad = |hint: &str| Complaint::new(format!("\"{}\" is not a size", text.escape_debug()), hint);
    let (number, unit) = leading_number(text.trim());
    let number: u64 = number.parse().map_err(|_| bad("write a whole number and a unit: \"64 MiB\""))?;
    let unit = unit.trim();
    if unit.is_empty() {
        return Ok(number);
    }
    let factor = SIZES.iter().find(|(name, _)| name.eq_ignore_ascii_case(unit)).map(|(_, factor)| *factor);
    let factor = factor.ok_or_else(|| {
        bad("the units are B, KiB, MiB, GiB, TiB (powers of 1,024) and KB, MB, GB, TB (powers of 1,000)")
    })?;
    number.checked_mul(factor).ok_or_else(|| bad("that is more than can be counted"))
}

/// Reads `5m`, `1h30m`, `250ms`, `3 d`, `90` (seconds).
pub(super) fn duration(text: &str) -> Result<Duration, Complaint> {
    let bad = |hint: &str| Complaint::new(format!("\"{}\" is not a time", text.escape_debug()), hint);
    let mut rest = text.trim();
    if let Ok(seconds) = rest.parse::<u64>() {
        return Ok(Duration::from_secs(seconds));
    }
    let mut total: u64 = 0;
    let mut largest_left = u64::MAX;
    loop {
        let (number, tail) = leading_number(rest);
        let number: u64 = number.parse().map_err(|_| bad("write numbers and units: \"90s\", \"1h30m\""))?;
        let tail = tail.trim_start();
        let end = tail.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(tail.len());
        let factor = TIMES.iter().find(|(name, _)| *name == &tail[..end]).map(|(_, factor)| *factor);
        let factor = factor.ok_or_else(|| bad("the units are d, h, m, s and ms"))?;
        if factor >= largest_left {
            return Err(bad("write the larger unit first, each once: \"1h30m\""));
        }
        largest_left = factor;
        let part = number.checked_mul(factor);
        total = part
            .and_then(|part| total.checked_add(part))
            .ok_or_else(|| bad("that is longer than can be counted"))?;
        rest = tail[end..].trim_start();
        if rest.is_empty() {
            return Ok(Duration::from_millis(total));
        }
    }
}

/// Writes a size with the largest unit that leaves a whole number.
pub(super) fn show_size(octets: u64) -> String {
    let whole = |(_, factor): &&(&str, u64)| octets >= *factor && octets.is_multiple_of(*factor);
    match SIZES.iter().filter(|(name, _)| name.ends_with("iB")).find(whole) {
        Some((name, factor)) => format!("{} {name}", octets / factor),
        None => format!("{octets} octets"),
    }
}

/// Writes a time with the largest unit that leaves a whole number.
pub(super) fn show_duration(time: Duration) -> String {
    let millis = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
    let whole = |(_, factor): &&(&str, u64)| millis >= *factor && millis.is_multiple_of(*factor);
    match TIMES.iter().find(whole) {
        Some((name, factor)) => format!("{}{name}", millis / factor),
        None => "0s".to_owned(),
    }
}

fn leading_number(text: &str) -> (&str, &str) {
    text.split_at(text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn sizes() {
        for (text, octets) in [
            ("64 MiB", 64 * MIB),
            ("100 MB", 100_000_000),
            ("1gib", GIB),
            ("512", 512),
            ("0", 0),
            (" 7 B ", 7),
        ] {
            assert_eq!(size(text), Ok(octets), "{text}");
        }
        for text in ["", "MiB", "1.5 GiB", "5 M", "-1", "99999999999 GiB", "1 MiB x", "٣ MiB"] {
            assert!(size(text).is_err(), "{text}");
        }
        assert_eq!(
            [show_size(64 * MIB), show_size(1000), show_size(0)],
            ["64 MiB", "1000 octets", "0 octets"]
        );
    }

    #[test]
    fn durations() {
        for (text, millis) in [
            ("5m", 300_000),
            ("1h30m", 5_400_000),
            ("1h 30m", 5_400_000),
            ("250ms", 250),
            ("3 d", 259_200_000),
            ("90", 90_000),
            ("1m1s1ms", 61_001),
        ] {
            assert_eq!(duration(text), Ok(Duration::from_millis(millis)), "{text}");
        }
        for text in ["", "m", "5", "5 min", "30m1h", "1h1h", "-5m", "1.5h", "999999999999999999d"] {
            assert_eq!(duration(text).is_err(), text != "5", "{text}");
        }
        let shown = [60_000, 90_000, 259_200_000, 250, 0].map(|ms| show_duration(Duration::from_millis(ms)));
        assert_eq!(shown, ["1m", "90s", "3d", "250ms", "0s"]);
    }
}
