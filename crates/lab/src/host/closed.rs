//! Addresses where nobody answers: refused connections, and connection requests that vanish.

use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::{Duration, Instant};

use socket2::{Domain, Socket, Type};

/// A port that refuses connections for as long as this lives.
///
/// It is bound and does not listen, so that nobody else on this machine can take it in the meantime.
#[derive(Debug)]
pub struct Refusing {
    address: SocketAddr,
    _socket: Socket,
}

impl Refusing {
    /// Reserves `at`; port 0 takes any.
    ///
    /// # Errors
    /// When the address cannot be bound.
    pub fn start(at: SocketAddr) -> io::Result<Self> {
        let socket = Socket::new(Domain::for_address(at), Type::STREAM, None)?;
        socket.bind(&at.into())?;
        let address = local_address(&socket)?;
        Ok(Self { address, _socket: socket })
    }

    /// Where connections are refused.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }
}

/// A port whose connection requests (SYN) are never answered, for as long as this lives.
///
/// Its queue has room for nobody and is full: the system drops every further request, as a firewall would.
#[derive(Debug)]
pub struct Swallowing {
    address: SocketAddr,
    _listener: TcpListener,
    _waiting: Vec<TcpStream>,
}

/// How long a request may stay unanswered before the queue counts as full.
const UNANSWERED: Duration = Duration::from_millis(300);
/// Requests that are made to fill the queue, at most.
const QUEUE_LIMIT: usize = 8;

impl Swallowing {
    /// Listens at `at` and fills the queue; port 0 takes any.
    ///
    /// # Errors
    /// When the address cannot be bound, or the queue takes more than it should.
    pub fn start(at: SocketAddr) -> io::Result<Self> {
        let socket = Socket::new(Domain::for_address(at), Type::STREAM, None)?;
        socket.set_reuse_address(true)?;
        socket.bind(&at.into())?;
        socket.listen(0)?;
        let address = local_address(&socket)?;
        let mut waiting = Vec::new();
        let begin = Instant::now();
        while waiting.len() < QUEUE_LIMIT {
            match TcpStream::connect_timeout(&address, UNANSWERED) {
                Ok(stream) => waiting.push(stream),
                Err(error) if error.kind() == io::ErrorKind::TimedOut => {
                    return Ok(Self { address, _listener: socket.into(), _waiting: waiting });
                }
                Err(error) => return Err(error),
            }
        }
        Err(io::Error::other(format!("the queue of {address} was not full after {:?}", begin.elapsed())))
    }

    /// Where connection requests vanish.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }
}

fn local_address(socket: &Socket) -> io::Result<SocketAddr> {
    socket.local_addr()?.as_socket().ok_or_else(|| io::Error::other("not an IP address"))
}
