//! A connection to a SQLite file: its settings, its statements, and the deadline of what it runs.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use rusqlite::types::{Null, ToSqlOutput, Value as Owned, ValueRef};
use rusqlite::{CachedStatement, OpenFlags, ToSql};

use crate::{Result, Row, Sql, Value};

/// The number of virtual machine instructions between two looks at the deadline: about a millisecond.
const LOOK: i32 = 20_000;

/// The prepared statements that a connection keeps: the program has a few hundred, and they come again and again.
const PREPARED: usize = 500;

/// How a connection uses the file.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    /// Reads and writes; makes the file when it is not there.
    Write,
    /// Only reads. The file must be there.
    Read,
}

/// An open connection.
pub(crate) struct Connection {
    raw: rusqlite::Connection,
    opened: Instant,
    /// Microseconds after `opened` at which a running statement is ended; `u64::MAX` for never.
    deadline: Arc<AtomicU64>,
}

impl Connection {
    pub(crate) fn open(path: &Path, access: Access) -> Result<Connection> {
        let flags = OpenFlags::SQLITE_OPEN_NO_MUTEX
            | match access {
                Access::Write => OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE,
                Access::Read => OpenFlags::SQLITE_OPEN_READ_ONLY,
            };
        if access == Access::Write {
            make_private(path);
        }
        let raw = rusqlite::Connection::open_with_flags(path, flags)?;
        raw.busy_timeout(Duration::from_secs(10))?;
        raw.set_prepared_statement_cache_capacity(PREPARED);
        if access == Access::Write {
            // Commands run in savepoints; the pages that a rollback needs do not have to go through a file.
            raw.execute_batch(
                "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA temp_store = MEMORY;
                 PRAGMA wal_autocheckpoint = 1000; PRAGMA journal_size_limit = 67108864;",
            )?;
        }
        raw.execute_batch("PRAGMA foreign_keys = ON; PRAGMA cache_size = -16000;")?;
        let mut connection = Connection { raw, opened: Instant::now(), deadline: Arc::new(AtomicU64::new(u64::MAX)) };
        let (opened, deadline) = (connection.opened, connection.deadline.clone());
        let is_over = move || micros(opened.elapsed()) >= deadline.load(Ordering::Relaxed);
        connection.raw.progress_handler(LOOK, Some(is_over))?;
        Ok(connection)
    }

    /// Ends every statement that still runs after `limit` from now with [`crate::Error::Busy`]. `None` lifts the limit.
    pub(crate) fn end_after(&self, limit: Option<Duration>) {
        let at = limit.map_or(u64::MAX, |limit| micros(self.opened.elapsed() + limit));
        self.deadline.store(at, Ordering::Relaxed);
    }

    /// Returns whether the connection is inside a transaction.
    pub(crate) fn is_in_transaction(&self) -> bool {
        !self.raw.is_autocommit()
    }

    /// Runs a query and reads at most `at_most` rows.
    pub(crate) fn query<T>(
        &self,
        statement: &Sql,
        at_most: usize,
        mut read: impl FnMut(&Row<'_>) -> Result<T>,
    ) -> Result<Vec<T>> {
        let mut prepared = self.prepare(statement)?;
        let mut rows = prepared.raw_query();
        let mut values = Vec::new();
        while values.len() < at_most
            && let Some(row) = rows.next()?
        {
            values.push(read(&Row::sqlite(row))?);
        }
        Ok(values)
    }

    /// Runs a statement to its end and returns the number of rows that it changed.
    pub(crate) fn execute(&self, statement: &Sql) -> Result<u64> {
        let mut prepared = self.prepare(statement)?;
        let mut rows = prepared.raw_query();
        while rows.next()?.is_some() {}
        drop(rows);
        Ok(self.raw.changes())
    }

    /// Runs one statement that has no values and that comes often, such as COMMIT.
    pub(crate) fn control(&self, text: &'static str) -> Result<()> {
        let mut prepared = self.raw.prepare_cached(text)?;
        let mut rows = prepared.raw_query();
        while rows.next()?.is_some() {}
        Ok(())
    }

    /// Runs statements that have no values: settings, DDL.
    pub(crate) fn batch(&self, text: &str) -> Result<()> {
        Ok(self.raw.execute_batch(text)?)
    }

    fn prepare(&self, statement: &Sql) -> Result<CachedStatement<'_>> {
        let mut prepared = self.raw.prepare_cached(&statement.text)?;
        let in_order = is_numbered_in_order(&statement.text);
        for place in 1..=prepared.parameter_count() {
            // SQLite takes `$2` for a name, and numbers names in the order in which they first appear.
            let number = if in_order { Some(place) } else { number_of(prepared.parameter_name(place)) };
            match number.and_then(|number| statement.values.get(number.wrapping_sub(1))) {
                Some(value) => prepared.raw_bind_parameter(place, value)?,
                None => prepared.raw_bind_parameter(place, Null)?,
            }
        }
        Ok(prepared)
    }
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

/// Creates the file readable for its owner only. SQLite gives its log and index the same permissions. A failure shows
/// when SQLite opens the file.
fn make_private(path: &Path) {
    let mut options = std::fs::OpenOptions::new();
    options.create_new(true).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).ok();
}

fn number_of(name: Option<&str>) -> Option<usize> {
    name?.strip_prefix('$')?.parse().ok()
}

/// Returns whether the parameters `$1`, `$2` … first appear in the order of their numbers, as they do in most statements.
fn is_numbered_in_order(text: &str) -> bool {
    let mut next = 1;
    for after in text.split('$').skip(1) {
        let digits = after.bytes().take_while(u8::is_ascii_digit);
        let number =
            digits.fold(0_usize, |number, digit| number.saturating_mul(10).saturating_add(usize::from(digit - b'0')));
        match number {
            0 => {}
            number if number == next => next += 1,
            number if number > next => return false,
            _ => {}
        }
    }
    true
}

impl ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        let borrowed = match self {
            Value::Uuid(Some(id)) => ValueRef::Blob(id.as_bytes()),
            Value::Text(Some(text)) => ValueRef::Text(text.as_bytes()),
            Value::Bytes(Some(bytes)) => ValueRef::Blob(bytes),
            Value::Int(Some(number)) => ValueRef::Integer(*number),
            Value::Bool(Some(yes)) => ValueRef::Integer(i64::from(*yes)),
            Value::Time(Some(at)) => return Ok(ToSqlOutput::Owned(Owned::Integer(at.as_microsecond()))),
            _ => ValueRef::Null,
        };
        Ok(ToSqlOutput::Borrowed(borrowed))
    }
}

#[cfg(test)]
mod tests {
    use super::is_numbered_in_order;

    #[test]
    fn parameters_in_order_need_no_look_at_their_names() {
        for text in ["SELECT 1", "a = $1 AND b = $2 OR a = $1", "x = '$' AND a = $1", "($1, $2), ($3, $4)"] {
            assert!(is_numbered_in_order(text), "{text}");
        }
        for text in ["a = $2", "a = $1 AND b = $3 AND c = $2", "a < $2 AND b = $1"] {
            assert!(!is_numbered_in_order(text), "{text}");
        }
    }
}
