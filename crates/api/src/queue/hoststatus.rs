//! `hoststatus`: everything that is known of one destination.

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

use crate::command::{Argument, Command, Effect, Role, Spec, Text, no_more};
use crate::counters::Completion;
use crate::destination::destination;
use crate::format::{AsOf, short_span, thousands, ttl};
use crate::queue::deliverystatus::{count, is_or_are};
use crate::queue::{CohortLine, Reason};
use crate::wire::Problem;

/// Asks for one destination.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HostStatus {
    /// The recipient host.
    pub host: String,
}

/// What is known of a destination.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct HostStatusReply {
    /// When.
    pub as_of: AsOf,
    /// The destination.
    pub host: String,
    /// `up`, `down` or `unknown`.
    pub status: String,
    /// Since when, microseconds since the epoch.
    pub since_us: Option<u64>,
    /// The failure behind the status, in words, when the destination is not up.
    pub reason: Option<String>,
    /// The failure behind a status other than up, for programs.
    #[serde(default)]
    pub failure: Option<Reason>,
    /// Nothing has been tried there for long: what it was before, when that is known.
    #[serde(default)]
    pub was: Option<String>,
    /// Next attempt of the destination, when its clock runs.
    pub next_attempt_us: Option<u64>,
    /// Who suspended delivery to it, and when.
    pub suspended: Option<(String, u64)>,
    /// Soft Bounced Events.
    pub soft_bounced_evts: u64,
    /// Completion, by kind of end.
    #[serde(flatten)]
    pub completion: Completion,
    /// Unattempted Recipients.
    pub unattempted_recips: u64,
    /// Attempted Recipients.
    pub attempted_recips: u64,
    /// Current Outbound Connections.
    pub conn_out: u64,
    /// Pending Outbound Connections.
    pub conn_pending: u64,
    /// Acceptance time of its oldest waiting message.
    pub oldest_message_us: Option<u64>,
    /// Last attempt or delivery.
    pub last_activity_us: Option<u64>,
    /// Addresses in the order of trying, with their expiry.
    pub addresses: Option<Addresses>,
    /// Each of them with what is held against it.
    #[serde(default)]
    pub targets: Vec<AddressLine>,
    /// Why its recipients wait, the reason of most recipients first.
    #[serde(default)]
    pub cohorts: Vec<CohortLine>,
    /// Different failures of late, at most eight, each as it was last seen, newest first.
    #[serde(default)]
    pub failures: Vec<Reason>,
    /// Exchangers as DNS gave them.
    pub exchangers: Vec<Exchanger>,
    /// SMTP routes for it.
    pub routes: Vec<RouteLine>,
    /// Last 5XX reply.
    pub last_5xx: Option<LastError>,
    /// Last error of any class, whatever the status: why mail waits for a destination that is up.
    pub last_error: Option<LastError>,
    /// Last TLS error, with the mode that was tried.
    pub last_tls: Option<LastError>,
}

/// Addresses to try.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Addresses {
    /// The cached answer's end, microseconds since the epoch.
    pub expires_us: u64,
    /// Preference and address.
    pub ordered: Vec<(u16, String)>,
}

/// An address and what is held against it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct AddressLine {
    /// The address, without the port.
    pub address: String,
    /// The exchanger's name.
    pub name: String,
    /// MX preference, or the route's priority.
    pub preference: u16,
    /// It failed lately: how.
    pub failed: Option<Reason>,
    /// It is tried last until then, microseconds since the epoch.
    pub until_us: Option<u64>,
}

/// An exchanger.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Exchanger {
    /// Preference.
    pub preference: u16,
    /// Seconds left to live.
    pub ttl: u32,
    /// Its name.
    pub name: String,
}

/// A fixed next hop.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RouteLine {
    /// Priority.
    pub priority: u16,
    /// The next hop as configured.
    pub hop: String,
}

/// An error worth keeping.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct LastError {
    /// What was tried (TLS only).
    pub mode: Option<String>,
    /// The reply or our words.
    pub text: String,
    /// The address and port that it came from, when there was one.
    pub address: Option<String>,
    /// When, microseconds since the epoch.
    pub at_us: u64,
}

