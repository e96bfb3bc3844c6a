//! From a TCP connection to one that takes transactions: greeting, EHLO, TLS, AUTH.

use std::sync::Arc;
use std::time::Duration;

use mailreeve_core::Instant;
use mailreeve_core::certificate::{Certificate, Trust};
use mailreeve_core::delivery::io::{PeerFacts, TlsMode};
use mailreeve_core::event::{Cause, Event, Stage, TlsResult};
use mailreeve_smtp::client::{self, Lost, Output, Session};

use super::refusal::{Refusal, local};
use super::story::Story;
use super::{Outbound, Plan};
use crate::deliver::connect::Connected;
use crate::deliver::outcome::{lost_failure, reply_failure};
use crate::host_watch::{self, Met};
use crate::stream::{ReadBuffer, Stream};
use crate::tls;

impl Outbound {
    pub(super) async fn start(
        plan: &mut Plan,
        story: Box<Story>,
        connected: Connected,
        in_clear: Option<String>,
    ) -> Result<Self, (Refusal, Box<Story>)> {
        let Connected { stream, target } = connected;
        let peer = target.address;
        if let (Ok(local), Ok(peer)) = (stream.local_addr(), stream.peer_addr()) {
            plan.context.events.tell(Event::DeliveryOpened {
                dcid: plan.dcid,
                host: plan.host.clone(),
                local,
                peer,
                name: target.name.clone(),
            });
        }
        let remembered = match (&in_clear, plan.tls) {
            (Some(why), _) => Some(why.clone()),
            (None, TlsMode::Preferred) => plan.context.clear_text.why(peer.ip()),
            (None, TlsMode::Off | TlsMode::Required | TlsMode::Verify) => None,
        };
        let demand = tls::demand(plan.tls, remembered.is_some());
        let settings = plan.running.client_settings(demand, plan.credentials.clone(), plan.implicit_tls);
        let mut outbound = Self {
            session: Session::new(Arc::new(settings), plan.context.clock.steady()),
            context: Arc::clone(&plan.context),
            running: Arc::clone(&plan.running),
            room: plan.room.clone(),
            stream: Some(Stream::Plain(stream)),
            buffer: ReadBuffer::new(),
            timer: Box::pin(tokio::time::sleep(Duration::ZERO)),
            armed: Instant(u64::MAX),
            target,
            verify: plan.tls == TlsMode::Verify,
            tls: None,
            certificate: None,
            loaded: None,
            unread: None,
            transcript: story.transcript(),
            about: Some(story.bearer()),
            story,
            ended_by: None,
        };
        outbound.tls = remembered.map(|why| TlsResult::Failed { why, clear: true });
        let ready = outbound.get_ready(plan).await;
        let certificate = outbound.certificate.take();
        outbound.tell_met(plan, certificate.as_ref(), ready.is_ok());
        outbound.story.opened(&outbound.session, certificate);
        match ready {
            Ok(()) => {
                outbound.about = None;
                Ok(outbound)
            }
            Err(refusal) => {
                outbound.note_tcp_end();
                outbound.story.failed(outbound.transcript.as_mut(), refusal.text());
                Err((refusal, outbound.story))
            }
        }
    }

    /// Tells for the records of the destination whom it met.
    fn tell_met(&self, plan: &Plan, certificate: Option<&Certificate>, stands: bool) {
        let met = Met {
            name: &self.target.name,
            stream: self.stream.as_ref(),
            tls: self.tls.as_ref(),
            certificate,
            stands,
        };
        host_watch::met(&plan.context, &plan.host, &met);
    }

    /// Goes through greeting, EHLO, TLS and AUTH.
    async fn get_ready(&mut self, plan: &Plan) -> Result<(), Refusal> {
        let peer = self.target.address;
        let failed = |stage, cause, reply: &mailreeve_smtp::reply::Reply| {
            Refusal::Failed(reply_failure(reply, stage, cause, peer, plan.context.clock.wall()))
        };
        loop {
            match self.next().await {
                Output::Ready => return Ok(()),
                Output::GreetingRejected(reply) => {
                    return Err(failed(Stage::Greeting, Cause::GreetingRejected, &reply));
                }
                Output::HelloRejected(reply) => {
                    return Err(failed(Stage::Ehlo, Cause::HelloRejected, &reply));
                }
                Output::AuthFailed(reply) => return Err(failed(Stage::Auth, Cause::AuthFailed, &reply)),
                Output::TlsUnavailable(why) => {
                    if matches!(plan.tls, TlsMode::Required | TlsMode::Verify) {
                        let cause = Cause::TlsNotOffered;
                        return Err(Refusal::Failed(local(
                            Stage::StartTls,
                            cause,
                            (4, 7, 4),
                            why,
                            peer,
                            plan,
                        )));
                    }
                    self.tls = Some(TlsResult::Failed { why, clear: true });
                }
                // A handshake that failed, octets in clear where it had to begin, a STARTTLS answered with nonsense:
                // this line is of no use even in clear, whatever may be tried on another.
                Output::Lost { stage: client::Stage::StartTls, why: Lost::Protocol(what), .. } => {
                    let cause = match self.certificate.as_ref().map(|shown| &shown.trust) {
                        Some(Trust::Refused(why)) => why.cause(),
                        Some(Trust::NotLookedAt | Trust::Verified) | None => Cause::TlsHandshake,
                    };
                    return Err(Refusal::TlsBroken { why: what, cause });
                }
                Output::Lost { stage, why, after_data, .. } => {
                    let now = plan.context.clock.wall();
                    return Err(Refusal::Failed(lost_failure(stage, &why, after_data, peer, now)));
                }
                Output::Closed => {
                    let text = "connection closed before it was ready".to_owned();
                    let failure = local(Stage::Greeting, Cause::ConnectionLost, (4, 4, 2), text, peer, plan);
                    return Err(Refusal::Failed(failure));
                }
                Output::Write(_)
                | Output::Content { .. }
                | Output::StartTls
                | Output::Recipient { .. }
                | Output::MailRejected { .. }
                | Output::Done { .. } => {}
            }
        }
    }

    pub(super) fn facts(&self) -> PeerFacts {
        let offered = self.session.capabilities();
        PeerFacts {
            size_limit: offered.size,
            smtputf8: offered.smtputf8,
            eight_bit: offered.eight_bit_mime,
            dsn: offered.dsn,
            recipients_max: offered.recipients_max.unwrap_or(usize::MAX),
            transactions_max: offered.transactions_max,
            tls: self.tls.clone(),
        }
    }
}
