//! Whole events with RDATE, EXDATE and overrides, against instances on which two independent engines agree
//! (`data/sets.json`; its `semantics` say how to compare).

#![expect(clippy::expect_used, reason = "a test stops where its own data are wrong")]

mod zones;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Deserialize;
use zones::bundled;

#[derive(Deserialize)]
struct File {
    sets: Vec<Set>,
}

#[derive(Deserialize)]
struct Set {
    id: String,
    features: Vec<String>,
    window_start: String,
    window_end: String,
    ics: String,
    expected: Vec<Expected>,
}

#[derive(Deserialize, PartialEq, Eq, PartialOrd, Ord, Debug)]
struct Expected {
    start: String,
    end: String,
    summary: String,
    cancelled: bool,
}

fn instant(text: &str) -> Timestamp {
    let text = if text.contains('T') { text.to_owned() } else { format!("{text}T000000Z") };
    jiff::fmt::strtime::parse("%Y%m%dT%H%M%S%#z", text.replace('Z', "+0000"))
        .and_then(|time| time.to_timestamp())
        .expect("an instant")
}

fn found(set: &Set) -> Vec<Expected> {
    let parsed = kalends_ical::read(set.ics.as_bytes(), &bundled).expect("an iCalendar file");
    assert_eq!(parsed.problems, [], "{}", set.id);
    let (from, to) = (instant(&set.window_start), instant(&set.window_end));
    let mut found = Vec::new();
    for series in parsed.calendars.iter().flat_map(|calendar| &calendar.series) {
        for instance in series.instances(from, to, 10_000, &TimeZone::UTC, &bundled).expect("instances") {
            let all_day = instance.start.is_date();
            let text = |at: Timestamp| at.strftime(if all_day { "%Y%m%d" } else { "%Y%m%dT%H%M%SZ" }).to_string();
            found.push(Expected {
                start: text(instance.starts_at),
                end: text(instance.ends_at),
                summary: instance.component.summary.clone(),
                cancelled: instance.component.is_cancelled(),
            });
        }
    }
    found.sort();
    found
}

#[test]
fn every_set_has_the_instances_on_which_other_engines_agree() {
    let file: File = serde_json::from_str(include_str!("data/sets.json")).expect("the file of sets");
    assert_eq!(file.sets.len(), 287);
    let mut wrong = Vec::new();
    for mut set in file.sets {
        set.expected.sort();
        let found = found(&set);
        if found != set.expected {
            wrong.push(format!("{} {:?}\n  found {found:?}\n  expected {:?}", set.id, set.features, set.expected));
        }
    }
    assert!(wrong.is_empty(), "{} sets differ\n{}", wrong.len(), wrong.join("\n"));
}
