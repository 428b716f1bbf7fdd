//! One text of SQL on SQLite and PostgreSQL. This is the only crate that knows rusqlite and tokio-postgres.
//!
//! * [`Db`] owns the connections and runs commands: [`Db::write`] begins, commits and retries; nobody else can.
//!   It does so in a task of its own, so that a caller that goes away never leaves a connection inside a transaction.
//! * [`Tx`] is a running write transaction, [`Conn`] what both it and a reader can do: read.
//! * [`sql`] makes a statement: `sql("SELECT … WHERE id = $1").bind(id)`. Documents (JSON) are stored as text and never
//!   queried, times as `timestamptz` or microseconds, UUIDs natively or as 16 bytes.
//!
//! What differs between the two engines stays in here: [`Tx::lock_row`], [`Conn::log_horizon`], [`Conn::snapshot_column`], batching, migrations, [`backup`].
#![deny(missing_docs)]

mod append;
pub mod backup;
mod bell;
mod conn;
mod error;
mod migrations;
mod postgres;
mod row;
mod runner;
mod sqlite;
mod statement;
#[cfg(feature = "testing")]
pub mod testing;

pub use append::append;
pub use conn::{Conn, Reader, Tx, unfinished};
pub use error::{Error, Result};
pub use migrations::Migrated;
pub use row::{FromRow, Row, from_json};
pub use runner::{Db, Engine, Options};
pub use statement::{Sql, Value, insert_rows, sql};
