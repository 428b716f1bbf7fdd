//! What holds for every series, tried on random ones: several rules, single dates and exclusions, in zones with gaps
//! and overlaps, all-day and floating.

use jiff::civil::{DateTime, date};
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};
use kalends_recurrence::{Occurrence, Rule, Series, Start};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use std::collections::BTreeSet;

const DAYS: [&str; 7] = ["MO", "TU", "WE", "TH", "FR", "SA", "SU"];
const ZONES: [&str; 6] =
    ["Europe/Zurich", "America/New_York", "Australia/Lord_Howe", "Pacific/Apia", "Asia/Kolkata", "UTC"];

/// Wall-clock times near changes of clocks and elsewhere, 2010 to 2012 (Samoa loses a day in December 2011).
fn moment() -> impl Strategy<Value = DateTime> {
    let day = select(vec![
        "20110327", "20111030", "20110313", "20111106", "20111002", "20110403", "20111229", "20111231", "20120229",
    ]);
    let near = (day, 0..5i64, 0..4i64).prop_map(|(day, hour, quarter)| {
        let day = DateTime::strptime("%Y%m%d%H%M%S", format!("{day}000000")).expect("a day of the list");
        day + Span::new().hours(hour).minutes(quarter * 15)
    });
    let any = (0..1_000i64, 0..1_440i64)
        .prop_map(|(day, minute)| DateTime::constant(2010, 1, 1, 0, 0, 0, 0) + Span::new().days(day).minutes(minute));
    prop_oneof![near, any]
}

fn list(low: i64, high: i64, signed: bool, most: usize) -> impl Strategy<Value = String> {
    vec((low..=high, any::<bool>()), 1..=most).prop_map(move |values| {
        let values = values.into_iter().map(|(value, minus)| if signed && minus { -value } else { value });
        values.map(|value| value.to_string()).collect::<Vec<_>>().join(",")
    })
}

fn part(
    name: &'static str,
    chance: f64,
    values: impl Strategy<Value = String>,
) -> impl Strategy<Value = Option<String>> {
    proptest::option::weighted(chance, values.prop_map(move |values| format!(";{name}={values}")))
}

/// Rules that RFC 5545 allows; filtered where the parts do not go together.
fn rule() -> impl Strategy<Value = String> {
    let freq = select(vec![
        "YEARLY", "MONTHLY", "MONTHLY", "WEEKLY", "WEEKLY", "DAILY", "DAILY", "HOURLY", "MINUTELY", "SECONDLY",
    ]);
    let byday = (subsequence(DAYS.to_vec(), 1..=3), -5..=5i64).prop_map(|(days, ordinal)| (days, ordinal));
    let days = (freq, proptest::option::weighted(0.4, byday)).prop_map(|(freq, byday)| {
        let byday = byday.map(|(days, ordinal)| {
            let numbered = ordinal != 0 && matches!(freq, "YEARLY" | "MONTHLY");
            let mut days: Vec<String> = days.into_iter().map(str::to_owned).collect();
            if let Some(first) = days.first_mut().filter(|_| numbered) {
                *first = format!("{ordinal}{first}");
            }
            format!(";BYDAY={}", days.join(","))
        });
        format!("FREQ={freq}{}", byday.unwrap_or_default())
    });
    let end = prop_oneof![
        3 => Just(String::new()),
        2 => (1..30u32).prop_map(|count| format!(";COUNT={count}")),
        1 => moment().prop_map(|until| until.strftime(";UNTIL=%Y%m%dT%H%M%SZ").to_string()),
        1 => moment().prop_map(|until| until.strftime(";UNTIL=%Y%m%d").to_string()),
    ];
    let parts = (
        part("INTERVAL", 0.5, (1..90u32).prop_map(|n| n.to_string())),
        part("BYMONTH", 0.3, list(1, 12, false, 4)),
        part("BYMONTHDAY", 0.2, list(1, 31, true, 4)),
        part("BYYEARDAY", 0.1, list(1, 366, true, 4)),
        part("BYWEEKNO", 0.1, list(1, 53, true, 3)),
        part("BYHOUR", 0.2, list(0, 23, false, 3)),
        part("BYMINUTE", 0.1, list(0, 59, false, 3)),
        part("BYSECOND", 0.1, list(0, 60, false, 3)),
        part("BYSETPOS", 0.2, list(1, 4, true, 2)),
        part("WKST", 0.2, select(DAYS.to_vec()).prop_map(str::to_owned)),
    );
    (days, parts, end)
        .prop_map(|(days, (a, b, c, d, e, f, g, h, i, j), end)| {
            let parts = [a, b, c, d, e, f, g, h, i, j].into_iter().flatten().collect::<String>();
            format!("{days}{parts}{end}")
        })
        .prop_filter("parts that may stand together", |rule| rule.parse::<Rule>().is_ok())
}

