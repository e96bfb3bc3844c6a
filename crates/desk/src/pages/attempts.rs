//! Attempts: every try to deliver a message that is kept.

use mailreeve_api::recorder::{AttemptLine, AttemptsReply, FailureLine, TranscriptOf};
use mailreeve_api::track::TrackDetails;

use super::html::Html;
use super::instant::exact_instant;
use super::words::{Arg, Words};
use super::{conversation, table};

/// Makes the table; nothing without attempts.
pub(crate) fn attempts(words: &Words, reply: &AttemptsReply, details: &TrackDetails, main: &mut Html) {
    if reply.attempts.is_empty() {
        return;
    }
    main.put("<h2>{}</h2>", &[&words.say("tried.title")]);
    let columns = ["tried.number", "tried.when", "tried.to", "tried.way", "tried.outcome", "tried.said"];
    table::open(words, "tried", "tried.title", &columns, main);
    for attempt in &reply.attempts {
        let known = details.recipients.iter().find(|recipient| recipient.rid == attempt.rid);
        let to = known.and_then(|recipient| recipient.address.as_deref()).unwrap_or_default();
        let began = exact_instant(words, &reply.as_of, attempt.began_us);
        let number = words.number(u64::from(attempt.number));
        main.put("<tr><td class=n>{}<td>{}<td class=wrap>{}", &[&number, &began, &to]);
        main.put("<td>{}", &[&way(words, attempt)]);
        let (class, key) = match attempt.outcome.as_str() {
            "delivered" => ("up", "tried.delivered"),
            "deferred" => ("unknown", "tried.deferred"),
            "bounced" => ("down", "tried.bounced"),
            _ => ("note", "tried.other"),
        };
        let outcome = if key == "tried.other" { Html::of("{}", &[&attempt.outcome]) } else { words.say(key) };
        main.put("<td><b class=\"st {}\">{}</b>", &[&class, &outcome]);
        main.put("<small class=line>{}</small>", &[&far(words, attempt)]);
        let said = match &attempt.failure {
            Some(failure) => failed(failure),
            None => attempt.reply.join(" "),
        };
        main.put("<td class=wrap><q>{}</q>", &[&said]);
    }
    table::close(main);
}

/// Where it went, and what was said there.
fn way(words: &Words, attempt: &AttemptLine) -> Html {
    let mut html = Html::new();
    for passed in &attempt.passed_over {
        let address = passed.address.as_deref().unwrap_or_default();
        let args = [("name", Arg::Text(&passed.exchanger)), ("address", Arg::Text(address))];
        html.put("<small class=line>{}</small>", &[&words.tell("tried.before", &args)]);
    }
    if let Some(exchanger) = &attempt.exchanger {
        html.put("<span class=m>{}</span>", &[exchanger]);
    }
    if let Some(peer) = &attempt.peer {
        html.put("<small class=line>{}</small>", &[peer]);
        if let Some(tls) = &attempt.tls {
            html.put("<small class=line>{}</small>", &[&words.tell("tried.tls", &[("tls", Arg::Text(tls))])]);
        }
        let said = conversation::address(TranscriptOf::Dcid(attempt.dcid));
        let dcid = [("number", Arg::Piece(Html::of("{}", &[&attempt.dcid])))];
        html.put("<a class=line href=\"{}\">{}</a>", &[&said, &words.tell("talk.dcid", &dcid)]);
    }
    if let Some(tcp) = attempt.tcp.as_ref().filter(|tcp| tcp.rtt_us > 0) {
        let trip = [("trip", Arg::Piece(words.duration(tcp.rtt_us.into())))];
        let key = if tcp.lost_packets { "tried.trip-lossy" } else { "tried.trip" };
        html.put("<small class=line>{}</small>", &[&words.tell(key, &trip)]);
    }
    html
}

/// How far it came, and how long that took.
fn far(words: &Words, attempt: &AttemptLine) -> Html {
    let took = words.duration(attempt.took_us);
    match &attempt.failure {
        Some(failure) => {
            let key = format!("stage.{}", failure.stage);
            let stage = if words.has(&key) { words.say(&key) } else { Html::of("{}", &[&failure.stage]) };
            words.tell("tried.far", &[("stage", Arg::Piece(stage)), ("took", Arg::Piece(took))])
        }
        None => words.tell("tried.took", &[("took", Arg::Piece(took))]),
    }
}

fn failed(failure: &FailureLine) -> String {
    let code = if failure.code > 0 { format!("{} ", failure.code) } else { String::new() };
    format!("{code}{}", failure.text.join(" "))
}
