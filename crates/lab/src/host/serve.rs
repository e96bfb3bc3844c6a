//! The sockets of a host: bytes in, steps done, bytes out, and the line cut where the temper says so.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::BytesMut;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;

use super::ledger::Ledger;
use super::session::{Session, Step};
use super::temper::{Cut, Ending, Temper};
use super::tls::{Authority, Handshake, TlsTemper};

/// A peer that says nothing for so long is let go (RFC 5321 section 4.5.3.2.7 asks for five minutes).
const IDLE: Duration = Duration::from_secs(300);
/// Room for one read: a small message with its envelope comes in one.
const READ_SIZE: usize = 64 << 10;

/// Takes connections until the room closes.
pub(super) async fn accept(listener: TcpListener, ledger: Arc<Ledger>, authority: Arc<Authority>, seed: u64) {
    loop {
        let Ok((stream, peer)) = listener.accept().await else {
            // Out of file descriptors: wait for some to come back instead of spinning.
            tokio::time::sleep(Duration::from_millis(20)).await;
            continue;
        };
        let number = ledger.connections.fetch_add(1, Ordering::Relaxed);
        ledger.open.fetch_add(1, Ordering::Relaxed);
        let (ledger, authority) = (ledger.clone(), authority.clone());
        tokio::spawn(async move {
            let temper = ledger.temper.lock().clone();
            let call = Call { ledger: &ledger, temper: &temper, authority: &authority };
            // A peer that breaks the line is no fault of the host.
            let _ = call.serve(stream, peer, seed ^ number.rotate_left(17)).await;
            ledger.open.fetch_sub(1, Ordering::Relaxed);
        });
    }
}

/// One connection, and what it needs.
struct Call<'a> {
    ledger: &'a Arc<Ledger>,
    temper: &'a Arc<Temper>,
    authority: &'a Authority,
}

impl Call<'_> {
    async fn serve(&self, stream: TcpStream, peer: SocketAddr, seed: u64) -> io::Result<()> {
        stream.set_nodelay(true)?;
        let open = self.ledger.open.load(Ordering::Relaxed);
        let too_many = self.temper.max_connections.is_some_and(|limit| open > limit);
        let mut session = Session::new(self.ledger, self.temper, peer, seed);
        let mut line = Line { input: BytesMut::new(), budget: Budget::of(self.temper.cut) };
        if self.temper.implicit_tls {
            return self.secure(stream, &mut session, &mut line, Some(too_many)).await;
        }
        let mut stream = stream;
        let first = session.open(too_many);
        match line.converse(&mut stream, &mut session, first).await? {
            Left::Ended(ending) => leave(stream, ending).await,
            Left::StartTls => self.secure(stream, &mut session, &mut line, None).await,
        }
    }

    /// Does the handshake of the temper, and goes on behind it. `greet` says that the banner is still to come,
    /// and whether there are too many connections.
    async fn secure(
        &self,
        mut stream: TcpStream,
        session: &mut Session,
        line: &mut Line,
        greet: Option<bool>,
    ) -> io::Result<()> {
        let quality = self.temper.tls.as_ref().unwrap_or(&TlsTemper::Good);
        let config = match self.authority.handshake(quality, &self.ledger.name)? {
            Handshake::Real(config) => config,
            Handshake::Bytes(bytes) => {
                stream.write_all(bytes).await?;
                return leave(stream, Ending::Close).await;
            }
            Handshake::Hang => return leave(stream, Ending::Hang).await,
            Handshake::Close => return leave(stream, Ending::Close).await,
        };
        let leftover = line.input.split();
        let mut stream = timeout(IDLE, TlsAcceptor::from(config).accept(stream)).await??;
        session.encrypted(&leftover);
        let first = greet.map_or(Step::Read, |too_many| session.open(too_many));
        match line.converse(&mut stream, session, first).await? {
            Left::Ended(Ending::Close) => stream.shutdown().await,
            Left::Ended(ending) => leave(stream.into_inner().0, ending).await,
            Left::StartTls => Err(io::Error::other("STARTTLS is not offered inside of TLS")),
        }
    }
}

