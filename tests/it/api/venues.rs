//! Venues.

use kalends_testkit::World;
use serde_json::json;

use super::given::{calendar, event, fits, only_error, share};

#[tokio::test]
async fn a_venue_is_made_changed_and_deleted_by_who_manages_it() {
    let world = World::new().await;
    let (alice, bob, admin) = (world.alice().await, world.bob().await, world.admin().await);
    let made = alice.post("/api/v1/venues").json(&json!({"name": " Aula ", "capacity": 300})).expect(201).await;
    let path = format!("/api/v1/venues/{}", made.id());
    assert_eq!(made.header("location"), Some(path.as_str()));
    let expected = json!({
        "id": made.id(), "name": "Aula", "description": "", "capacity": 300, "time_zone": "Europe/Zurich", "conflicts": "reject",
        "owner_id": alice.id, "may_manage": true, "version": 1, "created_at": "2027-01-15T10:00:00Z", "updated_at": "2027-01-15T10:00:00Z",
    });
    assert_eq!(made.json, expected);
    assert_eq!(alice.patch(&path).json(&made.json).expect(200).await.json, made.json, "what is read can be sent back");
    let seen = bob.get(&path).expect(200).await;
    assert_eq!((&seen.json["name"], &seen.json["may_manage"]), (&json!("Aula"), &json!(false)));
    bob.patch(&path).json(&json!({"name": "Mine"})).send().await.expect_problem("forbidden");
    bob.delete(&path).send().await.expect_problem("forbidden");
    world.anonymous().get(&path).send().await.expect_problem("sign-in-needed");
    let changed = admin.patch(&path).json(&json!({"capacity": null, "conflicts": "warn"})).expect(200).await;
    assert_eq!((&changed.json["capacity"], changed.str("/conflicts")), (&json!(null), "warn"));
    alice
        .patch(&path)
        .header("if-match", &made.etag())
        .json(&json!({"name": "x"}))
        .send()
        .await
        .expect_problem("precondition-failed");
    alice.delete(&path).header("if-match", &made.etag()).send().await.expect_problem("precondition-failed");
    alice.delete(&path).expect(204).await;
    alice.delete(&path).expect(204).await;
    bob.delete(&path).send().await.expect_problem("not-found");
    bob.get(&path).send().await.expect_problem("not-found");
    assert!(bob.get("/api/v1/venues").expect(200).await.items().is_empty());
    fits(&world).await;
}

#[tokio::test]
async fn venues_are_made_by_organisers() {
    let world = World::new().await;
    let (bob, admin) = (world.bob().await, world.admin().await);
    bob.post("/api/v1/venues").json(&json!({"name": "Shed"})).send().await.expect_problem("role-needed");
    admin.post("/api/v1/venues").json(&json!({"name": "Hall"})).expect(201).await;
}

#[tokio::test]
async fn bad_values_are_told_at_once() {
    let world = World::new().await;
    let alice = world.alice().await;
    let body = json!({"capacity": -1, "time_zone": "Mars", "conflicts": "never", "colour": "red"});
    let refused = alice.post("/api/v1/venues").json(&body).send().await.expect_problem("invalid");
    let expected = [
        ("/capacity", "out-of-range"),
        ("/colour", "unknown-field"),
        ("/conflicts", "not-a-choice"),
        ("/name", "required"),
        ("/time_zone", "unknown-time-zone"),
    ];
    assert_eq!(refused.errors(), expected.map(|(pointer, code)| (pointer.to_owned(), code.to_owned())));
}

#[tokio::test]
async fn venues_come_by_name_in_pages() {
    let world = World::new().await;
    let alice = world.alice().await;
    for name in ["Zebra", "Aula", "Mensa", "Aula"] {
        alice.post("/api/v1/venues").json(&json!({"name": name})).expect(201).await;
    }
    let whole = alice.get("/api/v1/venues?include=total").expect(200).await;
    assert_eq!(
        (whole.each("/name"), &whole.json["total"]),
        (vec!["Aula".into(), "Aula".into(), "Mensa".into(), "Zebra".into()], &json!(4))
    );
    let first = alice.get("/api/v1/venues?limit=3").expect(200).await;
    let cursor = first.str("/next_cursor");
    let rest = alice.get(&format!("/api/v1/venues?limit=3&cursor={cursor}")).expect(200).await;
    assert_eq!((rest.each("/name"), &rest.json["next_cursor"]), (vec!["Zebra".to_owned()], &json!(null)));
}

#[tokio::test]
async fn an_event_says_at_which_venue_it_is() {
    let world = World::new().await;
    let (alice, bob, carol) = (world.alice().await, world.bob().await, world.carol().await);
    let aula = alice.post("/api/v1/venues").json(&json!({"name": "Aula"})).expect(201).await.id();
    let other = alice.post("/api/v1/venues").json(&json!({"name": "Mensa"})).expect(201).await.id();
    let choir = calendar(&alice, &json!({"name": "Choir"})).await;
    share(&alice, &format!("calendars/{choir}"), &bob, "viewer").await;
    share(&alice, &format!("calendars/{choir}"), &carol, "free_busy").await;
    let body = json!({"title": "Rehearsal", "start": "2027-03-01T19:30:00", "end": "2027-03-01T21:00:00", "calendar_id": choir, "venue_id": aula,
        "recurrence": ["RRULE:FREQ=WEEKLY;COUNT=5"], "overrides": [{"original_start": "2027-03-08T19:30:00", "venue_id": other}]});
    let made = event(&alice, &body).await;
    assert_eq!(made.str("/venue_id"), aula);
    assert_eq!(made.str("/overrides/0/venue_id"), other);
    let path = format!("/api/v1/events/{}", made.id());
    assert_eq!(bob.get(&format!("{path}/instances/20270308T193000")).expect(200).await.str("/venue_id"), other);
    // Who sees only when people are busy does not learn where, not even by asking for it.
    let busy = carol.get(&path).expect(200).await;
    assert!(busy.json["venue_id"].is_null() && !busy.text.contains(&other), "{}", busy.text);
    let at = format!("/api/v1/events?venue_id={aula}");
    assert_eq!(bob.get(&at).expect(200).await.each("/title"), ["Rehearsal"]);
    assert!(carol.get(&at).expect(200).await.items().is_empty());
    assert!(bob.get(&format!("/api/v1/events?venue_id={}", alice.calendar)).expect(200).await.items().is_empty());
    // What is not there is nowhere to be; what was there may stay.
    for (body, pointer) in [
        (json!({"venue_id": alice.calendar}), "/venue_id"),
        (
            json!({"overrides": [{"original_start": "2027-03-15T19:30:00", "venue_id": alice.id}]}),
            "/overrides/0/venue_id",
        ),
    ] {
        let refused = alice.patch(&path).json(&body).send().await.expect_problem("invalid");
        assert_eq!(only_error(&refused), (pointer.to_owned(), "unknown-venue".to_owned()));
    }
    alice.delete(&format!("/api/v1/venues/{aula}")).expect(204).await;
    let renamed = alice.patch(&path).json(&json!({"title": "Choir"})).expect(200).await;
    assert_eq!(renamed.str("/venue_id"), aula);
    let nowhere = alice.patch(&path).json(&json!({"venue_id": null, "overrides": []})).expect(200).await;
    assert!(nowhere.json["venue_id"].is_null());
    alice.patch(&path).json(&json!({"venue_id": aula})).send().await.expect_problem("invalid");
    fits(&world).await;
}
