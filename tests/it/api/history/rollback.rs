//! One event back to one of its versions.

use kalends_testkit::World;
use serde_json::json;

use super::super::given::{calendar, choir, event, fits, share, starts};
use super::{state_of, version};

#[tokio::test]
async fn a_rollback_is_a_new_version_with_the_whole_old_state() {
    let world = World::new().await;
    let alice = world.alice().await;
    let made = event(&alice, &choir()).await;
    let path = format!("/api/v1/events/{}", made.id());
    let mondays = starts(&alice, &made.id()).await;
    let moved = json!({"start": "2027-03-23T18:00:00", "end": "2027-03-23T19:00:00", "title": "Band", "meta": {"x": 1},
        "recurrence": ["RRULE:FREQ=DAILY;COUNT=2"]});
    alice.patch(&path).json(&moved).expect(200).await;
    alice.delete(&format!("{path}/instances/20270323T180000")).expect(204).await;
    alice.post(&format!("{path}/state")).json(&json!({"state": "draft"})).expect(200).await;
    world.advance(60);
    let comment = json!({"comment": "the old time was better"});
    let back = alice.post(&format!("{path}/rollback/1")).json(&comment).expect(200).await;
    assert_eq!((&back.json["version"], back.str("/updated_at")), (&json!(5), "2027-01-15T10:01:00Z"));
    assert_eq!(state_of(&back.json), state_of(&made.json));
    assert_eq!(back.etag(), alice.get(&path).expect(200).await.etag());
    assert_eq!(starts(&alice, &made.id()).await, mondays);
    let newest = &alice.get(&format!("{path}/history")).expect(200).await.items()[0].clone();
    assert_eq!((&newest["operation"], &newest["comment"]), (&json!("rollback"), &comment["comment"]));
    // What changes nothing is no new version, and forth goes as well as back.
    let again = alice.post(&format!("{path}/rollback/1")).json(&comment).expect(200).await;
    assert_eq!(again.json["version"], 5);
    alice.post(&format!("{path}/rollback/5")).expect(200).await;
    let forth = alice.post(&format!("{path}/rollback/4")).expect(200).await;
    assert_eq!(forth.json["version"], 6);
    assert_eq!(state_of(&forth.json), state_of(&version(&alice, &path, 4).await.json));
    for wrong in ["0", "7", "x"] {
        alice.post(&format!("{path}/rollback/{wrong}")).send().await.expect_problem("not-found");
    }
    fits(&world).await;
}

#[tokio::test]
async fn a_rollback_heeds_what_the_caller_saw_and_is_done_once() {
    let world = World::new().await;
    let alice = world.alice().await;
    let made = event(&alice, &choir()).await;
    let path = format!("/api/v1/events/{}", made.id());
    let second = alice.patch(&path).json(&json!({"title": "Band"})).expect(200).await;
    alice.patch(&path).json(&json!({"title": "Orchestra"})).expect(200).await;
    let stale = alice.post(&format!("{path}/rollback/1")).header("if-match", &second.etag()).send().await;
    let stale = stale.expect_problem("precondition-failed");
    assert_eq!(stale.str("/current/title"), "Orchestra");
    let post = || alice.post(&format!("{path}/rollback/1")).header("idempotency-key", "back").json(&json!({}));
    assert_eq!(post().expect(200).await.json["version"], 4);
    alice.patch(&path).json(&json!({"title": "Quartet"})).expect(200).await;
    assert_eq!(post().expect(200).await.json["version"], 4, "the same answer, and no second effect");
    assert_eq!(alice.get(&path).expect(200).await.str("/title"), "Quartet");
    let current = alice.get(&path).expect(200).await.etag();
    alice.post(&format!("{path}/rollback/2")).header("if-match", &current).expect(200).await;
    for (body, error) in
        [(json!({"comment": ""}), ("/comment", "empty")), (json!({"coment": "x"}), ("/coment", "unknown-field"))]
    {
        let refused = alice.post(&format!("{path}/rollback/1")).json(&body).send().await.expect_problem("invalid");
        assert_eq!(refused.errors(), [(error.0.to_owned(), error.1.to_owned())]);
    }
}

#[tokio::test]
async fn a_deleted_event_comes_back_as_the_version_that_its_owner_chooses() {
    let world = World::new().await;
    let (alice, bob) = (world.alice().await, world.bob().await);
    let made = event(&alice, &choir()).await;
    let path = format!("/api/v1/events/{}", made.id());
    share(&alice, &format!("events/{}", made.id()), &bob, "editor").await;
    alice.patch(&path).json(&json!({"title": "Band"})).expect(200).await;
    alice.delete(&path).expect(204).await;
    bob.post(&format!("{path}/rollback/1")).send().await.expect_problem("not-found");
    let back = alice.post(&format!("{path}/rollback/1")).expect(200).await;
    assert_eq!(state_of(&back.json), state_of(&made.json));
    bob.get(&path).expect(200).await;
    // And to where it was in the trash: as deleting is, for owners.
    bob.post(&format!("{path}/rollback/3")).send().await.expect_problem("forbidden");
    alice.post(&format!("{path}/rollback/3")).expect(200).await;
    bob.get(&path).send().await.expect_problem("not-found");
    assert_eq!(alice.get("/api/v1/events?deleted=true").expect(200).await.each("/title"), ["Band"]);
    fits(&world).await;
}

