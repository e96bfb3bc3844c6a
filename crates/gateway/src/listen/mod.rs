//! Listening: sockets bound, connections taken in, each driven by a session of its own.
//!
//! Every receiving runtime polls the same listening socket; a connection stays in the runtime that took it.

mod envelope;
mod judge;
pub(crate) mod own;
mod session;
mod suspension;

pub(crate) use envelope::{by_destination, grouped};

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use mailreeve_core::event::{Event, Severity};
use mailreeve_smtp::reply::{Enhanced, Reply};
use parking_lot::Mutex;
use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use crate::context::Context;
use crate::receipts::Receipts;

/// Connections that may wait in the kernel for us to take them.
const BACKLOG: i32 = 1024;

/// One configured listener, bound.
pub struct Listener {
    /// Its name, as operators know it.
    pub name: String,
    /// Where it listens.
    pub address: SocketAddr,
    /// Connections at a time.
    pub max_connections: usize,
    /// Connections at a time from one host outside the relay networks.
    pub max_connections_per_ip: usize,
    socket: std::net::TcpListener,
    open: AtomicUsize,
    door: suspension::Gate,
    peers: Mutex<Peers>,
}

/// Connections open now, counted two ways: by host for the limit, by address for those who look.
#[derive(Default)]
struct Peers {
    hosts: HashMap<IpAddr, usize>,
    addresses: HashMap<IpAddr, usize>,
}

impl Peers {
    /// Counts a connection in; returns how many its host has now.
    fn enter(&mut self, peer: IpAddr) -> usize {
        *self.addresses.entry(peer).or_default() += 1;
        let mine = self.hosts.entry(host_key(peer)).or_default();
        *mine += 1;
        *mine
    }

    fn leave(&mut self, peer: IpAddr) {
        less(&mut self.addresses, peer);
        less(&mut self.hosts, host_key(peer));
    }
}

fn less(counts: &mut HashMap<IpAddr, usize>, key: IpAddr) {
    if let Some(count) = counts.get_mut(&key) {
        *count -= 1;
        if *count == 0 {
            counts.remove(&key);
        }
    }
}

impl Listener {
    /// Binds. The error names the address, for a person.
    pub fn bind(
        name: &str,
        address: SocketAddr,
        max_connections: usize,
        max_connections_per_ip: usize,
    ) -> io::Result<Self> {
        let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
        // Lets a restart bind while old connections linger; it does not let two daemons share a port.
        socket.set_reuse_address(true)?;
        if address.is_ipv6() {
            socket.set_only_v6(false)?;
        }
        socket.set_nonblocking(true)?;
        socket.bind(&address.into())?;
        socket.listen(BACKLOG)?;
        let socket: std::net::TcpListener = socket.into();
        let address = socket.local_addr()?;
        Ok(Self {
            name: name.to_owned(),
            address,
            max_connections,
            max_connections_per_ip,
            socket,
            open: AtomicUsize::new(0),
            door: suspension::Gate::default(),
            peers: Mutex::default(),
        })
    }

    /// Returns the connections open now.
    pub fn open(&self) -> usize {
        self.open.load(Ordering::Relaxed)
    }

    /// Returns the addresses that are connected now, with their connections.
    pub fn peers(&self) -> Vec<(IpAddr, usize)> {
        self.peers.lock().addresses.iter().map(|(peer, count)| (*peer, *count)).collect()
    }

    /// Returns the gate through which operators suspend and resume it.
    pub fn door(&self) -> &suspension::Gate {
        &self.door
    }

    fn enter(self: &Arc<Self>, peer: IpAddr, trusted: bool) -> Result<Seat, Full> {
        let seat = Seat { listener: Arc::clone(self), peer };
        let all = self.open.fetch_add(1, Ordering::Relaxed) + 1;
        let mine = self.peers.lock().enter(peer);
        if all > self.max_connections {
            return Err(Full::Listener(seat));
        }
        if !trusted && mine > self.max_connections_per_ip {
            return Err(Full::Host(seat));
        }
        Ok(seat)
    }
}

