//! Names of loopback addresses. The resolver library answers these by itself, with `localhost` (it takes RFC 6761 6.3
//! for the reverse zones too), whatever the configured servers know. Which host a connection comes from is a question
//! like any other, so the servers are asked past the library. `localhost` as a name stays with the library, as the
//! same RFC wants it: it never leaves the machine.

use std::net::SocketAddr;
use std::time::Duration;

use hickory_proto::op::ResponseCode;
use hickory_proto::rr::{Name, Record, RecordType};

use super::no_answer::{NoAnswer, code_name};
use super::query::{self, Question, Silence};

/// Whom to ask, and how patiently.
pub(super) struct Servers {
    pub(super) addresses: Vec<SocketAddr>,
    pub(super) timeout: Duration,
    pub(super) attempts: usize,
}

/// Tells whether the library would answer a question by itself that is the servers' to answer.
pub(super) fn is_taken(name: &Name, kind: RecordType) -> bool {
    const V6: &str = "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.ip6.arpa.";
    kind == RecordType::PTR && {
        let name = name.to_ascii().to_ascii_lowercase();
        name.ends_with(".127.in-addr.arpa.") || name == V6
    }
}

/// Asks the servers in their order.
pub(super) async fn ask(servers: &Servers, name: Name, kind: RecordType) -> Result<Vec<Record>, NoAnswer> {
    let question = Question {
        name,
        kind,
        tcp: false,
        servers: servers.addresses.clone(),
        source: None,
        timeout: servers.timeout,
        attempts: servers.attempts,
    };
    let Some(heard) = query::ask(&question).await else { return Err(NoAnswer::Timeout) };
    match heard.answer {
        Ok(message) => match message.metadata.response_code {
            ResponseCode::NoError if message.answers.is_empty() => Err(NoAnswer::NoRecords),
            ResponseCode::NoError => Ok(message.answers),
            ResponseCode::NXDomain => Err(NoAnswer::NoSuchName),
            code => Err(NoAnswer::Failed(code_name(code))),
        },
        Err(Silence::Garbled) => Err(NoAnswer::Failed("an answer that is none".to_owned())),
        Err(Silence::Timeout | Silence::Io(_) | Silence::Source(_)) => Err(NoAnswer::Timeout),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::net::IpAddr;

    use super::*;

    #[test]
    fn only_names_of_loopback_addresses_are_taken() {
        let taken = |text: &str| {
            let name = Name::from(text.parse::<IpAddr>().unwrap());
            is_taken(&name, RecordType::PTR)
        };
        assert!(taken("127.0.0.1") && taken("127.9.8.7") && taken("::1"));
        assert!(!taken("192.0.2.127") && !taken("::2") && !taken("128.0.0.1"));
        let localhost = Name::from_ascii("localhost.").unwrap();
        assert!(!is_taken(&localhost, RecordType::A) && !is_taken(&localhost, RecordType::PTR));
    }
}
