//! What recurs: rule 3.

use kalends_testkit::World;
use serde_json::{Value, json};

use super::super::given::{choir, event, fits, only_error, starts};

fn daily(recurrence: Value) -> Value {
    json!({"title": "Lunch", "start": "2027-04-01T12:00:00", "end": "2027-04-01T13:00:00", "time_zone": "Europe/Zurich", "recurrence": recurrence})
}

#[tokio::test]
async fn the_lines_of_a_rule_come_back_in_one_form() {
    let world = World::new().await;
    let alice = world.alice().await;
    let made = event(&alice, &daily(json!(["rrule:byday=mo,we;interval=1;freq=weekly"]))).await;
    assert_eq!(made.json["recurrence"], json!(["RRULE:FREQ=WEEKLY;BYDAY=MO,WE"]));
    fits(&world).await;
}

#[tokio::test]
async fn the_start_is_the_first_instance_and_counts_even_where_the_rule_does_not_give_it() {
    let world = World::new().await;
    let alice = world.alice().await;
    // 1 April 2027 is a Thursday.
    let made = event(&alice, &daily(json!(["RRULE:FREQ=WEEKLY;BYDAY=MO;COUNT=3"]))).await;
    assert_eq!(
        starts(&alice, &made.id()).await,
        ["2027-04-01T12:00:00+02:00", "2027-04-05T12:00:00+02:00", "2027-04-12T12:00:00+02:00"]
    );
}

#[tokio::test]
async fn an_endless_series_has_its_instances_in_five_hundred_years() {
    let world = World::new().await;
    let alice = world.alice().await;
    let mut endless = choir();
    endless["recurrence"] = json!(["RRULE:FREQ=WEEKLY"]);
    let made = event(&alice, &endless).await;
    let window = "from=2527-03-20T00:00:00Z&to=2527-04-03T00:00:00Z";
    let instances = alice.get(&format!("/api/v1/events/{}/instances?{window}", made.id())).expect(200).await;
    let expanded = alice.get(&format!("/api/v1/events?{window}&expand=true")).expect(200).await;
    assert_eq!(instances.each("/start"), expanded.each("/start"));
    assert_eq!(instances.each("/start"), ["2527-03-24T19:30:00+01:00", "2527-03-31T19:30:00+02:00"]);
    assert_eq!(expanded.each("/series_id"), [made.id(), made.id()]);
    let whole = alice.get(&format!("/api/v1/events?{window}")).expect(200).await;
    assert_eq!(whole.each("/id"), [made.id()]);
}

#[tokio::test]
async fn dates_can_be_left_out_and_added_with_a_length_of_their_own() {
    let world = World::new().await;
    let alice = world.alice().await;
    let lines = json!([
        "RRULE:FREQ=DAILY;COUNT=3",
        "EXDATE;TZID=Europe/Zurich:20270402T120000",
        "RDATE;TZID=Europe/Zurich:20270410T120000",
        "RDATE;TZID=Europe/Zurich;VALUE=PERIOD:20270411T120000/PT3H"
    ]);
    let made = event(&alice, &daily(lines)).await;
    let list = alice.get(&format!("/api/v1/events/{}/instances", made.id())).expect(200).await;
    assert_eq!(
        list.each("/start"),
        [
            "2027-04-01T12:00:00+02:00",
            "2027-04-03T12:00:00+02:00",
            "2027-04-10T12:00:00+02:00",
            "2027-04-11T12:00:00+02:00"
        ]
    );
    assert_eq!(list.str("/items/3/end"), "2027-04-11T15:00:00+02:00");
    alice
        .get(&format!("/api/v1/events/{}/instances/20270402T120000", made.id()))
        .send()
        .await
        .expect_problem("not-found");
    // The long period is found by its last hour.
    let late = alice.get("/api/v1/events?from=2027-04-11T12:30:00Z&to=2027-04-12T00:00:00Z").expect(200).await;
    assert_eq!(late.items().len(), 1);
    let again = alice.get(&format!("/api/v1/events/{}", made.id())).expect(200).await;
    let put = alice.put(&format!("/api/v1/events/{}", made.id())).header("if-match", &again.etag()).json(&again.json);
    assert_eq!(put.expect(200).await.json, again.json);
    fits(&world).await;
}

