//! The shared vectors: 670 rules on whose instances at least two independent engine families agree
//! (`data/rrule.json` says how to compare).

#![expect(clippy::expect_used, clippy::indexing_slicing, reason = "a test stops where its own data are wrong")]

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use kalends_recurrence::{Series, Start};
use serde_json::Value;

#[test]
fn every_vector_gives_the_agreed_instances() {
    let data: Value = serde_json::from_str(include_str!("data/rrule.json")).expect("the vectors are JSON");
    let rules = data["rules"].as_array().expect("rules are a list");
    assert_eq!(rules.len(), 670);
    let failures: Vec<String> = rules.iter().filter_map(|vector| check(vector).err()).collect();
    assert!(failures.is_empty(), "{} of {}:\n{}", failures.len(), rules.len(), failures.join("\n"));
}

fn check(vector: &Value) -> Result<(), String> {
    let text = |name: &str| vector[name].as_str().unwrap_or_default();
    let list = |name: &str| -> Vec<String> {
        vector[name].as_array().into_iter().flatten().filter_map(|item| item.as_str().map(str::to_owned)).collect()
    };
    let fail = |what: String| Err(format!("{} {} from {}: {what}", text("id"), text("rrule"), text("dtstart")));
    let dates = text("value") == "DATE";
    let zone = vector["tzid"].as_str().map(|name| TimeZone::get(name).expect("a zone of the vectors"));
    let start = local(text("dtstart"));
    let start = match (&zone, dates) {
        (_, true) => Start::Date(start.date()),
        (None, false) => Start::Floating(start),
        (Some(zone), false) => Start::Zoned { at: start, zone: zone.clone() },
    };
    let series = match Series::parse(start, &[format!("RRULE:{}", text("rrule"))], &|_| None) {
        Ok(series) => series,
        Err(errors) => return fail(format!("{errors:?}")),
    };
    let expected = list("expected_local");
    let max = usize::try_from(vector["max_instances"].as_u64().unwrap_or_default()).expect("a small number");
    let complete = vector["complete"].as_bool().unwrap_or_default();
    let end = vector["window_end_local"].as_str().map(local);
    let got: Vec<_> = match series.occurrences(&TimeZone::UTC).take(max).collect() {
        Ok(got) => got,
        Err(spent) => return fail(spent.to_string()),
    };
    let got: Vec<_> = got.into_iter().filter(|occurrence| end.is_none_or(|end| occurrence.local <= end)).collect();
    let locals: Vec<String> = got
        .iter()
        .map(|occurrence| occurrence.local.strftime(if dates { "%Y%m%d" } else { "%Y%m%dT%H%M%S" }).to_string())
        .collect();
    let seen = if complete { &locals[..] } else { &locals[..locals.len().min(expected.len())] };
    if seen != expected {
        return fail(format!("\n  expected {expected:?}\n  got      {seen:?}"));
    }
    let gaps = list("gap_local");
    for ((occurrence, local), expected) in got.iter().zip(&locals).zip(list("expected_utc")) {
        let instant = occurrence.instant.strftime("%Y%m%dT%H%M%SZ").to_string();
        if instant != expected && !gaps.contains(local) {
            return fail(format!("{local} is {instant} instead of {expected}"));
        }
    }
    Ok(())
}

fn local(text: &str) -> DateTime {
    text.parse().or_else(|_| DateTime::strptime("%Y%m%dT%H%M%S", text)).expect("a date of the vectors")
}
