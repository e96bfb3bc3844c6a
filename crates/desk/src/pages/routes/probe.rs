//! A look at a destination from here.

use axum::extract::Path;
use axum::response::Response;
use mailreeve_api::command::Command as _;
use mailreeve_api::probe::Probe;

use super::{answer, ask, refuse};
use crate::pages::probe;
use crate::visitor::Visitor;

/// Asks for a probe and shows what it found. It is asked anew each time: what it finds is of that moment.
pub(super) async fn look(visitor: Visitor, Path(host): Path<String>) -> Response {
    let request = match Probe::parse(std::slice::from_ref(&host)) {
        Ok(request) => request,
        Err(problem) => return refuse(&visitor, &host, &problem),
    };
    let reply = ask(&visitor, &request).await;
    answer(&visitor, &host, reply, |frame, reply| probe::page(frame, &host, &reply))
}
