//! The story of a message: what its events tell, recipient by recipient.

use std::collections::BTreeMap;

use crate::event::{AbortReason, BounceKind, Event, Failure, GeneratedKind, Stamped, Unreported};
use crate::ids::{Dcid, Host, Icid, Mid, Rid};

/// What is known of a message from its events; any part may be missing when the records do not reach so far back.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Story {
    /// The message.
    pub mid: Mid,
    /// How it became ours, and when.
    pub accepted: Option<(u64, Entrance)>,
    /// It ended before it was accepted: when and why.
    pub aborted: Option<(u64, AbortReason)>,
    /// Its recipients.
    pub recipients: BTreeMap<Rid, Fate>,
    /// Recipients that were refused: when, the mailbox, the reply.
    pub refused: Vec<(u64, String, String)>,
    /// The envelope sender, known before it was accepted.
    pub sender: Option<String>,
}

/// How a message became ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entrance {
    /// The connection; 0 when the gateway made the message.
    pub icid: Icid,
    /// Octets.
    pub size: u64,
    /// The envelope sender.
    pub sender: String,
    /// The Message-ID field.
    pub message_id: Option<String>,
    /// Made by the gateway about another message.
    pub report: Option<(Mid, GeneratedKind)>,
}

/// What became of a recipient.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fate {
    /// Its mailbox.
    pub address: Option<String>,
    /// Its destination, the latest one.
    pub host: Option<Host>,
    /// The first failed try.
    pub first: Option<Failure>,
    /// The latest failed try.
    pub last: Option<Failure>,
    /// Attempts that count.
    pub attempts: u32,
    /// An operator gave it another destination: when, who.
    pub redirected: Option<(u64, String)>,
    /// How it ended, and when.
    pub end: Option<(u64, Ended)>,
}

/// How a recipient ended.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "a field is named by the noun of the lexicon that it holds")]
pub enum Ended {
    /// The next hop has it.
    Delivered { dcid: Dcid, reply: String },
    /// It failed for good.
    Bounced { kind: BounceKind, failure: Failure, unreported: Option<Unreported> },
    /// It was taken out, or thrown away by a route.
    Deleted { by: String },
    /// It was put into the archive.
    Archived { by: String },
    /// Its record could not be read.
    Corrupt { detail: String },
}

impl Story {
    /// Reads the events of a message; those of others among them are passed over.
    pub fn of(mid: Mid, events: &[Stamped]) -> Self {
        let mut story = Self { mid, ..Self::default() };
        for Stamped { at, event } in events {
            story.take(*at, event);
        }
        story
    }

    /// Tells whether anything is known.
    pub fn is_empty(&self) -> bool {
        *self == Self { mid: self.mid, ..Self::default() }
    }

    /// Returns the recipient that is at this mailbox.
    pub fn at_mailbox(&self, mailbox: &str) -> Option<Rid> {
        let same = |fate: &Fate| fate.address.as_ref().is_some_and(|own| own.eq_ignore_ascii_case(mailbox));
        self.recipients.iter().find(|(_, fate)| same(fate)).map(|(rid, _)| *rid)
    }

    fn take(&mut self, at: u64, event: &Event) {
        match event {
            Event::MessageStarted { mid, sender, .. } if *mid == self.mid => {
                self.sender = Some(sender.clone())
            }
            Event::RecipientAccepted { mid, rid, address, .. } if *mid == self.mid => {
                self.fate(*rid).address = Some(address.clone());
            }
            Event::RecipientRejected { mid, address, reply, .. } if *mid == self.mid => {
                self.refused.push((at, address.clone(), reply.clone()));
            }
            Event::MessageAborted { mid, why, .. } if *mid == self.mid => {
                self.aborted = Some((at, why.clone()))
            }
            Event::Accepted { mid, icid, size, sender, message_id, .. } if *mid == self.mid => {
                let (sender, message_id) = (sender.clone(), message_id.clone());
                let entrance = Entrance { icid: *icid, size: *size, sender, message_id, report: None };
                self.accepted = Some((at, entrance));
            }
            Event::Generated { mid, parent, kind, size, sender, recipients } if *mid == self.mid => {
                self.generated(at, (*parent, *kind), *size, sender, recipients);
            }
            Event::Queued { mid, destinations } if *mid == self.mid => {
                for (host, rid) in
                    destinations.iter().flat_map(|(host, rids)| rids.iter().map(move |rid| (host, rid)))
                {
                    self.fate(*rid).host = Some(host.clone());
                }
            }
            Event::Redirected { mid, rid, to, by, .. } if *mid == self.mid => {
                let fate = self.fate(*rid);
                fate.host = Some(to.clone());
                fate.redirected = Some((at, by.clone()));
            }
            Event::Deferred { mid, rid, host, failure, attempts, .. } if *mid == self.mid => {
                let fate = self.fate(*rid);
                fate.host = Some(host.clone());
                fate.first.get_or_insert_with(|| failure.clone());
                fate.last = Some(failure.clone());
                fate.attempts = *attempts;
            }
            _ => self.take_end(at, event),
        }
    }

