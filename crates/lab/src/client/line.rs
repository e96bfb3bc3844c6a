//! A connection of the client: whole replies in, gathered writes out, each with a deadline.

use std::io::{self, IoSlice};
use std::time::Duration;

use bytes::{Buf, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::timeout;

/// The most that a reply may hold.
const REPLY_LIMIT: usize = 64 << 10;

/// A stream and what was read of it.
#[derive(Debug)]
pub(crate) struct Line<S> {
    stream: S,
    input: BytesMut,
    patience: Duration,
    /// All lines of the last reply, without codes, joined by line feeds.
    pub(crate) text: String,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Line<S> {
    pub(crate) fn new(stream: S, patience: Duration) -> Self {
        Self { stream, input: BytesMut::with_capacity(4096), patience, text: String::new() }
    }

    /// The stream itself, for TLS. What was read of it is thrown away.
    pub(crate) fn into_stream(self) -> S {
        self.stream
    }

    /// Reads one reply and returns its code. Its text is in `text` until the next.
    pub(crate) async fn reply(&mut self) -> io::Result<u16> {
        self.text.clear();
        let mut length = 0;
        loop {
            let Some(end) = memchr::memchr(b'\n', &self.input) else {
                if length + self.input.len() > REPLY_LIMIT {
                    return Err(io::Error::new(io::ErrorKind::InvalidData, "a reply without end"));
                }
                self.fill().await?;
                continue;
            };
            length += end;
            let line = String::from_utf8_lossy(&self.input[..end]);
            let line = line.trim_end_matches('\r');
            let code = line.get(..3).and_then(|code| code.parse::<u16>().ok());
            let Some(code) = code else {
                return Err(io::Error::new(io::ErrorKind::InvalidData, format!("no reply: {line:.80}")));
            };
            if !self.text.is_empty() {
                self.text.push('\n');
            }
            self.text.push_str(line.get(4..).unwrap_or(""));
            let more = line.as_bytes().get(3) == Some(&b'-');
            self.input.advance(end + 1);
            if !more {
                return Ok(code);
            }
        }
    }

    async fn fill(&mut self) -> io::Result<()> {
        self.input.reserve(4096);
        let read = timeout(self.patience, self.stream.read_buf(&mut self.input)).await;
        match read.map_err(|_| io::Error::new(io::ErrorKind::TimedOut, "no reply in time"))?? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            _ => Ok(()),
        }
    }

    /// Sends all parts, in as few writes as the system takes.
    pub(crate) async fn send(&mut self, parts: &[&[u8]]) -> io::Result<()> {
        let mut slices: Vec<IoSlice<'_>> = parts.iter().map(|part| IoSlice::new(part)).collect();
        let mut rest = &mut slices[..];
        IoSlice::advance_slices(&mut rest, 0);
        let work = async {
            while !rest.is_empty() {
                let written = self.stream.write_vectored(rest).await?;
                if written == 0 {
                    return Err(io::ErrorKind::WriteZero.into());
                }
                IoSlice::advance_slices(&mut rest, written);
            }
            self.stream.flush().await
        };
        timeout(self.patience, work)
            .await
            .map_err(|_| io::Error::new(io::ErrorKind::TimedOut, "the peer reads nothing"))?
    }
}
