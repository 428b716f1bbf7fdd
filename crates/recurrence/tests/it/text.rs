//! What is read, what is refused and by which code, and what is written.

use crate::given::{at, zone};
use jiff::tz::TimeZone;
use kalends_recurrence::{MAX_DATES, MAX_LINE_BYTES, MAX_LINES, MAX_RULES, Rule, Series, Start};

fn codes(rule: &str) -> Vec<&'static str> {
    match rule.parse::<Rule>() {
        Ok(_) => Vec::new(),
        Err(invalid) => invalid.faults.iter().map(|fault| fault.code).collect(),
    }
}

fn line_codes(start: Start, lines: &[&str]) -> Vec<(usize, &'static str)> {
    match Series::parse(start, lines, &|name| TimeZone::get(name).ok()) {
        Ok(_) => Vec::new(),
        Err(errors) => errors.iter().map(|error| (error.line, error.code)).collect(),
    }
}

#[test]
fn every_fault_of_a_rule_has_its_own_code() {
    for (rule, expected) in [
        ("", "malformed-part"),
        ("INTERVAL=2", "missing-freq"),
        ("FREQ=FORTNIGHTLY", "unknown-freq"),
        ("FREQ=DAILY;FREQ=DAILY", "duplicate-part"),
        ("FREQ=DAILY;BYEASTER=0", "unknown-part"),
        ("FREQ=DAILY;INTERVAL", "malformed-part"),
        ("FREQ=DAILY;BYDAY=", "empty-value"),
        ("FREQ=DAILY;INTERVAL=0", "zero-interval"),
        ("FREQ=DAILY;COUNT=0", "zero-count"),
        ("FREQ=DAILY;COUNT=-1", "not-a-number"),
        ("FREQ=DAILY;INTERVAL=4294967296", "out-of-range"),
        ("FREQ=DAILY;COUNT=2;UNTIL=20260101", "count-and-until"),
        ("FREQ=DAILY;UNTIL=20260230", "invalid-until"),
        ("FREQ=DAILY;UNTIL=soon", "invalid-until"),
        ("FREQ=DAILY;BYMONTH=13", "out-of-range"),
        ("FREQ=DAILY;BYMONTH=0", "out-of-range"),
        ("FREQ=DAILY;BYMONTH=-1", "out-of-range"),
        ("FREQ=MONTHLY;BYMONTHDAY=32", "out-of-range"),
        ("FREQ=YEARLY;BYYEARDAY=-367", "out-of-range"),
        ("FREQ=YEARLY;BYWEEKNO=54", "out-of-range"),
        ("FREQ=DAILY;BYHOUR=24", "out-of-range"),
        ("FREQ=DAILY;BYMINUTE=60", "out-of-range"),
        ("FREQ=DAILY;BYSECOND=61", "out-of-range"),
        ("FREQ=MONTHLY;BYDAY=MO;BYSETPOS=0", "out-of-range"),
        ("FREQ=MONTHLY;BYDAY=54MO", "out-of-range"),
        ("FREQ=MONTHLY;BYDAY=0MO", "out-of-range"),
        ("FREQ=MONTHLY;BYDAY=MOO", "not-a-weekday"),
        ("FREQ=MONTHLY;BYDAY=M", "not-a-weekday"),
        ("FREQ=WEEKLY;WKST=2MO", "not-a-weekday"),
        ("FREQ=DAILY;BYHOUR=1,,2", "not-a-number"),
        ("FREQ=WEEKLY;BYDAY=1MO", "byday-ordinal-with-freq"),
        ("FREQ=DAILY;BYDAY=-1MO", "byday-ordinal-with-freq"),
        ("FREQ=YEARLY;BYWEEKNO=20;BYDAY=1MO", "byday-ordinal-with-byweekno"),
        ("FREQ=MONTHLY;BYWEEKNO=20", "byweekno-with-freq"),
        ("FREQ=WEEKLY;BYMONTHDAY=1", "bymonthday-with-freq"),
        ("FREQ=DAILY;BYYEARDAY=1", "byyearday-with-freq"),
        ("FREQ=WEEKLY;BYYEARDAY=1", "byyearday-with-freq"),
        ("FREQ=MONTHLY;BYYEARDAY=1", "byyearday-with-freq"),
        ("FREQ=MONTHLY;BYSETPOS=1", "bysetpos-alone"),
        ("RSCALE=CHINESE;FREQ=YEARLY", "rscale-unsupported"),
        ("FREQ=YEARLY;SKIP=FORWARD", "skip-unsupported"),
    ] {
        assert!(codes(rule).contains(&expected), "{rule}: {:?} instead of {expected}", codes(rule));
    }
}

