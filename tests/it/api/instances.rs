//! Single instances, this and the following, all: rule 4.

use kalends_testkit::World;
use serde_json::json;

use super::given::{calendar, choir, event, fits, only_error, share, starts};

#[tokio::test]
async fn an_instance_is_found_by_its_original_start_in_any_form() {
    let world = World::new().await;
    let alice = world.alice().await;
    let made = event(&alice, &choir()).await;
    let path = format!("/api/v1/events/{}/instances", made.id());
    for form in ["20270329T193000", "2027-03-29T19:30:00", "2027-03-29T19:30:00%2B02:00", "2027-03-29T17:30:00Z"] {
        let one = alice.get(&format!("{path}/{form}")).expect(200).await;
        assert_eq!(one.str("/original_start"), "2027-03-29T19:30:00+02:00", "{form}");
        assert_eq!((one.str("/series_id"), one.str("/end")), (made.id().as_str(), "2027-03-29T21:00:00+02:00"));
    }
    alice.get(&format!("{path}/20270330T193000")).send().await.expect_problem("not-found");
    alice.get(&format!("{path}/20270503T193000")).send().await.expect_problem("not-found");
    let etag = alice.get(&format!("{path}/20270329T193000")).expect(200).await.etag();
    alice.get(&format!("{path}/20270329T193000")).header("if-none-match", &etag).expect(304).await;
    let days =
        json!({"title": "Fast", "all_day": true, "start": "2027-03-01", "recurrence": ["RRULE:FREQ=DAILY;COUNT=3"]});
    let days = event(&alice, &days).await;
    let one = alice.get(&format!("/api/v1/events/{}/instances/20270302", days.id())).expect(200).await;
    assert_eq!((one.str("/original_start"), one.str("/end")), ("2027-03-02", "2027-03-03"));
}

#[tokio::test]
async fn instances_come_in_pages_however_far_one_goes() {
    let world = World::new().await;
    let alice = world.alice().await;
    let mut body = choir();
    body["recurrence"] = json!(["RRULE:FREQ=DAILY"]);
    body["overrides"] = json!([{"original_start": "2027-03-25T19:30:00", "start": "2027-03-28T10:00:00"}, {"original_start": "2027-03-26T19:30:00", "cancelled": true}]);
    let made = event(&alice, &body).await;
    let path = format!("/api/v1/events/{}/instances", made.id());
    let mut seen = Vec::new();
    let mut question = "?limit=2".to_owned();
    for _ in 0..5 {
        let page = alice.get(&format!("{path}{question}")).expect(200).await;
        assert_eq!(page.items().len(), 2);
        seen.extend(page.each("/start"));
        question = format!("?limit=2&cursor={}", page.str("/next_cursor"));
    }
    assert_eq!(seen, alice.get(&format!("{path}?limit=10")).expect(200).await.each("/start"));
    assert_eq!(seen[3..6], ["2027-03-27T19:30:00+01:00", "2027-03-28T10:00:00+02:00", "2027-03-28T19:30:00+02:00"]);
    let refused =
        alice.get(&format!("{path}{question}&from=2027-04-01T00:00:00Z")).send().await.expect_problem("invalid");
    assert_eq!(refused.errors()[0].0, "?cursor");
    let last = alice.get(&format!("{path}?from=2027-03-22T00:00:00Z&to=2027-03-23T00:00:00Z")).expect(200).await;
    assert_eq!((last.items().len(), &last.json["next_cursor"]), (1, &json!(null)));
}

