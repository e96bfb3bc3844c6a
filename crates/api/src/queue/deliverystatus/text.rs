//! The delivery status as text: the reasons, then the rows.

use std::fmt::Write as _;

use super::{CohortLine, DeliveryStatusReply, DestinationLine, Reason, Wait};
use crate::command::Text;
use crate::format::{AsOf, count, is_or_are, short_span, thousands};

/// Reasons told at a time: they leave room for rows on a screen.
const REASONS: usize = 12;

impl Text for DeliveryStatusReply {
    fn text(&self) -> String {
        let mut out = String::with_capacity(4096);
        let as_of = &self.as_of;
        let _ = writeln!(out, "Status as of:                   {}", as_of.now());
        if let Some(since) = self.counted_since_us {
            let _ = writeln!(out, "Counted since:                  {}", as_of.show(since));
        }
        if let Some((done, all)) = self.recovering {
            let (done, all) = (thousands(done), thousands(all));
            let _ = writeln!(out, "The queue is being read after a start: recovering {done} of {all}.");
        }
        self.reasons(&mut out);
        self.rows(&mut out);
        out
    }
}

impl DeliveryStatusReply {
    fn reasons(&self, out: &mut String) {
        let totals = &self.totals;
        out.push('\n');
        let held = self.work_queue.sentence(&self.as_of);
        match (&held, totals.active_recips) {
            (Some(held), _) => {
                let _ = writeln!(out, "{held}");
            }
            (None, 0) => out.push_str("No mail waits.\n"),
            (None, _) => {}
        }
        if totals.moving_recips > 0 {
            let (text, are) = (count(totals.moving_recips, "recipient"), is_or_are(totals.moving_recips));
            let _ = writeln!(out, "{text} {are} on the way now.");
        }
        if !self.filter.is_empty() && !self.cohorts.is_empty() {
            out.push_str("These are the reasons of all destinations, whatever the filter:\n");
        }
        let told = &self.cohorts[..self.cohorts.len().min(REASONS)];
        for cohort in told {
            cohort.write(&self.as_of, out);
        }
        if told.len() < self.reasons {
            self.other_reasons(told, out);
        }
    }

    /// Says which reasons these are, and how to see the others.
    fn other_reasons(&self, told: &[CohortLine], out: &mut String) {
        let (before, all) = (self.reasons_before, self.reasons);
        if told.is_empty() {
            let _ = writeln!(out, "`skip_reasons {before}` leaves none of {}.", count(all as u64, "reason"));
            return;
        }
        let (first, last) = (before + 1, before + told.len());
        let behind: u64 = self.cohorts[told.len()..].iter().map(|cohort| cohort.recipients).sum();
        let _ = write!(out, "Reasons {first} to {last} of {}", thousands(all as u64));
        if last < all {
            let rest = count(behind, "recipient");
            let _ = write!(
                out,
                "; the others are those of {rest}: `deliverystatus {} skip_reasons {last}`",
                self.sort.word()
            );
        }
        out.push_str(".\n");
    }

    fn rows(&self, out: &mut String) {
        out.push_str(
            "\n                                            Active  Conn.     Deliv.       Soft       Hard\n",
        );
        out.push_str(
            "Destination Domain           Status         Recip.    Out     Recip.    Bounced    Bounced\n\n",
        );
        for line in &self.destinations {
            line.write(&self.as_of, out);
        }
        let (first, last) = (self.offset + 1, self.offset + self.destinations.len());
        if self.matching == 0 {
            let _ = writeln!(out, "No destination matches `{}`.", self.filter);
        } else if self.destinations.is_empty() {
            let all = count(self.matching as u64, "destination");
            let _ = writeln!(out, "`offset {}` leaves none of {all}.", self.offset);
        } else if self.destinations.len() < self.matching {
            let all = thousands(self.matching as u64);
            let _ = writeln!(
                out,
                "\n{first} to {last} of {all}; `offset N` and `limit N` after the column show others."
            );
        }
    }
}

