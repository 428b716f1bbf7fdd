//! Conflicts, busy time, free slots.

use kalends_testkit::{Person, Reply, World};
use serde_json::{Value, json};

use super::given::{calendar, event, fits, only_error, share};

/// An event on a Monday in March, from one time to another, in a calendar.
fn at(calendar: &str, from: &str, to: &str) -> Value {
    json!({"title": format!("From {from}"), "start": format!("2027-03-01T{from}:00"), "end": format!("2027-03-01T{to}:00"),
        "time_zone": "Europe/Zurich", "calendar_id": calendar})
}

fn with(mut body: Value, more: Value) -> Value {
    for (name, value) in more.as_object().cloned().unwrap_or_default() {
        body[name] = value;
    }
    body
}

async fn venue(of: &Person, policy: &str) -> String {
    of.post("/api/v1/venues").json(&json!({"name": "Aula", "conflicts": policy})).expect(201).await.id()
}

async fn taken(person: &Person, body: &Value) -> Reply {
    person.post("/api/v1/events").json(body).send().await.expect_problem("conflict")
}

/// The titles of the conflicts.
fn titles(reply: &Reply) -> Vec<String> {
    let all = reply.json["conflicts"].as_array().expect("conflicts");
    all.iter().map(|one| one["title"].as_str().unwrap_or("(hidden)").to_owned()).collect()
}

#[tokio::test]
async fn a_calendar_that_rejects_conflicts_refuses_what_overlaps_and_nothing_else() {
    let world = World::new().await;
    let alice = world.alice().await;
    let strict = calendar(&alice, &json!({"name": "Strict", "conflicts": "reject"})).await;
    let first = event(&alice, &at(&strict, "10:00", "11:00")).await;
    assert_eq!(first.json["conflicts"], json!([]));
    for (from, to) in
        [("10:30", "10:40"), ("09:00", "10:01"), ("10:59", "12:00"), ("10:00", "11:00"), ("09:00", "12:00")]
    {
        let refused = taken(&alice, &at(&strict, from, to)).await;
        let expected = json!([{"event_id": first.id(), "title": "From 10:00", "start": "2027-03-01T10:00:00+01:00",
            "end": "2027-03-01T11:00:00+01:00", "original_start": null, "reason": "calendar", "reasons": ["calendar", "user"]}]);
        assert_eq!((&refused.json["conflicts"], refused.str("/checked_until")), (&expected, "2037-01-15T10:00:00Z"));
    }
    // Touching is no conflict, and what has no length never has one.
    for (from, to) in [("09:00", "10:00"), ("11:00", "12:00"), ("10:30", "10:30")] {
        event(&alice, &at(&strict, from, to)).await;
    }
    // Nor what does not take time: free, cancelled, a draft.
    for more in [json!({"busy": false}), json!({"status": "cancelled"}), json!({"state": "draft"})] {
        event(&alice, &with(at(&strict, "10:00", "11:00"), more)).await;
    }
    // In another zone the same moment is the same.
    let elsewhere = with(at(&strict, "04:15", "04:45"), json!({"time_zone": "America/New_York"}));
    assert_eq!(titles(&taken(&alice, &elsewhere).await), ["From 10:00"]);
    fits(&world).await;
}

#[tokio::test]
async fn the_request_overrides_what_the_calendar_says() {
    let world = World::new().await;
    let alice = world.alice().await;
    let strict = calendar(&alice, &json!({"name": "Strict", "conflicts": "reject"})).await;
    let lax = calendar(&alice, &json!({"name": "Lax"})).await;
    for into in [&strict, &lax] {
        event(&alice, &at(into, "10:00", "11:00")).await;
        let warned = event(&alice, &with(at(into, "10:15", "10:30"), json!({"on_conflict": "warn"}))).await;
        assert!(titles(&warned).contains(&"From 10:00".to_owned()));
        let ignored = event(&alice, &with(at(into, "10:20", "10:25"), json!({"on_conflict": "ignore"}))).await;
        assert!(ignored.json.get("conflicts").is_none());
        taken(&alice, &with(at(into, "10:05", "10:10"), json!({"on_conflict": "reject"}))).await;
    }
    let refused = alice
        .post("/api/v1/events")
        .json(&with(at(&lax, "10:15", "10:30"), json!({"on_conflict": "never"})))
        .send()
        .await;
    assert_eq!(only_error(&refused.expect_problem("invalid")), ("/on_conflict".into(), "not-a-choice".into()));
}

