//! SQLite: one writer that commits waiting commands together, several readers.

use std::panic::AssertUnwindSafe;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};
use sqlx::{ConnectOptions, Connection};
use tokio::sync::{Mutex, mpsc, oneshot};

use crate::conn::{Link, SqliteLink, run_sqlite};
use crate::runner::{TRANSACTION_TIMEOUT, fault, refused};
use crate::{Conn, Error, Result, Tx};

/// How many commands share one commit at most: one sync of the disk answers all of them.
const BATCH: usize = 64;
/// How many commands may wait for the writer; more are told to come back.
const QUEUE: usize = 1_024;

#[derive(Clone)]
pub(crate) struct SqliteDb {
    readers: SqlitePool,
    writer: mpsc::Sender<Box<dyn Job>>,
    ended: Arc<Mutex<Option<tokio::task::JoinHandle<()>>>>,
    stop: Arc<tokio::sync::Notify>,
    /// Shared: a `Db` is cloned several times for every request.
    pub(crate) options: Arc<SqliteConnectOptions>,
}

impl SqliteDb {
    pub(crate) async fn open(path: &Path, readers: u32, commits: Arc<AtomicU64>) -> Result<SqliteDb> {
        let unreadable = |e: sqlx::Error| Error::Setup(format!("cannot open the database {}: {e}", path.display()));
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(Duration::from_secs(10))
            .foreign_keys(true)
            // What SQLite has built for a statement is worth keeping: the same few hundred come again and again.
            .statement_cache_capacity(500)
            .pragma("cache_size", "-16000")
            .pragma("wal_autocheckpoint", "1000")
            .pragma("journal_size_limit", "67108864");
        // Every command runs in a savepoint; what it needs to be taken back need not go through a file.
        let writer = options.clone().pragma("temp_store", "MEMORY").connect().await.map_err(unreadable)?;
        let readers = SqlitePoolOptions::new()
            .max_connections(readers)
            .min_connections(1)
            .test_before_acquire(false)
            .acquire_timeout(Duration::from_secs(10))
            .connect_with(options.clone().read_only(true).create_if_missing(false))
            .await
            .map_err(unreadable)?;
        let (sender, queue) = mpsc::channel(QUEUE);
        let stop = Arc::new(tokio::sync::Notify::new());
        let task = tokio::spawn(run_writer(writer, queue, stop.clone(), commits));
        Ok(SqliteDb {
            readers,
            writer: sender,
            ended: Arc::new(Mutex::new(Some(task))),
            stop,
            options: Arc::new(options),
        })
    }

    pub(crate) async fn reader(&self) -> Result<Link> {
        let connection = match self.readers.try_acquire() {
            Some(connection) => connection,
            None => Box::pin(self.readers.acquire()).await?,
        };
        Ok(Link::Sqlite(SqliteLink::Reader(connection)))
    }

    pub(crate) async fn write<A, T, E, F>(&self, args: A, command: F) -> Result<T, E>
    where
        A: Send + Sync + 'static,
        T: Send + 'static,
        E: From<Error> + Send + 'static,
        F: for<'a> Fn(&'a mut Tx, &'a A) -> BoxFuture<'a, Result<T, E>> + Send + Sync + 'static,
    {
        let (answer, outcome) = oneshot::channel();
        let job = Command { args, command, outcome: None, answer };
        let full = |_| Error::Busy("too many writes are waiting".to_owned());
        self.writer.try_send(Box::new(job)).map_err(full)?;
        outcome.await.unwrap_or_else(|_| Err(fault(&"the writer has stopped").into()))
    }

    pub(crate) async fn close(&self) {
        self.stop.notify_one();
        if let Some(task) = self.ended.lock().await.take() {
            task.await.ok();
        }
        self.readers.close().await;
    }
}

/// A command in the writer's queue, with its types hidden.
trait Job: Send {
    /// Runs it; true when its savepoint may be kept.
    fn run<'a>(&'a mut self, tx: &'a mut Tx) -> BoxFuture<'a, bool>;
    /// Tells the caller, now that the commit is on the disk or has failed.
    fn answer(self: Box<Self>, committed: Result<()>);
}

struct Command<A, T, E, F> {
    args: A,
    command: F,
    outcome: Option<Result<T, E>>,
    answer: oneshot::Sender<Result<T, E>>,
}

