//! A process of its own: what becomes of the desk and of mail when one of the two ends.

use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::process::Command;

use crate::http::get;
use crate::world::{Gateway, address, banner, wait_until};
use crate::{Setting, section};

/// The processes that a process has started.
fn children(of: u32) -> Vec<u32> {
    let stats = fs::read_dir("/proc").unwrap().filter_map(|entry| {
        let entry = entry.ok()?;
        let pid: u32 = entry.file_name().to_str()?.parse().ok()?;
        let stat = fs::read_to_string(entry.path().join("stat")).ok()?;
        // State and parent follow the name, which stands in brackets.
        let rest: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
        (rest[1].parse() == Ok(of) && rest[0] != "Z").then_some(pid)
    });
    stats.collect()
}

fn kill(pid: u32) {
    assert!(Command::new("kill").args(["-KILL", &pid.to_string()]).status().unwrap().success());
}

fn is_there(pid: u32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"));
    stat.is_ok_and(|stat| !stat.contains(") Z "))
}

#[test]
fn a_desk_that_ends_is_started_again_and_no_mail_notices() {
    let setting = Setting::start();
    let (_, token) = setting.first();
    let daemon = setting.gateway.pid();
    let [desk] = children(daemon)[..] else { panic!("{:?}", children(daemon)) };
    let line = fs::read_to_string(format!("/proc/{desk}/cmdline")).unwrap();
    assert_eq!(line, "mailreeve\0desk\0");
    kill(desk);
    assert!(banner(setting.gateway.smtp).is_some_and(|banner| banner.starts_with("220 ")));
    wait_until("the alert", || setting.alerted("desk-ended"));
    setting.wait();
    assert_ne!(children(daemon), [desk]);
    // Users are as they were.
    assert_eq!(get("/api/v1/status").bearer(&token).send(setting.desk).status, 200);
}

#[test]
fn a_desk_goes_when_its_daemon_goes() {
    let mut setting = Setting::start();
    let [desk] = children(setting.gateway.pid())[..] else { panic!() };
    setting.gateway.kill();
    wait_until("the desk has gone", || !is_there(desk));
    // The port is free again, and users are as they were.
    let (_, token) = setting.first();
    setting.gateway.run();
    setting.wait();
    assert_eq!(get("/api/v1/status").bearer(&token).send(setting.desk).status, 200);
    let [desk] = children(setting.gateway.pid())[..] else { panic!() };
    assert!(setting.gateway.stop().success());
    wait_until("the desk has gone", || !is_there(desk));
    assert!(!setting.gateway.log().contains("desk-ended"), "{}", setting.gateway.log());
}

#[test]
fn a_taken_port_is_alerted_and_mail_goes_on() {
    let desk = SocketAddr::new(address(), 8024);
    let other = TcpListener::bind(desk).unwrap();
    let setting = Setting { gateway: Gateway::start(&section(desk, "")), desk };
    wait_until("the alert", || setting.alerted("desk-port"));
    assert!(setting.gateway.log().contains(&format!("the desk cannot listen at {desk}")));
    assert!(banner(setting.gateway.smtp).is_some_and(|banner| banner.starts_with("220 ")));
    drop(other);
    setting.wait();
}

#[test]
fn a_desk_that_cannot_work_says_why_and_mail_goes_on() {
    let desk = SocketAddr::new(address(), 8024);
    let more = "certificate = \"/no/such.pem\"\nkey = \"/no/such.key\"";
    let setting = Setting { gateway: Gateway::start(&section(desk, more)), desk };
    wait_until("the alert", || setting.alerted("desk-failed"));
    assert!(setting.gateway.log().contains("reading the certificate /no/such.pem"));
    assert!(banner(setting.gateway.smtp).is_some_and(|banner| banner.starts_with("220 ")));
}
