//! One connection of a probe with its session: what the session says is done and noted, as delivery would take it.

use std::time::Duration;

use mailreeve_api::probe::ProbeTls;
use mailreeve_core::delivery::io::TlsMode;
use mailreeve_core::event::{Cause, Failure, Stage};
use mailreeve_smtp::client::{self, Final, Lost, Output, Session, Transaction};
use mailreeve_smtp::params::{MailParams, RcptParams};
use mailreeve_smtp::reply::{Class, Reply};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::time::timeout;

use super::STEP;
use super::steps::Steps;
use super::talk::{End, Offer, Talk};
use crate::deliver::outcome::{core_stage, lost_failure, reply_failure};
use crate::stream::Stream;

/// Octets of the message that is not handed over: a short letter.
const SIZE: u64 = 1_000;
/// Octets read at a time.
const PIECE: usize = 4_096;

/// A connection with its session.
pub(super) struct Line<'a> {
    pub(super) talk: &'a Talk<'a>,
    pub(super) session: Session,
    pub(super) stream: Option<Stream>,
    pub(super) steps: Steps<'a>,
    pub(super) tls: &'a mut Option<ProbeTls>,
    /// Why it goes on in clear.
    pub(super) in_clear: Option<String>,
    /// Replies noted so far.
    pub(super) heard: u64,
    pub(super) end: Option<End>,
}

