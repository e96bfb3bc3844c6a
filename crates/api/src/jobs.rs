//! Jobs: orders over many recipients, which begin with a command and go on by themselves, and how far they are.

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

use crate::command::{Argument, Command, Effect, Role, Spec, Text, no_more};
use crate::format::{AsOf, thousands};
use crate::wire::Problem;

mod orders;

pub use orders::{
    ArchiveMessage, BounceRecipients, DeleteRecipients, OrderReply, RedirectRecipients, RemoveMessage,
};

/// What a job does to each recipient.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Deed {
    /// It ends, and nobody is told.
    Delete,
    /// It ends, and the sender is told.
    Bounce,
    /// It ends; its message is in this file.
    Archive {
        /// The whole path.
        file: String,
    },
    /// It gets another destination.
    Redirect {
        /// Which one.
        to: String,
    },
}

/// Whom a job concerns: those that waited when it was given.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// All.
    All,
    /// Those of a recipient host.
    Host(String),
    /// Those from an envelope sender.
    From(String),
    /// Those of a message.
    Mid(u64),
}

/// How a job is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// The queue is being read back after a start.
    Waiting,
    /// It goes on.
    Running,
    /// Nobody is left whom it concerned.
    Done,
    /// It cannot go on; after a restart it does.
    Stopped {
        /// Why.
        why: String,
    },
}

/// A job and how far it is. Recipients that ended by themselves meanwhile are seen and not done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Job {
    /// Its number.
    pub id: u64,
    /// What it does.
    pub deed: Deed,
    /// To whom.
    pub scope: Scope,
    /// Who ordered it.
    pub by: String,
    /// When, microseconds since the epoch.
    pub at_us: u64,
    /// How it is.
    pub state: State,
    /// Recipients to which it was done.
    pub done: u64,
    /// Recipients looked at.
    pub seen: u64,
    /// Recipients that it concerns, about; not known yet without.
    pub total: Option<u64>,
    /// Recipients in a transaction, which it waits for.
    pub awaited: u64,
}

impl Job {
    /// Tells whether it will not go on by itself.
    pub const fn is_over(&self) -> bool {
        matches!(self.state, State::Done | State::Stopped { .. })
    }

    /// What is said when it begins.
    pub const fn opening(&self) -> &'static str {
        match self.deed {
            Deed::Delete => "Deleting messages, please wait.",
            Deed::Bounce => "Bouncing messages, please wait.",
            Deed::Archive { .. } => "Archiving the message, please wait.",
            Deed::Redirect { .. } => "Redirecting messages, please wait.",
        }
    }

    /// What is said when it is done: `100 messages deleted.`
    pub fn outcome(&self) -> String {
        let count = |one: &str, more: &str, done: &str| {
            format!("{} {} {done}.", self.done, if self.done == 1 { one } else { more })
        };
        match (&self.deed, &self.scope) {
            (_, Scope::Mid(mid)) if self.done == 0 => {
                format!("MID {mid} had left the queue before anything was done to it.")
            }
            (Deed::Archive { file }, Scope::Mid(mid)) => {
                let (folder, name) = file.rsplit_once('/').unwrap_or((".", file));
                format!("MID {mid} has been saved in file {name} in the directory {folder}")
            }
            (Deed::Delete, Scope::Mid(mid)) => format!("MID {mid} has been removed from the queue."),
            (Deed::Delete, _) => count("message", "messages", "deleted"),
            (Deed::Bounce, _) => count("message", "messages", "bounced"),
            (Deed::Archive { .. }, _) => count("message", "messages", "archived"),
            (Deed::Redirect { .. }, _) => count("recipient", "recipients", "redirected"),
        }
    }

    /// How far it is, in one line.
    pub fn progress(&self) -> String {
        let done = thousands(self.done);
        match &self.state {
            State::Waiting => "waits until the queue is read back".to_owned(),
            State::Stopped { why } => format!("stopped after {done} recipients: {why}"),
            State::Done => self.outcome(),
            State::Running => {
                let of = self.total.map_or(String::new(), |total| format!(" of {}", thousands(total)));
                let awaited = match self.awaited {
                    0 => String::new(),
                    count => format!(", waits for {} that are being delivered", thousands(count)),
                };
                format!("{done} recipients done, {} looked at{of}{awaited}", thousands(self.seen))
            }
        }
    }

    fn order(&self) -> String {
        let scope = match &self.scope {
            Scope::All => "all".to_owned(),
            Scope::Host(host) => format!("host {host}"),
            Scope::From(sender) => format!("from {sender}"),
            Scope::Mid(mid) => format!("MID {mid}"),
        };
        match &self.deed {
            Deed::Delete => format!("delete {scope}"),
            Deed::Bounce => format!("bounce {scope}"),
            Deed::Archive { .. } => format!("archive {scope}"),
            Deed::Redirect { to } => format!("redirect {scope} to {to}"),
        }
    }
}

