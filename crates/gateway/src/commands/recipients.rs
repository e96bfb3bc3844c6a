//! `showrecipients`: those in delivery, and those in the work queue.

use std::collections::HashMap;

use mailreeve_api::queue::{RecipientLine, RecipientScope, ShowRecipients, ShowRecipientsReply};
use mailreeve_api::wire::Problem;
use mailreeve_core::delivery::io::Scope;
use mailreeve_core::delivery::views::{Cursor, RecipientView};
use mailreeve_core::ids::{Host, Mid, Rid};
use mailreeve_core::message::header_facts;

use super::words::{next_of, why_in_words};
use super::{Commands, stopping};

/// Recipients a page.
const PAGE: usize = 1_000;
/// Recipients whose envelopes are read in search of a sender, in one command.
const SEARCHED: usize = 50_000;

/// What was found, and how far a search came that did not come to its end.
type Found = (Vec<RecipientLine>, Option<(u64, u32)>);

impl Commands {
    pub(super) async fn show_recipients(
        &self,
        request: ShowRecipients,
    ) -> Result<ShowRecipientsReply, Problem> {
        let limit = request.limit.clamp(1, PAGE);
        // One more of each, to know whether more follow.
        let (mut lines, reached) = match &request.scope {
            RecipientScope::Host(_) => (self.lines_of_host(&request, limit + 1).await?, None),
            RecipientScope::All | RecipientScope::From(_) => {
                self.lines_by_number(&request, limit + 1).await?
            }
        };
        let more = lines.len() > limit;
        lines.truncate(limit);
        let last = lines.last().filter(|_| more).map(|line| (line.mid, line.rid));
        let total = self.waiting_in(&request.scope).await?;
        let (next, searched) = (last.or(reached), reached.is_some() && !more);
        let searched = searched.then_some(SEARCHED as u64);
        Ok(ShowRecipientsReply { scope: request.scope, total, recipients: lines, next, searched })
    }

    /// Those of one host: in delivery by age, which has no numbers to go on from; behind them those in the work queue.
    async fn lines_of_host(
        &self,
        request: &ShowRecipients,
        most: usize,
    ) -> Result<Vec<RecipientLine>, Problem> {
        let is_held = |(mid, _): &(u64, u32)| self.context.work_queue.recipients_of(Mid(*mid)) > 0;
        let held_after = request.after.filter(is_held);
        let mut lines = match held_after {
            Some(_) => Vec::new(),
            None => self.shard_lines(request, most).await?.0,
        };
        if lines.len() < most {
            lines.extend(self.held_lines(&request.scope, held_after, most - lines.len()).await);
        }
        Ok(lines)
    }

    /// Those by message and number, wherever they wait, and how far the search came if it did not come to an end.
    async fn lines_by_number(&self, request: &ShowRecipients, most: usize) -> Result<Found, Problem> {
        let (mut lines, reached) = self.shard_lines(request, most).await?;
        let held = self.held_lines(&request.scope, request.after, most).await;
        // What lies beyond is found when the search goes on.
        let within = |line: &RecipientLine| reached.is_none_or(|reached| (line.mid, line.rid) <= reached);
        lines.extend(held.into_iter().filter(within));
        lines.sort_unstable_by_key(|line| (line.mid, line.rid));
        Ok((lines, reached))
    }

    /// How many wait, where that is known without reading messages.
    async fn waiting_in(&self, scope: &RecipientScope) -> Result<Option<u64>, Problem> {
        let work_queue = &self.context.work_queue;
        let (in_delivery, held) = match scope {
            RecipientScope::All => {
                let asked = self.context.shard.ask(|delivery, _| delivery.gauges().active);
                (asked.await.map_err(|_| stopping())?, work_queue.load().recipients)
            }
            RecipientScope::Host(name) => {
                let host = Host::new(name);
                let held = work_queue.recipients_for(&host);
                let asked = self.context.shard.ask(move |delivery, now| delivery.row(&host, now));
                (asked.await.map_err(|_| stopping())?.map_or(0, |row| row.active), held)
            }
            RecipientScope::From(_) => return Ok(None),
        };
        Ok(Some(in_delivery as u64 + held))
    }

    /// Recipients that are in delivery, at most `most`; with the last one that was looked at, when those of a sender are
    /// searched and others lie behind.
    async fn shard_lines(&self, request: &ShowRecipients, most: usize) -> Result<Found, Problem> {
        let scope = match &request.scope {
            RecipientScope::Host(host) => Scope::Host(Host::new(host)),
            RecipientScope::All | RecipientScope::From(_) => Scope::All,
        };
        let mut cursor = request.after.map(|(mid, rid)| Cursor::After(Mid(mid), Rid(rid)));
        let (mut lines, mut looked): (Vec<RecipientLine>, usize) = (Vec::new(), 0);
        // Envelopes are read of what is shown; those of one sender are found by reading all.
        let at_once = match &request.scope {
            RecipientScope::From(_) => PAGE,
            RecipientScope::Host(_) | RecipientScope::All => most.min(PAGE),
        };
        loop {
            let (scope, from) = (scope.clone(), cursor.take());
            let page = self
                .context
                .shard
                .ask(move |delivery, now| delivery.recipients(&scope, from, at_once, now))
                .await
                .map_err(|_| stopping())?;
            looked += page.recipients.len();
            let last = page.recipients.last().map(|view| (view.mid.0, view.rid.0));
            lines.extend(self.describe(page.recipients, &request.scope).await);
            if lines.len() >= most || page.next.is_none() {
                lines.truncate(most);
                return Ok((lines, None));
            }
            if matches!(request.scope, RecipientScope::From(_)) && looked >= SEARCHED {
                return Ok((lines, last));
            }
            cursor = page.next;
        }
    }

    /// Reads what the shard does not keep: addresses and subjects, from the spool.
    async fn describe(&self, views: Vec<RecipientView>, scope: &RecipientScope) -> Vec<RecipientLine> {
        let reader = self.context.reader.clone();
        let from = match scope {
            RecipientScope::From(sender) => Some(sender.clone()),
            RecipientScope::All | RecipientScope::Host(_) => None,
        };
        let as_of = self.as_of();
        let read = tokio::task::spawn_blocking(move || {
            let mut messages = HashMap::new();
            let mut lines = Vec::with_capacity(views.len());
            for view in views {
                let known = messages.entry(view.mid).or_insert_with(|| {
                    let envelope = reader.envelope(view.mid).ok()?;
                    let sender = envelope.sender.to_string();
                    // Of those that are not asked for nothing more is read.
                    if from.as_ref().is_some_and(|from| !from.eq_ignore_ascii_case(&sender)) {
                        return None;
                    }
                    let subject =
                        reader.header(view.mid).ok().and_then(|header| header_facts(&header).subject);
                    Some((envelope, sender, subject))
                });
                // A message that ended meanwhile waits no more.
                let Some((envelope, sender, subject)) = known else { continue };
                let Some(recipient) = envelope.recipients.get(view.rid.0 as usize) else { continue };
                lines.push(RecipientLine {
                    mid: view.mid.0,
                    rid: view.rid.0,
                    bytes: envelope.size,
                    attempts: view.attempts,
                    sender: sender.clone(),
                    recipient: recipient.mailbox.to_string(),
                    subject: subject.clone(),
                    why: why_in_words(&view.why, &as_of),
                    next_us: next_of(&view.why),
                });
            }
            lines
        });
        read.await.unwrap_or_default()
    }
}
