//! Ours against the `rrule` crate in the same run (python-dateutil: `dateutil_bench.py`, same cases, same names).

#![expect(clippy::expect_used, reason = "a bench stops where its own data are wrong")]

use criterion::{Criterion, criterion_group, criterion_main};
use jiff::tz::TimeZone;
use jiff::{Timestamp, civil::DateTime};
use kalends_recurrence::{Series, Start};
use std::hint::black_box;

/// Mondays and Wednesdays at 09:00 in Zurich, from Monday 5 January 2026.
const RULE: &str = "FREQ=WEEKLY;BYDAY=MO,WE";
const START: DateTime = DateTime::constant(2026, 1, 5, 9, 0, 0, 0);
/// Ten years of it.
const TEN_YEARS: usize = 1_044;

fn ours() -> Series {
    let zone = TimeZone::get("Europe/Zurich").expect("a bundled zone");
    Series::parse(Start::Zoned { at: START, zone }, &[format!("RRULE:{RULE}")], &|_| None).expect("a valid rule")
}

fn theirs(rule: &str) -> rrule::RRuleSet {
    format!("DTSTART;TZID=Europe/Zurich:20260105T090000\nRRULE:{rule}").parse().expect("a valid rule")
}

fn instant(text: &str) -> Timestamp {
    text.parse().expect("an instant")
}

/// All ten years of a weekly series, with its instants.
fn ten_years(c: &mut Criterion) {
    let mut group = c.benchmark_group("ten years weekly in a zone");
    let series = ours();
    let (from, to) = (instant("2026-01-01T00:00:00Z"), instant("2036-01-07T00:00:00Z"));
    let count = || {
        series
            .starting_between(from, to, &TimeZone::UTC)
            .flatten()
            .filter(|occurrence| black_box(occurrence.instant) < to)
            .count()
    };
    assert_eq!(count(), TEN_YEARS);
    group.bench_function("kalends", |b| b.iter(count));
    let set = theirs(&format!("{RULE};UNTIL=20360107T000000Z"));
    let count = || set.into_iter().map(black_box).count();
    assert_eq!(count(), TEN_YEARS);
    group.bench_function("rrule", |b| b.iter(count));
    group.finish();
}

/// One week, 500 years on.
fn far_window(c: &mut Criterion) {
    let mut group = c.benchmark_group("a week 500 years ahead");
    let series = ours();
    let (from, to) = (instant("2526-07-02T00:00:00Z"), instant("2526-07-09T00:00:00Z"));
    let count = || series.starting_between(black_box(from), to, &TimeZone::UTC).flatten().count();
    assert_eq!(count(), 2);
    group.bench_function("kalends", |b| b.iter(count));
    group.sample_size(10);
    let zone = rrule::Tz::Europe__Zurich;
    let at = |year, month, day| {
        chrono::TimeZone::with_ymd_and_hms(&zone, year, month, day, 0, 0, 0).single().expect("no gap at midnight")
    };
    let set = theirs(RULE).after(at(2526, 7, 2)).before(at(2526, 7, 9));
    let count = || set.clone().all(100).dates.len();
    assert_eq!(count(), 2);
    group.bench_function("rrule", |b| b.iter(count));
    group.finish();
}

/// From text to a series, as on every write.
fn parse(c: &mut Criterion) {
    let mut group = c.benchmark_group("parse");
    group.bench_function("kalends", |b| b.iter(ours));
    group.bench_function("rrule", |b| b.iter(|| theirs(RULE)));
    group.finish();
}

criterion_group!(benches, ten_years, far_window, parse);
criterion_main!(benches);
