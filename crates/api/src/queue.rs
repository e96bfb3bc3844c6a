//! The delivery queue: `deliverystatus`, `tophosts`, `hoststatus`, `delivernow`, `showrecipients`.

mod delivernow;
mod deliverystatus;
mod hoststatus;
mod showrecipients;
mod tophosts;

pub use delivernow::{DeliverNow, DeliverNowReply};
pub use deliverystatus::{
    COHORTS, CohortLine, Column, DeliveryStatus, DeliveryStatusReply, DestinationLine, Direction, Reason,
    Totals, Wait,
};
pub use hoststatus::{
    AddressLine, Addresses, Exchanger, HostAddress, HostCertificate, HostChange, HostDifference,
    HostExchanger, HostHistory, HostOver, HostServer, HostShares, HostState, HostStatus, HostStatusReply,
    HostStep, HostThen, LastError, RouteLine, SCHEMA as HISTORY_SCHEMA,
};
pub use showrecipients::{RecipientLine, RecipientScope, ShowRecipients, ShowRecipientsReply};
pub use tophosts::{HostLine, SortKey, TopHosts, TopHostsReply};
