//! Commands while no gateway runs.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod world;

use world::Gateway;
use world::places::mailreeve;

#[test]
fn without_a_gateway_commands_say_so() {
    let gateway = Gateway::prepare("");
    let output = gateway.command("status");
    let text = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(3), "{text}");
    assert!(text.contains("no gateway is running at") && text.contains("hint:"), "{text}");
    let output = mailreeve(&gateway.config(), &["status", "--json"]);
    let reply: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(reply["error"]["message"].as_str().unwrap().contains("no gateway is running"), "{reply}");
    assert_eq!(reply["error"]["kind"], "unavailable");
}

#[test]
fn without_a_gateway_a_file_with_mistakes_is_the_hint() {
    let gateway = Gateway::prepare("");
    let file = gateway.config();
    let without = std::fs::read_to_string(&file).unwrap();
    for mistake in ["[recieve]\nport = 25\n", "[log]\nkeep = \"gw.test\n"] {
        std::fs::write(&file, format!("{without}{mistake}")).unwrap();
        let output = gateway.command("status");
        let text = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(3), "{text}");
        let socket = file.with_file_name("socket");
        assert!(text.contains(&format!("no gateway is running at {}\n", socket.display())), "{text}");
        let (hint, check) = (format!("hint:  {} has mistakes", file.display()), "`mailreeve check ");
        assert!(text.contains(&hint) && text.contains(check), "{text}");
    }
}
