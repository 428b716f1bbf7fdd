//! import(export(x)) = x, for everything that iCalendar can say of an event.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test stops where its own data are wrong"
)]

use jiff::Span;
use jiff::Timestamp;
use jiff::civil::{DateTime, date};
use kalends_core::access::{
    CalendarFacts, CalendarVisibility, DetailLevel, EventFacts, Grant, Review, Role, State, Visibility,
};
use kalends_core::calendars::Conflicts;
use kalends_core::events::{Allowed, CalendarSettings, Content, Event, Origin};
use kalends_core::feeds::{Language, series_of};
use kalends_core::imports::{Entry, What, convert, gather};
use kalends_ical::{read, write};
use kalends_kernel::{Id, Zone};
use proptest::prelude::*;
use serde_json::{Map, Value, json};
use uuid::Uuid;

fn zurich() -> Zone {
    Zone::parse("Europe/Zurich").expect("a zone")
}

fn at() -> Timestamp {
    "2027-01-15T10:00:00Z".parse().expect("an instant")
}

fn event(content: Content) -> Allowed {
    let facts = EventFacts {
        calendar: CalendarFacts {
            visibility: CalendarVisibility::Private,
            review: Review::None,
            role: Some(Role::Owner),
            deleted: false,
        },
        role: None,
        state: State::Published,
        visibility: Visibility::Public,
        deleted: false,
    };
    let event = Event {
        id: Id::new(Uuid::nil()),
        uid: "choir, dept; 1@example.org".to_owned(),
        calendar_id: Id::new(Uuid::nil()),
        author_id: Id::new(Uuid::nil()),
        split_from: None,
        submitted: true,
        version: 3,
        content,
        created_at: at(),
        updated_at: at(),
        origin: Origin::default(),
        deleted_at: None,
        calendar_zone: zurich(),
        in_calendar: CalendarSettings { conflicts: Conflicts::Ignore, personal: None },
        facts,
    };
    Allowed { event, grant: Grant { role: Some(Role::Owner), sight: DetailLevel::Full, reviewer: true } }
}

/// Written, read, converted.
fn again(content: &Content) -> (String, Content) {
    let series = series_of(&event(content.clone()), Language::English, false);
    let mut text = String::new();
    write::begin(&mut text, &write::Head::default());
    for name in write::zones_of(&series) {
        let zone = Zone::parse(name).expect("a zone");
        write::time_zone(&mut text, name, zone.time_zone(), "2020-01-01T00:00:00Z".parse().expect("an instant"));
    }
    write::series(&mut text, &series);
    write::end(&mut text);
    let parsed = read(text.as_bytes(), &Zone::look_up).expect("readable");
    assert!(parsed.problems.is_empty(), "{:?}\n{text}", parsed.problems);
    let mut entries = gather(parsed).entries;
    let Entry::Series(series, warnings) = entries.remove(0) else { panic!("no event\n{text}") };
    let mut items = convert(&series, warnings, &zurich());
    let item = items.remove(0);
    assert!(items.is_empty() && item.uid == "choir, dept; 1@example.org", "{text}");
    match item.what {
        What::Whole(content) => (text, *content),
        other => panic!("{other:?}\n{text}"),
    }
}

fn line() -> impl Strategy<Value = String> {
    prop_oneof![
        "[ -~]{1,90}",
        "\\PC{1,60}",
        Just("a\\nb \\; c\\, BEGIN:VEVENT".to_owned()),
        Just("Zürich – 東京 👩‍👩‍👧‍👦 ".repeat(6))
    ]
    .prop_map(|text| text.trim().to_owned())
    .prop_filter("a text", |text| !text.is_empty() && !text.chars().any(char::is_control))
}

fn lines() -> impl Strategy<Value = String> {
    prop::collection::vec(line(), 1..4).prop_map(|lines| lines.join("\n"))
}

#[derive(Clone, Copy, PartialEq, Debug)]
enum Kind {
    Days,
    Floating,
    Zoned(usize),
}

const ZONES: [&str; 5] = ["Europe/Zurich", "America/New_York", "Africa/Casablanca", "Asia/Kolkata", "UTC"];

fn shown(kind: Kind, at: DateTime) -> String {
    if kind == Kind::Days { at.date().to_string() } else { at.to_string() }
}

