//! The gate: may this recipient start now, with which step, and if not, what is the one thing in its way?
//!
//! There is one gate. The scheduler starts a recipient only with the [`Step`] that it returns, and
//! [`Delivery::why`] is the same answer in the operator's words (law 3): [`Due`](super::why::Why::Due) where a step
//! would be taken, the blocker where not.
//!
//! Blockers in order, the first one that holds is the answer: a transaction under way, shutdown, spool space,
//! suspension, the recipient's own clock, the destination's clock, its trial or look-up, rate, connections.
//!
//! Recipients in one line get the same answer, so only the first of each line has to be asked. Those that were set
//! aside differ in what they need; they wait for what the first of them waits for.

use std::net::IpAddr;

use crate::delivery::Delivery;
use crate::delivery::content::Objection;
use crate::delivery::destination::{Path, Reach};
use crate::delivery::io::Slot;
use crate::delivery::need::Need;
use crate::delivery::recipient::{Marks, Place, Recipient, RecipientId};
use crate::delivery::steady::Steady;

/// The gate's answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Gate {
    Go(Step),
    Wait(Wait),
}

/// What is done for a recipient in whose way nothing stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// It goes out on this connection.
    Transact(Slot),
    /// It goes out on this idle connection of another destination.
    Adopt(Slot),
    /// A connection is opened.
    Connect,
    /// The name service is asked, or the route's addresses are taken.
    Resolve,
    /// A special destination has no route: that counts as unreachable.
    Unroutable,
    /// The route throws it away.
    Discard,
    /// The destination can never be reached: it is bounced.
    Refuse,
    /// The mail server at hand cannot take the message: it waits for another one.
    SetAside,
    /// No mail server of the destination can take the message: it is bounced.
    RefuseContent(Objection),
    /// Too old, or tried too often: it is bounced.
    Expire,
}

/// What stands in the way: [`Why`](super::why::Why) without its words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wait {
    Attempting(Slot),
    ShuttingDown,
    SpoolSpace,
    SuspendedAll,
    SuspendedHost,
    OwnClock,
    HostClock,
    OnTrial(Slot),
    Resolving,
    Connecting(Slot),
    SlotOfGateway(usize),
    ConnectionOfDestination(usize),
    ConnectionOfAddress(IpAddr, usize),
    OpeningAtAddress(IpAddr, usize),
    RateOfDestination(Steady),
    RateOfAddress(IpAddr, Steady),
}

impl Delivery {
    pub(super) fn gate(&self, id: RecipientId, at: Steady) -> Gate {
        let recipient = &self.recipients[id];
        let destination = &self.destinations[recipient.destination];
        if let Place::Attempting(slot) = recipient.place {
            return Gate::Wait(Wait::Attempting(slot));
        }
        if self.shutting_down {
            return Gate::Wait(Wait::ShuttingDown);
        }
        if self.spool_exhausted.is_some() {
            return Gate::Wait(Wait::SpoolSpace);
        }
        if self.is_too_old(recipient, at) {
            return Gate::Go(Step::Expire);
        }
        if matches!(destination.path, Path::Refused { .. }) {
            return Gate::Go(Step::Refuse);
        }
        if self.suspended.is_some() {
            return Gate::Wait(Wait::SuspendedAll);
        }
        if destination.suspended.is_some() {
            return Gate::Wait(Wait::SuspendedHost);
        }
        if recipient.due > at {
            return Gate::Wait(Wait::OwnClock);
        }
        if let Reach::Backoff(backoff) = &destination.reach
            && backoff.until > at
        {
            return Gate::Wait(Wait::HostClock);
        }
        let need = need_of(recipient);
        if matches!(need, Need::Aside { .. })
            && let Some(head) = destination.line(need).head().filter(|head| *head != id)
        {
            return match self.gate(head, at) {
                Gate::Wait(Wait::Connecting(slot)) if destination.standing() == 0 => {
                    Gate::Wait(Wait::OnTrial(slot))
                }
                of_first => of_first,
            };
        }
        match self.way_out(destination, recipient, at) {
            Gate::Go(_) if self.is_tried_too_often(recipient) => Gate::Go(Step::Expire),
            gate => gate,
        }
    }

    /// Its age has reached the profile's limit.
    pub(super) fn is_too_old(&self, recipient: &Recipient, at: Steady) -> bool {
        let limit = self.destinations[recipient.destination].plan.profile().queue_seconds;
        recipient.accepted.plus_secs(limit) <= at
    }

    /// Another attempt would exceed the profile's limit; an operator's try never does.
    pub(super) fn is_tried_too_often(&self, recipient: &Recipient) -> bool {
        let limit = self.destinations[recipient.destination].plan.profile().attempts;
        recipient.attempts >= limit && !recipient.marks.has(Marks::FORCED)
    }
}

/// Returns which line a recipient stands in.
pub(super) fn need_of(recipient: &Recipient) -> Need {
    let utf8 = recipient.marks.has(Marks::UTF8_NEEDED);
    if recipient.marks.has(Marks::SET_ASIDE) {
        Need::Aside { utf8, eight_bit: recipient.marks.has(Marks::EIGHT_BIT) }
    } else if utf8 {
        Need::Utf8
    } else {
        Need::Plain
    }
}
