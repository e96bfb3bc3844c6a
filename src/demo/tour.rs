//! `demo --tour`: a walk through both support procedures, each step with its command, its output and what that
//! means. Every command is really run, against the gateway of the demo.

mod guide;
mod never_received;
mod queued;

use anyhow::Result;

use super::cast::Cast;
use super::folder::Folder;
use super::ports::Ports;
use super::{Stage, say};
use guide::Guide;

/// Where the walk leads.
pub(super) struct Ground<'a> {
    pub(super) folder: &'a Folder,
    pub(super) ports: &'a Ports,
    pub(super) cast: &'a Cast,
}

/// Why a walk went no further.
pub(super) enum Halt {
    /// It is to end.
    Stopped,
    /// Something is not as it should be.
    Failed(anyhow::Error),
}

impl<E: Into<anyhow::Error>> From<E> for Halt {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

/// Walks. `wait` says whether each step waits for Enter. Says whether the demo is to go on.
pub(super) fn walk(ground: &Ground<'_>, stage: &Stage<'_>, wait: bool) -> Result<bool> {
    let mut guide = Guide::new(ground, stage, wait);
    let walked = queued::walk(&mut guide, ground).and_then(|()| never_received::walk(&mut guide, ground));
    match walked {
        Ok(()) => {
            say("That was the tour: both procedures, from the question to the answer.\n\n")?;
            Ok(true)
        }
        Err(Halt::Stopped) => Ok(false),
        Err(Halt::Failed(error)) => Err(error),
    }
}
