//! `POST /events/shift`: many events moved by days, with words renamed.

use jiff::civil::DateTime;
use jiff::{SignedDuration, Span};
use kalends_testkit::{Person, Reply, World};
use serde_json::{Value, json};

use crate::api::given::{calendar, choir, event, fits, share, starts};

async fn shift(person: &Person, body: &Value) -> Reply {
    person.post("/api/v1/events/shift").json(body).send().await
}

#[tokio::test]
async fn events_move_on_the_wall_clock_with_their_words_renamed() {
    let world = World::new().await;
    let alice = world.alice().await;
    let exam = json!({"title": "Exam 26Ga", "description": "26GA, not 26Gab", "location": "Room of 26ga", "start": "2027-03-24T08:00:00",
        "end": "2027-03-24T09:30:00", "time_zone": "Europe/Zurich",
        "registration": {"enabled": true, "opens_at": "2027-03-20T08:00:00+01:00", "closes_at": "2027-03-23T08:00:00+01:00"}});
    let exam = event(&alice, &exam).await;
    let trip = json!({"title": "Trip", "start": "2027-07-01", "end": "2027-07-03", "all_day": true});
    let trip = event(&alice, &trip).await;
    let mut body = json!({"ids": [exam.id(), trip.id()], "by": "P7D", "rename": {"26Ga": "27Ga", "Exam": "Test"}});
    let preview = shift(&alice, &body).await.expect(200);
    assert_eq!(preview.json["preview"], true);
    assert_eq!(
        alice.get(&format!("/api/v1/events/{}", exam.id())).expect(200).await.json,
        exam.json,
        "a preview changes nothing"
    );
    body["preview"] = false.into();
    let done = shift(&alice, &body).await.expect(200);
    assert_eq!(
        done.json["items"][0]["changed"],
        json!(["description", "end", "location", "registration", "start", "title"])
    );
    assert_eq!(
        done.json["items"][0]["after"],
        json!({"title": "Test 27Ga", "description": "27GA, not 26Gab", "location": "Room of 27Ga",
            "start": "2027-03-31T08:00:00+02:00", "end": "2027-03-31T09:30:00+02:00", "recurrence": []})
    );
    assert_eq!(done.str("/items/0/before/start"), "2027-03-24T08:00:00+01:00");
    assert_eq!(done.str("/items/1/after/start"), "2027-07-08");
    assert_eq!(done.str("/items/1/after/end"), "2027-07-10");
    let now = alice.get(&format!("/api/v1/events/{}", exam.id())).expect(200).await;
    assert_eq!((now.str("/title"), &now.json["version"]), ("Test 27Ga", &json!(2)));
    assert_eq!(now.str("/registration/opens_at"), "2027-03-27T07:00:00Z");
    assert_eq!(
        now.str("/registration/closes_at"),
        "2027-03-30T06:00:00Z",
        "on the wall clock, over the change of the clocks"
    );
    fits(&world).await;
}

#[tokio::test]
async fn what_moves_together_may_not_end_at_the_same_time_and_a_preview_says_so() {
    let world = World::new().await;
    let alice = world.alice().await;
    let strict = calendar(&alice, &json!({"name": "Strict", "conflicts": "reject"})).await;
    let on = |day: &str, rule: Value| {
        json!({"title": day, "start": format!("{day}T09:00:00"), "end": format!("{day}T10:00:00"), "time_zone": "Europe/Zurich",
            "calendar_id": strict, "recurrence": rule})
    };
    // A month later both are on the last of February; the series has an instance there before and after.
    let single = event(&alice, &on("2027-01-28", json!([]))).await.id();
    let daily = event(&alice, &on("2027-01-29", json!(["RRULE:FREQ=DAILY"]))).await.id();
    for ids in [[&single, &daily], [&daily, &single]] {
        for preview in [true, false] {
            let body = json!({"ids": ids, "by": "P1M", "preview": preview});
            let refused = shift(&alice, &body).await.expect_problem("conflict");
            let other = refused.json["problems"][0]["problem"]["conflicts"][0]["event_id"].as_str().expect("an event");
            assert!(other == single || other == daily, "{}", refused.text);
        }
        assert_eq!(starts(&alice, &single).await, ["2027-01-28T09:00:00+01:00"]);
    }
    let body = json!({"ids": [single, daily], "by": "P7D"});
    shift(&alice, &body).await.expect(200);
    fits(&world).await;
}

