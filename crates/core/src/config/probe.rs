//! Probes that the gateway makes by itself: `[probe]`.

use super::reader::{Section, Spec};

pub(super) const PROBE: Spec = Spec { header: "[probe]", keys: &["automatic", "per_minute"] };

/// Probes that nobody orders: of destinations that went down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Probing {
    /// Whether there are any.
    pub automatic: bool,
    /// Those that begin within a minute, in all.
    pub per_minute: usize,
}

impl Default for Probing {
    fn default() -> Self {
        Self { automatic: true, per_minute: 10 }
    }
}

impl Probing {
    pub(super) fn read(root: &Section<'_>) -> Self {
        let section = root.section("probe", &PROBE);
        let default = Self::default();
        Self {
            automatic: section.or("automatic", default.automatic, |v| v.boolean()),
            per_minute: section.integer("per_minute", 1..=60, default.per_minute),
        }
    }
}