/// The times of a body: on winter's days, on which no clock changes.
fn times(kind: Kind, start: DateTime, steps: i64, other_end: bool) -> Map<String, Value> {
    let length = match kind {
        Kind::Days => Span::new().days(steps + 1),
        _ if other_end => Span::new().days(steps + 2),
        _ => Span::new().minutes(steps * 45),
    };
    let end = start.checked_add(length).expect("a time");
    let mut body = Map::new();
    body.insert("start".into(), shown(kind, start).into());
    body.insert("end".into(), shown(kind, end).into());
    match kind {
        Kind::Days => _ = body.insert("all_day".into(), true.into()),
        Kind::Floating => _ = body.insert("floating".into(), true.into()),
        Kind::Zoned(zone) => {
            body.insert("time_zone".into(), ZONES[zone].into());
            if other_end {
                body.insert("end_time_zone".into(), ZONES[(zone + 1) % ZONES.len()].into());
            }
        }
    }
    body
}

fn fields() -> impl Strategy<Value = Map<String, Value>> {
    let texts = (
        prop::option::of(lines()),
        prop::option::of(line()),
        prop::option::of("https://example\\.org/[a-z0-9,;:?&=/%.-]{0,80}"),
        prop::collection::btree_set("[a-zäöü,;]{1,20}", 0..4),
    );
    let rest = (prop::collection::btree_set(0_i64..60_000, 0..4), any::<bool>(), any::<bool>());
    (texts, rest).prop_map(|((description, location, url, categories), (reminders, tentative, busy))| {
        let mut body = Map::new();
        let mut put = |name: &str, value: Value| _ = body.insert(name.to_owned(), value);
        description.into_iter().for_each(|text| put("description", text.into()));
        location.into_iter().for_each(|text| put("location", text.into()));
        url.into_iter().for_each(|text| put("url", text.into()));
        put("categories", json!(categories));
        put("reminders", json!(reminders));
        put("status", if tentative { "tentative" } else { "confirmed" }.into());
        put("busy", busy.into());
        body
    })
}

fn body() -> impl Strategy<Value = Map<String, Value>> {
    let kind = prop_oneof![Just(Kind::Days), Just(Kind::Floating), (0..ZONES.len()).prop_map(Kind::Zoned)];
    let start = (2020_i16..2040, 0_i64..30, 0_i8..24, 0_i8..60);
    let overrides =
        prop::collection::btree_map(1_i64..10, prop::option::of((0_i64..4, 0_i64..3, line(), fields())), 0..4);
    let visibility = prop::sample::select(vec!["public", "private", "confidential"]);
    (kind, start, 0_i64..4, any::<bool>(), any::<bool>(), overrides, (line(), fields(), visibility)).prop_map(
        |(kind, (year, day, hour, minute), steps, other_end, recurring, overrides, (title, fields, visibility))| {
            let start = date(year, 1, 8).at(hour, minute, 0, 0).checked_add(Span::new().days(day)).expect("a time");
            let start = if kind == Kind::Days { start.date().into() } else { start };
            let weeks = |weeks: i64| start.checked_add(Span::new().weeks(weeks)).expect("a time");
            let mut body = times(kind, start, steps, other_end);
            body.insert("title".into(), title.into());
            body.insert("visibility".into(), visibility.into());
            body.extend(fields);
            if !recurring {
                return body;
            }
            let excluded = weeks(11);
            let exdate = match kind {
                Kind::Days => format!("EXDATE;VALUE=DATE:{}", excluded.strftime("%Y%m%d")),
                Kind::Zoned(zone) if ZONES[zone] != "UTC" => {
                    format!("EXDATE;TZID={}:{}", ZONES[zone], excluded.strftime("%Y%m%dT%H%M%S"))
                }
                Kind::Zoned(_) => format!("EXDATE:{}", excluded.strftime("%Y%m%dT%H%M%SZ")),
                Kind::Floating => format!("EXDATE:{}", excluded.strftime("%Y%m%dT%H%M%S")),
            };
            body.insert("recurrence".into(), json!(["RRULE:FREQ=WEEKLY", exdate]));
            let overrides = overrides.into_iter().map(|(week, one)| {
                let mut changed = match one {
                    None => json!({"cancelled": true}).as_object().cloned().unwrap_or_default(),
                    Some((years, longer, title, fields)) => {
                        let mut changed = times(kind, weeks(week + years * 52), steps + longer, other_end);
                        changed.insert("title".into(), title.into());
                        changed.extend(fields);
                        changed
                    }
                };
                changed.insert("original_start".into(), shown(kind, weeks(week)).into());
                Value::Object(changed)
            });
            body.insert("overrides".into(), overrides.collect());
            body
        },
    )
}