#[tokio::test]
async fn changing_one_instance_leaves_the_others_alone() {
    let world = World::new().await;
    let alice = world.alice().await;
    let made = event(&alice, &choir()).await;
    let path = format!("/api/v1/events/{}/instances/20270329T193000", made.id());
    let moved =
        alice.patch(&path).json(&json!({"start": "2027-03-29T20:00:00", "location": "Church"})).expect(200).await;
    assert_eq!((moved.str("/start"), moved.str("/end")), ("2027-03-29T20:00:00+02:00", "2027-03-29T21:30:00+02:00"));
    assert_eq!(moved.json["overridden"], json!(true));
    assert_eq!(moved.json["version"], json!(2));
    let again = alice.patch(&path).json(&json!({"title": "Dress rehearsal"})).expect(200).await;
    assert_eq!((again.str("/location"), again.str("/start")), ("Church", "2027-03-29T20:00:00+02:00"));
    let whole = alice.get(&format!("/api/v1/events/{}", made.id())).expect(200).await;
    assert_eq!(whole.str("/title"), "Choir");
    assert_eq!(whole.json["overrides"].as_array().map(Vec::len), Some(1));
    let back = alice
        .patch(&path)
        .json(&json!({"title": null, "location": null, "start": null, "end": null}))
        .expect(200)
        .await;
    assert_eq!(
        (back.str("/title"), back.str("/start"), &back.json["overridden"]),
        ("Choir", "2027-03-29T19:30:00+02:00", &json!(false))
    );
    // With a zone of its own a start still keeps the length.
    let abroad = alice
        .patch(&path)
        .json(&json!({"start": "2027-03-29T09:00:00-04:00", "time_zone": "America/New_York"}))
        .expect(200)
        .await;
    assert_eq!((abroad.str("/start"), abroad.str("/end")), ("2027-03-29T09:00:00-04:00", "2027-03-29T10:30:00-04:00"));
    for (body, expected) in [
        (json!({"recurrence": []}), ("/recurrence", "unknown-field")),
        (json!({"cancelled": "yes"}), ("/cancelled", "wrong-type")),
        (json!({"cancelled": true, "titel": "x"}), ("/titel", "unknown-field")),
        (json!({"end": "2027-03-01T19:30:00"}), ("/end", "before-start")),
    ] {
        let refused = alice.patch(&path).json(&body).send().await.expect_problem("invalid");
        assert_eq!(only_error(&refused), (expected.0.to_owned(), expected.1.to_owned()), "{body}");
    }
    alice.patch(&format!("{path}?scope=some")).json(&json!({})).send().await.expect_problem("invalid");
    fits(&world).await;
}

#[tokio::test]
async fn a_cancelled_instance_is_shown_as_cancelled_and_comes_back_on_request() {
    let world = World::new().await;
    let alice = world.alice().await;
    let made = event(&alice, &choir()).await;
    let path = format!("/api/v1/events/{}/instances/20270329T193000", made.id());
    alice.delete(&path).expect(204).await;
    alice.delete(&path).expect(204).await;
    assert_eq!(alice.get(&path).expect(200).await.str("/status"), "cancelled");
    assert_eq!(starts(&alice, &made.id()).await.len(), 5);
    let whole = alice.get(&format!("/api/v1/events/{}", made.id())).expect(200).await;
    assert_eq!(whole.json["overrides"], json!([{"original_start": "2027-03-29T19:30:00+02:00", "cancelled": true}]));
    assert_eq!(whole.json["version"], json!(2), "cancelling twice is one change");
    alice.patch(&path).json(&json!({"cancelled": false})).expect(200).await;
    assert_eq!(starts(&alice, &made.id()).await.len(), 6);
    alice.patch(&path).json(&json!({"cancelled": true})).expect(200).await;
    assert_eq!(starts(&alice, &made.id()).await.len(), 5);
    fits(&world).await;
}

