//! Content onto the wire: from memory without copying it, from a stored file chunk by chunk.
//!
//! Dot-stuffing inserts slices instead of copying; terminator and following commands leave in the same
//! vectored write as the end of the content.

use std::io::{self, IoSlice};
use std::time::Duration;

use bytes::Bytes;
use mailreeve_core::ids::Mid;
use mailreeve_smtp::client::Framing;
use mailreeve_smtp::content::{Stuffer, stuffed, terminator};
use mailreeve_store::spool::{Reader, StoredContent};
use tokio::io::{AsyncWrite, AsyncWriteExt as _};

use super::room::Room;

/// Slices handed to the kernel at a time.
const SLICES: usize = 64;
/// Octets of a stored file read at a time.
const CHUNK: usize = 256 * 1024;
/// Content above so many octets is in a file and comes in chunks; what is smaller is read whole.
const WHOLE: u64 = 1 << 20;

/// Where content is while its message is being delivered.
#[derive(Clone)]
pub(super) enum Body {
    /// In memory.
    Memory(Bytes),
    /// In a file of the spool, read while it is sent.
    Stored,
}

impl Body {
    /// Octets held in memory.
    pub(super) fn held(&self) -> usize {
        match self {
            Self::Memory(bytes) => bytes.len(),
            Self::Stored => 0,
        }
    }
}

/// Why content did not go out whole.
pub(super) enum NotWritten {
    /// The connection.
    Network,
    /// The stored content is damaged or gone: nothing of it may be believed.
    Damaged(String),
}

impl From<io::Error> for NotWritten {
    fn from(_: io::Error) -> Self {
        Self::Network
    }
}

/// How content is written.
#[derive(Clone, Copy)]
pub(super) struct Writing<'a> {
    /// Its framing.
    pub(super) framing: Framing,
    /// Some line starts with a dot.
    pub(super) dots: bool,
    /// What goes right behind the terminator.
    pub(super) follow: &'a [u8],
    /// A write that makes no progress for so long fails.
    pub(super) patience: Duration,
}

/// Writes content that is in memory.
pub(super) async fn write(
    stream: &mut (impl AsyncWrite + Unpin),
    content: &[u8],
    how: Writing<'_>,
) -> Result<(), NotWritten> {
    let end = match how.framing {
        Framing::Bdat => b"",
        Framing::Dot => terminator(content),
    };
    if how.framing == Framing::Dot && how.dots {
        let mut slices: Vec<&[u8]> = stuffed(content).collect();
        slices.extend([end, how.follow]);
        for group in slices.chunks(SLICES) {
            write_all(stream, group, how.patience).await?;
        }
    } else {
        write_all(stream, &[content, end, how.follow], how.patience).await?;
    }
    Ok(())
}

/// Content that is in the spool.
#[derive(Clone, Copy)]
pub(super) struct Stored<'a> {
    pub(super) reader: &'a Reader,
    pub(super) room: &'a Room,
    pub(super) mid: Mid,
    /// Its octets.
    pub(super) size: u64,
}

/// Writes content that is in the spool; its checksum is verified before its last octet leaves.
pub(super) async fn write_stored(
    stream: &mut (impl AsyncWrite + Unpin),
    stored: Stored<'_>,
    how: Writing<'_>,
) -> Result<(), NotWritten> {
    let Stored { reader, room, mid, size } = stored;
    let at_once = if size > WHOLE { CHUNK } else { usize::try_from(size).unwrap_or(CHUNK) };
    let _share = room.take(at_once).await;
    let reader = reader.clone();
    let mut stored = off_thread(move || reader.content(mid)).await?;
    let mut stuffer = Stuffer::default();
    loop {
        let chunk = match stored {
            StoredContent::Memory(bytes) => return write(stream, &bytes, how).await,
            StoredContent::File(mut file) => {
                let (file, chunk) = off_thread(move || {
                    let chunk = file.next_chunk(CHUNK)?;
                    Ok((file, chunk))
                })
                .await?;
                stored = StoredContent::File(file);
                chunk
            }
        };
        let Some(chunk) = chunk else { break };
        match how.framing {
            Framing::Bdat => write_all(stream, &[&chunk], how.patience).await?,
            Framing::Dot => {
                let slices: Vec<&[u8]> = stuffer.chunk(&chunk).collect();
                for group in slices.chunks(SLICES) {
                    write_all(stream, group, how.patience).await?;
                }
            }
        }
    }
    let end = match how.framing {
        Framing::Bdat => b"",
        Framing::Dot => stuffer.terminator(),
    };
    write_all(stream, &[end, how.follow], how.patience).await?;
    Ok(())
}

/// Reads the disk outside the runtime's thread.
async fn off_thread<T: Send + 'static>(
    read: impl FnOnce() -> Result<T, mailreeve_store::spool::ReadError> + Send + 'static,
) -> Result<T, NotWritten> {
    match tokio::task::spawn_blocking(read).await {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(NotWritten::Damaged(error.to_string())),
        Err(error) => Err(NotWritten::Damaged(error.to_string())),
    }
}

async fn write_all(
    stream: &mut (impl AsyncWrite + Unpin),
    slices: &[&[u8]],
    patience: Duration,
) -> io::Result<()> {
    let mut vectors: Vec<IoSlice<'_>> =
        slices.iter().filter(|slice| !slice.is_empty()).map(|slice| IoSlice::new(slice)).collect();
    let mut rest = &mut vectors[..];
    while !rest.is_empty() {
        let written = tokio::time::timeout(patience, stream.write_vectored(rest))
            .await
            .map_err(|_| io::Error::from(io::ErrorKind::TimedOut))??;
        if written == 0 {
            return Err(io::ErrorKind::WriteZero.into());
        }
        IoSlice::advance_slices(&mut rest, written);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    async fn written(content: &[u8], dots: bool, framing: Framing) -> Vec<u8> {
        let mut out = Vec::new();
        let how = Writing { framing, dots, follow: b"NEXT", patience: Duration::from_secs(1) };
        assert!(write(&mut out, content, how).await.is_ok());
        out
    }

    #[tokio::test]
    async fn framing_ends_content_exactly_once() {
        assert_eq!(written(b"a\r\n", false, Framing::Dot).await, b"a\r\n.\r\nNEXT");
        assert_eq!(written(b"a", false, Framing::Dot).await, b"a\r\n.\r\nNEXT");
        assert_eq!(written(b"", false, Framing::Dot).await, b".\r\nNEXT");
        assert_eq!(written(b"a\r\n", false, Framing::Bdat).await, b"a\r\nNEXT");
    }

    #[tokio::test]
    async fn dots_are_stuffed_for_data_only() {
        assert_eq!(written(b".a\r\n..\r\n", true, Framing::Dot).await, b"..a\r\n...\r\n.\r\nNEXT");
        assert_eq!(written(b".a\r\n", true, Framing::Bdat).await, b".a\r\nNEXT");
    }
}