#[tokio::test]
async fn a_series_moves_with_its_rule_its_dates_and_its_overrides() {
    let world = World::new().await;
    let alice = world.alice().await;
    let mut choir = choir();
    choir["recurrence"] = json!([
        "RRULE:FREQ=WEEKLY;BYDAY=MO;UNTIL=20270426T173000Z",
        "EXDATE;TZID=Europe/Zurich:20270412T193000",
        "RDATE;TZID=Europe/Zurich:20270414T193000"
    ]);
    choir["overrides"] = json!([{"original_start": "2027-03-29T19:30:00", "start": "2027-03-30T20:00:00", "title": "Choir on Tuesday"},
        {"original_start": "2027-04-19T19:30:00", "cancelled": true}]);
    let made = event(&alice, &choir).await;
    assert_eq!(
        starts(&alice, &made.id()).await,
        [
            "2027-03-22T19:30:00+01:00",
            "2027-03-30T20:00:00+02:00",
            "2027-04-05T19:30:00+02:00",
            "2027-04-14T19:30:00+02:00",
            "2027-04-26T19:30:00+02:00"
        ]
    );
    let body = json!({"ids": [made.id()], "by": "P364D", "rename": {"Choir": "Band"}, "preview": false});
    shift(&alice, &body).await.expect(200);
    assert_eq!(
        starts(&alice, &made.id()).await,
        [
            "2028-03-20T19:30:00+01:00",
            "2028-03-28T20:00:00+02:00",
            "2028-04-03T19:30:00+02:00",
            "2028-04-12T19:30:00+02:00",
            "2028-04-24T19:30:00+02:00"
        ]
    );
    let now = alice.get(&format!("/api/v1/events/{}", made.id())).expect(200).await;
    assert_eq!(now.str("/overrides/0/title"), "Band on Tuesday");
    assert_eq!(now.str("/overrides/1/original_start"), "2028-04-17T19:30:00+02:00");
    fits(&world).await;
}

#[tokio::test]
async fn events_are_shifted_all_or_none_and_every_reason_is_told() {
    let world = World::new().await;
    let (alice, bob) = (world.alice().await, world.bob().await);
    let club = calendar(&alice, &json!({"name": "Club"})).await;
    share(&alice, &format!("calendars/{club}"), &bob, "viewer").await;
    let seen = event(&alice, &json!({"title": "Seen", "start": "2027-03-01T09:00:00", "calendar_id": club})).await.id();
    let hers = event(&alice, &json!({"title": "Hers", "start": "2027-03-01T09:00:00"})).await.id();
    let his = event(&bob, &json!({"title": "His", "start": "2027-03-01T09:00:00"})).await.id();
    let late = event(&bob, &json!({"title": "Late", "start": "9980-03-01T09:00:00"})).await.id();
    for preview in [true, false] {
        let body = json!({"ids": [his, hers, seen, late], "by": "P20Y", "preview": preview});
        let refused = shift(&bob, &body).await.expect_problem("not-found");
        assert_eq!(refused.json["index"], 1);
        let problems = refused.json["problems"].as_array().expect("problems");
        let told: Vec<_> =
            problems.iter().map(|one| (one["index"].as_i64(), one["problem"]["status"].as_i64())).collect();
        assert_eq!(told, [(Some(1), Some(404)), (Some(2), Some(403)), (Some(3), Some(422))]);
        assert_eq!(problems[2]["problem"]["errors"][0]["pointer"], "/ids/3");
    }
    assert_eq!(bob.get(&format!("/api/v1/events/{his}")).expect(200).await.str("/start"), "2027-03-01T09:00:00+01:00");
    for (more, pointer, code) in [
        (json!({"by": "PT5H"}), "/by", "not-a-duration"),
        (json!({"by": "2 weeks"}), "/by", "not-a-duration"),
        (json!({"by": "P101Y"}), "/by", "not-a-duration"),
        (json!({"by": null}), "/by", "required"),
        (json!({"ids": []}), "/ids", "empty"),
        (json!({"ids": [his, his]}), "/ids", "duplicate"),
        (json!({"ids": ["x"]}), "/ids/0", "not-an-id"),
        (json!({"rename": ["a"]}), "/rename", "wrong-type"),
        (json!({"rename": {"a/b": 1}}), "/rename/a~1b", "wrong-type"),
        (json!({"rename": {" ": "x"}}), "/rename/ ", "empty"),
        (json!({"class_years": 1}), "/class_years", "not-supported"),
        (json!({"rename": {"His": "x".repeat(501)}}), "/rename/His", "too-long"),
        (json!({"rename": {"His": ""}}), "/ids/0", "empty"),
    ] {
        let mut body = json!({"ids": [his], "by": "P1D", "preview": false});
        body.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
        let refused = shift(&bob, &body).await.expect_problem("invalid");
        assert_eq!(refused.errors(), [(pointer.to_owned(), code.to_owned())], "{more}");
    }
    fits(&world).await;
}

/// Numbers without order, the same in every run.
struct Chance(u64);

impl Chance {
    fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % end
    }

    fn of<'a, T: ?Sized>(&mut self, all: &[&'a T]) -> &'a T {
        let index = usize::try_from(self.below(all.len() as u64)).expect("small");
        all[index]
    }
}

