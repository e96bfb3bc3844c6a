//! Worlds: hosts that are found by name, and files that describe them.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::collections::HashSet;
use std::io::ErrorKind;
use std::net::{IpAddr, SocketAddr, TcpStream, UdpSocket};
use std::time::Duration;

use hickory_proto::op::{Message, Query};
use hickory_proto::rr::{Name, RData, RecordType};
use mailreeve_lab::client::{self, Ended, Load, Quota};
use mailreeve_lab::host::{Stage, Temper};
use mailreeve_lab::world::{Absent, World, WorldFile};

const PATIENCE: Duration = Duration::from_secs(10);

fn ask(dns: SocketAddr, name: &Name, record_type: RecordType) -> Vec<RData> {
    let mut message = Message::query();
    message.add_query(Query::query(name.clone(), record_type));
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    socket.send_to(&message.to_vec().unwrap(), dns).unwrap();
    let mut buffer = [0; 4096];
    let length = socket.recv(&mut buffer).unwrap();
    Message::from_vec(&buffer[..length]).unwrap().answers.into_iter().map(|record| record.data).collect()
}

/// Walks from a domain to the address of its MX, as a relay does, and back to the name.
fn find(world: &World, domain: &str) -> SocketAddr {
    let dns = world.dns().address();
    let RData::MX(mx) = &ask(dns, &Name::from_ascii(domain).unwrap(), RecordType::MX)[0] else {
        unreachable!("an MX");
    };
    let RData::A(address) = ask(dns, &mx.exchange, RecordType::A)[0] else { unreachable!("an address") };
    let ip = IpAddr::V4(address.0);
    if let Some(RData::PTR(host)) = ask(dns, &Name::from(ip), RecordType::PTR).first() {
        assert_eq!(host.0, mx.exchange, "the name of the address");
    }
    SocketAddr::new(ip, world.port())
}

fn send(target: SocketAddr) -> client::Report {
    let load =
        Load { target, quota: Quota::Total(3), patience: PATIENCE, deadline: PATIENCE, ..Load::default() };
    client::run(load).unwrap()
}

#[test]
fn domains_lead_to_their_hosts() {
    let world = World::start(1).unwrap();
    let good = world.settle("good.test", Temper::healthy()).unwrap();
    let bad = world.settle("bad.test", Temper::refusing(Stage::Mail, 550)).unwrap();
    assert_eq!(find(&world, "good.test."), good.address());
    assert_eq!(find(&world, "bad.test."), bad.address());
    assert_ne!(good.address().ip(), bad.address().ip());
    assert_eq!(send(good.address()).acked.messages, 3);
    assert_eq!(send(bad.address()).refused_messages(), 3);
    assert_eq!(good.deliveries().len(), 3);
    let names: HashSet<String> = (0..50).map(|_| world.domain_name()).collect();
    assert!(names.len() > 40, "names of chance");
}

#[test]
fn nobody_answers_where_nobody_is() {
    let world = World::start(2).unwrap();
    for (absent, domain, kind) in [
        (Absent::Refusing, "refusing.test.", ErrorKind::ConnectionRefused),
        (Absent::Swallowing, "vanishing.test.", ErrorKind::TimedOut),
    ] {
        let address = world.settle_absent(domain, absent).unwrap();
        assert_eq!(find(&world, domain), address);
        let error = TcpStream::connect_timeout(&address, Duration::from_millis(200)).unwrap_err();
        assert_eq!(error.kind(), kind);
    }
    assert_eq!(send(find(&world, "refusing.test.")).ended, Ended::GaveUp);
}

#[test]
fn a_world_ends_with_all_its_sockets() {
    let world = World::start(3).unwrap();
    let host = world.settle("gone.test", Temper::silent()).unwrap();
    let open = TcpStream::connect(host.address()).unwrap();
    let dns = world.dns().address();
    drop(world);
    assert!(TcpStream::connect(host.address()).is_err());
    assert!(std::net::UdpSocket::bind(dns).is_ok());
    drop(open);
}

#[test]
fn many_hosts_fit_into_one_world() {
    let world = World::start(4).unwrap();
    let hosts: Vec<_> =
        (0..300).map(|number| world.settle(&format!("d{number}.test"), Temper::healthy()).unwrap()).collect();
    let addresses: HashSet<SocketAddr> = hosts.iter().map(mailreeve_lab::host::Host::address).collect();
    assert_eq!(addresses.len(), 300);
    for host in hosts.iter().step_by(50) {
        assert_eq!(send(host.address()).acked.messages, 3);
    }
}

#[test]
fn a_file_describes_a_world() {
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let text = format!(
        r#"
seed = 5
dns = "127.0.0.1:0"
port = {port}

[[zone]]
origin = "one.test"
records = ["@ MX 10 mx.one.test", "mx.one.test A 127.200.0.1"]

[[behaviour]]
name = "slow.test"
do = "slow"
delay_ms = 10

[[host]]
address = "127.200.0.1"
name = "mx.one.test"
tls = "self-signed"
without = ["chunking", "SIZE"]

[[host.rule]]
at = "mail"
reply = "451 4.3.0 first not"
first = 1

[[host]]
address = "127.200.0.2"
temper = "throttling"
count = 1

[[host]]
address = "127.200.0.3"
temper = "refusing-connections"
"#
    );
    let world = WorldFile::parse(&text).unwrap().start().unwrap();
    let address = find(&world, "one.test.");
    assert_eq!(address, SocketAddr::from(([127, 200, 0, 1], port)));
    let report = send(address);
    assert_eq!((report.acked.messages, report.refused_messages()), (2, 1));
    assert_eq!(report.refused.keys().next().map(String::as_str), Some("451 4.3.0 first not"));
    assert_eq!(send(SocketAddr::from(([127, 200, 0, 2], port))).acked.messages, 1);
    assert_eq!(send(SocketAddr::from(([127, 200, 0, 3], port))).connections, 0);
}

#[test]
fn a_file_with_a_mistake_says_where() {
    let head = "dns = \"127.0.0.1:0\"\nport = 1\n";
    for (text, part) in [
        ("port = 1\n".to_owned(), "dns"),
        (format!("{head}colour = 3\n"), "colour"),
        (format!("{head}[[host]]\naddress = \"127.0.0.1\"\ntemper = \"sad\"\n"), "sad"),
    ] {
        let error = WorldFile::parse(&text).unwrap_err().to_string();
        assert!(error.contains(part), "{error}");
    }
    for (text, part) in [
        ("[[zone]]\norigin = \"a.test\"\nrecords = [\"@ MX ten b\"]\n", "no preference"),
        ("[[host]]\naddress = \"127.0.0.1\"\nwithout = [\"TURN\"]\n", "TURN"),
        ("[[host]]\naddress = \"127.0.0.1\"\n[[host.rule]]\nat = \"mail\"\nreply = \"never\"\n", "never"),
    ] {
        let file = WorldFile::parse(&format!("{head}{text}")).unwrap();
        let error = file.start().unwrap_err().to_string();
        assert!(error.contains(part), "{error}");
    }
}
