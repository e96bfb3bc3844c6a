//! What operators read of the connections that hold a slot.

use crate::delivery::Delivery;
use crate::delivery::connection::{Connection, Phase};
use crate::delivery::io::Slot;
use crate::delivery::views::{ConnectionState, ConnectionView};

impl Delivery {
    /// Yields the connections that hold a slot, by slot.
    pub fn connections(&self) -> impl Iterator<Item = ConnectionView> {
        self.connections.lent().map(|(slot, connection)| self.connection_view(slot, connection))
    }

    fn connection_view(&self, slot: Slot, connection: &Connection) -> ConnectionView {
        let state = match &connection.phase {
            Phase::Opening { .. } => ConnectionState::Opening,
            Phase::Free => ConnectionState::Idle,
            Phase::Busy { mid, .. } => ConnectionState::Busy(*mid),
            Phase::Closing | Phase::Gone => ConnectionState::Closing,
        };
        let host = self.destinations[connection.destination].host.clone();
        ConnectionView { slot, dcid: connection.dcid, host, address: connection.address(), state }
    }
}
