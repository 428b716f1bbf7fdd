//! What the calendar programs of the world write, in one file (`data/odd.ics`).

#![expect(clippy::expect_used, clippy::indexing_slicing, reason = "a test stops where its own data are wrong")]

mod zones;

use jiff::civil::date;
use kalends_ical::{Code, Component, Length, Parsed, ReadError, Series, Visibility, When};
use zones::bundled;

fn odd() -> Parsed {
    kalends_ical::read(include_bytes!("data/odd.ics"), &bundled).expect("an iCalendar file")
}

fn event(lines: &str) -> Result<Component, Vec<(usize, Code)>> {
    let text = format!("BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nUID:1\r\n{lines}\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n");
    let parsed = kalends_ical::read(text.as_bytes(), &bundled).expect("an iCalendar file");
    let component = parsed.calendars[0].series.first().and_then(|series| series.master.clone());
    component.ok_or_else(|| parsed.problems.iter().map(|problem| (problem.line, problem.code)).collect())
}

fn zurich(day: i8, hour: i8) -> When {
    When::Zoned { at: date(2027, 3, day).at(hour, 0, 0, 0), zone: "Europe/Berlin".to_owned() }
}

#[test]
fn several_calendars_of_a_stream_are_read() {
    let parsed = odd();
    let names: Vec<_> =
        parsed.calendars.iter().map(|calendar| (calendar.name.as_deref(), calendar.time_zone.as_deref())).collect();
    assert_eq!(names, [(Some("Büro, Zürich"), Some("Europe/Berlin")), (Some("Second"), None)]);
    let uids = |at: usize| parsed.calendars[at].series.iter().map(|series| series.uid.as_str()).collect::<Vec<_>>();
    assert_eq!((uids(0), uids(1)), (vec!["a", "alone"], vec!["f"]));
    assert_eq!(
        parsed.calendars[1].series[0].master.as_ref().map(|f| f.start.clone()),
        Some(When::Floating(date(2027, 3, 1).at(9, 0, 0, 0)))
    );
}

#[test]
fn what_cannot_be_read_is_named_by_line() {
    let problems: Vec<_> = odd().problems.iter().map(|problem| (problem.line, problem.code)).collect();
    assert_eq!(
        problems,
        [
            (66, Code::UnknownZone),
            (72, Code::EndBeforeStart),
            (82, Code::NotAnEvent),
            (86, Code::Unclosed),
            (93, Code::Unclosed)
        ]
    );
    let mars = &odd().problems[0].message;
    assert!(mars.contains("\"Mars\""), "{mars}");
}

#[test]
fn an_event_is_read_with_all_that_it_says() {
    let parsed = odd();
    let Series { master: Some(a), overrides, .. } = &parsed.calendars[0].series[0] else { panic!("a master") };
    assert_eq!((a.start.clone(), a.length), (zurich(1, 9), Length { days: 0, seconds: 45 * 60 }));
    assert_eq!(a.recurrence, ["RRULE:FREQ=DAILY;COUNT=5", "EXDATE;TZID=Europe/Berlin:20270302T090000,20270303T090000"]);
    assert_eq!((a.summary.as_str(), a.url.as_deref()), ("Sitzung; Montag", Some("https://example.org/a,b")));
    assert_eq!(a.categories, ["Music", "R,B", "Jazz"]);
    assert_eq!((a.visibility, a.busy), (Some(Visibility::Private), Some(false)));
    assert_eq!(a.alarms, [15, 60]);
    assert_eq!(a.parameters, ["SUMMARY;LANGUAGE=de"]);
    assert_eq!(
        a.other,
        [
            "ATTENDEE;CN=\"Müller, Eva\":mailto:eva@example.org",
            "BEGIN:VALARM",
            "ACTION:EMAIL",
            "SUMMARY:y",
            "TRIGGER;RELATED=END:-PT1H45M",
            "END:VALARM",
        ]
    );
    // Named in UTC, it is an instance of the series' wall clock.
    assert_eq!(overrides[0].recurrence_id, Some(zurich(4, 9)));
    assert_eq!(overrides[0].start, zurich(4, 10));
}

#[test]
fn an_override_without_its_master_is_kept_and_a_day_that_ends_where_it_begins_is_one_day() {
    let parsed = odd();
    let alone = &parsed.calendars[0].series[1];
    assert!(alone.master.is_none() && alone.overrides[0].is_cancelled());
    assert_eq!(alone.overrides[0].end, When::Date(date(2027, 5, 3)));
}

