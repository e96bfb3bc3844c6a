//! `explain`: gathers what is known, from the shard, the spool, the standing orders and the ledger, and has
//! `core/explain` make an explanation of it.
//!
//! What waits is known by the shard at once; what has ended is known by tracking. The answer
//! says how far the records reach.

mod gather;
mod records;
mod render;

use std::cmp::Reverse;
use std::collections::BTreeMap;

use mailreeve_api::explain::{Explain, ExplainReply};
use mailreeve_api::wire::Problem;
use mailreeve_core::delivery::views::DestinationView;
use mailreeve_core::event::{Event, SpoolSpace, Stamped};
use mailreeve_core::explain::{
    self, Asked, Catalogue, Closed, Ended, Explanation, Fate, Reach, State, Story, never_accepted, refused,
    unknown,
};
use mailreeve_core::ids::{Dcid, Host, Mid, Rid};
use mailreeve_core::tracking::{Record, Tracked};

use super::Commands;

/// Recipients of a message that are looked at one by one.
const RECIPIENTS: usize = 500;
/// Attempts of a destination among which one for the cause that is told is looked for.
const ATTEMPTS: usize = 20;

/// An explanation with the others that the question concerns.
struct Answer {
    main: Explanation,
    others: Vec<(Explanation, u64)>,
    reach: Reach,
}

impl Commands {
    pub(super) async fn explain(&self, request: Explain) -> Result<ExplainReply, Problem> {
        let mut answer = match &request {
            Explain { mid: Some(mid), .. } => {
                self.explain_message(Mid(*mid), None, &Asked::default()).await?
            }
            Explain { dcid: Some(dcid), .. } => self.explain_connection(Dcid(*dcid)).await?,
            Explain { host: Some(host), .. } => self.explain_host(host).await?,
            _ => self.explain_found(&request).await?,
        };
        self.add_records(&mut answer.main).await?;
        self.add_change(&mut answer.main).await;
        let running = self.context.running.load();
        let words = Catalogue::english(running.zone.clone());
        let desk = running.config.desk.url(&running.config.hostname);
        Ok(render::reply(&answer, self.as_of(), &words, desk.as_deref()))
    }

    /// Adds what changed since a destination worked last for which mail waits now.
    async fn add_change(&self, explanation: &mut Explanation) {
        let host = explanation.subject.host.clone().filter(|_| explanation.state == State::Queued);
        if let Some(host) = host
            && let Some(changed) = self.what_changed(&host).await
        {
            explain::add_change(explanation, &host, &changed);
        }
    }

    /// Adds what the recorder and probes know: the latest attempt of the recipient, or one of the destination that failed
    /// for the same cause; and the latest probe of the destination.
    async fn add_records(&self, explanation: &mut Explanation) -> Result<(), Problem> {
        let recorder = &self.context.recorder;
        let subject = &explanation.subject;
        let host = subject.host.as_deref().map(Host::new);
        match (subject.mid, subject.rid, &host) {
            (Some(mid), Some(rid), _) => {
                let attempts = recorder.attempts_of(Mid(mid), Some(Rid(rid))).await;
                if let Some((number, last)) = attempts.last() {
                    explain::add_attempts(explanation, *number, last);
                }
            }
            (None, None, Some(host)) if explanation.state == State::Queued => {
                let newest = recorder.last_attempts_of_host(host, ATTEMPTS).await;
                explain::add_attempts_of_host(explanation, &newest);
            }
            _ => {}
        }
        if let Some(host) = host
            && let Some(reply) = self.context.probes.of(&host)
        {
            let view = self.view_of(&host).await?;
            let failed = view.and_then(|view| view.last_failure.or(view.reason)).map(|failure| failure.at);
            explain::add_probe(explanation, &gather::probed(&reply), failed);
        }
        Ok(())
    }