/// A place among the open connections, given back when dropped.
pub(crate) struct Seat {
    listener: Arc<Listener>,
    peer: IpAddr,
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.listener.open.fetch_sub(1, Ordering::Relaxed);
        self.listener.peers.lock().leave(self.peer);
    }
}

/// Which limit is reached. The seat is held until the refusal is said, so that refusals are bounded too.
enum Full {
    Listener(Seat),
    Host(Seat),
}

/// One host may hold many IPv6 addresses, so its /64 counts (DESIGN 7).
fn host_key(peer: IpAddr) -> IpAddr {
    match peer.to_canonical() {
        IpAddr::V4(v4) => IpAddr::V4(v4),
        IpAddr::V6(v6) => {
            let [a, b, c, d, ..] = v6.segments();
            IpAddr::V6(std::net::Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
    }
}

/// Takes connections in until told to stop. Runs in every receiving runtime.
pub async fn run(
    context: Arc<Context>,
    listener: Arc<Listener>,
    receipts: Arc<Receipts>,
    stop: watch::Receiver<bool>,
) -> io::Result<()> {
    let mut stopping = stop.clone();
    let socket = TcpListener::from_std(listener.socket.try_clone()?)?;
    loop {
        tokio::select! {
            biased;
            () = told(&mut stopping) => return Ok(()),
            accepted = socket.accept() => match accepted {
                Ok((stream, peer)) => take_in(&context, &listener, &receipts, stream, peer, &stop),
                Err(error) => accept_failed(&context, &listener, &error).await,
            },
        }
    }
}

/// Waits until the daemon is told to stop.
pub(super) async fn told(stop: &mut watch::Receiver<bool>) {
    // A sender that is gone means the same as one that said so.
    let _ = stop.wait_for(|stop| *stop).await;
}

fn take_in(
    context: &Arc<Context>,
    listener: &Arc<Listener>,
    receipts: &Arc<Receipts>,
    stream: TcpStream,
    peer: SocketAddr,
    stop: &watch::Receiver<bool>,
) {
    let peer = SocketAddr::new(peer.ip().to_canonical(), peer.port());
    let Ok(local) = stream.local_addr() else { return };
    // Replies are single small writes; waiting to fill a segment would only add latency.
    let _ = stream.set_nodelay(true);
    // Without a number nothing could be told of it; the sender finds the door closed and tries again.
    let Some(icid) = context.ids.icid() else { return };
    context.events.tell(Event::ConnectionOpened { icid, listener: listener.name.clone(), local, peer });
    let running = context.running.load_full();
    // A listener keeps its settings under its name; a reload cannot take it away.
    let Some(smtp) = running.smtp.get(&listener.name).cloned() else { return };
    let verdict = running.policy.judge_peer(peer.ip());
    let trusted = verdict.action == mailreeve_core::event::PeerAction::Relay;
    let full = |text| Some(Reply::new(421, Enhanced(4, 7, 0), text));
    let (seat, refusal) = match listener.enter(peer.ip(), trusted) {
        Ok(seat) => (seat, None),
        Err(Full::Listener(seat)) => (seat, full("Too many connections here, please try again later")),
        Err(Full::Host(seat)) => (seat, full("Too many connections from your host, please try again later")),
    };
    let refusal = refusal.or_else(|| listener.door.refusal());
    let guest = refusal.is_none().then(|| listener.door.guest());
    let inbound = session::Inbound::new(session::Arrival {
        context: Arc::clone(context),
        running,
        smtp,
        receipts: Arc::clone(receipts),
        icid,
        local,
        peer,
        listener: Arc::from(listener.name.as_str()),
        verdict,
        stop: stop.clone(),
        door: listener.door.watch(),
    });
    tokio::spawn(async move {
        inbound.run(stream, refusal).await;
        drop((seat, guest));
    });
}

/// Out of file descriptors or memory: say so, rest a moment, go on. The kernel keeps the waiting connections.
async fn accept_failed(context: &Context, listener: &Listener, error: &io::Error) {
    context.events.alert(
        Severity::Warning,
        "accept-failed",
        format!("listener {} cannot take a connection in: {error}", listener.name),
        "raise the limit of open files (LimitNOFILE) or lower max_connections",
    );
    tokio::time::sleep(Duration::from_millis(100)).await;
}