impl DestinationLine {
    fn write(&self, as_of: &AsOf, out: &mut String) {
        let age = self.since_us.map(|since| short_span(as_of.seconds_since(since)));
        let age = age.and_then(|age| age.split(' ').next().map(str::to_owned)).unwrap_or_default();
        let state = format!("{} {age}", self.status);
        let [active, conn, delivered] =
            [self.active_recips, self.conn_out, self.delivered_recips].map(thousands);
        let _ = writeln!(
            out,
            "{:<29}{:<12}{active:>9}{conn:>7}{delivered:>11}{:>11}{:>11}",
            self.host,
            state.trim_end(),
            thousands(self.soft_bounced_evts),
            thousands(self.hard_bounced_recips),
        );
        let mut remarks = Vec::new();
        if let Some((by, at)) = &self.suspended {
            remarks.push(format!("suspended by {by} {}", as_of.show_plain(*at)));
        }
        match (&self.was, &self.reason, &self.wait) {
            (Some(was), _, _) => remarks.push(format!("idle, was {was}")),
            (None, Some(reason), _) if self.status != "up" => remarks.push(reason.sentence()),
            (None, _, Some(wait)) if self.status == "up" && self.suspended.is_none() => {
                remarks.push(wait.sentence());
            }
            (None, _, _) => {}
        }
        if self.before_start {
            remarks.push("as before the start, not tried since".to_owned());
        }
        match self.next_attempt_us {
            _ if self.trying && self.status != "up" => remarks.push("trying now".to_owned()),
            Some(next) => remarks.push(format!("next try in {}", short_span(ahead(as_of, next)))),
            None => {}
        }
        if !remarks.is_empty() {
            let _ = writeln!(out, "    {}", remarks.join(", "));
        }
    }
}

impl CohortLine {
    /// Returns the reason in words, without a full stop.
    pub fn sentence(&self) -> String {
        let sentence = self.wait.sentence();
        match self.wordings {
            0 | 1 => sentence,
            more => format!("{sentence} (one of {} wordings)", thousands(more)),
        }
    }

    fn write(&self, as_of: &AsOf, out: &mut String) {
        let recipients = count(self.recipients, "recipient");
        let place = match (&self.hosts[..], self.destinations) {
            ([host], 1) => host.clone(),
            (hosts, all) => {
                format!("{} ({}{})", count(all, "destination"), hosts.join(", "), more(hosts, all))
            }
        };
        let _ = write!(out, "{recipients} at {place}: {}", self.sentence());
        if let Some(since) = self.since_us {
            let _ = write!(out, ", since {}", short_span(as_of.seconds_since(since)));
        }
        let _ = write!(out, ". Owner: {}.", self.owner);
        out.push_str(&self.next(as_of));
        out.push('\n');
    }

    /// Returns what happens next as a sentence behind another one; nothing when that is not known.
    pub(in crate::queue) fn next(&self, as_of: &AsOf) -> String {
        match (self.next_us, self.wait.why.as_str()) {
            (Some(next), "waiting-for-retry") => {
                format!(" All are tried again within {}.", short_span(ahead(as_of, next)))
            }
            (Some(next), _) => format!(" Next try in {}.", short_span(ahead(as_of, next))),
            (None, _) => String::new(),
        }
    }
}

impl Wait {
    /// Returns the reason in words, without a full stop.
    pub fn sentence(&self) -> String {
        let text = self.text.as_deref().unwrap_or("no reason is known");
        let reply = if self.code == 0 { text.to_owned() } else { format!("{} {text}", self.code) };
        let at = self.address.as_ref().map_or_else(String::new, |address| format!(" ({address})"));
        let whose = match self.whose.as_deref() {
            Some("gateway") | None => "this gateway",
            Some(whose) => whose,
        };
        let by = self.by.as_deref().unwrap_or("an operator");
        match self.why.as_str() {
            "host-backoff" => format!("unreachable: {reply}{at}"),
            "waiting-for-retry" => format!("deferred by: {reply}"),
            "connection-limit" => {
                format!("all {} connections of {whose} are busy", thousands(self.limit.unwrap_or(0)))
            }
            "address-opening" => {
                format!("{} connections to {whose} are opening", thousands(self.limit.unwrap_or(0)))
            }
            "rate-limit" => format!("the rate limit of {whose} is used up"),
            "suspended" => format!("delivery was suspended by {by}"),
            "spool-space" => "the disk could not record the end of a delivery".to_owned(),
            "shutting-down" => "the gateway is stopping".to_owned(),
            _ => "on the way".to_owned(),
        }
    }
}

impl Reason {
    /// Returns the failure in words, without a full stop.
    pub fn sentence(&self) -> String {
        let code = if self.code == 0 { String::new() } else { format!("{} ", self.code) };
        let at = self.address.as_ref().map_or_else(String::new, |address| format!(" ({address})"));
        format!("{code}{}{at}", self.text)
    }
}

fn ahead(as_of: &AsOf, at_us: u64) -> u64 {
    at_us.saturating_sub(as_of.at_us).div_ceil(1_000_000)
}

fn more(hosts: &[String], all: u64) -> &'static str {
    if (hosts.len() as u64) < all { ", ..." } else { "" }
}

#[cfg(test)]
mod tests;