impl Line<'_> {
    /// Goes on until the session has ended.
    pub(super) async fn run(&mut self) -> End {
        loop {
            while let Some(output) = self.session.poll() {
                if matches!(output, Output::Closed) {
                    return self
                        .end
                        .take()
                        .unwrap_or_else(|| self.lost(client::Stage::Quit, &Lost::PeerClosed));
                }
                self.obey(output).await;
            }
            self.read().await;
        }
    }

    async fn obey(&mut self, output: Output) {
        match output {
            Output::Write(octets) => {
                self.steps.say(&octets);
                self.write(&octets).await;
            }
            Output::StartTls => self.start_tls().await,
            Output::Ready => self.ready(),
            Output::GreetingRejected(reply) => self.refused(Stage::Greeting, Cause::GreetingRejected, &reply),
            Output::HelloRejected(reply) => self.refused(Stage::Ehlo, Cause::HelloRejected, &reply),
            Output::AuthFailed(reply) => self.refused(Stage::Auth, Cause::AuthFailed, &reply),
            Output::TlsUnavailable(why) => {
                if matches!(self.talk.demand.tls, TlsMode::Required | TlsMode::Verify) {
                    let failure = self.failure(Stage::StartTls, Cause::TlsNotOffered, (4, 7, 4), why);
                    self.ends(End::Bad(failure));
                } else {
                    self.in_clear = Some(why);
                }
            }
            Output::MailRejected { reply, .. } => self.refused(Stage::Mail, cause_of(&reply), &reply),
            Output::Recipient { reply, .. } if reply.class() != Class::Done => {
                self.refused(Stage::Rcpt, cause_of(&reply), &reply);
            }
            Output::Recipient { .. } => {}
            Output::Done { result, .. } => self.done(&result),
            Output::Lost { stage: client::Stage::StartTls, why: Lost::Protocol(why), .. } => {
                let cause = self.refused_certificate().unwrap_or(Cause::TlsHandshake);
                let text = format!("TLS failed: {why}");
                let failure = self.failure(Stage::StartTls, cause, (4, 7, 5), text);
                self.ends(End::TlsBroken(failure));
            }
            Output::Lost { stage, why, .. } => {
                let end = self.lost(stage, &why);
                self.ends(end);
            }
            // Content is asked for by no session that offers an envelope only.
            Output::Content { .. } | Output::Closed => {}
        }
    }

    /// Greeting, EHLO, TLS and AUTH are done.
    fn ready(&mut self) {
        let now = self.talk.ground.clock.steady();
        match self.talk.offer.clone() {
            Some(Offer { sender, recipient }) => {
                let transaction = Transaction {
                    tag: 0,
                    mail: sender,
                    params: MailParams::default(),
                    recipients: vec![(recipient, RcptParams::default())],
                    size: SIZE,
                    eight_bit: false,
                    utf8_needed: false,
                };
                self.session.transact(transaction, now);
            }
            None => {
                let text = self.with_tls("ready for mail");
                self.ends(End::Good(text));
            }
        }
        self.session.quit(now);
    }

    fn done(&mut self, result: &Final) {
        let now = self.talk.ground.clock.wall();
        match result {
            Final::EnvelopeTaken | Final::Accepted(_) => {
                let text = self.with_tls("takes the recipient");
                self.ends(End::Good(text));
            }
            Final::Rejected(reply, stage) => {
                let peer = self.talk.target.address;
                let failure = reply_failure(reply, core_stage(*stage), cause_of(reply), peer, now);
                self.ends(End::Bad(failure));
            }
            // Told by the refusal of the recipient, or not asked for.
            Final::AllRecipientsRejected => {}
            Final::NotSent(why) => {
                let text = why.to_string();
                let failure = self.failure(Stage::Mail, Cause::Utf8NotOffered, (5, 6, 7), text);
                self.ends(End::Bad(failure));
            }
        }
    }

    /// What is wrong with the certificate, where it has to verify and the handshake failed because it does not.
    fn refused_certificate(&self) -> Option<Cause> {
        let code = self.tls.as_ref().filter(|tls| !tls.chain.is_empty())?.problem_code.as_deref()?;
        let verifies = self.talk.demand.tls == TlsMode::Verify;
        Cause::OF_CERTIFICATES.into_iter().find(|cause| verifies && cause.code() == code)
    }

    fn with_tls(&self, text: &str) -> String {
        match (&self.in_clear, self.session.tls()) {
            (Some(why), _) => format!("{text}, in clear: {why}"),
            (None, true) => format!("{text}, under TLS"),
            (None, false) => format!("{text}, in clear"),
        }
    }

    fn refused(&mut self, stage: Stage, cause: Cause, reply: &Reply) {
        let now = self.talk.ground.clock.wall();
        let failure = reply_failure(reply, stage, cause, self.talk.target.address, now);
        self.ends(End::Bad(failure));
    }

    fn lost(&mut self, stage: client::Stage, why: &Lost) -> End {
        let now = self.talk.ground.clock.wall();
        self.steps.failed(why.to_string());
        End::Bad(lost_failure(stage, why, false, self.talk.target.address, now))
    }

    /// The first thing that goes wrong is what delivery would go by; so is the first verdict.
    fn ends(&mut self, end: End) {
        self.end.get_or_insert(end);
    }

    fn failure(&self, stage: Stage, cause: Cause, status: (u8, u16, u16), text: String) -> Failure {
        let (address, at) = (Some(self.talk.target.address), self.talk.ground.clock.wall().0);
        Failure { stage, cause, status, code: 0, text: vec![text], address, at }
    }

    async fn write(&mut self, octets: &[u8]) {
        let written = match &mut self.stream {
            Some(stream) => timeout(STEP, async {
                stream.write_all(octets).await?;
                stream.flush().await
            })
            .await
            .is_ok_and(|written| written.is_ok()),
            None => false,
        };
        if !written {
            // The peer may have said why.
            let _ = timeout(Duration::from_secs(1), self.read()).await;
            self.session.peer_closed(self.talk.ground.clock.steady());
        }
    }

    async fn read(&mut self) {
        let clock = self.talk.ground.clock;
        let Some(stream) = &mut self.stream else {
            self.session.peer_closed(clock.steady());
            return;
        };
        let wait = self.session.deadline().map_or(STEP, |deadline| clock.until(deadline));
        let mut buffer = [0; PIECE];
        match timeout(wait, stream.read(&mut buffer)).await {
            Ok(Ok(count)) if count > 0 => self.hear(&buffer[..count]),
            Ok(Ok(_) | Err(_)) => self.session.peer_closed(clock.steady()),
            Err(_) => {
                let now = clock.steady();
                self.session.timeout(self.session.deadline().map_or(now, |deadline| deadline.max(now)));
            }
        }
    }

    /// Feeds the session line by line, so that each reply is noted with its step.
    fn hear(&mut self, octets: &[u8]) {
        for line in octets.split_inclusive(|octet| *octet == b'\n') {
            self.session.receive(line, self.talk.ground.clock.steady());
            if self.session.replies_heard() > self.heard
                && let Some(reply) = self.session.last_reply()
            {
                self.heard = self.session.replies_heard();
                self.steps.replied(reply);
            }
        }
    }
}

fn cause_of(reply: &Reply) -> Cause {
    if reply.class() == Class::Permanent { Cause::Reply5xx } else { Cause::Reply4xx }
}
