//! Sharing calendars and events: rules 14 and 15.

use kalends_testkit::{Person, Reply, World};
use serde_json::{Value, json};

use super::given::{calendar, event, fits, only_error, share};

#[tokio::test]
async fn a_calendar_is_shared_by_id_and_by_user_name() {
    let world = World::new().await;
    let (alice, bob, carol) = (world.alice().await, world.bob().await, world.carol().await);
    let club = calendar(&alice, &json!({"name": "Club"})).await;
    let path = format!("/api/v1/calendars/{club}");
    let made = event(&alice, &json!({"title": "Picnic", "start": "2027-05-03T12:00:00", "calendar_id": club})).await;
    bob.get(&path).send().await.expect_problem("not-found");
    let users = json!({"users": [{"user_id": bob.id, "role": "editor"}, {"username": "CAROL", "role": "viewer"}]});
    let shared = alice.post(&format!("{path}/share")).json(&users).expect(200).await;
    assert_eq!(shared.each("/username"), ["alice", "bob", "carol"]);
    assert_eq!(shared.each("/role"), ["owner", "editor", "viewer"]);
    assert_eq!(shared.str("/items/1/name"), "Bob");
    assert_eq!(bob.get(&path).expect(200).await.str("/my_role"), "editor");
    bob.patch(&format!("/api/v1/events/{}", made.id())).json(&json!({"location": "Park"})).expect(200).await;
    carol
        .patch(&format!("/api/v1/events/{}", made.id()))
        .json(&json!({"location": "x"}))
        .send()
        .await
        .expect_problem("forbidden");
    let his = event(&bob, &json!({"title": "Bob's", "start": "2027-05-04T12:00:00", "calendar_id": club})).await;
    assert_eq!(his.str("/my_role"), "owner", "who makes an event in a shared calendar owns it");
    // Editors see who else may; only owners share.
    assert_eq!(bob.get(&format!("{path}/permissions")).expect(200).await.items().len(), 3);
    carol.get(&format!("{path}/permissions")).send().await.expect_problem("forbidden");
    bob.post(&format!("{path}/share")).json(&users).send().await.expect_problem("forbidden");
    bob.put(&format!("{path}/permissions/{}", bob.id))
        .json(&json!({"role": "owner"}))
        .send()
        .await
        .expect_problem("forbidden");
    world.anonymous().get(&format!("{path}/permissions")).expect(401).await;
    fits(&world).await;
}

#[tokio::test]
async fn nobody_is_shared_with_when_one_of_them_is_unknown() {
    let world = World::new().await;
    let (alice, bob) = (world.alice().await, world.bob().await);
    let made = event(&alice, &json!({"title": "Picnic", "start": "2027-05-03T12:00:00"})).await;
    let unknown = "01941f29-7c00-7ccc-8000-3d1c7e9a5b10";
    for what in [format!("calendars/{}", alice.calendar), format!("events/{}", made.id())] {
        let path = format!("/api/v1/{what}");
        for (users, pointer, code) in [
            (
                json!([{"user_id": bob.id, "role": "editor"}, {"username": "nobody", "role": "viewer"}]),
                "/users/1",
                "unknown-user",
            ),
            (json!([{"user_id": unknown, "role": "viewer"}]), "/users/0", "unknown-user"),
            (
                json!([{"user_id": bob.id, "role": "editor"}, {"username": "bob", "role": "viewer"}]),
                "/users/1",
                "duplicate",
            ),
            (json!([{"user_id": bob.id}]), "/users/0/role", "required"),
            (json!([{"user_id": bob.id, "role": "boss"}]), "/users/0/role", "not-a-choice"),
            (json!([{"role": "viewer"}]), "/users/0/user_id", "required"),
            (json!([{"user_id": "bob", "role": "viewer"}]), "/users/0/user_id", "not-an-id"),
            (json!([{"user_id": bob.id, "username": "bob", "role": "viewer"}]), "/users/0/username", "contradiction"),
            (json!([{"email": "bob at example.org", "role": "viewer"}]), "/users/0/email", "bad-email"),
            (json!([{"group_id": unknown, "role": "viewer"}]), "/users/0", "unknown-group"),
            (json!([{"group_id": "x", "role": "viewer"}]), "/users/0/group_id", "not-an-id"),
            (
                json!([{"email": "x@example.org", "role": "viewer"}, {"email": "X@example.org", "role": "editor"}]),
                "/users/1",
                "duplicate",
            ),
            (json!([{"username": "a\u{0}b", "role": "viewer"}]), "/users/0/username", "control-character"),
            (json!([]), "/users", "empty"),
            (json!("bob"), "/users", "wrong-type"),
        ] {
            let refused = alice.post(&format!("{path}/share")).json(&json!({"users": users})).send().await;
            let refused = refused.expect_problem("invalid");
            assert_eq!(refused.errors(), [(pointer.to_owned(), code.to_owned())], "{users}");
        }
        bob.get(&path).send().await.expect_problem("not-found");
        alice
            .put(&format!("{path}/permissions/{unknown}"))
            .json(&json!({"role": "viewer"}))
            .send()
            .await
            .expect_problem("not-found");
        alice.delete(&format!("{path}/permissions/{unknown}")).expect(204).await;
    }
    fits(&world).await;
}

