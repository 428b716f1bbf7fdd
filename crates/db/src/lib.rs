//! The only crate that names sqlx: one text of SQL on SQLite and PostgreSQL.
//!
//! * [`Db`] owns the connections and runs commands: [`Db::write`] begins, commits and retries; nobody else can.
//!   It does so in a task of its own, so that a caller that goes away never leaves a connection inside a transaction.
//! * [`Tx`] is a running write transaction, [`Conn`] what both it and a reader can do: read.
//! * [`sql`] makes a statement: `sql("SELECT … WHERE id = $1").bind(id)`. Documents (JSON) are stored as text and never
//!   queried, times as `timestamptz` or microseconds, UUIDs natively or as 16 bytes.
//!
//! What differs between the two engines stays in here: [`Tx::lock_row`], [`Conn::log_horizon`], [`Conn::snapshot_column`], batching, migrations, [`backup`].
#![deny(missing_docs)]
#![expect(clippy::disallowed_methods, reason = "this is the one crate that speaks to sqlx")]

pub mod backup;
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

pub use conn::{Conn, Reader, Tx, unfinished};
pub use error::{Error, Result};
pub use migrations::Migrated;
pub use row::{FromRow, Row, from_json};
pub use runner::{Db, Engine, Options};
pub use statement::{Sql, Value, sql};
