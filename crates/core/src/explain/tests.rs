#![allow(clippy::unwrap_used)]
#![allow(clippy::disallowed_methods, reason = "a test reads the pages of the causes")]

use std::collections::BTreeSet;

use jiff::tz::TimeZone;

use super::*;
use crate::delivery::views::RecipientView;
use crate::delivery::why::{LimitOwner, Why};
use crate::event::{AbortReason, BounceKind, Cause, Event, Failure, SpoolSpace, Stage, Stamped};
use crate::ids::{Dcid, Host, Icid, Mid, Rid};

mod whose;

const MINUTE: u64 = 60_000_000;

fn failure(cause: Cause, stage: Stage, code: u16, text: &str) -> Failure {
    Failure {
        stage,
        cause,
        status: (4, 0, 0),
        code,
        text: vec![text.to_owned()],
        address: "192.0.2.7:25".parse().ok(),
        at: MINUTE,
    }
}

fn waits(why: Why) -> Waiting {
    let recipient = RecipientView {
        mid: Mid(7),
        rid: Rid(0),
        host: Host::new("a.example"),
        accepted_at: 0,
        attempts: 1,
        why,
        due: 0,
        last: None,
    };
    let story = Story::of(Mid(7), &[]);
    Waiting { now: 2 * MINUTE, recipient, destination: None, crowd: Crowd::default(), story, example: false }
}

fn clock(failure: Failure) -> Why {
    Why::WaitingForRetry { until: 5 * MINUTE, cause: Some(failure) }
}

fn backoff(reason: Failure) -> Why {
    Why::HostBackoff { until: 5 * MINUTE, since: MINUTE, reason }
}

#[test]
fn every_why_comes_to_its_cause() {
    use Finding as F;
    let reply = |code, text| failure(Cause::Reply4xx, Stage::Rcpt, code, text);
    let tls = |text| failure(Cause::TlsCertificate, Stage::StartTls, 0, text);
    let host = Host::new("a.example");
    let table = [
        (
            backoff(failure(Cause::ConnectRefused, Stage::Connect, 0, "refused")),
            F::ConnectRefused,
            Owner::Destination,
        ),
        (
            backoff(failure(Cause::GreetingRejected, Stage::Greeting, 421, "later")),
            F::GreetingRejected,
            Owner::Destination,
        ),
        (
            backoff(failure(
                Cause::GreetingRejected,
                Stage::Greeting,
                554,
                "5.7.1 blocked using dnsbl.example",
            )),
            F::IpBlocklisted,
            Owner::Us,
        ),
        (
            backoff(failure(Cause::ResolverUnreachable, Stage::Dns, 0, "no answer")),
            F::ResolverUnreachable,
            Owner::Us,
        ),
        (
            backoff(tls("invalid peer certificate: certificate expired")),
            F::TlsCertificateExpired,
            Owner::Destination,
        ),
        (backoff(tls("certificate not valid for name \"mx\"")), F::TlsNameMismatch, Owner::Destination),
        (clock(reply(451, "4.7.1 zebra")), F::Greylisted, Owner::Nobody),
        (clock(reply(452, "4.2.2 zebra")), F::MailboxFull, Owner::Destination),
        (clock(failure(Cause::LostAfterData, Stage::Final, 0, "lost")), F::LostAfterData, Owner::Destination),
        (Why::WaitingForRetry { until: 1, cause: None }, F::WaitingForRetry, Owner::Nobody),
        (Why::Due, F::Due, Owner::Nobody),
        (Why::Resolving { since: 1 }, F::OnTheWay, Owner::Nobody),
        (
            Why::RateLimit { whose: LimitOwner::Destination(host.clone()), until: 9 },
            F::DestinationLimit,
            Owner::UsPolicy,
        ),
        (Why::ConnectionLimit { whose: LimitOwner::Gateway, limit: 3 }, F::GatewayLimit, Owner::UsPolicy),
        (
            Why::Suspended { by: "ann".to_owned(), since: 1, host: Some(host) },
            F::DeliverySuspended,
            Owner::Us,
        ),
        (Why::SpoolSpace { since: 1 }, F::SpoolSpace, Owner::Us),
        (Why::ShuttingDown, F::ShuttingDown, Owner::Us),
    ];
    for (why, cause, owner) in table {
        let told = format!("{why:?}");
        let explained = waiting(&waits(why));
        assert_eq!((explained.verdict.cause, explained.verdict.owner), (cause, owner), "{told}");
        assert_eq!(explained.state, State::Queued);
        assert!(!explained.remedy.is_empty(), "{told}");
    }
}

