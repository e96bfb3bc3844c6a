//! One question to a name server by hand, past the resolver and its cache: for operators who want to know what
//! a server says, how long it takes, and over what.
//!
//! The servers, the time for one try and the number of tries are those of the resolver (law 12).

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use hickory_proto::op::{Edns, Message, MessageType, Query, ResponseCode};
use hickory_proto::rr::{Name, RecordType};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, UdpSocket};
use tokio::time::timeout;

/// The largest datagram we take (DNS flag day 2020).
const DATAGRAM: u16 = 1_232;
/// All servers and tries together take no longer.
const ALTOGETHER: Duration = Duration::from_secs(20);

/// A question and whom to ask.
#[derive(Clone, Debug)]
pub struct Question {
    /// The name, absolute.
    pub name: Name,
    /// The type.
    pub kind: RecordType,
    /// Over TCP from the first.
    pub tcp: bool,
    /// Servers in order.
    pub servers: Vec<SocketAddr>,
    /// The address of ours to ask from.
    pub source: Option<IpAddr>,
    /// Time for one try.
    pub timeout: Duration,
    /// Tries of each server.
    pub attempts: usize,
}

/// What came of it.
#[derive(Debug)]
pub struct Heard {
    /// Who said it, or was asked last.
    pub server: SocketAddr,
    /// It went over TCP.
    pub tcp: bool,
    /// What was said.
    pub answer: Result<Message, Silence>,
}

/// Why nothing was heard.
#[derive(Debug)]
pub enum Silence {
    /// No answer in time.
    Timeout,
    /// What came was no answer to the question.
    Garbled,
    /// The system refused to send or receive.
    Io(io::Error),
    /// The address to ask from is not ours.
    Source(io::Error),
}

/// Asks the servers in turn until one has an answer. One that fails or refuses is an answer only when no other
/// says better. `None` when there is no server to ask.
pub async fn ask(question: &Question) -> Option<Heard> {
    let mut last = None;
    let asking = async {
        for _ in 0..question.attempts.max(1) {
            for server in &question.servers {
                let heard = ask_one(question, *server).await;
                let best = is_answer(&heard) || matches!(heard.answer, Err(Silence::Source(_)));
                // A server that says no is worth more than silence.
                if best || !matches!((&last, &heard.answer), (Some(Heard { answer: Ok(_), .. }), Err(_))) {
                    last = Some(heard);
                }
                if best {
                    return;
                }
            }
        }
    };
    let ended = timeout(ALTOGETHER, asking).await;
    match (last, ended) {
        (None, Err(_)) => {
            let server = *question.servers.first()?;
            Some(Heard { server, tcp: question.tcp, answer: Err(Silence::Timeout) })
        }
        (last, _) => last,
    }
}

fn is_answer(heard: &Heard) -> bool {
    let code = heard.answer.as_ref().map(|message| message.metadata.response_code);
    matches!(code, Ok(ResponseCode::NoError | ResponseCode::NXDomain))
}

async fn ask_one(question: &Question, server: SocketAddr) -> Heard {
    let mut tcp = question.tcp;
    let mut message = Message::query();
    message.metadata.recursion_desired = true;
    message.add_query(Query::query(question.name.clone(), question.kind));
    let mut edns = Edns::new();
    edns.set_max_payload(DATAGRAM);
    message.set_edns(edns);
    let mut answer = exchange(question, server, &message, tcp).await;
    if !tcp && answer.as_ref().is_ok_and(|answer| answer.metadata.truncation) {
        tcp = true;
        answer = exchange(question, server, &message, tcp).await;
    }
    Heard { server, tcp, answer }
}

async fn exchange(
    question: &Question,
    server: SocketAddr,
    message: &Message,
    tcp: bool,
) -> Result<Message, Silence> {
    let Ok(octets) = message.to_vec() else { return Err(Silence::Garbled) };
    let source = source(question, server)?;
    let exchange = async {
        match tcp {
            true => over_tcp(source, server, &octets, message).await,
            false => over_udp(source, server, &octets, message).await,
        }
    };
    timeout(question.timeout, exchange).await.unwrap_or(Err(Silence::Timeout))
}

/// Our end of the conversation; any address of the server's family when none is wished for.
fn source(question: &Question, server: SocketAddr) -> Result<SocketAddr, Silence> {
    let any = match server {
        SocketAddr::V4(_) => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        SocketAddr::V6(_) => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
    };
    let source = question.source.unwrap_or(any);
    if source.is_ipv4() != server.is_ipv4() {
        let text = format!("an IPv4 address and an IPv6 address cannot talk: {source}, {}", server.ip());
        return Err(Silence::Source(io::Error::other(text)));
    }
    Ok(SocketAddr::new(source, 0))
}

async fn over_udp(
    source: SocketAddr,
    server: SocketAddr,
    octets: &[u8],
    asked: &Message,
) -> Result<Message, Silence> {
    // The port is one of chance, and only the server's datagrams come in.
    let socket = UdpSocket::bind(source).await.map_err(Silence::Source)?;
    socket.connect(server).await.map_err(Silence::Io)?;
    socket.send(octets).await.map_err(Silence::Io)?;
    let mut buffer = vec![0; usize::from(u16::MAX)];
    loop {
        let length = socket.recv(&mut buffer).await.map_err(Silence::Io)?;
        match read(&buffer[..length], asked) {
            Read::Answer(message) => return Ok(*message),
            Read::Garbled => return Err(Silence::Garbled),
            // Somebody guesses, or a late answer to an earlier question.
            Read::Other => {}
        }
    }
}

async fn over_tcp(
    source: SocketAddr,
    server: SocketAddr,
    octets: &[u8],
    asked: &Message,
) -> Result<Message, Silence> {
    let socket = if server.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() };
    let socket = socket.map_err(Silence::Io)?;
    socket.bind(source).map_err(Silence::Source)?;
    let mut stream = socket.connect(server).await.map_err(Silence::Io)?;
    let Ok(length) = u16::try_from(octets.len()) else { return Err(Silence::Garbled) };
    let framed = [&length.to_be_bytes()[..], octets].concat();
    stream.write_all(&framed).await.map_err(Silence::Io)?;
    let length = stream.read_u16().await.map_err(Silence::Io)?;
    let mut buffer = vec![0; usize::from(length)];
    stream.read_exact(&mut buffer).await.map_err(Silence::Io)?;
    match read(&buffer, asked) {
        Read::Answer(message) => Ok(*message),
        Read::Garbled | Read::Other => Err(Silence::Garbled),
    }
}

enum Read {
    Answer(Box<Message>),
    Garbled,
    Other,
}

fn read(octets: &[u8], asked: &Message) -> Read {
    if octets.get(..2) != Some(&asked.metadata.id.to_be_bytes()[..]) {
        return Read::Other;
    }
    match Message::from_vec(octets) {
        Ok(message) if message.metadata.message_type != MessageType::Response => Read::Other,
        // Servers that refuse may leave the question out (RFC 1035 4.1.1 does not ask for it then).
        Ok(message) if message.queries.is_empty() && message.answers.is_empty() => {
            Read::Answer(message.into())
        }
        Ok(message) if message.queries == asked.queries => Read::Answer(message.into()),
        Ok(_) => Read::Other,
        Err(_) => Read::Garbled,
    }
}
