//! Who sees what of an event: rules 14 to 16.

use kalends_testkit::{Person, World};
use serde_json::{Value, json};

use super::super::given::{calendar, event, fits, share};

const SECRETS: [&str; 5] = ["Diagnosis", "hospital", "doctor", "ward nine", "x-secret"];

fn secret(calendar: &str) -> Value {
    json!({
        "title": "Diagnosis", "description": "by the doctor", "location": "hospital", "url": "https://example.org/hospital", "categories": ["doctor"],
        "start": "2027-05-03T12:00:00", "end": "2027-05-03T13:00:00", "calendar_id": calendar, "recurrence": ["RRULE:FREQ=DAILY;COUNT=3"],
        "overrides": [{"original_start": "2027-05-04T12:00:00", "title": "ward nine", "start": "2027-05-04T15:00:00", "meta": {"x": "x-secret"}}],
        "meta": {"x": "x-secret"}, "uid": "hospital@example.org",
    })
}

/// Every way to read the event, and what they all say.
async fn everything(person: &Person, id: &str) -> String {
    let mut said = String::new();
    for path in [
        format!("/api/v1/events/{id}"),
        format!("/api/v1/events/{id}/instances"),
        format!("/api/v1/events/{id}/instances/20270504T120000"),
        "/api/v1/events".to_owned(),
        "/api/v1/events?from=2027-05-01T00:00:00Z&to=2027-06-01T00:00:00Z&expand=true".to_owned(),
        format!("/api/v1/events?ids={id}"),
    ] {
        said.push_str(&person.get(&path).expect(200).await.text);
    }
    for (method, path, body) in [
        ("PATCH", format!("/api/v1/events/{id}"), json!({"title": "x"})),
        (
            "PUT",
            format!("/api/v1/events/{id}"),
            json!({"title": "x", "start": "2027-05-03T12:00:00", "base_version": 1}),
        ),
        ("DELETE", format!("/api/v1/events/{id}"), json!({})),
        ("PATCH", format!("/api/v1/events/{id}/instances/20270504T120000"), json!({"title": "x"})),
        ("POST", format!("/api/v1/events/{id}/clone"), json!({})),
        ("POST", format!("/api/v1/events/{id}/state"), json!({"state": "draft"})),
        ("POST", format!("/api/v1/events/{id}/share"), json!({"users": [{"user_id": person.id, "role": "owner"}]})),
    ] {
        let method = kalends_testkit::Method::from_bytes(method.as_bytes()).expect("a method");
        let reply = person.request(method, &path).header("if-match", "\"7\"").json(&body).send().await;
        said.push_str(&reply.expect_problem("forbidden").text);
    }
    said
}

#[tokio::test]
async fn who_may_only_know_when_people_are_busy_never_reads_a_title() {
    let world = World::new().await;
    let (alice, bob, carol) = (world.alice().await, world.bob().await, world.carol().await);
    let own = calendar(&alice, &json!({"name": "Private"})).await;
    let made = event(&alice, &secret(&own)).await;
    share(&alice, &format!("calendars/{own}"), &bob, "free_busy").await;
    share(&alice, &format!("events/{}", made.id()), &carol, "free_busy").await;
    for person in [&bob, &carol] {
        let said = everything(person, &made.id()).await;
        for word in SECRETS {
            assert!(!said.contains(word), "{} reads {word}: {said}", person.name);
        }
        let seen = person.get(&format!("/api/v1/events/{}", made.id())).expect(200).await;
        assert_eq!(seen.json["title"], json!(null));
        assert_eq!((seen.str("/start"), seen.str("/my_role")), ("2027-05-03T12:00:00+02:00", "free_busy"));
        for question in [
            "category=doctor",
            "sort=title",
            "sort=-title",
            "category=doctor&expand=true&from=2027-05-01T00:00:00Z&to=2027-06-01T00:00:00Z",
        ] {
            let list = person.get(&format!("/api/v1/events?{question}")).expect(200).await;
            assert_eq!(list.items().len(), 0, "{question}");
        }
    }
    fits(&world).await;
}

#[tokio::test]
async fn private_events_are_times_to_viewers_and_confidential_ones_are_nothing() {
    let world = World::new().await;
    let (alice, bob, carol) = (world.alice().await, world.bob().await, world.carol().await);
    let club = calendar(&alice, &json!({"name": "Club", "visibility": "public"})).await;
    share(&alice, &format!("calendars/{club}"), &bob, "editor").await;
    share(&alice, &format!("calendars/{club}"), &carol, "viewer").await;
    let mut paths = Vec::new();
    for (visibility, start) in
        [("public", "2027-05-03T12:00:00"), ("private", "2027-05-03T13:00:00"), ("confidential", "2027-05-03T14:00:00")]
    {
        let body = json!({"title": visibility, "start": start, "calendar_id": club, "visibility": visibility});
        paths.push(format!("/api/v1/events/{}", event(&alice, &body).await.id()));
    }
    let titles = |list: kalends_testkit::Reply| list.each("/title");
    assert_eq!(titles(bob.get("/api/v1/events").expect(200).await), ["public", "private", "confidential"]);
    assert_eq!(titles(carol.get("/api/v1/events").expect(200).await), ["public", "(none)"]);
    assert_eq!(titles(world.anonymous().get("/api/v1/events").expect(200).await), ["public"]);
    assert_eq!(carol.get(&paths[1]).expect(200).await.json["title"], json!(null));
    carol.get(&paths[2]).send().await.expect_problem("not-found");
    world.anonymous().get(&paths[1]).send().await.expect_problem("not-found");
    // Whom the single event is shared with sees it whole.
    let id = paths[2].rsplit('/').next().unwrap_or_default();
    share(&alice, &format!("events/{id}"), &carol, "viewer").await;
    assert_eq!(carol.get(&paths[2]).expect(200).await.str("/title"), "confidential");
}

