//! What the kernel knew of a TCP connection when it ended: how long the path to the peer is, whether it loses
//! packets, and who closed first. SMTP alone cannot tell a slow peer from a path that drops every third packet.

use serde::{Deserialize, Serialize};

/// A connection at its end, as tcp(7) tells it (`TCP_INFO`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TcpEnd {
    /// Round trip, smoothed, microseconds; 0 when it was never measured.
    pub rtt_us: u32,
    /// How much round trips differed, microseconds.
    pub rtt_var_us: u32,
    /// Segments that we sent, those sent again among them; 0 where the kernel does not count them.
    pub segments: u32,
    /// Segments that we sent again, in all.
    pub sent_again: u32,
    /// How often in a row the oldest of those that are not acknowledged was sent again.
    pub retries: u32,
    /// Segments of ours that the peer has not acknowledged.
    pub unacked: u32,
    /// Who closed first.
    pub closed_first: ClosedFirst,
}

/// Who ended a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ClosedFirst {
    /// The gateway: it said QUIT, or closed.
    We,
    /// The peer: it said QUIT, or closed.
    They,
    /// A reset: the peer, or something on the path.
    Reset,
    /// Nobody: nothing came, or nothing was acknowledged, in the time allowed.
    Timeout,
}

impl ClosedFirst {
    /// Returns its word in records.
    pub const fn word(self) -> &'static str {
        match self {
            Self::We => "we",
            Self::They => "they",
            Self::Reset => "reset",
            Self::Timeout => "timeout",
        }
    }
}

/// So many segments were sent again that it is no chance.
const NO_CHANCE: u32 = 2;
/// One of so many is more than a sound path loses.
const ONE_OF: u32 = 10;

impl TcpEnd {
    /// Tells whether the path lost packets: what was sent again is no single accident.
    pub const fn lost_packets(&self) -> bool {
        let often = self.sent_again >= NO_CHANCE
            && (self.segments == 0 || self.sent_again >= self.segments.div_ceil(ONE_OF));
        often || self.retries >= NO_CHANCE
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_accident_is_no_loss_and_what_happens_again_and_again_is() {
        let end = |segments, sent_again, retries| TcpEnd {
            rtt_us: 480_000,
            rtt_var_us: 20_000,
            segments,
            sent_again,
            retries,
            unacked: retries,
            closed_first: ClosedFirst::Timeout,
        };
        for (lost, (segments, again, retries)) in [
            (true, (5, 3, 0)),
            (true, (20, 2, 0)),
            (true, (0, 2, 0)),
            (true, (100, 3, 2)),
            (false, (5, 1, 1)),
            (false, (21, 2, 1)),
            (false, (5, 0, 0)),
        ] {
            let end = end(segments, again, retries);
            assert_eq!(end.lost_packets(), lost, "{end:?}");
        }
    }
}
