//! The ports of a demo: the usual ones where they are free, others where they are not.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, UdpSocket};

use anyhow::{Context as _, Result};

/// Where everything listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Ports {
    /// The gateway's SMTP port.
    pub(super) smtp: SocketAddr,
    /// The desk, for browsers.
    pub(super) desk: SocketAddr,
    /// The lab's name server.
    pub(super) dns: SocketAddr,
    /// The port of all hosts of the lab, each on an address of its own.
    pub(super) hosts: u16,
    /// The usual ports that were taken, with what took their place, in words.
    pub(super) replaced: Vec<String>,
}

const SMTP: u16 = 2525;
const DESK: u16 = 8024;
const DNS: u16 = 2553;
const HOSTS: u16 = 2526;

impl Ports {
    pub(super) fn choose() -> Result<Self> {
        let mut replaced = Vec::new();
        let mut take = |what: &str, usual: u16, is_free: fn(SocketAddr) -> io::Result<u16>| {
            let at = |port| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
            if let Ok(port) = is_free(at(usual)) {
                return Ok(port);
            }
            let port = is_free(at(0)).with_context(|| format!("no free port of 127.0.0.1 for {what}"))?;
            replaced.push(format!("port {usual} is taken, so {what} is at port {port}"));
            Ok::<u16, anyhow::Error>(port)
        };
        let smtp = (Ipv4Addr::LOCALHOST, take("the gateway", SMTP, free_for_tcp)?).into();
        let desk = (Ipv4Addr::LOCALHOST, take("the desk", DESK, free_for_tcp)?).into();
        let dns = (Ipv4Addr::LOCALHOST, take("the name server", DNS, free_for_both)?).into();
        let hosts = take("every mail host", HOSTS, free_for_tcp)?;
        Ok(Self { smtp, desk, dns, hosts, replaced })
    }
}

fn free_for_tcp(at: SocketAddr) -> io::Result<u16> {
    Ok(TcpListener::bind(at)?.local_addr()?.port())
}

fn free_for_both(at: SocketAddr) -> io::Result<u16> {
    let tcp = TcpListener::bind(at)?;
    let address = tcp.local_addr()?;
    UdpSocket::bind(address)?;
    Ok(address.port())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_taken_port_is_replaced_and_that_is_said() {
        // Whoever else holds it: after this it is taken.
        let _taken = TcpListener::bind((Ipv4Addr::LOCALHOST, SMTP));
        let ports = Ports::choose().unwrap();
        assert_ne!(ports.smtp.port(), SMTP);
        let said = format!("port {SMTP} is taken, so the gateway is at port {}", ports.smtp.port());
        assert!(ports.replaced.contains(&said), "{:?}", ports.replaced);
        assert!(TcpListener::bind(ports.smtp).is_ok() && UdpSocket::bind(ports.dns).is_ok());
    }
}
