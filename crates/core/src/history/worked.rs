//! What is not as it was when a destination worked last.

use crate::event::{HostFacts, HostWay};
use crate::history::difference::{Difference, differences};

/// Names of settings that are kept.
const SETTINGS: usize = 40;

/// What differs between the time when a destination worked last and the time when it did not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WhatChanged {
    /// When it worked last, microseconds since the epoch.
    pub worked_at: u64,
    /// What differs; nothing when nothing that can be seen from here changed.
    pub differences: Vec<Difference>,
    /// Settings that differ between both configurations.
    pub settings: SettingsBetween,
}

/// Settings that differ between two configurations.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SettingsBetween {
    /// Their names.
    pub names: Vec<String>,
    /// So many more differ.
    pub more: u32,
}

impl SettingsBetween {
    /// Adds what one change of the configuration changed.
    pub(super) fn add(&mut self, names: &[String], more: u32) {
        self.more = self.more.saturating_add(more);
        for name in names {
            if self.names.contains(name) {
                continue;
            }
            match self.names.len() < SETTINGS {
                true => self.names.push(name.clone()),
                false => self.more = self.more.saturating_add(1),
            }
        }
    }
}

/// A destination as it was when it worked last.
#[derive(Clone, Debug)]
pub(super) struct Worked {
    at: u64,
    way: HostWay,
    /// Settings that were changed since.
    settings: SettingsBetween,
}

impl Worked {
    /// Takes in facts; those on which a connection stood are how it works.
    pub(super) fn take(worked: &mut Option<Self>, facts: &HostFacts, at: u64) {
        let worked_at = facts.worked_at.unwrap_or(0);
        match worked {
            _ if facts.proven => {
                let way = facts.way.clone();
                *worked =
                    Some(Self { at: worked_at.max(1).min(at), way, settings: SettingsBetween::default() });
            }
            Some(worked) => worked.at = worked.at.max(worked_at.min(at)),
            None => {}
        }
    }

    pub(super) fn settings_changed(&mut self, names: &[String], more: u32) {
        self.settings.add(names, more);
    }

    /// Compares it with how it is.
    pub(super) fn compare(&self, now: &HostWay) -> WhatChanged {
        let differences = differences(&self.way, now);
        let other = |difference: &Difference| matches!(difference, Difference::ConfigurationChanged { .. });
        let settings =
            if differences.iter().any(other) { self.settings.clone() } else { SettingsBetween::default() };
        WhatChanged { worked_at: self.at, differences, settings }
    }
}