    fn take_end(&mut self, at: u64, event: &Event) {
        match event {
            Event::Delivered { mid, rids, host, dcid, reply } if *mid == self.mid => {
                for rid in rids {
                    self.end(*rid, Some(host), at, Ended::Delivered { dcid: *dcid, reply: reply.clone() });
                }
            }
            Event::Bounced { mid, rid, host, kind, failure, unreported, .. } if *mid == self.mid => {
                let (failure, unreported) = (failure.clone(), *unreported);
                self.end(*rid, Some(host), at, Ended::Bounced { kind: *kind, failure, unreported });
            }
            Event::Deleted { mid, rid, host, by } if *mid == self.mid => {
                self.end(*rid, Some(host), at, Ended::Deleted { by: by.clone() });
            }
            Event::Archived { mid, rid, host, by } if *mid == self.mid => {
                self.end(*rid, Some(host), at, Ended::Archived { by: by.clone() });
            }
            Event::Corrupt { mid, detail, .. } if *mid == self.mid => {
                let open: Vec<Rid> = self
                    .recipients
                    .iter()
                    .filter(|(_, fate)| fate.end.is_none())
                    .map(|(rid, _)| *rid)
                    .collect();
                for rid in open {
                    self.end(rid, None, at, Ended::Corrupt { detail: detail.clone() });
                }
            }
            _ => {}
        }
    }

    fn generated(
        &mut self,
        at: u64,
        report: (Mid, GeneratedKind),
        size: u64,
        sender: &str,
        recipients: &[String],
    ) {
        let entrance = Entrance {
            icid: Icid(0),
            size,
            sender: sender.to_owned(),
            message_id: None,
            report: Some(report),
        };
        self.accepted = Some((at, entrance));
        for (rid, address) in (0..).zip(recipients) {
            self.fate(Rid(rid)).address = Some(address.clone());
        }
    }

    fn end(&mut self, rid: Rid, host: Option<&Host>, at: u64, ended: Ended) {
        let fate = self.fate(rid);
        fate.host = host.cloned().or(fate.host.take());
        fate.end = Some((at, ended));
    }

    fn fate(&mut self, rid: Rid) -> &mut Fate {
        self.recipients.entry(rid).or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(at: u64, event: Event) -> Stamped {
        Stamped { at, event }
    }

    #[test]
    fn a_story_is_told_recipient_by_recipient() {
        let (mid, host) = (Mid(7), Host::new("a.example"));
        let accepted = |rid: u32, address: &str| Event::RecipientAccepted {
            mid,
            icid: Icid(3),
            rid: Rid(rid),
            address: address.to_owned(),
        };
        let delivered = |mid, rid: u32| Event::Delivered {
            dcid: Dcid(9),
            mid,
            rids: vec![Rid(rid)],
            host: host.clone(),
            reply: "kept".to_owned(),
        };
        let story = Story::of(
            mid,
            &[
                at(1, Event::MessageStarted { mid, icid: Icid(3), sender: "s@b.example".to_owned() }),
                at(2, accepted(0, "One@a.example")),
                at(3, accepted(1, "two@a.example")),
                at(4, delivered(Mid(8), 1)),
                at(5, delivered(mid, 0)),
                at(6, Event::Deleted { mid, rid: Rid(1), host: host.clone(), by: "ann".to_owned() }),
            ],
        );
        assert_eq!(story.sender.as_deref(), Some("s@b.example"));
        assert_eq!(story.at_mailbox("one@A.example"), Some(Rid(0)));
        let end = |rid: u32| story.recipients[&Rid(rid)].end.clone();
        assert_eq!(end(0), Some((5, Ended::Delivered { dcid: Dcid(9), reply: "kept".to_owned() })));
        assert_eq!(end(1), Some((6, Ended::Deleted { by: "ann".to_owned() })));
        assert!(Story::of(Mid(9), &[]).is_empty() && !story.is_empty());
    }
}
