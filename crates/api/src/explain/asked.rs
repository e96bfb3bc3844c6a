//! From words to what is asked about.

use std::net::IpAddr;

use super::Explain;
use crate::destination::destination;
use crate::format::in_line;
use crate::mid;
use crate::wire::Problem;

/// A name, address or Message-ID is no longer than this (RFC 5322 section 2.1.1).
const LONGEST: usize = 998;

pub(super) fn parse(words: &[String]) -> Result<Explain, Problem> {
    if let Some(long) = words.iter().find(|word| word.len() > LONGEST) {
        return Err(problem(&format!("`{}...` is too long", long.chars().take(40).collect::<String>())));
    }
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words[..] {
        [] => Err(problem("explain needs to know what to explain")),
        [one] => of_one(one),
        [kind, value] => of_kind(kind, value),
        [first, sender, second, recipient] if is(first, "from") && is(second, "to") => Ok(Explain {
            from: Some(sender_of(sender)?),
            to: Some(mailbox(recipient)?),
            ..Explain::default()
        }),
        [first, recipient, second, sender] if is(first, "to") && is(second, "from") => Ok(Explain {
            from: Some(sender_of(sender)?),
            to: Some(mailbox(recipient)?),
            ..Explain::default()
        }),
        _ => Err(problem(&format!("`{}` is not understood", words.join(" ")))),
    }
}

fn of_one(word: &str) -> Result<Explain, Problem> {
    if let Some(mid) = mid::read(word) {
        return Ok(Explain { mid: Some(mid?), ..Explain::default() });
    }
    if word.starts_with('<') && word.ends_with('>') {
        return Ok(Explain { message_id: Some(message_id(word)?), ..Explain::default() });
    }
    match word.contains('@') {
        true => Ok(Explain { to: Some(mailbox(word)?), ..Explain::default() }),
        false => Ok(Explain { host: Some(host(word)?), ..Explain::default() }),
    }
}

fn of_kind(kind: &str, value: &str) -> Result<Explain, Problem> {
    let number = || match mid::read(value) {
        Some(number) => number,
        None => Err(problem(&format!("`{}` is not a number", in_line(value)))),
    };
    let kind = kind.trim_start_matches("--").to_ascii_lowercase();
    Ok(match kind.as_str() {
        "mid" => Explain { mid: Some(number()?), ..Explain::default() },
        "dcid" => Explain { dcid: Some(number()?), ..Explain::default() },
        "host" | "domain" => Explain { host: Some(host(value)?), ..Explain::default() },
        "message-id" => Explain { message_id: Some(message_id(value)?), ..Explain::default() },
        "from" | "sender" => Explain { from: Some(sender_of(value)?), ..Explain::default() },
        "to" | "recipient" => Explain { to: Some(mailbox(value)?), ..Explain::default() },
        _ => return Err(problem(&format!("`{} {}` is not understood", in_line(&kind), in_line(value)))),
    })
}

fn is(word: &str, name: &str) -> bool {
    word.trim_start_matches("--").eq_ignore_ascii_case(name)
}

/// A mailbox or a domain, without the brackets of a path; nothing for the sender of reports.
fn sender_of(word: &str) -> Result<String, Problem> {
    if word == "<>" { Ok(String::new()) } else { mailbox(word) }
}

/// A mailbox or a domain, without the brackets of a path.
fn mailbox(word: &str) -> Result<String, Problem> {
    let bare = word.strip_prefix('<').and_then(|rest| rest.strip_suffix('>')).unwrap_or(word);
    let (local, domain) = bare.rsplit_once('@').unwrap_or(("", bare));
    // Domains of mailboxes may be written in any script (RFC 6531 section 3.3).
    let is_domain = !domain.is_ascii() || destination(domain).is_ok();
    let is_mailbox = is_domain && (bare == domain || !local.is_empty()) && !has_controls(bare);
    is_mailbox
        .then(|| bare.to_owned())
        .ok_or_else(|| problem(&format!("`{}` is neither a mailbox nor a domain", in_line(word))))
}

fn message_id(word: &str) -> Result<String, Problem> {
    let is_empty = word.trim_matches(['<', '>']).trim().is_empty();
    match is_empty || has_controls(word) {
        true => Err(problem(&format!("`{}` is not a Message-ID", in_line(word)))),
        false => Ok(word.to_owned()),
    }
}

/// A domain in the form in which destinations are known; an address without brackets stays one.
fn host(word: &str) -> Result<String, Problem> {
    match word.parse::<IpAddr>() {
        Ok(address) => Ok(address.to_string()),
        Err(_) => destination(word)
            .map_err(|_| problem(&format!("`{}` is neither a domain nor a mail server", in_line(word)))),
    }
}

fn has_controls(text: &str) -> bool {
    text.chars().any(char::is_control)
}

fn problem(message: &str) -> Problem {
    Problem::new(
        message,
        "a MID, a recipient, a domain, a Message-ID in angle brackets, `dcid N`, or `from SENDER to RECIPIENT`",
    )
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn asked(text: &str) -> Result<Explain, Problem> {
        parse(&text.split(' ').map(str::to_owned).collect::<Vec<_>>())
    }

    #[test]
    fn each_kind_of_question_is_understood() {
        let none = Explain::default;
        let text = |text: &str| Some(text.to_owned());
        let table = [
            ("7", Explain { mid: Some(7), ..none() }),
            ("mid 7", Explain { mid: Some(7), ..none() }),
            ("DCID 9", Explain { dcid: Some(9), ..none() }),
            ("<7@b.example>", Explain { message_id: text("<7@b.example>"), ..none() }),
            ("message-id 7@b.example", Explain { message_id: text("7@b.example"), ..none() }),
            ("x@a.example", Explain { to: text("x@a.example"), ..none() }),
            ("A.Example.", Explain { host: text("a.example"), ..none() }),
            ("192.0.2.7", Explain { host: text("192.0.2.7"), ..none() }),
            ("host 7.example", Explain { host: text("7.example"), ..none() }),
            ("--from <s@b.example>", Explain { from: text("s@b.example"), ..none() }),
            (
                "--from s@b.example --to x@a.example",
                Explain { from: text("s@b.example"), to: text("x@a.example"), ..none() },
            ),
            (
                "to a.example from b.example",
                Explain { from: text("b.example"), to: text("a.example"), ..none() },
            ),
        ];
        for (words, expected) in table {
            assert_eq!(asked(words).unwrap(), expected, "{words}");
        }
        assert_eq!(asked("from <>").unwrap(), Explain { from: text(""), ..none() });
        assert_eq!(asked("x@b\u{fc}r.example").unwrap().to, text("x@b\u{fc}r.example"));
        for wrong in [
            "mid x",
            "what now",
            "from a to",
            "a b c d",
            "from a b c d",
            "xn--",
            "-",
            "a..example",
            "99999999999999999999",
            "mid 99999999999999999999",
            "dcid -1",
            "\u{1b}[2J",
            "x@a\u{7}.example",
            "x\n@a.example",
            "@a.example",
            "x@",
            "to <>",
            "<>",
            "message-id <\u{1}>",
        ] {
            let problem = asked(wrong).unwrap_err();
            assert!(problem.hint.is_some(), "{wrong}");
            assert!(!problem.message.contains('\u{1b}'), "{wrong:?}");
        }
        assert!(parse(&["x".repeat(2_000)]).is_err() && parse(&[]).is_err());
    }
}
