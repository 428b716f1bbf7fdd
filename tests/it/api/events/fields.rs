//! What events say besides when they are, and input that nobody should send.

use kalends_testkit::World;
use serde_json::{Value, json};

use super::super::given::{event, fits, only_error};

#[tokio::test]
async fn what_is_left_out_has_its_default() {
    let world = World::new().await;
    let alice = world.alice().await;
    let made = event(&alice, &json!({"title": "  Talk  ", "start": "2027-05-03T18:00:00"})).await;
    let expected = json!({
        "id": made.id(), "uid": made.str("/uid"), "calendar_id": alice.calendar, "author_id": alice.id, "title": "Talk", "description": "", "location": "",
        "venue_id": null, "url": null, "categories": [], "start": "2027-05-03T18:00:00+02:00", "end": "2027-05-03T18:00:00+02:00",
        "time_zone": "Europe/Zurich", "end_time_zone": null, "floating": false, "all_day": false, "recurrence": [], "overrides": [], "split_from": null,
        "reminders": [], "state": "published", "status": "confirmed", "visibility": "public", "busy": true, "capacity": null, "seats_taken": 0,
        "seats_left": null, "waitlist_length": 0, "registration": {"enabled": false, "opens_at": null, "closes_at": null, "waitlist": true,
        "approval": false, "max_seats": 10, "per_instance": false, "price": null, "near_full_threshold": 2}, "audience": null, "meta": {}, "version": 1,
        "my_role": "owner", "created_at": "2027-01-15T10:00:00Z", "updated_at": "2027-01-15T10:00:00Z", "deleted_at": null,
    });
    assert_eq!(made.json, expected);
    assert_eq!(made.header("location"), Some(format!("/api/v1/events/{}", made.id()).as_str()));
    assert_eq!(alice.get(&format!("/api/v1/events/{}", made.id())).expect(200).await.json, expected);
}

#[tokio::test]
async fn registration_audience_reminders_and_meta_are_kept_as_given() {
    let world = World::new().await;
    let alice = world.alice().await;
    let body = json!({
        "title": "Concert", "start": "2027-05-03T20:00:00", "capacity": 100, "reminders": [60, 5, 60], "categories": ["Music", "music", "Öffentlich"],
        "registration": {"enabled": true, "opens_at": "2027-04-01T08:00:00+02:00", "closes_at": "2027-05-01T00:00:00Z", "waitlist": false, "approval": true,
            "max_seats": 4, "per_instance": true, "price": {"amount_minor": 2500, "currency": "CHF"}, "near_full_threshold": 5},
        "audience": {"kind": "class_teachers", "classes": ["26Ga"], "class_groups": ["26G"], "both_languages": true}, "meta": {"x": [1, {"y": null}]},
    });
    let made = event(&alice, &body).await;
    assert_eq!(made.json["registration"]["opens_at"], json!("2027-04-01T06:00:00Z"));
    assert_eq!(made.json["registration"]["price"], json!({"amount_minor": 2500, "currency": "CHF"}));
    assert_eq!((&made.json["capacity"], &made.json["seats_left"]), (&json!(100), &json!(100)));
    assert_eq!(made.json["reminders"], json!([5, 60]));
    assert_eq!(made.json["categories"], json!(["Music", "Öffentlich"]));
    assert_eq!(made.json["audience"]["class_groups"], json!(["26G"]));
    assert_eq!(made.json["meta"], body["meta"]);
    for (field, value, expected) in [
        (
            "registration",
            json!({"closes_at": "2027-01-01T00:00:00Z", "opens_at": "2027-02-01T00:00:00Z"}),
            ("/registration/closes_at", "before-opening"),
        ),
        ("registration", json!({"seats": 3}), ("/registration/seats", "unknown-field")),
        ("registration", json!({"max_seats": 0}), ("/registration/max_seats", "out-of-range")),
        ("registration", json!(true), ("/registration", "wrong-type")),
        ("audience", json!({"user_ids": ["bob"]}), ("/audience/user_ids/0", "not-an-id")),
        ("audience", json!([]), ("/audience", "wrong-type")),
        ("reminders", json!([-1]), ("/reminders/0", "out-of-range")),
        ("reminders", json!(vec![1; 21]), ("/reminders", "too-many")),
        ("meta", json!({"x": "y".repeat(40_000)}), ("/meta", "too-large")),
        ("meta", json!("x"), ("/meta", "wrong-type")),
        ("capacity", json!(1.5), ("/capacity", "out-of-range")),
    ] {
        let mut body = json!({"title": "x", "start": "2027-05-03T20:00:00"});
        body[field] = value;
        let refused = alice.post("/api/v1/events").json(&body).send().await.expect_problem("invalid");
        assert_eq!(only_error(&refused), (expected.0.to_owned(), expected.1.to_owned()), "{body}");
    }
    fits(&world).await;
}

#[tokio::test]
async fn only_organisers_take_registrations() {
    let world = World::new().await;
    let (alice, bob) = (world.alice().await, world.bob().await);
    let body = json!({"title": "Concert", "start": "2027-05-03T20:00:00", "registration": {"enabled": true}});
    bob.post("/api/v1/events").json(&body).send().await.expect_problem("role-needed");
    let mine =
        event(&bob, &json!({"title": "Concert", "start": "2027-05-03T20:00:00", "registration": {"max_seats": 3}}))
            .await;
    let enable = json!({"registration": {"enabled": true}});
    bob.patch(&format!("/api/v1/events/{}", mine.id())).json(&enable).send().await.expect_problem("role-needed");
    // Who may edit an organiser's event leaves its registrations as they are.
    let hers = event(&alice, &body).await;
    super::super::given::share(&alice, &format!("events/{}", hers.id()), &bob, "editor").await;
    let changed =
        bob.patch(&format!("/api/v1/events/{}", hers.id())).json(&json!({"title": "Big concert"})).expect(200).await;
    assert_eq!(changed.json["registration"]["enabled"], json!(true));
}

