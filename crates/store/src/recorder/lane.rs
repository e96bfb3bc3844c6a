//! One lane of the ring: what has the same fate, in segments of its own. The oldest segment goes when room is wanted.
//!
//! Records gather in memory and, as they are, in the file `tail`; once there is a block of them they are packed, the
//! block is appended to the newest segment and the tail is begun anew. A crash leaves the tail with whole records and
//! at most one torn one, and a segment with at most one torn block: both are cut at the next start. The tail names the
//! block that it will become, so that one which was packed already is not kept twice.

use std::fs;
use std::io::{self, IoSlice};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::RecorderError;
use super::block::{self, Gathering, HEAD_BYTES, Head, Packer};
use crate::disk::{Disk, DiskFile, HostDisk, ensure_dir};

const MAGIC: [u8; 8] = *b"MREECONV";
/// 2: a stretch and an attempt have the end of their connection, a certificate what is held of it.
const FORMAT: u32 = 2;
/// Octets before the first block of a segment.
const SEGMENT_HEAD: u64 = 16;
/// Octets before the first record of the tail: the number of the block that it becomes.
const TAIL_HEAD: u64 = 8;
/// Segments that a lane is cut into.
const SEGMENTS: u64 = 16;
const SEGMENT_BYTES: std::ops::RangeInclusive<u64> = (128 << 10)..=(64 << 20);
/// Octets of a lane's room that are the tail's.
const TAIL_ROOM: u64 = 512 << 10;

/// A block in its segment.
#[derive(Clone, Debug)]
pub(super) struct Block {
    pub(super) offset: u64,
    pub(super) head: Head,
}

/// A segment and what is known of it.
#[derive(Debug)]
struct Segment {
    number: u64,
    file: Arc<dyn DiskFile>,
    end: u64,
    blocks: Vec<Block>,
}

/// A lane.
#[derive(Debug)]
pub(super) struct Lane {
    dir: PathBuf,
    room: u64,
    segments: Vec<Segment>,
    gathering: Gathering,
    packer: Packer,
    tail: Arc<dyn DiskFile>,
    /// Octets of the records that are in the tail already.
    told: usize,
    next_block: u64,
}

impl Lane {
    /// Opens the lane in `dir` with `room` octets; returns it and how many torn octets were cut.
    pub(super) fn open(dir: &Path, room: u64) -> Result<(Self, u64), RecorderError> {
        let io = |what| RecorderError::io(what, dir);
        ensure_dir(&HostDisk, dir).map_err(io("making"))?;
        let (mut segments, mut cut) = (Vec::new(), 0);
        for number in list(dir).map_err(io("listing"))? {
            let (segment, torn) = Segment::open(dir, number).map_err(io("reading a segment of"))?;
            cut += torn;
            segments.extend(segment);
        }
        let next_block = segments.iter().flat_map(|s: &Segment| &s.blocks).map(|b| b.head.number + 1).max();
        let next_block = next_block.unwrap_or(1);
        let path = dir.join("tail");
        let tail = if path.exists() { HostDisk.open(&path) } else { HostDisk.create(&path) };
        let tail = tail.map_err(io("opening the tail of"))?;
        let (gathering, torn) = read_tail(&*tail, next_block).map_err(io("reading the tail of"))?;
        let told = gathering.octets.len();
        let (dir_of, packer) = (dir.to_owned(), Packer::default());
        let mut lane = Self { dir: dir_of, room, segments, gathering, packer, tail, told, next_block };
        lane.make_room(0).map_err(io("making room in"))?;
        Ok((lane, cut + torn))
    }

    /// Returns what gathers; [`Lane::write`] keeps it.
    pub(super) const fn gathering(&mut self) -> &mut Gathering {
        &mut self.gathering
    }

    /// Packs what gathered if it is a block; returns whether a segment was begun.
    pub(super) fn pack_if_full(&mut self) -> Result<bool, RecorderError> {
        if !self.gathering.is_full() {
            return Ok(false);
        }
        self.pack().map_err(RecorderError::io("writing", &self.dir))
    }

    /// Writes to the tail what gathered since it was written last.
    pub(super) fn write(&mut self) -> Result<(), RecorderError> {
        let new = &self.gathering.octets[self.told..];
        if new.is_empty() {
            return Ok(());
        }
        let at = TAIL_HEAD + self.told as u64;
        self.tail.write_at(&[IoSlice::new(new)], at).map_err(RecorderError::io("writing", &self.dir))?;
        self.told = self.gathering.octets.len();
        Ok(())
    }

    /// Octets on disk.
    pub(super) fn bytes(&self) -> u64 {
        let segments: u64 = self.segments.iter().map(|segment| segment.end).sum();
        segments + TAIL_HEAD + self.told as u64
    }

    /// The oldest instant of anything in it, microseconds since the epoch.
    pub(super) fn oldest(&self) -> Option<u64> {
        let first = self.segments.iter().flat_map(|segment| &segment.blocks).map(|block| block.head.oldest);
        first.chain([self.gathering.oldest()]).min().filter(|oldest| *oldest < u64::MAX)
    }

    /// Blocks, newest first, with the files that they are in.
    pub(super) fn blocks(&self) -> impl Iterator<Item = (Arc<dyn DiskFile>, Block)> {
        let newest_first = self.segments.iter().rev();
        newest_first.flat_map(|segment| {
            segment.blocks.iter().rev().map(|block| (Arc::clone(&segment.file), block.clone()))
        })
    }

    pub(super) const fn segment_bytes(&self) -> u64 {
        let cut = self.room / SEGMENTS;
        if cut < *SEGMENT_BYTES.start() {
            *SEGMENT_BYTES.start()
        } else if cut > *SEGMENT_BYTES.end() {
            *SEGMENT_BYTES.end()
        } else {
            cut
        }
    }