#[test]
fn the_end_is_dtend_or_the_duration_or_the_default_of_the_rfc() {
    let end = |lines: &str| event(lines).map(|event| (event.end, event.length));
    let days = |days| Length { days, seconds: 0 };
    let seconds = |seconds| Length { days: 0, seconds };
    let at = |day, hour| When::Zoned { at: date(2027, 3, day).at(hour, 0, 0, 0), zone: "Europe/Zurich".to_owned() };
    let start = "DTSTART;TZID=Europe/Zurich:20270327T120000\r\n";
    assert_eq!(end("DTSTART;VALUE=DATE:20270327"), Ok((When::Date(date(2027, 3, 28)), days(1))));
    assert_eq!(end("DTSTART;VALUE=DATE:20270327\r\nDURATION:P1W"), Ok((When::Date(date(2027, 4, 3)), days(7))));
    assert_eq!(end(start), Ok((at(27, 12), seconds(0))));
    // Over the change to summer time: a day by the wall clock, 24 hours by the stopwatch, and 23 between the walls.
    assert_eq!(end(&format!("{start}DURATION:P1D")), Ok((at(28, 12), days(1))));
    assert_eq!(end(&format!("{start}DURATION:PT24H")), Ok((at(28, 13), seconds(86_400))));
    assert_eq!(end(&format!("{start}DTEND;TZID=Europe/Zurich:20270328T120000")), Ok((at(28, 12), seconds(82_800))));
    assert_eq!(end(&format!("{start}DTEND;VALUE=DATE:20270328")), Err(vec![(5, Code::MixedKinds)]));
    assert_eq!(end(&format!("{start}DURATION:-PT1H")), Err(vec![(5, Code::EndBeforeStart)]));
    assert_eq!(
        end(&format!("{start}RRULE:FREQ=YEARLY\r\nEXRULE:FREQ=YEARLY;INTERVAL=2")),
        Err(vec![(6, Code::ExceptionRule)])
    );
    assert_eq!(end(&format!("{start}RRULE:FREQ=FORTNIGHTLY")), Err(vec![(5, Code::InvalidRecurrence)]));
    assert_eq!(end("SUMMARY:when?"), Err(vec![(2, Code::MissingStart)]));
}

#[test]
fn this_and_following_moves_the_rest_of_the_series() {
    let text = "BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nUID:1\r\nDTSTART;TZID=Europe/Zurich:20270315T090000\r\nDURATION:PT1H\r\nRRULE:FREQ=WEEKLY;COUNT=5\r\nSUMMARY:old\r\nEND:VEVENT\r\n\
        BEGIN:VEVENT\r\nUID:1\r\nRECURRENCE-ID;RANGE=THISANDFUTURE;TZID=Europe/Zurich:20270322T090000\r\nDTSTART;TZID=Europe/Zurich:20270323T140000\r\nDURATION:PT2H\r\nSUMMARY:new\r\nEND:VEVENT\r\n\
        BEGIN:VEVENT\r\nUID:1\r\nRECURRENCE-ID;TZID=Europe/Zurich:20270405T090000\r\nDTSTART;TZID=Europe/Zurich:20270501T100000\r\nDURATION:PT2H\r\nSUMMARY:far\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n";
    let parsed = kalends_ical::read(text.as_bytes(), &bundled).expect("an iCalendar file");
    let instances = |from: &str, to: &str| -> Vec<String> {
        let found = parsed.calendars[0].series[0].instances(
            from.parse().expect("an instant"),
            to.parse().expect("an instant"),
            9,
            &jiff::tz::TimeZone::UTC,
            &bundled,
        );
        found
            .expect("instances")
            .iter()
            .map(|at| format!("{} {}", at.start.local().strftime("%m-%d %H:%M"), at.component.summary))
            .collect()
    };
    let all = ["03-15 09:00 old", "03-23 14:00 new", "03-30 14:00 new", "04-13 14:00 new", "05-01 10:00 far"];
    assert_eq!(instances("2027-01-01T00:00:00Z", "2028-01-01T00:00:00Z"), all);
    // The instance of 12 April lies outside this window, but where it moved to does not.
    assert_eq!(instances("2027-04-13T13:30:00Z", "2027-04-13T13:45:00Z"), ["04-13 14:00 new"]);
}

