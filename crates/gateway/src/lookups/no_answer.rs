//! Why a question has no answer: what the resolver tells, in the few kinds that decide differently.

use hickory_resolver::net::{DnsError, NetError};
use hickory_resolver::proto::op::ResponseCode;

/// Why a question has no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NoAnswer {
    /// The name does not exist (NXDOMAIN).
    NoSuchName,
    /// The name exists and has no such record.
    NoRecords,
    /// The name service failed: SERVFAIL, REFUSED and their like, by name.
    Failed(String),
    /// No answer in time.
    Timeout,
    /// Aliases without an end.
    AliasLoop,
    /// The name cannot be asked for.
    BadName,
}

/// How long the cache keeps that something is not there (RFC 2308 5).
pub(super) fn negative_ttl(error: &NetError) -> Option<u32> {
    match error {
        NetError::Dns(DnsError::NoRecordsFound(none)) => none.negative_ttl,
        _ => None,
    }
}

pub(super) fn no_answer(error: &NetError) -> NoAnswer {
    match error {
        NetError::Timeout => NoAnswer::Timeout,
        NetError::Dns(DnsError::NoRecordsFound(none)) => match none.response_code {
            ResponseCode::NXDomain => NoAnswer::NoSuchName,
            ResponseCode::NoError => NoAnswer::NoRecords,
            code => NoAnswer::Failed(code_name(code)),
        },
        NetError::Dns(DnsError::ResponseCode(ResponseCode::NXDomain)) => NoAnswer::NoSuchName,
        NetError::Dns(DnsError::ResponseCode(code)) => NoAnswer::Failed(code_name(*code)),
        NetError::NoConnections | NetError::Io(_) => NoAnswer::Timeout,
        other => {
            let text = other.to_string();
            if text.contains("CNAME") || text.contains("recursion") || text.contains("depth") {
                NoAnswer::AliasLoop
            } else {
                NoAnswer::Failed(text)
            }
        }
    }
}

/// The name of a code as operators know it.
pub(super) fn code_name(code: ResponseCode) -> String {
    match code {
        ResponseCode::ServFail => "SERVFAIL".to_owned(),
        ResponseCode::Refused => "REFUSED".to_owned(),
        other => other.to_string(),
    }
}

/// Of two failures the one that must decide: a temporary one forbids to conclude that nothing is there.
pub(super) fn worse(one: NoAnswer, other: NoAnswer) -> NoAnswer {
    let rank = |failure: &NoAnswer| match failure {
        NoAnswer::BadName => 0,
        NoAnswer::NoRecords => 1,
        NoAnswer::NoSuchName => 2,
        NoAnswer::AliasLoop => 3,
        NoAnswer::Timeout => 4,
        NoAnswer::Failed(_) => 5,
    };
    if rank(&one) >= rank(&other) { one } else { other }
}