#[tokio::test]
async fn every_change_that_takes_time_anew_is_checked_and_no_other() {
    let world = World::new().await;
    let alice = world.alice().await;
    let strict = calendar(&alice, &json!({"name": "Strict", "conflicts": "reject"})).await;
    event(&alice, &at(&strict, "10:00", "11:00")).await;
    let other = event(&alice, &at(&strict, "12:00", "13:00")).await;
    let path = format!("/api/v1/events/{}", other.id());
    let into = json!({"start": "2027-03-01T10:30:00", "end": "2027-03-01T11:30:00"});
    alice.patch(&path).json(&into).send().await.expect_problem("conflict");
    let body = with(at(&strict, "10:30", "11:30"), json!({"title": "x"}));
    alice.put(&path).header("if-match", &other.etag()).json(&body).send().await.expect_problem("conflict");
    let moved = alice.patch(&path).json(&with(into, json!({"on_conflict": "warn"}))).expect(200).await;
    assert_eq!(titles(&moved), ["From 10:00"]);
    // It is there now: correcting its title, shortening it, cancelling it are not held up; nor is making it longer elsewhere.
    alice.patch(&path).json(&json!({"title": "Better"})).expect(200).await;
    alice.patch(&path).json(&json!({"end": "2027-03-01T11:15:00"})).expect(200).await;
    alice.patch(&path).json(&json!({"start": "2027-03-01T10:45:00"})).expect(200).await;
    alice.patch(&path).json(&json!({"start": "2027-03-01T10:15:00"})).send().await.expect_problem("conflict");
    alice.patch(&path).json(&json!({"status": "cancelled"})).expect(200).await;
    alice.patch(&path).json(&json!({"status": "confirmed"})).send().await.expect_problem("conflict");
    alice.patch(&path).json(&json!({"busy": false, "status": "confirmed"})).expect(200).await;
    alice.patch(&path).json(&json!({"busy": true})).send().await.expect_problem("conflict");
    // Publishing, restoring and copying take time, too.
    let draft = event(&alice, &with(at(&strict, "10:00", "10:30"), json!({"state": "draft"}))).await;
    let state = format!("/api/v1/events/{}/state", draft.id());
    alice.post(&state).json(&json!({"state": "published"})).send().await.expect_problem("conflict");
    let many = json!({"ids": [draft.id()], "state": "published"});
    let refused = alice.post("/api/v1/events/state").json(&many).send().await.expect_problem("wrong-state");
    assert_eq!(refused.json["problems"][0]["problem"]["type"], "/problems/conflict");
    let published = alice.post(&state).json(&json!({"state": "published", "on_conflict": "warn"})).expect(200).await;
    assert_eq!(titles(&published), ["From 10:00"]);
    alice.delete(&format!("/api/v1/events/{}", draft.id())).expect(204).await;
    let restore = format!("/api/v1/events/{}/restore", draft.id());
    alice.post(&restore).send().await.expect_problem("conflict");
    alice.post(&restore).json(&json!({"on_conflict": "ignore"})).expect(200).await;
    let copy = format!("/api/v1/events/{}/clone", draft.id());
    alice.post(&copy).send().await.expect_problem("conflict");
    alice.post(&copy).json(&json!({"start": "2027-03-01T15:00:00", "end": "2027-03-01T16:00:00"})).expect(201).await;
    // A whole week moves by a day though each lies where the next one was.
    let tight = calendar(&alice, &json!({"name": "Tight", "conflicts": "reject"})).await;
    let mut ids = Vec::new();
    for day in 1..=4 {
        let body = json!({"start": format!("2027-04-0{day}T10:00:00"), "end": format!("2027-04-0{day}T11:00:00")});
        ids.push(event(&alice, &with(at(&tight, "10:00", "11:00"), body)).await.id());
    }
    let shift = json!({"ids": ids, "by": "P1D", "preview": false});
    alice.post("/api/v1/events/shift").json(&shift).expect(200).await;
    let shift = json!({"ids": &ids[..1], "by": "P1D", "preview": false});
    alice.post("/api/v1/events/shift").json(&shift).send().await.expect_problem("conflict");
    alice.post("/api/v1/events/shift").json(&with(shift, json!({"on_conflict": "ignore"}))).expect(200).await;
    // Of several at once the second sees the first, and each says what it clashes with.
    let twice = with(at(&tight, "20:00", "21:00"), json!({}));
    let operations = json!([{"op": "create", "event": twice}, {"op": "create", "event": twice}]);
    let batch = json!({"mode": "each", "operations": operations});
    let done = alice.post("/api/v1/events/batch").json(&batch).expect(200).await;
    assert_eq!(
        (&done.json["results"][0]["status"], done.str("/results/1/problem/type")),
        (&json!(201), "/problems/conflict")
    );
    let batch = json!({"operations": [{"op": "create", "event": with(twice, json!({"on_conflict": "warn"}))}]});
    let done = alice.post("/api/v1/events/batch").json(&batch).expect(200).await;
    assert_eq!(done.json["results"][0]["event"]["conflicts"].as_array().map(Vec::len), Some(1));
    // So does moving to a calendar.
    let lax = calendar(&alice, &json!({"name": "Lax"})).await;
    let guest = event(&alice, &at(&lax, "10:10", "10:20")).await;
    let path = format!("/api/v1/events/{}", guest.id());
    alice.patch(&path).json(&json!({"calendar_id": strict})).send().await.expect_problem("conflict");
    fits(&world).await;
}

#[tokio::test]
async fn who_views_a_calendar_finds_no_confidential_event_by_asking() {
    let world = World::new().await;
    let (alice, bob, carol) = (world.alice().await, world.bob().await, world.carol().await);
    let open = calendar(&alice, &json!({"name": "Open", "visibility": "internal"})).await;
    share(&alice, &format!("calendars/{open}"), &bob, "free_busy").await;
    event(&alice, &with(at(&open, "10:00", "11:00"), json!({"visibility": "confidential"}))).await;
    event(&alice, &with(at(&open, "12:00", "13:00"), json!({"visibility": "private"}))).await;
    let asked = json!({"start": "2027-03-01T09:00:00", "end": "2027-03-01T18:00:00", "time_zone": "Europe/Zurich", "calendar_id": open});
    let starts = async |person: &Person| person.post("/api/v1/conflicts").json(&asked).expect(200).await;
    for person in [&bob, &carol] {
        let told = starts(person).await;
        assert_eq!(
            (titles(&told), told.str("/conflicts/0/start")),
            (vec!["(hidden)".to_owned()], "2027-03-01T12:00:00+01:00")
        );
    }
    assert_eq!(titles(&starts(&alice).await), ["From 10:00", "From 12:00"]);
}

