//! What browsers show.
//!
//! Pages are documents made here from replies of the registry's commands: one address for every state of every view,
//! no script needed to read them or to act; with the one script they stay up to date and can be used by keyboard.
//! Text from anywhere but this source is escaped by `html`; every sentence comes from the catalogue
//! (`words`).

use axum::Router;
use axum::http::{HeaderName, header};
use axum::routing::get;

use crate::desk::Desk;

mod alerts;
mod attempts;
mod conversation;
mod delivery_status;
mod destination;
mod explain;
mod figures;
mod frame;
mod help;
mod html;
mod instant;
mod login;
mod probe;
mod retried;
mod routes;
mod state;
mod system_status;
mod table;
#[cfg(test)]
mod tests;
mod timeline;
mod tracking;
mod trouble;
mod way;
mod why;
mod words;

pub use login::{Login, login};
pub(crate) use routes::nowhere;

/// Pages for those who have signed in: whoever has not is led to the login, and what changes something comes only
/// with the session's token (see [`crate::visitor::Visitor::csrf`]).
pub fn routes() -> Router<Desk> {
    routes::pages()
}

/// What everybody may fetch: style sheets, scripts, pictures.
pub fn assets() -> Router<Desk> {
    Router::new()
        .route("/assets/mailreeve.css", get(|| asset("text/css; charset=utf-8", CSS)))
        .route("/assets/mailreeve.js", get(|| asset("text/javascript; charset=utf-8", SCRIPT)))
        .route("/assets/mailreeve.svg", get(|| asset("image/svg+xml", ICON)))
}

const CSS: &str = include_str!("../../assets/mailreeve.css");
const SCRIPT: &str = include_str!("../../assets/mailreeve.js");
const ICON: &str = include_str!("../../assets/mailreeve.svg");

/// An asset; a browser asks again after five minutes, so that a new release is seen soon.
async fn asset(kind: &'static str, text: &'static str) -> ([(HeaderName, &'static str); 2], &'static str) {
    ([(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, "max-age=300")], text)
}
