//! Who asks: a user with a role, from an address.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use mailreeve_api::command::{Effect, Role, Spec};
use mailreeve_api::wire::{Call, Caller, Problem, ProblemKind};
use serde_json::Value;

use crate::desk::Desk;
use crate::problem::Refusal;

/// A request's user. A handler that takes one is behind the login.
#[derive(Clone)]
pub struct Visitor {
    desk: Desk,
    caller: Caller,
    csrf: Option<String>,
    is_live: bool,
}

impl Visitor {
    /// Makes the visitor of a request. `csrf` is what the forms of a session must bring along; `is_live` says that a
    /// page which stays open reads itself again.
    pub(crate) fn new(desk: Desk, caller: Caller, csrf: Option<String>, is_live: bool) -> Self {
        Self { desk, caller, csrf, is_live }
    }

    /// Gives a command as this user and waits for its reply.
    ///
    /// # Errors
    /// The gateway's problem with it: among others that the role does not allow it.
    pub async fn ask(&self, call: &Call) -> Result<Value, Problem> {
        self.desk.channel().ask(call, &self.caller).await
    }

    /// Takes a look as this user. Open pages that read themselves again share what they look at.
    ///
    /// # Errors
    /// As [`Visitor::ask`].
    pub async fn look(&self, spec: &Spec, call: &Call) -> Result<Arc<Value>, Problem> {
        let for_all = spec.effect == Effect::Read && spec.role == Role::ReadOnlyOperator;
        match self.is_live && for_all {
            true => self.desk.shared().ask(self.desk.channel(), call, &self.caller).await,
            false => self.ask(call).await.map(Arc::new),
        }
    }

    /// The user.
    pub fn caller(&self) -> &Caller {
        &self.caller
    }

    /// Whether the role allows a command: for what to show. The gateway decides when the command comes.
    pub fn may(&self, spec: &Spec) -> bool {
        self.caller.role >= spec.role
    }

    /// What a form that changes something must hold in its hidden field `csrf`, or a script must send in the field
    /// `X-CSRF-Token`. Empty for a visitor who came with a token and has no forms.
    pub fn csrf(&self) -> &str {
        self.csrf.as_deref().unwrap_or_default()
    }

    /// What every request shares.
    pub fn desk(&self) -> &Desk {
        &self.desk
    }
}

impl<S: Sync> FromRequestParts<S> for Visitor {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Refusal> {
        parts.extensions.get::<Self>().cloned().ok_or_else(|| Refusal(unknown()))
    }
}

/// Nobody has said who they are.
pub(crate) fn unknown() -> Problem {
    Problem::new("sign in first", "with a name and password, or send a token: `Authorization: Bearer ...`")
        .of(ProblemKind::Unauthenticated)
}
