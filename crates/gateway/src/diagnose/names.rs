//! `dig` past the cache, `nslookup` through it.

use std::net::SocketAddr;
use std::time::Instant;

use hickory_proto::op::{Message, ResponseCode};
use hickory_proto::rr::{Name, RData, Record, RecordType};
use mailreeve_api::diagnose::{Dig, DigReply, DnsRecord, NsLookup, NsLookupReply, Unanswered, seconds};
use mailreeve_api::wire::{Problem, ProblemKind};

use crate::context::Running;
use crate::lookups::dns::NoAnswer;
use crate::lookups::query::{self, Heard, Question, Silence};

/// Records shown of one answer.
const RECORDS: usize = 500;

/// Asks a name server.
pub(crate) async fn dig(running: &Running, request: &Dig) -> Result<DigReply, Problem> {
    let name = name(&request.name)?;
    let kind = kind(&request.record_type)?;
    let settings = &running.config.dns;
    let servers = match request.server {
        Some(server) => vec![server],
        None => running.dns.servers().to_vec(),
    };
    let question = Question {
        name: name.clone(),
        kind,
        tcp: request.tcp,
        servers,
        source: request.source,
        timeout: settings.timeout,
        attempts: settings.attempts,
    };
    let started = Instant::now();
    let Some(heard) = query::ask(&question).await else {
        let problem = Problem::new(
            "this gateway has no name server to ask",
            "set dns.servers, or name one: dig @192.0.2.53 example.com",
        );
        return Err(problem.of(ProblemKind::Conflict));
    };
    let took = started.elapsed();
    let Heard { server, tcp, answer } = heard;
    let took_us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
    let (answers, unanswered) = match answer {
        Ok(message) => (records(&message.answers), unanswered(&message, kind)),
        Err(Silence::Source(error)) => return Err(bad_source(request, &error)),
        Err(silence) => (Vec::new(), Some(silent(&silence, &question, took_us))),
    };
    Ok(DigReply {
        name: name.to_ascii(),
        record_type: kind.to_string(),
        answers,
        unanswered,
        server: place(server),
        transport: if tcp { "TCP" } else { "UDP" }.to_owned(),
        took_us,
    })
}

/// Looks a name up as delivery does.
pub(crate) async fn nslookup(running: &Running, request: &NsLookup) -> Result<NsLookupReply, Problem> {
    let name = name(&request.host)?;
    let kind = kind(&request.record_type)?;
    let started = Instant::now();
    let (answer, from_cache) = running.dns.records(name, kind).await;
    let took_us = u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX);
    let (records, unanswered) = match answer {
        Ok(found) => (records(&found), None),
        Err(none) => (Vec::new(), Some(in_words(&none, kind))),
    };
    Ok(NsLookupReply { records, unanswered, from_cache, took_us })
}

fn name(text: &str) -> Result<Name, Problem> {
    let parsed = if text.is_ascii() { Name::from_ascii(text) } else { Name::from_utf8(text) };
    let mut name = parsed.map_err(|error| {
        Problem::new(
            format!("`{text}` is not a name that can be asked for: {error}"),
            "a name is made of parts of at most 63 octets with dots between them, 255 in all",
        )
    })?;
    name.set_fqdn(true);
    Ok(name)
}

fn kind(word: &str) -> Result<RecordType, Problem> {
    word.parse().map_err(|_| {
        Problem::new(format!("`{word}` is not a type of record"), "for example A, AAAA, MX, TXT, PTR")
    })
}

fn records(found: &[Record]) -> Vec<DnsRecord> {
    let shown = found.iter().take(RECORDS).map(|record| DnsRecord {
        name: record.name.to_ascii(),
        ttl: record.ttl,
        record_type: record.record_type().to_string(),
        data: data(&record.data),
    });
    shown.collect()
}

/// What a record says, as zone files write it. Octets that a terminal would obey are written as numbers.
fn data(data: &RData) -> String {
    match data {
        RData::TXT(txt) => {
            let strings = txt.txt_data.iter().map(|octets| quoted(octets));
            strings.collect::<Vec<_>>().join(" ")
        }
        other => other.to_string().chars().flat_map(harmless).collect(),
    }
}