#[tokio::test]
async fn what_may_be_seen_alone_is_in_the_list_too() {
    let world = World::new().await;
    let (alice, carol) = (world.alice().await, world.carol().await);
    for visibility in ["public", "private", "confidential"] {
        let made =
            event(&alice, &json!({"title": "x", "start": "2027-05-03T12:00:00", "visibility": visibility})).await;
        share(&alice, &format!("events/{}", made.id()), &carol, "free_busy").await;
        let alone = carol.get(&format!("/api/v1/events/{}", made.id())).send().await.status.is_success();
        let list = carol.get(&format!("/api/v1/events?ids={}&include=total", made.id())).expect(200).await;
        assert_eq!(!list.items().is_empty(), alone, "{visibility}");
        assert_eq!(list.json["total"], json!(i64::from(alone)), "{visibility}");
    }
}

#[tokio::test]
async fn anonymous_people_see_the_minimum_of_what_is_public() {
    let world = World::new().await;
    let (alice, mallory) = (world.alice().await, world.mallory().await);
    let open = calendar(&alice, &json!({"name": "Concerts", "visibility": "public"})).await;
    let body = json!({
        "title": "Concert", "start": "2027-05-03T20:00:00", "calendar_id": open, "meta": {"internal": "note"}, "reminders": [15],
        "audience": {"kind": "all", "user_ids": [mallory.id]},
    });
    let made = event(&alice, &body).await;
    let path = format!("/api/v1/events/{}", made.id());
    let seen = world.anonymous().get(&path).expect(200).await;
    assert_eq!(seen.str("/title"), "Concert");
    for (field, value) in
        [("author_id", json!(null)), ("my_role", json!(null)), ("meta", json!({})), ("reminders", json!([]))]
    {
        assert_eq!(seen.json[field], value, "{field}");
    }
    assert_eq!(seen.json["audience"]["user_ids"], json!([]));
    assert!(!seen.text.contains(&mallory.id), "{}", seen.text);
    let draft =
        event(&alice, &json!({"title": "Plan", "start": "2027-05-03T20:00:00", "calendar_id": open, "state": "draft"}))
            .await;
    for person in [world.anonymous(), mallory.clone()] {
        person.get(&format!("/api/v1/events/{}", draft.id())).send().await.expect_problem("not-found");
        assert_eq!(person.get("/api/v1/events").expect(200).await.each("/title"), ["Concert"]);
    }
    world.anonymous().patch(&path).json(&json!({"title": "x"})).expect(401).await;
    world.anonymous().post("/api/v1/events").json(&json!({})).expect(401).await;
    mallory.patch(&path).json(&json!({"title": "x"})).send().await.expect_problem("forbidden");
    let private = event(&alice, &json!({"title": "Mine", "start": "2027-05-03T20:00:00"})).await;
    for person in [world.anonymous(), mallory] {
        person.get(&format!("/api/v1/events/{}", private.id())).send().await.expect_problem("not-found");
        person.get(&format!("/api/v1/events/{}/instances", private.id())).send().await.expect_problem("not-found");
    }
}

#[tokio::test]
async fn an_answer_that_is_known_already_is_not_sent_again() {
    let world = World::new().await;
    let (alice, carol) = (world.alice().await, world.carol().await);
    let open = calendar(&alice, &json!({"name": "Concerts", "visibility": "public"})).await;
    let made = event(&alice, &json!({"title": "Concert", "start": "2027-05-03T20:00:00", "calendar_id": open})).await;
    let path = format!("/api/v1/events/{}", made.id());
    let first = carol.get(&path).expect(200).await;
    assert_eq!(first.header("cache-control").map(|value| value.contains("private")), Some(true));
    let again = carol.get(&path).header("if-none-match", &first.etag()).expect(304).await;
    assert_eq!((again.text.as_str(), again.etag()), ("", first.etag()));
    carol.get(&path).header("if-none-match", &format!("\"x\", W/{}", first.etag())).expect(304).await;
    carol.get(&path).header("if-none-match", &made.etag()).expect(200).await;
    world.anonymous().get(&path).header("if-none-match", &first.etag()).expect(200).await;
    // Another role, another answer; another version, too.
    share(&alice, &format!("events/{}", made.id()), &carol, "editor").await;
    let as_editor = carol.get(&path).header("if-none-match", &first.etag()).expect(200).await;
    alice.patch(&path).json(&json!({"location": "Church"})).expect(200).await;
    carol.get(&path).header("if-none-match", &as_editor.etag()).expect(200).await;
    let calendar = format!("/api/v1/calendars/{open}");
    let seen = carol.get(&calendar).expect(200).await;
    carol.get(&calendar).header("if-none-match", &seen.etag()).expect(304).await;
    let public = world.anonymous().get(&path).expect(200).await;
    assert!(!public.header("cache-control").unwrap_or_default().contains("private"), "{:?}", public.headers);
}
