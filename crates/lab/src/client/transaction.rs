//! One message over a connection.
//!
//! ```text
//! lock step:  MAIL > RCPT > DATA > content >           (each `>` waits for a reply)
//! pipelined:  MAIL RCPT DATA > content >               (BDAT: everything in one write >)
//! chained:    MAIL RCPT DATA > content MAIL RCPT DATA > content ... >
//! ```

use std::io;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::Instant;

use super::letter::Letter;
use super::line::Line;
use super::manner::Manner;
use super::session::Flight;
use super::{Flow, Transfer};

/// How a message ended, the connection being well.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// Taken for these recipients.
    Acked { rcpts: Vec<String>, latency_us: u64 },
    /// Not taken.
    Refused(u16, String),
}

/// A message on its way over a line.
pub(super) struct Transaction<'a, 'b, S> {
    pub(super) line: &'a mut Line<S>,
    pub(super) manner: Manner,
    /// Open while content is on the way or its reply is awaited.
    pub(super) flight: &'a mut Flight<'b>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Transaction<'_, '_, S> {
    /// Sends a message. `begun` says that its envelope went out with the message before; `next` is the message
    /// whose envelope is to go out with the end of this one.
    pub(super) async fn send(
        &mut self,
        letter: &Letter<'_>,
        begun: bool,
        next: Option<&Letter<'_>>,
    ) -> io::Result<Outcome> {
        let envelope = match (self.manner.flow, self.manner.transfer) {
            (Flow::LockStep, _) => self.envelope_in_steps(letter).await?,
            (Flow::Pipelined | Flow::Chained, Transfer::Data) => self.envelope_at_once(letter, begun).await?,
            (Flow::Pipelined | Flow::Chained, Transfer::Bdat(chunk)) => {
                return self.all_at_once(letter, chunk).await;
            }
        };
        let rcpts = match envelope {
            Envelope::Open(rcpts) => rcpts,
            Envelope::Refused(code, text) => {
                // After 421 the server is gone (RFC 5321 section 4.2.1).
                if code != 421 {
                    self.after_refusal(next).await?;
                }
                return Ok(Outcome::Refused(code, text));
            }
        };
        self.flight.open();
        let (code, sent) = match self.manner.transfer {
            Transfer::Data => {
                let chained = next.map(|next| self.manner.group(next)).unwrap_or_default();
                self.line.send(&[&letter.header, letter.printed.stuffed(), b".\r\n", &chained]).await?;
                let sent = Instant::now();
                (self.line.reply().await?, sent)
            }
            Transfer::Bdat(chunk) => {
                let content = [letter.header.as_slice(), &letter.printed.plain].concat();
                let (code, sent) = self.chunks(&content, chunk).await?;
                if code >= 300 {
                    self.flight.close();
                    return self.forget(code, self.line.text.clone()).await;
                }
                (code, sent)
            }
        };
        Ok(self.outcome(code, rcpts, sent))
    }

    fn outcome(&mut self, code: u16, rcpts: Vec<String>, sent: Instant) -> Outcome {
        self.flight.close();
        if (200..300).contains(&code) {
            let latency_us = u64::try_from(sent.elapsed().as_micros()).unwrap_or(u64::MAX);
            return Outcome::Acked { rcpts, latency_us };
        }
        Outcome::Refused(code, self.line.text.clone())
    }

    /// After a refused envelope: forget it, and say again what was chained to it.
    async fn after_refusal(&mut self, next: Option<&Letter<'_>>) -> io::Result<()> {
        self.line.send(&[b"RSET\r\n"]).await?;
        self.line.reply().await?;
        if let Some(next) = next {
            let group = self.manner.group(next);
            self.line.send(&[&group]).await?;
        }
        Ok(())
    }

    async fn envelope_in_steps(&mut self, letter: &Letter<'_>) -> io::Result<Envelope> {
        let mut command = Vec::new();
        self.manner.mail(letter, &mut command);
        self.line.send(&[&command]).await?;
        let code = self.line.reply().await?;
        if code != 250 {
            return Ok(Envelope::Refused(code, self.line.text.clone()));
        }
        let mut gathered = Gathered::default();
        for rcpt in &letter.rcpts {
            self.line.send(&[format!("RCPT TO:<{rcpt}>\r\n").as_bytes()]).await?;
            let code = self.line.reply().await?;
            gathered.rcpt(code, rcpt, &self.line.text);
        }
        if gathered.accepted.is_empty() {
            return Ok(gathered.check());
        }
        if self.manner.transfer == Transfer::Data {
            self.line.send(&[b"DATA\r\n"]).await?;
            let code = self.line.reply().await?;
            if code != 354 {
                return Ok(Envelope::Refused(code, self.line.text.clone()));
            }
        }
        Ok(Envelope::Open(gathered.accepted))
    }

    async fn envelope_at_once(&mut self, letter: &Letter<'_>, begun: bool) -> io::Result<Envelope> {
        if !begun {
            let group = self.manner.group(letter);
            self.line.send(&[&group]).await?;
        }
        let gathered = self.gather(letter).await?;
        let code = self.line.reply().await?;
        if code != 354 {
            return Ok(if gathered.accepted.is_empty() {
                gathered.check()
            } else {
                Envelope::Refused(code, self.line.text.clone())
            });
        }
        if gathered.accepted.is_empty() {
            // The server waits for content that nobody is to get (RFC 2920 section 3.1).
            self.line.send(&[b".\r\n"]).await?;
            self.line.reply().await?;
            return Ok(gathered.check());
        }
        Ok(Envelope::Open(gathered.accepted))
    }

    /// Reads the replies to MAIL and to each RCPT.
    async fn gather(&mut self, letter: &Letter<'_>) -> io::Result<Gathered> {
        let mut gathered = Gathered::default();
        let code = self.line.reply().await?;
        if code != 250 {
            gathered.first = Some((code, self.line.text.clone()));
        }
        for rcpt in &letter.rcpts {
            let code = self.line.reply().await?;
            gathered.rcpt(code, rcpt, &self.line.text);
        }
        Ok(gathered)
    }

    /// MAIL, RCPT and every chunk in one write, all replies after it.
    async fn all_at_once(&mut self, letter: &Letter<'_>, chunk: usize) -> io::Result<Outcome> {
        let content = [letter.header.as_slice(), &letter.printed.plain].concat();
        let mut wire = self.manner.group(letter);
        let chunks = cut(&content, chunk);
        for (index, piece) in chunks.iter().enumerate() {
            wire.extend_from_slice(&bdat(piece.len(), index + 1 == chunks.len()));
            wire.extend_from_slice(piece);
        }
        self.flight.open();
        self.line.send(&[&wire]).await?;
        let sent = Instant::now();
        let gathered = self.gather(letter).await?;
        let mut verdict = (0, String::new());
        for _ in &chunks {
            let code = self.line.reply().await?;
            // The first refusal is the verdict; the chunks behind it are refused for lack of it.
            if verdict.0 < 300 {
                verdict = (code, self.line.text.clone());
            }
        }
        let (code, text) = verdict;
        if let Envelope::Refused(code, text) = gathered.check() {
            self.flight.close();
            return self.forget(code, text).await;
        }
        if code >= 300 {
            self.flight.close();
            return self.forget(code, text).await;
        }
        Ok(self.outcome(code, gathered.accepted, sent))
    }

    /// After a refused chunk the state of the server is anyone's guess (RFC 3030 section 2): start over.
    async fn forget(&mut self, code: u16, text: String) -> io::Result<Outcome> {
        if code != 421 {
            self.after_refusal(None).await?;
        }
        Ok(Outcome::Refused(code, text))
    }

    /// Sends each chunk and waits for its reply. Returns the last code and when its chunk was sent.
    async fn chunks(&mut self, content: &[u8], chunk: usize) -> io::Result<(u16, Instant)> {
        let chunks = cut(content, chunk);
        let mut result = (0, Instant::now());
        for (index, piece) in chunks.iter().enumerate() {
            self.line.send(&[&bdat(piece.len(), index + 1 == chunks.len()), piece]).await?;
            let sent = Instant::now();
            result = (self.line.reply().await?, sent);
            if result.0 >= 300 {
                break;
            }
        }
        Ok(result)
    }
}

/// What came of MAIL, RCPT and DATA.
enum Envelope {
    Open(Vec<String>),
    Refused(u16, String),
}

/// Recipients that were accepted, and the first refusal.
#[derive(Default)]
struct Gathered {
    accepted: Vec<String>,
    first: Option<(u16, String)>,
}

impl Gathered {
    fn rcpt(&mut self, code: u16, rcpt: &str, text: &str) {
        if (250..=252).contains(&code) {
            self.accepted.push(rcpt.to_owned());
        } else if self.first.is_none() {
            self.first = Some((code, text.to_owned()));
        }
    }

    /// Refused where nobody was accepted.
    fn check(&self) -> Envelope {
        if self.accepted.is_empty() {
            let (code, text) = self.first.clone().unwrap_or_default();
            Envelope::Refused(code, text)
        } else {
            Envelope::Open(self.accepted.clone())
        }
    }
}

fn cut(content: &[u8], chunk: usize) -> Vec<&[u8]> {
    content.chunks(chunk.max(1)).collect()
}

fn bdat(length: usize, last: bool) -> Vec<u8> {
    format!("BDAT {length}{}\r\n", if last { " LAST" } else { "" }).into_bytes()
}
