//! `netstat`: the TCP sockets of this machine.

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

use crate::command::{Argument, Command, Effect, Role, Spec, Text, no_more};
use crate::format::thousands;
use crate::wire::Problem;

/// Which sockets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SocketTable {
    /// Connections.
    #[default]
    Active,
    /// Those that wait for connections, with how many wait for them.
    Listen,
}

/// Asks for the sockets.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NetStat {
    /// Which.
    #[serde(default)]
    pub table: SocketTable,
}

/// The sockets.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct NetStatReply {
    /// Which.
    pub table: SocketTable,
    /// The sockets, by local address.
    pub sockets: Vec<SocketLine>,
    /// How many there are beyond those.
    pub more: u64,
}

/// One socket.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SocketLine {
    /// `tcp4`, `tcp6`.
    pub protocol: String,
    /// Octets that came and were not read; of a listening socket: connections that wait.
    pub recv_queue: u64,
    /// Octets that were written and not acknowledged.
    pub send_queue: u64,
    /// Our end.
    pub local: String,
    /// The other end.
    pub foreign: String,
    /// `ESTABLISHED`, `TIME_WAIT`.
    pub state: String,
}

impl Command for NetStat {
    type Reply = NetStatReply;
    const SPEC: Spec = Spec {
        words: "netstat",
        summary: "shows the TCP sockets of this machine",
        about: "`active` shows connections of every program on this machine, `listen` the sockets that take connections and how many connections wait to be taken. At most 1,000 are shown.",
        arguments: &[Argument {
            name: "table",
            help: "which sockets (active)",
            required: false,
            choices: &["active", "listen"],
        }],
        role: Role::ReadOnlyOperator,
        effect: Effect::Read,
        route: "/api/v1/netstat",
        example: "netstat listen",
    };

    fn parse(words: &[String]) -> Result<Self, Problem> {
        no_more(words, 1, &Self::SPEC)?;
        let table = match words.first().map(|word| word.to_ascii_lowercase()).as_deref() {
            None | Some("active") => SocketTable::Active,
            Some("listen") => SocketTable::Listen,
            Some(other) => {
                let message = format!("`{other}` is not a table of sockets");
                return Err(Problem::new(message, "one of active, listen"));
            }
        };
        Ok(Self { table })
    }
}

impl Text for NetStatReply {
    fn text(&self) -> String {
        let mut out = String::new();
        match self.table {
            SocketTable::Active => {
                out.push_str("Active Internet connections\n");
                out.push_str("Proto Recv-Q Send-Q  Local Address          Foreign Address        (state)\n");
                for socket in &self.sockets {
                    let SocketLine { protocol, recv_queue, send_queue, local, foreign, state } = socket;
                    let _ = writeln!(
                        out,
                        "{protocol:<5} {recv_queue:>6} {send_queue:>6}  {local:<22} {foreign:<22} {state}"
                    );
                }
            }
            SocketTable::Listen => {
                out.push_str("Current listen queue sizes\nProto Waiting  Local Address\n");
                for SocketLine { protocol, recv_queue, local, .. } in &self.sockets {
                    let _ = writeln!(out, "{protocol:<5} {recv_queue:>7}  {local}");
                }
            }
        }
        if self.more > 0 {
            let _ = writeln!(out, "and {} more", thousands(self.more));
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sockets_stand_in_columns() {
        let socket = |protocol: &str, recv_queue, local: &str, foreign: &str, state: &str| SocketLine {
            protocol: protocol.into(),
            recv_queue,
            send_queue: 0,
            local: local.into(),
            foreign: foreign.into(),
            state: state.into(),
        };
        let mut reply = NetStatReply {
            table: SocketTable::Active,
            sockets: vec![
                socket("tcp4", 120, "10.1.1.9:25", "192.0.2.7:51000", "ESTABLISHED"),
                socket("tcp6", 0, "[2001:db8::9]:25", "[2001:db8:1:2:3:4:5:6]:51000", "TIME_WAIT"),
            ],
            more: 1_200,
        };
        insta::assert_snapshot!(reply.text(), @r"
        Active Internet connections
        Proto Recv-Q Send-Q  Local Address          Foreign Address        (state)
        tcp4     120      0  10.1.1.9:25            192.0.2.7:51000        ESTABLISHED
        tcp6       0      0  [2001:db8::9]:25       [2001:db8:1:2:3:4:5:6]:51000 TIME_WAIT
        and 1,200 more
        ");
        (reply.table, reply.more) = (SocketTable::Listen, 0);
        reply.sockets = vec![socket("tcp4", 3, "0.0.0.0:25", "0.0.0.0:0", "LISTEN")];
        insta::assert_snapshot!(reply.text(), @r"
        Current listen queue sizes
        Proto Waiting  Local Address
        tcp4        3  0.0.0.0:25
        ");
    }
}
