//! Numbers with their names, indented where one is a part of the one above.

use super::html::Html;
use super::words::Words;

/// How deep, the key of its name, its value.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Figure(pub(crate) u8, pub(crate) &'static str, pub(crate) u64);

/// A list of figures under a heading.
pub(crate) fn figures(words: &Words, heading: &str, sub: &str, rows: &[Figure]) -> Html {
    let mut html = Html::of(
        "<table class=figures><caption>{} <small>{}</small></caption><tbody>",
        &[&words.say(heading), &words.say(sub)],
    );
    for Figure(depth, name, value) in rows {
        html.put(
            "<tr><th scope=row class=\"d{}\">{}<td>{}",
            &[&u64::from(*depth), &words.say(name), &words.number(*value)],
        );
    }
    html.put("</tbody></table>", &[]);
    html
}

/// A table of figures in several columns: the keys of the columns, then rows; a row without values is a heading.
pub(crate) fn columns(words: &Words, heading: &str, names: &[&str], rows: &[(u8, &str, Vec<u64>)]) -> Html {
    let mut html =
        Html::of("<table class=figures><caption>{}</caption><thead><tr><td>", &[&words.say(heading)]);
    for name in names {
        html.put("<th scope=col>{}", &[&words.say(name)]);
    }
    html.put("</thead><tbody>", &[]);
    for (depth, name, values) in rows {
        let name = words.say(name);
        if values.is_empty() {
            html.put(
                "<tr class=part><th scope=rowgroup colspan=\"{}\">{}",
                &[&(names.len() as u64 + 1), &name],
            );
            continue;
        }
        html.put("<tr><th scope=row class=\"d{}\">{}", &[&u64::from(*depth), &name]);
        for value in values {
            html.put("<td>{}", &[&words.number(*value)]);
        }
    }
    html.put("</tbody></table>", &[]);
    html
}
