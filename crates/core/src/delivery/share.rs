//! What a destination may hand to one address, by the rates that are set for it.

use std::net::IpAddr;

use crate::delivery::destination::Destination;
use crate::delivery::steady::Steady;
use crate::delivery::window::{Room, Window};

impl Destination {
    /// Returns how many recipients may be tried at an address.
    pub(super) fn room_at(&self, address: IpAddr, at: Steady) -> Room {
        let control = self.plan.control();
        let window = match control.per_address {
            true => self.addresses.get(&address).map_or(Window::default(), |share| share.window),
            false => self.window,
        };
        window.room(control, at)
    }

    /// Forgets the rates counted so far.
    pub(super) fn forget_rates(&mut self) {
        self.window = Window::default();
        self.addresses.retain(|_, share| {
            share.window = Window::default();
            share.lent > 0
        });
    }

    /// Drops addresses that it does not use any more.
    pub(super) fn sweep_addresses(&mut self, now: Steady) {
        self.addresses.retain(|_, share| share.lent > 0 || !share.window.is_long_over(now));
    }
}
