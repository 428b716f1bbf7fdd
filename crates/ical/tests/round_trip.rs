//! What is written is read as the same.

#![expect(clippy::expect_used, clippy::indexing_slicing, reason = "a test stops where its own data are wrong")]

use jiff::civil::{Date, DateTime, date};
use jiff::{Span, Timestamp};
use kalends_ical::write::{self, Head};
use kalends_ical::{Component, Length, Series, Status, Visibility, When, read};
use proptest::prelude::*;

mod zones;

const ZONES: [&str; 6] =
    ["Europe/Zurich", "America/New_York", "Africa/Casablanca", "Africa/Cairo", "Asia/Kolkata", "UTC"];

fn text_of(series: &[Series]) -> String {
    let mut out = String::new();
    let name = "Müller, Meier; & \\ Co";
    let head = Head { name: Some(name), color: Some("#102030"), time_zone: Some("Europe/Zurich"), ..Head::default() };
    write::begin(&mut out, &head);
    for one in series {
        for zone in write::zones_of(one) {
            let known = zones::bundled(zone).expect("a zone");
            write::time_zone(&mut out, zone, &known, "2000-01-01T00:00:00Z".parse().expect("an instant"));
        }
        write::series(&mut out, one);
    }
    write::end(&mut out);
    out
}

/// What does not belong to the text: where it stood, and what is computed from the rest.
fn bare(mut series: Series) -> Series {
    for one in series.master.iter_mut().chain(&mut series.overrides) {
        one.line = 0;
        one.length = Length::default();
    }
    series
}

fn line_of_text() -> impl Strategy<Value = String> {
    prop_oneof![
        "[ -~]{1,90}",
        "\\PC{1,60}",
        Just("a\\nb \\; c\\, : \"quoted\" BEGIN:VEVENT".to_owned()),
        Just("Zürich – 東京 – 👩‍👩‍👧‍👦".repeat(6)),
    ]
    .prop_map(|text| text.trim().to_owned())
    .prop_filter("not empty", |text| !text.is_empty() && !text.chars().any(char::is_control))
}

fn lines_of_text() -> impl Strategy<Value = String> {
    prop::collection::vec(line_of_text(), 1..4).prop_map(|lines| lines.join("\n"))
}

/// A winter's day, on which no clock changes.
fn day() -> impl Strategy<Value = Date> {
    (2020_i16..2040, 0_i64..40)
        .prop_map(|(year, days)| date(year, 1, 8).checked_add(Span::new().days(days)).expect("a date"))
}

#[derive(Clone, Copy, Debug)]
enum Kind {
    Date,
    Floating,
    Zoned(usize),
}

fn kind() -> impl Strategy<Value = Kind> {
    prop_oneof![Just(Kind::Date), Just(Kind::Floating), (0..ZONES.len()).prop_map(Kind::Zoned)]
}

fn when(kind: Kind, at: DateTime) -> When {
    match kind {
        Kind::Date => When::Date(at.date()),
        Kind::Floating => When::Floating(at),
        Kind::Zoned(zone) => When::Zoned { at, zone: ZONES[zone].to_owned() },
    }
}

fn instant() -> impl Strategy<Value = Option<Timestamp>> {
    prop::option::of(
        (1_500_000_000_i64..2_000_000_000).prop_map(|second| Timestamp::from_second(second).expect("an instant")),
    )
}

fn component(kind: Kind, start: DateTime) -> impl Strategy<Value = Component> {
    let texts = (
        line_of_text(),
        prop::option::of(lines_of_text()),
        prop::option::of(line_of_text()),
        prop::option::of("https://example\\.org/[a-z0-9,;:?&=/%.-]{0,80}"),
        prop::collection::btree_set(line_of_text(), 0..4),
    );
    let rest = (
        prop::sample::select(vec![None, Some(Status::Tentative), Some(Status::Confirmed), Some(Status::Cancelled)]),
        prop::sample::select(vec![
            None,
            Some(Visibility::Public),
            Some(Visibility::Private),
            Some(Visibility::Confidential),
        ]),
        prop::option::of(any::<bool>()),
        0_i64..1_000,
        prop::collection::btree_set(-500_i64..60_000, 0..4),
        (instant(), instant(), instant()),
        prop::collection::vec("(X-[A-Z]{1,9}(;X-P=\"[a-z:;,]{0,9}\")?|ATTENDEE;CN=Bob):[ -~äöü]{0,100}[a-z]", 0..4),
    );
    (texts, rest, 0_i64..5, any::<bool>()).prop_map(move |(texts, rest, steps, other_end)| {
        let (summary, description, location, url, categories) = texts;
        let (status, visibility, busy, sequence, alarms, (stamp, created, last_modified), other) = rest;
        let length = match kind {
            Kind::Date => Span::new().days(steps + 1),
            _ if other_end => Span::new().days(steps + 2),
            _ => Span::new().minutes(steps * 45),
        };
        let end = start.checked_add(length).expect("a time");
        let end_kind = match kind {
            Kind::Zoned(zone) if other_end => Kind::Zoned((zone + 1) % ZONES.len()),
            other => other,
        };
        Component {
            line: 0,
            summary,
            description,
            location,
            url,
            categories: categories.into_iter().collect(),
            start: when(kind, start),
            end: when(end_kind, end),
            length: Length::default(),
            recurrence: Vec::new(),
            recurrence_id: None,
            range_this_and_future: false,
            status,
            visibility,
            busy,
            sequence,
            alarms: alarms.into_iter().collect(),
            stamp,
            created,
            last_modified,
            parameters: Vec::new(),
            other,
        }
    })
}

