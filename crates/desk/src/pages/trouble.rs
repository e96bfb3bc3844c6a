//! The error page: what went wrong, what to do, and the way back.

use mailreeve_api::wire::{Problem, ProblemKind};

use super::frame::{Body, Frame, Place};
use super::html::Html;
use super::words::{Arg, Words};

/// Makes the page of a problem.
pub(crate) fn page(frame: &Frame<'_>, problem: &Problem) -> Html {
    let words = frame.words;
    let (title, says) = sentences(words, problem);
    let mut main = Html::of("<h1>{}</h1><p class=lead>{}</p>", &[&title, &says]);
    let (back, to) = (words.say("trouble.back"), "/monitor/delivery-status");
    main.put("<p><a href=\"{}\">{}</a></p>", &[&to, &back]);
    frame.page(&Body { place: Place::Elsewhere, title, as_of: None, live: None, main })
}

/// Makes the page of an address whose view cannot be shown: `key` is the sentence about the value, `back` where to go
/// from here.
pub(crate) fn view(frame: &Frame<'_>, key: &str, value: &str, (back, to): (&str, &str)) -> Html {
    let words = frame.words;
    let title = words.say("trouble.view");
    let says = words.tell(key, &[("value", Arg::Text(value))]);
    let mut main = Html::of("<h1>{}</h1><p class=lead>{}</p>", &[&title, &says]);
    main.put("<p><a href=\"{}\">{}</a></p>", &[&back, &words.say(to)]);
    frame.page(&Body { place: Place::Elsewhere, title, as_of: None, live: None, main })
}

/// What went wrong in one sentence, and what to do. The gateway's own words are shown where they say more.
fn sentences(words: &Words, problem: &Problem) -> (Html, Html) {
    match problem.kind {
        ProblemKind::NotFound => (words.say("trouble.not-found"), words.say("trouble.not-found.says")),
        ProblemKind::Forbidden => (words.say("trouble.forbidden"), words.say("trouble.forbidden.says")),
        kind => {
            let unavailable = kind == ProblemKind::Unavailable;
            let key = if unavailable { "trouble.gateway" } else { "trouble.title" };
            let said = Html::of("<bdi>{}</bdi>. <bdi>{}</bdi>.", &[&problem.message, &problem.hint]);
            (words.say(key), said)
        }
    }
}
