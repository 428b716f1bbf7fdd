//! What is particular to PostgreSQL. A missing server is a failure.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use kalends_db::testing::TestDb;
use kalends_db::{Db, Engine, Error, Result, sql};
use tokio::sync::Barrier;
use tokio::task::JoinSet;

use crate::{add, count, counter, counters, in_transaction, outside};

#[tokio::test]
async fn a_panicking_command_leaves_no_connection_in_a_transaction() {
    let test = TestDb::on(Engine::Postgres).await;
    let db = test.open().await;
    counters(&db).await;
    let mut writes = JoinSet::new();
    for _ in 0..20 {
        let db = db.clone();
        writes.spawn(async move {
            let outcome: Result<()> = db
                .write((), |tx, ()| {
                    Box::pin(async move {
                        add(tx, &"a").await?;
                        panic!("this panic is part of the test")
                    })
                })
                .await;
            outcome
        });
    }
    while let Some(done) = writes.join_next().await {
        let outcome = done.expect("the caller does not panic");
        assert!(matches!(outcome, Err(Error::Other(_))), "{outcome:?}");
    }
    assert_eq!(in_transaction(&test.url).await, 0);
    for _ in 0..20 {
        let done: Result<u64> = db.write("a", |tx, name| add(tx, name)).await;
        done.expect("written");
    }
    assert_eq!(counter(&db, "a").await, 20);
}

/// Two commands that lock two rows in opposite order, and meet in the middle on their first run.
async fn cross(db: &Db, lock: bool) -> u32 {
    let (meeting, runs) = (Arc::new(Barrier::new(2)), Arc::new(AtomicU32::new(0)));
    let mut both = JoinSet::new();
    for order in [["a", "b"], ["b", "a"]] {
        let (db, args) = (db.clone(), (order, lock, meeting.clone(), runs.clone(), AtomicU32::new(0)));
        both.spawn(async move {
            let outcome: Result<()> = db
                .write(args, |tx, ([first, second], lock, meeting, runs, own)| {
                    Box::pin(async move {
                        runs.fetch_add(1, Ordering::SeqCst);
                        add(tx, first).await?;
                        if own.fetch_add(1, Ordering::SeqCst) == 0 {
                            meeting.wait().await;
                        }
                        if *lock {
                            // The one that loses, loses in a SELECT.
                            let row = tx.lock_row("SELECT n FROM counters WHERE name = $1");
                            row.bind(*second).one::<i64>(tx).await?;
                        }
                        add(tx, second).await.map(|_| ())
                    })
                })
                .await;
            outcome
        });
    }
    while let Some(done) = both.join_next().await {
        done.expect("it ends").expect("both succeed");
    }
    runs.load(Ordering::SeqCst)
}

#[tokio::test]
async fn two_commands_that_lock_rows_in_opposite_order_both_succeed() {
    let test = TestDb::on(Engine::Postgres).await;
    let db = test.open().await;
    counters(&db).await;
    assert!(cross(&db, false).await > 2, "one of them ran again");
    assert!(cross(&db, true).await > 2, "also when it lost in a SELECT FOR UPDATE");
    assert_eq!((counter(&db, "a").await, counter(&db, "b").await), (4, 4));
    assert_eq!(in_transaction(&test.url).await, 0);
}

#[tokio::test]
async fn a_serialization_failure_runs_the_command_again() {
    let test = TestDb::on(Engine::Postgres).await;
    let db = test.open().await;
    counters(&db).await;
    let meeting = Arc::new(Barrier::new(2));
    let mut both = JoinSet::new();
    for _ in 0..2 {
        let (db, args) = (db.clone(), (meeting.clone(), AtomicU32::new(0)));
        both.spawn(async move {
            let outcome: Result<i64> = db
                .write(args, |tx, (meeting, runs)| {
                    Box::pin(async move {
                        sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ").run(tx).await?;
                        let read: i64 = sql("SELECT n FROM counters WHERE name = 'a'").one(tx).await?;
                        if runs.fetch_add(1, Ordering::SeqCst) == 0 {
                            meeting.wait().await;
                        }
                        sql("UPDATE counters SET n = $1 WHERE name = 'a'").bind(read + 1).run(tx).await?;
                        Ok(read)
                    })
                })
                .await;
            outcome
        });
    }
    let mut read = Vec::new();
    while let Some(done) = both.join_next().await {
        read.push(done.expect("it ends").expect("both succeed"));
    }
    read.sort_unstable();
    assert_eq!(read, [0, 1], "the second read what the first wrote");
    assert_eq!(counter(&db, "a").await, 2);
}

#[tokio::test]
async fn who_waits_for_a_lock_too_long_is_told_that_it_is_busy() {
    let test = TestDb::on(Engine::Postgres).await;
    let db = test.open().await;
    counters(&db).await;
    let holder = outside(&test.url).await;
    holder.batch_execute("BEGIN; UPDATE counters SET n = 9 WHERE name = 'a'").await.expect("held");
    let waited: Result<u64> = db
        .write((), |tx, ()| {
            Box::pin(async move {
                tx.wait_at_most(1).await?;
                add(tx, &"a").await
            })
        })
        .await;
    assert!(matches!(waited, Err(Error::Busy(_))), "{waited:?}");
    holder.batch_execute("ROLLBACK").await.expect("let go");
    let again: Result<u64> = db.write("a", |tx, name| add(tx, name)).await;
    again.expect("the limit was for that transaction only");
    assert_eq!(counter(&db, "a").await, 1);
}

