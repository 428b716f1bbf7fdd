//! Versions: the list, each one whole, and the one of an instant.

use kalends_testkit::World;
use serde_json::json;

use super::super::given::{calendar, choir, event, fits, only_error, share};

#[tokio::test]
async fn every_change_is_in_the_history_with_who_when_and_why() {
    let world = World::new().await;
    let (alice, bob) = (world.alice().await, world.bob().await);
    let club = calendar(&alice, &json!({"name": "Club"})).await;
    share(&alice, &format!("calendars/{club}"), &bob, "editor").await;
    let mut body = choir();
    body["calendar_id"] = club.into();
    body["state"] = "draft".into();
    let path = format!("/api/v1/events/{}", event(&alice, &body).await.id());
    world.advance(60);
    let change = json!({"location": "Aula", "reminders": [60], "comment": "the church is cold"});
    bob.patch(&path).json(&change).expect(200).await;
    alice.post(&format!("{path}/state")).json(&json!({"state": "published"})).expect(200).await;
    bob.patch(&format!("{path}/instances/20270329T193000")).json(&json!({"title": "Easter"})).expect(200).await;
    alice.delete(&path).expect(204).await;
    alice.post(&format!("{path}/restore")).expect(200).await;

    let history = alice.get(&format!("{path}/history")).expect(200).await;
    let told: Vec<_> = history
        .items()
        .iter()
        .map(|one| json!([one["version"], one["operation"], one["actor"]["name"], one["comment"], one["changed"]]))
        .collect();
    assert_eq!(
        json!(told),
        json!([
            [6, "restore", "Alice", null, ["deleted_at"]],
            [5, "delete", "Alice", null, ["deleted_at"]],
            [4, "instance", "Bob", null, ["overrides"]],
            [3, "state", "Alice", null, ["state"]],
            [2, "update", "Bob", "the church is cold", ["location", "reminders"]],
            [1, "create", "Alice", null, history.items()[5]["changed"]],
        ])
    );
    let first = &history.items()[5];
    assert!(first["changed"].as_array().is_some_and(|all| all.contains(&json!("title"))), "{first}");
    assert_eq!((&first["at"], &first["door"]), (&json!("2027-01-15T10:00:00Z"), &json!("rest")));
    assert_eq!(history.items()[4]["at"], "2027-01-15T10:01:00Z");
    assert_eq!(history.items()[4]["actor"]["id"], bob.id.as_str());
    fits(&world).await;
}