#[test]
fn a_guess_is_told_as_one() {
    let certainty = |text: &str| {
        waiting(&waits(clock(failure(Cause::Reply4xx, Stage::Rcpt, 451, text)))).verdict.certainty
    };
    assert_eq!(certainty("4.7.1 zebra"), Certainty::Inferred);
    assert_eq!(certainty("4.7.1 greylisted"), Certainty::Observed);
}

#[test]
fn what_ended_tells_its_end() {
    let (mid, host) = (Mid(7), Host::new("a.example"));
    let told = |end: Event| {
        let events = [
            Event::MessageStarted { mid, icid: Icid(3), sender: "s@b.example".to_owned() },
            Event::RecipientAccepted { mid, icid: Icid(3), rid: Rid(0), address: "x@a.example".to_owned() },
            Event::Deferred {
                dcid: Dcid(1),
                mid,
                rid: Rid(0),
                host: host.clone(),
                failure: failure(Cause::ConnectRefused, Stage::Connect, 0, "connection refused"),
                next_at: 0,
                attempts: 1,
            },
            end,
        ];
        let events: Vec<Stamped> = (1..).zip(events).map(|(at, event)| Stamped { at, event }).collect();
        ended(&Story::of(mid, &events), Rid(0), None, None).unwrap()
    };
    let bounced = |kind, failure| {
        told(Event::Bounced {
            dcid: Dcid(1),
            mid,
            rid: Rid(0),
            host: host.clone(),
            kind,
            failure,
            unreported: None,
        })
    };
    let unknown = bounced(BounceKind::FiveXx, failure(Cause::Reply5xx, Stage::Rcpt, 550, "5.1.1 zebra"));
    assert_eq!((unknown.verdict.cause, unknown.state), (Finding::UnknownRecipient, State::Bounced));
    let english = Catalogue::english(TimeZone::UTC);
    assert_eq!(english.say(&unknown.summary), "a.example says that it has no mailbox for x@a.example.");
    let expired = bounced(BounceKind::Expired, failure(Cause::Expired, Stage::Local, 0, "Not delivered"));
    assert_eq!((expired.verdict.cause, expired.state), (Finding::Expired, State::Expired));
    let summary = english.say(&expired.summary);
    assert!(summary.contains("connect-refused"), "the first cause is kept: {summary}");
    let deleted = |by: &str| {
        told(Event::Deleted { mid, rid: Rid(0), host: host.clone(), by: by.to_owned() }).verdict.cause
    };
    assert_eq!((deleted("ann"), deleted("route")), (Finding::DeletedByOperator, Finding::DiscardedByRoute));
}

#[test]
fn what_never_came_is_told_with_how_far_was_looked() {
    let asked = Asked { sender: Some("s@b.example".to_owned()), ..Asked::default() };
    let nothing = unknown(&asked, Reach { since: Some(9), recovering: None }, 99);
    assert_eq!((nothing.state, nothing.verdict.cause), (State::Unknown, Finding::NotInRecords));
    let reading = unknown(&asked, Reach { since: Some(9), recovering: Some((1, 2)) }, 99);
    assert_eq!(reading.verdict.cause, Finding::Recovering);
    assert_eq!(refused(&asked, None, &[]), None);
    let closed = Closed::Space(SpoolSpace::Low);
    let low = refused(&asked, Some(&closed), &[]).unwrap();
    assert_eq!((low.state, low.verdict.cause), (State::Refused, Finding::RefusedSpoolSpace));
    let aborted =
        Event::MessageAborted { mid: Mid(7), icid: Icid(1), why: AbortReason::Lost { data_bytes: 5 } };
    let story = Story::of(Mid(7), &[Stamped { at: 1, event: aborted }]);
    assert_eq!(never_accepted(&story).unwrap().verdict.cause, Finding::LostDuringData);
}

