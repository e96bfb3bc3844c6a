//! Why: what `explain` tells of a destination or message, beside it on its page.

use jiff::Timestamp;
use mailreeve_api::command::Command as _;
use mailreeve_api::explain::{ExplainReply, Link, Other, Remedy};
use mailreeve_api::recorder::Transcript;

use super::conversation;
use super::help::code;
use super::html::Html;
use super::instant::{exact_instant, instant_and_span};
use super::words::{Arg, Words};

/// Makes the block, with `reasons` below the answer; empty without either.
pub(crate) fn block(words: &Words, reply: Option<&ExplainReply>, reasons: &Html) -> Html {
    let mut html = Html::of("<section id=why class=why aria-label=\"{}\">", &[&words.say("why.title")]);
    if reply.is_none() && !reasons.is_empty() {
        html.put("<h2>{}</h2>{}", &[&words.say("why.title"), reasons]);
    }
    if let Some(reply) = reply {
        html.put("<h2>{}</h2>", &[&words.say("why.title")]);
        html.put("<p class=lead><bdi>{}</bdi></p>", &[&reply.summary]);
        verdict(words, reply, &mut html);
        html.add(reasons);
        remedies(words, &reply.remedy, &mut html);
        steps(words, reply, &mut html);
        others(words, &reply.others, &mut html);
    }
    html.put("</section>", &[]);
    html
}

fn verdict(words: &Words, reply: &ExplainReply, html: &mut Html) {
    let (as_of, verdict) = (&reply.as_of, &reply.verdict);
    html.put("<dl class=facts><dt>{}<dd>", &[&words.say("why.cause")]);
    html.put("{}. {}", &[&code(&verdict.cause), &words.say(&format!("owner.{}", verdict.owner))]);
    if verdict.certainty != "observed" {
        html.put(" {}", &[&words.say("why.inferred")]);
    }
    if let Some(since) = instant_of(verdict.since.as_deref()) {
        html.put("<dt>{}<dd>{}", &[&words.say("why.since"), &instant_and_span(words, as_of, since)]);
    }
    html.put("<dt>{}<dd><bdi>{}</bdi>", &[&words.say("why.next"), &reply.next.what]);
    if let Some(next) = instant_of(reply.next.at.as_deref()) {
        html.put(" {}", &[&instant_and_span(words, as_of, next)]);
    }
    html.put("</dl>", &[]);
}

fn remedies(words: &Words, remedies: &[Remedy], html: &mut Html) {
    if remedies.is_empty() {
        return;
    }
    html.put("<h3>{}</h3><ul class=deeds>", &[&words.say("why.do")]);
    for remedy in remedies {
        html.put("<li><bdi>{}</bdi>", &[&remedy.what]);
        if remedy.command {
            html.put(" <code>{}</code>", &[&remedy.deed]);
        }
        html.put(
            "<small>{} <bdi>{}</bdi></small>",
            &[&words.say(&format!("deed.{}", remedy.who)), &remedy.why],
        );
    }
    html.put("</ul>", &[]);
}

fn steps(words: &Words, reply: &ExplainReply, html: &mut Html) {
    if reply.chain.is_empty() {
        return;
    }
    html.put("<h3>{}</h3><ol class=way>", &[&words.say("why.chain")]);
    for Link { at, what, evidence, .. } in &reply.chain {
        let at = instant_of(at.as_deref()).map(|at| exact_instant(words, &reply.as_of, at));
        html.put("<li><span>{}</span><span><bdi>{}</bdi>", &[&at, what]);
        // What an event or the queue shows has been said already.
        match evidence.kind.as_str() {
            "event" | "queue" => {}
            "transcript" => html.add(&talk(words, &evidence.text)),
            _ if evidence.text.is_empty() => {}
            _ => html.put(" <q>{}</q>", &[&evidence.text]),
        }
        html.put("</span>", &[]);
    }
    html.put("</ol>", &[]);
}

/// A link to the conversation that a command shows.
fn talk(words: &Words, command: &str) -> Html {
    let of: Vec<String> = command.split(' ').skip(1).map(str::to_owned).collect();
    match Transcript::parse(&of) {
        Ok(Transcript { of }) => {
            Html::of(" <a href=\"{}\">{}</a>", &[&conversation::address(of), &words.say("talk.open")])
        }
        Err(_) => Html::of(" <code>{}</code>", &[&command]),
    }
}

fn others(words: &Words, others: &[Other], html: &mut Html) {
    for other in others {
        let recipients = ("recipients", Arg::Count("recipients", other.recipients));
        let args =
            [recipients, ("state", Arg::Text(&other.state)), ("cause", Arg::Piece(code(&other.cause)))];
        html.put("<p class=also>{}</p>", &[&words.tell("why.also", &args)]);
    }
}

/// Microseconds since the epoch of an instant in RFC 3339.
fn instant_of(text: Option<&str>) -> Option<u64> {
    let at: Timestamp = text?.parse().ok()?;
    u64::try_from(at.as_microsecond()).ok()
}
