//! What ICMP says about datagrams of ours, from the kernel's queue of errors of a socket (ip(7), ipv6(7)).

use std::io::{self, IoSliceMut};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::os::fd::AsRawFd as _;
use std::time::Instant;

use nix::libc::sock_extended_err;
use nix::sys::socket::{
    ControlMessageOwned, MsgFlags, SockaddrStorage, recvmsg, setsockopt, sockopt::Ipv4RecvErr,
    sockopt::Ipv6RecvErr,
};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use socket2::{Domain, SockRef, Socket, Type};

/// `SO_EE_ORIGIN_LOCAL`: this machine itself found no way.
const LOCAL: u8 = 1;
/// Time exceeded (RFC 792, RFC 4443 3.3).
const EXCEEDED: [u8; 2] = [11, 3];
/// Destination unreachable (RFC 792, RFC 4443 3.1).
const UNREACHABLE: [u8; 2] = [3, 1];
/// Nobody listens at the port: the host itself was reached.
const PORT: [u8; 2] = [3, 4];

/// What was said about one datagram.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Word {
    /// The port that the datagram was sent to.
    pub(super) port: u16,
    /// Who said it.
    pub(super) by: Option<IpAddr>,
    kind: u8,
    code: u8,
    v6: bool,
}

impl Word {
    /// The host answered by itself.
    fn of_host(from: SocketAddr) -> Self {
        let (family, v6) = (usize::from(from.is_ipv6()), from.is_ipv6());
        Self { port: from.port(), by: Some(from.ip()), kind: UNREACHABLE[family], code: PORT[family], v6 }
    }

    /// Tells whether packets go no further than to who said this.
    pub(super) fn is_the_end(&self) -> bool {
        self.kind != EXCEEDED[usize::from(self.v6)]
    }

    /// The mark that operators know, where it says more than how far a packet came.
    pub(super) fn mark(&self) -> Option<String> {
        let family = usize::from(self.v6);
        if self.kind == EXCEEDED[family] || (self.kind == UNREACHABLE[family] && self.code == PORT[family]) {
            return None;
        }
        if self.kind != UNREACHABLE[family] {
            // IPv6: packet too big (RFC 4443 3.2).
            return Some("!F".to_owned());
        }
        let mark = match (self.v6, self.code) {
            (false, 0 | 6) | (true, 0) => "!N",
            (false, 1 | 7) | (true, 3) => "!H",
            (false, 2) => "!P",
            (false, 4) => "!F",
            (false, 5) | (true, 2) => "!S",
            (false, 9 | 10 | 13) | (true, 1 | 5 | 6) => "!X",
            (_, code) => return Some(format!("!<{code}>")),
        };
        Some(mark.to_owned())
    }
}

/// Opens a socket that keeps what is said about its datagrams.
pub(super) fn socket(source: Option<IpAddr>, v6: bool) -> io::Result<UdpSocket> {
    let socket = Socket::new(if v6 { Domain::IPV6 } else { Domain::IPV4 }, Type::DGRAM, None)?;
    match v6 {
        true => setsockopt(&socket, Ipv6RecvErr, &true)?,
        false => setsockopt(&socket, Ipv4RecvErr, &true)?,
    }
    socket.set_nonblocking(true)?;
    if let Some(source) = source {
        socket.bind(&SocketAddr::new(source, 0).into())?;
    }
    Ok(socket.into())
}

/// Sets how many hops the next datagrams may go.
pub(super) fn limit_hops(socket: &UdpSocket, hops: u8, v6: bool) -> io::Result<()> {
    let socket = SockRef::from(socket);
    match v6 {
        true => socket.set_unicast_hops_v6(u32::from(hops)),
        false => socket.set_ttl_v4(u32::from(hops)),
    }
}

/// Sends a datagram. What was said about an earlier one may come up here first: it stands in the queue as well.
pub(super) fn send(socket: &UdpSocket, to: SocketAddr, data: &[u8]) -> io::Result<()> {
    const AGAIN: usize = 5;
    let mut last = Ok(());
    for _ in 0..AGAIN {
        match socket.send_to(data, to) {
            Ok(_) => return Ok(()),
            Err(error) => last = Err(error),
        }
    }
    last
}

