//! Delivery Status Details: all that is known of one destination, and who waits for it.

use mailreeve_api::explain::ExplainReply;
use mailreeve_api::format::AsOf;
use mailreeve_api::queue::{HostStatusReply, LastError, RecipientLine, ShowRecipientsReply};

use super::figures::{Figure, figures};
use super::frame::{Body, Frame, Place};
use super::html::Html;
use super::instant::{instant, instant_and_span};
use super::retried::{Ends, Retried, retry_form, said};
use super::state::{cause, cohort, details_of, status};
use super::words::{Arg, Words};
use super::{probe, table, timeline, tracking, why};

/// Waiting recipients of a page.
pub(crate) const RECIPIENTS: usize = 50;

/// Makes the page. Recipients up to `after` are left out.
pub(crate) fn page(
    frame: &Frame<'_>,
    reply: &HostStatusReply,
    waiting: &ShowRecipientsReply,
    after: Option<(u64, u32)>,
    done: Option<&Retried>,
    why: Option<&ExplainReply>,
) -> Html {
    let words = frame.words;
    let active = reply.unattempted_recips + reply.attempted_recips;
    let mut main = Html::of(
        "<p class=crumb><a href=\"/monitor/delivery-status\">{}</a> › {}</p><h1 class=m>{}</h1>",
        &[&words.say("delivery.title"), &words.say("details.heading"), &reply.host],
    );
    main.put("<p class=\"sub state\" id=sub>{}</p>", &[&state(words, reply)]);
    main.add(&said(words, done, Ends::of_host(reply)));
    main.add(&why::block(words, why, &reasons(words, reply, why.is_some())));
    if frame.operates {
        let back = details_of(&reply.host);
        let form = retry_form(frame, Some(&reply.host), active, "details.retry", &back);
        main.put("<div class=bar>{}{}</div>", &[&form, &probe::form(frame, &reply.host)]);
    }
    main.put(
        "<p class=also><a href=\"{}\">{}</a></p>",
        &[&timeline::address(&reply.host), &words.say("times.open")],
    );
    main.put("<div class=pair id=figures>", &[]);
    counters(words, reply, &mut main);
    gauges(words, reply, &mut main);
    main.put("</div><div id=way>", &[]);
    addresses(words, reply, &mut main);
    failures(words, reply, &mut main);
    main.put("</div>", &[]);
    recipients(words, reply, waiting, after.is_none(), &mut main);
    let mut address = details_of(&reply.host);
    if let Some((mid, rid)) = after {
        address.push_str(&format!("?after={mid}.{rid}"));
    }
    let live = Some(Retried::address(done, address));
    let title = words.tell("details.title", &[("host", Arg::Text(&reply.host))]);
    frame.page(&Body { place: Place::DeliveryStatus, title, as_of: Some(&reply.as_of), live, main })
}

/// The reasons why recipients wait, where an explanation does not tell them: it speaks of one.
fn reasons(words: &Words, reply: &HostStatusReply, explained: bool) -> Html {
    let mut html = Html::new();
    if reply.cohorts.len() > usize::from(explained) {
        html.put("<ul class=reasons>", &[]);
        for line in &reply.cohorts {
            html.add(&cohort(words, &reply.as_of, line, false));
        }
        html.put("</ul>", &[]);
    }
    html
}

/// The status with its age, reason and next try, in one line.
fn state(words: &Words, reply: &HostStatusReply) -> Html {
    let as_of = &reply.as_of;
    let mut html = status(words, &reply.status);
    if let Some(was) = &reply.was {
        let key = if was == "up" { "status.idle-was-up" } else { "status.idle-was-down" };
        html.put(" · {}", &[&words.say(key)]);
    }
    if let Some(since) = reply.since_us {
        let since = Arg::Piece(instant_and_span(words, as_of, since));
        html.put(" · {}", &[&words.tell("details.since", &[("time", since)])]);
    }
    if reply.before_start {
        html.put(" · {}", &[&words.say("status.before-start")]);
    }
    if let Some(failure) = reply.failure.as_ref().filter(|_| reply.was.is_none()) {
        html.put(" · {}", &[&cause(words, failure)]);
    }
    if reply.trying && reply.status != "up" {
        html.put(" · {}", &[&words.say("status.trying")]);
    } else if let Some(next) = reply.next_attempt_us {
        let next = Arg::Piece(instant_and_span(words, as_of, next));
        html.put(" · {}", &[&words.tell("status.next", &[("time", next)])]);
    }
    if let Some((by, since)) = &reply.suspended {
        let args = [("by", Arg::Text(by)), ("time", Arg::Piece(instant(words, as_of, *since)))];
        html.put(" · <strong>{}</strong>", &[&words.tell("status.suspended", &args)]);
    }
    html
}

