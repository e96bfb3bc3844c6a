//! From a question to the bytes of its answer. No socket, no clock.

use std::time::Duration;

use hickory_proto::op::{Edns, Message, MessageType, OpCode, Query, ResponseCode};
use hickory_proto::rr::{DNSClass, Name, RData, Record, RecordType};

use super::zone::{Compiled, matches};
use super::{Behaviour, Inner, Outside, Transport};

/// What to do with a question.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// Send these bytes, after this time.
    Send(Vec<u8>, Duration),
    /// Say nothing.
    Nothing,
    /// Close the connection it came on.
    HangUp,
}

/// CNAMEs followed inside one answer; whatever is beyond, the asker follows himself.
const CHASE_LIMIT: usize = 100;
/// The largest datagram sent, whatever the asker would take (RFC 6891 names 4096).
const DATAGRAM_LIMIT: u16 = 4096;

/// The question in a message, if it holds just one that a name server can be asked.
pub(crate) fn question(request: &Message) -> Option<&Query> {
    let asks = request.metadata.message_type == MessageType::Query
        && request.metadata.op_code == OpCode::Query
        && request.queries.len() == 1;
    request.queries.first().filter(|query| asks && query.query_class() == DNSClass::IN)
}

/// Answers a message that [`question`] found nothing in.
pub(crate) fn refuse(request: &Message) -> Answer {
    let mut reply = reply_to(request);
    reply.metadata.response_code = ResponseCode::NotImp;
    encode(&reply, request, Transport::Tcp, Duration::ZERO)
}

/// Answers a question out of the zones, as the behaviour of its name wants it.
pub(crate) fn answer(inner: &Inner, request: &Message, query: &Query, transport: Transport) -> Answer {
    let name = query.name().to_lowercase();
    let mut reply = reply_to(request);
    let mut delay = Duration::ZERO;
    match inner.behaviour(&name, query.query_type()) {
        Some(Behaviour::Nxdomain) => reply.metadata.response_code = ResponseCode::NXDomain,
        Some(Behaviour::ServFail) => reply.metadata.response_code = ResponseCode::ServFail,
        Some(Behaviour::Refused) => reply.metadata.response_code = ResponseCode::Refused,
        Some(Behaviour::Silent) => return Answer::Nothing,
        Some(Behaviour::Empty) => {}
        Some(Behaviour::TruncatedForEver) => match transport {
            Transport::Udp => reply.metadata.truncation = true,
            Transport::Tcp => return Answer::HangUp,
        },
        Some(Behaviour::Garbage) => return garbage(request.metadata.id),
        Some(Behaviour::Slow(by)) => {
            delay = by;
            look_up(inner, name, query.query_type(), &mut reply);
        }
        None => look_up(inner, name, query.query_type(), &mut reply),
    }
    encode(&reply, request, transport, delay)
}

fn reply_to(request: &Message) -> Message {
    let mut reply = Message::response(request.metadata.id, request.metadata.op_code);
    reply.metadata.recursion_desired = request.metadata.recursion_desired;
    // The lab is asked as if it were a site's resolver, and a stub wants to hear that it is one.
    reply.metadata.recursion_available = true;
    reply.metadata.authoritative = true;
    reply.add_queries(request.queries.iter().cloned());
    if request.edns.is_some() {
        let mut edns = Edns::new();
        edns.set_max_payload(DATAGRAM_LIMIT);
        reply.set_edns(edns);
    }
    reply
}

/// Fills in the records of a name, and of the names that its CNAMEs lead to.
fn look_up(inner: &Inner, name: Name, asked: RecordType, reply: &mut Message) {
    let mut name = name;
    let mut seen = Vec::new();
    loop {
        let Some(zone) = zone_of(inner, &name) else {
            if seen.is_empty() {
                reply.metadata.authoritative = false;
                reply.metadata.response_code = match inner.outside {
                    Outside::Nxdomain => ResponseCode::NXDomain,
                    Outside::Refused => ResponseCode::Refused,
                };
            }
            return;
        };
        let Some(records) = zone.records(&name) else {
            reply.metadata.response_code = ResponseCode::NXDomain;
            reply.add_authority(zone.authority());
            return;
        };
        if asked == RecordType::SOA && name == zone.origin {
            reply.add_answer(zone.authority());
            return;
        }
        let found: Vec<Record> = records.iter().filter(|record| matches(record, asked)).cloned().collect();
        if !found.is_empty() {
            reply.add_answers(found);
            return;
        }
        let Some((record, target)) = records.iter().find_map(alias) else {
            reply.add_authority(zone.authority());
            return;
        };
        reply.add_answer(record.clone());
        seen.push(name);
        name = target.to_lowercase();
        if seen.contains(&name) || seen.len() == CHASE_LIMIT {
            return;
        }
    }
}

fn alias(record: &Record) -> Option<(&Record, &Name)> {
    if let RData::CNAME(target) = &record.data { Some((record, &target.0)) } else { None }
}

/// The zone whose origin is the longest one above `name`.
fn zone_of<'a>(inner: &'a Inner, name: &Name) -> Option<&'a Compiled> {
    let mut origin = name.clone();
    loop {
        if let Some(zone) = inner.zones.get(&origin) {
            return Some(zone);
        }
        if origin.is_root() {
            return None;
        }
        origin = origin.base_name();
    }
}

fn encode(reply: &Message, request: &Message, transport: Transport, delay: Duration) -> Answer {
    let Ok(bytes) = reply.to_vec() else { return Answer::Nothing };
    let limit = match transport {
        Transport::Udp => usize::from(request.max_payload().min(DATAGRAM_LIMIT)),
        Transport::Tcp => usize::from(u16::MAX),
    };
    if bytes.len() <= limit {
        return Answer::Send(bytes, delay);
    }
    reply.truncate().to_vec().map_or(Answer::Nothing, |bytes| Answer::Send(bytes, delay))
}

/// A header that promises a record, and bytes that are none.
fn garbage(id: u16) -> Answer {
    let mut bytes = id.to_be_bytes().to_vec();
    bytes.extend_from_slice(&[0x84, 0x00, 0x00, 0x01, 0x00, 0x07, 0x00, 0x00, 0x00, 0x00]);
    bytes.extend_from_slice(&[0xC0, 0x0C, 0xFF, 0x3F, 0x80]);
    Answer::Send(bytes, Duration::ZERO)
}
