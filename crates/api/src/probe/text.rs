//! A probe as text: the way, a block for each address, one line that sums up.

use std::fmt::Write as _;

use jiff::Timestamp;

use super::reply::{
    AddressProbe, Certificate, ProbePart, ProbeReply, ProbeStep, ProbeTls, ProbeVerdict, ProbeWay,
};
use super::test_message::{TestMessage, queued};
use crate::command::Text;
use crate::diagnose::seconds;

/// Lines of a reply that are shown; what EHLO offers stands in one.
const LINES: usize = 4;

impl ProbePart {
    pub(super) fn text(&self) -> String {
        match self {
            Self::Way(way) => way.text(),
            Self::Address(address) => address.text(),
            Self::Queued(mid, host) => queued(*mid, host),
            Self::Step(step) => step.text(),
        }
    }
}

impl Text for ProbeReply {
    fn came_about(&self) -> bool {
        self.verdict.usable
    }

    fn text(&self) -> String {
        let addresses: String = self.addresses.iter().map(AddressProbe::text).collect();
        let sent = self.sent.as_ref().map_or_else(String::new, TestMessage::text);
        self.way.text() + &addresses + &sent + &self.rest()
    }
}

impl ProbeReply {
    pub(super) fn rest(&self) -> String {
        let mut out = String::from("\n");
        if self.left_out > 0 {
            let _ = writeln!(out, "Not tried: {} more addresses.", self.left_out);
        }
        let ProbeVerdict { code, text, .. } = &self.verdict;
        let _ = writeln!(out, "{}: {text} [{code}] ({})", self.way.target, seconds(self.took_us));
        out
    }
}

impl ProbeWay {
    fn text(&self) -> String {
        let mut out = format!("Probe of {}\n", self.target);
        let _ = writeln!(out, "Way: {}, TLS: {} ({})", self.by, self.tls, seconds(self.took_us));
        for exchanger in &self.exchangers {
            let addresses = match exchanger.addresses.is_empty() {
                true => "no address that delivery would use".to_owned(),
                false => exchanger.addresses.join(", "),
            };
            let _ = writeln!(out, "  {:>5} {}: {addresses}", exchanger.preference, exchanger.name);
        }
        if let Some(ProbeVerdict { code, text, .. }) = &self.problem {
            let _ = writeln!(out, "  {text} [{code}]");
        }
        out
    }
}

impl AddressProbe {
    fn text(&self) -> String {
        let mut out = format!("\nAddress {} ({})", self.address, self.name);
        if let Some(source) = &self.source {
            let _ = write!(out, " from {source}");
        }
        out.push('\n');
        for step in &self.steps {
            step.write(&mut out);
            if step.stage == "TLS"
                && let Some(tls) = &self.tls
            {
                tls.write(&mut out);
            }
        }
        let ProbeVerdict { usable, code, text } = &self.verdict;
        let sign = if *usable { "ok" } else { "NO" };
        let _ = writeln!(out, "  => {sign}: {text} [{code}]");
        out
    }
}

impl ProbeStep {
    fn write(&self, out: &mut String) {
        let Self { stage, said, reply, problem, took_us } = self;
        let mut head = format!("  {stage:<8} {:>7} s ", seconds(*took_us).trim_end_matches(" seconds"));
        if let Some(said) = said.as_ref().filter(|said| !said.eq_ignore_ascii_case(stage)) {
            let _ = write!(head, " {said}");
        }
        let shown = match (stage.as_str(), reply.split_first()) {
            // What is offered, in one line.
            ("EHLO", Some((first, offers))) if !offers.is_empty() => {
                let offers: Vec<&str> = offers.iter().map(|line| line.get(4..).unwrap_or(line)).collect();
                vec![first.clone(), format!("    offers {}", offers.join(", "))]
            }
            _ => reply.iter().take(LINES).cloned().collect(),
        };
        match (shown.split_first(), problem) {
            (None, None) => {
                let _ = writeln!(out, "{}", head.trim_end());
            }
            (Some((first, rest)), _) => {
                let arrow = if said.is_some() { " ->" } else { "" };
                let _ = writeln!(out, "{head}{arrow} {first}");
                for line in rest {
                    let _ = writeln!(out, "{:20} {line}", "");
                }
            }
            (None, Some(problem)) => {
                let _ = writeln!(out, "{head} {problem}");
            }
        }
    }
}

impl ProbeTls {
    fn write(&self, out: &mut String) {
        self.write_chain(out);
        if self.protocol.is_empty() {
            return;
        }
        let _ = match &self.problem {
            None => writeln!(out, "{:21}certificate verified", ""),
            Some(problem) => writeln!(out, "{:21}certificate not verified: {problem}", ""),
        };
    }

    pub(super) fn write_chain(&self, out: &mut String) {
        for (number, certificate) in self.chain.iter().enumerate() {
            certificate.write(number, out);
        }
    }
}

impl Certificate {
    fn write(&self, number: usize, out: &mut String) {
        let Self { subject, issuer, from, until, names, fingerprint } = self;
        let _ = writeln!(out, "{:21}{number}: {subject}, signed by {issuer}", "");
        let _ = writeln!(out, "{:21}   valid from {} to {}", "", date(*from), date(*until));
        if !names.is_empty() {
            let _ = writeln!(out, "{:21}   for {}", "", names.join(", "));
        }
        if !fingerprint.is_empty() {
            let _ = writeln!(out, "{:21}   SHA-256 {fingerprint}", "");
        }
    }
}

