//! When events are: rules 1 and 2.

use kalends_testkit::World;
use serde_json::json;

use super::super::given::{calendar, event, fits, only_error};

#[tokio::test]
async fn nine_in_zurich_stays_nine_when_the_clocks_change() {
    let world = World::new().await;
    let alice = world.alice().await;
    let series = event(
        &alice,
        &json!({"title": "Brunch", "start": "2027-03-21T09:00:00", "end": "2027-03-21T10:00:00", "time_zone": "Europe/Zurich",
            "recurrence": ["RRULE:FREQ=WEEKLY;COUNT=40"]}),
    )
    .await;
    assert_eq!(series.str("/start"), "2027-03-21T09:00:00+01:00");
    let path = format!("/api/v1/events/{}/instances", series.id());
    let spring = alice.get(&format!("{path}?limit=3")).expect(200).await;
    assert_eq!(
        spring.each("/start"),
        ["2027-03-21T09:00:00+01:00", "2027-03-28T09:00:00+02:00", "2027-04-04T09:00:00+02:00"]
    );
    assert_eq!(spring.each("/original_start"), spring.each("/start"));
    let autumn = alice.get(&format!("{path}?from=2027-10-24T00:00:00Z&to=2027-11-01T00:00:00Z")).expect(200).await;
    assert_eq!(autumn.each("/start"), ["2027-10-24T09:00:00+02:00", "2027-10-31T09:00:00+01:00"]);
    assert_eq!(autumn.each("/end"), ["2027-10-24T10:00:00+02:00", "2027-10-31T10:00:00+01:00"]);
    fits(&world).await;
}

#[tokio::test]
async fn in_a_gap_it_moves_forward_and_in_an_overlap_it_takes_the_first() {
    let world = World::new().await;
    let alice = world.alice().await;
    let night = event(
        &alice,
        &json!({"title": "Bakery", "start": "2027-03-27T02:30:00", "end": "2027-03-27T03:30:00", "time_zone": "Europe/Zurich",
            "recurrence": ["RRULE:FREQ=DAILY"]}),
    )
    .await;
    let path = format!("/api/v1/events/{}", night.id());
    let spring = alice.get(&format!("{path}/instances?limit=3")).expect(200).await;
    assert_eq!(
        spring.each("/start"),
        ["2027-03-27T02:30:00+01:00", "2027-03-28T03:30:00+02:00", "2027-03-29T02:30:00+02:00"]
    );
    // The original start keeps the time that the series says, so that it names the instance.
    assert_eq!(spring.str("/items/1/original_start"), "2027-03-28T02:30:00+01:00");
    let by_path = alice.get(&format!("{path}/instances/20270328T023000")).expect(200).await;
    assert_eq!(by_path.str("/start"), "2027-03-28T03:30:00+02:00");
    let autumn = alice.get(&format!("{path}/instances/20271031T023000")).expect(200).await;
    assert_eq!(autumn.str("/start"), "2027-10-31T02:30:00+02:00");
    assert_eq!(autumn.str("/end"), "2027-10-31T03:30:00+01:00");

    // An override in the gap comes back as it was given.
    let patch = json!({"location": "Old oven"});
    alice.patch(&format!("{path}/instances/20270328T023000")).json(&patch).expect(200).await;
    let whole = alice.get(&path).expect(200).await;
    assert_eq!(whole.str("/overrides/0/original_start"), "2027-03-28T02:30:00+01:00");
    let put = alice.put(&path).header("if-match", &whole.etag()).json(&whole.json).expect(200).await;
    assert_eq!(put.json, whole.json);
    fits(&world).await;
}

#[tokio::test]
async fn an_event_in_the_gap_can_be_sent_back_as_it_was_shown() {
    let world = World::new().await;
    let alice = world.alice().await;
    let shift = event(&alice, &json!({"title": "Shift", "start": "2027-03-28T02:15:00", "end": "2027-03-28T06:00:00", "recurrence": ["RRULE:FREQ=DAILY;COUNT=2"]})).await;
    assert_eq!(shift.str("/start"), "2027-03-28T03:15:00+02:00");
    let path = format!("/api/v1/events/{}", shift.id());
    let put = alice.put(&path).header("if-match", &shift.etag()).json(&shift.json).expect(200).await;
    assert_eq!(put.json, shift.json);
    let next = alice.get(&format!("{path}/instances")).expect(200).await;
    assert_eq!(next.each("/start"), ["2027-03-28T03:15:00+02:00", "2027-03-29T02:15:00+02:00"]);
}

