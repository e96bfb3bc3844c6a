//! Lines of inbound connections.

use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;

use super::line::{Line, Pen, hold};
use super::messages;
use crate::event::{CloseReason, PeerAction, TlsResult};
use crate::ids::{Icid, Mid};

/// The lines of a connection wait so long for what is known of its peer, microseconds.
const PATIENCE: u64 = 30_000_000;

/// Octets of lines that wait, for each connection.
const HELD: usize = 4_096;

/// A banner later than this is worth a line, microseconds.
const LATE_BANNER: u64 = 1_000_000;

/// What is remembered of open connections.
#[derive(Debug, Default)]
pub(super) struct Receiving {
    connections: HashMap<Icid, Connection>,
    /// Connections whose lines may wait, oldest first; those judged since are skipped.
    waiting: VecDeque<(u64, Icid)>,
}

#[derive(Debug)]
struct Connection {
    listener: String,
    local: IpAddr,
    peer: IpAddr,
    lookup_us: Option<u64>,
    /// Lines that wait for the first one; `None` once it is written.
    held: Option<Vec<u8>>,
}

impl Receiving {
    /// Forgets every connection: the daemon that held them is gone.
    pub(super) fn forget(&mut self) {
        *self = Self::default();
    }

    /// Writes what waited too long.
    pub(super) fn give_up_waiting(&mut self, now: u64, pen: &mut Pen<'_>) {
        while let Some((opened, icid)) = self.waiting.front().copied() {
            if opened.saturating_add(PATIENCE) > now {
                return;
            }
            self.waiting.pop_front();
            self.announce(pen, icid);
        }
    }

    pub(super) fn opened(&mut self, at: u64, icid: Icid, listener: &str, local: IpAddr, peer: IpAddr) {
        let listener = listener.to_owned();
        let connection = Connection { listener, local, peer, lookup_us: None, held: Some(Vec::new()) };
        self.connections.insert(icid, connection);
        self.waiting.push_back((at, icid));
    }

    pub(super) fn greeted(&mut self, pen: &mut Pen<'_>, icid: Icid, waited_us: u64) {
        if waited_us >= LATE_BANNER {
            self.line(pen, icid, |line| {
                line.text("ICID ").number(icid.0).text(" greeted after ").seconds(waited_us).text(" seconds");
            });
        }
    }

    /// Writes the first line of the connection with what is known of its peer now.
    pub(super) fn judged(
        &mut self,
        pen: &mut Pen<'_>,
        icid: Icid,
        reverse: Option<&str>,
        verified: bool,
        lookup_us: Option<u64>,
    ) {
        let Some(connection) = self.connections.get_mut(&icid) else { return };
        connection.lookup_us = lookup_us;
        if connection.held.is_some() {
            connection.first_line(pen, icid, reverse, verified);
        } else if let Some(reverse) = reverse {
            // The first line was written without it, so it follows late.
            let line = pen.info().text("ICID ").number(icid.0).text(" reverse dns host ").clean(reverse);
            line.text(" verified ").text(yes(verified));
        }
    }

    /// Writes the lines that waited for the first one.
    pub(super) fn release(&mut self, pen: &mut Pen<'_>, icid: Icid) {
        if let Some(held) = self.connections.get_mut(&icid).and_then(|connection| connection.held.take()) {
            pen.release(&held);
        }
        while self.waiting.front().is_some_and(|(_, icid)| !self.is_waiting(*icid)) {
            self.waiting.pop_front();
        }
    }

    pub(super) fn tls(&mut self, pen: &mut Pen<'_>, icid: Icid, result: &TlsResult) {
        self.line(pen, icid, |line| {
            let line = line.text("ICID ").number(icid.0);
            match result {
                TlsResult::Success { protocol, cipher, verified: _ } => {
                    line.text(" TLS success protocol ").clean(protocol).text(" cipher ").clean(cipher);
                }
                TlsResult::Failed { why, clear: _ } => {
                    line.text(" TLS failed: ").clean(why);
                }
            }
        });
    }

    pub(super) fn bad_command(&mut self, pen: &mut Pen<'_>, icid: Icid, text: &str) {
        self.line(pen, icid, |line| {
            line.text("ICID ").number(icid.0).text(" Unknown command: ").clean(text);
        });
    }

    pub(super) fn sender_rejected(&mut self, pen: &mut Pen<'_>, icid: Icid, sender: &str, reply: &str) {
        self.line(pen, icid, |line| {
            let line = line.text("ICID ").number(icid.0).text(" Address: <").clean(sender);
            line.text("> sender rejected, ").clean(reply);
        });
    }

