//! Whether the spool can still be believed: once failed, failed until the daemon restarts (law 5).

use std::sync::{Arc, OnceLock};

use super::error::SpoolError;

/// The one mark that everything around a spool shares.
#[derive(Debug, Default)]
pub struct Health {
    failure: OnceLock<Arc<str>>,
}

impl Health {
    /// Returns the first failure, if there was one.
    pub fn failure(&self) -> Option<Arc<str>> {
        self.failure.get().cloned()
    }

    /// Marks the spool failed; the first reason stays.
    pub(crate) fn fail(&self, reason: impl std::fmt::Display) -> SpoolError {
        let reason = self.failure.get_or_init(|| Arc::from(reason.to_string()));
        SpoolError::Failed(reason.clone())
    }

    pub(crate) fn check(&self) -> Result<(), SpoolError> {
        match self.failure.get() {
            Some(reason) => Err(SpoolError::Failed(reason.clone())),
            None => Ok(()),
        }
    }
}
