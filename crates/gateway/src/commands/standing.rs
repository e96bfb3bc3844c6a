//! `suspend`, `resume` and their parts: made durable, acted upon, waited for.

mod acts;

use std::collections::BTreeSet;
use std::time::Duration;

use mailreeve_api::standing::{
    Resume, ResumeDel, ResumeListener, SECONDS_MAX, Side, StandingReply, Suspend, SuspendDel, SuspendListener,
};
use mailreeve_api::wire::{Problem, ProblemKind};
use mailreeve_core::delivery::io::Input;
use mailreeve_core::delivery::views::{ConnectionState, ConnectionView};
use mailreeve_core::ids::{Dcid, Host};
use mailreeve_store::standing::{Given, StandingError};
use tokio::time::Instant;

use super::{Commands, stopping};
use crate::deliver::shard::Message;
use crate::standing::Turn;

/// How often transactions under way are looked for.
const LOOK: Duration = Duration::from_millis(20);
/// Time for connections that are cut off to be gone.
const LAST: Duration = Duration::from_secs(2);
/// Destinations that may be suspended by name.
const HOSTS_MAX: usize = 1_000;

impl Commands {
    pub(super) async fn suspend(&self, request: Suspend, by: &str) -> Result<StandingReply, Problem> {
        let turn = self.context.standing.turn().await;
        let given = self.given(by);
        // One change of the record: after a failure or a crash both halves stand, or neither.
        let fresh = turn.change(move |orders| orders.suspend_everything(given)).await.map_err(refused)?;
        self.receiving_suspended(fresh.0, by);
        self.delivery_suspended(fresh.1, by)?;
        drop(turn);
        let (receiving, delivery) = (suspended_side(Vec::new()), suspended_side(Vec::new()));
        let end = end_after(request.seconds);
        let receiving = Some(self.listeners_exit(receiving, end).await);
        let delivery = Some(self.deliveries_finish(delivery, end).await?);
        Ok(StandingReply { receiving, delivery })
    }

    pub(super) async fn resume(&self, _: Resume, by: &str) -> Result<StandingReply, Problem> {
        let turn = self.context.standing.turn().await;
        let resumed = turn.change(|orders| orders.resume_everything()).await.map_err(refused)?;
        let receiving = self.receiving_resumed(Vec::new(), resumed.0, by);
        let delivery = self.delivery_resumed(Vec::new(), resumed.1, by)?;
        Ok(StandingReply { receiving: Some(receiving), delivery: Some(delivery) })
    }

    pub(super) async fn suspend_listener(
        &self,
        request: SuspendListener,
        by: &str,
    ) -> Result<StandingReply, Problem> {
        let turn = self.context.standing.turn().await;
        let side = self.suspend_listeners(&turn, request.listeners, by).await?;
        drop(turn);
        let side = self.listeners_exit(side, end_after(request.seconds)).await;
        Ok(StandingReply { receiving: Some(side), delivery: None })
    }

    pub(super) async fn resume_listener(
        &self,
        request: ResumeListener,
        by: &str,
    ) -> Result<StandingReply, Problem> {
        let turn = self.context.standing.turn().await;
        let side = self.resume_listeners(&turn, request.listeners, by).await?;
        Ok(StandingReply { receiving: Some(side), delivery: None })
    }

    pub(super) async fn suspend_del(&self, request: SuspendDel, by: &str) -> Result<StandingReply, Problem> {
        let turn = self.context.standing.turn().await;
        let side = self.suspend_hosts(&turn, request.domains, by).await?;
        drop(turn);
        let side = self.deliveries_finish(side, end_after(request.seconds)).await?;
        let empty = self.without_mail(&side.names).await?;
        Ok(StandingReply { receiving: None, delivery: Some(Side { empty, ..side }) })
    }

