//! Looking on and finding out: what passes through, who is connected, what the name service says.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod world;

use std::net::IpAddr;
use std::time::{Duration, Instant};

use mailreeve_lab::dns::{Behaviour, RecordType, Transport, Zone};
use mailreeve_lab::host::{Detail, Reply, Temper};
use mailreeve_lab::world::World;
use serde_json::Value;
use world::places::{all_to, by_dns, mail_to, sink};
use world::{Gateway, Talk, address as address_of_ours, wait_until};

/// A gateway that delivers by the lab's name service to a healthy host for `good.test`.
fn in_a_world() -> (World, Gateway) {
    let net = World::start(31).unwrap();
    net.settle_with("good.test", Temper::healthy(), Detail::default()).unwrap();
    let gateway = Gateway::start(&by_dns(&net, "refused_networks = []"));
    (net, gateway)
}

fn problem(gateway: &Gateway, words: &str) -> (i32, String) {
    let output = gateway.command(words);
    (output.status.code().unwrap(), String::from_utf8(output.stderr).unwrap())
}

#[test]
fn who_is_connected_is_told_by_host_and_listener_until_they_leave() {
    let net = World::start(34).unwrap();
    let own: IpAddr = [127, 0, 0, 1].into();
    net.dns().reverse(own, "client.test").unwrap();
    net.dns().put(&Zone::new("client.test").address("client.test", own)).unwrap();
    let gateway = Gateway::start(&by_dns(&net, ""));
    let open: Vec<Talk> = (0..3).map(|_| Talk::with(gateway.smtp)).collect();
    let mut peers = Value::Null;
    // The name is looked up while the sessions go on.
    wait_until("three connections and their name", || {
        peers = gateway.json("topin")["peers"].take();
        peers[0]["conn_in"] == 3 && peers[0]["host"].is_string()
    });
    let row = &peers[0];
    let source = row["address"].as_str().unwrap();
    assert!(source.starts_with("127."), "{row}");
    let host = row["host"].as_str().unwrap();
    assert_eq!((host, &row["verified"]), ("client.test", &true.into()));
    assert_eq!(row["listener"], "Incoming");
    let text = gateway.text("topin");
    let last = text.lines().last().unwrap();
    let words: Vec<&str> = last.split_whitespace().collect();
    assert_eq!(words, ["1", host, source, "Incoming", "3"], "{text}");
    drop(open);
    wait_until("they left", || gateway.json("topin")["peers"].as_array().unwrap().is_empty());
}

#[test]
fn a_host_that_is_up_and_takes_nobody_tells_its_last_error() {
    let net = World::start(22).unwrap();
    let later = Reply::new(451).enhanced("4.7.1").text("come back later");
    let grey = net.settle("grey.test", Temper::healthy().recipient("*", later)).unwrap();
    let gateway = Gateway::start(&by_dns(&net, "refused_networks = []"));
    mail_to(&gateway, &["one@grey.test"]);
    wait_until("it was deferred", || gateway.json("hoststatus grey.test")["soft_bounced_evts"] == 1);
    let shown = gateway.json("hoststatus grey.test");
    assert_eq!((&shown["status"], &shown["reason"]), (&"up".into(), &serde_json::Value::Null));
    assert_eq!(shown["last_error"]["text"], "451 4.7.1 come back later");
    assert_eq!(shown["last_error"]["address"], grey.address().to_string());
}

#[test]
fn rates_are_samples_with_what_changed_between_them() {
    let next = sink();
    let gateway = Gateway::start(&all_to(next.address()));
    let started = Instant::now();
    let child = std::thread::scope(|scope| {
        let rate = scope.spawn(|| gateway.text("rate 1 3"));
        wait_until("the first line is out", || gateway.json("status")["gauges"].is_object());
        mail_to(&gateway, &["a@there.test", "b@there.test"]);
        rate.join().unwrap()
    });
    assert!(started.elapsed() >= Duration::from_secs(2), "three lines, a second apart");
    let lines: Vec<&str> = child.lines().collect();
    assert!(lines[0].starts_with("Time ") && lines[1].contains("K-Used"), "{child}");
    assert_eq!(lines.len(), 5, "{child}");
    let numbers = |line: &str| -> Vec<u64> {
        line.split_whitespace().skip(1).map(|word| word.parse().unwrap()).collect()
    };
    let rows: Vec<Vec<u64>> = lines[2..].iter().map(|line| numbers(line)).collect();
    for pair in rows.windows(2) {
        assert_eq!(pair[1][3], pair[1][2] - pair[0][2], "received: {child}");
        assert_eq!(pair[1][5], pair[1][4] - pair[0][4], "completed: {child}");
    }
    wait_until("both are delivered", || gateway.active() == 0);

    let samples = gateway.text("hostrate there.test 1 --count 2 --json");
    let samples: Vec<Value> = samples.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(samples.len(), 2);
    for sample in &samples {
        assert_eq!((&sample["status"], &sample["host"]), (&Value::from("up"), &Value::from("there.test")));
        assert_eq!((&sample["delivered_recips"], &sample["active_recips"]), (&2.into(), &0.into()));
    }
    let (code, text) = problem(&gateway, "hostrate never.test 1 2");
    assert!(code == 1 && text.contains("no mail to `never.test`") && text.contains("hint:"), "{text}");
    let (code, text) = problem(&gateway, "rate soon");
    assert!(code == 2 && text.contains("`soon` is not a number of seconds"), "{text}");
}