#[tokio::test]
async fn an_answer_about_a_clash_says_no_more_than_free_busy() {
    let world = World::new().await;
    let (alice, bob, carol) = (world.alice().await, world.bob().await, world.carol().await);
    let aula = venue(&alice, "warn").await;
    // Carol may know when Bob's calendar is busy, and not where or with whom.
    share(&bob, &format!("calendars/{}", bob.calendar), &carol, "free_busy").await;
    let secret = event(&bob, &with(at(&bob.calendar, "10:00", "11:00"), json!({"venue_id": aula}))).await;
    let asked = |more: Value| {
        with(json!({"start": "2027-03-01T10:30:00", "end": "2027-03-01T10:40:00", "time_zone": "Europe/Zurich"}), more)
    };
    let told = async |more: Value| {
        carol.post("/api/v1/conflicts").json(&asked(more)).expect(200).await.json["conflicts"].clone()
    };
    for more in [json!({"venue_id": aula}), json!({"user_ids": [bob.id]})] {
        let told = told(more).await;
        assert_eq!((&told[0]["event_id"], told.as_array().map(Vec::len)), (&Value::Null, Some(1)), "{told}");
        assert_eq!(told[0]["start"], "2027-03-01T09:30:00Z", "no more than the time that was asked for");
    }
    let both = told(json!({"calendar_id": bob.calendar, "venue_id": aula, "user_ids": [bob.id]})).await;
    assert_eq!((&both[0]["event_id"], &both[0]["reasons"]), (&json!(secret.id()), &json!(["calendar"])), "{both}");
    // Leaving out an event that one does not see changes nothing.
    let hidden = event(
        &bob,
        &with(at(&bob.calendar, "14:00", "15:00"), json!({"venue_id": aula, "visibility": "confidential"})),
    )
    .await;
    let afternoon = |but: Value| {
        json!({"start": "2027-03-01T14:30:00", "end": "2027-03-01T14:40:00", "time_zone": "Europe/Zurich",
        "venue_id": aula, "exclude_event_id": but})
    };
    let with_it = carol.post("/api/v1/conflicts").json(&afternoon(Value::Null)).expect(200).await;
    let without = carol.post("/api/v1/conflicts").json(&afternoon(json!(hidden.id()))).expect(200).await;
    assert_eq!(with_it.json, without.json);
    let bobs = bob.post("/api/v1/conflicts").json(&afternoon(json!(hidden.id()))).expect(200).await;
    assert_eq!(bobs.json["conflicts"], json!([]), "who sees it may leave it out");
}

#[tokio::test]
async fn who_edits_one_event_reads_nothing_of_its_calendar_in_a_refusal() {
    let world = World::new().await;
    let (alice, bob) = (world.alice().await, world.bob().await);
    let strict = calendar(&alice, &json!({"name": "Strict", "conflicts": "reject"})).await;
    event(&alice, &at(&strict, "10:00", "11:00")).await;
    let his = event(&alice, &at(&strict, "12:00", "13:00")).await;
    let path = format!("/api/v1/events/{}", his.id());
    share(&alice, &format!("events/{}", his.id()), &bob, "editor").await;
    let all_day = json!({"start": "2027-03-01T06:00:00", "end": "2027-03-01T20:00:00"});
    let refused = bob.patch(&path).json(&all_day).send().await.expect_problem("conflict");
    assert_eq!((&refused.json["conflicts"], &refused.json["more"]), (&json!([]), &json!(true)));
    assert_eq!(refused.str("/detail"), "something that you may not see takes the same time");
    assert_eq!(titles(&alice.patch(&path).json(&all_day).send().await.expect_problem("conflict")), ["From 10:00"]);
}

#[tokio::test]
async fn a_series_that_is_split_goes_on_where_it_was_allowed_to() {
    let world = World::new().await;
    let alice = world.alice().await;
    let strict = calendar(&alice, &json!({"name": "Strict", "conflicts": "reject"})).await;
    event(&alice, &with(at(&strict, "10:30", "11:30"), json!({"recurrence": ["RRULE:FREQ=WEEKLY;COUNT=8"]}))).await;
    let weekly =
        with(at(&strict, "10:00", "11:00"), json!({"recurrence": ["RRULE:FREQ=WEEKLY"], "on_conflict": "ignore"}));
    let weekly = event(&alice, &weekly).await.id();
    let following = format!("/api/v1/events/{weekly}/instances/20270315T100000?scope=following");
    // Not a minute later, but as long as it was or shorter.
    let later = json!({"start": "2027-03-15T10:01:00"});
    alice.patch(&following).json(&later).send().await.expect_problem("conflict");
    alice.patch(&following).json(&json!({"title": "From here on", "end": "2027-03-15T10:45:00"})).expect(200).await;
    fits(&world).await;
}

#[tokio::test]
async fn series_conflict_where_their_instances_do() {
    let world = World::new().await;
    let alice = world.alice().await;
    let strict = calendar(&alice, &json!({"name": "Strict", "conflicts": "reject"})).await;
    // Every Monday at nine in Zurich, for ever, the third of them moved and the fourth cancelled.
    let weekly = with(
        at(&strict, "09:00", "10:00"),
        json!({"title": "Weekly", "recurrence": ["RRULE:FREQ=WEEKLY"], "overrides": [
        {"original_start": "2027-03-15T09:00:00", "start": "2027-03-16T14:00:00"}, {"original_start": "2027-03-22T09:00:00", "cancelled": true},
        {"original_start": "2027-04-12T09:00:00", "busy": false}]}),
    );
    let weekly = event(&alice, &weekly).await.id();
    let on = |day: &str, from: &str, to: &str| json!({"title": "One", "calendar_id": strict, "start": format!("{day}T{from}:00Z"), "end": format!("{day}T{to}:00Z"), "time_zone": "UTC"});
    // At nine in Zurich it is eight in winter and seven in summer, also years ahead.
    for (day, from, to, original) in [
        ("2027-03-08", "08:30", "09:30", Some("2027-03-08T09:00:00+01:00")),
        ("2027-03-08", "07:00", "08:00", None),
        ("2027-03-15", "08:00", "09:00", None),
        ("2027-03-16", "13:00", "14:00", Some("2027-03-15T09:00:00+01:00")),
        ("2027-03-22", "08:00", "09:00", None),
        ("2027-03-29", "07:30", "07:31", Some("2027-03-29T09:00:00+02:00")),
        ("2027-03-29", "08:00", "09:00", None),
        ("2027-04-12", "07:00", "08:00", None),
        ("2036-12-29", "08:15", "08:30", Some("2036-12-29T09:00:00+01:00")),
        ("2127-03-03", "08:15", "08:30", Some("2127-03-03T09:00:00+01:00")),
    ] {
        let body = with(on(day, from, to), json!({"on_conflict": "reject"}));
        let reply = alice.post("/api/v1/events").json(&body).send().await;
        match original {
            None => drop(reply.expect(201)),
            Some(original) => {
                let refused = reply.expect_problem("conflict");
                assert_eq!(
                    (refused.str("/conflicts/0/event_id"), refused.str("/conflicts/0/original_start")),
                    (weekly.as_str(), original),
                    "{day}"
                );
            }
        }
    }
    // Two endless series that meet once in years.
    let yearly = with(
        at(&strict, "09:30", "09:40"),
        json!({"start": "2027-03-07T09:30:00", "end": "2027-03-07T09:40:00", "recurrence": ["RRULE:FREQ=YEARLY"]}),
    );
    let refused = taken(&alice, &yearly).await;
    assert_eq!(refused.str("/conflicts/0/start"), format!("{}T09:00:00+01:00", first_monday_the_seventh()));
    // One instance of it can be moved where there is room, and not where there is none.
    let daily = with(at(&strict, "20:00", "21:00"), json!({"title": "Daily", "recurrence": ["RRULE:FREQ=DAILY"]}));
    let daily = event(&alice, &daily).await.id();
    let instance = format!("/api/v1/events/{daily}/instances/20270405T200000");
    alice.patch(&instance).json(&json!({"start": "2027-04-05T08:30:00"})).send().await.expect_problem("conflict");
    alice.patch(&instance).json(&json!({"start": "2027-04-05T08:00:00"})).expect(200).await;
    let following = format!("/api/v1/events/{daily}/instances/20270501T200000?scope=following");
    alice.patch(&following).json(&json!({"start": "2027-05-01T09:30:00"})).send().await.expect_problem("conflict");
    let all = format!("/api/v1/events/{daily}/instances/20270501T200000?scope=all");
    alice.patch(&all).json(&json!({"start": "2027-05-01T09:30:00"})).send().await.expect_problem("conflict");
    alice.patch(&following).json(&json!({"start": "2027-05-01T09:30:00", "on_conflict": "warn"})).expect(200).await;
    fits(&world).await;
}

