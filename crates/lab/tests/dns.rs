//! The name server, asked over real sockets.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, TcpStream, UdpSocket};
use std::time::{Duration, Instant};

use hickory_proto::op::{Edns, Message, Query, ResponseCode};
use hickory_proto::rr::{Name, RData};
use mailreeve_lab::dns::{Behaviour, DnsServer, Outside, RecordType, Transport, Zone};

const PATIENCE: Duration = Duration::from_secs(10);
/// How long silence has to last to count as silence.
const SILENCE: Duration = Duration::from_millis(200);

fn server() -> DnsServer {
    let dns = DnsServer::start(([127, 0, 0, 1], 0).into()).unwrap();
    let zone = Zone::new("example.test")
        .mx(10, "mx1.example.test")
        .mx(20, "mx2.example.test")
        .address("mx1.example.test", [127, 0, 0, 9])
        .address("mx1.example.test", std::net::Ipv6Addr::LOCALHOST)
        .txt("@", &"v=spf1 ".repeat(60))
        .cname("www.example.test", "mx1.example.test");
    dns.put(&zone).unwrap();
    dns
}

fn query(name: &str, record_type: RecordType, payload: Option<u16>) -> Message {
    let mut message = Message::query();
    message.add_query(Query::query(Name::from_ascii(name).unwrap(), record_type));
    message.metadata.recursion_desired = true;
    if let Some(payload) = payload {
        let mut edns = Edns::new();
        edns.set_max_payload(payload);
        message.set_edns(edns);
    }
    message
}

fn send(dns: &DnsServer, message: &Message) -> UdpSocket {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.send_to(&message.to_vec().unwrap(), dns.address()).unwrap();
    socket
}

fn receive(socket: &UdpSocket, patience: Duration) -> Option<Vec<u8>> {
    socket.set_read_timeout(Some(patience)).unwrap();
    let mut buffer = vec![0; 65_536];
    let length = socket.recv(&mut buffer).ok()?;
    buffer.truncate(length);
    Some(buffer)
}

fn ask(dns: &DnsServer, name: &str, record_type: RecordType) -> Message {
    let message = query(name, record_type, Some(1232));
    let bytes = receive(&send(dns, &message), PATIENCE).expect("an answer");
    let answer = Message::from_vec(&bytes).unwrap();
    assert_eq!(answer.metadata.id, message.metadata.id);
    assert_eq!(answer.queries, message.queries);
    assert!(answer.edns.is_some());
    answer
}

fn ask_tcp(dns: &DnsServer, name: &str, record_type: RecordType) -> Option<Message> {
    let mut stream = TcpStream::connect(dns.address()).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let request = query(name, record_type, None).to_vec().unwrap();
    stream.write_all(&(request.len() as u16).to_be_bytes()).unwrap();
    stream.write_all(&request).unwrap();
    let mut length = [0; 2];
    stream.read_exact(&mut length).ok()?;
    let mut answer = vec![0; usize::from(u16::from_be_bytes(length))];
    stream.read_exact(&mut answer).unwrap();
    Some(Message::from_vec(&answer).unwrap())
}

fn code(dns: &DnsServer, name: &str) -> ResponseCode {
    ask(dns, name, RecordType::A).metadata.response_code
}

#[test]
fn zones_are_served_over_both_transports_in_any_case() {
    let dns = server();
    for answer in
        [ask(&dns, "EXAMPLE.test.", RecordType::MX), ask_tcp(&dns, "example.TEST.", RecordType::MX).unwrap()]
    {
        assert_eq!(answer.metadata.response_code, ResponseCode::NoError);
        assert!(answer.metadata.authoritative && answer.metadata.recursion_available);
        let exchanges: Vec<String> = answer.answers.iter().map(|record| record.data.to_string()).collect();
        assert_eq!(exchanges, ["10 mx1.example.test.", "20 mx2.example.test."]);
    }
    assert_eq!(ask(&dns, "mx1.example.test.", RecordType::AAAA).answers.len(), 1);
    let RData::TXT(text) = ask(&dns, "example.test.", RecordType::TXT).answers[0].data.clone() else {
        panic!("text");
    };
    assert_eq!(text.txt_data.len(), 2, "420 bytes need two strings");
}

