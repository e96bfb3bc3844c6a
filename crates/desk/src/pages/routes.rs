//! Which page answers which request. Pages are made from replies of the gateway to the visitor's own calls.

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, RawQuery};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::routing::{get, post};
use mailreeve_api::alerts::{AlertsReply, DisplayAlerts};
use mailreeve_api::command::{Command, Role, Spec};
use mailreeve_api::explain::{Explain, ExplainReply};
use mailreeve_api::queue::{DeliverNow, DeliveryStatus, HostStatus, RecipientScope, ShowRecipients};
use mailreeve_api::status::StatusDetail;
use mailreeve_api::wire::{Call, Problem, ProblemKind};
use serde::de::DeserializeOwned;

use super::delivery_status;
use super::explain::{self, Subject};
use super::frame::Frame;
use super::html::{Html, url_word};
use super::retried::{BecameDue, Ends, Retried};
use super::state::details_of;
use super::words::Words;
use super::{alerts, destination, system_status, tracking, trouble};
use crate::desk::Desk;
use crate::problem::status;
use crate::visitor::Visitor;

mod help;
mod history;
mod messages;
mod probe;
mod view;

/// Characters of a question that are looked at.
const ASKED: usize = 320;
/// Fields of an address or a form that are looked at.
const FIELDS: usize = 16;

pub(super) fn pages() -> Router<Desk> {
    Router::new()
        .route("/", get(|| async { Redirect::to(delivery_status::PATH) }))
        .route("/monitor/delivery-status", get(show_delivery_status))
        .route("/monitor/delivery-status/retry", post(retry))
        .route("/monitor/delivery-status/{host}", get(show_destination))
        .route("/monitor/delivery-status/{host}/history", get(history::show))
        .route("/monitor/delivery-status/{host}/probe", post(probe::look))
        .route("/monitor/message-tracking", get(messages::show_tracking))
        .route("/monitor/message-tracking/{mid}", get(messages::show_way))
        .route("/system/status", get(show_system_status))
        .route("/system/alerts", get(show_alerts))
        .route("/explain", get(show_explanation))
        .route("/monitor/conversations/{kind}/{number}", get(messages::show_conversation))
        .route("/help/why", get(help::show_list))
        .route("/help/why/{code}", get(help::show_page))
}

/// The fields of an address or a form, the first ones of many.
struct Fields(Vec<(String, String)>);

impl Fields {
    fn of(encoded: &[u8]) -> Self {
        Self(
            form_urlencoded::parse(encoded)
                .take(FIELDS)
                .map(|(name, value)| (name.into(), value.into()))
                .collect(),
        )
    }