/// The first 7 March from 2027 on that is a Monday.
fn first_monday_the_seventh() -> String {
    let mut day = jiff::civil::date(2027, 3, 7);
    while day.weekday() != jiff::civil::Weekday::Monday {
        day = day.checked_add(jiff::Span::new().years(1)).expect("a day");
    }
    day.to_string()
}

#[tokio::test]
async fn all_day_events_take_the_days_of_their_calendar() {
    let world = World::new().await;
    let alice = world.alice().await;
    let tokyo = calendar(&alice, &json!({"name": "Tokyo", "conflicts": "reject", "time_zone": "Asia/Tokyo"})).await;
    let day = json!({"title": "Day", "all_day": true, "start": "2027-03-02", "calendar_id": tokyo});
    let day = event(&alice, &day).await;
    let utc = |start: &str, end: &str| json!({"title": "One", "start": start, "end": end, "time_zone": "UTC", "calendar_id": tokyo});
    taken(&alice, &utc("2027-03-01T15:00:00", "2027-03-01T16:00:00")).await;
    event(&alice, &utc("2027-03-01T14:00:00", "2027-03-01T15:00:00")).await;
    event(&alice, &utc("2027-03-02T15:00:00", "2027-03-02T16:00:00")).await;
    taken(&alice, &json!({"title": "Next", "all_day": true, "start": "2027-03-02", "calendar_id": tokyo})).await;
    event(&alice, &json!({"title": "Next", "all_day": true, "start": "2027-03-04", "calendar_id": tokyo})).await;
    // With another zone the days are others, and what is found with them. (One takes what is taken: it is not to be refused.)
    let utc_days = json!({"time_zone": "UTC", "conflicts": "warn"});
    alice.patch(&format!("/api/v1/calendars/{tokyo}")).json(&utc_days).expect(200).await;
    let asked = json!({"start": "2027-03-02T20:00:00Z", "end": "2027-03-02T20:01:00Z", "time_zone": "UTC", "calendar_id": tokyo});
    let found = alice.post("/api/v1/conflicts").json(&asked).expect(200).await;
    assert_eq!(found.json["conflicts"][0]["event_id"], day.id().as_str());
    fits(&world).await;
}

#[tokio::test]
async fn a_venue_is_never_double_booked_but_by_who_manages_it() {
    let world = World::new().await;
    let (alice, bob, carol) = (world.alice().await, world.bob().await, world.carol().await);
    let aula = venue(&alice, "reject").await;
    let here = |body: Value| with(body, json!({"venue_id": aula}));
    let first = event(&bob, &here(at(&bob.calendar, "10:00", "11:00"))).await;
    // Somebody else learns that it is taken, and nothing of by what; no wish of theirs helps.
    for wish in [json!({}), json!({"on_conflict": "warn"}), json!({"on_conflict": "ignore"})] {
        let refused = taken(&carol, &with(here(at(&carol.calendar, "10:30", "12:00")), wish)).await;
        let expected = json!([{"event_id": null, "title": null, "start": "2027-03-01T09:30:00Z", "end": "2027-03-01T10:00:00Z",
            "original_start": null, "reason": "venue", "reasons": ["venue"]}]);
        assert_eq!(refused.json["conflicts"], expected);
        assert!(!refused.text.contains(&first.id()) && !refused.text.contains("From 10"));
    }
    event(&carol, &here(at(&carol.calendar, "11:00", "12:00"))).await;
    event(&carol, &at(&carol.calendar, "10:00", "11:00")).await;
    // Who books it twice by mistake is refused, too; who manages it may say that it is meant.
    taken(&bob, &here(at(&bob.calendar, "10:00", "11:00"))).await;
    taken(&alice, &here(at(&alice.calendar, "10:00", "11:00"))).await;
    let meant = event(&alice, &with(here(at(&alice.calendar, "10:00", "11:00")), json!({"on_conflict": "warn"}))).await;
    assert_eq!(titles(&meant), ["(hidden)"]);
    // A series does not get in where one of its dates is taken, unless that one is held elsewhere.
    let weekly =
        json!({"start": "2027-02-22T10:00:00", "end": "2027-02-22T11:00:00", "recurrence": ["RRULE:FREQ=WEEKLY"]});
    let weekly = with(here(at(&carol.calendar, "10:00", "11:00")), weekly);
    assert_eq!(taken(&carol, &weekly).await.json["conflicts"].as_array().map(Vec::len), Some(2));
    let other = venue(&alice, "reject").await;
    let elsewhere = json!({"overrides": [{"original_start": "2027-03-01T10:00:00", "venue_id": other}]});
    let series = event(&carol, &with(weekly, elsewhere)).await;
    taken(&bob, &with(at(&bob.calendar, "10:30", "10:45"), json!({"venue_id": other}))).await;
    event(
        &bob,
        &with(
            at(&bob.calendar, "10:30", "10:45"),
            json!({"venue_id": other, "start": "2027-03-08T10:30:00", "end": "2027-03-08T10:45:00"}),
        ),
    )
    .await;
    let back = format!("/api/v1/events/{}/instances/20270301T100000", series.id());
    carol.patch(&back).json(&json!({"venue_id": aula})).send().await.expect_problem("conflict");
    // A venue that only warns, and one that is gone.
    let yard = venue(&alice, "warn").await;
    for expected in [0, 1] {
        let made = event(&bob, &with(at(&bob.calendar, "16:00", "17:00"), json!({"venue_id": yard}))).await;
        assert_eq!(made.json["conflicts"].as_array().map(Vec::len), Some(expected));
    }
    fits(&world).await;
}

