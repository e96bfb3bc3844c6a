//! Senders of every temper, visiting hosts of the lab.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use mailreeve_lab::host::{
    Act, Authority, Detail, Ending, Host, HostPlan, Offers, Rule, Stage, Temper, TlsTemper,
};
use mailreeve_lab::room::Room;
use mailreeve_lab::sender::{Conduct, End, Sender};

struct House {
    host: Host,
    _room: Room,
}

fn house(temper: Temper) -> House {
    let room = Room::open("test").unwrap();
    let detail = Detail::Records { memory: true, content: true, file: None };
    let plan = HostPlan::new(([127, 0, 0, 1], 0).into(), temper).detail(detail);
    let host = Host::start(&room, &Arc::new(Authority::new().unwrap()), plan).unwrap();
    House { host, _room: room }
}

impl House {
    fn at(&self) -> SocketAddr {
        self.host.address()
    }
}

fn sender() -> Sender {
    Sender { patience: Duration::from_secs(10), ..Sender::new("a@from.test", "b@to.test") }
}

#[test]
fn a_polite_sender_hands_its_message_over_from_its_address() {
    let house = house(Temper::healthy());
    let from = IpAddr::V4(Ipv4Addr::new(127, 3, 2, 1));
    let content = b"Subject: dots\r\n\r\n.one\r\n..two\r\n".to_vec();
    let sender = Sender { content: content.clone(), ..sender() }.from_address(from);
    let visit = sender.visit(house.at(), Conduct::Polite);
    assert_eq!(visit.end, End::Taken, "{visit:?}");
    assert!(visit.replies[0].starts_with("220 ") && visit.last_reply().starts_with("250 "));
    let taken = house.host.deliveries();
    assert_eq!(taken[0].content.as_deref(), Some(&content[..]));
    assert_eq!((taken[0].mail.as_str(), taken[0].helo.as_str()), ("a@from.test", "from.test"));
    assert_eq!(taken[0].peer.map(|peer| peer.ip()), Some(from));
    assert_eq!(house.host.complaints(), Vec::<String>::new());
}

#[test]
fn a_hasty_sender_leaves_without_a_banner_and_stays_with_one() {
    let wait = Duration::from_millis(150);
    let silent = house(Temper::silent());
    let begin = Instant::now();
    let visit = sender().visit(silent.at(), Conduct::Hasty(wait));
    assert_eq!(visit.end, End::LeftBeforeBanner);
    assert!(begin.elapsed() >= wait);
    let late = house(Temper::healthy().rule(Rule::new(Stage::Banner, Act::Proceed).delay(wait)));
    assert_eq!(sender().visit(late.at(), Conduct::Hasty(wait * 40)).end, End::Taken);
    let quick = house(Temper::healthy());
    assert_eq!(sender().visit(quick.at(), Conduct::Hasty(wait * 40)).end, End::Taken);
}

#[test]
fn a_sender_that_vanishes_leaves_nothing_behind() {
    for ending in [Ending::Close, Ending::Reset] {
        let house = house(Temper::healthy());
        let visit = sender().visit(house.at(), Conduct::LeavesInContent(20, ending));
        assert_eq!((visit.end, visit.content_octets), (End::LeftInContent, 20));
        assert!(visit.last_reply().starts_with("354"), "{visit:?}");
        let until = Instant::now() + Duration::from_secs(10);
        while house.host.open_connections() > 0 && Instant::now() < until {
            std::thread::yield_now();
        }
        assert_eq!((house.host.open_connections(), house.host.sums().messages), (0, 0));
    }
}

#[test]
fn too_large_is_refused_where_it_is_known() {
    let limits = || Temper::healthy().offers(Offers { size: Some(10_000), ..Offers::default() });
    let announced = house(limits());
    let visit = sender().visit(announced.at(), Conduct::LargeAnnounced(20_000));
    assert_eq!((visit.end, visit.content_octets), (End::Refused, 0));
    assert!(visit.last_reply().starts_with("552"), "{visit:?}");
    let unannounced = house(limits());
    let visit = sender().visit(unannounced.at(), Conduct::LargeUnannounced(20_000));
    assert_eq!(visit.end, End::Refused);
    assert!(visit.content_octets >= 20_000 && visit.last_reply().starts_with("552"), "{visit:?}");
    assert_eq!(sender().visit(unannounced.at(), Conduct::LargeUnannounced(5_000)).end, End::Taken);
}

#[test]
fn old_tls_finds_no_version_in_common() {
    const PROTOCOL_VERSION: u8 = 70;
    let good = house(Temper::healthy().tls(TlsTemper::Good));
    let visit = sender().visit(good.at(), Conduct::OldTls);
    assert_eq!(visit.end, End::NoTls(PROTOCOL_VERSION), "{visit:?}");
    let without = house(Temper::healthy());
    let visit = sender().visit(without.at(), Conduct::OldTls);
    assert_eq!((visit.end, &visit.last_reply()[..3]), (End::Refused, "502"));
}

#[test]
fn a_crowd_is_counted_by_its_banners() {
    let house = house(Temper { max_connections: Some(2), ..Temper::healthy() });
    let crowd: Vec<_> = (0..3).map(|_| sender().linger(house.at()).unwrap()).collect();
    let codes: Vec<&str> = crowd.iter().map(|one| &one.banner[..3]).collect();
    assert_eq!(codes, ["220", "220", "421"]);
}

#[test]
fn refusals_and_losses_are_told_apart() {
    let refusing = house(Temper::knowing_nobody());
    let visit = sender().visit(refusing.at(), Conduct::Polite);
    assert_eq!((visit.end, &visit.last_reply()[..3]), (End::Refused, "550"));
    let mut partly = sender();
    partly.rcpts.push("full@to.test".to_owned());
    let some = house(Temper::healthy().recipient("full@*", 452));
    assert_eq!(partly.visit(some.at(), Conduct::Polite).end, End::Taken);
    let cut = house(Temper::cut_after_sent(1, Ending::Close));
    assert_eq!(sender().visit(cut.at(), Conduct::Polite).end, End::Lost(ErrorKind::UnexpectedEof));
    let gone = cut.at();
    drop(cut);
    assert_eq!(sender().visit(gone, Conduct::Polite).end, End::Lost(ErrorKind::ConnectionRefused));
}