fn series() -> impl Strategy<Value = Series> {
    let at = (day(), 0_i8..24, 0_i8..60).prop_map(|(day, hour, minute)| day.at(hour, minute, 0, 0));
    (kind(), at, any::<bool>(), prop::collection::btree_map(1_i64..10, 0_i64..6, 0..4)).prop_flat_map(
        |(kind, at, recurring, overridden)| {
            let at = if matches!(kind, Kind::Date) { at.date().into() } else { at };
            let weeks = move |weeks: i64| at.checked_add(Span::new().weeks(weeks)).expect("a time");
            let master = component(kind, at).prop_map(move |master| {
                let excluded = when(kind, weeks(11));
                let value =
                    excluded.local().strftime(if excluded.is_date() { "%Y%m%d" } else { "%Y%m%dT%H%M%S" }).to_string();
                let exdate = match &excluded {
                    When::Date(_) => format!("EXDATE;VALUE=DATE:{value}"),
                    When::Zoned { zone, .. } if zone == "UTC" => format!("EXDATE:{value}Z"),
                    When::Zoned { zone, .. } => format!("EXDATE;TZID={zone}:{value}"),
                    When::Floating(_) => format!("EXDATE:{value}"),
                };
                let recurrence = if recurring { vec!["RRULE:FREQ=WEEKLY".to_owned(), exdate] } else { Vec::new() };
                Component { recurrence, ..master }
            });
            let overridden = if recurring { overridden } else { Default::default() };
            let overrides: Vec<_> = overridden
                .into_iter()
                .map(|(week, moved)| {
                    let id = when(kind, weeks(week));
                    component(kind, weeks(week + moved * 60))
                        .prop_map(move |one| Component { recurrence_id: Some(id.clone()), ..one })
                        .boxed()
                })
                .collect();
            ("[!-~]{1,90}", master, overrides).prop_map(|(uid, master, overrides)| Series {
                uid,
                master: Some(master),
                overrides,
                damaged: false,
            })
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn what_is_written_is_read_as_the_same(series in series()) {
        let text = text_of(std::slice::from_ref(&series));
        prop_assert!(text.split("\r\n").all(|line| line.len() <= 75));
        let parsed = read(text.as_bytes(), &zones::bundled).expect("readable");
        prop_assert!(parsed.problems.is_empty(), "{:?}\n{text}", parsed.problems);
        let found: Vec<Series> = parsed.calendars[0].series.iter().cloned().map(bare).collect();
        prop_assert_eq!(&found, &[bare(series)], "{}", text);
        prop_assert_eq!(parsed.calendars[0].name.as_deref(), Some("Müller, Meier; & \\ Co"));
    }
}

#[test]
fn what_was_kept_of_other_programs_is_given_back() {
    let file = concat!(
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nBEGIN:VEVENT\r\nUID:a@b\r\nDTSTAMP:20270115T100000Z\r\n",
        "DTSTART:20270301T090000Z\r\nDTEND:20270301T100000Z\r\nSUMMARY;LANGUAGE=de-CH:Probe\r\nX-FOO;A=\"b;c\":d\r\n",
        "ATTENDEE;PARTSTAT=ACCEPTED;CN=Bob:mailto:bob@example.org\r\nATTACH:https://example.org/a\\,b.pdf\r\n",
        "BEGIN:VALARM\r\nACTION:EMAIL\r\nTRIGGER:-PT15M\r\nDESCRIPTION:x\r\nSUMMARY:y\r\nATTENDEE:mailto:a@b.c\r\nEND:VALARM\r\n",
        "BEGIN:VALARM\r\nACTION:DISPLAY\r\nTRIGGER:-PT30M\r\nDESCRIPTION:Probe\r\nEND:VALARM\r\n",
        "END:VEVENT\r\nEND:VCALENDAR\r\n",
    );
    let first = read(file.as_bytes(), &zones::bundled).expect("readable").calendars.remove(0).series.remove(0);
    let text = text_of(std::slice::from_ref(&first));
    let second = read(text.as_bytes(), &zones::bundled).expect("readable").calendars.remove(0).series.remove(0);
    assert_eq!(bare(second), bare(first));
    assert_eq!(text.matches("BEGIN:VALARM").count(), 2, "{text}");
    assert!(text.contains("SUMMARY;LANGUAGE=de-CH:Probe"));
}

#[test]
fn nothing_that_was_kept_can_end_the_event() {
    let file = "BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nUID:a\r\nDTSTAMP:20270115T100000Z\r\nDTSTART:20270301T090000Z\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n";
    let mut series = read(file.as_bytes(), &zones::bundled).expect("readable").calendars.remove(0).series.remove(0);
    let forged = [
        "END:VEVENT",
        "BEGIN:VEVENT",
        "UID:b",
        "END:VCALENDAR",
        "no property",
        "X-A:b\r\nEND:VEVENT",
        "BEGIN:VALARM",
        "END:VTODO",
        "X-OK:1",
    ];
    if let Some(master) = &mut series.master {
        master.other = forged.iter().map(|line| (*line).to_owned()).collect();
    }
    let text = text_of(&[series]);
    assert_eq!(text.matches("END:VEVENT\r\n").count(), 1 + usize::from(text.contains("X-A:bEND:VEVENT")), "{text}");
    let read = read(text.as_bytes(), &zones::bundled).expect("readable");
    assert_eq!(read.calendars.len(), 1);
    assert_eq!(read.calendars[0].series.len(), 1);
}
