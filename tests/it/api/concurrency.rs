//! Many at once and again: rules 5, 7 and 8.

use kalends_testkit::World;
use serde_json::json;

use super::given::{choir, event, fits, share};

#[tokio::test]
async fn two_people_who_patch_at_once_are_both_kept() {
    let world = World::new().await;
    let (alice, bob) = (world.alice().await, world.bob().await);
    let made = event(&alice, &choir()).await;
    share(&alice, &format!("events/{}", made.id()), &bob, "editor").await;
    let path = format!("/api/v1/events/{}", made.id());
    let mut running = tokio::task::JoinSet::new();
    for number in 0..20 {
        let (person, field) = if number % 2 == 0 { (&alice, "location") } else { (&bob, "description") };
        let request = person.patch(&path).json(&json!({field: format!("{number}")}));
        running.spawn(async move { request.expect(200).await.json["version"].as_i64().expect("a version") });
    }
    let mut versions = running.join_all().await;
    versions.sort_unstable();
    assert_eq!(versions, (2..=21).collect::<Vec<i64>>(), "every patch has a version of its own");
    let now = alice.get(&path).expect(200).await;
    assert!(!now.str("/location").is_empty() && !now.str("/description").is_empty(), "{}", now.text);
    fits(&world).await;
}

#[tokio::test]
async fn of_many_who_replace_one_version_one_wins() {
    let world = World::new().await;
    let alice = world.alice().await;
    let made = event(&alice, &choir()).await;
    let path = format!("/api/v1/events/{}", made.id());
    let mut running = tokio::task::JoinSet::new();
    for number in 0..10 {
        let request = alice.patch(&path).header("if-match", &made.etag()).json(&json!({"title": format!("{number}")}));
        running.spawn(async move { request.send().await.status.as_u16() });
    }
    let mut statuses = running.join_all().await;
    statuses.sort_unstable();
    assert_eq!(statuses, [vec![200], vec![412; 9]].concat());
    fits(&world).await;
}

#[tokio::test]
async fn splits_cancellations_and_deletions_at_once_leave_everything_whole() {
    let world = World::new().await;
    let alice = world.alice().await;
    let made = event(&alice, &choir()).await;
    let path = format!("/api/v1/events/{}", made.id());
    let requests = [
        alice.patch(&format!("{path}/instances/20270412T193000?scope=following")).json(&json!({"title": "Later"})),
        alice
            .patch(&format!("{path}/instances/20270405T193000?scope=following"))
            .json(&json!({"title": "Later still"})),
        alice.delete(&format!("{path}/instances/20270329T193000")),
        alice.patch(&path).json(&json!({"location": "Aula"})),
        alice.post(&format!("{path}/state")).json(&json!({"state": "draft"})),
        alice.delete(&path),
        alice.post(&format!("{path}/clone")),
    ];
    let mut running = tokio::task::JoinSet::new();
    for request in requests {
        running.spawn(async move { request.send().await });
    }
    for reply in running.join_all().await {
        assert!(reply.status.as_u16() < 500, "{}", reply.text);
    }
    fits(&world).await;
}

#[tokio::test]
async fn a_retried_request_has_one_effect_and_the_same_answer() {
    let world = World::new().await;
    let (alice, bob) = (world.alice().await, world.bob().await);
    let body = json!({"title": "Talk", "start": "2027-05-03T18:00:00"});
    let post = |body: &serde_json::Value| alice.post("/api/v1/events").header("idempotency-key", "k-1").json(body);
    let first = post(&body).expect(201).await;
    alice.patch(&format!("/api/v1/events/{}", first.id())).json(&json!({"title": "Changed since"})).expect(200).await;
    let again = post(&body).expect(201).await;
    assert_eq!(
        (&again.json, again.etag(), again.header("location")),
        (&first.json, first.etag(), first.header("location"))
    );
    assert_eq!(alice.get("/api/v1/events").expect(200).await.items().len(), 1);
    post(&json!({"title": "Other", "start": "2027-05-03T18:00:00"}))
        .send()
        .await
        .expect_problem("idempotency-key-reused");
    // The key is the person's own, and the path's.
    let his = bob.post("/api/v1/events").header("idempotency-key", "k-1").json(&body).expect(201).await;
    assert_ne!(his.id(), first.id());
    let cloned = alice.post(&format!("/api/v1/events/{}/clone", first.id())).header("idempotency-key", "k-1");
    assert_ne!(cloned.expect(201).await.id(), first.id());
    fits(&world).await;
}

#[tokio::test]
async fn an_error_is_not_kept_for_a_retry() {
    let world = World::new().await;
    let (alice, bob) = (world.alice().await, world.bob().await);
    let body = json!({"title": "Talk", "start": "2027-05-03T18:00:00", "calendar_id": alice.calendar});
    let post = || bob.post("/api/v1/events").header("idempotency-key", "k-2").json(&body);
    post().send().await.expect_problem("not-found");
    share(&alice, &format!("calendars/{}", alice.calendar), &bob, "editor").await;
    post().expect(201).await;
    let long = "x".repeat(256);
    alice.post("/api/v1/events").header("idempotency-key", &long).json(&body).send().await.expect_problem("unreadable");
    fits(&world).await;
}

#[tokio::test]
async fn twins_have_one_effect() {
    let world = World::new().await;
    let alice = world.alice().await;
    let body = json!({"title": "Talk", "start": "2027-05-03T18:00:00"});
    let mut running = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let request = alice.post("/api/v1/events").header("idempotency-key", "twin").json(&body);
        running.spawn(async move { request.send().await });
    }
    let mut ids = std::collections::BTreeSet::new();
    for reply in running.join_all().await {
        match reply.status.as_u16() {
            201 => drop(ids.insert(reply.id())),
            409 => drop(reply.expect_problem("idempotency-in-progress")),
            other => panic!("{other}: {}", reply.text),
        }
    }
    assert_eq!(ids.len(), 1);
    assert_eq!(alice.get("/api/v1/events").expect(200).await.items().len(), 1);
    fits(&world).await;
}
