//! Content as it is read back: small ones whole, large ones in chunks, all of them verified.

use std::sync::Arc;

use bytes::Bytes;
use mailreeve_core::ids::Mid;

use super::error::ReadError;
use crate::disk::DiskFile;

/// Octets at the beginning of stored content that have a checksum of their own, so that a header can be
/// read and verified without the rest.
pub const HEAD_BYTES: usize = 16 * 1024;

/// Content of a message.
#[derive(Debug)]
pub enum StoredContent {
    /// Small enough for memory, verified.
    Memory(Bytes),
    /// To be read in chunks.
    File(ContentFile),
}

impl StoredContent {
    /// Returns the octets of the content.
    pub fn size(&self) -> u64 {
        match self {
            Self::Memory(bytes) => bytes.len() as u64,
            Self::File(file) => file.size,
        }
    }
}

/// Large content being read from beginning to end.
///
/// The file stays readable while this lives, even when the message ends meanwhile.
#[derive(Debug)]
pub struct ContentFile {
    mid: Mid,
    file: Arc<dyn DiskFile>,
    size: u64,
    crc: u32,
    offset: u64,
    hasher: crc32fast::Hasher,
}

impl ContentFile {
    pub(crate) fn new(mid: Mid, file: Arc<dyn DiskFile>, size: u64, crc: u32) -> Self {
        Self { mid, file, size, crc, offset: 0, hasher: crc32fast::Hasher::new() }
    }

    /// Returns the next chunk of at most `max` octets, `None` after the last.
    ///
    /// The last chunk is handed out only when the checksum of the whole was right: whoever passes chunks on
    /// as they come cannot pass on a damaged message to its end.
    ///
    /// # Errors
    /// [`ReadError::Damaged`] when the file is too short or its checksum is wrong, [`ReadError::Io`].
    pub fn next_chunk(&mut self, max: usize) -> Result<Option<Bytes>, ReadError> {
        let left = self.size - self.offset;
        if left == 0 {
            return Ok(None);
        }
        let length = usize::try_from(left).unwrap_or(usize::MAX).min(max.max(1));
        let mut chunk = vec![0; length];
        self.file.read_exact_at(&mut chunk, self.offset).map_err(|error| match error.kind() {
            std::io::ErrorKind::UnexpectedEof => self.damaged("the file is too short"),
            _ => ReadError::io(error),
        })?;
        self.hasher.update(&chunk);
        self.offset += length as u64;
        if self.offset == self.size && self.hasher.clone().finalize() != self.crc {
            return Err(self.damaged("the checksum of the file does not match"));
        }
        Ok(Some(Bytes::from(chunk)))
    }

    fn damaged(&self, detail: &str) -> ReadError {
        ReadError::Damaged { mid: self.mid, what: "content", detail: detail.to_owned() }
    }
}
