//! Who may use the desk: users with their passwords' hashes, tokens and sessions as digests, in one SQLite file.
//!
//! The file is the desk's and that of `mailreeve desk-user`, which changes it while the desk runs: nothing is kept
//! in memory, so a user who is removed, a new password and a revoked token hold from the next request on. No
//! password, token or session can be had back from it.

mod deeds;
mod sessions;
mod tokens;

use std::collections::HashMap;
use std::fs;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use mailreeve_api::command::Role;
use rusqlite::{Connection, OptionalExtension as _, params};

pub(crate) use deeds::Deed;
pub(crate) use sessions::{Lifetime, Session};

use crate::secret::Digest;
use sessions::Unkept;

/// Version of the file's tables.
const FORMAT: i64 = 2;
/// For a lock that the other program holds.
const PATIENCE: Duration = Duration::from_secs(5);
/// Users there may be.
const USERS: i64 = 1_000;
/// Octets of a name.
const NAME_BYTES: usize = 64;

const TABLES: &str = "
    CREATE TABLE user (
        name TEXT NOT NULL PRIMARY KEY,
        role TEXT NOT NULL,
        hash TEXT NOT NULL,
        generation INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE token (
        name TEXT NOT NULL PRIMARY KEY,
        role TEXT NOT NULL,
        digest BLOB NOT NULL UNIQUE,
        made_at INTEGER NOT NULL,
        expires_at INTEGER
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE session (
        digest BLOB NOT NULL PRIMARY KEY,
        user TEXT NOT NULL REFERENCES user (name) ON DELETE CASCADE,
        began_at INTEGER NOT NULL,
        used_at INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX session_of_user ON session (user, began_at);
    CREATE TABLE deed (
        number INTEGER PRIMARY KEY,
        by TEXT NOT NULL,
        command TEXT NOT NULL,
        arguments TEXT NOT NULL
    ) STRICT;
";

/// What makes a file of format 1 one of format 2.
const SINCE_1: &str = "
    ALTER TABLE token ADD COLUMN expires_at INTEGER;
    CREATE TABLE deed (
        number INTEGER PRIMARY KEY,
        by TEXT NOT NULL,
        command TEXT NOT NULL,
        arguments TEXT NOT NULL
    ) STRICT;
";

/// A user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct User {
    pub(crate) name: String,
    pub(crate) role: Role,
    /// The password's hash, a PHC string.
    pub(crate) hash: String,
    /// One more with each new password.
    pub(crate) generation: i64,
}

/// The file, open.
pub(crate) struct Users {
    connection: Connection,
    /// What could not be written: held here until the process ends.
    unkept: HashMap<Digest, Unkept>,
    trouble: Option<String>,
}

impl Users {
    /// Opens the file in `folder`, making both when they are not there.
    ///
    /// # Errors
    /// The disk's, and a file of a later release.
    pub(crate) fn open(folder: &Path) -> Result<Self> {
        let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(folder);
        made.with_context(|| format!("making the folder {}", folder.display()))?;
        let path = file(folder);
        // SQLite gives its journal the mode of the file.
        let made = fs::OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(&path);
        made.with_context(|| format!("making {}", path.display()))?;
        Self::prepare(&path).with_context(|| format!("opening the users in {}", path.display()))
    }

    fn prepare(path: &Path) -> Result<Self> {
        let mut connection = Connection::open(path)?;
        connection.busy_timeout(PATIENCE)?;
        connection.pragma_update(None, "foreign_keys", true)?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        let change = connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
        let format: i64 = change.query_row("PRAGMA user_version", [], |row| row.get(0))?;
        match format {
            0 => {
                change.execute_batch(TABLES)?;
                change.pragma_update(None, "user_version", FORMAT)?;
            }
            1 => {
                change.execute_batch(SINCE_1)?;
                change.pragma_update(None, "user_version", FORMAT)?;
            }
            FORMAT => {}
            later => bail!("it is of a later release (format {later}, this one knows {FORMAT})"),
        }
        change.commit()?;
        Ok(Self { connection, unkept: HashMap::new(), trouble: None })
    }

    /// Finds a user by name.
    pub(crate) fn find(&self, name: &str) -> Result<Option<User>> {
        let mut query = self.connection.prepare_cached("SELECT * FROM user WHERE name = ?1")?;
        let found = query.query_row([name], |row| {
            Ok((row.get("name")?, row.get::<_, String>("role")?, row.get("hash")?, row.get("generation")?))
        });
        found
            .optional()?
            .map(|(name, role, hash, generation)| Ok(User { name, role: role_of(&role)?, hash, generation }))
            .transpose()
    }

    /// Every user, by name.
    pub(crate) fn list(&self) -> Result<Vec<(String, Role)>> {
        let mut query = self.connection.prepare_cached("SELECT name, role FROM user ORDER BY name")?;
        let rows = query.query_map([], |row| Ok((row.get(0)?, row.get::<_, String>(1)?)))?;
        rows.map(|row| row.map_err(Into::into).and_then(|(name, role)| Ok((name, role_of(&role)?)))).collect()
    }

    /// Makes a user. `hash` is that of the password.
    ///
    /// # Errors
    /// A name that is taken or none.
    pub(crate) fn add(&self, name: &str, role: Role, hash: &str) -> Result<()> {
        check_name(name)?;
        let known: i64 = self.connection.query_row("SELECT count(*) FROM user", [], |row| row.get(0))?;
        ensure!(known < USERS, "there are {USERS} users already");
        ensure!(self.find(name)?.is_none(), "there is a user {name} already");
        self.connection
            .execute("INSERT INTO user VALUES (?1, ?2, ?3, 1)", params![name, role.word(), hash])?;
        Ok(())
    }

    /// Sets a new password; ends the user's sessions and lifts a lock.
    pub(crate) fn set_password(&mut self, name: &str, hash: &str) -> Result<()> {
        let change = self.connection.savepoint()?;
        let set = "UPDATE user SET hash = ?2, generation = generation + 1 WHERE name = ?1";
        ensure!(change.execute(set, [name, hash])? == 1, "there is no user {name}");
        change.execute("DELETE FROM session WHERE user = ?1", [name])?;
        Ok(change.commit()?)
    }

    /// Gives a user another role; ends the user's sessions.
    pub(crate) fn set_role(&mut self, name: &str, role: Role) -> Result<()> {
        let change = self.connection.savepoint()?;
        let set = "UPDATE user SET role = ?2 WHERE name = ?1";
        ensure!(change.execute(set, [name, role.word()])? == 1, "there is no user {name}");
        change.execute("DELETE FROM session WHERE user = ?1", [name])?;
        Ok(change.commit()?)
    }

    /// Why something could not be written since this was asked last.
    pub(crate) const fn take_trouble(&mut self) -> Option<String> {
        self.trouble.take()
    }

    /// Removes a user with all sessions.
    pub(crate) fn remove(&self, name: &str) -> Result<()> {
        let gone = self.connection.execute("DELETE FROM user WHERE name = ?1", [name])?;
        ensure!(gone == 1, "there is no user {name}");
        Ok(())
    }
}

/// Where the users are in the desk's folder.
pub(crate) fn file(folder: &Path) -> PathBuf {
    folder.join("users.sqlite")
}

fn role_of(word: &str) -> Result<Role> {
    Role::from_word(word).with_context(|| format!("the file knows a role `{word}`, this release does not"))
}

/// Names stand in logs and records: letters, digits and what joins them.
fn check_name(name: &str) -> Result<()> {
    let letter = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"._@-".contains(&b);
    let fine = !name.is_empty() && name.len() <= NAME_BYTES && name.bytes().all(letter);
    ensure!(fine, "a name has 1 to {NAME_BYTES} small letters, digits, `.`, `_`, `@` or `-`");
    Ok(())
}

#[cfg(test)]
mod tests;
