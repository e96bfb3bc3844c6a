//! One conversation with one address: the client session of delivery, each step noted. It stops before the content.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use mailreeve_api::probe::{AddressProbe, ProbeVerdict};
use mailreeve_core::delivery::Demand;
use mailreeve_core::delivery::io::{Target, TlsMode};
use mailreeve_core::event::Failure;
use mailreeve_smtp::address::{Mailbox, ReversePath};
use mailreeve_smtp::client::{self, Deadlines, Session};

use super::line::Line;
use super::steps::Steps;
use super::{Ground, STEP, verdict};
use crate::deliver::connect::{Manner, connect, describe};
use crate::stream::Stream;
use crate::tls;

/// Who is offered, from whom.
#[derive(Clone, Debug)]
pub(super) struct Offer {
    pub(super) sender: ReversePath,
    pub(super) recipient: Mailbox,
}

/// A conversation to be held.
pub(super) struct Talk<'a> {
    pub(super) ground: Ground<'a>,
    pub(super) target: &'a Target,
    pub(super) source: Option<IpAddr>,
    pub(super) demand: &'a Demand,
    pub(super) offer: Option<Offer>,
}

/// How a conversation ended.
pub(super) enum End {
    /// Everything that was asked was granted.
    Good(String),
    Bad(Failure),
    /// TLS cannot be had on this connection, whatever may be had in clear on another.
    TlsBroken(Failure),
}

impl Talk<'_> {
    /// Holds it; `found` has every step that was made, also when this is cut off.
    pub(super) async fn hold(&self, found: &mut AddressProbe) -> ProbeVerdict {
        let broken = match self.connected(found, false).await {
            End::TlsBroken(failure) if self.goes_on_in_clear() => failure,
            End::TlsBroken(failure) | End::Bad(failure) => return verdict::of_failure(&failure),
            End::Good(text) => return verdict::ok(text),
        };
        // As delivery does: once more, without TLS.
        let why = broken.text.join(" ");
        match self.connected(found, true).await {
            End::Good(text) => verdict::ok(format!("{text}, in clear: {why}")),
            End::TlsBroken(failure) | End::Bad(failure) => verdict::of_failure(&failure),
        }
    }

    fn goes_on_in_clear(&self) -> bool {
        self.demand.tls == TlsMode::Preferred && !self.demand.implicit_tls
    }

    async fn connected(&self, found: &mut AddressProbe, in_clear: bool) -> End {
        let running = self.ground.running;
        let manner = Manner {
            timeout: running.connect_timeout.min(STEP),
            sources: self.source.into_iter().collect(),
            v4_first: running.surroundings.families.v4_first(),
        };
        let mut steps = Steps::new(&mut found.steps);
        steps.begin("connect");
        let stream = match connect(self.target.address, &manner).await {
            Ok(stream) => stream,
            Err(error) => {
                let failure = describe(&error, self.target.address, self.ground.clock);
                steps.failed(failure.text.join(" "));
                return End::Bad(failure);
            }
        };
        found.local = stream.local_addr().ok().map(|local| local.to_string());
        steps.done(found.local.as_ref().map(|local| format!("from {local}")));
        steps.begin("banner");
        let settings = client::Settings {
            deadlines: patience(&running.client_deadlines),
            envelope_only: true,
            ..running.client_settings(
                tls::demand(self.demand.tls, in_clear),
                self.demand.credentials.as_ref().and_then(|name| running.credentials.get(&**name).cloned()),
                self.demand.implicit_tls,
            )
        };
        let session = Session::new(Arc::new(settings), self.ground.clock.steady());
        let mut line = Line {
            talk: self,
            session,
            stream: Some(Stream::Plain(stream)),
            steps,
            tls: &mut found.tls,
            in_clear: None,
            heard: 0,
            end: None,
        };
        line.run().await
    }
}

/// What the conversation has of delivery's patience: a probe is waited for.
fn patience(delivery: &Deadlines) -> Deadlines {
    let most = |patience: Duration| patience.min(STEP);
    Deadlines {
        greeting: most(delivery.greeting),
        helo: most(delivery.helo),
        starttls: most(delivery.starttls),
        auth: most(delivery.auth),
        mail: most(delivery.mail),
        rcpt: most(delivery.rcpt),
        data_init: most(delivery.data_init),
        data_block: most(delivery.data_block),
        data_end: most(delivery.data_end),
        quit: most(delivery.quit),
    }
}
