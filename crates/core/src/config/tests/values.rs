//! What is read: defaults, the reference file, each value where it belongs.

use std::time::Duration;

use super::*;
use crate::delivery::io::TlsMode;
use crate::delivery::settings::{Hop, HopHost};

#[test]
fn no_text_is_a_whole_configuration_that_accepts_nothing() {
    let config = good("");
    assert_eq!(config.hostname, "gw.test");
    assert_eq!(config.listeners.len(), 1);
    assert_eq!(config.listeners[0].address.to_string(), "0.0.0.0:25");
    assert_eq!(config.accept, Accept::default());
    assert_eq!(config.limits, Limits::default());
    assert_eq!(config.metrics_address, None);
    assert_eq!(config.identity, None);
    assert_eq!(config.bounce_profiles.len(), 1);
    assert_eq!(config, good("# only a comment\n"));
}

/// The comments of the reference file promise defaults; this holds them to it.
#[test]
fn the_reference_file_shows_the_defaults() {
    let reference = good(REFERENCE);
    let built_in = good("");
    assert_eq!(reference.listeners, built_in.listeners);
    assert_eq!(reference.limits, built_in.limits);
    assert_eq!(reference.timeouts, built_in.timeouts);
    assert_eq!(reference.queue, built_in.queue);
    assert_eq!(reference.delivery, built_in.delivery);
    assert_eq!(reference.destination_default, built_in.destination_default);
    assert_eq!(reference.dns, built_in.dns);
    assert_eq!(reference.log, built_in.log);
    assert_eq!(reference.ledger, built_in.ledger);
    assert_eq!(Desk { identity: None, ..reference.desk }, built_in.desk);
    assert_eq!(reference.receive_threads, built_in.receive_threads);
    let patient = BounceProfile {
        name: "default".to_owned(),
        delay_report_seconds: None,
        ..reference.bounce_profiles[1].clone()
    };
    assert_eq!(patient, built_in.bounce_profiles[0]);
}

#[test]
fn the_reference_file_shows_every_key() {
    let document = DeTable::parse(REFERENCE).unwrap();
    for spec in SECTIONS {
        let path: Vec<&str> =
            spec.header.trim_matches(['[', ']']).split('.').filter(|p| !p.is_empty()).collect();
        let mut tables = vec![document.get_ref()];
        for name in path {
            let inside = tables.iter().filter_map(|table| table.get(name));
            tables = inside
                .flat_map(|value| match value.get_ref().as_array() {
                    Some(rows) => rows.iter().filter_map(|row| row.get_ref().as_table()).collect(),
                    None => value.get_ref().as_table().into_iter().collect::<Vec<_>>(),
                })
                .collect();
        }
        for key in spec.keys {
            let shown = tables.iter().any(|table| table.contains_key(*key));
            assert!(shown, "docs/mailreeve.toml does not show `{key}` of {}", spec.header);
        }
    }
}

#[test]
fn the_reference_file_is_read_in_full() {
    let config = good(REFERENCE);
    assert_eq!(config.hostname, "gw.example.com");
    assert_eq!(config.accept.domains, ["example.com", ".sub.example.com"]);
    assert_eq!(config.accept.relay_networks.len(), 2);
    assert_eq!(config.routes.len(), 4);
    let name = |name: &str, port, priority| Hop { host: HopHost::Name(name.into()), port, priority };
    let (pattern, route) = &config.routes[0];
    assert_eq!(*pattern, Pattern::Exact("example.com".into()));
    let Route::Hops { hops, credentials: None, implicit_tls: false } = route else {
        unreachable!("{route:?}")
    };
    assert_eq!(hops[..2], [name("mail1.example.com", 25, 0), name("mail2.example.com", 2525, 10)]);
    assert_eq!(hops[2].host, HopHost::Address("192.0.2.7:25".parse().unwrap()));
    assert_eq!(config.routes[1], (Pattern::Below(".lab.example.com".into()), Route::Discard));
    assert_eq!(config.routes[2].1, Route::UseDns);
    let smarthost = Route::Hops {
        hops: vec![name("smarthost.example.org", 465, 0)],
        credentials: Some("smarthost".into()),
        implicit_tls: true,
    };
    assert_eq!(config.routes[3], (Pattern::All, smarthost));
    let (_, control) = &config.destinations[0];
    assert_eq!((control.concurrency, control.recipients, control.recipient_minutes), (20, Some(600), 1));
    assert_eq!((control.tls, control.per_address, control.profile), (TlsMode::Verify, true, 1));
    assert_eq!(config.bounce_profiles[1].delay_report_seconds, Some(14_400));
    assert_eq!(config.metrics_address, Some("127.0.0.1:9090".parse().unwrap()));
    assert_eq!(config.credentials[0].password_file, PathBuf::from("/etc/mailreeve/smarthost.password"));
}

#[test]
fn a_profile_named_default_changes_the_default() {
    let config = good("[[bounce_profile]]\nname = 'default'\nmax_attempts = 3\n");
    assert_eq!(config.bounce_profiles.len(), 1);
    assert_eq!(config.bounce_profiles[0].attempts, 3);
    assert_eq!(config.bounce_profiles[0].queue_seconds, 259_200);
}

