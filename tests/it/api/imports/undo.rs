//! Deleting the job of an import undoes it.

use kalends_testkit::World;
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
