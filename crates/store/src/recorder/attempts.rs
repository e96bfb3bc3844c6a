//! Attempts of recipients that were not delivered at the first try, by message and by destination.
//!
//! One row an attempt, numbered from 0 for each recipient. A new one takes those with it that
//! [`attempt::keeps`](mailreeve_core::attempt::keeps) does not keep; when the file is nearly as large as it may be,
//! the messages with the lowest numbers go. A crash of the machine may lose the last seconds, and nothing else.

use std::path::{Path, PathBuf};
use std::time::Duration;

use mailreeve_core::attempt::{Attempt, RECENT};
use mailreeve_core::ids::{Host, Mid, Rid};
use rusqlite::{Connection, ErrorCode, OpenFlags, Row, params};

use super::RecorderError;

/// The table `attempt` held records without the end of the connection: they cannot be read any more.
const TABLES: &str = "
    DROP TABLE IF EXISTS attempt;
    CREATE TABLE IF NOT EXISTS try (
        mid INTEGER NOT NULL, rid INTEGER NOT NULL, number INTEGER NOT NULL,
        host TEXT NOT NULL, at INTEGER NOT NULL, record BLOB NOT NULL,
        PRIMARY KEY (mid, rid, number)
    ) WITHOUT ROWID;
    CREATE INDEX IF NOT EXISTS try_host ON try (host, at);
";

const PAGE_BYTES: u64 = 4096;
/// Room for the write-ahead log, which is copied back every thousand pages.
const LOG_BYTES: u64 = 8 << 20;
/// Rows that go at a time when the file is full, and rows that are written between two looks at its size.
const SLICE: usize = 2_000;
/// Rows of one message that are read: a message may have thousands of recipients.
const MESSAGE_ROWS: usize = 1_000;
/// Our own connection is the only one; a longer wait means that something is badly wrong.
const BUSY: Duration = Duration::from_secs(5);

/// The file of attempts. One owner.
#[derive(Debug)]
pub struct Attempts {
    db: Connection,
    path: PathBuf,
    pages_max: u64,
    since_look: usize,
}

impl Attempts {
    /// Opens `attempts.db` in `dir`, for at most about `max_bytes` (no less than 16 MiB). A damaged file is put aside
    /// as `attempts.db.damaged`; then the second part says what was wrong with it.
    ///
    /// # Errors
    /// [`RecorderError`].
    pub fn open(dir: &Path, max_bytes: u64) -> Result<(Self, Option<String>), RecorderError> {
        let path = dir.join("attempts.db");
        match Self::try_open(&path, max_bytes) {
            Ok(attempts) => Ok((attempts, None)),
            Err(error) if is_damage(&error) => {
                Self::put_aside(dir)?;
                let again = Self::try_open(&path, max_bytes);
                let again = again.map_err(|source| RecorderError::Attempts { path: path.clone(), source })?;
                Ok((again, Some(error.to_string())))
            }
            Err(source) => Err(RecorderError::Attempts { path, source }),
        }
    }

    /// Puts the file in `dir`, which must not be open, aside as `attempts.db.damaged`.
    ///
    /// # Errors
    /// [`RecorderError::Io`].
    pub fn put_aside(dir: &Path) -> Result<(), RecorderError> {
        let path = dir.join("attempts.db");
        for suffix in ["", "-wal", "-shm"] {
            let file = with_suffix(&path, suffix);
            let aside = with_suffix(&path, &format!(".damaged{suffix}"));
            match std::fs::rename(&file, &aside) {
                Err(source) if source.kind() != std::io::ErrorKind::NotFound => {
                    return Err(RecorderError::Io { what: "putting aside", path: file, source });
                }
                Ok(()) | Err(_) => {}
            }
        }
        Ok(())
    }

