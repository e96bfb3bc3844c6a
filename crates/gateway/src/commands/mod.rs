//! The operators' commands: calls come in over a local socket, one JSON object a line, and are answered.
//!
//! Who may use the socket may give every command: its file belongs to the gateway's user and nobody else can
//! open it. Who comes by the desk has the role of its user, and what the role does not allow is refused here,
//! in one place for every command. Every change goes into the record, done or refused. Reads never scan the queue; they ask the shard and the books for what is kept current.

mod client;
mod cohorts;
mod deliverystatus;
mod diagnose;
mod explain;
mod hoststatus;
mod jobs;
mod message;
mod monitor;
mod presence;
mod prove;
mod queue;
mod recipients;
mod recorder;
mod server;
mod standing;
mod status;
mod track;
mod waits;
pub(crate) mod words;
mod work_queue;

use std::sync::Arc;

use mailreeve_api::command::{Effect, Entry};
use mailreeve_api::format::AsOf;
use mailreeve_api::registry::by_words;
use mailreeve_api::wire::{Answer, Call, Caller, Problem, ProblemKind, VERSION};
use mailreeve_api::{audit, queue as api, status as status_api, workqueue as workqueue_api};
use mailreeve_core::event::Event;
use prometheus_client::metrics::histogram::Histogram;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

pub use client::Client;
pub(crate) use prove::watch as watch_identity;
pub use server::{bind, serve};

use self::presence::Presence;
use crate::context::Context;
use crate::journal::Books;
use crate::listen::Listener;

/// Carries commands out.
pub struct Commands {
    context: Arc<Context>,
    listeners: Vec<Arc<Listener>>,
    books: Arc<Books>,
    presence: Presence,
}

impl Commands {
    /// Makes the commands of a gateway.
    pub fn new(context: Arc<Context>, listeners: Vec<Arc<Listener>>, books: Arc<Books>) -> Self {
        Self { context, listeners, books, presence: Presence::default() }
    }

    /// Answers a call. `caller` is who gave it: for permission, and for the record.
    pub async fn answer(&self, call: Call, caller: &Caller) -> Answer {
        self.answer_to(&Client::patient(), call, caller).await
    }

    /// Answers a call of one who may be told parts of the answer on the way.
    async fn answer_to(&self, client: &Client, call: Call, caller: &Caller) -> Answer {
        if call.v != VERSION {
            let problem = Problem::new(
                format!("this gateway speaks version {VERSION} of the protocol, not {}", call.v),
                "use the command line of the same release as the gateway",
            );
            return Answer::problem(problem.of(ProblemKind::Conflict));
        }
        let Some(entry) = by_words(&call.command) else {
            return Answer::problem(unknown(&call.command));
        };
        let recorded = (entry.spec.effect == Effect::Change).then(|| audit::recorded(&call.args));
        let outcome = match allowed(entry, &call.args, caller) {
            Ok(()) => {
                self.presence.gave(caller, entry.spec.words, self.context.clock.wall());
                self.carry_out(call, caller, client).await
            }
            Err(problem) => Err(problem),
        };
        if let Some(arguments) = recorded {
            self.context.events.tell(Event::Commanded {
                user: caller.user.clone(),
                role: caller.role.word().to_owned(),
                from: caller.from.clone(),
                command: entry.spec.words.to_owned(),
                arguments,
                refused: outcome.as_ref().err().map(|problem| problem.message.clone()),
            });
        }
        match outcome {
            Ok(value) => Answer::ok(value),
            Err(problem) => Answer::problem(problem),
        }
    }

    async fn carry_out(&self, call: Call, caller: &Caller, client: &Client) -> Result<Value, Problem> {
        let by = caller.user.as_str();
        match call.command.as_str() {
            "status" => {
                let status_api::Status {} = read(call.args)?;
                write(&self.status(false).await)
            }
            "status detail" => {
                let status_api::StatusDetail {} = read(call.args)?;
                write(&self.status(true).await)
            }
            "displayalerts" => write(&self.alerts(read(call.args)?)),
            "tophosts" => {
                let request: api::TopHosts = read(call.args)?;
                write(&self.top_hosts(request.key).await?)
            }
            "deliverystatus" => write(&self.delivery_status(read(call.args)?).await?),
            "hoststatus" => {
                let request: api::HostStatus = read(call.args)?;
                write(&self.host_status(&request).await?)
            }
            "explain" => write(&self.explain(read(call.args)?).await?),
            "showrecipients" => write(&self.show_recipients(read(call.args)?).await?),
            "delivernow" => write(&self.deliver_now(read(call.args)?, by).await?),
            "deleterecipients" => write(&self.delete_recipients(read(call.args)?, by).await?),
            "bouncerecipients" => write(&self.bounce_recipients(read(call.args)?, by).await?),
            "redirectrecipients" => write(&self.redirect_recipients(read(call.args)?, by).await?),
            "removemessage" => write(&self.remove_message(read(call.args)?, by).await?),
            "archivemessage" => write(&self.archive_message(read(call.args)?, by).await?),
            "showmessage" => write(&self.show_message(&read(call.args)?).await?),
            "oldmessage" => {
                let mailreeve_api::message::OldMessage {} = read(call.args)?;
                write(&self.old_message().await?)
            }
            "track" => write(&self.track(read(call.args)?).await?),
            "track rebuild" => {
                let mailreeve_api::track::TrackRebuild {} = read(call.args)?;
                write(&self.track_rebuild())
            }
            "prove" => write(&self.prove(read(call.args)?).await?),
            "jobs" => {
                let mailreeve_api::jobs::Jobs {} = read(call.args)?;
                write(&self.jobs())
            }
            "job" => write(&self.job(&read(call.args)?)?),
            "suspend" => write(&self.suspend(read(call.args)?, by).await?),
            "resume" => write(&self.resume(read(call.args)?, by).await?),
            "suspendlistener" => write(&self.suspend_listener(read(call.args)?, by).await?),
            "resumelistener" => write(&self.resume_listener(read(call.args)?, by).await?),
            "suspenddel" => write(&self.suspend_del(read(call.args)?, by).await?),
            "workqueue" => {
                let workqueue_api::WorkQueue {} = read(call.args)?;
                write(&self.work_queue())
            }
            "workqueue status" => {
                let workqueue_api::WorkQueueStatus {} = read(call.args)?;
                write(&self.work_queue())
            }
            "workqueue pause" => write(&self.work_queue_pause(read(call.args)?, by).await?),
            "workqueue resume" => {
                let workqueue_api::WorkQueueResume {} = read(call.args)?;
                write(&self.work_queue_resume(by).await?)
            }
            "workqueue rate" => write(&self.work_queue_rate(read(call.args)?)),
            "resumedel" => write(&self.resume_del(read(call.args)?, by).await?),
            _ => self.monitor(call, caller, client).await,
        }
    }

