//! What an operator's order does to recipients that have not entered delivery: decided as for those who have, and
//! nothing of them is kept.

use crate::delivery::Delivery;
use crate::delivery::end::unreported;
use crate::delivery::io::{Effect, End, Waiting};
use crate::delivery::order::{HeldSlice, Progress};
use crate::delivery::plan::Plan;
use crate::envelope::RecipientState;
use crate::event::{BounceKind, Cause, Deed, Event};
use crate::ids::{Dcid, Host};

impl Delivery {
    /// Takes a slice; it is worked on in this call, or when orders rest no more.
    pub(super) fn take_held(&mut self, slice: HeldSlice) {
        self.orders.held.push_back(slice);
    }

    /// Works on slices until only `kept` of this call's budget is left.
    pub(super) fn work_on_held(&mut self, kept: usize, effects: &mut Vec<Effect>) {
        while self.budget > kept
            && let Some(slice) = self.orders.held.pop_front()
        {
            let HeldSlice { id, deed, by, messages } = slice;
            let mut progress = Progress::default();
            for message in messages {
                let mut left = message.recipients.len();
                for recipient in message.recipients {
                    left -= 1;
                    let last = left == 0 && !message.others_wait;
                    progress.seen += 1;
                    progress.done += u64::from(self.act_on_held(recipient, &deed, &by, last, effects));
                }
            }
            progress.total = progress.seen;
            self.budget =
                self.budget.saturating_sub(usize::try_from(progress.seen).unwrap_or(usize::MAX).max(1));
            effects.push(Effect::OrderOver { order: id, progress });
        }
    }

    /// Does the deed; tells whether there was anything to do.
    fn act_on_held(
        &self,
        recipient: Waiting,
        deed: &Deed,
        by: &str,
        last: bool,
        effects: &mut Vec<Effect>,
    ) -> bool {
        let by = by.to_owned();
        let end = match deed {
            Deed::Delete => End::Deleted { by },
            Deed::Archive => End::Archived { by },
            Deed::Bounce => {
                let failure = self.local_failure(Cause::Operator, (5, 7, 0), format!("Returned by {by}"));
                let plan = Plan::new(&self.settings, recipient.host.as_str(), std::iter::empty());
                let unreported = unreported(recipient.null_sender, recipient.notify_failure, plan.profile());
                End::Bounced { dcid: Dcid(0), kind: BounceKind::Other, failure, unreported }
            }
            Deed::Redirect { to } if recipient.host == *to => return false,
            Deed::Redirect { to } => {
                effects.push(self.redirection(recipient, to.clone(), by));
                return true;
            }
        };
        let Waiting { mid, rid, host, .. } = recipient;
        effects.push(Effect::End { mid, rid, host, end, last });
        true
    }

    fn redirection(&self, recipient: Waiting, to: Host, by: String) -> Effect {
        let Waiting { mid, rid, host: from, .. } = recipient;
        let state = RecipientState {
            mid,
            rid,
            host: Some(to.clone()),
            attempts: 0,
            due_at: self.clock.wall_now(),
            interval_s: 0,
            last: None,
            delay_reported: false,
        };
        Effect::Redirect { state, event: Event::Redirected { mid, rid, from, to, by } }
    }
}
