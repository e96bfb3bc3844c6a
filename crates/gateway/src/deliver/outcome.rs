//! From the next hop's replies to one result for each recipient. Pure: replies in, results out.

use std::net::SocketAddr;

use mailreeve_core::Instant;
use mailreeve_core::delivery::io::RecipientResult;
use mailreeve_core::event::{Cause, Failure, Stage};
use mailreeve_core::ids::Rid;
use mailreeve_smtp::client::{self, Final, Lost, NotSent};
use mailreeve_smtp::reply::{Class, Reply};

/// A transaction under way.
pub(super) struct Attempt {
    results: Vec<(Rid, Option<RecipientResult>)>,
    peer: SocketAddr,
    dsn_offered: bool,
}

impl Attempt {
    pub(super) fn new(rids: &[Rid], peer: SocketAddr, dsn_offered: bool) -> Self {
        Self { results: rids.iter().map(|rid| (*rid, None)).collect(), peer, dsn_offered }
    }

    /// The reply to RCPT number `index`: only a refusal decides already.
    pub(super) fn recipient(&mut self, index: usize, reply: &Reply, now: Instant) {
        if reply.class() == Class::Done {
            return;
        }
        let result = refused(reply, Stage::Rcpt, self.peer, now);
        if let Some((_, slot)) = self.results.get_mut(index) {
            *slot = Some(result);
        }
    }

    /// The whole transaction was refused at MAIL.
    pub(super) fn mail_rejected(&mut self, reply: &Reply, now: Instant) {
        let result = refused(reply, Stage::Mail, self.peer, now);
        self.fill(&result);
    }

    /// The transaction's end: decides whatever RCPT left open.
    pub(super) fn done(&mut self, end: &Final, now: Instant) {
        let result = match end {
            Final::Accepted(reply) => {
                RecipientResult::Delivered { reply: accepted_text(reply), relayed_dsn: self.dsn_offered }
            }
            Final::Rejected(reply, stage) => refused(reply, core_stage(*stage), self.peer, now),
            // Neither leaves a recipient without a verdict of its own in a session of delivery.
            Final::AllRecipientsRejected | Final::EnvelopeTaken => RecipientResult::Soft(self.local(
                Cause::ProtocolError,
                (4, 5, 0),
                "the next hop gave no verdict on this recipient",
                now,
            )),
            Final::NotSent(why) => self.not_sent(why, now),
        };
        self.fill(&result);
    }

    /// The connection is lost: what is open waits for another attempt.
    pub(super) fn lost(&mut self, failure: Failure) {
        self.fill(&RecipientResult::Soft(failure));
    }

    /// Every recipient with its result. None is left open: an undecided one waits for another attempt.
    pub(super) fn into_results(self, now: Instant) -> Vec<(Rid, RecipientResult)> {
        let open =
            self.local(Cause::ConnectionLost, (4, 4, 2), "the transaction ended without a verdict", now);
        self.results
            .into_iter()
            .map(|(rid, result)| (rid, result.unwrap_or_else(|| RecipientResult::Soft(open.clone()))))
            .collect()
    }

    fn fill(&mut self, result: &RecipientResult) {
        for (_, slot) in &mut self.results {
            if slot.is_none() {
                *slot = Some(result.clone());
            }
        }
    }

    fn not_sent(&self, why: &NotSent, now: Instant) -> RecipientResult {
        let (cause, status, text) = match why {
            NotSent::Smtputf8NotOffered => (
                Cause::Utf8NotOffered,
                (5, 6, 7),
                "the message needs SMTPUTF8 and the next hop does not offer it".to_owned(),
            ),
            NotSent::TooBig { limit } => (
                Cause::TooBigForPeer,
                (5, 3, 4),
                format!("the message is larger than the {limit} octets that the next hop takes"),
            ),
        };
        RecipientResult::Hard(self.local(cause, status, &text, now))
    }

    fn local(&self, cause: Cause, status: (u8, u16, u16), text: &str, now: Instant) -> Failure {
        Failure {
            stage: Stage::Mail,
            cause,
            status,
            code: 0,
            text: vec![text.to_owned()],
            address: Some(self.peer),
            at: now.0,
        }
    }
}

