//! What stands before every route: requests have an end, say who asks, and are not another site's doing.
//!
//! * A body is read whole before anything else: bounded, with a deadline.
//! * `Authorization: Bearer` names a token, the cookie a session. A token that is wrong is refused at once; a
//!   session that is over is no session.
//! * What changes something within a session must come from a page of ours: by the browser's word (`Origin`,
//!   `Sec-Fetch-Site`) and by the session's form token. Tokens are not sent by browsers on their own, so they need
//!   neither.

use std::net::SocketAddr;
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::extract::{ConnectInfo, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use mailreeve_api::registry::patience_max;
use mailreeve_api::wire::{Caller, Problem, ProblemKind};

use crate::cookie;
use crate::desk::Desk;
use crate::problem::Refusal;
use crate::secret;
use crate::visitor::Visitor;

/// Octets of a request's body.
pub(crate) const BODY_BYTES: usize = 64 * 1024;
/// For a body to come.
const BODY: Duration = Duration::from_secs(15);
/// For an answer to begin, beyond what the most patient command may take.
const ANSWER: Duration = Duration::from_secs(15);
/// The field by which scripts send the form token.
pub(crate) const CSRF: HeaderName = HeaderName::from_static("x-csrf-token");
/// Sent by a page that reads itself again, not by somebody who uses it.
const LIVE: HeaderName = HeaderName::from_static("x-live");
/// Its name in forms.
pub(crate) const CSRF_FIELD: &str = "csrf";
/// What browsers say of a request's origin (Fetch Metadata).
const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Lets a request through, with its [`Visitor`] if it has one.
pub(crate) async fn guard(State(desk): State<Desk>, request: Request, next: Next) -> Response {
    let passed = async {
        let (mut parts, body) = request.into_parts();
        let body = tokio::time::timeout(BODY, to_bytes(body, BODY_BYTES)).await;
        let body = body.map_err(|_| slow())?.map_err(|_| too_long())?;
        let visitor = visitor(&desk, &parts).await?;
        if !parts.method.is_safe() {
            own(&parts, visitor.as_ref(), &body)?;
        }
        if let Some(visitor) = visitor {
            parts.extensions.insert(visitor);
        }
        Ok(Request::from_parts(parts, Body::from(body)))
    };
    match passed.await {
        Ok(request) => match tokio::time::timeout(patience_max() + ANSWER, next.run(request)).await {
            Ok(response) => response,
            Err(_) => Refusal(slow()).into_response(),
        },
        Err(problem) => Refusal(problem).into_response(),
    }
}

/// Who asks, if anybody says.
async fn visitor(desk: &Desk, parts: &Parts) -> Result<Option<Visitor>, Problem> {
    let from = address(parts).ip().to_canonical().to_string();
    let is_live = parts.headers.contains_key(LIVE);
    if let Some(value) = parts.headers.get(header::AUTHORIZATION) {
        let now = desk.now();
        let token = value.to_str().ok().and_then(bearer).ok_or_else(wrong_token)?.to_owned();
        let found = desk.users(move |users| users.token(&token, now)).await?.ok_or_else(wrong_token)?;
        let caller = Caller { user: format!("token:{}", found.name), role: found.role, from };
        return Ok(Some(Visitor::new(desk.clone(), caller, None, is_live)));
    }
    let Some(session) = cookie::session(&parts.headers) else { return Ok(None) };
    let csrf = secret::csrf(&session);
    let found = desk.session(session, is_use(parts)).await?;
    Ok(found.map(|session| {
        let caller = Caller { user: session.user, role: session.role, from };
        Visitor::new(desk.clone(), caller, Some(csrf), is_live)
    }))
}

/// Listening to what is going on is no use of a session, nor is a page that reads itself again: left open, it would
/// keep the session for ever.
fn is_use(parts: &Parts) -> bool {
    !parts.uri.path().starts_with("/api/v1/stream/") && !parts.headers.contains_key(LIVE)
}

/// The address at the other end of the connection. What a request says of it is not believed.
pub(crate) fn address(parts: &Parts) -> SocketAddr {
    let known = parts.extensions.get::<ConnectInfo<SocketAddr>>();
    known.map_or_else(|| SocketAddr::from(([0, 0, 0, 0], 0)), |known| known.0)
}

fn bearer(value: &str) -> Option<&str> {
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// Whether a change comes from a page of ours.
fn own(parts: &Parts, visitor: Option<&Visitor>, body: &[u8]) -> Result<(), Problem> {
    let csrf = match visitor {
        // Nobody: there is nothing to misuse but the login, whose page has no token yet.
        None if parts.headers.contains_key(header::COOKIE) || parts.uri.path() == "/login" => None,
        None => return Ok(()),
        Some(visitor) if visitor.csrf().is_empty() => return Ok(()),
        Some(visitor) => Some(visitor.csrf()),
    };
    if !same_origin(&parts.headers) {
        return Err(foreign());
    }
    let Some(csrf) = csrf else { return Ok(()) };
    let brought = match parts.headers.get(CSRF) {
        Some(value) => value.to_str().unwrap_or_default().to_owned(),
        None => form_field(body, CSRF_FIELD).unwrap_or_default(),
    };
    if secret::same(&brought, csrf) { Ok(()) } else { Err(foreign()) }
}

/// Whether the browser says that a request comes from our own pages. One that says nothing is not believed.
fn same_origin(headers: &HeaderMap) -> bool {
    let text = |name| headers.get(name).map(|value| value.to_str().unwrap_or_default());
    let site = text(FETCH_SITE).map(|site| site == "same-origin");
    let origin = text(header::ORIGIN).map(|origin| {
        // Behind a proxy the scheme is not ours to know; host and port are.
        let authority = origin.split_once("://").map(|(_, authority)| authority);
        authority.is_some() && authority == text(header::HOST)
    });
    match (site, origin) {
        (None, None) => false,
        (site, origin) => site.unwrap_or(true) && origin.unwrap_or(true),
    }
}

/// A field of a form.
pub(crate) fn form_field(body: &[u8], name: &str) -> Option<String> {
    form_urlencoded::parse(body).find(|(field, _)| field == name).map(|(_, value)| value.into_owned())
}

fn foreign() -> Problem {
    Problem::new("this request did not come from a page of this desk", "open the page again and repeat it")
        .of(ProblemKind::Forbidden)
}

fn wrong_token() -> Problem {
    Problem::new(
        "the token is not valid or no longer",
        "`mailreeve desk-user token NAME --role ROLE` makes one",
    )
    .of(ProblemKind::Unauthenticated)
}

fn too_long() -> Problem {
    let message = format!("the body of a request has {} KiB at most", BODY_BYTES / 1024);
    Problem::new(message, "send less at once").of(ProblemKind::TooLong)
}

fn slow() -> Problem {
    Problem::new("this took too long", "try again").of(ProblemKind::Unavailable)
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn said(fields: &[(&'static str, &'static str)]) -> bool {
        let headers = fields
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)));
        same_origin(&headers.collect())
    }

    #[test]
    fn a_page_left_open_does_not_keep_its_session() {
        let parts = |path: &str, live: bool| {
            let request = Request::builder().uri(path);
            let request = if live { request.header(LIVE, "1") } else { request };
            request.body(()).map(|request| request.into_parts().0)
        };
        let used = |path, live| parts(path, live).is_ok_and(|parts| is_use(&parts));
        assert!(used("/monitor/delivery-status", false) && used("/api/v1/status", false));
        assert!(!used("/monitor/delivery-status", true) && !used("/api/v1/stream/delivery-status", false));
    }

    #[test]
    fn only_our_own_pages_are_believed() {
        let host = ("host", "gw.test:8024");
        assert!(said(&[host, ("origin", "http://gw.test:8024")]));
        assert!(said(&[host, ("origin", "https://gw.test:8024"), ("sec-fetch-site", "same-origin")]));
        assert!(said(&[host, ("sec-fetch-site", "same-origin")]));
        for origin in [
            "http://evil.test",
            "http://gw.test",
            "null",
            "gw.test:8024",
            "http://gw.test:8024.evil.test",
            "",
        ] {
            assert!(!said(&[host, ("origin", origin)]), "{origin}");
            assert!(!said(&[host, ("origin", origin), ("sec-fetch-site", "same-origin")]), "{origin}");
        }
        for site in ["cross-site", "same-site", "none", ""] {
            assert!(!said(&[host, ("origin", "http://gw.test:8024"), ("sec-fetch-site", site)]), "{site}");
        }
        assert!(!said(&[host]) && !said(&[("origin", "http://gw.test:8024")]));
    }
}
