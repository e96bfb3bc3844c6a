//! `dig`: one question to a name server, past the cache.

use std::fmt::Write as _;
use std::net::{IpAddr, SocketAddr};

use serde::{Deserialize, Serialize};

use super::records::{DnsRecord, Unanswered, known_type, record_type, reverse_name, seconds};
use crate::command::{Argument, Command, Effect, Role, Spec, Text};
use crate::wire::Problem;

/// The port of name servers.
const PORT: u16 = 53;

/// Asks a name server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dig {
    /// The name.
    pub name: String,
    /// The type.
    #[serde(default = "address_type")]
    pub record_type: String,
    /// Over TCP from the first.
    #[serde(default)]
    pub tcp: bool,
    /// The server to ask; those of the gateway when absent.
    #[serde(default)]
    pub server: Option<SocketAddr>,
    /// The address of ours to ask from.
    #[serde(default)]
    pub source: Option<IpAddr>,
}

fn address_type() -> String {
    "A".to_owned()
}

/// What a name server said.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct DigReply {
    /// The name that was asked for, with the last dot.
    pub name: String,
    /// The type that was asked for.
    pub record_type: String,
    /// The answer section.
    pub answers: Vec<DnsRecord>,
    /// Why it is empty.
    pub unanswered: Option<Unanswered>,
    /// Which server said it, or was asked last.
    pub server: String,
    /// `UDP` or `TCP`.
    pub transport: String,
    /// How long all of it took, microseconds.
    pub took_us: u64,
}

impl Command for Dig {
    type Reply = DigReply;
    const SPEC: Spec = Spec {
        words: "dig",
        summary: "asks a name server, past the cache",
        about: "The question goes to the name servers that delivery uses, in their order, or to the one after `@` (an address, with :PORT if it is not 53). -s asks from an address of this machine, -t tcp asks over TCP, -x asks for the names of an address. Both `@` and -s need the role operator or one above it, for they reach hosts that the gateway itself does not ask. The type may stand before the name or after -t; it is A when nothing is said.",
        arguments: &[Argument {
            name: "question",
            help: "[-s source] [-t tcp] [@server] [type] name, or -x address",
            required: true,
            choices: &[],
        }],
        role: Role::ReadOnlyOperator,
        effect: Effect::Read,
        route: "/api/v1/dig",
        example: "dig mx example.com",
    };
    const OPEN_ENDED: bool = true;

    /// Whoever only looks must not find out by us which hosts and ports answer in the inner network.
    fn reserved(&self) -> Option<(Role, &'static str)> {
        match (self.server, self.source) {
            (Some(_), _) => Some((Role::Operator, "@server")),
            (None, Some(_)) => Some((Role::Operator, "-s")),
            (None, None) => None,
        }
    }

    fn parse(words: &[String]) -> Result<Self, Problem> {
        let mut reading = Reading::default();
        let mut words = words.iter().map(String::as_str);
        while let Some(word) = words.next() {
            let mut value = || words.next().ok_or_else(|| needs(word));
            match word {
                "-s" => reading.source = Some(address(value()?)?),
                "-x" => reading.reverse = Some(address(value()?)?),
                "-t" => reading.kind_or_tcp(value()?)?,
                _ => match word.strip_prefix('@') {
                    Some(place) => reading.server = Some(server(place)?),
                    None if word.starts_with('-') => {
                        return Err(problem(format!("dig does not know `{word}`")));
                    }
                    None => reading.plain.push(word.to_owned()),
                },
            }
        }
        reading.finish()
    }
}

/// What of a command line has been read.
#[derive(Default)]
struct Reading {
    plain: Vec<String>,
    kind: Option<String>,
    tcp: bool,
    server: Option<SocketAddr>,
    source: Option<IpAddr>,
    reverse: Option<IpAddr>,
}

