//! The schema grows once, under a lock, and only from a beginning that this program knows.

use kalends_db::testing::{TestDb, server_url};
use kalends_db::{Db, Engine, Error, Migrated, Options, Result, sql};
use tokio::task::JoinSet;

use crate::{count, outside};

/// An address of a database without a schema, with what keeps it.
async fn empty() -> (Options, Option<tempfile::TempDir>) {
    match kalends_db::testing::engine() {
        Engine::Sqlite => {
            let folder = tempfile::tempdir().expect("a folder");
            (Options::Sqlite { path: folder.path().join("new.db"), readers: 2 }, Some(folder))
        }
        Engine::Postgres => {
            let name = format!("test_{}", kalends_kernel::Ids::at(jiff::Timestamp::UNIX_EPOCH).uuid().simple());
            let admin = outside(&server_url()).await;
            admin.batch_execute(&format!("CREATE DATABASE {name}")).await.expect("made");
            let url = server_url().rsplit_once('/').map(|(base, _)| format!("{base}/{name}")).expect("an address");
            (Options::Postgres { url: kalends_kernel::Secret::new(url), connections: 2 }, None)
        }
    }
}

#[tokio::test]
async fn applied_twice_is_applied_once() {
    let (options, _folder) = empty().await;
    let db = Db::open(&options).await.expect("it opens");
    let first = db.migrate().await.expect("it migrates");
    assert!(first.applied.len() >= 3 && first.applied[0].starts_with("0001_"), "{first:?}");
    assert_eq!(db.migrate().await.expect("again"), Migrated { applied: vec![] });
    db.close().await;
    let db = Db::open(&options).await.expect("it opens");
    assert_eq!(db.migrate().await.expect("again"), Migrated { applied: vec![] });
    assert_eq!(
        count(&db, "SELECT count(*) AS n FROM schema_migrations").await,
        i64::try_from(first.applied.len()).expect("few")
    );
}

#[tokio::test]
async fn of_many_processes_that_start_at_once_one_migrates() {
    let (options, _folder) = empty().await;
    let mut starts = JoinSet::new();
    for _ in 0..6 {
        // A pool each, as a process has it.
        let options = options.clone();
        starts.spawn(async move {
            let db = Db::open(&options).await.expect("it opens");
            let migrated = db.migrate().await.expect("it migrates");
            db.close().await;
            migrated.applied.len()
        });
    }
    let mut applied = Vec::new();
    while let Some(done) = starts.join_next().await {
        applied.push(done.expect("it ends"));
    }
    applied.sort_unstable();
    assert!(applied[..5] == [0; 5] && applied[5] >= 3, "{applied:?}");
}

async fn refused_after(statement: &'static str) -> String {
    let test = TestDb::new().await;
    let db = test.open().await;
    let broken: Result<u64> = db.write((), move |tx, ()| Box::pin(async move { sql(statement).run(tx).await })).await;
    assert_eq!(broken.expect("written"), 1);
    let before = count(&db, "SELECT count(*) AS n FROM schema_migrations").await;
    let refused = db.migrate().await.expect_err("it is refused");
    assert_eq!(count(&db, "SELECT count(*) AS n FROM schema_migrations").await, before, "nothing was applied");
    // The lock is let go: the next start gets the same answer and does not wait.
    assert_eq!(db.migrate().await.expect_err("again").to_string(), refused.to_string());
    assert!(matches!(refused, Error::Setup(_)), "{refused:?}");
    refused.to_string()
}

#[tokio::test]
async fn a_database_of_a_newer_program_is_refused() {
    let said = refused_after("INSERT INTO schema_migrations (name, digest) VALUES ('9999_from_the_future', 'x')").await;
    assert!(said.contains("9999_from_the_future") && said.contains("newer Kalends"), "{said}");
}

#[tokio::test]
async fn a_migration_that_was_edited_afterwards_is_refused() {
    let said = refused_after("UPDATE schema_migrations SET digest = 'edited' WHERE name LIKE '0002%'").await;
    assert!(said.contains("0002_") && said.contains("another form"), "{said}");
}

#[tokio::test]
async fn a_ledger_with_a_hole_is_refused() {
    let said = refused_after("DELETE FROM schema_migrations WHERE name LIKE '0001%'").await;
    assert!(said.contains("0002_"), "{said}");
}
