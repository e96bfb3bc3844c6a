//! The end of a TCP connection, as the kernel knew it.

use serde::{Deserialize, Serialize};

use crate::format::thousands;

/// How a connection was when it ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TcpLine {
    /// Round trip, smoothed, microseconds; 0 when it was never measured.
    pub rtt_us: u32,
    /// How much round trips differed, microseconds.
    pub rtt_var_us: u32,
    /// Segments that the gateway sent, those sent again among them; 0 where the kernel does not count them.
    pub segments: u32,
    /// Segments sent again, in all.
    pub sent_again: u32,
    /// How often in a row the oldest one that is not acknowledged was sent again.
    pub retries: u32,
    /// Segments that the other end had not acknowledged.
    pub unacked: u32,
    /// Who closed first: `we`, `they`, `reset` or `timeout`.
    pub closed_first: String,
    /// So many were sent again that the path is likely to lose packets.
    pub lost_packets: bool,
}

impl TcpLine {
    /// Returns it in one line of words.
    pub fn in_words(&self) -> String {
        let trip = match self.rtt_us {
            0 => "no round trip measured".to_owned(),
            rtt => format!("round trip {} ms, varying by {} ms", millis(rtt), millis(self.rtt_var_us)),
        };
        let again = match (self.sent_again, self.segments) {
            (0, _) => "nothing sent again".to_owned(),
            (again, 0) => format!("{} sent again", count(again)),
            (again, all) => format!("{} of {} sent again", thousands(again.into()), count(all)),
        };
        let unacked = match self.unacked {
            0 => String::new(),
            unacked => format!(", {} not acknowledged", thousands(unacked.into())),
        };
        let lost = if self.lost_packets { " (the path loses packets)" } else { "" };
        let end = match self.closed_first.as_str() {
            "we" => "we closed first",
            "they" => "the other end closed first",
            "reset" => "reset",
            _ => "nothing came in time",
        };
        format!("{trip}; {again}{unacked}{lost}; {end}")
    }
}

fn count(segments: u32) -> String {
    format!("{} {}", thousands(segments.into()), if segments == 1 { "segment" } else { "segments" })
}

/// Milliseconds with one digit behind the point where that says anything.
fn millis(us: u32) -> String {
    if us < 100_000 { format!("{}.{}", us / 1_000, us / 100 % 10) } else { (us / 1_000).to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_end_is_one_line() {
        let bad = TcpLine {
            rtt_us: 480_123,
            rtt_var_us: 20_900,
            segments: 5,
            sent_again: 3,
            retries: 2,
            unacked: 1,
            closed_first: "timeout".to_owned(),
            lost_packets: true,
        };
        assert_eq!(
            bad.in_words(),
            "round trip 480 ms, varying by 20.9 ms; 3 of 5 segments sent again, 1 not acknowledged \
             (the path loses packets); nothing came in time"
        );
        let good = TcpLine { rtt_us: 312, sent_again: 0, unacked: 0, lost_packets: false, ..bad.clone() };
        let good = TcpLine { closed_first: "they".to_owned(), ..good };
        assert_eq!(
            good.in_words(),
            "round trip 0.3 ms, varying by 20.9 ms; nothing sent again; the other end closed first"
        );
        let old = TcpLine { segments: 0, sent_again: 1, rtt_us: 0, closed_first: "reset".to_owned(), ..bad };
        assert!(old.in_words().starts_with("no round trip measured; 1 segment sent again"));
    }
}
