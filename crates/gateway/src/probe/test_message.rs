//! The small message of `smtpping`.

use mailreeve_smtp::address::ReversePath;

use super::Ground;
use super::talk::Offer;

/// Writes the message: who it is from, that a machine made it, and what for.
pub(super) fn write(ground: Ground<'_>, offer: &Offer) -> Vec<u8> {
    let hostname = &ground.running.config.hostname;
    let now = ground.clock.wall().0;
    let at = i64::try_from(now).ok().and_then(|us| jiff::Timestamp::from_microsecond(us).ok());
    let zoned = at.unwrap_or_default().to_zoned(ground.running.zone.clone());
    let date = jiff::fmt::rfc2822::to_string(&zoned).unwrap_or_default();
    let from = match &offer.sender {
        ReversePath::Null => format!("postmaster@{hostname}"),
        ReversePath::Mailbox(mailbox) => mailbox.as_str().to_owned(),
    };
    let to = offer.recipient.as_str();
    format!(
        "Date: {date}\r\nFrom: <{from}>\r\nTo: <{to}>\r\nMessage-ID: <probe.{now}@{hostname}>\r\n\
         Subject: Test message of {hostname}\r\nAuto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\n\
         Content-Type: text/plain; charset=us-ascii\r\n\r\n\
         An operator of {hostname} tested the way to your mail host with this message.\r\n\
         It needs no answer.\r\n"
    )
    .into_bytes()
}
