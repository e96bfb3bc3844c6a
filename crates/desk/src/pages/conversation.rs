//! What was said: the conversation of a connection, or what was said about a message.

use mailreeve_api::recorder::{ConversationLine, Direction, TranscriptOf, TranscriptReply};

use super::frame::{Body, Frame, Place};
use super::html::Html;
use super::instant::instant_and_span;
use super::state::details_of;
use super::tracking;
use super::words::{Arg, Words};

/// Where conversations are: `/icid/N`, `/dcid/N`, `/mid/N` stand behind it.
pub(crate) const PATH: &str = "/monitor/conversations";

/// The address of a conversation.
pub(crate) fn address(of: TranscriptOf) -> String {
    let (kind, number) = match of {
        TranscriptOf::Icid(icid) => ("icid", icid),
        TranscriptOf::Dcid(dcid) => ("dcid", dcid),
        TranscriptOf::Mid(mid) => ("mid", mid),
    };
    format!("{PATH}/{kind}/{number}")
}

/// Makes the page; without a reply nothing of it is on record.
pub(crate) fn page(frame: &Frame<'_>, of: TranscriptOf, reply: Option<&TranscriptReply>) -> Html {
    let words = frame.words;
    let title = match of {
        TranscriptOf::Icid(icid) => name(words, "talk.icid", icid),
        TranscriptOf::Dcid(dcid) => name(words, "talk.dcid", dcid),
        TranscriptOf::Mid(mid) => name(words, "talk.mid", mid),
    };
    let mut main = Html::of(
        "<p class=crumb><a href=\"{}\">{}</a> › {}</p><h1>{}</h1><p class=sub>{}</p>",
        &[
            &tracking::PATH,
            &words.say("track.title"),
            &words.say("talk.heading"),
            &title,
            &words.say("talk.sub"),
        ],
    );
    match reply {
        None => main.put(
            "<p class=empty><strong>{}</strong> {}</p>",
            &[&words.say("talk.none"), &words.say("talk.none.says")],
        ),
        Some(reply) => {
            for line in &reply.conversations {
                conversation(words, reply, line, &mut main);
            }
            if let Some(oldest) = reply.oldest_us {
                let oldest = [("time", Arg::Piece(instant_and_span(words, &reply.as_of, oldest)))];
                main.put("<p class=also>{}</p>", &[&words.tell("talk.reach", &oldest)]);
            }
        }
    }
    let as_of = reply.map(|reply| &reply.as_of);
    frame.page(&Body { place: Place::MessageTracking, title, as_of, live: None, main })
}

fn name(words: &Words, key: &str, number: u64) -> Html {
    words.tell(key, &[("number", Arg::Piece(Html::of("{}", &[&number])))])
}

fn conversation(words: &Words, reply: &TranscriptReply, line: &ConversationLine, main: &mut Html) {
    let key = if line.kind == "ICID" { "talk.icid" } else { "talk.dcid" };
    let id = name(words, key, line.number);
    main.put("<section class=talk aria-label=\"{}\">", &[&id]);
    // The page of one connection is called so already.
    if reply.conversations.len() > 1 {
        main.put("<h2>{}</h2>", &[&id]);
    }
    let local = match &line.local {
        Some(local) => Html::of("<span class=m>{}</span>", &[local]),
        None => words.say("talk.unknown"),
    };
    let peer = Html::of("<span class=m>{}</span>", &[&line.peer]);
    let ends = [("local", Arg::Piece(local)), ("peer", Arg::Piece(peer)), ("name", Arg::Text(&line.name))];
    let key = if line.host.is_some() { "talk.to" } else { "talk.from" };
    main.put("<p class=sub>{}", &[&words.tell(key, &ends)]);
    if let Some(host) = &line.host {
        main.put(" <a class=m href=\"{}\">{}</a>", &[&details_of(host), host]);
    }
    main.put(" · {}</p>", &[&instant_and_span(words, &reply.as_of, line.began_us)]);
    main.put("<div class=scroll tabindex=0 role=region aria-label=\"{}\"><table><tbody>", &[&id]);
    for said in &line.lines {
        let (class, key) = match said.direction {
            Direction::In => ("peer", "talk.peer"),
            Direction::Out => ("us", "talk.us"),
            Direction::Note => ("note", "talk.note"),
        };
        let after = format!("{}.{:03}", said.after_us / 1_000_000, said.after_us / 1_000 % 1_000);
        main.put(
            "<tr class={}><td class=n>{}<th scope=row>{}<td><bdi>{}</bdi>",
            &[&class, &after, &words.say(key), &said.text],
        );
    }
    main.put("</tbody></table></div></section>", &[]);
}
