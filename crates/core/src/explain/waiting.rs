//! Why a recipient waits: from the scheduler's own why to its cause.

use super::blame::Blame;
use super::crowd::Crowd;
use super::explanation::{EvidenceKind, Explanation, Link, Next, State, Subject, Verdict};
use super::finding::Finding;
use super::remedy;
use super::sentence::Sentence;
use super::story::Story;
use super::terms::{Terms, event_link, evidence_of, failed_link, failed_there, now_link, order_link};
use crate::delivery::views::{DestinationView, RecipientView};
use crate::delivery::why::{LimitOwner, Why};
use crate::event::{Failure, HostStatus};

/// What is known of a recipient that waits.
#[derive(Clone, Debug)]
pub struct Waiting {
    /// The present instant, microseconds since the epoch.
    pub now: u64,
    /// The recipient, with its why.
    pub recipient: RecipientView,
    /// Its destination.
    pub destination: Option<DestinationView>,
    /// Who waits for the same reason.
    pub crowd: Crowd,
    /// What the events tell of its message.
    pub story: Story,
    /// The question is about the destination; the recipient is an example of those that wait there.
    pub example: bool,
}

/// What a why comes to.
struct Case {
    blame: Blame,
    since: Option<u64>,
    next: Next,
    terms: Terms,
    /// What shows it, beside the failures.
    links: Vec<Link>,
}

/// Explains why a recipient waits.
pub fn waiting(facts: &Waiting) -> Explanation {
    let case = case_of(facts);
    let cause = case.blame.finding;
    let mut chain = beginning(facts);
    chain.extend(failures(facts, cause));
    chain.extend(case.links.clone());
    if facts.crowd.recipients > 1 {
        let crowd = &facts.crowd;
        let what =
            Sentence::new("chain.waits").number("n", crowd.recipients).number("hosts", crowd.destinations);
        chain.push(now_link(what, EvidenceKind::Queue, &crowd.hosts.join(", ")));
    }
    let scope = if facts.crowd.destinations > 1 { None } else { Some(facts.recipient.host.as_str()) };
    Explanation {
        subject: subject(facts),
        state: State::Queued,
        verdict: Verdict::of(&case.blame, case.since),
        summary: case.terms.summary(cause),
        chain,
        next: case.next,
        remedy: remedy::of(cause, &case.terms, remedy::Queue::Waits { scope }),
    }
}

fn subject(facts: &Waiting) -> Subject {
    let RecipientView { mid, rid, host, .. } = &facts.recipient;
    let (recipients, destinations) = (facts.crowd.recipients.max(1), facts.crowd.destinations.max(1));
    if facts.example {
        let host = Some(host.to_string());
        return Subject { host, recipients, destinations, ..Subject::default() };
    }
    let entrance = facts.story.accepted.as_ref().map(|(_, entrance)| entrance);
    Subject {
        mid: Some(mid.0),
        rid: Some(rid.0),
        message_id: entrance.and_then(|entrance| entrance.message_id.clone()),
        sender: facts.story.sender.clone().or_else(|| entrance.map(|entrance| entrance.sender.clone())),
        recipient: facts.story.recipients.get(rid).and_then(|fate| fate.address.clone()),
        host: Some(host.to_string()),
        dcid: None,
        recipients,
        destinations,
    }
}

fn beginning(facts: &Waiting) -> Vec<Link> {
    let accepted = facts.story.accepted.iter().filter(|_| !facts.example);
    accepted.map(|(at, entrance)| accepted_link(&facts.story, *at, entrance)).collect()
}

/// The step by which a message became ours.
pub(super) fn accepted_link(story: &Story, at: u64, entrance: &super::story::Entrance) -> Link {
    let what = match entrance.report {
        Some((parent, _)) => {
            Sentence::new("chain.generated").number("mid", story.mid.0).number("parent", parent.0)
        }
        None => Sentence::new("chain.accepted")
            .text("sender", if entrance.sender.is_empty() { "<>" } else { &entrance.sender })
            .number("mid", story.mid.0)
            .number("octets", entrance.size),
    };
    event_link(Some(at), what, &format!("MID {} ICID {}", story.mid, entrance.icid))
}

