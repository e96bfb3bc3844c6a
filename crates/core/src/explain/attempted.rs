//! What the attempts of a recipient add to its explanation: how far the latest one got, over which connection, and which
//! addresses were passed over.

use super::blame::Blame;
use super::explanation::{Evidence, EvidenceKind, Explanation, Link};
use super::sentence::Sentence;
use super::terms::{evidence_of, stage_key};
use crate::attempt::Attempt;

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
    // What has no instant is so now.
    chain.sort_by_key(|link| link.at.unwrap_or(u64::MAX));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attempt::{Outcome, Way};
    use crate::event::{Cause, Failure, Stage};
    use crate::explain::idle;
    use crate::ids::{Dcid, Host, Mid, Rid};

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
        };
        let mut explanation = idle("a.example", None);
        add_attempts(&mut explanation, &[attempt]);
        let keys: Vec<(&str, Option<u64>)> =
            explanation.chain.iter().map(|link| (link.what.key.as_str(), link.at)).collect();
        assert_eq!(keys, [("chain.address_failed", Some(11)), ("chain.reached", Some(12))]);
        assert_eq!(explanation.chain[1].evidence.text, "transcript dcid 9");
    }
}
