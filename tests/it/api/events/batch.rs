//! `POST /events/batch`: many changes in one request.

use kalends_testkit::{Person, Reply, World};
use serde_json::{Value, json};

use crate::api::given::{calendar, event, fits, share};

fn lesson(title: &str) -> Value {
    json!({"title": title, "start": "2027-03-01T09:00:00", "end": "2027-03-01T10:00:00", "time_zone": "Europe/Zurich"})
}

async fn batch(person: &Person, mode: &str, operations: &Value) -> Reply {
    person.post("/api/v1/events/batch").json(&json!({"mode": mode, "operations": operations})).send().await
}

fn statuses(reply: &Reply) -> Vec<i64> {
    reply.json["results"]
        .as_array()
        .expect("results")
        .iter()
        .map(|result| result["status"].as_i64().expect("a status"))
        .collect()
}

async fn titles(person: &Person) -> Vec<String> {
    let mut titles = person.get("/api/v1/events?limit=500").expect(200).await.each("/title");
    titles.sort();
    titles
}

#[tokio::test]
async fn a_batch_makes_changes_and_deletes_as_single_requests_would() {
    let world = World::new().await;
    let alice = world.alice().await;
    let (old, gone) = (event(&alice, &lesson("Old")).await, event(&alice, &lesson("Gone")).await);
    let operations = json!([
        {"op": "create", "event": lesson("New")},
        {"op": "update", "id": old.id(), "if_match": old.etag(), "event": {"title": "Renamed", "comment": "in a batch"}},
        {"op": "update", "id": old.id(), "if_match": 2, "event": {"location": "Hall"}},
        {"op": "delete", "id": gone.id()},
    ]);
    let done = batch(&alice, "atomic", &operations).await.expect(200);
    assert_eq!(statuses(&done), [201, 200, 200, 204]);
    assert_eq!(done.str("/results/0/event/title"), "New");
    assert_eq!(done.str("/results/2/event/location"), "Hall");
    assert_eq!(done.json["results"][2]["event"]["version"], 3);
    assert_eq!(done.json["results"][3], json!({"status": 204}));
    let shown = alice.get(&format!("/api/v1/events/{}", old.id())).expect(200).await;
    assert_eq!(shown.json, done.json["results"][2]["event"]);
    assert_eq!(titles(&alice).await, ["New", "Renamed"]);
    fits(&world).await;
}

#[tokio::test]
async fn an_atomic_batch_is_done_whole_or_not_at_all() {
    let world = World::new().await;
    let (alice, bob) = (world.alice().await, world.bob().await);
    let hers = event(&alice, &lesson("Hers")).await;
    let club = calendar(&alice, &json!({"name": "Club"})).await;
    share(&alice, &format!("calendars/{club}"), &bob, "viewer").await;
    let seen = event(&alice, &json!({"title": "Seen", "start": "2027-03-01T09:00:00", "calendar_id": club})).await;
    let twin = json!({"title": "Twin", "start": "2027-03-01T09:00:00", "uid": "twin@example.org"});
    let first = json!({"op": "create", "event": twin});
    for (last, slug, pointers) in [
        (json!({"op": "delete", "id": hers.id()}), "not-found", vec![]),
        (json!({"op": "delete", "id": seen.id()}), "forbidden", vec![]),
        (json!({"op": "update", "id": seen.id(), "event": {"title": "x"}}), "forbidden", vec![]),
        (json!({"op": "create", "event": twin}), "uid-taken", vec![]),
        (
            json!({"op": "create", "event": {"title": "", "start": "x"}}),
            "invalid",
            vec!["/operations/1/event/start", "/operations/1/event/title"],
        ),
        (
            json!({"op": "create", "event": {"title": "x", "start": "x", "uid": 7}}),
            "invalid",
            vec!["/operations/1/event/start", "/operations/1/event/uid"],
        ),
        (json!({"op": "update"}), "invalid", vec!["/operations/1/event", "/operations/1/id"]),
        (json!({"op": "delete", "id": 7, "x": 1}), "invalid", vec!["/operations/1/id", "/operations/1/x"]),
    ] {
        let refused = batch(&bob, "atomic", &json!([first, last])).await.expect_problem(slug);
        assert_eq!(refused.json["index"], 1, "{last}");
        let told: Vec<String> = refused.errors().into_iter().map(|(pointer, _)| pointer).collect();
        assert_eq!(told, pointers, "{last}");
        assert_eq!(titles(&bob).await, ["Seen"], "nothing of it is left after {last}");
    }
    let stale = json!([{"op": "update", "id": hers.id(), "if_match": "\"7-0\"", "event": {"title": "x"}}]);
    let refused = batch(&alice, "atomic", &stale).await.expect_problem("precondition-failed");
    assert_eq!(refused.json["current"]["title"], "Hers");
    // What cannot be read is told of all operations at once.
    let several = json!([{"op": "create"}, first, {"op": "fly"}]);
    let refused = batch(&bob, "atomic", &several).await.expect_problem("invalid");
    assert_eq!(refused.json["index"], 0);
    assert_eq!(refused.errors().len(), 2);
    fits(&world).await;
}

