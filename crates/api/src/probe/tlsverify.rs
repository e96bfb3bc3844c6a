//! `tlsverify`: the TLS of a destination, in full.

use std::fmt::Write as _;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{AddressProbe, PATIENCE, ProbePart, ProbeReply, ProbeTarget, ProbeTls};
use crate::command::{Argument, Command, Effect, Role, Spec, Text, no_more};
use crate::parts::{InParts, Parts};
use crate::wire::Problem;

/// Verifies the certificates of a destination's hosts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TlsVerify {
    /// The destination.
    pub domain: String,
    /// A host to connect to in place of its exchangers.
    #[serde(default)]
    pub host: Option<ProbeTarget>,
}

/// How the certificates are.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TlsVerifyReply {
    /// The probe that found it out.
    pub probe: ProbeReply,
}

impl Command for TlsVerify {
    type Reply = TlsVerifyReply;
    const SPEC: Spec = Spec {
        words: "tlsverify",
        summary: "verifies the TLS certificates of a destination",
        about: "The hosts of the destination are connected to as delivery would do if TLS with a verified certificate were required there: the certificate must be signed by an authority that this system trusts, be valid now, and hold for the name of the exchanger. Each certificate that was shown is told with its SHA-256, also when it does not verify. DANE and MTA-STS are not looked at. No mail is offered. With a host that one is connected to in place of the exchangers; with :PORT it needs the role administrator.",
        arguments: &[
            Argument { name: "domain", help: "the destination", required: true, choices: &[] },
            Argument {
                name: "host",
                help: "a host to connect to, with :PORT if that is not 25",
                required: false,
                choices: &[],
            },
        ],
        role: Role::Operator,
        effect: Effect::Change,
        route: "/api/v1/tlsverify",
        example: "tlsverify example.com",
    };
    const PATIENCE: Duration = PATIENCE;
    const PARTS: Option<Parts> = Some(Parts::of::<Self>());

    fn reserved(&self) -> Option<(Role, &'static str)> {
        let port = self.host.as_ref().and_then(|host| host.port);
        port.map(|_| (Role::Administrator, ":PORT"))
    }

    fn parse(words: &[String]) -> Result<Self, Problem> {
        let domain = words.first().ok_or_else(|| {
            Problem::new("tlsverify needs a destination", format!("for example: {}", Self::SPEC.example))
        })?;
        let domain = ProbeTarget::parse(domain)?;
        if domain.port.is_some() {
            return Err(Problem::new(
                format!("`{}` is not a destination", domain.shown()),
                "a host with a port is the second word: tlsverify example.com mx.example.com:26",
            ));
        }
        let host = words.get(1).map(|word| ProbeTarget::parse(word)).transpose()?;
        no_more(words, 2, &Self::SPEC)?;
        Ok(Self { domain: domain.host, host })
    }
}

impl InParts for TlsVerify {
    type Part = ProbePart;

    fn part(part: &ProbePart) -> String {
        match part {
            ProbePart::Way(_) | ProbePart::Queued(..) | ProbePart::Step(_) => String::new(),
            ProbePart::Address(address) => lines(address),
        }
    }

    fn rest(reply: &TlsVerifyReply) -> String {
        rest(&reply.probe)
    }
}

impl Text for TlsVerifyReply {
    fn came_about(&self) -> bool {
        self.probe.addresses.iter().any(|address| address.tls.as_ref().is_some_and(|tls| tls.verified))
    }

    fn text(&self) -> String {
        let addresses: String = self.probe.addresses.iter().map(lines).collect();
        addresses + &rest(&self.probe)
    }
}

/// One address, in the lines that operators know.
fn lines(probe: &AddressProbe) -> String {
    let (ip, port) = probe.address.rsplit_once(':').unwrap_or((&probe.address, "25"));
    let mut out = format!("Connecting to {ip} on port {port}.\n");
    let Some(local) = &probe.local else {
        let _ = writeln!(out, "Unable to connect to {ip}: {}", probe.verdict.text);
        return out;
    };
    let from = local.rsplit_once(':').map_or(local.as_str(), |(from, _)| from);
    let _ = writeln!(out, "Connected to {ip} from interface {from}.");
    let _ = writeln!(out, "Checking TLS connection.");
    let name = &probe.name;
    let Some(tls) = probe.tls.as_ref().filter(|tls| !tls.chain.is_empty()) else {
        let _ = writeln!(out, "TLS connection to {ip} failed: {}", probe.verdict.text);
        return out;
    };
    if !tls.protocol.is_empty() {
        let ProbeTls { protocol, cipher, .. } = tls;
        let _ = writeln!(out, "TLS connection established: protocol {protocol}, cipher {cipher}.");
    }
    let _ = writeln!(out, "Verifying peer certificate.");
    tls.write_chain(&mut out);
    if tls.verified {
        let _ = writeln!(out, "TLS certificate match {name}\nTLS certificate verified.");
        let _ = writeln!(out, "TLS connection to {ip} succeeded.");
    } else {
        let why = tls.problem.as_deref().unwrap_or("it was not looked at");
        let code = tls.problem_code.as_deref().map_or_else(String::new, |code| format!(" [{code}]"));
        let _ = writeln!(out, "TLS certificate for {name} not verified: {why}{code}");
        let _ = writeln!(out, "TLS connection to {ip} failed: {}", probe.verdict.text);
    }
    out
}

fn rest(probe: &ProbeReply) -> String {
    let mut out = String::new();
    if let Some(problem) = &probe.way.problem {
        let _ = writeln!(out, "{} [{}]", problem.text, problem.code);
    }
    let verified = |address: &&AddressProbe| address.tls.as_ref().is_some_and(|tls| tls.verified);
    let count = probe.addresses.iter().filter(verified).count();
    match probe.addresses.iter().find(verified) {
        Some(first) => {
            let _ = writeln!(out, "TLS successfully connected to {}.", first.name);
        }
        None => {
            let _ = writeln!(out, "Failed to connect to {} with verified TLS.", probe.way.target);
        }
    }
    let _ = writeln!(out, "DANE and MTA-STS are not looked at.");
    let _ = writeln!(out, "TLS verification completed: {count} of {} addresses.", probe.addresses.len());
    out
}
