//! Serving destinations: whoever changed is looked at, first in line first, and started as far as the gate lets.
//!
//! Only destinations for which something happened are served (they are `dirty`), so a pass costs what changed,
//! not what waits. Every blocker leaves behind what will make the destination dirty again (`awaiting`).

use std::sync::Arc;

use crate::delivery::Delivery;
use crate::delivery::destination::{Destination, DestinationId, Path};
use crate::delivery::gate::{Gate, Step};
use crate::delivery::io::{Effect, End};
use crate::delivery::need::Need;
use crate::delivery::plan::Plan;
use crate::delivery::recipient::{Marks, RecipientId};
use crate::event::{BounceKind, Cause, HostStatus};
use crate::ids::Dcid;

impl Delivery {
    /// Serves what is dirty and, where slots came free, who waits for them.
    pub(super) fn serve_all(&mut self, effects: &mut Vec<Effect>) {
        while self.budget > 0
            && let Some(id) = self.next_to_serve()
        {
            self.budget -= 1;
            if !self.destinations[id].vacant {
                self.serve(id, effects);
            }
        }
        while self.connections.closing() < self.limits.short_of(&self.settings)
            && let Some((_, slot)) = self.connections.oldest_idle()
        {
            self.quit(slot, effects);
        }
    }

    fn next_to_serve(&mut self) -> Option<DestinationId> {
        if let Some(id) = self.dirty.pop_front() {
            self.destinations[id].dirty = false;
            return Some(id);
        }
        let (ticket, id, unproven) = self.limits.next_waiting(&self.settings)?;
        let destination = &mut self.destinations[id];
        destination.awaits_slot[usize::from(unproven)] = false;
        destination.turn = Some(ticket);
        Some(id)
    }

    fn serve(&mut self, id: DestinationId, effects: &mut Vec<Effect>) {
        self.destinations[id].awaits_address = false;
        self.renew_plan(id, effects);
        self.refuse_members(id, effects);
        self.expire_members(id, effects);
        let now = self.now();
        let mut blocked = [false; Need::LINES];
        while let Some((need, head)) = first_in_lines(&self.destinations[id], blocked, self) {
            if self.budget == 0 {
                self.touch(id);
                break;
            }
            match self.gate(head, now) {
                Gate::Go(step) => {
                    // What one line takes or gives back may be another one's blocker.
                    blocked = [false; Need::LINES];
                    self.start(step, id, need, head, effects);
                }
                Gate::Wait(wait) => {
                    self.await_change(id, wait, effects);
                    self.await_rates(id);
                    blocked[need.line()] = true;
                }
            }
        }
        // A turn that was spent on the look-up goes on with its answer.
        let destination = &mut self.destinations[id];
        destination.turn = destination.turn.filter(|_| matches!(destination.path, Path::Asking { .. }));
        self.rest_connections(id, effects);
        self.plan_next_look(id);
    }

    /// Takes the step that the gate returned for a recipient.
    fn start(
        &mut self,
        step: Step,
        id: DestinationId,
        need: Need,
        head: RecipientId,
        effects: &mut Vec<Effect>,
    ) {
        self.budget = self.budget.saturating_sub(1);
        match step {
            Step::Transact(slot) => self.transact(slot, head, effects),
            Step::Adopt(slot) => {
                self.adopt(slot, id);
                self.transact(slot, head, effects);
            }
            Step::Connect => self.connect(id, need, head, effects),
            Step::Resolve => self.resolve(id, head, effects),
            Step::Unroutable => {
                let text = format!("No SMTP route is configured for {}", self.destinations[id].host);
                let failure = self.local_failure(Cause::NoRoute, (4, 3, 5), text);
                self.unreachable(id, failure, HostStatus::Unknown, Some(head), effects);
            }
            Step::Discard => self.end(head, End::Deleted { by: "route".to_owned() }, effects),
            Step::Refuse => self.refuse(id, head, effects),
            Step::SetAside => {
                self.take_out(head);
                self.recipients[head].marks.set(Marks::SET_ASIDE, true);
                self.stand_in_line(head);
            }
            Step::RefuseContent(objection) => {
                let (cause, status, text) = objection.verdict(self.recipients[head].size);
                let failure = self.local_failure(cause, status, text);
                self.bounce(head, Dcid(0), BounceKind::Other, failure, effects);
            }
            Step::Expire => self.expire(head, effects),
        }
    }

