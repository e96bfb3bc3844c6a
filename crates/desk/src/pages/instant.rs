//! Instants on pages: absolute in the site's zone, relative as small print, UTC in the tooltip.

use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};
use mailreeve_api::format::AsOf;

use super::html::Html;
use super::words::{Arg, Words};

/// Shows an instant: the time of day, with the day when that is not the reply's.
pub(crate) fn instant(words: &Words, as_of: &AsOf, at_us: u64) -> Html {
    let (at, now) = (zoned(as_of, at_us), zoned(as_of, as_of.at_us));
    let mut shown = Html::new();
    if at.date() == now.date() {
        shown.text(&at.strftime("%H:%M").to_string());
    } else {
        let month = words.say(&format!("month.{}", at.month()));
        let (day, time) = (at.strftime("%-d").to_string(), at.strftime("%H:%M").to_string());
        let args = [("day", Arg::Text(&day)), ("month", Arg::Piece(month)), ("time", Arg::Text(&time))];
        shown = words.tell("time.day", &args);
    }
    element(words, at_us, &shown)
}

/// Shows an instant with its age or how far ahead it lies.
pub(crate) fn instant_and_span(words: &Words, as_of: &AsOf, at_us: u64) -> Html {
    let span = words.span(as_of.at_us.abs_diff(at_us) / 1_000_000);
    let told = match at_us > as_of.at_us {
        true => words.tell("span.ahead", &[("span", Arg::Piece(span))]),
        false => words.tell("span.ago", &[("span", Arg::Piece(span))]),
    };
    Html::of("{} <small>{}</small>", &[&instant(words, as_of, at_us), &told])
}

/// Shows the reply's own instant to the second.
pub(crate) fn clock_time(as_of: &AsOf) -> Html {
    let at = zoned(as_of, as_of.at_us);
    let shown = at.strftime("%H:%M:%S %Z").to_string();
    Html::of("<time datetime=\"{}\">{}</time>", &[&utc(as_of.at_us), &shown])
}

fn element(words: &Words, at_us: u64, shown: &Html) -> Html {
    let utc = utc(at_us);
    let title = words.tell("time.utc", &[("time", Arg::Text(utc.trim_end_matches('Z')))]);
    Html::of("<time title=\"{}\">{}</time>", &[&title, shown])
}

fn utc(at_us: u64) -> String {
    timestamp(at_us).strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

fn zoned(as_of: &AsOf, at_us: u64) -> Zoned {
    timestamp(at_us).to_zoned(TimeZone::get(&as_of.zone).unwrap_or(TimeZone::UTC))
}

fn timestamp(at_us: u64) -> Timestamp {
    let at = i64::try_from(at_us).ok().and_then(|us| Timestamp::from_microsecond(us).ok());
    at.unwrap_or(Timestamp::UNIX_EPOCH)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_days_are_named_and_utc_is_at_hand() {
        let as_of = AsOf { at_us: 1_597_343_382_000_000, zone: "America/New_York".to_owned() };
        let words = Words::english();
        let today = instant(words, &as_of, as_of.at_us - 3_600_000_000).into_string();
        assert_eq!(today, "<time title=\"2020-08-13T17:29:42 UTC\">13:29</time>");
        let before = instant(words, &as_of, as_of.at_us - 86_400_000_000).into_string();
        assert!(before.ends_with(">12 Aug 14:29</time>"), "{before}");
    }
}
