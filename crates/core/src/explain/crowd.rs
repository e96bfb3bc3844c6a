//! Who waits for the same root cause, over all destinations: one case with one explanation, however many domains it
//! shows at.

use std::cmp::Reverse;

use super::blame::Blame;
use super::finding::Finding;
use crate::delivery::Row;
use crate::delivery::why::{LimitOwner, Why};

/// Destinations that are told of by name.
const NAMED: usize = 3;

/// Recipients that wait for one root cause, wherever they wait.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Crowd {
    /// How many.
    pub recipients: u64,
    /// At how many destinations.
    pub destinations: u64,
    /// Those of these with most recipients, by name.
    pub hosts: Vec<String>,
}

/// What makes two waits one: the finding, and what it is about.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Root {
    finding: Finding,
    about: About,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum About {
    /// This gateway, or the world: one for all.
    All,
    /// An address, a block list, whoever gave an order.
    Named(String),
    /// A reply, without what differs from message to message.
    Reply(String),
    /// One destination.
    Destination,
}

impl Crowd {
    /// Counts who waits for the root cause of `why`, which is that of a recipient for `host`.
    pub fn count<'a>(rows: impl Iterator<Item = &'a Row>, host: &str, why: &Why) -> Self {
        let Some(wanted) = root(why) else { return Self::default() };
        let mut crowd = Self::default();
        let mut hosts = Vec::new();
        for row in rows {
            if wanted.about == About::Destination && row.host.as_str() != host {
                continue;
            }
            let alike = row.cohorts.iter().filter(|cohort| root(&cohort.why).as_ref() == Some(&wanted));
            let recipients: u64 = alike.map(|cohort| cohort.recipients as u64).sum();
            if recipients > 0 {
                crowd.recipients += recipients;
                crowd.destinations += 1;
                hosts.push((recipients, row.host.to_string()));
            }
        }
        hosts.sort_by_key(|(recipients, _)| Reverse(*recipients));
        crowd.hosts = hosts.into_iter().take(NAMED).map(|(_, host)| host).collect();
        crowd
    }
}

/// Returns the root of a why, or `None` for who is on the way.
fn root(why: &Why) -> Option<Root> {
    let limit = |finding, whose: &LimitOwner| {
        let about = match whose {
            LimitOwner::Gateway => About::All,
            LimitOwner::Destination(_) => About::Destination,
            LimitOwner::Address(address) => About::Named(address.to_string()),
        };
        Some(Root { finding, about })
    };
    match why {
        Why::Due
        | Why::Attempting { .. }
        | Why::HostOnTrial { .. }
        | Why::Resolving { .. }
        | Why::Connecting { .. }
        | Why::ShuttingDown
        | Why::WaitingForRetry { cause: None, .. } => None,
        Why::WaitingForRetry { cause: Some(failure), .. } | Why::HostBackoff { reason: failure, .. } => {
            let blame = Blame::of(failure);
            let about = match (blame.finding, blame.list, failure.address) {
                (Finding::ResolverUnreachable, _, _) => About::All,
                (_, Some(list), _) => About::Named(list),
                (_, None, _) if failure.code > 0 => About::Reply(failure.gist()),
                (_, None, Some(address)) => About::Named(address.ip().to_string()),
                (_, None, None) => About::Destination,
            };
            Some(Root { finding: blame.finding, about })
        }
        Why::ConnectionLimit { whose, .. } | Why::RateLimit { whose, .. } => {
            limit(Finding::DestinationLimit, whose)
        }
        Why::AddressOpening { address, .. } => {
            Some(Root { finding: Finding::AddressOpening, about: About::Named(address.to_string()) })
        }
        Why::Suspended { host: Some(_), .. } => {
            Some(Root { finding: Finding::DeliverySuspended, about: About::Destination })
        }
        Why::Suspended { host: None, .. } => {
            Some(Root { finding: Finding::DeliverySuspended, about: About::All })
        }
        Why::SpoolSpace { .. } => Some(Root { finding: Finding::SpoolSpace, about: About::All }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::delivery::Cohort;
    use crate::event::{Cause, Failure, HostStatus, Stage};
    use crate::ids::Host;

    fn failure(cause: Cause, code: u16, text: &str, address: Option<&str>) -> Failure {
        Failure {
            stage: if code > 0 { Stage::Rcpt } else { Stage::Connect },
            cause,
            status: (4, 0, 0),
            code,
            text: vec![text.to_owned()],
            address: address.and_then(|address| address.parse().ok()),
            at: 5,
        }
    }

    fn row(host: &str, recipients: usize, why: Why) -> Row {
        Row {
            host: Host::new(host),
            status: HostStatus::Down,
            was: None,
            carried: false,
            trying: false,
            since: None,
            reason: None,
            next_attempt: None,
            oldest: None,
            last_activity: None,
            suspended: None,
            active: recipients,
            attempting: 0,
            connections: 0,
            cohorts: vec![Cohort { why, recipients, since: None }],
        }
    }

    fn backoff(reason: Failure) -> Why {
        Why::HostBackoff { until: 9, since: 1, reason }
    }

    #[test]
    fn one_root_is_one_crowd_whatever_the_domain() {
        let refused = |address| backoff(failure(Cause::ConnectRefused, 0, "refused", Some(address)));
        let listed = |text| backoff(failure(Cause::Reply4xx, 451, text, Some("192.0.2.9:25")));
        let dead = || backoff(failure(Cause::ResolverUnreachable, 0, "no answer", None));
        let rows = [
            row("a.example", 2, refused("192.0.2.7:25")),
            row("b.example", 3, refused("192.0.2.7:25")),
            row("c.example", 5, refused("192.0.2.8:25")),
            row("d.example", 1, listed("4.7.1 blocked using zen.list.example for x")),
            row("e.example", 1, listed("4.7.1 see zen.list.example: you are on a blocklist")),
            row("f.example", 7, dead()),
            row("g.example", 8, dead()),
        ];
        let count = |place: usize| {
            let row = &rows[place];
            let crowd = Crowd::count(rows.iter(), row.host.as_str(), &row.cohorts[0].why);
            (crowd.recipients, crowd.destinations)
        };
        assert_eq!((count(0), count(2), count(3), count(5)), ((5, 2), (5, 1), (2, 2), (15, 2)));
        let crowd = Crowd::count(rows.iter(), "a.example", &rows[1].cohorts[0].why);
        assert_eq!(crowd.hosts, ["b.example", "a.example"]);
        assert_eq!(Crowd::count(rows.iter(), "a.example", &Why::Due), Crowd::default());
    }
}
