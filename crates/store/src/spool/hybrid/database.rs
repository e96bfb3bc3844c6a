//! The database file: its tables, its settings, its numbers.

use std::path::Path;
use std::time::Duration;

use mailreeve_core::ids::Mid;
use rusqlite::config::DbConfig;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, ErrorCode, OpenFlags, Row};

use crate::spool::ids::IdLimits;
use crate::spool::record;

/// `meta` rows that hold the limits of the blocks of ids: two, so that one flipped bit does not stop a start.
const ID_KEYS: [&str; 2] = ["ids-a", "ids-b"];
const ID_RECORD: [u64; 2] = [0, u64::MAX - 2];

/// Only our own connections use the file: a wait this long means that something is badly wrong.
const BUSY: Duration = Duration::from_secs(10);

const TABLES: &str = "
    CREATE TABLE IF NOT EXISTS envelope (mid INTEGER PRIMARY KEY, record BLOB NOT NULL);
    CREATE TABLE IF NOT EXISTS body (mid INTEGER PRIMARY KEY, crc INTEGER NOT NULL, bytes BLOB NOT NULL);
    CREATE TABLE IF NOT EXISTS place (mid INTEGER PRIMARY KEY, record BLOB NOT NULL);
    CREATE TABLE IF NOT EXISTS recipient_state (
        mid INTEGER NOT NULL, rid INTEGER NOT NULL, record BLOB NOT NULL, PRIMARY KEY (mid, rid)
    ) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS outbox (seq INTEGER PRIMARY KEY, record BLOB NOT NULL);
    CREATE TABLE IF NOT EXISTS apart (
        mid INTEGER PRIMARY KEY, detail TEXT NOT NULL, envelope BLOB, states BLOB, crc INTEGER, body BLOB, place BLOB
    );
    CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, record BLOB NOT NULL) WITHOUT ROWID;
";

/// Opens the committing connection, making the tables of a new spool.
pub(crate) fn open_writer(path: &Path, cache_kib: u32) -> rusqlite::Result<Connection> {
    let flags =
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let db = Connection::open_with_flags(path, flags)?;
    db.busy_timeout(BUSY)?;
    db.execute_batch("PRAGMA page_size = 4096;")?;
    db.pragma_update_and_check(None, "journal_mode", "wal", |_| Ok(()))?;
    settle(&db)?;
    db.execute_batch(&format!("PRAGMA cache_size = -{cache_kib};"))?;
    db.set_prepared_statement_cache_capacity(64);
    db.execute_batch(TABLES)?;
    Ok(db)
}

/// Opens a connection that reads, or copies the WAL back.
pub(crate) fn open_other(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let db = Connection::open_with_flags(path, flags)?;
    db.busy_timeout(BUSY)?;
    settle(&db)?;
    // The last to close would copy the WAL back: that is for the committing connection to do, or nobody.
    db.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    Ok(db)
}

/// Keeps a connection from writing anything when it is closed: what it knows is not believed any more.
pub(crate) fn abandon(db: &Connection) {
    // There is nothing to fall back on; the connection is used for nothing else anyway.
    let _ = db.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true);
}

/// Settings of every connection. Checkpoints are nobody's by-product: see `checkpoint`.
fn settle(db: &Connection) -> rusqlite::Result<()> {
    db.execute_batch(
        "PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 0; PRAGMA foreign_keys = OFF;
         PRAGMA temp_store = MEMORY; PRAGMA cell_size_check = ON;",
    )
}

/// Returns the row key of a message; `None` above what SQLite's integers hold.
pub(crate) fn key(mid: Mid) -> Option<i64> {
    i64::try_from(mid.0).ok()
}

/// Reports whether the database itself is damaged, so that nothing more may be written to it.
pub(crate) fn is_corrupt(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase))
}

/// Returns the octets of a column. A damaged row may hold anything there: what is no record is none of ours
/// and fails its checksum.
pub(crate) fn octets<'a>(row: &'a Row<'_>, index: usize) -> rusqlite::Result<&'a [u8]> {
    Ok(match row.get_ref(index)? {
        ValueRef::Blob(octets) | ValueRef::Text(octets) => octets,
        ValueRef::Null | ValueRef::Integer(_) | ValueRef::Real(_) => &[],
    })
}

/// Reads the limits of the blocks of ids; the default in a new spool.
///
/// The outer error is SQLite's, the inner one says that both copies are damaged.
pub(crate) fn read_id_limits(db: &Connection) -> rusqlite::Result<Result<IdLimits, String>> {
    let mut found: Option<IdLimits> = None;
    let mut damage = None;
    for key in ID_KEYS {
        let row = db.query_row("SELECT record FROM meta WHERE key = ?1", [key], |row| {
            Ok(record::decode::<[u64; 3]>(ID_RECORD, octets(row, 0)?))
        });
        match row {
            Ok(Ok(limits)) => found = Some(found.unwrap_or_default().max(IdLimits(limits))),
            Ok(Err(detail)) => damage = Some(detail),
            Err(rusqlite::Error::QueryReturnedNoRows) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(match (found, damage) {
        (Some(limits), _) => Ok(limits),
        (None, None) => Ok(IdLimits::default()),
        (None, Some(detail)) => Err(format!("the blocks of ids in use are not known: {detail}")),
    })
}

/// Writes the limits of the blocks of ids.
pub(crate) fn write_id_limits(db: &Connection, limits: IdLimits) -> rusqlite::Result<()> {
    let octets = record::encode(ID_RECORD, &limits.0).map_err(encoding_error)?;
    let mut statement = db.prepare_cached("INSERT OR REPLACE INTO meta (key, record) VALUES (?1, ?2)")?;
    for key in ID_KEYS {
        statement.execute(rusqlite::params![key, octets])?;
    }
    Ok(())
}

/// Wraps a failure to encode one of our own records.
pub(crate) fn encoding_error(detail: String) -> rusqlite::Error {
    rusqlite::Error::ToSqlConversionFailure(detail.into())
}
