//! What survives a crash: the spool and the ledger.
//!
//! * [`spool`]: accepted messages and the state of their recipients, changed by one atomic commit.
//! * [`committer`]: the thread that gathers changes into commits, and the source of MID, ICID and DCID.
//! * [`ledger`]: everything that happened, in append-only segment files.
//! * [`history`]: what happened to each destination.
//! * [`recorder`]: what was tried for each recipient.
//! * [`tracking`]: what happened to each message, found by what is known of it.
//! * [`standing`]: operators' orders that hold until they are taken back, over restarts too.
//! * [`noted`]: small files of what is worth knowing after a restart, when nothing is decided by it.
//! * [`verdicts`]: what operators knew of destinations that failed, over restarts too.
//! * [`space`]: how much room the disk has, and the reserve kept for recording ends.
//! * [`disk`]: the file operations that the parts of our own make, as one seam for injected faults.
//!
//! Nothing here decides about mail and nothing here is async: callers keep these calls off their runtime
//! threads. After a failed write or sync nothing is retried and believed (law 5): the part concerned is
//! marked failed and refuses everything until the daemon restarts.

pub mod committer;
pub mod disk;
mod encoding;
pub mod history;
pub mod ledger;
pub mod noted;
mod owner;
pub mod recorder;
pub mod space;
pub mod spool;
pub mod standing;
pub mod tracking;
pub mod verdicts;
