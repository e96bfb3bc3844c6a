//! Coming in and leaving: `/login` and `/logout`.

use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{RawQuery, State};
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse as _, Response};
use axum::routing::{get, post};
use mailreeve_api::desk::Fact;
use mailreeve_api::wire::{Problem, ProblemKind};

use crate::desk::Desk;
use crate::pages::{self, Login};
use crate::problem::status;
use crate::throttle::{Admitted, KNOWN, SPAN};
use crate::users::User;
use crate::visitor::Visitor;
use crate::{cookie, guard, secret};

/// Octets of a name that is looked up.
const NAME_BYTES: usize = 200;

pub(crate) fn routes() -> Router<Desk> {
    Router::new().route("/login", get(form).post(come_in)).route("/logout", post(leave))
}

/// The form; whoever is in already goes on.
async fn form(State(desk): State<Desk>, visitor: Option<Known>, RawQuery(query): RawQuery) -> Response {
    let next = guard::form_field(query.unwrap_or_default().as_bytes(), "next");
    let next = destination(next);
    if visitor.is_some() {
        return redirect(&next);
    }
    let login = Login { hostname: desk.hostname(), name: "", next: &next, problem: None };
    Html(pages::login(&login)).into_response()
}

/// The session of a request that may have none.
struct Known;

impl<S: Sync> axum::extract::OptionalFromRequestParts<S> for Known {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Option<Self>, Self::Rejection> {
        Ok(parts.extensions.get::<Visitor>().map(|_| Self))
    }
}

async fn come_in(State(desk): State<Desk>, parts: Parts, body: Bytes) -> Response {
    let field = |name| guard::form_field(&body, name).unwrap_or_default();
    let (name, password) = (field("name").trim().to_lowercase(), field("password"));
    let next = destination(guard::form_field(&body, "next"));
    match admit(&desk, &parts, name.clone(), password).await {
        Ok(cookies) => {
            let mut response = redirect(&next);
            for cookie in cookies {
                response.headers_mut().append(header::SET_COOKIE, cookie);
            }
            response
        }
        Err(TurnedAway { problem, wait }) => {
            let mut response = status(problem.kind).into_response();
            if let Some(wait) = wait {
                response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds(wait)));
            }
            let login =
                Login { hostname: desk.hostname(), name: &name, next: &next, problem: Some(&problem) };
            let page = Html(pages::login(&login));
            (response.status(), response.headers().clone(), page).into_response()
        }
    }
}

/// Why somebody does not come in, and how long to wait before the next attempt.
struct TurnedAway {
    problem: Problem,
    wait: Option<Duration>,
}

impl From<Problem> for TurnedAway {
    fn from(problem: Problem) -> Self {
        Self { problem, wait: None }
    }
}

/// Compares the password, counts the attempt, begins a session; returns what the browser is to keep.
async fn admit(
    desk: &Desk,
    parts: &Parts,
    name: String,
    password: String,
) -> Result<Vec<HeaderValue>, TurnedAway> {
    let address = guard::address(parts).ip();
    let from = address.to_canonical().to_string();
    if name.is_empty() || name.len() > NAME_BYTES {
        return Err(wrong().into());
    }
    let asked = name.clone();
    let user = desk.users(move |users| users.find(&asked)).await?;
    let account = (name.clone(), user.as_ref().map_or(0, |user| user.generation));
    let browser = cookie::browser(&parts.headers).map(|browser| secret::digest(&browser));
    let attempt = desk.throttle().lock().attempt(&account, address, browser, Instant::now());
    let admitted = attempt.map_err(locked)?;
    let delay = admitted.delay;
    let attempt = Attempt { name, from: from.clone(), admitted, user };
    // Whoever leaves before the answer has tried all the same: it goes on and is recorded.
    let compared = tokio::spawn(compare(desk.clone(), attempt, password)).await;
    match compared.map_err(|error| Problem::internal(format!("comparing the password: {error}")))?? {
        Some((user, admitted)) => begin(desk, parts, &admitted, user, from).await,
        None => {
            tokio::time::sleep(delay).await;
            Err(wrong().into())
        }
    }
}

/// An attempt that is counted.
struct Attempt {
    name: String,
    from: String,
    admitted: Admitted,
    user: Option<User>,
}

/// Returns the user whose password it is; records the attempt when it is nobody's.
async fn compare(
    desk: Desk,
    attempt: Attempt,
    password: String,
) -> Result<Option<(User, Admitted)>, Problem> {
    let Attempt { name, from, admitted, user } = attempt;
    tokio::time::sleep(admitted.pause).await;
    let hash = user.as_ref().map(|user| user.hash.clone());
    let Some(fits) = desk.passwords().fits(password, hash, admitted.known).await else {
        desk.throttle().lock().not_tried(&admitted);
        return Err(busy());
    };
    match user.filter(|_| fits) {
        Some(user) => Ok(Some((user, admitted))),
        None => {
            refused(&desk, &admitted, name, from);
            Ok(None)
        }
    }
}

