//! What wakes the demo: a signal that says stop, or Enter.

use std::cell::Cell;
use std::io::{self, BufRead as _};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};

/// Why a wait ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wake {
    /// Ctrl-C, a request to end, or a terminal that is gone.
    Stop,
    /// A line was entered.
    Enter,
}

/// Hears signals for as long as the process lives.
#[derive(Debug)]
pub(super) struct Waker {
    wakes: Receiver<Wake>,
    lines: Sender<Wake>,
    /// Who was told to stop once is told so from then on.
    stopped: Cell<bool>,
}

impl Waker {
    /// Takes the signals over: from now on they end nothing by themselves.
    pub(super) fn start() -> io::Result<Self> {
        let (sender, wakes) = channel();
        let lines = sender.clone();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let inside = runtime.enter();
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut terminate = signal(SignalKind::terminate())?;
        let mut hangup = signal(SignalKind::hangup())?;
        drop(inside);
        std::thread::Builder::new().name("demo-signals".to_owned()).spawn(move || {
            runtime.block_on(async {
                loop {
                    tokio::select! {
                        _ = interrupt.recv() => {}
                        _ = terminate.recv() => {}
                        _ = hangup.recv() => {}
                    }
                    if sender.send(Wake::Stop).is_err() {
                        return;
                    }
                }
            });
        })?;
        Ok(Self { wakes, lines, stopped: Cell::new(false) })
    }

    /// Waits at most this long; what woke it, if anything did.
    pub(super) fn wait(&self, time: Duration) -> Option<Wake> {
        if self.stopped.get() {
            return Some(Wake::Stop);
        }
        let wake = self.wakes.recv_timeout(time).ok();
        self.stopped.set(wake == Some(Wake::Stop));
        wake
    }

    /// Hears Enter from now on, too.
    pub(super) fn hear_enter(&self) -> io::Result<()> {
        let lines = self.lines.clone();
        std::thread::Builder::new().name("demo-enter".to_owned()).spawn(move || {
            for line in io::stdin().lock().lines() {
                if line.is_err() || lines.send(Wake::Enter).is_err() {
                    return;
                }
            }
        })?;
        Ok(())
    }
}
