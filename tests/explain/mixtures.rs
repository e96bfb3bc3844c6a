//! Faults in random mixtures that change while mail waits: every answer is about the world as it is.

use mailreeve_lab::host::{Detail, Temper};
use mailreeve_lab::words::{Dice, fresh_seed};
use mailreeve_lab::world::{Absent, Plight, World};
use serde_json::Value;

use crate::setting::{Setting, commands, whole, world};
use crate::waiting::{Row, rows};
use crate::world::places::mail_to;

const DOMAINS: usize = 8;
const ROUNDS: usize = 3;

#[test]
fn answers_follow_a_world_that_changes() {
    let seed = fresh_seed();
    eprintln!("the mixture's seed is {seed}");
    let mut dice = Dice::new(seed);
    let faults: Vec<Row> = rows().into_iter().filter(|row| row.control.is_empty()).collect();
    let net = world();
    let domains: Vec<String> =
        (0..DOMAINS).map(|number| format!("m{number}.{}", net.domain_name())).collect();
    let setting = Setting::start(net, "");
    for round in 0..ROUNDS {
        let dealt: Vec<&Row> = domains.iter().map(|_| &faults[dice.below(faults.len())]).collect();
        for (domain, row) in domains.iter().zip(&dealt) {
            eprintln!("round {round}: {domain} is {}", row.id);
            setting.net.establish(domain, &row.plight, Detail::default()).unwrap();
            if round == 0 {
                setting.send(&format!("b@{domain}"));
            }
        }
        if round > 0 {
            setting.settled();
            setting.gateway.text("delivernow all");
        }
        for (domain, row) in domains.iter().zip(&dealt) {
            let answer = setting.explained(domain, "queued", row.cause);
            whole(&answer);
            assert_eq!(answer["verdict"]["owner"], row.owner, "{}: {answer:#}", row.id);
        }
    }
    setting.settled();
    let healed: Vec<_> = domains.iter().map(|domain| setting.heal(domain)).collect();
    setting.gateway.text("delivernow all");
    for (domain, host) in domains.iter().zip(&healed) {
        assert!(host.wait_for(1, crate::world::PATIENCE), "mail to {domain} did not move");
        setting.explained(&format!("b@{domain}"), "delivered", "delivered");
    }
}

/// Mixtures, and messages in each: `MAILREEVE_MIXTURES=20x50` is the whole measure, for which there is no room in every
/// run of the tests. `MAILREEVE_SEED` repeats a run.
const SIZE: (usize, usize) = (4, 20);
/// Faults at once.
const FAULTS: usize = 5;

/// What the world knows of mail to a destination.
struct Truth {
    id: &'static str,
    plight: Plight,
    /// Settings of the destination.
    control: &'static str,
    state: &'static str,
    cause: &'static str,
    owner: &'static str,
    /// What may come next.
    next: &'static [&'static str],
    /// The command of ours that is a remedy; `HOST` stands for the destination.
    command: Option<&'static str>,
}

fn truths(dice: &mut Dice) -> Vec<Truth> {
    let ended = |id, plight, state, cause, owner, next| {
        let (control, command) = ("", None);
        Truth { id, plight, control, state, cause, owner, next, command }
    };
    let waits = rows().into_iter().map(|row| Truth {
        id: row.id,
        plight: row.plight,
        control: row.control,
        state: "queued",
        cause: row.cause,
        owner: row.owner,
        next: &["next.retry", "next.retry_host"],
        command: (row.cause != "greylisted").then_some("delivernow HOST"),
    });
    let back: &[&str] = &["next.reported"];
    let list = dice.list_name();
    let host = |temper: Temper| Plight::Host(temper);
    let backup = Plight::Backup(Absent::Refusing, Temper::healthy());
    let mut all: Vec<Truth> = waits.collect();
    all.extend([
        ended("O5c", host(Temper::without_mail()), "bounced", "greeting-rejected", "destination", back),
        ended("O6", Plight::Missing, "bounced", "dns-nxdomain", "sender", back),
        ended("O8", Plight::NullMx, "bounced", "null-mx", "destination", back),
        ended("O11", host(Temper::knowing_nobody()), "bounced", "unknown-recipient", "sender", back),
        ended("O13", host(Temper::blocklisting(&list)), "bounced", "ip-blocklisted", "us", back),
        ended("O18", backup, "delivered", "delivered", "nobody", &["next.beyond"]),
        Truth {
            command: Some("resumedel HOST"),
            ..ended("O19", host(Temper::healthy()), "queued", "delivery-suspended", "us", &["next.resumed"])
        },
        ended("well", host(Temper::healthy()), "delivered", "delivered", "nobody", &["next.beyond"]),
    ]);
    all
}

