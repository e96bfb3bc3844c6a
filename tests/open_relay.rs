//! Nobody outside the relay networks gets mail through to a foreign domain, in whatever way the recipient is
//! written. Everything foreign is routed to a sink, so a single leak would arrive there.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod world;

use std::net::SocketAddr;
use std::time::Duration;

use mailreeve_lab::client::{self, Ended, Load, Quota};
use mailreeve_lab::host::Detail;
use mailreeve_lab::sink::Sink;
use serde_json::Value;
use world::{Gateway, Talk, address, testdata, wait_until};

/// Recipients that are a mailbox of the accepted domain when they are taken literally: nothing but these may
/// be accepted. The rest of the probes must be refused.
const LITERALLY_OURS: [u64; 4] = [2, 8, 9, 15];
/// What a refusal may look like.
const REFUSALS: [&str; 3] = ["550 5.7.1 ", "553 5.1.3 ", "501 5.1.3 "];

struct Setting {
    gateway: Gateway,
    /// Where mail for the accepted domain goes.
    home: Sink,
    /// Where everything else would go.
    victim: Sink,
}

fn sink() -> Sink {
    Sink::start(SocketAddr::new(address(), 2525), Detail::default()).unwrap()
}

fn setting(accept: &str) -> Setting {
    let (home, victim) = (sink(), sink());
    let gateway = Gateway::start(&format!(
        "[accept]\n{accept}\n[[route]]\ndomain = \"gw.test\"\nto = [\"[{}]:2525\"]\n\
         [[route]]\ndomain = \"ALL\"\nto = [\"[{}]:2525\"]\n",
        home.address().ip(),
        victim.address().ip()
    ));
    Setting { gateway, home, victim }
}

fn texts(probes: &Value, key: &str) -> Vec<String> {
    probes[key].as_array().unwrap().iter().map(|text| text.as_str().unwrap().to_owned()).collect()
}

impl Setting {
    fn fill_in(&self, text: &str) -> String {
        text.replace("IP", &self.gateway.smtp.ip().to_string())
    }

    /// Plays all recipients from one sender; returns how many were accepted.
    fn probe(&self, helo: &str, sender: &str, recipients: &[(u64, String)]) -> u64 {
        let mut talk = Talk::with(self.gateway.smtp);
        assert!(talk.say(helo).starts_with("250"), "{helo}");
        let mut accepted = 0;
        for (id, recipient) in recipients {
            let mail = talk.say(&format!("MAIL FROM:<{sender}>"));
            if !mail.starts_with("250") {
                assert!(mail.starts_with('5'), "MAIL FROM:<{sender}>: {mail}");
                return accepted;
            }
            let reply = talk.say(&format!("RCPT TO:<{recipient}>"));
            if reply.starts_with("250") {
                assert!(LITERALLY_OURS.contains(id), "<{sender}> to <{recipient}>: {reply}");
                assert!(talk.say("DATA").starts_with("354"));
                let reply = talk.say(&format!("Subject: probe {id}\r\n\r\nprobe\r\n."));
                assert!(reply.starts_with("250 "), "{reply}");
                accepted += 1;
            } else {
                let refused = REFUSALS.iter().any(|refusal| reply.starts_with(refusal));
                assert!(refused, "<{sender}> to <{recipient}>: {reply}");
                assert!(talk.say("DATA").starts_with('5'));
                assert!(talk.say("RSET").starts_with("250"));
            }
        }
        assert!(talk.say("QUIT").starts_with("221"));
        accepted
    }

    /// Nothing foreign is queued, nothing has arrived at the victim, and all that was accepted is at home.
    fn settle(&self, accepted: u64) {
        wait_until("the queue is empty", || self.gateway.active() == 0);
        assert!(self.home.wait_for(accepted, Duration::from_secs(20)));
        assert_eq!(self.victim.sums().messages, 0, "{:?}", self.victim.deliveries());
        assert_eq!(self.victim.connections(), 0);
        for delivery in self.home.deliveries() {
            assert!(delivery.rcpts.iter().all(|rcpt| is_ours(&rcpt.address)), "{delivery:?}");
        }
        assert_eq!(self.home.sums().messages, accepted);
    }
}

/// The whole address is of the accepted domain, or is the one that needs none (RFC 5321 4.5.1).
fn is_ours(address: &str) -> bool {
    address.ends_with("@gw.test") || address.eq_ignore_ascii_case("postmaster")
}

#[test]
fn no_way_of_writing_a_recipient_leads_out() {
    let Some(file) = testdata("cases/open-relay-probes.json") else { return };
    let probes: Value = serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();
    // The client comes from 127.0.0.1, which is not among the networks that may relay.
    let setting = setting("domains = [\"gw.test\"]\nrelay_networks = [\"127.200.0.0/16\"]");
    let senders = texts(&probes, "mail_from");
    let recipients: Vec<(u64, String)> = probes["rcpt_to"]
        .as_array()
        .unwrap()
        .iter()
        .map(|probe| (probe["id"].as_u64().unwrap(), setting.fill_in(probe["rcpt"].as_str().unwrap())))
        .collect();
    assert_eq!((senders.len(), recipients.len()), (7, 16));
    let mut accepted = 0;
    for helo in ["EHLO client.test", "HELO localhost", "HELO gw.test", "HELO [127.0.0.1]"] {
        for sender in &senders {
            accepted += setting.probe(helo, &setting.fill_in(sender), &recipients);
        }
    }
    setting.settle(accepted);
}

#[test]
fn a_relay_network_is_let_through_and_its_neighbour_is_not() {
    let setting = setting("relay_networks = [\"127.200.0.0/16\"]");
    for (source, recipients) in [("127.200.3.4", 1), ("127.201.3.4", 0)] {
        let report = client::run(Load {
            target: setting.gateway.smtp,
            sources: vec![source.parse().unwrap()],
            quota: Quota::Total(1),
            recipient_domains: vec!["victim.example".into()],
            ..Load::default()
        })
        .unwrap();
        let arrived = report.ended == Ended::Done && report.acked.messages == 1;
        assert_eq!(arrived, recipients == 1, "{source}: {report}");
    }
    assert!(setting.victim.wait_for(1, Duration::from_secs(20)));
    wait_until("the queue is empty", || setting.gateway.active() == 0);
    assert_eq!(setting.victim.sums().messages, 1);
}

#[test]
fn postmaster_needs_no_domain() {
    let setting = setting("domains = [\"gw.test\"]");
    let mut talk = Talk::with(setting.gateway.smtp);
    talk.say("EHLO client.test");
    for recipient in ["postmaster", "PostMaster", "postmaster@gw.test"] {
        let reply = talk.send_mail("a@sender.test", &[recipient], "Subject: to the postmaster\r\n\r\nhello");
        assert!(reply.starts_with("250 "), "{reply}");
    }
    setting.settle(3);
}

#[test]
fn without_a_configuration_mail_is_taken_for_nobody() {
    let setting = setting("");
    let mut talk = Talk::with(setting.gateway.smtp);
    talk.say("EHLO client.test");
    for recipient in ["a@gw.test", "a@victim.example", "a@localhost", "a@[127.0.0.1]", "a"] {
        assert!(talk.say("MAIL FROM:<a@sender.test>").starts_with("250"));
        let reply = talk.say(&format!("RCPT TO:<{recipient}>"));
        assert!(REFUSALS.iter().any(|refusal| reply.starts_with(refusal)), "{recipient}: {reply}");
        assert!(talk.say("RSET").starts_with("250"));
    }
    setting.settle(0);
}
