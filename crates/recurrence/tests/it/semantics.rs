//! What a series means, one sentence a test.
//!
//! Long because it is a table of rules and their occurrences.

use crate::given::{all_day, at, dates, floating, instants, series, short, zone, zoned};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use kalends_recurrence::{BudgetSpent, Series, Start};
use std::collections::BTreeSet;

const ZURICH: &str = "Europe/Zurich";

fn instant(text: &str) -> Timestamp {
    text.parse().expect("an instant of the test")
}

fn last(series: &Series) -> Option<String> {
    series.last(&TimeZone::UTC).expect("within the budget").map(|occurrence| short(occurrence.local))
}

// ---- DTSTART

#[test]
fn an_event_without_recurrence_happens_once() {
    let series = Series::once(Start::Floating(at("20260101T090000")));
    assert_eq!(dates(&series, 5), "20260101");
    assert!(!series.is_recurring() && !series.is_endless());
    assert_eq!(last(&series), Some("20260101".into()));
}

#[test]
fn dtstart_is_the_first_instance_and_counts_even_where_the_rule_does_not_give_it() {
    // 1 January 2026 is a Thursday.
    let series = floating("20260101T090000", &["RRULE:FREQ=WEEKLY;BYDAY=MO;COUNT=3"]);
    assert_eq!(dates(&series, 9), "20260101 20260105 20260112");
}

#[test]
fn a_count_of_one_is_dtstart_alone() {
    assert_eq!(dates(&floating("20260101T090000", &["RRULE:FREQ=DAILY;COUNT=1"]), 9), "20260101");
}

#[test]
fn until_before_dtstart_leaves_dtstart() {
    assert_eq!(dates(&floating("20260105T090000", &["RRULE:FREQ=DAILY;UNTIL=20260101"]), 9), "20260105");
}

#[test]
fn several_rules_are_a_union_and_each_counts_dtstart() {
    let series = floating("20260101T090000", &["RRULE:FREQ=DAILY;COUNT=3", "RRULE:FREQ=WEEKLY;COUNT=3"]);
    assert_eq!(dates(&series, 9), "20260101 20260102 20260103 20260108 20260115");
}

// ---- BY parts

#[test]
fn a_plain_and_a_numbered_weekday_are_a_union() {
    assert_eq!(
        dates(&floating("20260601T090000", &["RRULE:FREQ=MONTHLY;BYDAY=TU,1FR;COUNT=8"]), 9),
        "20260601 20260602 20260605 20260609 20260616 20260623 20260630 20260703"
    );
}

#[test]
fn the_fifth_to_last_weekday_exists_in_some_months_only() {
    assert_eq!(
        dates(&floating("20260303T090000", &["RRULE:FREQ=MONTHLY;BYDAY=-5TU"]), 3),
        "20260303 20260602 20260901"
    );
}

#[test]
fn the_53rd_to_last_wednesday_exists_in_some_years_only() {
    assert_eq!(
        dates(&floating("20200101T090000", &["RRULE:FREQ=YEARLY;BYDAY=-53WE"]), 3),
        "20200101 20250101 20310101"
    );
}

#[test]
fn numbered_weekdays_count_in_the_month_with_bymonth_and_in_the_year_without() {
    assert_eq!(dates(&floating("20260302T090000", &["RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=1MO"]), 2), "20260302 20270301");
    assert_eq!(dates(&floating("20260105T090000", &["RRULE:FREQ=YEARLY;BYDAY=1MO"]), 2), "20260105 20270104");
}

#[test]
fn byday_limits_bymonthday_and_byyearday() {
    assert_eq!(
        dates(&floating("20260213T090000", &["RRULE:FREQ=YEARLY;BYMONTHDAY=13;BYDAY=FR"]), 3),
        "20260213 20260313 20261113"
    );
    assert_eq!(
        dates(&floating("20260101T090000", &["RRULE:FREQ=YEARLY;BYYEARDAY=1;BYDAY=TH"]), 2),
        "20260101 20320101"
    );
}

#[test]
fn weekly_bysetpos_counts_from_the_start_of_the_week_and_not_from_dtstart() {
    // Wednesday is the second of MO, WE, FR; so DTSTART's week has it although Monday lies before DTSTART.
    assert_eq!(
        dates(&floating("20260107T090000", &["RRULE:FREQ=WEEKLY;BYDAY=MO,WE,FR;BYSETPOS=2,3;COUNT=4"]), 9),
        "20260107 20260109 20260114 20260116"
    );
}

