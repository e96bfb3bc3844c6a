//! `telnet`: does the other side open, and what does it say first?

use std::fmt::Write as _;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::records::seconds;
use crate::command::{Argument, Command, Effect, Role, Spec, Text, no_more};
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
    /// What the host said first, a line each; empty when it said nothing.
    pub banner: Vec<String>,
    /// Why the banner is missing or ends early.
    pub silence: Option<String>,
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

impl Command for Telnet {
    type Reply = TelnetReply;
    const SPEC: Spec = Spec {
        words: "telnet",
        summary: "connects to a host and shows what it says first",
        about: "The connection goes out from the address and with the time limit that delivery uses, to one address of the host after the other until one answers. What the host says first is shown and the connection is closed; a mail host is told QUIT. Nothing else is sent.",
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

impl Text for TelnetReply {
    fn text(&self) -> String {
        let mut out = String::new();
        for TelnetTry { address, local, problem, took_us } in &self.tries {
            let took = seconds(*took_us);
            let _ = writeln!(out, "Trying {address}...");
            if let Some(problem) = problem {
                let _ = writeln!(out, "telnet: connect to address {address}: {problem} ({took})");
            }
            if let Some(local) = local {
                let _ = writeln!(out, "Connected to {}.\nEscape character is '^]'.", self.host);
                let _ = writeln!(out, "(from {local} in {took})");
            }
        }
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
    }
}
