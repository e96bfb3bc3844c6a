//! What an order does to one recipient that waits.

use crate::delivery::Delivery;
use crate::delivery::destination::DestinationId;
use crate::delivery::io::{Effect, End};
use crate::delivery::reason::Kept;
use crate::delivery::recipient::{Marks, RecipientId};
use crate::event::{BounceKind, Cause, Deed, Event};
use crate::ids::{Dcid, Host};

impl Delivery {
    /// Does the deed to a recipient that waits; tells whether there was anything to do.
    pub(super) fn act(&mut self, id: RecipientId, deed: &Deed, by: &str, effects: &mut Vec<Effect>) -> bool {
        let destination = self.recipients[id].destination;
        let by = by.to_owned();
        match deed {
            Deed::Delete => self.end(id, End::Deleted { by }, effects),
            Deed::Archive => self.end(id, End::Archived { by }, effects),
            Deed::Bounce => {
                let failure = self.local_failure(Cause::Operator, (5, 7, 0), format!("Returned by {by}"));
                self.bounce(id, Dcid(0), BounceKind::Other, failure, effects);
            }
            Deed::Redirect { to } => {
                let to = self.destination_for(to);
                if to == destination {
                    return false;
                }
                self.redirect(id, to, by, effects);
                self.touch(to);
            }
        }
        self.touch(destination);
        true
    }

    /// Moves a waiting recipient to another destination, where it is due at once: its clock ran for answers of
    /// the one before. Age and attempts stay.
    fn redirect(&mut self, id: RecipientId, to: DestinationId, by: String, effects: &mut Vec<Effect>) {
        self.take_out(id);
        let now = self.now();
        let recipient = &mut self.recipients[id];
        let from = std::mem::replace(&mut recipient.destination, to);
        let entry = (recipient.accepted, id);
        let unattempted = usize::from(!recipient.marks.has(Marks::ATTEMPTED));
        recipient.marks.set(Marks::REDIRECTED, true);
        recipient.marks.set(Marks::SET_ASIDE, false);
        recipient.interval_s = 0;
        recipient.due = now;
        let last = recipient.last.as_ref().map(Kept::failure);
        recipient.last = last.as_ref().map(|failure| self.destinations[to].reasons.keep(failure));
        let (mid, rid) = (recipient.mid, recipient.rid);

        let before = &mut self.destinations[from];
        before.members.remove(&entry);
        before.unattempted -= unattempted;
        before.touched = now;
        let from: Host = before.host.clone();
        let after = &mut self.destinations[to];
        after.members.insert(entry);
        after.unattempted += unattempted;
        after.touched = now;
        let to = after.host.clone();
        self.stand_in_line(id);
        let state = self.state_of(id, now, last);
        effects.push(Effect::Redirect { state, event: Event::Redirected { mid, rid, from, to, by } });
    }
}
