//! Lines of outbound connections, attempts and how recipients end.

use std::collections::{HashMap, HashSet};
use std::net::{IpAddr, SocketAddr};

use jiff::tz::TimeZone;

use super::clock::Clock;
use super::line::{Line, Pen};
use super::outcome;
use super::phrases::phrase;
use crate::event::{Cause, Event, Failure, HostStatus, Stage, TlsResult};
use crate::ids::{Dcid, Host, Mid, Rid};

/// Messages remembered, at most, because their record is damaged and they have not finished.
const APART: usize = 10_000;

/// What is remembered of open connections, and of messages between two of their lines.
#[derive(Debug)]
pub(super) struct Delivering {
    connections: HashMap<Dcid, Connection>,
    /// Messages whose newest end is that their record cannot be read.
    apart: HashSet<Mid>,
    /// For instants to come, so that they do not push the present one out of the log's own clock.
    later: Clock,
}

#[derive(Clone, Copy, Debug)]
struct Connection {
    local: IpAddr,
    peer: SocketAddr,
}

impl Delivering {
    pub(super) fn new(zone: TimeZone) -> Self {
        Self { connections: HashMap::new(), apart: HashSet::new(), later: Clock::new(zone) }
    }

    /// Forgets every connection: the daemon that held them is gone.
    pub(super) fn forget(&mut self) {
        self.connections.clear();
        self.apart.clear();
    }
}

impl Delivering {
    /// Writes the lines of an event of delivery.
    pub(super) fn render(&mut self, pen: &mut Pen<'_>, event: &Event) {
        match event {
            Event::DeliveryOpened { dcid, local, peer, host: _, name: _ } => {
                self.opened(pen, *dcid, local.ip(), *peer);
            }
            Event::DeliveryTls { dcid, host, result } => self.tls(pen, *dcid, host, result),
            Event::ConnectFailed { dcid, host, address, failure } => {
                connection_error(pen, *dcid, host, None, Some(*address), failure);
            }
            Event::LookupFailed { host, hard, detail } => lookup_failed(pen, host, *hard, detail),
            Event::HostChanged { host, status, reason, address } => {
                host_changed(pen, host, *status, reason.as_ref(), *address);
            }
            Event::HostFlapped { host, changes, status, reason, address, since: _ } => {
                let line = pen.info().text("Host ").clean(host.as_str()).text(" changed ");
                line.number(*changes).text(" times more than was told");
                host_changed(pen, host, *status, reason.as_ref(), *address);
            }
            Event::DeliveryStarted { dcid, mid, rids } => {
                pen.info().text("Delivery start ").hop(*dcid, *mid).text("RID ").rids(rids);
            }
            Event::Delivered { dcid, mid, rids, reply, host: _ } => {
                self.apart.remove(mid);
                outcome::delivered(pen, *dcid, *mid, rids, reply)
            }
            Event::Deferred { dcid, mid, rid, failure, next_at, host: _, attempts: _ } => {
                self.deferred(pen, *dcid, *mid, *rid, failure, *next_at);
            }
            Event::Bounced { dcid, mid, rid, failure, unreported, host: _, kind: _ } => {
                outcome::bounced(pen, *dcid, *mid, *rid, failure, *unreported);
            }
            Event::Deleted { mid, rid, by, host: _ } => outcome::deleted(pen, *mid, *rid, by),
            Event::Corrupt { mid, recipients, detail } => {
                if self.apart.len() >= APART {
                    self.apart.clear();
                }
                self.apart.insert(*mid);
                outcome::corrupt(pen, *mid, *recipients, detail);
            }
            Event::Archived { mid, rid, by, host: _ } => outcome::archived(pen, *mid, *rid, by),
            Event::Redirected { mid, rid, from, to, by } => {
                outcome::redirected(pen, *mid, *rid, from, to, by);
            }
            Event::Finished { mid } => {
                let apart = self.apart.remove(mid);
                let how = if apart { " set apart, not delivered" } else { " done" };
                pen.info().text("Message finished MID ").number(mid.0).text(how);
            }
            Event::DeliveryClosed { dcid, host, why } => self.closed(pen, *dcid, host, why.as_ref()),

            // Routed elsewhere: the match that calls this one names every event.
            _ => {}
        }
    }

    fn opened(&mut self, pen: &mut Pen<'_>, dcid: Dcid, local: IpAddr, peer: SocketAddr) {
        self.connections.insert(dcid, Connection { local, peer });
        let line = pen.info().text("New SMTP DCID ").number(dcid.0).text(" interface ").show(local);
        line.text(" address ").show(peer.ip()).text(" port ").number(peer.port());
    }

    fn tls(&self, pen: &mut Pen<'_>, dcid: Dcid, host: &Host, result: &TlsResult) {
        let line = pen.info().text("DCID ").number(dcid.0);
        match result {
            TlsResult::Success { protocol, cipher, verified } => {
                let line = line.text(" TLS success protocol ").clean(protocol).text(" cipher ").clean(cipher);
                let line = line.text(" for ").clean(host.as_str());
                line.text(if *verified { " (certificate verified)" } else { "" });
            }
            TlsResult::Failed { why, clear: true } => {
                line.text(" TLS failed: ").clean(why).text(" (delivery goes on in clear text)");
            }
            TlsResult::Failed { why, clear: false } => {
                drop(line.text(" TLS failed: ").clean(why));
                let line = pen.info().text("DCID ").number(dcid.0);
                let line = match self.connections.get(&dcid) {
                    Some(connection) => line.text(" IP ").show(connection.peer.ip()),
                    None => line,
                };
                line.text(" TLS was required but could not be successfully negotiated");
            }
        }
    }

