//! Monitor > Delivery Status: why mail waits, and below it the destinations.

use mailreeve_api::queue::{CohortLine, Column, DeliveryStatusReply, DestinationLine, Direction, Totals};

use super::frame::{Body, Frame, Place};
use super::html::{Html, url_word};
use super::instant::instant;
use super::retried::{Ends, Retried, retry_form, said};
use super::state::{cohort, latest_status};
use super::words::{Arg, Words};

/// Rows of a page of the table.
pub(crate) const ROWS: usize = 150;
/// Reasons that are always in sight.
const REASONS: usize = 6;
/// Where the page is.
pub(crate) const PATH: &str = "/monitor/delivery-status";

/// Makes the page.
pub(crate) fn page(frame: &Frame<'_>, reply: &DeliveryStatusReply, done: Option<&Retried>) -> Html {
    let words = frame.words;
    let mut main = Html::of("<h1>{}</h1>", &[&words.say("delivery.title")]);
    main.put("<p class=sub id=sub>{}</p>", &[&summary(words, reply)]);
    main.add(&said(words, done, Ends::of_all(reply)));
    main.add(&news(words, &reply.totals));
    reasons(words, reply, &mut main);
    bar(frame, reply, &mut main);
    list(words, reply, &mut main);
    main.put("<p class=keys>{}</p>", &[&words.say("delivery.keys")]);
    frame.page(&Body {
        place: Place::DeliveryStatus,
        title: words.say("delivery.title"),
        as_of: Some(&reply.as_of),
        live: Some(Retried::address(done, back(reply))),
        main,
    })
}

/// The table, or what stands in its place.
fn list(words: &Words, reply: &DeliveryStatusReply, main: &mut Html) {
    main.put("<div id=list>", &[]);
    let is_first = reply.filter.is_empty() && reply.destinations.iter().all(|line| line.system);
    if is_first {
        main.put("<p class=empty>{}</p>", &[&words.say("delivery.first")]);
    } else if reply.destinations.is_empty() {
        let none = words.tell("delivery.none", &[("filter", Arg::Text(&reply.filter))]);
        main.put("<p class=empty>{}</p>", &[&none]);
    }
    if !reply.destinations.is_empty() {
        table(words, reply, main);
        pager(words, reply, main);
    }
    main.put("</div>", &[]);
}

fn summary(words: &Words, reply: &DeliveryStatusReply) -> Html {
    let totals = &reply.totals;
    let waiting = Arg::Count("recipients", totals.active_recips);
    let destinations = Arg::Count("destinations", totals.destinations);
    let mut html = match reply.counted_since_us {
        Some(since) => {
            let since = Arg::Piece(instant(words, &reply.as_of, since));
            let key = if totals.active_recips == 0 { "delivery.sub-empty" } else { "delivery.sub" };
            words.tell(key, &[("waiting", waiting), ("destinations", destinations), ("since", since)])
        }
        None => words.tell("delivery.sub-ever", &[("waiting", waiting), ("destinations", destinations)]),
    };
    if let Some((done, all)) = reply.recovering {
        let args = [("done", Arg::Number(done)), ("all", Arg::Number(all))];
        html.put(" <strong>{}</strong>", &[&words.tell("delivery.recovering", &args)]);
    }
    html
}

/// What a screen reader hears when it changes.
fn news(words: &Words, totals: &Totals) -> Html {
    let args =
        [("recipients", Arg::Count("recipients", totals.active_recips)), ("down", Arg::Number(totals.down))];
    Html::of("<p class=vh id=news role=status>{}</p>", &[&words.tell("delivery.news", &args)])
}

fn reasons(words: &Words, reply: &DeliveryStatusReply, main: &mut Html) {
    main.put("<section id=reasons aria-label=\"{}\">", &[&words.say("delivery.reasons")]);
    let held = held(words, reply);
    if !reply.cohorts.is_empty() || !held.is_empty() {
        // One more than there is room for is no reason to fold.
        let room = if reply.cohorts.len() > REASONS + 1 { REASONS } else { reply.cohorts.len() };
        let (first, others) = reply.cohorts.split_at(room);
        main.put("<ul class=reasons>{}", &[&held]);
        for line in first {
            main.add(&cohort(words, &reply.as_of, line, true));
        }
        main.put("</ul>", &[]);
        folded(words, reply, others, main);
    }
    let also = [("delivery.moving", reply.totals.moving_recips), ("delivery.others", reply.others_waiting)];
    main.put("<p class=also>", &[]);
    for (key, number) in also.into_iter().filter(|(_, number)| *number > 0) {
        main.put("{} ", &[&words.tell(key, &[("recipients", Arg::Count("recipients", number))])]);
    }
    main.put("</p>", &[]);
    main.put("</section>", &[]);
}

