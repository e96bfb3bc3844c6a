//! A thread with a runtime of its own, in which servers of the lab run.
//!
//! A room does not care what the caller runs on: it can be opened from a plain test, from another runtime or
//! from the command line. Closing it (by drop) ends everything in it, with all sockets, before `drop` returns.

use std::future::Future;
use std::io;
use std::thread::JoinHandle;

use tokio::runtime::{Builder, Handle};
use tokio::sync::oneshot;

/// A running room.
#[derive(Debug)]
pub struct Room {
    handle: Handle,
    close: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Room {
    /// Opens a room whose thread is called `name`.
    ///
    /// # Errors
    /// When the system gives no thread or no event queue.
    pub fn open(name: &str) -> io::Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let handle = runtime.handle().clone();
        let (close, closed) = oneshot::channel::<()>();
        let thread = std::thread::Builder::new().name(name.to_owned()).spawn(move || {
            // Both a message and a dropped sender mean the same: the room is closed.
            let _ = runtime.block_on(closed);
        })?;
        Ok(Self { handle, close: Some(close), thread: Some(thread) })
    }

    /// Starts a task that lives until it ends or the room closes.
    pub fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.handle.spawn(task);
    }

    /// Runs `make` where sockets of this room can be made.
    pub fn enter<T>(&self, make: impl FnOnce() -> T) -> T {
        let _inside = self.handle.enter();
        make()
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        drop(self.close.take());
        if let Some(thread) = self.thread.take() {
            // A panic of the room has been printed by its own thread already.
            let _ = thread.join();
        }
    }
}
