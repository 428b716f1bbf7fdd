//! A database of its own for each test: a SQLite file in a temporary folder, or a PostgreSQL database cloned from
//! a migrated template. The engine is `KALENDS_TEST_DATABASE` (`sqlite` or `postgres`), the server's address is
//! `KALENDS_TEST_POSTGRES`; `cargo xtask test` sets both. A missing server is a failure, never a skip.

use jiff::Timestamp;
use kalends_kernel::Ids;
use sqlx::postgres::PgConnection;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection, Executor};

use crate::conn::{run_postgres, run_sqlite};
use crate::{Db, Engine, Options, Result};

/// A fresh, migrated database.
pub struct TestDb {
    /// The way to it, for a second process.
    pub url: String,
    /// The way to it.
    pub options: Options,
    _folder: Option<tempfile::TempDir>,
}

/// The engine that this test run is about.
pub fn engine() -> Engine {
    match variable("KALENDS_TEST_DATABASE").as_deref() {
        None | Some("sqlite") => Engine::Sqlite,
        Some("postgres") => Engine::Postgres,
        #[expect(clippy::panic, reason = "tests only")]
        Some(other) => panic!("KALENDS_TEST_DATABASE is {other}; it must be sqlite or postgres"),
    }
}

#[expect(clippy::disallowed_methods, reason = "tests are configured by cargo xtask test")]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

#[expect(clippy::expect_used, reason = "tests only: without its database a test must fail")]
impl TestDb {
    /// A database of the engine that this test run is about.
    pub async fn new() -> TestDb {
        TestDb::on(engine()).await
    }

    /// A database of this engine, for tests that are about one (races are always also run on PostgreSQL).
    pub async fn on(engine: Engine) -> TestDb {
        match engine {
            Engine::Sqlite => {
                let folder = tempfile::tempdir().expect("a temporary folder");
                let path = folder.path().join("kalends.db");
                let url = format!("sqlite:{}", path.display());
                let options = Options::Sqlite { path, readers: 4 };
                Db::open(&options).await.expect("a new file opens").migrate().await.expect("it migrates");
                TestDb { url, options, _folder: Some(folder) }
            }
            Engine::Postgres => {
                let server = server_url();
                let name = format!("test_{}", Ids::at(Timestamp::UNIX_EPOCH).uuid().simple());
                let mut admin = PgConnection::connect(&server).await.expect("PostgreSQL answers");
                let template = template(&mut admin, &server).await;
                admin
                    .execute(sqlx::AssertSqlSafe(format!("CREATE DATABASE {name} TEMPLATE {template}")))
                    .await
                    .expect("a database is made");
                let url = with_database(&server, &name);
                let options = Options::Postgres { url: kalends_kernel::Secret::new(url.clone()), connections: 8 };
                TestDb { url, options, _folder: None }
            }
        }
    }

    /// Opens it.
    pub async fn open(&self) -> Db {
        Db::open(&self.options).await.expect("the test database opens")
    }
}

/// Runs statements on a connection of their own, without the time limits of a transaction: what makes a large database.
pub async fn run_alone(options: &Options, text: &str) -> Result<()> {
    match options {
        Options::Sqlite { path, .. } => {
            let mut connection = SqliteConnectOptions::new().filename(path).connect().await?;
            // With room to sort in, and several threads.
            run_sqlite(
                &mut connection,
                "PRAGMA busy_timeout = 60000; PRAGMA cache_size = -1000000; PRAGMA threads = 4",
            )
            .await?;
            run_sqlite(&mut connection, text).await?;
            connection.close().await?;
        }
        Options::Postgres { url, .. } => {
            let mut connection = PgConnection::connect(url.reveal()).await?;
            for statement in text.split(';') {
                // One by one: some must not be in a transaction, which several at once are.
                run_postgres(&mut connection, statement).await?;
            }
            connection.close().await?;
        }
    }
    Ok(())
}

/// The address of the PostgreSQL server that the tests use.
#[expect(clippy::expect_used, reason = "tests only")]
pub fn server_url() -> String {
    variable("KALENDS_TEST_POSTGRES")
        .expect("KALENDS_TEST_POSTGRES names a PostgreSQL server (run the tests with: cargo xtask test)")
}

fn with_database(server: &str, name: &str) -> String {
    let base = server.rsplit_once('/').map_or(server, |(base, _)| base);
    format!("{base}/{name}")
}

/// The migrated template of this build, made once in the cluster.
#[expect(clippy::expect_used, reason = "tests only")]
async fn template(admin: &mut PgConnection, server: &str) -> String {
    let name = format!("kalends_template_{}", crate::migrations::fingerprint());
    run_postgres(admin, "SELECT pg_advisory_lock(4711)").await.expect("a lock");
    let there: Option<i32> = sqlx::query_scalar("SELECT 1 FROM pg_database WHERE datname = $1")
        .bind(&name)
        .fetch_optional(&mut *admin)
        .await
        .expect("an answer");
    if there.is_none() {
        let making = format!("{name}_new");
        run_postgres(admin, &format!("DROP DATABASE IF EXISTS {making}")).await.expect("dropped");
        run_postgres(admin, &format!("CREATE DATABASE {making}")).await.expect("made");
        let db = Db::open(&Options::Postgres {
            url: kalends_kernel::Secret::new(with_database(server, &making)),
            connections: 2,
        })
        .await
        .expect("it opens");
        db.migrate().await.expect("it migrates");
        db.close().await;
        run_postgres(admin, &format!("ALTER DATABASE {making} RENAME TO {name}")).await.expect("renamed");
    }
    run_postgres(admin, "SELECT pg_advisory_unlock(4711)").await.expect("unlocked");
    name
}