#[tokio::test]
async fn this_and_following_goes_on_as_a_new_event() {
    let world = World::new().await;
    let (alice, bob, carol) = (world.alice().await, world.bob().await, world.carol().await);
    let mut body = choir();
    body["overrides"] = json!([{"original_start": "2027-03-29T19:30:00", "location": "Church"}, {"original_start": "2027-04-19T19:30:00", "title": "With soloist"}]);
    let made = event(&alice, &body).await;
    share(&alice, &format!("events/{}", made.id()), &bob, "editor").await;
    share(&alice, &format!("events/{}", made.id()), &carol, "viewer").await;
    let path = format!("/api/v1/events/{}/instances/20270405T193000?scope=following", made.id());
    let split =
        bob.patch(&path).json(&json!({"start": "2027-04-05T18:00:00", "location": "New hall"})).expect(200).await;
    let new = split.id();
    assert_ne!(new, made.id());
    assert_eq!((split.str("/start"), split.str("/end")), ("2027-04-05T18:00:00+02:00", "2027-04-05T19:30:00+02:00"));
    let old = alice.get(&format!("/api/v1/events/{}", made.id())).expect(200).await;
    assert_eq!(starts(&alice, &made.id()).await.len(), 2);
    assert_eq!(
        (old.json["recurrence"].clone(), old.str("/uid")),
        (json!(["RRULE:FREQ=WEEKLY;COUNT=2"]), made.str("/uid"))
    );
    assert_eq!(old.json["overrides"].as_array().map(Vec::len), Some(1));
    let later = alice.get(&format!("/api/v1/events/{new}")).expect(200).await;
    assert_eq!(later.json["recurrence"], json!(["RRULE:FREQ=WEEKLY;COUNT=4"]));
    assert_eq!((later.str("/split_from"), later.str("/location")), (made.id().as_str(), "New hall"));
    assert_ne!(later.str("/uid"), made.str("/uid"));
    assert_eq!(later.str("/overrides/0/original_start"), "2027-04-19T18:00:00+02:00");
    assert_eq!(later.str("/overrides/0/title"), "With soloist");
    assert_eq!(
        starts(&carol, &new).await,
        [
            "2027-04-05T18:00:00+02:00",
            "2027-04-12T18:00:00+02:00",
            "2027-04-19T18:00:00+02:00",
            "2027-04-26T18:00:00+02:00"
        ]
    );
    assert_eq!(bob.get(&format!("/api/v1/events/{new}")).expect(200).await.str("/my_role"), "editor");
    // From the first instance on is the whole series: no split.
    let first = format!("/api/v1/events/{new}/instances/20270405T180000?scope=following");
    assert_eq!(bob.patch(&first).json(&json!({"title": "Evening choir"})).expect(200).await.id(), new);
    fits(&world).await;
}

#[tokio::test]
async fn all_moves_the_whole_series_by_as_much_as_the_instance() {
    let world = World::new().await;
    let alice = world.alice().await;
    let mut body = choir();
    body["recurrence"] = json!(["RRULE:FREQ=WEEKLY;COUNT=3"]);
    let made = event(&alice, &body).await;
    let path = format!("/api/v1/events/{}", made.id());
    let third = format!("{path}/instances/20270405T193000?scope=all");
    let moved = alice.patch(&third).json(&json!({"start": "2027-04-06T20:00:00"})).expect(200).await;
    assert_eq!((moved.str("/start"), moved.str("/id")), ("2027-04-06T20:00:00+02:00", made.id().as_str()));
    assert_eq!(
        starts(&alice, &made.id()).await,
        ["2027-03-23T20:00:00+01:00", "2027-03-30T20:00:00+02:00", "2027-04-06T20:00:00+02:00"]
    );
    // Onto another clock: the same wall-clock length, the same dates.
    let third = format!("{path}/instances/20270406T200000?scope=all");
    let abroad = json!({"start": "2027-04-06T09:00:00-04:00", "time_zone": "America/New_York"});
    alice.patch(&third).json(&abroad).expect(200).await;
    let list = alice.get(&format!("{path}/instances")).expect(200).await;
    assert_eq!(
        list.each("/start"),
        ["2027-03-23T09:00:00-04:00", "2027-03-30T09:00:00-04:00", "2027-04-06T09:00:00-04:00"]
    );
    assert_eq!(list.str("/items/0/end"), "2027-03-23T10:30:00-04:00");
    // And to whole days.
    let third = format!("{path}/instances/20270406T090000?scope=all");
    let days = json!({"all_day": true, "start": "2027-04-06", "end": "2027-04-07"});
    alice.patch(&third).json(&days).expect(200).await;
    assert_eq!(starts(&alice, &made.id()).await, ["2027-03-23", "2027-03-30", "2027-04-06"]);
    fits(&world).await;
}

#[tokio::test]
async fn deleting_this_the_following_or_all() {
    let world = World::new().await;
    let (alice, bob) = (world.alice().await, world.bob().await);
    let club = calendar(&alice, &json!({"name": "Club"})).await;
    share(&alice, &format!("calendars/{club}"), &bob, "editor").await;
    let mut body = choir();
    body["calendar_id"] = json!(club);
    let made = event(&alice, &body).await;
    let path = format!("/api/v1/events/{}", made.id());
    bob.delete(&format!("{path}/instances/20270419T193000?scope=following")).expect(204).await;
    assert_eq!(starts(&alice, &made.id()).await.len(), 4);
    // Again is no news, for that instance and for those after it; a day that never was one is.
    bob.delete(&format!("{path}/instances/20270419T193000?scope=following")).expect(204).await;
    bob.delete(&format!("{path}/instances/20270426T193000?scope=following")).expect(204).await;
    bob.delete(&format!("{path}/instances/20270419T193000?scope=this")).send().await.expect_problem("not-found");
    bob.delete(&format!("{path}/instances/20270420T193000?scope=following")).send().await.expect_problem("not-found");
    bob.delete(&format!("{path}/instances/20270503T193000?scope=following")).send().await.expect_problem("not-found");
    assert_eq!(alice.get(&path).expect(200).await.json["version"], json!(2));
    bob.delete(&format!("{path}/instances/20270322T193000?scope=all")).send().await.expect_problem("forbidden");
    alice.delete(&format!("{path}/instances/20270323T193000?scope=all")).send().await.expect_problem("not-found");
    alice.delete(&format!("{path}/instances/20270322T193000?scope=all")).expect(204).await;
    alice.delete(&format!("{path}/instances/20270322T193000?scope=all")).expect(204).await;
    bob.get(&path).send().await.expect_problem("not-found");
    fits(&world).await;
}