    /// Explains a message, or one recipient of it.
    async fn explain_message(&self, mid: Mid, only: Option<&str>, asked: &Asked) -> Result<Answer, Problem> {
        let views = self.waiting_of(mid).await?;
        let history = self.history(Tracked::Message(mid)).await?;
        let story = self.story_of(mid, &history.events).await;
        let asked = Asked { mid: Some(mid.0), ..asked.clone() };
        let only = only.filter(|mailbox| mailbox.contains('@')).and_then(|mailbox| story.at_mailbox(mailbox));
        let mut cases = Vec::new();
        let rows = if views.is_empty() { Vec::new() } else { self.rows().await? };
        for view in views.into_iter().filter(|view| only.is_none_or(|only| only == view.rid)) {
            let facts = self.waiting_facts(view, story.clone(), &rows).await?;
            cases.push((explain::waiting(&facts), 1));
        }
        let waits: Vec<u32> = cases.iter().filter_map(|(case, _)| case.subject.rid).collect();
        let over = |rid: &Rid| !waits.contains(&rid.0) && only.is_none_or(|only| only == *rid);
        let mut views: BTreeMap<&Host, Option<DestinationView>> = BTreeMap::new();
        for (rid, fate) in story.recipients.iter().take(RECIPIENTS).filter(|(rid, _)| over(rid)) {
            if let Some(host) = fate.host.as_ref().filter(|host| !views.contains_key(*host)) {
                views.insert(host, self.view_of(host).await?);
            }
            let view = fate.host.as_ref().and_then(|host| views.get(host)).and_then(Option::as_ref);
            let peer = peer_of(fate, &history.events);
            cases.extend(explain::ended(&story, *rid, peer, view).map(|case| (case, 1)));
        }
        if cases.is_empty() {
            cases.extend(self.not_in_delivery(mid, &story).map(|case| (case, 1)));
        }
        Ok(self.gravest(cases, &asked, self.reach(history.reach.from)))
    }

    /// What is in neither the shard nor ended: held in the work queue, or never accepted.
    fn not_in_delivery(&self, mid: Mid, story: &Story) -> Option<Explanation> {
        let before = Mid(mid.0.saturating_sub(1));
        if self.context.work_queue.page(None, Some(before), 1) == [mid] {
            let orders = self.context.standing.in_force();
            return Some(match &orders.work_queue.paused {
                Some(pause) => explain::held(mid.0, story, &pause.given.by, pause.given.at, &pause.reason),
                None => explain::released(mid.0, story),
            });
        }
        never_accepted(story)
    }

    /// Explains the latest message that fits a sender, a recipient or a Message-ID, or why there is none.
    async fn explain_found(&self, request: &Explain) -> Result<Answer, Problem> {
        let Explain { from, to, message_id, .. } = request;
        let asked = Asked {
            message_id: message_id.clone(),
            sender: from.clone(),
            recipient: to.clone(),
            ..Asked::default()
        };
        let mut page = self.find(from.as_deref(), to.as_deref(), message_id.as_deref()).await?;
        if page.rows.is_empty() && from.is_none() && message_id.is_none() {
            // What has the form of a mailbox may be a Message-ID without its brackets.
            page = self.find(None, None, to.as_deref()).await?;
        }
        let reach = self.reach(page.reach.from);
        let refusals = match page.rows.first() {
            Some(record) => match record.tracked {
                Tracked::Message(mid) => {
                    let answer = self.explain_message(mid, to.as_deref(), &asked).await?;
                    return self.unless_refused_later(record, request, &asked, answer).await;
                }
                connection @ Tracked::Connection(_) => {
                    records::refusals(&self.history(connection).await?.events, from.as_deref())
                }
            },
            None => Vec::new(),
        };
        let case = refused(&asked, self.closed().as_ref(), &refusals);
        Ok(self.gravest(case.map(|case| (case, 1)).into_iter().collect(), &asked, reach))
    }

    /// The latest of a sender may be a refusal after a message, over the same connection: then that is the answer, and
    /// the message another case.
    async fn unless_refused_later(
        &self,
        record: &Record,
        request: &Explain,
        asked: &Asked,
        answer: Answer,
    ) -> Result<Answer, Problem> {
        let (Some(icid), Some(from), None) = (record.icid, &request.from, &request.to) else {
            return Ok(answer);
        };
        let refusals = self.refused_after(icid, record.began_at, from).await?;
        let closed = self.closed().filter(|_| !refusals.is_empty());
        let Some(main) = refused(asked, closed.as_ref(), &refusals) else { return Ok(answer) };
        let (recipients, reach) = (answer.main.subject.recipients.max(1), answer.reach);
        let others = std::iter::once((answer.main, recipients)).chain(answer.others).collect();
        Ok(Answer { main, others, reach })
    }

