//! Help pages: built in, no question to the gateway.

use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::Response;
use mailreeve_api::explain::pages::page;

use super::{frame, respond};
use crate::pages::{help, trouble};
use crate::visitor::Visitor;

pub(super) async fn show_list(visitor: Visitor) -> Response {
    respond(StatusCode::OK, help::list(&frame(&visitor, "")))
}

pub(super) async fn show_page(visitor: Visitor, Path(code): Path<String>) -> Response {
    let frame = frame(&visitor, "");
    match page(&code) {
        Some(page) => respond(StatusCode::OK, help::page(&frame, page)),
        None => {
            let missing = trouble::view(&frame, "trouble.cause", &code, (help::PATH, "help.title"));
            respond(StatusCode::NOT_FOUND, missing)
        }
    }
}
