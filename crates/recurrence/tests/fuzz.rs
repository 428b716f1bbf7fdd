//! Whatever text comes in, the library answers: with occurrences in order, a fault, or a spent budget; never with a panic,
//! without end, or with all the memory there is.
//!
//! `cargo bolero test` guides the bytes by coverage; without, they are random for a while (`cargo xtask soak fuzz`: for long).

#![expect(clippy::expect_used, clippy::indexing_slicing, reason = "a test stops where its own data are wrong")]

use jiff::civil::DateTime;
use jiff::tz::{TimeZone, TimeZoneDatabase};
use kalends_recurrence::{Series, Start};

#[global_allocator]
static ALLOCATOR: cap::Cap<std::alloc::System> = cap::Cap::new(std::alloc::System, 1 << 29);

/// Pieces that rules are made of; a byte of the input chooses one.
const PIECES: &[&str] = &[
    "RRULE:",
    "RDATE:",
    "EXDATE:",
    "RDATE;VALUE=PERIOD:",
    "EXDATE;VALUE=DATE:",
    "EXDATE;TZID=Europe/Zurich:",
    "FREQ=",
    "YEARLY",
    "MONTHLY",
    "WEEKLY",
    "DAILY",
    "HOURLY",
    "MINUTELY",
    "SECONDLY",
    ";",
    ",",
    "=",
    "\n",
    "INTERVAL=",
    "COUNT=",
    "UNTIL=",
    "BYMONTH=",
    "BYWEEKNO=",
    "BYYEARDAY=",
    "BYMONTHDAY=",
    "BYDAY=",
    "BYHOUR=",
    "BYMINUTE=",
    "BYSECOND=",
    "BYSETPOS=",
    "WKST=",
    "RSCALE=",
    "MO",
    "TU",
    "SU",
    "-",
    "+",
    "0",
    "1",
    "2",
    "5",
    "29",
    "30",
    "31",
    "53",
    "59",
    "60",
    "366",
    "1000000000",
    "99999999999999999999",
    "20270328",
    "20270328T023000",
    "20270328T023000Z",
    "/PT1H",
    "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30",
    "FREQ=SECONDLY",
    "FREQ=MONTHLY;BYDAY=1MO;BYSETPOS=-1",
    "FREQ=WEEKLY;BYDAY=MO,WE,FR",
];

fn text(input: &[u8]) -> String {
    input.iter().filter_map(|byte| PIECES.get(usize::from(*byte) % PIECES.len())).copied().collect()
}

fn exercise(start: Start, lines: &[&str]) {
    let zones = |name: &str| TimeZoneDatabase::bundled().get(name).ok();
    let Ok(series) = Series::parse(start, lines, &zones) else { return };
    let series = series.with_budget(20_000);
    let zone = zones("America/New_York").expect("a zone");
    for from in [series.start().local(), DateTime::constant(2527, 3, 1, 0, 0, 0, 0)] {
        let found: Vec<_> = series.occurrences_from(from, &zone).take(100).map_while(Result::ok).collect();
        assert!(found.windows(2).all(|two| two[0].instant < two[1].instant), "{lines:?}");
    }
    let _ = series.contains(DateTime::constant(2028, 2, 29, 12, 0, 0, 0));
    let _ = series.last(&zone);
}

#[test]
fn whatever_a_fuzzer_writes_is_expanded_or_refused() {
    let at = DateTime::constant(2027, 3, 28, 2, 30, 0, 0);
    let zone = TimeZoneDatabase::bundled().get("Europe/Zurich").unwrap_or(TimeZone::UTC);
    bolero::check!().for_each(move |input: &[u8]| {
        let Some((kind, script)) = input.split_first() else { return };
        let start = match kind % 3 {
            0 => Start::Date(at.date()),
            1 => Start::Floating(at),
            _ => Start::Zoned { at, zone: zone.clone() },
        };
        // Half the time a rule of whole pieces, else the bytes as they are.
        let text = if *kind < 128 {
            format!("RRULE:FREQ={}", text(script).trim_start_matches("RRULE:"))
        } else {
            String::from_utf8_lossy(script).into_owned()
        };
        let lines: Vec<&str> = text.lines().collect();
        exercise(start.clone(), &lines);
    });
}
