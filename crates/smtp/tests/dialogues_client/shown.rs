//! Outputs as they stand in a dialogue.

use mailreeve_smtp::client::{Final, Framing, NotSent, Output, Stage};

/// Shows an output, one line or several.
pub(crate) fn shown(output: &Output) -> Vec<String> {
    let one = match output {
        Output::Write(octets) => return written("C: ", octets),
        Output::Content { tag, framing, follow } => {
            let framing = match framing {
                Framing::Dot => "dot",
                Framing::Bdat => "bdat",
            };
            let mut lines = vec![format!("? content {tag} {framing}")];
            lines.extend(written("C+ ", follow));
            return lines;
        }
        Output::StartTls => "starttls".to_owned(),
        Output::Ready => "ready".to_owned(),
        Output::GreetingRejected(reply) => format!("greeting_rejected {reply}"),
        Output::HelloRejected(reply) => format!("hello_rejected {reply}"),
        Output::TlsUnavailable(why) => format!("tls_unavailable {why}"),
        Output::AuthFailed(reply) => format!("auth_failed {reply}"),
        Output::Recipient { tag, index, reply } => format!("recipient {tag} {index} {reply}"),
        Output::MailRejected { tag, reply } => format!("mail_rejected {tag} {reply}"),
        Output::Done { tag, result } => format!("done {tag} {}", result_shown(result)),
        Output::Lost { tag, stage, why, after_data } => {
            let tag = tag.map_or_else(|| "-".to_owned(), |tag| tag.to_string());
            let after_data = if *after_data { " after data" } else { "" };
            format!("lost {tag} {}{after_data}: {why}", stage_shown(*stage))
        }
        Output::Closed => "closed".to_owned(),
    };
    vec![format!("? {one}")]
}

/// The lines of a write: the first begins it.
fn written(first: &str, octets: &[u8]) -> Vec<String> {
    let mut mark = first;
    let mut lines = Vec::new();
    for line in octets.split_inclusive(|octet| *octet == b'\n') {
        let text = line.strip_suffix(b"\r\n").expect("a command ends with CRLF");
        lines.push(format!("{mark}{}", str::from_utf8(text).unwrap()));
        mark = "C+ ";
    }
    lines
}

fn result_shown(result: &Final) -> String {
    match result {
        Final::Accepted(reply) => format!("accepted {reply}"),
        Final::Rejected(reply, stage) => format!("rejected {} {reply}", stage_shown(*stage)),
        Final::AllRecipientsRejected => "all_recipients_rejected".to_owned(),
        Final::EnvelopeTaken => "envelope_taken".to_owned(),
        Final::NotSent(NotSent::Smtputf8NotOffered) => "not_sent smtputf8".to_owned(),
        Final::NotSent(NotSent::TooBig { limit }) => format!("not_sent too_big {limit}"),
    }
}

fn stage_shown(stage: Stage) -> String {
    format!("{stage:?}").to_lowercase()
}
