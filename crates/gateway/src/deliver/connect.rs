//! TCP to the first target that answers: by preference, IPv6 and IPv4 raced a little apart (RFC 8305).

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use mailreeve_core::delivery::io::{AddressTry, Target};
use mailreeve_core::event::{Cause, Failure, Stage};
use tokio::net::{TcpSocket, TcpStream};
use tokio::task::JoinSet;

use crate::clock::Clock;

/// How far apart two addresses of one preference are tried (RFC 8305 5: 250 ms).
const STAGGER: Duration = Duration::from_millis(250);

/// How to connect.
#[derive(Clone, Debug)]
pub(crate) struct Manner {
    /// Time for one address.
    pub(crate) timeout: Duration,
    /// Our addresses to connect from; empty lets the system choose.
    pub(crate) sources: Vec<IpAddr>,
    /// Which family goes first.
    pub(crate) v4_first: bool,
}

/// A connection that stands, and the targets that are left to try if it proves useless.
pub(super) struct Connected {
    pub(super) stream: TcpStream,
    pub(super) target: Target,
}

/// Connects to the first target that answers and removes it, and those that failed, from `targets`.
pub(super) async fn first_answering(
    targets: &mut Vec<Target>,
    failed: &mut Vec<AddressTry>,
    manner: &Manner,
    clock: Clock,
) -> Option<Connected> {
    while !targets.is_empty() {
        let group = next_pair(targets, manner.v4_first);
        let mut race = JoinSet::new();
        for (target, place) in group.into_iter().zip(0u32..) {
            let manner = manner.clone();
            race.spawn(async move {
                tokio::time::sleep(STAGGER * place).await;
                let connected = connect(target.address, &manner).await;
                (target, connected)
            });
        }
        let mut losers = Vec::new();
        while let Some(ended) = race.join_next().await {
            match ended {
                Ok((target, Ok(stream))) => {
                    // Those still under way were not needed: they stay candidates.
                    failed.append(&mut losers);
                    return Some(Connected { stream, target });
                }
                Ok((target, Err(error))) => {
                    let failure = describe(&error, target.address, clock);
                    losers.push(AddressTry { target, failure });
                }
                Err(_) => {}
            }
        }
        failed.append(&mut losers);
    }
    None
}

/// Takes the next one or two targets of the best preference: one of each family where both are there.
fn next_pair(targets: &mut Vec<Target>, v4_first: bool) -> Vec<Target> {
    let preference = targets[0].preference;
    let alike = targets.iter().take_while(|target| target.preference == preference).count();
    let of_family = |v4: bool| targets[..alike].iter().position(|target| target.address.is_ipv4() == v4);
    let (first, second) = (of_family(v4_first), of_family(!v4_first));
    let mut places: Vec<usize> = match (first, second) {
        (Some(first), Some(second)) => vec![first, second],
        (Some(_), None) | (None, Some(_)) | (None, None) => (0..alike.min(2)).collect(),
    };
    let group = places.iter().map(|place| targets[*place].clone()).collect();
    places.sort_unstable();
    for place in places.into_iter().rev() {
        targets.remove(place);
    }
    group
}

/// Connects to one address.
pub(crate) async fn connect(address: SocketAddr, manner: &Manner) -> io::Result<TcpStream> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    if let Some(source) = manner.sources.iter().find(|source| source.is_ipv4() == address.is_ipv4()) {
        socket.bind(SocketAddr::new(*source, 0))?;
    }
    let stream = tokio::time::timeout(manner.timeout, socket.connect(address))
        .await
        .map_err(|_| io::Error::from(io::ErrorKind::TimedOut))??;
    // Commands are small and each waits for an answer; content is written in one piece anyway.
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// What a connection that did not come about means.
pub(crate) fn describe(error: &io::Error, address: SocketAddr, clock: Clock) -> Failure {
    let (cause, status) = match error.kind() {
        io::ErrorKind::ConnectionRefused => (Cause::ConnectRefused, (4, 4, 1)),
        io::ErrorKind::TimedOut => (Cause::ConnectTimeout, (4, 4, 1)),
        io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable => (Cause::NoRoute, (4, 4, 4)),
        _ => (Cause::ConnectError, (4, 4, 1)),
    };
    let text = match cause {
        Cause::ConnectTimeout => "timeout".to_owned(),
        _ => crate::tls::words::of_system(error),
    };
    Failure {
        stage: Stage::Connect,
        cause,
        status,
        code: 0,
        text: vec![text],
        address: Some(address),
        at: clock.wall().0,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn targets(rows: &[(&str, u16)]) -> Vec<Target> {
        let target = |(address, preference): &(&str, u16)| Target {
            address: address.parse().unwrap(),
            name: "mx.test".to_owned(),
            preference: *preference,
        };
        rows.iter().map(target).collect()
    }

    fn pairs(rows: &[(&str, u16)], v4_first: bool) -> Vec<Vec<String>> {
        let mut targets = targets(rows);
        let mut pairs = Vec::new();
        while !targets.is_empty() {
            let pair = next_pair(&mut targets, v4_first);
            pairs.push(pair.iter().map(|target| target.address.ip().to_string()).collect());
        }
        pairs
    }

    #[test]
    fn families_are_raced_inside_a_preference_and_never_across() {
        let rows =
            [("192.0.2.1:25", 10), ("192.0.2.2:25", 10), ("[2001:db8::1]:25", 10), ("[2001:db8::2]:25", 20)];
        assert_eq!(
            pairs(&rows, false),
            [vec!["2001:db8::1", "192.0.2.1"], vec!["192.0.2.2"], vec!["2001:db8::2"]]
        );
        assert_eq!(pairs(&rows, true)[0], ["192.0.2.1", "2001:db8::1"]);
        assert_eq!(pairs(&rows[..2], false), [vec!["192.0.2.1", "192.0.2.2"]]);
    }
}
