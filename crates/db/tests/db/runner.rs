//! Commands stand and fall alone, run again when they lost, and end whether or not somebody waits. On both engines.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use kalends_db::testing::TestDb;
use kalends_db::{Engine, Error, Result, sql};
use tokio::sync::{Notify, Semaphore};
use tokio::task::JoinSet;

use crate::{add, count, counter, counters, ddl, in_transaction};

#[tokio::test]
async fn a_failed_or_panicking_command_does_not_undo_its_neighbours() {
    let test = TestDb::new().await;
    let db = test.open().await;
    ddl(&db, &["CREATE TABLE rows (n BIGINT PRIMARY KEY)", "INSERT INTO rows (n) VALUES (-1)"]).await;
    let mut writes = JoinSet::new();
    for n in 0..300_i64 {
        let db = db.clone();
        writes.spawn(async move {
            let outcome: Result<()> = db
                .write(n, |tx, n| {
                    Box::pin(async move {
                        sql("INSERT INTO rows (n) VALUES ($1)").bind(*n).run(tx).await?;
                        match n % 5 {
                            // Refused by the database, after a write of its own.
                            1 => sql("INSERT INTO rows (n) VALUES (-1)").run(tx).await.map(|_| ()),
                            // Refused by itself.
                            2 => Err(Error::Check("its own reason".to_owned())),
                            3 if *n == 153 => panic!("this panic is part of the test"),
                            _ => Ok(()),
                        }
                    })
                })
                .await;
            (n, outcome)
        });
    }
    let mut kept = 0;
    while let Some(done) = writes.join_next().await {
        let (n, outcome) = done.expect("it ends");
        match n % 5 {
            1 => assert!(matches!(&outcome, Err(Error::Unique(name)) if name == "rows_pkey"), "{n} {outcome:?}"),
            2 => assert!(matches!(&outcome, Err(Error::Check(_))), "{n} {outcome:?}"),
            3 if n == 153 => assert!(matches!(&outcome, Err(Error::Other(_))), "{n} {outcome:?}"),
            _ => {
                outcome.expect("it is written");
                kept += 1;
            }
        }
    }
    assert_eq!(kept, 179);
    assert_eq!(count(&db, "SELECT count(*) AS n FROM rows").await, kept + 1);
    assert_eq!(count(&db, "SELECT count(*) AS n FROM rows WHERE n % 5 IN (1, 2) OR n = 153").await, 0);
}

#[tokio::test]
async fn a_part_of_a_command_that_fails_leaves_nothing_and_the_command_goes_on() {
    let test = TestDb::new().await;
    let db = test.open().await;
    ddl(&db, &["CREATE TABLE rows (n BIGINT PRIMARY KEY)", "INSERT INTO rows (n) VALUES (-1)"]).await;
    let outcomes: Result<Vec<bool>> = db
        .write((), |tx, ()| {
            Box::pin(async move {
                let mut outcomes = Vec::new();
                for n in 0..10_i64 {
                    let part = async |tx: &mut kalends_db::Tx| {
                        sql("INSERT INTO rows (n) VALUES ($1)").bind(n).run(tx).await?;
                        match n % 3 {
                            // Refused by the database, by itself, not at all.
                            0 => sql("INSERT INTO rows (n) VALUES (-1)").run(tx).await.map(|_| ()),
                            1 => Err(Error::Check("its own reason".to_owned())),
                            _ => Ok(()),
                        }
                    };
                    outcomes.push(tx.attempt(part).await?.is_ok());
                }
                Ok(outcomes)
            })
        })
        .await;
    let outcomes = outcomes.expect("the command itself is done");
    assert_eq!(outcomes, (0..10).map(|n| n % 3 == 2).collect::<Vec<_>>());
    assert_eq!(count(&db, "SELECT count(*) AS n FROM rows WHERE n >= 0").await, 3);
    assert_eq!(count(&db, "SELECT count(*) AS n FROM rows WHERE n % 3 = 2").await, 3);
}

