//! SQLite: one writer that commits waiting commands together, and several readers.

mod connection;
mod readers;
mod writer;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use futures_util::future::BoxFuture;

pub(crate) use connection::{Access, Connection};
pub(crate) use readers::{Lease, Readers};
use writer::Writer;
pub(crate) use writer::block_on;

use crate::bell::Bell;
use crate::{Error, Result, Tx};

#[derive(Clone)]
pub(crate) struct SqliteDb {
    /// Shared: a `Db` is cloned several times for every request.
    inner: Arc<Inner>,
}

struct Inner {
    path: PathBuf,
    readers: Arc<Readers>,
    writer: Writer,
}

impl SqliteDb {
    pub(crate) async fn open(path: &Path, readers: u32, bell: Bell) -> Result<SqliteDb> {
        let unreadable = |error: Error| Error::Setup(format!("cannot open the database {}: {error}", path.display()));
        let writer = Connection::open(path, Access::Write).map_err(unreadable)?;
        let readers = Readers::open(path, readers).map_err(unreadable)?;
        let writer = Writer::start(writer, bell)?;
        Ok(SqliteDb { inner: Arc::new(Inner { path: path.to_owned(), readers, writer }) })
    }

    /// Opens a connection beside the writer and the readers, for migrations, backups and restores.
    pub(crate) fn connect(&self, access: Access) -> Result<Connection> {
        Connection::open(&self.inner.path, access)
    }

    pub(crate) fn readers(&self) -> &Arc<Readers> {
        &self.inner.readers
    }

    pub(crate) async fn write<A, T, E, F>(&self, args: A, command: F) -> Result<T, E>
    where
        A: Send + Sync + 'static,
        T: Send + 'static,
        E: From<Error> + Send + 'static,
        F: for<'a> Fn(&'a mut Tx, &'a A) -> BoxFuture<'a, Result<T, E>> + Send + Sync + 'static,
    {
        self.inner.writer.run(args, command).await
    }

    /// Ends the connections after the commands that already run. The writer is last: with the last connection SQLite
    /// copies its log into the database file and deletes it.
    pub(crate) async fn close(&self) {
        self.inner.readers.close();
        self.inner.writer.stop().await;
    }
}