#[tokio::test]
async fn a_uid_that_another_event_took_since_is_in_the_way() {
    let world = World::new().await;
    let alice = world.alice().await;
    let body = json!({"title": "First", "start": "2027-05-03T12:00:00", "uid": "one@example.org"});
    let path = format!("/api/v1/events/{}", event(&alice, &body).await.id());
    alice.delete(&path).expect(204).await;
    let other = event(&alice, &body).await.id();
    alice.post(&format!("{path}/rollback/1")).send().await.expect_problem("uid-taken");
    alice.delete(&format!("/api/v1/events/{other}")).expect(204).await;
    alice.post(&format!("{path}/rollback/1")).expect(200).await;
    fits(&world).await;
}

#[tokio::test]
async fn a_rollback_goes_only_where_one_could_go_step_by_step() {
    let world = World::new().await;
    let (alice, bob) = (world.alice().await, world.bob().await);
    let school = calendar(&alice, &json!({"name": "School", "review": "required"})).await;
    share(&alice, &format!("calendars/{school}"), &bob, "editor").await;
    let body = json!({"title": "Trip", "start": "2027-05-03T12:00:00", "calendar_id": school});
    let path = format!("/api/v1/events/{}", event(&bob, &body).await.id());
    let step = async |person: &kalends_testkit::Person, state: &str| {
        let body = json!({"state": state, "comment": "so be it"});
        person.post(&format!("{path}/state")).json(&body).expect(200).await;
    };
    step(&bob, "review").await; // 2
    step(&alice, "published").await; // 3
    // Rule 19: what was reviewed is not changed behind the reviewers' backs.
    bob.post(&format!("{path}/rollback/1")).send().await.expect_problem("review-required");
    step(&alice, "draft").await; // 4
    let refused = bob.post(&format!("{path}/rollback/3")).send().await.expect_problem("forbidden");
    assert!(refused.str("/detail").contains("review"), "{}", refused.text);
    assert_eq!(bob.post(&format!("{path}/rollback/2")).expect(200).await.str("/state"), "review");
    assert_eq!(alice.post(&format!("{path}/rollback/3")).expect(200).await.str("/state"), "published");
    // Where there is no review any more, nothing waits for it.
    alice.patch(&format!("/api/v1/calendars/{school}")).json(&json!({"review": "none"})).expect(200).await;
    alice.post(&format!("{path}/rollback/2")).send().await.expect_problem("wrong-state");
    assert_eq!(bob.post(&format!("{path}/rollback/1")).expect(200).await.str("/state"), "draft");
    fits(&world).await;
}

#[tokio::test]
async fn a_rollback_takes_an_event_to_the_calendar_it_was_in_if_one_may_put_it_there() {
    let world = World::new().await;
    let (alice, bob) = (world.alice().await, world.bob().await);
    let (one, two) = (calendar(&alice, &json!({"name": "One"})).await, calendar(&alice, &json!({"name": "Two"})).await);
    share(&alice, &format!("calendars/{two}"), &bob, "owner").await;
    let body = json!({"title": "Trip", "start": "2027-05-03T12:00:00", "calendar_id": one});
    let path = format!("/api/v1/events/{}", event(&alice, &body).await.id());
    alice.patch(&path).json(&json!({"calendar_id": two})).expect(200).await;
    let refused = bob.post(&format!("{path}/rollback/1")).send().await.expect_problem("wrong-state");
    assert!(refused.str("/detail").contains("another calendar"), "{}", refused.text);
    share(&alice, &format!("calendars/{one}"), &bob, "editor").await;
    let moved = bob.post(&format!("{path}/rollback/1")).expect(200).await;
    assert_eq!((moved.str("/calendar_id"), moved.str("/my_role")), (one.as_str(), "owner"));
    alice.post(&format!("{path}/rollback/2")).expect(200).await;
    alice.delete(&format!("/api/v1/calendars/{one}")).expect(204).await;
    alice.post(&format!("{path}/rollback/1")).send().await.expect_problem("wrong-state");
    fits(&world).await;
}

#[tokio::test]
async fn registrations_that_were_open_once_are_opened_again_by_organisers_only() {
    let world = World::new().await;
    let (alice, bob) = (world.alice().await, world.bob().await);
    let body = json!({"title": "Course", "start": "2027-05-03T12:00:00", "registration": {"enabled": true}});
    let id = event(&alice, &body).await.id();
    share(&alice, &format!("events/{id}"), &bob, "editor").await;
    let path = format!("/api/v1/events/{id}");
    bob.patch(&path).json(&json!({"registration": {"enabled": false}})).expect(200).await;
    bob.post(&format!("{path}/rollback/1")).send().await.expect_problem("role-needed");
    assert_eq!(alice.post(&format!("{path}/rollback/1")).expect(200).await.json["registration"]["enabled"], true);
}
