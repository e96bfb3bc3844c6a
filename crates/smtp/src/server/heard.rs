//! What a session hears, on its way into the transcript.

use super::Session;
use super::command::{Command, Malformed};
use super::question::Verb;
use crate::instant::Instant;
use crate::transcript::{Heard, Transcript};

impl Session {
    /// Has what is heard from now on noted. What is said is noted by [`note_output`](Self::note_output).
    pub fn record(&mut self, transcript: Transcript) {
        self.transcript = Some(Box::new(transcript));
    }

    /// Returns the transcript, where there is one.
    pub fn transcript(&mut self) -> Option<&mut Transcript> {
        self.transcript.as_deref_mut()
    }

    /// Notes replies that the [`output`](Self::output) holds and that were not noted yet. Whoever uses it tells with
    /// [`output_written`](Self::output_written) that the output is written.
    pub fn note_output(&mut self, now: Instant) {
        if let Some(transcript) = &mut self.transcript {
            transcript.said_replies(self.output.get(self.noted..).unwrap_or_default(), now);
            self.noted = self.output.len();
        }
    }

    /// Notes a whole line and what was made of it.
    pub(super) fn note_line(&mut self, line: &[u8], parsed: &Result<Command<'_>, Malformed>, now: Instant) {
        if let Some(transcript) = &mut self.transcript {
            transcript.heard_line(line, judge(parsed), now);
        }
    }

    /// Notes a line of which nothing can be kept.
    pub(super) fn note_other_line(&mut self, line: &[u8], now: Instant) {
        if let Some(transcript) = &mut self.transcript {
            transcript.heard_line(line, Heard::Other, now);
        }
    }

    /// Notes that the session ends in the middle of a line.
    pub(super) fn note_unfinished_line(&mut self, now: Instant) {
        if let Some(transcript) = &mut self.transcript {
            transcript.heard_unfinished(self.lines.octets(), now);
        }
    }

    /// Notes octets of content, taken or thrown away.
    pub(super) fn note_content(&mut self, octets: usize, now: Instant) {
        if let Some(transcript) = &mut self.transcript {
            transcript.heard_content(octets, now);
        }
    }
}

const fn is_known(verb: Verb) -> bool {
    !matches!(verb, Verb::Other)
}

fn judge(parsed: &Result<Command<'_>, Malformed>) -> Heard {
    match parsed {
        // Names with spaces are taken; a line of a letter may look like one.
        Ok(Command::Ehlo(name) | Command::Helo(name)) if name.contains(' ') => Heard::Malformed,
        Ok(Command::Mail(path) | Command::Rcpt(path)) if !path.trim_start().starts_with('<') => {
            Heard::Malformed
        }
        Ok(Command::Noop | Command::Vrfy | Command::Help | Command::Http) => Heard::FreeText,
        Ok(
            Command::Ehlo(_)
            | Command::Helo(_)
            | Command::Mail(_)
            | Command::Rcpt(_)
            | Command::Data
            | Command::Bdat(_)
            | Command::Rset
            | Command::Quit
            | Command::StartTls,
        ) => Heard::Command,
        Err(malformed) if is_known(malformed.verb) => Heard::Malformed,
        Err(_) => Heard::Other,
    }
}