    fn deferred(
        &mut self,
        pen: &mut Pen<'_>,
        dcid: Dcid,
        mid: Mid,
        rid: Rid,
        failure: &Failure,
        next_at: u64,
    ) {
        pen.info().text("Delayed: ").outcome(dcid, mid, rid, failure);
        let line = pen.info().text("MID ").number(mid.0).text(" to RID ").rids(&[rid]);
        line.text(" pending till ").stamp(&self.later.stamp(next_at)).text(" [Default]");
    }

    fn closed(&mut self, pen: &mut Pen<'_>, dcid: Dcid, host: &Host, why: Option<&Failure>) {
        let connection = self.connections.remove(&dcid);
        if let Some(failure) = why {
            let peer = failure.address.or(connection.map(|connection| connection.peer));
            let local = connection.map(|connection| connection.local);
            connection_error(pen, dcid, host, local, peer, failure);
        }
        pen.info().text("DCID ").number(dcid.0).text(" close");
    }
}

/// `interface` is the address connected from, `peer` the one connected to; what is not known is left out.
fn connection_error(
    pen: &mut Pen<'_>,
    dcid: Dcid,
    host: &Host,
    interface: Option<IpAddr>,
    peer: Option<SocketAddr>,
    failure: &Failure,
) {
    let line =
        pen.info().text("Connection Error: DCID ").number(dcid.0).text(" domain: ").clean(host.as_str());
    let line = match peer {
        Some(peer) => line.text(" IP: ").show(peer.ip()).text(" port: ").number(peer.port()),
        None => line,
    };
    let line = details(line.text(" details: "), failure);
    let line = match interface {
        Some(interface) => line.text(" interface: ").show(interface),
        None => line,
    };
    line.text(" reason: ").text(match failure.stage {
        Stage::Dns => "DNS error",
        Stage::StartTls => "TLS error",
        Stage::Connect => "network error",
        Stage::Greeting
        | Stage::Ehlo
        | Stage::Auth
        | Stage::Mail
        | Stage::Rcpt
        | Stage::Data
        | Stage::Content
        | Stage::Final => "SMTP error",
        Stage::Local => "local error",
    });
}

/// Writes what the operating system would say of the commonest causes, and what was said of the others.
fn details<'l>(line: Line<'l>, failure: &Failure) -> Line<'l> {
    match failure.cause {
        Cause::ConnectRefused => line.text("[Errno 111] Connection refused"),
        Cause::NoRoute => line.text("[Errno 113] No route to host"),
        Cause::ConnectTimeout | Cause::BannerTimeout | Cause::SmtpTimeout | Cause::DnsTimeout => {
            line.text("timeout")
        }
        Cause::ConnectionLost | Cause::LostAfterData => line.text("EOF"),
        Cause::ConnectError
        | Cause::GreetingRejected
        | Cause::HelloRejected
        | Cause::ProtocolError
        | Cause::TlsNotOffered
        | Cause::TlsHandshake
        | Cause::TlsCertificate
        | Cause::TlsCertificateExpired
        | Cause::TlsNameMismatch
        | Cause::TlsCertificateUntrusted
        | Cause::AuthFailed
        | Cause::Reply4xx
        | Cause::Reply5xx
        | Cause::DnsNxdomain
        | Cause::DnsServfail
        | Cause::ResolverUnreachable
        | Cause::NullMx
        | Cause::MxNoAddress
        | Cause::CnameLoop
        | Cause::RefusedNetwork
        | Cause::MailLoop
        | Cause::Utf8NotOffered
        | Cause::TooBigForPeer
        | Cause::EightBitNotOffered
        | Cause::Expired
        | Cause::Operator
        | Cause::RecordCorrupt => said(line, failure),
    }
}

fn said<'l>(line: Line<'l>, failure: &Failure) -> Line<'l> {
    let Some((first, rest)) = failure.text.split_first() else { return line.text(phrase(failure.status)) };
    let line = if failure.code > 0 { line.number(failure.code).text(" ") } else { line };
    rest.iter().fold(line.clean(first), |line, text| line.text(" / ").clean(text))
}

fn lookup_failed(pen: &mut Pen<'_>, host: &Host, hard: bool, detail: &str) {
    let line = pen.info().text(if hard { "DNS Error " } else { "DNS Temporary Failure " });
    line.clean(host.as_str()).text(" MX - ").clean(detail);
}

fn host_changed(
    pen: &mut Pen<'_>,
    host: &Host,
    status: HostStatus,
    reason: Option<&Failure>,
    address: Option<SocketAddr>,
) {
    let line = pen.info().text("Host ").clean(host.as_str()).text(match status {
        HostStatus::Unknown => " is unknown",
        HostStatus::Up => " is up",
        HostStatus::Down => " is down",
    });
    let line = match address {
        Some(address) => line.text(" at ").show(address),
        None => line,
    };
    if let Some(failure) = reason {
        details(line.text(": "), failure);
    }
}
