//! A file of each program that people come from, as it writes them (`tests/it/data/programs/`; made for these tests): all of
//! it comes in, takes place when it should, and goes out again.

use std::collections::BTreeMap;

use kalends_testkit::{Person, World};
use serde_json::{Value, json};

use super::{by_uid, numbers};
use crate::api::given;

/// An imported file, and what was made of it.
struct Moved {
    alice: Person,
    world: World,
    /// Unfolded.
    file: String,
    /// The same, as we export it.
    export: String,
}

/// Imports a file into a calendar of its own and exports it, twice: through a second calendar it is still the same.
async fn moved(file: &[u8], wanted: [i64; 5]) -> Moved {
    let world = World::new().await;
    let alice = world.alice().await;
    let calendar = alice.calendar.clone();
    let job = send(&alice, &calendar, file).await;
    assert_eq!(numbers(&job), wanted, "{:#}", job.json["result"]);
    for row in job.json["result"]["rows"].as_array().expect("rows") {
        assert_eq!(row["warnings"], json!([]), "{row:#}");
    }
    let [created, _, _, _, skipped] = wanted;
    world.advance(300);
    assert_eq!(numbers(&send(&alice, &calendar, file).await), [0, 0, created, 0, skipped]);
    let export = exported(&alice, &calendar).await;
    let second = given::calendar(&alice, &json!({"name": "Second"})).await;
    assert_eq!(numbers(&send(&alice, &second, export.as_bytes()).await), [created, 0, 0, 0, 0]);
    let again = exported(&alice, &second).await;
    assert_eq!(lines(&unfolded(again.as_bytes())), lines(&unfolded(export.as_bytes())));
    given::fits(&world).await;
    alice.delete(&format!("/api/v1/calendars/{second}")).expect(204).await;
    Moved { alice, world, file: unfolded(file), export: unfolded(export.as_bytes()) }
}

async fn send(alice: &Person, calendar: &str, file: &[u8]) -> kalends_testkit::Reply {
    let parts = [("calendar_id", calendar)];
    let begun = alice.post("/api/v1/imports").upload("calendar.ics", file, &parts).expect(202).await;
    alice.finished(&begun.id()).await
}

async fn exported(alice: &Person, calendar: &str) -> String {
    alice.get(&format!("/api/v1/exports?format=ics&calendar_id={calendar}")).expect(200).await.text
}

/// Folds are joined as bytes: some cut a character.
fn unfolded(file: &[u8]) -> String {
    let mut out: Vec<u8> = Vec::new();
    for line in file.split(|byte| *byte == b'\n') {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        match line.first() {
            Some(b' ' | b'\t') => out.extend_from_slice(&line[1..]),
            _ => {
                out.push(b'\n');
                out.extend_from_slice(line);
            }
        }
    }
    String::from_utf8(out).expect("UTF-8")
}

/// What of an event is told in its own words, and compared by its instances.
const TIMES: [&str; 13] = [
    "BEGIN",
    "END",
    "UID",
    "DTSTAMP",
    "LAST-MODIFIED",
    "SEQUENCE",
    "DTSTART",
    "DTEND",
    "DURATION",
    "RRULE",
    "RDATE",
    "EXDATE",
    "RECURRENCE-ID",
];

