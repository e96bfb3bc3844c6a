//! `displayalerts`.

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

use crate::command::{Argument, Command, Effect, Role, Spec, Text, no_more};
use crate::format::AsOf;
use crate::wire::Problem;

/// Asks for the newest alerts.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DisplayAlerts {
    /// How many.
    #[serde(default = "default_alerts")]
    pub count: usize,
}

const fn default_alerts() -> usize {
    10
}

/// The newest alerts, newest first.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct AlertsReply {
    /// When.
    pub as_of: AsOf,
    /// The alerts.
    pub alerts: Vec<AlertLine>,
}

/// One alert.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct AlertLine {
    /// When, microseconds since the epoch.
    pub at_us: u64,
    /// Critical, Warning or Information.
    pub severity: String,
    /// Stable code.
    pub code: String,
    /// What happened.
    pub text: String,
    /// What to do.
    pub hint: String,
}

impl Command for DisplayAlerts {
    type Reply = AlertsReply;
    const SPEC: Spec = Spec {
        words: "displayalerts",
        summary: "shows the newest alerts",
        about: "Alerts are told when something needs an operator: a disk that fills, a damaged record, a configuration that was refused.",
        arguments: &[Argument {
            name: "count",
            help: "how many, newest first (10)",
            required: false,
            choices: &[],
        }],
        role: Role::ReadOnlyOperator,
        effect: Effect::Read,
        route: "/api/v1/alerts",
        example: "displayalerts 20",
    };

    fn parse(words: &[String]) -> Result<Self, Problem> {
        no_more(words, 1, &Self::SPEC)?;
        let count = match words.first() {
            None => default_alerts(),
            Some(word) => word.parse().map_err(|_| {
                Problem::new(format!("`{word}` is not a number of alerts"), "for example: displayalerts 20")
            })?,
        };
        Ok(Self { count })
    }
}

impl Text for AlertsReply {
    fn text(&self) -> String {
        if self.alerts.is_empty() {
            return "No alerts have been generated.\n".to_owned();
        }
        let mut out = String::new();
        for alert in &self.alerts {
            let _ = writeln!(
                out,
                "{}\n{}: {} ({})\n  What to do: {}\n",
                self.as_of.show(alert.at_us),
                alert.severity,
                alert.text,
                alert.code,
                alert.hint
            );
        }
        out
    }
}
