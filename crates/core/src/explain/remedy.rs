//! What can be done about a cause, the best first.

use super::explanation::Remedy;
use super::finding::Finding;
use super::owner::Owner;
use super::sentence::Sentence;
use super::terms::Terms;

/// Whether mail waits that could be tried.
#[derive(Clone, Copy, Debug)]
pub(super) enum Queue<'a> {
    /// Nothing waits.
    Empty,
    /// Mail waits: for this destination, or for many.
    Waits {
        /// The one destination.
        scope: Option<&'a str>,
    },
}

/// Returns what can be done.
pub(super) fn of(cause: Finding, terms: &Terms, queue: Queue<'_>) -> Vec<Remedy> {
    let mut remedies = vec![Remedy {
        command: command(cause, terms, queue),
        what: terms.sentence(format!("do.{}", cause.code())),
        who: who(cause),
        why: terms.sentence(format!("why.{}", cause.code())),
    }];
    if let Some(command) = look(cause, terms) {
        remedies.push(ours(Some(command), "check"));
    }
    if let Queue::Waits { scope } = queue
        && helps_to_try(cause)
    {
        remedies.push(ours(Some(format!("delivernow {}", scope.unwrap_or("all"))), "delivernow"));
    }
    remedies
}

fn ours(command: Option<String>, key: &str) -> Remedy {
    let sentence = |part: &str| Sentence::new(format!("{part}.{key}"));
    Remedy { command, what: sentence("do"), who: Owner::Us, why: sentence("why") }
}

/// Who does the first thing: where nobody has to, it is a hint for ourselves.
const fn who(cause: Finding) -> Owner {
    match cause.owner() {
        Owner::Nobody | Owner::UsPolicy => Owner::Us,
        owner => owner,
    }
}

/// The command of ours that is the remedy itself.
fn command(cause: Finding, terms: &Terms, queue: Queue<'_>) -> Option<String> {
    match cause {
        Finding::DeliverySuspended => Some(format!("resumedel {}", terms.whose)),
        Finding::WorkQueuePaused => Some("workqueue resume".to_owned()),
        Finding::ReceivingSuspended => Some(format!("resumelistener {}", terms.whose)),
        Finding::WaitingForRetry => match queue {
            Queue::Waits { scope } => Some(format!("delivernow {}", scope.unwrap_or("all"))),
            Queue::Empty => None,
        },
        _ => None,
    }
}

/// The command that shows the cause from here.
fn look(cause: Finding, terms: &Terms) -> Option<String> {
    match cause {
        Finding::ConnectRefused
        | Finding::ConnectTimeout
        | Finding::NoRoute
        | Finding::BannerTimeout
        | Finding::GreetingRejected
        | Finding::BackupMxUsed => Some(format!("probe {}", terms.host)),
        Finding::DnsServfail
        | Finding::DnsTimeout
        | Finding::DnsNxdomain
        | Finding::MxNoAddress
        | Finding::NullMx => Some(format!("dig mx {}", terms.host)),
        Finding::ResolverUnreachable => Some("dnsstatus".to_owned()),
        Finding::GatewayLimit => Some("tophosts conn_out".to_owned()),
        _ => None,
    }
}

/// Whether a try at once can help when the cause is gone: not where it waits for a rule, an order or a time to pass.
const fn helps_to_try(cause: Finding) -> bool {
    !matches!(
        cause,
        Finding::Due
            | Finding::OnTheWay
            | Finding::WaitingForRetry
            | Finding::Greylisted
            | Finding::DeliverySuspended
            | Finding::SpoolSpace
            | Finding::ShuttingDown
            | Finding::Recovering
            | Finding::WorkQueuePaused
            | Finding::AddressOpening
            | Finding::GatewayLimit
            | Finding::PeerRateLimit
    )
}