#[test]
fn week_53_and_week_1_are_those_of_iso_8601_at_the_edges_of_the_year() {
    // 1 January 2011 is a Saturday of week 52 of 2010; week 53 of 2009 ends on 3 January 2010.
    assert_eq!(
        dates(&floating("20091231T090000", &["RRULE:FREQ=YEARLY;BYWEEKNO=53;BYDAY=TH,SU"]), 4),
        "20091231 20100103 20151231 20160103"
    );
    assert_eq!(
        dates(&floating("20110101T090000", &["RRULE:FREQ=YEARLY;BYWEEKNO=52;BYDAY=SA"]), 3),
        "20110101 20111231 20121229"
    );
    assert_eq!(
        dates(&floating("20241230T090000", &["RRULE:FREQ=YEARLY;BYWEEKNO=1;BYDAY=MO"]), 3),
        "20241230 20251229 20270104"
    );
}

#[test]
fn negative_week_numbers_count_from_the_last_week_of_the_week_s_own_year() {
    // 3 January 2010 belongs to week 53 of 2009, which is its last.
    assert_eq!(
        dates(&floating("20100103T090000", &["RRULE:FREQ=YEARLY;BYWEEKNO=-1;BYDAY=SU"]), 3),
        "20100103 20110102 20120101"
    );
}

#[test]
fn wkst_moves_the_weeks_of_byweekno() {
    assert_eq!(
        dates(&floating("20260101T090000", &["RRULE:FREQ=YEARLY;BYWEEKNO=1;BYDAY=SU;WKST=MO"]), 3),
        "20260101 20260104 20270110"
    );
    assert_eq!(
        dates(&floating("20260101T090000", &["RRULE:FREQ=YEARLY;BYWEEKNO=1;BYDAY=SU;WKST=SU"]), 3),
        "20260101 20260104 20270103"
    );
}

#[test]
fn february_29_and_30_come_when_they_exist() {
    assert_eq!(dates(&floating("20240229T090000", &["RRULE:FREQ=YEARLY"]), 3), "20240229 20280229 20320229");
    assert_eq!(dates(&floating("20960229T090000", &["RRULE:FREQ=YEARLY"]), 2), "20960229 21040229");
    assert_eq!(dates(&floating("20260131T090000", &["RRULE:FREQ=MONTHLY"]), 3), "20260131 20260331 20260531");
}

#[test]
fn second_60_is_read_as_59_and_kept_in_the_text() {
    let series = floating("20260101T000000", &["RRULE:FREQ=MINUTELY;BYSECOND=59,60;COUNT=3"]);
    assert_eq!(dates(&series, 9), "20260101 20260101T000059 20260101T000159");
    assert_eq!(series.lines(), ["RRULE:FREQ=MINUTELY;COUNT=3;BYSECOND=59,60"]);
}

#[test]
fn sub_daily_rules_jump_to_the_next_day_that_matches() {
    let series = floating("20260228T235958", &["RRULE:FREQ=SECONDLY;BYMONTH=2;COUNT=4"]);
    assert_eq!(dates(&series, 9), "20260228T235958 20260228T235959 20270201 20270201T000001");
}

#[test]
fn a_product_of_all_times_is_never_written_out() {
    let all = |end: u8| (0..end).map(|n| n.to_string()).collect::<Vec<_>>().join(",");
    let rule = format!(
        "RRULE:FREQ=YEARLY;BYMONTHDAY=31;BYHOUR={};BYMINUTE={};BYSECOND={};BYSETPOS=-1",
        all(24),
        all(60),
        all(60)
    );
    assert_eq!(dates(&floating("20260101T090000", &[&rule]), 3), "20260101 20261231T235959 20271231T235959");
}

#[test]
fn an_all_day_series_ignores_times_in_the_rule() {
    assert_eq!(dates(&all_day("20260101", &["RRULE:FREQ=DAILY;BYHOUR=9,12;COUNT=2"]), 9), "20260101 20260102");
}

// ---- UNTIL

