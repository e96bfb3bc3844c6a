//! `attempts`, `transcript`: what the recorder keeps, in the words of replies.

use std::collections::BTreeSet;

use mailreeve_api::recorder::{
    AttemptLine, Attempts, AttemptsReply, CertificateLine, ConversationLine, Direction, FailureLine,
    PassedOver, SaidLine, StageLine, TcpLine, Transcript, TranscriptOf, TranscriptReply,
};
use mailreeve_api::wire::{Problem, ProblemKind};
use mailreeve_core::attempt::{Attempt, Outcome};
use mailreeve_core::certificate::{Certificate, Trust};
use mailreeve_core::conversation::{Stretch, Which};
use mailreeve_core::event::{Failure, TlsResult};
use mailreeve_core::ids::{Dcid, Icid, Mid, Rid};
use mailreeve_core::tcp::TcpEnd;
use mailreeve_smtp::transcript::{Step, What, steps};
use mailreeve_store::recorder::Wanted;

use super::Commands;

/// Conversations about one message of which the beginning is shown too.
const CONVERSATIONS: usize = 20;

impl Commands {
    pub(super) async fn attempts(&self, request: Attempts) -> Result<AttemptsReply, Problem> {
        let found = self.context.recorder.attempts_of(Mid(request.mid), request.rid.map(Rid)).await;
        if found.is_empty() {
            let nothing = || self.nothing(&format!("no attempt of MID {}", request.mid));
            return Err(self.not_begun(Mid(request.mid)).unwrap_or_else(nothing));
        }
        let attempts = found.into_iter().map(attempt_line).collect();
        Ok(AttemptsReply { as_of: self.as_of(), mid: request.mid, attempts })
    }

    pub(super) async fn transcript(&self, request: Transcript) -> Result<TranscriptReply, Problem> {
        let recorder = &self.context.recorder;
        let (wanted, what) = match request.of {
            TranscriptOf::Icid(icid) => {
                (Wanted::Conversation(Which::Inbound(Icid(icid))), format!("nothing of ICID {icid}"))
            }
            TranscriptOf::Dcid(dcid) => {
                (Wanted::Conversation(Which::Outbound(Dcid(dcid))), format!("nothing of DCID {dcid}"))
            }
            TranscriptOf::Mid(mid) => (Wanted::Message(Mid(mid)), format!("nothing about MID {mid}")),
        };
        let mut found = recorder.conversations(wanted).await;
        if let Wanted::Message(mid) = wanted {
            found = self.with_beginnings(found, mid).await;
        }
        if found.is_empty() {
            let begun = match wanted {
                Wanted::Message(mid) => self.not_begun(mid),
                Wanted::Conversation(_) => None,
            };
            return Err(begun.unwrap_or_else(|| self.nothing(&what)));
        }
        let (_, oldest_us) = recorder.extent();
        Ok(TranscriptReply { as_of: self.as_of(), conversations: conversations(&found), oldest_us })
    }

    /// Adds what was said at the beginning of each conversation and at its end.
    async fn with_beginnings(&self, found: Vec<Stretch>, mid: Mid) -> Vec<Stretch> {
        let which: BTreeSet<Which> = found.iter().map(|stretch| stretch.parties.which).collect();
        let mut all = Vec::new();
        for which in which.into_iter().take(CONVERSATIONS) {
            let whole = self.context.recorder.conversations(Wanted::Conversation(which)).await;
            let shown = |stretch: &Stretch| {
                stretch.mid == Some(mid)
                    || stretch.number == 0
                    || (stretch.mid.is_none() && stretch.ended.is_some())
            };
            all.extend(whole.into_iter().filter(shown));
        }
        all.sort_by_key(|stretch| (stretch.parties.which, stretch.number));
        all.sort_by_key(|stretch| stretch.parties.began_at);
        all
    }

