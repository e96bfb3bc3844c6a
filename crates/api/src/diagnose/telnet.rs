//! `telnet`: does the other side open, and what does it say first? On a terminal: a conversation.

use std::fmt::Write as _;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::records::seconds;
use crate::command::{Argument, Command, Effect, Role, Spec, Text, no_more};
use crate::format::visible;
use crate::parts::{InParts, Parts};
use crate::wire::Problem;

/// Connects to a host and reads its first words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Telnet {
    /// A name or an address.
    pub host: String,
    /// The port.
    #[serde(default = "smtp")]
    pub port: u16,
}

const fn smtp() -> u16 {
    25
}

/// How it went.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct TelnetReply {
    /// The host as it was given.
    pub host: String,
    /// Every address that was tried, in order.
    pub tries: Vec<TelnetTry>,
    /// What the host said first, a line each; empty when it said nothing, and in a conversation.
    pub banner: Vec<String>,
    /// Why the banner is missing or ends early, or how the conversation ended.
    pub silence: Option<String>,
    /// It was a conversation with the one who gave the command.
    #[serde(default)]
    pub talked: bool,
    /// From the connection to the banner, microseconds.
    pub banner_us: Option<u64>,
    /// What an operator should know besides.
    pub notes: Vec<String>,
}

/// One address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TelnetTry {
    /// The address.
    pub address: String,
    /// Our end of the connection, once it stood.
    pub local: Option<String>,
    /// Why it did not come about.
    pub problem: Option<String>,
    /// How long it took, microseconds.
    pub took_us: u64,
}

/// What becomes known on the way.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TelnetPart {
    /// An address was tried.
    Tried {
        /// The host as it was given.
        host: String,
        /// How it went.
        tried: TelnetTry,
    },
    /// The host said something.
    Heard {
        /// The octets.
        octets: Vec<u8>,
    },
}

impl Command for Telnet {
    type Reply = TelnetReply;
    const SPEC: Spec = Spec {
        words: "telnet",
        summary: "connects to a host, to talk with it or to see what it says first",
        about: "The connection goes out from the address and with the time limit that delivery uses, to one address of the host after the other until one answers. On a terminal you then talk with the host: each line that you type is sent, what it says is shown, Ctrl-] ends it, and so do five minutes without a word of either side. In a script, with --json and over HTTP what the host says first is shown and the connection is closed; a mail host is told QUIT, and nothing else is sent.",
        arguments: &[
            Argument { name: "host", help: "a name or an address", required: true, choices: &[] },
            Argument { name: "port", help: "1 to 65535 (25)", required: false, choices: &[] },
        ],
        role: Role::Administrator,
        effect: Effect::Change,
        route: "/api/v1/telnet",
        example: "telnet mx.example.com 25",
    };
    const PATIENCE: Duration = Duration::from_secs(90);
    const PARTS: Option<Parts> = Some(Parts::of::<Self>());

    fn parse(words: &[String]) -> Result<Self, Problem> {
        let host = words
            .first()
            .ok_or_else(|| Problem::new("telnet needs a host", "for example: telnet mx.example.com 25"))?;
        let port = match words.get(1) {
            None => smtp(),
            Some(word) => word.parse().ok().filter(|port| *port > 0).ok_or_else(|| {
                Problem::new(format!("`{word}` is not a port"), "a number from 1 to 65535; SMTP is 25")
            })?,
        };
        no_more(words, 2, &Self::SPEC)?;
        Ok(Self { host: host.trim_matches(['[', ']']).to_owned(), port })
    }
}

impl InParts for Telnet {
    type Part = TelnetPart;
    const TALKS: bool = true;

    fn part(part: &TelnetPart) -> String {
        match part {
            TelnetPart::Tried { host, tried } => tried.text(host),
            TelnetPart::Heard { octets } => visible(&String::from_utf8_lossy(octets)),
        }
    }

    fn rest(reply: &TelnetReply) -> String {
        reply.rest()
    }
}

impl TelnetTry {
    fn text(&self, host: &str) -> String {
        let mut out = String::new();
        let Self { address, local, problem, took_us } = self;
        let took = seconds(*took_us);
        let _ = writeln!(out, "Trying {address}...");
        if let Some(problem) = problem {
            let _ = writeln!(out, "telnet: connect to address {address}: {problem} ({took})");
        }
        if let Some(local) = local {
            let _ = writeln!(out, "Connected to {host}.\nEscape character is '^]'.");
            let _ = writeln!(out, "(from {local} in {took})");
        }
        out
    }
}