#[tokio::test]
async fn a_calendar_always_has_an_owner() {
    let world = World::new().await;
    let (alice, bob, carol) = (world.alice().await, world.bob().await, world.carol().await);
    let club = calendar(&alice, &json!({"name": "Club"})).await;
    let path = format!("/api/v1/calendars/{club}");
    let own = format!("{path}/permissions/{}", alice.id);
    alice.delete(&own).send().await.expect_problem("last-owner");
    alice.put(&own).json(&json!({"role": "editor"})).send().await.expect_problem("last-owner");
    alice
        .post(&format!("{path}/share"))
        .json(&json!({"users": [{"user_id": alice.id, "role": "viewer"}]}))
        .send()
        .await
        .expect_problem("last-owner");
    share(&alice, &format!("calendars/{club}"), &bob, "owner").await;
    share(&alice, &format!("calendars/{club}"), &carol, "owner").await;
    alice.put(&own).json(&json!({"role": "viewer"})).expect(200).await;
    let heir = carol.get(&path).expect(200).await.str("/owner_id").to_owned();
    assert!([&bob.id, &carol.id].contains(&&heir));
    // An owner who comes back takes nothing from the one who has it by now.
    share(&bob, &format!("calendars/{club}"), &alice, "owner").await;
    let other = if heir == bob.id { &carol } else { &bob };
    other.delete(&format!("{path}/permissions/{}", other.id)).expect(204).await;
    assert_eq!(alice.get(&path).expect(200).await.str("/owner_id"), heir);
    other.get(&path).send().await.expect_problem("not-found");
    fits(&world).await;
}

