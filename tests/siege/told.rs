//! What the gateway's log tells of messages and of their recipients' ends.

use std::collections::{BTreeSet, HashMap};
use std::fs::{self, File};
use std::io::{BufRead as _, BufReader};
use std::path::Path;

/// The log of a siege, as far as ends go. A line may be there twice: what a killed process had perhaps told
/// is told again.
#[derive(Debug, Default)]
pub struct Told {
    mids: HashMap<String, BTreeSet<u64>>,
    ends: HashMap<(u64, u64), BTreeSet<u64>>,
}

impl Told {
    /// Reads every file of the log.
    pub fn read(folder: &Path) -> Self {
        let mut told = Self::default();
        for entry in fs::read_dir(folder).unwrap() {
            for line in BufReader::new(File::open(entry.unwrap().path()).unwrap()).split(b'\n') {
                let line = line.unwrap();
                told.line(&String::from_utf8_lossy(&line));
            }
        }
        told
    }

    /// The MIDs under which the lab's message `id` was queued.
    pub fn mids(&self, id: &str) -> Vec<u64> {
        self.mids.get(id).into_iter().flatten().copied().collect()
    }

    /// The MIDs of all messages that were queued.
    pub fn all_mids(&self) -> impl Iterator<Item = u64> {
        self.mids.values().flatten().copied()
    }

    /// The connections on which recipient `rid` of `mid` is said to have been delivered.
    pub fn ends(&self, mid: u64, rid: u64) -> Vec<u64> {
        self.ends.get(&(mid, rid)).into_iter().flatten().copied().collect()
    }

    fn line(&mut self, line: &str) {
        if let Some((mid, id)) = message_id(line) {
            self.mids.entry(id.to_owned()).or_default().insert(mid);
        } else if let Some((dcid, mid, rids)) = message_done(line) {
            for rid in rids {
                self.ends.entry((mid, rid)).or_default().insert(dcid);
            }
        }
    }
}

/// MID and number of the message in `... MID 7 Message-ID '<0123@lab.test>'`.
fn message_id(line: &str) -> Option<(u64, &str)> {
    let (front, rest) = line.split_once(" Message-ID '<")?;
    let (_, mid) = front.rsplit_once("MID ")?;
    let (id, _) = rest.split_once("@lab.test>'")?;
    Some((mid.parse().ok()?, id))
}

/// DCID, MID and RIDs in `... Message done DCID 3 MID 7 to RID [0, 2] ...`.
fn message_done(line: &str) -> Option<(u64, u64, Vec<u64>)> {
    let (_, rest) = line.split_once("Message done DCID ")?;
    let (dcid, rest) = rest.split_once(" MID ")?;
    let (mid, rest) = rest.split_once(" to RID [")?;
    let (rids, _) = rest.split_once(']')?;
    let rids = rids.split(", ").map(|rid| rid.parse().ok()).collect::<Option<_>>()?;
    Some((dcid.parse().ok()?, mid.parse().ok()?, rids))
}

#[test]
fn lines_of_the_log_are_read() {
    let mut told = Told::default();
    told.line("Sat Nov 21 11:54:53 2026 Info: MID 7 Message-ID '<0123@lab.test>'");
    told.line("Sat Nov 21 11:54:53 2026 Info: Message done DCID 3 MID 7 to RID [0, 2] ");
    told.line("Sat Nov 21 11:54:53 2026 Info: Message finished MID 7 done");
    assert_eq!(told.mids("0123"), [7]);
    assert_eq!((told.ends(7, 0), told.ends(7, 1), told.ends(7, 2)), (vec![3], vec![], vec![3]));
}
