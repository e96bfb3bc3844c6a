//! The test message of `smtpping`, on its way.

use serde::{Deserialize, Serialize};

use crate::diagnose::seconds;

/// A test message that was put into the queue, as far as it was followed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TestMessage {
    /// Its number.
    pub mid: u64,
    /// The recipient host that it was put in the queue for.
    pub host: String,
    /// What happened to it, in order.
    pub steps: Vec<TestStep>,
    /// It ended; otherwise it waits, and goes on as any mail does.
    pub ended: bool,
    /// Its state, in the word of `track`.
    pub state: String,
}

/// One step on the way of a test message.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TestStep {
    /// When, microseconds since the epoch.
    pub at_us: u64,
    /// From the commit of the message on, microseconds.
    pub after_us: u64,
    /// What happened.
    pub text: String,
}

/// The line that tells its number.
pub(super) fn queued(mid: u64, host: &str) -> String {
    format!("\nTest message: MID {mid} for {host}\n")
}

impl TestMessage {
    pub(super) fn text(&self) -> String {
        queued(self.mid, &self.host) + &self.steps.iter().map(TestStep::text).collect::<String>()
    }
}

impl TestStep {
    pub(super) fn text(&self) -> String {
        format!("  {:>7} s  {}\n", seconds(self.after_us).trim_end_matches(" seconds"), self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_step_stands_in_a_line_with_its_time() {
        let step = |after_us, text: &str| TestStep { at_us: 0, after_us, text: text.into() };
        let sent = TestMessage {
            mid: 7,
            host: "example.com".into(),
            steps: vec![step(0, "It was queued."), step(1_203_000, "It was delivered.")],
            ended: true,
            state: "delivered".into(),
        };
        insta::assert_snapshot!(sent.text(), @r"

        Test message: MID 7 for example.com
            0.000 s  It was queued.
            1.203 s  It was delivered.
        ");
    }
}
