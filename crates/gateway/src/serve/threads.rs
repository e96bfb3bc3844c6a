//! Threads with a runtime each.

use std::io;
use std::thread::JoinHandle;

/// How many receiving runtimes there are: half the cores, because delivery needs the others.
pub(super) fn receive_count(configured: usize) -> usize {
    match configured {
        0 => std::thread::available_parallelism().map_or(1, |cores| (cores.get() / 2).clamp(1, 8)),
        count => count,
    }
}

/// Runs `work` in a single-threaded runtime of its own, in a thread of its own, with at most so many threads beside it
/// for what blocks on the disk.
pub(super) fn spawn(
    name: &str,
    blocking: usize,
    work: impl Future<Output = ()> + Send + 'static,
) -> io::Result<JoinHandle<()>> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .max_blocking_threads(blocking)
        // More events are taken a turn than the default before timers are looked at: fewer turns under load.
        .event_interval(61)
        .build()?;
    std::thread::Builder::new().name(name.to_owned()).spawn(move || {
        runtime.block_on(work);
        // Blocking reads of the spool must not hold the stop up.
        runtime.shutdown_timeout(std::time::Duration::from_secs(1));
    })
}
