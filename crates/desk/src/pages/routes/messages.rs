//! Message Tracking: what is asked of the gateway for it.

use axum::extract::{Path, RawQuery};
use axum::http::StatusCode;
use axum::response::Response;
use mailreeve_api::command::Command as _;
use mailreeve_api::explain::Explain;
use mailreeve_api::queue::{RecipientLine, RecipientScope, ShowRecipients};
use mailreeve_api::track::{Track, TrackReply};
use mailreeve_api::wire::Problem;

use super::{Fields, ask, frame, respond, why};
use crate::pages::tracking::{self, Search};
use crate::pages::{destination, way};
use crate::problem::status;
use crate::visitor::Visitor;

/// Searches, and shows the whole way of the only one that was asked for by its number.
pub(super) async fn show_tracking(visitor: Visitor, RawQuery(query): RawQuery) -> Response {
    let fields = Fields::of(query.unwrap_or_default().as_bytes());
    track(&visitor, &search(&fields)).await
}

pub(super) async fn show_way(visitor: Visitor, Path(mid): Path<String>) -> Response {
    let wanted = vec![("mid", mid)];
    track(&visitor, &Search { wanted, ..Search::default() }).await
}

fn search(fields: &Fields) -> Search {
    let given = |name: &'static str| {
        let value = fields.text(name).map(str::trim).filter(|value| !value.is_empty())?;
        Some((name, value.to_owned()))
    };
    let wanted = tracking::FIELDS.into_iter().filter_map(given).collect();
    let page = fields.text("page").map(str::to_owned);
    Search { wanted, page, seen: fields.number("seen").unwrap_or(0) }
}

async fn track(visitor: &Visitor, search: &Search) -> Response {
    let found: Result<TrackReply, Problem> = match Track::parse(&search.words()) {
        Ok(request) => ask(visitor, &request).await,
        Err(problem) => Err(problem),
    };
    let status = found.as_ref().map_or_else(|problem| status(problem.kind), |_| StatusCode::OK);
    if let Ok(reply) = &found
        && let ([record], Some(details)) = (&reply.rows[..], &reply.details)
    {
        let (waiting, why) = match record.mid {
            Some(mid) => {
                let about = Explain { mid: Some(mid), ..Explain::default() };
                (waiting_of(visitor, mid).await, why(visitor, about).await)
            }
            None => (Vec::new(), None),
        };
        let record = (record, details);
        return respond(status, way::page(&frame(visitor, ""), reply, record, &waiting, why.as_ref()));
    }
    respond(status, tracking::page(&frame(visitor, ""), search, found.as_ref()))
}

/// The waiting recipients of one message: those after the last possible one of the message before it.
async fn waiting_of(visitor: &Visitor, mid: u64) -> Vec<RecipientLine> {
    let after = mid.checked_sub(1).map(|before| (before, u32::MAX));
    let request = ShowRecipients { scope: RecipientScope::All, after, limit: destination::RECIPIENTS };
    let reply = ask(visitor, &request).await;
    let waiting = reply.map_or_else(|_| Vec::new(), |reply| reply.recipients);
    waiting.into_iter().filter(|line| line.mid == mid).collect()
}
