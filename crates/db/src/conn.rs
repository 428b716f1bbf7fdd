use std::borrow::Cow;
use std::collections::BTreeSet;
use std::ops::{Deref, DerefMut};

use sqlx::postgres::{PgArguments, PgConnection};
use sqlx::sqlite::{SqliteArguments, SqliteConnection};
use sqlx::{Arguments, AssertSqlSafe, Postgres, SqlSafeStr, SqlStr, Sqlite};

use crate::{Error, Result, Row, Sql, Value, sql};

/// A connection that can read: a [`Reader`], or the inside of a [`Tx`].
pub struct Conn {
    pub(crate) link: Link,
    /// A statement failed because another transaction won, or the command said so; the runner starts again.
    pub(crate) stale: bool,
    /// A statement was refused. PostgreSQL answers COMMIT with a silent rollback from then on, so such a transaction may
    /// not be called done, on either engine.
    pub(crate) refused: bool,
}

pub(crate) enum Link {
    Sqlite(SqliteLink),
    Postgres(sqlx::pool::PoolConnection<Postgres>),
}

pub(crate) enum SqliteLink {
    /// The one writer.
    Writer(Box<SqliteConnection>),
    /// A reader of the pool.
    Reader(sqlx::pool::PoolConnection<Sqlite>),
}

impl SqliteLink {
    pub(crate) fn connection(&mut self) -> &mut SqliteConnection {
        match self {
            SqliteLink::Writer(connection) => connection,
            SqliteLink::Reader(connection) => connection,
        }
    }
}

/// A reader outside any transaction: each statement sees the newest committed state. It cannot write.
pub struct Reader {
    pub(crate) conn: Conn,
}

/// A running write transaction. Only the runner begins and commits one.
pub struct Tx {
    pub(crate) conn: Conn,
}

impl Deref for Reader {
    type Target = Conn;
    fn deref(&self) -> &Conn {
        &self.conn
    }
}
impl DerefMut for Reader {
    fn deref_mut(&mut self) -> &mut Conn {
        &mut self.conn
    }
}
impl Deref for Tx {
    type Target = Conn;
    fn deref(&self) -> &Conn {
        &self.conn
    }
}
impl DerefMut for Tx {
    fn deref_mut(&mut self) -> &mut Conn {
        &mut self.conn
    }
}

impl Conn {
    pub(crate) fn over(link: Link) -> Conn {
        Conn { link, stale: false, refused: false }
    }

    pub(crate) async fn fetch_all(&mut self, statement: Sql) -> Result<Vec<Row>> {
        let found = match &mut self.link {
            Link::Sqlite(link) => {
                let query = sqlx::query_with(sql_str(statement.text), sqlite_arguments(statement.values)?);
                query.fetch_all(link.connection()).await.map(|rows| rows.into_iter().map(Row::from).collect())
            }
            Link::Postgres(link) => {
                let query = sqlx::query_with(sql_str(statement.text), postgres_arguments(statement.values)?);
                query.fetch_all(&mut **link).await.map(|rows| rows.into_iter().map(Row::from).collect())
            }
        };
        found.map_err(|error| self.note(error))
    }

    pub(crate) async fn fetch_optional(&mut self, statement: Sql) -> Result<Option<Row>> {
        let found = match &mut self.link {
            Link::Sqlite(link) => {
                let query = sqlx::query_with(sql_str(statement.text), sqlite_arguments(statement.values)?);
                query.fetch_optional(link.connection()).await.map(|row| row.map(Row::from))
            }
            Link::Postgres(link) => {
                let query = sqlx::query_with(sql_str(statement.text), postgres_arguments(statement.values)?);
                query.fetch_optional(&mut **link).await.map(|row| row.map(Row::from))
            }
        };
        found.map_err(|error| self.note(error))
    }

    /// Remembers what a refused statement means for its transaction. A SELECT that locks can lose as an UPDATE does.
    fn note(&mut self, error: sqlx::Error) -> Error {
        let error = Error::from(error);
        self.refused = true;
        self.stale |= error.is_worth_a_retry();
        error
    }

    /// The position below which the change log is complete: rows of transactions at or above it may still be
    /// missing (they commit later). Ask it BEFORE reading rows, and read only `tx < horizon`.
    ///
    /// PostgreSQL gives the oldest transaction that is still running anywhere in the cluster; on SQLite the single
    /// writer makes every visible row final.
    pub async fn log_horizon(&mut self) -> Result<i64> {
        match &self.link {
            Link::Sqlite(_) => Ok(i64::MAX),
            Link::Postgres(_) => {
                sql("SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint AS n").one(self).await
            }
        }
    }
}

