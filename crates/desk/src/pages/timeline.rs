//! A destination over time: a strip of its states, and below it what changed, the newest first.

use mailreeve_api::format::AsOf;
use mailreeve_api::queue::{
    HostChange, HostDifference, HostOver, HostShares, HostState, HostStatusReply, HostStep,
};

use super::frame::{Body, Frame, Place};
use super::html::Html;
use super::instant::{bare_instant, exact_instant, instant_and_span};
use super::state::{cause, details_of, status};
use super::words::{Arg, Words};

/// How far back it can reach: the word of the address, which is the gateway's too, and the key of its name.
pub(crate) const SPANS: [(&str, &str); 2] = [("24h", "times.day"), ("7d", "times.week")];
/// Steps that are drawn and told; the gateway has the others.
pub(crate) const STEPS: usize = 200;
/// Units from one end of the strip to the other.
const WIDE: u64 = 1_000;

/// Makes the page; `span` is one of [`SPANS`].
pub(crate) fn page(frame: &Frame<'_>, reply: &HostStatusReply, span: &str) -> Html {
    let (words, as_of) = (frame.words, &reply.as_of);
    let title = words.tell("times.of", &[("host", Arg::Text(&reply.host))]);
    let mut main = Html::of(
        "<p class=crumb><a href=\"/monitor/delivery-status\">{}</a> › <a class=m href=\"{}\">{}</a></p><h1>{}</h1>",
        &[&words.say("delivery.title"), &details_of(&reply.host), &reply.host, &title],
    );
    let over = reply.history.as_ref().and_then(|history| Some((history, history.over.as_ref()?)));
    if let Some((history, over)) = over {
        main.put("<p class=\"also spans\">", &[]);
        for (word, key) in SPANS {
            let here = if word == span { " aria-current=true" } else { "" };
            main.put(
                "<a href=\"{}?over={}\"{}>{}</a> ",
                &[&address(&reply.host), &word, &here, &words.say(key)],
            );
        }
        main.put("</p>{}", &[&strip(words, as_of, over)]);
        main.put("<p>{}</p>", &[&shares(words, &over.shares)]);
        main.add(&changed(words, as_of, history.changed.as_ref()));
        steps(words, as_of, over, &mut main);
        let from = [("time", Arg::Piece(instant_and_span(words, as_of, history.records_from_us)))];
        main.put("<p class=also>{}</p>", &[&words.tell("times.reach", &from)]);
    } else {
        main.put("<p class=empty>{}</p>", &[&words.say("times.none")]);
    }
    frame.page(&Body { place: Place::DeliveryStatus, title, as_of: Some(as_of), live: None, main })
}

/// Where the page of a destination is.
pub(crate) fn address(host: &str) -> String {
    details_of(host) + "/history"
}

/// What is not as it was when the destination worked last.
fn changed(words: &Words, as_of: &AsOf, change: Option<&HostChange>) -> Html {
    let Some(change) = change else { return Html::new() };
    let worked = [("time", Arg::Piece(instant_and_span(words, as_of, change.worked_us)))];
    let mut html = Html::of("<h2>{}</h2>", &[&words.tell("times.changed", &worked)]);
    match change.differences.is_empty() {
        true => html.put("<p>{}</p>", &[&words.say("times.changed.nothing")]),
        false => html.put("<ul class=deeds>{}</ul>", &[&differences(words, &change.differences)]),
    }
    html
}

/// The states as bars from left to right, each with its own height, so that they differ without colour too.
fn strip(words: &Words, as_of: &AsOf, over: &HostOver) -> Html {
    let label = words.tell(
        "times.strip",
        &[
            ("from", Arg::Piece(bare_instant(words, as_of, over.from_us))),
            ("to", Arg::Piece(bare_instant(words, as_of, over.to_us))),
        ],
    );
    let mut html = Html::of(
        "<svg class=strip viewBox=\"0 0 1000 16\" preserveAspectRatio=none role=img aria-label=\"{}\">",
        &[&label],
    );
    let opening = over.opening.as_ref().map(|state| (over.from_us, state.status.as_str()));
    let states = over.steps.iter().map(|step| (step.at_us, step.state.status.as_str()));
    let states: Vec<(u64, &str)> = opening.into_iter().chain(states).collect();
    // Of what follows on other pages nothing is known here.
    let last = over.steps.last().filter(|_| over.next.is_some());
    let end_us = last.map_or(over.to_us, |step| step.at_us.saturating_add(step.held_us));
    for (place, (at_us, state)) in states.iter().enumerate() {
        let until_us = states.get(place + 1).map_or(end_us, |(next, _)| *next);
        bar(words, as_of, over, (*at_us, until_us), state, &mut html);
    }
    html.put("</svg>", &[]);
    html
}

