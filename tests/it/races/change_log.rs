//! A follower of the change log misses nothing and sees nothing twice, however commits overtake each other. PostgreSQL
//! always: SQLite has one writer. Beside each follower runs a naive one, that takes a sequence for a position: it does
//! miss rows, so these tests can fail.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use kalends_core::changes::{self, Change, Kind, Op, Position};
use kalends_core::ctx::{Ctx, Door};
use kalends_db::testing::TestDb;
use kalends_db::{Conn, Db, Engine, Error, FromRow, Result, Row, Tx, sql};
use kalends_kernel::Ids;
use tokio::sync::{Notify, Semaphore};
use tokio::task::{JoinHandle, JoinSet};

use super::Chance;

const PATIENCE: Duration = Duration::from_secs(60);

/// Writes a row of the log and gives the record's id.
async fn change(tx: &mut Tx) -> Result<String> {
    let ctx = Ctx::system(Timestamp::UNIX_EPOCH, Door::Cli);
    let record = Ids::at(Timestamp::UNIX_EPOCH).uuid();
    let change =
        Change { kind: Kind::Event, op: Op::Updated, record, calendar: None, user: None, version: None, detail: None };
    changes::record(tx, &ctx, change).await?;
    Ok(record.to_string())
}

/// A transaction that has written and is not committed until it is told to.
struct HeldTransaction {
    go: Arc<Semaphore>,
    task: JoinHandle<Result<String>>,
}

impl HeldTransaction {
    async fn open(db: &Db, log: bool) -> HeldTransaction {
        let (began, go) = (Arc::new(Notify::new()), Arc::new(Semaphore::new(0)));
        let task = tokio::spawn({
            let (db, args) = (db.clone(), (began.clone(), go.clone(), log));
            async move {
                db.write(args, |tx, (began, go, log)| {
                    Box::pin(async move {
                        let id = if *log {
                            let id = change(tx).await?;
                            // Rows of logs are written at the end, or before a statement that names their table.
                            sql("SELECT count(*) AS n FROM changes").one::<i64>(tx).await?;
                            id
                        } else {
                            sql("INSERT INTO settings (key, value) VALUES ('foreign', 'x')").run(tx).await?;
                            String::new()
                        };
                        began.notify_one();
                        match go.acquire().await {
                            Ok(permit) => permit.forget(),
                            Err(_) => return Err(Error::Check("it gives up".to_owned())),
                        }
                        Ok(id)
                    })
                })
                .await
            }
        });
        began.notified().await;
        HeldTransaction { go, task }
    }

    async fn commit(self) -> String {
        self.go.add_permits(1);
        self.task.await.expect("it ends").expect("it commits")
    }
}

async fn commit(db: &Db) -> String {
    let done: Result<String> = db.write((), |tx, ()| Box::pin(async move { change(tx).await })).await;
    done.expect("it commits")
}

/// Reads from position to position, as sync, sockets and webhooks will.
#[derive(Default)]
struct Follower {
    since: Position,
    seen: Vec<String>,
}

impl Follower {
    async fn poll(&mut self, conn: &mut Conn) -> usize {
        let rows = changes::after(conn, self.since, 7).await.expect("rows");
        for row in &rows {
            assert!(row.position > self.since, "positions only grow");
            self.since = row.position;
            self.seen.push(row.record.to_string());
        }
        rows.len()
    }

    /// Polls until it has so many rows. Other tests' transactions, too, can hold it back for a while.
    async fn catch_up(&mut self, conn: &mut Conn, rows: usize) {
        let began = Instant::now();
        while self.seen.len() < rows {
            self.poll(conn).await;
            assert!(began.elapsed() < PATIENCE, "{} of {rows} rows", self.seen.len());
        }
        assert_eq!(self.poll(conn).await, 0, "and no more");
    }
}

/// The same without the horizon.
#[derive(Default)]
struct Naive {
    since: i64,
    seen: Vec<String>,
}

struct Plain(i64, String);

impl FromRow for Plain {
    fn from_row(row: &Row) -> Result<Self> {
        Ok(Plain(row.get("seq")?, row.get("record")?))
    }
}

impl Naive {
    async fn poll(&mut self, conn: &mut Conn) -> usize {
        let rows: Vec<Plain> =
            sql("SELECT seq, record_id::text AS record FROM changes WHERE seq > $1 ORDER BY seq LIMIT 7")
                .bind(self.since)
                .all(conn)
                .await
                .expect("rows");
        let number = rows.len();
        for Plain(seq, record) in rows {
            self.since = seq;
            self.seen.push(record);
        }
        number
    }
}