#[test]
fn until_is_inclusive_in_every_form() {
    for until in ["20260103T080000Z", "20260103T090000", "20260103"] {
        let series = zoned("20260101T090000", ZURICH, &[&format!("RRULE:FREQ=DAILY;UNTIL={until}")]);
        assert_eq!(dates(&series, 9), "20260101 20260102 20260103", "{until}");
    }
    for until in ["20260103T075959Z", "20260103T085959", "20260102"] {
        let series = zoned("20260101T090000", ZURICH, &[&format!("RRULE:FREQ=DAILY;UNTIL={until}")]);
        assert_eq!(dates(&series, 9), "20260101 20260102", "{until}");
    }
}

#[test]
fn until_with_a_time_beside_an_all_day_start_means_its_date() {
    for until in ["20260102T000000Z", "20260102T235959", "20260102"] {
        assert_eq!(
            dates(&all_day("20260101", &[&format!("RRULE:FREQ=DAILY;UNTIL={until}")]), 9),
            "20260101 20260102",
            "{until}"
        );
    }
}

#[test]
fn until_in_an_overlap_is_compared_by_instant() {
    // 02:30 comes first at 00:30Z. At 01:10Z the clock shows 02:10 for the second time, after the occurrence.
    let lines = |until: &str| [format!("RRULE:FREQ=DAILY;UNTIL={until}")];
    let last_of = |until: &str| last(&zoned("20261023T023000", ZURICH, &[&lines(until)[0]]));
    assert_eq!(last_of("20261025T011000Z"), Some("20261025T023000".into()));
    assert_eq!(last_of("20261025T002959Z"), Some("20261024T023000".into()));
}

// ---- Zones

#[test]
fn a_series_keeps_its_wall_clock_time_across_dst() {
    let series = zoned("20260328T090000", ZURICH, &["RRULE:FREQ=DAILY;COUNT=3"]);
    assert_eq!(dates(&series, 9), "20260328 20260329 20260330");
    assert_eq!(instants(&series, 9), "20260328T080000Z 20260329T070000Z 20260330T070000Z");
}

#[test]
fn in_a_gap_the_instant_moves_forward_and_the_wall_clock_time_stays() {
    let series = zoned("20260328T023000", ZURICH, &["RRULE:FREQ=DAILY;COUNT=3"]);
    assert_eq!(dates(&series, 9), "20260328T023000 20260329T023000 20260330T023000");
    assert_eq!(instants(&series, 9), "20260328T013000Z 20260329T013000Z 20260330T003000Z");
}

#[test]
fn in_an_overlap_the_first_is_taken() {
    let series = zoned("20261025T023000", ZURICH, &["RRULE:FREQ=DAILY;COUNT=2"]);
    assert_eq!(instants(&series, 9), "20261025T003000Z 20261026T013000Z");
}

#[test]
fn two_wall_clock_times_with_one_instant_appear_once_and_in_order() {
    let series = zoned("20260329T013000", ZURICH, &["RRULE:FREQ=MINUTELY;INTERVAL=30;COUNT=7"]);
    assert_eq!(
        instants(&series, 9),
        "20260329T003000Z 20260329T010000Z 20260329T013000Z 20260329T020000Z 20260329T023000Z"
    );
    assert_eq!(dates(&series, 9), "20260329T013000 20260329T030000 20260329T033000 20260329T040000 20260329T043000");
    assert_eq!(series.contains(at("20260329T020000")), Ok(false));
    assert_eq!(series.contains(at("20260329T030000")), Ok(true));
}

#[test]
fn a_skipped_day_is_a_gap_of_24_hours() {
    // Samoa had no 30 December 2011.
    let series = zoned("20111229T090000", "Pacific/Apia", &["RRULE:FREQ=DAILY;COUNT=4"]);
    assert_eq!(instants(&series, 9), "20111229T190000Z 20111230T190000Z 20111231T190000Z");
}

#[test]
fn floating_and_all_day_series_get_their_instants_from_the_zone_of_the_reader() {
    let series = all_day("20260329", &["RRULE:FREQ=DAILY;COUNT=2"]);
    let list: Vec<_> =
        series.occurrences(&zone(ZURICH)).map(|occurrence| occurrence.expect("within the budget").instant).collect();
    assert_eq!(list, [instant("2026-03-28T23:00:00Z"), instant("2026-03-29T22:00:00Z")]);
}

// ---- RDATE and EXDATE

#[test]
fn exdates_in_utc_and_in_other_zones_are_converted() {
    for exdate in [
        "EXDATE:20260102T080000Z",
        "EXDATE;TZID=America/New_York:20260102T030000",
        "EXDATE;TZID=\"Europe/Zurich\":20260102T090000",
        "exdate:20260102t090000",
    ] {
        let series = zoned("20260101T090000", ZURICH, &["RRULE:FREQ=DAILY;COUNT=3", exdate]);
        assert_eq!(dates(&series, 9), "20260101 20260103", "{exdate}");
    }
}

