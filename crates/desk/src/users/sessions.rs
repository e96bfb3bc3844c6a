//! Sessions: a cookie's digest, whose it is, when it began and when it was last used.
//!
//! A disk that takes no writes keeps nobody out: what cannot be written about a session is held in memory until the
//! process ends, and told as trouble.

use std::time::Duration;

use anyhow::Result;
use mailreeve_api::command::Role;
use rusqlite::{OptionalExtension as _, params};

use super::{Users, role_of};
use crate::secret::{self, Digest};

/// Sessions of a user; the oldest goes when one more begins.
const OF_A_USER: i64 = 20;
/// Sessions of which something could not be written.
const UNKEPT: usize = 1_000;

/// How long a session lives.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lifetime {
    /// Without a request.
    pub(crate) idle: Duration,
    /// In all.
    pub(crate) whole: Duration,
}

/// A session that lives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Session {
    pub(crate) user: String,
    pub(crate) role: Role,
}

/// What could not be written about a session.
#[derive(Clone, Debug)]
pub(super) enum Unkept {
    /// It began, under the user's password of that generation.
    Began { user: String, generation: i64, began_at: i64, used_at: i64 },
    /// It was used.
    Used { at: i64 },
    /// It ended.
    Ended,
}

impl Users {
    /// Begins a session and returns its secret. `now` is in seconds since the epoch, here and below.
    pub(crate) fn begin_session(&mut self, user: &str, lifetime: Lifetime, now: i64) -> Result<String> {
        let session = secret::make()?;
        let digest = secret::digest(&session);
        if let Err(error) = self.write_session(&digest, user, lifetime, now) {
            let generation = self.find(user)?.map_or(0, |user| user.generation);
            let began = Unkept::Began { user: user.to_owned(), generation, began_at: now, used_at: now };
            self.hold(digest, began, &error);
        }
        Ok(session)
    }

    fn write_session(&mut self, digest: &Digest, user: &str, lifetime: Lifetime, now: i64) -> Result<()> {
        let change = self.connection.transaction()?;
        let (idle, whole) = lifetime.seconds();
        change.execute(
            "DELETE FROM session WHERE used_at <= ?1 OR began_at <= ?2",
            params![now - idle, now - whole],
        )?;
        change.execute(
            "DELETE FROM session WHERE digest IN
                 (SELECT digest FROM session WHERE user = ?1 ORDER BY began_at DESC LIMIT -1 OFFSET ?2)",
            params![user, OF_A_USER - 1],
        )?;
        change.execute("INSERT INTO session VALUES (?1, ?2, ?3, ?3)", params![digest, user, now])?;
        Ok(change.commit()?)
    }

    /// Finds the session of a secret. `used` says whether this counts as use.
    pub(crate) fn session(
        &mut self,
        session: &str,
        lifetime: Lifetime,
        used: bool,
        now: i64,
    ) -> Result<Option<Session>> {
        let digest = secret::digest(session);
        let held_use = match self.unkept.get(&digest) {
            Some(Unkept::Began { .. }) => return self.unwritten(digest, lifetime, used, now),
            Some(Unkept::Ended) => return Ok(None),
            Some(Unkept::Used { at }) => *at,
            None => i64::MIN,
        };
        let Some((user, role, began_at, used_at)) = self.written(&digest)? else { return Ok(None) };
        let used_at = used_at.max(held_use);
        let (idle, whole) = lifetime.seconds();
        if now >= began_at + whole || now >= used_at + idle {
            self.end_session(session)?;
            return Ok(None);
        }
        // Not a write for each request: a tenth of the patience is exact enough.
        if used && now >= used_at + idle / 10 {
            let set = "UPDATE session SET used_at = ?2 WHERE digest = ?1";
            match self.connection.execute(set, params![digest, now]) {
                Ok(_) => drop(self.unkept.remove(&digest)),
                Err(error) => self.hold(digest, Unkept::Used { at: now }, &error.into()),
            }
        }
        Ok(Some(Session { user, role: role_of(&role)? }))
    }

    /// User, role, beginning and last use of a session on disk.
    fn written(&self, digest: &Digest) -> Result<Option<(String, String, i64, i64)>> {
        let mut query = self.connection.prepare_cached(
            "SELECT user, role, began_at, used_at FROM session JOIN user ON name = user WHERE digest = ?1",
        )?;
        let row = query.query_row([digest], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)));
        Ok(row.optional()?)
    }

    /// A session that could not be written, as long as its user has the same password.
    fn unwritten(
        &mut self,
        digest: Digest,
        lifetime: Lifetime,
        used: bool,
        now: i64,
    ) -> Result<Option<Session>> {
        let Some(Unkept::Began { user, generation, began_at, used_at }) = self.unkept.get_mut(&digest) else {
            return Ok(None);
        };
        let (idle, whole) = lifetime.seconds();
        let over = now >= *began_at + whole || now >= *used_at + idle;
        if used {
            *used_at = now;
        }
        let (name, generation) = (user.clone(), *generation);
        let user = self.find(&name)?.filter(|user| !over && user.generation == generation);
        if user.is_none() {
            self.unkept.remove(&digest);
        }
        Ok(user.map(|user| Session { user: user.name, role: user.role }))
    }

    /// Ends a session.
    pub(crate) fn end_session(&mut self, session: &str) -> Result<()> {
        let digest = secret::digest(session);
        if matches!(self.unkept.get(&digest), Some(Unkept::Began { .. })) {
            self.unkept.remove(&digest);
            return Ok(());
        }
        match self.connection.execute("DELETE FROM session WHERE digest = ?1", [digest]) {
            Ok(_) => drop(self.unkept.remove(&digest)),
            Err(error) => self.hold(digest, Unkept::Ended, &error.into()),
        }
        Ok(())
    }

    /// Holds in memory what the disk did not take.
    fn hold(&mut self, digest: Digest, what: Unkept, error: &anyhow::Error) {
        self.trouble = Some(format!("{error:#}"));
        if self.unkept.len() >= UNKEPT
            && let Some(one) = self.unkept.keys().next().copied()
        {
            self.unkept.remove(&one);
        }
        self.unkept.insert(digest, what);
    }
}

impl Lifetime {
    fn seconds(self) -> (i64, i64) {
        let seconds = |time: Duration| i64::try_from(time.as_secs()).unwrap_or(i64::MAX / 4);
        (seconds(self.idle), seconds(self.whole))
    }
}
