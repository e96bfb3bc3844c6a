//! `track rebuild`: the index is made again.

use serde::{Deserialize, Serialize};

use crate::command::{Command, Effect, Role, Spec, Text, no_more};
use crate::format::AsOf;
use crate::wire::Problem;

/// Has the index of message tracking made again.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrackRebuild {}

/// It has begun.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct TrackRebuildReply {
    /// When.
    pub as_of: AsOf,
}

impl Command for TrackRebuild {
    type Reply = TrackRebuildReply;
    const SPEC: Spec = Spec {
        words: "track rebuild",
        summary: "makes the index of message tracking again from the ledger",
        about: "Throws the index that messages are found by away, and the history of destinations with it, and makes both again from the ledger, in the background. Until that is done `track` says how far its records reach. Nothing is lost: the ledger has everything.",
        arguments: &[],
        role: Role::Operator,
        effect: Effect::Change,
        route: "/api/v1/track/rebuild",
        example: "track rebuild",
    };

    fn parse(words: &[String]) -> Result<Self, Problem> {
        no_more(words, 0, &Self::SPEC)?;
        Ok(Self {})
    }
}

impl Text for TrackRebuildReply {
    fn text(&self) -> String {
        "The index is being made again; `track` says how far it is.\n".to_owned()
    }
}
