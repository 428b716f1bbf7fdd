//! The readers: connections that only read, lent one at a time.

use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::{Access, Connection};
use crate::{Error, Result};

/// A statement that runs on the thread of its request may hold that thread for so long at most.
const KEY_READ: Duration = Duration::from_secs(5);
/// The limit of a read that has a thread of its own.
const LONG_READ: Duration = Duration::from_secs(30);
/// How long a read waits for a free connection.
const PATIENCE: Duration = Duration::from_secs(10);

/// The pool of readers. Long reads get at most half of the connections, so that key reads always find one.
pub(crate) struct Readers {
    path: PathBuf,
    idle: Mutex<Vec<Connection>>,
    all: Arc<Semaphore>,
    long: Arc<Semaphore>,
}

/// A reader that is lent. It goes back to the pool when it is dropped.
pub(crate) struct Lease {
    connection: Option<Connection>,
    pool: Arc<Readers>,
    _permits: (OwnedSemaphorePermit, Option<OwnedSemaphorePermit>),
}

impl Readers {
    /// Opens the first connection; the others are opened when they are needed.
    pub(crate) fn open(path: &Path, connections: u32) -> Result<Arc<Readers>> {
        let connections = usize::try_from(connections).unwrap_or(1).max(2);
        Ok(Arc::new(Readers {
            path: path.to_owned(),
            idle: Mutex::new(vec![Connection::open(path, Access::Read)?]),
            all: Arc::new(Semaphore::new(connections)),
            long: Arc::new(Semaphore::new(connections / 2)),
        }))
    }

    /// Lends a connection for reads by key.
    pub(crate) async fn lend(self: &Arc<Self>) -> Result<Lease> {
        let permit = patiently(&self.all).await?;
        self.lease(permit, None, KEY_READ)
    }

    /// Lends a connection for a read that may take long.
    pub(crate) async fn lend_long(self: &Arc<Self>) -> Result<Lease> {
        let long = patiently(&self.long).await?;
        let permit = patiently(&self.all).await?;
        self.lease(permit, Some(long), LONG_READ)
    }

    fn lease(
        self: &Arc<Self>,
        permit: OwnedSemaphorePermit,
        long: Option<OwnedSemaphorePermit>,
        limit: Duration,
    ) -> Result<Lease> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let connection = match idle {
            Some(connection) => connection,
            None => Connection::open(&self.path, Access::Read)?,
        };
        connection.end_after(Some(limit));
        Ok(Lease { connection: Some(connection), pool: self.clone(), _permits: (permit, long) })
    }

    /// Closes the idle connections, and lets the lent ones close when they come back.
    pub(crate) fn close(&self) {
        self.all.close();
        self.long.close();
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

async fn patiently(permits: &Arc<Semaphore>) -> Result<OwnedSemaphorePermit> {
    let closed = |_| Error::Busy("the database is closed".to_owned());
    match permits.clone().try_acquire_owned() {
        Ok(permit) => Ok(permit),
        Err(_) => match tokio::time::timeout(PATIENCE, permits.clone().acquire_owned()).await {
            Ok(permit) => permit.map_err(closed),
            Err(_) => Err(Error::Busy("no free connection".to_owned())),
        },
    }
}

impl Deref for Lease {
    type Target = Connection;
    #[expect(clippy::expect_used, reason = "only `drop` takes the connection")]
    fn deref(&self) -> &Connection {
        self.connection.as_ref().expect("a lease holds its connection until it is dropped")
    }
}

impl Lease {
    /// Sets the limit of the next statement.
    pub(crate) fn restart_limit(&self) {
        self.end_after(Some(if self._permits.1.is_some() { LONG_READ } else { KEY_READ }));
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let Some(connection) = self.connection.take() else { return };
        if !self.pool.all.is_closed() && !connection.is_in_transaction() {
            self.pool.idle.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
        }
    }
}
