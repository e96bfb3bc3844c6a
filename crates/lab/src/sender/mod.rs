//! Senders of every temper: one visit to a server, and what the sender saw of it.
//!
//! A visit blocks and always ends: every reply has a deadline, and so has the connection. Nothing is repeated;
//! who wants a sender to try again lets it visit again.

mod line;
mod visit;

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use crate::host::Ending;
use line::Line;

/// Who comes, with what.
#[derive(Clone, Debug)]
pub struct Sender {
    /// The local address it comes from; none leaves it to the system.
    pub address: Option<IpAddr>,
    /// What it calls itself.
    pub helo: String,
    /// The envelope's sender.
    pub mail: String,
    /// The recipients.
    pub rcpts: Vec<String>,
    /// Header and body, with CRLF line ends, without the dots that DATA needs.
    pub content: Vec<u8>,
    /// How long a reply may take.
    pub patience: Duration,
}

/// How a sender behaves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Conduct {
    /// It hands its message over and says goodbye.
    #[default]
    Polite,
    /// It leaves when the banner has not come after this long.
    Hasty(Duration),
    /// It leaves in the middle of the content, after so many octets.
    LeavesInContent(usize, Ending),
    /// Its message is so many octets long, and MAIL says so (SIZE).
    LargeAnnounced(usize),
    /// Its message is so many octets long, which nobody is told before.
    LargeUnannounced(usize),
    /// It wants TLS and knows no version newer than 1.0.
    OldTls,
}

/// How a visit ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The message was taken, at least for somebody.
    Taken,
    /// The server refused, with the last reply seen.
    Refused,
    /// The sender left before there was a banner.
    LeftBeforeBanner,
    /// The sender left in the middle of the content.
    LeftInContent,
    /// There was no TLS in common; so said the alert of this number (RFC 8446 section 6).
    NoTls(u8),
    /// The connection was lost or refused, or a reply did not come in time.
    Lost(io::ErrorKind),
}

/// What a sender saw.
#[derive(Clone, Debug)]
pub struct Visit {
    /// Every reply, its lines joined by line feeds, the banner first.
    pub replies: Vec<String>,
    /// Octets of content that were sent.
    pub content_octets: usize,
    /// How it ended.
    pub end: End,
}

impl Visit {
    /// The last reply, or nothing.
    #[must_use]
    pub fn last_reply(&self) -> &str {
        self.replies.last().map_or("", String::as_str)
    }
}

impl Sender {
    /// A sender of a short message from `mail` to `rcpt`.
    #[must_use]
    pub fn new(mail: &str, rcpt: &str) -> Self {
        let content = format!("From: <{mail}>\r\nTo: <{rcpt}>\r\nSubject: hello\r\n\r\nhello\r\n");
        Self {
            address: None,
            helo: mail.split_once('@').map_or("client.test", |(_, domain)| domain).to_owned(),
            mail: mail.to_owned(),
            rcpts: vec![rcpt.to_owned()],
            content: content.into_bytes(),
            patience: Duration::from_secs(60),
        }
    }

    /// From this local address.
    #[must_use]
    pub const fn from_address(mut self, address: IpAddr) -> Self {
        self.address = Some(address);
        self
    }

    /// Visits the server at `target` and behaves like this.
    #[must_use]
    pub fn visit(&self, target: SocketAddr, conduct: Conduct) -> Visit {
        visit::Walk::new(self, conduct).through(target)
    }

    /// Connects and stays, without a word, until what is returned is dropped: one of a crowd.
    ///
    /// # Errors
    /// When there is no connection.
    pub fn linger(&self, target: SocketAddr) -> io::Result<Lingering> {
        let mut line = Line::connect(target, self.address, self.patience)?;
        let banner = line.reply()?;
        Ok(Lingering { banner, _line: line })
    }
}

/// A connection that is held open.
#[derive(Debug)]
pub struct Lingering {
    /// What the server said first.
    pub banner: String,
    _line: Line,
}
