//! A new configuration into force without dropping a connection.

use std::path::Path;
use std::sync::Arc;

use mailreeve_core::config::Config;
use mailreeve_core::delivery::io::Input;
use mailreeve_core::event::Severity;

use crate::configuration::{self, before::in_force};
use crate::context::Context;
use crate::deliver::shard::Message;
use crate::notify;

/// Reads the configuration again. A mistake in it changes nothing and is alerted.
pub(super) fn reload(context: &Arc<Context>, file: Option<&Path>) {
    notify::reloading();
    let before = context.running.load_full();
    let prepared = configuration::read(file).map_err(anyhow::Error::from).and_then(|mut text| {
        let (effective, waiting) = keep_fixed(&before.config, &mut text.config);
        let lookups = Arc::clone(before.dns.counters());
        Ok((configuration::prepare(text, before.listening.clone(), lookups)?, effective, waiting))
    });
    match prepared {
        Ok((running, effective, waiting)) => {
            context.intake.set_queue_limit(running.config.queue.max_recipients as u64);
            let settings = Arc::clone(&running.delivery);
            context.running.store(Arc::new(running));
            let _ = context.shard.send(Message::Input(Input::Reconfigure(settings)));
            in_force(context, Some(&before));
            if !waiting.is_empty() {
                restart_needed(context, &effective, &waiting);
            }
        }
        Err(error) => context.events.alert(
            Severity::Warning,
            "configuration-refused",
            format!("the configuration was not reloaded; the one before stays in force: {error:#}"),
            "`mailreeve check FILE` shows every mistake",
        ),
    }
    notify::tell("READY=1");
}

/// A part of the configuration.
struct Part {
    /// As the file and its manual call it.
    name: &'static str,
    differs: fn(&Config, &Config) -> bool,
    /// Only a start can change it: puts the value before back.
    keep: Option<fn(&mut Config, &Config)>,
}

macro_rules! taken {
    ($name:literal, $($field:ident).+) => {
        Part { name: $name, differs: |one, other| one.$($field).+ != other.$($field).+, keep: None }
    };
}

macro_rules! fixed {
    ($name:literal, $($field:ident).+) => {
        Part {
            keep: Some(|after, before| after.$($field).+.clone_from(&before.$($field).+)),
            ..taken!($name, $($field).+)
        }
    };
}

/// All of it, in the order of the manual.
const PARTS: [Part; 27] = [
    taken!("hostname", hostname),
    fixed!("data_dir", data_dir),
    fixed!("log_dir", log_dir),
    fixed!("socket", socket),
    fixed!("[[listener]]", listeners),
    taken!("[accept]", accept),
    taken!("[limits]", limits),
    taken!("[timeouts]", timeouts),
    taken!("[tls]", identity),
    taken!("queue.max_recipients", queue.max_recipients),
    fixed!("queue.body_memory", queue.body_memory),
    fixed!("queue.low", queue.low),
    fixed!("queue.reserve", queue.reserve),
    taken!("[delivery]", delivery),
    taken!("[[route]]", routes),
    taken!("[[credentials]]", credentials),
    taken!("[destination_default]", destination_default),
    taken!("[[destination]]", destinations),
    taken!("[[bounce_profile]]", bounce_profiles),
    taken!("[dns]", dns),
    fixed!("[log]", log),
    fixed!("[ledger]", ledger),
    fixed!("[recorder]", recorder),
    fixed!("[tracking]", tracking),
    fixed!("[metrics]", metrics_address),
    fixed!("[desk]", desk),
    fixed!("[threads]", receive_threads),
];

/// Keeps what only a start can change as it was. Returns what changed in the file: what takes effect, and what waits for
/// a restart.
fn keep_fixed(before: &Config, after: &mut Config) -> (Vec<&'static str>, Vec<&'static str>) {
    let (mut effective, mut waiting) = (Vec::new(), Vec::new());
    for part in PARTS.iter().filter(|part| (part.differs)(before, after)) {
        match part.keep {
            None => effective.push(part.name),
            Some(keep) => waiting.push((part.name, keep)),
        }
    }
    for (_, keep) in &waiting {
        keep(after, before);
    }
    (effective, waiting.into_iter().map(|(name, _)| name).collect())
}

/// Says what of a file waits for a restart, and what does not.
fn restart_needed(context: &Context, effective: &[&str], waiting: &[&str]) {
    let also = match effective {
        [] => "nothing else in it changed".to_owned(),
        names => format!("in force are the changes of {}", names.join(", ")),
    };
    context.events.alert(
        Severity::Warning,
        "restart-needed",
        format!(
            "the configuration was read again; {also}. These stay as they were until a restart: {}",
            waiting.join(", ")
        ),
        "restart the gateway at a quiet moment, or put the old values back into the file",
    );
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::configuration;

    #[test]
    fn each_changed_part_takes_effect_or_waits_and_what_waits_is_as_before() {
        let Ok(text) = configuration::read(None) else { unreachable!() };
        let before = text.config;
        let mut after = before.clone();
        after.queue.max_recipients += 1;
        after.queue.body_memory += 1;
        after.hostname.push('x');
        after.receive_threads += 1;
        let (effective, waiting) = keep_fixed(&before, &mut after);
        assert_eq!(effective, ["hostname", "queue.max_recipients"]);
        assert_eq!(waiting, ["queue.body_memory", "[threads]"]);
        assert_eq!(
            (after.queue.body_memory, after.receive_threads),
            (before.queue.body_memory, before.receive_threads)
        );
        // The same file once more: what waits still waits.
        let (mut again, kept) = (after.clone(), after.clone());
        again.queue.body_memory += 1;
        assert_eq!(keep_fixed(&kept, &mut again), (Vec::new(), vec!["queue.body_memory"]));
        assert_eq!(again, kept);
    }
}
