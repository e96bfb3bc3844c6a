//! What the records say of a destination, as text.

use std::fmt::Write as _;

use super::HostStatusReply;
use super::history::{
    HostCertificate, HostChange, HostDifference, HostHistory, HostOver, HostShares, HostState, HostStep,
    HostThen,
};
use crate::format::{AsOf, count, short_span};

/// Where values begin.
const COLUMN: usize = 22;

impl HostStatusReply {
    /// The answer about a time that is over, when one was asked for.
    pub(super) fn of_the_past(&self) -> Option<String> {
        let history = self.history.as_ref()?;
        let mut out = format!("Host mail status for: '{}'\n", self.host);
        match (&history.then, &history.over) {
            (Some(then), _) => then_text(&mut out, then, &self.as_of),
            (None, Some(over)) => over_text(&mut out, over, &self.as_of),
            (None, None) => return None,
        }
        reach(&mut out, history, &self.as_of);
        Some(out)
    }

    /// The line about what changed, beneath the status of now.
    pub(super) fn what_changed(&self, out: &mut String) {
        if let Some(changed) = self.history.as_ref().and_then(|history| history.changed.as_ref()) {
            field(out, "What changed:", &changed.sentence(&self.as_of));
        }
    }
}

impl HostChange {
    /// Names everything in one line.
    pub fn sentence(&self, as_of: &AsOf) -> String {
        let since = format!("since it worked last, {}", as_of.show(self.worked_us));
        match self.differences.is_empty() {
            true => format!("nothing we can see changed {since}"),
            false => {
                let all: Vec<String> = self.differences.iter().map(|one| one.sentence(as_of)).collect();
                format!("{} ({since})", all.join("; "))
            }
        }
    }
}

impl HostDifference {
    /// Says what differs.
    pub fn sentence(&self, as_of: &AsOf) -> String {
        let name = self.name.as_deref().unwrap_or("the destination");
        let before = self.before.as_deref().unwrap_or("nothing");
        let after = self.after.as_deref().unwrap_or("nothing");
        match self.kind.as_str() {
            "mx-added" => format!("MX {name} ({after}) is new"),
            "mx-removed" => format!("MX {name} ({before}) is gone"),
            "mx-preference" => format!("MX {name} has preference {after}, before {before}"),
            "address-added" => format!("{name} has the new address {after}"),
            "address-removed" => format!("{name} has lost the address {before}"),
            "port" => format!("{name} is at port {after}, before {before}"),
            "dns-failed" => format!("DNS does not answer any more: {after}"),
            "dns-answers" => "DNS answers again".to_owned(),
            "route" => format!("its mail goes by {after}, before by {before}"),
            "certificate" => self.certificate(name, as_of),
            "tls" => format!("{name} speaks {}, before {}", tls(&self.after), tls(&self.before)),
            "source" => format!("we connect from {after}, before from {before}"),
            "configuration" => self.configuration(before, after),
            _ => format!("{name}: {after}, before {before}"),
        }
    }

    fn certificate(&self, name: &str, as_of: &AsOf) -> String {
        let [from, to] = self.certificates.as_slice() else {
            return format!("{name} shows another certificate");
        };
        let issuer = match from.issuer == to.issuer {
            true => String::new(),
            false => format!(", signed by {}, before by {}", to.issuer, from.issuer),
        };
        format!(
            "{name} shows another certificate, {}, before {}{issuer}, valid from {} until {}",
            short(&to.fingerprint),
            short(&from.fingerprint),
            as_of.show(to.from_us),
            as_of.show(to.until_us)
        )
    }

    fn configuration(&self, before: &str, after: &str) -> String {
        let settings = match (self.settings.as_slice(), self.more_settings) {
            ([], 0) => "only its text differs".to_owned(),
            (names, 0) => names.join(", "),
            (names, more) => format!("{} and {more} more", names.join(", ")),
        };
        format!("our configuration is {after}, before {before}: {settings}")
    }
}

