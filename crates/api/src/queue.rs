//! The delivery queue: `tophosts`, `hoststatus`, `delivernow`, `showrecipients`.

mod delivernow;
mod hoststatus;
mod showrecipients;
mod tophosts;

pub use delivernow::{DeliverNow, DeliverNowReply};
pub use hoststatus::{Addresses, Exchanger, HostStatus, HostStatusReply, LastError, RouteLine};
pub use showrecipients::{RecipientLine, RecipientScope, ShowRecipients, ShowRecipientsReply};
pub use tophosts::{HostLine, SortKey, TopHosts, TopHostsReply};
