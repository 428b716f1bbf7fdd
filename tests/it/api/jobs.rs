//! Background work: listing, stopping, trying again, taking over.

use jiff::{SignedDuration, Timestamp};
use kalends_core::ctx::{Ctx, Door};
use kalends_core::jobs::{self, Kind, Lease, NewJob, Progress, State, Stopped};
use kalends_db::{Db, Error, sql};
use kalends_kernel::{Ids, JobId};
use kalends_testkit::World;
use serde_json::json;

use super::imports::{CONCERT, calendar, event};

#[tokio::test]
async fn jobs_are_listed_newest_first_in_pages_and_by_state() {
    let world = World::new().await;
    let alice = world.alice().await;
    let mut ids = Vec::new();
    for _ in 0..3 {
        ids.insert(0, alice.import(&alice.calendar, &calendar(&event("a", CONCERT)), &[]).await.id());
        world.advance(60);
    }
    ids.insert(0, alice.import(&alice.calendar, "nonsense", &[]).await.id());
    let first = alice.get("/api/v1/jobs?limit=3&include=total").expect(200).await;
    assert_eq!((first.each("/id"), first.json["total"].as_i64()), (ids[..3].to_vec(), Some(4)));
    let cursor = first.str("/next_cursor").to_owned();
    let second = alice.get(&format!("/api/v1/jobs?limit=3&cursor={cursor}")).expect(200).await;
    assert_eq!((second.each("/id"), &second.json["next_cursor"]), (ids[3..].to_vec(), &json!(null)));
    assert!(second.items()[0]["result"].get("rows").is_none(), "a list is short");
    assert_eq!(alice.get("/api/v1/jobs?state=failed&kind=import").expect(200).await.each("/id"), ids[..1]);
    let one = alice.get(&format!("/api/v1/jobs/{}", ids[0])).expect(200).await;
    alice.get(&format!("/api/v1/jobs/{}", ids[0])).header("if-none-match", &one.etag()).expect(304).await;
    alice.get("/api/v1/jobs?state=lost").send().await.expect_problem("invalid");
}

#[tokio::test]
async fn what_is_over_is_not_stopped_and_only_what_failed_is_tried_again() {
    let world = World::new().await;
    let alice = world.alice().await;
    let done = alice.import(&alice.calendar, &calendar(&event("a", CONCERT)), &[]).await.id();
    let path = format!("/api/v1/jobs/{done}");
    alice.post(&format!("{path}/cancel")).send().await.expect_problem("wrong-state");
    alice.post(&format!("{path}/retry")).send().await.expect_problem("wrong-state");
    let failed = alice.import(&alice.calendar, "nonsense", &[]).await.id();
    let again = alice.post(&format!("/api/v1/jobs/{failed}/retry")).expect(200).await;
    assert_eq!(again.str("/state"), "queued");
    assert_eq!(alice.finished(&failed).await.str("/state"), "failed");
}

/// A queue without a server that works on it.
struct Queue {
    world: World,
    db: Db,
    now: Timestamp,
}

impl Queue {
    async fn new() -> Queue {
        let mut world = World::new().await;
        let db = world.test_db.open().await;
        world.halt().await;
        let now = world.now();
        Queue { world, db, now }
    }

    async fn enqueue(&self, seconds: i64) -> JobId {
        let ctx = Ctx::system(self.now, Door::Cli);
        let run_at = self.now + SignedDuration::from_secs(seconds);
        let new = NewJob { kind: Kind::Import, args: json!({}), run_at };
        let made: Result<_, Error> =
            self.db.write((ctx, new), |tx, (ctx, new)| Box::pin(jobs::enqueue(tx, ctx, new.clone()))).await;
        made.expect("a job").id
    }

    async fn claim(&self, seconds: i64) -> Option<(jobs::Job, Lease)> {
        let by = Ids::at(self.now).uuid();
        let now = self.now + SignedDuration::from_secs(seconds);
        let claimed: Result<_, Error> =
            self.db.write((now, by), |tx, (now, by)| Box::pin(jobs::claim(tx, *now, *by))).await;
        claimed.expect("an answer").map(|job| {
            let lease = Lease { job: job.id, by };
            (job, lease)
        })
    }

