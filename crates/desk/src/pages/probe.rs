//! A look from here: the way of delivery to a destination, step by step, as a probe went it.

use mailreeve_api::probe::{AddressProbe, ProbeReply, ProbeStep, ProbeTls, ProbeVerdict};

use super::frame::{Body, Frame, Place};
use super::help::code;
use super::html::Html;
use super::state::details_of;
use super::table;
use super::words::{Arg, Words};

/// Makes the page of what a probe of `host` found.
pub(crate) fn page(frame: &Frame<'_>, host: &str, reply: &ProbeReply) -> Html {
    let words = frame.words;
    let title = words.tell("probe.title", &[("host", Arg::Text(host))]);
    let mut main = Html::of(
        "<p class=crumb><a href=\"/monitor/delivery-status\">{}</a> › <a class=m href=\"{}\">{}</a></p>\
         <h1>{}</h1><p class=sub>{}</p>",
        &[&words.say("delivery.title"), &details_of(host), &host, &title, &words.say("probe.sub")],
    );
    let took = [("took", Arg::Piece(words.duration(reply.took_us)))];
    main.put(
        "<section class=why aria-label=\"{}\"><p class=lead>{} <bdi>{}</bdi></p><p class=also>{} {}</p></section>",
        &[
            &words.say("probe.verdict"),
            &usable(words, &reply.verdict),
            &reply.verdict.text,
            &verdict_code(&reply.verdict),
            &words.tell("tried.took", &took),
        ],
    );
    way(words, reply, &mut main);
    for address in &reply.addresses {
        one(words, address, &mut main);
    }
    if reply.left_out > 0 {
        let left_out = [("n", Arg::Number(reply.left_out))];
        main.put("<p class=also>{}</p>", &[&words.tell("probe.left-out", &left_out)]);
    }
    main.add(&form(frame, host));
    frame.page(&Body { place: Place::DeliveryStatus, title, as_of: Some(&reply.as_of), live: None, main })
}

/// The button that asks for a look.
pub(crate) fn form(frame: &Frame<'_>, host: &str) -> Html {
    let words = frame.words;
    Html::of(
        "<form class=retry method=post action=\"{}/probe\">{}<button aria-describedby=probe-says>{}</button> \
         <small id=probe-says>{}</small></form>",
        &[&details_of(host), &frame.form_guard(), &words.say("probe.do"), &words.say("probe.do.says")],
    )
}

fn usable(words: &Words, verdict: &ProbeVerdict) -> Html {
    let (class, key) = if verdict.usable { ("up", "probe.usable") } else { ("down", "probe.unusable") };
    Html::of("<b class=\"st {}\">{}</b>", &[&class, &words.say(key)])
}

fn verdict_code(verdict: &ProbeVerdict) -> Html {
    if verdict.code.is_empty() { Html::new() } else { code(&verdict.code) }
}

/// Where the name service or a route leads.
fn way(words: &Words, reply: &ProbeReply, main: &mut Html) {
    if let Some(problem) = &reply.way.problem {
        main.put("<p class=\"said bad\"><bdi>{}</bdi> {}</p>", &[&problem.text, &verdict_code(problem)]);
    }
    if reply.way.exchangers.is_empty() {
        return;
    }
    main.put("<h2>{}</h2>", &[&words.say("details.mx")]);
    table::open(words, "fit", "details.mx", &["details.preference", "details.name", "details.address"], main);
    for mx in &reply.way.exchangers {
        let addresses = mx.addresses.join(", ");
        main.put(
            "<tr><td class=n>{}<td class=m>{}<td class=\"m wrap\">{}",
            &[&u64::from(mx.preference), &mx.name, &addresses],
        );
    }
    table::close(main);
}

/// One address: each step with its time and what was said.
fn one(words: &Words, address: &AddressProbe, main: &mut Html) {
    main.put(
        "<section><h2><span class=m>{}</span> <small class=m>{}</small></h2>",
        &[&address.address, &address.name],
    );
    main.put(
        "<p>{} <bdi>{}</bdi> {}</p>",
        &[&usable(words, &address.verdict), &address.verdict.text, &verdict_code(&address.verdict)],
    );
    if let Some(local) = address.local.as_ref().or(address.source.as_ref()) {
        main.put("<p class=also>{}</p>", &[&words.tell("probe.from", &[("local", Arg::Text(local))])]);
    }
    table::open(words, "talk", "probe.steps", &["probe.step", "probe.took", "probe.said"], main);
    for step in &address.steps {
        step_row(words, step, main);
    }
    table::close(main);
    if let Some(tls) = &address.tls {
        seen_tls(words, tls, main);
    }
    main.put("</section>", &[]);
}

fn step_row(words: &Words, step: &ProbeStep, main: &mut Html) {
    // Others are words of the protocol.
    let key = format!("probe.stage.{}", step.stage);
    let stage = if words.has(&key) { words.say(&key) } else { Html::of("{}", &[&step.stage]) };
    main.put("<tr><th scope=row>{}<td class=n>{}<td>", &[&stage, &words.duration(step.took_us)]);
    let said = step.said.iter().map(|said| ("talk.us", said));
    let lines = said.chain(step.reply.iter().map(|line| ("talk.peer", line)));
    for (key, line) in lines {
        main.put("<span class=line><small>{}</small> <bdi>{}</bdi></span>", &[&words.say(key), line]);
    }
    if let Some(problem) = &step.problem {
        main.put("<strong class=line><bdi>{}</bdi></strong>", &[problem]);
    }
}

fn seen_tls(words: &Words, tls: &ProbeTls, main: &mut Html) {
    let verified = words.say(if tls.verified { "probe.verified" } else { "probe.unverified" });
    main.put("<p>{} {} · {}", &[&tls.protocol, &tls.cipher, &verified]);
    if let Some(problem) = &tls.problem {
        main.put(" <bdi>{}</bdi>", &[problem]);
    }
    main.put("</p>", &[]);
    if let Some(shown) = tls.chain.first() {
        let args = [("subject", Arg::Text(&shown.subject)), ("issuer", Arg::Text(&shown.issuer))];
        main.put("<p class=also>{}</p>", &[&words.tell("probe.certificate", &args)]);
    }
}