#[tokio::test]
async fn a_rule_that_is_wrong_is_named_with_its_line() {
    let world = World::new().await;
    let alice = world.alice().await;
    for (line, code) in [
        ("RRULE:RSCALE=CHINESE;FREQ=YEARLY", "rscale-unsupported"),
        ("RRULE:FREQ=WEEKLY;BYMONTHDAY=13", "bymonthday-with-freq"),
        ("RRULE:FREQ=DAILY;BYWEEKNO=3", "byweekno-with-freq"),
        ("RRULE:FREQ=WEEKLY;BYDAY=2MO", "byday-ordinal-with-freq"),
        ("RRULE:FREQ=MONTHLY;BYYEARDAY=3", "byyearday-with-freq"),
        ("RRULE:FREQ=MONTHLY;BYSETPOS=1", "bysetpos-alone"),
        ("RRULE:FREQ=DAILY;COUNT=2;UNTIL=20270501T000000Z", "count-and-until"),
        ("RRULE:FREQ=DAILY;COUNT=0", "zero-count"),
        ("RRULE:FREQ=DAILY;INTERVAL=0", "zero-interval"),
        ("RRULE:FREQ=SOMETIMES", "unknown-freq"),
        ("RRULE:COUNT=3", "missing-freq"),
        ("every Monday", "malformed-line"),
        ("EXDATE;TZID=Mars/Olympus:20270402T120000", "unknown-time-zone"),
    ] {
        let refused = alice.post("/api/v1/events").json(&daily(json!([line]))).send().await.expect_problem("invalid");
        assert!(refused.errors().contains(&("/recurrence/0".into(), code.into())), "{line}: {:?}", refused.errors());
    }
    let gone = daily(json!(["RRULE:FREQ=DAILY;COUNT=1", "EXDATE;TZID=Europe/Zurich:20270401T120000"]));
    let refused = alice.post("/api/v1/events").json(&gone).send().await.expect_problem("invalid");
    assert_eq!(only_error(&refused), ("/recurrence".into(), "no-occurrence".into()));
    assert_eq!(alice.get("/api/v1/events").expect(200).await.items().len(), 0);
}

#[tokio::test]
async fn a_rule_that_takes_too_much_work_is_refused_by_name() {
    let world = World::new().await;
    let alice = world.alice().await;
    let never = daily(json!([drifting("0")]));
    let refused = alice.post("/api/v1/events").json(&never).send().await.expect_problem("recurrence-too-sparse");
    assert_eq!(only_error(&refused), ("/recurrence".into(), "recurrence-too-sparse".into()));
    // February has 30 days in no year: the start is the only instance, and nothing takes long.
    let february = daily(json!(["RRULE:FREQ=SECONDLY;BYMONTH=2;BYMONTHDAY=30;BYHOUR=3;BYMINUTE=7;BYSECOND=11"]));
    let made = event(&alice, &february).await;
    assert_eq!(starts(&alice, &made.id()).await, ["2027-04-01T12:00:00+02:00"]);
}

/// Each day two seconds later, on Thursdays and Sundays at these seconds after twelve: three of them are found at once, the fourth comes in
/// 700 years.
fn drifting(seconds: &str) -> String {
    format!("RRULE:FREQ=SECONDLY;INTERVAL=86402;BYDAY=TH,SU;BYHOUR=12;BYMINUTE=0;BYSECOND={seconds}")
}

#[tokio::test]
async fn a_series_that_takes_too_much_work_is_an_error_of_the_list_that_repeating_does_not_help() {
    let world = World::new().await;
    let alice = world.alice().await;
    event(&alice, &daily(json!([drifting("0,14,28")]))).await;
    let window = |to: &str| format!("/api/v1/events?expand=true&from=2027-04-01T00:00:00Z&to={to}");
    let soon = alice.get(&window("2100-01-01T00:00:00Z")).expect(200).await;
    assert_eq!(
        soon.each("/start"),
        ["2027-04-01T12:00:00+02:00", "2027-04-08T12:00:14+02:00", "2027-04-15T12:00:28+02:00"]
    );
    let refused = alice.get(&window("4027-04-01T00:00:00Z")).send().await.expect_problem("recurrence-budget");
    assert_eq!((refused.status.as_u16(), refused.header("retry-after")), (503, None));
}

#[tokio::test]
async fn a_change_that_takes_too_much_work_is_the_mistake_of_who_asks_for_it() {
    let world = World::new().await;
    let alice = world.alice().await;
    let mut body = daily(json!(["RRULE:FREQ=SECONDLY"]));
    body["overrides"] =
        json!([{"original_start": "2027-04-04T12:00:00", "title": "A quarter of a million seconds later"}]);
    let made = event(&alice, &body).await;
    let path = format!("/api/v1/events/{}", made.id());
    let later = json!({"start": "2027-04-01T12:30:00", "end": "2027-04-01T13:00:00"});
    for path in [path.clone(), format!("{path}/instances/20270401T120000?scope=all")] {
        let refused = alice.patch(&path).json(&later).send().await.expect_problem("recurrence-too-sparse");
        assert_eq!(only_error(&refused), ("/recurrence".into(), "recurrence-too-sparse".into()));
    }
    assert_eq!(alice.get(&path).expect(200).await.json, made.json);
}

