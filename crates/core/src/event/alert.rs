//! What an operator must hear.

use serde::{Deserialize, Serialize};

/// An operator must hear this.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alert {
    /// How bad.
    pub severity: Severity,
    /// Stable code, `spool-low`, `record-corrupt`.
    pub code: String,
    /// One sentence.
    pub text: String,
    /// What to do.
    pub hint: String,
}

/// How bad an alert is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Severity {
    /// Worth knowing.
    Information,
    /// Will hurt.
    Warning,
    /// Hurts now.
    Critical,
}