#[test]
fn an_exdate_that_is_a_date_excludes_the_whole_local_day() {
    let series =
        zoned("20260101T090000", ZURICH, &["RRULE:FREQ=HOURLY;INTERVAL=12;COUNT=5", "EXDATE;VALUE=DATE:20260102"]);
    assert_eq!(dates(&series, 9), "20260101 20260101T210000 20260103");
}

#[test]
fn an_exdate_with_a_time_excludes_the_day_of_an_all_day_series() {
    let series = all_day("20260101", &["RRULE:FREQ=DAILY;COUNT=3", "EXDATE:20260102T000000Z"]);
    assert_eq!(dates(&series, 9), "20260101 20260103");
}

#[test]
fn an_exdate_in_a_gap_may_name_either_time() {
    for exdate in [
        "EXDATE;TZID=Europe/Zurich:20260329T023000",
        "EXDATE;TZID=Europe/Zurich:20260329T033000",
        "EXDATE:20260329T013000Z",
    ] {
        let series = zoned("20260328T023000", ZURICH, &["RRULE:FREQ=DAILY;COUNT=3", exdate]);
        assert_eq!(dates(&series, 9), "20260328T023000 20260330T023000", "{exdate}");
    }
}

#[test]
fn an_excluded_dtstart_still_counts() {
    let series = floating("20260101T090000", &["RRULE:FREQ=DAILY;COUNT=3", "EXDATE:20260101T090000"]);
    assert_eq!(dates(&series, 9), "20260102 20260103");
}

#[test]
fn rdates_join_the_rule_without_duplicates_and_may_lie_before_dtstart() {
    let series = zoned(
        "20260105T090000",
        ZURICH,
        &[
            "RRULE:FREQ=DAILY;COUNT=2",
            "RDATE;TZID=Europe/Zurich:20260106T090000,20260101T090000",
            "RDATE:20260110T080000Z",
        ],
    );
    assert_eq!(dates(&series, 9), "20260101 20260105 20260106 20260110");
    assert!(series.is_recurring());
}

#[test]
fn a_period_brings_its_own_end() {
    let series = zoned(
        "20260101T090000",
        ZURICH,
        &[
            "RDATE;VALUE=PERIOD:20260102T080000Z/20260102T100000Z",
            "RDATE;VALUE=PERIOD;TZID=Europe/Zurich:20260103T090000/PT90M,20260328T090000/P1D",
        ],
    );
    let ends: Vec<_> = series
        .occurrences(&TimeZone::UTC)
        .map(|occurrence| occurrence.expect("within the budget").period_end)
        .collect();
    assert_eq!(
        ends,
        [
            None,
            Some(instant("2026-01-02T10:00:00Z")),
            Some(instant("2026-01-03T09:30:00Z")),
            // A nominal day: 23 hours across the change to summer time.
            Some(instant("2026-03-29T07:00:00Z")),
        ]
    );
}

#[test]
fn a_period_wins_over_the_same_instance_of_a_rule() {
    let series = floating("20260101T090000", &["RRULE:FREQ=DAILY;COUNT=2", "RDATE;VALUE=PERIOD:20260102T090000/PT1H"]);
    let ends: Vec<_> = series
        .occurrences(&TimeZone::UTC)
        .map(|occurrence| occurrence.expect("within the budget").period_end.is_some())
        .collect();
    assert_eq!(ends, [false, true]);
}

// ---- Windows and ends

#[test]
fn a_window_500_years_ahead_is_right() {
    let series = zoned("20260105T090000", ZURICH, &["RRULE:FREQ=WEEKLY;BYDAY=MO,WE"]);
    let window =
        series.starting_between(instant("2526-07-02T00:00:00Z"), instant("2526-07-09T00:00:00Z"), &TimeZone::UTC);
    let list: Vec<_> = window.map(|occurrence| occurrence.expect("within the budget").instant).collect();
    assert_eq!(list, [instant("2526-07-03T07:00:00Z"), instant("2526-07-08T07:00:00Z")]);
}