    /// Nothing is kept: why that may be.
    fn nothing(&self, what: &str) -> Problem {
        let recorder = &self.context.recorder;
        let (_, oldest) = recorder.extent();
        let hint = match (recorder.is_on(), oldest) {
            (false, _) => {
                "the recorder is off: [recorder] in the configuration, or `displayalerts`".to_owned()
            }
            (true, Some(oldest)) => format!(
                "what was said in the last two seconds may be missing; they reach back to {}, those that went well are \
                 the first to go; the log has what happened",
                self.as_of().show(oldest)
            ),
            (true, None) => "nothing was recorded yet; the log has what happened".to_owned(),
        };
        Problem::new(format!("{what} is kept"), hint).of(ProblemKind::NotFound)
    }
}

fn attempt_line((number, attempt): (u32, Attempt)) -> AttemptLine {
    let took_us = attempt.ended_at().saturating_sub(attempt.began_at);
    let stages = attempt.stages.iter();
    let stages =
        stages.map(|(stage, after_us)| StageLine { stage: stage.word().to_owned(), after_us: *after_us });
    let (outcome, reply) = match &attempt.outcome {
        Outcome::Delivered(reply) => ("delivered", vec![reply.clone()]),
        Outcome::Soft(failure) => ("deferred", failure.text.clone()),
        Outcome::Hard(failure) => ("bounced", failure.text.clone()),
    };
    let passed_over = attempt.passed_over.iter().map(|(exchanger, failure)| PassedOver {
        exchanger: exchanger.clone(),
        address: failure.address.map(|address| address.to_string()),
        failure: failure_line(failure),
    });
    let tls = attempt.tls.as_ref().map(|tls| match tls {
        TlsResult::Success { protocol, cipher, verified: true } => format!("{protocol}, {cipher}, verified"),
        TlsResult::Success { protocol, cipher, verified: false } => {
            format!("{protocol}, {cipher}, not verified")
        }
        TlsResult::Failed { why, clear: true } => format!("none, in clear: {why}"),
        TlsResult::Failed { why, clear: false } => format!("failed: {why}"),
    });
    AttemptLine {
        rid: attempt.rid.0,
        number,
        host: attempt.host.to_string(),
        dcid: attempt.dcid.0,
        began_us: attempt.began_at,
        took_us,
        stages: stages.collect(),
        exchanger: attempt.way.as_ref().map(|way| way.exchanger.clone()),
        peer: attempt.way.as_ref().map(|way| way.peer.to_string()),
        local: attempt.way.as_ref().and_then(|way| way.local).map(|local| local.to_string()),
        tls,
        certificate: attempt.certificate.as_ref().map(|shown| certificate_line(&attempt, shown)),
        passed_over: passed_over.collect(),
        outcome: outcome.to_owned(),
        reply,
        failure: attempt.outcome.failure().map(failure_line),
        tcp: attempt.tcp.as_ref().map(tcp_line),
    }
}

/// A certificate, judged as at the instant of the attempt.
fn certificate_line(attempt: &Attempt, shown: &Certificate) -> CertificateLine {
    let refused = match &shown.trust {
        Trust::Refused(why) => Some(why),
        Trust::NotLookedAt | Trust::Verified => None,
    };
    let at = i64::try_from(attempt.ended_at() / 1_000_000).unwrap_or(i64::MAX);
    let name = attempt.way.as_ref().map_or("", |way| &way.exchanger);
    CertificateLine {
        subject: shown.subject.clone(),
        issuer: shown.issuer.clone(),
        names: shown.names.clone(),
        not_before: shown.not_before,
        not_after: shown.not_after,
        fingerprint: shown.fingerprint.clone(),
        verified: (shown.trust != Trust::NotLookedAt).then_some(refused.is_none()),
        problem: refused.map(|why| why.in_words(Some(shown), name, at)),
        problem_code: refused.map(|why| why.code().to_owned()),
    }
}

fn tcp_line(end: &TcpEnd) -> TcpLine {
    TcpLine {
        rtt_us: end.rtt_us,
        rtt_var_us: end.rtt_var_us,
        segments: end.segments,
        sent_again: end.sent_again,
        retries: end.retries,
        unacked: end.unacked,
        closed_first: end.closed_first.word().to_owned(),
        lost_packets: end.lost_packets(),
    }
}

