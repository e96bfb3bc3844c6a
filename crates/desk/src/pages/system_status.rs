//! System > System Status: what `status detail` tells.

use mailreeve_api::counters::SystemCounters;
use mailreeve_api::status::StatusReply;

use super::figures::columns;
use super::frame::{Body, Frame, Place};
use super::html::Html;
use super::instant::instant_and_span;
use super::words::{Arg, Words};

/// Reads one counter.
type Read = fn(&SystemCounters) -> u64;

/// Depth, name, value; without a value it is a heading.
const COUNTERS: [(u8, &str, Option<Read>); 19] = [
    (0, "system.receiving", None),
    (1, "counter.messages", Some(|c| c.inj_msgs)),
    (1, "counter.recipients", Some(|c| c.inj_recips)),
    (1, "counter.generated", Some(|c| c.gen_bounce_recips)),
    (0, "system.rejection", None),
    (1, "counter.rejected", Some(|c| c.rejected_recips)),
    (1, "counter.dropped", Some(|c| c.dropped_msgs)),
    (0, "system.queue", None),
    (1, "counter.soft", Some(|c| c.soft_bounced_evts)),
    (0, "system.completion", None),
    (1, "counter.completed", Some(|c| c.completion.completed())),
    (2, "counter.hard", Some(|c| c.completion.hard())),
    (3, "counter.dns", Some(|c| c.completion.dns_hard_bounced_recips)),
    (3, "counter.5xx", Some(|c| c.completion.five_xx_hard_bounced_recips)),
    (3, "counter.filter", Some(|c| c.completion.filter_hard_bounced_recips)),
    (3, "counter.expired", Some(|c| c.completion.expired_hard_bounced_recips)),
    (3, "counter.other", Some(|c| c.completion.other_hard_bounced_recips)),
    (2, "counter.delivered", Some(|c| c.completion.delivered_recips)),
    (2, "counter.deleted", Some(|c| c.completion.deleted_recips)),
];

/// The system's states as the gateway says them, and their sentences.
const STATES: [(&str, &str); 6] = [
    ("Online", "state.online"),
    ("Offline", "state.offline"),
    ("Storage failed", "state.failed"),
    ("Receiving and delivery suspended (disk space)", "state.reserve"),
    ("Receiving suspended (disk space)", "state.low"),
    ("Receiving suspended (queue full)", "state.full"),
];

/// Makes the page.
pub(crate) fn page(frame: &Frame<'_>, reply: &StatusReply) -> Html {
    let words = frame.words;
    let mut main = Html::of("<h1>{}</h1>", &[&words.say("system.title")]);
    facts(words, reply, &mut main);
    main.put("<div class=pair id=figures>", &[]);
    counters(words, reply, &mut main);
    main.put("<div>", &[]);
    gauges(words, reply, &mut main);
    ids(words, reply, &mut main);
    main.put("</div></div>", &[]);
    rates(words, reply, &mut main);
    frame.page(&Body {
        place: Place::SystemStatus,
        title: words.say("system.title"),
        as_of: Some(&reply.as_of),
        live: Some("/system/status".to_owned()),
        main,
    })
}

fn facts(words: &Words, reply: &StatusReply, main: &mut Html) {
    let as_of = &reply.as_of;
    let shown = |at: Option<u64>, none: &str| match at {
        Some(at) => instant_and_span(words, as_of, at),
        None => words.say(none),
    };
    let state = STATES.iter().find(|(said, _)| *said == reply.system_status);
    let state = match state {
        Some((_, key)) => words.say(key),
        None => Html::of("{}", &[&reply.system_status]),
    };
    let class = if reply.system_status == "Online" { "up" } else { "down" };
    main.put(
        "<dl class=facts id=sub><dt>{}<dd><b class=\"st {}\">{}</b>",
        &[&words.say("system.state"), &class, &state],
    );
    main.put(
        "<dt>{}<dd>{}<dt>{}<dd>{}<dt>{}<dd>{}",
        &[
            &words.say("system.up"),
            &instant_and_span(words, as_of, reply.up_since_us),
            &words.say("system.reset"),
            &shown(reply.last_reset_us, "system.reset.none"),
            &words.say("system.oldest"),
            &shown(reply.oldest_message_us, "details.oldest.none"),
        ],
    );
    if let Some((done, all)) = reply.recovering {
        let args = [("done", Arg::Number(done)), ("all", Arg::Number(all))];
        let says = words.tell("system.recovering.says", &args);
        main.put("<dt>{}<dd>{}", &[&words.say("system.recovering"), &says]);
    }
    for weakness in &reply.durability {
        main.put("<dt>{}<dd><bdi>{}</bdi>", &[&words.say("system.durability"), weakness]);
    }
    for order in &reply.orders {
        let since = instant_and_span(words, as_of, order.since_us);
        main.put("<dt>{}<dd><bdi>{}</bdi> · {}", &[&words.say("system.orders"), &order.text, &since]);
    }
    main.put("</dl>", &[]);
}

