//! The writer: one thread that runs whole commands, one after the other, and commits those that wait together.
//!
//! A command's statements run on this thread itself, so that a statement costs no change of threads. Its futures complete
//! at once; should a command await something else, the writer waits for it until the deadline.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Wake, Waker};
use std::time::{Duration, Instant};

use futures_util::future::BoxFuture;
use tokio::sync::{mpsc, oneshot};

use super::Connection;
use crate::append::Appended;
use crate::bell::Bell;
use crate::conn::Link;
use crate::runner::{TRANSACTION_TIMEOUT, fault, refused};
use crate::{Conn, Error, Result, Tx};

/// The number of commands that share one commit at most: one sync of the disk answers all of them.
const BATCH: usize = 64;
/// The number of commands that may wait for the writer. Further ones are refused as busy.
const QUEUE: usize = 1_024;

pub(crate) struct Writer {
    queue: mpsc::Sender<Message>,
    ended: Mutex<Option<oneshot::Receiver<()>>>,
}

enum Message {
    Run(Box<dyn Job>),
    Stop,
}

impl Writer {
    pub(crate) fn start(connection: Connection, bell: Bell) -> Result<Writer> {
        let (queue, waiting) = mpsc::channel(QUEUE);
        let (end, ended) = oneshot::channel();
        let runtime = tokio::runtime::Handle::current();
        let work = move || {
            let _runtime = runtime.enter();
            run_writer(connection, waiting, &bell);
            end.send(()).ok();
        };
        std::thread::Builder::new()
            .name("kalends-writer".to_owned())
            .spawn(work)
            .map_err(|error| Error::Setup(format!("cannot start the writer's thread: {error}")))?;
        Ok(Writer { queue, ended: Mutex::new(Some(ended)) })
    }

    pub(crate) async fn run<A, T, E, F>(&self, args: A, command: F) -> Result<T, E>
    where
        A: Send + Sync + 'static,
        T: Send + 'static,
        E: From<Error> + Send + 'static,
        F: for<'a> Fn(&'a mut Tx, &'a A) -> BoxFuture<'a, Result<T, E>> + Send + Sync + 'static,
    {
        let (answer, outcome) = oneshot::channel();
        let job = Command { args, command, outcome: None, answer };
        let full = |_| Error::Busy("too many writes are waiting".to_owned());
        self.queue.try_send(Message::Run(Box::new(job))).map_err(full)?;
        outcome.await.unwrap_or_else(|_| Err(fault("the writer has stopped").into()))
    }

    /// Lets the writer finish the commands that wait, and waits for its end.
    pub(crate) async fn stop(&self) {
        let ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(ended) = ended {
            self.queue.send(Message::Stop).await.ok();
            ended.await.ok();
        }
    }
}

/// A command in the writer's queue, with its types hidden.
trait Job: Send {
    /// Runs the command. Returns true when its savepoint may be kept.
    fn run(&mut self, tx: &mut Tx) -> bool;
    /// Tells the caller the outcome, after the commit succeeded or failed.
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
    fn run(&mut self, tx: &mut Tx) -> bool {
        // `stale` cannot be another writer's doing here; a second run sees the newest state all the same.
        for _ in 0..2 {
            (tx.conn.stale, tx.conn.refused, tx.conn.appended) = (false, false, Appended::default());
            limit(tx, Some(TRANSACTION_TIMEOUT));
            let work = || {
                let command = async {
                    let outcome = (self.command)(tx, &self.args).await?;
                    tx.finish().await?;
                    Ok(outcome)
                };
                block_on(command, TRANSACTION_TIMEOUT)
            };
            let outcome = catch_unwind(AssertUnwindSafe(work));
            limit(tx, None);
            self.outcome = Some(match outcome {
                Ok(Some(Ok(_))) if tx.conn.refused && !tx.conn.stale => Err(refused().into()),
                Ok(Some(outcome)) => outcome,
                Ok(None) => Err(Error::Busy("the transaction took too long".to_owned()).into()),
                Err(_) => Err(fault("panic").into()),
            });
            if !tx.conn.stale {
                break;
            }
            // What the failed run wrote must not be there for the next one.
            control(tx, "ROLLBACK TO command").ok();
        }
        if tx.conn.stale {
            self.outcome = Some(Err(Error::Busy("the same rows are being changed by many at once".to_owned()).into()));
        }
        matches!(self.outcome, Some(Ok(_)))
    }

