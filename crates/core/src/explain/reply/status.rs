//! Enhanced status codes (RFC 3463, RFC 5248, RFC 7372, RFC 7505), by how far their word can be taken.

use super::ReplyClass;
use crate::event::Stage;

/// Returns the enhanced status that a reply gave, as the first word of its text.
pub(super) fn said(text: &[String]) -> Option<(u8, u16, u16)> {
    let first = text.first()?.split_whitespace().next()?;
    let mut parts = first.trim_start_matches('#').split('.');
    let class = parts.next()?.parse().ok()?;
    let (subject, detail) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
    (parts.next().is_none() && matches!(class, 4 | 5)).then_some((class, subject, detail))
}

/// Returns what a status means that is used for one thing only.
pub(super) const fn certain(status: (u8, u16, u16)) -> Option<ReplyClass> {
    Some(match status {
        (5, 1, 1 | 6) | (5, 7, 17) => ReplyClass::UnknownRecipient,
        (_, 2, 2) => ReplyClass::MailboxFull,
        (5, 1, 2) | (5, 7, 18) => ReplyClass::UnknownDomain,
        (5, 7, 27) => ReplyClass::SenderDomainUnresolvable,
        (_, 3, 4) | (_, 2, 3) => ReplyClass::TooBig,
        (_, 5, 3) => ReplyClass::TooManyRecipients,
        (_, 4, 6) => ReplyClass::MailLoop,
        (_, 7, 20..=24 | 26 | 29 | 32 | 509 | 515) => ReplyClass::AuthenticationFailed,
        (_, 7, 25) => ReplyClass::NoReverseDns,
        (_, 7, 28) => ReplyClass::PeerRateLimit,
        (_, 7, 10 | 30) => ReplyClass::EncryptionRequired,
        (5, 7, 606..=649) => ReplyClass::IpBlocklisted,
        _ => return None,
    })
}

/// Returns what a status means unless particular words say otherwise: many hosts give 5.2.1 for mailboxes that are not
/// there, and x.1.8 for senders that they do not want.
pub(super) const fn telling(status: (u8, u16, u16)) -> Option<ReplyClass> {
    match status {
        (5, 2, 1) => Some(ReplyClass::RecipientDisabled),
        (_, 1, 8) => Some(ReplyClass::SenderDomainUnresolvable),
        _ => None,
    }
}

/// Returns what a status most often means where the words say nothing that is known. Many hosts use these for more
/// than one thing.
pub(super) const fn probable(stage: Stage, code: u16, status: (u8, u16, u16)) -> Option<ReplyClass> {
    Some(match (status, stage, code) {
        ((5, 1, 0 | 3 | 4 | 10), Stage::Rcpt, _) => ReplyClass::UnknownRecipient,
        ((_, 1, 0), Stage::Mail, _) | ((_, 1, 7), ..) => ReplyClass::SenderRejected,
        ((4, 1, 1), ..) => ReplyClass::UnknownRecipient,
        ((4, 2, 1), ..) => ReplyClass::RecipientDisabled,
        ((4, 2, 0), Stage::Rcpt, 450 | 451) => ReplyClass::Greylisted,
        ((_, 3, 1), ..) => ReplyClass::PeerOutOfSpace,
        ((_, 3, 2), _, 421 | 450..=452) | ((_, 4, 5), ..) => ReplyClass::PeerBusy,
        ((5, 3, 2), ..) => ReplyClass::NoMailHere,
        ((_, 3, 0 | 5) | (_, 4, _), ..) => ReplyClass::PeerFault,
        ((_, 5, _), ..) => ReplyClass::CommandRefused,
        ((_, 6, _), ..) => ReplyClass::MalformedMessage,
        ((4, 7, _), _, 421) => ReplyClass::PeerRateLimit,
        ((4, 7, _), Stage::Rcpt, 450 | 451) => ReplyClass::Greylisted,
        ((_, 7, 3 | 8), ..) => ReplyClass::LoginRequired,
        ((5, 7, 13), ..) => ReplyClass::RecipientDisabled,
        ((_, 7, _), Stage::Content | Stage::Final | Stage::Data, _) => ReplyClass::ContentRejected,
        ((_, 7, _), ..) => ReplyClass::Policy,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_is_read_where_replies_have_it() {
        let said = |text: &str| said(&[text.to_owned()]);
        assert_eq!(said("5.1.1 no"), Some((5, 1, 1)));
        assert_eq!(said("#5.1.0 Address rejected"), Some((5, 1, 0)));
        assert_eq!(said("4.7.650 later"), Some((4, 7, 650)));
        for none in ["", "no 5.1.1", "2.0.0 ok", "5.1", "5.1.1.1", "192.0.2.1 is", "5.1.99999999"] {
            assert_eq!(said(none), None, "{none}");
        }
    }
}