/// The lines of all events beside their times, with how often each is there. Alarms that say only when are reminders.
fn lines(text: &str) -> BTreeMap<String, usize> {
    let mut found = BTreeMap::new();
    let mut add = |line: &str| {
        let name = line.split([':', ';']).next().unwrap_or_default();
        let (line, value) =
            (line.replacen("URL;VALUE=URI:", "URL:", 1), line.split_once(':').map_or("", |(_, value)| value));
        if !TIMES.contains(&name) && !value.is_empty() {
            *found.entry(line.trim_end_matches("\\n").to_owned()).or_insert(0) += 1;
        }
    };
    let (mut in_event, mut alarm): (bool, Option<Vec<&str>>) = (false, None);
    for line in text.lines() {
        match (line, &mut alarm) {
            ("BEGIN:VEVENT", _) => in_event = true,
            ("END:VEVENT", _) => in_event = false,
            ("BEGIN:VALARM", _) if in_event => alarm = Some(Vec::new()),
            ("END:VALARM", Some(own)) => {
                let plain = |line: &&str| {
                    line.starts_with("TRIGGER") || line.starts_with("DESCRIPTION") || *line == "ACTION:DISPLAY"
                };
                if !own.iter().all(plain) {
                    own.iter().copied().for_each(&mut add);
                }
                alarm = None;
            }
            (line, Some(own)) => own.push(line),
            (line, None) if in_event => add(line),
            _ => {}
        }
    }
    found
}

impl Moved {
    /// Everything that the file says of its events is in the export.
    fn nothing_is_lost(&self) {
        let (before, after) = (lines(&self.file), lines(&self.export));
        let lost: Vec<_> = before.iter().filter(|(line, count)| after.get(*line) < Some(count)).collect();
        assert!(lost.is_empty(), "lost: {lost:#?}\n{}", self.export);
    }

    /// How many lines of the export begin with this.
    fn told(&self, line: &str) -> usize {
        self.export.lines().filter(|one| one.starts_with(line)).count()
    }

    async fn event(&self, uid: &str) -> Value {
        by_uid(&self.alice, uid).await
    }

    /// When the instances of an event begin.
    async fn starts(&self, uid: &str) -> Vec<String> {
        given::starts(&self.alice, self.event(uid).await["id"].as_str().expect("an id")).await
    }
}

const TEAM: &str =
    "040000008200E00074C5B7101A82E00800000000D0B1F1A7C2B9DA01000000000000000010000000A1B2C3D4E5F60718293A4B5C6D7E8F90";
const TEAM_STARTS: [&str; 5] = [
    "2027-03-08T09:00:00+01:00",
    "2027-03-22T09:00:00+01:00",
    "2027-03-30T14:00:00+02:00",
    "2027-04-05T09:00:00+02:00",
    "2027-04-12T09:00:00+02:00",
];

#[tokio::test]
async fn outlook() {
    let moved = moved(include_bytes!("../../data/programs/outlook.ics"), [2, 0, 0, 0, 0]).await;
    assert_eq!(moved.starts(TEAM).await, TEAM_STARTS);
    let team = moved.event(TEAM).await;
    assert_eq!((&team["time_zone"], &team["reminders"]), (&json!("Europe/Berlin"), &json!([15])));
    assert_eq!(
        team["description"],
        "1) Rückblick\n2) Ausblick, Termine; Verschiedenes\n\n________________________________\nBitte pünktlich."
    );
    let all = moved.alice.get("/api/v1/events").expect(200).await;
    let away = all.items().iter().find(|event| event["title"] == "Ferien").expect("the holiday");
    assert_eq!(
        (&away["start"], &away["end"], &away["all_day"], &away["visibility"], &away["busy"]),
        (&json!("2027-03-19"), &json!("2027-03-21"), &json!(true), &json!("private"), &json!(false))
    );
    moved.nothing_is_lost();
    // The largest SEQUENCE of the file, that of the moved instance, is that of the whole.
    assert_eq!((moved.told("SEQUENCE:3"), moved.told("CREATED:20270105T083000Z")), (2, 2));
    assert_eq!(moved.told("X-ALT-DESC;FMTTYPE=text/html:<html"), 1);
}

