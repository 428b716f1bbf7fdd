use std::panic::AssertUnwindSafe;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use kalends_kernel::Secret;
use tokio::sync::watch;

use crate::bell::Bell;
use crate::conn::Link;
use crate::postgres::PostgresDb;
use crate::sqlite::{SqliteDb, block_on};
use crate::{Conn, Error, Migrated, Reader, Result, Tx, migrations};

/// A transaction that runs longer than this is ended: nothing of ours takes a second.
pub(crate) const TRANSACTION_TIMEOUT: Duration = Duration::from_secs(30);
/// The number of times that a command runs again after it lost against another transaction.
const TRIES: u32 = 19;

/// The kind of a database.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Engine {
    /// One file beside the program.
    Sqlite,
    /// A PostgreSQL server, shared by several nodes.
    Postgres,
}

/// The place of the database and the number of connections to it.
#[derive(Clone, Debug)]
pub enum Options {
    /// A file, which is made when it is not there.
    Sqlite {
        /// The file.
        path: PathBuf,
        /// The number of readers.
        readers: u32,
    },
    /// A server.
    Postgres {
        /// `postgres://user:password@host:port/database`; `sslmode` and `sslrootcert` as libpq has them.
        url: Secret,
        /// The number of connections: half of them for writes, the others for reads.
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
    bell: Bell,
}

#[derive(Clone)]
pub(crate) enum Inner {
    Sqlite(SqliteDb),
    Postgres(Arc<PostgresDb>),
}

impl Db {
    /// Opens the database and refuses settings under which an acknowledged write could be lost.
    pub async fn open(options: &Options) -> Result<Db> {
        let bell = Bell::new();
        let inner = match options {
            Options::Sqlite { path, readers } => Inner::Sqlite(SqliteDb::open(path, *readers, bell.clone()).await?),
            Options::Postgres { url, connections } => {
                Inner::Postgres(Arc::new(Box::pin(PostgresDb::open(url, *connections, bell.clone())).await?))
            }
        };
        Ok(Db { inner, bell })
    }

    /// Brings the schema up to this program's version, under a lock, and returns what it did.
    pub async fn migrate(&self) -> Result<Migrated> {
        match &self.inner {
            Inner::Sqlite(db) => migrations::migrate_sqlite(db),
            Inner::Postgres(db) => migrations::migrate_postgres(db).await,
        }
    }

    /// Returns which database this is.
    pub fn engine(&self) -> Engine {
        match &self.inner {
            Inner::Sqlite(_) => Engine::Sqlite,
            Inner::Postgres(_) => Engine::Postgres,
        }
    }

    /// Returns a connection for reads by key, outside any transaction. On SQLite its statements run on the caller's thread,
    /// each for 5 seconds at most; what may take longer belongs into [`Db::read`].
    pub async fn reader(&self) -> Result<Reader> {
        let link = match &self.inner {
            Inner::Sqlite(db) => Link::SqliteReader(db.readers().lend().await?),
            Inner::Postgres(db) => Link::Postgres(Box::new(db.reader().await?)),
        };
        Ok(Reader { conn: Conn::over(link) })
    }

    /// Runs a read that may take long: a list, a search, an export. On SQLite it runs whole on a thread of its own, so that
    /// it keeps no request waiting. It ends after 30 seconds with [`Error::Busy`].
    pub async fn read<A, T, E, F>(&self, args: A, query: F) -> Result<T, E>
    where
        A: Send + Sync + 'static,
        T: Send + 'static,
        E: From<Error> + Send + 'static,
        F: for<'a> FnOnce(&'a mut Conn, &'a A) -> BoxFuture<'a, Result<T, E>> + Send + 'static,
    {
        let too_long = || Err(Error::Busy("the read took too long".to_owned()).into());
        match &self.inner {
            Inner::Sqlite(db) => {
                let mut conn = Conn::over(Link::SqliteReader(db.readers().lend_long().await?));
                let work = move || block_on(query(&mut conn, &args), TRANSACTION_TIMEOUT);
                match tokio::task::spawn_blocking(work).await {
                    Ok(outcome) => outcome.unwrap_or_else(too_long),
                    Err(panicked) => Err(fault(panicked).into()),
                }
            }
            Inner::Postgres(db) => {
                let mut conn = Conn::over(Link::Postgres(Box::new(db.reader().await?)));
                let work = tokio::time::timeout(TRANSACTION_TIMEOUT, query(&mut conn, &args));
                work.await.unwrap_or_else(|_| too_long())
            }
        }
    }