    /// Those of the names that no recipient in delivery waits for; none while a start still reads the queue.
    async fn without_mail(&self, names: &[String]) -> Result<Vec<String>, Problem> {
        if self.context.recovery.going_on().is_some() {
            return Ok(Vec::new());
        }
        let mut names = names.to_vec();
        let asked = self.context.shard.ask(move |delivery, now| {
            names.retain(|name| delivery.row(&Host::new(name), now).is_none_or(|row| row.active == 0));
            names
        });
        asked.await.map_err(|_| stopping())
    }

    pub(super) async fn resume_del(&self, request: ResumeDel, by: &str) -> Result<StandingReply, Problem> {
        let turn = self.context.standing.turn().await;
        let side = self.resume_hosts(&turn, request.domains, by).await?;
        Ok(StandingReply { receiving: None, delivery: Some(side) })
    }

    async fn suspend_listeners(
        &self,
        turn: &Turn<'_>,
        names: Vec<String>,
        by: &str,
    ) -> Result<Side, Problem> {
        let names = self.listeners_named(&names)?;
        let (wanted, given) = (names.clone(), self.given(by));
        let fresh =
            turn.change(move |orders| orders.suspend_listeners(&wanted, given)).await.map_err(refused)?;
        self.receiving_suspended(fresh, by);
        Ok(suspended_side(names))
    }

    async fn resume_listeners(&self, turn: &Turn<'_>, names: Vec<String>, by: &str) -> Result<Side, Problem> {
        let names = self.listeners_named(&names)?;
        let all: Vec<String> = self.listeners.iter().map(|listener| listener.name.clone()).collect();
        let wanted = names.clone();
        let resumed =
            turn.change(move |orders| orders.resume_listeners(&wanted, &all)).await.map_err(refused)?;
        Ok(self.receiving_resumed(names, resumed, by))
    }

    /// Returns the names as they are configured, or ordered once.
    fn listeners_named(&self, names: &[String]) -> Result<Vec<String>, Problem> {
        let orders = self.context.standing.in_force();
        let configured = self.listeners.iter().map(|listener| &listener.name);
        let known: BTreeSet<&String> = configured.chain(orders.listeners.keys()).collect();
        let find = |name: &String| {
            known
                .iter()
                .find(|known| known.eq_ignore_ascii_case(name))
                .map(|known| (*known).clone())
                .ok_or_else(|| {
                    let all: Vec<&str> = known.iter().map(|name| name.as_str()).collect();
                    Problem::new(
                        format!("there is no listener `{name}`"),
                        format!("the listeners are: {}", all.join(", ")),
                    )
                    .of(ProblemKind::NotFound)
                })
        };
        names.iter().map(find).collect()
    }

    async fn listeners_exit(&self, side: Side, end: Instant) -> Side {
        let mut closed = 0;
        for listener in &self.listeners {
            if side.names.is_empty() || side.names.contains(&listener.name) {
                closed += listener.door().emptied(end).await as u64;
            }
        }
        Side { closed, ..side }
    }

    async fn suspend_hosts(&self, turn: &Turn<'_>, names: Vec<String>, by: &str) -> Result<Side, Problem> {
        let hosts: Vec<Host> = names.iter().map(|name| Host::new(name)).collect();
        if self.context.standing.in_force().hosts.len() + hosts.len() > HOSTS_MAX {
            let problem = Problem::new(
                format!("more than {HOSTS_MAX} destinations cannot be suspended by name"),
                "`suspenddel ALL` suspends all delivery",
            );
            return Err(problem.of(ProblemKind::Conflict));
        }
        let given = self.given(by);
        let fresh =
            turn.change(move |orders| orders.suspend_delivery(hosts, given)).await.map_err(refused)?;
        self.delivery_suspended(fresh, by)?;
        Ok(suspended_side(names))
    }

