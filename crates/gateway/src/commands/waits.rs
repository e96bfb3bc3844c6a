//! Whys for programs: stable codes, and who can do something about them.

use mailreeve_api::queue::Wait;
use mailreeve_core::delivery::why::{LimitOwner, Why};
use mailreeve_core::event::Failure;
use mailreeve_core::explain::Blame;

/// Returns the stable code of a why.
pub(super) const fn code(why: &Why) -> &'static str {
    match why {
        Why::Due => "due",
        Why::Attempting { .. } => "attempting",
        Why::WaitingForRetry { .. } => "waiting-for-retry",
        Why::HostBackoff { .. } => "host-backoff",
        Why::HostOnTrial { .. } => "host-on-trial",
        Why::Resolving { .. } => "resolving",
        Why::Connecting { .. } => "connecting",
        Why::ConnectionLimit { .. } => "connection-limit",
        Why::AddressOpening { .. } => "address-opening",
        Why::RateLimit { .. } => "rate-limit",
        Why::Suspended { .. } => "suspended",
        Why::SpoolSpace { .. } => "spool-space",
        Why::ShuttingDown => "shutting-down",
    }
}

/// Returns what is waited for, or `None` for who is on the way.
pub(super) fn wait_of(why: &Why) -> Option<Wait> {
    let mut wait = Wait { why: code(why).to_owned(), ..Wait::default() };
    match why {
        Why::Due
        | Why::Attempting { .. }
        | Why::HostOnTrial { .. }
        | Why::Resolving { .. }
        | Why::Connecting { .. } => return None,
        Why::WaitingForRetry { .. } | Why::HostBackoff { .. } => {
            if let Some(failure) = failure_of(why) {
                wait.cause = Some(failure.cause.code().to_owned());
                wait.code = failure.code;
                // Our own words do not differ from message to message.
                wait.text = Some(if failure.code > 0 { failure.gist() } else { failure.words() });
                wait.address = failure.address.map(|address| address.ip().to_string());
            }
        }
        Why::ConnectionLimit { whose, limit } => {
            wait.whose = Some(name_of(whose));
            wait.limit = Some(*limit as u64);
        }
        Why::AddressOpening { address, opening } => {
            wait.whose = Some(address.to_string());
            wait.limit = Some(*opening as u64);
        }
        Why::RateLimit { whose, .. } => wait.whose = Some(name_of(whose)),
        Why::Suspended { by, .. } => wait.by = Some(by.clone()),
        Why::SpoolSpace { .. } | Why::ShuttingDown => {}
    }
    Some(wait)
}

fn name_of(whose: &LimitOwner) -> String {
    match whose {
        LimitOwner::Gateway => "gateway".to_owned(),
        LimitOwner::Destination(host) => host.to_string(),
        LimitOwner::Address(address) => address.to_string(),
    }
}

/// Returns the failure behind a why.
pub(super) const fn failure_of(why: &Why) -> Option<&Failure> {
    match why {
        Why::WaitingForRetry { cause, .. } => cause.as_ref(),
        Why::HostBackoff { reason, .. } => Some(reason),
        Why::Due
        | Why::Attempting { .. }
        | Why::HostOnTrial { .. }
        | Why::Resolving { .. }
        | Why::Connecting { .. }
        | Why::ConnectionLimit { .. }
        | Why::AddressOpening { .. }
        | Why::RateLimit { .. }
        | Why::Suspended { .. }
        | Why::SpoolSpace { .. }
        | Why::ShuttingDown => None,
    }
}

/// Returns who can do something about it.
pub(super) fn owner(why: &Why) -> &'static str {
    match why {
        Why::Suspended { .. } | Why::SpoolSpace { .. } | Why::ShuttingDown => "us",
        Why::ConnectionLimit { .. } | Why::RateLimit { .. } => "us-policy",
        Why::AddressOpening { .. } => "destination",
        Why::WaitingForRetry { .. } | Why::HostBackoff { .. } => match failure_of(why) {
            Some(failure) => Blame::of(failure).finding.owner().code(),
            None => "nobody",
        },
        Why::Due
        | Why::Attempting { .. }
        | Why::HostOnTrial { .. }
        | Why::Resolving { .. }
        | Why::Connecting { .. } => "nobody",
    }
}
