//! What an operator may get wrong: each mistake ends in words that say what, where and what to do, and in
//! nothing else: no half-started gateway, no harm to the one that runs.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod world;

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Output;
use std::time::Duration;

use mailreeve_lab::client::{self, Ended, Load, Quota};
use mailreeve_lab::verify::Comparison;
use world::places::{alerts, all_to, mailreeve, sink};
use world::{Gateway, wait_until};

/// Mistakes of every kind: a name, the text that is wrong in one place.
const MISTAKES: [(&str, &str); 14] = [
    ("unknown key", "hostnme = \"gw.test\"\n"),
    ("unknown section", "[recieve]\nport = 25\n"),
    ("key of another section", "[queue]\nhops = 5\n"),
    ("no TOML", "hostname = \"gw.test\n[log]\nkeep = 10\n"),
    ("wrong type", "[delivery]\nconnections = \"many\"\n"),
    ("out of range", "[delivery]\nport = 70000\n"),
    ("no size", "[limits]\nmessage_bytes = \"12 bananas\"\n"),
    ("no time", "[timeouts]\ncommand = \"soon\"\n"),
    ("no network", "[accept]\nrelay_networks = [\"10.0.0.0/33\"]\n"),
    ("an open relay", "[accept]\nrelay_networks = [\"0.0.0.0/0\"]\n"),
    ("no domain", "[accept]\ndomains = [\"exa mple.com\"]\n"),
    ("a name that leads nowhere", "[destination_default]\nbounce_profile = \"patient\"\n"),
    ("marks in the wrong order", "[queue]\nlow = \"1 MiB\"\nreserve = \"2 MiB\"\n"),
    ("a secret in the file", "[[credentials]]\nname = \"a\"\nuser = \"u\"\npassword = \"hunter2-hunter2\"\n"),
];

fn told(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert_eq!(output.stdout, b"");
    String::from_utf8(output.stderr.clone()).unwrap()
}

#[test]
fn every_mistake_is_told_with_its_place_and_a_hint() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("mailreeve.toml");
    let path = file.to_str().unwrap();
    let mut book = String::new();
    for (name, text) in MISTAKES {
        fs::write(&file, format!("{text}# the end\n")).unwrap();
        let check = told(&mailreeve(&file, &["check", path]));
        let serve = told(&mailreeve(&file, &["serve"]));
        assert_eq!(check, serve, "{name}: check and serve say the same");
        assert!(!check.contains("hunter2"), "{name}: a secret is shown\n{check}");
        assert!(check.contains(&format!("{path}:")), "{name}: no place\n{check}");
        assert!(check.contains("= help: "), "{name}: no hint\n{check}");
        book.push_str(&format!("## {name}\n{}\n", check.replace(path, "FILE")));
    }
    insta::assert_snapshot!("mistakes_as_operators_see_them", book);
}

#[test]
fn a_file_without_mistakes_passes_and_a_missing_one_is_named() {
    let gateway = Gateway::prepare("");
    let file = gateway.config();
    let good = mailreeve(&file, &["check", file.to_str().unwrap()]);
    assert!(good.status.success());
    assert_eq!(String::from_utf8(good.stdout).unwrap(), format!("{}: no mistakes found\n", file.display()));
    let missing = file.with_file_name("missing.toml");
    for words in [&["check", missing.to_str().unwrap()][..], &["serve"]] {
        let text = told(&mailreeve(&missing, words));
        assert!(text.contains("missing.toml") && text.contains("No such file"), "{text}");
    }
}

#[test]
fn a_port_that_is_taken_is_named_and_nothing_runs() {
    let gateway = Gateway::prepare("");
    let taken = TcpListener::bind(gateway.smtp).unwrap();
    let text = told(&mailreeve(&gateway.config(), &["serve"]));
    assert!(text.contains("listener Incoming cannot use"), "{text}");
    assert!(text.contains(&gateway.smtp.to_string()) && text.contains("in use"), "{text}");
    drop(taken);

    let mut gateway = gateway;
    gateway.run();
    assert!(gateway.stop().success());
    let metrics = TcpListener::bind((world::address(), 0)).unwrap();
    let address = metrics.local_addr().unwrap();
    gateway.configure(&format!("[metrics]\naddress = \"{address}\"\n"));
    let text = told(&mailreeve(&gateway.config(), &["serve"]));
    assert!(text.contains("metrics cannot use") && text.contains(&address.to_string()), "{text}");
}

