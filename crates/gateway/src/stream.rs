//! A TCP connection in clear or under TLS, the same to its reader.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// One connection. The TLS forms are boxed: an idle clear connection must stay small (DESIGN 7).
pub enum Stream {
    /// In clear.
    Plain(TcpStream),
    /// Accepted, under TLS.
    Accepted(Box<tokio_rustls::server::TlsStream<TcpStream>>),
    /// Opened by us, under TLS.
    Opened(Box<tokio_rustls::client::TlsStream<TcpStream>>),
}

impl Stream {
    /// Returns the TCP connection below.
    pub fn tcp(&self) -> &TcpStream {
        match self {
            Self::Plain(stream) => stream,
            Self::Accepted(stream) => stream.get_ref().0,
            Self::Opened(stream) => stream.get_ref().0,
        }
    }

    /// Returns our address of the connection.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.tcp().local_addr()
    }
}

impl AsyncRead for Stream {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_read(cx, buf),
            Self::Accepted(stream) => Pin::new(stream).poll_read(cx, buf),
            Self::Opened(stream) => Pin::new(stream).poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_write(cx, buf),
            Self::Accepted(stream) => Pin::new(stream).poll_write(cx, buf),
            Self::Opened(stream) => Pin::new(stream).poll_write(cx, buf),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_write_vectored(cx, bufs),
            Self::Accepted(stream) => Pin::new(stream).poll_write_vectored(cx, bufs),
            Self::Opened(stream) => Pin::new(stream).poll_write_vectored(cx, bufs),
        }
    }

    fn is_write_vectored(&self) -> bool {
        match self {
            Self::Plain(stream) => stream.is_write_vectored(),
            Self::Accepted(stream) => stream.is_write_vectored(),
            Self::Opened(stream) => stream.is_write_vectored(),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_flush(cx),
            Self::Accepted(stream) => Pin::new(stream).poll_flush(cx),
            Self::Opened(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_shutdown(cx),
            Self::Accepted(stream) => Pin::new(stream).poll_shutdown(cx),
            Self::Opened(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}

/// Bytes read and not yet consumed: small while idle, larger while content streams in.
pub struct ReadBuffer {
    bytes: Vec<u8>,
    start: usize,
    end: usize,
}

/// Size of an idle connection's buffer: several pipelined commands fit.
const IDLE_BYTES: usize = 4 * 1024;
/// Largest size: one read of this takes a whole flight of content.
const FLOWING_BYTES: usize = 64 * 1024;

impl ReadBuffer {
    /// Makes an empty buffer.
    pub fn new() -> Self {
        Self { bytes: vec![0; IDLE_BYTES], start: 0, end: 0 }
    }

    /// Returns what was read and not consumed.
    pub fn unread(&self) -> &[u8] {
        &self.bytes[self.start..self.end]
    }

    /// Marks the first `count` unread bytes as done.
    pub fn consume(&mut self, count: usize) {
        self.start = (self.start + count).min(self.end);
        if self.start == self.end {
            self.start = 0;
            self.end = 0;
        }
    }

    /// Throws everything unread away (bytes in front of a TLS handshake).
    pub fn clear(&mut self) {
        self.start = 0;
        self.end = 0;
    }

    /// Returns room to read into; grows once a read has filled the buffer.
    pub fn room(&mut self) -> &mut [u8] {
        if self.end == self.bytes.len() {
            if self.start > 0 {
                self.bytes.copy_within(self.start..self.end, 0);
                self.end -= self.start;
                self.start = 0;
            }
            if self.end * 2 >= self.bytes.len() && self.bytes.len() < FLOWING_BYTES {
                let size = (self.bytes.len() * 4).min(FLOWING_BYTES);
                self.bytes.resize(size, 0);
            }
        }
        &mut self.bytes[self.end..]
    }

    /// Tells that `count` bytes were read into [`ReadBuffer::room`].
    pub fn filled(&mut self, count: usize) {
        self.end = (self.end + count).min(self.bytes.len());
        if self.end == self.bytes.len() && self.start == 0 && self.bytes.len() < FLOWING_BYTES {
            // The read filled all there was: content is flowing, so the next read may be larger.
            let size = (self.bytes.len() * 4).min(FLOWING_BYTES);
            self.bytes.resize(size, 0);
        }
    }

    /// Gives memory back once a connection idles.
    pub fn rest(&mut self) {
        if self.start == self.end && self.bytes.len() > IDLE_BYTES {
            self.bytes.truncate(IDLE_BYTES);
            self.bytes.shrink_to_fit();
            self.clear();
        }
    }
}

impl Default for ReadBuffer {
    fn default() -> Self {
        Self::new()
    }
}
