//! A limit of rate: so many recipients in so many minutes, counted in windows that open with their first use.

use std::time::Duration;

use crate::delivery::settings::Control;
use crate::delivery::steady::Steady;

/// The present window of a destination or an address.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Window {
    opened: Option<Steady>,
    used: u32,
}

/// What a window still allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Room {
    /// At most so many recipients.
    Left(usize),
    /// None before this instant.
    Until(Steady),
}

impl Window {
    /// Returns what the limit of `control` allows at an instant.
    pub(super) fn room(&self, control: &Control, at: Steady) -> Room {
        let Some(limit) = control.recipients else { return Room::Left(usize::MAX) };
        let limit = limit.max(1);
        match self.end(control) {
            Some(end) if end > at && self.used >= limit => Room::Until(end),
            Some(end) if end > at => Room::Left((limit - self.used) as usize),
            Some(_) | None => Room::Left(limit as usize),
        }
    }

    /// Counts recipients that are tried now.
    pub(super) fn take(&mut self, recipients: usize, control: &Control, now: Steady) {
        if control.recipients.is_none() {
            return;
        }
        if self.end(control).is_none_or(|end| end <= now) {
            *self = Self { opened: Some(now), used: 0 };
        }
        self.used = self.used.saturating_add(u32::try_from(recipients).unwrap_or(u32::MAX));
    }

    /// Tells whether it is over, however long the settings make it (at most an hour).
    pub(super) fn is_long_over(&self, now: Steady) -> bool {
        self.opened.is_none_or(|opened| opened.plus_secs(3_600) <= now)
    }

    /// Tells whether nothing was counted yet.
    pub(super) fn is_unused(&self) -> bool {
        self.opened.is_none()
    }

    fn end(&self, control: &Control) -> Option<Steady> {
        let length = Duration::from_secs(60 * u64::from(control.recipient_minutes.max(1)));
        self.opened.map(|opened| opened.plus(length))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_opens_with_its_first_use_and_ends_by_itself() {
        let control = Control { recipients: Some(3), recipient_minutes: 2, ..Control::default() };
        let start = Steady(5_000_000);
        let mut window = Window::default();
        assert_eq!(window.room(&control, start), Room::Left(3));
        window.take(2, &control, start);
        assert_eq!(window.room(&control, start.plus_secs(60)), Room::Left(1));
        window.take(1, &control, start.plus_secs(60));
        let end = start.plus_secs(120);
        assert_eq!(window.room(&control, start.plus_secs(119)), Room::Until(end));
        assert_eq!(window.room(&control, end), Room::Left(3));
        window.take(1, &control, end);
        assert_eq!(window.room(&control, end), Room::Left(2));
    }

    #[test]
    fn without_a_limit_nothing_is_counted() {
        let control = Control::default();
        let mut window = Window::default();
        window.take(1_000_000, &control, Steady(1));
        assert_eq!(window.room(&control, Steady(1)), Room::Left(usize::MAX));
    }
}
