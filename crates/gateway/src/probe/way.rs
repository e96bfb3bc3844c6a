//! The way to a destination, as delivery finds it: route or exchangers, addresses, and what is asked of TLS there.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use mailreeve_api::probe::{Exchanger, ProbeTarget, ProbeWay};
use mailreeve_core::delivery::io::{Resolution, Target, TlsMode};
use mailreeve_core::delivery::settings::Route;
use mailreeve_core::delivery::{Demand, Plan};
use mailreeve_core::ids::Host;

use super::{Ground, micros, verdict};
use crate::commands::words;
use crate::diagnose::places;
use crate::lookups::exchangers;

/// A way.
pub(super) struct Way {
    pub(super) told: ProbeWay,
    pub(super) targets: Vec<Target>,
    pub(super) demand: Demand,
}

/// Finds the way; `tls` in place of what the destination's policy asks for.
pub(super) async fn find(ground: Ground<'_>, to: &ProbeTarget, tls: Option<TlsMode>) -> Way {
    let began = Instant::now();
    let mut way = match to.is_destination() {
        true => to_destination(ground, &to.host).await,
        false => to_host(ground, to).await,
    };
    way.demand.tls = tls.unwrap_or(way.demand.tls);
    way.told.target = to.shown();
    words::mode(way.demand.tls).clone_into(&mut way.told.tls);
    way.told.took_us = micros(began.elapsed());
    way
}

async fn to_host(ground: Ground<'_>, to: &ProbeTarget) -> Way {
    let running = ground.running;
    let plan = Plan::new(&running.delivery, &to.host, std::iter::once(to.host.as_str()));
    // What a route says is for its destinations, not for a host that is named by hand.
    let demand = Demand { tls: plan.demand().tls, credentials: None, implicit_tls: false };
    let port = to.port.unwrap_or(running.surroundings.port);
    let (targets, problem) = match places::addresses(running, &to.host).await {
        Ok(addresses) => {
            let target =
                |ip| Target { address: SocketAddr::new(ip, port), name: to.host.clone(), preference: 0 };
            (addresses.into_iter().map(target).collect(), None)
        }
        Err(problem) => {
            let verdict = verdict::of_code("no-address", problem.message);
            (Vec::new(), Some(verdict))
        }
    };
    let told =
        ProbeWay { by: "host".to_owned(), exchangers: rows(&[], &targets), problem, ..ProbeWay::default() };
    Way { told, targets, demand }
}

async fn to_destination(ground: Ground<'_>, name: &str) -> Way {
    let running = ground.running;
    let host = Host::new(name);
    let plan = Plan::new(&running.delivery, host.as_str(), std::iter::empty());
    let now = ground.clock.wall();
    let (by, resolution) = match (plan.fixed_targets(), plan.route()) {
        (Some(targets), _) => {
            ("SMTP route", Resolution::Addresses { targets, exchangers: Vec::new(), expires_at: now.0 })
        }
        (None, Route::Hops { hops, .. }) => {
            ("SMTP route", exchangers::resolve_hops(&running.dns, hops, now).await)
        }
        (None, Route::Discard) => {
            let text = format!("mail to {name} is taken and thrown away, by a route to /dev/null");
            let problem = verdict::of_code("discarded", text);
            let told =
                ProbeWay { by: "SMTP route".to_owned(), problem: Some(problem), ..ProbeWay::default() };
            return Way { told, targets: Vec::new(), demand: plan.demand() };
        }
        (None, Route::UseDns) => {
            let around = Arc::clone(&running.surroundings);
            ("MX", exchangers::resolve(&running.dns, &host, around, now).await)
        }
    };
    let (targets, named, problem) = match resolution {
        Resolution::Addresses { targets, exchangers, .. } => (targets, exchangers, None),
        Resolution::Soft(failure) | Resolution::Hard(failure) => {
            (Vec::new(), Vec::new(), Some(verdict::of_failure(&failure)))
        }
    };
    // A control may be for the exchangers.
    let names = named.iter().map(|(_, _, name)| name.as_str());
    let demand = Plan::new(&running.delivery, host.as_str(), names).demand();
    let exchangers = rows(&named, &targets);
    let told = ProbeWay { by: by.to_owned(), exchangers, problem, ..ProbeWay::default() };
    Way { told, targets, demand }
}

/// Exchangers by preference, those without an address of use included.
fn rows(named: &[(u16, u32, String)], targets: &[Target]) -> Vec<Exchanger> {
    let mut rows: Vec<Exchanger> = Vec::new();
    let names = named.iter().map(|(preference, _, name)| (*preference, name));
    for (preference, name) in names.chain(targets.iter().map(|target| (target.preference, &target.name))) {
        if rows.iter().all(|row| row.name != *name) {
            rows.push(Exchanger { preference, name: name.clone(), addresses: Vec::new() });
        }
    }
    for target in targets {
        if let Some(row) = rows.iter_mut().find(|row| row.name == target.name) {
            row.addresses.push(target.address.ip().to_string());
        }
    }
    rows.sort_by_key(|row| row.preference);
    rows
}
