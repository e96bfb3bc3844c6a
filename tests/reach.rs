//! What can be reached from where the gateway stands: `telnet`, `ping`, `netstat`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod world;

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::thread::JoinHandle;

use mailreeve_lab::host::{Detail, Temper};
use mailreeve_lab::world::World;
use serde_json::{Value, json};
use world::places::by_dns;
use world::{Gateway, PATIENCE, Talk, address as address_of_ours, wait_until};

fn problem(gateway: &Gateway, words: &str) -> (i32, String) {
    let output = gateway.command(words);
    (output.status.code().unwrap(), String::from_utf8(output.stderr).unwrap())
}

#[test]
fn telnet_goes_the_way_of_delivery_and_shows_the_first_words() {
    let net = World::start(33).unwrap();
    net.settle_with("good.test", Temper::healthy(), Detail::default()).unwrap();
    let gateway = Gateway::start(&by_dns(&net, "refused_networks = []"));
    let port = net.port();
    let answer = gateway.json("dig mx good.test")["answers"][0]["data"].as_str().unwrap().to_owned();
    let host = answer.split(' ').next_back().unwrap().trim_end_matches('.').to_owned();
    let text = gateway.text(&format!("telnet {host} {port}"));
    let lines: Vec<&str> = text.lines().collect();
    assert!(lines[0].starts_with("Trying 127.") && lines[0].ends_with("..."), "{text}");
    assert_eq!(lines[1..3], [&*format!("Connected to {host}."), "Escape character is '^]'."], "{text}");
    assert!(lines[3].starts_with("(from 127.") && lines[4].starts_with("220 "), "{text}");
    wait_until("the change is in the record", || gateway.log().contains("Command telnet "));

    // Nobody listens; somebody says nothing and leaves; somebody speaks in several lines.
    let closed = TcpListener::bind((address_of_ours(), 0)).unwrap().local_addr().unwrap();
    let (text, came_about) = gateway.tried(&format!("telnet {} {}", closed.ip(), closed.port()));
    assert!(!came_about);
    assert!(
        text.contains("Connection refused") && text.ends_with("Unable to connect to the remote host.\n"),
        "{text}"
    );
    let talker = TcpListener::bind((address_of_ours(), 0)).unwrap();
    let at = talker.local_addr().unwrap();
    let talking = std::thread::spawn(move || {
        let (first, _) = talker.accept().unwrap();
        drop(first);
        let (mut second, _) = talker.accept().unwrap();
        second.write_all(b"220-one\r\n220-\x1b[31mtwo\r\n").unwrap();
        second.write_all(b"220 three\r\n").unwrap();
        let mut said = [0; 6];
        second.read_exact(&mut said).unwrap();
        said
    });
    let (mute, came_about) = gateway.tried_json(&format!("telnet {} {}", at.ip(), at.port()));
    assert!(!came_about);
    assert_eq!(mute["banner"].as_array().unwrap().len(), 0, "{mute}");
    assert!(mute["tries"][0]["local"].is_string() && mute["silence"].is_string(), "{mute}");
    let banner = gateway.json(&format!("telnet {} {}", at.ip(), at.port()))["banner"].take();
    assert_eq!(banner, serde_json::json!(["220-one", "220-\\x1b[31mtwo", "220 three"]));
    assert_eq!(&talking.join().unwrap(), b"QUIT\r\n");

    let (code, text) = problem(&gateway, "telnet never.good.test");
    assert!(
        code == 1 && text.contains("no address of `never.good.test` is known: the name does not exist"),
        "{text}"
    );
    let (code, text) = problem(&gateway, "telnet good.test 99999");
    assert!(code == 2 && text.contains("`99999` is not a port"), "{text}");
}

/// The answer to a call, line by line.
struct Line(BufReader<UnixStream>);

impl Line {
    fn talk_to(gateway: &Gateway, to: &TcpListener) -> (Self, TcpStream) {
        let stream = UnixStream::connect(gateway.folder.path().join("socket")).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let mut line = Self(BufReader::new(stream));
        let at = to.local_addr().unwrap();
        line.say(&json!({
            "v": 1, "command": "telnet", "manner": "talk",
            "args": { "host": at.ip().to_string(), "port": at.port() },
        }));
        let (host, _) = to.accept().unwrap();
        host.set_read_timeout(Some(PATIENCE)).unwrap();
        assert!(line.next()["part"]["tried"]["tried"]["local"].is_string());
        (line, host)
    }

    fn say(&mut self, what: &Value) {
        writeln!(self.0.get_mut(), "{what}").unwrap();
    }

    fn next(&mut self) -> Value {
        let mut text = String::new();
        self.0.read_line(&mut text).unwrap();
        serde_json::from_str(&text).unwrap_or_else(|_| panic!("no answer: {text:?}"))
    }

