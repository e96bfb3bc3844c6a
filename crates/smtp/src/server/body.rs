//! Content: DATA and BDAT, from the command to the reply.
//!
//! A refused chunk is read and thrown away before the reply is given, so that nothing in it is ever taken
//! for a command (RFC 3030 2, CVE-2017-16943).

use std::io::Write as _;

use super::command::Chunk;
use super::incoming::{Framing, Incoming, Manner, Pause};
use super::measure::{Bounds, Fault};
use super::question::{Abort, DataVerdict, EndReason, Message, Question, Verdict};
use super::settings::LineEnds;
use super::state::{Chunking, Discard, Pending, Receiving, Refusal, State, Transaction};
use super::{Session, replies};
use crate::instant::Instant;

/// Octets that are made room for at once when a peer declares the size of its message. What a peer only
/// declares must not cost memory.
const ROOM_OCTETS: u64 = 64 << 10;

impl Session {
    /// Answers [`Question::Data`].
    pub fn answer_data(&mut self, verdict: DataVerdict, now: Instant) {
        let Some((transaction, pending)) = self.expect(State::data_verdict) else { return };
        self.clock.await_content(now);
        match (verdict, pending) {
            (DataVerdict::Go { prefix }, None) => {
                let incoming = self.incoming(Framing::Dots, prefix, &transaction);
                self.say(replies::DATA_GO);
                self.state = State::Content(incoming);
            }
            (DataVerdict::Go { prefix }, Some(pending)) => {
                let incoming = self.incoming(Framing::Chunks, prefix, &transaction);
                self.state = State::Chunk(Chunking { transaction, incoming, pending });
                self.finish_empty_chunk(now);
            }
            (DataVerdict::Refuse(reply), None) => {
                self.abort(Abort::DataRefused);
                self.refuse(&reply);
            }
            (DataVerdict::Refuse(reply), Some(pending)) => {
                self.abort(Abort::DataRefused);
                self.discard(pending.left, Refusal::Verdict(reply), None);
                self.finish_empty_chunk(now);
            }
        }
        self.shut_down_if_asked();
    }

    /// Answers [`Question::Spill`]: the part is stored, the content goes on.
    pub fn answer_spill(&mut self, now: Instant) {
        let Some(receiving) = self.expect(State::spill) else { return };
        self.clock.resume_content(now);
        match receiving {
            Receiving::Content(incoming) => self.state = State::Content(incoming),
            Receiving::Chunk(chunking) => {
                self.state = State::Chunk(chunking);
                self.finish_empty_chunk(now);
            }
        }
        self.shut_down_if_asked();
    }

    /// Answers [`Question::Message`]. An acceptance is said at once: the message must be durable.
    pub fn answer_message(&mut self, verdict: Verdict, now: Instant) {
        if self.expect(State::message_verdict).is_none() {
            return;
        }
        self.clock.wait(now);
        if self.pronounce(verdict, replies::MESSAGE_OK) {
            self.tally.messages += 1;
            self.tally.idle_commands = 0;
        }
        self.shut_down_if_asked();
    }

    pub(super) fn data(&mut self) {
        let Some(transaction) = self.transaction() else { return self.out_of_sequence() };
        if transaction.chunks.is_some() {
            return self.error(replies::CHUNKS_OPEN);
        }
        match (transaction.recipients, transaction.refused) {
            (0, true) => return self.idle(replies::NO_RECIPIENTS),
            (0, false) => return self.error(replies::RCPT_FIRST),
            (1.., _) => {}
        }
        let transaction = self.take_transaction().unwrap_or_default();
        self.state = State::DataVerdict(transaction, None);
        self.question = Some(Question::Data);
    }

    pub(super) fn bdat(&mut self, Chunk { octets, last }: Chunk) {
        let transaction = self.take_transaction();
        if !self.settings.extensions.chunking {
            return self.discard(octets, Refusal::Error(replies::NOT_IMPLEMENTED), transaction);
        }
        let Some(mut transaction) = transaction else {
            let reply = self.missing_step();
            let refusal = if self.voided { Refusal::Said(reply) } else { Refusal::Error(reply) };
            return self.discard(octets, refusal, None);
        };
        match (transaction.recipients, transaction.refused) {
            (0, true) => {
                return self.discard(octets, Refusal::Said(replies::NO_RECIPIENTS), Some(transaction));
            }
            (0, false) => {
                return self.discard(octets, Refusal::Error(replies::RCPT_FIRST), Some(transaction));
            }
            (1.., _) => {}
        }
        let so_far = transaction.chunks.as_ref().map_or(0, |incoming| incoming.size());
        if so_far.saturating_add(u64::from(octets)) > self.settings.limits.message_bytes {
            self.abort(Abort::ContentRefused);
            return self.discard(octets, Refusal::Said(replies::TOO_BIG), None);
        }
        let pending = Pending { octets, left: octets, last };
        if let Some(incoming) = transaction.chunks.take() {
            self.state = State::Chunk(Chunking { transaction, incoming, pending });
        } else {
            self.state = State::DataVerdict(transaction, Some(pending));
            self.question = Some(Question::Data);
        }
    }

    pub(super) fn receive_content(&mut self, input: &[u8], now: Instant) -> usize {
        let State::Content(incoming) = &mut self.state else { return 0 };
        let (used, pause) = incoming.feed(input);
        self.clock.block(used, now);
        self.note_content(used, now);
        match pause {
            Pause::Input => {}
            Pause::Spill => self.spill(now),
            Pause::End => {
                if let State::Content(incoming) = std::mem::replace(&mut self.state, State::Command(None)) {
                    self.complete(*incoming, now);
                }
            }
        }
        used
    }

