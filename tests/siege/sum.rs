//! What sieges came to, all told: the lines for people, the JSON for the record, and what did not hold.

use serde_json::{Value, json};

use super::Outcome;

/// Sum of sieges.
#[derive(Debug, Default)]
pub struct Sum {
    sieges: u64,
    kills: u32,
    /// Kills that hit at least one open commit.
    hits: u32,
    unanswered: u64,
    acked: u64,
    delivered: u64,
    lost: u64,
    altered: u64,
    unacked: u64,
    duplicates: u64,
    most_repeated: u64,
    widest_us: u64,
    broken: Vec<String>,
}

impl Sum {
    pub const fn kills(&self) -> u32 {
        self.kills
    }

    /// Adds a siege, and says on standard output what it came to.
    pub fn add(&mut self, outcome: Outcome) {
        for (number, kill) in outcome.kills.iter().enumerate() {
            println!(
                "seed {} kill {:>2} after {:>4} ms: {:>2} messages without their reply, {:>2} connections to next \
                 hops, {:>3} recipients in flight came again",
                outcome.seed,
                number + 1,
                kill.after.as_millis(),
                kill.unanswered,
                kill.connections,
                kill.repeated
            );
        }
        print!("{}", outcome.verdict);
        self.sieges += 1;
        self.kills += u32::try_from(outcome.kills.len()).unwrap();
        self.hits += u32::try_from(outcome.kills.iter().filter(|kill| kill.unanswered > 0).count()).unwrap();
        self.unanswered += outcome.kills.iter().map(|kill| kill.unanswered).sum::<u64>();
        self.acked += outcome.verdict.acked;
        self.delivered += outcome.verdict.delivered;
        self.lost += outcome.verdict.lost;
        self.altered += outcome.verdict.altered;
        self.unacked += outcome.verdict.unacked;
        self.duplicates += outcome.arrivals.duplicates;
        let most = outcome.kills.iter().map(|kill| kill.repeated).max().unwrap_or(0);
        self.most_repeated = self.most_repeated.max(most);
        self.widest_us = self.widest_us.max(outcome.arrivals.widest_us);
        self.judge(&outcome);
    }

    /// What did not hold, in words; empty if everything did.
    pub fn broken(&self) -> Vec<String> {
        let mut broken = self.broken.clone();
        if self.hits * 2 < self.kills {
            broken.push(format!("only {} of {} kills hit an open commit", self.hits, self.kills));
        }
        broken
    }

    pub fn to_json(&self) -> Value {
        json!({
            "sieges": self.sieges,
            "kills": self.kills,
            "kills_in_open_commit": self.hits,
            "messages_unanswered": self.unanswered,
            "recipients_acked": self.acked,
            "recipients_delivered": self.delivered,
            "lost": self.lost,
            "altered": self.altered,
            "unpromised": self.unacked,
            "duplicates": self.duplicates,
            "duplicates_of_one_kill": self.most_repeated,
            "widest_window_us": self.widest_us,
            "broken": self.broken(),
        })
    }

    fn judge(&mut self, outcome: &Outcome) {
        let seed = outcome.seed;
        let mut hold = |holds: bool, what: String| {
            if !holds {
                self.broken.push(format!("seed {seed}: {what}"));
            }
        };
        let (verdict, arrivals) = (&outcome.verdict, &outcome.arrivals);
        hold(verdict.lost == 0, format!("acknowledged and lost: {:?}", verdict.named.get("lost")));
        hold(verdict.altered == 0, format!("altered: {:?}", verdict.named.get("altered")));
        hold(verdict.acked > 0, "no message was acknowledged".to_owned());
        hold(verdict.bad_lines == 0, format!("{} lines of journals are broken", verdict.bad_lines));
        hold(verdict.strangers == 0, format!("{} reports or foreign messages came", verdict.strangers));
        hold(outcome.left == 0, format!("{} recipients were not delivered in time", outcome.left));
        hold(outcome.complaints.is_empty(), format!("hosts complained: {:?}", outcome.complaints));
        let untraceable = &outcome.untraceable;
        hold(untraceable.is_empty(), format!("not delivered by message tracking: {untraceable:?}"));
        hold(arrivals.unexplained.is_empty(), format!("repeated without a kill: {:?}", arrivals.unexplained));
        hold(
            arrivals.without_one_mid.is_empty(),
            format!("not one message in the log: {:?}", arrivals.without_one_mid),
        );
        hold(
            arrivals.without_one_end.is_empty(),
            format!("not one end in the log: {:?}", arrivals.without_one_end),
        );
    }
}