#[tokio::test]
async fn people_are_busy_with_what_is_theirs_as_far_as_one_sees_it() {
    let world = World::new().await;
    let (alice, bob, carol) = (world.alice().await, world.bob().await, world.carol().await);
    // Bob is busy: with his own, with what an assistant writes into his calendar, with what names him.
    event(&bob, &at(&bob.calendar, "10:00", "11:00")).await;
    share(&bob, &format!("calendars/{}", bob.calendar), &alice, "editor").await;
    event(&alice, &at(&bob.calendar, "12:00", "13:00")).await;
    let team = calendar(&alice, &json!({"name": "Team"})).await;
    event(&alice, &with(at(&team, "14:00", "15:00"), json!({"audience": {"user_ids": [bob.id]}}))).await;
    let asked = |who: &Person, from: &str, to: &str| {
        with(at("", from, to), json!({"user_ids": [who.id], "calendar_id": null, "title": null}))
    };
    let find = async |who: &Person, body: Value| titles(&who.post("/api/v1/conflicts").json(&body).expect(200).await);
    assert_eq!(find(&bob, asked(&bob, "09:00", "18:00")).await, ["From 10:00", "From 12:00", "(hidden)"]);
    assert_eq!(find(&alice, asked(&bob, "09:00", "18:00")).await, ["From 10:00", "From 12:00", "From 14:00"]);
    // The assistant's own time is not taken by it.
    assert_eq!(find(&alice, asked(&alice, "09:00", "18:00")).await, ["From 14:00"]);
    assert_eq!(find(&carol, asked(&bob, "09:00", "18:00")).await, Vec::<String>::new());
    share(&bob, &format!("calendars/{}", bob.calendar), &carol, "free_busy").await;
    assert_eq!(find(&carol, asked(&bob, "09:00", "18:00")).await, ["(hidden)", "(hidden)"]);
    // Without anybody it is about oneself.
    let mine = with(at("", "09:00", "18:00"), json!({"calendar_id": null, "title": null}));
    assert_eq!(find(&bob, mine).await.len(), 3);
    // An event that names somebody who is busy conflicts with what the writer may see of it.
    let invite = |wish: &str| {
        with(at(&team, "10:30", "11:30"), json!({"audience": {"user_ids": [bob.id]}, "on_conflict": wish}))
    };
    let refused = taken(&alice, &invite("reject")).await;
    assert_eq!((titles(&refused), refused.str("/conflicts/0/reason")), (vec!["From 10:00".to_owned()], "user"));
    let own = calendar(&carol, &json!({"name": "Carol's", "conflicts": "reject"})).await;
    let refused = taken(&carol, &with(at(&own, "10:30", "11:30"), json!({"audience": {"user_ids": [bob.id]}}))).await;
    assert_eq!(titles(&refused), ["(hidden)"]);
    share(&bob, &format!("calendars/{}", bob.calendar), &carol, "viewer").await;
    let visible = taken(&carol, &with(at(&own, "10:30", "11:30"), json!({"audience": {"user_ids": [bob.id]}}))).await;
    assert_eq!(titles(&visible), ["From 10:00"]);
    bob.delete(&format!("/api/v1/calendars/{}/permissions/{}", bob.calendar, carol.id)).expect(204).await;
    event(&carol, &with(at(&own, "10:30", "11:30"), json!({"audience": {"user_ids": [bob.id]}}))).await;
    fits(&world).await;
}

#[tokio::test]
async fn probable_duplicates_are_a_warning() {
    let world = World::new().await;
    let alice = world.alice().await;
    let lax = calendar(&alice, &json!({"name": "Lax", "conflicts": "warn"})).await;
    let first = event(&alice, &at(&lax, "10:00", "10:30")).await;
    let again = event(&alice, &with(at(&lax, "10:45", "11:15"), json!({"title": "  FROM   10:00 "}))).await;
    assert_eq!(again.json["conflicts"], json!([]));
    assert_eq!(
        (again.str("/warnings/0/reason"), again.str("/warnings/0/event_id")),
        ("duplicate", first.id().as_str())
    );
    let later = event(&alice, &with(at(&lax, "12:00", "12:15"), json!({"title": "From 10:00"}))).await;
    assert_eq!(later.json["warnings"], json!([]));
    let asked = with(at(&lax, "10:45", "11:15"), json!({"title": "from 10:00", "exclude_event_id": again.id()}));
    let found = alice.post("/api/v1/conflicts").json(&asked).expect(200).await;
    assert_eq!(found.json["warnings"].as_array().map(Vec::len), Some(1));
}