    pub(super) fn receive_chunk(&mut self, input: &[u8], now: Instant) -> usize {
        let State::Chunk(Chunking { incoming, pending, .. }) = &mut self.state else { return 0 };
        let (used, pause) = incoming.feed(up_to(input, pending.left));
        pending.left -= octets(used);
        self.clock.block(used, now);
        self.note_content(used, now);
        match pause {
            Pause::Spill => self.spill(now),
            Pause::Input | Pause::End => self.finish_empty_chunk(now),
        }
        used
    }

    pub(super) fn receive_discarded(&mut self, input: &[u8], now: Instant) -> usize {
        let State::Discard(discard) = &mut self.state else { return 0 };
        let used = up_to(input, discard.left).len();
        discard.left -= octets(used);
        self.clock.block(used, now);
        self.note_content(used, now);
        self.finish_empty_chunk(now);
        used
    }

    /// Ends the chunk, kept or thrown away, when none of its octets is missing.
    pub(super) fn finish_empty_chunk(&mut self, now: Instant) {
        match std::mem::replace(&mut self.state, State::Command(None)) {
            State::Chunk(chunking) if chunking.pending.left == 0 => self.end_of_chunk(chunking, now),
            State::Discard(Discard { left: 0, reply, transaction }) => {
                self.state = State::Command(transaction);
                self.clock.wait(now);
                match reply {
                    Refusal::Error(reply) => self.error(reply),
                    Refusal::Said(reply) => self.idle(reply),
                    Refusal::Verdict(reply) => self.refuse(&reply),
                }
            }
            other => self.state = other,
        }
    }

    fn end_of_chunk(&mut self, chunking: Chunking, now: Instant) {
        let Chunking { mut transaction, incoming, pending } = chunking;
        if pending.last {
            return self.complete(*incoming, now);
        }
        self.clock.wait(now);
        if let Some(fault) = incoming.fault() {
            return self.refuse_content(fault);
        }
        transaction.chunks = Some(incoming);
        self.state = State::Command(Some(transaction));
        // Writing into a Vec cannot fail.
        let _ = write!(self.output, "250 2.0.0 {} octets received\r\n", pending.octets);
    }

    /// Hands the message over, or refuses it for the rule it broke.
    fn complete(&mut self, incoming: Incoming, now: Instant) {
        self.clock.wait(now);
        match incoming.finish() {
            Ok(complete) => {
                self.state = State::MessageVerdict;
                self.question = Some(Question::Message(Message {
                    tail: complete.tail,
                    spilled: complete.spilled,
                    size: complete.size,
                    eight_bit: complete.eight_bit,
                    dots: complete.dots,
                    header_end: usize::try_from(complete.header_end).unwrap_or(usize::MAX),
                }));
            }
            Err(fault) => self.refuse_content(fault),
        }
    }

    fn refuse_content(&mut self, fault: Fault) {
        self.abort(Abort::ContentRefused);
        self.say(match fault {
            Fault::LineEnds => replies::LINE_ENDS,
            Fault::Nul => replies::NUL,
            Fault::LineTooLong => replies::CONTENT_LINE_TOO_LONG,
            Fault::HeaderTooLong => replies::HEADER_TOO_LONG,
            Fault::TooManyHops => replies::TOO_MANY_HOPS,
            Fault::TooBig => replies::TOO_BIG,
        });
        if fault == Fault::LineEnds {
            self.end(EndReason::LineEnds);
        }
    }

    /// Asks the caller to store what is kept so far.
    fn spill(&mut self, now: Instant) {
        let mut receiving = match std::mem::replace(&mut self.state, State::Command(None)) {
            State::Content(incoming) => Receiving::Content(incoming),
            State::Chunk(chunking) => Receiving::Chunk(chunking),
            other => {
                self.state = other;
                return;
            }
        };
        let part = match &mut receiving {
            Receiving::Content(incoming) | Receiving::Chunk(Chunking { incoming, .. }) => {
                incoming.take_spill()
            }
        };
        self.clock.wait(now);
        self.state = State::Spill(receiving);
        self.question = Some(Question::Spill(part));
    }

    fn discard(&mut self, left: u32, reply: Refusal, transaction: Option<Transaction>) {
        self.state = State::Discard(Discard { left, reply, transaction });
    }

    fn incoming(&self, framing: Framing, prefix: Vec<u8>, transaction: &Transaction) -> Box<Incoming> {
        let limits = &self.settings.limits;
        let bounds = Bounds {
            message: limits.message_bytes,
            header: limits.header_bytes,
            hops: limits.hops,
            line: limits.line_bytes,
        };
        let normalise = self.settings.line_ends == LineEnds::Normalise;
        let manner = Manner { framing, normalise, spill: limits.spill_bytes };
        let room = transaction.declared.unwrap_or(0).min(ROOM_OCTETS).min(limits.spill_bytes as u64);
        Box::new(Incoming::new(manner, bounds, prefix, usize::try_from(room).unwrap_or(0)))
    }
}

/// Returns the start of `input` that belongs to a chunk of which `left` octets are missing.
fn up_to(input: &[u8], left: u32) -> &[u8] {
    &input[..input.len().min(usize::try_from(left).unwrap_or(usize::MAX))]
}

/// Counts octets of a chunk, of which there are never more than a `u32` holds.
fn octets(used: usize) -> u32 {
    u32::try_from(used).unwrap_or(u32::MAX)
}
