//! The story of one outbound connection, as far as the recorder wants it: instants noted on the way, put together as
//! attempts when a transaction ends or the connection cannot be had.

use std::net::SocketAddr;

use mailreeve_core::Instant;
use mailreeve_core::attempt::{Attempt, Outcome, Way};
use mailreeve_core::certificate::Certificate;
use mailreeve_core::conversation::{Parties, Which};
use mailreeve_core::delivery::io::{AddressTry, RecipientResult, Target, telling_failure};
use mailreeve_core::event::{Stage, TlsResult};
use mailreeve_core::ids::{Dcid, Host, Mid, Rid};
use mailreeve_core::tcp::TcpEnd;
use mailreeve_smtp::client::{self, Session};
use mailreeve_smtp::transcript::Transcript;

use crate::clock::Clock;
use crate::deliver::outcome::core_stage;
use crate::recorder::{About, Conversation, Recorder, STRETCH_BYTES};

/// Addresses that are told before the one that was reached.
const PASSED_OVER: usize = 16;

/// What a transaction was, beside what the session knows.
pub(in crate::deliver) struct Transacted<'a> {
    pub(in crate::deliver) mid: Mid,
    pub(in crate::deliver) results: &'a [(Rid, RecipientResult)],
    /// One of its recipients was tried before.
    pub(in crate::deliver) again: bool,
    /// When it was handed over, on the steady clock.
    pub(in crate::deliver) began: Instant,
    pub(in crate::deliver) tls: Option<&'a TlsResult>,
    /// The connection broke off in it.
    pub(in crate::deliver) broke: Option<String>,
}

/// A connection from its beginning on. Instants are those of the steady clock.
pub(in crate::deliver) struct Story {
    clock: Clock,
    recorder: Recorder,
    conversation: Option<Conversation>,
    host: Host,
    dcid: Dcid,
    bearer: (Mid, Rid),
    began: Instant,
    /// Stages on the way to the first transaction.
    opening: Vec<(Stage, Instant)>,
    way: Option<Way>,
    certificate: Option<Certificate>,
    passed_over: Vec<(String, mailreeve_core::event::Failure)>,
    /// The end of the connection, when it has ended.
    tcp: Option<TcpEnd>,
    /// The end of the conversation was told.
    over: bool,
}

impl Story {
    /// Begins. `looked_up` is when the look-up before it began and was answered.
    pub(in crate::deliver) fn new(
        clock: Clock,
        recorder: Recorder,
        host: Host,
        dcid: Dcid,
        bearer: (Mid, Rid),
        looked_up: Option<(Instant, Instant)>,
    ) -> Self {
        let began = looked_up.map_or_else(|| clock.steady(), |(asked, _)| asked);
        let opening = looked_up.map(|(_, answered)| (Stage::Dns, answered)).into_iter().collect();
        let (way, certificate, passed_over) = (None, None, Vec::new());
        let (conversation, tcp, over) = (None, None, false);
        Self {
            clock,
            recorder,
            conversation,
            host,
            dcid,
            bearer,
            began,
            opening,
            way,
            certificate,
            passed_over,
            tcp,
            over,
        }
    }

    /// TCP stands to this address.
    pub(in crate::deliver) fn connected(&mut self, target: &Target, local: Option<SocketAddr>) {
        self.opening.retain(|(stage, _)| *stage == Stage::Dns);
        self.opening.push((Stage::Connect, self.clock.steady()));
        self.certificate = None;
        (self.tcp, self.over) = (None, false);
        self.way = Some(Way { exchanger: target.name.clone(), peer: target.address, local });
        if !self.recorder.is_on() {
            return;
        }
        let parties = Parties {
            which: Which::Outbound(self.dcid),
            began_at: self.wall(self.clock.steady()),
            local,
            peer: target.address,
            name: target.name.clone(),
            host: Some(self.host.clone()),
        };
        self.conversation = Some(match self.conversation.take() {
            Some(before) => before.go_on(parties),
            None => Conversation::new(self.recorder.clone(), parties),
        });
    }

    /// A transcript for a session that begins, when it is to be recorded.
    pub(in crate::deliver) fn transcript(&self) -> Option<Transcript> {
        self.conversation.as_ref().map(|_| Transcript::new(STRETCH_BYTES, self.clock.steady()))
    }

    /// The message that the connection is opened for.
    pub(in crate::deliver) const fn bearer(&self) -> Mid {
        self.bearer.0
    }

    /// Whether anybody wants to know.
    pub(in crate::deliver) fn is_told(&self) -> bool {
        self.recorder.is_on()
    }

    /// Whether the kernel has to be asked about the end of the connection.
    pub(in crate::deliver) fn wants_end(&self) -> bool {
        self.tcp.is_none() && self.recorder.is_on()
    }

    /// The connection has ended, or is about to.
    pub(in crate::deliver) fn end_of_connection(&mut self, tcp: Option<TcpEnd>) {
        self.tcp = tcp;
    }

    /// Returns when what was said has to be shown though it goes on.
    pub(in crate::deliver) fn show_due(&mut self, transcript: Option<&Transcript>) -> Option<Instant> {
        let now = self.clock.steady();
        self.conversation.as_mut()?.show_due(transcript?, now)
    }

    /// Shows what was said so far.
    pub(in crate::deliver) fn show(&mut self, transcript: Option<&Transcript>, about: Option<Mid>) {
        if let (Some(conversation), Some(transcript)) = (&mut self.conversation, transcript) {
            conversation.show(transcript, about);
        }
    }

