//! What became of a recipient that has ended, and why.

use super::blame::{Blame, Certainty};
use super::explanation::{Evidence, EvidenceKind, Explanation, Link, Next, State, Subject, Verdict};
use super::finding::Finding;
use super::remedy;
use super::sentence::Sentence;
use super::story::{Ended, Fate, Story};
use super::terms::{Terms, cut, event_link, evidence_of, failed_link, said};
use super::waiting::accepted_link;
use crate::delivery::views::DestinationView;
use crate::event::{BounceKind, Cause, Failure, Unreported};
use crate::ids::Rid;

/// Who takes out what a route throws away, as the shard writes it.
const ROUTE: &str = "route";

/// Explains how a recipient ended; `None` when the story does not tell of an end. `peer` is the name and address of the
/// connection that delivered, where it is known; `view` what is known of the destination now.
pub fn ended(
    story: &Story,
    rid: Rid,
    peer: Option<(&str, String)>,
    view: Option<&DestinationView>,
) -> Option<Explanation> {
    let fate = story.recipients.get(&rid)?;
    let (at, end) = fate.end.as_ref()?;
    let host = fate.host.as_ref().map_or("", |host| host.as_str());
    let mut terms = Terms::of(host);
    terms.recipient = fate.address.clone().unwrap_or(terms.recipient);
    terms.sender = sender(story).unwrap_or(terms.sender);
    let mut chain: Vec<Link> =
        story.accepted.iter().map(|(at, entrance)| accepted_link(story, *at, entrance)).collect();
    chain.extend(fate.first.iter().map(|first| failed_link("chain.failed", first)));
    if let Some((at, by)) = &fate.redirected {
        let what = Sentence::new("chain.redirected").text("by", by).text("host", host);
        chain.push(event_link(Some(*at), what, "Redirected"));
    }
    let (state, blame, links, next) = case_of(*at, end, fate, &mut terms, peer, view);
    chain.extend(links);
    Some(Explanation {
        subject: subject(story, rid, fate, host),
        state,
        verdict: Verdict::of(&blame, Some(*at)),
        summary: terms.summary(blame.finding),
        chain,
        next: Next { at: None, what: Sentence::new(next) },
        remedy: remedy::of(blame.finding, &terms, remedy::Queue::Empty),
    })
}

/// What an end comes to: the state, the cause, what shows it and what comes next; `terms` learn who is spoken of.
fn case_of(
    at: u64,
    end: &Ended,
    fate: &Fate,
    terms: &mut Terms,
    peer: Option<(&str, String)>,
    view: Option<&DestinationView>,
) -> (State, Blame, Vec<Link>, &'static str) {
    match end {
        Ended::Delivered { dcid, reply } => {
            terms.reply = cut(reply);
            if let Some((name, address)) = peer {
                terms.name = name.to_owned();
                terms.address = address;
            }
            let what = terms.sentence("chain.delivered").number("dcid", dcid.0);
            let evidence = Evidence::words(EvidenceKind::Reply, &cut(reply));
            let link = Link { at: Some(at), what, evidence };
            (State::Delivered, Blame::observed(Finding::Delivered), vec![link], "next.beyond")
        }
        Ended::Bounced { kind, failure, unreported } => {
            let (finding, told) = bounce(*kind, failure, fate);
            *terms = terms.clone().failed(&told, view);
            if let Some(list) = &finding.list {
                terms.list.clone_from(list);
            }
            if *kind == BounceKind::Expired {
                terms.reply = first_cause(failure, fate);
            }
            let state = if *kind == BounceKind::Expired { State::Expired } else { State::Bounced };
            let next = if unreported.is_none() { "next.reported" } else { "next.over" };
            (state, finding, bounce_links(at, *kind, failure, *unreported), next)
        }
        Ended::Deleted { by } if by == ROUTE => {
            let link = taken_out("chain.deleted", at, by);
            (State::Deleted, Blame::observed(Finding::DiscardedByRoute), link, "next.over")
        }
        Ended::Deleted { by } => {
            terms.by.clone_from(by);
            let link = taken_out("chain.deleted", at, by);
            (State::Deleted, Blame::observed(Finding::DeletedByOperator), link, "next.over")
        }
        Ended::Archived { by } => {
            terms.by.clone_from(by);
            let link = taken_out("chain.archived", at, by);
            (State::Deleted, Blame::observed(Finding::ArchivedByOperator), link, "next.over")
        }
        Ended::Corrupt { detail } => {
            let link = event_link(Some(at), Sentence::new("chain.corrupt"), detail);
            (State::Deleted, Blame::observed(Finding::RecordCorrupt), vec![link], "next.over")
        }
    }
}

