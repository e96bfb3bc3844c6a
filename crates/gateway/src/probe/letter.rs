//! The test message of an operator: ordinary mail of the gateway's own, put into the queue and followed to its end.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use mailreeve_api::probe::{ProbePart, ProbeTarget, TestMessage, TestStep};
use mailreeve_api::wire::{Problem, ProblemKind};
use mailreeve_core::event::Event;
use mailreeve_core::ids::{Host, Mid};
use mailreeve_core::tracking::sentences::{Sentence, sentences};
use mailreeve_core::tracking::{Record, Tracked};
use mailreeve_smtp::address::ReversePath;
use mailreeve_store::tracking::History;
use tokio::time::{Instant, sleep};

use super::Ground;
use super::talk::Offer;
use crate::commands::Client;
use crate::context::Context;
use crate::listen::own;

/// How long it is followed.
const FOLLOWED: Duration = Duration::from_secs(25);
/// How long between two looks.
const LOOK: Duration = Duration::from_millis(200);

/// A test message to be sent.
pub(super) struct Letter<'a> {
    context: &'a Context,
    host: Host,
}

impl<'a> Letter<'a> {
    /// For a destination, or a host by its address.
    pub(super) fn to(context: &'a Context, to: &ProbeTarget) -> Result<Self, Problem> {
        if to.port.is_some() {
            return Err(Problem::new(
                "a test message goes by the queue, which knows destinations and no ports",
                "leave :PORT away; `probe` without --send takes one",
            ));
        }
        let host = match to.host.parse() {
            Ok(IpAddr::V4(address)) => Host::new(&format!("[{address}]")),
            Ok(IpAddr::V6(address)) => Host::new(&format!("[IPv6:{address}]")),
            Err(_) => Host::new(&to.host),
        };
        Ok(Self { context, host })
    }

    /// Puts it into the queue, durably, and follows it.
    pub(super) async fn send(
        &self,
        ground: Ground<'_>,
        offer: &Offer,
        client: &Client,
    ) -> Result<TestMessage, Problem> {
        let content = write(ground, offer);
        let mail = own::Mail {
            sender: offer.sender.clone(),
            recipient: offer.recipient.clone(),
            host: self.host.clone(),
            content,
        };
        let mid = own::queue(self.context, mail).await.map_err(|why| {
            let hint = "nothing was sent; `status` shows how the queue stands";
            Problem::new(format!("the test message was not queued: {why}"), hint).of(ProblemKind::Unavailable)
        })?;
        client.tell(&ProbePart::Queued(mid.0, self.host.to_string())).await?;
        self.follow(ground, mid, client).await
    }

    async fn follow(&self, ground: Ground<'_>, mid: Mid, client: &Client) -> Result<TestMessage, Problem> {
        let began = ground.clock.wall().0;
        let until = Instant::now() + FOLLOWED;
        let mut told = TestMessage { mid: mid.0, host: self.host.to_string(), ..TestMessage::default() };
        loop {
            let over = Instant::now() >= until;
            if let Some(history) = self.history(mid).await {
                // A connection that proves to be its own only later brings steps from before.
                for step in steps(&history, began, &ground.running.zone) {
                    if !told.steps.contains(&step) {
                        client.tell(&ProbePart::Step(step.clone())).await?;
                        told.steps.push(step);
                    }
                }
                told.steps.sort_by_key(|step| step.at_us);
                told.ended = history.events.iter().any(|told| matches!(told.event, Event::Finished { .. }));
                told.state = state(&history);
            }
            if told.ended || over {
                return Ok(told);
            }
            sleep(LOOK).await;
        }
    }

    async fn history(&self, mid: Mid) -> Option<History> {
        let tracking = Arc::clone(&self.context.tracking);
        let look = tokio::task::spawn_blocking(move || tracking.history(Tracked::Message(mid)));
        look.await.ok()?.ok()
    }
}

fn steps(history: &History, began: u64, zone: &jiff::tz::TimeZone) -> Vec<TestStep> {
    let told = sentences(&history.events).into_iter();
    let step = |(at_us, sentence): (u64, Sentence)| TestStep {
        at_us,
        after_us: at_us.saturating_sub(began),
        text: sentence.english(zone),
    };
    told.map(step).collect()
}

/// The state of its only recipient.
fn state(history: &History) -> String {
    let states = history.record.as_ref().map(Record::states);
    let last = states.as_ref().and_then(|states| states.iter().last());
    last.map_or_else(String::new, |state| state.word().to_owned())
}

/// Writes the message: who it is from, that a machine made it, and what for.
fn write(ground: Ground<'_>, offer: &Offer) -> Vec<u8> {
    let hostname = &ground.running.config.hostname;
    let now = ground.clock.wall().0;
    let at = i64::try_from(now).ok().and_then(|us| jiff::Timestamp::from_microsecond(us).ok());
    let zoned = at.unwrap_or_default().to_zoned(ground.running.zone.clone());
    let date = jiff::fmt::rfc2822::to_string(&zoned).unwrap_or_default();
    let from = match &offer.sender {
        ReversePath::Null => format!("postmaster@{hostname}"),
        ReversePath::Mailbox(mailbox) => mailbox.as_str().to_owned(),
    };
    let to = offer.recipient.as_str();
    format!(
        "Date: {date}\r\nFrom: <{from}>\r\nTo: <{to}>\r\nMessage-ID: <probe.{now}@{hostname}>\r\n\
         Subject: Test message of {hostname}\r\nAuto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\n\
         Content-Type: text/plain; charset=us-ascii\r\n\r\n\
         An operator of {hostname} tested the way to your mail host with this message.\r\n\
         It needs no answer.\r\n"
    )
    .into_bytes()
}
