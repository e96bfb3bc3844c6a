//! Exchangers that must not be believed: addresses of our own insides, and ourselves (cases D7 and D8).
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod world;

use std::net::{IpAddr, TcpListener};

use mailreeve_lab::dns::Zone;
use mailreeve_lab::host::{Detail, Stage, Temper};
use mailreeve_lab::world::World;
use world::correspondence::{LOOPBACK, Setting};
use world::places::{by_dns, mail_to, settle};
use world::{Gateway, PATIENCE, wait_until};

#[test]
fn addresses_of_our_own_insides_are_never_connected_to_on_the_word_of_dns() {
    let setting = Setting::start("", "");
    let port = setting.net.port();
    let inside =
        TcpListener::bind(("0.0.0.0", port)).or_else(|_| TcpListener::bind(("127.0.0.1", port))).unwrap();
    inside.set_nonblocking(true).unwrap();
    let forbidden = [
        "127.0.0.1",
        "0.0.0.0",
        "::1",
        "::ffff:127.0.0.1",
        "169.254.169.254",
        "10.1.2.3",
        "172.16.1.1",
        "192.168.1.1",
        "fd00::1",
    ];
    for (number, address) in forbidden.iter().enumerate() {
        let domain = format!("inside{number}.test");
        let address: IpAddr = address.parse().unwrap();
        let mx = format!("mx.{domain}");
        setting.put(&Zone::new(&domain).mx(10, &mx).address(&mx, address));
        setting.send(&domain);
        let reason = setting.deferred(&domain);
        assert!(reason.contains("refused_networks"), "{address}: {reason}");
    }
    setting.put(&Zone::new("localhost").address("localhost", "127.0.0.1".parse::<IpAddr>().unwrap()));
    setting.put(&Zone::new("by-name.test").mx(10, "localhost"));
    setting.send("by-name.test");
    assert!(setting.deferred("by-name.test").contains("refused_networks"));
    assert!(inside.accept().is_err(), "somebody came");
}

#[test]
fn an_address_inside_is_reached_when_the_operator_routes_to_it() {
    let net = World::start(8).unwrap();
    let host = net.host("hosts.test", Temper::healthy(), Detail::default()).unwrap();
    net.dns().put(&Zone::new("hosts.test").address(host.name(), host.address().ip())).unwrap();
    let route = format!("[[route]]\ndomain = \"routed.test\"\nto = [\"{}:{}\"]\n", host.name(), net.port());
    let gateway = Gateway::start(&format!("{}{route}", by_dns(&net, "")));
    mail_to(&gateway, &["b@routed.test"]);
    assert!(host.wait_for(1, PATIENCE));
}

#[test]
fn mail_that_leads_back_to_us_bounces_as_a_loop() {
    let net = World::start(9).unwrap();
    let sender = settle(&net, "sender.test", Temper::healthy());
    let mut gateway = Gateway::prepare("");
    let own = gateway.smtp;
    // Ordinary delivery goes to our own port here, so that our own address is really our own.
    let settings =
        by_dns(&net, LOOPBACK).replace(&format!("port = {}", net.port()), &format!("port = {}", own.port()));
    let home = format!(
        "[[route]]\ndomain = \"sender.test\"\nto = [\"[{}]:{}\"]\n",
        sender.address().ip(),
        net.port()
    );
    gateway.configure(&format!("{settings}{home}"));
    gateway.run();
    net.dns().put(&Zone::new("self.test").mx(10, "mx.self.test").address("mx.self.test", own.ip())).unwrap();
    net.dns().put(&Zone::new("name.test").mx(10, "gw.test")).unwrap();
    let setting = Setting { net, gateway, sender };
    for domain in ["self.test", "name.test"] {
        setting.send(domain);
        let report = setting.bounced(domain);
        assert!(report.contains("Status: 5.4.6"), "{report}");
    }
    wait_until("nothing waits", || setting.gateway.active() == 0);
}

#[test]
fn a_backup_delivers_to_better_exchangers_only() {
    let setting = Setting::start(LOOPBACK, "");
    let (first, last) = (setting.host(), setting.host());
    let zone = Zone::new("backup.test")
        .mx(10, "a.backup.test")
        .mx(20, "gw.test")
        .mx(20, "b.backup.test")
        .mx(30, "c.backup.test");
    setting.put(
        &zone
            .address("a.backup.test", first.address().ip())
            .address("b.backup.test", last.address().ip())
            .address("c.backup.test", last.address().ip()),
    );
    setting.send("backup.test");
    assert!(first.wait_for(1, PATIENCE));
    first.change(Temper::refusing(Stage::Banner, 421));
    wait_until("the kept connection is closed", || first.open_connections() == 0);
    setting.send("backup.test");
    setting.waiting_after_a_try("backup.test");
    assert_eq!(last.connections(), 0, "an exchanger behind ourselves was used");
}
