//! Giving calendars away, and what becomes of them when somebody's account is deleted.

use kalends_core::ctx::GlobalRole;
use kalends_testkit::World;
use serde_json::json;

use super::given::{calendar, event, fits, share};

#[tokio::test]
async fn a_calendar_is_given_to_somebody_else_and_its_owner_stays_what_they_say() {
    let world = World::new().await;
    let (alice, bob, admin) = (world.alice().await, world.bob().await, world.admin().await);
    let club = calendar(&alice, &json!({"name": "Club"})).await;
    let (path, give) = (format!("/api/v1/calendars/{club}"), format!("/api/v1/calendars/{club}/transfer"));
    let before = alice.get(&path).expect(200).await.etag();
    let given = alice.post(&give).json(&json!({"username": "bob"})).expect(200).await;
    assert_eq!((given.str("/owner_id"), given.str("/my_role")), (bob.id.as_str(), "editor"));
    assert_ne!(given.etag(), before);
    assert_eq!(bob.get(&path).expect(200).await.str("/my_role"), "owner");
    alice.post(&give).json(&json!({"username": "alice"})).send().await.expect_problem("forbidden");
    bob.post(&give).json(&json!({"user_id": alice.id, "keep": "none"})).expect(204).await;
    bob.get(&path).send().await.expect_problem("not-found");
    // To oneself nothing happens; an administrator may give away what is not theirs and has nothing of it.
    alice.post(&give).json(&json!({"username": "alice", "keep": "none"})).expect(200).await;
    admin.post(&give).json(&json!({"username": "bob"})).expect(200).await;
    let roles = bob.get(&format!("{path}/permissions")).expect(200).await;
    assert_eq!(
        (roles.each("/username"), roles.each("/role")),
        (vec!["alice".to_owned(), "bob".to_owned()], vec!["editor".to_owned(), "owner".to_owned()])
    );
    let own = format!("/api/v1/calendars/{}/transfer", alice.calendar);
    alice.post(&own).json(&json!({"username": "bob"})).send().await.expect_problem("default-calendar");
    admin.patch(&format!("/api/v1/users/{}", alice.id)).json(&json!({"disabled": true})).expect(200).await;
    for (body, pointer, code) in [
        (json!({"username": "alice"}), "/user_id", "unknown-user"),
        (json!({"username": "nobody"}), "/user_id", "unknown-user"),
        (json!({}), "/user_id", "required"),
        (json!({"username": "bob", "keep": "all"}), "/keep", "not-a-choice"),
        (json!({"email": "a@example.org"}), "/email", "unknown-field"),
    ] {
        let refused = bob.post(&give).json(&body).send().await.expect_problem("invalid");
        assert!(refused.errors().contains(&(pointer.to_owned(), code.to_owned())), "{body}: {}", refused.text);
    }
    fits(&world).await;
}

