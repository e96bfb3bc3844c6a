//! Connections of browsers and programs: a bounded number, shared between addresses, each with deadlines.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::ConnectInfo;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use parking_lot::Mutex;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio_rustls::TlsAcceptor;

use crate::network::network;
use crate::paced::Paced;

/// Connections served at a time.
const CONNECTIONS: usize = 256;
/// For the TLS handshake.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// For the head of a request, and between requests.
const HEAD: Duration = Duration::from_secs(15);
/// Octets of a request's head.
const HEAD_BYTES: usize = 16 * 1024;
/// Fields of a request's head.
const FIELDS: usize = 64;

/// Serves until the runtime ends.
pub(crate) async fn serve(listener: TcpListener, tls: Option<TlsAcceptor>, router: Router) {
    let seats = Arc::new(Mutex::new(Seats::default()));
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => {
                let Some((seat, asked_to_leave)) = Seat::take(&seats, peer.ip()) else { continue };
                let (router, tls) = (router.clone(), tls.clone());
                tokio::spawn(async move {
                    tokio::select! {
                        () = welcome(stream, peer, tls, router) => {}
                        _ = asked_to_leave => {}
                    }
                    drop(seat);
                });
            }
            Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
        }
    }
}

/// Who has which connections. When all are taken, whoever has most of them gives one to an address that has fewer:
/// no address keeps others out, and one alone, a proxy for instance, may have all that nobody else wants.
#[derive(Default)]
struct Seats {
    of: HashMap<IpAddr, Vec<Taken>>,
    taken: usize,
    last: u64,
}

struct Taken {
    number: u64,
    /// Asks its connection to leave.
    leave: oneshot::Sender<()>,
}

impl Seats {
    /// Takes a seat; `None` when there is none for this address.
    fn take(&mut self, who: IpAddr) -> Option<(u64, oneshot::Receiver<()>)> {
        if self.taken >= CONNECTIONS {
            let own = self.of.get(&who).map_or(0, Vec::len);
            let most = self.of.values_mut().max_by_key(|seats| seats.len())?;
            if most.len() <= own + 1 {
                return None;
            }
            // The newest: what goes on longest is disturbed least. It may have ended by itself.
            let _ = most.pop()?.leave.send(());
            self.taken -= 1;
        }
        let (leave, asked_to_leave) = oneshot::channel();
        self.last += 1;
        self.taken += 1;
        self.of.entry(who).or_default().push(Taken { number: self.last, leave });
        Some((self.last, asked_to_leave))
    }

    fn give_back(&mut self, who: IpAddr, number: u64) {
        let Some(seats) = self.of.get_mut(&who) else { return };
        let before = seats.len();
        seats.retain(|seat| seat.number != number);
        self.taken -= before - seats.len();
        if seats.is_empty() {
            self.of.remove(&who);
        }
    }
}

/// A seat; comes back when it is dropped.
struct Seat {
    seats: Arc<Mutex<Seats>>,
    who: IpAddr,
    number: u64,
}

impl Seat {
    fn take(seats: &Arc<Mutex<Seats>>, address: IpAddr) -> Option<(Self, oneshot::Receiver<()>)> {
        let who = network(address);
        let (number, asked_to_leave) = seats.lock().take(who)?;
        Some((Self { seats: Arc::clone(seats), who, number }, asked_to_leave))
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.seats.lock().give_back(self.who, self.number);
    }
}

async fn welcome(stream: TcpStream, peer: SocketAddr, tls: Option<TlsAcceptor>, router: Router) {
    let stream = Paced::new(stream);
    match tls {
        None => talk(stream, peer, router).await,
        Some(tls) => {
            if let Ok(Ok(stream)) = tokio::time::timeout(HANDSHAKE, tls.accept(stream)).await {
                talk(stream, peer, router).await;
            }
        }
    }
}

async fn talk(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    peer: SocketAddr,
    router: Router,
) {
    let service = TowerToHyperService::new(router.layer(axum::Extension(ConnectInfo(peer))));
    let connection = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD)
        .max_buf_size(HEAD_BYTES)
        .max_headers(FIELDS)
        .serve_connection(TokioIo::new(stream), service);
    // Whoever breaks off or sends what is not HTTP has been told already.
    let _ = connection.await;
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpSocket;

    use super::*;

    fn address(last: u8) -> IpAddr {
        IpAddr::from([127, 0, 0, last])
    }

    #[test]
    fn an_address_has_all_seats_until_others_come() {
        let seats = Arc::new(Mutex::new(Seats::default()));
        let mut first: Vec<_> = (0..CONNECTIONS).map(|_| Seat::take(&seats, address(1)).unwrap()).collect();
        assert!(Seat::take(&seats, address(1)).is_none());
        let come =
            |last| -> Vec<_> { (0..CONNECTIONS).map_while(|_| Seat::take(&seats, address(last))).collect() };
        let (mut second, mut third) = (come(2), come(3));
        let left = |all: &mut Vec<(Seat, oneshot::Receiver<()>)>| {
            all.iter_mut().map(|(_, leave)| leave.try_recv()).filter(Result::is_err).count()
        };
        let mut shares = [left(&mut first), left(&mut second), left(&mut third)];
        shares.sort_unstable();
        assert_eq!(shares, [85, 85, 86]);
        assert_eq!(seats.lock().taken, CONNECTIONS);
        drop((first, second, third));
        let seats = seats.lock();
        assert_eq!((seats.taken, seats.of.len()), (0, 0));
    }

    #[tokio::test]
    async fn who_holds_every_connection_keeps_nobody_out() {
        let listener = TcpListener::bind((address(1), 0)).await.unwrap();
        let there = listener.local_addr().unwrap();
        let router = Router::new().route("/", axum::routing::get(|| async { "in" }));
        let server = tokio::spawn(serve(listener, None, router));
        let connect = |from| async move {
            let socket = TcpSocket::new_v4().unwrap();
            socket.bind(SocketAddr::new(address(from), 0)).unwrap();
            socket.connect(there).await.unwrap()
        };
        let mut held = Vec::new();
        for _ in 0..CONNECTIONS {
            let mut stream = connect(2).await;
            stream.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
            // Answered, so it has its seat.
            assert!(stream.read(&mut [0; 512]).await.unwrap() > 0);
            held.push(stream);
        }
        let mut other = connect(3).await;
        other.write_all(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").await.unwrap();
        let mut answer = String::new();
        other.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with("in"), "{answer}");
        server.abort();
    }
}