impl Reading {
    /// `-t` says over what, and also what for.
    fn kind_or_tcp(&mut self, word: &str) -> Result<(), Problem> {
        match word.to_ascii_lowercase().as_str() {
            "tcp" => self.tcp = true,
            "udp" => self.tcp = false,
            _ => self.kind = Some(record_type(word)?),
        }
        Ok(())
    }

    fn finish(mut self) -> Result<Dig, Problem> {
        let mut plain = std::mem::take(&mut self.plain);
        // One word is a name, whatever else it might be.
        if self.kind.is_none() && plain.len() > 1 {
            let first = plain.remove(0);
            self.kind = match known_type(&first) {
                Some(kind) => Some(kind.to_owned()),
                // `dig example.com mx` is meant as clearly.
                None => match known_type(&plain[0]) {
                    Some(kind) => {
                        plain[0] = first;
                        Some(kind.to_owned())
                    }
                    None => Some(record_type(&first)?),
                },
            };
        }
        let (name, kind) = match (self.reverse, plain.len()) {
            (Some(address), 0) => (reverse_name(address), "PTR".to_owned()),
            (None, 1) => (plain.remove(0), self.kind.unwrap_or_else(address_type)),
            (None, 0) => return Err(problem("dig needs a name".to_owned())),
            (Some(_), _) => return Err(problem(format!("-x takes an address and no name: `{}`", plain[0]))),
            (None, _) => {
                return Err(problem(format!("`dig` does not know what to do with `{}`", plain[1])));
            }
        };
        Ok(Dig { name, record_type: kind, tcp: self.tcp, server: self.server, source: self.source })
    }
}

fn problem(message: String) -> Problem {
    Problem::new(message, "for example: dig mx example.com, dig -x 192.0.2.1, dig @192.0.2.53 example.com")
}

fn needs(word: &str) -> Problem {
    let what = match word {
        "-t" => "tcp or a type",
        _ => "an address",
    };
    problem(format!("{word} needs {what}"))
}

fn address(word: &str) -> Result<IpAddr, Problem> {
    word.parse().map_err(|_| problem(format!("`{word}` is not an IP address")))
}

fn server(place: &str) -> Result<SocketAddr, Problem> {
    let with_port = || place.parse::<SocketAddr>().ok();
    let alone = place.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>().ok();
    alone.map(|ip| SocketAddr::new(ip, PORT)).or_else(with_port).ok_or_else(|| {
        Problem::new(
            format!("`@{place}` is not the address of a name server"),
            "give its IP address: dig @192.0.2.53 example.com",
        )
    })
}