/// Reasons of fewer recipients, to be opened.
fn folded(words: &Words, reply: &DeliveryStatusReply, others: &[CohortLine], main: &mut Html) {
    if others.is_empty() {
        return;
    }
    let recipients = Arg::Count("recipients", others.iter().map(|line| line.recipients).sum());
    let args = [("reasons", Arg::Count("reasons", others.len() as u64)), ("recipients", recipients)];
    main.put(
        "<details class=more><summary>{}</summary><ul class=reasons>",
        &[&words.tell("delivery.more", &args)],
    );
    for line in others {
        main.add(&cohort(words, &reply.as_of, line, true));
    }
    main.put("</ul></details>", &[]);
}

/// What waits in the work queue, or will: who paused it, since when, and what ends that.
fn held(words: &Words, reply: &DeliveryStatusReply) -> Html {
    let held = &reply.work_queue;
    let messages = ("messages", Arg::Count("messages", held.messages));
    let Some(by) = &held.paused_by else {
        return match held.messages {
            0 => Html::new(),
            _ => {
                Html::of("<li class=wait><div>{}</div>", &[&words.tell("delivery.held-leaving", &[messages])])
            }
        };
    };
    let since = held.since_us.map_or_else(Html::new, |since| instant(words, &reply.as_of, since));
    let args = [messages, ("by", Arg::Text(by)), ("time", Arg::Piece(since))];
    let key = if held.messages == 0 { "delivery.held-none" } else { "delivery.held" };
    let mut html = Html::of("<li class=bad><div>{}", &[&words.tell(key, &args)]);
    if let Some(reason) = held.reason.as_ref().filter(|reason| !reason.is_empty()) {
        html.put(" <q>{}</q>", &[reason]);
    }
    html.put("<p>{}</p></div>", &[&words.say("delivery.held-end")]);
    html
}

fn bar(frame: &Frame<'_>, reply: &DeliveryStatusReply, main: &mut Html) {
    let words = frame.words;
    main.put("<div class=bar>", &[]);
    if frame.operates {
        let waiting = reply.totals.active_recips;
        main.add(&retry_form(frame, None, waiting, "delivery.retry-all", &back(reply)));
    }
    main.put(
        "<form class=filter action=\"{}\" role=search><input type=hidden name=sort value=\"{}\">\
         <input type=hidden name=direction value=\"{}\"><input name=filter value=\"{}\" aria-label=\"{}\" \
         placeholder=\"{}\" maxlength=255 autocomplete=off spellcheck=false> <button>{}</button></form></div>",
        &[
            &PATH,
            &reply.sort.word(),
            &reply.direction.word(),
            &reply.filter,
            &words.say("delivery.filter"),
            &words.say("delivery.filter"),
            &words.say("delivery.filter.do"),
        ],
    );
    if !reply.filter.is_empty() {
        let matching = Arg::Count("destinations", reply.matching as u64);
        let kept = [("matching", matching), ("filter", Arg::Text(&reply.filter))];
        let all = link(reply.sort, reply.direction, "", 0);
        main.put(
            "<p class=also id=kept>{} <a href=\"{}\">{}</a></p>",
            &[&words.tell("delivery.filter.keep", &kept), &all, &words.say("delivery.filter.clear")],
        );
    }
}

fn table(words: &Words, reply: &DeliveryStatusReply, main: &mut Html) {
    main.put("<div class=scroll tabindex=0 role=region aria-label=\"{}\">", &[&words.say("delivery.table")]);
    main.put("<table class=hosts><caption>{}</caption><thead><tr>", &[&words.say("delivery.heading")]);
    for (name, column) in Column::ALL {
        heading(words, reply, name, column, main);
    }
    main.put("</tr></thead><tbody id=rows>", &[]);
    for line in &reply.destinations {
        row(words, reply, line, main);
    }
    main.put("</tbody></table></div>", &[]);
}

