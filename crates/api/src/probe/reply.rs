//! What a probe found.

use serde::{Deserialize, Serialize};

use super::test_message::{TestMessage, TestStep};
use crate::format::AsOf;

/// What became of a probe.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProbeReply {
    /// When it began.
    pub as_of: AsOf,
    /// The way there.
    pub way: ProbeWay,
    /// Each address from each source, in the order in which delivery prefers them.
    pub addresses: Vec<AddressProbe>,
    /// Addresses that were left out: too many, or the time was over.
    pub left_out: u64,
    /// The message that was put into the queue, when one was to be and an address would take it.
    pub sent: Option<TestMessage>,
    /// All in one.
    pub verdict: ProbeVerdict,
    /// How long all of it took, microseconds.
    pub took_us: u64,
}

/// The way to a destination.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProbeWay {
    /// The target as it was given.
    pub target: String,
    /// `MX`, `SMTP route` or `host`.
    pub by: String,
    /// What delivery asks of TLS there: `Off`, `Preferred`, `Required`, `Required - Verify`.
    pub tls: String,
    /// Exchangers, or the hops of a route.
    pub exchangers: Vec<Exchanger>,
    /// Why there is no address to go to.
    pub problem: Option<ProbeVerdict>,
    /// How long the name service took, microseconds.
    pub took_us: u64,
}

/// A machine that takes mail for the destination.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exchanger {
    /// Preference, or the priority of a hop.
    pub preference: u16,
    /// Its name.
    pub name: String,
    /// Those of its addresses that delivery would use.
    pub addresses: Vec<String>,
}

/// One address, from one source.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AddressProbe {
    /// The exchanger's name.
    pub name: String,
    /// Its preference.
    pub preference: u16,
    /// The address with its port.
    pub address: String,
    /// The source address that was asked for; absent where the system chooses.
    pub source: Option<String>,
    /// Our end of the connection.
    pub local: Option<String>,
    /// Each step, in order.
    pub steps: Vec<ProbeStep>,
    /// TLS, when there was a handshake.
    pub tls: Option<ProbeTls>,
    /// What delivery would make of it.
    pub verdict: ProbeVerdict,
}

/// One step: what we did and what came of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProbeStep {
    /// `connect`, `banner`, `EHLO`, `STARTTLS`, `TLS`, `AUTH`, `MAIL`, `RCPT`, `DATA`, `content`, `RSET`, `QUIT`.
    pub stage: String,
    /// The command, without credentials.
    pub said: Option<String>,
    /// The reply of the host, a line each, with its code.
    pub reply: Vec<String>,
    /// What went wrong instead.
    pub problem: Option<String>,
    /// From the beginning of the step to its end, microseconds.
    pub took_us: u64,
}

/// A handshake.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProbeTls {
    /// `TLSv1.3`; empty when there was no agreement.
    pub protocol: String,
    /// The cipher suite.
    pub cipher: String,
    /// The certificates that were shown, the host's own first.
    pub chain: Vec<Certificate>,
    /// The certificate is one that this system trusts, for the name of the exchanger.
    pub verified: bool,
    /// Why it is not, or why there was no agreement.
    pub problem: Option<String>,
    /// The stable code of that: `tls-certificate-expired`, `tls-name-mismatch`, `tls-certificate-untrusted`,
    /// `tls-certificate`, `tls-handshake`.
    pub problem_code: Option<String>,
}

/// A certificate.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Certificate {
    /// Whom it names.
    pub subject: String,
    /// Who signed it.
    pub issuer: String,
    /// It holds from, seconds since the epoch.
    pub from: i64,
    /// And until.
    pub until: i64,
    /// Names and addresses it holds for.
    pub names: Vec<String>,
    /// SHA-256 of all of it, in hexadecimal digits.
    pub fingerprint: String,
}

/// What delivery would make of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProbeVerdict {
    /// Mail would be handed over, as far as it can be told without content.
    pub usable: bool,
    /// `ok`, or the code of the cause: `connect-refused`, `banner-timeout`, `reply-5xx`.
    pub code: String,
    /// The same in a sentence.
    pub text: String,
}

/// What becomes known on the way.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProbePart {
    /// The way was looked up.
    Way(ProbeWay),
    /// An address was probed.
    Address(AddressProbe),
    /// A test message is in the queue under this number, for this recipient host.
    Queued(u64, String),
    /// Something happened to it.
    Step(TestStep),
}
