//! Whom an event concerns.

use crate::event::Event;
use crate::ids::{Dcid, Icid, Mid};

/// Whom an event concerns, as far as tracking goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Concern {
    /// A message, and the connection over which it happened.
    Message {
        /// The message.
        mid: Mid,
        /// The connection it came by.
        icid: Option<Icid>,
        /// The connection it leaves by.
        dcid: Option<Dcid>,
    },
    /// An inbound connection.
    Inbound(Icid),
    /// An outbound connection.
    Outbound(Dcid),
    /// The daemon: all connections of the one before it are gone.
    Start,
    /// Nothing that is tracked: the house, a destination.
    Nothing,
}

/// Tells whom an event concerns.
pub const fn concern(event: &Event) -> Concern {
    match event {
        Event::Started { .. } => Concern::Start,

        Event::ConnectionOpened { icid, .. }
        | Event::Greeted { icid, .. }
        | Event::PeerJudged { icid, .. }
        | Event::InboundTls { icid, .. }
        | Event::SenderRejected { icid, .. }
        | Event::ConnectionClosed { icid, .. }
        | Event::BadCommand { icid, .. } => Concern::Inbound(*icid),

        Event::MessageStarted { mid, icid, .. }
        | Event::RecipientAccepted { mid, icid, .. }
        | Event::RecipientRejected { mid, icid, .. }
        | Event::MessageAborted { mid, icid, .. }
        | Event::Accepted { mid, icid, .. } => {
            Concern::Message { mid: *mid, icid: some_inbound(*icid), dcid: None }
        }

        Event::Generated { mid, .. }
        | Event::Queued { mid, .. }
        | Event::Deleted { mid, .. }
        | Event::Corrupt { mid, .. }
        | Event::Finished { mid }
        | Event::Archived { mid, .. }
        | Event::Redirected { mid, .. } => Concern::Message { mid: *mid, icid: None, dcid: None },

        Event::DeliveryStarted { dcid, mid, .. }
        | Event::Delivered { dcid, mid, .. }
        | Event::Deferred { dcid, mid, .. }
        | Event::Bounced { dcid, mid, .. } => {
            Concern::Message { mid: *mid, icid: None, dcid: some_outbound(*dcid) }
        }

        Event::DeliveryOpened { dcid, .. }
        | Event::DeliveryTls { dcid, .. }
        | Event::DeliveryClosed { dcid, .. } => Concern::Outbound(*dcid),

        Event::Stopped
        | Event::LedgerGap { .. }
        | Event::Configured { .. }
        | Event::Alert(_)
        | Event::CountersReset
        | Event::ConnectFailed { .. }
        | Event::LookupFailed { .. }
        | Event::HostChanged { .. }
        | Event::DeliverySuspended { .. }
        | Event::DeliveryResumed { .. }
        | Event::DeliverNow { .. }
        | Event::SpoolSpace { .. }
        | Event::Commanded { .. }
        | Event::SignIn { .. }
        | Event::ReceivingSuspended { .. }
        | Event::ReceivingResumed { .. }
        | Event::WorkQueuePaused { .. }
        | Event::WorkQueueResumed { .. }
        | Event::JobDone { .. }
        | Event::Probed { .. }
        | Event::HostFacts { .. }
        | Event::HostFlapped { .. }
        | Event::SettingsChanged { .. } => Concern::Nothing,
    }
}

/// Number 0 is that of the gateway itself.
const fn some_inbound(icid: Icid) -> Option<Icid> {
    if icid.0 == 0 { None } else { Some(icid) }
}

/// Number 0 says that no connection was reached.
const fn some_outbound(dcid: Dcid) -> Option<Dcid> {
    if dcid.0 == 0 { None } else { Some(dcid) }
}