#[tokio::test]
async fn in_a_batch_of_each_what_fails_leaves_nothing_and_the_others_are_done() {
    let world = World::new().await;
    let alice = world.alice().await;
    let twin = json!({"title": "Twin", "start": "2027-03-01T09:00:00", "uid": "twin@example.org"});
    let old = event(&alice, &lesson("Old")).await;
    let operations = json!([
        {"op": "create", "event": twin},
        {"op": "create", "event": twin},
        {"op": "create", "event": {"title": "No start"}},
        "nonsense",
        {"op": "update", "id": "01941f29-7c00-7ccc-8000-3d1c7e9a5b10", "event": {"title": "x"}},
        {"op": "update", "id": old.id(), "if_match": "\"9-0\"", "event": {"title": "x"}},
        {"op": "update", "id": old.id(), "event": {"title": "Renamed"}},
        {"op": "create", "event": lesson("Last")},
    ]);
    let done = batch(&alice, "each", &operations).await.expect(200);
    assert_eq!(statuses(&done), [201, 409, 422, 422, 404, 412, 200, 201]);
    assert_eq!(done.str("/results/1/problem/type"), "/problems/uid-taken");
    assert_eq!(done.str("/results/2/problem/errors/0/pointer"), "/operations/2/event/start");
    assert_eq!(done.str("/results/3/problem/errors/0/pointer"), "/operations/3");
    assert_eq!(done.str("/results/5/problem/current/title"), "Old");
    assert_eq!(titles(&alice).await, ["Last", "Renamed", "Twin"]);
    fits(&world).await;
}

#[tokio::test]
async fn a_batch_has_at_least_one_operation_and_at_most_a_thousand() {
    let world = World::new().await;
    let alice = world.alice().await;
    let refused = batch(&alice, "atomic", &json!([])).await.expect_problem("invalid");
    assert_eq!(refused.errors(), [("/operations".to_owned(), "empty".to_owned())]);
    let refused =
        batch(&alice, "some", &json!([{"op": "create", "event": lesson("x")}])).await.expect_problem("invalid");
    assert_eq!(refused.errors(), [("/mode".to_owned(), "not-a-choice".to_owned())]);
    let long = "x".repeat(1_500);
    let many = |count: usize| -> Value {
        (0..count)
            .map(|n| json!({"op": "create", "event": {"title": format!("Event {n:04}"), "start": "2027-03-01T09:00:00", "description": long}}))
            .collect()
    };
    let refused = batch(&alice, "each", &many(1_001)).await.expect_problem("invalid");
    assert_eq!(refused.errors(), [("/operations".to_owned(), "too-many".to_owned())]);
    let started = std::time::Instant::now();
    let done = batch(&alice, "atomic", &many(1_000)).await.expect(200);
    println!("1,000 events in {:?}", started.elapsed());
    assert_eq!(statuses(&done), vec![201; 1_000]);
    let counted = alice.get("/api/v1/events?limit=1&include=total").expect(200).await;
    assert_eq!(counted.json["total"], 1_000);
    fits(&world).await;
}

#[tokio::test]
async fn a_repeated_batch_with_the_same_key_is_done_once() {
    let world = World::new().await;
    let alice = world.alice().await;
    let body = json!({"operations": [{"op": "create", "event": lesson("Once")}, {"op": "create", "event": lesson("Once too")}]});
    let send = || alice.post("/api/v1/events/batch").header("idempotency-key", "k").json(&body);
    let (first, again) = (send().expect(200).await, send().expect(200).await);
    assert_eq!(first.text, again.text);
    assert_eq!(titles(&alice).await, ["Once", "Once too"]);
}