#[test]
fn what_is_too_much_is_refused_with_its_line() {
    let nested = "BEGIN:X\n".repeat(1_000);
    assert_eq!(kalends_ical::read(nested.as_bytes(), &bundled).err(), Some(ReadError::TooDeep { line: 17 }));
    assert_eq!(kalends_ical::read(b"", &bundled).err(), Some(ReadError::NoCalendar));
    assert_eq!(kalends_ical::read(&[0xFF, 0xFE, b'B', 0], &bundled).err(), Some(ReadError::Utf16));
    let long = format!("BEGIN:VCALENDAR\nX:{}", " y\n".repeat(20).replace(" y", &format!(" {}", "y".repeat(500_000))));
    assert_eq!(kalends_ical::read(long.as_bytes(), &bundled).err(), Some(ReadError::LineTooLong { line: 2 }));
    let many = "BEGIN:X\nEND:X\n".repeat(kalends_ical::MAX_COMPONENTS + 1);
    assert_eq!(
        kalends_ical::read(many.as_bytes(), &bundled).err(),
        Some(ReadError::TooManyComponents { line: 1_000_001 })
    );
    let noise = "BEGIN:VCALENDAR\nEND:VCALENDAR\n".to_owned() + &"x\n".repeat(5_000);
    let noise = kalends_ical::read(noise.as_bytes(), &bundled).expect("a calendar");
    assert_eq!((noise.problems.len(), noise.problems_omitted), (1_000, 4_000));
}

#[test]
fn files_made_to_be_slow_are_read_in_time_that_grows_with_their_size() {
    let event = |lines: &str| format!("BEGIN:VEVENT\nUID:1\nDTSTART:20270101T000000\n{lines}\nEND:VEVENT\n");
    let many = |line: &dyn Fn(usize) -> String, n: usize| (0..n).map(line).collect::<String>();
    let long = "x,".repeat(1 << 20);
    let places = format!("(UTC) {}", "a, ".repeat(1 << 20));
    let dates = "20270101T000000,".repeat(20_000);
    let rules = format!("RRULE:FREQ=YEARLY;BYMONTHDAY=1{}\n", ",1".repeat(60)).repeat(20_000);
    let zone =
        "BEGIN:VTIMEZONE\nTZID:Q\nBEGIN:STANDARD\nDTSTART:19700101T000000\nTZOFFSETFROM:+0100\nTZOFFSETTO:+0100\n";
    let of_zone = "END:STANDARD\nEND:VTIMEZONE\nBEGIN:VEVENT\nDTSTART;TZID=Q:20270101T000000\nEND:VEVENT\n";
    let day = |at: usize| format!("RECURRENCE-ID;RANGE=THISANDFUTURE:{}0101T000000", 1000 + at % 9000);
    let cases = [
        ("categories", event(&format!("CATEGORIES:{}", many(&|at| format!("c{at},"), 200_000)))),
        ("one UID", event(&format!("DESCRIPTION:{long}")) + &event("SUMMARY:same UID").repeat(20_000)),
        ("parameters", event(&format!("EXDATE;X={long};TZID=UTC:{dates}"))),
        ("zone name", event(&format!("RDATE;TZID=\"{places}\":{dates}"))),
        ("zone rules", format!("{zone}{rules}{of_zone}")),
        ("ranges", event("RRULE:FREQ=DAILY") + &many(&|at| event(&day(at)), 10_000)),
        (
            "moved far",
            event("RRULE:FREQ=SECONDLY")
                + &event("RECURRENCE-ID;RANGE=THISANDFUTURE:20270101T000000").replace("DTSTART:2027", "DTSTART:2999"),
        ),
        ("unknown zones", many(&|at| event(&format!("EXDATE;TZID=Nowhere{at}:20270101T000000")), 50_000)),
    ];
    for (name, text) in cases {
        let began = std::time::Instant::now();
        let text = format!("BEGIN:VCALENDAR\n{text}END:VCALENDAR\n");
        let parsed = kalends_ical::read(text.as_bytes(), &bundled).expect("a calendar");
        for series in parsed.calendars.iter().flat_map(|calendar| &calendar.series) {
            let window = ("2027-01-01T00:00:00Z", "2999-06-01T00:00:00Z");
            let (from, to) = (window.0.parse().expect("an instant"), window.1.parse().expect("an instant"));
            _ = series.instances(from, to, 10_000, &jiff::tz::TimeZone::UTC, &bundled);
        }
        let took = began.elapsed();
        println!("{name}: {took:?}");
        assert!(took.as_secs() < 20, "{name} took {took:?}");
    }
}