fn any_series() -> impl Strategy<Value = Series> {
    let form = |at: DateTime| {
        prop_oneof![
            4 => select(ZONES.to_vec()).prop_map(move |name| Start::Zoned { at, zone: TimeZone::get(name).expect("a known zone") }),
            1 => Just(Start::Floating(at)),
            1 => Just(Start::Date(at.date())),
        ]
    };
    let start = moment().prop_flat_map(form);
    (start, vec(rule(), 0..3), vec(moment(), 0..4), vec(moment(), 0..4), vec(moment(), 0..2)).prop_filter_map(
        "rules that fit the start",
        |(start, rules, rdates, exdates, exdays)| {
            let dated = start.is_date();
            let format = if dated { "%Y%m%d" } else { "%Y%m%dT%H%M%S" };
            let line = |name: &str, at: &DateTime| format!("{name}:{}", at.strftime(format));
            let rules = rules.iter().map(|rule| format!("RRULE:{rule}"));
            let dates = rdates.iter().map(|at| line("RDATE", at)).chain(exdates.iter().map(|at| line("EXDATE", at)));
            let days = exdays.iter().map(|at| at.strftime("EXDATE;VALUE=DATE:%Y%m%d").to_string());
            let lines: Vec<String> = rules.chain(dates).chain(days).collect();
            Series::parse(start, &lines, &|_| None).ok().map(|series| series.with_budget(5_000))
        },
    )
}

/// Why a list of occurrences ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ending {
    Over,
    BudgetSpent,
    Enough,
}

