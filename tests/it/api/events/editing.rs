//! How events change: rules 4 (all), 6 and 7.

use kalends_testkit::{Person, World};
use serde_json::json;

use super::super::given::{calendar, choir, event, fits, only_error, share, starts};

/// How many versions an event has.
async fn version(person: &Person, id: &str) -> i64 {
    person.get(&format!("/api/v1/events/{id}")).expect(200).await.json["version"].as_i64().expect("a number")
}

#[tokio::test]
async fn a_patch_sets_the_fields_it_names_and_null_takes_one_back_to_its_default() {
    let world = World::new().await;
    let alice = world.alice().await;
    let made = event(&alice, &json!({"title": "Talk", "start": "2027-05-03T18:00:00", "end": "2027-05-03T19:00:00", "location": "Aula", "busy": false, "reminders": [10], "meta": {"a": 1, "b": 2}, "categories": ["x"]})).await;
    let path = format!("/api/v1/events/{}", made.id());
    let patch = json!({"location": null, "busy": null, "reminders": null, "meta": {"a": null, "c": 3}, "description": "About bees"});
    let changed = alice.patch(&path).json(&patch).expect(200).await;
    let mut expected = made.json.clone();
    expected["location"] = json!("");
    expected["busy"] = json!(true);
    expected["reminders"] = json!([]);
    expected["meta"] = json!({"b": 2, "c": 3});
    expected["description"] = json!("About bees");
    expected["version"] = json!(2);
    assert_eq!(changed.json, expected);
    let refused =
        alice.patch(&path).json(&json!({"title": null, "start": null})).send().await.expect_problem("invalid");
    assert_eq!(
        refused.errors(),
        [("/start".to_owned(), "required".to_owned()), ("/title".to_owned(), "required".to_owned())]
    );
    let merge = alice.patch(&path).body("application/merge-patch+json", r#"{"title": "Speech"}"#);
    assert_eq!(merge.expect(200).await.str("/title"), "Speech");
    fits(&world).await;
}

#[tokio::test]
async fn replacing_needs_the_version_that_is_replaced() {
    let world = World::new().await;
    let alice = world.alice().await;
    let made = event(&alice, &json!({"title": "Talk", "start": "2027-05-03T18:00:00", "location": "Aula"})).await;
    let path = format!("/api/v1/events/{}", made.id());
    let whole = json!({"title": "Talk on bees", "start": "2027-05-03T18:00:00"});
    alice.put(&path).json(&whole).send().await.expect_problem("precondition-required");
    let replaced = alice.put(&path).header("if-match", &made.etag()).json(&whole).expect(200).await;
    assert_eq!((replaced.str("/title"), replaced.str("/location")), ("Talk on bees", ""));
    let stale = alice.put(&path).header("if-match", &made.etag()).json(&whole).send().await;
    let stale = stale.expect_problem("precondition-failed");
    assert_eq!(stale.json["current"], replaced.json);
    assert_eq!(stale.etag(), replaced.etag());
    let mut by_body = whole.clone();
    by_body["base_version"] = json!(2);
    by_body["location"] = json!("Church");
    assert_eq!(alice.put(&path).json(&by_body).expect(200).await.json["version"], json!(3));
    for method in ["PATCH", "DELETE"] {
        let method = kalends_testkit::Method::from_bytes(method.as_bytes()).expect("a method");
        let request = alice.request(method, &path).header("if-match", "\"1-x\"").json(&json!({"title": "x"}));
        request.send().await.expect_problem("precondition-failed");
    }
    alice.patch(&path).header("if-match", "W/\"2\", \"3-whatever\"").json(&json!({"title": "x"})).expect(200).await;
    fits(&world).await;
}

#[tokio::test]
async fn what_is_read_can_be_sent_back_whole_and_changes_nothing() {
    let world = World::new().await;
    let alice = world.alice().await;
    let mut body = choir();
    body["overrides"] = json!([{"original_start": "2027-04-05T19:30:00", "cancelled": true}, {"original_start": "2027-03-29T19:30:00", "location": "Church", "start": "2027-03-29T20:00:00", "end": "2027-03-29T22:00:00"}]);
    body["registration"] = json!({"enabled": true, "opens_at": "2027-03-01T08:00:00+01:00", "price": {"amount_minor": 500, "currency": "CHF"}});
    body["audience"] = json!({"kind": "students", "classes": ["26Ga"], "user_ids": [alice.id]});
    body["meta"] = json!({"deep": [1, 2.5, {"x": null}], "ünïcode": "\u{1F600}"});
    body["capacity"] = json!(40);
    let made = event(&alice, &body).await;
    let path = format!("/api/v1/events/{}", made.id());
    let put = alice.put(&path).header("if-match", &made.etag()).json(&made.json).expect(200).await;
    assert_eq!(put.json, made.json);
    let patch = alice.patch(&path).json(&made.json).expect(200).await;
    assert_eq!(patch.json, made.json);
    assert_eq!(patch.etag(), made.etag());
    fits(&world).await;
}

#[tokio::test]
async fn what_others_changed_since_is_merged_by_field() {
    let world = World::new().await;
    let (alice, bob) = (world.alice().await, world.bob().await);
    let made =
        event(&alice, &json!({"title": "Talk", "start": "2027-05-03T18:00:00", "end": "2027-05-03T19:00:00"})).await;
    let path = format!("/api/v1/events/{}", made.id());
    share(&alice, &format!("events/{}", made.id()), &bob, "editor").await;
    bob.patch(&path).json(&json!({"title": "Talk on bees"})).expect(200).await;
    let merged = alice.patch(&path).json(&json!({"base_version": 1, "location": "Aula"})).expect(200).await;
    assert_eq!((merged.str("/title"), merged.str("/location")), ("Talk on bees", "Aula"));
    let refused = alice.patch(&path).json(&json!({"base_version": 1, "title": "Talk on wasps"})).send().await;
    let refused = refused.expect_problem("edit-conflict");
    assert_eq!(
        refused.json["conflicts"],
        json!([{"field": "title", "base": "Talk", "theirs": "Talk on bees", "yours": "Talk on wasps"}])
    );
    assert_eq!(refused.json["current_version"], json!(3));
    // The same change on both sides is none.
    alice.patch(&path).json(&json!({"base_version": 1, "title": "Talk on bees"})).expect(200).await;
    assert_eq!(version(&alice, &made.id()).await, 3);
    let future =
        alice.patch(&path).json(&json!({"base_version": 9, "title": "x"})).send().await.expect_problem("invalid");
    assert_eq!(only_error(&future), ("/base_version".into(), "out-of-range".into()));
    // Half of one side's time and half of the other's is nobody's.
    bob.patch(&path).json(&json!({"start": "2027-05-04T18:00:00", "end": "2027-05-04T19:00:00"})).expect(200).await;
    let half = alice.patch(&path).json(&json!({"base_version": 3, "time_zone": "Asia/Tokyo"})).send().await;
    half.expect_problem("edit-conflict");
    fits(&world).await;
}

#[tokio::test]
async fn a_patch_that_changes_nothing_makes_no_version() {
    let world = World::new().await;
    let alice = world.alice().await;
    let made = event(&alice, &choir()).await;
    let path = format!("/api/v1/events/{}", made.id());
    for nothing in [
        json!({}),
        json!({"title": "Choir"}),
        json!({"start": "2027-03-22T18:30:00Z"}),
        json!({"recurrence": ["RRULE:COUNT=6;FREQ=WEEKLY"]}),
    ] {
        let same = alice.patch(&path).json(&nothing).expect(200).await;
        assert_eq!(same.json, made.json, "{nothing}");
    }
    fits(&world).await;
}

#[tokio::test]
async fn everything_wrong_is_told_at_once_and_nothing_changes() {
    let world = World::new().await;
    let alice = world.alice().await;
    let wrong = json!({
        "calendar_id": "mine", "start": "2027-05-03T18:00:00", "recurrence": ["RRULE:FREQ=NEVER"], "capacity": -1, "busy": "yes", "tilte": "Talk",
        "url": "javascript:alert(1)", "reminders": [5, "x"], "status": "maybe", "registration": {"price": {"currency": "chf"}}, "audience": {"kind": "dogs"},
    });
    let refused = alice.post("/api/v1/events").json(&wrong).send().await.expect_problem("invalid");
    let expected = [
        ("/audience/kind", "not-a-choice"),
        ("/busy", "wrong-type"),
        ("/calendar_id", "not-an-id"),
        ("/capacity", "out-of-range"),
        ("/recurrence/0", "unknown-freq"),
        ("/registration/price/amount_minor", "required"),
        ("/registration/price/currency", "not-a-currency"),
        ("/reminders/1", "wrong-type"),
        ("/status", "not-a-choice"),
        ("/tilte", "unknown-field"),
        ("/title", "required"),
        ("/url", "not-a-url"),
    ];
    assert_eq!(refused.errors(), expected.map(|(pointer, code)| (pointer.to_owned(), code.to_owned())));
    assert!(refused.text.contains(r#"did you mean \"title\"?"#), "{}", refused.text);

    let made = event(&alice, &choir()).await;
    let patch = json!({"uid": "other", "state": "draft", "titel": "x", "busy": 1, "calendar_id": 7});
    let refused =
        alice.patch(&format!("/api/v1/events/{}", made.id())).json(&patch).send().await.expect_problem("invalid");
    let expected = [
        ("/busy", "wrong-type"),
        ("/calendar_id", "not-an-id"),
        ("/state", "read-only"),
        ("/titel", "unknown-field"),
        ("/uid", "read-only"),
    ];
    assert_eq!(refused.errors(), expected.map(|(pointer, code)| (pointer.to_owned(), code.to_owned())));
    assert_eq!(version(&alice, &made.id()).await, 1);
}

#[tokio::test]
async fn when_a_whole_series_moves_its_exceptions_move_along() {
    let world = World::new().await;
    let alice = world.alice().await;
    let series = json!({
        "title": "Choir", "start": "2027-03-22T19:30:00", "end": "2027-03-22T21:00:00", "time_zone": "Europe/Zurich",
        "recurrence": ["RRULE:FREQ=WEEKLY;UNTIL=20270419T173000Z", "EXDATE;TZID=Europe/Zurich:20270405T193000"],
        "overrides": [{"original_start": "2027-03-29T19:30:00", "location": "Church"}, {"original_start": "2027-04-12T19:30:00", "cancelled": true}],
    });
    let made = event(&alice, &series).await;
    let path = format!("/api/v1/events/{}", made.id());
    assert_eq!(starts(&alice, &made.id()).await.len(), 3);
    let patch = json!({"start": "2027-03-23T18:00:00", "end": "2027-03-23T19:30:00"});
    let moved = alice.patch(&path).json(&patch).expect(200).await;
    assert_eq!(moved.str("/uid"), made.str("/uid"));
    assert_eq!(
        moved.json["recurrence"],
        json!(["RRULE:FREQ=WEEKLY;UNTIL=20270420T160000Z", "EXDATE;TZID=Europe/Zurich:20270406T180000"])
    );
    assert_eq!(
        starts(&alice, &made.id()).await,
        ["2027-03-23T18:00:00+01:00", "2027-03-30T18:00:00+02:00", "2027-04-20T18:00:00+02:00"]
    );
    assert_eq!(moved.str("/overrides/0/original_start"), "2027-03-30T18:00:00+02:00");
    assert_eq!(moved.str("/overrides/0/location"), "Church");
    assert_eq!(moved.str("/overrides/1/original_start"), "2027-04-13T18:00:00+02:00");
    fits(&world).await;
}

#[tokio::test]
async fn a_series_that_loses_or_gets_a_zone_keeps_its_dates() {
    let world = World::new().await;
    let alice = world.alice().await;
    // The last one is at 09:00 summer time: 07:00 UTC.
    let series = json!({"title": "Choir", "start": "2027-03-08T09:00:00", "end": "2027-03-08T10:00:00", "time_zone": "Europe/Zurich",
        "recurrence": ["RRULE:FREQ=WEEKLY;UNTIL=20270329T070000Z", "RDATE:20270310T080000Z", "EXDATE:20270315T080000Z"],
        "overrides": [{"original_start": "2027-03-29T09:00:00", "title": "The last"}]});
    let made = event(&alice, &series).await;
    let path = format!("/api/v1/events/{}", made.id());
    let zoned = [
        "2027-03-08T09:00:00+01:00",
        "2027-03-10T09:00:00+01:00",
        "2027-03-22T09:00:00+01:00",
        "2027-03-29T09:00:00+02:00",
    ];
    assert_eq!(starts(&alice, &made.id()).await, zoned);
    let floating = alice.patch(&path).json(&json!({"floating": true})).expect(200).await;
    assert_eq!(
        floating.json["recurrence"],
        json!(["RRULE:FREQ=WEEKLY;UNTIL=20270329T090000", "RDATE:20270310T090000", "EXDATE:20270315T090000"])
    );
    let here = ["2027-03-08T09:00:00", "2027-03-10T09:00:00", "2027-03-22T09:00:00", "2027-03-29T09:00:00"];
    assert_eq!(starts(&alice, &made.id()).await, here);
    let back = json!({"floating": false, "time_zone": "America/New_York", "start": "2027-03-08T10:00:00", "end": "2027-03-08T11:00:00"});
    let back = alice.patch(&path).json(&back).expect(200).await;
    assert_eq!(back.str("/overrides/0/original_start"), "2027-03-29T10:00:00-04:00");
    assert_eq!(
        starts(&alice, &made.id()).await,
        [
            "2027-03-08T10:00:00-05:00",
            "2027-03-10T10:00:00-05:00",
            "2027-03-22T10:00:00-04:00",
            "2027-03-29T10:00:00-04:00"
        ]
    );
    fits(&world).await;
}

#[tokio::test]
async fn the_end_of_a_floating_series_in_utc_is_meant_as_it_is_written() {
    let world = World::new().await;
    let alice = world.alice().await;
    let series = json!({"title": "Choir", "start": "2027-03-08T09:00:00", "end": "2027-03-08T10:00:00", "floating": true,
        "recurrence": ["RRULE:FREQ=WEEKLY;UNTIL=20270322T090000Z"]});
    let made = event(&alice, &series).await;
    assert_eq!(starts(&alice, &made.id()).await.len(), 3);
    let path = format!("/api/v1/events/{}", made.id());
    for patch in [
        json!({"start": "2027-03-09T09:00:00", "end": "2027-03-09T10:00:00"}),
        json!({"floating": false, "time_zone": "Europe/Zurich"}),
        json!({"time_zone": "America/New_York"}),
    ] {
        alice.patch(&path).json(&patch).expect(200).await;
        assert_eq!(starts(&alice, &made.id()).await.len(), 3, "{patch}");
    }
    fits(&world).await;
}

#[tokio::test]
async fn overrides_that_lose_their_occurrence_are_listed_and_dropped_only_on_request() {
    let world = World::new().await;
    let alice = world.alice().await;
    let mut body = choir();
    body["overrides"] = json!([{"original_start": "2027-03-29T19:30:00", "title": "With soloist"}, {"original_start": "2027-04-26T19:30:00", "title": "Last one"}]);
    let made = event(&alice, &body).await;
    let path = format!("/api/v1/events/{}", made.id());
    let shorter = json!({"recurrence": ["RRULE:FREQ=WEEKLY;COUNT=3"]});
    let refused = alice.patch(&path).json(&shorter).send().await.expect_problem("orphaned-overrides");
    assert_eq!(refused.json["orphans"], json!(["2027-04-26T19:30:00"]));
    assert_eq!(version(&alice, &made.id()).await, 1);
    let dropped = json!({"recurrence": ["RRULE:FREQ=WEEKLY;COUNT=3"], "drop_orphans": true});
    let changed = alice.patch(&path).json(&dropped).expect(200).await;
    assert_eq!(changed.json["overrides"].as_array().map(Vec::len), Some(1));
    assert_eq!(changed.str("/overrides/0/title"), "With soloist");
    fits(&world).await;
}

#[tokio::test]
async fn an_event_moves_to_another_calendar_and_stays_its_owners() {
    let world = World::new().await;
    let (alice, bob) = (world.alice().await, world.bob().await);
    let club = calendar(&alice, &json!({"name": "Club"})).await;
    let made =
        event(&bob, &json!({"title": "Picnic", "start": "2027-05-03T12:00:00", "uid": "picnic@example.org"})).await;
    let path = format!("/api/v1/events/{}", made.id());
    let move_it = json!({"calendar_id": club});
    bob.patch(&path).json(&move_it).send().await.expect_problem("not-found");
    share(&alice, &format!("calendars/{club}"), &bob, "viewer").await;
    bob.patch(&path).json(&move_it).send().await.expect_problem("forbidden");
    share(&alice, &format!("calendars/{club}"), &bob, "editor").await;
    let moved = bob.patch(&path).json(&move_it).expect(200).await;
    assert_eq!((moved.str("/calendar_id"), moved.str("/my_role")), (club.as_str(), "owner"));
    assert_eq!(alice.get(&path).expect(200).await.str("/title"), "Picnic");
    // Only owners move events away.
    let meeting =
        event(&alice, &json!({"title": "Meeting", "start": "2027-05-03T12:00:00", "calendar_id": club})).await;
    let away = json!({"calendar_id": bob.calendar});
    bob.patch(&format!("/api/v1/events/{}", meeting.id())).json(&away).send().await.expect_problem("forbidden");
    // A UID names one event in a calendar.
    event(&bob, &json!({"title": "Picnic", "start": "2027-05-03T12:00:00", "uid": "picnic@example.org"})).await;
    bob.patch(&path).json(&away).send().await.expect_problem("uid-taken");
    bob.delete(&path).expect(204).await;
    fits(&world).await;
}

#[tokio::test]
async fn a_copy_is_a_new_event_with_the_changes_that_are_named() {
    let world = World::new().await;
    let (alice, carol) = (world.alice().await, world.carol().await);
    let open = calendar(&alice, &json!({"name": "Open", "visibility": "internal"})).await;
    let mut body = choir();
    body["calendar_id"] = json!(open);
    body["overrides"] = json!([{"original_start": "2027-03-29T19:30:00", "location": "Church"}]);
    let made = event(&alice, &body).await;
    let path = format!("/api/v1/events/{}/clone", made.id());
    let copy = alice.post(&path).expect(201).await;
    assert_eq!(copy.str("/calendar_id"), open);
    assert_ne!((copy.str("/id"), copy.str("/uid")), (made.str("/id"), made.str("/uid")));
    assert_eq!(copy.json["overrides"], made.json["overrides"]);
    assert_eq!(copy.header("location"), Some(format!("/api/v1/events/{}", copy.id()).as_str()));
    let hers = carol.post(&path).json(&json!({"title": "My copy", "start": "2027-03-23T19:30:00", "end": "2027-03-23T21:00:00", "state": "draft"})).expect(201).await;
    assert_eq!(
        (hers.str("/calendar_id"), hers.str("/state"), hers.str("/my_role")),
        (carol.calendar.as_str(), "draft", "owner")
    );
    assert_eq!(hers.str("/overrides/0/original_start"), "2027-03-30T19:30:00+02:00");
    assert_eq!(hers.json["author_id"], json!(carol.id));
    carol.post(&path).json(&json!({"calendar_id": open})).send().await.expect_problem("forbidden");
    fits(&world).await;
}
