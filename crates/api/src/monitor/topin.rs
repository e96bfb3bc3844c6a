//! `topin`: the hosts with most connections to us, twenty of them.

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

use crate::command::{Command, Effect, Role, Spec, Text, no_more};
use crate::format::{AsOf, thousands};
use crate::wire::Problem;

/// Asks for the hosts that are connected now.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TopIn {}

/// The hosts that are connected now.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct TopInReply {
    /// When.
    pub as_of: AsOf,
    /// The rows, most connections first.
    pub peers: Vec<PeerLine>,
}

/// One host at one listener.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PeerLine {
    /// Its name, when the name service has told it by now.
    pub host: Option<String>,
    /// The name leads back to the address.
    pub verified: bool,
    /// Its address.
    pub address: String,
    /// The listener.
    pub listener: String,
    /// Connections open now.
    pub conn_in: u64,
}

impl Command for TopIn {
    type Reply = TopInReply;
    const SPEC: Spec = Spec {
        words: "topin",
        summary: "shows the hosts with most connections to this gateway",
        about: "Twenty hosts by the connections that they have open now at one listener. A name is what the name service says of the address; `unknown` when it says nothing or has not answered yet.",
        arguments: &[],
        role: Role::ReadOnlyOperator,
        effect: Effect::Read,
        route: "/api/v1/topin",
        example: "topin",
    };

    fn parse(words: &[String]) -> Result<Self, Problem> {
        no_more(words, 0, &Self::SPEC)?;
        Ok(Self {})
    }
}

impl Text for TopInReply {
    fn text(&self) -> String {
        let mut out = String::new();
        let _ = writeln!(out, "Status as of:                  {}\n", self.as_of.now());
        out.push_str("#   Remote hostname               Remote IP addr.   listener        Conn. In\n");
        for (number, peer) in (1..).zip(&self.peers) {
            let _ = writeln!(
                out,
                "{number:<3} {:<29} {:<17} {:<15} {}",
                peer.host.as_deref().unwrap_or("unknown"),
                peer.address,
                peer.listener,
                thousands(peer.conn_in),
            );
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_stand_in_columns_and_long_ones_push_them() {
        let peer = |host: Option<&str>, address: &str, conn_in| PeerLine {
            host: host.map(str::to_owned),
            verified: host.is_some(),
            address: address.into(),
            listener: "Incoming01".into(),
            conn_in,
        };
        let reply = TopInReply {
            as_of: AsOf { at_us: 1_597_343_382_000_000, zone: "America/New_York".into() },
            peers: vec![
                peer(Some("mail.remotedomain01.com"), "172.16.0.2", 1_010),
                peer(None, "2001:db8:1234:5678:9abc:def0:1234:5678", 1),
            ],
        };
        insta::assert_snapshot!(reply.text(), @r"
        Status as of:                  Thu Aug 13 14:29:42 2020 EDT

        #   Remote hostname               Remote IP addr.   listener        Conn. In
        1   mail.remotedomain01.com       172.16.0.2        Incoming01      1,010
        2   unknown                       2001:db8:1234:5678:9abc:def0:1234:5678 Incoming01      1
        ");
    }
}