/// The beginning of a fingerprint, enough to tell two apart by eye.
fn short(fingerprint: &str) -> &str {
    fingerprint.get(..16).unwrap_or(fingerprint)
}

fn tls(protocol: &Option<String>) -> &str {
    protocol.as_deref().unwrap_or("in clear")
}

fn field(out: &mut String, name: &str, value: &str) {
    let _ = writeln!(out, "{name:<COLUMN$}{value}");
}

fn then_text(out: &mut String, then: &HostThen, as_of: &AsOf) {
    field(out, "Status at:", &format!("{} ({})", as_of.show(then.at_us), as_of.zone));
    match &then.state {
        None => field(out, "Host up/down:", "not known: nothing of it is on record up to then"),
        Some(state) => state_text(out, state, then.at_us, as_of),
    }
}

fn status(state: &HostState) -> &str {
    match state.status.as_str() {
        "not-running" => "the gateway did not run",
        other => other,
    }
}

fn state_text(out: &mut String, state: &HostState, at: u64, as_of: &AsOf) {
    field(out, "Host up/down:", status(state));
    let held = short_span(at.saturating_sub(state.since_us) / 1_000_000);
    let earlier = if state.or_earlier { " or earlier" } else { "" };
    if state.since_us > 0 {
        field(out, "Since:", &format!("{}{earlier} ({held} before)", as_of.show(state.since_us)));
    }
    if state.before_start {
        field(out, "Last tried:", "before the gateway's start; the status is as it was then");
    }
    if let Some(reason) = &state.reason {
        field(out, "Reason:", reason);
    }
    if let Some((by, since)) = &state.suspended {
        field(out, "Suspended:", &format!("by {by}, {}", as_of.show(*since)));
    }
    if let Some((by, since)) = &state.all_suspended {
        field(out, "All suspended:", &format!("by {by}, {}", as_of.show(*since)));
    }
    if let Some(configuration) = &state.configuration {
        let since =
            state.configured_us.map_or_else(String::new, |at| format!(", in force since {}", as_of.show(at)));
        field(out, "Configuration:", &format!("{configuration}{since}"));
    }
    for (place, answer) in answers(state).iter().enumerate() {
        field(out, if place == 0 { "DNS answers then:" } else { "" }, answer);
    }
    for server in &state.servers {
        let certificate =
            server.certificate.as_ref().map_or_else(String::new, |shown| certificate(shown, as_of));
        field(out, "Met last:", &format!("{}, {}{certificate}", server.name, tls(&server.protocol)));
    }
    if !state.sources.is_empty() {
        field(out, "From our address:", &state.sources.join(", "));
    }
    if let Some(changed) = &state.changed {
        field(out, "What changed:", &changed.sentence(as_of));
    }
}

fn certificate(shown: &HostCertificate, as_of: &AsOf) -> String {
    let HostCertificate { fingerprint, subject, issuer, from_us, until_us } = shown;
    let (from, until) = (as_of.show(*from_us), as_of.show(*until_us));
    format!(
        ", certificate {} for {subject}, signed by {issuer}, valid from {from} until {until}",
        short(fingerprint)
    )
}

/// What was said about where its mail goes, a line each.
fn answers(state: &HostState) -> Vec<String> {
    let mut lines = Vec::new();
    match state.answers.as_str() {
        "failed" => lines.push(format!("none: {}", state.lookup.as_deref().unwrap_or("the look-up failed"))),
        "route" => lines.push("not asked: a route of the configuration leads there".to_owned()),
        "dns" if state.exchangers.is_empty() => lines.push("no MX".to_owned()),
        "dns" => {
            let all: Vec<String> =
                state.exchangers.iter().map(|mx| format!("{} {}", mx.preference, mx.name)).collect();
            lines.push(format!("MX {}", all.join(", ")));
        }
        _ => lines.push("none on record".to_owned()),
    }
    let addresses = state.addresses.iter();
    lines.extend(addresses.map(|one| format!("{} {} ({})", one.preference, one.address, one.name)));
    lines
}

