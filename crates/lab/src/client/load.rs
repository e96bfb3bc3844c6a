//! What a run is to send, where, and how.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use super::letter::Body;
use crate::words::fresh_seed;

/// How many messages a run sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quota {
    /// So many in all.
    Total(u64),
    /// So many in each session.
    PerSession(u64),
    /// As many as go until the deadline, or until it is stopped.
    Endless,
}

/// How far a session speaks ahead.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Flow {
    /// One command, one reply.
    LockStep,
    /// MAIL, RCPT and DATA in one write (RFC 2920).
    #[default]
    Pipelined,
    /// And the next message's MAIL, RCPT and DATA with the end of this one.
    Chained,
}

/// How content is sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Transfer {
    /// DATA.
    #[default]
    Data,
    /// BDAT in chunks of at most so many bytes (RFC 3030), DATA where CHUNKING is not offered.
    Bdat(usize),
}

/// What to send, where, and how.
#[derive(Clone, Debug)]
pub struct Load {
    /// The gateway, or the sink itself.
    pub target: SocketAddr,
    /// Local addresses, taken in turn by the sessions; none leaves it to the system.
    pub sources: Vec<IpAddr>,
    /// Sessions at a time.
    pub sessions: usize,
    /// How many messages.
    pub quota: Quota,
    /// Bytes of a message, within a hundred.
    pub size: usize,
    /// Recipients of a message.
    pub recipients: usize,
    /// Messages on a connection before it is closed and made anew.
    pub per_connection: Option<u64>,
    /// How far it speaks ahead.
    pub flow: Flow,
    /// How content is sent.
    pub transfer: Transfer,
    /// Messages a second over all sessions (nothing is chained then); none is as fast as it goes.
    pub rate: Option<f64>,
    /// STARTTLS where it is offered, without looking at the certificate.
    pub starttls: bool,
    /// The name in EHLO.
    pub helo: String,
    /// The domain of senders.
    pub sender_domain: String,
    /// The domains of recipients, taken in turn.
    pub recipient_domains: Vec<String>,
    /// What bodies look like.
    pub body: Body,
    /// A file to which acknowledged messages are appended.
    pub journal: Option<PathBuf>,
    /// Whether acknowledged messages are also kept for the report.
    pub keep: bool,
    /// Go on after a broken connection, and give up when the target was away for so long.
    pub reconnect: Option<Duration>,
    /// Try again after a 4xx instead of counting a refusal.
    pub persist: bool,
    /// How long a reply may take.
    pub patience: Duration,
    /// How long the run may take.
    pub deadline: Duration,
    /// Where the run's number and bodies come from.
    pub seed: u64,
}

impl Default for Load {
    fn default() -> Self {
        Self {
            target: SocketAddr::from(([127, 0, 0, 1], 25)),
            sources: Vec::new(),
            sessions: 1,
            quota: Quota::Total(1),
            size: 4096,
            recipients: 1,
            per_connection: None,
            flow: Flow::default(),
            transfer: Transfer::default(),
            rate: None,
            starttls: false,
            helo: "client.lab.test".to_owned(),
            sender_domain: "sender.test".to_owned(),
            recipient_domains: vec!["example.test".to_owned()],
            body: Body::default(),
            journal: None,
            keep: false,
            reconnect: None,
            persist: false,
            patience: Duration::from_secs(60),
            deadline: Duration::from_secs(600),
            seed: fresh_seed(),
        }
    }
}