    /// Bounces all that wait for a destination that can never be reached; then the way is unknown again.
    fn refuse_members(&mut self, id: DestinationId, effects: &mut Vec<Effect>) {
        if !matches!(self.destinations[id].path, Path::Refused { .. })
            || self.shutting_down
            || self.spool_exhausted.is_some()
        {
            return;
        }
        let members = self.destinations[id].members.iter().map(|(_, member)| *member);
        let waiting = members.filter(|member| !self.recipients[*member].is_attempting());
        let refused: Vec<_> = waiting.take(self.budget + 1).collect();
        for recipient in refused.iter().take(self.budget).copied() {
            self.budget -= 1;
            self.refuse(id, recipient, effects);
        }
        if self.destinations[id].members.iter().all(|(_, member)| self.recipients[*member].is_attempting()) {
            self.destinations[id].path = Path::Unknown;
        } else {
            self.touch(id);
        }
    }

    fn refuse(&mut self, id: DestinationId, recipient: RecipientId, effects: &mut Vec<Effect>) {
        if let Path::Refused { failure, kind } = &self.destinations[id].path {
            let (failure, kind) = (failure.failure(), *kind);
            self.bounce(recipient, Dcid(0), kind, failure, effects);
        }
    }

    /// Sends connections that found no work to rest, and tells who waits for their place.
    fn rest_connections(&mut self, id: DestinationId, effects: &mut Vec<Effect>) {
        if self.destinations[id].free.is_empty() {
            return;
        }
        let until = self.now().plus(self.settings.idle);
        for slot in self.destinations[id].free.clone() {
            if self.shutting_down {
                self.quit(slot, effects);
                continue;
            }
            let news = self.connections.rest(slot, until);
            let Some(address) = self.connections[slot].address().filter(|_| news) else { continue };
            self.touch_waiting(address.ip());
        }
    }

    /// Brings the plan of a destination up to the settings in force; a changed route or demand starts afresh.
    fn renew_plan(&mut self, id: DestinationId, effects: &mut Vec<Effect>) {
        let destination = &self.destinations[id];
        if destination.plan.is_by(&self.settings) {
            return;
        }
        let plan = self.plan_for(destination);
        let before = &destination.plan;
        let changed = plan.route() != before.route() || plan.demand() != before.demand();
        self.destinations[id].plan = plan;
        if changed {
            self.start_afresh(id, effects);
        }
    }

    /// Looks the settings up for a destination and the exchangers it is known to have.
    pub(super) fn plan_for(&self, destination: &Destination) -> Plan {
        let exchangers = destination.known().map_or(&[][..], |known| &known.exchangers);
        let names = exchangers.iter().map(|(_, _, name)| name.as_str());
        Plan::new(&Arc::clone(&self.settings), destination.host.as_str(), names)
    }

    /// Forgets the way and lets go of the connections that were made by it; clocks go on.
    fn start_afresh(&mut self, id: DestinationId, effects: &mut Vec<Effect>) {
        let destination = &mut self.destinations[id];
        destination.epoch += 1;
        destination.hold = None;
        match &mut destination.path {
            Path::Asking { outdated, .. } => *outdated = true,
            Path::Known(_) => destination.path = Path::Unknown,
            Path::Unknown | Path::Refused { .. } => {}
        }
        for slot in destination.free.clone() {
            self.quit(slot, effects);
        }
    }
}

/// Returns who stands first in a line that is not blocked; the longest waiting of all.
fn first_in_lines(
    destination: &Destination,
    blocked: [bool; Need::LINES],
    of: &Delivery,
) -> Option<(Need, RecipientId)> {
    let open = Need::ALL.into_iter().filter(|need| !blocked[need.line()]);
    let heads = open.filter_map(|need| destination.line(need).head().map(|head| (need, head)));
    heads.min_by_key(|(_, head)| (of.recipients[*head].due, of.recipients[*head].mid))
}