#[tokio::test]
async fn days_left_out_of_a_series_of_seconds_take_no_work() {
    let world = World::new().await;
    let alice = world.alice().await;
    let mut days: Vec<String> = (1..=30).map(|day| format!("202704{day:02}")).collect();
    let lines = json!(["RRULE:FREQ=SECONDLY", format!("EXDATE;VALUE=DATE:{}", days.join(","))]);
    event(&alice, &daily(lines)).await;
    let first = "/api/v1/events?expand=true&from=2027-04-01T00:00:00Z&to=2028-01-01T00:00:00Z&limit=2";
    let list = alice.get(first).expect(200).await;
    assert_eq!(list.each("/start"), ["2027-05-01T00:00:00+02:00", "2027-05-01T00:00:01+02:00"]);
    // Where nothing of it is left, nothing is found, and that is an answer.
    days.retain(|day| day.as_str() > "20270403");
    let few = json!(["RRULE:FREQ=SECONDLY;COUNT=300000", format!("EXDATE;VALUE=DATE:{}", days.join(","))]);
    let few = event(&alice, &daily(few)).await;
    let window = "from=2027-04-04T00:00:00Z&to=2027-05-01T00:00:00Z";
    let none = alice.get(&format!("/api/v1/events/{}/instances?{window}", few.id())).expect(200).await;
    assert_eq!(none.items().len(), 0);
}

#[tokio::test]
async fn a_weekday_is_found_among_all_seconds() {
    let world = World::new().await;
    let alice = world.alice().await;
    let mut body = daily(json!(["RRULE:FREQ=SECONDLY"]));
    body["end"] = body["start"].clone();
    // The Saturday is moved to Sunday; the Thursday stays one.
    body["overrides"] = json!([
        {"original_start": "2027-04-02T12:00:00", "start": "2027-04-01T15:00:00"},
        {"original_start": "2027-04-03T12:00:00", "start": "2027-04-04T00:00:01"},
    ]);
    event(&alice, &body).await;
    let window = "from=2027-03-01T00:00:00Z&to=2028-05-01T00:00:00Z&weekday=su&limit=4";
    let sundays = alice.get(&format!("/api/v1/events?expand=true&{window}")).expect(200).await;
    assert_eq!(
        sundays.each("/original_start"),
        [
            "2027-04-04T00:00:00+02:00",
            "2027-04-03T12:00:00+02:00",
            "2027-04-04T00:00:01+02:00",
            "2027-04-04T00:00:02+02:00"
        ]
    );
}

#[tokio::test]
async fn a_weekday_that_a_rule_never_gives_is_looked_for_in_all_time() {
    let world = World::new().await;
    let alice = world.alice().await;
    let mut body = choir();
    body["recurrence"] = json!(["RRULE:FREQ=WEEKLY", "RDATE;TZID=Europe/Zurich:22220505T193000"]);
    body["overrides"] = json!([{"original_start": "2127-03-24T19:30:00", "start": "2127-03-25T19:30:00"}]);
    event(&alice, &body).await;
    let on = |day: &str| format!("/api/v1/events?expand=true&from=2027-03-01T00:00:00Z&weekday={day}&limit=3");
    assert_eq!(alice.get(&on("su")).expect(200).await.each("/start"), ["2222-05-05T19:30:00+02:00"]);
    assert_eq!(alice.get(&on("tu")).expect(200).await.each("/start"), ["2127-03-25T19:30:00+01:00"]);
    assert_eq!(alice.get(&on("mo")).expect(200).await.items().len(), 3);
}

#[tokio::test]
async fn a_period_of_centuries_beside_every_second_takes_no_work() {
    let world = World::new().await;
    let alice = world.alice().await;
    let body = json!({"title": "Clock", "start": "1627-01-01T00:00:00", "end": "1627-01-01T00:01:00", "time_zone": "Etc/UTC",
        "recurrence": ["RRULE:FREQ=SECONDLY", "RDATE;VALUE=PERIOD:20270401T090000/P146000D,20270401T100000/PT2H"]});
    let made = event(&alice, &body).await;
    let path =
        format!("/api/v1/events/{}/instances?from=2027-05-01T00:00:00Z&to=2027-06-01T00:00:00Z&limit=2", made.id());
    let list = alice.get(&path).expect(200).await;
    assert_eq!(list.each("/start"), ["2027-04-01T09:00:00+00:00", "2027-04-30T23:59:01+00:00"]);
    assert_eq!(list.str("/items/0/end"), "2426-12-25T09:00:00+00:00");
    let next = alice.get(&format!("{path}&cursor={}", list.str("/next_cursor"))).expect(200).await;
    assert_eq!(next.each("/start"), ["2027-04-30T23:59:02+00:00", "2027-04-30T23:59:03+00:00"]);
}