#[test]
fn all_faults_are_reported_together() {
    assert_eq!(
        codes("FREQ=WEEKLY;INTERVAL=0;BYDAY=2MO;BYHOUR=25;BYMONTHDAY=3"),
        ["zero-interval", "out-of-range", "byday-ordinal-with-freq", "bymonthday-with-freq"]
    );
    let start = Start::Date(at("20260101").date());
    assert_eq!(
        line_codes(
            start,
            &[
                "RRULE:FREQ=HOURLY",
                "RDATE:20260101T000000",
                "EXDATE;TZID=Mars/Base:20260101T000000",
                "DTSTART:20260101",
                "nonsense",
                "EXRULE:FREQ=DAILY"
            ]
        ),
        [
            (0, "freq-needs-time"),
            (1, "date-type-mismatch"),
            (2, "unknown-time-zone"),
            (3, "unknown-property"),
            (4, "malformed-line"),
            (5, "exrule-unsupported"),
        ]
    );
}

#[test]
fn dates_that_do_not_fit_are_refused() {
    for (line, code) in [
        ("RDATE;VALUE=DATE:20260101", "date-type-mismatch"),
        ("RDATE:20260230T000000", "invalid-date"),
        ("RDATE:20260101T000000/PT1H", "invalid-date"),
        ("RDATE;VALUE=PERIOD:20260101T000000", "invalid-period"),
        ("RDATE;VALUE=PERIOD:20260101T000000/-PT1H", "invalid-period"),
        ("RDATE;VALUE=PERIOD:20260101T000000/PT0S", "invalid-period"),
        ("RDATE;VALUE=PERIOD:20260101T000000/20251231T000000", "invalid-period"),
        ("RDATE;VALUE=PERIOD:20260101T000000Z/20260101T010000", "invalid-period"),
        ("RDATE;VALUE=TEXT:20260101T000000", "unknown-value-type"),
        ("EXDATE;VALUE=DATE:20260101T000000", "invalid-date"),
        ("EXDATE:", "invalid-date"),
    ] {
        let start = Start::Zoned { at: at("20260101T090000"), zone: zone("Europe/Zurich") };
        assert_eq!(line_codes(start, &[line]), [(0, code)], "{line}");
    }
}

#[test]
fn input_is_bounded() {
    let start = || Start::Floating(at("20260101T090000"));
    let many = |line: &str, count: usize| -> Vec<String> { vec![line.to_owned(); count] };
    let codes = |lines: &[String]| line_codes(start(), &lines.iter().map(String::as_str).collect::<Vec<_>>());
    assert_eq!(codes(&many("EXDATE:20260101T090000", MAX_LINES + 1)), [(MAX_LINES, "too-many-lines")]);
    assert_eq!(codes(&many("RRULE:FREQ=DAILY", MAX_RULES + 1)), [(MAX_RULES, "too-many-rules")]);
    assert_eq!(codes(&[format!("EXDATE:{}", "2".repeat(MAX_LINE_BYTES))]), [(0, "line-too-long")]);
    let line = format!("EXDATE:{}", vec!["20260101T090000"; 4_000].join(","));
    assert_eq!(codes(&many(&line, MAX_DATES / 4_000)), []);
    assert_eq!(codes(&many(&line, MAX_DATES / 4_000 + 1)), [(MAX_DATES / 4_000, "too-many-dates")]);
    assert_eq!(
        codes(&[format!("RRULE:FREQ=YEARLY;BYYEARDAY={}", vec!["1"; 1_001].join(","))]),
        [(0, "too-many-values")]
    );
}

#[test]
fn case_blanks_and_a_trailing_semicolon_do_not_matter() {
    let rule: Rule = " freq=weekly;byday=we,mo,mo;wkst=su; ".parse().expect("a valid rule");
    assert_eq!(rule.to_string(), "FREQ=WEEKLY;BYDAY=MO,WE;WKST=SU");
}

#[test]
fn a_series_is_written_canonically_and_read_back() {
    let start = Start::Zoned { at: at("20260101T090000"), zone: zone("Europe/Zurich") };
    let lines = [
        "EXDATE:20260105T080000Z",
        "RDATE;VALUE=PERIOD:20260601T080000Z/20260601T100000Z",
        "RRULE:BYDAY=WE,MO;FREQ=WEEKLY;WKST=MO;INTERVAL=1",
        "EXDATE;VALUE=DATE:20260107",
        "RDATE;TZID=America/New_York:20260301T040000",
    ];
    let read =
        |lines: &[String]| Series::parse(start.clone(), lines, &|name| TimeZone::get(name).ok()).expect("valid lines");
    let written = read(&lines.map(str::to_owned)).lines();
    assert_eq!(
        written,
        [
            "RRULE:FREQ=WEEKLY;BYDAY=MO,WE",
            "RDATE;TZID=Europe/Zurich:20260301T100000",
            "RDATE;VALUE=PERIOD;TZID=Europe/Zurich:20260601T100000/PT7200S",
            "EXDATE;TZID=Europe/Zurich:20260105T090000",
            "EXDATE;VALUE=DATE:20260107",
        ]
    );
    assert_eq!(read(&written).lines(), written);
}
