//! The state of a destination in words: status, age, reason, next try; and why recipients wait.

use std::net::IpAddr;

use mailreeve_api::explain::pages::page;
use mailreeve_api::format::AsOf;
use mailreeve_api::queue::{CohortLine, DestinationLine, Reason, Wait};

use super::html::{Html, url_word};
use super::instant::{bare_instant, instant, instant_and_span};
use super::words::{Arg, Words, piece};

/// The status as a word with its colour and shape.
pub(crate) fn status(words: &Words, status: &str) -> Html {
    let (class, key) = match status {
        "up" => ("up", "status.up"),
        "down" => ("down", "status.down"),
        _ => ("unknown", "status.unknown"),
    };
    Html::of("<b class=\"st {}\">{}</b>", &[&class, &words.say(key)])
}

/// The status of a destination in its row: the word, its age, and below it the reason and what happens next.
pub(crate) fn latest_status(words: &Words, as_of: &AsOf, line: &DestinationLine) -> Html {
    let mut html = status(words, &line.status);
    let told = line.reason.as_ref().map(|reason| reason.at_us);
    match (&line.was, line.since_us.or(told)) {
        (Some(was), since) => {
            let key = if was == "up" { "status.idle-was-up" } else { "status.idle-was-down" };
            let since = line.last_activity_us.or(since);
            html.put(" <small>{}", &[&words.say(key)]);
            if let Some(since) = since {
                html.put(" {}", &[&words.span(as_of.seconds_since(since))]);
            }
            html.put("</small>", &[]);
        }
        (None, Some(since)) => {
            html.put(" <small>{}</small>", &[&words.span(as_of.seconds_since(since))]);
        }
        (None, None) => {
            let used = line.delivered_recips + line.hard_bounced_recips + line.soft_bounced_evts > 0;
            let key = if used || line.active_recips > 0 { "status.idle" } else { "status.never" };
            if line.active_recips == 0 {
                html.put(" <small>{}</small>", &[&words.say(key)]);
            }
        }
    }
    if line.before_start {
        html.put(" <small>{}</small>", &[&words.say("status.before-start")]);
    }
    if line.suspended.is_none() {
        let next = line.next_attempt_us.filter(|_| line.active_recips > 0);
        if line.trying && line.status != "up" {
            html.put(" <small>· {}</small>", &[&words.say("status.trying")]);
        } else if let Some(next) = next {
            let next = words.tell("status.next", &[("time", Arg::Piece(bare_instant(words, as_of, next)))]);
            html.put(" <small>· {}</small>", &[&next]);
        }
    }
    let remark = remark(words, as_of, line);
    if !remark.is_empty() {
        html.put("<i>{}</i>", &[&remark]);
    }
    html
}

/// What stands below the status: who suspended it; or the failure; or why its mail waits.
fn remark(words: &Words, as_of: &AsOf, line: &DestinationLine) -> Html {
    if let Some((by, since)) = &line.suspended {
        let since = Arg::Piece(instant(words, as_of, *since));
        return words.tell("status.suspended", &[("by", Arg::Text(by)), ("time", since)]);
    }
    match (&line.reason, &line.wait) {
        (Some(reason), _) => cause(words, reason),
        (None, Some(wait)) => waits_for(words, wait),
        (None, None) => Html::new(),
    }
}

/// A failure in words.
pub(crate) fn cause(words: &Words, reason: &Reason) -> Html {
    told(words, &reason.cause, reason.code, &reason.text, reason.address.as_deref())
}

/// Why recipients wait, in words.
pub(crate) fn waits_for(words: &Words, wait: &Wait) -> Html {
    match (wait.why.as_str(), &wait.cause) {
        ("waiting-for-retry" | "host-backoff", Some(cause)) => {
            let text = wait.text.as_deref().unwrap_or_default();
            told(words, cause, wait.code, text, wait.address.as_deref())
        }
        ("waiting-for-retry", None) => words.say("cause.none"),
        (why, _) => {
            let whose = match wait.whose.as_deref() {
                Some("gateway") | None => Arg::Piece(words.say("wait.gateway")),
                Some(whose) => Arg::Text(whose),
            };
            let by = wait.by.as_deref().unwrap_or_default();
            let args =
                [("limit", Arg::Number(wait.limit.unwrap_or(0))), ("whose", whose), ("by", Arg::Text(by))];
            with_help(page_of_wait(wait), words.tell(&format!("wait.{why}"), &args))
        }
    }
}