#[tokio::test]
async fn what_if_names_what_would_conflict_without_making_anything() {
    let world = World::new().await;
    let (alice, bob) = (world.alice().await, world.bob().await);
    let aula = venue(&alice, "reject").await;
    let made = event(&alice, &with(at(&alice.calendar, "10:00", "11:00"), json!({"venue_id": aula}))).await;
    let ask = async |who: &Person, more: Value| {
        let body = json!({"start": "2027-03-01T10:30:00", "end": "2027-03-01T11:30:00", "time_zone": "Europe/Zurich"});
        who.post("/api/v1/conflicts").json(&with(body, more)).expect(200).await
    };
    for (more, reason) in [
        (json!({"calendar_id": alice.calendar}), "calendar"),
        (json!({"venue_id": aula}), "venue"),
        (json!({"user_ids": [alice.id]}), "user"),
        (json!({"audience": {"user_ids": [alice.id]}}), "user"),
        (json!({"user_ids": [alice.id], "calendar_id": alice.calendar, "venue_id": aula}), "venue"),
        (
            json!({"start": "2027-02-01T10:30:00", "end": "2027-02-01T11:30:00", "recurrence": ["RRULE:FREQ=WEEKLY"]}),
            "user",
        ),
    ] {
        let found = ask(&alice, more).await;
        assert_eq!((titles(&found), found.str("/conflicts/0/reason")), (vec!["From 10:00".to_owned()], reason));
    }
    assert!(titles(&ask(&alice, json!({"exclude_event_id": made.id()})).await).is_empty());
    assert_eq!(titles(&ask(&bob, json!({"venue_id": aula})).await), ["(hidden)"]);
    assert!(titles(&ask(&bob, json!({"user_ids": [alice.id]})).await).is_empty());
    for (more, slug) in [
        (json!({"start": "2027-03-01T10:00:00", "calendar_id": alice.calendar}), "not-found"),
        (json!({"start": "2027-03-01T10:00:00", "venue_id": alice.calendar}), "not-found"),
        (
            json!({"start": "never", "calender_id": alice.calendar, "user_ids": "x", "recurrence": ["RRULE:FREQ=NEVER"]}),
            "invalid",
        ),
        (json!({}), "invalid"),
    ] {
        let refused = bob.post("/api/v1/conflicts").json(&more).send().await.expect_problem(slug);
        if more.get("user_ids").is_some() {
            let pointers: Vec<String> = refused.errors().into_iter().map(|(pointer, _)| pointer).collect();
            assert_eq!(pointers, ["/calender_id", "/recurrence/0", "/start", "/user_ids"]);
        }
    }
}

#[tokio::test]
async fn what_if_looks_at_the_venues_of_single_instances() {
    let world = World::new().await;
    let alice = world.alice().await;
    let (aula, gym) = (venue(&alice, "reject").await, venue(&alice, "reject").await);
    let taking = with(
        at(&alice.calendar, "10:00", "11:00"),
        json!({"start": "2027-03-08T10:00:00", "end": "2027-03-08T11:00:00"}),
    );
    event(&alice, &with(taking, json!({"venue_id": gym}))).await;
    let asked = |of: &str| {
        json!({"start": "2027-03-01T10:30:00", "end": "2027-03-01T11:30:00", "time_zone": "Europe/Zurich", "venue_id": aula,
            "recurrence": ["RRULE:FREQ=WEEKLY;COUNT=3"], "overrides": [{"original_start": "2027-03-08T10:30:00", "venue_id": of}]})
    };
    let found = alice.post("/api/v1/conflicts").json(&asked(&gym)).expect(200).await;
    assert_eq!(
        (titles(&found), &found.json["conflicts"][0]["reasons"]),
        (vec!["From 10:00".to_owned()], &json!(["venue"]))
    );
    assert!(titles(&alice.post("/api/v1/conflicts").json(&asked(&aula)).expect(200).await).is_empty());
    let nowhere = "01941f29-7c00-7ccc-8000-3d1c7e9a5b10";
    alice.post("/api/v1/conflicts").json(&asked(nowhere)).send().await.expect_problem("not-found");
}

#[tokio::test]
async fn busy_time_is_merged_and_says_nothing_else() {
    let world = World::new().await;
    let (alice, bob) = (world.alice().await, world.bob().await);
    let aula = venue(&alice, "ignore").await;
    for (from, to) in [("10:00", "11:00"), ("10:30", "11:30"), ("11:30", "12:00"), ("14:00", "14:00")] {
        event(&alice, &with(at(&alice.calendar, from, to), json!({"venue_id": aula}))).await;
    }
    let nightly =
        json!({"start": "2027-02-20T23:00:00", "end": "2027-02-21T01:00:00", "recurrence": ["RRULE:FREQ=DAILY"]});
    event(&alice, &with(at(&alice.calendar, "23:00", "01:00"), nightly)).await;
    let window = "from=2027-03-01T00:00:00%2B01:00&to=2027-03-02T00:00:00%2B01:00";
    let mine = alice.get(&format!("/api/v1/freebusy?{window}&time_zone=Europe/Zurich")).expect(200).await;
    let night = json!({"start": "2027-03-01T00:00:00+01:00", "end": "2027-03-01T01:00:00+01:00"});
    let morning = json!({"start": "2027-03-01T10:00:00+01:00", "end": "2027-03-01T12:00:00+01:00"});
    let evening = json!({"start": "2027-03-01T23:00:00+01:00", "end": "2027-03-02T00:00:00+01:00"});
    assert_eq!(mine.json["busy"], json!([night, morning, evening]));
    let question = format!("/api/v1/freebusy?user_id={}&venue_id={aula}&{window}", alice.id);
    let seen = bob.get(&question).expect(200).await;
    assert_eq!(seen.json["users"], json!([{"user_id": alice.id, "busy": [], "complete": false}]));
    let taken = json!([{"start": "2027-03-01T09:00:00+00:00", "end": "2027-03-01T11:00:00+00:00"}]);
    assert_eq!((&seen.json["venues"][0]["busy"], &seen.json["busy"]), (&taken, &taken));
    share(&alice, &format!("calendars/{}", alice.calendar), &bob, "free_busy").await;
    let seen = bob.get(&question).expect(200).await;
    assert_eq!(seen.json["users"][0]["busy"].as_array().map(Vec::len), Some(3));
    assert!(!seen.text.contains("From"), "{}", seen.text);
    for bad in [
        "",
        "from=2027-03-01T00:00:00Z",
        "from=2027-03-02T00:00:00Z&to=2027-03-01T00:00:00Z",
        "from=2027-03-01T00:00:00Z&to=2029-03-01T00:00:00Z",
    ] {
        bob.get(&format!("/api/v1/freebusy?{bad}")).send().await.expect_problem("invalid");
    }
    bob.get(&format!("/api/v1/freebusy?venue_id={}&{window}", bob.id)).send().await.expect_problem("not-found");
}