#[tokio::test]
async fn a_long_history_comes_in_pages_newest_first() {
    let world = World::new().await;
    let alice = world.alice().await;
    let path = format!("/api/v1/events/{}", event(&alice, &choir()).await.id());
    for n in 2..=11 {
        alice.patch(&path).json(&json!({"title": format!("Choir {n}")})).expect(200).await;
    }
    let (mut cursor, mut seen) = (String::new(), Vec::new());
    loop {
        let page = alice.get(&format!("{path}/history?limit=4{cursor}")).expect(200).await;
        seen.extend(page.items().iter().map(|one| one["version"].as_i64().expect("a number")));
        // What is new comes before the pages that are still to be read.
        alice.patch(&path).json(&json!({"title": format!("Choir, then {}", seen.len())})).expect(200).await;
        match page.json["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(seen, (1..=11).rev().collect::<Vec<i64>>());
    for (query, error) in [
        ("limit=0", ("?limit", "out-of-range")),
        ("limit=501", ("?limit", "out-of-range")),
        ("cursor=x", ("?cursor", "bad-cursor")),
        ("before=3", ("?before", "unknown-parameter")),
    ] {
        let refused = alice.get(&format!("{path}/history?{query}")).send().await.expect_problem("invalid");
        assert_eq!(only_error(&refused), (error.0.to_owned(), error.1.to_owned()));
    }
    // A cursor belongs to its list.
    let page = alice.get(&format!("{path}/history?limit=1")).expect(200).await;
    let cursor = page.str("/next_cursor");
    alice.get(&format!("{path}/changelog?cursor={cursor}")).send().await.expect_problem("invalid");
}

#[tokio::test]
async fn a_version_is_the_whole_event_as_it_was() {
    let world = World::new().await;
    let alice = world.alice().await;
    let first = event(&alice, &choir()).await;
    let path = format!("/api/v1/events/{}", first.id());
    world.advance(60);
    let second = alice.patch(&path).json(&json!({"start": "2027-03-22T20:00:00", "meta": {"x": 1}})).expect(200).await;
    let third =
        alice.patch(&path).json(&json!({"recurrence": null, "all_day": null, "title": "Once"})).expect(200).await;
    for (number, then) in [(1, &first), (2, &second), (3, &third)] {
        let version = alice.get(&format!("{path}/history/{number}")).expect(200).await;
        assert_eq!(version.json, then.json, "version {number} is what the answer was");
        assert_eq!(version.etag(), then.etag());
        let again = alice.get(&format!("{path}/history/{number}")).header("if-none-match", &version.etag());
        again.expect(304).await;
    }
    for number in ["0", "4", "-1", "x", "9223372036854775808", "1.0"] {
        alice.get(&format!("{path}/history/{number}")).send().await.expect_problem("not-found");
    }
}

#[tokio::test]
async fn an_event_can_be_seen_as_it_was_at_any_instant() {
    let world = World::new().await;
    let (alice, bob) = (world.alice().await, world.bob().await);
    world.advance(60);
    let made = event(&alice, &choir()).await;
    share(&alice, &format!("events/{}", made.id()), &bob, "editor").await;
    let path = format!("/api/v1/events/{}", made.id());
    world.advance(60);
    alice.patch(&path).json(&json!({"title": "Two"})).expect(200).await;
    // Of two changes at one instant it is the later one.
    alice.patch(&path).json(&json!({"title": "Three"})).expect(200).await;
    world.advance(60);
    alice.delete(&path).expect(204).await;
    world.advance(60);
    alice.post(&format!("{path}/restore")).expect(200).await;
    for (at, title) in [
        ("2027-01-15T10:01:00Z", "Choir"),
        ("2027-01-15T11:01:59.999%2B01:00", "Choir"),
        ("2027-01-15T10:02:00Z", "Three"),
        ("2027-01-15T10:04:00Z", "Three"),
        ("2099-01-01T00:00:00Z", "Three"),
    ] {
        for person in [&alice, &bob] {
            assert_eq!(person.get(&format!("{path}?at={at}")).expect(200).await.str("/title"), title, "{at}");
        }
    }
    let before = alice.get(&format!("{path}?at=2027-01-15T10:00:59Z")).send().await;
    before.expect_problem("not-found");
    // While it was in the trash, it was its owners'.
    bob.get(&format!("{path}?at=2027-01-15T10:03:30Z")).send().await.expect_problem("not-found");
    let deleted = alice.get(&format!("{path}?at=2027-01-15T10:03:30Z")).expect(200).await;
    assert_eq!((deleted.str("/title"), deleted.str("/deleted_at")), ("Three", "2027-01-15T10:03:00Z"));
    for at in ["yesterday", "2027-01-15", "2027-01-15T10:00:00"] {
        let refused = alice.get(&format!("{path}?at={at}")).send().await.expect_problem("invalid");
        assert_eq!(only_error(&refused), ("?at".to_owned(), "not-an-instant".to_owned()));
    }
    world.anonymous().get(&format!("{path}?at=2027-01-15T10:02:00Z")).send().await.expect_problem("sign-in-needed");
}

#[tokio::test]
async fn who_only_views_a_calendar_sees_of_the_past_what_viewers_could_see_then() {
    let world = World::new().await;
    let (alice, bob, carol) = (world.alice().await, world.bob().await, world.carol().await);
    let club = calendar(&alice, &json!({"name": "Club"})).await;
    let private = calendar(&alice, &json!({"name": "Private"})).await;
    share(&alice, &format!("calendars/{club}"), &carol, "viewer").await;
    share(&alice, &format!("calendars/{club}"), &bob, "editor").await;
    let body = json!({"title": "Secret one", "start": "2027-05-03T12:00:00", "calendar_id": private});
    let path = format!("/api/v1/events/{}", event(&alice, &body).await.id());
    let patch = |body: serde_json::Value| alice.patch(&path).json(&body).expect(200);
    world.advance(1);
    patch(json!({"title": "Secret two", "visibility": "confidential", "calendar_id": club})).await; // 2
    patch(json!({"title": "Secret three", "visibility": "private"})).await; // 3
    patch(json!({"title": "Open four", "visibility": "public"})).await; // 4
    world.advance(1);
    alice.post(&format!("{path}/state")).json(&json!({"state": "draft"})).expect(200).await; // 5
    patch(json!({"title": "Secret six", "comment": "Secret comment"})).await; // 6
    patch(json!({"title": "Open seven"})).await; // 7
    alice.post(&format!("{path}/state")).json(&json!({"state": "published"})).expect(200).await; // 8
    let versions = |reply: &kalends_testkit::Reply| -> Vec<i64> {
        reply.items().iter().filter_map(|one| one["version"].as_i64()).collect()
    };
    let all: Vec<i64> = (1..=8).rev().collect();
    assert_eq!(versions(&alice.get(&format!("{path}/history")).expect(200).await), all);
    assert_eq!(versions(&bob.get(&format!("{path}/history")).expect(200).await), all, "an editor works on it");
    let seen = carol.get(&format!("{path}/history?limit=1")).expect(200).await;
    let rest = carol.get(&format!("{path}/history?limit=1&cursor={}", seen.str("/next_cursor"))).expect(200).await;
    assert_eq!((versions(&seen), versions(&rest)), (vec![8], vec![4]));
    assert_eq!(rest.json["next_cursor"], json!(null));
    let story = carol.get(&format!("{path}/changelog")).expect(200).await;
    assert_eq!(versions(&story), [4, 8]);
    assert_eq!(story.items()[1]["diff"]["changes"]["title"], json!({"from": "Open four", "to": "Open seven"}));
    let mut told = format!("{}{}{}", seen.text, rest.text, story.text);
    for number in 1..=8 {
        let reply = carol.get(&format!("{path}/history/{number}")).send().await;
        told.push_str(&reply.text);
        if [4, 8].contains(&number) {
            reply.expect(200)
        } else {
            reply.expect_problem("not-found")
        };
        let reply = carol.get(&format!("{path}/diff/{number}/8")).send().await;
        told.push_str(&reply.text);
        assert_eq!(reply.status.as_u16(), if [4, 8].contains(&number) { 200 } else { 404 });
    }
    for (at, status) in [("10:00:00", 404), ("10:00:01", 200), ("10:00:02", 200)] {
        let reply = carol.get(&format!("{path}?at=2027-01-15T{at}Z")).expect(status).await;
        told.push_str(&reply.text);
    }
    assert!(!told.contains("Secret"), "{told}");
    // Once it is private, nothing of its past is left for who only views.
    patch(json!({"visibility": "private"})).await;
    for rest in ["/history", "/history/4", "/diff/4/8", "/changelog", "?at=2027-01-15T10:00:01Z"] {
        carol.get(&format!("{path}{rest}")).send().await.expect_problem("forbidden");
    }
    patch(json!({"visibility": "confidential"})).await;
    for rest in ["/history", "/history/4", "/diff/4/8", "/changelog", "?at=2027-01-15T10:00:01Z"] {
        carol.get(&format!("{path}{rest}")).send().await.expect_problem("not-found");
    }
    // Another calendar's viewers do not see what this one's saw.
    patch(json!({"visibility": "public", "calendar_id": private})).await;
    share(&alice, &format!("calendars/{private}"), &carol, "viewer").await;
    assert_eq!(versions(&carol.get(&format!("{path}/history")).expect(200).await), [11, 1]);
    // With whom the event itself is shared, he sees all of it.
    share(&alice, &path.replace("/api/v1/", ""), &carol, "viewer").await;
    assert_eq!(versions(&carol.get(&format!("{path}/history")).expect(200).await).len(), 11);
}
