//! A database of its own for each test: a SQLite file in a temporary folder, or a PostgreSQL database cloned from
//! a migrated template. The engine is `KALENDS_TEST_DATABASE` (`sqlite` or `postgres`), the server's address is
//! `KALENDS_TEST_POSTGRES`; `cargo xtask test` sets both. A missing server is a failure, never a skip.

use jiff::Timestamp;
use kalends_kernel::Ids;

use crate::{Db, Engine, Error, Options, Result};

/// A fresh, migrated database.
pub struct TestDb {
    /// The database URL, for a second process.
    pub url: String,
    /// The same as options.
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
                let admin = outside(&server).await.expect("PostgreSQL answers");
                let template = template(&admin, &server).await;
                let create = format!("CREATE DATABASE {name} TEMPLATE {template}");
                admin.batch_execute(&create).await.expect("a database is made");
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

/// Opens a connection beside the program's, to look at a PostgreSQL database from outside.
pub async fn outside(url: &str) -> Result<tokio_postgres::Client> {
    let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls).await?;
    tokio::spawn(connection);
    Ok(client)
}

/// Runs statements on a connection of their own, without the time limits of a transaction: to make a large database.
pub async fn run_alone(options: &Options, text: &str) -> Result<()> {
    match options {
        Options::Sqlite { path, .. } => {
            let connection = rusqlite::Connection::open(path)?;
            // With room to sort in, and several threads.
            connection
                .execute_batch("PRAGMA busy_timeout = 60000; PRAGMA cache_size = -1000000; PRAGMA threads = 4")?;
            connection.execute_batch(text)?;
            connection.close().map_err(|(_, error)| Error::from(error))?;
        }
        Options::Postgres { url, .. } => {
            let connection = outside(url.reveal()).await?;
            for statement in text.split(';') {
                // One by one: some must not be in a transaction, which several at once are.
                connection.batch_execute(statement).await?;
            }
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
async fn template(admin: &tokio_postgres::Client, server: &str) -> String {
    let name = format!("kalends_template_{}", crate::migrations::fingerprint());
    admin.batch_execute("SELECT pg_advisory_lock(4711)").await.expect("a lock");
    let there = admin.query_opt("SELECT 1 FROM pg_database WHERE datname = $1", &[&name]).await.expect("an answer");
    if there.is_none() {
        let new = format!("{name}_new");
        admin.batch_execute(&format!("DROP DATABASE IF EXISTS {new}")).await.expect("dropped");
        admin.batch_execute(&format!("CREATE DATABASE {new}")).await.expect("created");
        let options =
            Options::Postgres { url: kalends_kernel::Secret::new(with_database(server, &new)), connections: 2 };
        let db = Db::open(&options).await.expect("it opens");
        db.migrate().await.expect("it migrates");
        db.close().await;
        rename(admin, &new, &name).await;
    }
    admin.batch_execute("SELECT pg_advisory_unlock(4711)").await.expect("unlocked");
    name
}

/// Renames a database as soon as its last session has ended.
#[expect(clippy::expect_used, reason = "tests only")]
async fn rename(admin: &tokio_postgres::Client, from: &str, to: &str) {
    admin
        .execute("SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = $1", &[&from])
        .await
        .expect("ended");
    admin.batch_execute(&format!("ALTER DATABASE {from} RENAME TO {to}")).await.expect("renamed");
}