#[tokio::test]
async fn free_slots_are_where_everybody_and_the_venue_are_free() {
    let world = World::new().await;
    let (alice, bob) = (world.alice().await, world.bob().await);
    let aula = venue(&alice, "reject").await;
    share(&bob, &format!("calendars/{}", bob.calendar), &alice, "free_busy").await;
    event(&alice, &at(&alice.calendar, "08:00", "10:07")).await;
    event(&bob, &with(at(&bob.calendar, "11:30", "12:00"), json!({"recurrence": ["RRULE:FREQ=DAILY"]}))).await;
    event(&bob, &with(at(&bob.calendar, "13:00", "17:00"), json!({"venue_id": aula}))).await;
    let body = json!({"duration": "PT1H", "from": "2027-03-01T00:00:00", "to": "2027-03-05T00:00:00", "time_zone": "Europe/Zurich",
        "user_ids": [alice.id, bob.id], "venue_id": aula, "working_hours": {"from": "08:00", "to": "18:00", "days": ["mo", "we"]}, "limit": 5});
    let found = alice.post("/api/v1/free-slots").json(&body).expect(200).await;
    let starts = [
        "2027-03-01T10:15:00+01:00",
        "2027-03-01T12:00:00+01:00",
        "2027-03-01T17:00:00+01:00",
        "2027-03-03T08:00:00+01:00",
        "2027-03-03T09:00:00+01:00",
    ];
    assert_eq!(found.each("/start"), starts);
    assert_eq!(found.each("/end")[0], "2027-03-01T11:15:00+01:00");
    let none = with(body.clone(), json!({"duration": "P2D"}));
    assert!(alice.post("/api/v1/free-slots").json(&none).expect(200).await.items().is_empty());
    let refused = json!({"duration": "a while", "from": "2027-03-05T00:00:00", "to": "2027-03-01T00:00:00", "limit": 0, "step": 0,
        "working_hours": {"from": "18:00", "to": "08:00", "days": ["monday"]}});
    let refused = alice.post("/api/v1/free-slots").json(&refused).send().await.expect_problem("invalid");
    let pointers: Vec<String> = refused.errors().into_iter().map(|(pointer, _)| pointer).collect();
    assert_eq!(pointers, ["/duration", "/limit", "/step", "/to", "/working_hours/days/0", "/working_hours/to"]);
}

/// Whatever somebody asks who sees only when people are busy, no answer says by what.
#[tokio::test]
async fn no_answer_tells_a_title_to_who_sees_only_busy_times() {
    let world = World::new().await;
    let (alice, carol) = (world.alice().await, world.carol().await);
    let aula = venue(&alice, "reject").await;
    let choir = calendar(&alice, &json!({"name": "Choir"})).await;
    share(&alice, &format!("calendars/{choir}"), &carol, "free_busy").await;
    let mut secrets = Vec::new();
    for n in 0..24_u64 {
        let secret = format!("q{:x}q", n.wrapping_mul(0x9e37_79b9_7f4a_7c15) | (1 << 60));
        let (hour, minutes) = (8 + n % 8, n * 7 % 60);
        let start = format!("2027-03-0{}T{hour:02}:{minutes:02}:00", 1 + n / 8);
        let visibility = ["public", "private", "confidential"][usize::try_from(n % 3).expect("small")];
        let body = json!({"title": format!("t {secret}"), "location": secret, "description": secret, "categories": [secret], "visibility": visibility,
            "start": start, "end": format!("2027-03-0{}T{hour:02}:59:00", 1 + n / 8), "calendar_id": choir, "on_conflict": "ignore",
            "venue_id": if n % 2 == 0 { json!(aula) } else { json!(null) }, "audience": {"user_ids": [alice.id], "classes": [secret]}});
        let body = if n % 5 == 0 {
            let original = format!("2027-03-0{}T{hour:02}:{minutes:02}:00", 2 + n / 8);
            with(
                body,
                json!({"recurrence": ["RRULE:FREQ=DAILY;COUNT=4"], "overrides": [{"original_start": original, "title": format!("o {secret}")}]}),
            )
        } else {
            body
        };
        secrets.push((secret, event(&alice, &body).await.id()));
    }
    let window = "from=2027-03-01T00:00:00Z&to=2027-03-08T00:00:00Z";
    let long = json!({"start": "2027-03-01T00:00:00Z", "end": "2027-03-08T00:00:00Z"});
    let mut told = String::new();
    for more in [
        json!({"calendar_id": choir}),
        json!({"venue_id": aula}),
        json!({"user_ids": [alice.id]}),
        json!({"calendar_id": choir, "title": "t"}),
    ] {
        let found = carol.post("/api/v1/conflicts").json(&with(long.clone(), more)).expect(200).await;
        assert!(!found.json["conflicts"].as_array().expect("conflicts").is_empty());
        told += &found.text;
    }
    told +=
        &carol.get(&format!("/api/v1/freebusy?user_id={}&venue_id={aula}&{window}", alice.id)).expect(200).await.text;
    let slots = json!({"duration": "PT30M", "from": "2027-03-01T00:00:00Z", "to": "2027-03-08T00:00:00Z", "user_ids": [alice.id], "venue_id": aula});
    told += &carol.post("/api/v1/free-slots").json(&slots).expect(200).await.text;
    let mine = with(long, json!({"title": "Mine", "venue_id": aula, "audience": {"user_ids": [alice.id]}}));
    told += &taken(&carol, &mine).await.text;
    let nowhere = with(mine.clone(), json!({"venue_id": null}));
    for wish in ["warn", "reject"] {
        told +=
            &carol.post("/api/v1/events").json(&with(nowhere.clone(), json!({"on_conflict": wish}))).send().await.text;
    }
    let own = event(&carol, &with(mine, json!({"state": "draft", "on_conflict": "warn"}))).await;
    told += &own.text;
    told += &carol
        .post(&format!("/api/v1/events/{}/state", own.id()))
        .json(&json!({"state": "published"}))
        .send()
        .await
        .text;
    let shown = event(&carol, &with(nowhere, json!({"on_conflict": "ignore", "audience": null}))).await.id();
    for wish in ["warn", "reject"] {
        let body = json!({"users": [{"user_id": alice.id, "role": "viewer"}], "on_conflict": wish});
        let shared = carol.post(&format!("/api/v1/events/{shown}/share")).json(&body).send().await;
        assert!(!titles(&shared).is_empty(), "{}", shared.text);
        told += &shared.text;
    }
    for path in [
        format!("/api/v1/events?{window}&expand=true"),
        format!("/api/v1/events?venue_id={aula}"),
        format!("/api/v1/events?calendar_id={choir}"),
    ] {
        told += &carol.get(&path).expect(200).await.text;
    }
    for (secret, id) in &secrets {
        assert!(!told.contains(secret.as_str()), "{secret} in {told}");
        let confidential =
            alice.get(&format!("/api/v1/events/{id}")).expect(200).await.str("/visibility") == "confidential";
        assert!(!confidential || !told.contains(id.as_str()), "the id of what is hidden");
    }
    fits(&world).await;
}

