//! What a healthy host does at each stage, and how it takes a message.

use super::super::body::Complete;
use super::super::command::param;
use super::super::tls::TlsTemper;
use super::*;
use crate::record;

/// Recipients of one message, where LIMITS names no number.
const RECIPIENT_LIMIT: u64 = 1_000;

impl Session {
    /// Does what a healthy host does.
    pub(super) fn proceed(&mut self, event: Event) -> Option<Step> {
        match event {
            Event::Banner => {
                let text = format!("{} ESMTP {}", self.ledger.name, self.dice.sentence());
                self.say(Reply::new(220).text(text))
            }
            Event::Helo(name, extended) => self.greet(name, extended),
            Event::Starttls if self.temper.tls == Some(TlsTemper::Refuse) => {
                self.say(Reply::new(454).enhanced("4.7.0"))
            }
            Event::Starttls => {
                self.reply(&Reply::new(220).enhanced("2.0.0"));
                if let Some(TlsTemper::Inject(text)) = &self.temper.tls {
                    self.out.extend_from_slice(text.as_bytes());
                }
                Some(Step::StartTls)
            }
            Event::Mail(sender) => self.sender(sender),
            Event::Rcpt(rcpt) => self.recipient(rcpt),
            Event::Data => {
                self.reading = Reading::Data { scanned: 0 };
                self.say(Reply::new(354))
            }
            Event::Chunk(left, last) => {
                if let Some(envelope) = &mut self.envelope {
                    envelope.chunks = Some(Vec::new());
                }
                self.reading = Reading::Chunk { left, last, refused: false };
                None
            }
            Event::Final(took) => self.take(took),
            Event::Rset => {
                self.envelope = None;
                self.say(Reply::new(250).enhanced("2.0.0"))
            }
            Event::Quit => {
                self.reply(&Reply::new(221).enhanced("2.0.0"));
                Some(Step::End(Ending::Close))
            }
        }
    }

    /// Leaves the session in the state that a refusal of this event means.
    pub(super) fn after_refusal(&mut self, event: &Event) {
        match event {
            Event::Final(_) => self.envelope = None,
            // The chunk is on its way already and has to be read; the ones behind it find no transaction
            // (RFC 3030 section 2).
            Event::Chunk(left, last) => {
                self.envelope = None;
                self.reading = Reading::Chunk { left: *left, last: *last, refused: true };
            }
            Event::Banner
            | Event::Helo(..)
            | Event::Starttls
            | Event::Mail(_)
            | Event::Rcpt(_)
            | Event::Data
            | Event::Rset
            | Event::Quit => {}
        }
    }

    /// BDAT: into the message, or to be read and thrown away.
    pub(super) fn begin_chunk(&mut self, size: u64, last: bool, ready: bool) -> Option<Step> {
        if self.in_chunks() {
            self.reading = Reading::Chunk { left: size, last, refused: false };
            return None;
        }
        if self.temper.offers.chunking && ready {
            return self.event(Event::Chunk(size, last));
        }
        self.reading = Reading::Chunk { left: size, last, refused: true };
        if self.temper.offers.chunking {
            self.say(Reply::new(503).enhanced("5.5.1"))
        } else {
            self.wrong("BDAT not offered", 502)
        }
    }

    /// Takes what is there of a chunk.
    pub(super) fn chunk(
        &mut self,
        input: &mut BytesMut,
        left: u64,
        last: bool,
        refused: bool,
    ) -> Option<Step> {
        let here = usize::try_from(left).unwrap_or(usize::MAX).min(input.len());
        let piece = input.split_to(here);
        let left = left - here as u64;
        let limit = self.size_limit();
        let chunks = self.envelope.as_mut().and_then(|envelope| envelope.chunks.as_mut());
        if let Some(chunks) = chunks.filter(|_| !refused) {
            // One byte over the limit is enough to know.
            let room = usize::try_from((limit + 1).saturating_sub(chunks.len() as u64)).unwrap_or(usize::MAX);
            chunks.extend_from_slice(&piece[..piece.len().min(room)]);
        }
        if left > 0 {
            self.reading = Reading::Chunk { left, last, refused };
            return None;
        }
        self.reading = Reading::Commands;
        if refused {
            return None;
        }
        if !last {
            return self.say(Reply::new(250).enhanced("2.0.0"));
        }
        let content = self.envelope.as_mut().and_then(|envelope| envelope.chunks.take()).unwrap_or_default();
        let took = self.describe(&content);
        self.event(Event::Final(took))
    }

    /// The data is not complete: waits for more, or gives up keeping it.
    pub(super) fn keep_reading(&mut self, input: &BytesMut, scanned: usize) -> Step {
        let too_big = input.len() as u64 > self.size_limit();
        self.reading = if too_big { Reading::Discard } else { Reading::Data { scanned } };
        Step::Read
    }

    /// Takes the complete message off the input.
    pub(super) fn data(&mut self, input: &mut BytesMut, complete: Complete) -> Option<Step> {
        let took = self.describe(&body::unstuff(&input[..complete.content]));
        input.advance(complete.consumed);
        self.event(Event::Final(took))
    }