#[tokio::test]
async fn the_calendars_of_a_deleted_account_pass_to_others_who_use_them() {
    let world = World::new().await;
    let (alice, bob, carol) = (world.alice().await, world.bob().await, world.carol().await);
    let owned = calendar(&alice, &json!({"name": "Owned by two"})).await;
    let edited = calendar(&alice, &json!({"name": "Edited by bob"})).await;
    let alone = calendar(&alice, &json!({"name": "Alone"})).await;
    share(&alice, &format!("calendars/{owned}"), &bob, "viewer").await;
    share(&alice, &format!("calendars/{owned}"), &carol, "owner").await;
    share(&alice, &format!("calendars/{edited}"), &carol, "viewer").await;
    share(&alice, &format!("calendars/{edited}"), &bob, "editor").await;
    share(&alice, &format!("calendars/{}", alice.calendar), &carol, "owner").await;
    share(&bob, &format!("calendars/{}", bob.calendar), &alice, "editor").await;
    let kept = event(&alice, &json!({"title": "Kept", "start": "2027-05-03T12:00:00"})).await.id();
    let group = alice.post("/api/v1/groups").json(&json!({"name": "Board"})).expect(201).await.id();
    let members = json!({"users": [{"user_id": bob.id}]});
    alice.post(&format!("/api/v1/groups/{group}/members")).json(&members).expect(200).await;
    alice.delete("/api/v1/me").expect(204).await;
    fits(&world).await;
    assert_eq!(carol.get(&format!("/api/v1/calendars/{owned}")).expect(200).await.str("/owner_id"), carol.id);
    let heir = bob.get(&format!("/api/v1/calendars/{edited}")).expect(200).await;
    assert_eq!((heir.str("/owner_id"), heir.str("/my_role")), (bob.id.as_str(), "owner"));
    let first = carol.get(&format!("/api/v1/calendars/{}", alice.calendar)).expect(200).await;
    assert_eq!((first.str("/owner_id"), &first.json["is_default"]), (carol.id.as_str(), &json!(false)));
    assert_eq!(carol.get(&format!("/api/v1/events/{kept}")).expect(200).await.str("/title"), "Kept");
    let admin = world.admin().await;
    admin.get(&format!("/api/v1/calendars/{alone}")).send().await.expect_problem("not-found");
    let roles = bob.get(&format!("/api/v1/calendars/{}/permissions", bob.calendar)).expect(200).await;
    assert_eq!(roles.each("/username"), ["bob"]);
    assert_eq!(bob.get(&format!("/api/v1/groups/{group}")).expect(200).await.str("/my_role"), "owner");
    fits(&world).await;
}

#[tokio::test]
async fn what_others_wrote_into_the_calendar_of_who_left_is_their_own_time_from_then_on() {
    let world = World::new().await;
    let (alice, bob) = (world.alice().await, world.bob().await);
    share(&alice, &format!("calendars/{}", alice.calendar), &bob, "owner").await;
    let picnic = json!({"title": "Picnic", "start": "2027-05-03T12:00:00Z", "end": "2027-05-03T13:00:00Z", "calendar_id": alice.calendar});
    event(&bob, &picnic).await;
    let path = format!("/api/v1/freebusy?user_id={}&from=2027-05-03T00:00:00Z&to=2027-05-04T00:00:00Z", bob.id);
    assert_eq!(bob.get(&path).expect(200).await.json["busy"], json!([]), "it is in hers: her time");
    alice.delete("/api/v1/me").expect(204).await;
    let busy = json!([{"start": "2027-05-03T12:00:00+00:00", "end": "2027-05-03T13:00:00+00:00"}]);
    assert_eq!(bob.get(&path).expect(200).await.json["busy"], busy);
    fits(&world).await;
}

#[tokio::test]
async fn a_shared_calendar_without_another_owner_passes_to_an_administrator_who_can_give_it_on() {
    let world = World::new().await;
    let admin = world.admin().await;
    let (alice, bob) = (world.alice().await, world.bob().await);
    let club = calendar(&alice, &json!({"name": "Club"})).await;
    let open = calendar(&alice, &json!({"name": "Open", "visibility": "internal"})).await;
    share(&alice, &format!("calendars/{club}"), &bob, "editor").await;
    alice.delete("/api/v1/me").expect(204).await;
    fits(&world).await;
    for id in [&club, &open] {
        assert_eq!(bob.get(&format!("/api/v1/calendars/{id}")).expect(200).await.str("/owner_id"), admin.id);
    }
    admin
        .post(&format!("/api/v1/calendars/{club}/transfer"))
        .json(&json!({"username": "bob", "keep": "none"}))
        .expect(200)
        .await;
    assert_eq!(bob.get(&format!("/api/v1/calendars/{club}")).expect(200).await.str("/my_role"), "owner");
    // A disabled owner is none to pass it to.
    let gustav = world.person("gustav", GlobalRole::User).await;
    share(&bob, &format!("calendars/{club}"), &gustav, "owner").await;
    admin.patch(&format!("/api/v1/users/{}", gustav.id)).json(&json!({"disabled": true})).expect(200).await;
    bob.delete("/api/v1/me").expect(204).await;
    assert_eq!(admin.get(&format!("/api/v1/calendars/{club}")).expect(200).await.str("/owner_id"), admin.id);
    fits(&world).await;
}
