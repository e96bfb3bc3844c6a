//! `version`.

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

use crate::command::{Command, Effect, Role, Spec, Text, no_more};
use crate::format::{AsOf, short_span};
use crate::wire::Problem;

/// Asks which release runs.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Version {}

/// Which release runs, and since when.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct VersionReply {
    /// When.
    pub as_of: AsOf,
    /// The product's name.
    pub product: String,
    /// The release.
    pub version: String,
    /// What the gateway calls itself.
    pub hostname: String,
    /// Start of this process, microseconds since the epoch.
    pub up_since_us: u64,
}

impl Command for Version {
    type Reply = VersionReply;
    const SPEC: Spec = Spec {
        words: "version",
        summary: "shows which release runs",
        about: "The release of the gateway that answers, which need not be that of the command line.",
        arguments: &[],
        role: Role::ReadOnlyOperator,
        effect: Effect::Read,
        route: "/api/v1/version",
        example: "version",
    };

    fn parse(words: &[String]) -> Result<Self, Problem> {
        no_more(words, 0, &Self::SPEC)?;
        Ok(Self {})
    }
}

impl Text for VersionReply {
    fn text(&self) -> String {
        let up = short_span(self.as_of.seconds_since(self.up_since_us));
        let mut out = String::from("Current Version\n===============\n");
        let _ = writeln!(out, "Product:  {}", self.product);
        let _ = writeln!(out, "Version:  {}", self.version);
        let _ = writeln!(out, "Hostname: {}", self.hostname);
        let _ = writeln!(out, "Up since: {} ({up})", self.as_of.show(self.up_since_us));
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_release_and_its_start() {
        let reply = VersionReply {
            as_of: AsOf { at_us: 1_597_343_382_000_000, zone: "UTC".into() },
            product: "Mailreeve".into(),
            version: "0.1.0".into(),
            hostname: "mail.example.com".into(),
            up_since_us: 1_597_300_000_000_000,
        };
        insta::assert_snapshot!(reply.text(), @r"
        Current Version
        ===============
        Product:  Mailreeve
        Version:  0.1.0
        Hostname: mail.example.com
        Up since: Thu Aug 13 06:26:40 2020 UTC (12h 3m 2s)
        ");
    }
}