#[test]
fn windows_are_half_open() {
    let series = zoned("20260101T090000", "UTC", &["RRULE:FREQ=DAILY"]);
    let window =
        series.starting_between(instant("2026-01-02T09:00:00Z"), instant("2026-01-04T09:00:00Z"), &TimeZone::UTC);
    assert_eq!(window.count(), 2);
}

#[test]
fn a_window_does_not_search_beyond_its_end() {
    // The next instance is decades of seconds away; the window's answer is exact nevertheless.
    let series = floating("20240229T000000", &["RRULE:FREQ=SECONDLY;INTERVAL=86399;BYMONTH=2;BYMONTHDAY=29;BYHOUR=13"])
        .with_budget(1_000);
    let window =
        series.starting_between(instant("2024-03-01T00:00:00Z"), instant("2024-06-01T00:00:00Z"), &TimeZone::UTC);
    assert_eq!(window.collect::<Vec<_>>(), []);
}

#[test]
fn the_last_occurrence_is_found_without_walking_the_series() {
    for (rule, expected) in [
        ("FREQ=SECONDLY;UNTIL=24260101T000000", "24260101"),
        ("FREQ=SECONDLY;COUNT=4294967295", "21620207T152814"),
        ("FREQ=WEEKLY;BYDAY=MO,TH;COUNT=100001", "29840408"),
        ("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29;UNTIL=99990101T000000", "99960229"),
        ("FREQ=MONTHLY;BYDAY=FR;BYMONTHDAY=13;COUNT=3", "20260313"),
    ] {
        assert_eq!(last(&floating("20260101T090000", &[&format!("RRULE:{rule}")])), Some(expected.into()), "{rule}");
    }
    assert_eq!(last(&floating("20260101T090000", &["RRULE:FREQ=DAILY"])), None);
    let excluded =
        floating("20260101T090000", &["RRULE:FREQ=WEEKLY;COUNT=3", "EXDATE:20260115T090000,20260108T090000"]);
    assert_eq!(last(&excluded), Some("20260101".into()));
}

#[test]
fn an_endless_series_ends_with_the_calendar() {
    let series = floating("99970601T090000", &["RRULE:FREQ=YEARLY"]);
    assert_eq!(dates(&series, 9), "99970601 99980601 99990601");
}

// ---- Bounded work

#[test]
fn what_arithmetic_proves_empty_ends_at_once() {
    for rule in [
        "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30",
        "FREQ=SECONDLY;BYMONTH=2;BYMONTHDAY=30",
        "FREQ=DAILY;INTERVAL=7;BYDAY=MO",
        "FREQ=HOURLY;INTERVAL=24;BYHOUR=10",
        "FREQ=MINUTELY;INTERVAL=10080;BYDAY=SU",
        "FREQ=WEEKLY;BYDAY=MO,TU;BYSETPOS=3",
        "FREQ=MONTHLY;BYDAY=6MO",
        "FREQ=HOURLY;BYYEARDAY=1;BYMONTH=7",
    ] {
        // 1 January 2026 is a Thursday.
        let series = floating("20260101T090000", &[&format!("RRULE:{rule}")]).with_budget(10);
        assert_eq!(dates(&series, 9), "20260101", "{rule}");
        assert!(!series.is_endless(), "{rule}");
        assert_eq!(last(&series), Some("20260101".into()), "{rule}");
    }
}

#[test]
fn a_rule_that_finds_nothing_within_the_budget_says_so() {
    // One minute less than a day each time: the wanted minute of 29 February comes, but not soon.
    let series = floating(
        "20260101T090000",
        &["RRULE:FREQ=MINUTELY;INTERVAL=1439;BYMONTH=2;BYMONTHDAY=29;BYHOUR=3;BYMINUTE=17"],
    )
    .with_budget(400);
    let list: Vec<_> = series.occurrences(&TimeZone::UTC).collect();
    assert_eq!(list.len(), 2);
    assert_eq!(list[1], Err(BudgetSpent { limit: 400 }));
}