impl Text for DigReply {
    fn text(&self) -> String {
        let mut out = String::new();
        let _ = writeln!(out, ";; QUESTION SECTION:\n;{} IN {}\n", self.name, self.record_type);
        if !self.answers.is_empty() {
            out.push_str(";; ANSWER SECTION:\n");
            for record in &self.answers {
                let DnsRecord { name, ttl, record_type, data } = record;
                let _ = writeln!(out, "{name} {ttl} IN {record_type} {data}");
            }
            out.push('\n');
        }
        if let Some(unanswered) = &self.unanswered {
            let _ = writeln!(out, ";; {}: {}", unanswered.code, unanswered.text);
        }
        let took = seconds(self.took_us);
        let _ = writeln!(out, ";; {took}, server {}, {}", self.server, self.transport);
        out
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn dig(words: &str) -> Result<Dig, String> {
        let words: Vec<String> = words.split_whitespace().map(str::to_owned).collect();
        Dig::parse(&words).map_err(|problem| problem.message)
    }

    fn plain(name: &str, kind: &str) -> Dig {
        Dig { name: name.into(), record_type: kind.into(), tcp: false, server: None, source: None }
    }

    #[test]
    fn every_way_of_asking_is_understood() {
        assert_eq!(dig("example.com"), Ok(plain("example.com", "A")));
        for words in ["mx example.com", "-t mx example.com", "MX example.com", "example.com mx"] {
            assert_eq!(dig(words), Ok(plain("example.com", "MX")), "{words}");
        }
        // A name may be called like a type.
        assert_eq!(dig("mx"), Ok(plain("mx", "A")));
        assert_eq!(dig("mx mx"), Ok(plain("mx", "MX")));
        assert_eq!(dig("-x 192.0.2.1"), Ok(plain("1.2.0.192.in-addr.arpa.", "PTR")));
        let all = Dig {
            tcp: true,
            server: Some("192.0.2.53:53".parse().unwrap()),
            source: Some("192.0.2.9".parse().unwrap()),
            ..plain("example.com", "TXT")
        };
        assert_eq!(dig("-s 192.0.2.9 -t tcp @192.0.2.53 txt example.com"), Ok(all));
        for (place, at) in [("2001:db8::1", "[2001:db8::1]:53"), ("[2001:db8::1]:5353", "[2001:db8::1]:5353")]
        {
            assert_eq!(dig(&format!("@{place} a")).unwrap().server, Some(at.parse().unwrap()));
        }
    }

    #[test]
    fn a_server_or_a_source_of_ones_own_is_for_operators() {
        let reserved = |words: &str| dig(words).unwrap().reserved();
        assert_eq!(reserved("-t tcp mx example.com"), None);
        assert_eq!(reserved("-x 192.0.2.1"), None);
        assert_eq!(reserved("@10.0.0.5:22 -t tcp a.test"), Some((Role::Operator, "@server")));
        assert_eq!(reserved("-s 192.0.2.9 a.test"), Some((Role::Operator, "-s")));
    }

    #[test]
    fn what_cannot_be_asked_is_told() {
        for (words, message) in [
            ("", "dig needs a name"),
            ("-t", "-t needs tcp or a type"),
            ("-t nonsense a.test", "`nonsense` is not a type of record that can be asked for"),
            ("nonsense a.test", "`nonsense` is not a type of record that can be asked for"),
            ("-x a.test", "`a.test` is not an IP address"),
            ("-x 192.0.2.1 a.test", "-x takes an address and no name: `a.test`"),
            ("@ns.test a.test", "`@ns.test` is not the address of a name server"),
            ("-s here a.test", "`here` is not an IP address"),
            ("-z a.test", "dig does not know `-z`"),
            ("mx a.test b.test", "`dig` does not know what to do with `b.test`"),
        ] {
            assert_eq!(dig(words).unwrap_err(), message, "{words}");
        }
    }

    fn reply(answers: Vec<DnsRecord>, unanswered: Option<(&str, &str)>) -> DigReply {
        DigReply {
            name: "example.com.".into(),
            record_type: "MX".into(),
            answers,
            unanswered: unanswered.map(|(code, text)| Unanswered { code: code.into(), text: text.into() }),
            server: "192.0.2.53".into(),
            transport: "UDP".into(),
            took_us: 12_400,
        }
    }

    #[test]
    fn the_answer_stands_in_sections() {
        let record = |data: &str| DnsRecord {
            name: "example.com.".into(),
            ttl: 3_600,
            record_type: "MX".into(),
            data: data.into(),
        };
        let text = reply(vec![record("10 mx1.example.com."), record("20 mx2.example.com.")], None).text();
        insta::assert_snapshot!(text, @r"
        ;; QUESTION SECTION:
        ;example.com. IN MX

        ;; ANSWER SECTION:
        example.com. 3600 IN MX 10 mx1.example.com.
        example.com. 3600 IN MX 20 mx2.example.com.

        ;; 0.012 seconds, server 192.0.2.53, UDP
        ");
        insta::assert_snapshot!(reply(Vec::new(), Some(("NXDOMAIN", "the name does not exist"))).text(), @r"
        ;; QUESTION SECTION:
        ;example.com. IN MX

        ;; NXDOMAIN: the name does not exist
        ;; 0.012 seconds, server 192.0.2.53, UDP
        ");
    }
}
