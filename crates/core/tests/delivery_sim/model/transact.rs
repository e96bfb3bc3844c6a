//! Connections and transactions: what may be opened, what may be handed over, and every limit on both.

use std::net::IpAddr;
use std::sync::Arc;

use mailreeve_core::delivery::io::{Slot, Target, TlsMode};
use mailreeve_core::delivery::settings::Route;
use mailreeve_core::ids::{Dcid, Host, Mid, Rid};

use super::{Connection, Model, Phase, Scene, Verdict, broken, require};
use crate::clock::{HOUR, SECOND};
use crate::world::{Socket, SocketState};

/// Recipients handed out in the present rate window of a destination or an address.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Window {
    start: u64,
    last: u64,
    count: u64,
    /// Where it begins is not known for sure.
    loose: bool,
}

impl Model {
    pub(super) fn connect(
        &mut self,
        dcid: Dcid,
        slot: Slot,
        host: &Host,
        targets: &[Target],
        scene: Scene<'_>,
    ) -> Verdict {
        const LIMITS: &str = "limits are never exceeded";
        let world = scene.world;
        require(
            self.last_dcid.is_none_or(|last| dcid > last),
            "connection numbers are never reused",
            || format!("{dcid:?} after {:?}", self.last_dcid),
        )?;
        self.last_dcid = Some(dcid);
        let twice = world.sockets.iter().find(|(_, socket)| socket.slot == slot);
        require(twice.is_none(), "a slot is lent once", || {
            format!("{slot:?} is held by {:?}", twice.map(|(dcid, _)| dcid))
        })?;
        let open = world.sockets.len();
        require(open < self.settings.connections, LIMITS, || {
            format!("{open} connections are open, {} allowed", self.settings.connections)
        })?;
        let control = self.control(host).clone();
        let to_host = world.sockets.values().filter(|socket| &socket.host == host).count();
        require(control.per_address || to_host < control.concurrency, LIMITS, || {
            format!("{host}: {to_host} connections are open, {} allowed", control.concurrency)
        })?;
        let standing = world.sockets.values().any(|socket| &socket.host == host && socket.is_standing());
        let trial = self.destination(host).on_trial() && !standing;
        let held_at = self.destination(host).held_at;
        let racing = world
            .sockets
            .iter()
            .find(|(_, socket)| &socket.host == host && socket.is_opening() && socket.asked_at > held_at);
        require(!trial || racing.is_none(), "one recipient at a time tries a host that is not up", || {
            format!("{host}: {:?} is trying already", racing.map(|(dcid, _)| dcid))
        })?;
        if let Some(ip) = targets.first().map(|target| target.address.ip()) {
            let (under_way, at_a_time) = self.openings_at(ip, scene);
            require(under_way < at_a_time, LIMITS, || {
                format!("{under_way} connections are being opened to {ip}, {at_a_time} may")
            })?;
        }
        let partial = self.known_targets(host, targets, scene)?;
        self.connections
            .insert(dcid, Connection { host: host.clone(), asked_at: scene.clock.steady, partial });
        Ok(())
    }

    /// The targets come from the last answer, best first. Returns whether some are left out.
    fn known_targets(
        &mut self,
        host: &Host,
        targets: &[Target],
        scene: Scene<'_>,
    ) -> Result<bool, super::Violation> {
        const LAW: &str = "connections go where the name service says";
        let Some(known) = self.known(host) else { return broken(LAW, format!("{host}: no answer to go by")) };
        let fresh = known.answered.is_none_or(|(at, expires_at)| {
            at <= scene.clock.last_jump || expires_at + SECOND >= scene.clock.wall().0
        });
        require(fresh, LAW, || format!("{host}: the answer has expired at {:?}", known.answered))?;
        require(!targets.is_empty(), LAW, || format!("{host}: no target"))?;
        let stranger =
            targets.iter().find(|target| !known.targets.contains(&(target.address, target.preference)));
        require(stranger.is_none(), LAW, || format!("{host}: {stranger:?} is not in the answer"))?;
        let again = (1..targets.len())
            .find(|index| targets[..*index].iter().any(|one| one.address == targets[*index].address));
        require(again.is_none(), "an address is tried once", || format!("{host}: {targets:?}"))?;
        let ordered =
            targets.is_sorted_by_key(|target| (self.sick.contains(&target.address), target.preference));
        let ordered = ordered || targets.is_sorted_by_key(|target| target.preference);
        require(ordered, LAW, || format!("{host}: not by preference: {targets:?}"))?;
        Ok(targets.len() < known.targets.len())
    }

