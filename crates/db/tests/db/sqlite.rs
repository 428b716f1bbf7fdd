//! What is particular to SQLite.

use std::sync::Arc;

use kalends_db::testing::TestDb;
use kalends_db::{Engine, Error, Reader, Result, sql};
use tokio::sync::{Notify, Semaphore};
use tokio::task::JoinSet;

use crate::{Text, add, counter, counters, is_busy};

#[tokio::test]
async fn a_reader_cannot_write() {
    let test = TestDb::on(Engine::Sqlite).await;
    let db = test.open().await;
    counters(&db).await;
    let mut reader: Reader = db.reader().await.expect("a reader");
    let written = sql("UPDATE counters SET n = 7 RETURNING n").all::<i64>(&mut reader).await;
    assert!(matches!(&written, Err(Error::Other(why)) if why.to_string().contains("readonly")), "{written:?}");
    drop(reader);
    assert_eq!(counter(&db, "a").await, 0);
}

#[tokio::test]
async fn a_full_queue_answers_busy_and_loses_nothing() {
    let test = TestDb::on(Engine::Sqlite).await;
    let db = test.open().await;
    counters(&db).await;
    // The writer is held; meanwhile more come than may wait.
    let (began, go) = (Arc::new(Notify::new()), Arc::new(Semaphore::new(0)));
    let holder = {
        let (db, args) = (db.clone(), (began.clone(), go.clone()));
        tokio::spawn(async move {
            let done: Result<()> = db
                .write(args, |_, (began, go)| {
                    Box::pin(async move {
                        began.notify_one();
                        go.acquire().await.expect("open").forget();
                        Ok(())
                    })
                })
                .await;
            done
        })
    };
    began.notified().await;
    let mut writes = JoinSet::new();
    for _ in 0..1_100 {
        let db = db.clone();
        writes.spawn(async move {
            let done: Result<u64> = db.write("a", |tx, name| add(tx, name)).await;
            done
        });
    }
    // Those that found no room have their answer while the writer is still held.
    let mut busy = 0;
    while busy < 76 {
        let refused = writes.join_next().await.expect("one").expect("it ends");
        assert!(is_busy(&refused), "{refused:?}");
        busy += 1;
    }
    go.add_permits(1);
    holder.await.expect("it ends").expect("nothing failed");
    let mut written = 0;
    while let Some(done) = writes.join_next().await {
        done.expect("it ends").expect("who had room is written");
        written += 1;
    }
    assert_eq!((busy, written), (76, 1_024));
    assert_eq!(counter(&db, "a").await, 1_024);
}

#[tokio::test]
async fn commits_are_synced_and_foreign_keys_kept_on_the_writer() {
    let test = TestDb::on(Engine::Sqlite).await;
    let db = test.open().await;
    let settings: Result<Vec<(String, i64)>> = db
        .write((), move |tx, ()| {
            Box::pin(async move {
                let mut all = Vec::new();
                for (pragma, name) in [
                    ("SELECT synchronous AS n FROM pragma_synchronous", "synchronous"),
                    ("SELECT foreign_keys AS n FROM pragma_foreign_keys", "foreign_keys"),
                ] {
                    all.push((name.to_owned(), sql(pragma).one::<i64>(tx).await?));
                }
                Ok(all)
            })
        })
        .await;
    // 2 is FULL: the log is synced at every commit.
    assert_eq!(settings.expect("an answer"), [("synchronous".to_owned(), 2), ("foreign_keys".to_owned(), 1)]);
    let mut conn = db.reader().await.expect("a reader");
    let mode: Text = sql("SELECT journal_mode AS t FROM pragma_journal_mode").one(&mut conn).await.expect("an answer");
    assert_eq!(mode.0, "wal");
}

#[cfg(unix)]
#[tokio::test]
async fn its_files_are_their_owners_alone_and_a_clean_stop_leaves_no_log_behind() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("kalends.db");
    let db = kalends_db::Db::open(&kalends_db::Options::Sqlite { path, readers: 4 }).await.expect("it opens");
    counters(&db).await;
    assert_eq!(counter(&db, "a").await, 0);
    let files = || -> Vec<(String, u32)> {
        let all = std::fs::read_dir(folder.path()).expect("a folder").map(|entry| entry.expect("an entry"));
        let mut all: Vec<(String, u32)> = all
            .map(|entry| {
                let mode = entry.metadata().expect("what it is").permissions().mode() & 0o777;
                (entry.file_name().to_string_lossy().into_owned(), mode)
            })
            .collect();
        all.sort();
        all
    };
    let private = |name: &str| (name.to_owned(), 0o600);
    assert_eq!(files(), ["kalends.db", "kalends.db-shm", "kalends.db-wal"].map(private));
    db.close().await;
    assert_eq!(files(), [private("kalends.db")]);
}

#[tokio::test]
async fn a_second_process_waits_for_the_first() {
    let test = TestDb::on(Engine::Sqlite).await;
    let (ours, theirs) = (test.open().await, test.open().await);
    counters(&ours).await;
    let mut writes = JoinSet::new();
    for n in 0..200 {
        let db = if n % 2 == 0 { ours.clone() } else { theirs.clone() };
        writes.spawn(async move {
            let done: Result<u64> = db.write("a", |tx, name| add(tx, name)).await;
            done
        });
    }
    while let Some(done) = writes.join_next().await {
        done.expect("it ends").expect("written");
    }
    assert_eq!(counter(&ours, "a").await, 200);
    assert_eq!(counter(&theirs, "a").await, 200);
}
