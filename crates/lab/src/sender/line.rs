//! The connection of a visiting sender: lines out, whole replies in.

use std::io::{self, Read as _, Write as _};
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::time::Duration;

use socket2::{Domain, SockRef, Socket, Type};

use crate::host::Ending;

/// The most that a reply may hold.
const REPLY_LIMIT: usize = 64 << 10;

/// A connection.
#[derive(Debug)]
pub(super) struct Line {
    stream: TcpStream,
    heard: Vec<u8>,
}

impl Line {
    pub(super) fn connect(target: SocketAddr, from: Option<IpAddr>, patience: Duration) -> io::Result<Self> {
        let socket = Socket::new(Domain::for_address(target), Type::STREAM, None)?;
        if let Some(from) = from {
            socket.bind(&SocketAddr::new(from, 0).into())?;
        }
        socket.connect_timeout(&target.into(), patience)?;
        let stream = TcpStream::from(socket);
        stream.set_nodelay(true)?;
        stream.set_write_timeout(Some(patience))?;
        let line = Self { stream, heard: Vec::new() };
        line.wait_at_most(patience)?;
        Ok(line)
    }

    /// How long a read may take from now on.
    pub(super) fn wait_at_most(&self, patience: Duration) -> io::Result<()> {
        self.stream.set_read_timeout(Some(patience.max(Duration::from_millis(1))))
    }

    pub(super) fn send(&mut self, octets: &[u8]) -> io::Result<()> {
        self.stream.write_all(octets)
    }

    /// One whole reply, its lines joined by line feeds.
    pub(super) fn reply(&mut self) -> io::Result<String> {
        let mut reply = String::new();
        loop {
            let Some(end) = memchr::memchr(b'\n', &self.heard) else {
                if reply.len() + self.heard.len() > REPLY_LIMIT {
                    return Err(io::Error::new(io::ErrorKind::InvalidData, "a reply without end"));
                }
                let mut buffer = [0; 4096];
                let read = self.read(&mut buffer)?;
                self.heard.extend_from_slice(&buffer[..read]);
                continue;
            };
            let line: Vec<u8> = self.heard.drain(..=end).collect();
            let line = String::from_utf8_lossy(&line);
            let line = line.trim_end();
            if !reply.is_empty() {
                reply.push('\n');
            }
            reply.push_str(line);
            if line.as_bytes().get(3) != Some(&b'-') {
                return Ok(reply);
            }
        }
    }

    /// What comes next, as octets.
    pub(super) fn octets(&mut self, count: usize) -> io::Result<Vec<u8>> {
        while self.heard.len() < count {
            let mut buffer = [0; 256];
            let read = self.read(&mut buffer)?;
            self.heard.extend_from_slice(&buffer[..read]);
        }
        Ok(self.heard.drain(..count).collect())
    }

    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.stream.read(buffer) {
            Ok(0) => Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(read) => Ok(read),
            // What a socket says when its time is up differs from system to system.
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Err(io::ErrorKind::TimedOut.into()),
            Err(error) => Err(error),
        }
    }

    /// Leaves like this. A line that is to hang stays open until the peer closes it.
    pub(super) fn leave(mut self, ending: Ending) {
        match ending {
            Ending::Close => {}
            Ending::Reset => {
                // Without this it is a close instead, which is also a way to leave.
                let _ = SockRef::from(&self.stream).set_linger(Some(Duration::ZERO));
            }
            Ending::Hang => while self.read(&mut [0; 4096]).is_ok() {},
        }
    }
}