/// A character string in quotes (RFC 1035 5.1).
fn quoted(octets: &[u8]) -> String {
    let mut out = String::from("\"");
    for octet in octets {
        match octet {
            b'"' | b'\\' => out.extend(['\\', char::from(*octet)]),
            b' '..=b'~' => out.push(char::from(*octet)),
            other => out.push_str(&format!("\\{other:03}")),
        }
    }
    out + "\""
}

fn harmless(letter: char) -> impl Iterator<Item = char> {
    let text = if letter.is_control() { format!("\\{:03}", u32::from(letter)) } else { letter.to_string() };
    text.chars().collect::<Vec<_>>().into_iter()
}

fn unanswered(message: &Message, kind: RecordType) -> Option<Unanswered> {
    match message.metadata.response_code {
        ResponseCode::NoError if message.answers.is_empty() => Some(in_words(&NoAnswer::NoRecords, kind)),
        ResponseCode::NoError => None,
        ResponseCode::NXDomain => Some(in_words(&NoAnswer::NoSuchName, kind)),
        ResponseCode::ServFail => Some(in_words(&NoAnswer::Failed("SERVFAIL".to_owned()), kind)),
        ResponseCode::Refused => Some(in_words(&NoAnswer::Failed("REFUSED".to_owned()), kind)),
        other => Some(in_words(&NoAnswer::Failed(other.to_string()), kind)),
    }
}

fn in_words(none: &NoAnswer, kind: RecordType) -> Unanswered {
    let (code, text) = match none {
        NoAnswer::NoSuchName => ("NXDOMAIN", "the name does not exist".to_owned()),
        NoAnswer::NoRecords => ("NODATA", format!("the name exists and has no {kind} record")),
        NoAnswer::Failed(code) if code == "SERVFAIL" => (
            code.as_str(),
            "the name server could not find out: its zone or a server behind it fails".to_owned(),
        ),
        NoAnswer::Failed(code) if code == "REFUSED" => {
            (code.as_str(), "the name server does not answer this question for us".to_owned())
        }
        NoAnswer::Failed(detail) => ("FAILED", format!("the name server said: {detail}")),
        NoAnswer::Timeout => ("TIMEOUT", "no name server answered in time".to_owned()),
        NoAnswer::AliasLoop => ("ALIASES", "the name is an alias of an alias without an end".to_owned()),
        NoAnswer::BadName => ("BADNAME", "the name cannot be asked for".to_owned()),
    };
    Unanswered { code: code.to_owned(), text }
}

fn silent(silence: &Silence, question: &Question, took_us: u64) -> Unanswered {
    let servers: Vec<String> = question.servers.iter().map(|server| place(*server)).collect();
    let servers = servers.join(", ");
    let (code, text) = match silence {
        Silence::Timeout => ("TIMEOUT", format!("no answer from {servers} within {}", seconds(took_us))),
        Silence::Garbled => ("GARBLED", format!("what came from {servers} is no answer to the question")),
        Silence::Io(error) | Silence::Source(error) => ("UNREACHABLE", format!("{servers}: {error}")),
    };
    Unanswered { code: code.to_owned(), text }
}

fn bad_source(request: &Dig, error: &std::io::Error) -> Problem {
    let source = request.source.map_or_else(|| "this machine".to_owned(), |source| source.to_string());
    Problem::new(
        format!("the question cannot be asked from {source}: {error}"),
        "name an address of this machine, of the same family as the name server's",
    )
    .of(ProblemKind::Conflict)
}

/// A server; its port only when it is not the usual one.
fn place(server: SocketAddr) -> String {
    if server.port() == 53 { server.ip().to_string() } else { server.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_cannot_command_a_terminal() {
        assert_eq!(quoted(b"v=spf1 \"a\" \\ \x1b[31m\xff"), r#""v=spf1 \"a\" \\ \027[31m\255""#);
        assert_eq!("a\u{1b}b".chars().flat_map(harmless).collect::<String>(), "a\\027b");
    }
}