#[tokio::test]
async fn a_time_with_an_offset_is_converted_to_the_zone_of_the_event() {
    let world = World::new().await;
    let alice = world.alice().await;
    let call = json!({"title": "Call", "start": "2027-07-01T12:00:00Z", "end": "2027-07-01T09:00:00-04:00", "time_zone": "europe/zurich"});
    let call = event(&alice, &call).await;
    assert_eq!(call.str("/start"), "2027-07-01T14:00:00+02:00");
    assert_eq!(call.str("/end"), "2027-07-01T15:00:00+02:00");
    assert_eq!(call.str("/time_zone"), "Europe/Zurich");
    let second = json!({"title": "Second 02:30", "start": "2027-10-31T02:30:00+01:00", "time_zone": "Europe/Zurich"});
    let refused = alice.post("/api/v1/events").json(&second).send().await.expect_problem("invalid");
    assert_eq!(only_error(&refused), ("/start".into(), "not-a-time".into()));
    let in_utc = json!({"title": "Second 02:30", "start": "2027-10-31T02:30:00+01:00", "time_zone": "UTC"});
    assert_eq!(event(&alice, &in_utc).await.str("/start"), "2027-10-31T01:30:00+00:00");
}

#[tokio::test]
async fn a_time_without_zone_is_read_in_that_of_the_calendar() {
    let world = World::new().await;
    let alice = world.alice().await;
    let tokyo = calendar(&alice, &json!({"name": "Tokyo office", "time_zone": "Asia/Tokyo"})).await;
    let there =
        event(&alice, &json!({"title": "Stand-up", "start": "2027-05-03T09:00:00", "calendar_id": tokyo})).await;
    assert_eq!(there.str("/start"), "2027-05-03T09:00:00+09:00");
    assert_eq!(there.str("/time_zone"), "Asia/Tokyo");
    let here = event(&alice, &json!({"title": "Stand-up", "start": "2027-05-03T09:00:00"})).await;
    assert_eq!(here.str("/start"), "2027-05-03T09:00:00+02:00");
}

#[tokio::test]
async fn whole_days_are_dates_with_an_exclusive_end() {
    let world = World::new().await;
    let alice = world.alice().await;
    let fair =
        event(&alice, &json!({"title": "Fair", "all_day": true, "start": "2027-05-01", "end": "2027-05-03"})).await;
    assert_eq!((fair.str("/start"), fair.str("/end")), ("2027-05-01", "2027-05-03"));
    assert_eq!(fair.json["time_zone"], json!(null));
    let day = event(&alice, &json!({"title": "May Day", "all_day": true, "start": "2027-05-01"})).await;
    assert_eq!(day.str("/end"), "2027-05-02");
    // The first moment after the fair, in the calendar's zone: it does not touch it.
    let after = alice.get("/api/v1/events?from=2027-05-02T22:00:00Z&to=2027-05-09T00:00:00Z").expect(200).await;
    assert_eq!(after.each("/title"), Vec::<String>::new());
    let last = alice.get("/api/v1/events?from=2027-05-02T21:59:59Z&to=2027-05-09T00:00:00Z").expect(200).await;
    assert_eq!(last.each("/title"), ["Fair"]);
    for (end, code) in
        [("2027-05-01", "before-start"), ("2027-04-30", "before-start"), ("2027-05-01T10:00:00", "not-a-date")]
    {
        let wrong = json!({"title": "Fair", "all_day": true, "start": "2027-05-01", "end": end});
        let refused = alice.post("/api/v1/events").json(&wrong).send().await.expect_problem("invalid");
        assert_eq!(only_error(&refused), ("/end".into(), code.into()));
    }
}

#[tokio::test]
async fn floating_times_and_an_end_in_another_zone_are_kept() {
    let world = World::new().await;
    let alice = world.alice().await;
    let toast = event(
        &alice,
        &json!({"title": "Toast", "floating": true, "start": "2027-12-31T23:59:00", "end": "2028-01-01T00:01:00"}),
    )
    .await;
    assert_eq!((toast.str("/start"), toast.str("/end")), ("2027-12-31T23:59:00", "2028-01-01T00:01:00"));
    assert_eq!((&toast.json["floating"], &toast.json["time_zone"]), (&json!(true), &json!(null)));
    let flight = json!({"title": "Flight", "start": "2027-06-01T10:00:00", "end": "2027-06-01T13:00:00", "time_zone": "Europe/Zurich", "end_time_zone": "America/New_York"});
    let flight = event(&alice, &flight).await;
    assert_eq!((flight.str("/start"), flight.str("/end")), ("2027-06-01T10:00:00+02:00", "2027-06-01T13:00:00-04:00"));
    assert_eq!(flight.str("/end_time_zone"), "America/New_York");
    for event in [toast, flight] {
        let path = format!("/api/v1/events/{}", event.id());
        let put = alice.put(&path).header("if-match", &event.etag()).json(&event.json).expect(200).await;
        assert_eq!(put.json, event.json);
    }
}