/// The failure that a refusing reply stands for.
pub(crate) fn reply_failure(
    reply: &Reply,
    stage: Stage,
    cause: Cause,
    peer: SocketAddr,
    now: Instant,
) -> Failure {
    let class = if reply.class() == Class::Permanent { 5 } else { 4 };
    let status = match reply.enhanced {
        Some(enhanced) if u16::from(enhanced.0) == class => (enhanced.0, enhanced.1, enhanced.2),
        Some(_) | None => default_status(reply, stage, u8::try_from(class).unwrap_or(4)),
    };
    let mut text = reply.lines.clone();
    if let (Some(enhanced), Some(first)) = (reply.enhanced, text.first_mut()) {
        first.insert_str(0, &format!("{enhanced} "));
    }
    Failure { stage, cause, status, code: reply.code, text, address: Some(peer), at: now.0 }
}

fn refused(reply: &Reply, stage: Stage, peer: SocketAddr, now: Instant) -> RecipientResult {
    match reply.class() {
        // Too many recipients, as servers say that follow RFC 821 (RFC 5321 4.5.3.1.10).
        Class::Permanent if reply.code == 552 && stage == Stage::Rcpt => {
            let mut failure = reply_failure(reply, stage, Cause::Reply4xx, peer, now);
            failure.status.0 = 4;
            RecipientResult::Soft(failure)
        }
        Class::Permanent => RecipientResult::Hard(reply_failure(reply, stage, Cause::Reply5xx, peer, now)),
        Class::Transient => RecipientResult::Soft(reply_failure(reply, stage, Cause::Reply4xx, peer, now)),
        // A positive reply where none belongs cannot be believed: try again later.
        Class::Done | Class::Intermediate => {
            RecipientResult::Soft(reply_failure(reply, stage, Cause::ProtocolError, peer, now))
        }
    }
}

/// The status of a reply without an enhanced code (RFC 3463, by the stage and the classic code).
fn default_status(reply: &Reply, stage: Stage, class: u8) -> (u8, u16, u16) {
    match (reply.code, stage) {
        (450 | 550 | 551 | 553, Stage::Rcpt | Stage::Mail) => (class, 1, 0),
        (452 | 552, _) => (class, 3, 1),
        (451, Stage::Rcpt | Stage::Mail) => (class, 1, 0),
        _ => (class, 3, 0),
    }
}

/// The final reply's text, as the log shows it: its code's meaning is known, so only the words are kept.
fn accepted_text(reply: &Reply) -> String {
    let words = reply.lines.join(" ");
    match reply.enhanced {
        Some(enhanced) => format!("{enhanced} {words}"),
        None => words,
    }
}

/// What a lost connection means, by where it was lost.
pub(crate) fn lost_failure(
    stage: client::Stage,
    why: &Lost,
    after_data: bool,
    peer: SocketAddr,
    now: Instant,
) -> Failure {
    let stage = core_stage(stage);
    let (cause, status, text) = match why {
        Lost::Timeout if stage == Stage::Greeting => (Cause::BannerTimeout, (4, 4, 2), "timeout".to_owned()),
        Lost::Timeout if after_data => (Cause::LostAfterData, (4, 4, 2), "timeout".to_owned()),
        Lost::Timeout => (Cause::SmtpTimeout, (4, 4, 2), "timeout".to_owned()),
        Lost::PeerClosed if after_data => {
            (Cause::LostAfterData, (4, 4, 2), "connection lost after the content was sent".to_owned())
        }
        Lost::PeerClosed => (Cause::ConnectionLost, (4, 4, 2), "connection closed by the peer".to_owned()),
        Lost::Protocol(detail) => (Cause::ProtocolError, (4, 5, 0), detail.clone()),
    };
    Failure { stage, cause, status, code: 0, text: vec![text], address: Some(peer), at: now.0 }
}

/// The stage in the words of events.
pub(crate) const fn core_stage(stage: client::Stage) -> Stage {
    match stage {
        client::Stage::Connect => Stage::Connect,
        client::Stage::Greeting => Stage::Greeting,
        client::Stage::Ehlo => Stage::Ehlo,
        client::Stage::StartTls => Stage::StartTls,
        client::Stage::Auth => Stage::Auth,
        client::Stage::Mail => Stage::Mail,
        client::Stage::Rcpt => Stage::Rcpt,
        client::Stage::Data => Stage::Data,
        client::Stage::Content => Stage::Content,
        client::Stage::Final | client::Stage::Rset | client::Stage::Quit => Stage::Final,
    }
}
