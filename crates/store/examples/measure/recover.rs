//! How long a start takes with a deep queue, and what memory it costs.

use std::path::Path;
use std::time::Instant;

use mailreeve_core::envelope::RecipientState;
use mailreeve_core::event::{Cause, Failure, Stage};
use mailreeve_core::ids::{Mid, Rid};
use mailreeve_store::spool::{Batch, Housekeeping, Options, Seq, Spool};

use crate::mail::{accepted, noise, put};

/// Messages brought in one commit.
const COMMIT: u64 = 1000;

/// Fills a queue, opens it again and reads everything that waits.
///
/// With `tried`, every recipient was deferred, which is the costliest queue to read.
pub(crate) fn measure(dir: &Path, messages: u64, tried: bool) {
    let dir = dir.join(format!("mailreeve-recovery-{}", std::process::id()));
    let options = Options::default();
    fill(&dir, &options, messages, tried);
    let before = resident_kib();
    let begun = Instant::now();
    let mut opened = Spool::open(&dir, &options).expect("the spool opens");
    let open = begun.elapsed();
    let mut first = None;
    let (mut read, mut pages) = (0, 0);
    while let Some(page) = opened.recovery.next_page().expect("the page is readable") {
        read += page.messages.len();
        pages += 1;
        first.get_or_insert(begun.elapsed());
    }
    let all = begun.elapsed();
    println!(
        "{}: {messages} messages: open {open:.2?}, first page {:.2?}, all {read} in {pages} pages {all:.2?}, {} KiB more resident",
        if tried { "all deferred" } else { "never tried" },
        first.unwrap_or_default(),
        resident_kib().saturating_sub(before),
    );
    drop(opened);
    std::fs::remove_dir_all(&dir).expect("the folder can be removed");
}

fn fill(dir: &Path, options: &Options, messages: u64, tried: bool) {
    let mut opened = Spool::open(dir, options).expect("the spool opens");
    let content = noise(4096);
    let mut synced = Seq(0);
    for start in (1..=messages).step_by(1000) {
        let mids = (start..start + COMMIT).map(Mid);
        let puts = mids.clone().map(|mid| put(mid, &content)).collect();
        let updates = mids.clone().filter(|_| tried).map(deferred).collect();
        let events = mids.map(|mid| accepted(mid, 4096)).collect();
        let batch = Batch { puts, updates, events, ..Batch::default() };
        let housekeeping = Housekeeping { ledger_synced: synced, id_limits: None };
        synced = opened.engine.commit(&[batch], &housekeeping).expect("the commit succeeds");
    }
}

/// The state of a recipient whose turn comes in no order of MIDs.
fn deferred(mid: Mid) -> RecipientState {
    let due_at = mid.0.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 20;
    let failure = Failure {
        stage: Stage::Rcpt,
        cause: Cause::Reply4xx,
        status: (4, 2, 1),
        code: 451,
        text: vec!["4.2.1 try again later".to_owned()],
        address: None,
        at: due_at,
    };
    RecipientState {
        mid,
        rid: Rid(0),
        host: None,
        attempts: 3,
        due_at,
        interval_s: 240,
        last: Some(failure),
        delay_reported: false,
    }
}

fn resident_kib() -> u64 {
    let text = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.trim().split(' ').next()?.parse().ok()).unwrap_or(0)
}
