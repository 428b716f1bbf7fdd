//! Deleting and restoring: rule 6.

use kalends_testkit::World;
use serde_json::json;

use super::super::given::{calendar, event, fits, share};

#[tokio::test]
async fn a_deleted_event_is_gone_for_all_but_its_owners_who_can_restore_it() {
    let world = World::new().await;
    let (alice, bob, carol) = (world.alice().await, world.bob().await, world.carol().await);
    let club = calendar(&alice, &json!({"name": "Club"})).await;
    share(&alice, &format!("calendars/{club}"), &bob, "editor").await;
    share(&alice, &format!("calendars/{club}"), &carol, "viewer").await;
    let made = event(&alice, &json!({"title": "Picnic", "start": "2027-05-03T12:00:00", "calendar_id": club})).await;
    let path = format!("/api/v1/events/{}", made.id());
    bob.delete(&path).send().await.expect_problem("forbidden");
    alice.delete(&path).expect(204).await;
    alice.delete(&path).expect(204).await;
    for person in [&bob, &carol] {
        person.get(&path).send().await.expect_problem("not-found");
        person.get(&format!("{path}/instances")).send().await.expect_problem("not-found");
        assert_eq!(person.get("/api/v1/events").expect(200).await.items().len(), 0);
        assert_eq!(person.get("/api/v1/events?deleted=true").expect(200).await.items().len(), 0);
        person.post(&format!("{path}/restore")).send().await.expect_problem("not-found");
    }
    assert_eq!(alice.get("/api/v1/events").expect(200).await.items().len(), 0);
    let trash = alice.get("/api/v1/events?deleted=true&include=total").expect(200).await;
    assert_eq!((trash.each("/id"), &trash.json["total"]), (vec![made.id()], &json!(1)));
    let seen = alice.get(&path).expect(200).await;
    assert_eq!(seen.str("/deleted_at"), "2027-01-15T10:00:00Z");
    alice.patch(&path).json(&json!({"title": "x"})).send().await.expect_problem("wrong-state");
    let restored = alice.post(&format!("{path}/restore")).expect(200).await;
    assert_eq!((&restored.json["version"], &restored.json["deleted_at"]), (&json!(3), &json!(null)));
    alice.post(&format!("{path}/restore")).expect(200).await;
    assert_eq!(carol.get(&path).expect(200).await.str("/title"), "Picnic");
    fits(&world).await;
}

#[tokio::test]
async fn a_draft_that_nobody_saw_goes_for_good() {
    let world = World::new().await;
    let alice = world.alice().await;
    let draft = event(&alice, &json!({"title": "Idea", "start": "2027-05-03T12:00:00", "state": "draft"})).await;
    let path = format!("/api/v1/events/{}", draft.id());
    alice.delete(&path).expect(204).await;
    alice.delete(&path).expect(204).await;
    alice.get(&path).send().await.expect_problem("not-found");
    alice.post(&format!("{path}/restore")).send().await.expect_problem("not-found");
    assert_eq!(alice.get("/api/v1/events?deleted=true").expect(200).await.items().len(), 0);
    // One that was published once is kept.
    let once = event(&alice, &json!({"title": "Idea", "start": "2027-05-03T12:00:00"})).await;
    alice.post(&format!("/api/v1/events/{}/state", once.id())).json(&json!({"state": "draft"})).expect(200).await;
    alice.delete(&format!("/api/v1/events/{}", once.id())).expect(204).await;
    assert_eq!(alice.get("/api/v1/events?deleted=true").expect(200).await.each("/state"), ["draft"]);
    fits(&world).await;
}

#[tokio::test]
async fn deleting_what_one_never_had_is_not_found() {
    let world = World::new().await;
    let (alice, mallory) = (world.alice().await, world.mallory().await);
    let made = event(&alice, &json!({"title": "Picnic", "start": "2027-05-03T12:00:00"})).await;
    let path = format!("/api/v1/events/{}", made.id());
    mallory.delete(&path).send().await.expect_problem("not-found");
    alice.delete(&path).expect(204).await;
    mallory.delete(&path).send().await.expect_problem("not-found");
    mallory.delete("/api/v1/events/01941f29-7c00-7ccc-8000-3d1c7e9a5b10").send().await.expect_problem("not-found");
    world.anonymous().delete(&path).expect(401).await;
}

#[tokio::test]
async fn a_uid_that_was_taken_meanwhile_keeps_an_event_in_the_trash() {
    let world = World::new().await;
    let alice = world.alice().await;
    let body = json!({"title": "Picnic", "start": "2027-05-03T12:00:00", "uid": "picnic@example.org"});
    let old = event(&alice, &body).await;
    alice.post("/api/v1/events").json(&body).send().await.expect_problem("uid-taken");
    alice.delete(&format!("/api/v1/events/{}", old.id())).expect(204).await;
    event(&alice, &body).await;
    alice.post(&format!("/api/v1/events/{}/restore", old.id())).send().await.expect_problem("uid-taken");
    fits(&world).await;
}

#[tokio::test]
async fn the_events_of_a_deleted_calendar_are_out_of_sight_for_everybody() {
    let world = World::new().await;
    let (alice, bob) = (world.alice().await, world.bob().await);
    let club = calendar(&alice, &json!({"name": "Club"})).await;
    let made = event(&alice, &json!({"title": "Picnic", "start": "2027-05-03T12:00:00", "calendar_id": club})).await;
    share(&alice, &format!("events/{}", made.id()), &bob, "editor").await;
    assert_eq!(bob.get("/api/v1/events?include=total").expect(200).await.json["total"], json!(1));
    alice.delete(&format!("/api/v1/calendars/{club}")).expect(204).await;
    for person in [&alice, &bob] {
        person.get(&format!("/api/v1/events/{}", made.id())).send().await.expect_problem("not-found");
        let list = person.get("/api/v1/events?include=total").expect(200).await;
        assert_eq!((list.items().len(), &list.json["total"]), (0, &json!(0)));
    }
    fits(&world).await;
}