#[tokio::test]
async fn a_period_that_outlasts_all_else_is_found_by_its_last_hour() {
    let world = World::new().await;
    let alice = world.alice().await;
    let lines = json!(["RRULE:FREQ=SECONDLY;COUNT=30000", "RDATE;TZID=Europe/Zurich;VALUE=PERIOD:20270401T190000/P3D"]);
    event(&alice, &daily(lines)).await;
    let late = alice.get("/api/v1/events?from=2027-04-04T16:30:00Z&to=2027-04-05T00:00:00Z").expect(200).await;
    assert_eq!(late.items().len(), 1);
}

#[tokio::test]
async fn many_overrides_of_a_series_that_has_to_be_counted_are_found() {
    let world = World::new().await;
    let alice = world.alice().await;
    let mut body = daily(json!(["RRULE:FREQ=HOURLY;BYHOUR=8,12;COUNT=3000"]));
    let first: jiff::civil::Date = "2027-04-02".parse().expect("a date");
    let day = |n: i64| first.checked_add(jiff::Span::new().days(n)).expect("a date").to_string();
    let cancelled = |n: i64| json!({"original_start": format!("{}T08:00:00", day(n)), "cancelled": true});
    body["overrides"] = (0..1_400).map(cancelled).collect();
    let made = event(&alice, &body).await;
    assert_eq!(made.json["overrides"].as_array().map(Vec::len), Some(1_400));
    body["overrides"][1_000]["original_start"] = json!(format!("{}T09:00:00", day(1_000)));
    let refused = alice.post("/api/v1/events").json(&body).send().await.expect_problem("invalid");
    assert_eq!(only_error(&refused), ("/overrides/1000/original_start".into(), "not-an-occurrence".into()));
}

#[tokio::test]
async fn overrides_in_the_body_belong_to_occurrences_once() {
    let world = World::new().await;
    let alice = world.alice().await;
    let mut body = choir();
    body["overrides"] = json!([
        {"original_start": "2027-04-05T19:30:00+02:00", "cancelled": true},
        {"original_start": "2027-03-29T19:30:00", "start": "2027-03-30T18:00:00", "title": "Choir in the church"},
    ]);
    let made = event(&alice, &body).await;
    let list = alice.get(&format!("/api/v1/events/{}/instances", made.id())).expect(200).await;
    assert_eq!(
        list.each("/start")[..3],
        ["2027-03-22T19:30:00+01:00", "2027-03-30T18:00:00+02:00", "2027-04-12T19:30:00+02:00"]
    );
    assert_eq!(list.str("/items/1/title"), "Choir in the church");
    assert_eq!(list.str("/items/1/end"), "2027-03-30T19:30:00+02:00", "a new start alone keeps the length");
    assert_eq!(list.str("/items/1/original_start"), "2027-03-29T19:30:00+02:00");
    assert_eq!(list.json["items"][1]["overridden"], json!(true));

    for (overrides, expected) in [
        (json!([{"original_start": "2027-03-23T19:30:00"}]), ("/overrides/0/original_start", "not-an-occurrence")),
        (
            json!([{"original_start": "2027-03-29T19:30:00"}, {"original_start": "2027-03-29T17:30:00Z", "cancelled": true}]),
            ("/overrides", "duplicate"),
        ),
        (json!([{"cancelled": true}]), ("/overrides/0/original_start", "required")),
        (json!([{"original_start": "2027-03-29T19:30:00", "tilte": "x"}]), ("/overrides/0/tilte", "unknown-field")),
        (
            json!([{"original_start": "2027-03-29T19:30:00", "cancelled": true, "title": "x"}]),
            ("/overrides/0/title", "unknown-field"),
        ),
        (
            json!([{"original_start": "2027-03-29T19:30:00", "end": "2027-03-29T19:00:00"}]),
            ("/overrides/0/end", "before-start"),
        ),
        (json!({"2027-03-29": "x"}), ("/overrides", "wrong-type")),
    ] {
        let mut body = choir();
        body["overrides"] = overrides;
        let refused = alice.post("/api/v1/events").json(&body).send().await.expect_problem("invalid");
        assert_eq!(only_error(&refused), (expected.0.to_owned(), expected.1.to_owned()), "{body}");
    }
    let single = json!({"title": "Once", "start": "2027-03-29T19:30:00", "overrides": [{"original_start": "2027-03-29T19:30:00", "cancelled": true}]});
    let refused = alice.post("/api/v1/events").json(&single).send().await.expect_problem("invalid");
    assert_eq!(only_error(&refused), ("/overrides".into(), "not-recurring".into()));
    fits(&world).await;
}