#[tokio::test]
async fn no_text_in_any_field_is_an_error_of_ours_and_a_refused_one_changes_nothing() {
    let world = World::new().await;
    let alice = world.alice().await;
    let made = event(&alice, &super::super::given::choir()).await;
    let path = format!("/api/v1/events/{}", made.id());
    let texts = [
        "",
        " ",
        "\u{0}",
        "a\u{0}b",
        "\u{7f}",
        "\u{feff}",
        "👩‍👩‍👧‍👦",
        "' OR 1=1 --",
        "\u{202e}evil",
        "٣",
        &"ü".repeat(60_000),
    ];
    let fields = [
        "title",
        "description",
        "location",
        "url",
        "start",
        "end",
        "time_zone",
        "end_time_zone",
        "status",
        "visibility",
        "state",
        "uid",
        "calendar_id",
        "comment",
        "id",
    ];
    for text in texts {
        let mut bodies: Vec<Value> = fields.iter().map(|field| json!({*field: text})).collect();
        bodies.extend([
            json!({"categories": [text]}),
            json!({"recurrence": [text]}),
            json!({"recurrence": [format!("RRULE:FREQ={text}")]}),
            json!({"overrides": [{"original_start": text}]}),
            json!({"overrides": [{"original_start": "2027-03-29T19:30:00", "title": text}]}),
            json!({"meta": {"key": text}}),
            json!({"meta": {text: 1}}),
            json!({"audience": {"classes": [text]}}),
            json!({"audience": {"kind": text}}),
            json!({"registration": {"opens_at": text}}),
            json!({"registration": {"price": {"amount_minor": 1, "currency": text}}}),
            json!({text: text}),
        ]);
        for body in bodies {
            let mut whole =
                json!({"title": "x", "start": "2027-05-03T12:00:00", "recurrence": ["RRULE:FREQ=DAILY;COUNT=2"]});
            for (name, value) in body.as_object().expect("an object") {
                whole[name] = value.clone();
            }
            for reply in [
                alice.patch(&path).json(&body).send().await,
                alice.post("/api/v1/events").json(&whole).send().await,
                alice.patch(&format!("{path}/instances/20270329T193000")).json(&body).send().await,
            ] {
                assert!(reply.status.as_u16() < 500, "{body:?} → {} {}", reply.status, reply.text);
            }
        }
    }
    for (body, kind) in [
        (json!({"title": ["x"]}), 422),
        (json!({"title": {"a": 1}}), 422),
        (json!({"categories": "x"}), 422),
        (json!({"categories": vec!["x"; 51]}), 422),
        (json!({"recurrence": vec!["RRULE:FREQ=DAILY"; 5_000]}), 422),
        (json!({"capacity": 1e300}), 422),
        (json!({"capacity": "1"}), 422),
        (json!({"start": 1_800_000_000}), 422),
        (json!({"base_version": 0}), 422),
        (json!({"base_version": "1"}), 422),
        (json!({"drop_orphans": "no"}), 422),
    ] {
        alice.patch(&path).json(&body).expect(kind).await;
    }
    fits(&world).await;
}

#[tokio::test]
async fn bad_filters_are_refused_and_never_an_error_of_ours() {
    let world = World::new().await;
    let alice = world.alice().await;
    for question in [
        "limit=0",
        "limit=501",
        "limit=-1",
        "limit=x",
        "cursor=x",
        "cursor=eyJrZXkiOiIxIn0",
        "from=yesterday",
        "to=2027",
        "calendar_id=7",
        "ids=a,b",
        "state=gone",
        "mine=yes",
        "weekday=8",
        "sort=color",
        "expand=true",
        "expand=true&from=2027-01-01T00:00:00Z&to=2027-02-01T00:00:00Z&sort=title",
        "category=%00",
        "from=2027-02-01T00:00:00Z&to=2027-02-01T00:00:00Z",
        "deleted=maybe",
        "include=everything",
        "title=x",
        "limit=1&limit=2",
        "expand=true&from=2027-01-01T00:00:00Z&to=2027-02-01T00:00:00Z&include=total",
    ] {
        let reply = alice.get(&format!("/api/v1/events?{question}")).send().await;
        assert_eq!(reply.status.as_u16(), 422, "{question}: {}", reply.text);
    }
    let other = "01941f29-7c00-7ccc-8000-3d1c7e9a5b10";
    for empty in
        [format!("calendar_id={other}"), format!("ids={other}"), "category=none".to_owned(), "state=refused".to_owned()]
    {
        assert_eq!(alice.get(&format!("/api/v1/events?{empty}")).expect(200).await.items().len(), 0);
    }
    for path in [
        "instances/nonsense",
        "instances/20270329T",
        "instances/%00",
        "instances/20270230",
        "instances/99999999T999999",
        "instances/%F0%9F%98%80",
    ] {
        let made = event(&alice, &super::super::given::choir()).await;
        let path = format!("/api/v1/events/{}/{path}", made.id());
        alice.get(&path).send().await.expect_problem("not-found");
        alice.delete(&path).send().await.expect_problem("not-found");
        alice.delete(&format!("{path}?scope=all")).send().await.expect_problem("not-found");
        alice.patch(&path).json(&json!({"title": "x"})).send().await.expect_problem("not-found");
        alice.get(&format!("/api/v1/events/{}", made.id())).expect(200).await;
    }
}
