//! What is current as far as events tell: the newest numbers, the connections that are open.

use crate::ids::{Dcid, Icid, Mid};

/// The highest ids seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CurrentIds {
    /// Messages.
    pub mid: Mid,
    /// Inbound connections.
    pub icid: Icid,
    /// Outbound connections.
    pub dcid: Dcid,
}

/// Connections open now, as far as events tell.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Connections {
    /// Inbound.
    pub inbound: u64,
    /// Outbound.
    pub outbound: u64,
}

impl Connections {
    // An end whose beginning was lost with the tail of a ledger must not count below zero.
    pub(super) const fn closed_inbound(&mut self) {
        self.inbound = self.inbound.saturating_sub(1);
    }

    pub(super) const fn closed_outbound(&mut self) {
        self.outbound = self.outbound.saturating_sub(1);
    }
}

impl CurrentIds {
    pub(super) fn saw_message(&mut self, mid: Mid) {
        self.mid = self.mid.max(mid);
    }

    pub(super) fn saw_inbound(&mut self, icid: Icid) {
        self.icid = self.icid.max(icid);
    }

    pub(super) fn saw_outbound(&mut self, dcid: Dcid) {
        self.dcid = self.dcid.max(dcid);
    }
}
