//! Waiting recipients, a page at a time.

use std::ops::Bound;

use crate::Instant;
use crate::delivery::destination::DestinationId;
use crate::delivery::io::Scope;
use crate::delivery::recipient::RecipientId;
use crate::delivery::views::{AfterMember, Cursor, Page};
use crate::delivery::{Delivery, SLICE};
use crate::ids::{Host, Mid, Rid};

impl Delivery {
    /// Returns a page of at most `limit` waiting recipients after `cursor` (from the start without one): by message
    /// and number, within one destination by age.
    pub fn recipients(&self, scope: &Scope, cursor: Option<Cursor>, limit: usize, now: Instant) -> Page {
        let at = self.clock.peek(now, self.wanted);
        let limit = limit.clamp(1, SLICE);
        let ids: Vec<RecipientId> = match scope {
            Scope::All => self.index_page(cursor, None, limit),
            Scope::Message(mid) => self.index_page(cursor, Some(*mid), limit),
            Scope::Host(host) => self.member_page(host, cursor, limit),
        };
        let next = ids.last().filter(|_| ids.len() == limit).map(|id| self.cursor_after(*id, scope));
        Page { recipients: ids.into_iter().map(|id| self.recipient_view(id, at)).collect(), next }
    }

    fn index_page(&self, cursor: Option<Cursor>, of: Option<Mid>, limit: usize) -> Vec<RecipientId> {
        let from = match (cursor, of) {
            (Some(Cursor::After(mid, rid)), _) => Bound::Excluded((mid, rid, RecipientId::NONE)),
            (Some(Cursor::AfterMember(_)) | None, Some(mid)) => {
                Bound::Included((mid, Rid(0), RecipientId::FIRST))
            }
            (Some(Cursor::AfterMember(_)) | None, None) => Bound::Unbounded,
        };
        let wanted = |(mid, _, _): &&(Mid, Rid, RecipientId)| of.is_none_or(|of| *mid == of);
        let page = self.index.range((from, Bound::Unbounded)).take_while(wanted);
        page.take(limit).map(|(_, _, id)| *id).collect()
    }

    fn member_page(&self, host: &Host, cursor: Option<Cursor>, limit: usize) -> Vec<RecipientId> {
        let Some(id) = self.destinations.find(host.as_str()) else { return Vec::new() };
        let from = match cursor {
            Some(Cursor::AfterMember(AfterMember(accepted, id))) => Bound::Excluded((accepted, id)),
            Some(Cursor::After(mid, rid)) => match self.find(mid, rid) {
                Some(last) => Bound::Excluded((self.recipients[last].accepted, last)),
                None => return self.members_beyond(id, (mid, rid), limit),
            },
            None => Bound::Unbounded,
        };
        let members = self.destinations[id].members.range((from, Bound::Unbounded));
        members.take(limit).map(|(_, id)| *id).collect()
    }

    /// A page after a recipient that is gone: those with a higher number, which is how they came.
    fn members_beyond(&self, id: DestinationId, gone: (Mid, Rid), limit: usize) -> Vec<RecipientId> {
        let number = |id: &RecipientId| (self.recipients[*id].mid, self.recipients[*id].rid);
        let members = self.destinations[id].members.iter().map(|(_, member)| *member);
        members.filter(|member| number(member) > gone).take(limit).collect()
    }

    fn cursor_after(&self, id: RecipientId, scope: &Scope) -> Cursor {
        let recipient = &self.recipients[id];
        match scope {
            Scope::All | Scope::Message(_) => Cursor::After(recipient.mid, recipient.rid),
            Scope::Host(_) => Cursor::AfterMember(AfterMember(recipient.accepted, id)),
        }
    }
}
