//! Whatever bytes come in, an answer comes out.

#![expect(clippy::expect_used, clippy::indexing_slicing, reason = "a test stops where its own data are wrong")]

mod zones;

/// Reading takes a small multiple of its input, whatever that says: more than this ends the test.
#[global_allocator]
static ALLOCATOR: cap::Cap<std::alloc::System> = cap::Cap::new(std::alloc::System, 1 << 30);

use jiff::Timestamp;
use jiff::tz::TimeZone;
use proptest::prelude::*;
use zones::bundled;

/// Reads, and looks at the instances of what was read.
fn exercise(bytes: &[u8]) {
    let again = kalends_ical::read(bytes, &bundled);
    let Ok(parsed) = again else { return };
    let (from, to) =
        (Timestamp::from_second(1_750_000_000).expect("2025"), Timestamp::from_second(1_850_000_000).expect("2028"));
    for one in parsed.calendars.iter().flat_map(|calendar| &calendar.series) {
        if let Ok(instances) = one.instances(from, to, 500, &TimeZone::UTC, &bundled) {
            assert!(instances.is_sorted_by_key(|instance| instance.starts_at));
        }
    }
}

fn samples() -> Vec<Vec<u8>> {
    let sets: serde_json::Value = serde_json::from_str(include_str!("data/sets.json")).expect("the sets");
    let mut files: Vec<Vec<u8>> = ["conference", "school-year", "public-holidays"]
        .map(|name| {
            std::fs::read(format!("{}/../../samples/{name}.ics", env!("CARGO_MANIFEST_DIR"))).expect("a sample")
        })
        .into();
    files.push(std::fs::read(format!("{}/tests/data/odd.ics", env!("CARGO_MANIFEST_DIR"))).expect("the odd file"));
    files.extend(
        sets["sets"].as_array().expect("a list").iter().step_by(7).map(|set| set["ics"].as_str().expect("text").into()),
    );
    files
}

/// A file with pieces of it inserted, taken out, doubled, overwritten.
fn damaged(mut bytes: Vec<u8>, damage: impl Iterator<Item = (usize, u8, u8, usize)>) -> Vec<u8> {
    for (at, kind, byte, length) in damage {
        let at = at.min(bytes.len());
        let end = (at + length).min(bytes.len());
        match kind {
            0 => bytes.insert(at, byte),
            1 => _ = bytes.drain(at..end),
            2 => {
                let copy = bytes[at..end].to_vec();
                bytes.splice(at..at, copy);
            }
            _ => {
                if let Some(old) = bytes.get_mut(at) {
                    *old = byte;
                }
            }
        }
    }
    bytes
}

/// For a fuzzer: the bytes are the file, or say how a sample is damaged. `cargo bolero test` guides it by coverage; without,
/// it takes random bytes for a while (`cargo xtask soak fuzz`: for long).
#[test]
fn whatever_a_fuzzer_makes_is_read_or_refused() {
    let samples = samples();
    bolero::check!().for_each(move |input: &[u8]| {
        let Some((which, script)) = input.split_first() else { return };
        let Some(sample) = samples.get(usize::from(*which)) else { return exercise(script) };
        let steps = script.chunks_exact(5).map(|step| {
            let place = (usize::from(step[0]) << 8) | usize::from(step[1]);
            // The samples are longer than two bytes can say.
            ((place * sample.len()) >> 16, step[2] & 3, step[3], usize::from(step[4]))
        });
        exercise(&damaged(sample.clone(), steps));
    });
}

fn pieces() -> impl Strategy<Value = String> {
    let line = prop_oneof![
        "(BEGIN|END):(VCALENDAR|VEVENT|VTIMEZONE|STANDARD|DAYLIGHT|VALARM|X)",
        "(DTSTART|DTEND|RECURRENCE-ID|RDATE|EXDATE|UID|TRIGGER)(;VALUE=(DATE|PERIOD))?(;TZID=(\"?\\(UTC\\+01:00\\) Berlin\"?|UTC|a/b|Europe/Zurich|X))?(;RANGE=THISANDFUTURE)?:[0-9]{4}(01|12|03)[0-3][0-9](T[0-2][0-9]0000Z?)?(/P[1-9]D)?",
        "(DURATION|TRIGGER):-?P[0-9]{1,12}[WDT][0-9]{0,20}H?",
        "RRULE:FREQ=(YEARLY|DAILY|SECONDLY);BYDAY=-?[0-9]{0,2}(SU|MO|XX);(COUNT|BYMONTH|UNTIL)=[0-9]{1,9}",
        "(TZOFFSETFROM|TZOFFSETTO|TZID|SUMMARY|CATEGORIES|SEQUENCE)[:;=\"]{1,3}[-+0-9A-Za-zäö\\\\,;\"/]{0,12}",
    ];
    prop::collection::vec((line, prop_oneof!["\r\n", "\n", "\r", "\r\n ", "\n\t"]), 0..60)
        .prop_map(|lines| lines.into_iter().map(|(line, end)| line + &end).collect())
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..2_000)) {
        exercise(&bytes);
    }

    #[test]
    fn any_order_of_lines_is_read_or_refused(text in pieces()) {
        exercise(format!("BEGIN:VCALENDAR\r\n{text}").as_bytes());
        exercise(text.as_bytes());
    }

    #[test]
    fn damaged_files_are_read_or_refused(
        file in prop::sample::select(samples()),
        damage in prop::collection::vec((any::<prop::sample::Index>(), 0..4_u8, any::<u8>(), 0..40_usize), 1..12),
    ) {
        let damage = damage.into_iter().map(|(at, kind, byte, length)| (at.index(file.len() + 1), kind, byte, length));
        exercise(&damaged(file.clone(), damage));
    }
}
