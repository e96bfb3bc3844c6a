//! The rows: events by destination and place, in SQLite.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::Duration;

use mailreeve_core::event::Stamped;
use rusqlite::{Connection, OpenFlags, params};

use super::HistoryError;
use crate::ledger::Position;

const TABLES: &str = "
    CREATE TABLE IF NOT EXISTS event (
        host TEXT NOT NULL, segment INTEGER NOT NULL, place INTEGER NOT NULL, at INTEGER NOT NULL, octets BLOB NOT NULL,
        PRIMARY KEY (host, segment, place)
    ) WITHOUT ROWID;
    CREATE INDEX IF NOT EXISTS event_at ON event (at);
    CREATE TABLE IF NOT EXISTS mark (
        only INTEGER PRIMARY KEY CHECK (only = 1), segment INTEGER NOT NULL, place INTEGER NOT NULL,
        since INTEGER NOT NULL
    );
    INSERT OR IGNORE INTO mark VALUES (1, 0, 0, 0);
";
/// The form of the rows; another one is made anew.
const FORMAT: i64 = 1;
/// Rows of all destinations together.
const ROWS: i64 = 400_000;
/// Rows that are read of one destination, the newest, and of those that concern all.
const READ: i64 = 10_000;
/// Rows of a destination that stay from before the beginning: the newest verdict, facts and orders are among them.
const BASE: i64 = 16;
/// How long those stay.
const BASE_US: i64 = 90 * 86_400_000_000;
const BUSY: Duration = Duration::from_secs(5);

/// The file. One owner.
pub(super) struct Rows {
    db: Connection,
    path: PathBuf,
    /// Up to where what is too old was removed last: the ledger adds nothing from before its beginning.
    retained: Option<i64>,
}

impl Rows {
    /// Opens the file in `dir`; one that is damaged, or of another form, is removed and made anew.
    pub(super) fn open(dir: &Path) -> Result<Self, HistoryError> {
        fs::create_dir_all(dir).map_err(io("making", dir))?;
        let path = dir.join("hosts.db");
        let opened = match Self::try_open(&path) {
            Err(error) if is_unusable(&error) => {
                remove(&path)?;
                Self::try_open(&path)
            }
            opened => opened,
        };
        match opened {
            Ok(db) => Ok(Self { db, path, retained: None }),
            Err(source) => Err(HistoryError::Rows { path, source }),
        }
    }

    /// Stands in for the file in `dir` while that cannot be used: what is read from the ledger until the next start.
    pub(super) fn in_memory(dir: &Path) -> Result<Self, HistoryError> {
        let path = dir.join("hosts.db");
        let made = Connection::open_in_memory().and_then(|db| db.execute_batch(TABLES).map(|()| db));
        match made {
            Ok(db) => Ok(Self { db, path, retained: None }),
            Err(source) => Err(HistoryError::Rows { path, source }),
        }
    }