#[tokio::test]
async fn what_is_no_time_is_refused_with_its_field() {
    let world = World::new().await;
    let alice = world.alice().await;
    let start = "2027-05-03T09:00:00";
    for (body, expected) in [
        (json!({"title": "x"}), ("/start", "required")),
        (json!({"title": "x", "start": start, "end": "2027-05-03T08:59:59"}), ("/end", "before-start")),
        (json!({"title": "x", "start": start, "time_zone": "Mars/Olympus"}), ("/time_zone", "unknown-time-zone")),
        (json!({"title": "x", "start": start, "time_zone": "+02:00"}), ("/time_zone", "unknown-time-zone")),
        (json!({"title": "x", "start": start, "time_zone": 2}), ("/time_zone", "wrong-type")),
        (json!({"title": "x", "start": start, "end_time_zone": "Nowhere"}), ("/end_time_zone", "unknown-time-zone")),
        (json!({"title": "x", "start": "2027-05-03"}), ("/start", "not-a-time")),
        (json!({"title": "x", "start": "1582-12-31T23:59:59"}), ("/start", "not-a-time")),
        (json!({"title": "x", "start": "9991-01-01T00:00:00"}), ("/start", "not-a-time")),
        (json!({"title": "x", "start": "2027-02-29T09:00:00"}), ("/start", "not-a-time")),
        (json!({"title": "x", "start": "next Monday"}), ("/start", "not-a-time")),
        (json!({"title": "x", "start": "2027-05-03T09:00:00[Europe/Zurich]"}), ("/start", "not-a-time")),
        (json!({"title": "x", "start": start, "floating": true, "time_zone": "UTC"}), ("/time_zone", "contradiction")),
        (
            json!({"title": "x", "start": "2027-05-03", "all_day": true, "floating": true}),
            ("/floating", "contradiction"),
        ),
    ] {
        let refused = alice.post("/api/v1/events").json(&body).send().await.expect_problem("invalid");
        assert_eq!(only_error(&refused), (expected.0.to_owned(), expected.1.to_owned()), "{body}");
    }
}

#[tokio::test]
async fn the_first_and_the_last_year_are_kept_and_found() {
    let world = World::new().await;
    let alice = world.alice().await;
    for (title, start) in [("First", "1583-01-01T00:00:00"), ("Last", "9990-12-31T23:59:59")] {
        let made = event(&alice, &json!({"title": title, "start": start, "time_zone": "UTC"})).await;
        assert_eq!(made.str("/start"), format!("{start}+00:00"));
        let instances = alice.get(&format!("/api/v1/events/{}/instances", made.id())).expect(200).await;
        assert_eq!(instances.each("/title"), [title]);
    }
    let late = alice.get("/api/v1/events?from=2027-01-01T00:00:00Z").expect(200).await;
    assert_eq!(late.each("/title"), ["Last"]);
    let early = alice.get("/api/v1/events?to=2027-01-01T00:00:00Z").expect(200).await;
    assert_eq!(early.each("/title"), ["First"]);
}

#[tokio::test]
async fn a_moment_without_length_is_found_where_it_is() {
    let world = World::new().await;
    let alice = world.alice().await;
    let bell = event(
        &alice,
        &json!({"title": "Bell", "start": "2027-05-03T12:00:00", "end": "2027-05-03T12:00:00", "time_zone": "UTC"}),
    )
    .await;
    assert_eq!(bell.str("/start"), bell.str("/end"));
    for (window, found) in [
        ("from=2027-05-03T12:00:00Z&to=2027-05-03T12:00:01Z", 1),
        ("from=2027-05-03T11:00:00Z&to=2027-05-03T12:00:00Z", 0),
    ] {
        for expand in ["", "&expand=true"] {
            let list = alice.get(&format!("/api/v1/events?{window}{expand}")).expect(200).await;
            assert_eq!(list.items().len(), found, "{window}{expand}");
        }
    }
}

#[tokio::test]
async fn whole_days_move_with_the_zone_of_their_calendar() {
    let world = World::new().await;
    let alice = world.alice().await;
    let office = calendar(&alice, &json!({"name": "Office", "time_zone": "Asia/Tokyo"})).await;
    event(&alice, &json!({"title": "Holiday", "all_day": true, "start": "2027-05-03", "calendar_id": office})).await;
    let tokyo_morning = "/api/v1/events?from=2027-05-02T15:00:00Z&to=2027-05-02T16:00:00Z";
    assert_eq!(alice.get(tokyo_morning).expect(200).await.items().len(), 1);
    alice.patch(&format!("/api/v1/calendars/{office}")).json(&json!({"time_zone": "Europe/Zurich"})).expect(200).await;
    assert_eq!(alice.get(tokyo_morning).expect(200).await.items().len(), 0);
    let zurich_evening = "/api/v1/events?from=2027-05-03T21:00:00Z&to=2027-05-03T22:00:00Z";
    assert_eq!(alice.get(zurich_evening).expect(200).await.items().len(), 1);
    fits(&world).await;
}
