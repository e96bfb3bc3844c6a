//! The shape of the orders. Fields are only added, each with a default, so that older files stay readable.

use std::collections::{BTreeMap, BTreeSet};

use mailreeve_core::event::Deed;
use mailreeve_core::ids::{Host, Mid};
use serde::{Deserialize, Serialize};

use super::work_queue::WorkQueue;

/// Everything that operators ordered and did not take back.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Orders {
    /// Every listener is suspended, those of a later configuration too.
    pub receiving: Option<Given>,
    /// Listeners suspended by name.
    pub listeners: BTreeMap<String, Given>,
    /// All delivery is suspended.
    pub delivery: Option<Given>,
    /// Destinations to which delivery is suspended.
    pub hosts: BTreeMap<Host, Given>,
    /// What waits in the work queue, and why.
    pub work_queue: WorkQueue,
    /// Commands over many recipients that have not ended, oldest first.
    pub jobs: Vec<Job>,
    /// The number of the newest job ever, so that none is used twice.
    pub last_job: u64,
}

impl Orders {
    /// Suspends listeners, all without names. Returns what is new: `None` for all, or names.
    pub fn suspend_listeners(&mut self, names: &[String], given: Given) -> Vec<Option<String>> {
        if names.is_empty() {
            return once(&mut self.receiving, given);
        }
        let fresh: BTreeSet<&String> =
            names.iter().filter(|name| !self.listeners.contains_key(*name)).collect();
        for name in &fresh {
            self.listeners.insert((*name).clone(), given.clone());
        }
        fresh.into_iter().cloned().map(Some).collect()
    }

    /// Resumes listeners, all without names; `all` are the listeners that there are. Returns what was taken back.
    pub fn resume_listeners(&mut self, names: &[String], all: &[String]) -> Vec<Option<String>> {
        let everywhere = self.receiving.take();
        if names.is_empty() {
            let everywhere = everywhere.map(|_| None);
            let listeners = std::mem::take(&mut self.listeners);
            return everywhere.into_iter().chain(listeners.into_keys().map(Some)).collect();
        }
        // One of all: the others stay suspended, by name.
        for (given, name) in everywhere.iter().flat_map(|given| all.iter().map(move |name| (given, name))) {
            self.listeners.entry(name.clone()).or_insert_with(|| given.clone());
        }
        names.iter().filter(|name| self.listeners.remove(*name).is_some()).cloned().map(Some).collect()
    }

    /// Suspends delivery to destinations, everywhere without any. Returns what is new.
    pub fn suspend_delivery(&mut self, hosts: Vec<Host>, given: Given) -> Vec<Option<Host>> {
        if hosts.is_empty() {
            return once(&mut self.delivery, given);
        }
        let fresh: BTreeSet<Host> = hosts.into_iter().filter(|host| !self.hosts.contains_key(host)).collect();
        for host in &fresh {
            self.hosts.insert(host.clone(), given.clone());
        }
        fresh.into_iter().map(Some).collect()
    }

    /// Resumes delivery to destinations; without any everywhere, to those suspended by name too. Returns what was
    /// taken back.
    pub fn resume_delivery(&mut self, hosts: Vec<Host>) -> Vec<Option<Host>> {
        if hosts.is_empty() {
            let everywhere = self.delivery.take().map(|_| None);
            let hosts = std::mem::take(&mut self.hosts);
            return everywhere.into_iter().chain(hosts.into_keys().map(Some)).collect();
        }
        hosts.into_iter().filter(|host| self.hosts.remove(host).is_some()).map(Some).collect()
    }
}

impl Orders {
    /// Suspends receiving on all listeners and all delivery, as one order. Returns what is new of each.
    pub fn suspend_everything(&mut self, given: Given) -> (Vec<Option<String>>, Vec<Option<Host>>) {
        (self.suspend_listeners(&[], given.clone()), self.suspend_delivery(Vec::new(), given))
    }

    /// Resumes receiving and delivery, whatever is suspended, as one order. Returns what was taken back of each.
    pub fn resume_everything(&mut self) -> (Vec<Option<String>>, Vec<Option<Host>>) {
        (self.resume_listeners(&[], &[]), self.resume_delivery(Vec::new()))
    }
}

/// The first order stands.
fn once<T>(place: &mut Option<Given>, given: Given) -> Vec<Option<T>> {
    if place.is_some() {
        return Vec::new();
    }
    *place = Some(given);
    vec![None]
}

/// Who gave an order, and when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Given {
    /// The operator.
    pub by: String,
    /// Microseconds since the epoch.
    pub at: u64,
}

/// A command over many recipients: carried out in slices, and gone on with after a restart.
///
/// A job concerns the recipients that waited when it was given: those in its scope, of messages below
/// `upto_mid`. What of them is done is told by the queue itself; the job is removed with its last slice.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Job {
    /// Its number: one more than [`Orders::last_job`] was.
    pub id: u64,
    /// What is done to each recipient. A new deed needs a new version of the file.
    pub deed: Deed,
    /// To which recipients.
    pub scope: JobScope,
    /// Who and when.
    #[serde(flatten)]
    pub given: Given,
    /// Messages from this one on came later and are not concerned.
    pub upto_mid: Mid,
    /// Recipients done; what was done since the file was last written is missing.
    #[serde(default)]
    pub done: u64,
}

/// Whom a job concerns.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JobScope {
    /// Everything.
    All,
    /// One destination.
    Host(Host),
    /// One sender.
    Sender(String),
    /// One message.
    Message(Mid),
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(by: &str) -> Given {
        Given { by: by.to_owned(), at: 1 }
    }

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn one_of_all_listeners_is_resumed_and_the_others_stay_suspended() {
        let (mut orders, all) = (Orders::default(), names(&["a", "b", "c"]));
        assert_eq!(orders.suspend_listeners(&[], given("ann")), [None]);
        assert_eq!(orders.suspend_listeners(&[], given("ben")), [], "the first order stands");
        assert_eq!(orders.resume_listeners(&names(&["b"]), &all), [Some("b".to_owned())]);
        assert!(orders.receiving.is_none());
        assert_eq!(orders.listeners, [("a".to_owned(), given("ann")), ("c".to_owned(), given("ann"))].into());
        assert_eq!(orders.resume_listeners(&names(&["b"]), &all), []);
        assert_eq!(orders.suspend_listeners(&names(&["a", "b", "b"]), given("cid")), [Some("b".to_owned())]);
        assert_eq!(orders.resume_listeners(&[], &all).len(), 3);
        assert_eq!(orders, Orders::default());
    }

    #[test]
    fn all_delivery_and_one_destination_are_two_orders() {
        let (mut orders, a) = (Orders::default(), Host::new("a.test"));
        assert_eq!(orders.suspend_delivery(vec![a.clone()], given("ann")), [Some(a.clone())]);
        assert_eq!(orders.suspend_delivery(Vec::new(), given("ben")), [None]);
        assert_eq!(orders.suspend_delivery(vec![a.clone()], given("ben")), []);
        assert_eq!(orders.resume_delivery(vec![a.clone(), Host::new("b.test")]), [Some(a.clone())]);
        assert_eq!(orders.delivery, Some(given("ben")));
        orders.suspend_delivery(vec![a.clone()], given("ann"));
        assert_eq!(orders.resume_delivery(Vec::new()), [None, Some(a)]);
        assert_eq!(orders, Orders::default());
    }
}