#[tokio::test]
async fn ending_a_series_twice_is_no_news_whatever_is_left_of_it() {
    let world = World::new().await;
    let alice = world.alice().await;
    let made = event(&alice, &choir()).await;
    let path = format!("/api/v1/events/{}", made.id());
    let from = |day: &str| format!("{path}/instances/{day}T193000?scope=following");
    // What goes on elsewhere was not ended.
    alice.patch(&from("20270412")).json(&json!({"title": "Summer choir"})).expect(200).await;
    alice.delete(&from("20270412")).send().await.expect_problem("not-found");
    // Two are left, then one.
    for day in ["20270405", "20270329"] {
        alice.delete(&from(day)).expect(204).await;
        alice.delete(&from(day)).expect(204).await;
    }
    // A series that goes on again has its instances again, and ends again.
    alice.patch(&path).json(&json!({"recurrence": ["RRULE:FREQ=WEEKLY;COUNT=4"]})).expect(200).await;
    alice.delete(&from("20270426")).send().await.expect_problem("not-found");
    alice.delete(&from("20270405")).expect(204).await;
    assert_eq!(starts(&alice, &made.id()).await.len(), 2);
    // From the first on is all of it.
    for _ in 0..2 {
        alice.delete(&from("20270322")).expect(204).await;
    }
    assert_eq!(alice.get("/api/v1/events?deleted=true").expect(200).await.each("/id"), [made.id()]);
    fits(&world).await;
}

#[tokio::test]
async fn what_is_said_about_this_and_following_stands_in_the_history_of_both() {
    let world = World::new().await;
    let alice = world.alice().await;
    let made = event(&alice, &choir()).await;
    let path = format!("/api/v1/events/{}", made.id());
    let patch = json!({"location": "New hall", "comment": "the church is cold"});
    let new = alice.patch(&format!("{path}/instances/20270405T193000?scope=following")).json(&patch).expect(200).await;
    for (id, version) in [(made.id(), 2), (new.id(), 1)] {
        let history = alice.get(&format!("/api/v1/events/{id}/history")).expect(200).await;
        let newest = &history.items()[0];
        assert_eq!(
            (&newest["version"], &newest["operation"], &newest["comment"]),
            (&json!(version), &json!("split"), &json!("the church is cold"))
        );
    }
    fits(&world).await;
}

#[tokio::test]
async fn two_people_change_one_instance() {
    let world = World::new().await;
    let (alice, bob) = (world.alice().await, world.bob().await);
    let made = event(&alice, &choir()).await;
    share(&alice, &format!("events/{}", made.id()), &bob, "editor").await;
    let path = format!("/api/v1/events/{}/instances/20270329T193000", made.id());
    bob.patch(&path).json(&json!({"title": "Bob's title"})).expect(200).await;
    alice
        .patch(&path)
        .header("if-match", "\"1\"")
        .json(&json!({"title": "x"}))
        .send()
        .await
        .expect_problem("precondition-failed");
    let merged = alice.patch(&path).json(&json!({"base_version": 1, "location": "Church"})).expect(200).await;
    assert_eq!((merged.str("/title"), merged.str("/location")), ("Bob's title", "Church"));
    let refused = alice.patch(&path).json(&json!({"base_version": 1, "title": "Alice's title"})).send().await;
    let refused = refused.expect_problem("edit-conflict");
    assert_eq!(refused.json["conflicts"][0]["theirs"], json!("Bob's title"));
    fits(&world).await;
}
