//! Whoever gave a call and waits for its answer: may be told parts of it on the way, and may say things meanwhile.

use mailreeve_api::wire::{Problem, ProblemKind};
use serde::Serialize;
use serde_json::Value;
use tokio::sync::{Mutex, mpsc};

/// Parts on their way to the client; a client that reads slowly slows the command down.
const PARTS: usize = 64;
/// What a client said and the command has not taken yet.
const SAID: usize = 8;

/// The one who waits for an answer.
pub struct Client {
    parts: Option<mpsc::Sender<Value>>,
    said: Option<Mutex<mpsc::Receiver<Vec<u8>>>>,
}

/// The other end of a [`Client`]: what is to be told to it, and the way for what it says.
pub(super) struct Ends {
    pub(super) parts: mpsc::Receiver<Value>,
    pub(super) said: mpsc::Sender<Vec<u8>>,
}

impl Client {
    /// One who waits for the whole answer.
    pub(crate) const fn patient() -> Self {
        Self { parts: None, said: None }
    }

    /// One who is told parts, and who says things if `talks`.
    pub(super) fn told(talks: bool) -> (Self, Ends) {
        let (tell, parts) = mpsc::channel(PARTS);
        let (said, hear) = mpsc::channel(SAID);
        let client = Self { parts: Some(tell), said: talks.then(|| Mutex::new(hear)) };
        (client, Ends { parts, said })
    }

    /// Tells a part, if parts are wanted.
    ///
    /// # Errors
    /// The client is gone: nobody needs what follows.
    pub(crate) async fn tell(&self, part: &impl Serialize) -> Result<(), Problem> {
        let Some(parts) = &self.parts else { return Ok(()) };
        let part = serde_json::to_value(part).map_err(|error| Problem::internal(error.to_string()))?;
        parts.send(part).await.map_err(|_| {
            Problem::new("nobody waits for the answer any more", "give the command again")
                .of(ProblemKind::Unavailable)
        })
    }

    /// Whether it says things while it waits.
    pub(crate) const fn talks(&self) -> bool {
        self.said.is_some()
    }

    /// Waits for what it says; `None` when it says no more.
    pub(crate) async fn hear(&self) -> Option<Vec<u8>> {
        match &self.said {
            Some(said) => said.lock().await.recv().await,
            None => None,
        }
    }
}
