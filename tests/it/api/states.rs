//! Editorial states: rule 18.

use kalends_testkit::{Person, World};
use serde_json::{Value, json};

use super::given::{calendar, event, fits, only_error, share};

/// A calendar of alice's in which bob edits and carol views.
async fn club(world: &World, review: &str) -> (Person, Person, Person, String) {
    let (alice, bob, carol) = (world.alice().await, world.bob().await, world.carol().await);
    let club = calendar(&alice, &json!({"name": "Club", "review": review})).await;
    share(&alice, &format!("calendars/{club}"), &bob, "editor").await;
    share(&alice, &format!("calendars/{club}"), &carol, "viewer").await;
    (alice, bob, carol, club)
}

fn talk(calendar: &str) -> Value {
    json!({"title": "Talk", "start": "2027-05-03T18:00:00", "calendar_id": calendar})
}

#[tokio::test]
async fn without_review_editors_publish_and_unpublish() {
    let world = World::new().await;
    let (_, bob, carol, club) = club(&world, "none").await;
    let made = event(&bob, &talk(&club)).await;
    assert_eq!(made.str("/state"), "published");
    let path = format!("/api/v1/events/{}", made.id());
    let state = format!("{path}/state");
    bob.post(&state).json(&json!({"state": "draft", "comment": "Not yet"})).expect(200).await;
    carol.get(&path).send().await.expect_problem("not-found");
    for none in ["draft", "review", "refused"] {
        let body = json!({"state": none, "comment": "No"});
        bob.post(&state).json(&body).send().await.expect_problem("wrong-state");
    }
    assert_eq!(bob.post(&state).json(&json!({"state": "published"})).expect(200).await.json["version"], json!(3));
    carol.get(&path).expect(200).await;
    carol.post(&state).json(&json!({"state": "draft"})).send().await.expect_problem("forbidden");
    fits(&world).await;
}

#[tokio::test]
async fn with_review_only_reviewers_publish() {
    let world = World::new().await;
    let (alice, bob, carol, club) = club(&world, "required").await;
    let made = event(&bob, &talk(&club)).await;
    assert_eq!(made.str("/state"), "draft");
    let mut published = talk(&club);
    published["state"] = json!("published");
    bob.post("/api/v1/events").json(&published).send().await.expect_problem("forbidden");
    assert_eq!(event(&alice, &published).await.str("/state"), "published");

    let path = format!("/api/v1/events/{}", made.id());
    let step = |person: &Person, to: &str| {
        person.post(&format!("{path}/state")).json(&json!({"state": to, "comment": "Because"}))
    };
    step(&bob, "published").send().await.expect_problem("forbidden");
    step(&bob, "refused").send().await.expect_problem("wrong-state");
    step(&bob, "review").expect(200).await;
    step(&bob, "published").send().await.expect_problem("forbidden");
    step(&bob, "refused").send().await.expect_problem("forbidden");
    step(&bob, "draft").expect(200).await;
    step(&bob, "review").expect(200).await;
    step(&alice, "refused").expect(200).await;
    step(&alice, "published").send().await.expect_problem("wrong-state");
    carol.get(&path).send().await.expect_problem("not-found");
    step(&bob, "draft").expect(200).await;
    step(&bob, "review").expect(200).await;
    step(&alice, "published").expect(200).await;
    carol.get(&path).expect(200).await;
    step(&bob, "draft").send().await.expect_problem("forbidden");
    step(&alice, "draft").expect(200).await;
    step(&alice, "published").expect(200).await;
    fits(&world).await;
}

#[tokio::test]
async fn what_was_reviewed_is_not_changed_behind_the_reviewers_backs() {
    let world = World::new().await;
    let (alice, bob, _, club) = club(&world, "required").await;
    let mut series = super::given::choir();
    series["calendar_id"] = json!(club);
    let made = event(&bob, &series).await;
    let path = format!("/api/v1/events/{}", made.id());
    bob.patch(&path).json(&json!({"location": "Aula"})).expect(200).await;
    alice.post(&format!("{path}/state")).json(&json!({"state": "published"})).expect(200).await;
    let instance = format!("{path}/instances/20270329T193000");
    for request in [
        bob.patch(&path).json(&json!({"location": "Church"})),
        bob.put(&path).json(&json!({"title": "x", "start": "2027-03-22T19:30:00", "base_version": 3})),
        bob.delete(&path),
        bob.patch(&instance).json(&json!({"location": "Church"})),
        bob.patch(&format!("{instance}?scope=following")).json(&json!({"location": "Church"})),
        bob.patch(&format!("{instance}?scope=all")).json(&json!({"location": "Church"})),
        bob.delete(&instance),
        bob.delete(&format!("{instance}?scope=following")),
        bob.delete(&format!("{instance}?scope=all")),
    ] {
        request.send().await.expect_problem("review-required");
    }
    alice.patch(&path).json(&json!({"location": "Church"})).expect(200).await;
    alice.delete(&path).expect(204).await;
    bob.post(&format!("{path}/restore")).send().await.expect_problem("review-required");
    // Nor can a published event be moved in from elsewhere.
    let own = event(&bob, &json!({"title": "Talk", "start": "2027-05-03T18:00:00"})).await;
    let into = json!({"calendar_id": club});
    bob.patch(&format!("/api/v1/events/{}", own.id())).json(&into).send().await.expect_problem("review-required");
    fits(&world).await;
}

