//! The reading side of the log, and recovery from its index.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use mailreeve_core::envelope::Envelope;
use mailreeve_core::ids::{Mid, Rid};
use parking_lot::RwLock;

use super::files::LogFiles;
use super::index::{At, BodyAt, Index, Message, StateAt};
use crate::spool::content::{ContentFile, HEAD_BYTES, StoredContent};
use crate::spool::error::ReadError;
use crate::spool::hybrid::Place;
use crate::spool::reader::{ApartRecord, ReadSource, Usage, WaitingRecipient};
use crate::spool::record;
use crate::spool::recovery::{Damaged, Page, PageSource, Recovered};
use crate::spool::segments::Found;
use crate::spool::staged::Staging;

const PAGE_MESSAGES: usize = 1000;
/// A place is looked up again when it cannot be read: its message may just have moved.
const TRIES: usize = 4;

/// Reads the log.
pub(crate) struct LogReader {
    pub(super) index: RwLock<Index>,
    pub(super) files: Arc<LogFiles>,
    pub(super) staging: Staging,
    pub(super) syncs: Arc<AtomicU64>,
}

impl LogReader {
    /// Reads a record of ours.
    pub(super) fn record(&self, at: At) -> io::Result<Found<Vec<u8>>> {
        Ok(match self.files.read(at)? {
            Some(octets) => Found::Good(octets),
            None => Found::Bad("its segment is gone"),
        })
    }

    /// Reads something of a message, again when it moved meanwhile.
    fn steady<T>(
        &self,
        mid: Mid,
        what: &'static str,
        read: impl Fn(&Message) -> io::Result<Result<T, String>>,
    ) -> Result<T, ReadError> {
        let mut last = None;
        for _ in 0..TRIES {
            let message = self.index.read().queued(mid).cloned().ok_or(ReadError::NotFound(mid))?;
            match read(&message).map_err(ReadError::io)? {
                Ok(value) => return Ok(value),
                Err(detail) if last.as_ref() == Some(&message.placed) => {
                    return Err(ReadError::Damaged { mid, what, detail });
                }
                Err(_) => last = Some(message.placed),
            }
        }
        Err(ReadError::io("the message moved again and again while it was read"))
    }

    fn envelope_of(&self, mid: Mid, message: &Message) -> io::Result<Result<Envelope, String>> {
        Ok(match self.record(message.placed.envelope)? {
            Found::Good(octets) => record::decode_envelope(mid, &octets),
            Found::Bad(detail) => Err(detail.to_owned()),
        })
    }

    fn waiting_of(
        &self,
        mid: Mid,
        message: &Message,
    ) -> io::Result<Result<(Envelope, Vec<WaitingRecipient>), String>> {
        let envelope = match self.envelope_of(mid, message)? {
            Ok(envelope) => envelope,
            Err(detail) => return Ok(Err(format!("its envelope: {detail}"))),
        };
        let mut waiting = Vec::new();
        for index in 0..u32::try_from(envelope.recipients.len()).unwrap_or(u32::MAX) {
            let rid = Rid(index);
            match message.states.get(&rid) {
                None => waiting.push((rid, None)),
                Some(StateAt::Ended) => {}
                Some(StateAt::Waits { at, .. }) => {
                    let state = match self.record(*at)? {
                        Found::Good(octets) => record::decode_state(mid, rid, &octets),
                        Found::Bad(detail) => Err(detail.to_owned()),
                    };
                    match state {
                        Ok(state) => waiting.push((rid, Some(state))),
                        Err(detail) => return Ok(Err(format!("a recipient's state: {detail}"))),
                    }
                }
            }
        }
        Ok(Ok((envelope, waiting)))
    }

    fn body_of(&self, mid: Mid, message: &Message) -> io::Result<Result<StoredContent, String>> {
        let envelope = message.placed.envelope;
        match &message.placed.body {
            BodyAt::Here { length, crc } => {
                let offset = envelope.offset + u64::from(envelope.length);
                let at = At { segment: envelope.segment, offset, length: *length };
                Ok(match self.files.read(at)? {
                    Some(octets) if crc32fast::hash(&octets) == *crc => {
                        Ok(StoredContent::Memory(Bytes::from(octets)))
                    }
                    Some(_) => Err("the checksum does not match".to_owned()),
                    None => Err("its segment is gone".to_owned()),
                })
            }
            BodyAt::File(place) => match &**place {
                Place::File { name, size, crc, .. } => match self.staging.open(name) {
                    Ok(file) => Ok(Ok(StoredContent::File(ContentFile::new(mid, file, *size, *crc)))),
                    Err(error) if error.kind() == io::ErrorKind::NotFound => {
                        Ok(Err("the staged file is missing".to_owned()))
                    }
                    Err(error) => Err(error),
                },
                Place::Segment(_) => Ok(Err("its place is of another engine".to_owned())),
            },
        }
    }
}

