//! What is configured and what is sent: settings and messages of every kind, by chance.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::time::Duration;

use mailreeve_core::delivery::io::{TlsMode, Waiting};
use mailreeve_core::delivery::settings::{BounceProfile, Control, Hop, HopHost, Pattern, Route, Settings};
use mailreeve_core::envelope::ContentFacts;
use mailreeve_core::ids::{Mid, Rid};

use crate::rng::Rng;
use crate::world::World;

/// Makes settings: often tight enough that every limit is met.
pub(crate) fn some_settings(world: &World, rng: &mut Rng) -> Settings {
    let controls = world.domains.iter().filter_map(|domain| {
        let pattern = Pattern::Exact(domain.host.as_str().to_owned());
        rng.chance(60).then(|| (pattern, some_control(rng)))
    });
    let controls = controls.collect();
    let routes = world.domains.iter().filter_map(|domain| {
        let pattern = Pattern::Exact(domain.host.as_str().to_owned());
        some_route(world, rng).map(|route| (pattern, route))
    });
    let routes = routes.collect();
    Settings {
        connections: rng.pick(&[1, 2, 3, 5, 10_000, 10_000]),
        connections_per_address: rng.pick(&[0, 0, 1, 2]),
        opening_per_address: rng.pick(&[1, 1, 2, 20]),
        idle: Duration::from_secs(rng.pick(&[1, 5, 30, 60])),
        verdict_life: Duration::from_secs(rng.pick(&[600, 3_600, 3_600])),
        profiles: some_profiles(rng),
        default_control: if rng.chance(50) { some_control(rng) } else { Control::default() },
        controls,
        routes,
        eight_bit_bounce: rng.chance(30),
        recipients_per_transaction: rng.pick(&[1, 3, 100, 100]),
    }
}

fn some_profiles(rng: &mut Rng) -> Vec<BounceProfile> {
    let patient = BounceProfile {
        delay_report_seconds: rng.pick(&[None, Some(30), Some(14_400)]),
        ..BounceProfile::default()
    };
    let hasty = BounceProfile {
        name: "hasty".into(),
        attempts: rng.range(2, 5) as u32,
        queue_seconds: rng.pick(&[1_800, 7_200, 40_000]),
        initial_seconds: rng.pick(&[10, 60]),
        max_seconds: rng.pick(&[60, 300, 3_600]),
        send_bounces: rng.chance(50),
        delay_report_seconds: rng.pick(&[None, Some(60)]),
    };
    vec![patient, hasty]
}

fn some_control(rng: &mut Rng) -> Control {
    Control {
        concurrency: rng.pick(&[1, 1, 2, 3, 500]),
        messages_per_connection: rng.pick(&[1, 2, 3, 50, 50]),
        recipients: rng.pick(&[None, None, Some(1), Some(2), Some(6)]),
        recipient_minutes: rng.pick(&[1, 2, 30]),
        per_address: rng.chance(30),
        tls: rng.pick(&[
            TlsMode::Off,
            TlsMode::Preferred,
            TlsMode::Preferred,
            TlsMode::Required,
            TlsMode::Verify,
        ]),
        profile: rng.index(2),
    }
}

fn some_route(world: &World, rng: &mut Rng) -> Option<Route> {
    match rng.below(20) {
        0 => Some(Route::Discard),
        1 => Some(Route::UseDns),
        2..=4 => {
            let hops = (0..rng.range(1, 2)).map(|_| {
                let exchanger = &world.exchangers[rng.index(world.exchangers.len())];
                let port = rng.pick(&[25, 587]);
                let fixed = HopHost::Address(SocketAddr::new(exchanger.address.ip(), port));
                let host = if rng.chance(40) { HopHost::Name(exchanger.name.clone()) } else { fixed };
                Hop { host, port, priority: rng.pick(&[0, 0, 10]) }
            });
            let hops = hops.collect();
            let credentials = rng.chance(60).then(|| "smarthost".into());
            Some(Route::Hops { hops, credentials, implicit_tls: rng.chance(30) })
        }
        _ => None,
    }
}

/// Makes a message accepted at `wall`.
pub(crate) fn some_message(mid: Mid, world: &World, wall: u64, rng: &mut Rng) -> Vec<Waiting> {
    let count = rng.weighted(&[(8, 1), (4, 3), (2, 7), (1, 20)]);
    let spread: BTreeSet<usize> = (0..rng.range(1, 4)).map(|_| rng.index(world.domains.len())).collect();
    let spread: Vec<usize> = spread.into_iter().collect();
    let content = ContentFacts {
        eight_bit: rng.chance(30),
        dots: rng.chance(50),
        utf8_needed: rng.chance(15),
        header_bytes: 400,
    };
    let size = rng.pick(&[900, 4_000, 4_000, 65_000]);
    let null_sender = rng.chance(15);
    let recipients = (0..count).map(|rid| Waiting {
        mid,
        rid: Rid(rid),
        host: world.domains[rng.pick(&spread)].host.clone(),
        accepted_at: wall,
        size,
        content,
        state: None,
        null_sender,
        notify_failure: rng.chance(85),
        notify_delay: rng.chance(60),
    });
    recipients.collect()
}