    fn greet(&mut self, name: String, extended: bool) -> Option<Step> {
        self.helo = name;
        self.greeted = true;
        self.envelope = None;
        let mut lines = vec![format!("{} {}", self.ledger.name, self.dice.sentence())];
        if extended {
            let offers = &self.temper.offers;
            let starttls = self.temper.tls.is_some() && !self.tls;
            for (word, offered) in [
                ("PIPELINING", offers.pipelining),
                ("8BITMIME", offers.eight_bit),
                ("SMTPUTF8", offers.smtputf8),
                ("CHUNKING", offers.chunking),
                ("DSN", offers.dsn),
                ("ENHANCEDSTATUSCODES", offers.enhanced),
                ("STARTTLS", starttls),
            ] {
                if offered {
                    lines.push(word.to_owned());
                }
            }
            lines.extend(offers.size.map(|size| format!("SIZE {size}")));
            lines.extend(offers.limits.as_ref().map(|limits| format!("LIMITS {limits}")));
            lines.extend(offers.more.iter().cloned());
        }
        self.say(Reply::new(250).text(lines.join("\n")))
    }

    fn sender(&mut self, mail: Rcpt) -> Option<Step> {
        let size: u64 = param(&mail.params, "SIZE").and_then(|size| size.parse().ok()).unwrap_or(0);
        if size > self.size_limit() {
            return self.say(Reply::new(552).enhanced("5.3.4"));
        }
        if self.limit("MAILMAX").is_some_and(|limit| self.messages >= limit) {
            self.complain("more messages than MAILMAX on one connection");
            self.reply(&Reply::new(421).enhanced("4.5.3"));
            return Some(Step::End(Ending::Close));
        }
        self.messages += 1;
        self.envelope = Some(Envelope { mail, ..Envelope::default() });
        self.say(Reply::new(250).enhanced("2.1.0"))
    }

    fn recipient(&mut self, rcpt: Rcpt) -> Option<Step> {
        let limit = self.limit("RCPTMAX").unwrap_or(RECIPIENT_LIMIT);
        let Some(envelope) = &mut self.envelope else {
            return self.say(Reply::new(503).enhanced("5.5.1"));
        };
        if envelope.rcpts.len() as u64 >= limit {
            return self.say(Reply::new(452).enhanced("4.5.3"));
        }
        envelope.rcpts.push(rcpt);
        self.say(Reply::new(250).enhanced("2.1.5"))
    }

    /// A number that LIMITS (RFC 9422) named.
    fn limit(&self, name: &str) -> Option<u64> {
        let words = self.temper.offers.limits.as_deref()?.split_whitespace();
        words.filter_map(|word| word.split_once('=')).find(|(word, _)| *word == name)?.1.parse().ok()
    }

    fn size_limit(&self) -> u64 {
        self.temper.offers.size.unwrap_or(MESSAGE_LIMIT).min(MESSAGE_LIMIT)
    }

    /// The last word about a message: recorded first, then said.
    fn take(&mut self, took: Took) -> Option<Step> {
        self.envelope = None;
        if took.too_big {
            return self.say(Reply::new(552).enhanced("5.3.4"));
        }
        match self.ledger.take(took.recipients, took.content_bytes, took.crc, took.delivery) {
            Ok(()) => self.say(Reply::new(250).enhanced("2.0.0")),
            Err(error) => {
                self.complain(&format!("the record could not be written: {error}"));
                self.say(Reply::new(451).enhanced("4.3.0"))
            }
        }
    }

    /// Sums a message up, and describes it where the ledger wants that.
    fn describe(&self, message: &[u8]) -> Took {
        let (at, trace_fields) = record::skip_trace(message, &self.ledger.trace);
        let content = &message[at..];
        let Some(envelope) = &self.envelope else { return Took::default() };
        let mut took = Took {
            recipients: envelope.rcpts.len(),
            content_bytes: content.len() as u64,
            crc: crc32fast::hash(content),
            too_big: message.len() as u64 > self.size_limit(),
            delivery: None,
        };
        if self.ledger.describes() {
            let announced = param(&envelope.mail.params, "BODY")
                .is_some_and(|body| !body.eq_ignore_ascii_case("7BIT"))
                || param(&envelope.mail.params, "SMTPUTF8").is_some();
            for fault in body::faults(message, announced) {
                self.complain(fault);
            }
            took.delivery = Some(Box::new(Delivery {
                id: record::field(message, record::ID_HEADER),
                message_id: record::field(message, "Message-ID"),
                mail: envelope.mail.address.clone(),
                mail_params: envelope.mail.params.clone(),
                rcpts: envelope.rcpts.clone(),
                bytes: message.len() as u64,
                sha256: record::sha256(&[message]),
                content_sha256: record::sha256(&[content]),
                trace_fields,
                host: self.ledger.name.clone(),
                helo: self.helo.clone(),
                peer: Some(self.peer),
                tls: self.tls,
                at_us: record::now_us(),
                content: self.ledger.wants_content().then(|| message.to_vec()),
            }));
        }
        took
    }
}
