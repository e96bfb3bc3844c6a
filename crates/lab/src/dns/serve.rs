//! The sockets of the name server.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use hickory_proto::op::Message;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::time::timeout;

use super::answer::{Answer, answer, question, refuse};
use super::{Asked, State, Transport};
use crate::room::Room;

/// How long a connection may be idle (RFC 7766 leaves it to the server).
const IDLE: Duration = Duration::from_secs(30);
/// Tries to find a port that is free on both transports.
const PORT_TRIES: usize = 64;

/// Binds the same port on UDP and TCP.
pub(super) fn bind(at: SocketAddr) -> io::Result<(std::net::UdpSocket, std::net::TcpListener)> {
    let mut last = io::Error::from(io::ErrorKind::AddrInUse);
    for _ in 0..PORT_TRIES {
        let udp = std::net::UdpSocket::bind(at)?;
        match std::net::TcpListener::bind(udp.local_addr()?) {
            Ok(tcp) => {
                udp.set_nonblocking(true)?;
                tcp.set_nonblocking(true)?;
                return Ok((udp, tcp));
            }
            Err(error) if at.port() != 0 => return Err(error),
            Err(error) => last = error,
        }
    }
    Err(last)
}

/// Starts both loops. To be called inside of the room.
pub(super) fn start(
    room: &Room,
    udp: std::net::UdpSocket,
    tcp: std::net::TcpListener,
    state: &Arc<State>,
) -> io::Result<()> {
    room.spawn(datagrams(Arc::new(UdpSocket::from_std(udp)?), state.clone()));
    room.spawn(connections(TcpListener::from_std(tcp)?, state.clone()));
    Ok(())
}

async fn datagrams(socket: Arc<UdpSocket>, state: Arc<State>) {
    let mut buffer = vec![0; usize::from(u16::MAX)];
    loop {
        // An error here is an ICMP message about an earlier answer; the socket itself stays good.
        let Ok((length, peer)) = socket.recv_from(&mut buffer).await else { continue };
        match respond(&state, &buffer[..length], Transport::Udp, peer) {
            Answer::Send(bytes, Duration::ZERO) => {
                let _ = socket.send_to(&bytes, peer).await;
            }
            Answer::Send(bytes, delay) => {
                let socket = socket.clone();
                tokio::spawn(async move {
                    tokio::time::sleep(delay).await;
                    let _ = socket.send_to(&bytes, peer).await;
                });
            }
            Answer::Nothing | Answer::HangUp => {}
        }
    }
}

async fn connections(listener: TcpListener, state: Arc<State>) {
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => {
                let state = state.clone();
                tokio::spawn(async move {
                    // A client that goes away mid-question is its own affair.
                    let _ = connection(stream, peer, &state).await;
                });
            }
            // Out of file descriptors: wait for some to come back instead of spinning.
            Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
        }
    }
}

/// Questions and answers with their lengths in front (RFC 1035 section 4.2.2), one after the other.
async fn connection(mut stream: TcpStream, peer: SocketAddr, state: &State) -> io::Result<()> {
    loop {
        let mut length = [0; 2];
        timeout(IDLE, stream.read_exact(&mut length)).await??;
        let mut request = vec![0; usize::from(u16::from_be_bytes(length))];
        timeout(IDLE, stream.read_exact(&mut request)).await??;
        match respond(state, &request, Transport::Tcp, peer) {
            Answer::Send(bytes, delay) => {
                tokio::time::sleep(delay).await;
                let length = u16::try_from(bytes.len()).unwrap_or(u16::MAX);
                let mut framed = length.to_be_bytes().to_vec();
                framed.extend_from_slice(&bytes[..usize::from(length)]);
                timeout(IDLE, stream.write_all(&framed)).await??;
            }
            Answer::Nothing => {}
            Answer::HangUp => return Ok(()),
        }
    }
}

fn respond(state: &State, bytes: &[u8], transport: Transport, peer: SocketAddr) -> Answer {
    let Ok(request) = Message::from_vec(bytes) else { return Answer::Nothing };
    let Some(query) = question(&request) else { return refuse(&request) };
    let mut inner = state.inner.lock();
    let name = query.name().to_lowercase().to_ascii().trim_end_matches('.').to_owned();
    inner.note(Asked { name, record_type: query.query_type(), transport, peer, at: Instant::now() });
    answer(&inner, &request, query, transport)
}