#[tokio::test]
async fn a_command_that_finds_itself_stale_runs_again_from_the_start() {
    let test = TestDb::new().await;
    let db = test.open().await;
    counters(&db).await;
    let runs = Arc::new(AtomicU32::new(0));
    let outcome: Result<i64> = db
        .write(runs.clone(), |tx, runs| {
            Box::pin(async move {
                let first = runs.fetch_add(1, Ordering::SeqCst) == 0;
                add(tx, &"a").await?;
                if first {
                    return Err(tx.stale());
                }
                sql("SELECT n FROM counters WHERE name = 'a'").one(tx).await
            })
        })
        .await;
    assert_eq!(outcome.expect("the second run succeeds"), 1, "what the first run wrote is not there");
    assert_eq!(runs.load(Ordering::SeqCst), 2);
    assert_eq!(counter(&db, "a").await, 1);
}

#[tokio::test]
async fn a_command_that_always_loses_is_told_so_and_writes_nothing() {
    let test = TestDb::new().await;
    let db = test.open().await;
    counters(&db).await;
    let runs = Arc::new(AtomicU32::new(0));
    let outcome: Result<()> = db
        .write(runs.clone(), |tx, runs| {
            Box::pin(async move {
                runs.fetch_add(1, Ordering::SeqCst);
                add(tx, &"a").await?;
                Err(tx.stale())
            })
        })
        .await;
    assert!(matches!(outcome, Err(Error::Busy(_))), "{outcome:?}");
    let runs = runs.load(Ordering::SeqCst);
    assert!((2..=20).contains(&runs), "{runs} runs");
    assert_eq!(counter(&db, "a").await, 0);
}

#[tokio::test]
async fn work_goes_on_to_its_end_when_nobody_waits_any_more() {
    let test = TestDb::new().await;
    let db = test.open().await;
    counters(&db).await;
    let (began, go, ended) = (Arc::new(Notify::new()), Arc::new(Semaphore::new(0)), Arc::new(Notify::new()));
    let caller = {
        let (db, args) = (db.clone(), (began.clone(), go.clone(), ended.clone()));
        tokio::spawn(async move {
            let outcome: Result<()> = db
                .write(args, |tx, (began, go, ended)| {
                    Box::pin(async move {
                        add(tx, &"a").await?;
                        began.notify_one();
                        go.acquire().await.expect("open").forget();
                        add(tx, &"a").await?;
                        ended.notify_one();
                        Ok(())
                    })
                })
                .await;
            outcome
        })
    };
    began.notified().await;
    caller.abort();
    assert!(caller.await.expect_err("it was cut off").is_cancelled());
    assert_eq!(counter(&db, "a").await, 0, "not committed yet");
    go.add_permits(1);
    ended.notified().await;
    // The next write of the same row comes after it on both engines.
    let after: Result<u64> = db.write("a", |tx, name| add(tx, name)).await;
    after.expect("written");
    assert_eq!(counter(&db, "a").await, 3);
    if db.engine() == Engine::Postgres {
        assert_eq!(in_transaction(&test.url).await, 0);
    }
}

#[tokio::test]
async fn parallel_additions_to_one_row_all_count() {
    let test = TestDb::new().await;
    let db = test.open().await;
    counters(&db).await;
    let mut writes = JoinSet::new();
    for _ in 0..200 {
        let db = db.clone();
        writes.spawn(async move {
            let done: Result<u64> = db.write("a", |tx, name| add(tx, name)).await;
            done
        });
    }
    while let Some(done) = writes.join_next().await {
        assert_eq!(done.expect("it ends").expect("written"), 1);
    }
    assert_eq!(counter(&db, "a").await, 200);
}

#[tokio::test]
async fn closing_waits_for_the_commands_that_run() {
    let test = TestDb::new().await;
    let db = test.open().await;
    counters(&db).await;
    let mut writes = JoinSet::new();
    for _ in 0..50 {
        let db = db.clone();
        writes.spawn(async move {
            let done: Result<u64> = db.write("a", |tx, name| add(tx, name)).await;
            done.is_ok()
        });
    }
    tokio::task::yield_now().await;
    tokio::time::timeout(Duration::from_secs(20), db.close()).await.expect("it closes");
    let mut acknowledged = 0;
    while let Some(done) = writes.join_next().await {
        acknowledged += i64::from(done.expect("it ends"));
    }
    let again = test.open().await;
    assert_eq!(counter(&again, "a").await, acknowledged, "acknowledged writes are there, and no others");
}
