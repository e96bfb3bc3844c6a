//! Ctrl-C while a command runs.
//!
//! Whoever gives one command in a shell is ended by the system, as with any program. In a session the signal must
//! end the command and not the session: there it is blocked for the whole process and read like a file, so every wait
//! of a command is a wait for it too.

use std::io;
use std::os::fd::{AsFd as _, BorrowedFd};
use std::time::{Duration, Instant};

use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use rustix::event::{PollFd, PollFlags, Timespec, poll};

/// Where Ctrl-C is told.
pub(crate) struct Interrupt(Option<SignalFd>);

/// What ended a wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Woken {
    /// There is something to read, or the other side left.
    Readable,
    /// The time is over.
    Timeout,
    /// Somebody pressed Ctrl-C.
    Interrupted,
}

impl Interrupt {
    /// Leaves it to the system: it ends the process.
    pub(crate) const fn of_the_system() -> Self {
        Self(None)
    }

    /// From now on it ends nothing by itself. To be called before there is a second thread.
    pub(crate) fn caught() -> io::Result<Self> {
        let mut set = SigSet::empty();
        set.add(Signal::SIGINT);
        set.thread_block()?;
        Ok(Self(Some(SignalFd::with_flags(&set, SfdFlags::SFD_NONBLOCK | SfdFlags::SFD_CLOEXEC)?)))
    }

    /// Forgets what was pressed while no command ran.
    pub(crate) fn forget(&self) {
        while self.pressed() {}
    }

    /// Waits until `file` has something to read, until an instant, or for Ctrl-C.
    pub(crate) fn wait(&self, file: Option<BorrowedFd<'_>>, until: Instant) -> io::Result<Woken> {
        self.wait_for_any(file.as_slice(), until).map(|(woken, _)| woken)
    }

    /// As [`wait`](Self::wait), for whichever of some files comes first; tells its place.
    pub(crate) fn wait_for_any(
        &self,
        files: &[BorrowedFd<'_>],
        until: Instant,
    ) -> io::Result<(Woken, usize)> {
        let signals = self.0.as_ref().map(|signals| PollFd::from_borrowed_fd(signals.as_fd(), PollFlags::IN));
        let polled = files.iter().map(|file| PollFd::from_borrowed_fd(*file, PollFlags::IN));
        let mut polled: Vec<PollFd<'_>> = polled.chain(signals).collect();
        loop {
            let left = until.saturating_duration_since(Instant::now());
            match poll(&mut polled, Some(&timespec(left))) {
                Ok(0) => return Ok((Woken::Timeout, 0)),
                Ok(_) if self.pressed() => return Ok((Woken::Interrupted, 0)),
                Ok(_) => {
                    let ready = (0..files.len()).find(|place| !polled[*place].revents().is_empty());
                    if let Some(place) = ready {
                        return Ok((Woken::Readable, place));
                    }
                }
                // Any other signal, for example of a terminal that changed its size.
                Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Sleeps until an instant; `false` when Ctrl-C ended it.
    pub(crate) fn sleep(&self, until: Instant) -> io::Result<bool> {
        Ok(self.wait(None, until)? != Woken::Interrupted)
    }

    fn pressed(&self) -> bool {
        self.0.as_ref().is_some_and(|signals| matches!(signals.read_signal(), Ok(Some(_))))
    }
}

fn timespec(left: Duration) -> Timespec {
    let seconds = i64::try_from(left.as_secs()).unwrap_or(i64::MAX);
    Timespec { tv_sec: seconds, tv_nsec: left.subsec_nanos().into() }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::io::Write as _;
    use std::os::unix::net::UnixStream;

    use super::*;

    #[test]
    fn a_wait_ends_for_each_reason() {
        let interrupt = Interrupt::caught().unwrap();
        let (here, mut there) = UnixStream::pair().unwrap();
        let soon = || Instant::now() + Duration::from_millis(5);
        let late = || Instant::now() + Duration::from_secs(20);
        assert_eq!(interrupt.wait(Some(here.as_fd()), soon()).unwrap(), Woken::Timeout);
        there.write_all(b"x").unwrap();
        assert_eq!(interrupt.wait(Some(here.as_fd()), late()).unwrap(), Woken::Readable);
        // To this thread, which has it blocked; others of the process have not.
        nix::sys::signal::raise(Signal::SIGINT).unwrap();
        assert_eq!(interrupt.wait(Some(here.as_fd()), late()).unwrap(), Woken::Interrupted);
        nix::sys::signal::raise(Signal::SIGINT).unwrap();
        assert!(!interrupt.sleep(late()).unwrap());
        nix::sys::signal::raise(Signal::SIGINT).unwrap();
        interrupt.forget();
        assert!(interrupt.sleep(soon()).unwrap());
    }
}
