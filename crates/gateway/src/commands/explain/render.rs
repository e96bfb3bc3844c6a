//! An explanation as the reply of a command: sentences said, instants in UTC.

use jiff::Timestamp;
use mailreeve_api::explain::pages::page;
use mailreeve_api::explain::{self as api, ExplainReply, SCHEMA};
use mailreeve_api::format::AsOf;
use mailreeve_core::explain::{Arg, Catalogue, Explanation, Link, Remedy, Sentence};
use serde_json::Value;

use super::Answer;

/// `desk` is where the desk is, when it runs.
pub(super) fn reply(answer: &Answer, as_of: AsOf, words: &Catalogue, desk: Option<&str>) -> ExplainReply {
    let Explanation { subject, state, verdict, summary, chain, next, remedy } = &answer.main;
    ExplainReply {
        schema: SCHEMA,
        as_of,
        subject: api::Subject {
            mid: subject.mid,
            rid: subject.rid,
            message_id: subject.message_id.clone(),
            sender: subject.sender.clone(),
            recipient: subject.recipient.clone(),
            host: subject.host.clone(),
            dcid: subject.dcid,
            recipients: subject.recipients,
            destinations: subject.destinations,
        },
        state: state.code().to_owned(),
        verdict: api::Verdict {
            cause: verdict.cause.code().to_owned(),
            owner: verdict.owner.code().to_owned(),
            since: verdict.since.map(instant),
            certainty: verdict.certainty.code().to_owned(),
        },
        summary: words.say(summary),
        summary_said: said(summary, words),
        chain: chain.iter().map(|step| link(step, words)).collect(),
        next: api::Next {
            at: next.at.map(instant),
            what: words.say(&next.what),
            said: said(&next.what, words),
        },
        remedy: remedy.iter().map(|remedy| deed(remedy, words)).collect(),
        page: format!("docs/why/{}.md", verdict.cause.code()),
        address: desk.zip(page(verdict.cause.code())).map(|(desk, page)| desk.to_owned() + &page.path()),
        others: answer.others.iter().map(|(case, count)| other(case, *count)).collect(),
        records_since: answer.reach.since.map(instant),
    }
}

fn link(step: &Link, words: &Catalogue) -> api::Link {
    api::Link {
        at: step.at.map(instant),
        what: words.say(&step.what),
        evidence: api::Evidence {
            kind: step.evidence.kind.code().to_owned(),
            text: words.say(&step.evidence.said),
            said: said(&step.evidence.said, words),
        },
        said: said(&step.what, words),
    }
}

fn deed(remedy: &Remedy, words: &Catalogue) -> api::Remedy {
    let what = words.say(&remedy.what);
    api::Remedy {
        deed: remedy.command.clone().unwrap_or_else(|| what.clone()),
        command: remedy.command.is_some(),
        what,
        who: remedy.who.code().to_owned(),
        why: words.say(&remedy.why),
        said: said(&remedy.what, words),
    }
}

fn other(case: &Explanation, recipients: u64) -> api::Other {
    api::Other {
        state: case.state.code().to_owned(),
        cause: case.verdict.cause.code().to_owned(),
        recipients,
        mid: case.subject.mid,
        example: case.subject.recipient.clone().or_else(|| case.subject.host.clone()),
    }
}

fn said(sentence: &Sentence, words: &Catalogue) -> api::Said {
    let value = |arg: &Arg| match arg {
        Arg::Text(text) => Value::from(text.as_str()),
        Arg::Word(key) => Value::from(*key),
        Arg::Number(number) | Arg::Span(number) => Value::from(*number),
        Arg::At(at) => Value::from(instant(*at)),
    };
    let args = words.arguments(sentence).map(|(name, arg)| ((*name).to_owned(), value(arg))).collect();
    api::Said { key: sentence.key.clone(), args }
}

/// An instant as RFC 3339, in UTC.
fn instant(at: u64) -> String {
    let at = i64::try_from(at).ok().and_then(|us| Timestamp::from_microsecond(us).ok());
    at.unwrap_or(Timestamp::UNIX_EPOCH).to_string()
}
