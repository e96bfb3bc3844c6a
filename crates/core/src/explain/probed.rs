//! What the latest probe adds to an explanation: how far it came, and whether that is at odds with the attempts.
//!
//! A probe goes the way of delivery and hands nothing over, so it can show that the way is free again. It can say nothing
//! about a mailbox, a message or a limit, and is not held against such causes.

use super::attempted::sort;
use super::explanation::{Evidence, EvidenceKind, Explanation, Link, State};
use super::finding::Finding;
use super::sentence::Sentence;

/// The latest probe of a destination.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Probed {
    /// When it began, microseconds since the epoch.
    pub at: u64,
    /// Mail would have been handed over.
    pub usable: bool,
    /// The last step that was answered, as the probe names it; empty when there was none.
    pub stage: String,
    /// The exchanger that it tells of; empty when it came to none.
    pub name: String,
    /// Its address; empty when it came to none.
    pub address: String,
    /// The code of what it met, `ok` when nothing.
    pub code: String,
    /// What it met, in its own words.
    pub text: String,
}

/// Adds what a probe found to the explanation of mail that waits, or of a destination. `failed_at` is when the failure
/// happened that is the cause: a probe that went well after it says that it may be mended, one that failed before the
/// last delivery says nothing any more.
pub fn add_probe(explanation: &mut Explanation, probe: &Probed, failed_at: Option<u64>) {
    let about_the_way = of_the_way(explanation.verdict.cause);
    let waits = explanation.state == State::Queued && about_the_way;
    if !waits && explanation.state != State::Idle {
        return;
    }
    let since = failed_at.is_some_and(|failed| probe.at > failed);
    let key = match (probe.usable, waits && since) {
        (true, true) => "chain.probe_mended",
        (true, false) => "chain.probe_ok",
        (false, _) if probe.name.is_empty() => "chain.probe_no_way",
        (false, _) => "chain.probe_failed",
    };
    let mut what = Sentence::new(key).text("name", &probe.name).text("address", &probe.address);
    what = what.word("stage", step_key(&probe.stage)).text("code", &probe.code);
    let evidence = Evidence::words(EvidenceKind::Probe, &probe.text);
    explanation.chain.push(Link { at: Some(probe.at), what, evidence });
    sort(&mut explanation.chain);
    if waits && since && probe.usable {
        // What has become likely to help comes first.
        let now = |command: &Option<String>| command.as_ref().is_some_and(|it| it.starts_with("delivernow"));
        explanation.remedy.sort_by_key(|remedy| !now(&remedy.command));
    }
}

/// The key of the name of a probe's step.
fn step_key(step: &str) -> &'static str {
    match step {
        "connect" => "stage.connect",
        "banner" => "stage.greeting",
        "EHLO" => "stage.ehlo",
        "STARTTLS" | "TLS" => "stage.starttls",
        "AUTH" => "stage.auth",
        "MAIL" => "stage.mail",
        "RCPT" => "stage.rcpt",
        "DATA" => "stage.data",
        "content" => "stage.content",
        _ => "stage.none",
    }
}

/// Whether a cause lies on the way that a probe goes.
const fn of_the_way(cause: Finding) -> bool {
    cause.passes_with_success()
        || matches!(
            cause,
            Finding::CnameLoop
                | Finding::AddressOpening
                | Finding::TlsNotOffered
                | Finding::TlsHandshake
                | Finding::TlsCertificate
                | Finding::TlsCertificateExpired
                | Finding::TlsNameMismatch
                | Finding::TlsCertificateUntrusted
                | Finding::AuthFailed
        )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::explain::{Owner, Remedy, idle};

    fn probe(usable: bool) -> Probed {
        let text = |text: &str| text.to_owned();
        Probed {
            at: 20,
            usable,
            stage: text("EHLO"),
            name: text("mx.a.example"),
            address: text("192.0.2.7"),
            code: text(if usable { "ok" } else { "banner-timeout" }),
            text: text("its address takes mail"),
        }
    }

    fn waits(cause: Finding) -> Explanation {
        let mut explanation = idle("a.example", None);
        explanation.state = State::Queued;
        explanation.verdict.cause = cause;
        let remedy = |command: Option<&str>| Remedy {
            command: command.map(str::to_owned),
            what: Sentence::new("do.check"),
            who: Owner::Us,
            why: Sentence::new("why.check"),
        };
        explanation.remedy = vec![remedy(None), remedy(Some("delivernow a.example"))];
        explanation
    }

    fn told(cause: Finding, probe: &Probed, failed_at: u64) -> (Vec<String>, bool) {
        let mut explanation = waits(cause);
        add_probe(&mut explanation, probe, Some(failed_at));
        let keys = explanation.chain.iter().map(|link| link.what.key.clone()).collect();
        (keys, explanation.remedy[0].command.is_some())
    }

    #[test]
    fn a_probe_that_went_well_after_the_failure_says_that_it_may_be_mended() {
        let key = |key: &str| vec![key.to_owned()];
        assert_eq!(told(Finding::ConnectRefused, &probe(true), 10), (key("chain.probe_mended"), true));
        assert_eq!(told(Finding::ConnectRefused, &probe(true), 30), (key("chain.probe_ok"), false));
        assert_eq!(told(Finding::BannerTimeout, &probe(false), 10), (key("chain.probe_failed"), false));
        let no_way = Probed { name: String::new(), address: String::new(), ..probe(false) };
        assert_eq!(told(Finding::DnsServfail, &no_way, 10), (key("chain.probe_no_way"), false));
    }

    #[test]
    fn it_says_nothing_about_mailboxes_and_limits() {
        for cause in [Finding::MailboxFull, Finding::DestinationLimit, Finding::Greylisted] {
            assert_eq!(told(cause, &probe(true), 10), (Vec::new(), false), "{cause:?}");
        }
    }
}
