//! The archive: messages that operators took out of the queue, each in a file of its own in mbox form (RFC 4155),
//! with line feeds as line ends and `From ` lines of the content quoted.

use std::fs::{self, File, Permissions};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use mailreeve_core::envelope::Envelope;
use mailreeve_core::ids::Mid;
use mailreeve_smtp::address::ReversePath;
use mailreeve_store::spool::{ReadError, Reader, StoredContent};

/// Octets read at a time.
const CHUNK: usize = 256 * 1024;

/// Why a message was not saved.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ArchiveError {
    /// It cannot be read back.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The file cannot be written.
    #[error("{path}: {source}", path = path.display())]
    Write {
        /// Which.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
}

/// Where a message of the archive is.
pub(crate) fn path_of(data_dir: &Path, mid: Mid) -> PathBuf {
    data_dir.join("archive").join(format!("oldmessage_{mid}.mbox"))
}

/// Saves a message that is in the spool, for the gateway's user alone, durable when this returns. A file of an
/// earlier try is replaced as a whole.
///
/// # Errors
/// Nothing stands under its name then that was not there before.
pub(crate) fn save(reader: &Reader, data_dir: &Path, mid: Mid) -> Result<PathBuf, ArchiveError> {
    let path = path_of(data_dir, mid);
    let failed = |source| ArchiveError::Write { path: path.clone(), source };
    let envelope = reader.envelope(mid)?;
    let folder = data_dir.join("archive");
    fs::DirBuilder::new().recursive(true).mode(0o700).create(&folder).map_err(failed)?;
    let half = path.with_extension("new");
    let file = File::options().create(true).truncate(true).write(true).mode(0o600).open(&half);
    let file = file.map_err(failed)?;
    // One left by an earlier try keeps its mode.
    file.set_permissions(Permissions::from_mode(0o600)).map_err(failed)?;
    let mut out = Mbox::new(BufWriter::new(file));
    out.begin(&envelope).map_err(failed)?;
    match reader.content(mid)? {
        StoredContent::Memory(octets) => out.content(&octets).map_err(failed)?,
        StoredContent::File(mut file) => {
            while let Some(chunk) = file.next_chunk(CHUNK)? {
                out.content(&chunk).map_err(failed)?;
            }
        }
    }
    let file = out.end().map_err(failed)?.into_inner().map_err(|error| failed(error.into_error()))?;
    file.sync_all().map_err(failed)?;
    fs::rename(&half, &path).map_err(failed)?;
    File::open(&folder).and_then(|folder| folder.sync_all()).map_err(failed)?;
    Ok(path)
}

/// Writes one message.
struct Mbox<W> {
    out: W,
    /// The line so far is only `>` signs, so many; nothing of it was written yet.
    quotes: Option<usize>,
    /// What the line, which is not written yet, begins with behind those.
    start: Vec<u8>,
    carriage_return: bool,
}

impl<W: Write> Mbox<W> {
    const MARK: &'static [u8] = b"From ";

    fn new(out: W) -> Self {
        Self { out, quotes: Some(0), start: Vec::new(), carriage_return: false }
    }

    fn begin(&mut self, envelope: &Envelope) -> io::Result<()> {
        let sender = match &envelope.sender {
            ReversePath::Null => "MAILER-DAEMON".to_owned(),
            path => path.to_string(),
        };
        let at = i64::try_from(envelope.accepted_at).ok().and_then(|us| Timestamp::from_microsecond(us).ok());
        let at = at.unwrap_or(Timestamp::UNIX_EPOCH);
        writeln!(self.out, "From {sender} {}", at.strftime("%a %b %e %H:%M:%S %Y"))
    }

    fn content(&mut self, octets: &[u8]) -> io::Result<()> {
        octets.iter().try_for_each(|octet| self.octet(*octet))
    }

    /// CRLF becomes LF, and a line of `From ` behind any number of `>` gets one `>` more.
    fn octet(&mut self, octet: u8) -> io::Result<()> {
        if std::mem::take(&mut self.carriage_return) && octet != b'\n' {
            self.plain(b'\r')?;
        }
        if octet == b'\r' {
            self.carriage_return = true;
            return Ok(());
        }
        self.plain(octet)
    }

    fn plain(&mut self, octet: u8) -> io::Result<()> {
        if let Some(quotes) = self.quotes {
            if octet == b'>' && self.start.is_empty() {
                self.quotes = Some(quotes + 1);
                return Ok(());
            }
            self.start.push(octet);
            if Self::MARK == self.start {
                self.out.write_all(b">")?;
            } else if Self::MARK.starts_with(&self.start) {
                return Ok(());
            }
            self.flush_start()?;
        } else {
            self.out.write_all(&[octet])?;
        }
        if octet == b'\n' {
            self.quotes = Some(0);
        }
        Ok(())
    }

    fn flush_start(&mut self) -> io::Result<()> {
        for _ in 0..self.quotes.take().unwrap_or(0) {
            self.out.write_all(b">")?;
        }
        self.out.write_all(&self.start)?;
        self.start.clear();
        Ok(())
    }

    /// Ends with an empty line, as the form demands.
    fn end(mut self) -> io::Result<W> {
        self.flush_start()?;
        self.out.write_all(b"\n")?;
        self.out.flush()?;
        Ok(self.out)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn mbox(pieces: &[&[u8]]) -> String {
        let mut mbox = Mbox::new(Vec::new());
        for piece in pieces {
            mbox.content(piece).unwrap();
        }
        String::from_utf8(mbox.end().unwrap()).unwrap()
    }

    #[test]
    fn lines_that_look_like_a_beginning_are_quoted() {
        let table: [(&str, &str); 6] = [
            ("a: b\r\n\r\nFrom here\r\n", "a: b\n\n>From here\n\n"),
            (">From there\r\n>>From\r\n", ">>From there\n>>From\n\n"),
            ("From", "From\n"),
            (">>x\r\n>\r\n", ">>x\n>\n\n"),
            ("a\rb\r\r\n", "a\rb\r\n\n"),
            ("Fromm\r\nFro\r\n", "Fromm\nFro\n\n"),
        ];
        for (content, written) in table {
            assert_eq!(mbox(&[content.as_bytes()]), written, "{content:?}");
            let octets: Vec<&[u8]> = content.as_bytes().chunks(1).collect();
            assert_eq!(mbox(&octets), written, "octet by octet: {content:?}");
        }
    }
}
