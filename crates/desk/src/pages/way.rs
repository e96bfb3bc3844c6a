//! Message Tracking Details: one message, or connection that became none, with its whole way.

use mailreeve_api::explain::ExplainReply;
use mailreeve_api::queue::RecipientLine;
use mailreeve_api::track::{TrackDetails, TrackReply, TrackRow};

use super::destination::recipient_table;
use super::frame::{Body, Frame, Place};
use super::html::Html;
use super::instant::{exact_instant, instant_and_span};
use super::state::details_of;
use super::tracking::{PATH, peer, sender, states};
use super::why;
use super::words::{Arg, Words};

/// Makes the page of the only record of a reply; `waiting` are those of its recipients that wait.
pub(crate) fn page(
    frame: &Frame<'_>,
    reply: &TrackReply,
    (record, details): (&TrackRow, &TrackDetails),
    waiting: &[RecipientLine],
    why: Option<&ExplainReply>,
) -> Html {
    let words = frame.words;
    let title = title(words, record);
    let mut main = Html::of(
        "<p class=crumb><a href=\"{}\">{}</a> › {}</p><h1>{}</h1>",
        &[&PATH, &words.say("track.title"), &words.say("way.heading"), &title],
    );
    main.put("<p class=\"sub state\">{}</p>", &[&states(words, &record.states)]);
    facts(words, reply, record, &mut main);
    main.add(&why::block(words, why));
    if !waiting.is_empty() {
        main.put("<h2>{}</h2>", &[&words.say("way.waiting")]);
        main.add(&recipient_table(words, &reply.as_of, waiting));
    }
    recipients(words, details, &mut main);
    steps(words, reply, details, &mut main);
    frame.page(&Body { place: Place::MessageTracking, title, as_of: Some(&reply.as_of), live: None, main })
}

fn title(words: &Words, record: &TrackRow) -> Html {
    let number = |number: u64| Arg::Piece(Html::of("{}", &[&number]));
    match (record.mid, record.icid) {
        (Some(mid), _) => words.tell("way.message", &[("mid", number(mid))]),
        (None, icid) => words.tell("way.connection", &[("icid", number(icid.unwrap_or(0)))]),
    }
}

fn facts(words: &Words, reply: &TrackReply, record: &TrackRow, main: &mut Html) {
    let as_of = &reply.as_of;
    let connection =
        record.icid.map(|icid| Html::of("<a href=\"{}?icid={}\">{}</a>", &[&PATH, &icid, &icid]));
    let parent = record.parent.map(|mid| Html::of("<a href=\"{}/{}\">{}</a>", &[&PATH, &mid, &mid]));
    let size = record.mid.map(|_| words.number(record.size));
    let text = |text: &Option<String>| text.as_ref().map(|text| Html::of("<bdi>{}</bdi>", &[text]));
    let peer = Some(peer(record)).filter(|peer| !peer.is_empty());
    let facts = [
        ("track.sender", record.sender.as_ref().map(|_| sender(words, record))),
        ("track.subject", text(&record.subject)),
        ("track.message_id", text(&record.message_id)),
        ("track.peer", peer),
        ("way.icid", connection),
        ("way.parent", parent),
        ("way.began", Some(instant_and_span(words, as_of, record.began_us))),
        ("way.last", Some(instant_and_span(words, as_of, record.last_us))),
        ("recipient.accepted", size),
    ];
    main.put("<dl class=facts>", &[]);
    for (key, value) in facts {
        if let Some(value) = value {
            main.put("<dt>{}<dd class=any>{}", &[&words.say(key), &value]);
        }
    }
    main.put("</dl>", &[]);
}

fn recipients(words: &Words, details: &TrackDetails, main: &mut Html) {
    if details.recipients.is_empty() {
        return;
    }
    main.put("<h2>{}</h2><div class=scroll tabindex=0><table><thead><tr>", &[&words.say("way.recipients")]);
    for column in ["recipient.to", "way.destination", "track.state"] {
        main.put("<th scope=col>{}", &[&words.say(column)]);
    }
    main.put("</thead><tbody>", &[]);
    for recipient in &details.recipients {
        let address = match &recipient.address {
            Some(address) => Html::of("{}", &[address]),
            None => Html::of("<small>{}</small>", &[&words.say("way.lost")]),
        };
        let host = recipient.host.as_ref();
        let host = host.map(|host| Html::of("<a class=m href=\"{}\">{}</a>", &[&details_of(host), host]));
        let state: Vec<String> = recipient.state.iter().cloned().collect();
        main.put("<tr><td class=wrap>{}<td>{}<td>{}", &[&address, &host, &states(words, &state)]);
    }
    main.put("</tbody></table></div>", &[]);
}

fn steps(words: &Words, reply: &TrackReply, details: &TrackDetails, main: &mut Html) {
    main.put("<h2>{}</h2><ol class=way>", &[&words.say("way.steps")]);
    for step in &details.steps {
        let at = exact_instant(words, &reply.as_of, step.at_us);
        main.put("<li>{} <span><bdi>{}</bdi></span>", &[&at, &step.text]);
    }
    main.put("</ol>", &[]);
    if details.left_out > 0 {
        let left_out = [("n", Arg::Number(details.left_out))];
        main.put("<p class=also>{}</p>", &[&words.tell("way.left-out", &left_out)]);
    }
}
