//! `showrecipients`: who waits.

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

use crate::command::{Argument, Command, Effect, Role, Spec, Text};
use crate::destination::{destination, sender};
use crate::format::thousands;
use crate::wire::Problem;

/// Which recipients.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RecipientScope {
    /// All.
    All,
    /// Those of a recipient host.
    Host(String),
    /// Those from an envelope sender.
    From(String),
}

/// Asks for waiting recipients, a page at a time.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ShowRecipients {
    /// Which.
    pub scope: RecipientScope,
    /// Where the page begins: the `next` of the page before.
    #[serde(default)]
    pub after: Option<(u64, u32)>,
    /// Recipients a page, 1 to 1,000.
    #[serde(default = "page_size")]
    pub limit: usize,
}

/// Most recipients of a page, and as many without a word about it.
const LIMIT_MAX: usize = 1_000;

const fn page_size() -> usize {
    LIMIT_MAX
}

/// A page of waiting recipients.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ShowRecipientsReply {
    /// Which were asked for.
    pub scope: RecipientScope,
    /// Recipients that wait, listed or not; none where only reading each message would tell.
    pub total: Option<u64>,
    /// The rows, by MID and RID; those of one host by age.
    pub recipients: Vec<RecipientLine>,
    /// Where the next page begins; none when this is the last.
    pub next: Option<(u64, u32)>,
    /// The search for a sender stopped after so many recipients in delivery; `next` goes on with it.
    #[serde(default)]
    pub searched: Option<u64>,
}

/// One waiting recipient.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecipientLine {
    /// Message.
    pub mid: u64,
    /// Recipient number.
    pub rid: u32,
    /// Octets.
    pub bytes: u64,
    /// Delivery attempts so far.
    pub attempts: u32,
    /// Envelope sender, empty for reports.
    pub sender: String,
    /// Envelope recipient.
    pub recipient: String,
    /// Subject, when there is one.
    pub subject: Option<String>,
    /// Why it waits, in one sentence.
    pub why: String,
    /// When it is looked at again, microseconds since the epoch.
    pub next_us: Option<u64>,
}

impl Command for ShowRecipients {
    type Reply = ShowRecipientsReply;
    const SPEC: Spec = Spec {
        words: "showrecipients",
        summary: "lists waiting recipients",
        about: "Two lines a recipient: message, size, sender and subject; recipient number, attempts so far and address. A thousand are listed at a time, or as many as `limit N` says; the last line tells how to see those behind them. To find those of a sender each message is read: after 50,000 recipients the search stops and says so.",
        arguments: &[
            Argument {
                name: "scope",
                help: "`all`, `host` or `from`",
                required: true,
                choices: &["all", "host", "from"],
            },
            Argument {
                name: "what",
                help: "the recipient host, or the envelope sender; nothing for all",
                required: false,
                choices: &[],
            },
            Argument {
                name: "after",
                help: "only those behind this one, MID.RID, also as `after MID.RID`",
                required: false,
                choices: &[],
            },
            Argument {
                name: "limit",
                help: "how many to list, 1 to 1000, also as `limit N` (1000)",
                required: false,
                choices: &[],
            },
        ],
        role: Role::ReadOnlyOperator,
        effect: Effect::Read,
        route: "/api/v1/recipients",
        example: "showrecipients host example.com",
    };

    fn parse(words: &[String]) -> Result<Self, Problem> {
        let hint = "`all`, `host example.com` or `from user@example.com`";
        let kind = words.first().map(|word| word.to_ascii_lowercase());
        let mut rest = words.get(1..).unwrap_or_default();
        let mut what = || {
            let (first, behind) = rest.split_first()?;
            rest = behind;
            Some(first)
        };
        let scope = match kind.as_deref() {
            None => RecipientScope::All,
            Some("all") => RecipientScope::All,
            Some(kind @ ("host" | "from")) => match (kind, what()) {
                ("host", Some(host)) => RecipientScope::Host(destination(host)?),
                (_, Some(address)) => RecipientScope::From(sender(address)?),
                (_, None) => return Err(Problem::new("showrecipients needs to know whose", hint)),
            },
            Some(other) => {
                return Err(Problem::new(format!("showrecipients does not know `{other}`"), hint));
            }
        };
        // Who names every argument says with an empty word that there is nothing to say.
        if matches!(scope, RecipientScope::All) && rest.first().is_some_and(String::is_empty) {
            rest = &rest[1..];
        }
        let (after, limit) = page(rest)?;
        Ok(Self { scope, after, limit: limit.unwrap_or_else(page_size) })
    }
}

/// A recipient, by message and number.
type Place = (u64, u32);

