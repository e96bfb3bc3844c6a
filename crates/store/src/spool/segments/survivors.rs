//! Reading records back: one by its place, and the survivors of a segment one after the other.

use std::io;

use bytes::Bytes;
use mailreeve_core::ids::Mid;

use super::frame::{FRAME_BYTES, Frame};
use super::{Location, SegmentFiles, SegmentId};
use crate::spool::content::HEAD_BYTES;

/// What was found at a place.
#[derive(Debug)]
pub(crate) enum Found<T> {
    /// The record, verified.
    Good(T),
    /// Something else: damage, or another record because the segment was recycled since.
    Bad(&'static str),
}

/// A record met on a walk through a segment, whether it lives or not.
#[derive(Debug)]
pub(crate) struct Survivor {
    pub(crate) mid: Mid,
    pub(crate) location: Location,
}

/// A walk through the frames of one segment from its beginning.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Walk {
    pub(crate) segment: SegmentId,
    offset: u64,
}

impl Walk {
    pub(crate) fn new(segment: SegmentId) -> Self {
        Self { segment, offset: 0 }
    }

    /// Returns the next record's frame, `None` where frames end.
    pub(crate) fn next(&mut self, files: &SegmentFiles) -> io::Result<Option<Survivor>> {
        let Some(frame) = files.frame(self.segment, self.offset)? else { return Ok(None) };
        if (frame.location.segment, frame.location.offset) != (self.segment, self.offset) {
            return Ok(None);
        }
        self.offset += frame.location.bytes();
        Ok(Some(Survivor { mid: frame.mid, location: frame.location }))
    }
}

impl SegmentFiles {
    /// Reads the content at a place.
    pub(crate) fn read(&self, mid: Mid, location: Location) -> io::Result<Found<Bytes>> {
        self.read_part(mid, location, location.length as usize, Frame::fits)
    }

    /// Reads the head of the content at a place.
    pub(crate) fn read_head(&self, mid: Mid, location: Location) -> io::Result<Found<Bytes>> {
        let length = (location.length as usize).min(HEAD_BYTES);
        self.read_part(mid, location, length, Frame::fits_head)
    }

    /// Reads what is at a place, good or bad, for inspection.
    pub(crate) fn read_raw(&self, location: Location) -> io::Result<Bytes> {
        let mut octets = vec![0; FRAME_BYTES + location.length as usize];
        self.file(location.segment)?.read_exact_at(&mut octets, location.offset)?;
        Ok(Bytes::from(octets).slice(FRAME_BYTES..))
    }

    fn read_part(
        &self,
        mid: Mid,
        location: Location,
        length: usize,
        fits: fn(&Frame, &[u8]) -> bool,
    ) -> io::Result<Found<Bytes>> {
        let mut octets = vec![0; FRAME_BYTES + length];
        let read =
            self.file(location.segment).and_then(|file| file.read_exact_at(&mut octets, location.offset));
        match read {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Ok(Found::Bad("the segment is missing"));
            }
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                return Ok(Found::Bad("the segment is too short"));
            }
            Err(error) => return Err(error),
        }
        let frame = octets.first_chunk::<FRAME_BYTES>().and_then(Frame::decode);
        Ok(match frame {
            None => Found::Bad("its frame is damaged"),
            Some(frame) if (frame.mid, frame.location) != (mid, location) => {
                Found::Bad("another record is in its place")
            }
            Some(frame) if !fits(&frame, &octets[FRAME_BYTES..]) => Found::Bad("the checksum does not match"),
            Some(_) => Found::Good(Bytes::from(octets).slice(FRAME_BYTES..)),
        })
    }

    fn frame(&self, segment: SegmentId, offset: u64) -> io::Result<Option<Frame>> {
        let mut octets = [0; FRAME_BYTES];
        match self.file(segment)?.read_exact_at(&mut octets, offset) {
            Ok(()) => Ok(Frame::decode(&octets)),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
            Err(error) => Err(error),
        }
    }
}
