//! Reads of the spool for delivery: off the runtime's thread, and why one gave nothing.

use std::fmt;

use mailreeve_core::Instant;
use mailreeve_core::event::{Cause, Failure, Stage};
use mailreeve_store::spool::ReadError;

/// Why stored mail is not at hand.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Unread {
    /// Its record is damaged: it leaves the queue and is kept for inspection.
    Damaged(String),
    /// The disk failed, or there was no room in memory: the record may be sound, so its recipients wait and are
    /// tried again.
    Later(String),
}

impl Unread {
    /// Nobody gave room in memory in time.
    pub(super) fn no_room() -> Self {
        Self::Later("no room in memory for the message came free in time".to_owned())
    }
}

impl From<ReadError> for Unread {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Damaged { .. } => Self::Damaged(error.to_string()),
            ReadError::NotFound(_) | ReadError::Io(_) => Self::Later(error.to_string()),
        }
    }
}

impl fmt::Display for Unread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Damaged(detail) | Self::Later(detail) => f.write_str(detail),
        }
    }
}

/// Reads the disk outside the runtime's thread.
pub(super) async fn off_thread<T: Send + 'static>(
    read: impl FnOnce() -> Result<T, ReadError> + Send + 'static,
) -> Result<T, Unread> {
    match tokio::task::spawn_blocking(read).await {
        Ok(read) => read.map_err(Unread::from),
        Err(error) => Err(Unread::Later(format!("reading the spool was broken off: {error}"))),
    }
}

/// The failure of recipients whose message could not be read this time. It says nothing about the next hop.
pub(super) fn not_read(detail: &str, now: Instant) -> Failure {
    Failure {
        stage: Stage::Local,
        cause: Cause::ConnectionLost,
        status: (4, 3, 0),
        code: 0,
        text: vec![format!("the message could not be read from our queue: {detail}")],
        address: None,
        at: now.0,
    }
}

#[cfg(test)]
mod tests {
    use mailreeve_core::ids::Mid;

    use super::*;

    #[test]
    fn only_damage_takes_mail_out_of_the_queue() {
        let damaged = ReadError::Damaged { mid: Mid(1), what: "content", detail: "checksum".to_owned() };
        assert!(matches!(Unread::from(damaged), Unread::Damaged(_)));
        assert!(matches!(Unread::from(ReadError::Io("moved".into())), Unread::Later(_)));
        assert!(matches!(Unread::from(ReadError::NotFound(Mid(1))), Unread::Later(_)));
    }

    #[tokio::test]
    async fn a_read_that_breaks_off_says_nothing_about_the_record() {
        let read = off_thread::<()>(|| std::panic::resume_unwind(Box::new("broken off"))).await;
        assert!(matches!(read, Err(Unread::Later(_))));
    }
}
