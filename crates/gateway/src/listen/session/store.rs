//! Content on its way to the spool, and the 250 that follows its commit (law 4).

use std::io;

use mailreeve_core::event::{AbortReason, Event};
use mailreeve_core::message;
use mailreeve_smtp::reply::{Enhanced, Reply};
use mailreeve_smtp::server::{Message, Verdict};
use mailreeve_store::spool::{Content, StagedFile};

use super::Inbound;
use crate::listen::envelope::{Draft, in_memory};

/// Content that did not fit in memory, on its way into a file.
pub(super) enum Spilled {
    /// Into this file; what its header section says.
    Into(StagedFile, message::HeaderFacts),
    /// The disk did not take it: the rest is read and thrown away, then the message is refused.
    Failed(String),
}

impl Inbound {
    pub(super) async fn spill(&mut self, chunk: Vec<u8>) {
        let staging = self.at.context.staging.clone();
        let spilled = match self.spilled.take() {
            Some(Spilled::Failed(detail)) => Spilled::Failed(detail),
            before => tokio::task::spawn_blocking(move || {
                let (mut file, facts) = match before {
                    Some(Spilled::Into(file, facts)) => (file, facts),
                    Some(Spilled::Failed(_)) | None => (staging.create()?, message::header_facts(&chunk)),
                };
                file.write(&chunk)?;
                Ok::<_, io::Error>(Spilled::Into(file, facts))
            })
            .await
            .unwrap_or_else(|error| Err(io::Error::other(error)))
            .unwrap_or_else(|error| Spilled::Failed(error.to_string())),
        };
        self.spilled = Some(spilled);
        self.session.answer_spill(self.at.context.clock.steady());
    }

    /// Makes the message durable, then says 250: law 4.
    pub(super) async fn store(&mut self, message: Message) {
        let mid = self.draft.as_ref().map(|draft| draft.mid);
        let verdict = match self.draft.take() {
            Some(draft) => {
                let mid = draft.mid;
                match self.commit(draft, message).await {
                    Ok(()) => Verdict::AcceptWith(format!("2.0.0 Ok: queued as MID {mid}")),
                    Err(NotCommitted { reply, detail }) => {
                        let why = AbortReason::Spool(detail);
                        self.at.context.events.tell(Event::MessageAborted { mid, icid: self.at.icid, why });
                        Verdict::Refuse(reply)
                    }
                }
            }
            None => Verdict::Refuse(Reply::new(503, Enhanced(5, 5, 1), "MAIL first")),
        };
        self.lease = None;
        self.session.answer_message(verdict, self.at.context.clock.steady());
        if let Some(mid) = mid {
            self.hand_over(mid);
        }
    }

    async fn commit(&mut self, draft: Draft, mut message: Message) -> Result<(), NotCommitted> {
        let tail = std::mem::take(&mut message.tail);
        let (facts, content) = match self.spilled.take() {
            None => (message::header_facts(&tail), in_memory(tail)),
            Some(Spilled::Failed(detail)) => return Err(NotCommitted::full(detail)),
            Some(Spilled::Into(file, facts)) => (facts, finish(file, tail).await?),
        };
        let mid = draft.mid;
        let held = self.at.context.work_queue.holds(mid).await;
        let (token, receipt) = self.at.receipts.wait();
        let now = self.at.context.clock.wall().0;
        let change = draft.into_change(&message, facts, content, now, token, held);
        let stored = if self.at.context.commits.submit(change).is_err() {
            self.at.receipts.forget(token);
            Err(NotCommitted::full("the commit queue is full".to_owned()))
        } else {
            match receipt.await {
                Ok(Ok(())) => Ok(()),
                Ok(Err(not_stored)) => Err(NotCommitted::failed(not_stored.0)),
                Err(_) => Err(NotCommitted::failed("the spool is closed".to_owned())),
            }
        };
        if held && stored.is_err() {
            self.at.context.work_queue.gone(&[mid]);
        }
        stored
    }
}

/// Why a message was not taken over, for the peer and for the operator (law 9).
struct NotCommitted {
    reply: Reply,
    detail: String,
}

impl NotCommitted {
    fn full(detail: String) -> Self {
        let text = "Insufficient storage here, please try again later";
        Self { reply: Reply::new(452, Enhanced(4, 3, 1), text), detail }
    }

    fn failed(detail: String) -> Self {
        let text = "The message could not be stored, please try again later";
        Self { reply: Reply::new(451, Enhanced(4, 3, 0), text), detail }
    }
}

/// Completes the file of a large message and syncs it, off the runtime's thread.
async fn finish(mut file: StagedFile, tail: Vec<u8>) -> Result<Content, NotCommitted> {
    let finished = tokio::task::spawn_blocking(move || {
        file.write(&tail)?;
        file.finish()
    });
    match finished.await {
        Ok(Ok(content)) => Ok(content),
        Ok(Err(error)) => Err(NotCommitted::full(error.to_string())),
        Err(error) => Err(NotCommitted::failed(error.to_string())),
    }
}