impl ReadSource for LogReader {
    fn envelope(&self, mid: Mid) -> Result<Envelope, ReadError> {
        self.steady(mid, "envelope", |message| self.envelope_of(mid, message))
    }

    fn waiting(&self, mid: Mid) -> Result<(Envelope, Vec<WaitingRecipient>), ReadError> {
        self.steady(mid, "recipient state", |message| self.waiting_of(mid, message))
    }

    fn content(&self, mid: Mid) -> Result<StoredContent, ReadError> {
        self.steady(mid, "content", |message| self.body_of(mid, message))
    }

    fn head(&self, mid: Mid, length: usize) -> Result<Bytes, ReadError> {
        let length = length.min(HEAD_BYTES);
        let head = self.steady(mid, "content", |message| {
            if let BodyAt::File(place) = &message.placed.body
                && let Place::File { name, size, head_crc, .. } = &**place
            {
                return Ok(match self.staging.read_head(name, *size, *head_crc)? {
                    Found::Good(head) => Ok(head),
                    Found::Bad(detail) => Err(detail.to_owned()),
                });
            }
            Ok(self.body_of(mid, message)?.and_then(|content| match content {
                StoredContent::Memory(bytes) => Ok(bytes),
                StoredContent::File(_) => Err("its place is of another kind".to_owned()),
            }))
        })?;
        Ok(head.slice(..head.len().min(length)))
    }

    fn aparts(&self) -> Result<Vec<ApartRecord>, ReadError> {
        let index = self.index.read();
        let mut aparts: Vec<_> = index
            .all()
            .filter_map(|(mid, message)| {
                let content_bytes = match message.placed.body {
                    BodyAt::Here { length, .. } => u64::from(length),
                    BodyAt::File(_) => 0,
                };
                Some(ApartRecord { mid, detail: message.apart.clone()?, content_bytes })
            })
            .collect();
        aparts.sort_unstable_by_key(|apart| apart.mid);
        Ok(aparts)
    }

    fn usage(&self) -> Usage {
        let index = self.index.read();
        Usage {
            messages: index.count(),
            segment_live_bytes: index.live_bytes(),
            staged_bytes: index.staged_bytes(),
            syncs: self.syncs.load(Ordering::Relaxed),
            ..Usage::default()
        }
    }
}

/// Recovery: the order is decided at the start, the records are read page by page.
pub(crate) struct LogPages {
    reader: Arc<LogReader>,
    order: VecDeque<Mid>,
}

impl LogPages {
    pub(crate) fn new(reader: Arc<LogReader>) -> Self {
        let mut keys: Vec<(Option<u64>, Mid)> = {
            let index = reader.index.read();
            index
                .all()
                .filter(|(_, message)| message.apart.is_none())
                .map(|(mid, message)| (message.due(), mid))
                .collect()
        };
        keys.sort_unstable();
        Self { reader, order: keys.into_iter().map(|(_, mid)| mid).collect() }
    }
}

impl PageSource for LogPages {
    fn next_page(&mut self) -> Result<Option<Page>, ReadError> {
        let mut page = Page::default();
        while page.messages.len() + page.damaged.len() < PAGE_MESSAGES
            && let Some(mid) = self.order.front().copied()
        {
            match self.reader.waiting(mid) {
                Ok((envelope, mut waiting)) => {
                    waiting.sort_by_key(|(rid, _)| *rid);
                    page.messages.push(Recovered { envelope: Arc::new(envelope), waiting });
                }
                Err(ReadError::NotFound(_)) => {}
                Err(ReadError::Damaged { mid, detail, .. }) => page.damaged.push(Damaged { mid, detail }),
                Err(error @ ReadError::Io(_)) => return Err(error),
            }
            self.order.pop_front();
        }
        Ok(if page.messages.is_empty() && page.damaged.is_empty() { None } else { Some(page) })
    }
}

impl Message {
    /// Returns when the first recipient is due, if all that wait were tried before.
    fn due(&self) -> Option<u64> {
        if (self.states.len() as u32) < self.recipients {
            return None;
        }
        self.states
            .values()
            .filter_map(|state| match state {
                StateAt::Waits { due, .. } => Some(*due),
                StateAt::Ended => None,
            })
            .min()
    }
}
