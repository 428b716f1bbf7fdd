use std::collections::BTreeSet;
use std::ops::{Deref, DerefMut};

use crate::append::{Appended, Group};
use crate::postgres::PostgresLink;
use crate::sqlite::{Connection, Lease};
use crate::statement::in_rows;
use crate::{Error, Result, Row, Sql, Value, sql};

/// A connection that can read: a [`Reader`], or the inside of a [`Tx`].
pub struct Conn {
    pub(crate) link: Link,
    /// A statement failed because another transaction won, or the command said so; the runner starts again.
    pub(crate) stale: bool,
    /// A statement was refused. PostgreSQL answers COMMIT with a silent rollback from then on, so such a transaction may
    /// not be called done, on either engine.
    pub(crate) refused: bool,
    /// Rows that are still to be written (see [`append`]).
    pub(crate) appended: Appended,
}

/// The connection underneath.
pub(crate) enum Link {
    /// A connection of its own: the one writer, a restore.
    SqliteOwned(Box<Connection>),
    /// A reader of the pool.
    SqliteReader(Lease),
    Postgres(Box<PostgresLink>),
}

impl Link {
    /// Returns the connection when it is one to SQLite.
    pub(crate) fn sqlite(&self) -> Option<&Connection> {
        match self {
            Link::SqliteOwned(connection) => Some(connection),
            Link::SqliteReader(lease) => Some(lease),
            Link::Postgres(_) => None,
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
        Conn { link, stale: false, refused: false, appended: Appended::default() }
    }

    /// Runs a query and reads at most `at_most` rows.
    pub(crate) async fn fetch<T>(
        &mut self,
        statement: Sql,
        at_most: usize,
        read: fn(&Row<'_>) -> Result<T>,
    ) -> Result<Vec<T>> {
        self.write_appended(&statement.text).await?;
        let rows = match &mut self.link {
            Link::SqliteOwned(connection) => connection.query(&statement, at_most, read),
            Link::SqliteReader(lease) => {
                lease.restart_limit();
                lease.query(&statement, at_most, read)
            }
            Link::Postgres(link) => match link.query(statement).await {
                Ok(rows) => rows.iter().take(at_most).map(|row| read(&Row::postgres(row))).collect(),
                Err(error) => Err(error),
            },
        };
        rows.map_err(|error| self.note(error))
    }

    /// Remembers the consequence of a failed statement for its transaction. A SELECT that locks can lose as an UPDATE does.
    fn note(&mut self, error: Error) -> Error {
        // A value of an unexpected type is found after the statement succeeded.
        self.refused |= !matches!(error, Error::Decode { .. });
        self.stale |= error.is_worth_a_retry();
        error
    }

    /// Returns the position below which the change log is complete: rows of transactions at or above it may still be
    /// missing, because they commit later. Ask for it BEFORE reading rows, and read only `tx < horizon`.
    ///
    /// On PostgreSQL it is the oldest transaction that is still running anywhere in the cluster. On SQLite the single
    /// writer makes every visible row final.
    pub async fn log_horizon(&mut self) -> Result<i64> {
        match &self.link {
            Link::Postgres(_) => {
                sql("SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint AS n").one(self).await
            }
            _ => Ok(i64::MAX),
        }
    }

    /// Returns the text column of a SELECT from which [`unfinished`] reads the transactions that are missing from its rows
    /// although they began before others that are there.
    pub fn snapshot_column(&self) -> &'static str {
        match &self.link {
            Link::Postgres(_) => "pg_current_snapshot()::text",
            // The single writer leaves none behind.
            _ => "''",
        }
    }

    /// Returns the condition that a row of a log lies behind a position, whose `tx` and `seq` are bound as `$first` and the
    /// next number.
    ///
    /// SQLite finds no place in an index by the pair, because `seq` is its row number; but `tx` is always the same there.
    pub fn behind(&self, first: usize) -> String {
        self.compared(first, ">")
    }

    /// Returns the condition that a row of a log is at a position or before it.
    pub fn up_to(&self, first: usize) -> String {
        self.compared(first, "<=")
    }

    fn compared(&self, first: usize, how: &str) -> String {
        let next = first + 1;
        match &self.link {
            Link::Postgres(_) => format!("(tx, seq) {how} (${first}, ${next})"),
            _ => format!("tx = ${first} AND seq {how} ${next}"),
        }
    }
}

/// Returns the transactions below `tx` that were still running in a snapshot (`xmin:xmax:xip,xip…`), ascending. Rows of the
/// change log up to `tx` are complete but for theirs: position and this list together name what a reader has seen.
pub fn unfinished(snapshot: &str, tx: i64) -> Vec<i64> {
    let running = snapshot.rsplit(':').next().unwrap_or_default().split(',');
    running.filter_map(|number| number.parse().ok()).filter(|number| *number < tx).collect()
}

impl Conn {
    /// Sends a statement without waiting for its result on PostgreSQL; SQLite runs it at once.
    async fn send(&mut self, statement: Sql) -> Result<()> {
        let sent = match &mut self.link {
            Link::SqliteOwned(connection) => connection.execute(&statement).map(|_| ()),
            Link::SqliteReader(lease) => lease.execute(&statement).map(|_| ()),
            Link::Postgres(link) => link.send(statement).await,
        };
        sent.map_err(|error| self.note(error))
    }

    /// Writes the appended rows that a statement may ask for or depend on.
    async fn write_appended(&mut self, before: &str) -> Result<()> {
        while let Some(group) = self.appended.next_before(before) {
            self.write_group(group).await?;
        }
        Ok(())
    }