#[tokio::test]
async fn a_refusal_says_why() {
    let world = World::new().await;
    let (alice, bob, _, club) = club(&world, "required").await;
    let made = event(&bob, &talk(&club)).await;
    let path = format!("/api/v1/events/{}/state", made.id());
    bob.post(&path).json(&json!({"state": "review"})).expect(200).await;
    for (body, expected) in [
        (json!({"state": "refused"}), ("/comment", "required")),
        (json!({"state": "refused", "comment": null}), ("/comment", "required")),
        (json!({"state": "refused", "comment": " "}), ("/comment", "empty")),
        (json!({"state": "refused", "comment": "a\u{0}"}), ("/comment", "control-character")),
        (json!({"comment": "x"}), ("/state", "required")),
        (json!({"state": "gone"}), ("/state", "not-a-choice")),
        (json!({"state": "refused", "comment": "x", "reason": "y"}), ("/reason", "unknown-field")),
    ] {
        let refused = alice.post(&path).json(&body).send().await.expect_problem("invalid");
        assert_eq!(only_error(&refused).0, expected.0, "{body}");
        assert_eq!(only_error(&refused).1, expected.1, "{body}");
    }
    alice.post(&path).json(&json!({"state": "refused", "comment": "Too loud"})).expect(200).await;
    fits(&world).await;
}

#[tokio::test]
async fn several_events_take_a_step_together_or_not_at_all() {
    let world = World::new().await;
    let (alice, bob, carol, club) = club(&world, "required").await;
    let mut ids = Vec::new();
    for _ in 0..3 {
        ids.push(event(&bob, &talk(&club)).await.id());
    }
    bob.post("/api/v1/events/state").json(&json!({"ids": ids[..2], "state": "review"})).expect(200).await;
    let strange = "01941f29-7c00-7ccc-8000-3d1c7e9a5b10";
    let mixed = json!({"ids": [ids[0], strange, ids[2], ids[1]], "state": "refused", "comment": "No"});
    let refused = alice.post("/api/v1/events/state").json(&mixed).send().await.expect_problem("wrong-state");
    let problems = refused.json["problems"].as_array().expect("problems");
    let mut which: Vec<(&str, i64)> = problems
        .iter()
        .map(|one| (one["id"].as_str().unwrap_or_default(), one["problem"]["status"].as_i64().unwrap_or(0)))
        .collect();
    which.sort_unstable();
    let mut expected = vec![(strange, 404), (ids[2].as_str(), 409)];
    expected.sort_unstable();
    assert_eq!(which, expected);
    for (id, state) in ids.iter().zip(["review", "review", "draft"]) {
        assert_eq!(bob.get(&format!("/api/v1/events/{id}")).expect(200).await.str("/state"), state);
    }
    let published = alice
        .post("/api/v1/events/state")
        .json(&json!({"ids": [ids[1], ids[0]], "state": "published"}))
        .expect(200)
        .await;
    assert_eq!(published.each("/id"), [ids[1].clone(), ids[0].clone()]);
    assert_eq!(carol.get("/api/v1/events?state=published").expect(200).await.items().len(), 2);
    for (body, pointer) in [
        (json!({"ids": [], "state": "draft"}), "/ids"),
        (json!({"ids": [ids[0], ids[0]], "state": "draft"}), "/ids"),
        (json!({"ids": ["x"], "state": "draft"}), "/ids/0"),
        (json!({"state": "draft"}), "/ids"),
        (json!({"ids": vec![strange; 501], "state": "draft"}), "/ids"),
    ] {
        let refused = alice.post("/api/v1/events/state").json(&body).send().await.expect_problem("invalid");
        assert_eq!(only_error(&refused).0, pointer);
    }
    world.anonymous().post("/api/v1/events/state").json(&json!({"ids": ids, "state": "draft"})).expect(401).await;
    fits(&world).await;
}
