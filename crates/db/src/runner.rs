use std::panic::AssertUnwindSafe;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use kalends_kernel::Secret;

use crate::postgres::PostgresDb;
use crate::sqlite::SqliteDb;
use crate::{Conn, Error, Migrated, Reader, Result, Tx, migrations};

/// A transaction that runs longer than this is ended: nothing of ours takes a second.
pub(crate) const TRANSACTION_TIMEOUT: Duration = Duration::from_secs(30);
/// How often a command is run again after it lost against another transaction.
const TRIES: u32 = 20;

/// Which database this is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Engine {
    /// One file beside the program.
    Sqlite,
    /// A PostgreSQL server, shared by several nodes.
    Postgres,
}

/// Where the database is and how many connections may be open to it.
#[derive(Clone, Debug)]
pub enum Options {
    /// A file; made when it is not there.
    Sqlite {
        /// The file.
        path: PathBuf,
        /// How many readers.
        readers: u32,
    },
    /// A server.
    Postgres {
        /// `postgres://user:password@host:port/database`.
        url: Secret,
        /// How many connections.
        connections: u32,
    },
}

impl Options {
    /// Reads `sqlite:PATH` or `postgres://…`.
    pub fn parse(url: &str) -> Result<Options> {
        if let Some(path) = url.strip_prefix("sqlite:") {
            let path = path.strip_prefix("//").unwrap_or(path);
            if path.is_empty() || path.starts_with(":memory:") {
                return Err(Error::Setup(
                    "sqlite: wants the path of a file (a database in memory would be gone with the program)".to_owned(),
                ));
            }
            return Ok(Options::Sqlite { path: path.into(), readers: 8 });
        }
        if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            return Ok(Options::Postgres { url: Secret::new(url), connections: 16 });
        }
        Err(Error::Setup("the database URL must begin with sqlite: or postgres://".to_owned()))
    }
}

/// The open database. Cheap to clone.
#[derive(Clone)]
pub struct Db {
    pub(crate) inner: Inner,
    commits: Arc<AtomicU64>,
}

#[derive(Clone)]
pub(crate) enum Inner {
    Sqlite(SqliteDb),
    Postgres(PostgresDb),
}

impl Db {
    /// Opens it and refuses settings under which an acknowledged write could be lost.
    pub async fn open(options: &Options) -> Result<Db> {
        let commits = Arc::<AtomicU64>::default();
        let inner = match options {
            Options::Sqlite { path, readers } => Inner::Sqlite(SqliteDb::open(path, *readers, commits.clone()).await?),
            Options::Postgres { url, connections } => Inner::Postgres(PostgresDb::open(url, *connections).await?),
        };
        Ok(Db { inner, commits })
    }

    /// Brings the schema up to this program's version, under a lock, and says what it did.
    pub async fn migrate(&self) -> Result<Migrated> {
        match &self.inner {
            Inner::Sqlite(db) => migrations::migrate_sqlite(db).await,
            Inner::Postgres(db) => migrations::migrate_postgres(db).await,
        }
    }

    /// Which database this is.
    pub fn engine(&self) -> Engine {
        match &self.inner {
            Inner::Sqlite(_) => Engine::Sqlite,
            Inner::Postgres(_) => Engine::Postgres,
        }
    }

    /// A connection to read with, outside any transaction.
    pub async fn reader(&self) -> Result<Reader> {
        let link = match &self.inner {
            Inner::Sqlite(db) => db.reader().await?,
            // What opens a connection is large; without a box everything that may read would carry it along.
            Inner::Postgres(db) => Box::pin(db.connection()).await?,
        };
        Ok(Reader { conn: Conn::over(link) })
    }

    /// Counts the commits of this process. Whoever takes the number, reads, and finds the number unchanged later, knows that
    /// this process has not changed what was read; it is raised before the command's caller hears of the commit. What other
    /// processes write does not count here.
    pub fn commits(&self) -> u64 {
        self.commits.load(Ordering::SeqCst)
    }

