use std::sync::atomic::{AtomicUsize, Ordering};

use jiff::Timestamp;
use kalends_kernel::Id;
use serde::de::DeserializeOwned;
use sqlx::{Column as _, ColumnIndex, Row as _, ValueRef as _};
use uuid::Uuid;

use crate::{Error, Result};

/// A row of an answer, read by column name.
pub struct Row {
    of: Of,
    /// The column behind the one that was read last: mostly the next one to be read.
    next: AtomicUsize,
}

enum Of {
    Sqlite(sqlx::sqlite::SqliteRow),
    Postgres(sqlx::postgres::PgRow),
}

impl From<sqlx::sqlite::SqliteRow> for Row {
    fn from(row: sqlx::sqlite::SqliteRow) -> Row {
        Row { of: Of::Sqlite(row), next: AtomicUsize::new(0) }
    }
}
impl From<sqlx::postgres::PgRow> for Row {
    fn from(row: sqlx::postgres::PgRow) -> Row {
        Row { of: Of::Postgres(row), next: AtomicUsize::new(0) }
    }
}

/// A value that is read from a row.
pub trait FromRow: Sized {
    /// Reads it.
    fn from_row(row: &Row) -> Result<Self>;
}

/// A column's type: what it is on each engine.
pub trait Column: Sized {
    #[doc(hidden)]
    fn read(row: &Row, at: usize) -> Result<Self, sqlx::Error>;
}

impl Row {
    /// The value of a column.
    pub fn get<T: Column>(&self, name: &str) -> Result<T> {
        self.at(name).and_then(|at| T::read(self, at)).map_err(|error| unreadable(name, &error))
    }

    /// The value of a column that may be NULL.
    pub fn opt<T: Column>(&self, name: &str) -> Result<Option<T>> {
        let read = |at| if self.is_null(at)? { Ok(None) } else { T::read(self, at).map(Some) };
        self.at(name).and_then(read).map_err(|error| unreadable(name, &error))
    }

    /// The document in a column.
    pub fn json<T: DeserializeOwned>(&self, name: &str) -> Result<T> {
        from_json(name, self.text(name)?)
    }

    /// The text of a column, borrowed.
    pub fn text(&self, name: &str) -> Result<&str> {
        let read = |at| match &self.of {
            Of::Sqlite(row) => from_sqlite(row, at),
            Of::Postgres(row) => row.try_get(at),
        };
        self.at(name).and_then(read).map_err(|error| unreadable(name, &error))
    }

    /// Where a column is.
    fn at(&self, name: &str) -> Result<usize, sqlx::Error> {
        let next = self.next.load(Ordering::Relaxed);
        let at = match &self.of {
            Of::Sqlite(row) => find(row, name, next),
            Of::Postgres(row) => find(row, name, next),
        }?;
        self.next.store(at + 1, Ordering::Relaxed);
        Ok(at)
    }

    fn is_null(&self, at: usize) -> Result<bool, sqlx::Error> {
        match &self.of {
            Of::Sqlite(row) => row.try_get_raw(at).map(|value| value.is_null()),
            Of::Postgres(row) => row.try_get_raw(at).map(|value| value.is_null()),
        }
    }
}

fn find<'n, R: sqlx::Row>(row: &R, name: &'n str, next: usize) -> Result<usize, sqlx::Error>
where
    &'n str: ColumnIndex<R>,
{
    match row.columns().get(next) {
        Some(column) if column.name() == name => Ok(next),
        _ => name.index(row),
    }
}

fn unreadable(column: &str, error: &sqlx::Error) -> Error {
    Error::Decode { column: column.to_owned(), what: error.to_string() }
}

/// The document in a text that was read from the named column.
pub fn from_json<T: DeserializeOwned>(column: &str, text: &str) -> Result<T> {
    serde_json::from_str(text).map_err(|e| Error::Decode { column: column.to_owned(), what: e.to_string() })
}

/// SQLite's columns have no type to check, and its driver would read a NULL as zero or as an empty text.
fn from_sqlite<'r, T: sqlx::Decode<'r, sqlx::Sqlite>>(
    row: &'r sqlx::sqlite::SqliteRow,
    at: usize,
) -> Result<T, sqlx::Error> {
    let value = row.try_get_raw(at)?;
    if value.is_null() {
        return Err(sqlx::Error::Decode(Box::new(sqlx::error::UnexpectedNullError)));
    }
    T::decode(value).map_err(sqlx::Error::Decode)
}

impl<K> Column for Id<K> {
    fn read(row: &Row, at: usize) -> Result<Self, sqlx::Error> {
        Uuid::read(row, at).map(Id::new)
    }
}
impl Column for Uuid {
    fn read(row: &Row, at: usize) -> Result<Self, sqlx::Error> {
        match &row.of {
            Of::Sqlite(row) => from_sqlite(row, at),
            Of::Postgres(row) => row.try_get(at),
        }
    }
}
impl Column for String {
    fn read(row: &Row, at: usize) -> Result<Self, sqlx::Error> {
        match &row.of {
            Of::Sqlite(row) => from_sqlite(row, at),
            Of::Postgres(row) => row.try_get(at),
        }
    }
}
impl Column for i64 {
    fn read(row: &Row, at: usize) -> Result<Self, sqlx::Error> {
        match &row.of {
            Of::Sqlite(row) => from_sqlite(row, at),
            Of::Postgres(row) => row.try_get(at),
        }
    }
}
impl Column for bool {
    fn read(row: &Row, at: usize) -> Result<Self, sqlx::Error> {
        match &row.of {
            Of::Sqlite(row) => from_sqlite(row, at),
            Of::Postgres(row) => row.try_get(at),
        }
    }
}
impl Column for Vec<u8> {
    fn read(row: &Row, at: usize) -> Result<Self, sqlx::Error> {
        match &row.of {
            Of::Sqlite(row) => from_sqlite(row, at),
            Of::Postgres(row) => row.try_get(at),
        }
    }
}
impl Column for Timestamp {
    fn read(row: &Row, at: usize) -> Result<Self, sqlx::Error> {
        let micros = match &row.of {
            Of::Sqlite(row) => from_sqlite::<i64>(row, at)?,
            Of::Postgres(row) => row.try_get::<chrono::DateTime<chrono::Utc>, _>(at)?.timestamp_micros(),
        };
        Timestamp::from_microsecond(micros).map_err(|e| sqlx::Error::Decode(Box::new(e)))
    }
}

impl FromRow for i64 {
    /// A single number in a column named `n`.
    fn from_row(row: &Row) -> Result<Self> {
        row.get("n")
    }
}
