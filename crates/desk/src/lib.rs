//! The desk: where operators work with a browser, and programs by REST. A role of the daemon in a process of its
//! own, started by it; no mail depends on it.
//!
//! It links the commands' crate and nothing else of the product: whatever it shows or does it asks of the daemon by
//! the registry's calls, over a connection that only the two have, so it can do nothing that another client cannot.
//! What is its own are users, passwords, tokens and sessions.
//!
//! * `channel`: calls to the daemon, several under way at once.
//! * `router`: every route there is, and what stands before it.
//! * `guard`: what stands before every route: bounds, who asks, no other site's doing.
//! * `visitor`: who asks; pages and REST ask the daemon through it.
//! * `shared`: looks that open pages take together.
//! * `rest`: the commands for programs.
//! * `pages`: what browsers show.
//! * `users`: users, tokens and sessions on disk; `user_command` changes them from the command line.

mod channel;
mod connections;
mod cookie;
mod deeds;
pub mod desk;
mod guard;
pub mod live;
mod network;
mod openapi;
mod paced;
pub mod pages;
mod password;
pub mod problem;
mod rest;
mod router;
mod secret;
mod shared;
mod shield;
mod sign_in;
mod stream;
mod throttle;
mod tls;
pub mod user_command;
mod users;
pub mod visitor;
mod welcome;

use std::net::TcpListener;
use std::os::fd::AsFd as _;
use std::os::unix::net::UnixStream;

use anyhow::{Context as _, Result};
use mailreeve_api::desk::Fact;

use crate::channel::Channel;
use crate::desk::Desk;

/// Runs the role: the connection to the daemon is standard input, the socket to listen at is standard output.
/// Returns when the daemon is gone or lets go.
///
/// # Errors
/// When it was not started by the daemon.
pub fn run() -> Result<()> {
    let (daemon, listener) =
        inherited().context("the desk is a role of the daemon: `mailreeve serve` starts it")?;
    // The end of the connection tells the same; this also ends a desk that is busy with something else.
    rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL))?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let outcome = runtime.block_on(work(daemon, listener));
    runtime.shutdown_background();
    outcome
}

fn inherited() -> Result<(UnixStream, TcpListener)> {
    let daemon = UnixStream::from(std::io::stdin().as_fd().try_clone_to_owned()?);
    let listener = TcpListener::from(std::io::stdout().as_fd().try_clone_to_owned()?);
    daemon.peer_addr().context("standard input is not a socket")?;
    listener.local_addr().context("standard output is not a socket")?;
    daemon.set_nonblocking(true)?;
    listener.set_nonblocking(true)?;
    Ok((daemon, listener))
}

async fn work(daemon: UnixStream, listener: TcpListener) -> Result<()> {
    // Who stops the daemon signals a whole group or service: the daemon says when it is over.
    use tokio::signal::unix::{SignalKind, signal};
    let _kept =
        (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?, signal(SignalKind::hangup())?);
    let (channel, start, gone) = Channel::open(tokio::net::UnixStream::from_std(daemon)?).await?;
    let prepared = tls::acceptor(&start).and_then(|tls| Ok((tls, Desk::open(channel.clone(), &start)?)));
    let (tls, desk) = match prepared {
        Ok(prepared) => prepared,
        Err(error) => {
            channel.tell_surely(Fact::Failed { why: format!("{error:#}") }).await;
            return Err(error);
        }
    };
    let listener = tokio::net::TcpListener::from_std(listener)?;
    tokio::select! {
        () = gone.wait() => Ok(()),
        () = deeds::tell(desk.clone()) => Ok(()),
        () = connections::serve(listener, tls, router::all(desk)) => Ok(()),
    }
}