#[test]
fn a_reset_empties_its_column_and_no_other() {
    let (_net, gateway) = in_a_world();
    mail_to(&gateway, &["a@good.test"]);
    wait_until("it is delivered", || gateway.json("status")["reset"]["delivered_recips"] == 1);
    let before = gateway.json("dnsstatus");
    assert!(before["reset"]["network_requests"].as_u64().unwrap() > 0, "{before}");
    assert_eq!(before["reset"], before["uptime"]);
    let text = gateway.text("resetcounters");
    assert!(text.starts_with("Counters reset: ") && text.ends_with('\n'), "{text}");
    // No waiting: what is answered is done.
    let status = gateway.json("status");
    assert_eq!(status["reset"]["delivered_recips"], 0);
    assert_eq!(status["lifetime"]["delivered_recips"], 1);
    assert!(status["last_reset_us"].is_u64());
    assert_eq!(gateway.json("hoststatus good.test")["delivered_recips"], 0);
    let after = gateway.json("dnsstatus");
    assert_eq!(after["reset"]["requests"], 0, "{after}");
    assert!(after["uptime"]["requests"].as_u64() >= before["uptime"]["requests"].as_u64());
    wait_until("the log tells it", || gateway.log().contains("Counters reset"));
    let version = gateway.text("version");
    assert!(version.contains("Product:  Mailreeve") && version.contains("Hostname: gw.test"), "{version}");
}

#[test]
fn look_ups_are_counted_as_the_network_or_the_cache_answers_them() {
    let (net, gateway) = in_a_world();
    mail_to(&gateway, &["a@good.test"]);
    wait_until("it is delivered", || gateway.active() == 0);
    let counted = || gateway.json("dnsstatus")["uptime"].take();
    let first = counted();
    assert!(first["cache_misses"].as_u64().unwrap() >= 2, "the exchanger and its address: {first}");
    assert_eq!(first["cache_misses"], first["network_requests"]);
    // What delivery asked for is at hand; a name that does not exist is asked for once, and then known.
    let asked = net.dns().questions().len();
    for words in ["nslookup good.test mx", "nslookup none.good.test", "nslookup none.good.test"] {
        gateway.text(words);
    }
    assert_eq!(net.dns().questions().len(), asked + 1);
    let then = counted();
    let grown = |key: &str| then[key].as_u64().unwrap() - first[key].as_u64().unwrap();
    let keys =
        ["requests", "network_requests", "cache_misses", "cache_hits", "cache_exceptions", "cache_expired"];
    assert_eq!(keys.map(grown), [3, 1, 1, 2, 1, 0], "{then}");
}

#[test]
fn dig_asks_the_servers_of_delivery_past_the_cache() {
    let (net, gateway) = in_a_world();
    let server = net.dns().address();
    let mx = gateway.text("dig mx good.test");
    assert!(
        mx.starts_with(";; QUESTION SECTION:\n;good.test. IN MX\n\n;; ANSWER SECTION:\ngood.test. "),
        "{mx}"
    );
    assert!(mx.contains(" IN MX ") && mx.contains(&format!("server {server}, UDP")), "{mx}");
    assert_eq!(gateway.json("dig -t mx good.test")["answers"], gateway.json("dig mx good.test")["answers"]);
    assert_eq!(net.dns().asked("good.test", RecordType::MX), 3, "every dig asks anew");
    let exchanger = gateway.json("dig mx good.test")["answers"][0]["data"].as_str().unwrap().to_owned();
    let exchanger = exchanger.split(' ').next_back().unwrap().to_owned();
    let address = gateway.json(&format!("dig -t tcp {exchanger}"));
    assert_eq!(address["transport"], "TCP");
    let asked = net.dns().questions();
    assert_eq!(asked.last().unwrap().transport, Transport::Tcp);
    assert!(address["answers"][0]["data"].as_str().unwrap().starts_with("127."), "{address}");

    // A server of one's own choice, from an address of one's own choice.
    let other = World::start(32).unwrap();
    other.dns().put(&Zone::new("other.test").mx(5, "mx.other.test")).unwrap();
    let here = address_of_ours();
    let reply = gateway.json(&format!("dig -s {here} @{} mx other.test", other.dns().address()));
    assert_eq!(reply["answers"][0]["data"], "5 mx.other.test.", "{reply}");
    assert_eq!(other.dns().questions().last().unwrap().peer.ip(), here);
    assert_eq!(net.dns().asked("other.test", RecordType::MX), 0);
    let (code, text) = problem(&gateway, "dig -s 192.0.2.77 good.test");
    assert!(
        code == 1 && text.contains("cannot be asked from 192.0.2.77") && text.contains("hint:"),
        "{text}"
    );
}