    fn try_open(path: &Path, max_bytes: u64) -> rusqlite::Result<Self> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
            | OpenFlags::SQLITE_OPEN_CREATE
            | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let db = Connection::open_with_flags(path, flags)?;
        db.busy_timeout(BUSY)?;
        db.execute_batch(&format!("PRAGMA page_size = {PAGE_BYTES};"))?;
        db.pragma_update_and_check(None, "journal_mode", "wal", |_| Ok(()))?;
        let pages_max = (max_bytes.max(16 << 20) - LOG_BYTES) / PAGE_BYTES;
        db.execute_batch(&format!(
            "PRAGMA synchronous = NORMAL; PRAGMA temp_store = MEMORY; PRAGMA cache_size = -4096;
             PRAGMA journal_size_limit = {LOG_BYTES}; PRAGMA cell_size_check = ON;"
        ))?;
        // A smaller bound than the file has now is not taken; then rows go until it fits.
        db.query_row(&format!("PRAGMA max_page_count = {pages_max}"), [], |_| Ok(()))?;
        db.execute_batch(TABLES)?;
        db.query_row("SELECT count(*) FROM (SELECT 1 FROM try LIMIT 1)", [], |_| Ok(()))?;
        // The first write looks at the size: the bound may be a new one.
        Ok(Self { db, path: path.to_owned(), pages_max, since_look: SLICE })
    }

    /// Keeps attempts, those of one recipient in their order. All or none.
    ///
    /// # Errors
    /// [`RecorderError::Attempts`].
    pub fn keep(&mut self, attempts: &[Attempt]) -> Result<(), RecorderError> {
        self.try_keep(attempts).map_err(|source| RecorderError::Attempts { path: self.path.clone(), source })
    }

    fn try_keep(&mut self, attempts: &[Attempt]) -> rusqlite::Result<()> {
        if self.since_look >= SLICE {
            self.since_look = 0;
            self.make_room()?;
        }
        self.since_look += attempts.len();
        let transaction = self.db.transaction()?;
        {
            let mut newest =
                transaction.prepare_cached("SELECT max(number) FROM try WHERE mid = ?1 AND rid = ?2")?;
            let mut insert = transaction.prepare_cached("INSERT INTO try VALUES (?1, ?2, ?3, ?4, ?5, ?6)")?;
            let mut superseded = transaction.prepare_cached(
                "DELETE FROM try WHERE mid = ?1 AND rid = ?2 AND number > 0 AND number <= ?3",
            )?;
            for attempt in attempts {
                let Ok(mid) = i64::try_from(attempt.mid.0) else { continue };
                let last: Option<u32> = newest.query_row(params![mid, attempt.rid.0], |row| row.get(0))?;
                let number = last.map_or(0, |last| last.saturating_add(1));
                let at = i64::try_from(attempt.began_at).unwrap_or(i64::MAX);
                let record = postcard::to_stdvec(attempt)
                    .map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))?;
                insert.execute(params![mid, attempt.rid.0, number, attempt.host.as_str(), at, record])?;
                if number > RECENT {
                    superseded.execute(params![mid, attempt.rid.0, number - RECENT])?;
                }
            }
        }
        transaction.commit()
    }

    /// Lets the messages with the lowest numbers go while the file is nearly full.
    fn make_room(&self) -> rusqlite::Result<()> {
        let pragma =
            |name: &str| self.db.query_row(&format!("PRAGMA {name}"), [], |row| row.get::<_, i64>(0));
        loop {
            let used = pragma("page_count")? - pragma("freelist_count")?;
            if u64::try_from(used).unwrap_or(0) < self.pages_max / 10 * 9 {
                return Ok(());
            }
            let gone = self.db.execute(
                "DELETE FROM try WHERE mid <= coalesce(
                     (SELECT mid FROM try ORDER BY mid LIMIT 1 OFFSET ?1), (SELECT max(mid) FROM try))",
                params![SLICE as i64],
            )?;
            if gone == 0 {
                return Ok(());
            }
        }
    }

    /// Returns what is kept of a message, or of one recipient of it, by recipient and oldest first; at most 1,000. Each
    /// with its number, counted from 0.
    ///
    /// # Errors
    /// [`RecorderError::Attempts`].
    pub fn of(&self, mid: Mid, rid: Option<Rid>) -> Result<Vec<(u32, Attempt)>, RecorderError> {
        let Ok(mid) = i64::try_from(mid.0) else { return Ok(Vec::new()) };
        let (least, most) = rid.map_or((0, u32::MAX), |rid| (rid.0, rid.0));
        self.read(
            "SELECT record, number FROM try WHERE mid = ?1 AND rid BETWEEN ?2 AND ?3 ORDER BY rid, number LIMIT ?4",
            params![mid, least, most, MESSAGE_ROWS as i64],
        )
    }

    /// Returns the newest of a destination, newest first, at most `most`.
    ///
    /// # Errors
    /// [`RecorderError::Attempts`].
    pub fn of_host(&self, host: &Host, most: usize) -> Result<Vec<Attempt>, RecorderError> {
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        let found = self.read(
            "SELECT record, number FROM try WHERE host = ?1 ORDER BY at DESC LIMIT ?2",
            params![host.as_str(), most],
        )?;
        Ok(found.into_iter().map(|(_, attempt)| attempt).collect())
    }

    fn read(&self, query: &str, values: impl rusqlite::Params) -> Result<Vec<(u32, Attempt)>, RecorderError> {
        // A row that cannot be read back is as good as one that was not kept.
        let record = |row: &Row<'_>| {
            let record = row.get_ref(0)?.as_blob().ok().and_then(|r| postcard::from_bytes(r).ok());
            let number = row.get(1)?;
            Ok(record.map(|attempt: Attempt| (number, attempt)))
        };
        let rows = self.db.prepare_cached(query).and_then(|mut statement| {
            statement.query_map(values, record)?.collect::<rusqlite::Result<Vec<Option<(u32, Attempt)>>>>()
        });
        let rows = rows.map_err(|source| RecorderError::Attempts { path: self.path.clone(), source })?;
        Ok(rows.into_iter().flatten().collect())
    }
}

pub(super) fn is_damage(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase))
        // A table of this name with other columns.
        || matches!(error, rusqlite::Error::SqlInputError { .. })
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}
