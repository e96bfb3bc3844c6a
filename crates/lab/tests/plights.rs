//! Domains in every plight, looked up and called as a relay would.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::io::ErrorKind;
use std::net::{IpAddr, SocketAddr, TcpStream, UdpSocket};
use std::time::Duration;

use hickory_proto::op::{Message, Query, ResponseCode};
use hickory_proto::rr::{Name, RData, RecordType};
use mailreeve_lab::dns::{Behaviour, DeadServer};
use mailreeve_lab::host::{Detail, Temper};
use mailreeve_lab::sender::{Conduct, End, Sender};
use mailreeve_lab::world::{Absent, Plight, World};

const PATIENCE: Duration = Duration::from_secs(10);
const SILENCE: Duration = Duration::from_millis(200);

/// Asks, and waits at most for `patience`.
fn ask(dns: SocketAddr, name: &str, record_type: RecordType, patience: Duration) -> std::io::Result<Message> {
    let mut message = Message::query();
    message.add_query(Query::query(Name::from_ascii(name).unwrap(), record_type));
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.connect(dns).unwrap();
    socket.set_read_timeout(Some(patience)).unwrap();
    socket.send(&message.to_vec().unwrap())?;
    let mut buffer = [0; 4096];
    let length = socket.recv(&mut buffer)?;
    Ok(Message::from_vec(&buffer[..length]).unwrap())
}

/// The exchangers of a domain, best first, each with its addresses.
fn exchangers(world: &World, domain: &str) -> Vec<(u16, String, Vec<IpAddr>)> {
    let dns = world.dns().address();
    let mut found: Vec<_> = ask(dns, domain, RecordType::MX, PATIENCE)
        .unwrap()
        .answers
        .into_iter()
        .filter_map(|record| match record.data {
            RData::MX(mx) => Some((mx.preference, mx.exchange.to_utf8())),
            _ => None,
        })
        .collect();
    found.sort();
    let addresses = |name: &str| {
        let answers = ask(dns, name, RecordType::A, PATIENCE).unwrap().answers;
        let address = |data: RData| if let RData::A(a) = data { Some(IpAddr::V4(a.0)) } else { None };
        answers.into_iter().filter_map(|record| address(record.data)).collect()
    };
    found.into_iter().map(|(preference, name)| (preference, name.clone(), addresses(&name))).collect()
}

fn call(world: &World, address: IpAddr) -> ErrorKind {
    let target = SocketAddr::new(address, world.port());
    TcpStream::connect_timeout(&target, SILENCE).unwrap_err().kind()
}

fn establish(world: &World, domain: &str, plight: &Plight) {
    world.establish(domain, plight, Detail::default()).unwrap();
}

#[test]
fn who_is_absent_is_absent_in_its_way() {
    let world = World::start(1).unwrap();
    for (domain, absent, kind) in [
        ("refusing.test", Absent::Refusing, ErrorKind::ConnectionRefused),
        ("vanishing.test", Absent::Swallowing, ErrorKind::TimedOut),
        ("unrouted.test", Absent::Unrouted, ErrorKind::NetworkUnreachable),
    ] {
        establish(&world, domain, &Plight::Absent(absent));
        let found = exchangers(&world, domain);
        assert_eq!(call(&world, found[0].2[0]), kind, "{domain}");
    }
}

#[test]
fn the_second_exchanger_answers_where_the_first_is_dead() {
    let world = World::start(2).unwrap();
    let plight = Plight::Backup(Absent::Refusing, Temper::healthy());
    let settled = world.establish("two.test", &plight, Detail::default()).unwrap();
    let found = exchangers(&world, "two.test");
    assert_eq!(found.iter().map(|one| one.0).collect::<Vec<_>>(), [10, 20]);
    assert_eq!(call(&world, found[0].2[0]), ErrorKind::ConnectionRefused);
    let second = SocketAddr::new(found[1].2[0], world.port());
    let host = settled.host.unwrap();
    assert_eq!((second, settled.exchangers.len()), (host.address(), 2));
    assert_eq!(Sender::new("a@b.test", "c@two.test").visit(second, Conduct::Polite).end, End::Taken);
}

#[test]
fn names_fail_as_they_are_to_fail_and_recover() {
    let world = World::start(3).unwrap();
    let dns = world.dns().address();
    establish(&world, "null.test", &Plight::NullMx);
    let found = exchangers(&world, "null.test");
    assert_eq!((found[0].0, found[0].1.as_str(), found.len()), (0, ".", 1));
    establish(&world, "homeless.test", &Plight::NoAddress);
    let found = exchangers(&world, "homeless.test");
    assert!(found[0].1.ends_with(".homeless.test.") && found[0].2.is_empty(), "{found:?}");
    establish(&world, "nowhere.test", &Plight::Missing);
    let answer = ask(dns, "nowhere.test", RecordType::MX, PATIENCE).unwrap();
    assert_eq!(answer.metadata.response_code, ResponseCode::NXDomain);
    establish(&world, "broken.test", &Plight::Lookup(Behaviour::ServFail));
    let answer = ask(dns, "mx.broken.test", RecordType::A, PATIENCE).unwrap();
    assert_eq!(answer.metadata.response_code, ResponseCode::ServFail);
    establish(&world, "mute.test", &Plight::Lookup(Behaviour::Silent));
    let error = ask(dns, "mute.test", RecordType::MX, SILENCE).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::WouldBlock);
    // What is mended answers again.
    for domain in ["broken.test", "mute.test", "null.test", "nowhere.test"] {
        establish(&world, domain, &Plight::Host(Temper::healthy()));
        let found = exchangers(&world, domain);
        assert_eq!((found.len(), found[0].2.len()), (1, 1), "{domain}");
    }
}

#[test]
fn the_name_of_an_address_can_be_slow_or_never_come() {
    let world = World::start(4).unwrap();
    let dns = world.dns().address();
    let [slow, mute] = [IpAddr::from([127, 20, 0, 1]), IpAddr::from([127, 20, 0, 2])];
    for address in [slow, mute] {
        world.dns().reverse(address, "client.test").unwrap();
    }
    let delay = Duration::from_millis(120);
    world.dns().behave_in_reverse(slow, Behaviour::Slow(delay));
    world.dns().behave_in_reverse(mute, Behaviour::Silent);
    let begin = std::time::Instant::now();
    let name = |address: IpAddr| Name::from(address).to_utf8();
    assert_eq!(ask(dns, &name(slow), RecordType::PTR, PATIENCE).unwrap().answers.len(), 1);
    assert!(begin.elapsed() >= delay);
    assert!(ask(dns, &name(mute), RecordType::PTR, SILENCE).is_err());
}

#[test]
fn nobody_is_at_the_address_of_a_dead_name_server() {
    let dead = DeadServer::start(([127, 0, 0, 1], 0).into()).unwrap();
    let error = ask(dead.address(), "a.test", RecordType::MX, PATIENCE).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
    let error = TcpStream::connect_timeout(&dead.address(), PATIENCE).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
    assert!(UdpSocket::bind(dead.address()).is_err(), "taken while it is dead");
}