    /// What the host is heard to say, up to so many octets.
    fn hear(&mut self, octets: usize) -> Vec<u8> {
        let mut heard = Vec::new();
        while heard.len() < octets {
            let part = self.next();
            let more = part["part"]["heard"]["octets"].as_array().unwrap_or_else(|| panic!("{part}"));
            heard.extend(more.iter().map(|octet| u8::try_from(octet.as_u64().unwrap()).unwrap()));
        }
        heard
    }
}

#[test]
fn a_conversation_carries_octets_both_ways_until_one_side_ends_it() {
    let gateway = Gateway::start("");
    let listener = TcpListener::bind((address_of_ours(), 0)).unwrap();
    let (mut line, mut host) = Line::talk_to(&gateway, &listener);
    host.write_all(b"220 \x1b\xff\r\n").unwrap();
    assert_eq!(line.hear(8), b"220 \x1b\xff\r\n");
    line.say(&json!({ "said": b"EHLO a\r\n" }));
    let mut said = [0; 8];
    host.read_exact(&mut said).unwrap();
    assert_eq!(&said, b"EHLO a\r\n");
    drop(host);
    assert_eq!(line.next()["ok"]["silence"], "Connection closed by foreign host.");

    // More is said than fits into any buffer on the way, and nothing of it is lost.
    let (mut line, mut host) = Line::talk_to(&gateway, &listener);
    let reading: JoinHandle<usize> = std::thread::spawn(move || {
        let mut all = Vec::new();
        host.read_to_end(&mut all).unwrap();
        all.len()
    });
    for _ in 0..200 {
        line.say(&json!({ "said": vec![b'x'; 5_000] }));
    }
    line.0.get_mut().shutdown(Shutdown::Write).unwrap();
    assert_eq!(line.next()["ok"]["silence"], "Connection closed.");
    assert_eq!(reading.join().unwrap(), 1_000_000);

    // Who just leaves leaves no connection behind, and it is on record that it was there.
    let (line, mut host) = Line::talk_to(&gateway, &listener);
    drop(line);
    assert_eq!(host.read(&mut [0; 8]).unwrap(), 0);
    wait_until("all three are in the record", || gateway.log().matches("Command telnet ").count() == 3);
}

#[test]
fn networks_that_delivery_refuses_are_told() {
    let gateway = Gateway::start("[delivery]\nrefused_networks = [\"127.0.0.0/8\"]\n");
    let (ip, port) = (gateway.smtp.ip(), gateway.smtp.port());
    let text = gateway.text(&format!("telnet {ip} {port}"));
    assert!(
        text.contains("Note: delivery by MX does not connect to") && text.contains("127.0.0.0/8"),
        "{text}"
    );
}

#[test]
fn sockets_of_this_machine_are_listed() {
    let gateway = Gateway::start("");
    let at = gateway.smtp.to_string();
    let listening = gateway.text("netstat listen");
    assert!(
        listening.lines().any(|line| line.starts_with("tcp4") && line.ends_with(&format!("  {at}"))),
        "{listening}"
    );
    let _talk = Talk::with(gateway.smtp);
    let sockets = gateway.json("netstat active")["sockets"].take();
    let ours = sockets.as_array().unwrap().iter().find(|socket| socket["local"] == at.as_str());
    // A machine with very many sockets shows the first thousand.
    if sockets.as_array().unwrap().len() < 1_000 {
        assert_eq!(ours.unwrap()["state"], "ESTABLISHED", "{sockets}");
    }
    let (code, text) = problem(&gateway, "netstat routes");
    assert!(code == 2 && text.contains("`routes` is not a table of sockets"), "{text}");
}

/// The kernel of this machine decides whether a gateway may ping at all; either way it is told.
#[test]
fn ping_answers_or_says_what_forbids_it() {
    let gateway = Gateway::start("");
    let output = gateway.command("ping 127.0.0.1 1");
    let [out, err] = [output.stdout, output.stderr].map(|text| String::from_utf8(text).unwrap());
    match output.status.code() {
        Some(0) => {
            assert!(out.contains("1 packets transmitted, 1 packets received, 0.0% packet loss"), "{out}")
        }
        code => assert!(code == Some(1) && err.contains("net.ipv4.ping_group_range"), "{err}"),
    }
    let (code, text) = problem(&gateway, "ping6 127.0.0.1");
    assert!(code == 1 && text.contains("`127.0.0.1` has no IPv6 address"), "{text}");
    let (code, text) = problem(&gateway, "ping 127.0.0.1 1000");
    assert!(code == 2 && text.contains("`1000` is not a number of packets"), "{text}");
}