impl Command for HostStatus {
    type Reply = HostStatusReply;
    const SPEC: Spec = Spec {
        words: "hoststatus",
        summary: "shows all that is known of one destination",
        about: "Up, down or unknown, since when and why; counters since the last reset; what waits; addresses as they stand in the cache; the last 5XX reply, the last error of any class with its address, and the last TLS error.",
        arguments: &[Argument {
            name: "host",
            help: "the recipient host, for example example.com",
            required: true,
            choices: &[],
        }],
        role: Role::ReadOnlyOperator,
        effect: Effect::Read,
        route: "/api/v1/hoststatus",
        example: "hoststatus example.com",
    };

    fn parse(words: &[String]) -> Result<Self, Problem> {
        no_more(words, 1, &Self::SPEC)?;
        let host = words.first().ok_or_else(|| {
            Problem::new("hoststatus needs a recipient host", "for example: hoststatus example.com")
        })?;
        Ok(Self { host: destination(host)? })
    }
}

impl Text for HostStatusReply {
    fn text(&self) -> String {
        let mut out = String::with_capacity(2048);
        self.head(&mut out);
        self.waiting(&mut out);
        self.counters(&mut out);
        self.gauges(&mut out);
        self.times(&mut out);
        self.addresses(&mut out);
        self.errors(&mut out);
        out
    }
}

impl HostStatusReply {
    /// Makes the reply for a destination of which nothing is known.
    pub fn unknown(as_of: AsOf, host: &str) -> Self {
        Self {
            as_of,
            host: host.to_owned(),
            status: "unknown".to_owned(),
            since_us: None,
            reason: None,
            failure: None,
            was: None,
            next_attempt_us: None,
            suspended: None,
            soft_bounced_evts: 0,
            completion: Completion::default(),
            unattempted_recips: 0,
            attempted_recips: 0,
            conn_out: 0,
            conn_pending: 0,
            oldest_message_us: None,
            last_activity_us: None,
            addresses: None,
            targets: Vec::new(),
            cohorts: Vec::new(),
            failures: Vec::new(),
            exchangers: Vec::new(),
            routes: Vec::new(),
            last_5xx: None,
            last_error: None,
            last_tls: None,
        }
    }

    fn head(&self, out: &mut String) {
        let _ = writeln!(out, "Host mail status for: '{}'", self.host);
        let _ = writeln!(out, "Status as of:         {}", self.as_of.now());
        let _ = writeln!(out, "Host up/down:         {}", self.status);
        if let Some(since) = self.since_us {
            let age = short_span(self.as_of.seconds_since(since));
            let _ = writeln!(out, "Since:                {} ({age})", self.as_of.show(since));
        }
        if let Some(reason) = &self.reason {
            let _ = writeln!(out, "Reason:               {reason}");
        }
        if let Some(next) = self.next_attempt_us {
            let _ = writeln!(out, "Next attempt:         {}", self.as_of.show(next));
        }
        if let Some((by, at)) = &self.suspended {
            let _ = writeln!(out, "Suspended:            by {by}, {}", self.as_of.show(*at));
        }
        if let Some(error) = self.last_error.as_ref().filter(|_| self.status == "up" && self.active() > 0) {
            let ago = short_span(self.as_of.seconds_since(error.at_us));
            let _ = writeln!(out, "Last error:           {} ({ago} ago)", error.text);
        }
        out.push('\n');
    }

    /// Says who waits for what.
    fn waiting(&self, out: &mut String) {
        let active = self.active();
        if active == 0 {
            return;
        }
        out.push_str("Why mail waits:\n");
        let stuck: u64 = self.cohorts.iter().map(|cohort| cohort.recipients).sum();
        if let Some(moving) = active.checked_sub(stuck).filter(|moving| *moving > 0) {
            let _ = writeln!(out, "  {} {} on the way now.", count(moving, "recipient"), is_or_are(moving));
        }
        for cohort in &self.cohorts {
            let recipients = count(cohort.recipients, "recipient");
            let _ = write!(out, "  {recipients}: {}", cohort.sentence());
            if let Some(since) = cohort.since_us {
                let _ = write!(out, ", since {}", short_span(self.as_of.seconds_since(since)));
            }
            let _ = writeln!(out, ".{}", cohort.next(&self.as_of));
        }
        out.push('\n');
    }

    const fn active(&self) -> u64 {
        self.unattempted_recips + self.attempted_recips
    }

