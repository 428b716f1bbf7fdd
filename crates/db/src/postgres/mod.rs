//! PostgreSQL: two pools, one for reads and one for writes, so that neither starves the other.

mod address;
mod link;
mod listener;
mod session;
mod tls;

use std::time::Duration;

use deadpool::Runtime;
use deadpool::managed::{
    Metrics, Object, Pool, PoolConfig, PoolError, QueueMode, RecycleError, RecycleResult, Timeouts,
};
use kalends_kernel::Secret;

use address::Address;
pub(crate) use link::PostgresLink;
use listener::Listener;
pub(crate) use session::Session;

use crate::bell::Bell;
use crate::runner::pause;
use crate::{Error, Result};

/// How long a request waits for a free connection, and how long a connection may take to open.
const PATIENCE: Duration = Duration::from_secs(10);

pub(crate) struct PostgresDb {
    address: Address,
    readers: Pool<Sessions>,
    writers: Pool<Sessions>,
    listener: Listener,
}

/// Opens the sessions of a pool.
pub(crate) struct Sessions(Address);

impl deadpool::managed::Manager for Sessions {
    type Type = Session;
    type Error = Error;

    /// Opens a session. While the server cannot be reached it tries again; the pool ends that after [`PATIENCE`].
    async fn create(&self) -> Result<Session> {
        let mut attempt = 4;
        loop {
            match Session::open(&self.0).await {
                Err(Error::Busy(reason)) => {
                    tracing::debug!(%reason, "postgresql cannot be reached yet");
                    pause(attempt).await;
                    attempt += 1;
                }
                other => return other,
            }
        }
    }

    async fn recycle(&self, session: &mut Session, _: &Metrics) -> RecycleResult<Error> {
        if session.is_closed() { Err(RecycleError::message("the server closed the connection")) } else { Ok(()) }
    }
}

impl PostgresDb {
    pub(crate) async fn open(url: &Secret, connections: u32, bell: Bell) -> Result<PostgresDb> {
        let address = Address::parse(url.reveal())?;
        // By itself first: a pool tries again and again, and in the end says only that it took too long.
        let first = tokio::time::timeout(PATIENCE, Session::open(&address)).await;
        first.unwrap_or_else(|_| Err(Error::Busy("it did not answer within 10 seconds".to_owned()))).map_err(
            |error| match error {
                Error::Setup(_) => error,
                other => Error::Setup(format!("cannot connect to PostgreSQL: {other}")),
            },
        )?;
        let connections = usize::try_from(connections).unwrap_or(2).max(2);
        let writers = connections / 2;
        Ok(PostgresDb {
            readers: pool(&address, connections - writers)?,
            writers: pool(&address, writers)?,
            listener: Listener::new(address.clone(), bell),
            address,
        })
    }

    /// Lends a session for reads.
    pub(crate) async fn reader(&self) -> Result<PostgresLink> {
        Ok(PostgresLink::reader(lend(&self.readers).await?))
    }

    /// Lends a session for a transaction, and sends BEGIN without waiting for it.
    pub(crate) async fn begin(&self) -> Result<PostgresLink> {
        PostgresLink::begin(lend(&self.writers).await?).await
    }

    /// Opens a session beside the pools, for migrations, backups and restores.
    pub(crate) async fn connect(&self) -> Result<Session> {
        Session::open(&self.address).await
    }

    /// Returns the number of sessions that may have died at once: all of the writers'.
    pub(crate) fn writers(&self) -> u32 {
        u32::try_from(self.writers.status().max_size).unwrap_or(u32::MAX)
    }

    /// Hears of the commits of other processes, and tells them of this one's.
    pub(crate) fn listener(&self) -> &Listener {
        &self.listener
    }

    pub(crate) async fn close(&self) {
        self.listener.stop();
        self.readers.close();
        self.writers.close();
        // Sessions in use go when they come back.
        for pool in [&self.readers, &self.writers] {
            let mut attempt = 0;
            while pool.status().size > 0 && attempt < 64 {
                pause(attempt).await;
                attempt += 1;
            }
        }
    }
}

fn pool(address: &Address, size: usize) -> Result<Pool<Sessions>> {
    let timeouts = Timeouts { wait: Some(PATIENCE), create: Some(PATIENCE), recycle: None };
    Pool::builder(Sessions(address.clone()))
        .config(PoolConfig { max_size: size.max(1), timeouts, queue_mode: QueueMode::Lifo })
        .runtime(Runtime::Tokio1)
        .build()
        .map_err(|error| Error::Setup(error.to_string()))
}

async fn lend(pool: &Pool<Sessions>) -> Result<Object<Sessions>> {
    // What opens a session is large; without a box everything that may read would carry it along.
    Box::pin(pool.get()).await.map_err(|error| match error {
        PoolError::Backend(error) => error,
        PoolError::Timeout(_) => Error::Busy("no free connection".to_owned()),
        PoolError::Closed => Error::Busy("the database is closed".to_owned()),
        other => Error::other(other),
    })
}

/// "kalends" in bytes.
pub(crate) const MIGRATION_LOCK: i64 = 30_224_455_216_915_571;
