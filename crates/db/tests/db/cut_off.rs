//! A caller that stops waiting at any moment leaves no connection inside a transaction.
//!
//! tokio's timer counts milliseconds, and a BEGIN takes a tenth of one: the cut is made by a future that is polled beside
//! the work until so many microseconds have gone by.

use std::time::{Duration, Instant};

use kalends_db::testing::TestDb;
use kalends_db::{Engine, Result};

use crate::{add, counter, counters, in_transaction, outside};

/// Numbers without order, the same in every run.
struct Chance(u64);

impl Chance {
    fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % end
    }
}

async fn microseconds(number: u64) {
    let began = Instant::now();
    while began.elapsed() < Duration::from_micros(number) {
        tokio::task::yield_now().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_callers_that_went_away_leave_nothing_behind() {
    let test = TestDb::on(Engine::Postgres).await;
    let db = test.open().await;
    counters(&db).await;
    let mut chance = Chance(0x9e37_79b9_7f4a_7c15);
    let (mut callers, mut cut, mut acknowledged) = (0, 0, 0);
    // On a fast machine more of them hear in time.
    while cut < 1_000 && callers < 50_000 {
        callers += 1;
        // Every eighth is heard, so that the others do not all wait for each other when they go.
        let limit = microseconds(if callers % 8 == 0 { 30_000_000 } else { chance.below(1_000) });
        let write = async {
            let done: Result<u64> = db.write("a", |tx, name| add(tx, name)).await;
            done
        };
        tokio::select! {
            biased;
            done = write => {
                done.expect("written");
                acknowledged += 1;
            }
            () = limit => cut += 1,
        }
    }
    assert!(cut == 1_000 && acknowledged >= 125, "{cut} were cut off, {acknowledged} heard");
    // These come behind everything that still runs: they want the same row.
    for _ in 0..200 {
        let done: Result<u64> = db.write("a", |tx, name| add(tx, name)).await;
        done.expect("written");
    }
    // Whoever was cut off before he was heard has written nothing; the others have, once.
    db.close().await;
    assert_eq!(in_transaction(&test.url).await, 0);
    let db = test.open().await;
    let written = counter(&db, "a").await - 200;
    println!("{cut} of {callers} cut off, {acknowledged} acknowledged, {written} written");
    assert!((acknowledged..=callers).contains(&written), "{written} written, {acknowledged} acknowledged");
}

/// The control: a command that its caller runs itself, cut off in the same way, does leave its session in a transaction.
/// That is why commands run in a task of their own.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_transaction_in_the_callers_own_task_is_left_open() {
    let test = TestDb::on(Engine::Postgres).await;
    let (pooled, outside) = (outside(&test.url).await, outside(&test.url).await);
    let pid: i32 = pooled.query_one("SELECT pg_backend_pid()", &[]).await.expect("a number").get(0);
    let mut chance = Chance(0x9e37_79b9_7f4a_7c15);
    let (mut cut, mut left) = (0, 0);
    while left < 5 && cut < 2_000 {
        let command = async {
            pooled.batch_execute("BEGIN").await.expect("begun");
            pooled.query_one("SELECT 1", &[]).await.expect("read");
            pooled.batch_execute("COMMIT").await.expect("committed");
        };
        tokio::select! {
            biased;
            () = command => {}
            () = microseconds(chance.below(400)) => cut += 1,
        }
        // Everything that was sent is answered before this.
        pooled.query_one("SELECT 1", &[]).await.expect("read");
        let state: String = outside
            .query_one("SELECT state FROM pg_stat_activity WHERE pid = $1", &[&pid])
            .await
            .expect("a state")
            .get(0);
        if state == "idle in transaction" {
            left += 1;
            pooled.batch_execute("ROLLBACK").await.expect("rolled back");
        }
    }
    println!("{left} of {cut} cut off were left in a transaction");
    assert_eq!(left, 5, "of {cut} that were cut off");
}