async fn begin(
    desk: &Desk,
    parts: &Parts,
    admitted: &Admitted,
    user: User,
    from: String,
) -> Result<Vec<HeaderValue>, TurnedAway> {
    // One that is not known may have been planted by somebody who knows it too.
    let browser = match cookie::browser(&parts.headers).filter(|_| admitted.keeps_browser()) {
        Some(known) => known,
        None => secret::make().map_err(|error| Problem::internal(error.to_string()))?,
    };
    desk.throttle().lock().right(admitted, secret::digest(&browser), Instant::now());
    let before = cookie::session(&parts.headers);
    let (name, lifetime, now) = (user.name.clone(), desk.lifetime(), desk.now());
    let session = desk
        .users(move |users| {
            // One that came along has ended: nobody can have planted it.
            if let Some(before) = before {
                users.end_session(&before)?;
            }
            users.begin_session(&name, lifetime, now)
        })
        .await?;
    desk.channel().tell(Fact::SignedIn { user: user.name, from });
    // A proxy that speaks TLS for us shows in what the browser says of the page.
    let origin = parts.headers.get(header::ORIGIN).map(HeaderValue::as_bytes).unwrap_or_default();
    let secure = desk.secure() || origin.starts_with(b"https://");
    Ok(cookie::set(&session, secure)
        .into_iter()
        .chain(cookie::set_browser(&browser, secure, KNOWN))
        .collect())
}

fn refused(desk: &Desk, admitted: &Admitted, user: String, from: String) {
    let locked = |address| Fact::LockedOut {
        user: user.clone(),
        from: from.clone(),
        address,
        seconds: SPAN.as_secs(),
    };
    if admitted.locks_name {
        desk.channel().tell(locked(false));
    }
    if admitted.locks_address {
        desk.channel().tell(locked(true));
    }
    if admitted.slows_name {
        desk.channel().tell(Fact::Guessed { user: user.clone(), from: from.clone() });
    }
    if !admitted.locks_name && !admitted.locks_address {
        desk.channel().tell(Fact::SignInRefused { user, from });
    }
}

/// Ends the session. The guard has made sure that a page of ours asks for it.
async fn leave(visitor: Visitor, parts: Parts) -> Response {
    if let Some(session) = cookie::session(&parts.headers) {
        let ended = visitor.desk().users(move |users| users.end_session(&session)).await;
        if let Err(problem) = ended {
            return crate::problem::Refusal(problem).into_response();
        }
    }
    let caller = visitor.caller();
    let fact = Fact::SignedOut { user: caller.user.clone(), from: caller.from.clone() };
    visitor.desk().channel().tell(fact);
    let mut response = redirect("/login");
    for value in cookie::clear() {
        response.headers_mut().append(header::SET_COOKIE, value);
    }
    response
}

/// Where to go after coming in: a page of ours and nothing else.
fn destination(next: Option<String>) -> String {
    let own = |next: &String| {
        next.starts_with('/')
            && !next.starts_with("//")
            && next.len() <= 1_024
            && next.bytes().all(|b| b.is_ascii_graphic() && b != b'\\')
    };
    next.filter(own).unwrap_or_else(|| "/".to_owned())
}

/// The way to the login, and back to `path` afterwards.
pub(crate) fn first(path: &str) -> Response {
    let next: String = form_urlencoded::Serializer::new(String::new()).append_pair("next", path).finish();
    redirect(&format!("/login?{next}"))
}

fn redirect(to: &str) -> Response {
    let to = HeaderValue::try_from(to).unwrap_or(HeaderValue::from_static("/"));
    (StatusCode::SEE_OTHER, [(header::LOCATION, to)]).into_response()
}

fn wrong() -> Problem {
    Problem::new("the name or the password is wrong", "an administrator can set a new password")
        .of(ProblemKind::Unauthenticated)
}

fn locked(rest: Duration) -> TurnedAway {
    let message = format!("too many wrong attempts from here; wait {} minutes", seconds(rest).div_ceil(60));
    let hint = "a browser or address that you signed in from before is not concerned by what others try \
                elsewhere; an administrator can set a new password, which lifts a user's lock";
    TurnedAway { problem: Problem::new(message, hint).of(ProblemKind::TooMany), wait: Some(rest) }
}

/// Whole seconds, one at least.
fn seconds(wait: Duration) -> u64 {
    wait.as_secs().max(1)
}

fn busy() -> Problem {
    Problem::new("too many people come in at this moment", "try again in a moment")
        .of(ProblemKind::Unavailable)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_sent_elsewhere_after_coming_in() {
        for next in [
            "//evil.test",
            "https://evil.test",
            "/\\evil.test",
            "",
            "evil",
            "/a\r\nSet-Cookie: x=1",
            "/\u{e9}",
            "javascript:alert(1)",
        ] {
            assert_eq!(destination(Some(next.to_owned())), "/", "{next:?}");
        }
        assert_eq!(destination(Some("/hosts?key=conn_out".to_owned())), "/hosts?key=conn_out");
        assert_eq!(destination(None), "/");
    }
}