fn over_text(out: &mut String, over: &HostOver, as_of: &AsOf) {
    field(out, "From:", &format!("{} ({})", as_of.show(over.from_us), as_of.zone));
    field(out, "To:", &as_of.show(over.to_us));
    field(out, "Up:", &shares_text(&over.shares));
    let opening = match &over.opening {
        Some(state) => sentence(state),
        None => "not known: nothing of it is on record up to then".to_owned(),
    };
    field(out, "At the beginning:", &opening);
    out.push('\n');
    if over.steps.is_empty() {
        out.push_str("Nothing changed in this time.\n");
    }
    for step in &over.steps {
        step_text(out, step, as_of);
    }
    if !over.steps.is_empty() {
        let shown = count(over.steps.len() as u64, "step");
        let of =
            if over.total > over.steps.len() as u64 { format!(" of {}", over.total) } else { String::new() };
        let _ = writeln!(out, "\n{shown}{of}.");
    }
    if let Some(next) = &over.next {
        let _ = writeln!(out, "More follow: give the same with `page {next}`.");
    }
    out.push('\n');
}

fn shares_text(shares: &HostShares) -> String {
    let span = |us: u64| short_span(us / 1_000_000);
    let share = match shares.up_permille() {
        None => "not known at any time".to_owned(),
        Some(permille) => {
            format!("{}.{} % of the time on record ({})", permille / 10, permille % 10, span(shares.up_us))
        }
    };
    let mut parts = vec![share];
    for (us, name) in [
        (shares.down_us, "down"),
        (shares.unknown_us, "unknown"),
        (shares.not_running_us, "the gateway did not run for"),
        (shares.before_us, "nothing on record for"),
    ] {
        if us >= 1_000_000 {
            parts.push(format!("{name} {}", span(us)));
        }
    }
    parts.join(", ")
}

/// The status with its reason.
fn sentence(state: &HostState) -> String {
    let carried = if state.before_start { ", as before the gateway's start" } else { "" };
    match &state.reason {
        Some(reason) if state.status != "up" => format!("{}{carried}: {reason}", status(state)),
        Some(_) | None => format!("{}{carried}", status(state)),
    }
}

fn step_text(out: &mut String, step: &HostStep, as_of: &AsOf) {
    let by = step.by.as_deref().unwrap_or("an operator");
    let scope = if step.everywhere { "all delivery" } else { "delivery" };
    let said = match step.what.as_str() {
        "status" => sentence(&step.state),
        "flapped" => {
            format!("{} more, then {}", count(u64::from(step.changes), "change"), sentence(&step.state))
        }
        "way" => format!("{}, by another way", status(&step.state)),
        "suspended" => format!("{scope} suspended by {by}"),
        "resumed" => format!("{scope} resumed by {by}"),
        "stopped" => "the gateway was stopped".to_owned(),
        "started" => format!("the gateway was started; {}", sentence(&step.state)),
        "configured" => "another configuration".to_owned(),
        other => other.to_owned(),
    };
    let held = short_span(step.held_us / 1_000_000);
    let _ = writeln!(out, "{}  {said} (for {held})", as_of.show(step.at_us));
    for difference in &step.differences {
        let _ = writeln!(out, "    {}", difference.sentence(as_of));
    }
    if !matches!(step.what.as_str(), "status" | "flapped") {
        return;
    }
    if let Some(answer) = answers(&step.state).first().filter(|_| step.state.answers != "unknown") {
        let _ = writeln!(out, "    DNS answers then: {answer}");
    }
    if let Some(configuration) = &step.state.configuration {
        let _ = writeln!(out, "    Configuration: {configuration}");
    }
    if let Some(changed) = &step.state.changed {
        let _ = writeln!(out, "    What changed: {}", changed.sentence(as_of));
    }
}

fn reach(out: &mut String, history: &HostHistory, as_of: &AsOf) {
    let _ = match history.records_to_us {
        0 => writeln!(out, "The records are being read; none is there yet."),
        to => {
            writeln!(out, "Records reach from {} to {}.", as_of.show(history.records_from_us), as_of.show(to))
        }
    };
}
