//! What must not be kept is looked for wherever the gateway keeps anything.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod world;

use std::fs;
use std::net::SocketAddr;
use std::path::Path;

use world::scripted::host_under_tls;
use world::{Gateway, Talk, wait_until};

/// Every octet below a folder that is no secret of its own.
fn octets_below(folder: &Path, all: &mut Vec<u8>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            octets_below(&path, all);
        } else if let Ok(octets) = fs::read(&path) {
            all.extend_from_slice(&octets);
        }
    }
}

/// Looks at octets as at text: what is looked for is ASCII.
fn is_in(needle: &str, octets: &[u8]) -> bool {
    String::from_utf8_lossy(octets).contains(needle)
}

/// What the gateway gives away to nobody, and what senders try here.
const PASSWORD: &str = "canary-password-93c1";
const THEIRS: &str = "canary-of-theirs-77e0";
const BODY: &str = "canary-of-the-body-51ab";

/// A gateway with credentials for two hosts: one takes AUTH PLAIN and refuses it, one asks for AUTH LOGIN.
fn with_credentials() -> Gateway {
    let plain = host_under_tls(
        "220 plain.test",
        &[("EHLO", "250-plain.test\r\n250 AUTH PLAIN"), ("AUTH", "535 5.7.8 no")],
    );
    let login = host_under_tls(
        "220 login.test",
        &[
            ("EHLO", "250-login.test\r\n250 AUTH LOGIN"),
            ("AUTH", "334 VXNlcm5hbWU6"),
            ("Z3c=", "334 UGFzc3dvcmQ6"),
        ],
    );
    let mut gateway = Gateway::prepare("");
    let secret = gateway.folder.path().join("password");
    fs::write(&secret, PASSWORD).unwrap();
    let hop = |domain: &str, at: SocketAddr| {
        format!(
            "[[route]]\ndomain = \"{domain}\"\nto = [\"[{}]:{}\"]\ncredentials = \"hop\"\ntls = \"implicit\"\n",
            at.ip(),
            at.port()
        )
    };
    gateway.configure(&format!(
        "[accept]\nrelay_networks = [\"127.0.0.0/8\"]\n{}{}\
         [[credentials]]\nname = \"hop\"\nuser = \"gw\"\npassword_file = \"{}\"\n",
        hop("plain.example", plain),
        hop("login.example", login),
        secret.display()
    ));
    gateway.run();
    gateway
}

/// A peer that tries to log in, in every manner, and sends content where none is due; then it sends two messages.
fn visit(gateway: &Gateway) {
    let mut talk = Talk::with(gateway.smtp);
    talk.say("EHLO client.test");
    talk.say(&format!("AUTH PLAIN {}", base64_of(&format!("\0them\0{THEIRS}"))));
    talk.say("AUTH LOGIN");
    talk.say(&base64_of(THEIRS));
    talk.say("DATA");
    talk.say(BODY);
    talk.say(&format!("HELO {BODY} and more"));
    talk.say("RSET");
    let content = format!("Subject: a letter\r\n\r\n{BODY}\r\n{}", "x".repeat(40_000));
    for to in ["a@plain.example", "b@login.example"] {
        assert!(talk.send_mail("a@sender.test", &[to], &content).starts_with("250"));
    }
    talk.say("QUIT");
}

#[test]
fn nothing_secret_is_in_any_file() {
    let mut gateway = with_credentials();
    visit(&gateway);
    wait_until("both were tried", || {
        [1, 2].iter().all(|mid| gateway.command(&format!("attempts {mid}")).status.success())
    });
    let mids = [1, 2].map(|mid| gateway.text(&format!("transcript mid {mid}")));
    assert!(mids[0].contains("AUTH PLAIN") && mids[0].contains("octets of credentials]"), "{}", mids[0]);
    assert!(mids[1].contains("AUTH LOGIN"), "{}", mids[1]);
    let shown = ["transcript icid 1", "transcript icid 2", "attempts 1"].map(|words| gateway.text(words));
    // The index holds pieces of texts, so it is asked.
    for words in ["subject", "sender", "recipient", "message-id", "host"] {
        for canary in [PASSWORD, THEIRS, BODY] {
            let found = gateway.json(&format!("track {words} {canary}"));
            assert_eq!(found["total"], 0, "{words} {canary}: {found}");
        }
    }
    // What a process leaves that has no time to tidy up, and what one leaves that has.
    gateway.kill();
    nothing_secret_in(&gateway, &(mids.concat() + &shown.concat()));
    gateway.run();
    assert!(gateway.stop().success());
    nothing_secret_in(&gateway, "");
}

/// Looks through every file that the gateway has. Content of mail that waits is in the spool, and belongs there.
fn nothing_secret_in(gateway: &Gateway, shown: &str) {
    let below = |folder: &str, all: &mut Vec<u8>| octets_below(&gateway.folder.path().join(folder), all);
    let (mut spool, mut others) = (Vec::new(), shown.as_bytes().to_vec());
    below("data/spool", &mut spool);
    for entry in fs::read_dir(gateway.folder.path().join("data")).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() && !path.ends_with("spool") {
            octets_below(&path, &mut others);
        } else if path.is_file() && !path.ends_with("reserve") {
            others.extend_from_slice(&fs::read(&path).unwrap());
        }
    }
    below("log", &mut others);
    others.extend_from_slice(gateway.errors().as_bytes());
    others.extend_from_slice(&unpacked(&gateway.folder.path().join("data/recorder")));
    assert!(is_in("AUTH PLAIN", &others) && is_in("EHLO client.test", &others), "something is looked at");
    assert!(is_in(BODY, &spool), "the spool is looked at, too");
    let sent =
        [format!("\0gw\0{PASSWORD}"), PASSWORD.to_owned(), format!("\0them\0{THEIRS}"), THEIRS.to_owned()];
    let encoded = sent.map(|text| base64_of(&text));
    for canary in encoded.iter().map(String::as_str).chain([PASSWORD, THEIRS]) {
        assert!(!is_in(canary, &others) && !is_in(canary, &spool), "{canary} is in a file");
    }
    assert!(!is_in(BODY, &others), "{BODY} is in a file");
}

/// Conversations that gather are in the tails as they are; there are too few of them here for a packed block.
fn unpacked(recorder: &Path) -> Vec<u8> {
    let packed = ["failed", "routine", "crowd"].map(|lane| recorder.join(lane));
    for lane in &packed {
        let segments = fs::read_dir(lane)
            .unwrap()
            .filter(|entry| entry.as_ref().is_ok_and(|entry| entry.path().extension().is_some()));
        assert_eq!(segments.count(), 0, "a block hides what is in it from this test");
    }
    packed.iter().flat_map(|lane| fs::read(lane.join("tail")).unwrap()).collect()
}

fn base64_of(text: &str) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(text)
}
