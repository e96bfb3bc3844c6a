//! Explain: what was asked in the box, and where the answer is. What cannot be answered yet is said.

use std::net::IpAddr;

use mailreeve_api::explain::ExplainReply;

use super::frame::{Body, Frame, Place};
use super::html::{Html, url_word};
use super::state::details_of;
use super::words::Arg;
use super::{tracking, why};

/// What somebody asks about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Subject {
    /// Nothing was asked.
    Nothing,
    /// A destination: the domain itself, or that of a mailbox.
    Destination(String),
    /// A mailbox, and the destination of its mail.
    Mailbox(String, String),
    /// A message.
    Message(u64),
    /// Messages with this Message-ID.
    MessageId(String),
    /// A peer, or a next hop.
    Peer(IpAddr),
    /// Something that cannot be answered here yet.
    Other(String),
}

impl Subject {
    /// Reads what was typed.
    pub(crate) fn of(asked: &str) -> Self {
        let asked = asked.trim();
        let bare = asked.strip_prefix("MID").or_else(|| asked.strip_prefix("mid")).unwrap_or(asked).trim();
        if asked.is_empty() {
            return Self::Nothing;
        }
        if let Ok(mid) = bare.parse() {
            return Self::Message(mid);
        }
        if let Some(id) = asked.strip_prefix('<').and_then(|rest| rest.strip_suffix('>')) {
            return Self::MessageId(id.to_owned());
        }
        if let Ok(peer) = asked.parse() {
            return Self::Peer(peer);
        }
        let local_and_domain = asked.rsplit_once('@');
        let domain = local_and_domain.map_or(asked, |(_, domain)| domain);
        let domain = domain.trim_end_matches('.').to_lowercase();
        let reads =
            |letter: char| letter.is_alphanumeric() || matches!(letter, '.' | '-' | '_' | '[' | ']' | ':');
        let is_name = domain.contains('.') || domain.starts_with('[');
        match (is_name && domain.chars().all(reads) && domain.len() <= 255, local_and_domain) {
            (true, None) => Self::Destination(domain),
            (true, Some((local, _))) => {
                // As it stands in a header, with a name before it.
                let local = local.rsplit_once('<').map_or(local, |(_, local)| local);
                Self::Mailbox(format!("{local}@{domain}"), domain)
            }
            (false, _) => Self::Other(asked.to_owned()),
        }
    }
}

/// Makes the page that says what can be asked; `asked` could not be answered.
pub(crate) fn page(frame: &Frame<'_>, asked: Option<&str>) -> Html {
    let words = frame.words;
    let heading = match asked {
        Some(asked) => words.tell("explain.unanswered", &[("asked", Arg::Text(asked))]),
        None => words.say("explain.empty"),
    };
    let mut main =
        Html::of("<h1>{}</h1><p class=sub>{}</p><ul class=lead>", &[&heading, &words.say("explain.sub")]);
    for key in ["explain.domain", "explain.mailbox", "explain.message", "explain.records"] {
        main.put("<li>{}", &[&words.say(key)]);
    }
    main.put("</ul>", &[]);
    whole(frame, words.say("explain.title"), main)
}

/// Makes the page that explains a mailbox, with the ways to its destination and to its messages.
pub(crate) fn mailbox(frame: &Frame<'_>, mailbox: &str, host: &str, why: &ExplainReply) -> Html {
    let words = frame.words;
    let mut main =
        Html::of("<h1 class=m>{}</h1>{}", &[&mailbox, &why::block(words, Some(why), &Html::new())]);
    let messages = format!("{}?recipient={}", tracking::PATH, url_word(&format!("={mailbox}")));
    main.put(
        "<p><a href=\"{}\">{}</a></p><p><a href=\"{}\">{}</a></p>",
        &[
            &messages,
            &words.say("explain.messages"),
            &details_of(host),
            &words.tell("explain.destination", &[("host", Arg::Text(host))]),
        ],
    );
    whole(frame, Html::of("{}", &[&mailbox]), main)
}

/// Makes the page of a destination of which nothing is known.
pub(crate) fn unknown(frame: &Frame<'_>, host: &str) -> Html {
    let words = frame.words;
    let host = [("host", Arg::Text(host))];
    let mut main = Html::of("<h1>{}</h1>", &[&words.tell("details.unknown", &host)]);
    let (says, ask) = (words.say("details.unknown.says"), words.say("details.unknown.ask"));
    main.put("<p class=lead>{} {}</p>", &[&says, &ask]);
    main.put("<p><a href=\"/monitor/delivery-status\">{}</a></p>", &[&words.say("trouble.back")]);
    whole(frame, words.tell("details.unknown", &host), main)
}

fn whole(frame: &Frame<'_>, title: Html, main: Html) -> Html {
    frame.page(&Body { place: Place::Elsewhere, title, as_of: None, live: None, main })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_typed_is_understood() {
        let destination = |name: &str| Subject::Destination(name.to_owned());
        let mailbox = |name: &str| Subject::Mailbox(name.to_owned(), "example.com".to_owned());
        let other = |text: &str| Subject::Other(text.to_owned());
        let table = [
            ("  ", Subject::Nothing),
            ("Example.COM.", destination("example.com")),
            ("Ann <ann@Example.com", mailbox("ann@example.com")),
            ("\"a@b\"@example.com", mailbox("\"a@b\"@example.com")),
            ("bücher.example", destination("bücher.example")),
            ("[192.0.2.7]", destination("[192.0.2.7]")),
            ("1234", Subject::Message(1_234)),
            ("MID 1234", Subject::Message(1_234)),
            ("<a.b@c.example>", Subject::MessageId("a.b@c.example".to_owned())),
            ("192.0.2.7", Subject::Peer(IpAddr::from([192, 0, 2, 7]))),
            ("2001:db8::7", Subject::Peer(IpAddr::from([0x2001, 0xdb8, 0, 0, 0, 0, 0, 7]))),
            ("\"><script>.x", other("\"><script>.x")),
            ("hello", other("hello")),
        ];
        for (asked, expected) in table {
            assert_eq!(Subject::of(asked), expected, "{asked}");
        }
    }
}