    async fn write_group(&mut self, group: Group) -> Result<()> {
        for statement in in_rows(group.text, group.width, group.values) {
            self.send(statement).await?;
        }
        Ok(())
    }
}

impl Tx {
    pub(crate) async fn execute(&mut self, statement: Sql) -> Result<u64> {
        self.conn.write_appended(&statement.text).await?;
        let changed = match &mut self.conn.link {
            Link::SqliteOwned(connection) => connection.execute(&statement),
            Link::SqliteReader(lease) => lease.execute(&statement),
            Link::Postgres(link) => link.execute(statement).await,
        };
        changed.map_err(|error| self.conn.note(error))
    }

    pub(crate) async fn send(&mut self, statement: Sql) -> Result<()> {
        self.conn.write_appended(&statement.text).await?;
        self.conn.send(statement).await
    }

    /// Keeps a row until the commit, or until a statement needs its table.
    pub(crate) async fn append(&mut self, text: &'static str, row: Vec<Value>) -> Result<()> {
        match self.conn.appended.push(text, row) {
            Some(full) => self.conn.write_group(full).await,
            None => Ok(()),
        }
    }

    /// Writes all appended rows.
    pub(crate) async fn finish(&mut self) -> Result<()> {
        while let Some(group) = self.conn.appended.next() {
            self.conn.write_group(group).await?;
        }
        Ok(())
    }

    /// Marks what this transaction read as outdated: the runner rolls it back and runs the command again.
    pub fn stale(&mut self) -> Error {
        self.conn.stale = true;
        Error::Stale
    }

    /// Runs a part of the command in a savepoint of its own: when it fails, nothing of it is left and the command can go
    /// on. When another transaction won, the whole command starts again instead.
    pub async fn attempt<T, E: From<Error>>(
        &mut self,
        part: impl AsyncFnOnce(&mut Tx) -> Result<T, E>,
    ) -> Result<Result<T, E>> {
        self.finish().await?;
        self.control("SAVEPOINT part").await?;
        let before = std::mem::replace(&mut self.conn.refused, false);
        let outcome = part(self).await;
        // A statement that was sent without waiting belongs to this part.
        let outcome = match (outcome, self.settle().await) {
            (Ok(_), Err(error)) => Err(error.into()),
            (outcome, _) => outcome,
        };
        if outcome.is_err() {
            self.conn.appended = Appended::default();
        }
        if self.conn.stale {
            return Err(Error::Stale);
        }
        // A part that went on after a refused statement has not done what it says.
        let outcome = match outcome {
            Ok(_) if self.conn.refused => Err(crate::runner::refused().into()),
            other => other,
        };
        if outcome.is_err() {
            self.control("ROLLBACK TO SAVEPOINT part").await?;
        }
        self.control("RELEASE SAVEPOINT part").await?;
        self.conn.refused = before;
        Ok(outcome)
    }

    /// Waits for the results of all statements that were sent without waiting, having sent what was only appended.
    pub(crate) async fn settle(&mut self) -> Result<()> {
        self.finish().await?;
        match &mut self.conn.link {
            Link::Postgres(link) => {
                let settled = link.settle().await;
                settled.map_err(|error| self.conn.note(error))
            }
            _ => Ok(()),
        }
    }

    async fn control(&mut self, text: &'static str) -> Result<()> {
        let done = match &mut self.conn.link {
            Link::SqliteOwned(connection) => connection.control(text),
            Link::SqliteReader(lease) => lease.control(text),
            Link::Postgres(link) => link.batch(text).await,
        };
        // Without its savepoints the transaction cannot be trusted.
        self.conn.refused |= done.is_err();
        done
    }

    /// Runs statements that have no values: DDL.
    pub(crate) async fn raw(&mut self, text: &str) -> Result<()> {
        self.finish().await?;
        match &mut self.conn.link {
            Link::SqliteOwned(connection) => connection.batch(text),
            Link::SqliteReader(lease) => lease.batch(text),
            Link::Postgres(link) => link.batch(text).await,
        }
    }

    /// Limits how long the statements from here on wait for another transaction's lock; then they fail with
    /// [`Error::Busy`]. (On SQLite nobody waits inside a transaction.)
    pub async fn wait_at_most(&mut self, seconds: u8) -> Result<()> {
        if let Link::Postgres(link) = &mut self.conn.link {
            link.batch(&format!("SET LOCAL lock_timeout = '{seconds}s'")).await?;
        }
        Ok(())
    }

    /// Locks these ids until the end of this transaction, against others that ask for the same: what is read and then relied
    /// on is named by an id, whether or not it has a row. All are locked at once and in one order, so that two who ask for
    /// the same ones never wait for each other. (On SQLite the single writer is lock enough.)
    pub async fn hold(&mut self, ids: impl IntoIterator<Item = uuid::Uuid>) -> Result<()> {
        if !matches!(&self.conn.link, Link::Postgres(_)) {
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

    /// Makes a SELECT that also keeps its rows from being changed by others until the commit (`FOR UPDATE`; on SQLite the
    /// single writer is lock enough).
    pub fn lock_row(&self, text: &'static str) -> Sql {
        self.locking(text, " FOR UPDATE")
    }

    /// Makes a SELECT whose rows nobody changes before the commit, though others may keep them, too (`FOR SHARE`).
    pub fn keep_row(&self, text: &'static str) -> Sql {
        self.locking(text, " FOR SHARE")
    }

    /// Makes a [`Tx::lock_row`] for a queue: rows that others have locked are passed over (`SKIP LOCKED`), so that nobody
    /// waits for a piece of work that somebody else is just taking.
    pub fn take_row(&self, text: &'static str) -> Sql {
        self.locking(text, " FOR UPDATE SKIP LOCKED")
    }

    fn locking(&self, text: &'static str, clause: &str) -> Sql {
        match &self.conn.link {
            Link::Postgres(_) => sql(format!("{text}{clause}")),
            _ => sql(text),
        }
    }
}
