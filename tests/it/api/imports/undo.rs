//! Deleting the job of an import undoes it.

use kalends_db::sql;
use kalends_kernel::{Ids, JobId, UserId};
use kalends_testkit::{Person, World};
use serde_json::json;

use super::{CHOIR, CONCERT, by_uid, calendar, event, numbers};
use crate::api::given;

#[tokio::test]
async fn undoing_takes_back_what_was_made_and_what_was_changed() {
    let world = World::new().await;
    let alice = world.alice().await;
    alice.import(&alice.calendar, &calendar(&(event("a", CONCERT) + &event("b", CHOIR))), &[]).await;
    let before = alice.get("/api/v1/events").expect(200).await;
    let second = calendar(
        &(event("a", &format!("{}\nSEQUENCE:1", CONCERT.replace("Concert", "Opera")))
            + &event("b", CHOIR)
            + &event("c", CHOIR)),
    );
    let job = alice.import(&alice.calendar, &second, &[]).await;
    assert_eq!(numbers(&job), [1, 1, 1, 0, 0]);
    alice.delete(&format!("/api/v1/jobs/{}", job.id())).expect(204).await;
    let job = alice.get(&format!("/api/v1/jobs/{}", job.id())).expect(200).await;
    assert_eq!(job.str("/state"), "reverted");
    let undone = &job.json["result"]["undone"];
    assert_eq!(
        (&undone["trashed"], &undone["rolled_back"], &undone["kept"]),
        (&json!(1), &json!(1), &json!(0)),
        "{undone:#}"
    );
    let titles = |reply: &kalends_testkit::Reply| reply.each("/title");
    assert_eq!(titles(&alice.get("/api/v1/events").expect(200).await), titles(&before));
    assert_eq!(by_uid(&alice, "a").await["version"], 3);
    // A second time is no news.
    alice.delete(&format!("/api/v1/jobs/{}", job.id())).expect(204).await;
    // And the same file may come again.
    assert_eq!(numbers(&alice.import(&alice.calendar, &second, &[]).await), [1, 1, 1, 0, 0]);
    given::fits(&world).await;
}

#[tokio::test]
async fn drafts_go_for_good_and_what_somebody_changed_since_stays() {
    let world = World::new().await;
    let (alice, bob) = (world.alice().await, world.bob().await);
    let school = given::calendar(&alice, &json!({"name": "School", "review": "required"})).await;
    given::share(&alice, &format!("calendars/{school}"), &bob, "editor").await;
    let job = bob.import(&school, &calendar(&(event("a", CONCERT) + &event("b", CHOIR))), &[]).await;
    let changed = by_uid(&bob, "b").await["id"].as_str().expect("an id").to_owned();
    alice.patch(&format!("/api/v1/events/{changed}")).json(&json!({"location": "Aula"})).expect(200).await;
    bob.delete(&format!("/api/v1/jobs/{}", job.id())).expect(204).await;
    let undone = bob.get(&format!("/api/v1/jobs/{}", job.id())).expect(200).await.json["result"]["undone"].clone();
    assert_eq!(
        (&undone["removed"], &undone["trashed"], &undone["kept"]),
        (&json!(1), &json!(0), &json!(1)),
        "{undone:#}"
    );
    assert_eq!(
        (&undone["kept_events"][0]["event_id"], &undone["kept_events"][0]["why"]),
        (&json!(changed), &json!("it was changed since"))
    );
    bob.get(&format!("/api/v1/events/{changed}")).expect(200).await;
    assert!(bob.get("/api/v1/events?deleted=true").expect(200).await.items().is_empty());
    given::fits(&world).await;
}

#[tokio::test]
async fn a_dry_run_is_undone_without_touching_anything() {
    let world = World::new().await;
    let alice = world.alice().await;
    alice.import(&alice.calendar, &calendar(&event("a", CONCERT)), &[]).await;
    let newer = calendar(&event("a", &format!("{}\nSEQUENCE:1", CONCERT.replace("Concert", "Opera"))));
    let job = alice.import(&alice.calendar, &newer, &[("dry_run", "true")]).await;
    alice.delete(&format!("/api/v1/jobs/{}", job.id())).expect(204).await;
    assert_eq!(by_uid(&alice, "a").await["version"], 1);
}

