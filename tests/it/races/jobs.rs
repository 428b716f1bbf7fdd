//! However many workers look for work at once, each job is had by one.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;

use jiff::{SignedDuration, Timestamp};
use kalends_core::ctx::{Ctx, Door};
use kalends_core::jobs::{self, Kind, Lease, NewJob, Progress, State};
use kalends_db::testing::TestDb;
use kalends_db::{Db, Engine, Error};
use kalends_kernel::{Ids, JobId};
use serde_json::json;
use tokio::task::JoinSet;

use super::unguarded::{NO_ROW_LOCKS, Unguarded};

const JOBS: usize = 40;
const WORKERS: usize = 6;

async fn enqueue(db: &Db) {
    for _ in 0..JOBS {
        let ctx = Ctx::system(Timestamp::UNIX_EPOCH, Door::Cli);
        let new = NewJob { kind: Kind::Import, args: json!({}), run_at: ctx.now };
        let made: Result<_, Error> =
            db.write((ctx, new), |tx, (ctx, new)| Box::pin(jobs::enqueue(tx, ctx, new.clone()))).await;
        made.expect("a job");
    }
}

/// Every worker takes jobs at this moment until there are none; how often each job was had.
async fn work(db: &Db, now: Timestamp) -> BTreeMap<JobId, Vec<Lease>> {
    let mut workers = JoinSet::new();
    for _ in 0..WORKERS {
        let db = db.clone();
        workers.spawn(async move {
            let mut had = Vec::new();
            let by = Ids::at(now).uuid();
            // What comes again and again must not keep a control from ending.
            while had.len() < 2 * JOBS {
                let claimed: Result<_, Error> =
                    db.write((now, by), |tx, (now, by)| Box::pin(jobs::claim(tx, *now, *by))).await;
                match claimed.expect("an answer") {
                    Some(job) => had.push(Lease { job: job.id, by }),
                    None => break,
                }
            }
            had
        });
    }
    let mut all: BTreeMap<JobId, Vec<Lease>> = BTreeMap::new();
    while let Some(had) = workers.join_next().await {
        for lease in had.expect("it ends") {
            all.entry(lease.job).or_default().push(lease);
        }
    }
    all
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_workers_never_have_the_same_job() {
    for engine in [Engine::Postgres, Engine::Sqlite] {
        let test = TestDb::on(engine).await;
        let db = test.open().await;
        enqueue(&db).await;
        let now = Timestamp::UNIX_EPOCH;
        let first = work(&db, now).await;
        assert!(first.len() == JOBS && first.values().all(|had| had.len() == 1), "on {engine:?}: {first:?}");
        assert!(work(&db, now + SignedDuration::from_secs(59)).await.is_empty(), "all of them are in work");
        // The workers were silent for too long: the jobs are taken over, each once more, and who had them has lost them.
        let later = now + SignedDuration::from_secs(60);
        let second = work(&db, later).await;
        assert!(second.len() == JOBS && second.values().all(|had| had.len() == 1), "on {engine:?}: {second:?}");
        let leases = |of: &BTreeMap<JobId, Vec<Lease>>| of.values().flatten().copied().collect::<Vec<_>>();
        for (leases, kept) in [(leases(&first), false), (leases(&second), true)] {
            for lease in leases {
                assert_eq!(step(&db, lease, later).await, kept);
            }
        }
    }
}

async fn step(db: &Db, lease: Lease, now: Timestamp) -> bool {
    let progress = Progress { done: 1, total: None };
    db.write((lease, now), move |tx, (lease, now)| Box::pin(lease.step(tx, *now, progress))).await.is_ok()
}

/// The control: without the lock on the row that a worker takes, some jobs are had by two.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_its_lock_a_job_is_had_by_two() {
    let unguarded = Unguarded::database(NO_ROW_LOCKS).await;
    let db = unguarded.db.open().await;
    let mut twice = 0;
    for _ in 0..20 {
        enqueue(&db).await;
        twice += work(&db, Timestamp::UNIX_EPOCH).await.values().filter(|had| had.len() > 1).count();
        if twice > 0 {
            break;
        }
    }
    println!("{twice} jobs were had twice");
    assert!(unguarded.lost.load(Ordering::SeqCst) > 0 && twice > 0);
}

/// The control of leases: a worker that does not ask whether it still has its job ends one that is somebody else's.
#[tokio::test]
async fn who_has_lost_a_job_does_not_end_it() {
    for engine in [Engine::Postgres, Engine::Sqlite] {
        let test = TestDb::on(engine).await;
        let db = test.open().await;
        enqueue(&db).await;
        let now = Timestamp::UNIX_EPOCH;
        let later = now + SignedDuration::from_secs(60);
        let first = work(&db, now).await;
        let second = work(&db, later).await;
        for (job, had) in &first {
            let (old, new) = (had[0], second[job][0]);
            let end = |lease: Lease| {
                let db = db.clone();
                async move {
                    let done: Result<(), Error> = db
                        .write((lease, later), |tx, (lease, now)| {
                            Box::pin(jobs::finish(tx, *now, *lease, State::Done, None, "done"))
                        })
                        .await;
                    done.expect("an answer");
                }
            };
            let state = || async {
                let ctx = Ctx::system(later, Door::Cli);
                jobs::load(&mut db.reader().await.expect("a reader"), &ctx, *job).await.expect("the job").state
            };
            end(old).await;
            assert_eq!(state().await, State::Running, "on {engine:?}");
            // With the lease of who has it now it does end: it is the lease that kept it.
            end(Lease { by: new.by, ..old }).await;
            assert_eq!(state().await, State::Done, "on {engine:?}");
        }
    }
}
