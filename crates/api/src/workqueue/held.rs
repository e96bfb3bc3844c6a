//! What waits in the work queue, as every view of waiting mail tells it: it is ours and in no destination's row.

use serde::{Deserialize, Serialize};

use crate::format::{AsOf, short_span, thousands};

/// What waits in the work queue, and who paused it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    /// Messages in it.
    pub messages: u64,
    /// Their recipients.
    #[serde(default)]
    pub recipients: u64,
    /// Who paused it.
    pub paused_by: Option<String>,
    /// Why; may be empty.
    pub reason: Option<String>,
    /// Since when, microseconds since the epoch.
    pub since_us: Option<u64>,
}

impl Held {
    /// Returns in words what waits, who paused it, since when and what ends it; nothing when it is empty and runs.
    pub fn sentence(&self, as_of: &AsOf) -> Option<String> {
        let waiting = match self.messages {
            0 => None,
            1 => Some("1 message waits in the work queue".to_owned()),
            more => Some(format!("{} messages wait in the work queue", thousands(more))),
        };
        let Some(by) = &self.paused_by else {
            return waiting.map(|waiting| format!("{waiting}, which was resumed and hands them over."));
        };
        let since = self.since_us.map_or_else(String::new, |since| {
            format!(", {} ({} ago)", as_of.show(since), short_span(as_of.seconds_since(since)))
        });
        let reason = self.reason.as_deref().filter(|reason| !reason.is_empty());
        let reason = reason.map_or_else(String::new, |reason| format!(": {reason}"));
        let lead = waiting.unwrap_or_else(|| "New mail will wait in the work queue".to_owned());
        Some(format!("{lead}, paused by {by}{since}{reason}. `workqueue resume` lets it go on."))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_waits_who_paused_it_and_what_ends_it_are_one_sentence() {
        let as_of = AsOf { at_us: 1_061_150_550_000_000, zone: "GMT".to_owned() };
        let mut held = Held::default();
        assert_eq!(held.sentence(&as_of), None);
        held.messages = 1_243;
        let told = "1,243 messages wait in the work queue, which was resumed and hands them over.";
        assert_eq!(held.sentence(&as_of).as_deref(), Some(told));
        held.paused_by = Some("ann".to_owned());
        held.since_us = Some(as_of.at_us - 90_000_000);
        held.reason = Some("checking".to_owned());
        assert_eq!(
            held.sentence(&as_of).as_deref(),
            Some(
                "1,243 messages wait in the work queue, paused by ann, Sun Aug 17 20:01:00 2003 GMT (1m 30s ago): \
                 checking. `workqueue resume` lets it go on."
            )
        );
        (held.messages, held.reason, held.since_us) = (0, Some(String::new()), None);
        let told = "New mail will wait in the work queue, paused by ann. `workqueue resume` lets it go on.";
        assert_eq!(held.sentence(&as_of).as_deref(), Some(told));
    }
}
