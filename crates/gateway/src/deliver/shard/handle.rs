//! The way to the shard from every other thread.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use mailreeve_core::Instant;
use mailreeve_core::delivery::Delivery;
use mailreeve_core::delivery::io::{Input, Retried, Scope, Waiting};
use mailreeve_core::envelope::Envelope;
use mailreeve_core::ids::Dcid;
use tokio::sync::{mpsc, oneshot};

/// What other threads tell the shard.
pub enum Message {
    /// Messages became ours: envelopes, and content still in memory.
    Committed(Vec<(Arc<Envelope>, Option<Bytes>)>),
    /// The ends of so many delivered recipients were committed, or refused for good.
    EndsSettled(usize),
    /// Recipients read back from the spool; told when they are taken.
    Recovered(Vec<Waiting>, oneshot::Sender<()>),
    /// An input from outside delivery (operators, reload, disk space, shutdown).
    Input(Input),
    /// An operator's retry-now.
    DeliverNow {
        /// Whom it concerns.
        scope: Scope,
        /// Who gave it.
        by: String,
        /// Who is told what it did.
        told: oneshot::Sender<Retried>,
    },
    /// Connections to end at once, whatever they carry.
    Cut(Vec<Dcid>),
    /// A question about, or to, the shard.
    Ask(Question),
}

/// Runs in the shard's task, between two inputs.
pub type Question = Box<dyn FnOnce(&mut Delivery, Instant) + Send>;

/// The way to the shard from anywhere. Cheap to clone.
#[derive(Clone)]
pub struct ShardHandle {
    messages: mpsc::UnboundedSender<Message>,
}

/// The shard is gone: the daemon is stopping.
#[derive(Clone, Copy, Debug)]
pub struct Gone;

impl ShardHandle {
    /// Makes the handle and the end that [`run`](super::run) reads.
    pub fn channel() -> (Self, mpsc::UnboundedReceiver<Message>) {
        let (messages, receiver) = mpsc::unbounded_channel();
        (Self { messages }, receiver)
    }

    /// Sends without waiting.
    pub fn send(&self, message: Message) -> Result<(), Gone> {
        self.messages.send(message).map_err(|_| Gone)
    }

    /// Starts a retry-now; what is returned comes when its last recipient is due.
    pub fn deliver_now(&self, scope: Scope, by: String) -> Result<oneshot::Receiver<Retried>, Gone> {
        let (told, receiver) = oneshot::channel();
        self.send(Message::DeliverNow { scope, by, told })?;
        Ok(receiver)
    }

    /// Asks the shard and waits for its answer, five seconds at most.
    pub async fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce(&mut Delivery, Instant) -> T + Send + 'static,
    ) -> Result<T, Gone> {
        let (sender, receiver) = oneshot::channel();
        self.send(Message::Ask(Box::new(move |delivery, now| {
            // Nobody may be waiting any more; the answer is then of no use.
            let _ = sender.send(question(delivery, now));
        })))?;
        match tokio::time::timeout(Duration::from_secs(5), receiver).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(_)) | Err(_) => Err(Gone),
        }
    }
}