fn date(seconds: i64) -> String {
    Timestamp::from_second(seconds)
        .map_or_else(|_| "?".to_owned(), |at| at.strftime("%Y-%m-%d %H:%M UTC").to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::AsOf;
    use crate::probe::reply::Exchanger;

    fn step(stage: &str, said: Option<&str>, reply: &[&str], problem: Option<&str>) -> ProbeStep {
        ProbeStep {
            stage: stage.into(),
            said: said.map(str::to_owned),
            reply: reply.iter().map(|line| (*line).to_owned()).collect(),
            problem: problem.map(str::to_owned),
            took_us: 12_000,
        }
    }

    fn verdict(usable: bool, code: &str, text: &str) -> ProbeVerdict {
        ProbeVerdict { usable, code: code.into(), text: text.into() }
    }

    fn good() -> AddressProbe {
        AddressProbe {
            name: "mx1.example.com".into(),
            preference: 10,
            address: "192.0.2.1:25".into(),
            source: Some("198.51.100.9".into()),
            local: Some("198.51.100.9:41000".into()),
            steps: vec![
                step("connect", None, &[], None),
                step("banner", None, &["220 mx1.example.com ESMTP"], None),
                step(
                    "EHLO",
                    Some("EHLO gw.example.org"),
                    &["250-mx1.example.com", "250-SIZE 10", "250 STARTTLS"],
                    None,
                ),
                step("STARTTLS", Some("STARTTLS"), &["220 go"], None),
                step("TLS", None, &["TLSv1.3 TLS13_AES_256_GCM_SHA384"], None),
                step("RCPT", Some("RCPT TO:<a@example.com>"), &["550 5.1.1 no such user"], None),
                step("QUIT", Some("QUIT"), &[], Some("timeout")),
            ],
            tls: Some(ProbeTls {
                protocol: "TLSv1.3".into(),
                cipher: "TLS13_AES_256_GCM_SHA384".into(),
                chain: vec![Certificate {
                    subject: "CN=mx1.example.com".into(),
                    issuer: "CN=Some Root".into(),
                    from: 1_577_836_800,
                    until: 1_609_459_200,
                    names: vec!["mx1.example.com".into(), "mx2.example.com".into()],
                    fingerprint: "a1".repeat(32),
                }],
                verified: false,
                problem: Some("it expired".into()),
                problem_code: Some("tls-certificate-expired".into()),
            }),
            verdict: verdict(false, "reply-5xx", "550 5.1.1 no such user"),
        }
    }

    #[test]
    fn each_step_stands_in_a_line_with_its_time() {
        let mut reply = ProbeReply {
            as_of: AsOf { at_us: 0, zone: "UTC".into() },
            way: ProbeWay {
                target: "example.com".into(),
                by: "MX".into(),
                tls: "Preferred".into(),
                exchangers: vec![
                    Exchanger {
                        preference: 10,
                        name: "mx1.example.com".into(),
                        addresses: vec!["192.0.2.1".into()],
                    },
                    Exchanger { preference: 20, name: "mx2.example.com".into(), addresses: Vec::new() },
                ],
                problem: None,
                took_us: 3_000,
            },
            addresses: vec![good()],
            left_out: 2,
            sent: None,
            verdict: verdict(false, "reply-5xx", "no address takes mail"),
            took_us: 120_000,
        };
        insta::assert_snapshot!(reply.text(), @r"
        Probe of example.com
        Way: MX, TLS: Preferred (0.003 seconds)
             10 mx1.example.com: 192.0.2.1
             20 mx2.example.com: no address that delivery would use

        Address 192.0.2.1:25 (mx1.example.com) from 198.51.100.9
          connect    0.012 s
          banner     0.012 s  220 mx1.example.com ESMTP
          EHLO       0.012 s  EHLO gw.example.org -> 250-mx1.example.com
                                 offers SIZE 10, STARTTLS
          STARTTLS   0.012 s  -> 220 go
          TLS        0.012 s  TLSv1.3 TLS13_AES_256_GCM_SHA384
                             0: CN=mx1.example.com, signed by CN=Some Root
                                valid from 2020-01-01 00:00 UTC to 2021-01-01 00:00 UTC
                                for mx1.example.com, mx2.example.com
                                SHA-256 a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1
                             certificate not verified: it expired
          RCPT       0.012 s  RCPT TO:<a@example.com> -> 550 5.1.1 no such user
          QUIT       0.012 s  timeout
          => NO: 550 5.1.1 no such user [reply-5xx]

        Not tried: 2 more addresses.
        example.com: no address takes mail [reply-5xx] (0.120 seconds)
        ");
        reply.way.problem = Some(verdict(false, "null-mx", "example.com says that it takes no mail"));
        reply.way.exchangers.clear();
        reply.addresses.clear();
        reply.left_out = 0;
        insta::assert_snapshot!(reply.text(), @r"
        Probe of example.com
        Way: MX, TLS: Preferred (0.003 seconds)
          example.com says that it takes no mail [null-mx]

        example.com: no address takes mail [reply-5xx] (0.120 seconds)
        ");
    }
}