#[tokio::test]
async fn a_follower_does_not_pass_a_commit_that_is_still_to_come() {
    let test = TestDb::on(Engine::Postgres).await;
    let db = test.open().await;
    let mut conn = db.reader().await.expect("a reader");
    let (mut follower, mut naive) = (Follower::default(), Naive::default());
    let mut all = Vec::new();
    for _ in 0..10 {
        let held = HeldTransaction::open(&db, true).await;
        let overtaking = [commit(&db).await, commit(&db).await];
        // Those are committed and everybody can see them …
        while naive.poll(&mut conn).await > 0 {}
        assert!(overtaking.iter().all(|id| naive.seen.contains(id)));
        // … but an earlier one may still come, and does.
        for _ in 0..5 {
            follower.poll(&mut conn).await;
            assert!(overtaking.iter().all(|id| !follower.seen.contains(id)), "it went past a transaction that runs");
        }
        let late = held.commit().await;
        all.push(late.clone());
        all.extend(overtaking);
        follower.catch_up(&mut conn, all.len()).await;
        while naive.poll(&mut conn).await > 0 {}
        assert!(!naive.seen.contains(&late), "the control: who goes by seq alone has missed it for good");
    }
    assert_eq!(follower.seen, all, "each once, in the order of their transactions");
    assert_eq!(naive.seen.len(), 20, "of 30");
}

#[tokio::test]
async fn a_rolled_back_transaction_does_not_stop_the_log() {
    let test = TestDb::on(Engine::Postgres).await;
    let db = test.open().await;
    let held = HeldTransaction::open(&db, true).await;
    let id = commit(&db).await;
    held.go.close();
    held.task.await.expect("it ends").expect_err("it fails");
    let mut conn = db.reader().await.expect("a reader");
    let mut follower = Follower::default();
    follower.catch_up(&mut conn, 1).await;
    assert_eq!(follower.seen, [id]);
}

#[tokio::test]
async fn a_transaction_in_another_database_of_the_cluster_only_delays() {
    let (test, other) = (TestDb::on(Engine::Postgres).await, TestDb::on(Engine::Postgres).await);
    let (db, foreign) = (test.open().await, other.open().await);
    let mut conn = db.reader().await.expect("a reader");
    let mut follower = Follower::default();
    let mut all = vec![commit(&db).await];
    follower.catch_up(&mut conn, 1).await;
    let held = HeldTransaction::open(&foreign, false).await;
    for _ in 0..20 {
        all.push(commit(&db).await);
        follower.poll(&mut conn).await;
    }
    assert_eq!(follower.seen.len(), 1, "it waits: the server does not say in which database a transaction will write");
    held.commit().await;
    follower.catch_up(&mut conn, 21).await;
    assert_eq!(follower.seen, all);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_follower_of_many_writers_misses_nothing_and_sees_nothing_twice() {
    const WRITERS: u64 = 6;
    const COMMITS: usize = 80;
    let test = TestDb::on(Engine::Postgres).await;
    let db = test.open().await;
    let writing = Arc::new(AtomicBool::new(true));
    let follow = tokio::spawn({
        let (db, writing) = (db.clone(), writing.clone());
        async move {
            let mut conn = db.reader().await.expect("a reader");
            let (mut follower, mut naive) = (Follower::default(), Naive::default());
            while writing.load(Ordering::SeqCst) {
                follower.poll(&mut conn).await;
                naive.poll(&mut conn).await;
            }
            while naive.poll(&mut conn).await > 0 {}
            (follower, naive)
        }
    });
    let mut writers = JoinSet::new();
    for writer in 0..WRITERS {
        let db = db.clone();
        writers.spawn(async move {
            let mut chance = Chance::new(writer + 1);
            let mut ids = Vec::new();
            for _ in 0..COMMITS {
                let work = (1 + chance.below(3), chance.below(30));
                let done: Result<Vec<String>> = db
                    .write(work, |tx, (rows, statements)| {
                        Box::pin(async move {
                            let mut ids = Vec::new();
                            for _ in 0..*rows {
                                ids.push(change(tx).await?);
                            }
                            // So that some take long and others overtake them.
                            for _ in 0..*statements {
                                sql("SELECT 1::bigint AS n").one::<i64>(tx).await?;
                            }
                            Ok(ids)
                        })
                    })
                    .await;
                ids.extend(done.expect("it commits"));
            }
            ids
        });
    }
    let mut all = BTreeSet::new();
    while let Some(ids) = writers.join_next().await {
        all.extend(ids.expect("it ends"));
    }
    writing.store(false, Ordering::SeqCst);
    let (mut follower, naive) = follow.await.expect("it ends");
    let while_writing = follower.seen.len();
    let mut conn = db.reader().await.expect("a reader");
    follower.catch_up(&mut conn, all.len()).await;
    let seen: BTreeSet<String> = follower.seen.iter().cloned().collect();
    assert_eq!(seen.len(), follower.seen.len(), "none twice");
    assert_eq!(seen, all, "none missed");
    println!(
        "{} rows, {while_writing} of them while writing; without the horizon {} missed",
        all.len(),
        all.len() - naive.seen.len()
    );
    assert!(while_writing > 0, "it followed and did not only read at the end");
    assert!(naive.seen.len() < all.len(), "the control missed nothing: did no commit overtake another?");
}