#[tokio::test]
async fn nobody_else_undoes_it_but_an_administrator_may() {
    let world = World::new().await;
    let (alice, mallory, admin) = (world.alice().await, world.mallory().await, world.admin().await);
    let job = alice.import(&alice.calendar, &calendar(&event("a", CONCERT)), &[]).await.id();
    let path = format!("/api/v1/jobs/{job}");
    for request in [
        mallory.get(&path),
        mallory.delete(&path),
        mallory.post(&format!("{path}/cancel")),
        mallory.post(&format!("{path}/retry")),
    ] {
        request.send().await.expect_problem("not-found");
    }
    assert!(mallory.get("/api/v1/jobs").expect(200).await.items().is_empty());
    assert_eq!(admin.get("/api/v1/jobs").expect(200).await.items().len(), 1);
    admin.delete(&path).expect(204).await;
    assert!(alice.get("/api/v1/events").expect(200).await.items().is_empty());
}

/// How many rows there are of what imports keep: jobs, files, rows of reports.
async fn stored(world: &World) -> [i64; 3] {
    let mut conn = world.db.reader().await.expect("a reader");
    let mut counts = [0; 3];
    for (count, table) in counts.iter_mut().zip(["jobs", "uploads", "import_rows"]) {
        *count = sql(format!("SELECT count(*) AS n FROM {table}")).one(&mut conn).await.expect("a count");
    }
    counts
}

#[tokio::test]
async fn for_thirty_days_an_import_can_be_undone_and_then_it_is_forgotten() {
    const DAY: i64 = 24 * 3_600;
    let mut world = World::new().await;
    let alice = world.alice().await;
    let old = alice.import(&alice.calendar, &calendar(&event("a", CONCERT)), &[]).await.id();
    let undone = alice.import(&alice.calendar, &calendar(&event("b", CHOIR)), &[]).await.id();
    world.advance(20 * DAY);
    let alice = world.alice().await;
    let young = alice.import(&alice.calendar, &calendar(&event("c", CONCERT)), &[]).await.id();
    let waiting = waiting(&world, &alice, "newer").await;
    world.advance(10 * DAY);
    // It begins with what it does every hour.
    world.restart().await;
    let alice = world.alice().await;
    assert_eq!(alice.get("/api/v1/jobs").expect(200).await.items().len(), 4);
    alice.delete(&format!("/api/v1/jobs/{undone}")).expect(204).await;
    assert_eq!(stored(&world).await, [4, 3, 3]);
    world.advance(60);
    world.restart().await;
    let alice = world.alice().await;
    let path = format!("/api/v1/jobs/{old}");
    let mut ticks = tokio::time::interval(std::time::Duration::from_millis(10));
    while alice.get(&path).send().await.status != 404 {
        ticks.tick().await;
    }
    for request in [alice.get(&path), alice.delete(&path), alice.post(&format!("{path}/retry"))] {
        request.send().await.expect_problem("not-found");
    }
    // What it brought stays; so does what was undone meanwhile, what is younger, and what has not been done at all.
    assert_eq!(alice.get("/api/v1/events").expect(200).await.each("/uid").len(), 2);
    for (id, state) in [(&undone, "reverted"), (&young, "done"), (&waiting, "queued")] {
        assert_eq!(alice.get(&format!("/api/v1/jobs/{id}")).expect(200).await.str("/state"), state);
    }
    assert_eq!(stored(&world).await, [3, 2, 2]);
    // The same file again is still known.
    let again = alice.import(&alice.calendar, &calendar(&event("a", CONCERT)), &[]).await;
    assert_eq!(numbers(&again), [0, 0, 1, 0, 0]);
    given::fits(&world).await;
}

/// A job that waits: of a kind that only a newer program knows, or until tomorrow.
pub async fn waiting(world: &World, person: &Person, kind: &'static str) -> String {
    let id: JobId = Ids::at(world.now()).next();
    let user: UserId = person.id.parse().expect("an id");
    let tomorrow = world.now().checked_add(jiff::SignedDuration::from_hours(24)).expect("a time");
    let written: Result<u64, kalends_db::Error> = world
        .db
        .write((id, user, kind, tomorrow), |tx, (id, user, kind, tomorrow)| {
            Box::pin(async move {
                sql("INSERT INTO jobs (id, kind, state, user_id, as_admin, args, done, log, attempts, run_at, cancel_wanted, undoing,
                        created_at, updated_at)
                     VALUES ($1, $4, 'queued', $2, FALSE, '{}', 0, '[]', 0, $3, FALSE, FALSE, $3, $3)")
                    .bind(*id)
                    .bind(*user)
                    .bind(*tomorrow)
                    .bind(*kind)
                    .run(tx)
                    .await
            })
        })
        .await;
    written.expect("written");
    id.to_string()
}