#[test]
fn a_row_inherits_what_it_does_not_say() {
    let text = "
        [destination_default]
        concurrency = 7
        recipients = 100
        [[destination]]
        domain = '.slow.example'
        tls = 'off'
        [[destination]]
        domain = 'free.example'
        recipients = 0
    ";
    let rows = good(text).destinations;
    assert_eq!(rows[0].0, Pattern::Below(".slow.example".into()));
    assert_eq!((rows[0].1.concurrency, rows[0].1.recipients, rows[0].1.tls), (7, Some(100), TlsMode::Off));
    assert_eq!((rows[1].1.concurrency, rows[1].1.recipients), (7, None));
}

#[test]
fn names_are_brought_to_one_form() {
    let config =
        good("hostname = 'GW.Bücher.Example'\n[accept]\ndomains = ['.BÜCHER.example', 'Example.COM']");
    assert_eq!(config.hostname, "gw.xn--bcher-kva.example");
    assert_eq!(config.accept.domains, [".xn--bcher-kva.example", "example.com"]);
}

#[test]
fn numbers_sizes_and_times_in_every_spelling() {
    let config = good(
        "
        [limits]
        message_bytes = 0x10_0000
        header_bytes = '8 kib'
        [timeouts]
        command = 60
        data = '1m30s'
        [log]
        timezone = 'Asia/Tokyo'
        [dns]
        servers = ['127.0.0.1', '127.0.0.1:5353', '::1', '[::1]:5353']
    ",
    );
    assert_eq!((config.limits.message_bytes, config.limits.header_bytes), (1 << 20, 8192));
    assert_eq!(config.timeouts.command, Duration::from_secs(60));
    assert_eq!(config.timeouts.data, Duration::from_secs(90));
    let Zone::Named(zone) = &config.log.zone else { unreachable!("{:?}", config.log.zone) };
    assert_eq!(zone.iana_name(), Some("Asia/Tokyo"));
    let ports: Vec<u16> = config.dns.servers.iter().map(|server| server.port()).collect();
    assert_eq!(ports, [53, 5353, 53, 5353]);
}

#[test]
fn an_open_relay_must_be_asked_for_by_name() {
    let text = "[accept]\nrelay_networks = ['0.0.0.0/0', '::/0']\nallow_open_relay = true";
    assert_eq!(good(text).accept.relay_networks.len(), 2);
    for harmless in ["10.0.0.0/8", "fc00::/7", "2001:db8::/32"] {
        assert_eq!(
            good(&format!("[accept]\nrelay_networks = ['{harmless}']")).accept.relay_networks.len(),
            1
        );
    }
    for open in ["0.0.0.0/0", "0.0.0.0/1", "128.0.0.0/1", "::/0", "2000::/3", "fc00::/6"] {
        let text = format!("[accept]\nrelay_networks = ['{open}']");
        assert!(bad(&text).contains("open relay"), "{open}");
    }
}

#[test]
fn settings_of_sessions_policy_and_delivery_follow_the_file() {
    let config = good(
        "
        hostname = 'mx.example.com'
        [[listener]]
        name = 'Inside'
        address = '[::1]:2525'
        tls = false
        [accept]
        domains = ['example.com']
        [limits]
        hops = 7
        line_ends = 'normalise'
        [timeouts]
        minimum_rate = 5
        [delivery]
        eight_bit = 'bounce'
        connections = 9
    ",
    );
    let session = config.smtp_settings(&config.listeners[0]);
    assert_eq!((session.hostname.as_str(), session.limits.hops), ("mx.example.com", 7));
    assert_eq!((session.extensions.starttls, session.line_ends), (false, LineEnds::Normalise));
    assert_eq!(session.deadlines.minimum_rate, 5);
    let delivery = config.delivery_settings();
    assert_eq!((delivery.eight_bit_bounce, delivery.connections), (true, 9));
    assert_eq!(delivery.verdict_life, Duration::from_secs(3600));
    let policy = config.policy();
    assert_eq!((policy.hostname.as_str(), policy.accepted_domains.len()), ("mx.example.com", 1));
}

#[test]
fn the_desk_leaves_this_machine_only_with_a_certificate() {
    let refused = bad("[desk]\naddress = '192.0.2.1:8024'\n");
    assert!(refused.contains("in the clear") && refused.contains("mailreeve.toml:2"), "{refused}");
    let half = bad("[desk]\naddress = '192.0.2.1:8024'\ncertificate = '/c.pem'\n");
    assert!(half.contains("belong together") && !half.contains("in the clear"), "{half}");
    let both = good("[desk]\naddress = '[::]:443'\ncertificate = '/c.pem'\nkey = '/k.pem'\n");
    assert_eq!(both.desk.identity.unwrap().key, PathBuf::from("/k.pem"));
    assert!(good("[desk]\naddress = '[::1]:0'\nidle_timeout = '5m'\n").desk.enabled);
    // One that is switched off harms nobody.
    assert!(!good("[desk]\nenabled = false\naddress = '0.0.0.0:80'\n").desk.enabled);
}