impl Conn {
    /// What a SELECT gives as a text column from which [`unfinished`] reads the transactions that its rows do not have yet,
    /// though they began before others that they have.
    pub fn snapshot_column(&self) -> &'static str {
        match &self.link {
            // The single writer leaves none behind.
            Link::Sqlite(_) => "''",
            Link::Postgres(_) => "pg_current_snapshot()::text",
        }
    }

    /// The condition that a row of a log lies behind a position, whose `tx` and `seq` are bound as `$first` and the next.
    ///
    /// SQLite finds no place in an index by the pair, because `seq` is its row number; but `tx` is always the same there.
    pub fn behind(&self, first: usize) -> String {
        self.compared(first, ">")
    }

    /// The condition that a row of a log is at a position or before it.
    pub fn up_to(&self, first: usize) -> String {
        self.compared(first, "<=")
    }

    fn compared(&self, first: usize, how: &str) -> String {
        let next = first + 1;
        match &self.link {
            Link::Sqlite(_) => format!("tx = ${first} AND seq {how} ${next}"),
            Link::Postgres(_) => format!("(tx, seq) {how} (${first}, ${next})"),
        }
    }
}

/// The transactions below `tx` that were still running in a snapshot (`xmin:xmax:xip,xip…`), ascending. Rows of the change
/// log up to `tx` are complete but for theirs: position and this list together name what a reader has seen.
pub fn unfinished(snapshot: &str, tx: i64) -> Vec<i64> {
    let running = snapshot.rsplit(':').next().unwrap_or_default().split(',');
    running.filter_map(|one| one.parse().ok()).filter(|one| *one < tx).collect()
}

impl Tx {
    pub(crate) async fn execute(&mut self, statement: Sql) -> Result<u64> {
        let done = match &mut self.conn.link {
            Link::Sqlite(link) => {
                let query = sqlx::query_with(sql_str(statement.text), sqlite_arguments(statement.values)?);
                query.execute(link.connection()).await.map(|done| done.rows_affected())
            }
            Link::Postgres(link) => {
                let query = sqlx::query_with(sql_str(statement.text), postgres_arguments(statement.values)?);
                query.execute(&mut **link).await.map(|done| done.rows_affected())
            }
        };
        done.map_err(|error| self.conn.note(error))
    }

    /// Says that what this transaction read is no longer so: the runner rolls it back and runs the command again.
    pub fn stale(&mut self) -> Error {
        self.conn.stale = true;
        Error::Stale
    }

    /// Runs a part of the command in a savepoint of its own: when it fails, nothing of it is left and the command can go
    /// on. (Not when another transaction won: then the whole command starts again.)
    pub async fn attempt<T, E: From<Error>>(
        &mut self,
        part: impl AsyncFnOnce(&mut Tx) -> Result<T, E>,
    ) -> Result<Result<T, E>> {
        self.savepoint("SAVEPOINT part").await?;
        let before = std::mem::replace(&mut self.conn.refused, false);
        let outcome = part(self).await;
        if self.conn.stale {
            return Err(Error::Stale);
        }
        // A part that went on after a refused statement has not done what it says.
        let outcome = match outcome {
            Ok(_) if self.conn.refused => Err(crate::runner::refused().into()),
            other => other,
        };
        let end = if outcome.is_ok() {
            "RELEASE SAVEPOINT part"
        } else {
            "ROLLBACK TO SAVEPOINT part; RELEASE SAVEPOINT part"
        };
        self.savepoint(end).await?;
        self.conn.refused = before;
        Ok(outcome)
    }

    async fn savepoint(&mut self, text: &str) -> Result<()> {
        let done = match &mut self.conn.link {
            Link::Sqlite(link) => run_sqlite(link.connection(), text).await,
            Link::Postgres(link) => run_postgres(link, text).await,
        };
        // Without its savepoints the transaction cannot be trusted.
        self.conn.refused |= done.is_err();
        done
    }

    /// Lets the statements from here on wait at most so many seconds for another transaction's lock; then they fail with
    /// [`Error::Busy`]. (On SQLite nobody waits inside a transaction.)
    pub async fn wait_at_most(&mut self, seconds: u8) -> Result<()> {
        if let Link::Postgres(link) = &mut self.conn.link {
            run_postgres(link, &format!("SET LOCAL lock_timeout = '{seconds}s'")).await?;
        }
        Ok(())
    }