#[test]
fn a_cname_brings_its_target() {
    let answer = ask(&server(), "www.example.test.", RecordType::A);
    let kinds: Vec<RecordType> = answer.answers.iter().map(hickory_proto::rr::Record::record_type).collect();
    assert_eq!(kinds, [RecordType::CNAME, RecordType::A]);
}

#[test]
fn no_has_three_faces() {
    let dns = server();
    let missing = ask(&dns, "nobody.example.test.", RecordType::A);
    assert_eq!(missing.metadata.response_code, ResponseCode::NXDomain);
    assert_eq!(missing.authorities[0].record_type(), RecordType::SOA);
    let empty = ask(&dns, "example.test.", RecordType::A);
    assert_eq!((empty.metadata.response_code, empty.answers.len()), (ResponseCode::NoError, 0));
    assert_eq!(empty.authorities.len(), 1);
    assert_eq!(code(&dns, "elsewhere.invalid."), ResponseCode::NXDomain);
    dns.outside(Outside::Refused);
    assert_eq!(code(&dns, "elsewhere.invalid."), ResponseCode::Refused);
}

#[test]
fn pointers_are_served() {
    let dns = server();
    dns.reverse(IpAddr::from([127, 3, 2, 1]), "host.example.test").unwrap();
    dns.reverse(IpAddr::V6(std::net::Ipv6Addr::LOCALHOST), "six.example.test").unwrap();
    let answer = ask(&dns, "1.2.3.127.in-addr.arpa.", RecordType::PTR);
    assert_eq!(answer.answers[0].data.to_string(), "host.example.test.");
    let six = Name::from(IpAddr::V6(std::net::Ipv6Addr::LOCALHOST)).to_ascii();
    assert_eq!(ask(&dns, &six, RecordType::PTR).answers.len(), 1);
    assert_eq!(code(&dns, "9.9.9.127.in-addr.arpa."), ResponseCode::NXDomain);
}

#[test]
fn each_failure_is_what_it_says_and_ends_when_calmed() {
    let dns = server();
    let name = "mx1.example.test";
    for (behaviour, expected) in [
        (Behaviour::Nxdomain, ResponseCode::NXDomain),
        (Behaviour::ServFail, ResponseCode::ServFail),
        (Behaviour::Refused, ResponseCode::Refused),
        (Behaviour::Empty, ResponseCode::NoError),
    ] {
        dns.behave(name, behaviour).unwrap();
        let answer = ask(&dns, "mx1.example.test.", RecordType::A);
        assert_eq!((answer.metadata.response_code, answer.answers.len()), (expected, 0), "{behaviour:?}");
    }
    dns.calm(name);
    assert_eq!(ask(&dns, "mx1.example.test.", RecordType::A).answers.len(), 1);
}

#[test]
fn silence_is_logged_and_holds_up_nobody_else() {
    let dns = server();
    dns.behave("mx1.example.test", Behaviour::Silent).unwrap();
    let socket = send(&dns, &query("mx1.example.test.", RecordType::A, None));
    assert_eq!(ask(&dns, "example.test.", RecordType::MX).answers.len(), 2);
    assert_eq!(receive(&socket, SILENCE), None);
    assert_eq!(dns.asked("MX1.example.test.", RecordType::A), 1);
    let log = dns.questions();
    assert_eq!((log[0].name.as_str(), log[0].transport), ("mx1.example.test", Transport::Udp));
    assert!(log[0].at <= log[1].at);
    dns.forget_questions();
    assert_eq!(dns.questions(), []);
}

#[test]
fn a_slow_answer_is_right_and_late_and_alone() {
    let dns = server();
    let delay = Duration::from_millis(300);
    dns.behave("mx1.example.test", Behaviour::Slow(delay)).unwrap();
    let begin = Instant::now();
    let socket = send(&dns, &query("mx1.example.test.", RecordType::A, None));
    assert_eq!(ask(&dns, "example.test.", RecordType::MX).answers.len(), 2);
    let answer = Message::from_vec(&receive(&socket, PATIENCE).unwrap()).unwrap();
    assert!(begin.elapsed() >= delay);
    assert_eq!(answer.answers.len(), 1);
}

