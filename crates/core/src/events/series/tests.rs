use serde_json::json;

use super::*;

fn content(body: serde_json::Value) -> Content {
    let zurich = Zone::parse("Europe/Zurich").expect("a zone");
    Content::parse(body.as_object().expect("an object"), &zurich).expect("right")
}

fn starts(content: &Content, from: &str, to: &str) -> Vec<String> {
    let zurich = Zone::parse("Europe/Zurich").expect("a zone");
    let compiled = Compiled::of(content, &zurich);
    let window = (from.parse().expect("an instant"), to.parse().expect("an instant"));
    compiled
        .overlapping(window.0, window.1, &Budget::default())
        .map(|one| one.expect("affordable").start.to_string())
        .collect()
}

#[test]
fn a_window_five_hundred_years_ahead_has_its_instances() {
    let weekly = content(
        json!({"title": "x", "start": "2027-03-22T09:00:00", "end": "2027-03-22T10:00:00", "recurrence": ["RRULE:FREQ=WEEKLY"]}),
    );
    assert_eq!(
        starts(&weekly, "2527-06-01T00:00:00Z", "2527-06-10T00:00:00Z"),
        ["2527-06-02T07:00:00Z", "2527-06-09T07:00:00Z"]
    );
}

#[test]
fn touching_does_not_overlap_and_what_lasts_does() {
    let daily = content(
        json!({"title": "x", "start": "2027-03-22T22:00:00", "end": "2027-03-23T06:00:00", "recurrence": ["RRULE:FREQ=DAILY;COUNT=3"]}),
    );
    assert_eq!(starts(&daily, "2027-03-23T05:00:00Z", "2027-03-23T21:00:00Z"), Vec::<String>::new());
    assert_eq!(
        starts(&daily, "2027-03-23T04:59:59Z", "2027-03-23T21:00:01Z"),
        ["2027-03-22T21:00:00Z", "2027-03-23T21:00:00Z"]
    );
}

#[test]
fn a_moved_instance_is_found_where_it_is_and_not_where_it_was() {
    let moved = content(
        json!({"title": "x", "start": "2027-03-22T09:00:00", "end": "2027-03-22T10:00:00", "recurrence": ["RRULE:FREQ=WEEKLY"],
        "overrides": [{"original_start": "2027-03-29T09:00:00", "start": "2027-05-01T09:00:00"}, {"original_start": "2027-04-05T09:00:00", "cancelled": true}]}),
    );
    assert_eq!(starts(&moved, "2027-03-28T00:00:00Z", "2027-04-12T00:00:00Z"), Vec::<String>::new());
    assert_eq!(starts(&moved, "2027-05-01T00:00:00Z", "2027-05-02T00:00:00Z"), ["2027-05-01T07:00:00Z"]);
}

#[test]
fn a_period_reaches_as_far_as_it_says() {
    let long = content(json!({"title": "x", "start": "2027-03-22T09:00:00", "end": "2027-03-22T10:00:00",
        "recurrence": ["RDATE;TZID=Europe/Zurich;VALUE=PERIOD:20270401T090000/P20D"]}));
    assert_eq!(starts(&long, "2027-04-15T00:00:00Z", "2027-04-16T00:00:00Z"), ["2027-04-01T07:00:00Z"]);
}

/// Walks a window as a page does and returns how many instances it gave and what that cost.
fn walk(content: &Content, from: &str, to: &str, most: usize) -> (usize, u64) {
    let zurich = Zone::parse("Europe/Zurich").expect("a zone");
    let (compiled, budget) = (Compiled::of(content, &zurich), Budget::default());
    let window = (from.parse().expect("an instant"), to.parse().expect("an instant"));
    let given = compiled.overlapping(window.0, window.1, &budget).take(most).filter(Result::is_ok).count();
    (given, budget.spent())
}

#[test]
fn a_dense_series_costs_what_is_taken_from_it_and_no_walk_up_to_the_window() {
    let dense = content(json!({"title": "x", "start": "2027-01-01T00:00:00", "end": "2027-01-01T00:00:01",
        "recurrence": ["RRULE:FREQ=SECONDLY"]}));
    let (given, steps) = walk(&dense, "2030-06-01T00:00:00Z", "2030-07-01T00:00:00Z", 10);
    assert!(given == 10 && steps < 50, "{given} instances for {steps} steps");
    // Two days around a change of the clock are walked, and paid for.
    let (given, steps) = walk(&dense, "2030-03-31T03:00:00Z", "2030-07-01T00:00:00Z", 10);
    assert!(given == 10 && (100_000..600_000).contains(&steps), "{given} instances for {steps} steps");
}

#[test]
fn a_walk_without_end_ends_with_the_budget() {
    let dense = content(json!({"title": "x", "start": "2027-01-01T00:00:00", "end": "2027-01-01T00:00:01",
        "recurrence": ["RRULE:FREQ=SECONDLY"]}));
    let (given, steps) = walk(&dense, "2030-06-01T00:00:00Z", "2031-06-01T00:00:00Z", usize::MAX);
    assert!(given < 2_100_000 && steps <= Budget::STEPS + 10, "{given} instances for {steps} steps");
}

#[test]
fn the_work_grows_no_faster_than_the_number_of_overrides() {
    let with = |number: i64| {
        let first: DateTime = "2027-01-01T09:00:00".parse().expect("a time");
        let overrides: Vec<_> = (0..number)
            .map(|day| json!({"original_start": (first + Span::new().days(day)).to_string(), "title": "Elsewhere"}))
            .collect();
        let daily = content(json!({"title": "x", "start": "2027-01-01T09:00:00", "end": "2027-01-01T10:00:00",
            "recurrence": ["RRULE:FREQ=DAILY"], "overrides": overrides}));
        walk(&daily, "2027-01-01T00:00:00Z", "2036-01-01T00:00:00Z", usize::MAX)
    };
    let (few, many) = (with(200), with(2_000));
    assert_eq!(few.0, many.0, "each day once");
    assert!(many.1 < few.1 * 2, "{few:?} {many:?}");
}
