//! Whose try is told, and that it is told whole.

use super::*;

#[test]
fn what_failed_for_another_message_is_told_as_the_destinations() {
    let keys = |facts: &Waiting| {
        waiting(facts).chain.iter().map(|link| link.what.key.clone()).collect::<Vec<String>>()
    };
    let reason = failure(Cause::ConnectRefused, Stage::Connect, 0, "refused");
    let mut facts = waits(backoff(reason.clone()));
    assert_eq!(keys(&facts), ["chain.host_failed"], "nothing of its own was tried");
    let earlier = Failure { at: MINUTE / 2, ..failure(Cause::Reply4xx, Stage::Rcpt, 451, "zebra") };
    facts.recipient.last = Some(earlier);
    assert_eq!(keys(&facts), ["chain.failed_again", "chain.host_failed"]);
    facts.recipient.last = Some(reason);
    assert_eq!(keys(&facts), ["chain.failed_again"], "it was its own");
    facts.example = true;
    assert_eq!(keys(&facts), ["chain.host_failed"]);
    let subject = waiting(&facts).subject;
    assert_eq!((subject.mid, subject.rid, subject.host.as_deref()), (None, None, Some("a.example")));
    let of_one = Waiting { example: true, ..waits(clock(failure(Cause::Reply4xx, Stage::Rcpt, 451, "x"))) };
    assert_eq!(keys(&of_one), ["chain.example_failed"]);
}

#[test]
fn a_reply_is_told_whole_and_with_single_spaces() {
    let words = Catalogue::english(TimeZone::UTC);
    let long = format!("4.0.0 zebra  {}end", "and another word ".repeat(20));
    let told = waiting(&waits(clock(failure(Cause::Reply4xx, Stage::Data, 451, &long))));
    let summary = words.say(&told.summary);
    assert!(summary.ends_with("end") && !summary.contains("  ") && !summary.contains("..."), "{summary}");
    let shown = words.say(&told.chain[0].evidence.said);
    assert!(shown.ends_with("end") && !shown.contains("  "), "{shown}");
}