    fn answer(self: Box<Self>, committed: Result<()>) {
        let outcome = match (self.outcome, committed) {
            (Some(Ok(value)), Ok(())) => Ok(value),
            (Some(Ok(_)) | None, Err(error)) => Err(error.into()),
            (Some(Err(error)), _) => Err(error),
            (None, Ok(())) => Err(fault("it was not run").into()),
        };
        self.answer.send(outcome).ok();
    }
}

fn run_writer(connection: Connection, mut queue: mpsc::Receiver<Message>, bell: &Bell) {
    let mut tx = Tx { conn: Conn::over(Link::SqliteOwned(Box::new(connection))) };
    while let Some(first) = queue.blocking_recv() {
        let mut jobs = Vec::new();
        let mut message = Some(first);
        while let Some(next) = message.take() {
            match next {
                Message::Run(job) => jobs.push(job),
                // What waits is still run; nothing new is let in.
                Message::Stop => queue.close(),
            }
            if jobs.len() < BATCH {
                message = queue.try_recv().ok();
            }
        }
        if jobs.is_empty() {
            continue;
        }
        let committed = commit_together(&mut tx, &mut jobs);
        if let Err(error) = &committed {
            tracing::error!(%error, commands = jobs.len(), "a commit failed");
        }
        bell.committed();
        for job in jobs {
            job.answer(committed.clone());
        }
    }
}

/// Runs the commands between one `BEGIN IMMEDIATE` and one commit, each in a savepoint of its own. A command that fails
/// takes back only its own writes.
fn commit_together(tx: &mut Tx, jobs: &mut [Box<dyn Job>]) -> Result<()> {
    control(tx, "BEGIN IMMEDIATE")?;
    let done = run_each(tx, jobs);
    let end = done.and_then(|kept| control(tx, if kept { "COMMIT" } else { "ROLLBACK" }));
    if end.is_err() {
        // SQLite itself rolls everything back on a full disk or an I/O error; then this one is refused.
        control(tx, "ROLLBACK").ok();
    }
    end
}

fn run_each(tx: &mut Tx, jobs: &mut [Box<dyn Job>]) -> Result<bool> {
    let mut kept = false;
    for job in jobs {
        control(tx, "SAVEPOINT command")?;
        if job.run(tx) {
            kept = true;
        } else {
            control(tx, "ROLLBACK TO command")?;
        }
        control(tx, "RELEASE command")?;
    }
    Ok(kept)
}

fn control(tx: &mut Tx, text: &'static str) -> Result<()> {
    match tx.conn.link.sqlite() {
        Some(connection) => connection.control(text),
        None => Ok(()),
    }
}

fn limit(tx: &Tx, limit: Option<Duration>) {
    if let Some(connection) = tx.conn.link.sqlite() {
        connection.end_after(limit);
    }
}

/// Polls a future on this thread to its end. Returns `None` when it has not ended within `limit`.
pub(crate) fn block_on<F: Future>(future: F, limit: Duration) -> Option<F::Output> {
    struct Thread(std::thread::Thread);
    impl Wake for Thread {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let mut future = pin!(future);
    // Almost every command is done after one poll, which needs no waker.
    if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        return Some(output);
    }
    let waker = Waker::from(Arc::new(Thread(std::thread::current())));
    let deadline = Instant::now() + limit;
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
            return Some(output);
        }
        let left = deadline.checked_duration_since(Instant::now())?;
        std::thread::park_timeout(left);
    }
}