#[test]
fn every_failure_of_the_name_service_has_its_words() {
    let (net, gateway) = in_a_world();
    let dns = net.dns();
    dns.put(&Zone::new("fails.test").mx(10, "mx.fails.test")).unwrap();
    for (name, behaviour, code, words) in [
        ("servfail.fails.test", Behaviour::ServFail, "SERVFAIL", "could not find out"),
        ("refused.fails.test", Behaviour::Refused, "REFUSED", "does not answer this question"),
        ("empty.fails.test", Behaviour::Empty, "NODATA", "the name exists and has no MX record"),
        ("none.fails.test", Behaviour::Nxdomain, "NXDOMAIN", "the name does not exist"),
        ("silent.fails.test", Behaviour::Silent, "TIMEOUT", "no answer from"),
        ("garbage.fails.test", Behaviour::Garbage, "GARBLED", "is no answer to the question"),
    ] {
        dns.behave(name, behaviour).unwrap();
        let text = gateway.text(&format!("dig mx {name}"));
        let told = text.lines().find(|line| line.starts_with(&format!(";; {code}: ")));
        assert!(told.is_some_and(|line| line.contains(words)), "{text}");
        assert!(text.contains(" seconds, server "), "{text}");
    }
    // The seconds are those that the look-up took, in the reply and in the text.
    let slow = gateway.json("dig silent.fails.test");
    assert!(slow["took_us"].as_u64().unwrap() >= 1_000_000, "{slow}");
    dns.behave("big.fails.test", Behaviour::TruncatedForEver).unwrap();
    let big = gateway.json("dig big.fails.test");
    assert_eq!(
        (&big["transport"], &big["unanswered"]["code"]),
        (&"TCP".into(), &"UNREACHABLE".into()),
        "{big}"
    );
    for words in ["dig", "dig nonsense good.test", "dig -x good.test", "dig @ns.test good.test", "nslookup"] {
        let (code, text) = problem(&gateway, words);
        assert!(code == 2 && text.contains("error: ") && text.contains("hint: "), "{words}: {text}");
    }
}

#[test]
fn nslookup_shows_what_the_cache_knows_until_it_is_flushed() {
    let (net, gateway) = in_a_world();
    let first = gateway.json("nslookup good.test mx");
    assert_eq!(first["from_cache"], false);
    let again = gateway.text("nslookup good.test mx");
    assert!(
        again.starts_with("MX=") && again.contains(" TTL=") && again.contains(", from the cache)"),
        "{again}"
    );
    assert_eq!(net.dns().asked("good.test", RecordType::MX), 1);
    let counters = gateway.json("dnsstatus");
    assert!(counters["uptime"]["cache_hits"].as_u64().unwrap() >= 1, "{counters}");

    // Nobody is at a terminal: it needs a yes, and does nothing without.
    let (code, text) = problem(&gateway, "dnsflush");
    assert!(code == 2 && text.contains("dnsflush y"), "{text}");
    assert_eq!(gateway.json("nslookup good.test mx")["from_cache"], true);
    assert_eq!(gateway.text("dnsflush y"), "The DNS cache is cleared.\n");
    assert_eq!(gateway.json("nslookup good.test mx")["from_cache"], false);
    assert_eq!(net.dns().asked("good.test", RecordType::MX), 2);
    let none = gateway.text("nslookup never.good.test");
    assert!(none.starts_with("NXDOMAIN: the name does not exist\n("), "{none}");
}

#[test]
fn names_of_loopback_addresses_are_asked_of_the_servers_like_others() {
    let (net, gateway) = in_a_world();
    let address = "127.77.0.9".parse().unwrap();
    net.dns().reverse(address, "named.good.test").unwrap();
    let reply = gateway.json("nslookup 127.77.0.9");
    assert_eq!(reply["records"][0]["data"], "named.good.test.", "{reply}");
    assert_eq!(net.dns().asked("9.0.77.127.in-addr.arpa", RecordType::PTR), 1);
    let none = gateway.text("nslookup 127.77.0.10");
    assert!(none.starts_with("NXDOMAIN: "), "{none}");
}

#[test]
fn who_gives_commands_is_known() {
    let gateway = Gateway::start("");
    let own = gateway.json("whoami");
    assert_eq!((&own["from"], &own["role"]), (&"local socket".into(), &"administrator".into()), "{own}");
    let text = gateway.text("whoami");
    assert!(text.starts_with(&format!("Username:    {}\n", own["user"].as_str().unwrap())), "{text}");
    gateway.text("tophosts");
    let rows = gateway.json("who")["present"].take();
    assert_eq!(rows.as_array().unwrap().len(), 1, "one user at one place is one row: {rows}");
    assert_eq!((&rows[0]["user"], &rows[0]["what"]), (&own["user"], &"who".into()));
    assert!(rows[0]["since_us"].as_u64() < rows[0]["last_us"].as_u64(), "{rows}");
    assert!(gateway.text("who").starts_with("Username  Login Time  Idle Time  Remote Host   What\n="));
}
