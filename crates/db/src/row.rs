use std::cell::Cell;

use jiff::Timestamp;
use kalends_kernel::Id;
use rusqlite::types::ValueRef;
use serde::de::DeserializeOwned;
use uuid::Uuid;

use crate::{Error, Result};

/// One row of a result, read by column name. It borrows the driver's row: nothing is copied that is not read.
pub struct Row<'r> {
    source: Source<'r>,
    /// The column after the one that was read last, which is usually the next one to be read.
    next: Cell<usize>,
}

enum Source<'r> {
    Sqlite(&'r rusqlite::Row<'r>),
    Postgres(&'r tokio_postgres::Row),
}

/// A value that is read from a row.
pub trait FromRow: Sized {
    /// Reads the value. Fails with [`Error::Decode`] when a column is missing or has another type.
    fn from_row(row: &Row<'_>) -> Result<Self>;
}

/// A type that a column can have on both engines.
pub trait Column: Sized {
    #[doc(hidden)]
    fn read(row: &Row<'_>, at: usize) -> Result<Self, String>;
}

impl<'r> Row<'r> {
    pub(crate) fn sqlite(row: &'r rusqlite::Row<'r>) -> Row<'r> {
        Row { source: Source::Sqlite(row), next: Cell::new(0) }
    }

    pub(crate) fn postgres(row: &'r tokio_postgres::Row) -> Row<'r> {
        Row { source: Source::Postgres(row), next: Cell::new(0) }
    }

    /// Returns the value of a column that is never NULL.
    pub fn get<T: Column>(&self, name: &str) -> Result<T> {
        self.position(name).and_then(|at| T::read(self, at)).map_err(|reason| unreadable(name, reason))
    }

    /// Returns the value of a column that may be NULL.
    pub fn opt<T: Column>(&self, name: &str) -> Result<Option<T>> {
        self.position(name).and_then(|at| self.opt_at(at)).map_err(|reason| unreadable(name, reason))
    }

    pub(crate) fn opt_at<T: Column>(&self, at: usize) -> Result<Option<T>, String> {
        if self.is_null(at)? { Ok(None) } else { T::read(self, at).map(Some) }
    }

    /// Parses the JSON document in a column.
    pub fn json<T: DeserializeOwned>(&self, name: &str) -> Result<T> {
        from_json(name, self.text(name)?)
    }

    /// Returns the text of a column without copying it.
    pub fn text(&self, name: &str) -> Result<&str> {
        self.position(name).and_then(|at| self.text_at(at)).map_err(|reason| unreadable(name, reason))
    }

    pub(crate) fn text_at(&self, at: usize) -> Result<&str, String> {
        match &self.source {
            Source::Sqlite(row) => match sqlite_value(row, at)? {
                ValueRef::Text(bytes) => std::str::from_utf8(bytes).map_err(|error| error.to_string()),
                other => Err(mismatch("a text", other)),
            },
            Source::Postgres(row) => row.try_get(at).map_err(|error| described(&error)),
        }
    }

    fn position(&self, name: &str) -> Result<usize, String> {
        let next = self.next.get();
        let at = match &self.source {
            Source::Sqlite(row) => {
                let columns = row.as_ref();
                match columns.column_name(next) {
                    Ok(column) if column == name => next,
                    _ => columns.column_index(name).map_err(|error| error.to_string())?,
                }
            }
            Source::Postgres(row) => match row.columns().get(next) {
                Some(column) if column.name() == name => next,
                _ => row.columns().iter().position(|column| column.name() == name).ok_or("there is no such column")?,
            },
        };
        self.next.set(at + 1);
        Ok(at)
    }

    fn is_null(&self, at: usize) -> Result<bool, String> {
        match &self.source {
            Source::Sqlite(row) => {
                row.get_ref(at).map(|value| value == ValueRef::Null).map_err(|error| error.to_string())
            }
            Source::Postgres(row) => {
                row.try_get::<_, Option<Present>>(at).map(|value| value.is_none()).map_err(|error| described(&error))
            }
        }
    }
}

/// A PostgreSQL value of any type; only whether it is NULL matters.
struct Present;

impl<'a> tokio_postgres::types::FromSql<'a> for Present {
    fn from_sql(
        _: &tokio_postgres::types::Type,
        _: &'a [u8],
    ) -> std::result::Result<Self, Box<dyn std::error::Error + Sync + Send>> {
        Ok(Present)
    }
    fn accepts(_: &tokio_postgres::types::Type) -> bool {
        true
    }
}

fn unreadable(column: &str, reason: String) -> Error {
    Error::Decode { column: column.to_owned(), what: reason }
}

/// Parses a JSON document that was read from the named column.
pub fn from_json<T: DeserializeOwned>(column: &str, text: &str) -> Result<T> {
    serde_json::from_str(text).map_err(|error| unreadable(column, error.to_string()))
}

/// Returns a value of SQLite that must not be NULL.
fn sqlite_value<'r>(row: &'r rusqlite::Row<'r>, at: usize) -> Result<ValueRef<'r>, String> {
    match row.get_ref(at).map_err(|error| error.to_string())? {
        ValueRef::Null => Err("unexpected NULL".to_owned()),
        value => Ok(value),
    }
}

fn mismatch(wanted: &str, value: ValueRef<'_>) -> String {
    format!("the column holds {} instead of {wanted}", value.data_type())
}

/// Returns an error of the PostgreSQL driver with its cause, which its `Display` leaves out.
fn described(error: &tokio_postgres::Error) -> String {
    match std::error::Error::source(error) {
        Some(cause) => format!("{error}: {cause}"),
        None => error.to_string(),
    }
}

fn postgres_value<'r, T: tokio_postgres::types::FromSql<'r>>(
    row: &'r tokio_postgres::Row,
    at: usize,
) -> Result<T, String> {
    row.try_get(at).map_err(|error| described(&error))
}

impl<K> Column for Id<K> {
    fn read(row: &Row<'_>, at: usize) -> Result<Self, String> {
        Uuid::read(row, at).map(Id::new)
    }
}

impl Column for Uuid {
    fn read(row: &Row<'_>, at: usize) -> Result<Self, String> {
        match &row.source {
            Source::Sqlite(row) => match sqlite_value(row, at)? {
                ValueRef::Blob(bytes) => Uuid::from_slice(bytes).map_err(|error| error.to_string()),
                other => Err(mismatch("16 bytes", other)),
            },
            Source::Postgres(row) => postgres_value(row, at),
        }
    }
}

impl Column for String {
    fn read(row: &Row<'_>, at: usize) -> Result<Self, String> {
        row.text_at(at).map(str::to_owned)
    }
}

impl Column for i64 {
    fn read(row: &Row<'_>, at: usize) -> Result<Self, String> {
        match &row.source {
            Source::Sqlite(row) => match sqlite_value(row, at)? {
                ValueRef::Integer(number) => Ok(number),
                other => Err(mismatch("a whole number", other)),
            },
            Source::Postgres(row) => postgres_value(row, at),
        }
    }
}

impl Column for bool {
    fn read(row: &Row<'_>, at: usize) -> Result<Self, String> {
        match &row.source {
            Source::Sqlite(_) => i64::read(row, at).map(|number| number != 0),
            Source::Postgres(row) => postgres_value(row, at),
        }
    }
}

impl Column for Vec<u8> {
    fn read(row: &Row<'_>, at: usize) -> Result<Self, String> {
        match &row.source {
            Source::Sqlite(row) => match sqlite_value(row, at)? {
                ValueRef::Blob(bytes) => Ok(bytes.to_vec()),
                other => Err(mismatch("bytes", other)),
            },
            Source::Postgres(row) => postgres_value(row, at),
        }
    }
}

impl Column for Timestamp {
    fn read(row: &Row<'_>, at: usize) -> Result<Self, String> {
        match &row.source {
            Source::Sqlite(_) => Timestamp::from_microsecond(i64::read(row, at)?).map_err(|error| error.to_string()),
            Source::Postgres(row) => postgres_value(row, at),
        }
    }
}

impl FromRow for i64 {
    /// Reads the single number in a column named `n`.
    fn from_row(row: &Row<'_>) -> Result<Self> {
        row.get("n")
    }
}