    fn try_open(path: &Path) -> rusqlite::Result<Connection> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
            | OpenFlags::SQLITE_OPEN_CREATE
            | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let db = Connection::open_with_flags(path, flags)?;
        db.busy_timeout(BUSY)?;
        db.pragma_update_and_check(None, "journal_mode", "wal", |_| Ok(()))?;
        db.execute_batch(
            "PRAGMA synchronous = NORMAL; PRAGMA temp_store = MEMORY; PRAGMA cache_size = -2048;
             PRAGMA journal_size_limit = 4194304; PRAGMA cell_size_check = ON;",
        )?;
        let format: i64 = db.query_row("PRAGMA user_version", [], |row| row.get(0))?;
        if ![0, FORMAT].contains(&format) {
            return Err(rusqlite::Error::InvalidQuery);
        }
        db.execute_batch(TABLES)?;
        if format != FORMAT {
            db.pragma_update(None, "user_version", FORMAT)?;
        }
        let sound: String = db.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
        if sound == "ok" { Ok(db) } else { Err(rusqlite::Error::InvalidQuery) }
    }

    fn wrap<T>(&self, outcome: rusqlite::Result<T>) -> Result<T, HistoryError> {
        outcome.map_err(|source| HistoryError::Rows { path: self.path.clone(), source })
    }

    /// Removes what lies behind the end of the ledger; returns from where it is to be read on.
    pub(super) fn cut(&mut self, end: Position) -> Result<Position, HistoryError> {
        let outcome = self.try_cut(end);
        self.wrap(outcome)
    }

    fn try_cut(&mut self, end: Position) -> rusqlite::Result<Position> {
        let (segment, offset) = place(end);
        let transaction = self.db.transaction()?;
        transaction
            .execute("DELETE FROM event WHERE (segment, place) >= (?1, ?2)", params![segment, offset])?;
        transaction.execute(
            "UPDATE mark SET segment = ?1, place = ?2 WHERE (segment, place) > (?1, ?2)",
            params![segment, offset],
        )?;
        let mark = transaction.query_row("SELECT segment, place FROM mark", [], |row| {
            Ok(Position { segment: unsigned(row.get(0)?), offset: unsigned(row.get(1)?) })
        })?;
        transaction.commit()?;
        Ok(mark)
    }

    /// Adds events, those of all under no name, and notes that everything before `read` is here.
    pub(super) fn add(
        &mut self,
        events: &[(&str, Position, &Stamped)],
        read: Position,
    ) -> Result<(), HistoryError> {
        let outcome = self.try_add(events, read);
        self.wrap(outcome)
    }

    fn try_add(&mut self, events: &[(&str, Position, &Stamped)], read: Position) -> rusqlite::Result<()> {
        let transaction = self.db.transaction()?;
        {
            let mut insert =
                transaction.prepare_cached("INSERT OR REPLACE INTO event VALUES (?1, ?2, ?3, ?4, ?5)")?;
            for (host, at, stamped) in events {
                let Ok(octets) = postcard::to_stdvec(stamped) else { continue };
                let (segment, offset) = place(*at);
                insert.execute(params![host, segment, offset, signed(stamped.at), octets])?;
            }
        }
        let (segment, offset) = place(read);
        transaction.execute("UPDATE mark SET segment = ?1, place = ?2", params![segment, offset])?;
        transaction.commit()
    }

    /// Returns the events of a destination and those of all, oldest first.
    pub(super) fn of(&mut self, host: &str) -> Result<Vec<Stamped>, HistoryError> {
        let outcome = self.try_of(host);
        self.wrap(outcome)
    }

    fn try_of(&mut self, host: &str) -> rusqlite::Result<Vec<Stamped>> {
        let mut select = self.db.prepare_cached(
            "SELECT segment, place, octets FROM event WHERE host = ?1 ORDER BY segment DESC, place DESC LIMIT ?2",
        )?;
        let mut found: Vec<((i64, i64), Stamped)> = Vec::new();
        for name in [host, ""] {
            let rows = select.query_map(params![name, READ], |row| {
                let octets = row.get_ref(2)?.as_blob()?;
                Ok(((row.get(0)?, row.get(1)?), postcard::from_bytes(octets).ok()))
            })?;
            for row in rows {
                // What cannot be read is left out; a rebuild brings it back.
                if let (at, Some(stamped)) = row? {
                    found.push((at, stamped));
                }
            }
        }
        found.sort_by_key(|(at, _)| *at);
        Ok(found.into_iter().map(|(_, stamped)| stamped).collect())
    }

    /// Removes what is older than `from` and the oldest of too many rows, but for the last few of each destination
    /// before. Returns from when on everything is here.
    pub(super) fn retain(&mut self, from: u64) -> Result<u64, HistoryError> {
        let outcome = self.try_retain(from);
        self.wrap(outcome)
    }

    fn try_retain(&mut self, from: u64) -> rusqlite::Result<u64> {
        let transaction = self.db.transaction()?;
        let rows: i64 = transaction.query_row("SELECT count(*) FROM event", [], |row| row.get(0))?;
        if rows > ROWS {
            // Too many destinations for what they were before to stay as well.
            let excess: i64 = transaction.query_row(
                "SELECT at FROM event ORDER BY at LIMIT 1 OFFSET ?1",
                params![rows - ROWS * 9 / 10],
                |row| row.get(0),
            )?;
            transaction.execute("UPDATE mark SET since = max(since, ?1)", params![excess])?;
            transaction.execute("DELETE FROM event WHERE at < ?1", params![excess])?;
        }
        let since: i64 = transaction.query_row("SELECT since FROM mark", [], |row| row.get(0))?;
        let from = signed(from).max(since);
        if self.retained == Some(from) {
            transaction.commit()?;
            return Ok(unsigned(from));
        }
        transaction.execute("DELETE FROM event WHERE at < ?1", params![from.saturating_sub(BASE_US)])?;
        transaction.execute(
            "DELETE FROM event AS old WHERE at < ?1 AND ?2 <= (
                 SELECT count(*) FROM (
                     SELECT 1 FROM event AS newer
                     WHERE newer.host = old.host AND newer.at < ?1
                       AND (newer.segment, newer.place) > (old.segment, old.place) LIMIT ?2))",
            params![from, BASE],
        )?;
        transaction.commit()?;
        self.retained = Some(from);
        Ok(unsigned(from))
    }

    /// Forgets everything; a file that cannot even be emptied is made anew.
    pub(super) fn clear(&mut self) -> Result<(), HistoryError> {
        self.retained = None;
        if self.try_clear().is_ok() {
            return Ok(());
        }
        // It must not be open while it is removed.
        let closed = Connection::open_in_memory();
        self.db = self.wrap(closed)?;
        remove(&self.path)?;
        let opened = Self::try_open(&self.path);
        self.db = self.wrap(opened)?;
        Ok(())
    }

    fn try_clear(&mut self) -> rusqlite::Result<()> {
        let transaction = self.db.transaction()?;
        transaction.execute_batch("DELETE FROM event; UPDATE mark SET segment = 0, place = 0, since = 0;")?;
        transaction.commit()
    }
}

/// Tells whether the file itself is wrong; a disk that is full or gone is no reason to remove it.
fn is_unusable(error: &rusqlite::Error) -> bool {
    use rusqlite::ErrorCode::{DatabaseCorrupt, NotADatabase, Unknown};
    matches!(error, rusqlite::Error::InvalidQuery)
        || matches!(error.sqlite_error_code(), Some(DatabaseCorrupt | NotADatabase | Unknown))
}

fn remove(path: &Path) -> Result<(), HistoryError> {
    for suffix in ["", "-wal", "-shm"] {
        let mut file = path.as_os_str().to_owned();
        file.push(suffix);
        match fs::remove_file(&file) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                return Err(io("removing", Path::new(&file))(error));
            }
            Ok(()) | Err(_) => {}
        }
    }
    Ok(())
}

fn io(what: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> HistoryError {
    let path = path.to_owned();
    move |source| HistoryError::Io { what, path, source }
}

fn place(at: Position) -> (i64, i64) {
    (signed(at.segment), signed(at.offset))
}

fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}
