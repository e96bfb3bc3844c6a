//! Tables in a box of their own, which scrolls when they are too wide for the page.

use super::html::Html;
use super::words::Words;

/// Columns of numbers, which stand below each other digit by digit.
const NUMBERS: [&str; 6] = [
    "details.preference",
    "details.ttl",
    "recipient.mid",
    "recipient.accepted",
    "recipient.attempts",
    "tried.number",
];

/// Opens a table with a heading for each key; `name` is the key of what a screen reader calls it, `class` what the
/// style sheet does.
pub(crate) fn open(words: &Words, class: &'static str, name: &str, columns: &[&str], html: &mut Html) {
    head(words, class, name, columns, html);
    html.put("<tbody>", &[]);
}

/// Opens one whose rows can be walked by keyboard.
pub(crate) fn open_rows(words: &Words, class: &'static str, name: &str, columns: &[&str], html: &mut Html) {
    head(words, class, name, columns, html);
    html.put("<tbody id=rows>", &[]);
}

fn head(words: &Words, class: &'static str, name: &str, columns: &[&str], html: &mut Html) {
    html.put(
        "<div class=\"scroll {}\" tabindex=0 role=region aria-label=\"{}\"><table><thead><tr>",
        &[&class, &words.say(name)],
    );
    for column in columns {
        let class = if NUMBERS.contains(column) { " class=n" } else { "" };
        html.put("<th scope=col{}>{}", &[&class, &words.say(column)]);
    }
    html.put("</thead>", &[]);
}

/// Closes it.
pub(crate) fn close(html: &mut Html) {
    html.put("</tbody></table></div>", &[]);
}
