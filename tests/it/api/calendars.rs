//! Calendars.

use kalends_testkit::World;
use serde_json::json;

use super::given::{calendar, event, fits, only_error, share};

#[tokio::test]
async fn everybody_has_a_calendar_that_stays() {
    let world = World::new().await;
    let (alice, bob) = (world.alice().await, world.bob().await);
    let list = alice.get("/api/v1/calendars").expect(200).await;
    assert_eq!(list.each("/id"), std::slice::from_ref(&alice.calendar));
    let own = format!("/api/v1/calendars/{}", alice.calendar);
    let seen = alice.get(&own).expect(200).await;
    assert_eq!(
        (seen.str("/visibility"), seen.str("/my_role"), &seen.json["is_default"]),
        ("private", "owner", &json!(true))
    );
    alice.delete(&own).send().await.expect_problem("default-calendar");
    let made = event(&alice, &json!({"title": "Talk", "start": "2027-05-03T18:00:00"})).await;
    assert_eq!(made.str("/calendar_id"), alice.calendar);
    // It can be shared, but not given away.
    share(&alice, &format!("calendars/{}", alice.calendar), &bob, "owner").await;
    alice.delete(&format!("{own}/permissions/{}", alice.id)).send().await.expect_problem("default-calendar");
    let demote = json!({"role": "viewer"});
    bob.put(&format!("{own}/permissions/{}", alice.id)).json(&demote).send().await.expect_problem("default-calendar");
    event(&alice, &json!({"title": "Talk", "start": "2027-05-03T18:00:00"})).await;
    fits(&world).await;
}

#[tokio::test]
async fn a_calendar_is_made_changed_and_deleted_by_its_owner() {
    let world = World::new().await;
    let alice = world.alice().await;
    let made = alice.post("/api/v1/calendars").json(&json!({"name": " Choir ", "color": "#AABBCC"})).expect(201).await;
    let path = format!("/api/v1/calendars/{}", made.id());
    assert_eq!(made.header("location"), Some(path.as_str()));
    let expected = json!({
        "id": made.id(), "name": "Choir", "description": "", "color": "#aabbcc", "time_zone": "Europe/Zurich", "visibility": "private", "review": "none",
        "conflicts": "ignore", "owner_id": alice.id, "my_role": "owner", "is_default": false, "version": 1, "created_at": "2027-01-15T10:00:00Z",
        "updated_at": "2027-01-15T10:00:00Z",
    });
    assert_eq!(made.json, expected);
    let nothing = alice.patch(&path).json(&made.json).expect(200).await;
    assert_eq!(nothing.json, made.json, "what is read can be sent back");
    let changed = alice
        .patch(&path)
        .header("if-match", &made.etag())
        .json(&json!({"color": null, "conflicts": "warn"}))
        .expect(200)
        .await;
    assert_eq!(
        (&changed.json["color"], changed.str("/conflicts"), &changed.json["version"]),
        (&json!(null), "warn", &json!(2))
    );
    let stale = alice
        .patch(&path)
        .header("if-match", &made.etag())
        .json(&json!({"name": "x"}))
        .send()
        .await
        .expect_problem("precondition-failed");
    assert_eq!(stale.json["current"], changed.json);
    alice.delete(&path).header("if-match", &made.etag()).send().await.expect_problem("precondition-failed");
    alice.delete(&path).expect(204).await;
    alice.delete(&path).expect(204).await;
    alice.get(&path).send().await.expect_problem("not-found");
    let into = json!({"title": "x", "start": "2027-05-03T18:00:00", "calendar_id": made.id()});
    alice.post("/api/v1/events").json(&into).send().await.expect_problem("not-found");
    fits(&world).await;
}

#[tokio::test]
async fn bad_values_are_told_at_once() {
    let world = World::new().await;
    let alice = world.alice().await;
    let body = json!({"color": "red", "time_zone": "Mars", "visibility": "secret", "review": true, "conflicts": "never", "colour": 1, "description": "\u{0}"});
    let refused = alice.post("/api/v1/calendars").json(&body).send().await.expect_problem("invalid");
    let expected = [
        ("/color", "not-a-color"),
        ("/colour", "unknown-field"),
        ("/conflicts", "not-a-choice"),
        ("/description", "control-character"),
        ("/name", "required"),
        ("/review", "wrong-type"),
        ("/time_zone", "unknown-time-zone"),
        ("/visibility", "not-a-choice"),
    ];
    assert_eq!(refused.errors(), expected.map(|(pointer, code)| (pointer.to_owned(), code.to_owned())));
    for name in ["", "   ", "a\u{0}b", "\n", &"x".repeat(201)] {
        let refused =
            alice.post("/api/v1/calendars").json(&json!({"name": name})).send().await.expect_problem("invalid");
        assert_eq!(only_error(&refused).0, "/name");
    }
    assert_eq!(calendar(&alice, &json!({"name": "ü".repeat(200)})).await.len(), 36);
    let refused =
        alice.patch(&format!("/api/v1/calendars/{}", alice.calendar)).json(&json!({"name": null})).send().await;
    assert_eq!(only_error(&refused.expect_problem("invalid")), ("/name".into(), "required".into()));
}