fn counters(words: &Words, reply: &HostStatusReply, main: &mut Html) {
    let ends = &reply.completion;
    let rows = [
        Figure(0, "counter.soft", reply.soft_bounced_evts),
        Figure(0, "counter.completed", ends.completed()),
        Figure(1, "counter.hard", ends.hard()),
        Figure(2, "counter.dns", ends.dns_hard_bounced_recips),
        Figure(2, "counter.5xx", ends.five_xx_hard_bounced_recips),
        Figure(2, "counter.filter", ends.filter_hard_bounced_recips),
        Figure(2, "counter.expired", ends.expired_hard_bounced_recips),
        Figure(2, "counter.other", ends.other_hard_bounced_recips),
        Figure(1, "counter.delivered", ends.delivered_recips),
        Figure(1, "counter.deleted", ends.deleted_recips),
    ];
    main.add(&figures(words, "details.counters", "details.counters.sub", &rows));
}

fn gauges(words: &Words, reply: &HostStatusReply, main: &mut Html) {
    let rows = [
        Figure(0, "gauge.active", reply.unattempted_recips + reply.attempted_recips),
        Figure(1, "gauge.unattempted", reply.unattempted_recips),
        Figure(1, "gauge.attempted", reply.attempted_recips),
        Figure(0, "gauge.current", reply.conn_out),
        Figure(0, "gauge.pending", reply.conn_pending),
    ];
    main.put("<div>{}", &[&figures(words, "details.gauges", "details.gauges.sub", &rows)]);
    let as_of = &reply.as_of;
    let shown = |at: Option<u64>, none: &str| match at {
        Some(at) => instant_and_span(words, as_of, at),
        None => words.say(none),
    };
    main.put(
        "<dl class=facts><dt>{}<dd>{}<dt>{}<dd>{}",
        &[
            &words.say("details.oldest"),
            &shown(reply.oldest_message_us, "details.oldest.none"),
            &words.say("details.activity"),
            &shown(reply.last_activity_us, "details.activity.none"),
        ],
    );
    if let Some(addresses) = &reply.addresses {
        let until = instant_and_span(words, as_of, addresses.expires_us);
        main.put("<dt>{}<dd>{}", &[&words.say("details.expires"), &until]);
    }
    main.put("</dl></div>", &[]);
}

fn addresses(words: &Words, reply: &HostStatusReply, main: &mut Html) {
    main.put("<h2>{}</h2>", &[&words.say("details.addresses")]);
    if reply.targets.is_empty() {
        main.put("<p class=empty>{}</p>", &[&words.say("details.addresses.none")]);
    } else {
        let columns = ["details.preference", "details.address", "details.name", "details.state"];
        table::open(words, "fit", "details.addresses", &columns, main);
        for target in &reply.targets {
            let state = match (&target.failed, target.until_us) {
                (Some(failed), Some(until)) => {
                    let until = Arg::Piece(instant_and_span(words, &reply.as_of, until));
                    let args = [("reason", Arg::Piece(cause(words, failed))), ("time", until)];
                    words.tell("details.failed", &args)
                }
                (_, _) => words.say("details.usable"),
            };
            main.put(
                "<tr><td class=n>{}<td class=m>{}<td class=m>{}<td class=wrap>{}",
                &[&u64::from(target.preference), &target.address, &target.name, &state],
            );
        }
        table::close(main);
    }
    if !reply.exchangers.is_empty() {
        main.put("<h2>{}</h2>", &[&words.say("details.mx")]);
        table::open(words, "fit", "details.mx", &["details.preference", "details.name", "details.ttl"], main);
        for mx in &reply.exchangers {
            let (preference, ttl) = (u64::from(mx.preference), u64::from(mx.ttl));
            main.put("<tr><td class=n>{}<td class=m>{}<td class=n>{}", &[&preference, &mx.name, &ttl]);
        }
        table::close(main);
    }
    if !reply.routes.is_empty() {
        main.put("<h2>{}</h2>", &[&words.say("details.routes")]);
        table::open(words, "fit", "details.routes", &["details.preference", "details.hop"], main);
        for route in &reply.routes {
            main.put("<tr><td class=n>{}<td class=m>{}", &[&u64::from(route.priority), &route.hop]);
        }
        table::close(main);
    }
}

