//! Orders over many recipients, or over one message, and the jobs that carry them out.

use std::net::IpAddr;

use mailreeve_api::jobs as api;
use mailreeve_api::wire::{Problem, ProblemKind};
use mailreeve_core::delivery::io::Scope;
use mailreeve_core::event::Deed;
use mailreeve_core::ids::{Host, Mid};
use mailreeve_smtp::address::Domain;
use mailreeve_store::standing::{Given, Job, JobScope};

use super::message::{gone, header_of};
use super::{Commands, stopping};
use crate::archive;
use crate::jobs::{self, State, Status};

/// Jobs that may go on at a time.
const JOBS_MAX: usize = 64;

impl Commands {
    pub(super) async fn delete_recipients(
        &self,
        request: api::DeleteRecipients,
        by: &str,
    ) -> Result<api::OrderReply, Problem> {
        self.order(Deed::Delete, request.scope, request.confirmed, by).await
    }

    pub(super) async fn bounce_recipients(
        &self,
        request: api::BounceRecipients,
        by: &str,
    ) -> Result<api::OrderReply, Problem> {
        self.order(Deed::Bounce, request.scope, request.confirmed, by).await
    }

    pub(super) async fn redirect_recipients(
        &self,
        request: api::RedirectRecipients,
        by: &str,
    ) -> Result<api::OrderReply, Problem> {
        let to = self.destination(&request.to)?;
        if to == host(&request.host) {
            let hint = "name another host, or an address in brackets";
            return Err(
                Problem::new(format!("mail to {to} goes to {to} already"), hint).of(ProblemKind::Conflict)
            );
        }
        self.order(Deed::Redirect { to }, api::Scope::Host(request.host), request.confirmed, by).await
    }

    pub(super) async fn remove_message(
        &self,
        request: api::RemoveMessage,
        by: &str,
    ) -> Result<api::OrderReply, Problem> {
        self.order(Deed::Delete, api::Scope::Mid(request.mid), request.confirmed, by).await
    }

    pub(super) async fn archive_message(
        &self,
        request: api::ArchiveMessage,
        by: &str,
    ) -> Result<api::OrderReply, Problem> {
        let mid = Mid(request.mid);
        self.waiting(&api::Scope::Mid(mid.0)).await?;
        let (reader, data_dir) = (self.context.reader.clone(), self.data_dir());
        let saved = tokio::task::spawn_blocking(move || archive::save(&reader, &data_dir, mid)).await;
        match saved {
            Ok(Ok(_)) => self.order(Deed::Archive, api::Scope::Mid(mid.0), true, by).await,
            Ok(Err(archive::ArchiveError::Read(error))) => Err(gone(mid, &error)),
            Ok(Err(error)) => Err(Problem::internal(format!("MID {mid} was not saved: {error}"))),
            Err(_) => Err(stopping()),
        }
    }

    /// Asks, or makes the order durable and begins it.
    async fn order(
        &self,
        deed: Deed,
        scope: api::Scope,
        confirmed: bool,
        by: &str,
    ) -> Result<api::OrderReply, Problem> {
        if !confirmed {
            let recipients = self.waiting(&scope).await?;
            let about = self.about(&deed, &scope, recipients).await?;
            let question = question(&deed, &scope);
            return Ok(api::OrderReply::Unconfirmed { about, question, recipients });
        }
        // The count of a sender's messages reads each envelope: the job itself finds out.
        if !matches!(scope, api::Scope::From(_)) {
            self.waiting(&scope).await?;
        }
        let scope = match scope {
            api::Scope::All => JobScope::All,
            api::Scope::Host(name) => JobScope::Host(host(&name)),
            api::Scope::From(sender) => JobScope::Sender(sender),
            api::Scope::Mid(mid) => JobScope::Message(Mid(mid)),
        };
        let upto_mid = self.context.ids.next_mid().ok_or_else(stopping)?;
        let given = Given { by: by.to_owned(), at: self.context.clock.wall().0 };
        let turn = self.context.standing.turn().await;
        let job = turn.change(move |orders| {
            if orders.jobs.len() >= JOBS_MAX {
                return None;
            }
            orders.last_job += 1;
            let job = Job { id: orders.last_job, deed, scope, given, upto_mid, done: 0 };
            orders.jobs.push(job.clone());
            Some(job)
        });
        let job = job.await.map_err(|error| Problem::internal(error.to_string()))?;
        let Some(job) = job else {
            let message = format!("{JOBS_MAX} jobs go on already");
            return Err(Problem::new(message, "`jobs` lists them; try again later").of(ProblemKind::Conflict));
        };
        let id = job.id;
        jobs::begin(&self.context, job);
        drop(turn);
        let status = self.context.jobs.status(id).ok_or_else(stopping)?;
        Ok(api::OrderReply::Begun(self.job_line(&status)))
    }