    /// The connection is made with the TLS and login that the settings ask for.
    pub(super) fn connect_as(
        &self,
        host: &Host,
        tls: TlsMode,
        credentials: Option<&Arc<str>>,
        implicit_tls: bool,
    ) -> Verdict {
        let (login, implicit) = match self.route(host) {
            Some(Route::Hops { credentials, implicit_tls, .. }) => (credentials.as_ref(), *implicit_tls),
            Some(Route::UseDns | Route::Discard) | None => (None, false),
        };
        let wanted = self.control(host).tls;
        require(
            tls == wanted && credentials == login && implicit_tls == implicit,
            "connections follow the settings",
            || {
                format!(
                    "{host}: {tls:?} {credentials:?} {implicit_tls}, wanted {wanted:?} {login:?} {implicit}"
                )
            },
        )
    }

    /// Judges that a connection may be at the address where it now is.
    pub(crate) fn at_address(&self, dcid: Dcid, scene: Scene<'_>) -> Verdict {
        let Some(socket) = scene.world.sockets.get(&dcid) else { return Ok(()) };
        let ip = socket.address().ip();
        let control = self.control(&socket.host);
        let here = || scene.world.sockets.values().filter(move |other| other.address().ip() == ip);
        let settled = |asked_at: u64| asked_at > self.reconfigured_at;
        let all = here().count();
        let limit = self.settings.connections_per_address;
        let excess = limit > 0 && all > limit && here().all(|other| settled(other.asked_at));
        require(!excess, "limits are never exceeded", || {
            format!("{all} connections at {ip}, {limit} allowed")
        })?;
        let mine = || here().filter(|other| other.host == socket.host);
        let excess = control.per_address
            && mine().count() > control.concurrency
            && mine().all(|other| settled(other.asked_at));
        require(!excess, "limits are never exceeded", || {
            format!(
                "{}: {} connections at {ip}, {} allowed",
                socket.host,
                mine().count(),
                control.concurrency
            )
        })
    }

    pub(super) fn transact(&mut self, dcid: Dcid, mid: Mid, rids: &[Rid], scene: Scene<'_>) -> Verdict {
        const LAW: &str = "delivery starts only where why is Due (law 3)";
        let Some(socket) = scene.world.sockets.get(&dcid) else {
            return broken(LAW, format!("{dcid:?} is not open"));
        };
        require(socket.state == SocketState::Idle, LAW, || format!("{dcid:?} is {:?}", socket.state))?;
        let Some(facts) = &socket.facts else { return broken(LAW, format!("{dcid:?} is not ready")) };
        let Some(first) = rids.first().and_then(|rid| self.recipients.get(&(mid, *rid))) else {
            return broken("nothing is sent after its end", format!("{mid:?} {rids:?} has ended"));
        };
        let host = first.host.clone();
        self.may_start(&host, scene)?;
        if host != socket.host {
            self.may_take_over(&host, socket, scene)?;
        }
        for (index, rid) in rids.iter().enumerate() {
            let Some(recipient) = self.recipients.get(&(mid, *rid)) else {
                return broken("nothing is sent after its end", format!("{mid:?} {rid:?} has ended"));
            };
            require(!rids[..index].contains(rid), "nobody is sent twice at once", || {
                format!("{mid:?} {rid:?} is named twice")
            })?;
            require(recipient.phase == Phase::Waiting, "nobody is sent twice at once", || {
                format!("{mid:?} {rid:?} is {:?}", recipient.phase)
            })?;
            require(recipient.host == host, LAW, || {
                format!("{mid:?} {rid:?} is for {}, others for {host}", recipient.host)
            })?;
            require(recipient.own_clock_open(scene.clock.steady), LAW, || {
                format!("{mid:?} {rid:?}: its own clock runs: {:?}", recipient.own)
            })?;
            require(recipient.fits(facts, &self.settings), "a peer is given what it can take", || {
                format!("{mid:?}: {:?} at {facts:?}", recipient.waiting)
            })?;
        }
        let control = self.control(&host).clone();
        let most = facts.recipients_max.min(self.settings.recipients_per_transaction);
        require(!rids.is_empty() && rids.len() <= most, "limits are never exceeded", || {
            format!("{} recipients, {most} allowed", rids.len())
        })?;
        let settled = socket.asked_at > self.reconfigured_at;
        let before = if host == socket.host { socket.transactions_before } else { socket.transactions };
        let ours = !settled || socket.transactions - before < control.messages_per_connection;
        let most = facts.transactions_max.unwrap_or(usize::MAX).min(control.messages_per_connection);
        require(
            ours && facts.transactions_max.is_none_or(|most| socket.transactions < most),
            "limits are never exceeded",
            || format!("{dcid:?}: {} transactions, {most} allowed", socket.transactions),
        )?;
        if let Some(connection) = self.connections.get_mut(&dcid) {
            connection.host = host.clone();
        }
        self.hand_out(&host, socket.address().ip(), rids.len(), scene)?;
        for rid in rids {
            if let Some(recipient) = self.recipients.get_mut(&(mid, *rid)) {
                recipient.phase = Phase::Attempting(dcid);
                recipient.own = None;
            }
        }
        Ok(())
    }

