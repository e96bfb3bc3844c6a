//! What is told when a command cannot be given, held over the whole registry: the exit code, what is wrong, and what
//! to do, as text and as JSON.
#![allow(clippy::unwrap_used)]

use std::path::Path;

use mailreeve_api::command::Entry;
use mailreeve_api::registry::COMMANDS;
use mailreeve_cli::{Exit, Invocation, run};

/// How a command ends that is given to a gateway that is not there: exit code, message and hint.
fn given(words: &[String]) -> (Exit, String, String) {
    let binary = clap::Command::new("mailreeve");
    let invocation = Invocation {
        words,
        json: false,
        socket: Path::new("/nowhere/socket"),
        terminal: false,
        asks: false,
        doubt: None,
        binary: &binary,
    };
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let exit = run(&invocation, &mut out, &mut err).unwrap();
    let text = String::from_utf8(err).unwrap();
    assert!(out.is_empty() && text.is_ascii(), "{words:?}: {text}");
    let (message, hint) = text.split_once('\n').unwrap_or((&text, ""));
    let message = message.strip_prefix("error: ").unwrap_or_default().to_owned();
    let hint = hint.trim_end().strip_prefix("hint:  ").unwrap_or_default().to_owned();
    assert!(!message.is_empty() && !hint.is_empty() && !hint.contains('\n'), "{words:?}: {text}");

    let (mut out, mut err) = (Vec::new(), Vec::new());
    let same = run(&Invocation { json: true, ..invocation }, &mut out, &mut err).unwrap();
    let told: serde_json::Value = serde_json::from_slice(&out).unwrap();
    assert!(same == exit && err.is_empty(), "{words:?}");
    assert_eq!(
        (&told["error"]["message"], &told["error"]["hint"]),
        (&message.clone().into(), &hint.clone().into())
    );
    assert!(told["error"]["kind"].is_string());
    (exit, message, hint)
}

fn words(text: &str) -> Vec<String> {
    text.split_whitespace().map(str::to_owned).collect()
}

fn own(entry: &Entry) -> Vec<String> {
    words(entry.spec.words)
}

#[test]
fn an_argument_that_is_missing_is_told_with_an_example() {
    for entry in COMMANDS {
        let missing = (entry.parse)(&[]).is_err();
        let needed = entry.spec.arguments.iter().any(|argument| argument.required);
        assert!(needed || !missing, "{} says that it needs nothing", entry.spec.words);
        if missing {
            let (exit, message, hint) = given(&own(entry));
            assert_eq!(exit, Exit::Usage, "{}", entry.spec.words);
            assert!(message.contains(entry.spec.words) && message.contains("need"), "{message}");
            assert!(hint.contains(entry.spec.words) || hint.contains('`'), "{message}: {hint}");
        }
    }
}

#[test]
fn a_word_too_many_is_named() {
    for entry in COMMANDS {
        let surplus = ["one", "two", "three", "four"].map(str::to_owned);
        let (exit, message, _) = given(&[words(entry.spec.example), surplus.to_vec()].concat());
        assert_eq!(exit, Exit::Usage, "{}", entry.spec.words);
        assert!(message.contains(entry.spec.words) || message.contains('`'), "{message}");
    }
}

#[test]
fn a_choice_that_is_none_is_told_with_the_choices() {
    for entry in COMMANDS {
        let Some(first) = entry.spec.arguments.first().filter(|first| first.choices.len() > 1) else {
            continue;
        };
        let (exit, message, hint) = given(&[own(entry), words("nonsense")].concat());
        assert_eq!(exit, Exit::Usage, "{}", entry.spec.words);
        let told = format!("{message} {hint}");
        assert!(first.choices.iter().all(|choice| told.contains(choice)), "{told}");
    }
}

#[test]
fn what_is_malformed_is_named() {
    for (typed, wrong) in [
        ("hoststatus ann@example.com", "`ann@example.com` is no recipient host"),
        ("hoststatus a..b", "`a..b` is no recipient host"),
        ("hostrate *", "`*` is no recipient host"),
        ("hostrate example.com soon", "`soon` is not a number of seconds"),
        ("rate 0", "`0` is not between 1 and 3600 seconds"),
        ("delivernow -", "`-` is no recipient host"),
        ("showrecipients host ann@example.com", "`ann@example.com` is no recipient host"),
        ("showrecipients from example.com", "`example.com` is no envelope sender"),
        ("deleterecipients from example.com", "`example.com` is no envelope sender"),
        ("bouncerecipients host .", "`.` is no recipient host"),
        ("redirectrecipients host a..example b.example", "`a..example` is no recipient host"),
        ("showmessage first", "showmessage needs the MID of a message, a number: `first` is none"),
        ("removemessage -1", "removemessage needs the MID of a message, a number: `-1` is none"),
        ("archivemessage 1.5", "archivemessage needs the MID of a message, a number: `1.5` is none"),
        ("job x", "job needs the number of a job: `x` is none"),
        ("suspend long", "`long` is not a number of seconds"),
        ("suspenddel a@b.example", "`a@b.example` is no recipient host"),
        ("displayalerts many", "`many` is not a number of alerts"),
        ("dig @nowhere example.com", "`@nowhere` is not the address of a name server"),
        ("nslookup example.com NONSENSE", "NONSENSE"),
        ("telnet mx.example.com smtp", "`smtp` is not a port"),
        ("ping example.com 0", "`0` is not a number of packets"),
        ("netstat all", "`all` is not a table of sockets"),
        ("tophost", "`tophost` is not a command"),
        ("help nonsense", "`nonsense` is not a command"),
    ] {
        let (exit, message, _) = given(&words(typed));
        assert_eq!(exit, Exit::Usage, "{typed}");
        assert!(message.contains(wrong), "{typed}: {message}");
    }
}

#[test]
fn a_gateway_that_is_not_there_is_told_with_the_way_to_start_it() {
    for entry in COMMANDS {
        let (exit, message, hint) = given(&words(entry.spec.example));
        assert_eq!(exit, Exit::Unreachable, "{}", entry.spec.words);
        assert_eq!(message, "no gateway is running at /nowhere/socket");
        assert!(hint.contains("mailreeve serve") && hint.contains("--socket"), "{hint}");
    }
}
