//! An explanation on one screen: at most 24 lines of 80 columns.
//!
//! What stands on it is whole: lines are wrapped, not cut. What has no room is left out as a whole, the less telling
//! first, and counted.

use jiff::Timestamp;

use self::labels::Labels;
use super::pages::page;
use super::{ExplainReply, Link, Remedy};
use crate::command::Text;
use crate::format::{long_span, thousands};

mod labels;

const COLUMNS: usize = 80;
const LINES: usize = 24;
/// Of the column for instants and owners; the longest owner is `dns-of-destination`.
const MARGIN: usize = 21;
/// Lines that a thing may take: what it is about, its summary, a step or remedy. Only texts from elsewhere can be longer
/// than that, and of those the beginning tells.
const ABOUT: usize = 2;
const SUMMARY: usize = 6;
const ITEM: usize = 10;
const NEXT: usize = 3;

/// What is not always shown, in the order in which it is given room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Item {
    Remedy(usize),
    Step(usize),
    Other(usize),
}

impl Text for ExplainReply {
    fn text(&self) -> String {
        Screen { reply: self, labels: Labels::english() }.text()
    }
}

/// An explanation and the language in which it is shown.
struct Screen<'a> {
    reply: &'a ExplainReply,
    labels: Labels,
}

impl Screen<'_> {
    fn text(&self) -> String {
        let reply = self.reply;
        let head = self.head();
        let next = wrapped(&self.when(reply.next.at.as_deref()), &reply.next.what, NEXT);
        // Three headings, the page, and the line that counts what is left out.
        let mut room = LINES.saturating_sub(head.len() + next.len() + 5);
        let mut shown = Vec::new();
        for item in self.ranked() {
            let lines = self.lines(item);
            if lines.len() <= room {
                room -= lines.len();
                shown.push((item, lines));
            }
        }
        let mut lines = head;
        let of = |wanted: fn(&Item) -> Option<usize>| {
            let mut found: Vec<_> =
                shown.iter().filter_map(|(item, lines)| Some((wanted(item)?, lines))).collect();
            found.sort_by_key(|(place, _)| *place);
            found.into_iter().flat_map(|(_, lines)| lines.clone()).collect::<Vec<String>>()
        };
        let steps = of(|item| if let Item::Step(place) = item { Some(*place) } else { None });
        let remedies = of(|item| if let Item::Remedy(place) = item { Some(*place) } else { None });
        let others = of(|item| if let Item::Other(place) = item { Some(*place) } else { None });
        lines.extend(self.headed("chain", steps));
        lines.extend(self.headed("next", next));
        lines.extend(self.headed("do", remedies));
        lines.extend(others);
        lines.extend(self.left_out(&shown.iter().map(|(item, _)| *item).collect::<Vec<Item>>()));
        lines.extend(self.more(LINES.saturating_sub(lines.len())));
        lines.iter().fold(String::new(), |text, line| text + line.trim_end() + "\n")
    }

    fn head(&self) -> Vec<String> {
        let (reply, labels) = (self.reply, &self.labels);
        let head = labels.say("head", &[("about", &self.about()), ("state", &reply.state)]);
        let mut lines = wrapped("", &head, ABOUT);
        let verdict = &reply.verdict;
        let key = if verdict.certainty == "observed" { "cause" } else { "cause.inferred" };
        let cause = labels.say(key, &[("cause", &verdict.cause), ("owner", &verdict.owner)]);
        lines.push(cause);
        if let Some(at) = verdict.since.as_deref().and_then(instant) {
            let (time, age) = (reply.as_of.show(at), long_span(reply.as_of.seconds_since(at)));
            lines.push(labels.say("since", &[("time", &time), ("age", &age)]));
        }
        lines.push(String::new());
        lines.extend(wrapped("", &reply.summary, SUMMARY));
        if reply.subject.recipients > 1 {
            let recipients = labels.count("recipients", reply.subject.recipients);
            let destinations = labels.count("destinations", reply.subject.destinations);
            lines.push(labels.say("same", &[("recipients", &recipients), ("destinations", &destinations)]));
        }
        lines.push(String::new());
        lines
    }

    fn about(&self) -> String {
        let (subject, labels) = (&self.reply.subject, &self.labels);
        let mut parts = Vec::new();
        parts.extend(subject.mid.map(|mid| labels.say("head.mid", &[("mid", &mid.to_string())])));
        parts.extend(subject.message_id.as_ref().filter(|_| subject.mid.is_none()).cloned());
        let dcid = subject.dcid.filter(|_| subject.mid.is_none());
        parts.extend(dcid.map(|dcid| labels.say("head.dcid", &[("dcid", &dcid.to_string())])));
        let sender = subject.sender.as_ref().filter(|sender| !sender.is_empty());
        parts.extend(sender.map(|sender| labels.say("head.from", &[("sender", sender)])));
        let to = subject.recipient.as_ref().or(subject.host.as_ref());
        let alone = parts.is_empty();
        parts.extend(to.map(|to| match alone {
            true => to.clone(),
            false => labels.say("head.to", &[("recipient", to)]),
        }));
        if parts.is_empty() { labels.say("head.gateway", &[]) } else { parts.join(" ") }
    }

    /// The best remedy, the latest step, the other remedies, steps backwards, other cases.
    fn ranked(&self) -> Vec<Item> {
        let mut remedies = (0..self.reply.remedy.len()).map(Item::Remedy);
        let mut steps = (0..self.reply.chain.len()).rev().map(Item::Step);
        let first: Vec<Item> = remedies.next().into_iter().chain(steps.next()).collect();
        let others = (0..self.reply.others.len()).map(Item::Other);
        first.into_iter().chain(remedies).chain(steps).chain(others).collect()
    }

    fn lines(&self, item: Item) -> Vec<String> {
        match item {
            Item::Remedy(place) => {
                self.reply.remedy.get(place).map(|remedy| self.deed(remedy)).unwrap_or_default()
            }
            Item::Step(place) => self.reply.chain.get(place).map(|link| self.step(link)).unwrap_or_default(),
            Item::Other(place) => self.other(place),
        }
    }

    fn step(&self, link: &Link) -> Vec<String> {
        let mut lines = wrapped(&self.when(link.at.as_deref()), &link.what, ITEM);
        // What an event or the queue shows has been said already.
        if !matches!(link.evidence.kind.as_str(), "event" | "queue") && !link.evidence.text.is_empty() {
            let args = [("kind", link.evidence.kind.as_str()), ("text", &link.evidence.text)];
            lines.extend(wrapped(" ", &self.labels.say("evidence", &args), ITEM));
        }
        lines
    }

    fn other(&self, place: usize) -> Vec<String> {
        let Some(other) = self.reply.others.get(place) else { return Vec::new() };
        let (n, example) = (thousands(other.recipients), other.example.as_deref().unwrap_or_default());
        let args =
            [("n", n.as_str()), ("state", &other.state), ("cause", &other.cause), ("example", example)];
        wrapped(&format!("  {}", self.labels.say("also", &[])), &self.labels.say("also.case", &args), ITEM)
    }

    /// The line that counts what had no room.
    fn left_out(&self, shown: &[Item]) -> Option<String> {
        let missing = |all: usize, kind: fn(&&Item) -> bool| {
            let missing = all.saturating_sub(shown.iter().filter(kind).count()) as u64;
            (missing > 0).then_some(missing)
        };
        let steps = missing(self.reply.chain.len(), |item| matches!(item, Item::Step(_)));
        let remedies = missing(self.reply.remedy.len(), |item| matches!(item, Item::Remedy(_)));
        let others = missing(self.reply.others.len(), |item| matches!(item, Item::Other(_)));
        let parts: Vec<String> = [
            steps.map(|missing| self.labels.count("missing.steps", missing)),
            remedies.map(|missing| self.labels.count("missing.remedies", missing)),
            others.map(|missing| self.labels.count("missing.others", missing)),
        ]
        .into_iter()
        .flatten()
        .collect();
        let parts = (!parts.is_empty()).then(|| parts.join(", "))?;
        Some(self.labels.say("missing", &[("parts", &parts)]))
    }

    /// Where more is told: by a command, and at the desk: on the same line, or below it when `room` has two lines.
    fn more(&self, room: usize) -> Vec<String> {
        let (reply, labels) = (self.reply, &self.labels);
        let Some(page) = page(&reply.verdict.cause) else { return Vec::new() };
        let more = labels.say("more", &[("command", &page.command())]);
        let Some(address) = &reply.address else { return vec![more] };
        let address = labels.say("more.address", &[("address", address)]);
        let (beside, below) = (format!("{more} {address}"), format!("{:MARGIN$}{address}", ""));
        let has_room = |line: &str| line.chars().count() <= COLUMNS;
        match (has_room(&beside), has_room(&below) && room > 1) {
            (true, _) => vec![beside],
            (false, true) => vec![more, below],
            (false, false) => vec![more],
        }
    }

    fn deed(&self, remedy: &Remedy) -> Vec<String> {
        let shown = match remedy.command {
            true => self.labels.say("do.command", &[("what", &remedy.what), ("command", &remedy.deed)]),
            false => remedy.what.clone(),
        };
        wrapped(&format!("  {}", remedy.who), &shown, ITEM)
    }

    /// Lines under their heading; nothing without lines.
    fn headed(&self, heading: &str, lines: Vec<String>) -> Vec<String> {
        let heading = (!lines.is_empty()).then(|| self.labels.say(heading, &[]));
        heading.into_iter().chain(lines).collect()
    }

    fn when(&self, at: Option<&str>) -> String {
        match at.and_then(instant) {
            Some(at) => {
                let shown = self.reply.as_of.show_plain(at);
                // `Thu Aug 13 14:29:42 2020`, without the day of the week and the year.
                format!("  {}", shown.get(4..19).unwrap_or(&shown))
            }
            None => format!("  {}", self.labels.say("now", &[])),
        }
    }
}

/// Microseconds since the epoch of an RFC 3339 instant.
fn instant(text: &str) -> Option<u64> {
    let at: Timestamp = text.parse().ok()?;
    u64::try_from(at.as_microsecond()).ok()
}

/// A text in lines, behind a first column when there is one; of what has more than `most` the beginning.
fn wrapped(first: &str, text: &str, most: usize) -> Vec<String> {
    let margin = if first.is_empty() { 0 } else { MARGIN };
    let width = COLUMNS - margin;
    let mut rows: Vec<String> = vec![String::new()];
    for word in text.split_whitespace() {
        for piece in pieces(word, width) {
            let row = rows.last().map_or(0, |row| row.chars().count());
            if row > 0 && row + 1 + piece.chars().count() > width {
                rows.push(String::new());
            }
            if let Some(row) = rows.last_mut() {
                if !row.is_empty() {
                    row.push(' ');
                }
                row.push_str(&piece);
            }
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

/// A word in pieces that have room in a line.
fn pieces(word: &str, width: usize) -> Vec<String> {
    let letters: Vec<char> = word.chars().collect();
    letters.chunks(width).map(|piece| piece.iter().collect()).collect()
}

#[cfg(test)]
mod tests;