impl TelnetReply {
    fn rest(&self) -> String {
        let mut out = String::new();
        for line in &self.banner {
            let _ = writeln!(out, "{line}");
        }
        if let Some(us) = self.banner_us {
            let _ = writeln!(out, "(said after {})", seconds(us));
        }
        if let Some(silence) = &self.silence {
            let _ = writeln!(out, "{silence}");
        }
        for note in &self.notes {
            let _ = writeln!(out, "Note: {note}");
        }
        out
    }
}

impl Text for TelnetReply {
    /// A connection stood, and where nobody talked the host said something.
    fn came_about(&self) -> bool {
        let connected = self.tries.iter().any(|tried| tried.local.is_some());
        connected && (self.talked || !self.banner.is_empty())
    }

    fn text(&self) -> String {
        let tries: String = self.tries.iter().map(|tried| tried.text(&self.host)).collect();
        tries + &self.rest()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn telnet(words: &str) -> Result<Telnet, String> {
        let words: Vec<String> = words.split_whitespace().map(str::to_owned).collect();
        Telnet::parse(&words).map_err(|problem| problem.message)
    }

    #[test]
    fn a_host_and_a_port() {
        let of = |host: &str, port| Ok(Telnet { host: host.into(), port });
        assert_eq!(telnet("mx.test"), of("mx.test", 25));
        assert_eq!(telnet("[2001:db8::1] 587"), of("2001:db8::1", 587));
        assert_eq!(telnet("").unwrap_err(), "telnet needs a host");
        for port in ["0", "65536", "smtp", "-1"] {
            assert_eq!(telnet(&format!("mx.test {port}")).unwrap_err(), format!("`{port}` is not a port"));
        }
    }

    #[test]
    fn a_refusal_and_a_banner_as_they_come() {
        let attempt = |address: &str, local: Option<&str>, problem: Option<&str>| TelnetTry {
            address: address.into(),
            local: local.map(str::to_owned),
            problem: problem.map(str::to_owned),
            took_us: 1_200,
        };
        let mut reply = TelnetReply {
            host: "mx.example.com".into(),
            tries: vec![
                attempt("2001:db8::1", None, Some("Connection refused")),
                attempt("10.1.1.1", Some("10.1.1.9:41000"), None),
            ],
            banner: vec!["220 mx.example.com ESMTP".into()],
            silence: None,
            talked: false,
            banner_us: Some(30_500_000),
            notes: vec!["delivery would not connect to 10.1.1.1".into()],
        };
        insta::assert_snapshot!(reply.text(), @r"
        Trying 2001:db8::1...
        telnet: connect to address 2001:db8::1: Connection refused (0.001 seconds)
        Trying 10.1.1.1...
        Connected to mx.example.com.
        Escape character is '^]'.
        (from 10.1.1.9:41000 in 0.001 seconds)
        220 mx.example.com ESMTP
        (said after 30.500 seconds)
        Note: delivery would not connect to 10.1.1.1
        ");
        assert!(reply.came_about());
        (reply.banner, reply.banner_us, reply.notes) = (Vec::new(), None, Vec::new());
        reply.tries.remove(0);
        reply.silence = Some("Connection closed by foreign host.".into());
        insta::assert_snapshot!(reply.text(), @r"
        Trying 10.1.1.1...
        Connected to mx.example.com.
        Escape character is '^]'.
        (from 10.1.1.9:41000 in 0.001 seconds)
        Connection closed by foreign host.
        ");
        assert!(!reply.came_about(), "nothing was said");
        reply.talked = true;
        assert!(reply.came_about(), "what was said went to whoever talked");
        reply.tries[0].local = None;
        assert!(!reply.came_about());
    }

    #[test]
    fn what_a_host_says_cannot_command_a_terminal() {
        let heard = TelnetPart::Heard { octets: b"220 a\r\n\x1b[2J\xff\tb".to_vec() };
        assert_eq!(Telnet::part(&heard), "220 a\n\\x1b[2J\u{fffd}\tb");
    }
}
