//! Every route there is, and what stands before it.

use axum::Router;
use axum::extract::Request;
use axum::http::{HeaderMap, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse as _, Response};
use mailreeve_api::wire::{Problem, ProblemKind};

use crate::desk::Desk;
use crate::problem::Refusal;
use crate::visitor::{self, Visitor};
use crate::{guard, pages, rest, shield, sign_in};

/// The whole desk.
pub(crate) fn all(desk: Desk) -> Router {
    let pages = pages::routes().layer(middleware::from_fn(signed_in));
    Router::new()
        .merge(rest::routes())
        .merge(sign_in::routes())
        .merge(pages)
        .merge(pages::assets())
        .fallback(nowhere)
        .method_not_allowed_fallback(rest::other_method)
        .layer(middleware::from_fn_with_state(desk.clone(), guard::guard))
        .layer(middleware::from_fn_with_state(desk.secure(), shield::headers))
        .with_state(desk)
}

/// Pages are for those who have signed in; a browser is led to where that is done, and back to what it looked at.
async fn signed_in(request: Request, next: Next) -> Response {
    if request.extensions().get::<Visitor>().is_some() {
        return next.run(request).await;
    }
    match (request.method().is_safe(), shows_pages(request.headers())) {
        (true, _) => {
            let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
            sign_in::first(path)
        }
        (false, true) => sign_in::first("/"),
        (false, false) => Refusal(visitor::unknown()).into_response(),
    }
}

async fn nowhere(request: Request) -> Response {
    let message = format!("there is nothing at {}", request.uri().path());
    let hint = "/api/v1/openapi.json lists what there is";
    let problem = Problem::new(message, hint).of(ProblemKind::NotFound);
    match request.extensions().get::<Visitor>().filter(|_| shows_pages(request.headers())) {
        Some(visitor) => pages::nowhere(visitor, &problem),
        None => Refusal(problem).into_response(),
    }
}

/// Whether it is a browser that asks, and not a program.
fn shows_pages(headers: &HeaderMap) -> bool {
    let accepted = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok());
    accepted.is_some_and(|accepted| accepted.contains("text/html"))
}