fn failure_line(failure: &Failure) -> FailureLine {
    let (class, subject, detail) = failure.status;
    FailureLine {
        stage: failure.stage.word().to_owned(),
        cause: failure.cause.code().to_owned(),
        status: format!("{class}.{subject}.{detail}"),
        code: failure.code,
        text: if failure.code == 0 { vec![failure.words()] } else { failure.text.clone() },
    }
}

/// Joins the stretches of each conversation; those missing in between are told.
fn conversations(stretches: &[Stretch]) -> Vec<ConversationLine> {
    let mut found: Vec<(Which, ConversationLine)> = Vec::new();
    let mut next = 0;
    for stretch in stretches {
        let parties = &stretch.parties;
        let same = found
            .last()
            .is_some_and(|(which, line)| *which == parties.which && line.peer == parties.peer.to_string());
        if !same {
            next = if found.last().is_some_and(|(which, _)| *which == parties.which) {
                stretch.number
            } else {
                0
            };
            found.push((parties.which, opened(stretch)));
        }
        let Some((_, conversation)) = found.last_mut() else { continue };
        if stretch.number > next {
            let text = "[what was said in between is not shown, or not kept]".to_owned();
            let after_us = stretch.from_us;
            conversation.lines.push(SaidLine { after_us, direction: Direction::Note, text, hidden: true });
        }
        next = stretch.number + 1;
        for step in steps(&stretch.steps) {
            push_lines(&mut conversation.lines, stretch.from_us, step);
        }
        if stretch.unkept > 0 {
            let after_us = conversation.lines.last().map_or(stretch.from_us, |line| line.after_us);
            let what = "that were too many to be kept";
            conversation.lines.push(SaidLine::hidden(after_us, Direction::Note, stretch.unkept, what));
        }
        conversation.ended.clone_from(&stretch.ended);
        conversation.tcp = stretch.tcp.as_ref().map(tcp_line);
        if let Some(tcp) = &conversation.tcp {
            let after_us = conversation.lines.last().map_or(stretch.from_us, |line| line.after_us);
            let text = format!("TCP: {}", tcp.in_words());
            conversation.lines.push(SaidLine { after_us, direction: Direction::Note, text, hidden: false });
        }
    }
    found.into_iter().map(|(_, conversation)| conversation).collect()
}

fn opened(stretch: &Stretch) -> ConversationLine {
    let parties = &stretch.parties;
    let (kind, number) = match parties.which {
        Which::Inbound(icid) => ("ICID", icid.0),
        Which::Outbound(dcid) => ("DCID", dcid.0),
    };
    ConversationLine {
        kind: kind.to_owned(),
        number,
        began_us: parties.began_at,
        peer: parties.peer.to_string(),
        local: parties.local.map(|local| local.to_string()),
        name: parties.name.clone(),
        host: parties.host.as_ref().map(ToString::to_string),
        ended: None,
        tcp: None,
        lines: Vec::new(),
    }
}

/// A step as lines: a reply of several lines, or pipelined commands, are several.
fn push_lines(lines: &mut Vec<SaidLine>, from_us: u64, step: Step) {
    let after_us = from_us + step.after_us;
    let (direction, text) = match step.what {
        What::Heard(text) => (Direction::In, text),
        What::Said(text) => (Direction::Out, text),
        What::Note(text) => (Direction::Note, text),
        What::HeardContent(octets) => {
            return lines.push(SaidLine::hidden(after_us, Direction::In, octets, "of content"));
        }
        What::SaidContent(octets) => {
            return lines.push(SaidLine::hidden(after_us, Direction::Out, octets, "of content"));
        }
        What::HeardHidden(octets) => {
            return lines.push(SaidLine::hidden(after_us, Direction::In, octets, "not kept"));
        }
        What::SaidHidden(octets) => {
            return lines.push(SaidLine::hidden(after_us, Direction::Out, octets, "of credentials"));
        }
    };
    for line in text.lines() {
        lines.push(SaidLine { after_us, direction, text: line.to_owned(), hidden: false });
    }
}
