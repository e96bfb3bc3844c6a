//! The operators' commands: calls come in over a local socket, one JSON object a line, and are answered.
//!
//! Who may use the socket may give every command: its file belongs to the gateway's user and nobody else can
//! open it. Reads never scan the queue; they ask the shard and the books for what is kept current.

mod queue;
mod server;
mod status;
mod words;

use std::sync::Arc;

use mailreeve_api::format::AsOf;
use mailreeve_api::wire::{Answer, Call, Problem, VERSION};
use mailreeve_api::{queue as api, status as status_api};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

pub use server::{bind, serve};

use crate::context::Context;
use crate::journal::Books;
use crate::listen::Listener;

/// Carries commands out.
pub struct Commands {
    context: Arc<Context>,
    listeners: Vec<Arc<Listener>>,
    books: Arc<Books>,
}

impl Commands {
    /// Makes the commands of a gateway.
    pub fn new(context: Arc<Context>, listeners: Vec<Arc<Listener>>, books: Arc<Books>) -> Self {
        Self { context, listeners, books }
    }

    /// Answers a call. `by` is who gave it, for the record.
    pub async fn answer(&self, call: Call, by: &str) -> Answer {
        if call.v != VERSION {
            return Answer::problem(Problem::new(
                format!("this gateway speaks version {VERSION} of the protocol, not {}", call.v),
                "use the command line of the same release as the gateway",
            ));
        }
        match self.carry_out(call, by).await {
            Ok(value) => Answer::ok(value),
            Err(problem) => Answer::problem(problem),
        }
    }

    async fn carry_out(&self, call: Call, by: &str) -> Result<Value, Problem> {
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
            "hoststatus" => {
                let request: api::HostStatus = read(call.args)?;
                write(&self.host_status(&request.host).await?)
            }
            "showrecipients" => write(&self.show_recipients(read(call.args)?).await?),
            "delivernow" => write(&self.deliver_now(read(call.args)?, by).await?),
            other => Err(Problem::new(
                format!("this gateway does not know the command `{other}`"),
                "use the command line of the same release as the gateway",
            )),
        }
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
    serde_json::to_value(reply).map_err(|error| Problem { message: error.to_string(), hint: None })
}

/// The shard does not answer: the gateway is stopping, or in trouble.
fn stopping() -> Problem {
    Problem::new("the gateway is stopping", "try again when it runs")
}

#[cfg(test)]
mod tests {
    use mailreeve_api::registry::COMMANDS;

    /// Every command of the registry is carried out here; the text of this file is the list.
    #[test]
    fn the_registry_and_the_gateway_know_the_same_commands() {
        let source = include_str!("mod.rs");
        for entry in COMMANDS {
            assert!(source.contains(&format!("\"{}\" =>", entry.spec.words)), "{}", entry.spec.words);
        }
    }
}
