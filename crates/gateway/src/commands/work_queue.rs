//! `workqueue`: pausing what comes in before it enters delivery.

use mailreeve_api::queue::{RecipientLine, RecipientScope};
use mailreeve_api::wire::{Problem, ProblemKind};
use mailreeve_api::workqueue::{Held, WorkQueuePause, WorkQueueRate, WorkQueueRateReply, WorkQueueReply};
use mailreeve_core::event::Event;
use mailreeve_core::ids::{Host, Mid};
use mailreeve_core::message::header_facts;
use mailreeve_core::tally::Column;
use mailreeve_store::spool::Reader;
use mailreeve_store::standing::Pause;

use super::Commands;
use super::standing::refused;
use crate::deliver::recovered;

/// Messages read at a time.
const PAGE: usize = 250;

impl Commands {
    pub(super) fn work_queue(&self) -> WorkQueueReply {
        WorkQueueReply { as_of: self.as_of(), held: self.held() }
    }

    /// What waits in the work queue, and who paused it.
    pub(super) fn held(&self) -> Held {
        let orders = self.context.standing.in_force();
        let paused = orders.work_queue.paused.as_ref();
        let load = self.context.work_queue.load();
        Held {
            messages: load.messages,
            recipients: load.recipients,
            paused_by: paused.map(|pause| pause.given.by.clone()),
            reason: paused.map(|pause| pause.reason.clone()),
            since_us: paused.map(|pause| pause.given.at),
        }
    }

    pub(super) async fn work_queue_pause(
        &self,
        request: WorkQueuePause,
        by: &str,
    ) -> Result<WorkQueueReply, Problem> {
        let turn = self.context.standing.turn().await;
        if let Some(pause) = &self.context.standing.in_force().work_queue.paused {
            let message = format!("the work queue was paused by {} already", pause.given.by);
            return Err(Problem::new(message, "`workqueue resume` ends it").of(ProblemKind::Conflict));
        }
        let reason = request.reason;
        let order = Pause { given: self.given(by), reason: reason.clone() };
        let paused = self.context.work_queue.pause(&turn, order, || self.context.ids.next_mid()).await;
        let from = paused.ok_or_else(no_number)?.map_err(refused)?;
        self.context.events.tell(Event::WorkQueuePaused { from, by: by.to_owned(), reason });
        Ok(self.work_queue())
    }

    pub(super) async fn work_queue_resume(&self, by: &str) -> Result<WorkQueueReply, Problem> {
        let turn = self.context.standing.turn().await;
        if !self.context.work_queue.paused() {
            let problem = Problem::new("the work queue is not paused", "`workqueue status` shows its state");
            return Err(problem.of(ProblemKind::Conflict));
        }
        let messages = self.context.work_queue.load().messages;
        let resumed = self.context.work_queue.resume(&turn, || self.context.ids.next_mid()).await;
        resumed.ok_or_else(no_number)?.map_err(refused)?;
        self.context.events.tell(Event::WorkQueueResumed { messages, by: by.to_owned() });
        Ok(self.work_queue())
    }

    pub(super) fn work_queue_rate(&self, _: WorkQueueRate) -> WorkQueueRateReply {
        let received = self.books.tally.lock().counters(Column::Lifetime).messages_received;
        let pending = self.context.work_queue.load().messages;
        WorkQueueRateReply { as_of: self.as_of(), pending, received }
    }

    /// Recipients of messages in the work queue, in order, behind `after` and at most `most`.
    pub(super) async fn held_lines(
        &self,
        scope: &RecipientScope,
        after: Option<(u64, u32)>,
        most: usize,
    ) -> Vec<RecipientLine> {
        let why = self.why_held();
        let host = match scope {
            RecipientScope::Host(host) => Some(Host::new(host)),
            RecipientScope::All | RecipientScope::From(_) => None,
        };
        let mut lines = Vec::new();
        // The message of the last row may have more recipients.
        let mut behind = after.and_then(|(mid, _)| mid.checked_sub(1)).map(Mid);
        while lines.len() < most {
            let mids = self.context.work_queue.page(host.as_ref(), behind, PAGE);
            let Some(last) = mids.last() else { break };
            behind = Some(*last);
            let (reader, scope, why) = (self.context.reader.clone(), scope.clone(), why.clone());
            let read = tokio::task::spawn_blocking(move || {
                mids.into_iter().flat_map(|mid| lines_of(&reader, mid, &scope, &why)).collect::<Vec<_>>()
            });
            let found = read.await.unwrap_or_default();
            lines.extend(
                found.into_iter().filter(|line| after.is_none_or(|after| (line.mid, line.rid) > after)),
            );
        }
        lines.truncate(most);
        lines
    }

    fn why_held(&self) -> String {
        let orders = self.context.standing.in_force();
        match &orders.work_queue.paused {
            None => "In the work queue, which was resumed and hands over what waited.".to_owned(),
            Some(Pause { given, reason }) => {
                let reason = if reason.is_empty() { String::new() } else { format!(": {reason}") };
                format!("The work queue was paused by {}, {}{reason}", given.by, self.as_of().show(given.at))
            }
        }
    }

    /// When the oldest message of the work queue was accepted.
    pub(super) async fn oldest_held(&self) -> Option<u64> {
        let mid = *self.context.work_queue.page(None, None, 1).first()?;
        let reader = self.context.reader.clone();
        let read = tokio::task::spawn_blocking(move || Some(reader.envelope(mid).ok()?.accepted_at));
        read.await.ok().flatten()
    }
}

/// The rows of one message; none when it has left meanwhile.
fn lines_of(reader: &Reader, mid: Mid, scope: &RecipientScope, why: &str) -> Vec<RecipientLine> {
    let Ok((envelope, waiting)) = reader.waiting(mid) else { return Vec::new() };
    let sender = envelope.sender.to_string();
    if matches!(scope, RecipientScope::From(from) if !from.eq_ignore_ascii_case(&sender)) {
        return Vec::new();
    }
    let subject = reader.header(mid).ok().and_then(|header| header_facts(&header).subject);
    let in_scope = |host: &str| !matches!(scope, RecipientScope::Host(wanted) if wanted != host);
    recovered(&envelope, waiting)
        .filter(|waiting| in_scope(waiting.host.as_str()))
        .filter_map(|waiting| {
            let recipient = envelope.recipients.get(waiting.rid.0 as usize)?;
            Some(RecipientLine {
                mid: mid.0,
                rid: waiting.rid.0,
                bytes: envelope.size,
                attempts: 0,
                sender: sender.clone(),
                recipient: recipient.mailbox.to_string(),
                subject: subject.clone(),
                why: why.to_owned(),
                next_us: None,
            })
        })
        .collect()
}

fn no_number() -> Problem {
    let problem = Problem::new(
        "the order was not carried out, because the gateway is stopping",
        "give it again when the gateway is up",
    );
    problem.of(ProblemKind::Unavailable)
}
