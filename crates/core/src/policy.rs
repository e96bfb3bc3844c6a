//! Who may hand mail over, and for whom: decided from the connection's address and the recipient alone.
//!
//! Both tables are empty by default, so a gateway without configuration accepts mail for nobody: it can
//! never be an open relay by accident (probed by `tests/open_relay.rs`). Source routes, percent hacks and bang
//! paths have no meaning here: the domain after the last `@` decides, and a local part is never interpreted.

use std::net::IpAddr;

use ipnet::IpNet;
use mailreeve_smtp::address::{Domain, Mailbox};

use crate::event::PeerAction;
use crate::ids::Host;

/// The host access and recipient access tables.
#[derive(Clone, Debug, Default)]
pub struct Policy {
    /// Domains that mail is accepted for, lower-case A-labels; a leading dot means every name below.
    pub accepted_domains: Vec<String>,
    /// Networks whose hosts may send to anywhere.
    pub relay_networks: Vec<IpNet>,
    /// This gateway's own name: where a bare `postmaster` goes when no domain is accepted.
    pub hostname: String,
}

/// What was decided about a peer, and by which row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeerVerdict {
    /// The decision.
    pub action: PeerAction,
    /// The sender group's name, as operators know it.
    pub group: &'static str,
    /// The row that matched.
    pub rule: String,
}

/// A recipient that is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotAccepted;

impl Policy {
    /// Judges a connecting host by its address.
    pub fn judge_peer(&self, peer: IpAddr) -> PeerVerdict {
        let peer = peer.to_canonical();
        match self.relay_networks.iter().find(|network| network.contains(&peer)) {
            Some(network) => {
                PeerVerdict { action: PeerAction::Relay, group: "RELAYLIST", rule: network.to_string() }
            }
            None => PeerVerdict { action: PeerAction::Accept, group: "UNKNOWNLIST", rule: "ALL".to_owned() },
        }
    }

    /// Judges a recipient and names its destination.
    pub fn judge_recipient(&self, peer: PeerAction, recipient: &Mailbox) -> Result<Host, NotAccepted> {
        let Some(domain) = recipient.domain() else {
            return Ok(self.postmaster_host());
        };
        let host = Host::new(&domain.to_string());
        match (peer, domain) {
            (PeerAction::Relay, _) => Ok(host),
            (PeerAction::Accept, Domain::Name(name)) if self.accepts(name) => Ok(host),
            (PeerAction::Accept, Domain::Name(_) | Domain::Literal(_)) | (PeerAction::Reject, _) => {
                Err(NotAccepted)
            }
        }
    }

    fn accepts(&self, name: &str) -> bool {
        self.accepted_domains.iter().any(|row| match row.strip_prefix('.') {
            Some(_) => name.len() > row.len() && name.ends_with(row.as_str()),
            None => row == name,
        })
    }

    /// A bare `postmaster` must always be accepted (RFC 5321 4.5.1); it goes to the first accepted domain.
    fn postmaster_host(&self) -> Host {
        let domain = self.accepted_domains.iter().find(|row| !row.starts_with('.'));
        Host::new(domain.unwrap_or(&self.hostname))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn policy() -> Policy {
        Policy {
            accepted_domains: vec!["gw.test".into(), ".sub.test".into()],
            relay_networks: vec!["10.0.0.0/8".parse().unwrap(), "2001:db8::/32".parse().unwrap()],
            hostname: "mx.gw.test".into(),
        }
    }

    fn judge(peer: &str, recipient: &str) -> Result<String, NotAccepted> {
        let policy = policy();
        let action = policy.judge_peer(peer.parse().unwrap()).action;
        policy.judge_recipient(action, &Mailbox::parse(recipient).unwrap()).map(|host| host.to_string())
    }

    #[test]
    fn strangers_reach_accepted_domains_only() {
        assert_eq!(judge("192.0.2.1", "a@gw.test"), Ok("gw.test".into()));
        assert_eq!(judge("192.0.2.1", "a@GW.Test"), Ok("gw.test".into()));
        assert_eq!(judge("192.0.2.1", "a@x.sub.test"), Ok("x.sub.test".into()));
        assert_eq!(judge("192.0.2.1", "a@sub.test"), Err(NotAccepted));
        assert_eq!(judge("192.0.2.1", "a@notgw.test"), Err(NotAccepted));
        assert_eq!(judge("192.0.2.1", "a@[192.0.2.9]"), Err(NotAccepted));
        assert_eq!(judge("192.0.2.1", "postmaster"), Ok("gw.test".into()));
    }

    #[test]
    fn relay_networks_reach_everybody() {
        assert_eq!(judge("10.1.2.3", "a@victim.example"), Ok("victim.example".into()));
        assert_eq!(judge("::ffff:10.1.2.3", "a@victim.example"), Ok("victim.example".into()));
        assert_eq!(judge("2001:db8::7", "a@[192.0.2.9]"), Ok("[192.0.2.9]".into()));
        assert_eq!(judge("11.1.2.3", "a@victim.example"), Err(NotAccepted));
    }

    #[test]
    fn empty_tables_accept_nothing() {
        let policy = Policy { hostname: "gw".into(), ..Policy::default() };
        let action = policy.judge_peer("127.0.0.1".parse().unwrap()).action;
        assert_eq!(action, PeerAction::Accept);
        assert!(policy.judge_recipient(action, &Mailbox::parse("a@gw").unwrap()).is_err());
    }
}
