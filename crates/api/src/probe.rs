//! `probe`, `smtpping`, `tlsverify`: the way of delivery to a destination, gone step by step and told with its times.

mod reply;
mod smtpping;
mod test_message;
mod text;
mod tlsverify;

use std::net::IpAddr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

pub use reply::{
    AddressProbe, Certificate, Exchanger, ProbePart, ProbeReply, ProbeStep, ProbeTls, ProbeVerdict, ProbeWay,
};
pub use smtpping::SmtpPing;
pub use test_message::{TestMessage, TestStep};
pub use tlsverify::{TlsVerify, TlsVerifyReply};

use crate::command::{Argument, Command, Effect, Role, Spec};
use crate::parts::{InParts, Parts};
use crate::wire::Problem;

/// Longer than the gateway takes for all addresses together.
const PATIENCE: Duration = Duration::from_secs(180);

/// Goes the way of delivery, up to the content.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Probe {
    /// Where to.
    pub to: ProbeTarget,
    /// A mailbox that is offered as recipient.
    #[serde(default)]
    pub recipient: Option<String>,
    /// The mailbox that is offered as sender; the empty one when absent.
    #[serde(default)]
    pub sender: Option<String>,
    /// Put a small message into the queue, if an address would take it, and follow it.
    #[serde(default)]
    pub send: bool,
}

/// Where a probe goes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProbeTarget {
    /// A destination, as mail knows it, or a host by name or address.
    pub host: String,
    /// The port of a host; with it routes and exchangers are not asked for.
    #[serde(default)]
    pub port: Option<u16>,
}

const TARGET: Argument = Argument {
    name: "target",
    help: "a destination, an address, or a host with :PORT",
    required: true,
    choices: &[],
};

impl Command for Probe {
    type Reply = ProbeReply;
    const SPEC: Spec = Spec {
        words: "probe",
        summary: "goes the way of delivery to a destination, step by step",
        about: "The destination is looked up as for mail, by its route or its exchangers, and every address is tried, over IPv4 and IPv6, from each source address of delivery, with its TLS policy and by the code that hands mail over: connection, greeting, EHLO, STARTTLS, and with a recipient MAIL, RCPT and RSET; then QUIT. No content is sent, nothing is counted and no clock of the queue moves. Each step is told with its time and the words of the host, each address with what delivery would make of it. A destination that is held to be down and answers EHLO is tried again at once. With --send, and if an address takes the recipient, a small message is put into the queue as ordinary mail and followed to its end, 25 seconds at most (`smtpping` is the same). An address, or a host with :PORT, is probed itself, without its exchangers; a port of one's own choice needs the role administrator, as does --send.",
        arguments: &[
            TARGET,
            Argument {
                name: "options",
                help: "the recipient to offer, --from SENDER, --send",
                required: false,
                choices: &[],
            },
        ],
        role: Role::Operator,
        effect: Effect::Change,
        route: "/api/v1/probe",
        example: "probe example.com",
    };
    const OPEN_ENDED: bool = true;
    const PATIENCE: Duration = PATIENCE;
    const PARTS: Option<Parts> = Some(Parts::of::<Self>());

    fn reserved(&self) -> Option<(Role, &'static str)> {
        match (self.send, self.to.port) {
            (true, _) => Some((Role::Administrator, "--send")),
            (false, Some(_)) => Some((Role::Administrator, ":PORT")),
            (false, None) => None,
        }
    }

    fn parse(words: &[String]) -> Result<Self, Problem> {
        let mut words = words.iter();
        let target = words.next().ok_or_else(|| {
            Problem::new("probe needs a destination or a host", "for example: probe example.com")
        })?;
        let mut probe = Self { to: ProbeTarget::parse(target)?, ..Self::default() };
        while let Some(word) = words.next() {
            match word.as_str() {
                "--send" => probe.send = true,
                "--from" => {
                    let sender = words.next().ok_or_else(|| problem("--from needs a mailbox".to_owned()))?;
                    probe.sender = Some(mailbox(sender)?);
                }
                word if word.starts_with('-') => {
                    return Err(problem(format!("probe does not know `{word}`")));
                }
                _ if probe.recipient.is_none() => probe.recipient = Some(mailbox(word)?),
                _ => return Err(problem(format!("`probe` does not know what to do with `{word}`"))),
            }
        }
        if probe.send && probe.recipient.is_none() {
            return Err(problem("--send needs a recipient".to_owned()));
        }
        Ok(probe)
    }
}

impl InParts for Probe {
    type Part = ProbePart;

    fn part(part: &ProbePart) -> String {
        part.text()
    }

    fn rest(reply: &ProbeReply) -> String {
        reply.rest()
    }
}

