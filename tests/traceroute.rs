//! The way of packets to a host, in network namespaces made for the test: the gateway, a router, a host behind it.
//! Only root may make them; without that the test says so and does nothing.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stderr)]

mod world;

use std::os::unix::net::UnixStream;
use std::process::Command;

use world::{Gateway, wait_until};

/// Three namespaces in a row; gone with it.
struct Net {
    names: [String; 3],
}

impl Net {
    /// Makes them; `None`, said aloud, where that is not allowed.
    fn new() -> Option<Self> {
        let own = std::process::id();
        let net = Self { names: ["us", "router", "far"].map(|role| format!("mr{own}-{role}")) };
        for name in &net.names {
            let made = Command::new("ip").args(["netns", "add", name]).output();
            if !made.as_ref().is_ok_and(|made| made.status.success()) {
                eprintln!("skipped: no network namespace can be made here: {made:?}");
                return None;
            }
        }
        net.join();
        Some(net)
    }

    fn join(&self) {
        let [us, router, far] = &self.names;
        let device = |near: &str, name: &str, peer: &str, there: &str| {
            let words = format!("-n {near} link add {name} type veth peer name {peer} netns {there}");
            run("ip", &words);
        };
        device(us, "a0", "b0", router);
        device(router, "b1", "c0", far);
        for name in &self.names {
            run("ip", &format!("-n {name} link set lo up"));
        }
        for (name, device, v4, v6) in [
            (us, "a0", "10.66.1.1/24", "fd66:1::1/64"),
            (router, "b0", "10.66.1.254/24", "fd66:1::254/64"),
            (router, "b1", "10.66.2.254/24", "fd66:2::254/64"),
            (far, "c0", "10.66.2.1/24", "fd66:2::1/64"),
        ] {
            run("ip", &format!("-n {name} addr add {v4} dev {device}"));
            run("ip", &format!("-n {name} addr add {v6} dev {device} nodad"));
            run("ip", &format!("-n {name} link set {device} up"));
        }
        for (name, v4, v6) in [(us, "10.66.1.254", "fd66:1::254"), (far, "10.66.2.254", "fd66:2::254")] {
            run("ip", &format!("-n {name} route add default via {v4}"));
            run("ip", &format!("-n {name} -6 route add default via {v6}"));
        }
        for setting in ["net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1"] {
            run("ip", &format!("netns exec {router} sysctl -q -w {setting}"));
        }
        for name in [router, far] {
            for setting in ["net.ipv4.icmp_ratelimit=0", "net.ipv6.icmp.ratelimit=0"] {
                run("ip", &format!("netns exec {name} sysctl -q -w {setting}"));
            }
        }
        for (kind, v4, v6) in [
            ("unreachable", "10.66.9.0/24", "fd66:9::/64"),
            ("prohibit", "10.66.8.0/24", "fd66:8::/64"),
            ("blackhole", "10.66.7.0/24", "fd66:7::/64"),
        ] {
            run("ip", &format!("-n {router} route add {kind} {v4}"));
            run("ip", &format!("-n {router} -6 route add {kind} {v6}"));
        }
    }
}

impl Drop for Net {
    fn drop(&mut self) {
        for name in &self.names {
            let _ = Command::new("ip").args(["netns", "del", name]).output();
        }
    }
}

fn run(program: &str, words: &str) {
    let output = Command::new(program).args(words.split(' ')).output().unwrap();
    assert!(output.status.success(), "{program} {words}: {}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn routers_are_named_one_after_the_other_and_say_where_the_way_ends() {
    let Some(net) = Net::new() else { return };
    // Nobody answers there: hops stay without a name, and at once.
    let mut gateway =
        Gateway::prepare("[dns]\nservers = [\"127.0.0.1:9\"]\ntimeout = \"1s\"\nattempts = 1\n");
    gateway.within = ["ip", "netns", "exec", &net.names[0]].map(str::to_owned).to_vec();
    gateway.spawn();
    let socket = gateway.folder.path().join("socket");
    wait_until("the gateway is there", || UnixStream::connect(&socket).is_ok());

    for (command, far, router) in
        [("traceroute", "10.66.2.1", "10.66.1.254"), ("traceroute6", "fd66:2::1", "fd66:1::254")]
    {
        let reply = gateway.json(&format!("{command} {far}"));
        let hops = reply["hops"].as_array().unwrap();
        assert_eq!((hops.len(), &reply["end"]), (2, &serde_json::Value::Null), "{reply}");
        for (hop, address) in hops.iter().zip([router, far]) {
            let tries = hop["tries"].as_array().unwrap();
            assert_eq!(tries.len(), 3);
            for tried in tries {
                assert_eq!((&tried["address"], tried["mark"].is_null()), (&address.into(), true), "{reply}");
                assert!(tried["took_us"].as_u64().unwrap() < 2_000_000);
            }
        }
        let text = gateway.text(&format!("{command} {far}"));
        let lines: Vec<&str> = text.lines().collect();
        assert!(lines[0].starts_with(&format!("traceroute to {far} ({far}), 30 hops max, ")), "{text}");
        assert!(lines[1].starts_with(&format!(" 1  {router}  ")) && lines[1].matches(" ms").count() == 3);
        assert!(lines[2].starts_with(&format!(" 2  {far}  ")) && lines.len() == 3, "{text}");
    }
    for (words, mark) in [
        ("traceroute 10.66.9.1", "!H"),
        ("traceroute 10.66.8.1", "!X"),
        ("traceroute6 fd66:9::1", "!N"),
        ("traceroute6 fd66:8::1", "!X"),
    ] {
        let text = gateway.text(words);
        let last = text.lines().last().unwrap();
        assert!(last.starts_with(" 1  ") && last.matches(mark).count() == 3, "{words}: {text}");
    }
    let lost = gateway.text("traceroute 10.66.7.1 2");
    assert!(lost.ends_with(" 2  * * *\n10.66.7.1 was not reached within 2 hops.\n"), "{lost}");
}
