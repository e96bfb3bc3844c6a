//! Where mail goes in a test: sinks at addresses of their own, and the settings that lead there.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use mailreeve_lab::host::{Detail, Host, Temper};
use mailreeve_lab::sink::Sink;
use mailreeve_lab::world::World;

use super::{Gateway, Talk, address, binary};

/// A healthy sink at an address of its own, on the port of all gateways of these tests.
pub fn sink() -> Sink {
    sink_at(SocketAddr::new(address(), 2525))
}

/// A healthy sink at this address; it keeps what it takes, contents included.
pub fn sink_at(at: SocketAddr) -> Sink {
    Sink::start(at, everything()).unwrap()
}

fn everything() -> Detail {
    Detail::Records { memory: true, content: true, file: None }
}

/// Settings that take mail from this machine for anywhere and send all of it to `next`.
pub fn all_to(next: SocketAddr) -> String {
    format!(
        "[accept]\nrelay_networks = [\"127.0.0.0/8\"]\n\
         [[route]]\ndomain = \"ALL\"\nto = [\"[{}]:{}\"]\n",
        next.ip(),
        next.port()
    )
}

/// Settings that take mail from this machine for anywhere and deliver it by the name service of `world`, whose
/// hosts are on loopback addresses; `delivery` goes on in that section.
pub fn by_dns(world: &World, delivery: &str) -> String {
    format!(
        "[accept]\nrelay_networks = [\"127.0.0.0/8\"]\n\
         [dns]\nservers = [\"{}\"]\ntimeout = \"1s\"\nattempts = 1\n\
         [delivery]\nport = {}\n{delivery}\n",
        world.dns().address(),
        world.port()
    )
}

/// Has the gateway, which does not run yet, trust the authority of `world` and no other.
pub fn trusting(gateway: &mut Gateway, world: &World) {
    let trusted = gateway.folder.path().join("trusted.pem");
    fs::write(&trusted, world.authority_pem()).unwrap();
    gateway.environment.push(("SSL_CERT_FILE", trusted.display().to_string()));
}

/// Settles a host for `domain` in `world` that keeps what it takes, contents included.
pub fn settle(world: &World, domain: &str, temper: Temper) -> Host {
    world.settle_with(domain, temper, everything()).unwrap()
}

/// Hands one message over for each recipient, from `a@sender.test`.
pub fn mail_to(gateway: &Gateway, recipients: &[&str]) {
    let mut talk = Talk::with(gateway.smtp);
    talk.say("EHLO client.test");
    for recipient in recipients {
        let reply = talk.send_mail("a@sender.test", &[recipient], "Subject: a letter\r\n\r\nhello");
        assert!(reply.starts_with("250 "), "{recipient}: {reply}");
    }
}

/// Runs the binary with a configuration file and words, to its end.
pub fn mailreeve(config: &Path, words: &[&str]) -> Output {
    Command::new(binary())
        .arg("--config")
        .arg(config)
        .args(words)
        .env_remove("NOTIFY_SOCKET")
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

/// Codes of the alerts of a gateway, newest first.
pub fn alerts(gateway: &Gateway) -> Vec<String> {
    let reply = gateway.json("displayalerts");
    let alerts = reply["alerts"].as_array().unwrap();
    alerts.iter().map(|alert| alert["code"].as_str().unwrap().to_owned()).collect()
}
