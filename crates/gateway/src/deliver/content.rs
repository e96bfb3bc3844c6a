//! Content onto the wire: from memory without copying it, from a stored file chunk by chunk.
//!
//! Dot-stuffing inserts slices instead of copying; terminator and following commands leave in the same
//! vectored write as the end of the content.

use std::io::{self, IoSlice};
use std::time::Duration;

use bytes::Bytes;
use mailreeve_core::envelope::Envelope;
use mailreeve_smtp::client::Framing;
use mailreeve_smtp::content::{Stuffer, stuffed, terminator};
use mailreeve_store::spool::{Reader, StoredContent};
use tokio::io::{AsyncWrite, AsyncWriteExt as _};

use super::bodies::weight;
use super::reading::{Unread, off_thread};
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
pub(crate) enum NotWritten {
    /// The connection.
    Network,
    /// The stored content could not be read to its end.
    Unread(Unread),
}

impl From<Unread> for NotWritten {
    fn from(unread: Unread) -> Self {
        Self::Unread(unread)
    }
}

impl From<io::Error> for NotWritten {
    fn from(_: io::Error) -> Self {
        Self::Network
    }
}

/// How content is written.
#[derive(Clone, Copy)]
pub(crate) struct Writing<'a> {
    /// Its framing.
    pub(crate) framing: Framing,
    /// Some line starts with a dot.
    pub(crate) dots: bool,
    /// What goes right behind the terminator.
    pub(crate) follow: &'a [u8],
    /// A write that makes no progress for so long fails.
    pub(crate) patience: Duration,
}

/// Writes content that is in memory.
pub(crate) async fn write(
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
    pub(super) envelope: &'a Envelope,
}

/// Writes content that is in the spool; its checksum is verified before its last octet leaves. Whoever calls holds
/// no share of the room: the one taken here is for envelope and content, so that nobody who waits for room keeps any.
pub(super) async fn write_stored(
    stream: &mut (impl AsyncWrite + Unpin),
    stored: Stored<'_>,
    how: Writing<'_>,
) -> Result<(), NotWritten> {
    let Stored { reader, room, envelope } = stored;
    let (mid, size) = (envelope.mid, envelope.size);
    let at_once = if size > WHOLE { CHUNK } else { usize::try_from(size).unwrap_or(CHUNK) };
    let _share = room.take(weight(envelope, at_once)).await.ok_or_else(Unread::no_room)?;
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
