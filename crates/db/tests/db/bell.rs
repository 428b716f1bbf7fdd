//! The bell rings for every commit: at once for one's own, soon for those of other processes on PostgreSQL.

use std::time::Duration;

use kalends_db::testing::TestDb;
use kalends_db::{Engine, Result};

use crate::{add, counter, counters, outside};

const PATIENCE: Duration = Duration::from_secs(20);

#[tokio::test]
async fn a_commit_rings_before_its_caller_hears_of_it() {
    let test = TestDb::new().await;
    let db = test.open().await;
    counters(&db).await;
    let mut bell = db.bell();
    bell.borrow_and_update();
    let written: Result<u64> = db.write("a", |tx, name| add(tx, name)).await;
    written.expect("written");
    assert!(bell.has_changed().expect("open"));
}

#[tokio::test]
async fn commits_of_another_process_ring_too() {
    let test = TestDb::on(Engine::Postgres).await;
    // A pool each, as two processes have it.
    let (ours, theirs) = (test.open().await, test.open().await);
    counters(&ours).await;
    let mut bell = ours.bell();
    for n in 1..=3 {
        bell.borrow_and_update();
        let written: Result<u64> = theirs.write("a", |tx, name| add(tx, name)).await;
        written.expect("written");
        // It may ring for nothing in between; what counts is that it rings until what was written is there.
        let heard = async {
            while counter(&ours, "a").await < n {
                bell.changed().await.expect("open");
            }
        };
        tokio::time::timeout(PATIENCE, heard).await.expect("it rings");
    }
}

#[tokio::test]
async fn the_bell_rings_again_after_its_session_was_lost() {
    let test = TestDb::on(Engine::Postgres).await;
    let (ours, theirs) = (test.open().await, test.open().await);
    counters(&ours).await;
    let mut bell = ours.bell();
    let admin = outside(&test.url).await;
    let listening = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()
                     AND application_name = 'kalends-bell' AND (query LIKE 'LISTEN%' OR query LIKE 'NOTIFY%')";
    let end = "SELECT count(pg_terminate_backend(pid, 5000)) FROM pg_stat_activity
               WHERE datname = current_database() AND application_name = 'kalends-bell'";
    let heard = async {
        while admin.query_one(listening, &[]).await.expect("a number").get::<_, i64>(0) == 0 {
            bell.changed().await.expect("open");
        }
        admin.query_one(end, &[]).await.expect("ended");
        let written: Result<u64> = theirs.write("a", |tx, name| add(tx, name)).await;
        written.expect("written");
        bell.borrow_and_update();
        bell.changed().await.expect("open");
    };
    tokio::time::timeout(PATIENCE, heard).await.expect("it rings");
}