/// The first occurrences, at most so many.
fn some(
    occurrences: impl Iterator<Item = Result<Occurrence, kalends_recurrence::BudgetSpent>>,
    most: usize,
) -> (Vec<Occurrence>, Ending) {
    let mut found = Vec::new();
    for occurrence in occurrences {
        match occurrence {
            Ok(_) if found.len() == most => return (found, Ending::Enough),
            Ok(occurrence) => found.push(occurrence),
            Err(_) => return (found, Ending::BudgetSpent),
        }
    }
    (found, Ending::Over)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: ProptestConfig::default().cases.max(1_000), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn occurrences_ascend_and_none_comes_twice(series in any_series()) {
        let (all, _) = some(series.occurrences(&TimeZone::UTC), 300);
        prop_assert!(all.is_sorted_by(|a, b| a.instant < b.instant), "{all:?}");
    }

    #[test]
    fn jumping_equals_iterating(series in any_series(), from in moment()) {
        let (all, _) = some(series.occurrences(&TimeZone::UTC), 300);
        let expected: Vec<_> = all.iter().copied().filter(|occurrence| occurrence.local >= from).collect();
        let (jumped, ending) = some(series.occurrences_from(from, &TimeZone::UTC), expected.len());
        // Counting up to `from` may cost more than the budget; but what is found must be the same.
        prop_assert!(ending == Ending::BudgetSpent || jumped.len() == expected.len());
        prop_assert_eq!(&jumped[..], &expected[..jumped.len()]);
    }

    #[test]
    fn a_day_that_is_excluded_is_left_out_and_nothing_else(series in any_series(), pick in 0..40usize, from in moment()) {
        let (all, _) = some(series.occurrences(&TimeZone::UTC), 40);
        let day = all.get(pick % all.len().max(1)).map_or(date(2011, 3, 27), |occurrence| occurrence.local.date());
        // Where Samoa left out a day, an instant has two dates, and the other one stays.
        if (date(2011, 12, 29)..=date(2012, 1, 1)).contains(&day) {
            return Ok(());
        }
        let mut lines = series.lines();
        lines.push(day.strftime("EXDATE;VALUE=DATE:%Y%m%d").to_string());
        let without = Series::parse(series.start().clone(), &lines, &|name| TimeZone::get(name).ok()).expect("as it was").with_budget(5_000);
        let before: Vec<_> = all.into_iter().filter(|occurrence| occurrence.local.date() < day).collect();
        let next_day = DateTime::from(day.tomorrow().expect("in the calendar"));
        let (after, ending) = some(series.occurrences_from(next_day, &TimeZone::UTC), 40);
        let expected: Vec<_> = before.into_iter().chain(after).collect();
        let (found, found_ending) = some(without.occurrences(&TimeZone::UTC), 40);
        let common = found.len().min(expected.len());
        prop_assert_eq!(&found[..common], &expected[..common]);
        if ending != Ending::BudgetSpent && found_ending != Ending::BudgetSpent {
            prop_assert!(common == found.len() || expected.len() >= 40, "{} {}", found.len(), expected.len());
            prop_assert!(common == expected.len() || found.len() >= 40, "{} {}", found.len(), expected.len());
        }
        let (window, _) = some(without.occurrences_from(from, &TimeZone::UTC), 40);
        prop_assert!(window.iter().all(|occurrence| occurrence.local.date() != day));
    }

    #[test]
    fn a_window_equals_a_filter(series in any_series(), from in moment(), days in 0..400i64) {
        let from: Timestamp = TimeZone::UTC.to_timestamp(from).expect("in the calendar");
        let to = from + Span::new().hours(days * 24);
        let (all, ending) = some(series.occurrences(&TimeZone::UTC), 300);
        let complete = ending == Ending::Over || all.last().is_some_and(|last| last.instant >= to);
        let expected: Vec<_> = all.iter().copied().filter(|occurrence| (from..to).contains(&occurrence.instant)).collect();
        let (window, ending) = some(series.starting_between(from, to, &TimeZone::UTC), 300);
        if complete && ending != Ending::BudgetSpent {
            prop_assert_eq!(window, expected);
        } else {
            let common = window.len().min(expected.len());
            prop_assert_eq!(&window[..common], &expected[..common]);
        }
    }

    #[test]
    fn skipping_equals_leaving_out(series in any_series(), taken in 0..20usize, to in moment()) {
        let to: Timestamp = TimeZone::UTC.to_timestamp(to).expect("in the calendar");
        let (all, ending) = some(series.occurrences(&TimeZone::UTC), 300);
        let mut occurrences = series.occurrences(&TimeZone::UTC);
        let before = occurrences.by_ref().take(taken).count();
        occurrences.skip_to(to);
        let expected: Vec<_> = all.iter().copied().skip(before).filter(|occurrence| occurrence.instant >= to).collect();
        let (found, found_ending) = some(occurrences, expected.len());
        prop_assert!(found_ending == Ending::BudgetSpent || found.len() == expected.len());
        prop_assert_eq!(&found[..], &expected[..found.len()]);
        if ending == Ending::Over {
            prop_assert!(found_ending != Ending::Enough);
        }
    }

    #[test]
    fn many_times_are_found_like_each_alone(series in any_series(), others in vec(moment(), 0..5)) {
        let (all, _) = some(series.occurrences(&TimeZone::UTC), 40);
        let mut asked: BTreeSet<DateTime> = all.iter().map(|occurrence| occurrence.local).step_by(3).collect();
        asked.extend(others);
        if let Ok(missing) = series.missing(&asked) {
            for local in asked {
                if let Ok(contained) = series.contains(local) {
                    prop_assert_eq!(contained, !missing.contains(&local), "{}", local);
                }
            }
        }
    }

    #[test]
    fn a_series_contains_its_occurrences_and_nothing_near_them(series in any_series()) {
        let (all, _) = some(series.occurrences(&TimeZone::UTC), 20);
        for occurrence in &all {
            if let Ok(contained) = series.contains(occurrence.local) {
                prop_assert!(contained, "{:?}", occurrence);
            }
            let near = occurrence.local + Span::new().seconds(1);
            let known = all.iter().any(|occurrence| occurrence.local == near);
            if let (Some(last), Ok(contained)) = (all.last(), series.contains(near)) && occurrence.instant < last.instant {
                prop_assert_eq!(contained, known, "{}", near);
            }
        }
    }

    #[test]
    fn the_last_occurrence_is_the_last_of_all(series in any_series()) {
        let (all, ending) = some(series.occurrences(&TimeZone::UTC), 2_000);
        if let (Ending::Over, false, Ok(last)) = (ending, series.is_endless(), series.last(&TimeZone::UTC)) {
            prop_assert_eq!(last, all.last().copied());
        }
    }

    #[test]
    fn the_two_parts_of_a_split_are_the_whole(series in any_series(), cut in moment()) {
        let (whole, ending) = some(series.occurrences(&TimeZone::UTC), 200);
        let Ok(split) = series.split_at(cut) else { return Ok(()) };
        let read = |start: &Start, lines: &[String]| {
            Series::parse(start.clone(), lines, &|name| TimeZone::get(name).ok()).expect("a split writes valid lines").with_budget(5_000)
        };
        let (before, before_ending) = some(read(series.start(), &split.before).occurrences(&TimeZone::UTC), 400);
        let (after, after_ending) = some(read(&split.after_start, &split.after).occurrences(&TimeZone::UTC), 400);
        if [ending, before_ending, after_ending].contains(&Ending::BudgetSpent) || before_ending == Ending::Enough {
            return Ok(());
        }
        prop_assert!(before.iter().all(|occurrence| occurrence.local < cut), "{split:?}");
        prop_assert!(after.iter().all(|occurrence| occurrence.local >= cut), "{split:?}");
        let mut parts: Vec<Timestamp> = before.iter().chain(&after).map(|occurrence| occurrence.instant).collect();
        parts.sort_unstable();
        parts.dedup();
        let whole: Vec<Timestamp> = whole.iter().map(|occurrence| occurrence.instant).collect();
        let common = whole.len().min(parts.len());
        prop_assert_eq!(&parts[..common], &whole[..common], "{:?}", split);
        prop_assert!(common == whole.len() && (ending == Ending::Enough || parts.len() == whole.len()), "{split:?}");
    }

    #[test]
    fn a_rule_survives_being_written_and_read(rule in rule()) {
        let read: Rule = rule.parse().expect("a valid rule");
        prop_assert_eq!(read.to_string().parse::<Rule>(), Ok(read));
    }

    #[test]
    fn the_lines_of_a_series_give_the_same_series(series in any_series()) {
        let again = Series::parse(series.start().clone(), &series.lines(), &|name| TimeZone::get(name).ok()).expect("valid lines").with_budget(5_000);
        prop_assert_eq!(again.lines(), series.lines());
        prop_assert_eq!(some(again.occurrences(&TimeZone::UTC), 50), some(series.occurrences(&TimeZone::UTC), 50));
    }

    #[test]
    fn no_text_makes_the_parser_panic(text in "\\PC{0,60}", name in select(vec!["RRULE:", "RDATE:", "EXDATE;TZID=\"", "RDATE;VALUE=PERIOD:", ""])) {
        drop(text.parse::<Rule>());
        let start = Start::Floating(DateTime::constant(2026, 1, 1, 0, 0, 0, 0));
        drop(Series::parse(start, &[format!("{name}{text}")], &|_| None));
    }

    #[test]
    fn text_near_the_grammar_never_panics_and_its_work_is_bounded(
        tokens in vec(select(vec![
            "FREQ=", "YEARLY", "MONTHLY", "WEEKLY", "DAILY", "HOURLY", "SECONDLY", ";", ",", "=", "-", "+", "0", "1", "53", "366", "4294967295",
            "BYDAY=", "MO", "1SU", "-53FR", "BYMONTH=", "2", "BYMONTHDAY=", "30", "31", "BYSETPOS=", "BYWEEKNO=", "BYYEARDAY=", "BYHOUR=", "23",
            "BYMINUTE=", "59", "BYSECOND=", "60", "INTERVAL=", "COUNT=", "UNTIL=", "99991231", "T235959Z", "00010101", "WKST=", ":", "/", "P1D", "é",
        ]), 0..14),
        year in -9999..=9999i16,
    ) {
        let text = format!("RRULE:FREQ={}", tokens.concat());
        let start = DateTime::new(year, 6, 15, 12, 0, 0, 0).expect("in the calendar");
        for start in [Start::Date(start.date()), Start::Floating(start), Start::Zoned { at: start, zone: TimeZone::get("Europe/Zurich").expect("a known zone") }] {
            let Ok(series) = Series::parse(start, &[&text], &|_| None) else { continue };
            let series = series.with_budget(2_000);
            drop(some(series.occurrences(&TimeZone::UTC), 50));
            let _ = series.last(&TimeZone::UTC);
            for at in [DateTime::MIN, DateTime::MAX, DateTime::constant(2500, 1, 1, 0, 0, 0, 0)] {
                drop(some(series.occurrences_from(at, &TimeZone::UTC), 5));
                let _ = series.contains(at);
                drop(series.split_at(at));
            }
            drop(some(series.starting_between(Timestamp::MIN, Timestamp::MAX, &TimeZone::UTC), 5));
        }
    }
}