/// A language in which every sentence says its key and its arguments, as a translation may order them.
#[test]
fn every_sentence_goes_through_the_catalogue() {
    let (english, pseudo) = (Catalogue::english(TimeZone::UTC), Catalogue::pseudo());
    let mut explanations = vec![
        idle("a.example", None),
        held(7, &Story::of(Mid(7), &[]), "ann", 1, ""),
        released(7, &Story::of(Mid(7), &[])),
        waiting(&waits(Why::Suspended { by: "ann".to_owned(), since: 1, host: None })),
        waiting(&waits(Why::SpoolSpace { since: 1 })),
        waiting(&waits(Why::ConnectionLimit { whose: LimitOwner::Gateway, limit: 3 })),
        waiting(&Waiting {
            example: true,
            ..waits(backoff(failure(Cause::ConnectRefused, Stage::Connect, 0, "text")))
        }),
        unknown(&Asked::default(), Reach::default(), 9),
    ];
    for cause in CAUSES {
        let failed = failure(cause, Stage::Connect, 0, "text");
        explanations.extend([waiting(&waits(backoff(failed.clone()))), waiting(&waits(clock(failed)))]);
    }
    let mut keys = BTreeSet::new();
    for explained in &explanations {
        let remedies = explained.remedy.iter().flat_map(|remedy| [&remedy.what, &remedy.why]);
        let links = explained.chain.iter().flat_map(|link| [&link.what, &link.evidence.said]);
        let sentences = remedies.chain(links).chain([&explained.summary, &explained.next.what]);
        for sentence in sentences {
            assert!(english.has(&sentence.key), "{}", sentence.key);
            let said = english.say(sentence);
            assert!(!said.contains('{'), "{}: {said}", sentence.key);
            assert!(said.len() > 5 || sentence.key == "shown.words", "{}: {said}", sentence.key);
            // In another language nothing is left in English but what comes from elsewhere.
            let foreign = sentence.args.iter().fold(pseudo.say(sentence), |said, (_, arg)| match arg {
                Arg::Text(text) => {
                    let known = text.is_empty() || DATA.iter().any(|data| text.contains(data));
                    assert!(known, "{}: {text}", sentence.key);
                    said.replace(text.as_str(), "")
                }
                Arg::Word(_) | Arg::Number(_) | Arg::Span(_) => said,
                Arg::At(_) => said.replace("Jan", ""),
            });
            assert!(
                !foreign.contains(|letter: char| letter.is_ascii_alphabetic()),
                "{}: {foreign}",
                sentence.key
            );
            keys.insert(sentence.key.clone());
        }
    }
    assert!(keys.len() > 50, "{keys:?}");
}

/// What the facts of these explanations hold, and what is the same in every language.
const DATA: [&str; 10] = [
    "a.example",
    "192.0.2.7",
    "ann",
    "text",
    "ALL",
    "MID ",
    "queue.reserve",
    "delivery.connections",
    "resumedel",
    "delivernow",
];

const CAUSES: [Cause; 12] = [
    Cause::ConnectRefused,
    Cause::ConnectTimeout,
    Cause::NoRoute,
    Cause::BannerTimeout,
    Cause::SmtpTimeout,
    Cause::HelloRejected,
    Cause::ConnectionLost,
    Cause::TlsNotOffered,
    Cause::TlsHandshake,
    Cause::DnsServfail,
    Cause::DnsTimeout,
    Cause::MxNoAddress,
];

#[test]
fn every_finding_has_a_page_and_every_page_a_finding() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/why");
    let pages: BTreeSet<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter_map(|name| name.strip_suffix(".md").map(str::to_owned))
        .collect();
    let codes: BTreeSet<String> = Finding::ALL.iter().map(|finding| finding.code().to_owned()).collect();
    assert_eq!(pages, codes);
    assert_eq!(codes.len(), Finding::ALL.len());
    for finding in Finding::ALL {
        let page = std::fs::read_to_string(format!("{folder}/{}.md", finding.code())).unwrap();
        assert!(page.starts_with(&format!("# {}\n", finding.code())));
        for part in ["## What it means", "## How it is known", "## What to do", "## Who can"] {
            let (_, text) = page.split_once(part).unwrap();
            assert!(text.trim().len() > 20, "{}: {part}", finding.code());
        }
        assert!(page.contains(&format!("`{}`", finding.owner().code())), "{}", finding.code());
        assert_eq!(Finding::from_code(finding.code()), Some(*finding));
    }
}