    /// How long inputs and questions held the delivery shard, for the metrics.
    pub fn shard_time(&self) -> [Histogram; 2] {
        self.context.shard_time.histograms()
    }

    fn as_of(&self) -> AsOf {
        let running = self.context.running.load();
        let zone = running.zone.iana_name().unwrap_or("UTC").to_owned();
        AsOf { at_us: self.context.clock.wall().0, zone }
    }
}

fn read<T: DeserializeOwned>(args: Value) -> Result<T, Problem> {
    serde_json::from_value(args).map_err(|error| {
        Problem::new(format!("the arguments do not fit the command: {error}"), "`help COMMAND` tells them")
    })
}

fn write(reply: &impl Serialize) -> Result<Value, Problem> {
    serde_json::to_value(reply).map_err(|error| Problem::internal(error.to_string()))
}

/// The shard does not answer: the gateway is stopping, or in trouble.
fn stopping() -> Problem {
    Problem::new("the gateway is stopping", "try again when it runs").of(ProblemKind::Unavailable)
}

fn unknown(command: &str) -> Problem {
    let message = format!("this gateway does not know the command `{command}`");
    Problem::new(message, "use the command line of the same release as the gateway").of(ProblemKind::NotFound)
}

/// Whether a caller may give a command with these arguments.
fn allowed(entry: &Entry, args: &Value, caller: &Caller) -> Result<(), Problem> {
    let (mut role, mut what) = (entry.spec.role, format!("`{}`", entry.spec.words));
    if caller.role >= role
        && let Some((more, argument)) = (entry.reserved)(args)
    {
        (role, what) = (more, format!("{what} with `{argument}`"));
    }
    if caller.role >= role {
        return Ok(());
    }
    let message = format!("the role of {} ({}) does not allow {what}", caller.user, caller.role.word());
    let hint = format!("it needs the role {} or one above it: ask an administrator", role.word());
    Err(Problem::new(message, hint).of(ProblemKind::Forbidden))
}

#[cfg(test)]
mod tests {
    use mailreeve_api::command::Role;
    use mailreeve_api::registry::COMMANDS;

    use super::*;

    /// Every command of the registry is carried out here; the text of these files is the list.
    #[test]
    fn the_registry_and_the_gateway_know_the_same_commands() {
        let source = concat!(include_str!("mod.rs"), include_str!("monitor.rs"), include_str!("diagnose.rs"));
        for entry in COMMANDS {
            assert!(source.contains(&format!("\"{}\" =>", entry.spec.words)), "{}", entry.spec.words);
        }
    }

    #[test]
    fn a_role_allows_its_commands_and_no_others() {
        for (entry, role) in COMMANDS.iter().flat_map(|entry| Role::ALL.map(|role| (entry, role))) {
            let caller = Caller { user: "u".to_owned(), role, from: "192.0.2.1".to_owned() };
            let verdict = allowed(entry, &Value::Null, &caller);
            assert_eq!(verdict.is_ok(), role >= entry.spec.role, "{} as {role:?}", entry.spec.words);
            if let Err(problem) = verdict {
                assert_eq!(problem.kind, ProblemKind::Forbidden);
                assert!(problem.message.contains(entry.spec.words) && problem.hint.is_some());
            }
        }
    }

    #[test]
    fn a_name_server_of_ones_own_needs_an_operator() {
        let Some(dig) = by_words("dig") else { unreachable!("dig is a command") };
        let args = serde_json::json!({ "name": "a.test", "tcp": true, "server": "10.0.0.5:22" });
        for role in Role::ALL {
            let caller = Caller { user: "u".to_owned(), role, from: "192.0.2.1".to_owned() };
            let refused = allowed(dig, &args, &caller).err();
            assert_eq!(refused.is_some(), role == Role::ReadOnlyOperator);
            if let Some(problem) = refused {
                let told = "the role of u (read-only) does not allow `dig` with `@server`";
                assert_eq!((problem.kind, problem.message.as_str()), (ProblemKind::Forbidden, told));
            }
        }
    }
}
