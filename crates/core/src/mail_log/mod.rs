//! The text mail log: events in, the classic lines that operators and their log parsers know out.
//!
//! `Www Mmm [D]D HH:MM:SS YYYY Info: text`, one line a fact, local time of the zone it was given. What peers
//! and messages say is escaped: a line ends where we end it, and nothing in it steers a terminal. A MID's last
//! line is `Message finished`, with `done`, `aborted` or `set apart, not delivered`.
//!
//! The lines of a connection wait for what is known of its peer (law of early verdicts): they are written
//! when the peer is judged, when half a minute has passed or when the connection ends, with the time of
//! writing, so that the times of a file never run backwards.
//!
//! Not here: files and their rollover, and the choice what to log. A log is a reader of events like any other.

use jiff::tz::TimeZone;

use crate::event::{Event, Stamped};

mod clock;
mod delivering;
mod house;
mod line;
mod messages;
mod orders;
mod outcome;
pub mod phrases;
mod probe;
mod receiving;
#[cfg(test)]
mod tests;

use clock::Clock;
use delivering::Delivering;
use line::Pen;
use receiving::Receiving;

/// Renders events as lines. One for each log: it remembers connections between their events.
#[derive(Debug)]
pub struct MailLog {
    clock: Clock,
    receiving: Receiving,
    delivering: Delivering,
}

impl MailLog {
    /// Makes a log whose times are those of `zone`.
    pub fn new(zone: TimeZone) -> Self {
        Self {
            clock: Clock::new(zone.clone()),
            receiving: Receiving::default(),
            delivering: Delivering::new(zone),
        }
    }

    /// Appends the lines that open a file: its begin, the release and node, the zone's present offset.
    pub fn begin(&mut self, at: u64, version: &str, node: &str, out: &mut Vec<u8>) {
        let offset = self.clock.offset_seconds(at);
        let mut pen = Pen::new(self.clock.stamp(at), out);
        pen.info().text("Begin Logfile");
        pen.info().text("Version: ").clean(version).text(" SN: ").clean(node);
        pen.info().text("Time offset from UTC: ").signed(offset).text(" seconds");
    }

    /// Appends the line that closes a file.
    pub fn end(&mut self, at: u64, out: &mut Vec<u8>) {
        Pen::new(self.clock.stamp(at), out).info().text("End Logfile");
    }

    /// Appends the lines that waited long enough. Called about once a second, whatever happens.
    pub fn tick(&mut self, now: u64, out: &mut Vec<u8>) {
        self.receiving.give_up_waiting(now, &mut Pen::new(self.clock.stamp(now), out));
    }

    /// Appends the lines of an event, none to a handful; each ends with a line feed.
    pub fn render(&mut self, stamped: &Stamped, out: &mut Vec<u8>) {
        let pen = &mut Pen::new(self.clock.stamp(stamped.at), out);
        self.receiving.give_up_waiting(stamped.at, pen);
        let (rx, tx) = (&mut self.receiving, &mut self.delivering);
        match &stamped.event {
            Event::Started { version, node } => {
                rx.forget();
                tx.forget();
                house::started(pen, version, node);
            }
            Event::Stopped => house::stopped(pen),
            Event::LedgerGap { cut_bytes } => house::gap(pen, *cut_bytes),
            Event::Configured { checksum, source } => house::configured(pen, *checksum, source),
            Event::Alert(alert) => house::alert(pen, alert),
            Event::CountersReset => house::counters_reset(pen),
            Event::DeliverySuspended { host, by } => house::suspended(pen, host.as_ref(), by),
            Event::DeliveryResumed { host, by } => house::resumed(pen, host.as_ref(), by),
            Event::DeliverNow { scope, recipients, by } => house::deliver_now(pen, scope, *recipients, by),
            Event::SpoolSpace { state, free_bytes } => house::spool_space(pen, *state, *free_bytes),
            Event::Commanded { .. } => house::commanded(pen, &stamped.event),
            Event::SignIn { user, from, outcome } => house::sign_in(pen, user, from, *outcome),
            Event::Probed { host, sum, by } => probe::probed(pen, host.as_str(), sum, by),
            // Said by the lines of the look-up, the connection and the verdict.
            Event::HostFacts { .. } => {}
            Event::SettingsChanged { .. } => house::settings_changed(pen, &stamped.event),
            Event::ReceivingSuspended { .. }
            | Event::ReceivingResumed { .. }
            | Event::WorkQueuePaused { .. }
            | Event::WorkQueueResumed { .. }
            | Event::JobDone { .. } => orders::render(pen, &stamped.event),
            Event::ConnectionOpened { icid, listener, local, peer } => {
                rx.opened(stamped.at, *icid, listener, local.ip(), peer.ip());
            }
            Event::Greeted { icid, waited_us } => rx.greeted(pen, *icid, *waited_us),
            Event::PeerJudged { icid, reverse, verified, lookup_us, action, group, rule, peer: _ } => {
                rx.judged(pen, *icid, reverse.as_deref(), *verified, *lookup_us);
                receiving::verdict(pen, *icid, *action, group, rule);
                rx.release(pen, *icid);
            }
            Event::InboundTls { icid, result } => rx.tls(pen, *icid, result),
            Event::BadCommand { icid, text } => rx.bad_command(pen, *icid, text),
            Event::SenderRejected { icid, sender, reply } => rx.sender_rejected(pen, *icid, sender, reply),
            Event::ConnectionClosed { icid, peer, why, lasted_us, messages } => {
                rx.closed(pen, *icid, *peer, why, *lasted_us, *messages);
            }
            Event::MessageStarted { mid, icid, sender } => rx.message_started(pen, *mid, *icid, sender),
            Event::RecipientAccepted { .. }
            | Event::RecipientRejected { .. }
            | Event::MessageAborted { .. }
            | Event::Accepted { .. }
            | Event::Generated { .. }
            | Event::Queued { .. } => messages::render(pen, &stamped.event),
            Event::DeliveryOpened { .. }
            | Event::DeliveryTls { .. }
            | Event::ConnectFailed { .. }
            | Event::LookupFailed { .. }
            | Event::HostChanged { .. }
            | Event::HostFlapped { .. }
            | Event::DeliveryStarted { .. }
            | Event::Delivered { .. }
            | Event::Deferred { .. }
            | Event::Bounced { .. }
            | Event::Deleted { .. }
            | Event::Archived { .. }
            | Event::Redirected { .. }
            | Event::Corrupt { .. }
            | Event::Finished { .. }
            | Event::DeliveryClosed { .. } => tx.render(pen, &stamped.event),
        }
    }
}