#[test]
fn days_that_are_all_excluded_are_jumped_over() {
    let days = "EXDATE;VALUE=DATE:20260101,20260102,20260104";
    for (rule, expected) in [
        ("FREQ=SECONDLY", "20260103 20260103T000001 20260103T000002"),
        ("FREQ=SECONDLY;COUNT=172802", "20260103 20260103T000001"),
        ("FREQ=SECONDLY;COUNT=172800", ""),
        ("FREQ=HOURLY;INTERVAL=7;COUNT=9", "20260103T010000 20260103T080000"),
        ("FREQ=MINUTELY;BYMINUTE=30;COUNT=50", "20260103T003000"),
        ("FREQ=DAILY;BYHOUR=0,9;COUNT=5", "20260103"),
        ("FREQ=WEEKLY;BYDAY=TH,FR,SA,SU;BYHOUR=0,9;COUNT=9", "20260103 20260103 20260108"),
        ("FREQ=YEARLY;BYMONTH=1;BYMONTHDAY=1,2,5;BYHOUR=8,9;COUNT=7", "20260105T080000 20260105"),
    ] {
        let series = floating("20260101T000000", &[&format!("RRULE:{rule}"), days]).with_budget(300);
        assert_eq!(dates(&series, 3), expected, "{rule}");
    }
}

#[test]
fn the_last_of_many_instances_in_a_period_costs_a_step() {
    let every_second = |end: &str| {
        let all = |last: u8| (0..=last).map(|value| value.to_string()).collect::<Vec<_>>().join(",");
        let months = (1..=12).map(|month| month.to_string()).collect::<Vec<_>>().join(",");
        format!(
            "RRULE:FREQ=YEARLY;INTERVAL=400;{end};BYMONTH={months};BYMONTHDAY={};BYHOUR={};BYMINUTE={};BYSECOND={}",
            (1..=31).map(|day| day.to_string()).collect::<Vec<_>>().join(","),
            all(23),
            all(59),
            all(59)
        )
    };
    let series = floating("20260101T000000", &[&every_second("UNTIL=28261231T235900")]).with_budget(50);
    assert_eq!(last(&series), Some("28261231T235900".into()));
    let series = floating("20260101T000000", &[&every_second("UNTIL=28260101T000000")]).with_budget(50);
    assert_eq!(last(&series), Some("28260101".into()));
    let series = floating("20260101T000000", &[&every_second("UNTIL=24251231T235959")]).with_budget(50);
    assert_eq!(last(&series), Some("20261231T235959".into()));
    let series = floating("20260105T090000", &["RRULE:FREQ=WEEKLY;BYDAY=MO,WE;UNTIL=20260114T085959"]);
    assert_eq!(last(&series), Some("20260112".into()));
}

#[test]
fn what_a_list_of_times_misses_is_found_in_one_walk() {
    // Months of different size: the rule cannot be reckoned.
    let series = zoned("20260105T090000", ZURICH, &["RRULE:FREQ=DAILY;BYMONTH=1,3;COUNT=3000"]).with_budget(5_000);
    let found: BTreeSet<_> =
        series.occurrences(&TimeZone::UTC).map(|one| one.expect("within the budget").local).step_by(2).collect();
    let absent = BTreeSet::from([at("20260201T090000"), at("20260106T090001"), at("22000101T090000")]);
    assert_eq!(series.missing(&found.union(&absent).copied().collect()), Ok(absent));
}

#[test]
fn skipping_ahead_costs_nothing_and_counts() {
    let series = floating("20260101T000000", &["RRULE:FREQ=SECONDLY;COUNT=200000"]).with_budget(10);
    let mut occurrences = series.occurrences(&TimeZone::UTC);
    occurrences.next();
    occurrences.skip_to("2026-01-03T07:33:19Z".parse().expect("an instant"));
    let left: Vec<_> = occurrences.map(|one| one.expect("within the budget").local).collect();
    assert_eq!(left, [at("20260103T073319")]);
}

#[test]
fn a_rule_knows_the_weekdays_that_it_never_gives() {
    use jiff::civil::Weekday::{Friday, Monday, Thursday};
    // 1 January 2026 is a Thursday.
    for (rule, expected) in [
        ("FREQ=WEEKLY", [false, true, false]),
        ("FREQ=WEEKLY;BYDAY=MO,FR", [true, false, true]),
        ("FREQ=DAILY;INTERVAL=14", [false, true, false]),
        ("FREQ=DAILY", [true, true, true]),
        ("FREQ=MONTHLY;BYDAY=2MO,-1FR", [true, false, true]),
        ("FREQ=MONTHLY", [true, true, true]),
        ("FREQ=YEARLY;BYWEEKNO=3", [false, true, false]),
    ] {
        let series = floating("20260101T090000", &[&format!("RRULE:{rule}")]);
        assert_eq!([Monday, Thursday, Friday].map(|day| series.rules_may_fall_on(day)), expected, "{rule}");
    }
}

