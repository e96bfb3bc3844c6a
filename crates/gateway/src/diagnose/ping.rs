//! `ping` by the kernel's datagram socket for ICMP echo, which needs no privilege (RFC 792, RFC 4443 4.1).
//!
//! The kernel writes the identifier and the checksum, and hands over only what answers our own packets.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use mailreeve_api::diagnose::{PING_MOST, PingPacket, PingPart, PingReply};
use mailreeve_api::wire::{Problem, ProblemKind};
use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::UdpSocket;
use tokio::time::{sleep, timeout};

use super::places;
use crate::commands::Client;
use crate::context::Running;

/// Between two packets, and how long each has to come back.
const SECOND: Duration = Duration::from_secs(1);
/// Octets of data in a packet.
const DATA: usize = 56;
/// Octets of an echo packet before its data.
const HEAD: usize = 8;

/// Sends packets to a host and waits for each.
pub(crate) async fn ping(
    running: &Running,
    host: &str,
    count: u16,
    v6: bool,
    client: &Client,
) -> Result<PingReply, Problem> {
    let address = places::of_family(running, host, v6, "ping").await?;
    let socket = open(running, address).map_err(|error| refused(address, &error))?;
    let (host, address, data_bytes) = (host.to_owned(), address.to_string(), DATA as u64);
    let mut reply = PingReply { host, address, data_bytes, packets: Vec::new() };
    let (host, address) = (reply.host.clone(), reply.address.clone());
    client.tell(&PingPart::To { host, address, data_bytes }).await?;
    for number in 0..count.min(PING_MOST) {
        let sent = Instant::now();
        let (took_us, problem) = match timeout(SECOND, echo(&socket, number, v6)).await {
            Ok(Ok(())) => (Some(u64::try_from(sent.elapsed().as_micros()).unwrap_or(u64::MAX)), None),
            Ok(Err(error)) => (None, Some(error.to_string())),
            Err(_) => (None, None),
        };
        let packet = PingPacket { number, took_us, problem };
        client.tell(&reply.packet(packet.clone())).await?;
        reply.packets.push(packet);
        if number + 1 < count {
            sleep(SECOND.saturating_sub(sent.elapsed())).await;
        }
    }
    Ok(reply)
}

fn open(running: &Running, address: IpAddr) -> io::Result<UdpSocket> {
    let (domain, protocol) = match address {
        IpAddr::V4(_) => (Domain::IPV4, Protocol::ICMPV4),
        IpAddr::V6(_) => (Domain::IPV6, Protocol::ICMPV6),
    };
    let socket = Socket::new(domain, Type::DGRAM, Some(protocol))?;
    socket.set_nonblocking(true)?;
    let source = running.source_addresses.iter().find(|source| source.is_ipv4() == address.is_ipv4());
    if let Some(source) = source {
        socket.bind(&SocketAddr::new(*source, 0).into())?;
    }
    socket.connect(&SocketAddr::new(address, 0).into())?;
    UdpSocket::from_std(socket.into())
}

/// Sends one packet and waits for its answer; late answers to earlier ones are passed over.
async fn echo(socket: &UdpSocket, number: u16, v6: bool) -> io::Result<()> {
    let (request, reply) = if v6 { (128, 129) } else { (8, 0) };
    let [high, low] = number.to_be_bytes();
    let mut packet = [0; HEAD + DATA];
    packet[..HEAD].copy_from_slice(&[request, 0, 0, 0, 0, 0, high, low]);
    socket.send(&packet).await?;
    let mut buffer = [0; 2 * (HEAD + DATA)];
    loop {
        let length = socket.recv(&mut buffer).await?;
        if length >= HEAD && buffer[0] == reply && buffer[6..HEAD] == [high, low] {
            return Ok(());
        }
    }
}

fn refused(address: IpAddr, error: &io::Error) -> Problem {
    match error.kind() {
        io::ErrorKind::PermissionDenied => Problem::new(
            "the system does not let the gateway's user send echo requests",
            "let its group do so: sysctl net.ipv4.ping_group_range=\"0 2147483647\" (it holds for IPv6 too)",
        )
        .of(ProblemKind::Unavailable),
        _ => places::unsendable(address, error),
    }
}
