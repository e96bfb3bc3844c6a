//! The life of the daemon as those around it see it: the service manager, the operator who reloads it, the one who
//! stops it, and Prometheus.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod world;

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::net::UnixDatagram;

use world::places::{alerts, all_to, mail_to, sink};
use world::{Gateway, PATIENCE, Talk, address, wait_until};

/// What the service manager has been told next.
fn told(manager: &UnixDatagram) -> String {
    let mut buffer = [0; 256];
    let count = manager.recv(&mut buffer).expect("a state within the time allowed");
    String::from_utf8_lossy(&buffer[..count]).into_owned()
}

#[test]
fn the_service_manager_is_told_each_state_in_its_time() {
    let mut gateway = Gateway::prepare("");
    let path = gateway.folder.path().join("notify");
    let manager = UnixDatagram::bind(&path).unwrap();
    manager.set_read_timeout(Some(PATIENCE)).unwrap();
    gateway.environment.push(("NOTIFY_SOCKET", path.display().to_string()));
    gateway.run();
    assert_eq!(told(&manager), "READY=1");
    gateway.signal("HUP");
    // systemd wants the moment of the reload with it (Type=notify-reload).
    let reloading = told(&manager);
    let moment = reloading.strip_prefix("RELOADING=1\nMONOTONIC_USEC=").map(str::parse::<f64>);
    let up = std::fs::read_to_string("/proc/uptime").unwrap();
    let up: f64 = up.split(' ').next().unwrap().parse().unwrap();
    let moment = moment.expect(&reloading).unwrap() / 1e6;
    // Both clocks run from the start of the machine; one of them counts its sleep, too.
    assert!(moment > 0.0 && moment < up + 1.0, "{moment} s, up for {up} s");
    assert_eq!(told(&manager), "READY=1");
    gateway.signal("TERM");
    assert_eq!(told(&manager), "STOPPING=1");
    assert!(gateway.wait().success());
}

#[test]
fn a_reload_takes_a_good_file_and_leaves_a_bad_one() {
    let (old, new) = (sink(), sink());
    let gateway = Gateway::start(&all_to(old.address()));
    // A connection from before goes on over both reloads.
    let mut talk = Talk::with(gateway.smtp);
    talk.say("EHLO client.test");
    gateway.configure(&format!("{}[queue]\nlow = \"nonsense\"\n", all_to(new.address())));
    gateway.signal("HUP");
    wait_until("the refusal is told", || alerts(&gateway).contains(&"configuration-refused".to_owned()));
    let shown = gateway.json("displayalerts")["alerts"][0]["text"].as_str().unwrap().to_owned();
    assert!(shown.contains("nonsense") && shown.contains("stays in force"), "{shown}");
    mail_to(&gateway, &["b@example.com"]);
    assert!(old.wait_for(1, PATIENCE));

    gateway.configure(&all_to(new.address()));
    gateway.signal("HUP");
    wait_until("the new one is in force", || gateway.log().matches(" in force from ").count() == 2);
    mail_to(&gateway, &["b@example.org"]);
    assert!(new.wait_for(1, PATIENCE));
    let reply = talk.send_mail("a@sender.test", &["c@example.org"], "Subject: from before\r\n\r\nhello");
    assert!(reply.starts_with("250 "), "{reply}");
    assert!(new.wait_for(2, PATIENCE));
    assert_eq!(old.sums().messages, 1);

    // What only a restart takes is said, and the rest of the file is taken.
    let text = std::fs::read_to_string(gateway.config()).unwrap();
    std::fs::write(gateway.config(), text.replace("name = \"Incoming\"", "name = \"Other\"")).unwrap();
    gateway.signal("HUP");
    wait_until("it is said", || alerts(&gateway).contains(&"restart-needed".to_owned()));
    let shown = gateway.json("displayalerts")["alerts"][0]["text"].as_str().unwrap().to_owned();
    assert!(shown.ends_with("These stay as they were until a restart: [[listener]]"), "{shown}");
    assert!(shown.contains("nothing else in it changed"), "{shown}");
}

