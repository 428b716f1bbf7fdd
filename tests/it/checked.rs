//! Feeds as another program sees them: libical's parser and its check of what components may and must have (RFC 5546 3).
//! `cargo xtask test` installs it; `KALENDS_LIBICAL_PYTHON` is a Python that has its bindings.

use std::process::Command;

use kalends_testkit::{Person, World};
use serde_json::json;

async fn kinds(world: &World) -> Vec<(String, String)> {
    let alice = world.alice().await;
    let calendar = json!({"name": "Größe, Zürich; \\ & 東京", "description": "All\nof it", "visibility": "public", "color": "#4169e1"});
    let id = alice.post("/api/v1/calendars").json(&calendar).expect(201).await.id();
    let long = "Dvořák, Janáček; Martinů – „Neue Welt“ ".repeat(8);
    let bodies = [
        json!({"title": long, "description": format!("{long}\n{long}"), "location": "Aula", "url": "https://example.org/a,b;c", "categories": ["a,b", "c"],
            "start": "2027-03-22T19:30:00", "end": "2027-03-22T21:00:00", "time_zone": "Europe/Zurich", "reminders": [0, 10, 1440],
            "recurrence": ["RRULE:FREQ=WEEKLY;BYDAY=MO", "EXDATE;TZID=Europe/Zurich:20270405T193000", "RDATE;TZID=Europe/Zurich:20270407T193000"],
            "overrides": [{"original_start": "2027-03-29T19:30:00", "cancelled": true}, {"original_start": "2027-04-12T19:30:00", "title": "Moved", "start": "2027-04-13T20:00:00"}]}),
        json!({"title": "Days", "start": "2027-02-06", "end": "2027-02-08", "all_day": true, "busy": false, "recurrence": ["RRULE:FREQ=YEARLY;COUNT=3"]}),
        json!({"title": "Floating", "start": "2027-02-06T09:00:00", "floating": true, "status": "tentative"}),
        json!({"title": "Flight", "start": "2027-03-27T10:00:00", "end": "2027-03-27T13:00:00", "time_zone": "Africa/Cairo", "end_time_zone": "America/New_York"}),
        json!({"title": "UTC", "start": "2027-03-27T10:00:00", "end": "2027-03-27T13:00:00", "time_zone": "UTC", "status": "cancelled"}),
        json!({"title": "Ramadan", "start": "2027-01-27T10:00:00", "end": "2027-01-27T13:00:00", "time_zone": "Africa/Casablanca", "recurrence": ["RRULE:FREQ=DAILY"]}),
        json!({"title": "Secret", "visibility": "private", "start": "2027-03-27T10:00:00", "time_zone": "Australia/Lord_Howe"}),
    ];
    let mut event = String::new();
    for mut body in bodies {
        body["calendar_id"] = id.clone().into();
        let made = alice.post("/api/v1/events").json(&body).expect(201).await.id();
        event = if event.is_empty() { made } else { event };
    }
    let empty = alice.post("/api/v1/calendars").json(&json!({"name": "Empty"})).expect(201).await.id();
    let secret = async |body| {
        let made = alice.post("/api/v1/me/feeds").json(&body).expect(201).await;
        format!("/feeds/{}.ics", made.str("/token"))
    };
    // What programs write that has no place here is kept, and comes out in an order and number that is right.
    let kept = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//Example//EN\r\nBEGIN:VEVENT\r\nUID:kept\r\nDTSTAMP:20270101T000000Z\r\n\
        DTSTART:20270301T190000Z\r\nDTEND:20270301T210000Z\r\nSUMMARY:Meeting\r\nORGANIZER;CN=Ada:mailto:ada@example.org\r\n\
        ORGANIZER:mailto:other@example.org\r\nATTENDEE;PARTSTAT=ACCEPTED:mailto:bob@example.org\r\nATTENDEE:mailto:carol@example.org\r\n\
        PRIORITY:1\r\nPRIORITY:2\r\nGEO:47.37;8.54\r\nGEO:46.94;7.44\r\nlast-modified:20270101T000000Z\r\nSUMMARY:Again\r\n\
        COMMENT:One\r\nCOMMENT:Two\r\nX-ANYTHING;X-A=b:c\r\nBEGIN:VALARM\r\nACTION:AUDIO\r\nTRIGGER;RELATED=END:-PT5M\r\nEND:VALARM\r\n\
        BEGIN:VALARM\r\nACTION:DISPLAY\r\nTRIGGER:-PT15M\r\nDESCRIPTION:Soon\r\nREPEAT:2\r\nDURATION:PT5M\r\nEND:VALARM\r\n\
        END:VEVENT\r\nEND:VCALENDAR\r\n";
    let imported = alice.import(&id, kept, &[]).await;
    assert_eq!(imported.json["result"]["created"], 1, "{:#}", imported.json);
    let kept = imported.str("/result/rows/0/event_id").to_owned();
    let link = alice.post("/api/v1/share-links").json(&json!({"event_ids": [event, kept]})).expect(201).await;
    let anybody = world.anonymous();
    let asked: Vec<(&str, &Person, String)> = vec![
        ("calendar", &alice, format!("/calendars/{id}.ics")),
        ("public", &anybody, format!("/calendars/{id}.ics?lang=fr")),
        ("empty", &alice, format!("/calendars/{empty}.ics")),
        ("event", &anybody, format!("/events/{event}.ics")),
        ("kept", &alice, format!("/events/{kept}.ics")),
        ("link", &anybody, format!("/share-links/{}.ics", link.str("/token"))),
        ("secret", &anybody, secret(json!({"name": "Mine"})).await),
        ("busy", &anybody, secret(json!({"name": "Busy", "busy_only": true, "calendar_ids": [id]})).await),
        ("export", &alice, "/api/v1/exports?format=ics".to_owned()),
    ];
    let mut texts = Vec::new();
    for (name, person, path) in asked {
        texts.push((name.to_owned(), person.get(&path).expect(200).await.text));
    }
    texts
}

#[tokio::test]
async fn libical_finds_nothing_wrong_in_any_kind_of_feed() {
    #[expect(clippy::disallowed_methods, reason = "tests find their tools in the environment")]
    let python = std::env::var("KALENDS_LIBICAL_PYTHON").unwrap_or_else(|_| "/usr/bin/python3".to_owned());
    let world = World::new().await;
    let folder = tempfile::tempdir().expect("a folder");
    let script = folder.path().join("libical.py");
    std::fs::write(&script, include_str!("tools/libical.py")).expect("written");
    let mut check = Command::new(python);
    check.arg(script);
    // A negative control: what is really wrong is found.
    let broken = folder.path().join("broken.ics");
    let text = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nBEGIN:VEVENT\r\nUID:a\r\nDTSTAMP:20270115T100000Z\r\nDTSTART:nonsense\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n";
    std::fs::write(&broken, text).expect("written");
    check.arg(broken);
    let texts = kinds(&world).await;
    for (name, text) in &texts {
        let file = folder.path().join(format!("{name}.ics"));
        std::fs::write(&file, text).expect("written");
        check.arg(file);
    }
    let output = check.output().expect("python3 with the bindings of libical (apt: gir1.2-ical-3.0 python3-gi)");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let (control, found): (Vec<&str>, Vec<&str>) = said.lines().partition(|line| line.contains("broken.ics"));
    assert!(!control.is_empty(), "the check checks nothing");
    assert_eq!(found, Vec::<&str>::new());
    let seen = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(seen.lines().filter(|line| line.starts_with("# ")).count(), texts.len() + 1, "{seen}");
}
