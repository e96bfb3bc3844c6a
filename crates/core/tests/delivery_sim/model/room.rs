//! Where there is room for one more connection: limits of the gateway, of destinations and of addresses.

use std::net::{IpAddr, SocketAddr};

use mailreeve_core::delivery::why::LimitOwner;
use mailreeve_core::ids::Host;

use super::truth::LAW;
use super::{Destination, Model, Recipient, Scene, Verdict, broken, require};

impl Model {
    pub(super) fn connection_limit(
        &mut self,
        recipient: &Recipient,
        whose: &LimitOwner,
        limit: usize,
        scene: Scene<'_>,
    ) -> Verdict {
        let host = &recipient.host;
        let sockets = || scene.world.sockets.values();
        let control = self.control(host).clone();
        match whose {
            LimitOwner::Gateway => self.gateway_limit(host, limit, scene),
            LimitOwner::Destination(named) => {
                let open = sockets().filter(|socket| &socket.host == host).count();
                let configured = !control.per_address && limit == control.concurrency;
                let learnt = self.learnt_limit(host, scene);
                let right = named == host && (configured || learnt) && open >= limit;
                require(right, LAW, || {
                    format!("{open} connections are open to {host}, {} allowed", control.concurrency)
                })
            }
            LimitOwner::Address(ip) => {
                let all = self.settings.connections_per_address;
                let named =
                    (all > 0 && limit == all) || (control.per_address && limit == control.concurrency);
                require(named && self.is_full(host, *ip, scene), LAW, || {
                    format!("{ip} has room ({all} for all, {control:?})")
                })?;
                self.no_room_sooner(recipient, *ip, scene)
            }
        }
    }

    /// As many connections are open to an address as a limit allows.
    fn is_full(&self, host: &Host, ip: IpAddr, scene: Scene<'_>) -> bool {
        let (all, control) = (self.settings.connections_per_address, self.control(host));
        let here = scene.world.sockets.values().filter(|socket| socket.may_hold(ip)).count();
        (all > 0 && here >= all) || (control.per_address && here >= control.concurrency)
    }

    /// Returns how many connections are being opened to an address, and how many may be at a time.
    pub(super) fn openings_at(&self, ip: IpAddr, scene: Scene<'_>) -> (usize, usize) {
        let sockets = || scene.world.sockets.values();
        let under_way =
            sockets().filter(|socket| socket.is_opening() && socket.first_choice() == Some(ip)).count();
        let standing = sockets().filter(|socket| !socket.is_opening() && socket.may_hold(ip)).count();
        let few = self.settings.opening_per_address;
        (under_way, standing.clamp(few, 5 * few))
    }

    /// No address that would be tried as soon as `ip`, or sooner, has room.
    pub(super) fn no_room_sooner(&self, recipient: &Recipient, ip: IpAddr, scene: Scene<'_>) -> Verdict {
        let host = &recipient.host;
        let Some(rivals) = self.rivals(recipient, ip) else {
            return broken(LAW, format!("it is no address of {host}"));
        };
        let slow = |ip| self.control(host).per_address && self.rate_room(host, Some(ip), scene) == 0;
        let busy = |ip| {
            let (under_way, at_a_time) = self.openings_at(ip, scene);
            under_way >= at_a_time
        };
        let room = rivals.into_iter().find(|ip| !self.is_full(host, *ip, scene) && !slow(*ip) && !busy(*ip));
        require(room.is_none(), LAW, || format!("{room:?} has room"))
    }

    /// A destination that refused one more connection beside those that stood may be held at their number for a
    /// while.
    fn learnt_limit(&self, host: &Host, scene: Scene<'_>) -> bool {
        let refused = self.destinations.get(host).and_then(|destination| destination.refused_more);
        refused.is_some_and(|at| scene.clock.steady <= at + 2 * crate::clock::HOUR)
    }

    /// All slots are lent and none is idle; or the part of them that hosts of no repute may share is.
    fn gateway_limit(&mut self, host: &Host, limit: usize, scene: Scene<'_>) -> Verdict {
        let sockets = || scene.world.sockets.values();
        let connections = self.settings.connections;
        let open = sockets().count();
        if limit == connections && open >= connections {
            return Ok(());
        }
        let share = (connections / 2).max(1);
        let unproven =
            |host: &Host| self.destinations.get(host).is_none_or(Destination::may_be_other_than_up);
        let sick = sockets().filter(|socket| socket.is_opening() && unproven(&socket.host)).count();
        let right = unproven(host) && sick >= share && (limit == connections || limit == share);
        require(right, LAW, || {
            format!("{open} of {connections} connections are open, {sick} of them to hosts that are not up")
        })
    }

    /// Returns the addresses that would be tried as soon as `ip`, or sooner, but for those that failed lately or
    /// are known to be unable to take the message; `None` when it is no address of the destination.
    fn rivals(&self, recipient: &Recipient, ip: IpAddr) -> Option<Vec<IpAddr>> {
        let known = self.known(&recipient.host)?;
        let named = known
            .targets
            .iter()
            .filter(|(address, _)| address.ip() == ip)
            .map(|(_, preference)| *preference)
            .min()?;
        let met = self.destinations.get(&recipient.host).map(|destination| &destination.met);
        let unfit = |address: &SocketAddr| {
            met.and_then(|met| met.get(address)?.as_ref())
                .is_some_and(|facts| !recipient.fits(facts, &self.settings))
        };
        let rivals = known
            .targets
            .iter()
            .filter(|(address, preference)| *preference <= named && !self.sick.contains(address));
        Some(rivals.map(|(address, _)| address).filter(|at| !unfit(at)).map(SocketAddr::ip).collect())
    }
}
