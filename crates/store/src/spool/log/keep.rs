//! Writing the survivors of the oldest segment again, a little in each commit.

use std::io;

use mailreeve_core::ids::Mid;

use super::build::Builder;
use super::frame::{self, Head, Kind};
use super::index::{Body, BodyAt, Message, StateAt};
use super::{Log, SpoolError};
use crate::spool::segments::Found;

/// Octets written again in one commit, about.
const KEPT_BYTES_MAX: u64 = 512 * 1024;
/// Segments that may be dead beyond half before survivors are moved.
const SLACK: u64 = 4;

/// How far the oldest segment was walked.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Walk {
    segment: u64,
    offset: u64,
}

impl Log {
    /// Adds the next survivors to a commit, when dead space outweighs the living.
    pub(super) fn keep_survivors(&mut self, builder: &mut Builder) -> Result<(), SpoolError> {
        let (held, alive) = {
            let index = self.reader.index.read();
            (self.segments.len() as u64 * self.capacity, index.live_bytes())
        };
        let Some((oldest, _)) = self.segments.first().copied() else { return Ok(()) };
        if self.segments.len() == 1 || held <= 2 * alive + SLACK * self.capacity {
            return Ok(());
        }
        let mut walk = match self.keep.filter(|walk| walk.segment == oldest) {
            Some(walk) => walk,
            None => Walk { segment: oldest, offset: 0 },
        };
        let before = builder.length();
        while builder.length() - before < KEPT_BYTES_MAX {
            let kept = self.keep_frame(&mut walk, builder).map_err(|error| self.health.fail(error))?;
            if !kept {
                break;
            }
        }
        self.keep = Some(walk);
        Ok(())
    }

    /// Adds the survivors of one frame; false at the end of the segment.
    fn keep_frame(&self, walk: &mut Walk, builder: &mut Builder) -> io::Result<bool> {
        let file = self.files.file(walk.segment)?;
        let mut head = [0; frame::HEAD_BYTES];
        match file.read_exact_at(&mut head, walk.offset) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(false),
            Err(error) => return Err(error),
        }
        let Some(head) = Head::decode(&head) else { return Ok(false) };
        if (head.segment, head.offset) != (walk.segment, walk.offset) {
            return Ok(false);
        }
        let mut octets = vec![0; head.bytes() as usize];
        file.read_exact_at(&mut octets, walk.offset)?;
        walk.offset += head.bytes();
        for item in frame::items(&head, &octets).unwrap_or_default() {
            let index = self.reader.index.read();
            let Some(message) = index.any(item.mid) else { continue };
            let here = (message.placed.envelope.segment, message.placed.envelope.offset);
            if matches!(item.kind, Kind::Put | Kind::PutFile) && here == (walk.segment, item.offset) {
                self.keep_message(item.mid, message, item.octets, builder)?;
            }
        }
        Ok(true)
    }

    fn keep_message(
        &self,
        mid: Mid,
        message: &Message,
        octets: &[u8],
        builder: &mut Builder,
    ) -> io::Result<()> {
        let (envelope, rest) = octets.split_at((message.placed.envelope.length as usize).min(octets.len()));
        match &message.placed.body {
            // A damaged body goes along under its old checksum: whoever reads it finds out.
            BodyAt::Here { crc, .. } => builder.push_kept(mid, message.recipients, envelope, rest, *crc),
            BodyAt::File(place) => {
                let body = Body::File((**place).clone(), rest.to_vec());
                builder.push_put(mid, message.recipients, envelope, body);
            }
        }
        for (rid, state) in &message.states {
            match state {
                StateAt::Ended => builder.push(Kind::End, mid, rid.0, &[]),
                StateAt::Waits { at, .. } => match self.reader.record(*at)? {
                    Found::Good(octets) => builder.push(Kind::Update, mid, rid.0, &octets),
                    Found::Bad(_) => {}
                },
            }
        }
        if let Some(detail) = &message.apart {
            builder.push(Kind::Apart, mid, 0, detail.as_bytes());
        }
        Ok(())
    }
}