#[test]
fn folders_that_cannot_be_used_are_named() {
    let gateway = Gateway::prepare("");
    let data = gateway.folder.path().join("data");
    fs::write(&data, "not a folder").unwrap();
    let text = told(&mailreeve(&gateway.config(), &["serve"]));
    assert!(text.contains(data.to_str().unwrap()), "{text}");
    fs::remove_file(&data).unwrap();

    fs::create_dir_all(data.join("spool")).unwrap();
    fs::write(data.join("spool/format"), "something else entirely").unwrap();
    let text = told(&mailreeve(&gateway.config(), &["serve"]));
    assert!(text.contains("is not a spool"), "{text}");
    // What was not ours is still there.
    assert_eq!(fs::read(data.join("spool/format")).unwrap(), b"something else entirely");
}

#[test]
fn the_socket_of_another_gateway_and_what_is_no_socket_are_left_alone() {
    let first = Gateway::start("");
    let mut second = Gateway::prepare("");
    let (theirs, ours) = (first.folder.path().join("socket"), second.folder.path().join("socket"));
    let own = fs::read_to_string(second.config()).unwrap();
    fs::write(second.config(), own.replace(ours.to_str().unwrap(), theirs.to_str().unwrap())).unwrap();
    let text = told(&mailreeve(&second.config(), &["serve"]));
    assert!(text.contains("another gateway answers at the socket") && text.contains("stop it"), "{text}");
    assert!(text.contains(theirs.to_str().unwrap()), "{text}");
    assert_eq!(first.active(), 0, "the first still has its socket");

    fs::write(second.config(), own).unwrap();
    fs::write(&ours, "somebody's file").unwrap();
    let text = told(&mailreeve(&second.config(), &["serve"]));
    assert!(text.contains("is not a socket") && text.contains(ours.to_str().unwrap()), "{text}");
    assert_eq!(fs::read_to_string(&ours).unwrap(), "somebody's file");
    fs::remove_file(&ours).unwrap();

    // What a crash left is replaced.
    second.run();
    second.kill();
    assert!(ours.exists());
    second.run();
    assert_eq!(second.active(), 0);
}

#[test]
fn a_password_file_that_is_missing_is_named() {
    let gateway = Gateway::prepare("");
    let file = gateway.folder.path().join("smarthost.password");
    let settings = format!(
        "[[route]]\ndomain = \"ALL\"\nto = [\"[127.0.0.1]:2525\"]\ncredentials = \"s\"\n\
         [[credentials]]\nname = \"s\"\nuser = \"u\"\npassword_file = \"{}\"\n",
        file.display()
    );
    gateway.configure(&settings);
    let text = told(&mailreeve(&gateway.config(), &["serve"]));
    assert!(text.contains("smarthost.password") && text.contains("No such file"), "{text}");
}

#[test]
fn what_the_gateway_writes_is_its_users_alone() {
    let gateway = Gateway::start("");
    let data = gateway.folder.path().join("data");
    for private in ["data", "data/spool", "data/ledger", "data/tls/self-signed.key", "socket"] {
        let mode = fs::metadata(gateway.folder.path().join(private)).unwrap().permissions().mode();
        // A folder below a private one is out of reach whatever its own mode.
        let reach = if private.starts_with("data/") {
            fs::metadata(&data).unwrap().permissions().mode()
        } else {
            mode
        };
        assert_eq!(reach & 0o077, 0, "{private}: {mode:o}");
    }
}

#[test]
fn a_second_gateway_on_the_same_spool_is_turned_away_and_harms_nothing() {
    let sink = sink();
    let mut gateway = Gateway::start(&all_to(sink.address()));
    let running = client::start(Load {
        target: gateway.smtp,
        sessions: 4,
        quota: Quota::Endless,
        recipients: 2,
        keep: true,
        deadline: Duration::from_secs(120),
        ..Load::default()
    })
    .unwrap();
    for _ in 0..20 {
        let before = running.progress().acked;
        let text = told(&mailreeve(&gateway.config(), &["serve"]));
        assert!(text.contains(&format!("in use by process {}", gateway.pid())), "{text}");
        wait_until("the first goes on", || running.progress().acked > before);
    }
    running.stop();
    let report = running.join().unwrap();
    assert_eq!(report.ended, Ended::Stopped, "{report}");
    assert!(report.refused.is_empty() && report.breaks == 0, "{report}");
    wait_until("the queue is empty", || gateway.active() == 0);
    // A new start reads everything back: it finds no damage, and counts what was taken.
    assert!(gateway.stop().success());
    gateway.run();
    assert_eq!(alerts(&gateway), Vec::<String>::new());
    let status = gateway.json("status");
    assert_eq!(status["lifetime"]["inj_msgs"].as_u64().unwrap(), report.acked.messages, "{status:#}");
    let mut comparison = Comparison::default();
    report.records.iter().cloned().for_each(|acked| comparison.acked(acked));
    sink.deliveries().iter().for_each(|delivery| comparison.delivered(delivery));
    let verdict = comparison.verdict();
    assert!(verdict.is_good() && verdict.duplicates == 0, "{verdict}");
}
