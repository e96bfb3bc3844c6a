//! What the exchangers of a destination were found to offer.

use std::net::SocketAddr;

use mailreeve_core::delivery::io::PeerFacts;

use super::destination::Destination;

impl Destination {
    /// Tells whether every address was met, at least one could be asked, and none `can`.
    pub(crate) fn nobody_met(&self, targets: &[(SocketAddr, u16)], can: impl Fn(&PeerFacts) -> bool) -> bool {
        let mut met = targets.iter().map(|(address, _)| self.met.get(address));
        met.clone().all(|one| one.is_some_and(|facts| facts.as_ref().is_none_or(|facts| !can(facts))))
            && met.any(|one| matches!(one, Some(Some(_))))
    }

    /// Tells whether some address was met that `is`.
    pub(crate) fn somebody_met(&self, is: impl Fn(&PeerFacts) -> bool) -> bool {
        self.met.values().flatten().any(is)
    }
}
