#![allow(clippy::unwrap_used)]

use mailreeve_api::registry::{self, COMMANDS, by_words};

use super::*;
use crate::person::tests::Scripted;

fn words(text: &str) -> Vec<String> {
    text.split_whitespace().map(str::to_owned).collect()
}

/// A command as it is typed, the answers, and the words that come of it with the whole dialogue.
fn talk(typed: &str, answers: &[&'static str]) -> (Told, String) {
    let typed = words(typed);
    let (entry, given) = registry::find(&typed).unwrap();
    let (mut person, mut err) = (Scripted::new(answers), Vec::new());
    let listeners = || vec!["incoming".to_owned(), "587".to_owned()];
    let told = complete(entry, given, &listeners, &mut person, &mut err).unwrap();
    assert!(person.has_said_all(), "{typed:?} asks less than it is answered");
    (told, String::from_utf8(err).unwrap())
}

/// The words after the command's own, joined.
fn told(typed: &str, answers: &[&'static str]) -> String {
    match talk(typed, answers).0 {
        Told::Words(words) => words.join(" "),
        other => format!("{other:?}"),
    }
}

#[test]
fn listeners_are_picked_by_numbers_and_names() {
    insta::assert_snapshot!(talk("resumelistener", &["4", "2, 3"]).1, @"
    Choose the listeners, several separated by commas.
    1. All
    2. incoming
    3. 587
    [1]> 4
    `4` is neither a number from 1 to 3 nor a listener.
    [1]> 2, 3
    ");
    for (answer, words) in [
        ("", "ALL"),
        ("1", "ALL"),
        ("all", "ALL"),
        ("2", "incoming"),
        ("INCOMING,587", "incoming,587"),
        ("3", "587"),
    ] {
        assert_eq!(told("resumelistener", &[answer]), words, "{answer}");
    }
}

#[test]
fn pickers_read_as_operators_know_them() {
    insta::assert_snapshot!(talk("tophosts", &["4"]).1, @"
    Sort results by:

    1. Active Recipients
    2. Connections Out
    3. Delivered Recipients
    4. Hard Bounced Recipients
    5. Soft Bounced Events
    [1]> 4
    ");
    insta::assert_snapshot!(talk("delivernow", &["1", "foo.example"]).1, @"
    Please choose an option for scheduling immediate delivery.
    1. By recipient host
    2. All messages
    3. One message
    [1]> 1
    Please enter the domain to schedule for immediate delivery.
    []> foo.example
    ");
    insta::assert_snapshot!(talk("showrecipients", &["3"]).1, @"
    Please select how you would like to show messages:
    1. By recipient host.
    2. By Envelope From address.
    3. All.
    [1]> 3
    ");
    insta::assert_snapshot!(talk("hoststatus", &["a.example"]).1, @"
    Recipient host:
    []> a.example
    ");
}

#[test]
fn answers_become_words() {
    let table: [(&str, &[&'static str], &str); 21] = [
        ("tophosts", &[""], "active_rcpts"),
        ("tophosts", &["2"], "conn_out"),
        ("tophosts", &["SOFT_bounced"], "soft_bounced"),
        ("tophosts", &["6", "nothing", "0", "-1", "5"], "soft_bounced"),
        ("delivernow", &["2"], "all"),
        ("delivernow", &["", " a.example "], "a.example"),
        ("delivernow", &["3", "52"], "52"),
        ("showrecipients", &["2", "a@b.example"], "from a@b.example"),
        ("deleterecipients", &["1", "a.example"], "host a.example"),
        ("deleterecipients host", &["a.example"], "host a.example"),
        ("bouncerecipients", &["all"], "all"),
        ("redirectrecipients", &["", "a.example", "b.example"], "host a.example b.example"),
        ("redirectrecipients host a.example", &["b.example"], "host a.example b.example"),
        ("suspend", &[""], "30"),
        ("suspenddel", &["a.example, b.example", "5"], "a.example, b.example 5"),
        ("suspendlistener", &["", ""], "ALL 30"),
        ("workqueue pause", &["y", ""], ""),
        ("workqueue pause", &["y", "checking LDAP server"], "checking LDAP server"),
        ("dig", &["mx  a.example"], "mx a.example"),
        ("telnet", &["mx.a.example", ""], "mx.a.example 25"),
        ("nslookup", &["a.example", "4"], "a.example MX"),
    ];
    for (typed, answers, wanted) in table {
        assert_eq!(told(typed, answers), wanted, "{typed} {answers:?}");
    }
}

#[test]
fn nothing_is_asked_that_was_said() {
    for typed in [
        "tophosts conn_out",
        "tophosts nonsense",
        "hoststatus a.example",
        "hoststatus a.example b.example",
        "suspenddel a.example",
        "deleterecipients all",
        "deleterecipients nonsense",
        "delivernow all",
        "workqueue pause checking",
        "status",
        "resume",
        "version extra",
    ] {
        assert_eq!(told(typed, &[]), "Nothing", "{typed}");
    }
}

#[test]
fn a_question_can_be_left() {
    for (typed, answers) in [
        ("tophosts", &[][..]),
        ("hoststatus", &[""]),
        ("hoststatus", &[]),
        ("delivernow", &["1", ""]),
        ("suspenddel", &["ALL"]),
        ("workqueue pause", &["n"]),
        ("workqueue pause", &[""]),
    ] {
        assert_eq!(told(typed, answers), "Left", "{typed} {answers:?}");
    }
}

#[test]
fn every_way_through_a_dialogue_is_understood() {
    for command in table::commands() {
        let entry = by_words(command).unwrap();
        let ways = ways(table::steps(command).unwrap());
        assert!(!ways.is_empty());
        for way in ways {
            let words: Vec<String> = way
                .into_iter()
                .flat_map(|word| match entry.open_ended {
                    true => words(&word),
                    false => vec![word],
                })
                .collect();
            (entry.parse)(&words).unwrap_or_else(|problem| panic_of(command, &words, &problem.message));
        }
    }
}

#[allow(clippy::panic)]
fn panic_of(command: &str, words: &[String], message: &str) -> ! {
    panic!("{command} {words:?}: {message}")
}

/// The words of every way through these steps.
fn ways(steps: &[Step]) -> Vec<Vec<String>> {
    let mut all = vec![Vec::new()];
    for step in steps {
        let next: Vec<Vec<String>> = match step {
            Step::Pick { choices, .. } => choices
                .iter()
                .flat_map(|choice| {
                    ways(choice.then)
                        .into_iter()
                        .map(|then| choice.word.map(str::to_owned).into_iter().chain(then).collect())
                })
                .collect(),
            Step::Line { default, destination, lead } => {
                let answer = match (default, destination) {
                    (Some(default), _) => *default,
                    (None, true) => "a.example",
                    (None, false) if lead.contains("Envelope From") => "a@b.example",
                    (None, false) if lead.contains("address") || lead.contains("type") => "mx.a.example",
                    (None, false) => "7",
                };
                vec![vec![answer.to_owned()]]
            }
            Step::Listeners(_) => vec![vec!["ALL".to_owned()], vec!["incoming,587".to_owned()]],
            Step::Agree(_) => vec![Vec::new()],
            Step::Argument(_) => vec![vec!["7".to_owned()]],
        };
        all = all
            .iter()
            .flat_map(|before| next.iter().map(|after| [before.as_slice(), after.as_slice()].concat()))
            .collect();
    }
    all
}

#[test]
fn every_command_that_needs_something_asks_for_it() {
    for entry in COMMANDS.iter().filter(|entry| entry.spec.arguments.iter().any(|argument| argument.required))
    {
        let (mut person, mut err) = (Scripted::new(&[]), Vec::new());
        let told = complete(entry, &[], &Vec::<String>::new, &mut person, &mut err).unwrap();
        let text = String::from_utf8(err).unwrap();
        assert_eq!(told, Told::Left, "{}: {text}", entry.spec.words);
        assert!(text.contains("]> "), "{}: {text}", entry.spec.words);
    }
}
