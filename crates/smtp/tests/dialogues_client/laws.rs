//! What must hold of every session, however it went.

use std::collections::BTreeSet;

use mailreeve_smtp::client::{Final, Output};
use mailreeve_smtp::reply::Class;

use super::driver::Driver;

/// Checks a session that has ended.
pub(crate) fn hold(driver: &Driver) -> Result<(), String> {
    let outputs = &driver.outputs;
    let closed = outputs.iter().filter(|output| matches!(output, Output::Closed)).count();
    let behind = outputs.iter().skip_while(|output| !matches!(output, Output::Closed)).skip(1);
    let only_given_back =
        behind.into_iter().all(|output| matches!(output, Output::Lost { tag: Some(_), .. }));
    if !driver.session.closed() || closed != 1 || !only_given_back {
        return Err(format!("the end is not told once, and last ({closed} times)"));
    }
    if driver.session.deadline().is_some() {
        return Err("a closed session waits".to_owned());
    }
    for tag in &driver.handed_over {
        let ends = ends(outputs, *tag).len();
        if ends != 1 {
            return Err(format!("transaction {tag} has {ends} results"));
        }
    }
    recipients_are_told_once(outputs)?;
    outputs.iter().try_for_each(|output| fits(driver, output))
}

/// Returns the transactions that were accepted.
pub(crate) fn accepted(outputs: &[Output]) -> BTreeSet<u64> {
    let accepted = outputs.iter().filter_map(|output| match output {
        Output::Done { tag, result: Final::Accepted(_) } => Some(*tag),
        _ => None,
    });
    accepted.collect()
}

fn ends(outputs: &[Output], tag: u64) -> Vec<&Output> {
    let is_end = |output: &&Output| match output {
        Output::Done { tag: of, .. } => *of == tag,
        Output::Lost { tag: of, .. } => *of == Some(tag),
        _ => false,
    };
    outputs.iter().filter(is_end).collect()
}

fn recipients_are_told_once(outputs: &[Output]) -> Result<(), String> {
    let (mut told, mut refused) = (BTreeSet::new(), BTreeSet::new());
    for output in outputs {
        match output {
            Output::MailRejected { tag, .. } => {
                refused.insert(*tag);
            }
            Output::Recipient { tag, index, .. } if refused.contains(tag) || !told.insert((*tag, *index)) => {
                return Err(format!("recipient {index} of {tag} is told too often"));
            }
            _ => {}
        }
    }
    Ok(())
}

/// Replies fit what they are reported as; content that was written whole, and only that, may be with the peer.
fn fits(driver: &Driver, output: &Output) -> Result<(), String> {
    let fits = match output {
        Output::Done { result: Final::Accepted(reply), tag } => {
            reply.class() == Class::Done && driver.written.contains(tag)
        }
        Output::Done { result: Final::Rejected(reply, _), .. }
        | Output::MailRejected { reply, .. }
        | Output::GreetingRejected(reply)
        | Output::HelloRejected(reply)
        | Output::AuthFailed(reply) => matches!(reply.class(), Class::Transient | Class::Permanent),
        Output::Recipient { reply, .. } => reply.class() != Class::Intermediate,
        Output::Lost { tag: Some(tag), after_data, .. } => *after_data == driver.written.contains(tag),
        Output::Lost { tag: None, after_data, .. } => !after_data,
        _ => true,
    };
    if fits { Ok(()) } else { Err(format!("this cannot be: {output:?}")) }
}
