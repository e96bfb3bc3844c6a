//! The catalogue and the pages: no sentence outside of it, none in it that nobody says.

use std::sync::LazyLock;

use super::*;

static PSEUDO: LazyLock<Words> = LazyLock::new(Words::pseudo);

/// Sources of the pages, tests left out.
const SOURCES: [&str; 22] = [
    include_str!("../alerts.rs"),
    include_str!("../attempts.rs"),
    include_str!("../conversation.rs"),
    include_str!("../delivery_status.rs"),
    include_str!("../destination.rs"),
    include_str!("../explain.rs"),
    include_str!("../figures.rs"),
    include_str!("../frame.rs"),
    include_str!("../help.rs"),
    include_str!("../instant.rs"),
    include_str!("../login.rs"),
    include_str!("../probe.rs"),
    include_str!("../retried.rs"),
    include_str!("../routes.rs"),
    include_str!("../state.rs"),
    include_str!("../system_status.rs"),
    include_str!("../table.rs"),
    include_str!("../timeline.rs"),
    include_str!("../tracking.rs"),
    include_str!("../trouble.rs"),
    include_str!("../way.rs"),
    include_str!("../why.rs"),
];

/// Everything that a reader sees or hears: text between tags and the attributes that are read out.
fn readable(html: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut rest = html;
    while let Some((text, after)) = rest.split_once('<') {
        found.push(text.to_owned());
        let (tag, after) = after.split_once('>').unwrap_or((after, ""));
        const ATTRIBUTES: [&str; 8] = [
            " title=\"",
            " aria-label=\"",
            " placeholder=\"",
            " data-lost=\"",
            " data-again=\"",
            " data-many=\"",
            " data-over=\"",
            " data-enter=\"",
        ];
        for name in ATTRIBUTES {
            let value = tag.split_once(name).and_then(|(_, value)| value.split('"').next());
            found.extend(value.map(str::to_owned));
        }
        rest = after;
    }
    found
}

/// A page without what stands in it of the documentation, which has a language of its own.
fn without_documents(html: &str) -> String {
    let mut kept = String::new();
    let mut rest = html;
    while let Some((before, after)) = rest.split_once(" lang=en>") {
        kept.push_str(before);
        kept.push('>');
        let ends = ["</article>", "</dl>"];
        let end = ends.iter().filter_map(|end| after.find(end)).min().unwrap_or(after.len());
        rest = &after[end..];
    }
    kept + rest
}

/// Names that are the same in every language, and network addresses.
fn is_a_name(text: &str) -> bool {
    const NAMES: [&str; 10] = [
        "Mailreeve",
        "mail.example.com",
        "ann",
        "EDT",
        "UTC",
        "spool-low",
        "connect-refused",
        "tls-certificate-expired",
        "the.encryption.queue",
        "2001:db8::7",
    ];
    let bare = text.trim_matches(|letter: char| !letter.is_alphanumeric());
    !bare.contains(|letter: char| letter.is_ascii_alphabetic()) || NAMES.contains(&bare)
}

#[test]
fn no_sentence_stands_outside_the_catalogue() {
    // Foreign text is written in letters that are not ASCII, so that what is left in ASCII is ours.
    let foreign = |text: &str| {
        text.chars().map(|letter| if letter.is_ascii_alphabetic() { 'ж' } else { letter }).collect()
    };
    for (name, page) in every_page(&PSEUDO, &foreign) {
        let mut depth = 0_i32;
        for text in readable(&without_documents(&page.into_string())) {
            let mut outside = String::new();
            for letter in text.chars() {
                match letter {
                    '⟦' => depth += 1,
                    '⟧' => depth -= 1,
                    other if depth == 0 => outside.push(other),
                    _ => {}
                }
            }
            let outside =
                outside.replace("&quot;", "").replace("&#39;", "").replace("&lt;", "").replace("&gt;", "");
            assert!(is_a_name(&outside), "{name}: {outside:?} in {text:?}");
        }
        assert_eq!(depth, 0, "{name}");
    }
}

#[test]
fn every_sentence_is_said_somewhere() {
    // Keys that are put together from a code: the beginning is in the source.
    let made = [
        "cause.",
        "wait.",
        "owner.",
        "month.",
        "column.",
        "trouble.",
        "number.",
        "span.",
        "track.",
        "stage.",
        "times.",
        "change.",
        "deed.",
        "probe.stage.",
    ];
    let counted = |key: &str| key.split('[').next().unwrap_or_default().to_owned();
    for (key, _) in Words::english().all() {
        let base = counted(key);
        let base = base.strip_suffix(".says").or(base.strip_suffix(".nothing")).unwrap_or(&base);
        let known = made.iter().any(|beginning| key.starts_with(beginning));
        let quoted = format!("\"{base}\"");
        assert!(known || SOURCES.iter().any(|source| source.contains(&quoted)), "nobody says {key}");
    }
}

#[test]
fn everything_that_is_said_has_a_sentence() {
    let english = Words::english();
    let said = |source: &'static str, call: &'static str| {
        source.split(call).skip(1).filter_map(|rest| rest.split('"').next())
    };
    for source in SOURCES {
        for key in [".say(\"", ".tell(\""].into_iter().flat_map(|call| said(source, call)) {
            assert!(english.all().any(|(known, _)| known == key), "no sentence for {key}");
        }
    }
}

#[test]
fn no_page_shows_a_key() {
    let keys: Vec<_> = [
        "delivery.",
        "column.",
        "cause.",
        "wait.",
        "details.",
        "status.",
        "owner.",
        "deed.",
        "stage.",
        "frame.",
        "times.",
        "change.",
    ]
    .into();
    for (name, page) in every_page(Words::english(), &str::to_owned) {
        for text in readable(&page.into_string()) {
            assert!(!keys.iter().any(|key| text.trim().starts_with(key)), "{name}: {text}");
        }
    }
}