#[tokio::test]
async fn outlook_with_its_line_ends_lost_on_the_way() {
    // What mail programs and editors leave behind: CR LF, bare LF and bare CR in one file.
    let file = include_bytes!("../../data/programs/outlook.ics");
    let mixed = file.split(|byte| *byte == b'\n').enumerate().flat_map(|(n, line)| {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        line.iter().chain([&b"\r\n"[..], b"\n", b"\r"][n % 3]).copied().collect::<Vec<u8>>()
    });
    let world = World::new().await;
    let alice = world.alice().await;
    let job = send(&alice, &alice.calendar, &mixed.collect::<Vec<u8>>()).await;
    assert_eq!(numbers(&job), [2, 0, 0, 0, 0]);
    let team = by_uid(&alice, TEAM).await;
    assert_eq!(given::starts(&alice, team["id"].as_str().expect("an id")).await, TEAM_STARTS);
    assert_eq!(numbers(&send(&alice, &alice.calendar, file).await), [0, 0, 2, 0, 0]);
}

#[tokio::test]
async fn google() {
    let moved = moved(include_bytes!("../../data/programs/google.ics"), [3, 0, 0, 0, 0]).await;
    let standup = "3kq0v5m1c8n2d7f4g9h6j1k2l3@google.com";
    assert_eq!(
        moved.starts(standup).await,
        [
            "2027-03-02T09:30:00-05:00",
            "2027-03-09T09:30:00-05:00",
            "2027-03-11T09:30:00-05:00",
            "2027-03-18T09:30:00-04:00",
            "2027-03-23T11:00:00-04:00",
            "2027-03-25T09:30:00-04:00",
            "2027-03-30T09:30:00-04:00",
        ]
    );
    let late = &moved.event(standup).await["overrides"][0];
    assert_eq!(
        (&late["title"], &late["location"], &late["status"], &late["description"]),
        (&json!("Standup (late)"), &json!("Room 5, 2nd floor"), &json!("tentative"), &json!(""))
    );
    assert_eq!(moved.starts("7m2n8b4v6c1x9z3l5k@google.com").await, ["2027-03-18T20:30:00+00:00"]);
    let birthdays = moved.starts("birthday-1@google.com").await;
    assert_eq!(birthdays[..3], ["2020-02-29", "2024-02-29", "2028-02-29"]);
    moved.nothing_is_lost();
    assert_eq!(moved.told("ATTACH;FILENAME=Notes.gdoc"), 1);
}

#[tokio::test]
async fn apple() {
    let moved = moved(include_bytes!("../../data/programs/apple.ics"), [3, 0, 0, 0, 0]).await;
    let opening = "6B1F7C52-0D7B-4F0E-9A51-3B5C8A3C2E11";
    assert_eq!(
        moved.starts(opening).await,
        ["2027-03-27T17:00:00+01:00", "2027-03-29T17:00:00+02:00", "2027-03-31T17:00:00+02:00"]
    );
    let event = moved.event(opening).await;
    assert_eq!(event["location"], "Kunsthaus Zürich\nHeimplatz 1, 8001 Zürich, Schweiz");
    assert_eq!(
        (&event["reminders"], &event["url"]),
        (&json!([15, 60]), &json!("https://www.example.org/ausstellung?id=1,2"))
    );
    // Floating: at seven wherever one is.
    assert_eq!(moved.starts("C8A0D3E1-5F42-4C9B-8E6D-1A2B3C4D5E6F").await, ["2027-04-01T07:00:00"]);
    assert_eq!(moved.starts("11111111-2222-4333-8444-555566667777").await[..2], ["2027-08-01", "2028-08-01"]);
    moved.nothing_is_lost();
    assert_eq!((moved.told("ATTACH;VALUE=BINARY"), moved.told("X-APPLE-STRUCTURED-LOCATION;")), (1, 1));
}

