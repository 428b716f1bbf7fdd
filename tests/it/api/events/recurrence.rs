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
    let never = daily(json!(["RRULE:FREQ=SECONDLY", "EXDATE;VALUE=DATE:20270401,20270402,20270403"]));
    let refused = alice.post("/api/v1/events").json(&never).send().await.expect_problem("recurrence-too-sparse");
    assert_eq!(only_error(&refused), ("/recurrence".into(), "recurrence-too-sparse".into()));
    // February has 30 days in no year: the start is the only instance, and nothing takes long.
    let february = daily(json!(["RRULE:FREQ=SECONDLY;BYMONTH=2;BYMONTHDAY=30;BYHOUR=3;BYMINUTE=7;BYSECOND=11"]));
    let made = event(&alice, &february).await;
    assert_eq!(starts(&alice, &made.id()).await, ["2027-04-01T12:00:00+02:00"]);
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