    /// Counts whom an order would concern now; nobody is a problem.
    async fn waiting(&self, scope: &api::Scope) -> Result<u64, Problem> {
        let count = match scope {
            api::Scope::All => self.context.shard.ask(|delivery, _| delivery.gauges().active as u64).await,
            api::Scope::Host(name) => {
                let host = host(name);
                let active = move |view: mailreeve_core::delivery::views::DestinationView| view.active as u64;
                self.context
                    .shard
                    .ask(move |delivery, now| delivery.destination(&host, now).map_or(0, active))
                    .await
            }
            api::Scope::From(sender) => Ok(jobs::count_of_sender(&self.context, sender).await),
            api::Scope::Mid(mid) => {
                let scope = Scope::Message(Mid(*mid));
                self.context
                    .shard
                    .ask(move |delivery, now| delivery.recipients(&scope, None, 1_000, now).recipients.len())
                    .await
                    .map(|count| count as u64)
            }
        };
        let held = match scope {
            api::Scope::All => self.context.work_queue.load().recipients,
            api::Scope::Host(name) => self.context.work_queue.recipients_for(&host(name)),
            api::Scope::Mid(mid) => u64::from(self.context.work_queue.recipients_of(Mid(*mid))),
            // They were counted with the others.
            api::Scope::From(_) => 0,
        };
        match count.map_err(|_| stopping())? + held {
            0 => Err(self.nobody(scope)),
            count => Ok(count),
        }
    }

    fn nobody(&self, scope: &api::Scope) -> Problem {
        let message = match scope {
            api::Scope::All => "no message waits for delivery".to_owned(),
            api::Scope::Host(host) => format!("no message waits for delivery to {host}"),
            api::Scope::From(sender) => format!("no message from {sender} waits for delivery"),
            api::Scope::Mid(mid) => format!("MID {mid} does not wait for delivery"),
        };
        let hint = match (self.context.recovery.going_on(), scope) {
            (Some((done, all)), _) => {
                format!("the queue is still being read after the start: {done} of {all}")
            }
            (None, api::Scope::Mid(_)) => "it may have just ended, which the log tells".to_owned(),
            (None, _) => "`tophosts active_rcpts` shows where mail waits".to_owned(),
        };
        Problem::new(message, hint).of(ProblemKind::NotFound)
    }

    /// What is told before the question.
    async fn about(&self, deed: &Deed, scope: &api::Scope, recipients: u64) -> Result<String, Problem> {
        match (deed, scope) {
            (Deed::Redirect { to }, _) => Ok(format!(
                "WARNING: if {to} is not prepared for this mail, it bounces or is lost. Recipients: {recipients}\n"
            )),
            (_, api::Scope::Mid(mid)) => header_of(&self.context, Mid(*mid)).await,
            (_, _) => Ok(format!("Recipients that wait there now: {recipients}\n")),
        }
    }

    /// Reads a destination as an operator writes it, and refuses one that could never be reached.
    fn destination(&self, word: &str) -> Result<Host, Problem> {
        let domain = Domain::parse(word).map_err(|_| {
            let hint = "a host such as mail.example.com, or an address in brackets such as [192.0.2.1]";
            Problem::new(format!("`{word}` names no host"), hint)
        })?;
        let name = domain.to_string();
        if let Domain::Literal(address) = domain {
            self.may_reach(&name, address)?;
        }
        Ok(Host::new(&name))
    }

