//! Waiting for the end of what is under way, but not for ever.

use std::time::Duration;

use crate::listen::Listener;

/// Inbound connections that are open.
pub(super) struct OpenConnections<'a>(pub(super) &'a [std::sync::Arc<Listener>]);

impl OpenConnections<'_> {
    fn count(&self) -> usize {
        self.0.iter().map(|listener| listener.open()).sum()
    }
}

/// Waits until none is open, at most `patience`.
pub(super) async fn drained(open: &OpenConnections<'_>, patience: Duration) {
    let wait = async {
        while open.count() > 0 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    // Who has not ended by then is cut off; nothing of theirs was acknowledged without being stored.
    let _ = tokio::time::timeout(patience, wait).await;
}