#[test]
fn alerts_are_there_after_a_stop_and_after_a_kill() {
    let mut gateway = Gateway::start("");
    let told = |gateway: &Gateway, count: usize| {
        gateway.configure(&format!("[queue]\nlow = \"nonsense {count}\"\n"));
        gateway.signal("HUP");
        wait_until("the refusal is told", || alerts(gateway).len() == count);
    };
    let shown = |gateway: &Gateway| {
        let texts = gateway.json("displayalerts")["alerts"].as_array().unwrap().clone();
        let number = |alert: &serde_json::Value| {
            let text = alert["text"].as_str().unwrap();
            (1..=3).find(|number| text.contains(&format!("nonsense {number}"))).unwrap()
        };
        texts.iter().map(number).collect::<Vec<i32>>()
    };
    told(&gateway, 1);
    told(&gateway, 2);
    gateway.configure("");
    assert!(gateway.stop().success());
    gateway.run();
    assert_eq!(shown(&gateway), [2, 1], "the newest comes first");
    told(&gateway, 3);
    // The ledger is written within milliseconds; a kill takes nothing from it.
    wait_until("it is in the log", || gateway.log().contains("nonsense 3"));
    gateway.configure("");
    gateway.kill();
    gateway.run();
    assert_eq!(shown(&gateway), [3, 2, 1]);
    assert!(gateway.stop().success());
    gateway.run();
    assert_eq!(shown(&gateway), [3, 2, 1]);
}

#[test]
fn a_stop_lets_no_one_hang_and_loses_nothing() {
    let next = SocketAddr::new(address(), 2525);
    let mut gateway = Gateway::start(&all_to(next));
    mail_to(&gateway, &["b@example.com"]);
    wait_until("it was tried", || gateway.json("hoststatus example.com")["status"] == "down");
    let mut idle = Talk::with(gateway.smtp);
    idle.say("EHLO client.test");
    gateway.signal("TERM");
    let last = idle.reply();
    assert!(last.starts_with("421 "), "{last}");
    assert!(gateway.wait().success());
    assert!(TcpStream::connect(gateway.smtp).is_err(), "somebody still listens");
    assert!(gateway.log().contains("stopped"), "{}", gateway.log());
    let sink = world::places::sink_at(next);
    gateway.run();
    // It was tried before and keeps its time; it need not be waited for here.
    wait_until("it is read back", || gateway.active() == 1);
    gateway.text("delivernow all");
    assert!(sink.wait_for(1, PATIENCE));
}

#[test]
fn a_stop_does_not_wait_for_a_host_that_never_greets() {
    let silent = TcpListener::bind(SocketAddr::new(address(), 2525)).unwrap();
    let mut gateway = Gateway::start(&all_to(silent.local_addr().unwrap()));
    mail_to(&gateway, &["b@example.com"]);
    let (_held, _) = silent.accept().unwrap();
    gateway.signal("TERM");
    // The greeting would be waited for five minutes.
    assert!(gateway.wait().success());
    assert!(gateway.log().contains("stopped"), "{}", gateway.log());
    gateway.run();
    wait_until("it is read back", || gateway.active() == 1);
}

#[test]
fn prometheus_gets_the_counters_of_status() {
    let sink = sink();
    let at = SocketAddr::new(address(), 9090);
    let gateway = Gateway::start(&format!("{}[metrics]\naddress = \"{at}\"\n", all_to(sink.address())));
    mail_to(&gateway, &["b@example.com", "c@example.com"]);
    assert!(sink.wait_for(2, PATIENCE));
    wait_until("the queue is empty", || gateway.active() == 0);
    // Counters follow the queue by the few milliseconds that events gather in the journal.
    wait_until("both are counted", || gateway.json("status")["lifetime"]["delivered_recips"] == 2);
    let mut stream = TcpStream::connect(at).unwrap();
    stream.write_all(b"GET /metrics HTTP/1.1\r\nHost: gw.test\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 ") && answer.contains("openmetrics-text"), "{answer}");
    for line in [
        "mailreeve_messages_received_total 2",
        "mailreeve_recipients_delivered_total 2",
        "mailreeve_recipients_active 0",
        "# EOF",
    ] {
        assert!(answer.lines().any(|found| found == line), "{line} is not in\n{answer}");
    }
    assert!(!answer.contains("example.com"), "an address left the gateway\n{answer}");
}
