//! Message Tracking Details: one message, or connection that became none, with its whole way.

use mailreeve_api::explain::ExplainReply;
use mailreeve_api::format::AsOf;
use mailreeve_api::queue::RecipientLine;
use mailreeve_api::recorder::{AttemptsReply, TranscriptOf};
use mailreeve_api::track::{TrackDetails, TrackRecipient, TrackReply, TrackRow};

use super::attempts::attempts;
use super::destination::reason_row;
use super::frame::{Body, Frame, Place};
use super::html::Html;
use super::instant::{exact_instant, instant_and_span};
use super::state::details_of;
use super::tracking::{PATH, peer, sender, states};
use super::words::{Arg, Words};
use super::{conversation, table, why};

/// What is known of a message beside its record.
#[derive(Clone, Debug, Default)]
pub(crate) struct Beside {
    /// Those of its recipients that wait.
    pub(crate) waiting: Vec<RecipientLine>,
    /// The tries that are kept.
    pub(crate) tried: Option<AttemptsReply>,
    /// The explanation.
    pub(crate) why: Option<ExplainReply>,
}

/// Makes the page of the only record of a reply.
pub(crate) fn page(
    frame: &Frame<'_>,
    reply: &TrackReply,
    (record, details): (&TrackRow, &TrackDetails),
    beside: &Beside,
) -> Html {
    let words = frame.words;
    let title = title(words, record);
    let mut main = Html::of(
        "<p class=crumb><a href=\"{}\">{}</a> › {}</p><h1>{}</h1>",
        &[&PATH, &words.say("track.title"), &words.say("way.heading"), &title],
    );
    main.put("<p class=\"sub state\">{}</p>", &[&states(words, &record.states)]);
    facts(words, reply, record, &mut main);
    main.add(&why::block(words, beside.why.as_ref(), &Html::new()));
    recipients(words, &reply.as_of, details, &beside.waiting, &mut main);
    if let Some(tried) = &beside.tried {
        attempts(words, tried, details, &mut main);
    }
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
    let connection = record.icid.map(|icid| {
        let said = conversation::address(TranscriptOf::Icid(icid));
        let open = words.say("talk.open");
        Html::of(
            "<a href=\"{}?icid={}\">{}</a> · <a href=\"{}\">{}</a>",
            &[&PATH, &icid, &icid, &said, &open],
        )
    });
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

/// Those that ended first, below them those that wait, under the reason why.
fn recipients(
    words: &Words,
    as_of: &AsOf,
    details: &TrackDetails,
    waiting: &[RecipientLine],
    main: &mut Html,
) {
    if details.recipients.is_empty() {
        return;
    }
    let mut columns = vec!["recipient.to", "way.destination", "track.state"];
    if !waiting.is_empty() {
        columns.extend(["recipient.attempts", "recipient.next"]);
    }
    main.put("<h2>{}</h2>", &[&words.say("way.recipients")]);
    table::open(words, "", "way.recipients", &columns, main);
    let waits = |rid: u32| waiting.iter().find(|line| line.rid == rid);
    let line_of = |recipient: &TrackRecipient| waits(recipient.rid);
    for recipient in details.recipients.iter().filter(|recipient| line_of(recipient).is_none()) {
        ended_or_not(words, recipient, main);
        if !waiting.is_empty() {
            main.put("<td><td>", &[]);
        }
    }
    let mut why = None;
    for recipient in &details.recipients {
        let Some(line) = line_of(recipient) else { continue };
        if why != Some(&line.why) {
            main.add(&reason_row(columns.len(), &line.why));
            why = Some(&line.why);
        }
        ended_or_not(words, recipient, main);
        let next = line.next_us.map(|next| instant_and_span(words, as_of, next));
        main.put("<td class=n>{}<td class=when>{}", &[&words.number(u64::from(line.attempts)), &next]);
    }
    table::close(main);
}

/// A recipient with its destination and state.
fn ended_or_not(words: &Words, recipient: &TrackRecipient, main: &mut Html) {
    let address = match &recipient.address {
        Some(address) => Html::of("{}", &[address]),
        None => Html::of("<small>{}</small>", &[&words.say("way.lost")]),
    };
    let host = recipient.host.as_ref();
    let host = host.map(|host| Html::of("<a class=m href=\"{}\">{}</a>", &[&details_of(host), host]));
    let state: Vec<String> = recipient.state.iter().cloned().collect();
    main.put("<tr><td class=wrap>{}<td>{}<td>{}", &[&address, &host, &states(words, &state)]);
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
