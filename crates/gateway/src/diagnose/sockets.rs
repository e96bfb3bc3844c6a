//! The TCP sockets of this machine, as the kernel lists them.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use mailreeve_api::diagnose::{NetStat, NetStatReply, SocketLine, SocketTable};
use mailreeve_api::wire::{Problem, ProblemKind};

/// Sockets shown.
const SHOWN: usize = 1_000;
/// What the kernel calls a socket that waits for connections.
const LISTEN: &str = "LISTEN";

/// Lists the sockets. Reads files of the kernel: not for a runtime's own thread.
pub(crate) fn netstat(request: NetStat) -> Result<NetStatReply, Problem> {
    let mut sockets = Vec::new();
    for (path, protocol) in [("/proc/net/tcp", "tcp4"), ("/proc/net/tcp6", "tcp6")] {
        match std::fs::read_to_string(path) {
            Ok(text) => sockets.extend(text.lines().skip(1).filter_map(|line| read(line, protocol))),
            // A system without IPv6 has no such file.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => {
                let message = format!("{path} cannot be read: {error}");
                let hint = "the gateway's user must be allowed to read /proc/net";
                return Err(Problem::new(message, hint).of(ProblemKind::Unavailable));
            }
        }
    }
    let listening = request.table == SocketTable::Listen;
    sockets.retain(|(_, line)| (line.state == LISTEN) == listening);
    sockets.sort_by_key(|(local, _)| *local);
    let more = sockets.len().saturating_sub(SHOWN) as u64;
    let sockets = sockets.into_iter().take(SHOWN).map(|(_, line)| line).collect();
    Ok(NetStatReply { table: request.table, sockets, more })
}

/// Reads one line: number, local, remote, state, queues, and more that is not shown (proc_net_tcp of the kernel).
fn read(line: &str, protocol: &str) -> Option<(SocketAddr, SocketLine)> {
    let mut fields = line.split_whitespace().skip(1);
    let local = address(fields.next()?)?;
    let foreign = address(fields.next()?)?;
    let state = state(fields.next()?)?;
    let (send, receive) = fields.next()?.split_once(':')?;
    let line = SocketLine {
        protocol: protocol.to_owned(),
        recv_queue: u64::from_str_radix(receive, 16).ok()?,
        send_queue: u64::from_str_radix(send, 16).ok()?,
        local: local.to_string(),
        foreign: foreign.to_string(),
        state: state.to_owned(),
    };
    Some((local, line))
}

/// Reads `0100007F:0019`: words of 32 bits as they stand in memory, and the port.
fn address(text: &str) -> Option<SocketAddr> {
    let (ip, port) = text.split_once(':')?;
    let port = u16::from_str_radix(port, 16).ok()?;
    let word = |place: usize| {
        let digits = ip.get(place * 8..place * 8 + 8)?;
        u32::from_str_radix(digits, 16).ok().map(u32::to_ne_bytes)
    };
    let ip = match ip.len() {
        8 => IpAddr::V4(Ipv4Addr::from(word(0)?)),
        32 => {
            let octets = [word(0)?, word(1)?, word(2)?, word(3)?].concat();
            IpAddr::V6(Ipv6Addr::from(<[u8; 16]>::try_from(octets).ok()?))
        }
        _ => return None,
    };
    Some(SocketAddr::new(ip, port))
}

fn state(code: &str) -> Option<&'static str> {
    const STATES: [&str; 12] = [
        "ESTABLISHED",
        "SYN_SENT",
        "SYN_RCVD",
        "FIN_WAIT_1",
        "FIN_WAIT_2",
        "TIME_WAIT",
        "CLOSED",
        "CLOSE_WAIT",
        "LAST_ACK",
        LISTEN,
        "CLOSING",
        "SYN_RCVD",
    ];
    let number = usize::from_str_radix(code, 16).ok()?;
    STATES.get(number.checked_sub(1)?).copied()
}

#[cfg(all(test, target_endian = "little"))]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn lines_of_the_kernel_are_understood() {
        let v4 = "   0: 0900010A:0019 070200C0:C738 01 00000010:00000078 00:00000000 00000000     0        0 1147 1";
        let (_, line) = read(v4, "tcp4").unwrap();
        assert_eq!((line.local.as_str(), line.foreign.as_str()), ("10.1.0.9:25", "192.0.2.7:51000"));
        assert_eq!((line.state.as_str(), line.recv_queue, line.send_queue), ("ESTABLISHED", 120, 16));
        let v6 =
            " 1: B80D0120000000000000000009000000:0019 00000000000000000000000000000000:0000 0A 0:0 00:0 0";
        let (_, line) = read(v6, "tcp6").unwrap();
        assert_eq!((line.local.as_str(), line.state.as_str()), ("[2001:db8::9]:25", "LISTEN"));
        for broken in
            ["", "sl local rem st", "0: 0900010A 0:0 01 0:0", "0: 0900010A:0019 0900010A:0019 FF 0:0"]
        {
            assert_eq!(read(broken, "tcp4"), None, "{broken}");
        }
    }
}