#[test]
fn dates_leave_out_what_the_rules_give() {
    let lines =
        ["RRULE:FREQ=DAILY", "RDATE;VALUE=PERIOD:20260203T090000/P40D,20260204T090000/PT1H", "EXDATE:20260204T090000"];
    let series = floating("20260101T090000", &lines);
    let found: Vec<_> = series.dates(&TimeZone::UTC).map(|one| one.expect("within the budget")).collect();
    assert_eq!(found.iter().map(|one| short(one.local)).collect::<Vec<_>>(), ["20260101", "20260203"]);
    assert_eq!(found[1].period_end, "2026-03-15T09:00:00Z".parse().ok());
}

// ---- Splitting

#[test]
fn this_and_following_ends_the_old_series_just_before_the_cut() {
    let series = zoned(
        "20260105T090000",
        ZURICH,
        &["RRULE:FREQ=WEEKLY", "EXDATE;TZID=Europe/Zurich:20260112T090000,20260202T090000"],
    );
    let split = series.split_at(at("20260119T090000")).expect("a cut inside");
    assert_eq!(split.before, ["RRULE:FREQ=WEEKLY;UNTIL=20260119T075959Z", "EXDATE;TZID=Europe/Zurich:20260112T090000"]);
    assert_eq!(split.after, ["RRULE:FREQ=WEEKLY", "EXDATE;TZID=Europe/Zurich:20260202T090000"]);
    assert_eq!(split.after_start, Start::Zoned { at: at("20260119T090000"), zone: zone(ZURICH) });
}

#[test]
fn a_count_is_divided_exactly() {
    let split = floating("20260101T090000", &["RRULE:FREQ=WEEKLY;BYDAY=MO;COUNT=5"])
        .split_at(at("20260112T000000"))
        .expect("a cut inside");
    assert_eq!(
        (split.before[0].as_str(), split.after[0].as_str()),
        ("RRULE:FREQ=WEEKLY;COUNT=2;BYDAY=MO", "RRULE:FREQ=WEEKLY;COUNT=3;BYDAY=MO")
    );
}

#[test]
fn a_cut_at_a_single_date_gives_the_rule_what_it_had_from_dtstart() {
    let series = floating("20260105T090000", &["RRULE:FREQ=WEEKLY;COUNT=4", "RDATE:20260114T180000"]);
    let split = series.split_at(at("20260114T000000")).expect("a cut inside");
    assert_eq!(split.after_start.local(), at("20260114T180000"));
    assert_eq!(split.after, ["RRULE:FREQ=WEEKLY;COUNT=3;BYDAY=MO;BYHOUR=9;BYMINUTE=0;BYSECOND=0"]);
    let after = series_of(split.after_start, &split.after);
    assert_eq!(dates(&after, 9), "20260114T180000 20260119 20260126");
}

#[test]
fn an_all_day_series_is_cut_by_date() {
    let split = all_day("20260101", &["RRULE:FREQ=DAILY", "RDATE;VALUE=DATE:20260110"])
        .split_at(at("20260105"))
        .expect("a cut inside");
    assert_eq!(split.before, ["RRULE:FREQ=DAILY;UNTIL=20260104"]);
    assert_eq!(split.after, ["RRULE:FREQ=DAILY", "RDATE;VALUE=DATE:20260110"]);
}

#[test]
fn a_rule_that_cannot_be_continued_in_step_is_not_split_wrongly() {
    // Every other week; the single date lies in a week between, and from there the rule would change weeks.
    let series = floating("20260105T090000", &["RRULE:FREQ=WEEKLY;INTERVAL=2", "RDATE:20260114T180000"]);
    assert_eq!(series.split_at(at("20260114T000000")), Err(kalends_recurrence::SplitError::Inexpressible));
}

#[test]
fn a_cut_outside_the_series_is_refused() {
    use kalends_recurrence::SplitError::{NothingAfter, NothingBefore};
    let series = floating("20260101T090000", &["RRULE:FREQ=DAILY;COUNT=3"]);
    assert_eq!(series.split_at(at("20260101T090000")), Err(NothingBefore));
    assert_eq!(series.split_at(at("20260103T090001")), Err(NothingAfter));
}

fn series_of(start: Start, lines: &[String]) -> Series {
    series(start, &lines.iter().map(String::as_str).collect::<Vec<_>>())
}
