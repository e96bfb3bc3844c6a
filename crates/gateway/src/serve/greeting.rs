//! What is told of a start: to whoever started it by hand, and to the records.

use std::io::Write as _;

use mailreeve_core::event::Event;

use super::Daemon;
use crate::configuration;
use crate::context::Context;

/// Tells whoever started it by hand where it listens.
pub(super) fn greet(daemon: &Daemon) {
    let running = daemon.context.running.load();
    let places: Vec<String> = daemon
        .listeners
        .iter()
        .map(|listener| format!("{} on {}", listener.name, listener.address))
        .collect();
    let text = format!(
        "mailreeve {}: {}; configuration: {}; commands by {}",
        env!("CARGO_PKG_VERSION"),
        places.join(", "),
        running.source,
        running.config.socket.display()
    );
    // Nobody may be reading.
    let _ = writeln!(std::io::stderr(), "{text}");
}

/// Tells that it runs, and by which configuration.
pub(super) fn started(context: &Context) {
    let running = context.running.load();
    context.events.tell(Event::Started {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        node: running.config.hostname.clone(),
    });
    configuration::before::in_force(context, None);
}