fn failures(words: &Words, reply: &HostStatusReply, main: &mut Html) {
    main.put("<h2>{}</h2>", &[&words.say("details.errors")]);
    if reply.failures.is_empty() && reply.last_5xx.is_none() && reply.last_tls.is_none() {
        main.put("<p class=empty>{}</p>", &[&words.say("details.errors.none")]);
        return;
    }
    table::open(words, "fit", "details.errors", &["details.when", "details.what"], main);
    for failure in &reply.failures {
        let at = instant_and_span(words, &reply.as_of, failure.at_us);
        main.put("<tr><td>{}<td class=wrap>{}", &[&at, &cause(words, failure)]);
    }
    table::close(main);
    if let Some(error) = &reply.last_5xx {
        last_error(words, &reply.as_of, error, &words.say("details.last-5xx"), main);
    }
    if let Some(error) = &reply.last_tls {
        let heading = match &error.mode {
            Some(mode) => words.tell("details.last-tls.mode", &[("mode", Arg::Text(mode))]),
            None => words.say("details.last-tls"),
        };
        last_error(words, &reply.as_of, error, &heading, main);
    }
}

fn last_error(words: &Words, as_of: &AsOf, error: &LastError, heading: &Html, main: &mut Html) {
    let at = instant_and_span(words, as_of, error.at_us);
    main.put("<h2>{}</h2><p><q>{}</q> {}</p>", &[heading, &error.text, &at]);
}

fn recipients(
    words: &Words,
    reply: &HostStatusReply,
    waiting: &ShowRecipientsReply,
    first: bool,
    main: &mut Html,
) {
    main.put("<h2>{}</h2><div id=waiting>", &[&words.say("details.queue")]);
    if waiting.recipients.is_empty() {
        main.put("<p class=empty>{}</p>", &[&words.say("details.queue.none")]);
    } else {
        main.add(&recipient_table(words, &reply.as_of, &waiting.recipients));
    }
    let here = details_of(&reply.host);
    main.put("<nav class=pager aria-label=\"{}\">", &[&words.say("details.queue")]);
    if !first {
        main.put("<a rel=first href=\"{}\">{}</a> ", &[&here, &words.say("details.queue.first")]);
    }
    if let Some((mid, rid)) = waiting.next {
        let next = format!("{here}?after={mid}.{rid}");
        main.put("<a rel=next href=\"{}\">{}</a>", &[&next, &words.say("details.queue.next")]);
    }
    main.put("</nav></div>", &[]);
}

/// Waiting recipients; those that wait for one and the same reason stand together below it.
fn recipient_table(words: &Words, as_of: &AsOf, lines: &[RecipientLine]) -> Html {
    let columns = [
        "recipient.mid",
        "recipient.to",
        "recipient.from",
        "recipient.subject",
        "recipient.accepted",
        "recipient.attempts",
        "recipient.next",
    ];
    let mut html = Html::new();
    table::open(words, "waiting", "details.queue", &columns, &mut html);
    let reasons: Vec<&str> = lines.iter().fold(Vec::new(), |mut reasons, line| {
        if !reasons.contains(&line.why.as_str()) {
            reasons.push(&line.why);
        }
        reasons
    });
    for why in reasons {
        html.add(&reason_row(columns.len(), why));
        for line in lines.iter().filter(|line| line.why == why) {
            html.add(&recipient_row(words, as_of, line));
        }
    }
    table::close(&mut html);
    html
}

fn recipient_row(words: &Words, as_of: &AsOf, line: &RecipientLine) -> Html {
    let sender = match line.sender.as_str() {
        "" => Html::of("<small>{}</small>", &[&words.say("recipient.from.none")]),
        sender => Html::of("{}", &[&sender]),
    };
    let mut html = Html::new();
    html.put("<tr><td class=n><a href=\"{}/{}\">{}</a>", &[&tracking::PATH, &line.mid, &line.mid]);
    html.put("<td class=wrap>{}<td class=wrap>{}", &[&line.recipient, &sender]);
    html.put("<td class=wrap><bdi>{}</bdi>", &[&line.subject]);
    let (octets, attempts) = (words.number(line.bytes), words.number(u64::from(line.attempts)));
    let next = line.next_us.map(|next| instant_and_span(words, as_of, next));
    html.put("<td class=n>{}<td class=n>{}<td class=when>{}", &[&octets, &attempts, &next]);
    html
}

/// A row over all columns that says why those below it wait.
pub(crate) fn reason_row(columns: usize, why: &str) -> Html {
    Html::of("<tr class=cause><th scope=rowgroup colspan=\"{}\"><q>{}</q>", &[&(columns as u64), &why])
}
