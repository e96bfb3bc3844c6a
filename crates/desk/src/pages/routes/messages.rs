//! Message Tracking: what is asked of the gateway for it.

use axum::extract::{Path, RawQuery};
use axum::http::StatusCode;
use axum::response::Response;
use mailreeve_api::command::Command as _;
use mailreeve_api::explain::Explain;
use mailreeve_api::queue::{RecipientLine, RecipientScope, ShowRecipients};
use mailreeve_api::recorder::{Attempts, Transcript};
use mailreeve_api::track::{Track, TrackReply};
use mailreeve_api::wire::{Problem, ProblemKind};

use super::view::number;
use super::{Fields, ask, frame, refuse, respond, why};
use crate::pages::tracking::{self, Search};
use crate::pages::{conversation, destination, way};
use crate::problem::status;
use crate::visitor::Visitor;

/// Searches, and shows the whole way of the only one that was asked for by its number.
pub(super) async fn show_tracking(visitor: Visitor, RawQuery(query): RawQuery) -> Response {
    let fields = Fields::of(query.unwrap_or_default().as_bytes());
    track(&visitor, &search(&fields)).await
}

pub(super) async fn show_way(visitor: Visitor, Path(mid): Path<String>) -> Response {
    let wanted = vec![("mid", mid)];
    track(&visitor, &Search { wanted, page: None, seen: Some(0) }).await
}

fn search(fields: &Fields) -> Search {
    let given = |name: &'static str| {
        let value = fields.text(name).map(str::trim).filter(|value| !value.is_empty())?;
        Some((name, value.to_owned()))
    };
    let wanted = tracking::FIELDS.into_iter().filter_map(given).collect();
    let page = fields.text("page").filter(|page| !page.is_empty()).map(str::to_owned);
    Search { wanted, page, seen: fields.text("seen").map_or(Some(0), number) }
}

async fn track(visitor: &Visitor, search: &Search) -> Response {
    let found: Result<TrackReply, Problem> = match (Track::parse(&search.words()), search.seen) {
        (Ok(request), Some(_)) => ask(visitor, &request).await,
        (Ok(_), None) => Err(Problem::new("`seen` is a number", "begin at the first page")),
        (Err(problem), _) => Err(problem),
    };
    let status = found.as_ref().map_or_else(|problem| status(problem.kind), |_| StatusCode::OK);
    if let Ok(reply) = &found
        && let ([record], Some(details)) = (&reply.rows[..], &reply.details)
    {
        let beside = match record.mid {
            Some(mid) => beside(visitor, mid).await,
            None => way::Beside::default(),
        };
        return respond(status, way::page(&frame(visitor, ""), reply, (record, details), &beside));
    }
    respond(status, tracking::page(&frame(visitor, ""), search, found.as_ref()))
}

/// What is known of a message beside its record; a page is good without any of it.
async fn beside(visitor: &Visitor, mid: u64) -> way::Beside {
    let (attempts, about) = (Attempts { mid, rid: None }, Explain { mid: Some(mid), ..Explain::default() });
    let all = (waiting_of(visitor, mid), ask(visitor, &attempts), why(visitor, about));
    let (waiting, tried, why) = tokio::join!(all.0, all.1, all.2);
    way::Beside { waiting, tried: tried.ok(), why }
}

/// Shows a conversation, or what was said about a message.
pub(super) async fn show_conversation(visitor: Visitor, Path(words): Path<(String, String)>) -> Response {
    let Ok(Transcript { of }) = Transcript::parse(&[words.0, words.1]) else {
        let missing = Problem::new("there is no such conversation", "").of(ProblemKind::NotFound);
        return refuse(&visitor, "", &missing);
    };
    match ask(&visitor, &Transcript { of }).await {
        Ok(reply) => respond(StatusCode::OK, conversation::page(&frame(&visitor, ""), of, Some(&reply))),
        Err(problem) if problem.kind == ProblemKind::NotFound => {
            respond(StatusCode::NOT_FOUND, conversation::page(&frame(&visitor, ""), of, None))
        }
        Err(problem) => refuse(&visitor, "", &problem),
    }
}

/// The waiting recipients of one message: those after the last possible one of the message before it.
async fn waiting_of(visitor: &Visitor, mid: u64) -> Vec<RecipientLine> {
    let after = mid.checked_sub(1).map(|before| (before, u32::MAX));
    let request = ShowRecipients { scope: RecipientScope::All, after, limit: destination::RECIPIENTS };
    let reply = ask(visitor, &request).await;
    let waiting = reply.map_or_else(|_| Vec::new(), |reply| reply.recipients);
    waiting.into_iter().filter(|line| line.mid == mid).collect()
}
