//! What is in use of one address, and how each connection holds it.

use crate::delivery::destination::DestinationId;

/// One address, whatever the destinations behind it.
#[derive(Debug, Default)]
pub(super) struct AddressUse {
    /// Connections that stand there or may end up there.
    pub(super) lent: usize,
    /// Those of them that are being opened, here first.
    pub(super) opening: usize,
    /// Those of them that stand.
    pub(super) standing: usize,
    pub(super) awaiting: Vec<DestinationId>,
}

/// How a connection holds an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum HeldAs {
    /// It is being opened there first.
    Tried,
    /// It may end up there, when others fail.
    Backup,
    /// It stands there.
    Standing,
}

impl AddressUse {
    pub(super) fn of(&mut self, held: HeldAs) -> Option<&mut usize> {
        match held {
            HeldAs::Tried => Some(&mut self.opening),
            HeldAs::Backup => None,
            HeldAs::Standing => Some(&mut self.standing),
        }
    }
}

/// Why no more connection is opened to an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum AddressFull {
    /// This limit is reached.
    Limit(usize),
    /// So many are being opened, and as many have not answered yet.
    Opening(usize),
}