#[tokio::test]
async fn public_calendars_are_made_by_organisers() {
    let world = World::new().await;
    let (alice, bob) = (world.alice().await, world.bob().await);
    bob.post("/api/v1/calendars")
        .json(&json!({"name": "Club", "visibility": "public"}))
        .send()
        .await
        .expect_problem("role-needed");
    let club = calendar(&bob, &json!({"name": "Club"})).await;
    let path = format!("/api/v1/calendars/{club}");
    bob.patch(&path).json(&json!({"visibility": "public"})).send().await.expect_problem("role-needed");
    share(&bob, &format!("calendars/{club}"), &alice, "owner").await;
    alice.patch(&path).json(&json!({"visibility": "public"})).expect(200).await;
    // What is public already may be changed otherwise by any owner.
    bob.patch(&path).json(&json!({"description": "Ours"})).expect(200).await;
    assert_eq!(world.anonymous().get(&path).expect(200).await.json["my_role"], json!(null));
}

#[tokio::test]
async fn who_sees_a_calendar() {
    let world = World::new().await;
    let (alice, mallory, admin) = (world.alice().await, world.mallory().await, world.admin().await);
    let mut paths = Vec::new();
    for visibility in ["private", "internal", "public"] {
        let id = calendar(&alice, &json!({"name": visibility, "visibility": visibility})).await;
        paths.push(format!("/api/v1/calendars/{id}"));
    }
    assert_eq!(world.anonymous().get("/api/v1/calendars?include=total").expect(200).await.each("/name"), ["public"]);
    let hers = mallory.get("/api/v1/calendars").expect(200).await;
    assert_eq!(hers.each("/name").iter().filter(|name| ["internal", "public"].contains(&name.as_str())).count(), 2);
    assert_eq!(hers.items().len(), 3);
    mallory.get(&paths[0]).send().await.expect_problem("not-found");
    mallory.patch(&paths[0]).json(&json!({"name": "x"})).send().await.expect_problem("not-found");
    mallory.patch(&paths[1]).json(&json!({"name": "x"})).send().await.expect_problem("forbidden");
    mallory.delete(&paths[2]).send().await.expect_problem("forbidden");
    mallory
        .post("/api/v1/events")
        .json(&json!({"title": "x", "start": "2027-05-03T18:00:00", "calendar_id": paths[2].rsplit('/').next()}))
        .send()
        .await
        .expect_problem("forbidden");
    world.anonymous().get(&paths[1]).send().await.expect_problem("not-found");
    world.anonymous().patch(&paths[2]).json(&json!({"name": "x"})).expect(401).await;
    assert_eq!(admin.get(&paths[0]).expect(200).await.str("/my_role"), "owner");
}

#[tokio::test]
async fn calendars_come_by_name_in_pages() {
    let world = World::new().await;
    let alice = world.alice().await;
    for name in ["Zebra", "ant", "Äpfel", "Bee", "bee"] {
        calendar(&alice, &json!({"name": name})).await;
    }
    let whole = alice.get("/api/v1/calendars?include=total").expect(200).await;
    assert_eq!(whole.json["total"], json!(6));
    let (mut names, mut question) = (Vec::new(), "?limit=2".to_owned());
    loop {
        let page = alice.get(&format!("/api/v1/calendars{question}")).expect(200).await;
        names.extend(page.each("/name"));
        calendar(&alice, &json!({"name": "A before all"})).await;
        let Some(cursor) = page.json["next_cursor"].as_str() else { break };
        question = format!("?limit=2&cursor={cursor}");
    }
    assert_eq!(names, whole.each("/name"));
    alice.get(&format!("/api/v1/calendars{}", question.replace("limit=2", "limit=3"))).expect(200).await;
    alice.get("/api/v1/calendars?cursor=nonsense").send().await.expect_problem("invalid");
}
