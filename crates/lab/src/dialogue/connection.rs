//! A connection of a player, blocking, in clear text or encrypted.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use rustls::{ClientConnection, StreamOwned};

use crate::unverified;

/// The longest line read.
const LINE_LIMIT: usize = 1 << 20;

pub(super) struct Connection {
    stream: Stream,
    input: Vec<u8>,
    patience: Duration,
    /// A send that failed: the peer has closed, and may have said why before.
    unsent: Option<io::Error>,
}

enum Stream {
    Clear(TcpStream),
    Tls(Box<StreamOwned<ClientConnection, TcpStream>>),
}

impl Stream {
    fn socket(&self) -> &TcpStream {
        match self {
            Self::Clear(stream) => stream,
            Self::Tls(stream) => &stream.sock,
        }
    }
}

/// What one read gave.
enum Got {
    Bytes,
    Nothing,
    End,
}

impl Connection {
    pub(super) fn open(target: SocketAddr, tls: bool, patience: Duration) -> Result<Self, String> {
        let connect = || {
            let stream = TcpStream::connect_timeout(&target, patience)?;
            stream.set_nodelay(true)?;
            stream.set_read_timeout(Some(patience))?;
            stream.set_write_timeout(Some(patience))?;
            Ok(stream)
        };
        let stream = connect().map_err(|error: io::Error| format!("no connection to {target}: {error}"))?;
        let connection = Self { stream: Stream::Clear(stream), input: Vec::new(), patience, unsent: None };
        if tls { connection.start_tls() } else { Ok(connection) }
    }

    pub(super) fn start_tls(self) -> Result<Self, String> {
        let Stream::Clear(stream) = self.stream else {
            return Err("the connection is encrypted already".to_owned());
        };
        let stream = unverified::connect_blocking(stream).map_err(|error| format!("no TLS: {error}"))?;
        Ok(Self { stream: Stream::Tls(Box::new(stream)), input: Vec::new(), ..self })
    }

    /// Sends as much as the peer takes. A peer that closed is noticed at the next read.
    pub(super) fn send(&mut self, bytes: &[u8]) {
        let sent = match &mut self.stream {
            Stream::Clear(stream) => stream.write_all(bytes),
            Stream::Tls(stream) => stream.write_all(bytes).and_then(|()| stream.flush()),
        };
        self.unsent = sent.err();
    }

    /// The next line, without its line end.
    pub(super) fn line(&mut self) -> Result<String, String> {
        let until = Instant::now() + self.patience;
        loop {
            if let Some(end) = memchr::memchr(b'\n', &self.input) {
                let line: Vec<u8> = self.input.drain(..=end).collect();
                let line = String::from_utf8_lossy(&line).into_owned();
                return line
                    .strip_suffix("\r\n")
                    .map(str::to_owned)
                    .ok_or(format!("a line without CRLF: {line:?}"));
            }
            if self.input.len() > LINE_LIMIT {
                return Err("a line without end".to_owned());
            }
            match self.read(until) {
                Got::Bytes => {}
                Got::Nothing => return Err(format!("nothing within {:?}", self.patience)),
                Got::End => {
                    let unsent = self.unsent.as_ref().map(|error| format!(", and sending failed: {error}"));
                    return Err(format!("the peer closed{}", unsent.unwrap_or_default()));
                }
            }
        }
    }

    /// Nothing comes for this long, and the line stays open.
    pub(super) fn quiet(&mut self, time: Duration) -> Result<(), String> {
        let got = if self.input.is_empty() { self.read(Instant::now() + time) } else { Got::Bytes };
        match got {
            Got::Nothing => Ok(()),
            Got::Bytes => Err(format!("expected silence, got `{}`", self.input.escape_ascii())),
            Got::End => Err("expected silence, the peer closed".to_owned()),
        }
    }

    /// The peer closes, without another word.
    pub(super) fn closed(&mut self) -> Result<(), String> {
        let got = if self.input.is_empty() { self.read(Instant::now() + self.patience) } else { Got::Bytes };
        match got {
            Got::End => Ok(()),
            Got::Nothing => Err(format!("the line was still open after {:?}", self.patience)),
            Got::Bytes => Err(format!("expected the end, got `{}`", self.input.escape_ascii())),
        }
    }

    fn read(&mut self, until: Instant) -> Got {
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() || self.stream.socket().set_read_timeout(Some(left)).is_err() {
            return Got::Nothing;
        }
        let mut buffer = [0; 16 << 10];
        let read = match &mut self.stream {
            Stream::Clear(stream) => stream.read(&mut buffer),
            Stream::Tls(stream) => stream.read(&mut buffer),
        };
        match read {
            Ok(0) => Got::End,
            Ok(length) => {
                self.input.extend_from_slice(&buffer[..length]);
                Got::Bytes
            }
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => {
                Got::Nothing
            }
            Err(_) => Got::End,
        }
    }
}
