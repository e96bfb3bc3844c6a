//! Text from elsewhere that wants to be markup stays text.

use super::*;

const PAYLOADS: [&str; 10] = [
    "<script>alert(1)</script>",
    "\"><img src=x onerror=alert(1)>",
    "' onmouseover='alert(1)",
    "javascript:alert(1)",
    "</title><svg/onload=alert(1)>",
    "{{7*7}}${7*7}<%=7*7%>{}{n}",
    "\u{1b}]0;x\u{7}\u{1b}[2J",
    "\u{202e}gnp.exe",
    "a\r\nSet-Cookie: x=1",
    "`id`;$(id)|id &amp; &#x3c;",
];

/// Names of elements and attributes, in order; values are left out.
fn skeleton(html: &str) -> Vec<String> {
    let mut tags = Vec::new();
    let mut rest = html;
    while let Some((_, after)) = rest.split_once('<') {
        let (mut name, mut quoted, mut end) = (String::new(), false, after.len());
        for (index, letter) in after.char_indices() {
            match letter {
                '"' => quoted = !quoted,
                '>' if !quoted => {
                    end = index;
                    break;
                }
                other if !quoted => name.push(other),
                _ => {}
            }
        }
        tags.push(name);
        rest = &after[end..];
    }
    tags
}

#[test]
fn no_text_changes_the_elements_of_a_page() {
    let plain: Vec<_> = every_page(Words::english(), &str::to_owned)
        .into_iter()
        .map(|(name, page)| (name, skeleton(&page.into_string())))
        .collect();
    for payload in PAYLOADS {
        let hostile = |text: &str| format!("{payload}{text}{payload}");
        for ((name, page), (_, expected)) in every_page(Words::english(), &hostile).into_iter().zip(&plain) {
            assert_eq!(&skeleton(&page.into_string()), expected, "{name} with {payload:?}");
        }
    }
}

#[test]
fn every_value_comes_back_as_it_was_but_for_what_is_not_to_be_seen() {
    for payload in PAYLOADS {
        let hostile = |text: &str| format!("{payload}{text}");
        let page = delivery_status::page(&frame(Words::english()), &replies::delivery_status(&hostile), None);
        let html = page.into_string();
        let host = html.split("<tr").nth(3).and_then(|row| row.split("\">").nth(1)?.split("</a>").next());
        let back = host.unwrap_or_default().replace("&lt;", "<").replace("&gt;", ">");
        let back =
            back.replace("&quot;", "\"").replace("&#39;", "'").replace("&#10;", "\n").replace("&amp;", "&");
        let hidden = |letter: char| (letter.is_control() && letter != '\n') || letter == '\u{202e}';
        assert_eq!(back, hostile("a.example").replace(hidden, "\u{fffd}"), "{payload:?}");
    }
}

#[test]
fn no_page_holds_a_script_or_a_style_or_calls_elsewhere() {
    for (name, page) in every_page(Words::english(), &str::to_owned) {
        let html = page.into_string();
        let scripts: Vec<_> = html.split("<script").skip(1).collect();
        assert!(
            scripts.iter().all(|it| it.starts_with(" src=\"/assets/mailreeve.js\" defer></script>")),
            "{name}"
        );
        for forbidden in ["<style", " style=", " onclick", "javascript:", "http://", "https://", "src=\"//"] {
            assert!(!html.contains(forbidden), "{name}: {forbidden}");
        }
    }
}