/// Fields of an override that say what the series says: the same event, said longer.
fn plain(mut content: Content) -> Content {
    let series = content.clone();
    for one in &mut content.overrides {
        let same = |own: &Option<String>, usual: &str| own.as_deref() == Some(usual);
        if same(&one.title, &series.title) {
            one.title = None;
        }
        if same(&one.description, &series.description) {
            one.description = None;
        }
        if same(&one.location, &series.location) {
            one.location = None;
        }
        one.url = one.url.take().filter(|url| Some(url) != series.url.as_ref());
        one.categories = one.categories.take().filter(|all| *all != series.categories);
        one.reminders = one.reminders.take().filter(|all| *all != series.reminders);
        one.status = one.status.filter(|status| *status != series.status);
        one.busy = one.busy.filter(|busy| *busy != series.busy);
    }
    content.overrides.retain(|one| !one.is_empty());
    content
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn what_is_exported_is_imported_as_the_same(body in body()) {
        let content = Content::parse(&body, &zurich());
        let content = content.map_err(|invalid| TestCaseError::fail(format!("{invalid:?} {body:?}")))?;
        let (text, found) = again(&content);
        prop_assert_eq!(plain(found), plain(content), "{}", text);
    }
}

/// What an event says of its own age when it is written and read again: SEQUENCE and CREATED.
fn age(event: &Event) -> (i64, Option<Timestamp>) {
    let of = Allowed {
        event: event.clone(),
        grant: Grant { role: Some(Role::Owner), sight: DetailLevel::Full, reviewer: true },
    };
    let mut text = String::new();
    write::begin(&mut text, &write::Head::default());
    write::series(&mut text, &series_of(&of, Language::English, false));
    write::end(&mut text);
    let parsed = read(text.as_bytes(), &Zone::look_up).expect("readable");
    let Some(Entry::Series(series, _)) = gather(parsed).entries.pop() else { panic!("no event\n{text}") };
    let item = convert(&series, Vec::new(), &zurich()).remove(0);
    (item.stamp.sequence, item.created)
}

proptest! {
    /// RFC 5545 3.8.7.4: whatever is imported over an event, and however often it is changed in between.
    #[test]
    fn sequence_grows_with_each_version_and_is_never_below_what_was_imported(
        first in prop_oneof![0_i64..20, 0..=i64::from(i32::MAX)],
        created in prop::option::of(0_i64..2_000_000_000),
        steps in prop::collection::vec(prop::option::of(prop_oneof![0_i64..40, 0..=i64::from(i32::MAX)]), 0..12),
    ) {
        let body = json!({"title": "Choir", "start": "2027-01-18", "all_day": true});
        let content = Content::parse(body.as_object().expect("an object"), &zurich()).expect("right");
        let first_made_at = created.map(|second| Timestamp::from_second(second).expect("an instant"));
        let mut event = Event {
            version: 1,
            origin: Origin { sequence_from: first, first_made_at },
            ..event(content).event
        };
        prop_assert_eq!(age(&event), (first, first_made_at.or(Some(at()))));
        for imported in steps {
            let before = age(&event).0;
            // A change here, or an import under a number of its own.
            let next = imported.map_or(event.clone(), |sequence| event.clone().reaching(sequence));
            event = Event { version: event.version + 1, ..next };
            let (now, still) = age(&event);
            prop_assert!(now > before || now == i64::from(i32::MAX), "{before} {imported:?} {now}");
            prop_assert!(imported.is_none_or(|sequence| now >= sequence), "{before} {imported:?} {now}");
            prop_assert_eq!(still, first_made_at.or(Some(at())));
        }
    }
}

#[test]
fn what_an_import_brought_is_given_back() {
    let body =
        json!({"title": "Choir", "start": "2027-01-18T19:30:00", "end": "2027-01-18T21:00:00", "reminders": [15]});
    let mut content = Content::parse(body.as_object().expect("an object"), &zurich()).expect("right");
    let kept = [
        "X-KALENDS-PARAMETERS:SUMMARY;LANGUAGE=de",
        "ATTENDEE;CN=Bob:mailto:bob@example.org",
        "X-FOO:bar\\, baz",
        "BEGIN:VALARM",
        "ACTION:EMAIL",
        "TRIGGER:-PT15M",
        "SUMMARY:x",
        "DESCRIPTION:y",
        "ATTENDEE:mailto:a@example.org",
        "END:VALARM",
    ];
    content.icalendar = kept.map(str::to_owned).to_vec();
    let (text, found) = again(&content);
    assert_eq!(found, content, "{text}");
    assert!(text.contains("SUMMARY;LANGUAGE=de:Choir\r\n") && text.matches("BEGIN:VALARM").count() == 1, "{text}");
}
