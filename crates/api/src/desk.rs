//! What the daemon and its desk say to each other over the connection that only they have: one JSON object a
//! line, each way, several calls under way at once.
//!
//! ```text
//! daemon  {"start":{...}}                        first, once
//! desk    {"ask":{"id":7,"call":{...}}}          a call of the registry, with its caller
//! daemon  {"answer":{"id":7,"answer":{...}}}     in any order
//! desk    {"cancel":{"id":7}}                    nobody waits for this call any more
//! desk    {"tell":{"signed_in":{...}}}           a fact about signing in, for the record
//! ```
//!
//! Every call is answered, one that nobody waits for too: only then its seat is free, at both ends. A look that is
//! cancelled is given up; a change is carried out.
//!
//! The calls are those that every client has. The facts are the desk's own: it can write nothing else into the
//! record.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::wire::{Answer, Call, REQUEST_BYTES};

/// Calls under way at once.
pub const CALLS: usize = 32;
/// A line to the daemon longer than this ends the connection: a call and what is around it.
pub const ASK_BYTES: usize = REQUEST_BYTES + 4 * 1024;
/// A line to the desk longer than this ends the connection.
pub const ANSWER_BYTES: usize = 16 * 1024 * 1024;

/// What the daemon says.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ToDesk {
    /// What the desk needs to know before it can begin.
    Start(Start),
    /// The answer to a call.
    Answer {
        /// The number of the call.
        id: u64,
        /// The answer.
        answer: Answer,
    },
}

/// What the desk says.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FromDesk {
    /// A call.
    Ask {
        /// Its number; not used again while the call is under way.
        id: u64,
        /// The call; it must carry its caller.
        call: Call,
    },
    /// Nobody waits for a call any more.
    Cancel {
        /// The number of the call.
        id: u64,
    },
    /// A fact for the record.
    Tell(Fact),
}

/// What the desk needs to know before it can begin.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Start {
    /// The name of this gateway.
    pub hostname: String,
    /// The desk's own folder: users, sessions, tokens.
    pub folder: PathBuf,
    /// PEM files of the certificate and its key; without them plain HTTP is spoken.
    pub identity: Option<(PathBuf, PathBuf)>,
    /// Seconds without a request after which a session ends.
    pub idle_s: u64,
    /// Seconds after which a session ends, used or not.
    pub session_s: u64,
}

/// What happens at the desk and belongs into the record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fact {
    /// The first user was made, now or before, and the file that tells the password is still there.
    FirstUser {
        /// The file, readable for the gateway's user alone.
        told_in: PathBuf,
    },
    /// The desk cannot work.
    Failed {
        /// Why, in one sentence.
        why: String,
    },
    /// Somebody came in.
    SignedIn {
        /// The user.
        user: String,
        /// The address.
        from: String,
    },
    /// Somebody left.
    SignedOut {
        /// The user.
        user: String,
        /// The address.
        from: String,
    },
    /// Somebody was turned away.
    SignInRefused {
        /// The name that was given.
        user: String,
        /// The address.
        from: String,
    },
    /// Too many were turned away: for a while nobody comes in by this name from this address, or nobody from there.
    LockedOut {
        /// The name that was given last.
        user: String,
        /// The address of the last.
        from: String,
        /// Whether it is the address that is locked; else it is the name at this address.
        address: bool,
        /// For how many seconds.
        seconds: u64,
    },
    /// So many attempts for a name, from wherever, that comparisons for it wait from now on.
    Guessed {
        /// The name.
        user: String,
        /// The address of the last.
        from: String,
    },
    /// The file of users and sessions cannot be written or read.
    Storage {
        /// Why, in one sentence.
        why: String,
    },
    /// Somebody changed users or tokens with `mailreeve desk-user`.
    UsersChanged {
        /// The system's user who did.
        by: String,
        /// The words of the command.
        command: String,
        /// Its arguments, without secrets.
        arguments: String,
    },
}