    async fn resume_hosts(&self, turn: &Turn<'_>, names: Vec<String>, by: &str) -> Result<Side, Problem> {
        let hosts: Vec<Host> = names.iter().map(|name| Host::new(name)).collect();
        let orders = self.context.standing.in_force();
        if let Some(host) = hosts.iter().find(|host| !orders.hosts.contains_key(*host)) {
            let hint = match (orders.delivery.is_some(), orders.hosts.is_empty()) {
                (true, _) => "all delivery is suspended: `resumedel ALL`".to_owned(),
                (false, true) => "no delivery is suspended".to_owned(),
                (false, false) => format!("suspended are: {}", some(orders.hosts.keys())),
            };
            let problem = Problem::new(format!("delivery to `{host}` is not suspended by name"), hint);
            return Err(problem.of(ProblemKind::Conflict));
        }
        let resumed = turn.change(move |orders| orders.resume_delivery(hosts)).await.map_err(refused)?;
        self.delivery_resumed(names, resumed, by)
    }

    /// Waits for transactions under way until `end`, then has their connections closed.
    async fn deliveries_finish(&self, side: Side, end: Instant) -> Result<Side, Problem> {
        let hosts: BTreeSet<Host> = side.names.iter().map(|name| Host::new(name)).collect();
        let mut busy = self.busy(&hosts).await?;
        while !busy.is_empty() && Instant::now() < end && self.holds_back(&hosts) {
            tokio::time::sleep(LOOK).await;
            busy = self.busy(&hosts).await?;
        }
        if busy.is_empty() || !self.holds_back(&hosts) {
            return Ok(side);
        }
        let closed = busy.len() as u64;
        self.context.shard.send(Message::Cut(busy)).map_err(|_| stopping())?;
        let last = Instant::now() + LAST;
        while !self.busy(&hosts).await?.is_empty() && Instant::now() < last {
            tokio::time::sleep(LOOK).await;
        }
        Ok(Side { closed, ..side })
    }

    /// Connections that carry something to these hosts; to any when there are none.
    async fn busy(&self, hosts: &BTreeSet<Host>) -> Result<Vec<Dcid>, Problem> {
        let hosts = hosts.clone();
        let busy = move |connection: &ConnectionView| {
            matches!(connection.state, ConnectionState::Busy(_))
                && (hosts.is_empty() || hosts.contains(&connection.host))
        };
        let asked = self.context.shard.ask(move |delivery, _| {
            delivery.connections().filter(busy).map(|connection| connection.dcid).collect()
        });
        asked.await.map_err(|_| stopping())
    }

    /// The order that is waited for still stands.
    fn holds_back(&self, hosts: &BTreeSet<Host>) -> bool {
        let orders = self.context.standing.in_force();
        if hosts.is_empty() {
            orders.delivery.is_some()
        } else {
            hosts.iter().any(|host| orders.hosts.contains_key(host))
        }
    }

    fn tell_shard(&self, input: Input) -> Result<(), Problem> {
        self.context.shard.send(Message::Input(input)).map_err(|_| stopping())
    }

    pub(super) fn given(&self, by: &str) -> Given {
        Given { by: by.to_owned(), at: self.context.clock.wall().0 }
    }
}

const fn suspended_side(names: Vec<String>) -> Side {
    Side { suspended: true, names, still: Vec::new(), empty: Vec::new(), closed: 0 }
}

fn end_after(seconds: u64) -> Instant {
    Instant::now() + Duration::from_secs(seconds.min(SECONDS_MAX))
}

/// The first few of many names.
fn some<'a>(hosts: impl Iterator<Item = &'a Host>) -> String {
    hosts.take(20).map(Host::as_str).collect::<Vec<_>>().join(", ")
}

/// The order is not in force: it could not be made durable.
pub(super) fn refused(error: StandingError) -> Problem {
    Problem::new(
        format!("the order was not carried out, because it could not be kept: {error}"),
        "look at the disk of data_dir, then give the order again",
    )
    .of(ProblemKind::Unavailable)
}
