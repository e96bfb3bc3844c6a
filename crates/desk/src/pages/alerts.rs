//! System > Alerts.

use mailreeve_api::alerts::AlertsReply;

use super::frame::{Body, Frame, Place};
use super::html::Html;
use super::instant::instant_and_span;
use super::table;
use super::words::Arg;

/// Alerts of the page.
pub(crate) const ALERTS: usize = 200;

/// Makes the page.
pub(crate) fn page(frame: &Frame<'_>, reply: &AlertsReply) -> Html {
    let words = frame.words;
    let sub = words.tell("alerts.sub", &[("n", Arg::Number(ALERTS as u64))]);
    let mut main =
        Html::of("<h1>{}</h1><p class=sub>{}</p><div id=rows>", &[&words.say("alerts.title"), &sub]);
    if reply.alerts.is_empty() {
        let (none, says) = (words.say("alerts.none"), words.say("alerts.none.says"));
        main.put("<p class=empty><strong>{}</strong> {}</p>", &[&none, &says]);
    } else {
        let columns = ["alerts.when", "alerts.severity", "alerts.what", "alerts.do"];
        table::open(words, "alerts", "alerts.title", &columns, &mut main);
        for alert in &reply.alerts {
            let (class, key) = match alert.severity.as_str() {
                "Critical" => ("down", "severity.critical"),
                "Warning" => ("unknown", "severity.warning"),
                _ => ("note", "severity.information"),
            };
            let at = instant_and_span(words, &reply.as_of, alert.at_us);
            main.put("<tr><td>{}<td><b class=\"st {}\">{}</b>", &[&at, &class, &words.say(key)]);
            main.put(
                "<td class=wrap><bdi>{}</bdi> <code>{}</code><td class=wrap><bdi>{}</bdi>",
                &[&alert.text, &alert.code, &alert.hint],
            );
        }
        table::close(&mut main);
    }
    main.put("</div>", &[]);
    let title = words.say("alerts.title");
    frame.page(&Body {
        place: Place::Alerts,
        title,
        as_of: Some(&reply.as_of),
        live: Some("/system/alerts".to_owned()),
        main,
    })
}
