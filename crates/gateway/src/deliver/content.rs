//! Content onto the wire without copying it: dot-stuffed slices and the terminator in vectored writes.

use std::io::{self, IoSlice};
use std::time::Duration;

use mailreeve_smtp::client::Framing;
use mailreeve_smtp::content::{ends_with_crlf, stuffed};
use tokio::io::{AsyncWrite, AsyncWriteExt as _};

/// Slices handed to the kernel at a time.
const SLICES: usize = 64;

/// Writes `content` as `framing` asks, then `follow`. Each write that makes no progress for `patience` fails.
pub(super) async fn write(
    stream: &mut (impl AsyncWrite + Unpin),
    content: &[u8],
    dots: bool,
    framing: Framing,
    follow: &[u8],
    patience: Duration,
) -> io::Result<()> {
    let end: &[u8] = match framing {
        Framing::Bdat => b"",
        Framing::Dot if content.is_empty() || ends_with_crlf(content) => b".\r\n",
        Framing::Dot => b"\r\n.\r\n",
    };
    if framing == Framing::Dot && dots {
        let mut slices: Vec<&[u8]> = stuffed(content).collect();
        slices.extend([end, follow]);
        for group in slices.chunks(SLICES) {
            write_all(stream, group, patience).await?;
        }
    } else {
        write_all(stream, &[content, end, follow], patience).await?;
    }
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
        write(&mut out, content, dots, framing, b"NEXT", Duration::from_secs(1)).await.unwrap();
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