impl ProbeTarget {
    /// Reads `example.com`, `192.0.2.1`, `[2001:db8::1]`, and each with a port.
    pub(crate) fn parse(word: &str) -> Result<Self, Problem> {
        let bad = || {
            Problem::new(
                format!("`{word}` is neither a destination nor a host with a port"),
                "for example: example.com, 192.0.2.1, mx.example.com:25, [2001:db8::1]:25",
            )
        };
        let colons = word.matches(':').count();
        let (host, port) = match word.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            Some((host, "")) => (host, None),
            Some((host, port)) => (host, Some(port.strip_prefix(':').ok_or_else(bad)?)),
            None if colons == 1 => {
                word.split_once(':').map(|(host, port)| (host, Some(port))).ok_or_else(bad)?
            }
            None => (word, None),
        };
        let port = port.map(|port| port.parse().ok().filter(|port: &u16| *port > 0).ok_or_else(bad));
        if host.is_empty() || host.contains('@') {
            return Err(bad());
        }
        let host = host.strip_prefix("IPv6:").unwrap_or(host).to_ascii_lowercase();
        Ok(Self { host, port: port.transpose()? })
    }

    /// Tells whether it is one that mail knows, and not a host alone.
    pub fn is_destination(&self) -> bool {
        self.port.is_none() && self.host.parse::<IpAddr>().is_err()
    }

    /// As it was given.
    pub fn shown(&self) -> String {
        match self.port {
            Some(port) if self.host.contains(':') => format!("[{}]:{port}", self.host),
            Some(port) => format!("{}:{port}", self.host),
            None => self.host.clone(),
        }
    }
}

/// A mailbox as far as it can be told from a mistake here; the gateway reads it whole.
pub(crate) fn mailbox(word: &str) -> Result<String, Problem> {
    let bare = word.trim_start_matches('<').trim_end_matches('>');
    match bare.rsplit_once('@') {
        Some((local, domain)) if !local.is_empty() && !domain.is_empty() => Ok(bare.to_owned()),
        Some(_) | None => Err(problem(format!("`{word}` is not a mailbox"))),
    }
}

fn problem(message: String) -> Problem {
    Problem::new(message, "for example: probe example.com user@example.com --from me@example.org")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn probe(words: &str) -> Result<Probe, String> {
        let words: Vec<String> = words.split_whitespace().map(str::to_owned).collect();
        Probe::parse(&words).map_err(|problem| problem.message)
    }

    #[test]
    fn targets_are_read_in_every_form() {
        for (word, host, port) in [
            ("Example.com", "example.com", None),
            ("mx.test:2525", "mx.test", Some(2525)),
            ("192.0.2.1", "192.0.2.1", None),
            ("192.0.2.1:25", "192.0.2.1", Some(25)),
            ("[192.0.2.1]", "192.0.2.1", None),
            ("2001:db8::1", "2001:db8::1", None),
            ("[2001:db8::1]:25", "2001:db8::1", Some(25)),
            ("[IPv6:2001:db8::1]", "2001:db8::1", None),
        ] {
            let target = ProbeTarget::parse(word).unwrap();
            assert_eq!((target.host.as_str(), target.port), (host, port), "{word}");
            assert_eq!(ProbeTarget::parse(&target.shown()).unwrap(), target, "{word}");
        }
        for word in ["", ":25", "a.test:", "a.test:0", "a.test:70000", "[::1]25", "a@b.test"] {
            assert!(ProbeTarget::parse(word).is_err(), "{word}");
        }
    }

    #[test]
    fn what_is_offered_and_what_is_sent() {
        let whole = probe("a.test b@a.test --from c@d.test --send").unwrap();
        assert_eq!(
            (whole.recipient.as_deref(), whole.sender.as_deref()),
            (Some("b@a.test"), Some("c@d.test"))
        );
        for (words, reserved) in [
            ("a.test", None),
            ("a.test b@a.test", None),
            ("a.test:26", Some((Role::Administrator, ":PORT"))),
            ("a.test b@a.test --send", Some((Role::Administrator, "--send"))),
        ] {
            assert_eq!(probe(words).unwrap().reserved(), reserved, "{words}");
        }
        for (words, message) in [
            ("", "probe needs a destination or a host"),
            ("a.test b", "`b` is not a mailbox"),
            ("a.test --send", "--send needs a recipient"),
            ("a.test --from", "--from needs a mailbox"),
            ("a.test --fast", "probe does not know `--fast`"),
            ("a.test b@c.test d@e.test", "`probe` does not know what to do with `d@e.test`"),
        ] {
            assert_eq!(probe(words).unwrap_err(), message, "{words}");
        }
    }
}