fn counters(words: &Words, reply: &StatusReply, main: &mut Html) {
    let spans = [&reply.reset, &reply.uptime, &reply.lifetime];
    let rows: Vec<(u8, &str, Vec<u64>)> = COUNTERS
        .iter()
        .map(|(depth, name, read)| {
            let values = read.map(|read| spans.map(read).to_vec()).unwrap_or_default();
            (*depth, *name, values)
        })
        .collect();
    let names = ["system.column.reset", "system.column.uptime", "system.column.lifetime"];
    main.add(&columns(words, "system.counters", &names, &rows));
}

fn gauges(words: &Words, reply: &StatusReply, main: &mut Html) {
    let gauges = &reply.gauges;
    let rows = [
        (0, "system.connections", None),
        (1, "gauge.conn-in", Some(gauges.conn_in)),
        (1, "gauge.conn-out", Some(gauges.conn_out)),
        (0, "system.queue", None),
        (1, "gauge.active", Some(gauges.active_recips)),
        (2, "gauge.unattempted", Some(gauges.unattempted_recips)),
        (2, "gauge.attempted", Some(gauges.attempted_recips)),
        (1, "gauge.work-queue", Some(gauges.msgs_in_work_queue)),
        (1, "gauge.destinations", Some(gauges.dests_in_memory)),
        (1, "gauge.kb-used", Some(gauges.kbytes_used)),
        (1, "gauge.kb-free", Some(gauges.kbytes_free)),
        (0, "system.resources", None),
        (1, "gauge.ram", Some(gauges.ram_kbytes)),
    ];
    let rows = rows.map(|(depth, name, value)| (depth, name, value.into_iter().collect()));
    main.add(&columns(words, "system.gauges", &["system.now"], &rows));
}

fn ids(words: &Words, reply: &StatusReply, main: &mut Html) {
    let names = ["id.mid", "id.icid", "id.dcid"];
    main.put("<dl class=\"facts ids\">", &[]);
    for (name, id) in names.iter().zip(reply.current_ids) {
        main.put("<dt>{}<dd class=m>{}", &[&words.say(name), &id]);
    }
    main.put("</dl>", &[]);
}

fn rates(words: &Words, reply: &StatusReply, main: &mut Html) {
    let Some(rates) = &reply.rates else { return };
    let known = [
        ("Messages Received", "counter.messages"),
        ("Recipients Received", "counter.recipients"),
        ("Soft Bounced Events", "counter.soft"),
        ("Completed Recipients", "counter.completed"),
        ("Hard Bounced Recipients", "counter.hard"),
        ("Delivered Recipients", "counter.delivered"),
    ];
    let rows: Vec<(u8, &str, Vec<u64>)> = rates
        .iter()
        .map(|rate| {
            let depth = u8::from(rate.name.starts_with(' '));
            let name = rate.name.trim();
            let key = known.iter().find(|(said, _)| *said == name).map_or(name, |(_, key)| key);
            (depth, key, vec![rate.last_1_min, rate.last_5_min, rate.last_15_min])
        })
        .collect();
    let names = ["system.rate.1", "system.rate.5", "system.rate.15"];
    main.put("<div id=rates>{}</div>", &[&columns(words, "system.rates", &names, &rows)]);
}
