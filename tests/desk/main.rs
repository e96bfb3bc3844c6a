//! The desk as programs and browsers meet it: the real binary, a process beside the daemon, over loopback.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "../world/mod.rs"]
mod world;

mod hostile;
mod http;
mod login;
mod pages;
mod process;
mod rest;
mod tls;

use std::fs;
use std::io::Write as _;
use std::net::SocketAddr;
use std::process::{Command, Stdio};

use http::get;
use world::{Gateway, address, binary, wait_until};

/// A gateway with a desk that answers.
struct Setting {
    gateway: Gateway,
    desk: SocketAddr,
}

impl Setting {
    fn start() -> Self {
        Self::start_with("")
    }

    fn start_with(more: &str) -> Self {
        let desk = SocketAddr::new(address(), 8024);
        let setting = Self { gateway: Gateway::start(&section(desk, more)), desk };
        setting.wait();
        setting
    }

    /// Waits until the desk answers.
    fn wait(&self) {
        wait_until("the desk answers", || {
            get("/login").try_send(self.desk).is_some_and(|reply| reply.status == 200)
        });
    }

    /// What is told to whoever installs it: the first password and the first token.
    fn first(&self) -> (String, String) {
        let text = fs::read_to_string(self.gateway.folder.path().join("data/desk/first-login.txt")).unwrap();
        let told = |label: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(label));
            line.unwrap().trim().to_owned()
        };
        (told("password:"), told("token:"))
    }

    /// `mailreeve desk-user WORDS` with a password on standard input.
    fn desk_user(&self, words: &str, password: &str) -> String {
        let mut child = Command::new(binary())
            .args(["--config", self.gateway.config().to_str().unwrap(), "desk-user"])
            .args(words.split(' '))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        writeln!(child.stdin.take().unwrap(), "{password}").unwrap();
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{words}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    /// Whether the newest alerts have one with this code.
    fn alerted(&self, code: &str) -> bool {
        let alerts = self.gateway.json("displayalerts 20");
        alerts["alerts"].as_array().unwrap().iter().any(|alert| alert["code"] == code)
    }
}

/// The configuration of a desk, and a name service that is not there.
fn section(desk: SocketAddr, more: &str) -> String {
    let ip = desk.ip();
    format!(
        "[dns]\nservers = [\"{ip}:5353\"]\ntimeout = \"100ms\"\nattempts = 1\n\
         [desk]\naddress = \"{desk}\"\n{more}\n"
    )
}