    fn may_reach(&self, word: &str, address: IpAddr) -> Result<(), Problem> {
        let running = self.context.running.load();
        let routed = running.delivery.routes.iter().any(|(pattern, _)| pattern.matches(word));
        let refused = running.surroundings.refused_networks.iter().any(|network| network.contains(&address));
        if refused && !routed {
            let problem = Problem::new(
                format!("{address} is in a network that this gateway does not connect to by itself"),
                format!("add a route for it: [[route]] domain = \"{word}\" to = [\"{word}\"]"),
            );
            return Err(problem.of(ProblemKind::Conflict));
        }
        Ok(())
    }

    fn data_dir(&self) -> std::path::PathBuf {
        self.context.running.load().config.data_dir.clone()
    }

    pub(super) fn jobs(&self) -> api::JobsReply {
        let jobs = self.context.jobs.list().iter().map(|status| self.job_line(status)).collect();
        api::JobsReply { as_of: self.as_of(), jobs }
    }

    pub(super) fn job(&self, request: &api::ShowJob) -> Result<api::JobsReply, Problem> {
        match self.context.jobs.status(request.id) {
            Some(status) => Ok(api::JobsReply { as_of: self.as_of(), jobs: vec![self.job_line(&status)] }),
            None => {
                let message = format!("there is no job {}", request.id);
                let hint =
                    "`jobs` lists those that go on and the last that ended; the log tells of earlier ones";
                Err(Problem::new(message, hint).of(ProblemKind::NotFound))
            }
        }
    }

    fn job_line(&self, status: &Status) -> api::Job {
        let Status { job, state, progress, whole } = status;
        api::Job {
            id: job.id,
            deed: match &job.deed {
                Deed::Delete => api::Deed::Delete,
                Deed::Bounce => api::Deed::Bounce,
                Deed::Redirect { to } => api::Deed::Redirect { to: to.to_string() },
                Deed::Archive => api::Deed::Archive {
                    file: match &job.scope {
                        JobScope::Message(mid) => {
                            archive::path_of(&self.data_dir(), *mid).display().to_string()
                        }
                        JobScope::All | JobScope::Host(_) | JobScope::Sender(_) => String::new(),
                    },
                },
            },
            scope: match &job.scope {
                JobScope::All => api::Scope::All,
                JobScope::Host(host) => api::Scope::Host(host.to_string()),
                JobScope::Sender(sender) => api::Scope::From(sender.clone()),
                JobScope::Message(mid) => api::Scope::Mid(mid.0),
            },
            by: job.given.by.clone(),
            at_us: job.given.at,
            state: match state {
                State::Waiting => api::State::Waiting,
                State::Running => api::State::Running,
                State::Done => api::State::Done,
                State::Stopped(why) => api::State::Stopped { why: why.clone() },
            },
            done: job.done + progress.done,
            seen: job.done + progress.seen,
            total: whole.then_some(job.done + progress.total),
            awaited: progress.awaited,
        }
    }
}

/// A destination by the name under which its mail waits.
fn host(word: &str) -> Host {
    match Domain::parse(word) {
        Ok(domain) => Host::new(&domain.to_string()),
        // Nobody waits there; that is told.
        Err(_) => Host::new(word),
    }
}

fn question(deed: &Deed, scope: &api::Scope) -> String {
    let which = match scope {
        api::Scope::Mid(_) => return "Remove this message? [N]> ".to_owned(),
        api::Scope::All => "all messages in the delivery queue".to_owned(),
        api::Scope::Host(host) => format!("all messages being delivered to \"{host}\""),
        api::Scope::From(sender) => format!("all messages from \"{sender}\""),
    };
    match deed {
        Deed::Delete | Deed::Archive => format!("Are you sure you want to delete {which}? [N]> "),
        Deed::Bounce => format!("Are you sure you want to bounce {which}? [N]> "),
        Deed::Redirect { to } => format!("Are you sure you want to redirect {which} to \"{to}\"? [N]> "),
    }
}
