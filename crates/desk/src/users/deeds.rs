//! What was changed from the command line and has to be told to the daemon: written together with the change.

use anyhow::Result;
use rusqlite::params;

use super::Users;

/// Deeds that are read at a time.
const AT_ONCE: i64 = 100;

/// A change from the command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Deed {
    /// The system's user who made it.
    pub(crate) by: String,
    /// The words of the command.
    pub(crate) command: String,
    /// Its arguments, without secrets.
    pub(crate) arguments: String,
}

impl Users {
    /// Makes a change and writes down who made it: both or neither.
    pub(crate) fn recorded<T>(
        &mut self,
        deed: &Deed,
        change: impl FnOnce(&mut Self) -> Result<T>,
    ) -> Result<T> {
        self.connection.execute_batch("BEGIN IMMEDIATE")?;
        let outcome = change(self).and_then(|done| {
            let Deed { by, command, arguments } = deed;
            let note = "INSERT INTO deed (by, command, arguments) VALUES (?1, ?2, ?3)";
            self.connection.execute(note, params![by, command, arguments])?;
            Ok(done)
        });
        self.connection.execute_batch(if outcome.is_ok() { "COMMIT" } else { "ROLLBACK" })?;
        outcome
    }

    /// The oldest deeds that are not told yet, with their numbers.
    pub(crate) fn deeds(&self) -> Result<Vec<(i64, Deed)>> {
        let mut query = self
            .connection
            .prepare_cached("SELECT number, by, command, arguments FROM deed ORDER BY number LIMIT ?1")?;
        let rows = query.query_map([AT_ONCE], |row| {
            Ok((row.get(0)?, Deed { by: row.get(1)?, command: row.get(2)?, arguments: row.get(3)? }))
        })?;
        rows.map(|row| row.map_err(Into::into)).collect()
    }

    /// Forgets deeds up to a number: they are told.
    pub(crate) fn forget_deeds(&self, up_to: i64) -> Result<()> {
        self.connection.execute("DELETE FROM deed WHERE number <= ?1", [up_to])?;
        Ok(())
    }
}
