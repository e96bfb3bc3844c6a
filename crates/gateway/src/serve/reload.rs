//! A new configuration into force without dropping a connection.

use std::path::Path;
use std::sync::Arc;

use mailreeve_core::config::Config;
use mailreeve_core::delivery::io::Input;
use mailreeve_core::event::{Event, Severity};

use crate::configuration;
use crate::context::Context;
use crate::deliver::shard::Message;
use crate::notify;

/// Reads the configuration again. A mistake in it changes nothing and is alerted.
pub(super) fn reload(context: &Arc<Context>, file: Option<&Path>) {
    notify::reloading();
    let before = context.running.load_full();
    let prepared = configuration::read(file).map_err(anyhow::Error::from).and_then(|mut text| {
        keep_fixed(context, &before.config, &mut text.config);
        configuration::prepare(text, before.listening.clone(), Arc::clone(before.dns.counters()))
    });
    match prepared {
        Ok(running) => {
            let queue = &running.config.queue;
            let bytes = usize::try_from(queue.body_memory).unwrap_or(usize::MAX);
            context.intake.set_limits(queue.max_recipients as u64, bytes);
            let settings = Arc::clone(&running.delivery);
            let told = Event::Configured { checksum: running.checksum, source: running.source.clone() };
            context.running.store(Arc::new(running));
            let _ = context.shard.send(Message::Input(Input::Reconfigure(settings)));
            context.events.tell(told);
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

/// What only a start can change stays as it was, and is said.
fn keep_fixed(context: &Context, before: &Config, after: &mut Config) {
    let changed = [
        ("listeners", before.listeners != after.listeners),
        ("data_dir", before.data_dir != after.data_dir),
        ("log_dir", before.log_dir != after.log_dir),
        ("socket", before.socket != after.socket),
        ("[log]", before.log != after.log),
        ("[ledger]", before.ledger != after.ledger),
        ("[recorder]", before.recorder != after.recorder),
        ("[tracking]", before.tracking != after.tracking),
        ("[desk]", before.desk != after.desk),
        ("[metrics]", before.metrics_address != after.metrics_address),
        ("[threads]", before.receive_threads != after.receive_threads),
        ("queue.low, queue.reserve", {
            (before.queue.low, before.queue.reserve) != (after.queue.low, after.queue.reserve)
        }),
    ];
    let names: Vec<&str> = changed.iter().filter(|(_, changed)| *changed).map(|(name, _)| *name).collect();
    if names.is_empty() {
        return;
    }
    after.listeners.clone_from(&before.listeners);
    after.data_dir.clone_from(&before.data_dir);
    after.log_dir.clone_from(&before.log_dir);
    after.socket.clone_from(&before.socket);
    after.log.clone_from(&before.log);
    after.recorder.clone_from(&before.recorder);
    context.events.alert(
        Severity::Warning,
        "restart-needed",
        format!("these changed in the configuration and stay as they were: {}", names.join(", ")),
        "restart the gateway at a quiet moment",
    );
}
