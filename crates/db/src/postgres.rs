//! PostgreSQL: a pool, and the settings a start insists on.

use std::str::FromStr;
use std::time::Duration;

use kalends_kernel::Secret;
use sqlx::postgres::{PgConnectOptions, PgConnection, PgPool, PgPoolOptions};
use sqlx::{ConnectOptions, Connection, Executor};

use crate::conn::{Link, run_postgres};
use crate::{Error, Result};

#[derive(Clone)]
pub(crate) struct PostgresDb {
    pub(crate) pool: PgPool,
}

impl PostgresDb {
    pub(crate) async fn open(url: &Secret, connections: u32) -> Result<PostgresDb> {
        let options = PgConnectOptions::from_str(url.reveal())
            .map_err(|_| {
                Error::Setup(
                    "the database URL cannot be read; write postgres://user:password@host:port/database".to_owned(),
                )
            })?
            .application_name("kalends")
            // Nothing of ours takes seconds; what hangs lets go of its locks and of the log's horizon by itself.
            .options([
                ("statement_timeout", "30s"),
                ("idle_in_transaction_session_timeout", "30s"),
                ("lock_timeout", "10s"),
                ("timezone", "UTC"),
            ]);
        // By itself first: a pool tries again and again, and in the end says only that it took too long.
        let first = async {
            let mut connection = options.connect().await?;
            refuse_weak_settings(&mut connection).await?;
            connection.close().await
        };
        let answered = tokio::time::timeout(Duration::from_secs(10), first).await;
        answered.unwrap_or(Err(sqlx::Error::PoolTimedOut)).map_err(said)?;
        let pool = PgPoolOptions::new()
            .max_connections(connections)
            .acquire_timeout(Duration::from_secs(10))
            .test_before_acquire(false)
            .after_connect(|connection, _| Box::pin(async move { refuse_weak_settings(connection).await }))
            // A connection that somehow came back inside a transaction must never serve the next caller.
            // One that lay still for a while may have been closed by the server.
            .before_acquire(|connection, meta| {
                Box::pin(async move {
                    let fresh = meta.idle_for < Duration::from_secs(1);
                    Ok(!connection.is_in_transaction() && (fresh || connection.ping().await.is_ok()))
                })
            })
            .connect_with(options)
            .await
            .map_err(said)?;
        Ok(PostgresDb { pool })
    }

    pub(crate) async fn connection(&self) -> Result<Link> {
        Ok(Link::Postgres(self.pool.acquire().await?))
    }

    pub(crate) async fn begin(&self) -> Result<Link> {
        // After a restart of the server every connection in the pool is dead; one more than those is fresh.
        let mut dead = self.pool.options().get_max_connections();
        loop {
            let mut connection = self.pool.acquire().await?;
            match connection.execute("BEGIN").await {
                Ok(_) => return Ok(Link::Postgres(connection)),
                Err(error) => {
                    connection.close_on_drop();
                    drop(connection);
                    if dead == 0 {
                        return Err(error.into());
                    }
                    tracing::debug!(%error, "a pooled connection was dead");
                    dead -= 1;
                }
            }
        }
    }

    pub(crate) async fn commit(link: Link) -> Result<()> {
        let Link::Postgres(mut connection) = link else { return Ok(()) };
        if let Err(error) = connection.execute("COMMIT").await {
            connection.close_on_drop();
            return Err(error.into());
        }
        Ok(())
    }

    pub(crate) async fn roll_back(link: Link) {
        let Link::Postgres(mut connection) = link else { return };
        if connection.execute("ROLLBACK").await.is_err() {
            connection.close_on_drop();
        }
    }

    pub(crate) async fn discard(link: Link) {
        if let Link::Postgres(connection) = link {
            connection.detach().close_hard().await.ok();
        }
    }

    pub(crate) async fn close(&self) {
        self.pool.close().await;
    }
}

fn said(error: sqlx::Error) -> Error {
    match error {
        sqlx::Error::Configuration(why) => Error::Setup(why.to_string()),
        other => Error::Setup(format!("cannot connect to PostgreSQL: {other}")),
    }
}

/// PostgreSQL 14 or newer, and settings under which a commit that was answered is on the disk.
async fn refuse_weak_settings(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    let weak = |why: String| sqlx::Error::Configuration(why.into());
    let shown = |name: &'static str| sqlx::query_scalar::<_, String>(name);
    let version: String = shown("SHOW server_version_num").fetch_one(&mut *connection).await?;
    if version.parse::<u32>().unwrap_or(0) < 140_000 {
        return Err(weak(format!("PostgreSQL 14 or newer is needed; this server is {version}")));
    }
    for (setting, query, strong) in [
        ("synchronous_commit", "SHOW synchronous_commit", &["on", "remote_apply"][..]),
        ("fsync", "SHOW fsync", &["on"]),
        ("full_page_writes", "SHOW full_page_writes", &["on"]),
    ] {
        let value: String = shown(query).fetch_one(&mut *connection).await?;
        if !strong.contains(&value.as_str()) {
            return Err(weak(format!(
                "PostgreSQL runs with {setting} = {value}: an acknowledged write could be lost. Set it to {}",
                strong.join(" or ")
            )));
        }
    }
    Ok(())
}

/// "kalends" in bytes.
pub(crate) const MIGRATION_LOCK: i64 = 30_224_455_216_915_571;

/// Runs `work` while this session holds the program's migration lock.
pub(crate) async fn locked<T>(
    connection: &mut PgConnection,
    work: impl AsyncFnOnce(&mut PgConnection) -> Result<T>,
) -> Result<T> {
    // A transaction-level lock would be let go by the first migration's commit.
    run_postgres(
        connection,
        &format!("SET lock_timeout = 0; SET statement_timeout = 0; SELECT pg_advisory_lock({MIGRATION_LOCK})"),
    )
    .await?;
    let outcome = work(connection).await;
    run_postgres(
        connection,
        &format!("SELECT pg_advisory_unlock({MIGRATION_LOCK}); RESET lock_timeout; RESET statement_timeout"),
    )
    .await?;
    outcome
}
