//! An explanation on one screen: at most 24 lines of 80 columns.

use jiff::Timestamp;

use super::{ExplainReply, Link};
use crate::command::Text;
use crate::format::{count, long_span, thousands};

const COLUMNS: usize = 80;
const LINES: usize = 24;
/// Steps that are shown when there is room; the latest ones tell most.
const STEPS: usize = 5;
/// Of the column for instants and owners; the longest owner is `dns-of-destination`.
const MARGIN: usize = 21;

impl Text for ExplainReply {
    fn text(&self) -> String {
        let head = self.head();
        let tail = self.tail();
        let room = LINES.saturating_sub(head.len() + tail.len() + 1);
        let mut lines = head;
        let mut steps: Vec<String> = Vec::new();
        for link in self.chain.iter().rev().take(STEPS) {
            let step = self.step(link);
            if steps.len() + step.len() > room {
                break;
            }
            steps.splice(0..0, step);
        }
        if !steps.is_empty() {
            lines.push("What led to it:".to_owned());
        }
        lines.extend(steps);
        lines.extend(tail);
        lines.truncate(LINES);
        lines.iter().fold(String::new(), |text, line| text + line.trim_end() + "\n")
    }
}

impl ExplainReply {
    fn head(&self) -> Vec<String> {
        let mut lines = wrapped("", &format!("{}: {}", self.about(), self.state), 2);
        let verdict = &self.verdict;
        let certainty = if verdict.certainty == "observed" { "" } else { ", inferred" };
        let cause = format!("Cause: {} (owner: {}{certainty})", verdict.cause, verdict.owner);
        lines.extend(wrapped("", &cause, 1));
        if let Some(at) = verdict.since.as_deref().and_then(instant) {
            let age = long_span(self.as_of.seconds_since(at));
            lines.push(format!("Since: {} ({age})", self.as_of.show(at)));
        }
        lines.push(String::new());
        lines.extend(wrapped("", &self.summary, 3));
        if self.subject.recipients > 1 {
            let recipients = count(self.subject.recipients, "recipient");
            let destinations = count(self.subject.destinations, "destination");
            lines.push(format!("The same holds for {recipients} at {destinations}."));
        }
        lines.push(String::new());
        lines
    }

    fn about(&self) -> String {
        let subject = &self.subject;
        let mut parts = Vec::new();
        parts.extend(subject.mid.map(|mid| format!("MID {mid}")));
        parts.extend(subject.message_id.as_ref().filter(|_| subject.mid.is_none()).cloned());
        parts.extend(subject.dcid.filter(|_| subject.mid.is_none()).map(|dcid| format!("DCID {dcid}")));
        let sender = subject.sender.as_ref().filter(|sender| !sender.is_empty());
        parts.extend(sender.map(|sender| format!("from {sender}")));
        let to = subject.recipient.as_ref().or(subject.host.as_ref());
        parts.extend(to.map(|to| if parts.is_empty() { to.clone() } else { format!("to {to}") }));
        if parts.is_empty() { "This gateway".to_owned() } else { parts.join(" ") }
    }

    fn step(&self, link: &Link) -> Vec<String> {
        let mut lines = wrapped(&self.when(link.at.as_deref()), &link.what, 2);
        // What an event or the queue shows has been said already.
        if !matches!(link.evidence.kind.as_str(), "event" | "queue") && !link.evidence.text.is_empty() {
            let shown = format!("[{}] {}", link.evidence.kind, link.evidence.text);
            lines.extend(wrapped(" ", &shown, 2));
        }
        lines
    }

    fn tail(&self) -> Vec<String> {
        let mut lines = vec!["Next:".to_owned()];
        lines.extend(wrapped(&self.when(self.next.at.as_deref()), &self.next.what, 2));
        lines.push("To do:".to_owned());
        for (place, remedy) in self.remedy.iter().take(3).enumerate() {
            let shown = match remedy.command {
                true => format!("{} `{}`", remedy.what, remedy.deed),
                false => remedy.what.clone(),
            };
            let most = if place == 0 { 3 } else { 2 };
            lines.extend(wrapped(&format!("  {}", remedy.who), &shown, most));
        }
        for other in self.others.iter().take(2) {
            let example = other.example.as_deref().unwrap_or_default();
            let count = thousands(other.recipients);
            lines.extend(wrapped(
                "  also",
                &format!("{count} {}: {} {example}", other.state, other.cause),
                1,
            ));
        }
        lines.push(format!("More: {}", self.page));
        lines
    }

    fn when(&self, at: Option<&str>) -> String {
        match at.and_then(instant) {
            Some(at) => {
                let shown = self.as_of.show_plain(at);
                // `Thu Aug 13 14:29:42 2020`, without the day of the week and the year.
                format!("  {}", shown.get(4..19).unwrap_or(&shown))
            }
            None => "  now".to_owned(),
        }
    }
}

/// Microseconds since the epoch of an RFC 3339 instant.
fn instant(text: &str) -> Option<u64> {
    let at: Timestamp = text.parse().ok()?;
    u64::try_from(at.as_microsecond()).ok()
}

/// A text in lines, behind a first column when there is one; what exceeds `most` lines is cut.
fn wrapped(first: &str, text: &str, most: usize) -> Vec<String> {
    let margin = if first.is_empty() { 0 } else { MARGIN };
    let width = COLUMNS - margin;
    let mut rows: Vec<String> = vec![String::new()];
    for word in text.split_whitespace() {
        let row = rows.last().map_or(0, |row| row.chars().count());
        if row > 0 && row + 1 + word.chars().count() > width {
            rows.push(String::new());
        }
        if let Some(row) = rows.last_mut() {
            if !row.is_empty() {
                row.push(' ');
            }
            row.extend(word.chars().take(width));
        }
    }
    if rows.len() > most {
        rows.truncate(most);
        if let Some(row) = rows.last_mut() {
            *row = row.chars().take(width - 3).collect::<String>() + "...";
        }
    }
    let lead = |index: usize| if index == 0 { first } else { "" };
    rows.iter().enumerate().map(|(index, row)| format!("{:margin$}{row}", lead(index))).collect()
}

#[cfg(test)]
mod tests;
