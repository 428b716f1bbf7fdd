//! A session at work: in a transaction, or lent to a reader.

use std::future::poll_fn;
use std::task::Poll;

use deadpool::managed::Object;
use futures_util::TryStreamExt;
use futures_util::future::BoxFuture;
use tokio_postgres::Row;

use super::{Session, Sessions};
use crate::{Error, Result, Sql};

/// The number of statements that are on their way at once.
const SENT: usize = 64;

pub(crate) struct PostgresLink {
    session: Option<Lent>,
    /// The results of statements that were sent without waiting, in their order.
    sent: Vec<BoxFuture<'static, Result<()>>>,
    /// A statement is on its way, or a transaction is open: the session is of no use to others.
    busy: bool,
    in_transaction: bool,
}

enum Lent {
    Pooled(Object<Sessions>),
    Own(Box<Session>),
}

impl Lent {
    fn session(&mut self) -> &mut Session {
        match self {
            Lent::Pooled(session) => session,
            Lent::Own(session) => session,
        }
    }
}

impl PostgresLink {
    pub(crate) fn reader(session: Object<Sessions>) -> PostgresLink {
        PostgresLink { session: Some(Lent::Pooled(session)), sent: Vec::new(), busy: false, in_transaction: false }
    }

    /// Takes over a session that is no pool's. It may be in a transaction already.
    pub(crate) fn own(session: Session) -> PostgresLink {
        PostgresLink {
            session: Some(Lent::Own(Box::new(session))),
            sent: Vec::new(),
            busy: false,
            in_transaction: true,
        }
    }

    pub(crate) async fn begin(session: Object<Sessions>) -> Result<PostgresLink> {
        let mut link = PostgresLink::reader(session);
        link.in_transaction = true;
        link.send_control("BEGIN").await?;
        Ok(link)
    }

    pub(crate) fn is_closed(&mut self) -> bool {
        self.session.as_mut().is_none_or(|held| held.session().is_closed())
    }

    fn session(&mut self) -> Result<&mut Session> {
        self.session.as_mut().map(Lent::session).ok_or_else(|| Error::other("the session has ended"))
    }

    /// Runs a query and returns all rows.
    pub(crate) async fn query(&mut self, statement: Sql) -> Result<Vec<Row>> {
        self.busy = true;
        let rows = match self.query_once(&statement).await {
            // A reader has no state: another session gives the same answer when the server closed this one.
            Err(Error::Busy(_)) if !self.in_transaction && self.is_closed() => {
                self.replace().await?;
                self.query_once(&statement).await
            }
            other => other,
        };
        // What was sent before failed first, and is the reason why this failed too.
        let settled = self.settle().await;
        self.busy = false;
        settled.and(rows)
    }

    async fn query_once(&mut self, statement: &Sql) -> Result<Vec<Row>> {
        let session = self.session()?;
        let prepared = session.prepare(statement).await?;
        let rows = session.client.query_raw(&prepared, &statement.values).await?;
        Ok(rows.try_collect().await?)
    }

    /// Takes another session of the same pool.
    async fn replace(&mut self) -> Result<()> {
        if let Some(Lent::Pooled(session)) = self.session.take() {
            let pool = Object::pool(&session);
            drop(Object::take(session));
            if let Some(pool) = pool {
                self.session = Some(Lent::Pooled(super::lend(&pool).await?));
            }
        }
        Ok(())
    }

    /// Runs a statement and returns the number of rows that it changed.
    pub(crate) async fn execute(&mut self, statement: Sql) -> Result<u64> {
        self.busy = true;
        let changed = self.execute_once(statement).await;
        let settled = self.settle().await;
        self.busy = false;
        settled.and(changed)
    }

    async fn execute_once(&mut self, statement: Sql) -> Result<u64> {
        let session = self.session()?;
        let prepared = session.prepare(&statement).await?;
        Ok(session.client.execute_raw(&prepared, &statement.values).await?)
    }

    /// Runs statements that have no values.
    pub(crate) async fn batch(&mut self, text: &str) -> Result<()> {
        self.busy = true;
        let done = self.session()?.batch(text).await;
        let settled = self.settle().await;
        self.busy = false;
        settled.and(done)
    }

    /// Sends a statement without waiting for its result, which [`PostgresLink::settle`] and every later statement check.
    pub(crate) async fn send(&mut self, statement: Sql) -> Result<()> {
        if self.sent.len() >= SENT {
            self.settle().await?;
        }
        let session = self.session()?;
        let prepared = match session.prepare(&statement).await {
            Ok(prepared) => prepared,
            // In a transaction that failed nothing can be prepared; the failure before it is the reason.
            Err(error) => return self.settle().await.and(Err(error)),
        };
        let client = session.client.clone();
        self.push(Box::pin(async move {
            client.execute_raw(&prepared, &statement.values).await?;
            Ok(())
        }))
        .await;
        Ok(())
    }

    async fn send_control(&mut self, text: &'static str) -> Result<()> {
        let client = self.session()?.client.clone();
        self.push(Box::pin(async move { Ok(client.batch_execute(text).await?) })).await;
        Ok(())
    }

    /// Starts a future, whose first poll sends its statement.
    async fn push(&mut self, mut future: BoxFuture<'static, Result<()>>) {
        let first = poll_fn(|context| Poll::Ready(future.as_mut().poll(context))).await;
        self.sent.push(match first {
            Poll::Ready(done) => Box::pin(std::future::ready(done)),
            Poll::Pending => future,
        });
    }

    /// Waits for everything that was sent, and returns the first failure.
    pub(crate) async fn settle(&mut self) -> Result<()> {
        let mut outcome = Ok(());
        for sent in std::mem::take(&mut self.sent) {
            outcome = outcome.and(sent.await);
        }
        outcome
    }

    /// Commits. COMMIT goes out together with what was sent last: after a failed statement the server rolls back instead,
    /// and that statement's result says so.
    pub(crate) async fn commit(mut self) -> Result<()> {
        self.busy = true;
        self.send_control("COMMIT").await?;
        let committed = self.settle().await;
        // A refused COMMIT has ended its transaction, too; a closed session is found by the pool.
        self.busy = false;
        self.in_transaction = false;
        committed
    }

    pub(crate) async fn roll_back(mut self) {
        self.sent.clear();
        self.busy = true;
        if let Ok(session) = self.session()
            && session.batch("ROLLBACK").await.is_ok()
        {
            self.busy = false;
            self.in_transaction = false;
        }
    }
}

impl Drop for PostgresLink {
    /// Ends a session whose state nobody knows: its caller went away, panicked or took too long. With its session the server
    /// rolls the transaction back.
    fn drop(&mut self) {
        if (self.busy || self.in_transaction)
            && let Some(Lent::Pooled(session)) = self.session.take()
        {
            drop(Object::take(session));
        }
    }
}
