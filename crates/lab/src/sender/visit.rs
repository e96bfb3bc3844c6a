//! The way of one visit, from the connection to its end.

use std::io;
use std::net::SocketAddr;

use super::line::Line;
use super::{Conduct, End, Sender, Visit};
use crate::form::stuffed;

/// A visit under way.
pub(super) struct Walk<'a> {
    sender: &'a Sender,
    conduct: Conduct,
    visit: Visit,
}

/// Why a visit goes no further.
enum Stop {
    At(End),
    Broken(io::Error),
}

impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Self {
        Self::Broken(error)
    }
}

/// A hello of a client that knows TLS 1.0 only and ciphers of its time (RFC 2246 section 7.4.1.2). It names
/// signature algorithms (RFC 5246 section 7.4.1.4.1), so that nothing but its version is too old.
const OLD_HELLO: [&[u8]; 8] = [
    // A handshake record that holds a hello of TLS 1.0.
    &[0x16, 3, 1, 0, 63],
    &[1, 0, 0, 59, 3, 1],
    b"not random at all, only old.....",
    // No session; three cipher suites; no compression.
    &[0],
    &[0, 6, 0, 0x2F, 0, 0x35, 0, 0x0A],
    &[1, 0],
    // One extension: signature algorithms.
    &[0, 12, 0, 0x0D, 0, 8],
    &[0, 6, 4, 1, 2, 1, 4, 3],
];
/// A record that holds an alert.
const ALERT: u8 = 0x15;

impl<'a> Walk<'a> {
    pub(super) fn new(sender: &'a Sender, conduct: Conduct) -> Self {
        let visit = Visit { replies: Vec::new(), content_octets: 0, end: End::Refused };
        Self { sender, conduct, visit }
    }

    pub(super) fn through(mut self, target: SocketAddr) -> Visit {
        self.visit.end = match self.walk(target) {
            Ok(end) | Err(Stop::At(end)) => end,
            Err(Stop::Broken(error)) => End::Lost(error.kind()),
        };
        self.visit
    }

    fn walk(&mut self, target: SocketAddr) -> Result<End, Stop> {
        let mut line = Line::connect(target, self.sender.address, self.sender.patience)?;
        let end = match self.talk(&mut line) {
            Ok(end) | Err(Stop::At(end)) => end,
            Err(broken) => return Err(broken),
        };
        match (end, self.conduct) {
            (End::LeftInContent, Conduct::LeavesInContent(_, ending)) => line.leave(ending),
            // It has its answer, whatever comes of the goodbye.
            (End::Taken | End::Refused, _) if line.send(b"QUIT\r\n").is_ok() => drop(line.reply()),
            _ => {}
        }
        Ok(end)
    }

    fn talk(&mut self, line: &mut Line) -> Result<End, Stop> {
        self.banner(line)?;
        self.ask(line, &format!("EHLO {}", self.sender.helo))?;
        if self.conduct == Conduct::OldTls {
            self.ask(line, "STARTTLS")?;
            return old_tls(line).map_err(Stop::Broken);
        }
        let announced = match self.conduct {
            Conduct::LargeAnnounced(octets) => format!(" SIZE={octets}"),
            _ => String::new(),
        };
        self.ask(line, &format!("MAIL FROM:<{}>{announced}", self.sender.mail))?;
        let taken = self.recipients(line)?;
        if taken == 0 {
            return Ok(End::Refused);
        }
        self.ask(line, "DATA")?;
        let content = self.content();
        if let Conduct::LeavesInContent(after, _) = self.conduct {
            let sent = after.min(content.len());
            line.send(&content[..sent])?;
            self.visit.content_octets = sent;
            return Ok(End::LeftInContent);
        }
        line.send(&content)?;
        self.visit.content_octets = content.len();
        self.ask(line, ".")?;
        Ok(End::Taken)
    }

    fn banner(&mut self, line: &mut Line) -> Result<(), Stop> {
        if let Conduct::Hasty(haste) = self.conduct {
            line.wait_at_most(haste)?;
        }
        match line.reply() {
            Ok(banner) => {
                line.wait_at_most(self.sender.patience)?;
                self.note(banner)
            }
            Err(error) if error.kind() == io::ErrorKind::TimedOut && self.is_hasty() => {
                Err(Stop::At(End::LeftBeforeBanner))
            }
            Err(error) => Err(error.into()),
        }
    }

    const fn is_hasty(&self) -> bool {
        matches!(self.conduct, Conduct::Hasty(_))
    }

    /// Says a line; goes on only where the reply is no refusal.
    fn ask(&mut self, line: &mut Line, text: &str) -> Result<(), Stop> {
        line.send(format!("{text}\r\n").as_bytes())?;
        let reply = line.reply()?;
        self.note(reply)
    }

    fn note(&mut self, reply: String) -> Result<(), Stop> {
        let refused = !reply.starts_with(['2', '3']);
        self.visit.replies.push(reply);
        if refused { Err(Stop::At(End::Refused)) } else { Ok(()) }
    }

    /// Names all recipients; how many were taken.
    fn recipients(&mut self, line: &mut Line) -> Result<usize, Stop> {
        let mut taken = 0;
        for rcpt in &self.sender.rcpts {
            match self.ask(line, &format!("RCPT TO:<{rcpt}>")) {
                Ok(()) => taken += 1,
                Err(Stop::At(_)) => {}
                Err(broken) => return Err(broken),
            }
        }
        Ok(taken)
    }

    /// The content as it goes over the line.
    fn content(&self) -> Vec<u8> {
        let mut content = stuffed(&self.sender.content);
        if let Conduct::LargeAnnounced(octets) | Conduct::LargeUnannounced(octets) = self.conduct {
            const FILLER: &[u8] = b"and so it goes on and on, line after line after line, to no end\r\n";
            while content.len() < octets {
                content.extend_from_slice(FILLER);
            }
        }
        content
    }
}

/// Offers TLS 1.0 and hears what is said to that.
fn old_tls(line: &mut Line) -> io::Result<End> {
    line.send(&OLD_HELLO.concat())?;
    let record = line.octets(7)?;
    if record[0] == ALERT {
        return Ok(End::NoTls(record[6]));
    }
    Err(io::Error::new(io::ErrorKind::InvalidData, "TLS 1.0 was agreed to"))
}