/// The first failed try and the latest one, where they are known and belong to the cause. What failed for another
/// message is told as the destination's.
fn failures(facts: &Waiting, cause: Finding) -> Vec<Link> {
    let of_why = failure_of(&facts.recipient.why);
    let of_host = matches!(facts.recipient.why, Why::HostBackoff { .. });
    if facts.example {
        let key = if of_host { "chain.host_failed" } else { "chain.example_failed" };
        let host = facts.recipient.host.as_str();
        return of_why.map(|failure| failed_there(key, failure, host)).into_iter().collect();
    }
    let own = if of_host { None } else { of_why }.or(facts.recipient.last.as_ref());
    let fate = facts.story.recipients.get(&facts.recipient.rid);
    let first = fate.and_then(|fate| fate.first.as_ref());
    let mut links = Vec::new();
    if let Some(first) = first.filter(|first| own.is_none_or(|own| first.at < own.at)) {
        links.push(failed_link("chain.failed", first));
    }
    links.extend(own.filter(|_| cause != Finding::Due).map(|own| failed_link("chain.failed_again", own)));
    let others = of_why.filter(|reason| of_host && own.is_none_or(|own| own.at != reason.at));
    let host = facts.recipient.host.as_str();
    links.extend(others.map(|reason| failed_there("chain.host_failed", reason, host)));
    links
}

/// Returns the failure behind a why.
fn failure_of(why: &Why) -> Option<&Failure> {
    match why {
        Why::WaitingForRetry { cause, .. } => cause.as_ref(),
        Why::HostBackoff { reason, .. } => Some(reason),
        _ => None,
    }
}

fn case_of(facts: &Waiting) -> Case {
    let host = facts.recipient.host.as_str();
    let terms = terms_of(facts);
    let moment = |key: &str| Next { at: None, what: Sentence::new(key) };
    let plain = |finding: Finding, next: Next| Case {
        blame: Blame::observed(finding),
        since: None,
        next,
        terms: terms.clone(),
        links: Vec::new(),
    };
    match &facts.recipient.why {
        Why::Due => plain(Finding::Due, moment("next.moment")),
        Why::Attempting { .. } | Why::HostOnTrial { .. } | Why::Resolving { .. } | Why::Connecting { .. } => {
            plain(Finding::OnTheWay, moment("next.under_way"))
        }
        Why::WaitingForRetry { until, cause } => own_clock(facts, *until, cause.as_ref()),
        Why::HostBackoff { until, since, reason } => Case {
            since: Some(*since),
            links: down_link(facts),
            ..failed(facts, reason, retry(facts, "next.retry_host", *until))
        },
        Why::ConnectionLimit { whose, limit } => {
            let finding = of_limit(whose);
            let setting = match whose {
                LimitOwner::Gateway => "delivery.connections",
                LimitOwner::Destination(_) | LimitOwner::Address(_) => "[[destination]] concurrency",
            };
            limited(plain(finding, moment("next.turn")), &name_of(whose, host), setting, *limit)
        }
        Why::AddressOpening { address, opening } => {
            let case = plain(Finding::AddressOpening, moment("next.turn"));
            limited(case, &address.to_string(), "", *opening)
        }
        Why::RateLimit { whose, until } => {
            let next = Next { at: Some(*until), what: Sentence::new("next.window") };
            let mut case = plain(of_limit(whose), next);
            case.terms.whose = name_of(whose, host);
            let what = case.terms.sentence("chain.rate").at("until", *until);
            case.links.push(now_link(what, EvidenceKind::Config, "[[destination]] recipients, minutes"));
            case
        }
        Why::Suspended { by, since, host: only } => {
            let mut case = plain(Finding::DeliverySuspended, moment("next.resumed"));
            case.since = Some(*since);
            case.terms.by.clone_from(by);
            case.terms.whose = only.as_ref().map_or_else(|| "ALL".to_owned(), ToString::to_string);
            case.links.push(order_link("chain.suspended", by, &case.terms.whose, *since));
            case
        }
        Why::SpoolSpace { since } => {
            let mut case = plain(Finding::SpoolSpace, moment("next.space"));
            case.since = Some(*since);
            let link = now_link(Sentence::new("chain.disk"), EvidenceKind::Disk, "queue.reserve");
            case.links.push(Link { at: Some(*since), ..link });
            case
        }
        Why::ShuttingDown => plain(Finding::ShuttingDown, moment("next.start")),
    }
}