/// The cause behind a limit or an order.
fn page_of_wait(wait: &Wait) -> &str {
    let is_address = wait.whose.as_deref().is_some_and(|whose| whose.parse::<IpAddr>().is_ok());
    match (wait.why.as_str(), wait.whose.as_deref()) {
        ("suspended", _) => "delivery-suspended",
        ("connection-limit" | "rate-limit", Some("gateway") | None) => "gateway-limit",
        ("connection-limit" | "rate-limit", Some(_)) if is_address => "address-limit",
        ("connection-limit" | "rate-limit", Some(_)) => "destination-limit",
        (why, _) => why,
    }
}

/// A cause with its reply or words and its address. What a peer said stands apart, whatever is in it.
fn told(words: &Words, cause: &str, code: u16, text: &str, address: Option<&str>) -> Html {
    let quoted = match code {
        0 => Html::of("<q>{}</q>", &[&text]),
        code => Html::of("<q>{} {}</q>", &[&u64::from(code), &text]),
    };
    let key = match (cause, address) {
        ("no-route", None) => "cause.no-route-local".to_owned(),
        _ => format!("cause.{cause}"),
    };
    if !words.has(&key) {
        return quoted;
    }
    let address = match address {
        Some(address) => Html::of("{}", &[&address]),
        None => words.say("cause.its-host"),
    };
    let told = words.tell(&key, &[("text", Arg::Piece(quoted)), ("address", Arg::Piece(address))]);
    with_help(cause, told)
}

/// What was told, as a link to the page of its cause when there is one.
fn with_help(cause: &str, told: Html) -> Html {
    match page(cause) {
        // A code is letters and hyphens, and stands without quotes: all rows travel with every page.
        Some(page) => Html::of("<a class=w href={}>{}</a>", &[&page.path(), &told]),
        None => told,
    }
}

/// Recipients that wait for one reason, as a block: how many, where, why, since when, whose, what next.
pub(crate) fn cohort(words: &Words, as_of: &AsOf, line: &CohortLine, details: bool) -> Html {
    let recipients = ("recipients", Arg::Count("recipients", line.recipients));
    let class = match line.wait.why.as_str() {
        "host-backoff" | "spool-space" => "bad",
        _ => "wait",
    };
    let mut html = Html::of("<li class={}><div><b>", &[&class]);
    match &line.hosts[..] {
        [host] if line.destinations == 1 => {
            let host = piece("<span class=m>{}</span>", &[host]);
            html.add(&words.tell("cohort.place-one", &[recipients, ("host", host)]));
        }
        _ => {
            let destinations = ("destinations", Arg::Count("destinations", line.destinations));
            html.add(&words.tell("cohort.place-many", &[recipients, destinations]));
        }
    }
    html.put("</b> · {}", &[&waits_for(words, &line.wait)]);
    if line.wordings > 1 {
        html.put(" ({})", &[&words.tell("cohort.wordings", &[("n", Arg::Number(line.wordings))])]);
    }
    if let Some(since) = line.since_us {
        let since = Arg::Piece(instant_and_span(words, as_of, since));
        html.put(", {}", &[&words.tell("cohort.since", &[("time", since)])]);
    }
    html.put("<p>", &[]);
    let next_key = if line.wait.why == "waiting-for-retry" { "cohort.next-all" } else { "cohort.next" };
    if let Some(next) = line.next_us {
        let next = Arg::Piece(instant_and_span(words, as_of, next));
        html.put("{} ", &[&words.tell(next_key, &[("time", next)])]);
    } else if line.wait.why == "suspended" {
        html.put("{} ", &[&words.say("cohort.resume")]);
    }
    html.add(&words.say(&format!("owner.{}", line.owner)));
    if line.destinations > 1 {
        places(words, line, &mut html);
    }
    html.put("</p></div>", &[]);
    if let [host] = &line.hosts[..]
        && details
    {
        html.put("<a href=\"{}\">{}</a>", &[&details_of(host), &words.say("cohort.explain")]);
    }
    html.put("</li>", &[]);
    html
}

fn places(words: &Words, line: &CohortLine, html: &mut Html) {
    html.put(" <span class=where>", &[]);
    for (number, host) in line.hosts.iter().enumerate() {
        let comma = if number == 0 { "" } else { ", " };
        html.put("{}<a class=m href=\"{}\">{}</a>", &[&comma, &details_of(host), host]);
    }
    if (line.hosts.len() as u64) < line.destinations {
        html.put(" {}", &[&words.say("cohort.more")]);
    }
    html.put("</span>", &[]);
}

/// The address of a destination's details.
pub(crate) fn details_of(host: &str) -> String {
    format!("/monitor/delivery-status/{}", url_word(host))
}
