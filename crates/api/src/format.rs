//! How numbers, instants and spans of time are written for operators.

use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// When a reply was made, and the zone in which its instants are shown.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AsOf {
    /// Microseconds since the epoch, UTC.
    pub at_us: u64,
    /// The gateway's configured zone, an IANA name.
    pub zone: String,
}

impl AsOf {
    /// Shows an instant: `Thu Aug 13 14:29:42 2020 EDT`.
    pub fn show(&self, at_us: u64) -> String {
        self.zoned(at_us).strftime("%a %b %d %H:%M:%S %Y %Z").to_string()
    }

    /// Shows the reply's own instant.
    pub fn now(&self) -> String {
        self.show(self.at_us)
    }

    /// Shows the reply's own time of day: `14:29:42`.
    pub fn time(&self) -> String {
        self.zoned(self.at_us).strftime("%H:%M:%S").to_string()
    }

    /// Shows the day and the time of an instant: `Thu 14:29`.
    pub fn day_and_time(&self, at_us: u64) -> String {
        self.zoned(at_us).strftime("%a %H:%M").to_string()
    }

    /// Shows an instant without its zone, as tables do.
    pub fn show_plain(&self, at_us: u64) -> String {
        self.zoned(at_us).strftime("%a %b %d %H:%M:%S %Y").to_string()
    }

    /// Seconds from `at_us` to the reply.
    pub fn seconds_since(&self, at_us: u64) -> u64 {
        self.at_us.saturating_sub(at_us) / 1_000_000
    }

    fn zoned(&self, at_us: u64) -> Zoned {
        let at = i64::try_from(at_us).ok().and_then(|us| Timestamp::from_microsecond(us).ok());
        let zone = TimeZone::get(&self.zone).unwrap_or(TimeZone::UTC);
        at.unwrap_or(Timestamp::UNIX_EPOCH).to_zoned(zone)
    }
}

/// A number with its noun, which takes an s for all but one.
pub(crate) fn count(number: u64, noun: &str) -> String {
    format!("{} {noun}{}", thousands(number), if number == 1 { "" } else { "s" })
}

/// The verb for so many.
pub(crate) const fn is_or_are(number: u64) -> &'static str {
    if number == 1 { "is" } else { "are" }
}

/// Writes a number with separators: `62,049,822`.
pub fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// Writes a span with its two or three largest units: `22h 45m 29s`.
pub fn short_span(seconds: u64) -> String {
    let parts = [(86_400, "d"), (3_600, "h"), (60, "m"), (1, "s")];
    let mut rest = seconds;
    let mut out = Vec::new();
    for (length, unit) in parts {
        if rest >= length || (length == 1 && out.is_empty()) {
            out.push(format!("{}{unit}", rest / length));
            rest %= length;
        }
    }
    out.join(" ")
}

/// Writes an age in words: `4 weeks 46 mins 53 secs`.
pub fn long_span(seconds: u64) -> String {
    let parts = [(604_800, "week"), (86_400, "day"), (3_600, "hour"), (60, "min"), (1, "sec")];
    let mut rest = seconds;
    let mut out = Vec::new();
    for (length, unit) in parts {
        let count = rest / length;
        rest %= length;
        if count > 0 || (length == 1 && out.is_empty()) {
            out.push(format!("{count} {unit}{}", if count == 1 { "" } else { "s" }));
        }
    }
    out.join(" ")
}

/// Writes seconds to live as resolvers do: `52m24s`.
pub fn ttl(seconds: u32) -> String {
    short_span(u64::from(seconds)).replace(' ', "")
}

/// Makes foreign text safe to show: line ends are ours, and what steers a terminal is written out (`\x1b`).
pub fn visible(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.replace("\r\n", "\n").chars() {
        match letter {
            '\n' | '\t' => out.push(letter),
            _ => push_visible(&mut out, letter),
        }
    }
    out
}

/// Makes foreign text safe to show within a line: every control character is written out (`\x1b`, `\x0a`), so that
/// it steers no terminal and begins no line of its own.
pub fn in_line(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        push_visible(&mut out, letter);
    }
    out
}

/// Makes every text of a reply safe to show, as [`in_line`] does.
pub(crate) fn in_lines(reply: &mut Value) {
    match reply {
        Value::String(text) if text.contains(char::is_control) => *text = in_line(text),
        Value::Array(rows) => rows.iter_mut().for_each(in_lines),
        Value::Object(fields) => fields.values_mut().for_each(in_lines),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn push_visible(out: &mut String, letter: char) {
    match letter.is_control() {
        true => out.push_str(&format!("\\x{:02x}", u32::from(letter))),
        false => out.push(letter),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_spans() {
        assert_eq!(thousands(0), "0");
        assert_eq!(thousands(999), "999");
        assert_eq!(thousands(62_049_822), "62,049,822");
        assert_eq!(short_span(81_929), "22h 45m 29s");
        assert_eq!(short_span(0), "0s");
        assert_eq!(long_span(4 * 604_800 + 46 * 60 + 53), "4 weeks 46 mins 53 secs");
        assert_eq!(long_span(61), "1 min 1 sec");
        assert_eq!(ttl(3_144), "52m24s");
    }

    #[test]
    fn no_control_character_is_shown_as_it_is() {
        let all: String = (0..=0x9f).filter_map(char::from_u32).chain(['\u{e9}', '\u{1f600}']).collect();
        let shown = in_line(&all);
        assert!(!shown.contains(char::is_control), "{shown:?}");
        assert!(shown.contains("\\x00") && shown.contains("\\x0a") && shown.contains("\\x9b"), "{shown}");
        assert!(shown.ends_with("\u{e9}\u{1f600}"));
        assert!(visible(&all).chars().all(|letter| !letter.is_control() || ['\n', '\t'].contains(&letter)));
        let mut reply = serde_json::json!({ "rows": [["a\u{1b}[2J", 1], { "text": "b\nc" }], "none": null });
        in_lines(&mut reply);
        let shown = serde_json::json!({ "rows": [["a\\x1b[2J", 1], { "text": "b\\x0ac" }], "none": null });
        assert_eq!(reply, shown);
    }

    #[test]
    fn instants_are_shown_in_the_configured_zone() {
        let as_of = AsOf { at_us: 1_597_343_382_000_000, zone: "America/New_York".into() };
        assert_eq!(as_of.now(), "Thu Aug 13 14:29:42 2020 EDT");
        assert_eq!(AsOf { zone: "nowhere".into(), ..as_of }.now(), "Thu Aug 13 18:29:42 2020 UTC");
    }
}
