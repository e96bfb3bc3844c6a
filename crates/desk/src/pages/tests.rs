//! Every page from fixed replies: what it looks like as HTML, that nothing in a reply becomes markup, and that no
//! sentence stands outside the catalogue.

mod hostile;
mod looks;
mod replies;
mod sentences;
mod size;

use super::frame::Frame;
use super::html::Html;
use super::words::Words;
use super::{
    alerts, conversation, delivery_status, destination, explain, help, login, probe, retried, system_status,
    timeline, tracking, trouble, way,
};
use mailreeve_api::explain::pages;
use mailreeve_api::recorder::TranscriptOf;
use mailreeve_api::wire::{Problem, ProblemKind};

fn frame(words: &'static Words) -> Frame<'static> {
    Frame {
        words,
        node: "mail.example.com",
        user: "ann",
        operates: true,
        first_secrets: false,
        form_token: "0f1e2d",
        asked: "",
    }
}

/// Every page by name, made from replies in which all foreign text goes through `text`.
fn every_page(words: &'static Words, text: &dyn Fn(&str) -> String) -> Vec<(&'static str, Html)> {
    let frame = frame(words);
    let before = retried::Ends { delivered: 3, soft: 0, hard: 4 };
    let due = retried::BecameDue { recipients: 13, destinations: 2, others: 1, before };
    let done = retried::Retried::Due(due);
    let host = replies::host_status(text);
    let waiting = replies::recipients(text);
    let problem = |kind| Problem::new(text("it failed"), text("mend it")).of(kind);
    let asked = text("hello");
    let refused_retry = retried::Retried::Refused(problem(ProblemKind::NotFound));
    let secrets = Frame { first_secrets: true, ..frame };
    let wrong = problem(ProblemKind::Unauthenticated);
    let hostname = text("mail.example.com");
    let refused = login::Login { hostname: &hostname, name: &asked, next: &asked, problem: Some(&wrong) };
    let why = replies::explained(text);
    let (tracked, details) = (replies::tracked(text), replies::track_details(text));
    let search = tracking::Search {
        wanted: vec![("sender", text("ann@")), ("event", "bounced".to_owned())],
        page: Some("17-m1".to_owned()),
        seen: Some(50),
    };
    let unread = tracking::Search { wanted: vec![("mid", format!("#{asked}"))], ..search.clone() };
    let (tried, queued) = (Some(replies::tried(text)), waiting.recipients.clone());
    let beside = way::Beside { waiting: queued, tried, why: Some(why.clone()) };
    let alone = way::Beside::default();
    vec![
        ("delivery_status", delivery_status::page(&frame, &replies::delivery_status(text), Some(&done))),
        ("delivery_status_empty", delivery_status::page(&frame, &replies::nothing_waits(text), None)),
        (
            "destination",
            destination::page(&secrets, &host, &waiting, Some((7, 1)), Some(&refused_retry), Some(&why)),
        ),
        (
            "destination_idle",
            destination::page(&frame, &replies::idle_host(text), &replies::nobody(), None, None, None),
        ),
        ("system_status", system_status::page(&frame, &replies::status(text))),
        ("alerts", alerts::page(&frame, &replies::alerts(text))),
        ("alerts_none", alerts::page(&frame, &replies::no_alerts())),
        ("login", login::page(words, &refused)),
        ("trouble", trouble::page(&frame, &problem(ProblemKind::Invalid))),
        ("trouble_unavailable", trouble::page(&frame, &problem(ProblemKind::Unavailable))),
        ("trouble_forbidden", trouble::page(&frame, &problem(ProblemKind::Forbidden))),
        ("explain", explain::page(&frame, Some(&asked))),
        ("explain_mailbox", explain::mailbox(&frame, &asked, &asked, &why)),
        ("explain_unknown", explain::unknown(&frame, &asked)),
        ("tracking", tracking::page(&frame, &search, Ok(&tracked))),
        (
            "tracking_none",
            tracking::page(&frame, &tracking::Search::default(), Ok(&replies::tracked_nothing())),
        ),
        ("tracking_wrong", tracking::page(&frame, &search, Err(&wrong))),
        ("tracking_unread", tracking::page(&frame, &unread, Err(&wrong))),
        ("way", way::page(&frame, &tracked, (&tracked.rows[0], &details), &beside)),
        ("way_of_a_connection", way::page(&frame, &tracked, (&tracked.rows[1], &details), &alone)),
        ("conversation", conversation::page(&frame, TranscriptOf::Dcid(153), Some(&replies::said(text)))),
        ("conversation_none", conversation::page(&frame, TranscriptOf::Mid(7), None)),
        ("timeline", timeline::page(&frame, &replies::past(text), "24h")),
        ("timeline_none", timeline::page(&frame, &host, "7d")),
        ("probe", probe::page(&frame, &asked, &replies::probed(text))),
        ("help", help::page(&frame, &pages::PAGES[0])),
        ("help_list", help::list(&frame)),
        ("view", trouble::view(&frame, "trouble.sort", &asked, ("/monitor/delivery-status", "trouble.back"))),
    ]
}
