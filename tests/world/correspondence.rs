//! A gateway that delivers by the lab's name service, and a sender who gets its reports.

use mailreeve_lab::dns::Zone;
use mailreeve_lab::host::{Detail, Host, Temper};
use mailreeve_lab::world::World;
use serde_json::Value;

use super::places::{by_dns, mail_to, settle};
use super::{Gateway, wait_until};

/// Lets delivery go to the loopback addresses of the lab.
pub const LOOPBACK: &str = "refused_networks = []";

/// The gateway, the world around it, and the sender of its mail.
pub struct Setting {
    pub net: World,
    pub gateway: Gateway,
    /// Where reports go.
    pub sender: Host,
}

impl Setting {
    pub fn start(delivery: &str, more: &str) -> Self {
        let net = World::start(7).unwrap();
        let sender = settle(&net, "sender.test", Temper::healthy());
        // Reports must get home whatever networks are refused.
        let home = format!(
            "[[route]]\ndomain = \"sender.test\"\nto = [\"[{}]:{}\"]\n",
            sender.address().ip(),
            net.port()
        );
        let gateway = Gateway::start(&format!("{}{home}{more}", by_dns(&net, delivery)));
        Self { net, gateway, sender }
    }

    pub fn put(&self, zone: &Zone) {
        self.net.dns().put(zone).unwrap();
    }

    pub fn host(&self) -> Host {
        self.net.host("hosts.test", Temper::healthy(), Detail::default()).unwrap()
    }

    pub fn send(&self, domain: &str) {
        mail_to(&self.gateway, &[&format!("b@{domain}")]);
    }

    pub fn status(&self, domain: &str) -> Value {
        self.gateway.json(&format!("hoststatus {domain}"))
    }

    /// Waits until the first try has failed for now; returns the reason that `hoststatus` gives.
    pub fn deferred(&self, domain: &str) -> String {
        let mut reason = String::new();
        wait_until(&format!("the reason why mail to {domain} waits"), || {
            let status = self.status(domain);
            reason = status["reason"].as_str().unwrap_or_default().to_owned();
            let waits =
                status["unattempted_recips"].as_u64().unwrap() + status["attempted_recips"].as_u64().unwrap();
            !reason.is_empty() && waits == 1
        });
        let status = self.status(domain);
        assert!(status["next_attempt_us"].as_u64().is_some(), "{status:#}");
        reason
    }

    /// Waits until a recipient waits for another try; returns why.
    pub fn waiting_after_a_try(&self, domain: &str) -> String {
        let mut why = String::new();
        wait_until(&format!("mail to {domain} has been tried"), || {
            let listed = self.gateway.json(&format!("showrecipients host {domain}"));
            let first = &listed["recipients"][0];
            why = first["why"].as_str().unwrap_or_default().to_owned();
            first["attempts"].as_u64().unwrap_or_default() > 0 && first["next_us"].is_u64()
        });
        why
    }

    /// Waits for the report that mail to `domain` bounced; returns it.
    pub fn bounced(&self, domain: &str) -> String {
        let mut report = None;
        wait_until(&format!("the report about {domain}"), || {
            let arrived = self.sender.deliveries();
            let about = format!("Final-Recipient: rfc822;b@{domain}");
            let contents =
                arrived.iter().filter(|one| one.mail.is_empty()).filter_map(|one| one.content.clone());
            report = contents
                .map(|content| String::from_utf8(content).unwrap())
                .find(|text| text.replace("; ", ";").contains(&about));
            report.is_some()
        });
        report.unwrap()
    }
}
