//! Sessions: a cookie's digest, whose it is, when it began and when it was last used.

use std::time::Duration;

use anyhow::Result;
use mailreeve_api::command::Role;
use rusqlite::{OptionalExtension as _, params};

use super::{Users, role_of};
use crate::secret;

/// Sessions of a user; the oldest goes when one more begins.
const OF_A_USER: i64 = 20;

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

impl Users {
    /// Begins a session and returns its secret. `now` is in seconds since the epoch, here and below.
    pub(crate) fn begin_session(&mut self, user: &str, lifetime: Lifetime, now: i64) -> Result<String> {
        let session = secret::make()?;
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
        change.execute(
            "INSERT INTO session VALUES (?1, ?2, ?3, ?3)",
            params![secret::digest(&session), user, now],
        )?;
        change.commit()?;
        Ok(session)
    }

    /// Finds the session of a secret. `used` says whether this counts as use.
    pub(crate) fn session(
        &self,
        session: &str,
        lifetime: Lifetime,
        used: bool,
        now: i64,
    ) -> Result<Option<Session>> {
        let digest = secret::digest(session);
        let mut query = self.connection.prepare_cached(
            "SELECT user, role, began_at, used_at FROM session JOIN user ON name = user WHERE digest = ?1",
        )?;
        let row = query.query_row([digest], |row| {
            let times: (i64, i64) = (row.get(2)?, row.get(3)?);
            Ok((row.get(0)?, row.get::<_, String>(1)?, times))
        });
        let Some((user, role, (began_at, used_at))) = row.optional()? else { return Ok(None) };
        let (idle, whole) = lifetime.seconds();
        if now >= began_at + whole || now >= used_at + idle {
            self.end_session(session)?;
            return Ok(None);
        }
        // Not a write for each request: a tenth of the patience is exact enough.
        if used && now >= used_at + idle / 10 {
            self.connection
                .execute("UPDATE session SET used_at = ?2 WHERE digest = ?1", params![digest, now])?;
        }
        Ok(Some(Session { user, role: role_of(&role)? }))
    }

    /// Ends a session.
    pub(crate) fn end_session(&self, session: &str) -> Result<()> {
        self.connection.execute("DELETE FROM session WHERE digest = ?1", [secret::digest(session)])?;
        Ok(())
    }
}

impl Lifetime {
    fn seconds(self) -> (i64, i64) {
        let seconds = |time: Duration| i64::try_from(time.as_secs()).unwrap_or(i64::MAX / 4);
        (seconds(self.idle), seconds(self.whole))
    }
}
