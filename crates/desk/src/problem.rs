//! Problems as answers: JSON for programs, with the status that says the same.

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use mailreeve_api::wire::{Problem, ProblemKind, VERSION};
use serde_json::json;

/// Seconds after which somebody who asked too much may try again.
const AGAIN: &str = "30";

/// A request that was refused.
#[derive(Clone, Debug)]
pub struct Refusal(pub Problem);

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let status = status(self.0.kind);
        let body = json!({ "v": VERSION, "error": self.0 }).to_string();
        let mut response = (status, [(header::CONTENT_TYPE, "application/json")], body).into_response();
        if status == StatusCode::UNAUTHORIZED {
            // RFC 9110 section 15.5.2: a 401 names a way in.
            let way = header::HeaderValue::from_static("Bearer realm=\"mailreeve\"");
            response.headers_mut().insert(header::WWW_AUTHENTICATE, way);
        }
        if status == StatusCode::TOO_MANY_REQUESTS {
            response.headers_mut().insert(header::RETRY_AFTER, header::HeaderValue::from_static(AGAIN));
        }
        response
    }
}

/// The HTTP status of a sort of problem.
pub fn status(kind: ProblemKind) -> StatusCode {
    StatusCode::from_u16(kind.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}