    /// Lets nobody else who asks for one of these go on before this transaction ends: what is to be read and then relied on
    /// is named by an id, whether or not it has a row. All at once and in one order, so that two who ask for the same ones
    /// never wait for each other. (On SQLite the single writer is lock enough.)
    pub async fn hold(&mut self, ids: impl IntoIterator<Item = uuid::Uuid>) -> Result<()> {
        if let Link::Sqlite(_) = &self.conn.link {
            return Ok(());
        }
        // A UUIDv7 is random in its second half; two ids with the same half only wait for nothing.
        let keys: BTreeSet<i64> = ids.into_iter().map(|id| id.as_u64_pair().1.cast_signed()).collect();
        if keys.is_empty() {
            return Ok(());
        }
        let held: Vec<i64> = sql("SELECT count(pg_advisory_xact_lock(k)) AS n FROM unnest(ARRAY[{}]::bigint[]) AS k")
            .bind_list(keys)
            .all(self)
            .await?;
        debug_assert_eq!(held.len(), 1);
        Ok(())
    }

    /// A SELECT that also keeps its rows from being changed by others until the commit (`FOR UPDATE`; on SQLite the
    /// single writer is lock enough).
    pub fn lock_row(&self, text: &'static str) -> Sql {
        match &self.conn.link {
            Link::Sqlite(_) => sql(text),
            Link::Postgres(_) => sql(format!("{text} FOR UPDATE")),
        }
    }

    /// A SELECT whose rows nobody changes before the commit, though others may keep them, too (`FOR SHARE`).
    pub fn keep_row(&self, text: &'static str) -> Sql {
        match &self.conn.link {
            Link::Sqlite(_) => sql(text),
            Link::Postgres(_) => sql(format!("{text} FOR SHARE")),
        }
    }

    /// [`Tx::lock_row`] for a queue: rows that others have locked are passed over (`SKIP LOCKED`), so that nobody waits for a
    /// piece of work that somebody else is just taking.
    pub fn take_row(&self, text: &'static str) -> Sql {
        match &self.conn.link {
            Link::Sqlite(_) => sql(text),
            Link::Postgres(_) => sql(format!("{text} FOR UPDATE SKIP LOCKED")),
        }
    }
}

/// The text of a statement, without a copy where it is the program's own.
fn sql_str(text: Cow<'static, str>) -> SqlStr {
    match text {
        Cow::Borrowed(text) => SqlStr::from_static(text),
        Cow::Owned(text) => AssertSqlSafe(text).into_sql_str(),
    }
}

fn sqlite_arguments(values: Vec<Value>) -> Result<SqliteArguments> {
    let mut arguments = SqliteArguments::default();
    for value in values {
        let added = match value {
            Value::Uuid(v) => arguments.add(v),
            Value::Text(v) => arguments.add(v.map(Cow::into_owned)),
            Value::Int(v) => arguments.add(v),
            Value::Bool(v) => arguments.add(v),
            Value::Time(v) => arguments.add(v.map(|at| at.as_microsecond())),
            Value::Bytes(v) => arguments.add(v),
        };
        added.map_err(|e| Error::from(sqlx::Error::Encode(e)))?;
    }
    Ok(arguments)
}

fn postgres_arguments(values: Vec<Value>) -> Result<PgArguments> {
    let mut arguments = PgArguments::default();
    for value in values {
        let added = match value {
            Value::Uuid(v) => arguments.add(v),
            Value::Text(v) => arguments.add(v.map(Cow::into_owned)),
            Value::Int(v) => arguments.add(v),
            Value::Bool(v) => arguments.add(v),
            Value::Time(v) => {
                arguments.add(v.and_then(|at| chrono::DateTime::from_timestamp_micros(at.as_microsecond())))
            }
            Value::Bytes(v) => arguments.add(v),
        };
        added.map_err(|e| Error::from(sqlx::Error::Encode(e)))?;
    }
    Ok(arguments)
}

/// Runs statements that take no values and give nothing: settings, DDL.
pub(crate) async fn run_sqlite(connection: &mut SqliteConnection, text: &str) -> Result<()> {
    sqlx::raw_sql(AssertSqlSafe(text.to_owned())).execute(connection).await?;
    Ok(())
}

/// The same on PostgreSQL.
pub(crate) async fn run_postgres(connection: &mut PgConnection, text: &str) -> Result<()> {
    sqlx::raw_sql(AssertSqlSafe(text.to_owned())).execute(connection).await?;
    Ok(())
}