/// A random event: single or a series, on different clocks, with overrides.
fn any_event(chance: &mut Chance) -> Value {
    let day = 1 + chance.below(28);
    let month = 1 + chance.below(12);
    let title = chance.of(&["Exam 26Ga", "26Ga and 27Ga", "Choir", "Trip of the choir"]);
    if chance.below(5) == 0 {
        return json!({"title": title, "start": format!("2027-{month:02}-{day:02}"), "all_day": true,
            "recurrence": ["RRULE:FREQ=DAILY;COUNT=4"]});
    }
    let start: DateTime = format!("2027-{month:02}-{day:02}T{:02}:30:00", chance.below(24)).parse().expect("a time");
    let end = start + SignedDuration::from_mins(30 * i64::try_from(chance.below(6)).expect("small"));
    let mut body = json!({"title": title, "start": start.to_string(), "end": end.to_string()});
    match chance.below(4) {
        0 => body["floating"] = true.into(),
        1 => body["time_zone"] = "America/New_York".into(),
        _ => body["time_zone"] = "Europe/Zurich".into(),
    }
    let last = start + Span::new().days(30);
    let until = if body["floating"] == true { last.strftime("%Y%m%dT%H%M%S") } else { last.strftime("%Y%m%dT235900Z") };
    body["recurrence"] = match chance.below(5) {
        0 => return body,
        1 => json!(["RRULE:FREQ=DAILY;COUNT=9"]),
        2 => json!([format!("RRULE:FREQ=DAILY;INTERVAL=2;UNTIL={until}")]),
        3 => json!([format!("RRULE:FREQ=WEEKLY;UNTIL={until}")]),
        _ => json!(["RRULE:FREQ=DAILY;INTERVAL=3"]),
    };
    if chance.below(2) == 0 {
        let moved = start + SignedDuration::from_hours(3);
        body["overrides"] =
            json!([{"original_start": start.to_string(), "start": moved.to_string(), "title": "26Ga alone"}]);
    }
    body
}

/// The wall clock of a time that is shown, without its offset.
fn wall(shown: &str) -> DateTime {
    let local = shown.get(..19).unwrap_or(shown);
    local.parse::<DateTime>().or_else(|_| local.parse::<jiff::civil::Date>().map(DateTime::from)).expect("a time")
}

#[tokio::test]
async fn what_a_preview_shows_is_what_happens_and_every_instance_moves_by_as_many_days() {
    for seed in 1..=12_u64 {
        let world = World::new().await;
        let alice = world.alice().await;
        let mut chance = Chance(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let mut ids = Vec::new();
        for _ in 0..6 {
            ids.push(event(&alice, &any_event(&mut chance)).await.id());
        }
        // Weeks, so that rules by weekday fit; years that are not leap years between.
        let weeks = i64::try_from(chance.below(120)).expect("small") - 60;
        let by = if weeks < 0 { format!("-P{}W", -weeks) } else { format!("P{weeks}W") };
        let mut body = json!({"ids": ids, "by": by, "rename": {"26Ga": "27Ga", "27Ga": "28Ga", "choir": "band"}});
        let mut before = Vec::new();
        for id in &ids {
            before.push(alice.get(&format!("/api/v1/events/{id}/instances?limit=20")).expect(200).await);
        }
        let preview = shift(&alice, &body).await.expect(200);
        body["preview"] = false.into();
        let done = shift(&alice, &body).await.expect(200);
        for (index, id) in ids.iter().enumerate() {
            let (seen, made) = (&preview.json["items"][index], &done.json["items"][index]);
            for field in ["id", "changed", "before", "after"] {
                assert_eq!(seen[field], made[field], "seed {seed}: {field}");
            }
            let now = alice.get(&format!("/api/v1/events/{id}")).expect(200).await;
            for field in ["title", "start", "end", "description", "location", "recurrence"] {
                assert_eq!(made["after"][field], now.json[field], "seed {seed}: {field}");
            }
            let after = alice.get(&format!("/api/v1/events/{id}/instances?limit=20")).expect(200).await;
            assert_eq!(before[index].items().len(), after.items().len(), "seed {seed}: {}", before[index].text);
            for (old, new) in before[index].items().iter().zip(after.items()) {
                let renamed = old["title"].as_str().expect("a title");
                let renamed = renamed
                    .replace("27Ga", "28Ga")
                    .replace("26Ga", "27Ga")
                    .replace("Choir", "Band")
                    .replace("choir", "band");
                assert_eq!(new["title"], renamed.as_str(), "seed {seed}");
                for field in ["start", "original_start"] {
                    let (old, new) =
                        (wall(old[field].as_str().expect("a time")), wall(new[field].as_str().expect("a time")));
                    let hours = new.duration_since(old) - SignedDuration::from_hours(24 * 7 * weeks);
                    // In a gap of the clocks what is shown is an hour later than what is meant.
                    assert!(hours.abs() <= SignedDuration::from_hours(1), "seed {seed}: {old} {new} by {by}");
                    if !(1..=3).contains(&old.hour()) && !(1..=3).contains(&new.hour()) {
                        assert_eq!(hours, SignedDuration::ZERO, "seed {seed}: {old} {new} by {by}");
                    }
                }
            }
        }
        fits(&world).await;
    }
}