#[tokio::test]
async fn an_event_is_shared_alone_and_left_again() {
    let world = World::new().await;
    let (alice, bob, carol) = (world.alice().await, world.bob().await, world.carol().await);
    let made = event(&alice, &json!({"title": "Picnic", "start": "2027-05-03T12:00:00", "state": "draft"})).await;
    let other = event(&alice, &json!({"title": "Secret", "start": "2027-05-03T12:00:00"})).await;
    let path = format!("/api/v1/events/{}", made.id());
    share(&alice, &format!("events/{}", made.id()), &bob, "editor").await;
    share(&alice, &format!("events/{}", made.id()), &carol, "viewer").await;
    assert_eq!(carol.get(&path).expect(200).await.str("/state"), "draft");
    assert_eq!(bob.get("/api/v1/events").expect(200).await.each("/title"), ["Picnic"]);
    bob.get(&format!("/api/v1/events/{}", other.id())).send().await.expect_problem("not-found");
    bob.get(&format!("/api/v1/calendars/{}", alice.calendar)).send().await.expect_problem("not-found");
    let roles = bob.get(&format!("{path}/permissions")).expect(200).await;
    assert_eq!(roles.each("/username"), ["bob", "carol", "alice"]);
    assert_eq!(roles.json["items"][2]["inherited"], json!(true));
    bob.delete(&format!("{path}/permissions/{}", carol.id)).send().await.expect_problem("forbidden");
    carol.delete(&format!("{path}/permissions/{}", carol.id)).expect(204).await;
    carol.get(&path).send().await.expect_problem("not-found");
    alice.delete(&format!("{path}/permissions/{}", alice.id)).send().await.expect_problem("last-owner");
    assert_eq!(
        alice
            .put(&format!("{path}/permissions/{}", bob.id))
            .json(&json!({"role": "owner"}))
            .expect(200)
            .await
            .str("/role"),
        "owner"
    );
    assert_eq!(bob.get(&path).expect(200).await.str("/my_role"), "owner");
    alice
        .put(&format!("{path}/permissions/{}", bob.id))
        .json(&json!({"role": "boss"}))
        .send()
        .await
        .expect_problem("invalid");
    fits(&world).await;
}

#[tokio::test]
async fn who_loses_a_role_loses_it_at_once() {
    let world = World::new().await;
    let (alice, bob) = (world.alice().await, world.bob().await);
    let club = calendar(&alice, &json!({"name": "Club"})).await;
    let made = event(&alice, &json!({"title": "Picnic", "start": "2027-05-03T12:00:00", "calendar_id": club})).await;
    let path = format!("/api/v1/events/{}", made.id());
    share(&alice, &format!("calendars/{club}"), &bob, "editor").await;
    bob.patch(&path).json(&json!({"location": "Park"})).expect(200).await;
    share(&alice, &format!("calendars/{club}"), &bob, "viewer").await;
    bob.patch(&path).json(&json!({"location": "Hall"})).send().await.expect_problem("forbidden");
    alice.delete(&format!("/api/v1/calendars/{club}/permissions/{}", bob.id)).expect(204).await;
    alice.delete(&format!("/api/v1/calendars/{club}/permissions/{}", bob.id)).expect(204).await;
    bob.get(&path).send().await.expect_problem("not-found");
    assert_eq!(bob.get("/api/v1/events").expect(200).await.items().len(), 0);
    assert_eq!(bob.get("/api/v1/calendars").expect(200).await.items().len(), 1);
    // The stronger of calendar and event counts.
    share(&alice, &format!("calendars/{club}"), &bob, "free_busy").await;
    assert_eq!(bob.get(&path).expect(200).await.json["title"], json!(null));
    share(&alice, &format!("events/{}", made.id()), &bob, "viewer").await;
    assert_eq!(bob.get(&path).expect(200).await.str("/title"), "Picnic");
    fits(&world).await;
}

