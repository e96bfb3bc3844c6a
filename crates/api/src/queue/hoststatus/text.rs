//! What is known of a destination, as text.

use std::fmt::Write as _;

use super::HostStatusReply;
use crate::command::Text;
use crate::format::{count, is_or_are, short_span, thousands, ttl};

impl Text for HostStatusReply {
    fn text(&self) -> String {
        if let Some(past) = self.of_the_past() {
            return past;
        }
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
    fn head(&self, out: &mut String) {
        let _ = writeln!(out, "Host mail status for: '{}'", self.host);
        let _ = writeln!(out, "Status as of:         {}", self.as_of.now());
        let _ = writeln!(out, "Host up/down:         {}", self.status);
        if let Some(since) = self.since_us {
            let age = short_span(self.as_of.seconds_since(since));
            let _ = writeln!(out, "Since:                {} ({age})", self.as_of.show(since));
        }
        if self.before_start {
            let _ = writeln!(out, "Last tried:           before the start; the status is as it was then");
        }
        if let Some(reason) = &self.reason {
            let _ = writeln!(out, "Reason:               {reason}");
        }
        self.what_changed(out);
        match self.next_attempt_us {
            _ if self.trying && self.status != "up" => out.push_str("Next attempt:         under way now\n"),
            Some(next) => {
                let _ = writeln!(out, "Next attempt:         {}", self.as_of.show(next));
            }
            None => {}
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
