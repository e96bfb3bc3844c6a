//! What attempts add to an explanation: which one it was, how far it got, over which connection, and which addresses were
//! passed over.

use super::blame::Blame;
use super::explanation::{Evidence, EvidenceKind, Explanation, Link};
use super::sentence::Sentence;
use super::terms::{evidence_of, stage_key};
use crate::attempt::{Attempt, Way};
use crate::tcp::TcpEnd;

/// Addresses that are told of one attempt.
const PASSED_OVER: usize = 2;

/// Adds what the latest attempt of the recipient tells; `number` counts its attempts from 1, forced ones too.
pub fn add_attempts(explanation: &mut Explanation, number: u32, last: &Attempt) {
    let what = Sentence::new("chain.reached").number("number", u64::from(number));
    add(explanation, what, last);
}

/// Adds what the latest attempts of a destination tell, newest first: of the newest that failed for the cause that is
/// told. Another one would speak of something else.
pub fn add_attempts_of_host(explanation: &mut Explanation, attempts: &[Attempt]) {
    let cause = explanation.verdict.cause;
    let alike = |attempt: &&Attempt| {
        attempt.outcome.failure().is_some_and(|failure| Blame::of(failure).finding == cause)
    };
    if let Some(attempt) = attempts.iter().find(alike) {
        add(explanation, Sentence::new("chain.host_reached").text("host", &attempt.host), attempt);
    }
}

fn add(explanation: &mut Explanation, what: Sentence, attempt: &Attempt) {
    let chain = &mut explanation.chain;
    for (name, failure) in attempt.passed_over.iter().take(PASSED_OVER) {
        let what = Sentence::new("chain.address_failed")
            .text("name", name)
            .text("address", failure.address.map_or_else(String::new, |address| address.ip().to_string()))
            .text("cause", Blame::of(failure).finding.code());
        chain.push(Link { at: Some(failure.at), what, evidence: evidence_of(failure) });
    }
    if let Some(way) = &attempt.way {
        let stage = attempt.reached().map_or("stage.connect", |(stage, _)| stage_key(stage));
        let what = what.word("stage", stage).text("name", &way.exchanger).text("address", way.peer.ip());
        let what = match way.local {
            Some(local) => what.text("local", local.ip()),
            None => what.word("local", "term.gateway"),
        };
        let evidence =
            Evidence::words(EvidenceKind::Transcript, &format!("transcript dcid {}", attempt.dcid));
        let at = attempt.reached().map_or(attempt.began_at, |(_, at)| at);
        chain.push(Link { at: Some(at), what, evidence });
    }
    if let (Some(way), Some(end)) = (&attempt.way, attempt.tcp.filter(TcpEnd::lost_packets)) {
        chain.push(lossy(way, &end, attempt.ended_at()));
    }
    sort(chain);
}

/// Puts steps in order; what has no instant is so now.
pub(super) fn sort(chain: &mut [Link]) {
    chain.sort_by_key(|link| link.at.unwrap_or(u64::MAX));
}

/// The path lost packets: what SMTP shows as a silence or a slow host may be that alone.
fn lossy(way: &Way, end: &TcpEnd, at: u64) -> Link {
    let key = if end.segments > 0 { "chain.path_loses" } else { "chain.path_loses_some" };
    let what = Sentence::new(key)
        .text("address", way.peer.ip())
        .number("again", end.sent_again.into())
        .number("segments", end.segments.into());
    let said = Sentence::new("shown.tcp")
        .number("again", end.sent_again.into())
        .number("segments", end.segments.into())
        .number("unacked", end.unacked.into())
        .number("round_trip", u64::from(end.rtt_us / 1_000))
        .text("by", end.closed_first.word());
    Link { at: Some(at), what, evidence: Evidence::said(EvidenceKind::Socket, said) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attempt::Outcome;
    use crate::event::{Cause, Failure, Stage};
    use crate::explain::{Catalogue, Finding, idle};
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
            outcome: Outcome::Soft(Failure { stage: Stage::Ehlo, ..failure(Cause::SmtpTimeout, 20) }),
            tcp: Some(end(3)),
        };
        let mut explanation = idle("a.example", None);
        add_attempts(&mut explanation, 3, &attempt);
        let keys: Vec<(&str, Option<u64>)> =
            explanation.chain.iter().map(|link| (link.what.key.as_str(), link.at)).collect();
        let reached = ("chain.reached", Some(12));
        assert_eq!(keys, [("chain.address_failed", Some(11)), reached, ("chain.path_loses", Some(20))]);
        let words = Catalogue::english(jiff::tz::TimeZone::UTC);
        let shown = |place: usize| words.say(&explanation.chain[place].evidence.said);
        assert_eq!(shown(1), "transcript dcid 9");
        assert_eq!(
            shown(2),
            "TCP: 3 of 5 segments sent again, 1 not acknowledged, round trip 480 ms, ended by: timeout"
        );
        assert!(words.say(&explanation.chain[1].what).starts_with("Attempt 3 got as far as greeting"));
        let mut of_host = idle("a.example", None);
        add_attempts_of_host(&mut of_host, std::slice::from_ref(&attempt));
        assert!(of_host.chain.is_empty(), "it failed for another cause than the one told");
        of_host.verdict.cause = Finding::SmtpTimeout;
        add_attempts_of_host(&mut of_host, std::slice::from_ref(&attempt));
        assert_eq!(of_host.chain[1].what.key, "chain.host_reached");
        // One that was sent again is an accident, and nothing is said of the path.
        let mut explanation = idle("a.example", None);
        add_attempts(&mut explanation, 1, &Attempt { tcp: Some(end(1)), ..attempt });
        assert_eq!(explanation.chain.len(), 2);
    }
}