    /// A connection made for another destination serves this one: it leads to one of its addresses, in the same
    /// way, and counts as its own from now on.
    fn may_take_over(&self, host: &Host, socket: &Socket, scene: Scene<'_>) -> Verdict {
        const LAW: &str = "a connection is reused where it leads to the same place in the same way";
        let there = self
            .known(host)
            .is_some_and(|known| known.targets.iter().any(|(address, _)| *address == socket.address()));
        require(there, LAW, || format!("{} is no address of {host}", socket.address()))?;
        self.connect_as(host, socket.tls, socket.credentials.as_ref(), socket.implicit_tls)?;
        let control = self.control(host);
        let open = scene.world.sockets.values().filter(|socket| &socket.host == host).count();
        require(control.per_address || open < control.concurrency, "limits are never exceeded", || {
            format!("{host}: {open} connections are open, {} allowed", control.concurrency)
        })
    }

    /// Counts recipients against the rate limit.
    fn hand_out(&mut self, host: &Host, ip: IpAddr, count: usize, scene: Scene<'_>) -> Verdict {
        let control = self.control(host).clone();
        let now = scene.clock.steady;
        let destination = self.destination(host);
        destination.handed.push_back((now, ip, count));
        while destination.handed.front().is_some_and(|&(at, ..)| at + 2 * HOUR < now) {
            destination.handed.pop_front();
        }
        let Some(limit) = control.recipients else { return Ok(()) };
        let length = u64::from(control.recipient_minutes) * 60 * SECOND;
        let floor = destination.window_floor;
        // A window that began before the wall jumped may end some seconds later than true time says.
        let unsure_since = floor.max(scene.clock.last_jump);
        let loose = now <= unsure_since + length + 60 * SECOND;
        let fresh = Window { start: now, last: now, count: 0, loose };
        let window = destination.windows.entry(control.per_address.then_some(ip)).or_insert(fresh);
        if window.start < floor || now >= window.start + length {
            let gap = now >= window.last + length + 60 * SECOND;
            *window = Window { loose: fresh.loose || (window.loose && !gap), ..fresh };
        }
        window.last = now;
        window.count += count as u64;
        let most = u64::from(limit) * if window.loose { 2 } else { 1 };
        let seen = *window;
        require(seen.count <= most, "limits are never exceeded", || {
            format!("{host}: {seen:?}, {limit} in {} minutes allowed", control.recipient_minutes)
        })
    }

    /// Returns how many recipients may surely be handed out now, whatever the form of the window.
    pub(super) fn rate_room(&self, host: &Host, ip: Option<IpAddr>, scene: Scene<'_>) -> u64 {
        let control = self.control(host);
        let Some(limit) = control.recipients else { return u64::MAX };
        let counted = self.handed_in_window(host, if control.per_address { ip } else { None }, scene);
        u64::from(limit).saturating_sub(counted)
    }

    /// Returns how many recipients were handed out in the last window's length; a jump of the clock or a
    /// change of settings lengthens it.
    pub(super) fn handed_in_window(&self, host: &Host, ip: Option<IpAddr>, scene: Scene<'_>) -> u64 {
        let now = scene.clock.steady;
        let length = u64::from(self.control(host).recipient_minutes) * 60 * SECOND;
        let disturbed = now < self.reconfigured_at.max(scene.clock.last_jump) + HOUR;
        let from = now.saturating_sub(if disturbed { HOUR } else { length + SECOND });
        // A limit of an address counts what goes there for any destination.
        let counted = self.destinations.iter().filter(|(name, _)| ip.is_some() || *name == host);
        let handed = counted.flat_map(|(_, destination)| destination.handed.iter());
        let in_window = handed.filter(|&&(at, at_ip, _)| at >= from && ip.is_none_or(|ip| ip == at_ip));
        in_window.map(|&(.., count)| count as u64).sum()
    }
}
