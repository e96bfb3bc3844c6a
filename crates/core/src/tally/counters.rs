//! What is counted. Each number only grows; spans are differences of two sets.

use serde::{Deserialize, Serialize};

use crate::event::BounceKind;

/// Counters of the gateway.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counters {
    /// Messages Received: accepted from outside.
    pub messages_received: u64,
    /// Recipients Received: of those messages.
    pub recipients_received: u64,
    /// Recipients of reports that the gateway made.
    pub generated: Generated,
    /// Recipients that one became many: aliases, lists. None yet.
    pub expanded_recipients: u64,
    /// Rejected Recipients.
    pub rejected_recipients: u64,
    /// Dropped Messages: thrown away by a rule. None yet.
    pub dropped_messages: u64,
    /// Recipients of those messages.
    pub dropped_recipients: u64,
    /// Recipients that ended in the archive.
    pub archived_recipients: u64,
    /// Soft Bounced Events: tries that failed for now.
    pub soft_bounced_events: u64,
    /// How recipients ended.
    pub ends: Ends,
    /// Recipients of records that could not be read back.
    pub corrupt_recipients: u64,
}

/// Recipients of messages that the gateway made, by what they tell.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Generated {
    /// Generated Bounce Recipients: of failures.
    pub bounces: u64,
    /// Of delays.
    pub delays: u64,
    /// Of deliveries.
    pub successes: u64,
}

/// How recipients ended. Completed = hard + delivered + deleted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ends {
    /// Hard Bounced Recipients, by kind.
    pub hard: HardBounces,
    /// Delivered Recipients.
    pub delivered: u64,
    /// Deleted Recipients.
    pub deleted: u64,
}

/// Hard Bounced Recipients, by kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HardBounces {
    /// DNS Hard Bounces.
    pub dns: u64,
    /// 5XX Hard Bounces.
    pub five_xx: u64,
    /// Filter Hard Bounces.
    pub filter: u64,
    /// Expired Hard Bounces.
    pub expired: u64,
    /// Other Hard Bounces.
    pub other: u64,
}

/// Counters of a destination.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Destination {
    /// Soft Bounced Events.
    pub soft_bounced_events: u64,
    /// How its recipients ended.
    pub ends: Ends,
    /// When something was last counted, microseconds since the epoch.
    pub last_activity: u64,
}

impl Counters {
    /// Recipients received, made or expanded, that have not ended.
    pub const fn open(&self) -> u64 {
        (self.recipients_received + self.generated.all() + self.expanded_recipients)
            .saturating_sub(self.ended())
    }

    /// Recipients that are no longer there, whatever became of them.
    const fn ended(&self) -> u64 {
        self.ends.completed() + self.dropped_recipients + self.archived_recipients + self.corrupt_recipients
    }

    /// Returns what was counted since these counters were `earlier`.
    #[must_use]
    pub const fn since(&self, earlier: &Self) -> Self {
        Self {
            messages_received: self.messages_received.saturating_sub(earlier.messages_received),
            recipients_received: self.recipients_received.saturating_sub(earlier.recipients_received),
            generated: self.generated.since(&earlier.generated),
            expanded_recipients: self.expanded_recipients.saturating_sub(earlier.expanded_recipients),
            rejected_recipients: self.rejected_recipients.saturating_sub(earlier.rejected_recipients),
            dropped_messages: self.dropped_messages.saturating_sub(earlier.dropped_messages),
            dropped_recipients: self.dropped_recipients.saturating_sub(earlier.dropped_recipients),
            archived_recipients: self.archived_recipients.saturating_sub(earlier.archived_recipients),
            soft_bounced_events: self.soft_bounced_events.saturating_sub(earlier.soft_bounced_events),
            ends: self.ends.since(&earlier.ends),
            corrupt_recipients: self.corrupt_recipients.saturating_sub(earlier.corrupt_recipients),
        }
    }
}

impl Generated {
    /// All of them.
    pub const fn all(&self) -> u64 {
        self.bounces + self.delays + self.successes
    }

    const fn since(&self, earlier: &Self) -> Self {
        Self {
            bounces: self.bounces.saturating_sub(earlier.bounces),
            delays: self.delays.saturating_sub(earlier.delays),
            successes: self.successes.saturating_sub(earlier.successes),
        }
    }
}

impl Ends {
    /// Completed Recipients.
    pub const fn completed(&self) -> u64 {
        self.hard.all() + self.delivered + self.deleted
    }

    const fn since(&self, earlier: &Self) -> Self {
        Self {
            hard: self.hard.since(&earlier.hard),
            delivered: self.delivered.saturating_sub(earlier.delivered),
            deleted: self.deleted.saturating_sub(earlier.deleted),
        }
    }

    const fn plus(&self, other: &Self) -> Self {
        Self {
            hard: HardBounces {
                dns: self.hard.dns + other.hard.dns,
                five_xx: self.hard.five_xx + other.hard.five_xx,
                filter: self.hard.filter + other.hard.filter,
                expired: self.hard.expired + other.hard.expired,
                other: self.hard.other + other.hard.other,
            },
            delivered: self.delivered + other.delivered,
            deleted: self.deleted + other.deleted,
        }
    }
}

impl HardBounces {
    /// Hard Bounced Recipients.
    pub const fn all(&self) -> u64 {
        self.dns + self.five_xx + self.filter + self.expired + self.other
    }

    pub(super) const fn of(&mut self, kind: BounceKind) -> &mut u64 {
        match kind {
            BounceKind::Dns => &mut self.dns,
            BounceKind::FiveXx => &mut self.five_xx,
            BounceKind::Filter => &mut self.filter,
            BounceKind::Expired => &mut self.expired,
            BounceKind::Other => &mut self.other,
        }
    }

    const fn since(&self, earlier: &Self) -> Self {
        Self {
            dns: self.dns.saturating_sub(earlier.dns),
            five_xx: self.five_xx.saturating_sub(earlier.five_xx),
            filter: self.filter.saturating_sub(earlier.filter),
            expired: self.expired.saturating_sub(earlier.expired),
            other: self.other.saturating_sub(earlier.other),
        }
    }
}

impl Destination {
    pub(super) fn add(&mut self, other: &Self) {
        self.soft_bounced_events += other.soft_bounced_events;
        self.ends = self.ends.plus(&other.ends);
        self.last_activity = self.last_activity.max(other.last_activity);
    }
}