/// Reads where a page begins and how long it is: `after MID.RID limit N` in any order, or the bare values in this one.
fn page(words: &[String]) -> Result<(Option<Place>, Option<usize>), Problem> {
    let (mut after, mut limit) = (None, None);
    let mut words = words.iter();
    while let Some(word) = words.next() {
        let named = match word.to_ascii_lowercase().as_str() {
            "after" => (true, words.next()),
            "limit" => (false, words.next()),
            _ => (after.is_none(), Some(word)),
        };
        let given = named.1.map_or("nothing", String::as_str);
        let understood = match named.0 {
            true => place(given).filter(|_| after.is_none()).map(|place| after = Some(place)),
            false => size(given).filter(|_| limit.is_none()).map(|size| limit = Some(size)),
        };
        understood.ok_or_else(|| {
            Problem::new(
                format!("showrecipients does not know what to do with `{given}`"),
                format!("each once: `after MID.RID`, as in `after 1234.0`, and `limit N`, 1 to {LIMIT_MAX}"),
            )
        })?;
    }
    Ok((after, limit))
}

/// A recipient by its numbers; a message alone stands for the last one of it.
fn place(word: &str) -> Option<Place> {
    match word.split_once('.') {
        Some((mid, rid)) => Some((mid.parse().ok()?, rid.parse().ok()?)),
        None => Some((word.parse().ok()?, u32::MAX)),
    }
}

fn size(word: &str) -> Option<usize> {
    word.parse().ok().filter(|size| (1..=LIMIT_MAX).contains(size))
}

impl RecipientScope {
    /// Returns the words that ask for these.
    fn words(&self) -> String {
        match self {
            Self::All => "all".to_owned(),
            Self::Host(host) => format!("host {host}"),
            Self::From(sender) if sender.is_empty() => "from <>".to_owned(),
            Self::From(sender) => format!("from {sender}"),
        }
    }
}

impl Text for ShowRecipientsReply {
    fn text(&self) -> String {
        if let (true, Some(searched), Some(place)) = (self.recipients.is_empty(), self.searched, self.next) {
            return format!(
                "None is among {} that were looked at; {}\n",
                thousands(searched),
                self.goes_on(place)
            );
        }
        if self.recipients.is_empty() {
            return match self.total {
                Some(0) | None => "No recipients are waiting.\n".to_owned(),
                Some(total) => {
                    format!("None of {} waiting recipients is behind that place.\n", thousands(total))
                }
            };
        }
        let mut out = String::from(
            "MID/      Bytes/      Sender/                   Subject\n\
             [RID]     [Atmps]     Recipient\n",
        );
        for row in &self.recipients {
            let sender = format!("<{}>", row.sender);
            let sender = if row.sender.is_empty() { sender.as_str() } else { row.sender.as_str() };
            let subject = row.subject.as_deref().unwrap_or("");
            // What is too long for its column moves the next one on, and never runs into it.
            let first = format!("{:<9} {:<11} {:<25} {}", row.mid, row.bytes, sender, subject);
            let _ = writeln!(out, "{}", first.trim_end());
            let (rid, attempts) = (format!("[{}]", row.rid), format!("[{}]", row.attempts));
            let _ = writeln!(out, "{rid:<9} {attempts:<11} {}", row.recipient);
        }
        let listed = thousands(self.recipients.len() as u64);
        let waiting = match self.total {
            Some(1) => "1 recipient is waiting".to_owned(),
            Some(total) if total == self.recipients.len() as u64 => {
                format!("{listed} recipients are waiting")
            }
            Some(total) => format!("{listed} of {} waiting recipients are listed", thousands(total)),
            None if self.recipients.len() == 1 => "1 recipient is listed".to_owned(),
            None => format!("{listed} recipients are listed"),
        };
        let _ = match (self.next, self.searched) {
            (Some(place), Some(searched)) => {
                let goes_on = self.goes_on(place);
                writeln!(out, "\n{waiting}, of {} that were looked at; {goes_on}", thousands(searched))
            }
            (Some((mid, rid)), None) => {
                let scope = self.scope.words();
                writeln!(
                    out,
                    "\n{waiting}; `showrecipients {scope} after {mid}.{rid}` shows those behind them."
                )
            }
            (None, _) => writeln!(out, "\n{waiting}."),
        };
        out
    }
}

impl ShowRecipientsReply {
    /// How a search that stopped goes on.
    fn goes_on(&self, (mid, rid): (u64, u32)) -> String {
        let scope = self.scope.words();
        format!("`showrecipients {scope} after {mid}.{rid}` looks at those behind them.")
    }
}

#[cfg(test)]
mod tests;
