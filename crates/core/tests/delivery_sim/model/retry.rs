//! A retry-now: what it makes true, and whether what it tells is.

use mailreeve_core::delivery::io::{Retried, Scope};
use mailreeve_core::delivery::settings::Settings;
use mailreeve_core::ids::{Host, Mid};

use super::recipient::Forced;
use super::{Model, Phase, Scene, Verdict, broken, require};

/// What a retry-now found when it was given.
pub(super) struct Retrying {
    /// Recipients in its scope.
    waiting: u64,
    /// Those of them that a clock surely held.
    held: u64,
}

impl Model {
    pub(super) fn deliver_now(&mut self, scope: &Scope, scene: Scene<'_>) {
        let in_scope = |mid: Mid, host: &Host| match scope {
            Scope::All => true,
            Scope::Host(wanted) => wanted == host,
            Scope::Message(wanted) => *wanted == mid,
        };
        let (mut hosts, mut touched) = (Vec::new(), Vec::new());
        let mut asked = Retrying { waiting: 0, held: 0 };
        for (&(mid, _), recipient) in &mut self.recipients {
            if !in_scope(mid, &recipient.host) {
                continue;
            }
            touched.push(recipient.host.clone());
            asked.waiting += 1;
            if recipient.phase != Phase::Waiting {
                continue;
            }
            hosts.push(recipient.host.clone());
            let now = scene.clock.steady;
            let held = self.destinations.get(&recipient.host).is_some_and(|one| one.surely_held(now));
            let waits =
                recipient.own.as_ref().is_some_and(|own| !own.of_host && !own.timer.may_have_fired(now));
            asked.held += u64::from(held || waits);
            if recipient.forced != Forced::Yes {
                recipient.forced = if held || waits { Forced::Yes } else { Forced::Maybe };
            }
            recipient.own = None;
            if !recipient.intervals_s.contains(&0) {
                recipient.intervals_s.push(0);
            }
        }
        self.retrying.push_back(asked);
        let shared = |settings: &Settings, host: &Host| {
            let control = settings.controls.iter().find(|(pattern, _)| pattern.matches(host.as_str()));
            control.map_or(&settings.default_control, |(_, control)| control).per_address
        };
        for (host, destination) in &mut self.destinations {
            // The limits of an address are forgotten for all who share it.
            if shared(&self.settings, host) {
                destination.window_floor = scene.clock.steady;
            }
            let whole = match scope {
                Scope::All => true,
                Scope::Host(wanted) => wanted == host,
                Scope::Message(_) => false,
            };
            if !whole && !touched.contains(host) {
                continue;
            }
            let surely = whole && hosts.contains(host);
            if surely {
                destination.handed.clear();
                destination.windows.clear();
                destination.window_floor = 0;
            } else {
                destination.window_floor = scene.clock.steady;
            }
            // The verdict stays as it is: nothing was tried.
            destination.forget(surely);
        }
    }

    /// A retry-now tells what it did: all that a clock surely held, and nobody who is not there.
    pub(super) fn retried(&mut self, did: Retried) -> Verdict {
        const LAW: &str = "a retry-now is answered once, with what it did";
        let Some(Retrying { waiting, held }) = self.retrying.pop_front() else {
            return broken(LAW, format!("nobody asked: {did:?}"));
        };
        let right = did.waiting <= waiting
            && (held..=did.waiting).contains(&did.recipients)
            && did.destinations <= did.recipients
            && (did.destinations == 0) == (did.recipients == 0);
        require(right, LAW, || format!("{did:?}, {waiting} waited, {held} were held"))
    }
}
