//! `telnet`: one connection, one banner, and nothing sent but a farewell to a mail host; or a conversation, for one
//! who talks.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use mailreeve_api::diagnose::{Telnet, TelnetPart, TelnetReply, TelnetTry};
use mailreeve_api::wire::Problem;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::{conversation, places};
use crate::commands::Client;
use crate::context::Running;
use crate::deliver::connect::{Manner, connect};

/// Addresses of one host that are tried.
const ADDRESSES: usize = 4;
/// All addresses together take no longer; with the banner it is less than the patience of who asks.
const CONNECTING: Duration = Duration::from_secs(50);
/// How long a host may take for its first words.
const BANNER: Duration = Duration::from_secs(30);
/// How long a mail host may take to say goodbye.
const FAREWELL: Duration = Duration::from_secs(2);
/// Octets of a banner that are shown.
const SHOWN: usize = 4_096;

/// Connects and reads.
pub(crate) async fn telnet(
    running: &Running,
    request: &Telnet,
    client: &Client,
) -> Result<TelnetReply, Problem> {
    let started = Instant::now();
    let addresses = places::addresses(running, &request.host).await?;
    let mut reply = TelnetReply {
        host: request.host.clone(),
        tries: Vec::new(),
        banner: Vec::new(),
        silence: None,
        talked: false,
        banner_us: None,
        notes: Vec::new(),
    };
    for address in addresses.into_iter().take(ADDRESSES) {
        let left = CONNECTING.saturating_sub(started.elapsed());
        if left.is_zero() {
            break;
        }
        let manner = Manner {
            timeout: running.connect_timeout.min(left),
            sources: running.source_addresses.clone(),
            v4_first: running.surroundings.families.v4_first(),
        };
        let at = SocketAddr::new(address, request.port);
        let began = Instant::now();
        let connected = connect(at, &manner).await;
        let took_us = micros(began.elapsed());
        reply.notes.extend(note(running, address));
        let local = connected.as_ref().ok().and_then(|stream| stream.local_addr().ok());
        let tried = TelnetTry {
            address: address.to_string(),
            local: local.map(|local| local.to_string()),
            problem: connected.as_ref().err().map(|error| in_words(error, manner.timeout)),
            took_us,
        };
        client.tell(&TelnetPart::Tried { host: reply.host.clone(), tried: tried.clone() }).await?;
        reply.tries.push(tried);
        match connected {
            Ok(stream) if client.talks() => {
                reply.talked = true;
                reply.silence = Some(conversation::hold(stream, client).await?);
                return Ok(reply);
            }
            Ok(stream) => {
                listen(stream, &mut reply).await;
                return Ok(reply);
            }
            Err(_) => {}
        }
    }
    reply.silence = Some("Unable to connect to the remote host.".to_owned());
    Ok(reply)
}

/// Reads the first words, and says goodbye to a mail host.
async fn listen(mut stream: TcpStream, reply: &mut TelnetReply) {
    let began = Instant::now();
    let mut octets = Vec::new();
    let ended = timeout(BANNER, banner(&mut stream, &mut octets)).await;
    if !octets.is_empty() {
        reply.banner_us = Some(micros(began.elapsed()));
    }
    reply.banner = lines(&octets);
    reply.silence = match ended {
        Ok(Ok(true)) => None,
        Ok(Ok(false)) => Some("Connection closed by foreign host.".to_owned()),
        Ok(Err(error)) => Some(format!("The connection was lost: {error}")),
        Err(_) if octets.is_empty() => Some(format!("Nothing was said within {} seconds.", BANNER.as_secs())),
        Err(_) => Some(format!("No more was said within {} seconds.", BANNER.as_secs())),
    };
    if reply.silence.is_none() && octets.starts_with(b"220") {
        // Whoever just hangs up is written down by the other side as a lost connection.
        let farewell = async {
            stream.write_all(b"QUIT\r\n").await?;
            let mut rest = [0; 512];
            stream.read(&mut rest).await
        };
        // Without a goodbye the connection ends as well.
        let _ = timeout(FAREWELL, farewell).await;
    }
}

/// Reads until the first words are whole (`true`) or the other side closed (`false`).
async fn banner(stream: &mut TcpStream, octets: &mut Vec<u8>) -> io::Result<bool> {
    let mut buffer = [0; 512];
    while octets.len() < SHOWN && !is_whole(octets) {
        let length = stream.read(&mut buffer).await?;
        if length == 0 {
            return Ok(false);
        }
        octets.extend_from_slice(&buffer[..length]);
    }
    octets.truncate(SHOWN);
    Ok(true)
}

/// A line that does not announce another one (RFC 5321 4.2.1: `220-`).
fn is_whole(octets: &[u8]) -> bool {
    let Some(text) = octets.strip_suffix(b"\n") else { return false };
    let last = text.rsplit(|octet| *octet == b'\n').next().unwrap_or_default();
    !matches!(last, [a, b, c, b'-', ..] if [a, b, c].into_iter().all(u8::is_ascii_digit))
}

/// The lines, with octets that a terminal would obey written as numbers.
fn lines(octets: &[u8]) -> Vec<String> {
    let text = octets.strip_suffix(b"\n").unwrap_or(octets);
    if text.is_empty() {
        return Vec::new();
    }
    let line = |line: &[u8]| line.strip_suffix(b"\r").unwrap_or(line).escape_ascii().to_string();
    text.split(|octet| *octet == b'\n')
        .map(line)
        .map(|line| line.replace("\\\"", "\"").replace("\\'", "'"))
        .collect()
}

fn note(running: &Running, address: IpAddr) -> Option<String> {
    let around = &running.surroundings;
    let network = around.refused_networks.iter().find(|network| network.contains(&address))?;
    Some(format!("delivery by MX does not connect to {address}: delivery.refused_networks has {network}"))
}

fn in_words(error: &io::Error, waited: Duration) -> String {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => "Connection refused: nobody listens on this port".to_owned(),
        io::ErrorKind::TimedOut => {
            format!("No answer within {} seconds: a filter on the way, or the host is off", waited.as_secs())
        }
        io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable => {
            format!("No route to the host: {error}")
        }
        io::ErrorKind::AddrNotAvailable => {
            format!("The source address of delivery cannot be used: {error}")
        }
        _ => error.to_string(),
    }
}

fn micros(span: Duration) -> u64 {
    u64::try_from(span.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_banner_is_whole_with_its_last_line() {
        for whole in ["220 a\r\n", "220-a\r\n220 b\r\n", "SSH-2.0-x\r\n", "\n", "22-a\n"] {
            assert!(is_whole(whole.as_bytes()), "{whole:?}");
        }
        for part in ["", "220 a", "220-a\r\n", "220 a\r\n220-b\r\n"] {
            assert!(!is_whole(part.as_bytes()), "{part:?}");
        }
    }

    #[test]
    fn a_banner_cannot_command_a_terminal() {
        assert_eq!(lines(b"220-a \"b\"\r\n220 \x1b[31m\xff\r\n"), ["220-a \"b\"", "220 \\x1b[31m\\xff"]);
        assert_eq!(lines(b"\n"), Vec::<String>::new());
        assert_eq!(lines(b""), Vec::<String>::new());
    }
}