/// Asks for one job.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ShowJob {
    /// Its number.
    pub id: u64,
}

/// Asks for all jobs.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Jobs {}

/// Jobs that run, and the last ones that ended.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct JobsReply {
    /// When, and how instants are shown.
    pub as_of: AsOf,
    /// By number.
    pub jobs: Vec<Job>,
}

impl Command for ShowJob {
    type Reply = JobsReply;
    const SPEC: Spec = Spec {
        words: "job",
        summary: "shows how far a job over many recipients is",
        about: "A command over many recipients begins a job, which goes on by itself, over a restart too. This tells how far it is.",
        arguments: &[Argument {
            name: "id",
            help: "the number that the command told, or that `jobs` lists",
            required: true,
            choices: &[],
        }],
        role: Role::ReadOnlyOperator,
        effect: Effect::Read,
        route: "/api/v1/job",
        example: "job 4",
    };

    fn parse(words: &[String]) -> Result<Self, Problem> {
        no_more(words, 1, &Self::SPEC)?;
        let needs =
            |what: &str| Problem::new(format!("job needs the number of a job{what}"), "`jobs` lists them");
        let word = words.first().ok_or_else(|| needs(""))?;
        word.parse().map(|id| Self { id }).map_err(|_| needs(&format!(": `{word}` is none")))
    }
}

impl Command for Jobs {
    type Reply = JobsReply;
    const SPEC: Spec = Spec {
        words: "jobs",
        summary: "lists jobs over many recipients",
        about: "Lists the jobs that go on, and the last ones that ended since the start, by number.",
        arguments: &[],
        role: Role::ReadOnlyOperator,
        effect: Effect::Read,
        route: "/api/v1/jobs",
        example: "jobs",
    };

    fn parse(words: &[String]) -> Result<Self, Problem> {
        no_more(words, 0, &Self::SPEC)?;
        Ok(Self {})
    }
}

impl Text for JobsReply {
    fn text(&self) -> String {
        let mut out = String::new();
        for job in &self.jobs {
            let since = self.as_of.show_plain(job.at_us);
            let _ = writeln!(out, "Job {}: {} by {} since {since}", job.id, job.order(), job.by);
            let _ = writeln!(out, "  {}", job.progress());
        }
        if self.jobs.is_empty() {
            out.push_str("There are no jobs.\n");
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job(deed: Deed, scope: Scope, done: u64) -> Job {
        let (by, state) = ("ann".to_owned(), State::Done);
        Job { id: 4, deed, scope, by, at_us: 0, state, done, seen: done, total: Some(done), awaited: 0 }
    }

    #[test]
    fn outcomes_are_told_as_operators_know_them() {
        let host = || Scope::Host("example.com".into());
        let archive = || Deed::Archive { file: "/var/lib/mailreeve/archive/oldmessage_47.mbox".into() };
        let table = [
            (Deed::Delete, host(), 100, "100 messages deleted."),
            (Deed::Delete, host(), 100_000, "100000 messages deleted."),
            (Deed::Delete, host(), 1, "1 message deleted."),
            (Deed::Bounce, Scope::All, 100, "100 messages bounced."),
            (Deed::Redirect { to: "b.example".into() }, host(), 246, "246 recipients redirected."),
            (Deed::Delete, Scope::Mid(47), 2, "MID 47 has been removed from the queue."),
            (
                archive(),
                Scope::Mid(47),
                1,
                "MID 47 has been saved in file oldmessage_47.mbox in the directory /var/lib/mailreeve/archive",
            ),
            (archive(), Scope::Mid(47), 0, "MID 47 had left the queue before anything was done to it."),
        ];
        for (deed, scope, done, told) in table {
            assert_eq!(job(deed, scope, done).outcome(), told);
        }
    }

    #[test]
    fn a_list_says_what_goes_on() {
        let as_of = AsOf { at_us: 1_597_343_382_000_000, zone: "UTC".into() };
        let running = Job {
            state: State::Running,
            seen: 60_000,
            total: Some(100_000),
            awaited: 12,
            ..job(Deed::Delete, Scope::From("a@b.example".into()), 50_000)
        };
        let stopped = Job {
            id: 5,
            state: State::Stopped { why: "the spool failed".into() },
            ..job(Deed::Redirect { to: "b.example".into() }, Scope::All, 3)
        };
        let text = JobsReply { as_of: as_of.clone(), jobs: vec![running, stopped] }.text();
        insta::assert_snapshot!(text, @"
        Job 4: delete from a@b.example by ann since Thu Jan 01 00:00:00 1970
          50,000 recipients done, 60,000 looked at of 100,000, waits for 12 that are being delivered
        Job 5: redirect all to b.example by ann since Thu Jan 01 00:00:00 1970
          stopped after 3 recipients: the spool failed
        ");
        assert_eq!(JobsReply { as_of, jobs: Vec::new() }.text(), "There are no jobs.\n");
    }
}