    /// Returns the number of commits of this process. When the number is the same before and after something was read, this
    /// process has not changed what was read; it is raised before a command's caller hears of the commit. Commits of other
    /// processes do not count.
    pub fn commits(&self) -> u64 {
        self.bell.commits()
    }

    /// Returns a signal that changes at every commit of this process and, on PostgreSQL, soon after every commit of another
    /// one. It may also change for nothing, so look at the database when it does. Two commits may make one change. While the
    /// server cannot be heard, it changes every second.
    pub fn bell(&self) -> watch::Receiver<u64> {
        if let Inner::Postgres(db) = &self.inner {
            db.listener().start();
        }
        self.bell.listen()
    }

    /// Runs a command as one transaction and returns its outcome once that is on the disk. An error rolls everything
    /// back. When the transaction lost against another one, the command runs again, so it may only touch the database.
    ///
    /// The work goes on to its end even if the caller stops waiting. On SQLite it runs on the writer's thread, where it keeps
    /// all other commands waiting: it awaits nothing but its [`Tx`].
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
                let (db, bell) = (db.clone(), self.bell.clone());
                tokio::spawn(async move {
                    let outcome = write_postgres(&db, &args, &command).await;
                    bell.committed();
                    db.listener().committed();
                    outcome
                })
            }
        };
        task.await.unwrap_or_else(|panicked| Err(fault(panicked).into()))
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
pub(crate) fn fault(reason: impl std::fmt::Display) -> Error {
    Error::other(format_args!("the command did not end: {reason}"))
}

/// A command that went on after the database had refused one of its statements: a fault of ours.
pub(crate) fn refused() -> Error {
    fault("a statement was refused and the command went on")
}

async fn write_postgres<A, T, E, F>(db: &PostgresDb, args: &A, command: &F) -> Result<T, E>
where
    E: From<Error>,
    F: for<'a> Fn(&'a mut Tx, &'a A) -> BoxFuture<'a, Result<T, E>>,
{
    // After a restart of the server every session of the pool may be dead; one more than those is fresh.
    let mut dead = db.writers();
    let mut attempt = 0;
    loop {
        match try_postgres(db, args, command).await {
            Attempt::Done(outcome) => return outcome,
            Attempt::Disconnected if dead > 0 => {
                tracing::debug!("a pooled session was dead");
                dead -= 1;
            }
            Attempt::Disconnected => {
                return Err(Error::Busy("the server closed the connection".to_owned()).into());
            }
            // The winner is committed by now or soon; a little patience lets a crowd thin out.
            Attempt::Lost if attempt < TRIES => {
                pause(attempt).await;
                attempt += 1;
            }
            Attempt::Lost => {
                return Err(Error::Busy("the same rows are being changed by many at once".to_owned()).into());
            }
        }
    }
}

enum Attempt<R> {
    Done(R),
    /// Another transaction won.
    Lost,
    /// The session ended before COMMIT was sent, so nothing was written.
    Disconnected,
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
    let mut tx = Tx { conn: Conn::over(Link::Postgres(Box::new(link))) };
    let run = async {
        let outcome = command(&mut tx, args).await?;
        tx.finish().await?;
        Ok(outcome)
    };
    let work = AssertUnwindSafe(tokio::time::timeout(TRANSACTION_TIMEOUT, run)).catch_unwind().await;
    // Neither a panic nor a timeout leaves a session that can be trusted: dropping the link ends it.
    let outcome = match work {
        Ok(Ok(outcome)) => outcome,
        Ok(Err(_)) => return Attempt::Done(Err(Error::Busy("the transaction took too long".to_owned()).into())),
        Err(_) => return Attempt::Done(Err(fault("panic").into())),
    };
    let (stale, refused_one) = (tx.conn.stale, tx.conn.refused);
    let Link::Postgres(mut link) = tx.conn.link else { return Attempt::Done(outcome) };
    if refused_one && link.is_closed() {
        return Attempt::Disconnected;
    }
    match outcome {
        Ok(value) if !stale && !refused_one => match link.commit().await {
            Ok(()) => Attempt::Done(Ok(value)),
            Err(Error::Stale) => Attempt::Lost,
            Err(error) => Attempt::Done(Err(error.into())),
        },
        other => {
            link.roll_back().await;
            match other {
                _ if stale => Attempt::Lost,
                Ok(_) => Attempt::Done(Err(refused().into())),
                Err(error) => Attempt::Done(Err(error)),
            }
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "waits for other transactions, not for the clock")]
pub(crate) async fn pause(attempt: u32) {
    let millis = 1_u64 << attempt.min(6);
    tokio::time::sleep(Duration::from_millis(millis)).await;
}