/// Waits for the next word, or for an answer of the host itself; `None` when `until` has come. Blocks its thread.
///
/// # Errors
/// This machine found no way.
pub(super) fn hear(socket: &UdpSocket, until: Instant) -> io::Result<Option<Word>> {
    let mut answer = [0; 64];
    loop {
        match take(socket) {
            Ok(Some(word)) => return Ok(Some(word)),
            Ok(None) => continue,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
        match socket.recv_from(&mut answer) {
            // Somebody listens there after all.
            Ok((_, from)) => return Ok(Some(Word::of_host(from))),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            // Told by the queue.
            Err(_) => continue,
        }
        let Some(left) = until.checked_duration_since(Instant::now()) else { return Ok(None) };
        let left =
            Timespec { tv_sec: left.as_secs().try_into().unwrap_or(0), tv_nsec: left.subsec_nanos().into() };
        match poll(&mut [PollFd::new(socket, PollFlags::IN)], Some(&left)) {
            Ok(0) => return Ok(None),
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

/// Takes one entry of the queue; `None` for one of no interest.
fn take(socket: &UdpSocket) -> io::Result<Option<Word>> {
    let mut data = [0; 64];
    let mut into = [IoSliceMut::new(&mut data)];
    let mut space = nix::cmsg_space!([u8; 256]);
    let flags = MsgFlags::MSG_ERRQUEUE | MsgFlags::MSG_DONTWAIT;
    let message = recvmsg::<SockaddrStorage>(socket.as_raw_fd(), &mut into, Some(&mut space), flags)?;
    let port = message.address.and_then(|address| {
        let v4 = address.as_sockaddr_in().map(nix::sys::socket::SockaddrIn::port);
        v4.or_else(|| address.as_sockaddr_in6().map(nix::sys::socket::SockaddrIn6::port))
    });
    for control in message.cmsgs()? {
        let (error, by, v6) = match control {
            ControlMessageOwned::Ipv4RecvErr(error, by) => {
                let by = by.map(|by| IpAddr::V4(Ipv4Addr::from(u32::from_be(by.sin_addr.s_addr))));
                (error, by, false)
            }
            ControlMessageOwned::Ipv6RecvErr(error, by) => {
                (error, by.map(|by| IpAddr::V6(Ipv6Addr::from(by.sin6_addr.s6_addr))), true)
            }
            _ => continue,
        };
        return word(&error, port.unwrap_or(0), by, v6);
    }
    Ok(None)
}

fn word(error: &sock_extended_err, port: u16, by: Option<IpAddr>, v6: bool) -> io::Result<Option<Word>> {
    if error.ee_origin == LOCAL {
        return Err(io::Error::from_raw_os_error(i32::try_from(error.ee_errno).unwrap_or(0)));
    }
    Ok(Some(Word { port, by, kind: error.ee_type, code: error.ee_code, v6 }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_those_that_operators_know() {
        let mark = |v6, kind, code| Word { port: 1, by: None, kind, code, v6 }.mark();
        for (v6, kind, code, expected) in [
            (false, 11, 0, None),
            (false, 3, 3, None),
            (false, 3, 0, Some("!N")),
            (false, 3, 1, Some("!H")),
            (false, 3, 13, Some("!X")),
            (false, 3, 15, Some("!<15>")),
            (true, 3, 0, None),
            (true, 1, 4, None),
            (true, 1, 0, Some("!N")),
            (true, 1, 3, Some("!H")),
            (true, 1, 1, Some("!X")),
            (true, 2, 0, Some("!F")),
        ] {
            assert_eq!(mark(v6, kind, code).as_deref(), expected, "{v6} {kind} {code}");
        }
        let ends = |v6, kind| Word { port: 1, by: None, kind, code: 0, v6 }.is_the_end();
        assert!(!ends(false, 11) && !ends(true, 3) && ends(false, 3) && ends(true, 1));
    }
}
