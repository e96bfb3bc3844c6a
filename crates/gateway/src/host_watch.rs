//! Changes of destinations on their way into the ledger: what happened is handed to [`Watch`], which says what of it is
//! told, with which facts.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::time::Duration;

use mailreeve_core::certificate::Certificate;
use mailreeve_core::delivery::io::Resolution;
use mailreeve_core::delivery::settings::{Hop, HopHost, Route};
use mailreeve_core::event::{ANSWERS, Answers, Event, HostStatus, MetServer, SeenCertificate, TlsResult};
use mailreeve_core::history::{Change, Watch};
use mailreeve_core::ids::Host;
use parking_lot::Mutex;

use crate::context::Context;
use crate::stream::Stream;
use crate::tls;

/// How often it is looked whether changes that were counted are to be told.
const EVERY: Duration = Duration::from_secs(10);
/// Octets of a name in a certificate, or of the words of a look-up.
const WORDS: usize = 200;

/// What is known of destinations, for the records.
#[derive(Default)]
pub struct HostWatch(Mutex<Watch>);

/// Tells what was counted, until the runtime ends.
pub(crate) async fn run(context: Arc<Context>) {
    loop {
        tokio::time::sleep(EVERY).await;
        let due = context.hosts.0.lock().due(context.clock.wall().0);
        due.into_iter().for_each(|event| context.events.tell(event));
    }
}

/// Whom a connection met.
pub(crate) struct Met<'a> {
    /// The exchanger's name.
    pub(crate) name: &'a str,
    /// The connection.
    pub(crate) stream: Option<&'a Stream>,
    /// What became of TLS.
    pub(crate) tls: Option<&'a TlsResult>,
    /// The certificate that was shown.
    pub(crate) certificate: Option<&'a Certificate>,
    /// The session came about.
    pub(crate) stands: bool,
}

impl HostWatch {
    /// Takes up the verdict of an earlier run.
    pub(crate) fn take_up(&self, host: &Host, status: HostStatus) {
        self.0.lock().take_up(host, status);
    }
}

/// A connection is opened: where a route names addresses alone nobody was asked where to.
pub(crate) fn opening(context: &Context, host: &Host) {
    let running = context.running.load();
    let route = running.delivery.routes.iter().find(|(pattern, _)| pattern.matches(host.as_str()));
    let Some((_, Route::Hops { hops, .. })) = route else { return };
    let fixed = |hop: &Hop| match &hop.host {
        HopHost::Address(address) => Some((hop.priority, *address, format!("[{}]", address.ip()))),
        HopHost::Name(_) => None,
    };
    let Some(mut addresses) = hops.iter().map(fixed).collect::<Option<Vec<_>>>() else { return };
    addresses.sort();
    addresses.truncate(ANSWERS);
    let (now, answers) = (context.clock.wall().0, Answers::Route { addresses });
    let told = context.hosts.0.lock().answered(host, answers, running.checksum, now);
    told.into_iter().for_each(|event| context.events.tell(event));
}

/// A look-up was answered; `routed` when it was for the next hops of a route.
pub(crate) fn answered(context: &Context, host: &Host, resolution: &Resolution, routed: bool) {
    let (now, configuration) = (context.clock.wall().0, context.running.load().checksum);
    let told = context.hosts.0.lock().answered(host, answers(resolution, routed), configuration, now);
    told.into_iter().for_each(|event| context.events.tell(event));
}

/// A session came about, or its other end was not what it had to be.
pub(crate) fn met(context: &Context, host: &Host, met: &Met<'_>) {
    let protocol = match met.tls {
        Some(TlsResult::Success { protocol, .. }) => Some(protocol.clone()),
        Some(TlsResult::Failed { .. }) | None => None,
    };
    // Where nothing is recorded nobody has read it yet.
    let read =
        || met.stream.filter(|_| protocol.is_some()).and_then(|stream| tls::shown_certificate(stream, false));
    let certificate = met.certificate.cloned().or_else(read).map(seen);
    let server = MetServer { name: met.name.to_owned(), protocol, certificate };
    if !met.stands {
        context.hosts.0.lock().turned_down(host, server, context.clock.wall().0);
        return;
    }
    let running = context.running.load();
    let local = met.stream.and_then(|stream| stream.local_addr().ok()).map(|local| local.ip());
    let sources = sources(&running.source_addresses, local);
    let now = context.clock.wall().0;
    let told = context.hosts.0.lock().met(host, server, sources, running.checksum, now);
    told.into_iter().for_each(|event| context.events.tell(event));
}

/// Tells what the shard decided; a change of a verdict by the rules of [`Watch`].
pub(crate) fn tell(context: &Context, event: Event) {
    let Event::HostChanged { host, status, reason, address } = event else {
        context.events.tell(event);
        return;
    };
    if status == HostStatus::Down {
        context.probes.want(&host);
    }
    let running = context.running.load();
    let sources = sources(&running.source_addresses, address.and_then(local_towards));
    let change = Change { host, status, reason, address };
    let now = context.clock.wall().0;
    let told = context.hosts.0.lock().changed(change, sources, running.checksum, now);
    told.into_iter().for_each(|event| context.events.tell(event));
}

/// Addresses of ours that connections come from: those that are configured, or the one that the system takes.
fn sources(configured: &[IpAddr], local: Option<IpAddr>) -> Vec<IpAddr> {
    match configured {
        [] => local.into_iter().collect(),
        configured => configured.to_vec(),
    }
}

/// The address that the system takes for a connection to `address`. Nothing is sent.
fn local_towards(address: SocketAddr) -> Option<IpAddr> {
    let any: IpAddr =
        if address.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
    let socket = UdpSocket::bind((any, 0)).ok()?;
    socket.connect(address).ok()?;
    socket.local_addr().ok().map(|local| local.ip())
}

fn answers(resolution: &Resolution, routed: bool) -> Answers {
    match resolution {
        Resolution::Addresses { targets, exchangers, .. } => {
            let mut addresses: Vec<_> = targets
                .iter()
                .map(|target| (target.preference, target.address, target.name.clone()))
                .collect();
            // Answers come in any order.
            addresses.sort();
            let mut exchangers: Vec<_> =
                exchangers.iter().map(|(preference, _, name)| (*preference, name.clone())).collect();
            exchangers.sort();
            let over = addresses.len().saturating_sub(ANSWERS) + exchangers.len().saturating_sub(ANSWERS);
            addresses.truncate(ANSWERS);
            exchangers.truncate(ANSWERS);
            match routed {
                true => Answers::Route { addresses },
                false => {
                    Answers::Dns { exchangers, addresses, left_out: u32::try_from(over).unwrap_or(u32::MAX) }
                }
            }
        }
        Resolution::Soft(failure) | Resolution::Hard(failure) => {
            Answers::Failed { detail: cut(&failure.text.join(" ")) }
        }
    }
}

/// What of a certificate tells it from another.
fn seen(certificate: Certificate) -> SeenCertificate {
    let Certificate { subject, issuer, not_before, not_after, fingerprint, .. } = certificate;
    SeenCertificate { fingerprint, subject: cut(&subject), issuer: cut(&issuer), not_before, not_after }
}

fn cut(text: &str) -> String {
    text[..text.floor_char_boundary(WORDS)].to_owned()
}
