//! Instants on pages: absolute in the site's zone, relative as small print, UTC in the tooltip.

use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};
use mailreeve_api::format::AsOf;

use super::html::Html;
use super::words::{Arg, Words};

/// Shows an instant: the time of day, with the day when that is not the reply's.
pub(crate) fn instant(words: &Words, as_of: &AsOf, at_us: u64) -> Html {
    element(words, as_of, at_us, &bare_instant(words, as_of, at_us))
}

/// Shows an instant without its tooltip, for rows that come by the hundred.
pub(crate) fn bare_instant(words: &Words, as_of: &AsOf, at_us: u64) -> Html {
    day_and_time(words, as_of, at_us, "%H:%M")
}

/// Shows an instant to the second, with the day when that is not the reply's.
pub(crate) fn exact_instant(words: &Words, as_of: &AsOf, at_us: u64) -> Html {
    element(words, as_of, at_us, &day_and_time(words, as_of, at_us, "%H:%M:%S"))
}

fn day_and_time(words: &Words, as_of: &AsOf, at_us: u64, form: &str) -> Html {
    let (at, now) = (zoned(as_of, at_us), zoned(as_of, as_of.at_us));
    let mut shown = Html::new();
    if at.date() == now.date() {
        shown.text(&at.strftime(form).to_string());
    } else {
        let month = words.say(&format!("month.{}", at.month()));
        let (day, time) = (at.strftime("%-d").to_string(), at.strftime(form).to_string());
        let args = [("day", Arg::Text(&day)), ("month", Arg::Piece(month)), ("time", Arg::Text(&time))];
        shown = words.tell("time.day", &args);
    }
    shown
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

/// UTC in the tooltip; with its date when that is not the reply's.
fn element(words: &Words, as_of: &AsOf, at_us: u64, shown: &Html) -> Html {
    let at = timestamp(at_us).to_zoned(TimeZone::UTC);
    let today = at.date() == timestamp(as_of.at_us).to_zoned(TimeZone::UTC).date();
    let utc = at.strftime(if today { "%H:%M:%S" } else { "%Y-%m-%d %H:%M:%S" }).to_string();
    let title = words.tell("time.utc", &[("time", Arg::Text(&utc))]);
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
        assert_eq!(today, "<time title=\"17:29:42 UTC\">13:29</time>");
        let before = instant(words, &as_of, as_of.at_us - 86_400_000_000).into_string();
        assert_eq!(before, "<time title=\"2020-08-12 18:29:42 UTC\">12 Aug 14:29</time>");
    }
}
