//! A gateway in a world of chance, and questions to it.

use std::time::Instant;

use mailreeve_lab::dns::Zone;
use mailreeve_lab::host::{Detail, Host, Temper, TlsTemper};
use mailreeve_lab::words::fresh_seed;
use mailreeve_lab::world::World;
use serde_json::Value;

use crate::world::places::{by_dns, mail_to, settle, trusting};
use crate::world::{Gateway, PATIENCE, wait_until};

/// Waiting for a silent host is short, and the lab's hosts are on loopback addresses.
const SHORT: &str = "refused_networks = []\nconnect_timeout = \"1s\"\nidle = \"1s\"\n\
                     [delivery.timeouts]\ngreeting = \"1s\"\ndata_end = \"2s\"\n";

pub(crate) struct Setting {
    pub(crate) net: World,
    pub(crate) gateway: Gateway,
    /// Where reports go.
    pub(crate) sender: Host,
}

/// Names of chance for as many domains.
pub(crate) fn world() -> World {
    let seed = fresh_seed();
    eprintln!("the world's seed is {seed}");
    World::start(seed).unwrap()
}

impl Setting {
    /// Starts a gateway that delivers in this world, with more settings.
    pub(crate) fn start(net: World, more: &str) -> Self {
        let sender = settle(&net, "sender.test", Temper::healthy());
        let mut gateway = Gateway::prepare(&format!("{}{more}", by_dns(&net, SHORT)));
        trusting(&mut gateway, &net);
        gateway.run();
        Self { net, gateway, sender }
    }

    pub(crate) fn send(&self, recipient: &str) {
        mail_to(&self.gateway, &[recipient]);
    }

    pub(crate) fn explain(&self, what: &str) -> Value {
        self.gateway.json(&format!("explain {what}"))
    }

    /// Asks until the answer is of this state and cause; the last answer is shown when it never is.
    pub(crate) fn explained(&self, what: &str, state: &str, cause: &str) -> Value {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let answer = self.explain(what);
            if (answer["state"].as_str(), answer["verdict"]["cause"].as_str()) == (Some(state), Some(cause)) {
                return answer;
            }
            assert!(Instant::now() < deadline, "{what} is not {state}, {cause}: {answer:#}");
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
    }

    /// Waits until no connection is kept: the next try is of the world as it is by then.
    pub(crate) fn settled(&self) {
        wait_until("no connection is kept", || self.gateway.json("status")["gauges"]["conn_out"] == 0);
    }

    /// Gives the domain a host that takes everything, with TLS that verifies.
    pub(crate) fn heal(&self, domain: &str) -> Host {
        self.net.dns().calm(domain);
        self.net.dns().calm(&format!("*.{domain}"));
        let temper = Temper::healthy().tls(TlsTemper::Good);
        let host = self.net.host(domain, temper, Detail::default()).unwrap();
        let zone = Zone::new(domain).ttl(1).mx(10, host.name()).address(host.name(), host.address().ip());
        self.net.dns().put(&zone).unwrap();
        host
    }
}

/// The commands among the remedies.
pub(crate) fn commands(answer: &Value) -> Vec<String> {
    let remedies = answer["remedy"].as_array().unwrap();
    let commands = remedies.iter().filter(|remedy| remedy["command"] == true);
    commands.map(|remedy| remedy["do"].as_str().unwrap().to_owned()).collect()
}

/// Whether some step is shown by evidence of this kind with this text.
pub(crate) fn shown(answer: &Value, kind: &str, text: &str) -> bool {
    let chain = answer["chain"].as_array().unwrap();
    chain.iter().any(|step| {
        step["evidence"]["kind"] == kind && step["evidence"]["text"].as_str().unwrap().contains(text)
    })
}

/// What must hold of every answer, whatever it is about.
pub(crate) fn whole(answer: &Value) {
    assert_eq!(answer["schema"], 1);
    let cause = answer["verdict"]["cause"].as_str().unwrap();
    let page = answer["page"].as_str().unwrap();
    assert_eq!(page, format!("docs/why/{cause}.md"));
    assert!(std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(page).exists(), "{page}");
    for text in [&answer["summary"], &answer["next"]["what"], &answer["remedy"][0]["what"]] {
        let text = text.as_str().unwrap();
        assert!(text.len() > 10 && !text.contains('{'), "{answer:#}");
    }
    assert!(!answer["chain"].as_array().unwrap().is_empty(), "{answer:#}");
}

/// What a person reads fits on a screen.
pub(crate) fn one_screen(text: &str) {
    assert!(text.lines().count() <= 24, "{text}");
    assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
    for part in ["Cause: ", "Next:", "To do, ", "More: help why "] {
        assert!(text.contains(part), "{part} is missing: {text}");
    }
}
