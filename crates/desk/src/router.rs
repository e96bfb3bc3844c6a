//! Every route there is, and what stands before it.

use axum::Router;
use axum::http::Uri;
use axum::middleware;
use mailreeve_api::wire::{Problem, ProblemKind};

use crate::desk::Desk;
use crate::problem::Refusal;
use crate::{pages, shield};

/// The whole desk.
pub fn all(desk: Desk) -> Router {
    Router::new()
        .merge(pages::routes())
        .merge(pages::assets())
        .fallback(nowhere)
        .layer(middleware::from_fn(shield::headers))
        .with_state(desk)
}

async fn nowhere(uri: Uri) -> Refusal {
    let message = format!("there is nothing at {}", uri.path());
    Refusal(Problem::new(message, "/api/v1/openapi.json lists what there is").of(ProblemKind::NotFound))
}