    fn pack(&mut self) -> io::Result<bool> {
        let (head, octets) = self.gathering.pack(&mut self.packer, self.next_block)?;
        self.make_room(octets.len() as u64)?;
        let full = |segment: &Segment| segment.end + octets.len() as u64 > self.segment_bytes();
        let begun = self.segments.last().is_none_or(full);
        if begun {
            let number = self.segments.last().map_or(1, |segment| segment.number + 1);
            self.segments.push(Segment::begin(&self.dir, number)?);
        }
        if let Some(segment) = self.segments.last_mut() {
            segment.file.write_at(&[IoSlice::new(&octets)], segment.end)?;
            segment.blocks.push(Block { offset: segment.end, head });
            segment.end += octets.len() as u64;
        }
        self.next_block += 1;
        self.gathering.clear();
        self.told = 0;
        begin_tail(&*self.tail, self.next_block)?;
        Ok(begun)
    }

    /// Lets segments go, the oldest first, until so many octets more are within the room.
    fn make_room(&mut self, octets: u64) -> io::Result<()> {
        let room = self.room.saturating_sub(TAIL_ROOM);
        let used = |segments: &[Segment]| segments.iter().map(|segment| segment.end).sum::<u64>();
        while !self.segments.is_empty() && used(&self.segments) + octets + SEGMENT_HEAD > room {
            let oldest = self.segments.remove(0);
            match fs::remove_file(path(&self.dir, oldest.number)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                Ok(()) | Err(_) => {}
            }
        }
        Ok(())
    }
}

impl Segment {
    fn begin(dir: &Path, number: u64) -> io::Result<Self> {
        let file = HostDisk.create(&path(dir, number))?;
        let mut head = [0; SEGMENT_HEAD as usize];
        head[..8].copy_from_slice(&MAGIC);
        head[8..12].copy_from_slice(&FORMAT.to_le_bytes());
        file.write_at(&[IoSlice::new(&head)], 0)?;
        Ok(Self { number, file, end: SEGMENT_HEAD, blocks: Vec::new() })
    }

    /// Opens a segment and walks its heads; what is behind the last whole block is cut. One without a head of ours is
    /// removed.
    fn open(dir: &Path, number: u64) -> io::Result<(Option<Self>, u64)> {
        let path = path(dir, number);
        let file = HostDisk.open(&path)?;
        let length = file.len()?;
        let mut head = [0; SEGMENT_HEAD as usize];
        let whole = file.read_exact_at(&mut head, 0).is_ok();
        if !whole || head[..8] != MAGIC || head[8..12] != FORMAT.to_le_bytes() {
            fs::remove_file(&path)?;
            return Ok((None, length));
        }
        let mut segment = Self { number, file, end: SEGMENT_HEAD, blocks: Vec::new() };
        let mut octets = [0; HEAD_BYTES];
        while segment.end + HEAD_BYTES as u64 <= length {
            segment.file.read_exact_at(&mut octets, segment.end)?;
            let Some(head) = block::parse_head(&octets) else { break };
            let end = segment.end + (HEAD_BYTES + head.body as usize) as u64;
            // Only the last block can be torn; the others are verified when they are read.
            if end > length || (end == length && !is_whole(&*segment.file, segment.end, end)?) {
                break;
            }
            segment.blocks.push(Block { offset: segment.end, head });
            segment.end = end;
        }
        if segment.end < length {
            segment.file.truncate(segment.end)?;
        }
        let torn = length - segment.end;
        Ok((Some(segment), torn))
    }
}

fn is_whole(file: &dyn DiskFile, from: u64, to: u64) -> io::Result<bool> {
    let mut octets = vec![0; usize::try_from(to - from).map_err(io::Error::other)?];
    file.read_exact_at(&mut octets, from)?;
    Ok(block::unpack(&octets).is_some())
}

/// Reads the tail back, cuts what is torn, and returns what gathered and how much was cut. A tail that was packed
/// already is begun anew.
fn read_tail(tail: &dyn DiskFile, next_block: u64) -> io::Result<(Gathering, u64)> {
    let length = usize::try_from(tail.len()?).map_err(io::Error::other)?;
    let mut octets = vec![0; length];
    tail.read_exact_at(&mut octets, 0)?;
    let (head, records) = octets.split_first_chunk::<{ TAIL_HEAD as usize }>().unwrap_or((&[0; 8], &[]));
    if u64::from_le_bytes(*head) != next_block {
        begin_tail(tail, next_block)?;
        return Ok((Gathering::default(), 0));
    }
    let (gathering, good) = Gathering::read_back(records);
    let torn = records.len() - good;
    if torn > 0 {
        tail.truncate(TAIL_HEAD + good as u64)?;
    }
    Ok((gathering, torn as u64))
}

fn begin_tail(tail: &dyn DiskFile, next_block: u64) -> io::Result<()> {
    tail.truncate(0)?;
    tail.write_at(&[IoSlice::new(&next_block.to_le_bytes())], 0)
}

fn path(dir: &Path, number: u64) -> PathBuf {
    dir.join(format!("{number:016x}.conversations"))
}

/// Lists the segments, oldest first.
fn list(dir: &Path) -> io::Result<Vec<u64>> {
    let mut numbers = Vec::new();
    for entry in fs::read_dir(dir)? {
        let name = entry?.file_name();
        let number = name.to_str().and_then(|name| name.strip_suffix(".conversations"));
        numbers.extend(number.and_then(|number| u64::from_str_radix(number, 16).ok()));
    }
    numbers.sort_unstable();
    Ok(numbers)
}