#[tokio::test]
async fn what_is_too_much_to_check_is_said_so() {
    let world = World::builder().set("conflicts.horizon_years", "2").start().await;
    let alice = world.alice().await;
    let seconds = with(
        at(&alice.calendar, "10:00", "10:00"),
        json!({"end": "2027-03-01T10:00:01", "recurrence": ["RRULE:FREQ=SECONDLY"]}),
    );
    alice
        .post("/api/v1/events")
        .json(&with(seconds.clone(), json!({"on_conflict": "reject"})))
        .send()
        .await
        .expect_problem("too-much-to-check");
    event(&alice, &with(seconds, json!({"on_conflict": "ignore"}))).await;
    let one = with(at(&alice.calendar, "12:00", "12:01"), json!({"on_conflict": "warn"}));
    let warned = event(&alice, &one).await;
    assert_eq!(
        (warned.json["conflicts"].as_array().map(Vec::len), warned.str("/checked_until")),
        (Some(60), "2029-01-15T10:00:00Z")
    );
    fits(&world).await;
}

#[tokio::test]
async fn another_time_zone_moves_all_day_events_and_is_refused_where_they_would_take_time_that_is_taken() {
    let world = World::new().await;
    let alice = world.alice().await;
    let team = json!({"name": "Team", "time_zone": "Europe/Zurich", "conflicts": "reject"});
    let team = alice.post("/api/v1/calendars").json(&team).expect(201).await.id();
    let path = format!("/api/v1/calendars/{team}");
    let on = |more: Value| with(json!({"calendar_id": team, "title": "x"}), more);
    let make = async |more: Value| alice.post("/api/v1/events").json(&on(more)).expect(201).await.id();
    let fair = make(json!({"title": "Fair", "start": "2027-03-22", "end": "2027-03-24", "all_day": true})).await;
    // Two that overlap since before, and go on doing so.
    let other = on(
        json!({"title": "Fair II", "start": "2027-03-23", "end": "2027-03-25", "all_day": true, "on_conflict": "ignore"}),
    );
    alice.post("/api/v1/events").json(&other).expect(201).await;
    let call = make(json!({"title": "Call", "start": "2027-03-25T02:00:00", "end": "2027-03-25T03:00:00", "time_zone": "Europe/Zurich"})).await;
    let free = async |from: &str, to: &str| {
        let asked = json!({"start": from, "end": to, "calendar_id": team});
        alice.post("/api/v1/conflicts").json(&asked).expect(200).await.json["conflicts"]
            .as_array()
            .expect("a list")
            .is_empty()
    };
    assert!(free("2027-03-25T00:00:00+01:00", "2027-03-25T02:00:00+01:00").await);
    // In New York the 24th goes on until five in the morning of Zurich's 25th.
    let before = alice.get(&path).expect(200).await;
    let refused =
        alice.patch(&path).json(&json!({"time_zone": "America/New_York"})).send().await.expect_problem("conflict");
    assert_eq!(refused.json["conflicts"].as_array().map(Vec::len), Some(1), "{}", refused.text);
    assert_eq!(refused.str("/conflicts/0/event_id"), call);
    assert_eq!(refused.json["event_ids"].as_array().map(Vec::len), Some(1), "{}", refused.text);
    assert_ne!(refused.str("/event_ids/0"), fair);
    assert_eq!(alice.get(&path).expect(200).await.json, before.json, "nothing was changed");
    assert!(free("2027-03-25T00:00:00+01:00", "2027-03-25T02:00:00+01:00").await);
    // Where there is room it moves, and so does the time that is taken.
    alice.patch(&path).json(&json!({"time_zone": "Europe/London"})).expect(200).await;
    assert!(!free("2027-03-25T00:00:00+01:00", "2027-03-25T01:00:00+01:00").await);
    assert!(free("2027-03-22T00:00:00+01:00", "2027-03-22T01:00:00+01:00").await);
    // With another policy nobody asks; nor once the other is gone.
    alice.patch(&path).json(&json!({"time_zone": "America/New_York", "conflicts": "warn"})).expect(200).await;
    assert!(!free("2027-03-25T04:00:00+01:00", "2027-03-25T05:00:00+01:00").await);
    alice.patch(&path).json(&json!({"time_zone": "Europe/Zurich", "conflicts": "reject"})).expect(200).await;
    alice.delete(&format!("/api/v1/events/{call}")).expect(204).await;
    alice.patch(&path).json(&json!({"time_zone": "America/New_York"})).expect(200).await;
    fits(&world).await;
}