impl<A, T, E, F> Job for Command<A, T, E, F>
where
    A: Send + Sync,
    T: Send,
    E: From<Error> + Send,
    F: for<'a> Fn(&'a mut Tx, &'a A) -> BoxFuture<'a, Result<T, E>> + Send + Sync,
{
    fn run<'a>(&'a mut self, tx: &'a mut Tx) -> BoxFuture<'a, bool> {
        Box::pin(async move {
            // `stale` cannot be another writer's doing here; one more run sees the newest state all the same.
            for _ in 0..2 {
                (tx.conn.stale, tx.conn.refused) = (false, false);
                let work = AssertUnwindSafe(tokio::time::timeout(TRANSACTION_TIMEOUT, (self.command)(tx, &self.args)))
                    .catch_unwind()
                    .await;
                self.outcome = Some(match work {
                    Ok(Ok(Ok(_))) if tx.conn.refused && !tx.conn.stale => Err(refused().into()),
                    Ok(Ok(outcome)) => outcome,
                    Ok(Err(_)) => Err(Error::Busy("the transaction took too long".to_owned()).into()),
                    Err(_) => Err(fault(&"panic").into()),
                });
                if !tx.conn.stale {
                    break;
                }
                // What the failed run wrote must not be there for the next one.
                run(tx, "ROLLBACK TO command").await.ok();
            }
            if tx.conn.stale {
                self.outcome =
                    Some(Err(Error::Busy("the same rows are being changed by many at once".to_owned()).into()));
            }
            matches!(self.outcome, Some(Ok(_)))
        })
    }

    fn answer(self: Box<Self>, committed: Result<()>) {
        let outcome = match (self.outcome, committed) {
            (Some(Ok(value)), Ok(())) => Ok(value),
            (Some(Ok(_)) | None, Err(error)) => Err(error.into()),
            (Some(Err(error)), _) => Err(error),
            (None, Ok(())) => Err(fault(&"it was not run").into()),
        };
        self.answer.send(outcome).ok();
    }
}

async fn run_writer(
    connection: SqliteConnection,
    mut queue: mpsc::Receiver<Box<dyn Job>>,
    stop: Arc<tokio::sync::Notify>,
    commits: Arc<AtomicU64>,
) {
    let mut tx = Tx { conn: Conn::over(Link::Sqlite(SqliteLink::Writer(Box::new(connection)))) };
    loop {
        let first = tokio::select! {
            biased;
            job = queue.recv() => job,
            () = stop.notified() => {
                queue.close();
                queue.recv().await
            }
        };
        let Some(first) = first else { break };
        let mut jobs = vec![first];
        while jobs.len() < BATCH {
            let Ok(job) = queue.try_recv() else { break };
            jobs.push(job);
        }
        let committed = commit_together(&mut tx, &mut jobs).await;
        if let Err(error) = &committed {
            tracing::error!(%error, commands = jobs.len(), "a commit failed");
        }
        commits.fetch_add(1, Ordering::SeqCst);
        for job in jobs {
            job.answer(committed.clone());
        }
    }
    if let Link::Sqlite(SqliteLink::Writer(connection)) = tx.conn.link {
        connection.close().await.ok();
    }
}

/// One `BEGIN IMMEDIATE`, each command in a savepoint of its own, one commit. A command that fails takes back only its
/// own writes.
async fn commit_together(tx: &mut Tx, jobs: &mut [Box<dyn Job>]) -> Result<()> {
    run(tx, "BEGIN IMMEDIATE").await?;
    let mut kept = false;
    for job in jobs {
        if let Err(error) = run(tx, "SAVEPOINT command").await {
            run(tx, "ROLLBACK").await.ok();
            return Err(error);
        }
        let keep = job.run(tx).await;
        kept |= keep;
        let end = if keep { "RELEASE command" } else { "ROLLBACK TO command; RELEASE command" };
        if let Err(error) = run(tx, end).await {
            // SQLite itself rolls everything back on a full disk or an I/O error.
            run(tx, "ROLLBACK").await.ok();
            return Err(error);
        }
    }
    let end = run(tx, if kept { "COMMIT" } else { "ROLLBACK" }).await;
    if end.is_err() {
        run(tx, "ROLLBACK").await.ok();
    }
    end
}

async fn run(tx: &mut Tx, text: &str) -> Result<()> {
    match &mut tx.conn.link {
        Link::Sqlite(link) => run_sqlite(link.connection(), text).await,
        Link::Postgres(_) => Ok(()),
    }
}