fn bar(
    words: &Words,
    as_of: &AsOf,
    over: &HostOver,
    (at_us, until_us): (u64, u64),
    state: &str,
    html: &mut Html,
) {
    let whole = over.to_us.saturating_sub(over.from_us).max(1);
    let place = |at: u64| at.saturating_sub(over.from_us).min(whole) * WIDE / whole;
    let (left, right) = (place(at_us), place(until_us));
    let (class, top, high): (&str, u64, u64) = match state {
        "up" => ("up", 12, 4),
        "down" => ("down", 0, 16),
        "not-running" => return,
        _ => ("unknown", 6, 10),
    };
    // What was short is to be seen too.
    let wide = right.saturating_sub(left).max(2);
    let said = words.tell(
        "times.bar",
        &[
            ("state", Arg::Piece(words.say(&format!("times.{class}")))),
            ("from", Arg::Piece(bare_instant(words, as_of, at_us))),
            ("to", Arg::Piece(bare_instant(words, as_of, until_us))),
        ],
    );
    html.put(
        "<rect class={} x={} y={} width={} height={}><title>{}</title></rect>",
        &[&class, &left, &top, &wide, &high, &said],
    );
}

/// For how much of the time it was up, and how long it was not.
fn shares(words: &Words, shares: &HostShares) -> Html {
    let mut html = Html::new();
    if let Some(permille) = shares.up_permille() {
        let share = format!("{}.{}", permille / 10, permille % 10);
        html.put("{}", &[&words.tell("times.share", &[("share", Arg::Text(&share))])]);
    }
    let spans = [
        ("times.of-down", shares.down_us),
        ("times.of-unknown", shares.unknown_us),
        ("times.of-not-running", shares.not_running_us),
    ];
    for (key, us) in spans.into_iter().filter(|(_, us)| *us >= 1_000_000) {
        html.put(" · {}", &[&words.tell(key, &[("span", Arg::Piece(words.span(us / 1_000_000)))])]);
    }
    html
}

fn steps(words: &Words, as_of: &AsOf, over: &HostOver, html: &mut Html) {
    html.put("<ol class=way>", &[]);
    for step in over.steps.iter().rev() {
        html.put("<li><span>{}</span><span>", &[&exact_instant(words, as_of, step.at_us)]);
        step_line(words, step, html);
        html.put("</span>", &[]);
    }
    if let Some(state) = &over.opening {
        html.put("<li><span>{}</span><span>", &[&exact_instant(words, as_of, over.from_us)]);
        html.put("{} · {}", &[&status(words, &state.status), &words.say("times.opening")]);
        then(words, state, html);
        html.put("</span>", &[]);
    }
    html.put("</ol>", &[]);
    let told = over.steps.len() as u64;
    if over.total > told {
        let more = [("n", Arg::Number(told)), ("all", Arg::Number(over.total))];
        html.put("<p class=also>{}</p>", &[&words.tell("times.more", &more)]);
    }
}

/// What happened, how the destination stood from then on, for how long, and why.
fn step_line(words: &Words, step: &HostStep, html: &mut Html) {
    html.add(&status(words, &step.state.status));
    let held = [("span", Arg::Piece(words.span(step.held_us / 1_000_000)))];
    html.put(" <small>{}</small>", &[&words.tell("times.held", &held)]);
    let key = format!("times.what.{}", step.what);
    if words.has(&key) {
        let by = step.by.as_deref().unwrap_or_default();
        let args = [("by", Arg::Text(by)), ("n", Arg::Number(u64::from(step.changes)))];
        html.put(" · {}", &[&words.tell(&key, &args)]);
    }
    if let Some(failure) =
        step.state.failure.as_ref().filter(|_| step.what == "status" && step.state.status != "up")
    {
        html.put(" · {}", &[&cause(words, failure)]);
    }
    if !step.differences.is_empty() {
        html.put("<ul class=deeds>{}</ul>", &[&differences(words, &step.differences)]);
    }
    then(words, &step.state, html);
}

/// Where its mail went then, and the configuration in force.
fn then(words: &Words, state: &HostState, html: &mut Html) {
    html.put("<details><summary>{}</summary><dl class=facts>", &[&words.say("times.then")]);
    let exchangers: Vec<String> =
        state.exchangers.iter().map(|mx| format!("{} {}", mx.preference, mx.name)).collect();
    let addresses: Vec<String> =
        state.addresses.iter().map(|one| format!("{} ({})", one.address, one.name)).collect();
    let answers = [state.lookup.clone().unwrap_or_default(), exchangers.join(", ")];
    let configuration = state.configuration.clone().unwrap_or_default();
    let rows = [
        ("times.answers", answers.into_iter().filter(|text| !text.is_empty()).collect::<Vec<_>>().join("; ")),
        ("details.addresses", addresses.join(", ")),
        ("times.sources", state.sources.join(", ")),
        ("times.configuration", configuration),
    ];
    for (key, value) in rows {
        match value.is_empty() {
            true => html.put("<dt>{}<dd>{}", &[&words.say(key), &words.say("times.none")]),
            false => html.put("<dt>{}<dd class=\"m any\">{}", &[&words.say(key), &value]),
        }
    }
    html.put("</dl></details>", &[]);
}

fn differences(words: &Words, all: &[HostDifference]) -> Html {
    let mut html = Html::new();
    for one in all {
        let key = format!("change.{}", one.kind);
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        let (name, before, after) = (text(&one.name), text(&one.before), text(&one.after));
        let settings = one.settings.join(", ");
        let args = [
            ("name", Arg::Text(&name)),
            ("before", Arg::Text(&before)),
            ("after", Arg::Text(&after)),
            ("settings", Arg::Text(&settings)),
        ];
        html.put("<li>{}", &[&words.tell(&key, &args)]);
    }
    html
}