/// Why a conversation stopped here.
enum Left {
    Ended(Ending),
    StartTls,
}

/// Input not yet read by the session, and what the line still carries.
struct Line {
    input: BytesMut,
    budget: Budget,
}

impl Line {
    async fn converse<S>(&mut self, stream: &mut S, session: &mut Session, first: Step) -> io::Result<Left>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let mut step = first;
        loop {
            if let Some(ending) = self.send(stream, session).await? {
                return Ok(Left::Ended(ending));
            }
            match step {
                Step::Wait(delay) => tokio::time::sleep(delay).await,
                Step::StartTls => return Ok(Left::StartTls),
                Step::End(ending) => return Ok(Left::Ended(ending)),
                Step::Read => {
                    if let Some(ending) = self.receive(stream).await? {
                        return Ok(Left::Ended(ending));
                    }
                }
            }
            step = session.next(&mut self.input);
        }
    }

    /// Sends what the session has to say, as slowly as it wants. Says how to leave where the line is cut.
    async fn send<S>(&mut self, stream: &mut S, session: &mut Session) -> io::Result<Option<Ending>>
    where
        S: AsyncWrite + Unpin,
    {
        if session.out.is_empty() {
            return Ok(None);
        }
        let (length, cut) = self.budget.sent.take(session.out.len());
        let out = &session.out[..length];
        match session.pace.take() {
            None => timeout(IDLE, stream.write_all(out)).await??,
            Some(pause) => {
                for byte in out {
                    timeout(IDLE, stream.write_all(&[*byte])).await??;
                    stream.flush().await?;
                    tokio::time::sleep(pause).await;
                }
            }
        }
        timeout(IDLE, stream.flush()).await??;
        session.out.clear();
        Ok(cut.then_some(self.budget.ending))
    }

    async fn receive<S>(&mut self, stream: &mut S) -> io::Result<Option<Ending>>
    where
        S: AsyncRead + Unpin,
    {
        if self.budget.received.0 == Some(0) {
            return Ok(Some(self.budget.ending));
        }
        self.input.reserve(READ_SIZE);
        let room = self.budget.received.0.unwrap_or(u64::MAX);
        let mut limited = stream.take(room);
        let length = timeout(IDLE, limited.read_buf(&mut self.input)).await??;
        if length == 0 {
            return Ok(Some(Ending::Close));
        }
        self.budget.received.take(length);
        Ok(None)
    }
}

/// Bytes until the line is cut.
struct Budget {
    received: Allowance,
    sent: Allowance,
    ending: Ending,
}

impl Budget {
    fn of(cut: Option<Cut>) -> Self {
        let cut = cut.unwrap_or(Cut { received: None, sent: None, ending: Ending::Close });
        Self { received: Allowance(cut.received), sent: Allowance(cut.sent), ending: cut.ending }
    }
}

/// Bytes that may still pass; `None` is without end.
struct Allowance(Option<u64>);

impl Allowance {
    /// How many of `wanted` bytes may pass, and whether that was the last of them.
    fn take(&mut self, wanted: usize) -> (usize, bool) {
        let Some(left) = &mut self.0 else { return (wanted, false) };
        let passed = wanted.min(usize::try_from(*left).unwrap_or(usize::MAX));
        *left -= passed as u64;
        (passed, *left == 0)
    }
}

async fn leave(mut stream: TcpStream, ending: Ending) -> io::Result<()> {
    match ending {
        Ending::Close => {
            stream.shutdown().await?;
            drain(&mut stream).await
        }
        Ending::Reset => stream.set_zero_linger(),
        Ending::Hang => std::future::pending().await,
    }
}

/// Reads on for a moment, so that what the peer still sends does not turn our last reply into a reset.
async fn drain(stream: &mut TcpStream) -> io::Result<()> {
    let mut nothing = [0; 4096];
    let until = tokio::time::Instant::now() + Duration::from_secs(2);
    while let Ok(read) = tokio::time::timeout_at(until, stream.read(&mut nothing)).await {
        if read? == 0 {
            break;
        }
    }
    Ok(())
}