    pub(super) fn message_started(&mut self, pen: &mut Pen<'_>, mid: Mid, icid: Icid, sender: &str) {
        self.announce(pen, icid);
        messages::started(pen, mid, icid, sender);
    }

    pub(super) fn closed(
        &mut self,
        pen: &mut Pen<'_>,
        icid: Icid,
        peer: IpAddr,
        why: &CloseReason,
        lasted_us: u64,
        messages: u32,
    ) {
        self.announce(pen, icid);
        let connection = self.connections.remove(&icid);
        match why {
            CloseReason::Quit => {}
            CloseReason::Lost { before_commands, detail } => {
                let line = pen.info().text("ICID ").number(icid.0).text(" Connection from ").show(peer);
                lost(line, connection.as_ref(), *before_commands, detail, lasted_us);
                pen.info().text("ICID ").number(icid.0).text(" lost");
            }
            CloseReason::Timeout { stage } => {
                let line = disconnected(pen, icid, peer);
                if stage == "session" {
                    line.text("exceeded allowable connection time");
                } else if messages == 0 {
                    line.text("no messages injected within timeout period");
                } else {
                    line.text("timeout: ").clean(stage);
                }
            }
            CloseReason::ByUs(reason) => {
                disconnected(pen, icid, peer).clean(reason);
            }
        }
        pen.info().text("ICID ").number(icid.0).text(" close");
    }

    fn is_waiting(&self, icid: Icid) -> bool {
        self.connections.get(&icid).is_some_and(|connection| connection.held.is_some())
    }

    /// Writes the first line of a connection, if it is not yet there, and what waited for it.
    fn announce(&mut self, pen: &mut Pen<'_>, icid: Icid) {
        if let Some(connection) =
            self.connections.get_mut(&icid).filter(|connection| connection.held.is_some())
        {
            connection.first_line(pen, icid, None, false);
            self.release(pen, icid);
        }
    }

    /// Writes a line of a connection, or lets it wait for the first one.
    fn line(&mut self, pen: &mut Pen<'_>, icid: Icid, write: impl FnOnce(Line<'_>)) {
        match self.connections.get_mut(&icid).and_then(|connection| connection.held.as_mut()) {
            Some(held) => {
                write(hold(held));
                if held.len() > HELD {
                    self.announce(pen, icid);
                }
            }
            None => write(pen.info()),
        }
    }
}

impl Connection {
    fn first_line(&self, pen: &mut Pen<'_>, icid: Icid, reverse: Option<&str>, verified: bool) {
        let line = pen.info().text("New SMTP ICID ").number(icid.0).text(" interface ").clean(&self.listener);
        let line = line.text(" (").show(self.local).text(") address ").show(self.peer);
        let line = line.text(" reverse dns host ").clean(reverse.unwrap_or("unknown"));
        line.text(" verified ").text(yes(verified));
    }
}

fn lost(
    line: Line<'_>,
    connection: Option<&Connection>,
    before_commands: bool,
    detail: &str,
    lasted_us: u64,
) {
    let line = match connection {
        Some(Connection { listener, local, .. }) => {
            line.text(" on interface ").clean(listener).text(" (").show(local).text(")")
        }
        None => line,
    };
    let line = line.text(" lost after ").seconds(lasted_us).text(" seconds");
    let line = match connection.and_then(|connection| connection.lookup_us) {
        Some(lookup_us) => line.text(" (DNS query took ").seconds(lookup_us).text(" seconds)"),
        None => line,
    };
    if before_commands {
        line.text(", before any commands were received");
    } else {
        line.text(": ").clean(detail);
    }
}

fn disconnected<'p>(pen: &'p mut Pen<'_>, icid: Icid, peer: IpAddr) -> Line<'p> {
    pen.info().text("ICID ").number(icid.0).text(" disconnected address ").show(peer).text(", ")
}

/// No reputation service is asked, and the place of its score says so.
pub(super) fn verdict(pen: &mut Pen<'_>, icid: Icid, action: PeerAction, group: &str, rule: &str) {
    let action = match action {
        PeerAction::Accept => " ACCEPT SG ",
        PeerAction::Relay => " RELAY SG ",
        PeerAction::Reject => " REJECT SG ",
    };
    let line = pen.info().text("ICID ").number(icid.0).text(action).clean(group);
    line.text(" match ").clean(rule).text(" SBRS not enabled");
}

const fn yes(verified: bool) -> &'static str {
    if verified { "yes" } else { "no" }
}
