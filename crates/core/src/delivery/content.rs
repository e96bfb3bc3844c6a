//! What peers can take: facts of an EHLO reply against facts about a message.
//!
//! A message that one mail server of a destination cannot take is offered to the others before it is bounced.

use std::net::SocketAddr;

use crate::delivery::io::PeerFacts;
use crate::delivery::need::Need;
use crate::delivery::recipient::{Marks, Recipient};
use crate::event::Cause;

/// How a destination last met one of its mail servers.
#[derive(Clone, Copy, Debug)]
pub(super) struct Met {
    pub(super) address: SocketAddr,
    /// What it offered; `None` when it could not be used.
    pub(super) offer: Option<Offer>,
}

/// The extensions that decide whether a message can be taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Offer {
    /// `None` when no limit was declared; `SIZE 0` declares none (RFC 1870 4).
    size_limit: Option<u64>,
    smtputf8: bool,
    eight_bit: bool,
}

/// Why a peer cannot take a message; where several peers object, the least is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Objection {
    /// Its content is 8-bit, and the settings say not to send it so (RFC 6152).
    EightBit,
    /// It is larger than this (RFC 1870).
    Size(u64),
    /// SMTPUTF8 is needed (RFC 6531).
    Utf8,
}

impl Offer {
    pub(super) fn of(facts: &PeerFacts) -> Self {
        let size_limit = facts.size_limit.filter(|limit| *limit > 0);
        Self { size_limit, smtputf8: facts.smtputf8, eight_bit: facts.eight_bit }
    }

    /// Tells whether the peer is of the kind that a line asks for.
    pub(super) fn meets(&self, need: Need) -> bool {
        match need {
            Need::Plain | Need::Aside { .. } => true,
            Need::Utf8 => self.smtputf8,
        }
    }

    /// Returns what speaks against a message, if anything does.
    pub(super) fn objection(&self, recipient: &Recipient, eight_bit_bounce: bool) -> Option<Objection> {
        if recipient.marks.has(Marks::UTF8_NEEDED) && !self.smtputf8 {
            return Some(Objection::Utf8);
        }
        if let Some(limit) = self.size_limit.filter(|limit| recipient.size > *limit) {
            return Some(Objection::Size(limit));
        }
        let eight_bit = recipient.marks.has(Marks::EIGHT_BIT) && !self.eight_bit;
        (eight_bit && eight_bit_bounce).then_some(Objection::EightBit)
    }
}

impl Objection {
    /// Returns cause, enhanced status and words of the bounce.
    pub(super) fn verdict(self, size: u64) -> (Cause, (u8, u16, u16), String) {
        match self {
            Self::Size(limit) => {
                let text = format!("The message has {size} octets, the mail server takes at most {limit}");
                (Cause::TooBigForPeer, (5, 3, 4), text)
            }
            Self::Utf8 => {
                let text = "The message needs SMTPUTF8, which the mail server does not offer".to_owned();
                (Cause::Utf8NotOffered, (5, 6, 7), text)
            }
            Self::EightBit => {
                let text =
                    "The message has 8-bit content, and the mail server does not offer 8BITMIME".to_owned();
                (Cause::EightBitNotOffered, (5, 6, 3), text)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::delivery::recipient::tests::recipient;

    #[test]
    fn a_peer_objects_to_what_it_did_not_offer() {
        let offer = |size_limit, smtputf8, eight_bit| Offer { size_limit, smtputf8, eight_bit };
        // size, marks, offer, 8-bit mail is bounced, expected
        let table = [
            (10, &[][..], offer(None, false, false), true, None),
            (10, &[], offer(Some(10), false, false), true, None),
            (11, &[], offer(Some(10), true, true), false, Some(Objection::Size(10))),
            (10, &[Marks::UTF8_NEEDED], offer(None, true, true), false, None),
            (10, &[Marks::UTF8_NEEDED], offer(None, false, true), false, Some(Objection::Utf8)),
            (10, &[Marks::EIGHT_BIT], offer(None, true, false), false, None),
            (10, &[Marks::EIGHT_BIT], offer(None, true, false), true, Some(Objection::EightBit)),
            (10, &[Marks::EIGHT_BIT], offer(None, true, true), true, None),
        ];
        for (size, marks, offer, bounce, expected) in table {
            let mut one = recipient(1, 0, 0);
            one.size = size;
            for mark in marks {
                one.marks.set(*mark, true);
            }
            assert_eq!(offer.objection(&one, bounce), expected, "{size} {marks:?} {offer:?} {bounce}");
        }
    }
}
