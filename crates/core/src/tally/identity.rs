//! Law 6: over any span, what came in is what went out and what is still there.

use std::fmt;

use super::Counters;

/// Both sides of the identity, in recipients.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Identity {
    /// Open when the span began.
    pub opening: u64,
    /// What was counted in the span.
    pub counted: Counters,
    /// Open when the span ended, counted in the queue itself and not derived from the counters.
    pub closing: u64,
}

impl Identity {
    /// States the identity over the span in which `counted` was counted.
    pub const fn over(opening: u64, counted: &Counters, closing: u64) -> Self {
        Self { opening, counted: *counted, closing }
    }

    /// Tells whether both sides are equal.
    pub const fn holds(&self) -> bool {
        self.difference() == 0
    }

    /// Returns how many recipients came in and are nowhere: more than none were lost, fewer were made up.
    pub const fn difference(&self) -> i128 {
        let counted = &self.counted;
        let came = self.opening as i128
            + counted.recipients_received as i128
            + counted.generated.all() as i128
            + counted.expanded_recipients as i128;
        let went = counted.ends.completed() as i128
            + counted.dropped_recipients as i128
            + counted.archived_recipients as i128
            + counted.corrupt_recipients as i128;
        came - went - self.closing as i128
    }

    /// What there was and what came, by name.
    pub const fn came(&self) -> [(&'static str, u64); 4] {
        let counted = &self.counted;
        [
            ("opening", self.opening),
            ("received", counted.recipients_received),
            ("generated", counted.generated.all()),
            ("expanded", counted.expanded_recipients),
        ]
    }

    /// What went and what is there, by name.
    pub const fn went(&self) -> [(&'static str, u64); 7] {
        let counted = &self.counted;
        [
            ("delivered", counted.ends.delivered),
            ("hard bounced", counted.ends.hard.all()),
            ("deleted", counted.ends.deleted),
            ("dropped", counted.dropped_recipients),
            ("archived", counted.archived_recipients),
            ("corrupt", counted.corrupt_recipients),
            ("closing", self.closing),
        ]
    }
}

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        side(f, &self.came())?;
        f.write_str(if self.holds() { " = " } else { " is not " })?;
        side(f, &self.went())?;
        if self.holds() {
            return Ok(());
        }
        write!(f, " (difference {})", self.difference())
    }
}

fn side(f: &mut fmt::Formatter<'_>, terms: &[(&str, u64)]) -> fmt::Result {
    for (index, (name, value)) in terms.iter().enumerate() {
        let plus = if index == 0 { "" } else { " + " };
        write!(f, "{plus}{name} {value}")?;
    }
    Ok(())
}
