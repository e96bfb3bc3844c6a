//! A destination over time.

use axum::extract::{Path, RawQuery};
use axum::response::Response;
use mailreeve_api::queue::HostStatus;

use super::{Fields, answer, ask, view};
use crate::pages::timeline;
use crate::visitor::Visitor;

/// Its own page, asked for when somebody looks: the records of a week are more than what a live page may read each time.
pub(super) async fn show(visitor: Visitor, Path(host): Path<String>, RawQuery(query): RawQuery) -> Response {
    let span = match view::over(&Fields::of(query.unwrap_or_default().as_bytes())) {
        Ok(span) => span,
        Err(unread) => return unread.response(&visitor, (&timeline::address(&host), "times.open")),
    };
    let since = Some(span.to_owned());
    let request =
        HostStatus { host: host.clone(), since, rows: Some(timeline::STEPS), ..HostStatus::default() };
    let reply = ask(&visitor, &request).await;
    answer(&visitor, &host, reply, |frame, reply| timeline::page(frame, &reply, span))
}