    async fn step(&self, lease: Lease, seconds: i64, done: i64) -> Result<(), Stopped> {
        let now = self.now + SignedDuration::from_secs(seconds);
        let progress = Progress { done, total: Some(9) };
        self.db
            .write((lease, now, progress), |tx, (lease, now, progress)| Box::pin(lease.step(tx, *now, *progress)))
            .await
    }

    async fn put_off(&self, lease: Lease, seconds: i64) {
        let now = self.now + SignedDuration::from_secs(seconds);
        let done: Result<(), Error> =
            self.db.write((lease, now), |tx, (lease, now)| Box::pin(jobs::put_off(tx, *now, *lease, "a fault"))).await;
        done.expect("put off");
    }

    async fn job(&self, id: JobId) -> jobs::Job {
        let ctx = Ctx::system(self.now, Door::Cli);
        jobs::load(&mut self.db.reader().await.expect("a reader"), &ctx, id).await.expect("the job")
    }
}

#[tokio::test]
async fn a_job_waits_for_its_time_and_is_had_by_one() {
    let queue = Queue::new().await;
    let later = queue.enqueue(60).await;
    assert!(queue.claim(0).await.is_none());
    let now = queue.enqueue(0).await;
    let (job, _) = queue.claim(1).await.expect("a job");
    assert_eq!((job.id, job.state), (now, State::Running));
    assert!(queue.claim(1).await.is_none());
    assert_eq!(queue.claim(60).await.expect("a job").0.id, later);
}

#[tokio::test]
async fn a_job_whose_worker_is_gone_is_taken_over_and_the_old_worker_has_lost_it() {
    let queue = Queue::new().await;
    let id = queue.enqueue(0).await;
    let (_, first) = queue.claim(0).await.expect("a job");
    queue.step(first, 50, 3).await.expect("a step keeps the lease");
    assert!(queue.claim(109).await.is_none(), "60 seconds from the last step");
    let (taken, second) = queue.claim(110).await.expect("taken over");
    assert_eq!((taken.id, taken.progress.done), (id, 3));
    assert!(matches!(queue.step(first, 111, 4).await, Err(Stopped::Lost)));
    queue.step(second, 111, 4).await.expect("a step");
    assert_eq!(queue.job(id).await.progress.done, 4);
}

#[tokio::test]
async fn what_fails_is_tried_again_later_and_later_and_then_given_up() {
    let queue = Queue::new().await;
    let id = queue.enqueue(0).await;
    let mut at = 0;
    for wait in [10, 40, 160, 640] {
        let (_, lease) = queue.claim(at).await.expect("a job");
        queue.put_off(lease, at).await;
        assert!(queue.claim(at + wait - 1).await.is_none(), "not before {wait} seconds");
        at += wait;
    }
    let (_, lease) = queue.claim(at).await.expect("a job");
    queue.put_off(lease, at).await;
    let job = queue.job(id).await;
    assert_eq!((job.state, job.log.len()), (State::Failed, 5));
}

#[tokio::test]
async fn a_job_that_ends_the_program_each_time_is_given_up() {
    let queue = Queue::new().await;
    let id = queue.enqueue(0).await;
    for turn in 0..5 {
        queue.claim(turn * 61).await.expect("a job");
    }
    assert!(queue.claim(5 * 61).await.is_none());
    assert_eq!(queue.job(id).await.state, State::Failed);
}

#[tokio::test]
async fn a_job_that_is_stopped_ends_before_its_next_step() {
    let queue = Queue::new().await;
    let id = queue.enqueue(0).await;
    let (_, lease) = queue.claim(0).await.expect("a job");
    let ctx = Ctx::system(queue.now, Door::Cli);
    let cancelled: Result<_, jobs::JobError> =
        queue.db.write((ctx, id), |tx, (ctx, id)| Box::pin(jobs::cancel(tx, ctx, *id))).await;
    assert_eq!(cancelled.expect("cancelled").state, State::Running);
    assert!(matches!(queue.step(lease, 1, 1).await, Err(Stopped::Cancelled)));
    // Every change of state has its row in the change log.
    let mut conn = queue.db.reader().await.expect("a reader");
    let rows: i64 = sql("SELECT count(*) AS n FROM changes WHERE kind = 'job' AND record_id = $1")
        .bind(id)
        .one(&mut conn)
        .await
        .expect("a number");
    assert_eq!(rows, 3, "made, begun, to be stopped");
    queue.world.clock.advance(0);
}