    /// The connection is of no use: what was said is about the message that it was opened for.
    pub(in crate::deliver) fn failed(&mut self, transcript: Option<&mut Transcript>, why: String) {
        let (Some(conversation), Some(transcript)) = (&mut self.conversation, transcript) else { return };
        transcript.note(&why, self.clock.steady());
        transcript.fail();
        let (mid, attempts) = (Some(self.bearer.0), Vec::new());
        conversation.hand_over(transcript, About { mid, attempts, ended: Some(why), tcp: self.tcp });
        self.over = true;
    }

    /// The conversation is over.
    pub(in crate::deliver) fn ended(&mut self, transcript: Option<&mut Transcript>) {
        let (Some(conversation), Some(transcript)) = (&mut self.conversation, transcript) else { return };
        if !std::mem::replace(&mut self.over, true) {
            let ended = Some("closed".to_owned());
            conversation.hand_over(transcript, About { ended, tcp: self.tcp, ..About::default() });
        }
    }

    /// The session got as far as it goes: ready, or no further.
    pub(in crate::deliver) fn opened(&mut self, session: &Session, certificate: Option<Certificate>) {
        let stages =
            [client::Stage::Greeting, client::Stage::Ehlo, client::Stage::StartTls, client::Stage::Auth];
        let reached =
            stages.into_iter().filter_map(|stage| Some((core_stage(stage), session.reached(stage)?)));
        self.opening.extend(reached);
        self.certificate = certificate;
    }

    /// Addresses that failed before the one that is ready.
    pub(in crate::deliver) fn passed(&mut self, failed: &[AddressTry]) {
        let told = failed.iter().take(PASSED_OVER);
        self.passed_over = told.map(|tried| (tried.target.name.clone(), tried.failure.clone())).collect();
    }

    /// The connection could not be had: one attempt of whom it was for.
    pub(in crate::deliver) fn unusable(mut self, failed: &[AddressTry]) -> Option<Attempt> {
        let telling = telling_failure(failed)?.clone();
        let others: Vec<AddressTry> =
            failed.iter().filter(|tried| tried.failure != telling).cloned().collect();
        self.passed(&others);
        // The way is that of the last connection that stood; the failure may be about another address.
        if self.way.as_ref().is_some_and(|way| telling.address.is_some_and(|told| told != way.peer)) {
            (self.way, self.certificate, self.tcp) = (None, None, None);
            self.opening.retain(|(stage, _)| *stage == Stage::Dns);
        }
        let (mid, rid) = self.bearer;
        let outcome = Outcome::Soft(telling);
        Some(self.attempt((mid, rid), self.began, &self.opening, None, outcome))
    }

    /// A transaction is over: one attempt for each recipient, and what was said.
    pub(in crate::deliver) fn transacted(
        &mut self,
        session: &Session,
        done: Transacted<'_>,
        transcript: Option<&mut Transcript>,
    ) {
        let mut attempts = self.attempts(session, &done);
        if done.again || attempts.iter().any(|attempt| attempt.outcome.failure().is_some()) {
            self.recorder.attempts(std::mem::take(&mut attempts));
        }
        if let (Some(conversation), Some(transcript)) = (&mut self.conversation, transcript) {
            if let Some(why) = &done.broke {
                transcript.note(why, self.clock.steady());
                transcript.fail();
            }
            self.over = done.broke.is_some();
            let tcp = self.tcp.filter(|_| self.over);
            conversation
                .hand_over(transcript, About { mid: Some(done.mid), attempts, ended: done.broke, tcp });
        }
    }

    /// What the connection went through before belongs to its first transaction.
    fn attempts(&mut self, session: &Session, done: &Transacted<'_>) -> Vec<Attempt> {
        let stages = [
            client::Stage::Mail,
            client::Stage::Rcpt,
            client::Stage::Data,
            client::Stage::Content,
            client::Stage::Final,
        ];
        let began = if self.opening.is_empty() { done.began } else { self.began };
        let reached =
            stages.into_iter().filter_map(|stage| Some((core_stage(stage), session.reached(stage)?)));
        let mut passed: Vec<(Stage, Instant)> = self.opening.iter().copied().chain(reached).collect();
        passed.sort_by_key(|(_, at)| *at);
        let outcome = |result: &RecipientResult| match result {
            RecipientResult::Delivered { reply, .. } => Outcome::Delivered(reply.clone()),
            RecipientResult::Soft(failure) => Outcome::Soft(failure.clone()),
            RecipientResult::Hard(failure) => Outcome::Hard(failure.clone()),
        };
        let attempts = done
            .results
            .iter()
            .map(|(rid, result)| self.attempt((done.mid, *rid), began, &passed, done.tls, outcome(result)))
            .collect();
        self.opening.clear();
        self.passed_over.clear();
        attempts
    }

    /// The time of day of an instant of the steady clock.
    fn wall(&self, at: Instant) -> u64 {
        (self.clock.wall() - self.clock.steady().since(at)).0
    }

    fn attempt(
        &self,
        (mid, rid): (Mid, Rid),
        began: Instant,
        stages: &[(Stage, Instant)],
        tls: Option<&TlsResult>,
        outcome: Outcome,
    ) -> Attempt {
        let after = |at: Instant| u64::try_from(at.since(began).as_micros()).unwrap_or(u64::MAX);
        Attempt {
            mid,
            rid,
            host: self.host.clone(),
            dcid: self.dcid,
            began_at: self.wall(began),
            stages: stages.iter().map(|(stage, at)| (*stage, after(*at))).collect(),
            way: self.way.clone(),
            tls: tls.cloned(),
            certificate: self.certificate.clone(),
            passed_over: self.passed_over.clone(),
            outcome,
            tcp: self.tcp,
        }
    }
}
