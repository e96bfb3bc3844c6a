use super::super::{Evidence, Next, Other, Remedy, Said, Subject, Verdict};
use super::*;
use crate::format::AsOf;

fn link(at: &str, what: &str, kind: &str, text: &str) -> Link {
    let evidence = Evidence { kind: kind.to_owned(), text: text.to_owned(), said: Said::default() };
    Link { at: Some(at.to_owned()), what: what.to_owned(), evidence, said: Said::default() }
}

fn remedy(command: Option<&str>, what: &str, who: &str) -> Remedy {
    Remedy {
        deed: command.unwrap_or(what).to_owned(),
        command: command.is_some(),
        what: what.to_owned(),
        who: who.to_owned(),
        why: "It helps.".to_owned(),
        said: Said::default(),
    }
}

fn reply() -> ExplainReply {
    ExplainReply {
        schema: super::super::SCHEMA,
        as_of: AsOf { at_us: 1_597_343_382_000_000, zone: "UTC".to_owned() },
        subject: Subject {
            mid: Some(7),
            recipient: Some("x@a.example".to_owned()),
            host: Some("a.example".to_owned()),
            recipients: 1_200,
            destinations: 2,
            ..Subject::default()
        },
        state: "queued".to_owned(),
        verdict: Verdict {
            cause: "connect-refused".to_owned(),
            owner: "destination".to_owned(),
            since: Some("2020-08-13T18:00:00Z".to_owned()),
            certainty: "observed".to_owned(),
        },
        summary: "192.0.2.7 (mx.a.example) refuses connections for a.example.".to_owned(),
        summary_said: Said::default(),
        chain: vec![
            link("2020-08-13T17:59:59Z", "Accepted from s@b.example as MID 7.", "event", "MID 7"),
            link(
                "2020-08-13T18:00:00Z",
                "The latest try failed (connection).",
                "socket",
                "192.0.2.7: refused",
            ),
        ],
        next: Next {
            at: Some("2020-08-13T18:30:00Z".to_owned()),
            what: "The destination is tried again by itself.".to_owned(),
            said: Said::default(),
        },
        remedy: vec![
            remedy(None, "Ask those who run mx.a.example whether its mail server runs.", "destination"),
            remedy(Some("delivernow a.example"), "Try it now.", "us"),
        ],
        page: "docs/why/connect-refused.md".to_owned(),
        address: Some("http://127.0.0.1:8024/help/why/connect-refused".to_owned()),
        others: vec![Other {
            state: "delivered".to_owned(),
            cause: "delivered".to_owned(),
            recipients: 3,
            mid: Some(7),
            example: Some("y@c.example".to_owned()),
        }],
        records_since: None,
    }
}

#[test]
fn an_explanation_is_one_screen() {
    insta::assert_snapshot!(reply().text());
}

#[test]
fn no_reply_is_too_long_for_one_screen() {
    let long = "word ".repeat(300) + &"x".repeat(500);
    let mut reply = reply();
    reply.summary.clone_from(&long);
    reply.chain = vec![link("2020-08-13T18:00:00Z", &long, "reply", &long); 9];
    reply.remedy = vec![remedy(Some(&long), &long, "dns-of-destination"); 9];
    reply.next.what.clone_from(&long);
    reply.others = vec![reply.others[0].clone(); 9];
    reply.subject.message_id = Some(long);
    let text = reply.text();
    assert!(text.lines().count() <= 24, "{text}");
    assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
    assert!(
        text.contains("Cause: connect-refused") && text.contains("More: help why connect-refused"),
        "{text}"
    );
}

#[test]
fn no_word_of_ours_stands_outside_the_catalogue() {
    let mut reply = reply();
    let foreign = |text: &mut String| *text = "\u{436}".repeat(9);
    for text in [&mut reply.state, &mut reply.summary, &mut reply.next.what, &mut reply.verdict.owner] {
        foreign(text);
    }
    reply.chain.truncate(1);
    reply.remedy.truncate(1);
    reply.chain[0].evidence.kind = "\u{436}".to_owned();
    foreign(&mut reply.chain[0].what);
    foreign(&mut reply.remedy[0].what);
    foreign(&mut reply.remedy[0].who);
    reply.subject = Subject { recipients: 2, destinations: 2, ..Subject::default() };
    reply.others.clear();
    let text = Screen { reply: &reply, labels: Labels::pseudo() }.text();
    let known = [
        "connect-refused",
        "Thu Aug 13 18:00:00 2020 UTC",
        "29 mins 42 secs",
        "Aug 13 17:59:59",
        "Aug 13 18:30:00",
        "MID 7",
        "help why connect-refused",
        "http://127.0.0.1:8024/help/why/connect-refused",
    ];
    let known = known.iter().rev();
    let left = known.fold(text.clone(), |text, name| text.replace(name, ""));
    assert!(!left.contains(|letter: char| letter.is_ascii_alphabetic()), "{left}");
}

/// A fact is shown whole or not at all, and what is not shown is counted.
#[test]
fn what_has_no_room_is_left_out_whole_and_counted() {
    let mut reply = reply();
    let said = "4.7.1 a reply of some length ".repeat(9) + "THEEND";
    reply.chain = (0..9).map(|_| link("2020-08-13T18:00:00Z", "It failed.", "reply", &said)).collect();
    reply.summary = format!("a.example refused for now: {said}");
    let text = reply.text();
    let shown = text.matches("It failed.").count();
    assert!(text.lines().count() <= 24 && (1..9).contains(&shown), "{text}");
    assert_eq!(text.matches("THEEND").count(), shown + 1, "{text}");
    assert!(
        !text.contains("...") && text.contains(&format!("Not shown here: {} steps", 9 - shown)),
        "{text}"
    );
}

/// The page at the desk stands below the command when it has no room beside it, and is never broken.
#[test]
fn the_page_at_the_desk_is_shown_whole_or_not_at_all() {
    let mut reply = reply();
    reply.chain.clear();
    for (node, shown) in [("mx", true), ("mail.example.com", true), (&*"m".repeat(40), false)] {
        let address = format!("https://{node}:8443/help/why/connect-refused");
        reply.address = Some(address.clone());
        let text = reply.text();
        assert_eq!(text.contains(&address), shown, "{text}");
        assert!(text.lines().count() <= 24 && text.lines().all(|line| line.chars().count() <= 80), "{text}");
    }
}