    fn counters(&self, out: &mut String) {
        let ends = &self.completion;
        out.push_str("Counters:\n  Queue\n");
        line(out, "    Soft Bounced Events", self.soft_bounced_evts);
        out.push_str("  Completion\n");
        line(out, "    Completed Recipients", ends.completed());
        line(out, "      Hard Bounced Recipients", ends.hard());
        line(out, "        DNS Hard Bounces", ends.dns_hard_bounced_recips);
        line(out, "        5XX Hard Bounces", ends.five_xx_hard_bounced_recips);
        line(out, "        Filter Hard Bounces", ends.filter_hard_bounced_recips);
        line(out, "        Expired Hard Bounces", ends.expired_hard_bounced_recips);
        line(out, "        Other Hard Bounces", ends.other_hard_bounced_recips);
        line(out, "      Delivered Recipients", ends.delivered_recips);
        line(out, "      Deleted Recipients", ends.deleted_recips);
        out.push('\n');
    }

    fn gauges(&self, out: &mut String) {
        out.push_str("Gauges:\n  Queue\n");
        line(out, "    Active Recipients", self.active());
        line(out, "      Unattempted Recipients", self.unattempted_recips);
        line(out, "      Attempted Recipients", self.attempted_recips);
        out.push_str("  Connections\n");
        line(out, "    Current Outbound Connections", self.conn_out);
        line(out, "    Pending Outbound Connections", self.conn_pending);
        out.push('\n');
    }

    fn times(&self, out: &mut String) {
        let shown =
            |at: Option<u64>, none: &str| at.map_or_else(|| none.to_owned(), |at| self.as_of.show_plain(at));
        let _ = writeln!(out, "Oldest Message          {}", shown(self.oldest_message_us, "No Messages"));
        let _ = writeln!(out, "Last Activity           {}", shown(self.last_activity_us, "Never"));
    }

    fn addresses(&self, out: &mut String) {
        if let Some(addresses) = &self.addresses {
            let expiry = self.as_of.show_plain(addresses.expires_us);
            let _ = writeln!(out, "Ordered IP addresses: (expiring at {expiry})");
            out.push_str("    Preference   IPs\n");
            let mut rest = &addresses.ordered[..];
            while let Some((preference, _)) = rest.first() {
                let alike = rest.iter().take_while(|(other, _)| other == preference).count();
                let row = alike.min(3);
                let ips: Vec<_> = rest[..row].iter().map(|(_, ip)| format!("{ip:<16}")).collect();
                let _ = writeln!(out, "    {preference:<12} {}", ips.join(" ").trim_end());
                rest = &rest[row..];
            }
            out.push('\n');
        }
        if !self.exchangers.is_empty() {
            out.push_str("MX Records:\n    Preference   TTL         Hostname\n");
            for mx in &self.exchangers {
                let _ = writeln!(out, "    {:<12} {:<11} {}", mx.preference, ttl(mx.ttl), mx.name);
            }
            out.push('\n');
        }
        if !self.routes.is_empty() {
            out.push_str("SMTP Routes for this host:\n    Preference   Hostname\n");
            for route in &self.routes {
                let _ = writeln!(out, "    {:<12} {}", route.priority, route.hop);
            }
            out.push('\n');
        }
    }

    fn errors(&self, out: &mut String) {
        const RULE: &str = "----------";
        if let Some(error) = &self.last_5xx {
            let at = self.as_of.show(error.at_us);
            let _ = writeln!(out, "Last 5XX Error:\n{RULE}\n{}\n(at {at})\n{RULE}\n", error.text);
        }
        if let Some(error) = &self.last_error {
            let at = self.as_of.show(error.at_us);
            let from = error.address.as_ref().map_or_else(String::new, |from| format!(", from {from}"));
            let _ = writeln!(out, "Last Error:\n{RULE}\n{}\n(at {at}{from})\n{RULE}\n", error.text);
        }
        if let Some(error) = &self.last_tls {
            let at = self.as_of.show(error.at_us);
            let mode = error.mode.as_deref().unwrap_or("Preferred");
            let _ = writeln!(out, "Last TLS Error: {mode}\n{RULE}\n{}\n(at {at})\n{RULE}\n", error.text);
        }
    }
}

fn line(out: &mut String, label: &str, value: u64) {
    let _ = writeln!(out, "{label:<36}{:>11}", thousands(value));
}

#[cfg(test)]
mod tests;