#[tokio::test]
async fn whoever_shares_an_event_is_told_what_the_others_are_busy_with_as_far_as_they_see_it() {
    let world = World::new().await;
    let (alice, bob, carol) = (world.alice().await, world.bob().await, world.carol().await);
    share(&bob, &format!("calendars/{}", bob.calendar), &alice, "viewer").await;
    let monday = |from: &str, to: &str| json!({"title": format!("From {from}"), "start": format!("2027-03-01T{from}:00"), "end": format!("2027-03-01T{to}:00")});
    let weekly = |mut body: Value| {
        body["recurrence"] = json!(["RRULE:FREQ=WEEKLY"]);
        body
    };
    let lesson = event(&bob, &weekly(monday("10:00", "11:00"))).await.id();
    let mut later = monday("10:30", "12:00");
    (later["start"], later["end"]) = ("2027-03-15T10:30:00".into(), "2027-03-15T12:00:00".into());
    let meeting = event(&alice, &later).await.id();
    let path = format!("/api/v1/events/{meeting}/share");
    let with = |who: &Person, more: Value| {
        let mut body = json!({"users": [{"user_id": who.id, "role": "viewer"}]});
        body.as_object_mut().expect("a body").extend(more.as_object().cloned().unwrap_or_default());
        body
    };
    let titles = |reply: &Reply| -> Vec<Value> {
        reply.json["conflicts"].as_array().into_iter().flatten().map(|one| one["title"].clone()).collect()
    };
    // Under a policy of its own nothing is shared with who is busy.
    let refused = alice.post(&path).json(&with(&bob, json!({"on_conflict": "reject"}))).send().await;
    let refused = refused.expect_problem("conflict");
    assert_eq!(
        refused.json["conflicts"],
        json!([{"event_id": lesson, "title": "From 10:00", "start": "2027-03-15T10:00:00+01:00", "end": "2027-03-15T11:00:00+01:00",
            "original_start": "2027-03-15T10:00:00+01:00", "reason": "user", "reasons": ["user"]}])
    );
    bob.get(&format!("/api/v1/events/{meeting}")).send().await.expect_problem("not-found");
    alice.post(&path).json(&with(&carol, json!({"on_conflict": "reject"}))).expect(200).await;
    // A calendar that says nothing asks nothing; else one is told, and it is shared all the same.
    let quiet = alice.post(&path).json(&with(&bob, json!({}))).expect(200).await;
    assert!(quiet.json.get("conflicts").is_none());
    let warned = alice.post(&path).json(&with(&bob, json!({"on_conflict": "warn"}))).expect(200).await;
    assert_eq!(titles(&warned), ["From 10:00"]);
    assert_eq!(warned.str("/checked_until"), "2037-01-15T10:00:00Z");
    for policy in ["warn", "reject"] {
        let of = format!("/api/v1/calendars/{}", alice.calendar);
        alice.patch(&of).json(&json!({"conflicts": policy})).expect(200).await;
        assert_eq!(
            titles(&alice.post(&path).json(&with(&bob, json!({}))).expect(200).await),
            ["From 10:00"],
            "{policy}"
        );
    }
    let silent = alice.post(&path).json(&with(&bob, json!({"on_conflict": "ignore"}))).expect(200).await;
    assert!(silent.json.get("conflicts").is_none());
    // What is shared takes nobody's time, and of others one is told what one may see.
    let own = event(&carol, &monday("10:15", "10:45")).await.id();
    let to_bob = with(&bob, json!({"on_conflict": "reject"}));
    carol.post(&format!("/api/v1/events/{own}/share")).json(&to_bob).expect(200).await;
    share(&bob, &format!("calendars/{}", bob.calendar), &carol, "free_busy").await;
    let hidden =
        carol.post(&format!("/api/v1/events/{own}/share")).json(&to_bob).send().await.expect_problem("conflict");
    assert_eq!(titles(&hidden), [Value::Null]);
    // A draft takes no time.
    let draft = event(
        &carol,
        &json!({"title": "Perhaps", "start": "2027-03-01T10:00:00", "end": "2027-03-01T11:00:00", "state": "draft"}),
    )
    .await;
    carol.post(&format!("/api/v1/events/{}/share", draft.id())).json(&to_bob).expect(200).await;
    let wrong = carol.post(&format!("/api/v1/events/{own}/share")).json(&with(&bob, json!({"on_conflict": "never"})));
    assert_eq!(only_error(&wrong.send().await.expect_problem("invalid")).0, "/on_conflict");
    let club = calendar(&carol, &json!({"name": "Club"})).await;
    let of_calendar = carol.post(&format!("/api/v1/calendars/{club}/share")).json(&to_bob).send().await;
    assert_eq!(only_error(&of_calendar.expect_problem("invalid")).1, "unknown-field");
    fits(&world).await;
}