#[tokio::test]
async fn connections_that_the_server_closed_are_replaced_unseen() {
    let test = TestDb::on(Engine::Postgres).await;
    let db = test.open().await;
    counters(&db).await;
    // The pools are full of sessions that lie idle …
    let meeting = Arc::new(Barrier::new(4));
    let mut all = JoinSet::new();
    for _ in 0..4 {
        let (db, meeting) = (db.clone(), meeting.clone());
        all.spawn(async move {
            let _reader = db.reader().await.expect("a reader");
            meeting.wait().await;
            let written: Result<()> = db
                .write(meeting, |_, meeting| {
                    Box::pin(async {
                        meeting.wait().await;
                        Ok(())
                    })
                })
                .await;
            written.expect("a writer");
        });
    }
    while let Some(done) = all.join_next().await {
        done.expect("it ends");
    }
    // … and the server closes them all, as it does when it restarts.
    let admin = outside(&test.url).await;
    let ended: i64 = admin
        .query_one(
            "SELECT count(pg_terminate_backend(pid, 5000)) FROM pg_stat_activity
             WHERE datname = current_database() AND application_name = 'kalends'",
            &[],
        )
        .await
        .expect("ended")
        .get(0);
    assert_eq!(ended, 8);
    for _ in 0..20 {
        let done: Result<u64> = db.write("a", |tx, name| add(tx, name)).await;
        done.expect("written");
    }
    for _ in 0..20 {
        assert_eq!(counter(&db, "a").await, 20, "reads, too");
    }
}

async fn start_with(setting: &str) -> Result<Db> {
    let test = TestDb::on(Engine::Postgres).await;
    let name = test.url.rsplit_once('/').expect("a name").1.to_owned();
    let admin = outside(&test.url).await;
    admin.batch_execute(&format!("ALTER DATABASE {name} SET {setting}")).await.expect("set");
    Db::open(&test.options).await
}

#[tokio::test]
async fn a_start_refuses_settings_that_could_lose_an_acknowledged_write() {
    for weak in ["off", "local", "remote_write"] {
        let refused =
            start_with(&format!("synchronous_commit = {weak}")).await.err().expect("it is refused").to_string();
        assert!(
            refused.contains(&format!("synchronous_commit = {weak}")) && refused.contains("Set it to on"),
            "{refused}"
        );
    }
    for strong in [
        "synchronous_commit = on",
        "synchronous_commit = remote_apply",
        "timezone = 'Asia/Tokyo'",
        "statement_timeout = '1s'",
    ] {
        let db = start_with(strong).await.unwrap_or_else(|error| panic!("{strong}: {error}"));
        assert_eq!(count(&db, "SELECT 1::bigint AS n WHERE current_setting('timezone') = 'UTC' AND current_setting('statement_timeout') = '30s'").await, 1);
        assert_eq!(
            count(&db, "SELECT 1::bigint AS n WHERE current_setting('idle_in_transaction_session_timeout') = '30s'")
                .await,
            1
        );
    }
}

#[tokio::test]
async fn a_role_with_weak_settings_is_refused_too() {
    let test = TestDb::on(Engine::Postgres).await;
    let role = format!("weak_{}", std::process::id());
    let admin = outside(&test.url).await;
    for statement in [format!("CREATE ROLE {role} LOGIN"), format!("ALTER ROLE {role} SET synchronous_commit = off")] {
        admin.batch_execute(&statement).await.expect("made");
    }
    let url = test.url.replace("//postgres@", &format!("//{role}@"));
    let refused = Db::open(&kalends_db::Options::parse(&url).expect("an address")).await;
    admin.batch_execute(&format!("DROP ROLE {role}")).await.expect("gone");
    let refused = refused.err().expect("it is refused").to_string();
    assert!(refused.contains("synchronous_commit = off"), "{refused}");
}

/// What `Tx::stale`, `lock_row` and a version in the WHERE are for.
#[tokio::test]
async fn without_a_guard_an_update_is_lost() {
    let test = TestDb::on(Engine::Postgres).await;
    let db = test.open().await;
    counters(&db).await;
    let meeting = Arc::new(Barrier::new(2));
    let mut both = JoinSet::new();
    for _ in 0..2 {
        let (db, meeting) = (db.clone(), meeting.clone());
        both.spawn(async move {
            let outcome: Result<u64> = db
                .write(meeting, |tx, meeting| {
                    Box::pin(async move {
                        let read: i64 = sql("SELECT n FROM counters WHERE name = 'a'").one(tx).await?;
                        meeting.wait().await;
                        sql("UPDATE counters SET n = $1 WHERE name = 'a'").bind(read + 1).run(tx).await
                    })
                })
                .await;
            outcome
        });
    }
    while let Some(done) = both.join_next().await {
        assert_eq!(done.expect("it ends").expect("written"), 1);
    }
    assert_eq!(counter(&db, "a").await, 1, "two were told they had added one");
}