fn sender(story: &Story) -> Option<String> {
    let accepted = story.accepted.as_ref().map(|(_, entrance)| entrance.sender.clone());
    accepted.or_else(|| story.sender.clone()).filter(|sender| !sender.is_empty())
}

fn subject(story: &Story, rid: Rid, fate: &Fate, host: &str) -> Subject {
    let dcid = match &fate.end {
        Some((_, Ended::Delivered { dcid, .. })) => Some(dcid.0),
        _ => None,
    };
    Subject {
        mid: Some(story.mid.0),
        rid: Some(rid.0),
        message_id: story.accepted.as_ref().and_then(|(_, entrance)| entrance.message_id.clone()),
        sender: sender(story),
        recipient: fate.address.clone(),
        host: Some(host.to_owned()).filter(|host| !host.is_empty()),
        dcid,
        recipients: 1,
        destinations: 1,
    }
}

/// What stands behind a bounce, and the failure that tells it.
fn bounce(kind: BounceKind, failure: &Failure, fate: &Fate) -> (Blame, Failure) {
    match kind {
        BounceKind::Expired => {
            let told = fate.last.clone().unwrap_or_else(|| failure.clone());
            (Blame { certainty: Certainty::Observed, ..Blame::observed(Finding::Expired) }, told)
        }
        BounceKind::Dns | BounceKind::FiveXx | BounceKind::Filter | BounceKind::Other => {
            (Blame::of(failure), failure.clone())
        }
    }
}

/// What an expired recipient waited for: its latest failure with its cause, or what its end says of it.
fn first_cause(failure: &Failure, fate: &Fate) -> String {
    match &fate.last {
        Some(last) => cut(&format!("{}, {}", Blame::of(last).finding.code(), said(last))),
        None => said(failure),
    }
}

fn bounce_links(at: u64, kind: BounceKind, failure: &Failure, unreported: Option<Unreported>) -> Vec<Link> {
    let kind = match kind {
        BounceKind::Dns => "kind.dns",
        BounceKind::FiveXx => "kind.five_xx",
        BounceKind::Filter => "kind.filter",
        BounceKind::Expired => "kind.expired",
        BounceKind::Other => "kind.other",
    };
    let what = Sentence::new("chain.bounced").word("kind", kind);
    let mut evidence = evidence_of(failure);
    if failure.cause == Cause::Expired {
        evidence.kind = EvidenceKind::Config;
    }
    let ended = Link { at: Some(at), what, evidence };
    let told = match unreported {
        None => Sentence::new("chain.reported"),
        Some(Unreported::NullSender) => unreported_because("unreported.null_sender"),
        Some(Unreported::NotRequested) => unreported_because("unreported.not_requested"),
        Some(Unreported::Profile) => unreported_because("unreported.profile"),
    };
    vec![ended, event_link(Some(at), told, "Bounced")]
}

fn unreported_because(reason: &'static str) -> Sentence {
    Sentence::new("chain.unreported").word("reason", reason)
}

fn taken_out(key: &str, at: u64, by: &str) -> Vec<Link> {
    let evidence = Evidence::words(EvidenceKind::Order, by);
    vec![Link { at: Some(at), what: Sentence::new(key).text("by", by), evidence }]
}