    fn text(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// What became due before the page was loaded.
    fn done(&self) -> Option<Retried> {
        self.text("done").and_then(BecameDue::read).map(Retried::Due)
    }
}

async fn show_delivery_status(visitor: Visitor, RawQuery(query): RawQuery) -> Response {
    let view = Fields::of(query.unwrap_or_default().as_bytes());
    let done = view.done();
    list(&visitor, &view, done).await
}

async fn list(visitor: &Visitor, view: &Fields, done: Option<Retried>) -> Response {
    let request = match view::of_list(view) {
        Ok(request) => request,
        Err(unread) => return unread.response(visitor, (delivery_status::PATH, "nav.delivery-status")),
    };
    let reply = ask(visitor, &request).await;
    answer(visitor, "", reply, |frame, reply| delivery_status::page(frame, &reply, done.as_ref()))
}

async fn show_destination(visitor: Visitor, Path(host): Path<String>, RawQuery(query): RawQuery) -> Response {
    let further = Fields::of(query.unwrap_or_default().as_bytes());
    let done = further.done();
    details(&visitor, &host, &further, done).await
}

async fn details(visitor: &Visitor, host: &str, further: &Fields, done: Option<Retried>) -> Response {
    let after = match view::after(further) {
        Ok(after) => after,
        Err(unread) => return unread.response(visitor, (&details_of(host), "details.queue.first")),
    };
    let asked = ask(visitor, &HostStatus { host: host.to_owned(), ..HostStatus::default() }).await;
    let reply = match asked {
        Ok(reply) => reply,
        Err(problem) if is_about_nothing(&problem) => {
            let frame = frame(visitor, host);
            return respond(StatusCode::NOT_FOUND, explain::unknown(&frame, host));
        }
        Err(problem) => return refuse(visitor, host, &problem),
    };
    let scope = RecipientScope::Host(reply.host.clone());
    let waiting = ShowRecipients { scope, after, limit: destination::RECIPIENTS };
    let about = Explain { host: Some(reply.host.clone()), ..Explain::default() };
    let (waiting, why) = tokio::join!(ask(visitor, &waiting), why(visitor, about));
    answer(visitor, host, waiting, |frame, waiting| {
        destination::page(frame, &reply, &waiting, after, done.as_ref(), why.as_ref())
    })
}

/// An explanation, if there is one: a page is good without it.
async fn why(visitor: &Visitor, about: Explain) -> Option<ExplainReply> {
    ask(visitor, &about).await.ok()
}

async fn show_system_status(visitor: Visitor) -> Response {
    let reply = ask(&visitor, &StatusDetail {}).await;
    answer(&visitor, "", reply, |frame, reply| system_status::page(frame, &reply))
}

async fn show_alerts(visitor: Visitor) -> Response {
    let reply: Result<AlertsReply, Problem> = ask(&visitor, &DisplayAlerts { count: alerts::ALERTS }).await;
    answer(&visitor, "", reply, |frame, reply| alerts::page(frame, &reply))
}

async fn show_explanation(visitor: Visitor, RawQuery(query): RawQuery) -> Response {
    let question = Fields::of(query.unwrap_or_default().as_bytes());
    let asked: String = question.text("q").unwrap_or_default().chars().take(ASKED).collect();
    match Subject::of(&asked) {
        Subject::Destination(host) => {
            let to = format!("{}/{}", delivery_status::PATH, url_word(&host));
            Redirect::to(&to).into_response()
        }
        Subject::Mailbox(mailbox, host) => {
            let about = Explain { to: Some(mailbox.clone()), ..Explain::default() };
            let reply = ask(&visitor, &about).await;
            answer(&visitor, &mailbox, reply, |frame, reply| explain::mailbox(frame, &mailbox, &host, &reply))
        }
        Subject::Message(mid) => Redirect::to(&format!("{}/{mid}", tracking::PATH)).into_response(),
        Subject::MessageId(id) => {
            Redirect::to(&format!("{}?message_id={}", tracking::PATH, url_word(&id))).into_response()
        }
        Subject::Peer(peer) => {
            Redirect::to(&format!("{}?ip={}", tracking::PATH, url_word(&peer.to_string()))).into_response()
        }
        Subject::Nothing => respond(StatusCode::OK, explain::page(&frame(&visitor, ""), None)),
        Subject::Other(other) => {
            respond(StatusCode::OK, explain::page(&frame(&visitor, &asked), Some(&other)))
        }
    }
}

/// The form's token was looked at before it came here. What was done is told by the page that it was asked on: at its
/// own address, so that it is asked once; what was refused at once.
async fn retry(visitor: Visitor, body: Bytes) -> Response {
    let form = Fields::of(&body);
    // Only to a page of ours: whatever else stands in the form leads to the list.
    let back = form.text("back").filter(|back| is_ours(back)).unwrap_or(delivery_status::PATH);
    let (page, view) = back.split_once('?').unwrap_or((back, ""));
    let of_host = form.text("host").filter(|host| page == details_of(host));
    let request = match form.text("host") {
        Some(host) => DeliverNow::Host(host.to_owned()),
        None => DeliverNow::All,
    };
    let refused = match deliver_now(&visitor, &request, of_host).await {
        Ok(due) => return Redirect::to(&due.at(back)).into_response(),
        Err(problem) if problem.kind == ProblemKind::Forbidden => return refuse(&visitor, "", &problem),
        Err(problem) => problem,
    };
    let (status, view) = (status(refused.kind), Fields::of(view.as_bytes()));
    let done = Some(Retried::Refused(refused));
    let mut response = match of_host {
        Some(host) => details(&visitor, host, &view, done).await,
        None => list(&visitor, &view, done).await,
    };
    *response.status_mut() = status;
    response
}

/// Makes recipients due; `of_host` is the destination whose counters tell what comes of it, without it all are.
async fn deliver_now(
    visitor: &Visitor,
    request: &DeliverNow,
    of_host: Option<&str>,
) -> Result<BecameDue, Problem> {
    let before = match of_host {
        Some(host) => {
            match ask(visitor, &HostStatus { host: host.to_owned(), ..HostStatus::default() }).await {
                Ok(reply) => Ends::of_host(&reply),
                Err(problem) if is_about_nothing(&problem) => Ends::default(),
                Err(problem) => return Err(problem),
            }
        }
        None => {
            let totals = DeliveryStatus { limit: 1, ..DeliveryStatus::default() };
            Ends::of_all(&ask(visitor, &totals).await?)
        }
    };
    Ok(BecameDue::of(&ask(visitor, request).await?, before))
}

/// What a browser is shown where there is nothing.
pub(crate) fn nowhere(visitor: &Visitor, problem: &Problem) -> Response {
    refuse(visitor, "", problem)
}

/// Gives a command as the visitor.
async fn ask<C: Command>(visitor: &Visitor, request: &C) -> Result<C::Reply, Problem> {
    let args = serde_json::to_value(request).map_err(|error| Problem::new(error.to_string(), ""))?;
    let call = Call::new(C::SPEC.words, args);
    let reply = visitor.look(&C::SPEC, &call).await?;
    read(&reply)
}

fn read<T: DeserializeOwned>(reply: &serde_json::Value) -> Result<T, Problem> {
    T::deserialize(reply).map_err(|error| {
        Problem::new(format!("the gateway's reply was not understood: {error}"), "restart the gateway")
            .of(ProblemKind::Internal)
    })
}

const fn is_about_nothing(problem: &Problem) -> bool {
    matches!(problem.kind, ProblemKind::NotFound | ProblemKind::Conflict)
}

fn is_ours(path: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_graphic() && byte != b'\\';
    path.starts_with(delivery_status::PATH) && path.bytes().all(is_plain)
}

fn frame<'a>(visitor: &'a Visitor, asked: &'a str) -> Frame<'a> {
    let deliver_now: Spec = DeliverNow::SPEC;
    Frame {
        words: Words::english(),
        node: visitor.desk().hostname(),
        user: &visitor.caller().user,
        operates: visitor.may(&deliver_now),
        first_secrets: visitor.caller().role == Role::Administrator && visitor.desk().first_secrets(),
        form_token: visitor.csrf(),
        asked,
    }
}

fn answer<T>(
    visitor: &Visitor,
    asked: &str,
    reply: Result<T, Problem>,
    page: impl FnOnce(&Frame<'_>, T) -> Html,
) -> Response {
    match reply {
        Ok(reply) => respond(StatusCode::OK, page(&frame(visitor, asked), reply)),
        Err(problem) => refuse(visitor, asked, &problem),
    }
}

fn refuse(visitor: &Visitor, asked: &str, problem: &Problem) -> Response {
    respond(status(problem.kind), trouble::page(&frame(visitor, asked), problem))
}

fn respond(status: StatusCode, page: Html) -> Response {
    (status, [(header::CONTENT_TYPE, "text/html; charset=utf-8")], page.into_string()).into_response()
}
