//! The corpus of real bounces: where it is, the replies in it, and what people read in them.

use mailreeve_core::event::Stage;
use mailreeve_core::explain::Finding;

/// A refusing reply.
pub(crate) struct Reply {
    pub(crate) code: u16,
    pub(crate) status: Option<(u8, u16, u16)>,
    pub(crate) stage: Stage,
    pub(crate) text: String,
}

/// What a person reads in a reply.
pub(crate) struct Label<'a> {
    pub(crate) name: &'a str,
    pub(crate) finding: &'a str,
    /// Never, or later.
    pub(crate) hard: Option<bool>,
}

/// Lines `FILE#N CLASS`, and `FILE#N CLASS hard|soft`.
pub(crate) fn labels(text: &str) -> Vec<Label<'_>> {
    let line = |line| {
        let mut words = str::split_whitespace(line);
        let (name, finding) = (words.next()?, words.next()?);
        assert!(Finding::from_code(finding).is_some(), "{finding} is no finding");
        Some(Label { name, finding, hard: words.next().map(|hardness| hardness == "hard") })
    };
    text.lines().filter(|line| !line.starts_with('#')).filter_map(line).collect()
}

/// The refusing replies that a bounce quotes: its diagnostic codes, else the first line of a known kind.
pub(crate) fn replies(octets: &[u8]) -> Vec<Reply> {
    let text = String::from_utf8_lossy(octets).replace("\r\n", "\n").replace('\r', "\n").replace("=\n", "");
    let mut found = Vec::new();
    let unfolded = text.replace("\n ", " ").replace("\n\t", " ");
    for line in unfolded.lines() {
        let Some((name, value)) = line.split_once(':') else { continue };
        if name.eq_ignore_ascii_case("diagnostic-code") {
            let value =
                value.split_once(';').filter(|(kind, _)| kind.len() < 24).map_or(value, |(_, value)| value);
            found.extend(reply_in(value));
        }
    }
    if found.is_empty() {
        const BEFORE: [&str; 5] = ["said: ", "<<< ", "]: ", "reason: ", ">: "];
        let quoted = text.lines().filter(|line| !line.starts_with("Received")).find_map(|line| {
            let line = line.trim();
            let after = BEFORE.iter().find_map(|mark| line.split_once(mark).map(|(_, after)| after));
            after.and_then(reply_at_start).or_else(|| reply_at_start(line))
        });
        found.extend(quoted);
    }
    found
}

fn reply_in(value: &str) -> Option<Reply> {
    let value = value.split_whitespace().collect::<Vec<_>>().join(" ");
    reply_at_start(&value).or_else(|| {
        let after = value.split_once("said: ").map(|(_, after)| after);
        let quoted = value.split_once("error ").map(|(_, after)| after);
        after.or(quoted).and_then(reply_at_start)
    })
}

/// `550 5.1.1 text`, `550-5.1.1 text 550 5.1.1 more text`.
fn reply_at_start(line: &str) -> Option<Reply> {
    let code: u16 = line.get(..3)?.parse().ok().filter(|code| (400..600).contains(code))?;
    let rest = line[3..].strip_prefix(['-', ' ']).unwrap_or_else(|| line[3..].trim_start());
    if line.len() == 3 || line.as_bytes()[3].is_ascii_digit() {
        return None;
    }
    let rest = rest.trim_start_matches(['\'', '=', ' ', '#']);
    let again = [format!("{code}-"), format!("{code} ")];
    let rest = again.iter().fold(rest.to_owned(), |rest, mark| rest.replace(mark.as_str(), ""));
    let status =
        rest.split(|letter: char| letter != '.' && !letter.is_ascii_digit()).next().and_then(|word| {
            let parts: Vec<u16> = word.split('.').filter_map(|part| part.parse().ok()).collect();
            let [class @ (4 | 5), subject, detail] = parts[..] else { return None };
            Some((class as u8, subject, detail))
        });
    let lower = rest.to_lowercase();
    let stage = match () {
        () if lower.contains("data command") => Stage::Final,
        () if lower.contains("mail from command") => Stage::Mail,
        () => Stage::Rcpt,
    };
    Some(Reply { code, status, stage, text: rest })
}
