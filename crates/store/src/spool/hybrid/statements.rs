//! The statements that a commit runs once a message, each looked up once a commit.
//!
//! Looking a statement up in the connection's cache costs about as much as inserting a small row.

use rusqlite::{CachedStatement, Connection};

/// A statement that is looked up when it is first wanted.
pub(super) struct Lazy<'c> {
    db: &'c Connection,
    sql: &'static str,
    statement: Option<CachedStatement<'c>>,
}

impl<'c> Lazy<'c> {
    const fn new(db: &'c Connection, sql: &'static str) -> Self {
        Self { db, sql, statement: None }
    }

    /// Returns the statement.
    pub(super) fn get(&mut self) -> rusqlite::Result<&mut CachedStatement<'c>> {
        if self.statement.is_none() {
            self.statement = Some(self.db.prepare_cached(self.sql)?);
        }
        self.statement.as_mut().ok_or(rusqlite::Error::InvalidQuery)
    }
}

/// The statements of one commit.
pub(super) struct Statements<'c> {
    pub(super) insert_envelope: Lazy<'c>,
    pub(super) insert_body: Lazy<'c>,
    pub(super) insert_place: Lazy<'c>,
    pub(super) delete_envelope: Lazy<'c>,
    pub(super) delete_states: Lazy<'c>,
    pub(super) delete_body: Lazy<'c>,
    pub(super) take_place: Lazy<'c>,
}

impl<'c> Statements<'c> {
    pub(super) const fn of(db: &'c Connection) -> Self {
        Self {
            insert_envelope: Lazy::new(db, "INSERT INTO envelope (mid, record) VALUES (?1, ?2)"),
            insert_body: Lazy::new(db, "INSERT INTO body (mid, crc, bytes) VALUES (?1, ?2, ?3)"),
            insert_place: Lazy::new(db, "INSERT INTO place (mid, record) VALUES (?1, ?2)"),
            delete_envelope: Lazy::new(db, "DELETE FROM envelope WHERE mid = ?1"),
            delete_states: Lazy::new(db, "DELETE FROM recipient_state WHERE mid = ?1"),
            delete_body: Lazy::new(db, "DELETE FROM body WHERE mid = ?1"),
            take_place: Lazy::new(db, "DELETE FROM place WHERE mid = ?1 RETURNING record"),
        }
    }
}
