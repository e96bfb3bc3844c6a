//! The configuration of the demo's gateway: ordinary settings, as a site would write them.

use super::cast::{Cast, Member, Role};
use super::folder::Folder;
use super::ports::Ports;

/// The text of its file.
pub(super) fn text(folder: &Folder, ports: &Ports, cast: &Cast) -> String {
    let path = folder.path().display();
    let [first, second] = cast.clients;
    let mut text = format!(
        r#"hostname = "gw.{home}"
data_dir = "{path}/data"
log_dir = "{path}/log"
socket = "{path}/socket"

[[listener]]
name = "Incoming"
address = "{smtp}"

[accept]
domains = ["{home}"]
relay_networks = ["127.0.0.1/32", "{first}/32", "{second}/32"]

[queue]
low = "64 MiB"
reserve = "16 MiB"

# The hosts of this demo are on loopback addresses, and not on port 25.
[delivery]
port = {hosts}
refused_networks = []
connect_timeout = "4s"

# Nobody who watches wants to wait for minutes.
[delivery.timeouts]
greeting = "5s"
data_end = "30s"

[dns]
servers = ["{dns}"]
timeout = "1s"
attempts = 2
reverse_timeout = "5s"

[[bounce_profile]]
name = "default"
initial = "20s"
max_interval = "5m"
max_queue = "30m"

[desk]
address = "{desk}"

[ledger]
max_bytes = "256 MiB"

[[route]]
domain = "{home}"
to = ["[{home_host}]:{hosts}"]
"#,
        home = cast.home,
        smtp = ports.smtp,
        desk = ports.desk,
        dns = ports.dns,
        hosts = ports.hosts,
        home_host = cast.home_host,
    );
    for member in &cast.destinations {
        text.push_str(&destination(member));
    }
    text
}

/// What is demanded of one destination, if anything in particular.
fn destination(member: &Member) -> String {
    let demand = match member.role.tls_demand() {
        Some(tls) => format!("tls = \"{tls}\""),
        None if member.role == Role::Throttling => "concurrency = 2".to_owned(),
        None => return String::new(),
    };
    format!("\n[[destination]]\ndomain = \"{}\"\n{demand}\n", member.domain)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn the_gateway_finds_no_mistake_in_them() {
        let folder = Folder::create().unwrap();
        let ports = Ports::choose().unwrap();
        let cast = Cast::assemble(3, &ports).unwrap();
        let file = folder.join("mailreeve.toml");
        std::fs::write(&file, text(&folder, &ports, &cast)).unwrap();
        let told = mailreeve_gateway::configuration::read(Some(&file));
        assert!(told.is_ok(), "{}", told.err().map(|error| error.to_string()).unwrap_or_default());
    }
}