#[test]
fn types_and_names_below_can_fail_apart() {
    let dns = server();
    dns.behave_for("example.test", RecordType::MX, Behaviour::ServFail).unwrap();
    assert_eq!(ask(&dns, "example.test.", RecordType::MX).metadata.response_code, ResponseCode::ServFail);
    assert_eq!(ask(&dns, "example.test.", RecordType::TXT).answers.len(), 1);
    dns.behave("*.example.test", Behaviour::Refused).unwrap();
    dns.behave("mx1.example.test", Behaviour::Nxdomain).unwrap();
    assert_eq!(code(&dns, "a.b.example.test."), ResponseCode::Refused);
    assert_eq!(code(&dns, "mx1.example.test."), ResponseCode::NXDomain);
    dns.behave_always(Some(Behaviour::ServFail));
    assert_eq!(code(&dns, "mx1.example.test."), ResponseCode::ServFail);
    dns.behave_always(None);
    assert_eq!(code(&dns, "mx1.example.test."), ResponseCode::NXDomain);
}

#[test]
fn loops_and_chains_of_cnames_are_served_as_they_are() {
    let dns = server();
    let zone = Zone::new("odd.test")
        .cname_loop("ring.odd.test", 2)
        .cname_loop("self.odd.test", 1)
        .cname_chain("chain.odd.test", 64, "end.odd.test")
        .address("end.odd.test", Ipv4Addr::LOCALHOST);
    dns.put(&zone).unwrap();
    assert_eq!(ask(&dns, "ring.odd.test.", RecordType::A).answers.len(), 2);
    assert_eq!(ask(&dns, "self.odd.test.", RecordType::A).answers.len(), 1);
    let chain = ask_tcp(&dns, "chain.odd.test.", RecordType::A).unwrap();
    assert_eq!(chain.answers.len(), 65);
    assert_eq!(chain.answers[64].record_type(), RecordType::A);
}

#[test]
fn what_does_not_fit_goes_to_tcp() {
    let dns = server();
    dns.put(&Zone::new("many.test").many_mx(1000, &[IpAddr::from([127, 0, 0, 1])])).unwrap();
    for payload in [None, Some(1232), Some(65_535)] {
        let request = query("many.test.", RecordType::MX, payload);
        let bytes = receive(&send(&dns, &request), PATIENCE).unwrap();
        let answer = Message::from_vec(&bytes).unwrap();
        assert!(answer.metadata.truncation && answer.answers.is_empty());
        assert!(bytes.len() <= 512);
    }
    assert_eq!(ask_tcp(&dns, "many.test.", RecordType::MX).unwrap().answers.len(), 1000);
    assert_eq!(ask(&dns, "mx999.many.test.", RecordType::A).answers.len(), 1);
    dns.behave("many.test", Behaviour::TruncatedForEver).unwrap();
    assert!(ask(&dns, "many.test.", RecordType::MX).metadata.truncation);
    assert!(ask_tcp(&dns, "many.test.", RecordType::MX).is_none(), "closed without an answer");
}

#[test]
fn garbage_is_no_message() {
    let dns = server();
    dns.behave("mx1.example.test", Behaviour::Garbage).unwrap();
    let bytes = receive(&send(&dns, &query("mx1.example.test.", RecordType::A, None)), PATIENCE).unwrap();
    assert!(Message::from_vec(&bytes).is_err());
}

#[test]
fn zones_change_while_it_runs_and_what_it_cannot_read_does_not_stop_it() {
    let dns = server();
    dns.put(&Zone::new("example.test").mx(5, "new.example.test")).unwrap();
    assert_eq!(ask(&dns, "example.test.", RecordType::MX).answers.len(), 1);
    assert!(dns.put(&Zone::new("example.test").mx(5, "a..b")).is_err());
    assert_eq!(ask(&dns, "example.test.", RecordType::MX).answers.len(), 1, "unchanged");
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.send_to(b"\xff\xff", dns.address()).unwrap();
    dns.remove("example.test");
    assert_eq!(code(&dns, "example.test."), ResponseCode::NXDomain);
}