    /// Explains an outbound connection: by what it carried, or by how it failed.
    async fn explain_connection(&self, dcid: Dcid) -> Result<Answer, Problem> {
        let found = self.connection(dcid).await?;
        let asked = Asked { dcid: Some(dcid.0), ..Asked::default() };
        if let Some(mid) = found.mid {
            let mut answer = self.explain_message(mid, None, &asked).await?;
            answer.main.subject.dcid = Some(dcid.0);
            return Ok(answer);
        }
        let case = found.failed.as_ref().map(|(host, failure)| explain::connection(dcid, host, failure));
        Ok(self.gravest(case.map(|case| (case, 1)).into_iter().collect(), &asked, self.reach(0)))
    }

    /// Explains a destination; a mail server by the destinations that it serves.
    async fn explain_host(&self, name: &str) -> Result<Answer, Problem> {
        let asked = Asked { host: Some(name.to_owned()), ..Asked::default() };
        let mut hosts = vec![Host::new(name)];
        if self.view_of(&hosts[0]).await?.is_none() {
            let behind = self.destinations_behind(name).await?;
            if !behind.is_empty() {
                hosts = behind;
            }
        }
        let rows = self.rows().await?;
        let mut cases = Vec::new();
        for host in &hosts {
            let waiting = self.cohorts_of(host).await?;
            let view = self.view_of(host).await?;
            if waiting.is_empty() && (view.is_some() || self.is_counted(host)) {
                cases.push((explain::idle(host.as_str(), view.as_ref()), 1));
            }
            for (typical, recipients) in waiting {
                let story = self.story_of_waiting(typical.mid).await;
                let mut facts = self.waiting_facts(typical, story, &rows).await?;
                facts.example = true;
                cases.push((explain::waiting(&facts), recipients));
            }
        }
        let reach = self.reach(0);
        Ok(self.gravest(cases, &asked, reach))
    }

    /// Takes the gravest case of most recipients as the answer, and counts the others.
    fn gravest(&self, cases: Vec<(Explanation, u64)>, asked: &Asked, reach: Reach) -> Answer {
        let mut alike: BTreeMap<(u8, &'static str), (Explanation, u64)> = BTreeMap::new();
        for (case, recipients) in cases {
            let key = (gravity(&case), case.verdict.cause.code());
            alike.entry(key).and_modify(|(_, count)| *count += recipients).or_insert((case, recipients));
        }
        let mut cases: Vec<(Explanation, u64)> = alike.into_values().collect();
        cases.sort_by_key(|(case, recipients)| (gravity(case), Reverse(*recipients)));
        if cases.is_empty() {
            let main = unknown(asked, reach, self.context.clock.wall().0);
            return Answer { main, others: Vec::new(), reach };
        }
        let (mut main, recipients) = cases.remove(0);
        if main.state != State::Idle {
            main.subject.recipients = main.subject.recipients.max(recipients);
        }
        Answer { main, others: cases, reach }
    }

    /// The condition under which nothing is taken at present.
    fn closed(&self) -> Option<Closed> {
        let space = self.context.intake.space();
        if space != SpoolSpace::Enough {
            return Some(Closed::Space(space));
        }
        if self.context.intake.is_full() {
            return Some(Closed::QueueFull);
        }
        let orders = self.context.standing.in_force();
        let everywhere = orders.receiving.as_ref().map(|given| ("ALL".to_owned(), given));
        let named = orders.listeners.iter().next().map(|(name, given)| (name.clone(), given));
        everywhere.or(named).map(|(listener, given)| Closed::Suspended {
            listener,
            by: given.by.clone(),
            since: given.at,
        })
    }

    fn is_counted(&self, host: &Host) -> bool {
        self.books.tally.lock().destination_counters(host.as_str()).is_some()
    }
}

/// What waits comes before what failed, and that before what went well.
const fn gravity(case: &Explanation) -> u8 {
    match case.state {
        State::Queued => 0,
        State::Held => 1,
        State::Refused => 2,
        State::Expired => 3,
        State::Bounced => 4,
        State::Deleted => 5,
        State::Delivered => 6,
        State::Idle => 7,
        State::Unknown => 8,
    }
}

/// The name and address of the connection by which a recipient was delivered.
fn peer_of<'a>(fate: &Fate, events: &'a [Stamped]) -> Option<(&'a str, String)> {
    let Some((_, Ended::Delivered { dcid: by, .. })) = &fate.end else { return None };
    events.iter().find_map(|stamped| match &stamped.event {
        Event::DeliveryOpened { dcid, peer, name, .. } if dcid == by => {
            Some((name.as_str(), peer.ip().to_string()))
        }
        _ => None,
    })
}
