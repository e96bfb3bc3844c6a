//! How destinations are treated: `[destination_default]`, `[[destination]]`, `[[bounce_profile]]`.

use std::time::Duration;

use super::names;
use super::reader::{Section, Spec};
use super::route::check_reached;
use super::units;
use crate::delivery::io::TlsMode;
use crate::delivery::settings::{BounceProfile, Control, Pattern};

pub(super) const DEFAULT: Spec = Spec {
    header: "[destination_default]",
    keys: &[
        "concurrency",
        "messages_per_connection",
        "recipients",
        "minutes",
        "limit",
        "tls",
        "bounce_profile",
    ],
};

pub(super) const DESTINATION: Spec = Spec {
    header: "[[destination]]",
    keys: &[
        "domain",
        "concurrency",
        "messages_per_connection",
        "recipients",
        "minutes",
        "limit",
        "tls",
        "bounce_profile",
    ],
};

pub(super) const PROFILE: Spec = Spec {
    header: "[[bounce_profile]]",
    keys: &["name", "max_attempts", "max_queue", "initial", "max_interval", "send_bounces", "delay_report"],
};

/// The profile of destinations that name none.
const DEFAULT_PROFILE: &str = "default";

/// Reads the profiles. The default one is always there, and first.
pub(super) fn read_profiles(root: &Section<'_>) -> Vec<BounceProfile> {
    let mut profiles = vec![default_profile()];
    let mut seen: Vec<String> = Vec::new();
    for row in root.sections("bounce_profile", &PROFILE) {
        let name = row.required("name", "\"patient\"", |v| v.parsed(names::label));
        let profile = read_profile(&row, name.map(|name| name.value).unwrap_or_default());
        if seen.contains(&profile.name) {
            let message = format!("two bounce profiles are named \"{}\"", profile.name);
            row.wrong("name", message, "give each a name of its own");
        }
        seen.push(profile.name.clone());
        match profile.name.as_str() {
            "" => {}
            DEFAULT_PROFILE => profiles[0] = profile,
            _ => profiles.push(profile),
        }
    }
    profiles
}

fn default_profile() -> BounceProfile {
    BounceProfile { name: DEFAULT_PROFILE.to_owned(), ..BounceProfile::default() }
}

fn read_profile(row: &Section<'_>, name: String) -> BounceProfile {
    let default = default_profile();
    let (second, day) = (Duration::from_secs(1), Duration::from_hours(24));
    let seconds =
        |key, most, default| row.duration(key, second..=most, Duration::from_secs(default)).as_secs();
    let short = |key, default: u32| u32::try_from(seconds(key, day, default.into())).unwrap_or(u32::MAX);
    let delay = row.optional("delay_report", |v| match v.text() {
        Some("off") => Some(None),
        _ => v.duration(Duration::from_mins(1)..=day * 30).map(|time| Some(time.as_secs())),
    });
    let profile = BounceProfile {
        name,
        attempts: row.integer("max_attempts", 1..=100_000, default.attempts),
        queue_seconds: seconds("max_queue", day * 365, default.queue_seconds),
        initial_seconds: short("initial", default.initial_seconds),
        max_seconds: short("max_interval", default.max_seconds),
        send_bounces: row.or("send_bounces", default.send_bounces, |v| v.boolean()),
        delay_report_seconds: delay.flatten(),
    };
    let show = |seconds| units::show_duration(Duration::from_secs(seconds));
    if profile.initial_seconds > profile.max_seconds {
        let first = show(profile.initial_seconds.into());
        let message = format!("the first wait ({first}) is longer than the longest");
        row.wrong("initial", message, "lower initial, or raise max_interval");
    }
    if u64::from(profile.initial_seconds) >= profile.queue_seconds {
        let message =
            format!("mail would expire after {}, before its second try", show(profile.queue_seconds));
        row.wrong("max_queue", message, "raise max_queue, or lower initial");
    }
    if let Some(delay) = profile.delay_report_seconds.filter(|delay| *delay >= profile.queue_seconds) {
        let message = format!("a delay report after {} would come after the bounce", show(delay));
        row.wrong("delay_report", message, "lower delay_report, or raise max_queue");
    }
    profile
}

/// Reads the controls of destinations without a row.
pub(super) fn read_default(root: &Section<'_>, profiles: &[BounceProfile]) -> Control {
    read_control(&root.section("destination_default", &DEFAULT), &Control::default(), profiles)
}

/// Reads the rows of single destinations; what a row does not say is as in `default`.
pub(super) fn read_rows(
    root: &Section<'_>,
    default: &Control,
    profiles: &[BounceProfile],
) -> Vec<(Pattern, Control)> {
    let mut rows: Vec<(Pattern, Control)> = Vec::new();
    for row in root.sections("destination", &DESTINATION) {
        let control = read_control(&row, default, profiles);
        let domain = row.required("domain", "\"example.com\"", |v| v.parsed(names::pattern));
        let Some(domain) = domain else { continue };
        if domain.value == Pattern::All {
            let message = "ALL destinations are not a row";
            row.wrong("domain", message, "write these keys in [destination_default]");
            continue;
        }
        check_reached(&row, rows.iter().map(|(pattern, _)| pattern), &domain.value);
        rows.push((domain.value, control));
    }
    rows
}

fn read_control(section: &Section<'_>, default: &Control, profiles: &[BounceProfile]) -> Control {
    let default = default.clone();
    let recipients = section.optional("recipients", |v| v.integer(0..=u64::from(u32::MAX)));
    let profile = section.optional("bounce_profile", |v| v.text());
    Control {
        concurrency: section.integer("concurrency", 1..=100_000, default.concurrency),
        messages_per_connection: section.integer(
            "messages_per_connection",
            1..=1_000_000,
            default.messages_per_connection,
        ),
        // 0 takes the limit of the default away.
        recipients: recipients.map_or(default.recipients, |limit: u32| (limit > 0).then_some(limit)),
        recipient_minutes: section.integer("minutes", 1..=60, default.recipient_minutes),
        per_address: section
            .or("limit", default.per_address, |v| v.choice(&[("domain", false), ("address", true)])),
        tls: section.or("tls", default.tls, |v| v.choice(&TLS_MODES)),
        profile: profile.map_or(default.profile, |name| profile_named(section, name, profiles)),
    }
}

fn profile_named(section: &Section<'_>, name: &str, profiles: &[BounceProfile]) -> usize {
    profiles.iter().position(|profile| profile.name == name).unwrap_or_else(|| {
        let known: Vec<&str> = profiles.iter().map(|profile| profile.name.as_str()).collect();
        let message = format!("no bounce profile is named \"{}\"", name.escape_debug());
        let hint = format!("add [[bounce_profile]] with this name; there are: {}", known.join(", "));
        section.undefined("bounce_profile", message, hint);
        0
    })
}

const TLS_MODES: [(&str, TlsMode); 4] = [
    ("off", TlsMode::Off),
    ("preferred", TlsMode::Preferred),
    ("required", TlsMode::Required),
    ("verify", TlsMode::Verify),
];
