//! What the shard, the spool and the ledger know, for one explanation.

use std::net::SocketAddr;

use mailreeve_api::probe::{ProbeReply, ProbeStep};
use mailreeve_api::wire::Problem;
use mailreeve_core::delivery::Row;
use mailreeve_core::delivery::io::Scope;
use mailreeve_core::delivery::views::{DestinationView, RecipientView};
use mailreeve_core::delivery::why::Why;
use mailreeve_core::event::Stamped;
use mailreeve_core::explain::{Crowd, Entrance, Fate, Probed, Reach, Story, Waiting};
use mailreeve_core::ids::{Host, Mid, Rid};
use mailreeve_core::message::header_facts;

use super::RECIPIENTS;
use crate::commands::{Commands, stopping};

/// Waiting recipients among which a typical one is looked for.
const SAMPLE: usize = 200;
/// Destinations behind one mail server that are told of.
const BEHIND: usize = 20;

impl Commands {
    /// The recipients of a message that wait.
    pub(super) async fn waiting_of(&self, mid: Mid) -> Result<Vec<RecipientView>, Problem> {
        let ask = self.context.shard.ask(move |delivery, now| {
            delivery.recipients(&Scope::Message(mid), None, RECIPIENTS, now).recipients
        });
        ask.await.map_err(|_| stopping())
    }

    pub(super) async fn view_of(&self, host: &Host) -> Result<Option<DestinationView>, Problem> {
        let host = host.clone();
        self.context
            .shard
            .ask(move |delivery, now| delivery.destination(&host, now))
            .await
            .map_err(|_| stopping())
    }

    /// Destinations of which a mail server of this name or address is a target.
    pub(super) async fn destinations_behind(&self, name: &str) -> Result<Vec<Host>, Problem> {
        let name = name.to_owned();
        let ask = self.context.shard.ask(move |delivery, _| delivery.behind(&name, BEHIND));
        ask.await.map_err(|_| stopping())
    }

    /// The reasons why recipients of a destination wait: for each a recipient, one of the oldest where it is among these,
    /// and how many there are.
    pub(super) async fn cohorts_of(&self, host: &Host) -> Result<Vec<(RecipientView, u64)>, Problem> {
        let host = host.clone();
        let ask = self.context.shard.ask(move |delivery, now| {
            let oldest = delivery.recipients(&Scope::Host(host.clone()), None, SAMPLE, now).recipients;
            let (Some(row), Some(first)) = (delivery.row(&host, now), oldest.first()) else {
                return Vec::new();
            };
            let cohorts = row.cohorts.iter().map(|cohort| {
                let like = oldest.iter().find(|view| alike(&cohort.why, &view.why));
                let typical =
                    like.cloned().unwrap_or(RecipientView { why: cohort.why.clone(), ..first.clone() });
                (typical, cohort.recipients as u64)
            });
            let cohorts: Vec<_> = cohorts.collect();
            // Whoever is being handed over is in no cohort.
            if cohorts.is_empty() { vec![(first.clone(), oldest.len() as u64)] } else { cohorts }
        });
        ask.await.map_err(|_| stopping())
    }

    /// Everything that is known of a waiting recipient.
    pub(super) async fn waiting_facts(
        &self,
        recipient: RecipientView,
        story: Story,
        rows: &[Row],
    ) -> Result<Waiting, Problem> {
        let destination = self.view_of(&recipient.host).await?;
        let crowd = Crowd::count(rows.iter(), recipient.host.as_str(), &recipient.why);
        let now = self.context.clock.wall().0;
        Ok(Waiting { now, recipient, destination, crowd, story, example: false })
    }

    /// How far the records reach, back to `from` where that is known.
    pub(super) fn reach(&self, from: u64) -> Reach {
        let first = self.books.tally.lock().started_at();
        let since = Some(from).filter(|from| *from > 0).or(first);
        Reach { since, recovering: self.context.recovery.going_on() }
    }

    /// The story of a message: its events, and its envelope where they do not reach back so far.
    pub(super) async fn story_of(&self, mid: Mid, events: &[Stamped]) -> Story {
        let story = Story::of(mid, events);
        match story.accepted {
            Some(_) => story,
            None => self.with_envelope(story).await,
        }
    }

    /// The story of a message that waits, as far as its envelope tells it.
    pub(super) async fn story_of_waiting(&self, mid: Mid) -> Story {
        self.with_envelope(Story { mid, ..Story::default() }).await
    }

    async fn with_envelope(&self, mut story: Story) -> Story {
        let (reader, mid) = (self.context.reader.clone(), story.mid);
        let read = tokio::task::spawn_blocking(move || {
            let envelope = reader.envelope(mid).ok()?;
            let message_id = reader.header(mid).ok().and_then(|header| header_facts(&header).message_id);
            Some((envelope, message_id))
        });
        let Ok(Some((envelope, message_id))) = read.await else { return story };
        let sender = envelope.sender.to_string();
        let entrance =
            Entrance { icid: envelope.icid, size: envelope.size, sender, message_id, report: None };
        story.accepted = Some((envelope.accepted_at, entrance));
        for (rid, recipient) in (0..).zip(&envelope.recipients) {
            let fate: &mut Fate = story.recipients.entry(Rid(rid)).or_default();
            fate.address.get_or_insert_with(|| recipient.mailbox.to_string());
            fate.host.get_or_insert_with(|| recipient.host.clone());
        }
        story
    }
}

/// What a probe found, of the address that mail could take or else of the first.
pub(super) fn probed(reply: &ProbeReply) -> Probed {
    let usable = reply.addresses.iter().find(|address| address.verdict.usable);
    let address = usable.or(reply.addresses.first());
    let answered = |step: &&ProbeStep| step.problem.is_none() && !matches!(&*step.stage, "RSET" | "QUIT");
    let stage = address.and_then(|address| address.steps.iter().rfind(answered));
    Probed {
        at: reply.as_of.at_us,
        usable: reply.verdict.usable,
        stage: stage.map(|step| step.stage.clone()).unwrap_or_default(),
        name: address.map(|address| address.name.clone()).unwrap_or_default(),
        address: address.map(|address| bare(&address.address)).unwrap_or_default(),
        code: reply.verdict.code.clone(),
        text: reply.verdict.text.clone(),
    }
}

/// An address without its port.
fn bare(address: &str) -> String {
    address.parse::<SocketAddr>().map_or_else(|_| address.to_owned(), |address| address.ip().to_string())
}

/// Whether two whys are one reason: the same kind, and of clocks the same failure.
fn alike(one: &Why, other: &Why) -> bool {
    match (one, other) {
        (Why::WaitingForRetry { cause: Some(one), .. }, Why::WaitingForRetry { cause: Some(other), .. }) => {
            (one.cause, one.code, one.gist()) == (other.cause, other.code, other.gist())
        }
        (one, other) => std::mem::discriminant(one) == std::mem::discriminant(other),
    }
}
