//! Putting the content of a commit where it belongs, before its rows are written.

use std::path::Path;

use bytes::Bytes;
use mailreeve_core::ids::Mid;

use super::Hybrid;
use super::database::key;
use super::place::Place;
use crate::spool::error::{Refusal, SpoolError};
use crate::spool::segments::Location;
use crate::spool::{Batch, Content, Put};

/// Content in memory above this goes to a staged file even here: a segment is for what fits many times.
const SEGMENT_RECORD_MAX: usize = 1 << 20;

/// Where the content of one put went.
#[derive(Debug)]
pub(crate) enum Body {
    /// Into its row.
    Inline,
    /// Elsewhere.
    Placed(Place),
}

impl Hybrid {
    /// Checks all content and writes what does not go into rows; the result has one entry a put, in order.
    pub(super) fn store_bodies(&mut self, parts: &[Batch]) -> Result<Vec<Body>, SpoolError> {
        let mut bodies = Vec::new();
        let mut segment_records: Vec<(Mid, Bytes)> = Vec::new();
        for (part, batch) in parts.iter().enumerate() {
            for put in &batch.puts {
                let body =
                    self.store_body(put, &mut segment_records).map_err(|error| error.told_for(part, self))?;
                bodies.push(body);
            }
        }
        let locations =
            self.segments.append(&segment_records).map_err(|error| BodyError::Io(error).told_for(0, self))?;
        let mut locations = locations.into_iter();
        for body in &mut bodies {
            if let Body::Placed(Place::Segment(location)) = body
                && let Some(written) = locations.next()
            {
                *location = written;
            }
        }
        Ok(bodies)
    }

    fn store_body(&mut self, put: &Put, segment_records: &mut Vec<(Mid, Bytes)>) -> Result<Body, BodyError> {
        let mid = put.envelope.mid;
        if key(mid).is_none() {
            return Err(BodyError::Refused(Refusal::MidOutOfRange(mid)));
        }
        if put.content.size() != put.envelope.size {
            return Err(BodyError::Refused(Refusal::ContentMismatch(mid)));
        }
        match &put.content {
            Content::Memory(bytes) if bytes.len() <= self.inline_max => Ok(Body::Inline),
            Content::Memory(bytes) if bytes.len() <= SEGMENT_RECORD_MAX => {
                segment_records.push((mid, bytes.clone()));
                // The true place is known when all records of the commit are written.
                Ok(Body::Placed(Place::Segment(Location { segment: 0, offset: 0, length: 0 })))
            }
            Content::Memory(bytes) => {
                let mut file = self.staging.create()?;
                file.write(bytes)?;
                let staged = file.finish()?;
                let body = self.staged_place(mid, &staged);
                self.staged_here.push(staged);
                body
            }
            Content::Staged { .. } => self.staged_place(mid, &put.content),
        }
    }

    /// Names a staged file in a record, if it is there as it was finished.
    fn staged_place(&self, mid: Mid, content: &Content) -> Result<Body, BodyError> {
        let mismatch = || BodyError::Refused(Refusal::ContentMismatch(mid));
        let Content::Staged { path, size, crc, head_crc } = content else { return Err(mismatch()) };
        let name = path.file_name().and_then(|name| name.to_str()).ok_or_else(mismatch)?;
        let ours = self.staging.path_of(name);
        if ours != Path::new(path) || std::fs::metadata(&ours)?.len() != *size {
            return Err(mismatch());
        }
        Ok(Body::Placed(Place::File { name: name.to_owned(), size: *size, crc: *crc, head_crc: *head_crc }))
    }
}

/// Why content could not be put in its place.
enum BodyError {
    Refused(Refusal),
    Io(std::io::Error),
}

impl From<std::io::Error> for BodyError {
    fn from(error: std::io::Error) -> Self {
        Self::Io(error)
    }
}

impl BodyError {
    /// A full disk found before any sync is no failure: nothing was promised yet. Anything else is (law 5).
    fn told_for(self, part: usize, engine: &Hybrid) -> SpoolError {
        use std::io::ErrorKind::{QuotaExceeded, StorageFull};
        match self {
            Self::Refused(refusal) => SpoolError::Refused { part, refusal },
            Self::Io(error) if matches!(error.kind(), StorageFull | QuotaExceeded) => SpoolError::NoSpace,
            Self::Io(error) => engine.health.fail(error),
        }
    }
}