    /// Runs a command as one transaction and gives its outcome once that is on the disk. An error rolls everything
    /// back. When the transaction lost against another one, the command runs again, so it may only touch the database.
    ///
    /// The work goes on to its end in a task of its own even if the caller stops waiting.
    pub async fn write<A, T, E, F>(&self, args: A, command: F) -> Result<T, E>
    where
        A: Send + Sync + 'static,
        T: Send + 'static,
        E: From<Error> + Send + 'static,
        F: for<'a> Fn(&'a mut Tx, &'a A) -> BoxFuture<'a, Result<T, E>> + Send + Sync + 'static,
    {
        let task = match &self.inner {
            Inner::Sqlite(db) => return db.write(args, command).await,
            Inner::Postgres(db) => {
                let (db, commits) = (db.clone(), self.commits.clone());
                tokio::spawn(async move {
                    let outcome = write_postgres(&db, &args, &command).await;
                    commits.fetch_add(1, Ordering::SeqCst);
                    outcome
                })
            }
        };
        task.await.unwrap_or_else(|panicked| Err(fault(&panicked).into()))
    }

    /// Ends every connection, after the commands that already run.
    pub async fn close(&self) {
        match &self.inner {
            Inner::Sqlite(db) => db.close().await,
            Inner::Postgres(db) => db.close().await,
        }
    }
}

/// A command that panicked is a fault of ours: logged by the panic hook, a failure for its caller alone.
pub(crate) fn fault(what: &dyn std::fmt::Display) -> Error {
    Error::Other(Arc::new(sqlx::Error::Protocol(format!("the command did not end: {what}"))))
}

/// A command that went on after the database had refused a statement of it: a fault of ours.
pub(crate) fn refused() -> Error {
    fault(&"a statement was refused and the command went on")
}

async fn write_postgres<A, T, E, F>(db: &PostgresDb, args: &A, command: &F) -> Result<T, E>
where
    E: From<Error>,
    F: for<'a> Fn(&'a mut Tx, &'a A) -> BoxFuture<'a, Result<T, E>>,
{
    for attempt in 0..TRIES {
        match try_postgres(db, args, command).await {
            Attempt::Done(outcome) => return outcome,
            // Whoever won is committed by now or soon; a little patience lets a crowd thin out.
            Attempt::Again => pause(attempt).await,
        }
    }
    Err(Error::Busy("the same rows are being changed by many at once".to_owned()).into())
}

enum Attempt<R> {
    Done(R),
    Again,
}

async fn try_postgres<A, T, E, F>(db: &PostgresDb, args: &A, command: &F) -> Attempt<Result<T, E>>
where
    E: From<Error>,
    F: for<'a> Fn(&'a mut Tx, &'a A) -> BoxFuture<'a, Result<T, E>>,
{
    let link = match db.begin().await {
        Ok(link) => link,
        Err(error) => return Attempt::Done(Err(error.into())),
    };
    let mut tx = Tx { conn: Conn::over(link) };
    let work = AssertUnwindSafe(tokio::time::timeout(TRANSACTION_TIMEOUT, command(&mut tx, args))).catch_unwind().await;
    let outcome = match work {
        Ok(Ok(outcome)) => outcome,
        // Neither a panic nor a timeout leaves a connection that can be trusted.
        Ok(Err(_)) => {
            PostgresDb::discard(tx.conn.link).await;
            return Attempt::Done(Err(Error::Busy("the transaction took too long".to_owned()).into()));
        }
        Err(_) => {
            PostgresDb::discard(tx.conn.link).await;
            return Attempt::Done(Err(fault(&"panic").into()));
        }
    };
    let stale = tx.conn.stale;
    let outcome = if tx.conn.refused && !stale { outcome.and_then(|_| Err(refused().into())) } else { outcome };
    match outcome {
        Ok(value) if !stale => match PostgresDb::commit(tx.conn.link).await {
            Ok(()) => Attempt::Done(Ok(value)),
            Err(Error::Stale) => Attempt::Again,
            Err(error) => Attempt::Done(Err(error.into())),
        },
        other => {
            PostgresDb::roll_back(tx.conn.link).await;
            match other {
                Err(error) if !stale => Attempt::Done(Err(error)),
                _ => Attempt::Again,
            }
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "waits for other transactions, not for the clock")]
pub(crate) async fn pause(attempt: u32) {
    let millis = 1_u64 << attempt.min(6);
    tokio::time::sleep(Duration::from_millis(millis)).await;
}
