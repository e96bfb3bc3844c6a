//! Look-ups for the shard: by the route of a destination, or by its exchangers.

use std::collections::HashMap;
use std::sync::Arc;

use mailreeve_core::Instant;
use mailreeve_core::attempt::{Attempt, Outcome};
use mailreeve_core::delivery::io::{Input, Resolution};
use mailreeve_core::delivery::settings::Route;
use mailreeve_core::ids::{Dcid, Host, Mid, Rid};

use super::Shell;
use crate::host_watch;
use crate::lookups::exchangers;

/// Look-ups whose times are kept for the connection that follows.
const LOOKED_UP: usize = 4_096;

/// When look-ups were asked and answered, by the steady clock, until a connection has taken that over.
#[derive(Default)]
pub(super) struct LookedUp(HashMap<Host, (Instant, Option<Instant>)>);

impl LookedUp {
    fn asked(&mut self, host: &Host, now: Instant) {
        if self.0.len() < LOOKED_UP {
            self.0.insert(host.clone(), (now, None));
        }
    }

    /// The answer is there.
    pub(super) fn answered(&mut self, host: &Host, now: Instant) {
        if let Some((_, answered)) = self.0.get_mut(host) {
            *answered = Some(now);
        }
    }

    /// Takes the times of a look-up.
    pub(super) fn remove(&mut self, host: &Host) -> Option<(Instant, Instant)> {
        let (asked, answered) = self.0.remove(host)?;
        Some((asked, answered?))
    }
}

impl Shell {
    /// Asks where mail to a destination goes; the answer comes as an input. One that is none is an attempt of the
    /// recipient that it was asked for.
    pub(super) fn resolve(&mut self, host: Host, bearer: (Mid, Rid)) {
        let running = self.context.running.load_full();
        let now = self.context.clock.wall();
        self.looked_up.asked(&host, self.context.clock.steady());
        let (inputs, context) = (self.inputs.clone(), Arc::clone(&self.context));
        let route = running.delivery.routes.iter().find(|(pattern, _)| pattern.matches(host.as_str()));
        let hops = match route {
            Some((_, Route::Hops { hops, .. })) => Some(hops.clone()),
            Some((_, Route::UseDns | Route::Discard)) | None => None,
        };
        let routed = hops.is_some();
        tokio::spawn(async move {
            let resolution = match hops {
                Some(hops) => exchangers::resolve_hops(&running.dns, &hops, now).await,
                None => {
                    exchangers::resolve(&running.dns, &host, Arc::clone(&running.surroundings), now).await
                }
            };
            if let Some(attempt) = unanswered(&host, bearer, now, &resolution) {
                context.recorder.attempts(vec![attempt]);
            }
            host_watch::answered(&context, &host, &resolution, routed);
            let _ = inputs.send(Input::Resolved { host, resolution });
        });
    }
}

/// A look-up that says nowhere to go.
fn unanswered(
    host: &Host,
    (mid, rid): (Mid, Rid),
    began: Instant,
    resolution: &Resolution,
) -> Option<Attempt> {
    let outcome = match resolution {
        Resolution::Addresses { .. } => return None,
        Resolution::Soft(failure) => Outcome::Soft(failure.clone()),
        Resolution::Hard(failure) => Outcome::Hard(failure.clone()),
    };
    Some(Attempt {
        mid,
        rid,
        host: host.clone(),
        dcid: Dcid(0),
        began_at: began.0,
        stages: Vec::new(),
        way: None,
        tls: None,
        certificate: None,
        passed_over: Vec::new(),
        outcome,
        tcp: None,
    })
}
