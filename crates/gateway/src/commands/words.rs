//! What the shard knows, in the words of operators.

use mailreeve_api::format::AsOf;
use mailreeve_api::queue::{LastError, Reason, RouteLine};
use mailreeve_core::delivery::io::TlsMode;
use mailreeve_core::delivery::settings::{HopHost, Route};
use mailreeve_core::delivery::why::{LimitOwner, Why};
use mailreeve_core::event::{Failure, HostStatus};

pub(super) const fn word(status: HostStatus) -> &'static str {
    match status {
        HostStatus::Up => "up",
        HostStatus::Down => "down",
        HostStatus::Unknown => "unknown",
    }
}

pub(crate) const fn mode(mode: TlsMode) -> &'static str {
    match mode {
        TlsMode::Off => "Off",
        TlsMode::Preferred => "Preferred",
        TlsMode::Required => "Required",
        TlsMode::Verify => "Required - Verify",
    }
}

/// A failure in one sentence, with its address.
pub(super) fn in_words(failure: &Failure) -> String {
    let said = said(failure);
    match failure.address {
        Some(address) => format!("{said} ({address})"),
        None => said,
    }
}

/// A failure for programs and people.
pub(super) fn reason(failure: &Failure) -> Reason {
    Reason {
        cause: failure.cause.code().to_owned(),
        code: failure.code,
        text: failure.words(),
        address: failure.address.map(|address| address.ip().to_string()),
        at_us: failure.at,
    }
}

/// A failure as `hoststatus` keeps it.
pub(super) fn last_error(failure: &Failure) -> LastError {
    let address = failure.address.map(|address| address.to_string());
    LastError { mode: None, text: said(failure), address, at_us: failure.at }
}

/// The reply, or our own words where there was none.
fn said(failure: &Failure) -> String {
    let text = failure.words();
    if failure.code == 0 { text } else { format!("{} {text}", failure.code) }
}

pub(super) fn route_lines(route: &Route) -> Vec<RouteLine> {
    match route {
        Route::UseDns => vec![RouteLine { priority: 0, hop: "USEDNS".to_owned() }],
        Route::Discard => vec![RouteLine { priority: 0, hop: "/dev/null".to_owned() }],
        Route::Hops { hops, .. } => hops
            .iter()
            .map(|hop| {
                let name = match &hop.host {
                    HopHost::Name(name) => name.clone(),
                    HopHost::Address(address) => format!("[{}]", address.ip()),
                };
                RouteLine { priority: hop.priority, hop: format!("{name}:{}", hop.port) }
            })
            .collect(),
    }
}

pub(super) fn why_in_words(why: &Why, as_of: &AsOf) -> String {
    let owner = |whose: &LimitOwner| match whose {
        LimitOwner::Gateway => "this gateway".to_owned(),
        LimitOwner::Destination(host) => host.to_string(),
        LimitOwner::Address(address) => address.to_string(),
    };
    match why {
        Why::Due => "Due now.".to_owned(),
        Why::Attempting { dcid } => format!("Being delivered on DCID {dcid}"),
        Why::WaitingForRetry { cause: Some(cause), .. } => {
            format!("Waits for its retry after: {}", in_words(cause))
        }
        Why::WaitingForRetry { cause: None, .. } => "Waits for its retry.".to_owned(),
        Why::HostBackoff { reason, .. } => format!("The destination is unreachable: {}", in_words(reason)),
        Why::HostOnTrial { dcid } => format!("Another recipient tries the destination on DCID {dcid}"),
        Why::Resolving { .. } => "The name service is being asked.".to_owned(),
        Why::Connecting { dcid } => format!("A connection is being opened, DCID {dcid}"),
        Why::ConnectionLimit { whose, limit } => {
            format!("All {limit} connections of {} are busy.", owner(whose))
        }
        Why::AddressOpening { address, opening } => {
            format!("{opening} connections are being opened to {address}; more follow as it answers.")
        }
        Why::RateLimit { whose, .. } => format!("The rate limit of {} is used up.", owner(whose)),
        Why::Suspended { by, since, host } => {
            let to = host.as_ref().map_or_else(String::new, |host| format!(" to {host}"));
            format!("Delivery{to} was suspended by {by}, {}", as_of.show(*since))
        }
        Why::SpoolSpace { .. } => "The disk could not record the end of a delivery.".to_owned(),
        Why::ShuttingDown => "The gateway is stopping.".to_owned(),
    }
}

pub(super) const fn next_of(why: &Why) -> Option<u64> {
    match why {
        Why::WaitingForRetry { until, .. }
        | Why::HostBackoff { until, .. }
        | Why::RateLimit { until, .. } => Some(*until),
        Why::Due
        | Why::Attempting { .. }
        | Why::HostOnTrial { .. }
        | Why::Resolving { .. }
        | Why::Connecting { .. }
        | Why::ConnectionLimit { .. }
        | Why::AddressOpening { .. }
        | Why::Suspended { .. }
        | Why::SpoolSpace { .. }
        | Why::ShuttingDown => None,
    }
}