#[tokio::test]
async fn thunderbird() {
    let moved = moved(include_bytes!("../../data/programs/thunderbird.ics"), [2, 0, 0, 0, 1]).await;
    let rehearsal = "0b7a4a3e-7f1e-4c60-9d58-0a4f6d1c2b3a";
    assert_eq!(
        moved.starts(rehearsal).await,
        [
            "2027-03-01T19:30:00+01:00",
            "2027-04-06T19:30:00+02:00",
            "2027-05-03T19:30:00+02:00",
            "2027-06-07T19:30:00+02:00"
        ]
    );
    let event = moved.event(rehearsal).await;
    assert_eq!(
        (&event["end"], &event["time_zone"], &event["reminders"]),
        (&json!("2027-03-01T21:45:00+01:00"), &json!("Europe/Zurich"), &json!([120]))
    );
    let deadline = moved.event("5d1f3f0e-1c7d-43a8-a1a4-5c9c0f6e7d88").await;
    assert_eq!(
        (&deadline["start"], &deadline["end"]),
        (&json!("2027-03-15T12:00:00+01:00"), &json!("2027-03-15T12:00:00+01:00"))
    );
    moved.nothing_is_lost();
    assert_eq!(moved.told("X-MOZ-SNOOZE-TIME-1772389800000000:20270301T183000Z"), 1);
}

#[tokio::test]
async fn nextcloud() {
    let moved = moved(include_bytes!("../../data/programs/nextcloud.ics"), [2, 0, 0, 0, 0]).await;
    let hours = "f0c4a7de-5d3b-4f0a-8a0c-3f2f1a0b9c8d";
    assert_eq!(
        moved.starts(hours).await,
        ["2027-03-01T16:00:00+01:00", "2027-03-15T16:00:00+01:00", "2027-03-22T16:00:00+01:00"]
    );
    // The others move with the one from which on they were changed (RFC 5545 3.8.4.4).
    assert_eq!(
        moved.starts(&format!("{hours}#20270329T160000")).await,
        [
            "2027-03-29T16:30:00+02:00",
            "2027-04-05T16:30:00+02:00",
            "2027-04-12T16:30:00+02:00",
            "2027-04-17T10:30:00+02:00"
        ]
    );
    moved.nothing_is_lost();
    // The cancelled instance says what its series does.
    assert_eq!((moved.told("COLOR:teal"), moved.told("CONFERENCE;"), moved.told("STATUS:CANCELLED")), (2, 2, 1));
    let told = moved.world.anonymous().get("/api/v1/events").expect(200).await;
    assert_eq!(told.json["items"], json!([]), "a person's own calendar is theirs");
}

#[tokio::test]
async fn exchange() {
    let moved = moved(include_bytes!("../../data/programs/exchange.ics"), [3, 0, 0, 0, 0]).await;
    let preparing = "040000008200E00074C5B7101A82E0080000000010C4D2A1B0C9DA0100000000000000001000000001020304050607080900A0B0C0D0E0F0";
    assert_eq!(
        moved.starts(preparing).await,
        [
            "2027-03-26T09:00:00+01:00",
            "2027-03-29T09:00:00+02:00",
            "2027-03-30T14:00:00+02:00",
            "2027-03-31T09:00:00+02:00",
            "2027-04-01T09:00:00+02:00",
            "2027-04-02T09:00:00+02:00",
            "2027-04-03T09:00:00+02:00",
            "2027-04-04T09:00:00+02:00",
            "2027-04-05T09:00:00+02:00",
        ]
    );
    assert_eq!(moved.event(preparing).await["time_zone"], "Europe/Berlin");
    let all = moved.alice.get("/api/v1/events").expect(200).await;
    let of = |title: &str| all.items().iter().find(|event| event["title"] == title).expect("an event").clone();
    let guest = of("Gastvortrag");
    assert_eq!((&guest["start"], &guest["recurrence"]), (&json!("2027-03-10T15:00:00+01:00"), &json!([])));
    assert_eq!(of("Abgesagt: Rundgang")["status"], "cancelled");
    moved.nothing_is_lost();
    assert_eq!((moved.told("SEQUENCE:6"), moved.told("X-MICROSOFT-CDO-INSTTYPE:3")), (1, 1));
}