const fn of_limit(whose: &LimitOwner) -> Finding {
    match whose {
        LimitOwner::Gateway => Finding::GatewayLimit,
        LimitOwner::Destination(_) => Finding::DestinationLimit,
        LimitOwner::Address(_) => Finding::AddressLimit,
    }
}

/// A limit is reached: that of a setting, or of how many connections may be on their way to an address.
fn limited(mut case: Case, whose: &str, setting: &str, limit: usize) -> Case {
    whose.clone_into(&mut case.terms.whose);
    let key = if setting.is_empty() { "chain.opening" } else { "chain.limit" };
    let what = case.terms.sentence(key).number("limit", limit as u64);
    case.links.push(now_link(what, EvidenceKind::Config, setting));
    case
}

fn terms_of(facts: &Waiting) -> Terms {
    let mut terms = Terms::of(facts.recipient.host.as_str());
    let Story { sender, accepted, recipients, .. } = &facts.story;
    let entrance = accepted.as_ref().map(|(_, entrance)| &entrance.sender);
    terms.sender = sender.as_ref().or(entrance).cloned().unwrap_or(terms.sender);
    let fate = recipients.get(&facts.recipient.rid);
    terms.recipient = fate.and_then(|fate| fate.address.clone()).unwrap_or(terms.recipient);
    terms
}

/// It waits for its own clock: for the failure that started it, unless that is over.
fn own_clock(facts: &Waiting, until: u64, cause: Option<&Failure>) -> Case {
    let next = retry(facts, "next.retry", until);
    let Some(failure) = cause else {
        let terms = terms_of(facts);
        let blame =
            Blame { certainty: super::Certainty::Inferred, ..Blame::observed(Finding::WaitingForRetry) };
        return Case { blame, since: None, next, terms, links: Vec::new() };
    };
    let mut case = failed(facts, failure, next);
    case.since = facts
        .story
        .recipients
        .get(&facts.recipient.rid)
        .and_then(|fate| fate.first.as_ref())
        .map(|first| first.at);
    case.since = case.since.or(Some(failure.at));
    let success = facts.destination.as_ref().and_then(|view| view.last_delivered);
    if let Some(success) =
        success.filter(|success| *success > failure.at && case.blame.finding.passes_with_success())
    {
        case.blame = Blame::observed(Finding::WaitingForRetry);
        case.since = Some(success);
        let what = Sentence::new("chain.up").text("host", facts.recipient.host.as_str());
        case.links.push(event_link(Some(success), what, "Delivered"));
    }
    case
}

/// What a failure comes to.
fn failed(facts: &Waiting, failure: &Failure, next: Next) -> Case {
    let blame = Blame::of(failure);
    let mut terms = terms_of(facts).failed(failure, facts.destination.as_ref());
    if let Some(list) = &blame.list {
        terms.list.clone_from(list);
    }
    Case { blame, since: Some(failure.at), next, terms, links: Vec::new() }
}

fn down_link(facts: &Waiting) -> Vec<Link> {
    let Some(view) = &facts.destination else { return Vec::new() };
    let (Some(since), Some(reason)) = (view.since, &view.reason) else { return Vec::new() };
    let status = match view.status {
        HostStatus::Up => return Vec::new(),
        HostStatus::Down => "status.down",
        HostStatus::Unknown => "status.unknown",
    };
    let what = Sentence::new("chain.down").text("host", &view.host).word("status", status);
    vec![Link { at: Some(since), what, evidence: evidence_of(reason) }]
}

/// The next try, or the end of waiting when that comes first.
fn retry(facts: &Waiting, key: &str, until: u64) -> Next {
    let life = facts.destination.as_ref().map(|view| view.queue_seconds);
    let end =
        life.map(|seconds| facts.recipient.accepted_at.saturating_add(seconds.saturating_mul(1_000_000)));
    match end.filter(|end| *end <= until) {
        Some(end) => Next { at: Some(end), what: Sentence::new("next.expires") },
        None => Next { at: Some(until), what: Sentence::new(key) },
    }
}

fn name_of(whose: &LimitOwner, host: &str) -> String {
    match whose {
        LimitOwner::Gateway => String::new(),
        LimitOwner::Destination(_) => host.to_owned(),
        LimitOwner::Address(address) => address.to_string(),
    }
}
