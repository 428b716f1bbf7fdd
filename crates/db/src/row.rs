use jiff::Timestamp;
use kalends_kernel::Id;
use serde::de::DeserializeOwned;
use sqlx::Row as _;
use uuid::Uuid;

use crate::{Error, Result};

/// A row of an answer, read by column name.
pub enum Row {
    /// From SQLite.
    Sqlite(sqlx::sqlite::SqliteRow),
    /// From PostgreSQL.
    Postgres(sqlx::postgres::PgRow),
}

/// A value that is read from a row.
pub trait FromRow: Sized {
    /// Reads it.
    fn from_row(row: &Row) -> Result<Self>;
}

/// A column's type: what it is on each engine.
pub trait Column: Sized {
    #[doc(hidden)]
    fn read(row: &Row, name: &str) -> Result<Self, sqlx::Error>;
}

impl Row {
    /// The value of a column.
    pub fn get<T: Column>(&self, name: &str) -> Result<T> {
        T::read(self, name).map_err(|e| Error::Decode { column: name.to_owned(), what: e.to_string() })
    }

    /// The value of a column that may be NULL.
    pub fn opt<T: Column>(&self, name: &str) -> Result<Option<T>> {
        let null = match self {
            Row::Sqlite(row) => row.try_get_raw(name).map(|v| sqlx::ValueRef::is_null(&v)),
            Row::Postgres(row) => row.try_get_raw(name).map(|v| sqlx::ValueRef::is_null(&v)),
        };
        if null.map_err(|e| Error::Decode { column: name.to_owned(), what: e.to_string() })? {
            Ok(None)
        } else {
            self.get(name).map(Some)
        }
    }

    /// The document in a column.
    pub fn json<T: DeserializeOwned>(&self, name: &str) -> Result<T> {
        from_json(name, self.text(name)?)
    }

    /// The text of a column, borrowed.
    pub fn text(&self, name: &str) -> Result<&str> {
        match self {
            Row::Sqlite(row) => from_sqlite(row, name),
            Row::Postgres(row) => row.try_get(name),
        }
        .map_err(|e| Error::Decode { column: name.to_owned(), what: e.to_string() })
    }
}

/// The document in a text that was read from the named column.
pub fn from_json<T: DeserializeOwned>(column: &str, text: &str) -> Result<T> {
    serde_json::from_str(text).map_err(|e| Error::Decode { column: column.to_owned(), what: e.to_string() })
}

/// SQLite's columns have no type to check, and its driver would read a NULL as zero or as an empty text.
fn from_sqlite<'r, T: sqlx::Decode<'r, sqlx::Sqlite>>(
    row: &'r sqlx::sqlite::SqliteRow,
    name: &str,
) -> Result<T, sqlx::Error> {
    let value = row.try_get_raw(name)?;
    if sqlx::ValueRef::is_null(&value) {
        return Err(sqlx::Error::Decode(Box::new(sqlx::error::UnexpectedNullError)));
    }
    T::decode(value).map_err(sqlx::Error::Decode)
}

impl<K> Column for Id<K> {
    fn read(row: &Row, name: &str) -> Result<Self, sqlx::Error> {
        Uuid::read(row, name).map(Id::new)
    }
}
impl Column for Uuid {
    fn read(row: &Row, name: &str) -> Result<Self, sqlx::Error> {
        match row {
            Row::Sqlite(row) => from_sqlite(row, name),
            Row::Postgres(row) => row.try_get(name),
        }
    }
}
impl Column for String {
    fn read(row: &Row, name: &str) -> Result<Self, sqlx::Error> {
        match row {
            Row::Sqlite(row) => from_sqlite(row, name),
            Row::Postgres(row) => row.try_get(name),
        }
    }
}
impl Column for i64 {
    fn read(row: &Row, name: &str) -> Result<Self, sqlx::Error> {
        match row {
            Row::Sqlite(row) => from_sqlite(row, name),
            Row::Postgres(row) => row.try_get(name),
        }
    }
}
impl Column for bool {
    fn read(row: &Row, name: &str) -> Result<Self, sqlx::Error> {
        match row {
            Row::Sqlite(row) => from_sqlite(row, name),
            Row::Postgres(row) => row.try_get(name),
        }
    }
}
impl Column for Vec<u8> {
    fn read(row: &Row, name: &str) -> Result<Self, sqlx::Error> {
        match row {
            Row::Sqlite(row) => from_sqlite(row, name),
            Row::Postgres(row) => row.try_get(name),
        }
    }
}
impl Column for Timestamp {
    fn read(row: &Row, name: &str) -> Result<Self, sqlx::Error> {
        let micros = match row {
            Row::Sqlite(row) => from_sqlite::<i64>(row, name)?,
            Row::Postgres(row) => row.try_get::<chrono::DateTime<chrono::Utc>, _>(name)?.timestamp_micros(),
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
