//! What waits in the spool, streamed in pages after a start.
//!
//! Messages with a recipient never attempted come first, by MID; then the most urgent of the others, by the
//! instant at which the first of their recipients is due; then the rest. A message comes whole, so that its last end is
//! known when it comes.
//! Listeners and delivery may already run: messages accepted since the start are not among these.

use std::fmt;
use std::sync::Arc;

use mailreeve_core::envelope::Envelope;
use mailreeve_core::ids::Mid;

use super::error::ReadError;
use super::hybrid::Pages;
use super::reader::WaitingRecipient;

/// A stream of pages. Not shared: one thread asks for page after page.
pub struct Recovery {
    total: u64,
    done: u64,
    pages: Pages,
}

/// Some messages. Never empty.
#[derive(Clone, Debug, Default)]
pub struct Page {
    /// Messages, in order.
    pub messages: Vec<Recovered>,
    /// Messages that cannot be read: to be set apart, with an event.
    pub damaged: Vec<Damaged>,
}

/// A message read back.
#[derive(Clone, Debug)]
pub struct Recovered {
    /// Its envelope.
    pub envelope: Arc<Envelope>,
    /// Its recipients that have not ended. Empty when the end of the last was recorded and the message's own
    /// was not: it only has to be deleted.
    pub waiting: Vec<WaitingRecipient>,
}

/// A message whose record is damaged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damaged {
    /// The message.
    pub mid: Mid,
    /// What is wrong.
    pub detail: String,
}

impl Recovery {
    pub(crate) fn new(total: u64, pages: Pages) -> Self {
        Self { total, done: 0, pages }
    }

    /// Returns how many messages there are, known without reading them.
    pub fn total(&self) -> u64 {
        self.total
    }

    /// Returns how many messages were handed out: `recovering done of total`.
    pub fn done(&self) -> u64 {
        self.done
    }

    /// Returns the next page, `None` after the last.
    ///
    /// # Errors
    /// [`ReadError::Io`] when the database cannot be read; the same page may be asked for again.
    pub fn next_page(&mut self) -> Result<Option<Page>, ReadError> {
        let page = self.pages.next_page()?;
        if let Some(page) = &page {
            self.done += (page.messages.len() + page.damaged.len()) as u64;
        }
        Ok(page)
    }
}

impl fmt::Debug for Recovery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recovery").field("total", &self.total).field("done", &self.done).finish()
    }
}
