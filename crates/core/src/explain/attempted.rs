//! What the attempts of a recipient add to its explanation: how far the latest one got, over which connection, and which
//! addresses were passed over.

use super::blame::Blame;
use super::explanation::{Evidence, EvidenceKind, Explanation, Link};
use super::sentence::Sentence;
use super::terms::{evidence_of, stage_key};
use crate::attempt::{Attempt, Way};
use crate::tcp::TcpEnd;

/// Addresses that are told of one attempt.
const PASSED_OVER: usize = 2;

/// Adds what attempts tell, which are given oldest first.
pub fn add_attempts(explanation: &mut Explanation, attempts: &[Attempt]) {
    let Some(last) = attempts.last() else { return };
    let chain = &mut explanation.chain;
    for (name, failure) in last.passed_over.iter().take(PASSED_OVER) {
        let what = Sentence::new("chain.address_failed")
            .text("name", name)
            .text("address", failure.address.map_or_else(String::new, |address| address.ip().to_string()))
            .text("cause", Blame::of(failure).finding.code());
        chain.push(Link { at: Some(failure.at), what, evidence: evidence_of(failure) });
    }
    if let Some(way) = &last.way {
        let stage = last.reached().map_or("stage.connect", |(stage, _)| stage_key(stage));
        let what = Sentence::new("chain.reached")
            .word("stage", stage)
            .text("name", &way.exchanger)
            .text("address", way.peer.ip());
        let what = match way.local {
            Some(local) => what.text("local", local.ip()),
            None => what.word("local", "term.whose"),
        };
        let text = format!("transcript dcid {}", last.dcid);
        let evidence = Evidence { kind: EvidenceKind::Transcript, text };
        chain.push(Link { at: last.reached().map(|(_, at)| at).or(Some(last.began_at)), what, evidence });
    }
    if let (Some(way), Some(end)) = (&last.way, last.tcp.filter(TcpEnd::lost_packets)) {
        chain.push(lossy(way, &end, last.ended_at()));
    }
    // What has no instant is so now.
    chain.sort_by_key(|link| link.at.unwrap_or(u64::MAX));
}

/// The path lost packets: what SMTP shows as a silence or a slow host may be that alone.
fn lossy(way: &Way, end: &TcpEnd, at: u64) -> Link {
    let key = if end.segments > 0 { "chain.path_loses" } else { "chain.path_loses_some" };
    let what = Sentence::new(key)
        .text("address", way.peer.ip())
        .number("again", end.sent_again.into())
        .number("segments", end.segments.into());
    let text = format!(
        "TCP: {} of {} segments sent again, {} not acknowledged, round trip {} ms, ended by: {}",
        end.sent_again,
        end.segments,
        end.unacked,
        end.rtt_us / 1_000,
        end.closed_first.word()
    );
    Link { at: Some(at), what, evidence: Evidence { kind: EvidenceKind::Socket, text } }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attempt::Outcome;
    use crate::event::{Cause, Failure, Stage};
    use crate::explain::idle;
    use crate::ids::{Dcid, Host, Mid, Rid};
    use crate::tcp::ClosedFirst;

    fn end(sent_again: u32) -> TcpEnd {
        let (rtt_us, rtt_var_us, closed_first) = (480_000, 20_000, ClosedFirst::Timeout);
        TcpEnd { rtt_us, rtt_var_us, segments: 5, sent_again, retries: 1, unacked: 1, closed_first }
    }

    #[test]
    fn the_latest_attempt_tells_how_far_it_got_and_what_it_passed_over() {
        let failure = |cause, at| Failure {
            stage: Stage::Connect,
            cause,
            status: (4, 4, 1),
            code: 0,
            text: vec!["connection refused".to_owned()],
            address: "192.0.2.7:25".parse().ok(),
            at,
        };
        let peer = "192.0.2.8:25".parse();
        let attempt = Attempt {
            mid: Mid(7),
            rid: Rid(0),
            host: Host::new("a.example"),
            dcid: Dcid(9),
            began_at: 10,
            stages: vec![(Stage::Connect, 1), (Stage::Greeting, 2)],
            way: peer.ok().map(|peer| Way { exchanger: "mx2.a.example".to_owned(), peer, local: None }),
            tls: None,
            certificate: None,
            passed_over: vec![("mx1.a.example".to_owned(), failure(Cause::ConnectRefused, 11))],
            outcome: Outcome::Soft(failure(Cause::SmtpTimeout, 20)),
            tcp: Some(end(3)),
        };
        let mut explanation = idle("a.example", None);
        add_attempts(&mut explanation, std::slice::from_ref(&attempt));
        let keys: Vec<(&str, Option<u64>)> =
            explanation.chain.iter().map(|link| (link.what.key.as_str(), link.at)).collect();
        let reached = ("chain.reached", Some(12));
        assert_eq!(keys, [("chain.address_failed", Some(11)), reached, ("chain.path_loses", Some(20))]);
        assert_eq!(explanation.chain[1].evidence.text, "transcript dcid 9");
        assert_eq!(
            explanation.chain[2].evidence.text,
            "TCP: 3 of 5 segments sent again, 1 not acknowledged, round trip 480 ms, ended by: timeout"
        );
        // One that was sent again is an accident, and nothing is said of the path.
        let mut explanation = idle("a.example", None);
        add_attempts(&mut explanation, &[Attempt { tcp: Some(end(1)), ..attempt }]);
        assert_eq!(explanation.chain.len(), 2);
    }
}
