//! A name server that is dead: its address is right and nobody is behind it.

use std::io;
use std::net::{SocketAddr, UdpSocket};

use crate::host::Refusing;

/// An address whose questions are refused by the machine (ICMP "port unreachable", TCP reset), for as long as
/// this lives. Nobody else can take its ports in the meantime.
#[derive(Debug)]
pub struct DeadServer {
    address: SocketAddr,
    _udp: UdpSocket,
    _tcp: Refusing,
}

/// Ports tried until one is free for both.
const PORT_TRIES: usize = 50;

impl DeadServer {
    /// Reserves `at`; port 0 takes any.
    ///
    /// # Errors
    /// When the address cannot be bound.
    pub fn start(at: SocketAddr) -> io::Result<Self> {
        let mut last = io::Error::from(io::ErrorKind::AddrInUse);
        for _ in 0..PORT_TRIES {
            let udp = UdpSocket::bind(at)?;
            let address = udp.local_addr()?;
            // Connected to itself: to everybody else this port looks as if nobody had it.
            udp.connect(address)?;
            match Refusing::start(address) {
                Ok(tcp) => return Ok(Self { address, _udp: udp, _tcp: tcp }),
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    /// Where nobody answers.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }
}
