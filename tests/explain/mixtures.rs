//! Faults in random mixtures that change while mail waits: every answer is about the world as it is.

use mailreeve_lab::host::Detail;
use mailreeve_lab::words::{Dice, fresh_seed};

use crate::setting::{Setting, whole, world};
use crate::waiting::{Row, rows};

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