/// One mixture: some faults, mail to each of them in random order, and every message explained as the world knows it.
fn mixture(seed: u64, messages: usize) {
    let mut dice = Dice::new(seed);
    let mut left = truths(&mut dice);
    let net = World::start(seed).unwrap();
    let dealt: Vec<(String, Truth)> = (0..FAULTS)
        .map(|number| (format!("x{number}.{}", net.domain_name()), left.swap_remove(dice.below(left.len()))))
        .collect();
    let mut controls = String::new();
    for (domain, truth) in &dealt {
        net.establish(domain, &truth.plight, Detail::default()).unwrap();
        if !truth.control.is_empty() {
            controls += &format!("[[destination]]\ndomain = \"{domain}\"\n{}\n", truth.control);
        }
    }
    let setting = Setting::start(net, &controls);
    for (domain, _) in dealt.iter().filter(|(_, truth)| truth.id == "O19") {
        setting.gateway.text(&format!("suspenddel {domain} 1"));
    }
    let sent: Vec<(String, usize)> = (0..messages)
        .map(|number| {
            let place = dice.below(FAULTS);
            (format!("b{number}@{}", dealt[place].0), place)
        })
        .collect();
    let recipients: Vec<&str> = sent.iter().map(|(recipient, _)| recipient.as_str()).collect();
    mail_to(&setting.gateway, &recipients);
    for (recipient, place) in &sent {
        let (domain, truth) = &dealt[*place];
        let answer = setting.explained(recipient, truth.state, truth.cause);
        agrees(&answer, domain, truth);
        assert_eq!(answer["subject"]["recipient"], *recipient, "{answer:#}");
    }
    let ids: Vec<&str> = dealt.iter().map(|(_, truth)| truth.id).collect();
    eprintln!("seed {seed}: {messages} messages to {} are explained as it is", ids.join(", "));
}

fn agrees(answer: &Value, domain: &str, truth: &Truth) {
    whole(answer);
    let id = truth.id;
    assert_eq!(answer["verdict"]["owner"], truth.owner, "{id}: {answer:#}");
    let next = answer["next"]["key"].as_str().unwrap();
    assert!(truth.next.contains(&next), "{id}: {next} is not what comes next: {answer:#}");
    let has_time = answer["next"]["at"].is_string();
    assert_eq!(has_time, next.starts_with("next.retry"), "{id}: {answer:#}");
    let who = match truth.owner {
        "nobody" if truth.state == "queued" => "us",
        "us-policy" => "us",
        owner => owner,
    };
    if truth.state != "delivered" {
        assert_eq!(answer["remedy"][0]["who"], who, "{id}: {answer:#}");
    }
    let commands = commands(answer);
    match truth.command {
        Some(command) => {
            let (own, all) = (command.replace("HOST", domain), command.replace("HOST", "all"));
            assert!(commands.contains(&own) || commands.contains(&all), "{id}: {answer:#}");
        }
        None => assert!(!commands.iter().any(|it| it.starts_with("delivernow")), "{id}: {answer:#}"),
    }
}

#[test]
fn every_message_of_a_mixture_of_faults_is_explained_as_the_world_knows_it() {
    let size = std::env::var("MAILREEVE_MIXTURES").ok();
    let size = size.as_deref().and_then(|size| size.split_once('x'));
    let size = size.map(|(mixtures, messages)| (mixtures.parse().unwrap(), messages.parse().unwrap()));
    let (mixtures, messages) = size.unwrap_or(SIZE);
    let seed = std::env::var("MAILREEVE_SEED").map_or_else(|_| fresh_seed(), |seed| seed.parse().unwrap());
    eprintln!("{mixtures} mixtures of {messages} messages, from seed {seed}");
    for number in 0..mixtures {
        mixture(seed.wrapping_add(number as u64), messages);
    }
}
