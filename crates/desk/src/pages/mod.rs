//! What browsers show.

mod login;

use axum::Router;

use crate::desk::Desk;

pub use login::{Login, login};

/// Pages for those who have signed in: whoever has not is led to the login, and what changes something comes only
/// with the session's token (see [`crate::visitor::Visitor::csrf`]).
pub fn routes() -> Router<Desk> {
    Router::new()
}

/// What everybody may fetch: style sheets, scripts, pictures.
pub fn assets() -> Router<Desk> {
    Router::new()
}