fn heading(words: &Words, reply: &DeliveryStatusReply, name: &str, column: Column, main: &mut Html) {
    let sorted = reply.sort == column;
    let (aria, arrow, next) = match (sorted, reply.direction) {
        (true, Direction::Ascending) => (" aria-sort=ascending", "\u{a0}▲", Direction::Descending),
        (true, Direction::Descending) => (" aria-sort=descending", "\u{a0}▼", Direction::Ascending),
        (false, _) => ("", "", column.usual()),
    };
    let href = link(column, next, &reply.filter, 0);
    let (text, help) = (words.say(&format!("column.{name}")), words.say(&format!("column.{name}.help")));
    main.put(
        "<th scope=col{}><a href=\"{}\">{}</a>{}<span class=help tabindex=0 role=note aria-label=\"{}\" title=\"{}\">?</span></th>",
        &[&aria, &href, &text, &arrow, &help, &help],
    );
}

/// Closing tags that HTML does not need are left out and links are relative: all rows travel with every page.
fn row(words: &Words, reply: &DeliveryStatusReply, line: &DestinationLine, main: &mut Html) {
    let class = match (line.status.as_str(), line.active_recips, line.system) {
        ("down", ..) => " class=down",
        ("unknown", 1.., _) => " class=unsure",
        (_, _, true) => " class=sys",
        _ => "",
    };
    let status = latest_status(words, &reply.as_of, line);
    main.put(
        "<tr{}><th><a href=\"delivery-status/{}\">{}</a><td>{}",
        &[&class, &url_word(&line.host), &line.host, &status],
    );
    let numbers = [
        line.active_recips,
        line.conn_out,
        line.delivered_recips,
        line.soft_bounced_evts,
        line.hard_bounced_recips,
    ];
    for number in numbers {
        main.put("<td>{}", &[&words.number(number)]);
    }
}

fn pager(words: &Words, reply: &DeliveryStatusReply, main: &mut Html) {
    let shown = reply.destinations.len();
    let totals = &reply.totals;
    main.put("<nav class=pager id=pager aria-label=\"{}\">", &[&words.say("delivery.pages")]);
    let range = [
        ("first", Arg::Number(reply.offset as u64 + 1)),
        ("last", Arg::Number((reply.offset + shown) as u64)),
        ("all", Arg::Number(reply.matching as u64)),
    ];
    main.put("<span>{}</span>", &[&words.tell("delivery.range", &range)]);
    let to = |offset| link(reply.sort, reply.direction, &reply.filter, offset);
    if reply.offset > 0 {
        let before = to(reply.offset.saturating_sub(ROWS));
        main.put(" <a rel=prev href=\"{}\">{}</a>", &[&before, &words.say("delivery.previous")]);
    }
    if reply.offset + shown < reply.matching {
        let after = to(reply.offset + ROWS);
        main.put(" <a rel=next href=\"{}\">{}</a>", &[&after, &words.say("delivery.next")]);
    }
    let states = [
        ("up", Arg::Number(totals.up)),
        ("down", Arg::Number(totals.down)),
        ("unknown", Arg::Number(totals.unknown)),
    ];
    main.put("<span class=states>{}</span></nav>", &[&words.tell("delivery.up-down", &states)]);
}

fn back(reply: &DeliveryStatusReply) -> String {
    link(reply.sort, reply.direction, &reply.filter, reply.offset)
}

/// The address of this page in one state; what is usual is left out.
pub(crate) fn link(sort: Column, direction: Direction, filter: &str, offset: usize) -> String {
    let mut query = Vec::new();
    if sort != Column::default() || direction != sort.usual() {
        query.push(format!("sort={}", sort.word()));
    }
    if direction != sort.usual() {
        query.push(format!("direction={}", direction.word()));
    }
    if !filter.is_empty() {
        query.push(format!("filter={}", url_word(filter)));
    }
    if offset > 0 {
        query.push(format!("offset={offset}"));
    }
    if query.is_empty() { PATH.to_owned() } else { format!("{PATH}?{}", query.join("&")) }
}
