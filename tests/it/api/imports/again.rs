//! The same file again, newer ones and older ones.

use kalends_testkit::World;
use serde_json::json;

use super::{CHOIR, CONCERT, by_uid, calendar, event, numbers};
use crate::api::given;

#[tokio::test]
async fn the_same_file_again_changes_nothing() {
    let world = World::new().await;
    let alice = world.alice().await;
    let file = calendar(
        &(event("concert", &format!("{CONCERT}\nX-STAGE:large\nATTENDEE;CN=Bob:mailto:bob@example.org"))
            + &event("choir", CHOIR)
            + &event(
                "choir",
                "SUMMARY:Dress rehearsal\nRECURRENCE-ID;TZID=Europe/Zurich:20270329T193000\nDTSTART;TZID=Europe/Zurich:20270329T190000\nDTEND;TZID=Europe/Zurich:20270329T220000",
            )
            + &event(
                "alone",
                "SUMMARY:Only this one\nRECURRENCE-ID:20270301T090000Z\nDTSTART:20270301T093000Z\nDTEND:20270301T100000Z",
            )
            + &event("range", &CHOIR.replace("Choir", "Early"))
            + &event(
                "range",
                "SUMMARY:Late\nRECURRENCE-ID;TZID=Europe/Zurich;RANGE=THISANDFUTURE:20270405T193000\nDTSTART;TZID=Europe/Zurich:20270405T203000\nDTEND;TZID=Europe/Zurich:20270405T220000",
            )),
    );
    assert_eq!(numbers(&alice.import(&alice.calendar, &file, &[]).await), [5, 0, 0, 0, 0]);
    let before = alice.get("/api/v1/events").expect(200).await.json;
    world.advance(300);
    for _ in 0..2 {
        assert_eq!(numbers(&alice.import(&alice.calendar, &file, &[]).await), [0, 0, 5, 0, 0]);
    }
    assert_eq!(alice.get("/api/v1/events").expect(200).await.json, before);
    // Not even what was changed here since: the file says nothing new.
    let concert = by_uid(&alice, "concert").await;
    let path = format!("/api/v1/events/{}", concert["id"].as_str().expect("an id"));
    alice.patch(&path).json(&json!({"location": "Aula"})).expect(200).await;
    assert_eq!(numbers(&alice.import(&alice.calendar, &file, &[]).await), [0, 0, 5, 0, 0]);
    assert_eq!(by_uid(&alice, "concert").await["location"], "Aula");
    given::fits(&world).await;
}

#[tokio::test]
async fn a_newer_state_is_a_new_version_and_an_older_one_is_left() {
    let world = World::new().await;
    let alice = world.alice().await;
    let state = |title: &str, sequence: u8, modified: &str| {
        calendar(&event(
            "a",
            &format!("{}\nSEQUENCE:{sequence}\nLAST-MODIFIED:{modified}", CONCERT.replace("Concert", title)),
        ))
    };
    alice.import(&alice.calendar, &state("One", 1, "20270101T000000Z"), &[]).await;
    assert_eq!(
        numbers(&alice.import(&alice.calendar, &state("Two", 2, "20270101T000000Z"), &[]).await),
        [0, 1, 0, 0, 0]
    );
    let older = alice.import(&alice.calendar, &state("Old", 1, "20270109T000000Z"), &[]).await;
    assert_eq!(numbers(&older), [0, 0, 1, 0, 0]);
    assert_eq!(older.str("/result/rows/0/warnings/0"), "What is here is newer; it was left as it is.");
    assert_eq!(
        numbers(&alice.import(&alice.calendar, &state("Late", 2, "20261231T000000Z"), &[]).await),
        [0, 0, 1, 0, 0]
    );
    assert_eq!(
        numbers(&alice.import(&alice.calendar, &state("Three", 2, "20270102T000000Z"), &[]).await),
        [0, 1, 0, 0, 0]
    );
    let event = by_uid(&alice, "a").await;
    assert_eq!((&event["title"], &event["version"]), (&json!("Three"), &json!(3)));
    given::fits(&world).await;
}

#[tokio::test]
async fn what_a_calendar_file_has_no_words_for_stays() {
    let world = World::new().await;
    let alice = world.alice().await;
    alice.import(&alice.calendar, &calendar(&event("a", CHOIR)), &[]).await;
    let made = by_uid(&alice, "a").await;
    let path = format!("/api/v1/events/{}", made["id"].as_str().expect("an id"));
    let patch = json!({"capacity": 80, "meta": {"stage": "large"}, "registration": {"enabled": true},
        "overrides": [{"original_start": "2027-03-29T19:30:00", "title": "Dress rehearsal", "capacity": 5}]});
    alice.patch(&path).json(&patch).expect(200).await;
    let newer = calendar(
        &(event("a", &format!("{CHOIR}\nSEQUENCE:1\nLOCATION:Church"))
            + &event(
                "a",
                "SUMMARY:Dress rehearsal!\nSEQUENCE:1\nRECURRENCE-ID;TZID=Europe/Zurich:20270329T193000\nDTSTART;TZID=Europe/Zurich:20270329T193000\nDTEND;TZID=Europe/Zurich:20270329T210000",
            )),
    );
    let job = alice.import(&alice.calendar, &newer, &[]).await;
    assert_eq!(numbers(&job), [0, 1, 0, 0, 0]);
    assert!(job.str("/result/rows/0/warnings/0").contains("version 2"), "{:#}", job.json);
    let event = by_uid(&alice, "a").await;
    assert_eq!(
        (&event["capacity"], &event["meta"], &event["registration"]["enabled"]),
        (&json!(80), &json!({"stage": "large"}), &json!(true))
    );
    assert_eq!(event["location"], "Church");
    assert_eq!(
        (&event["overrides"][0]["title"], &event["overrides"][0]["capacity"]),
        (&json!("Dress rehearsal!"), &json!(5))
    );
}

#[tokio::test]
async fn changed_instances_alone_change_the_series_that_is_here() {
    let world = World::new().await;
    let alice = world.alice().await;
    alice.import(&alice.calendar, &calendar(&event("choir", CHOIR)), &[]).await;
    let one = |lines: &str| calendar(&event("choir", &format!("RECURRENCE-ID:20270329T173000Z\n{lines}")));
    let moved = one(
        "SUMMARY:Choir in church\nDTSTART;TZID=Europe/Zurich:20270330T193000\nDTEND;TZID=Europe/Zurich:20270330T210000",
    );
    assert_eq!(numbers(&alice.import(&alice.calendar, &moved, &[]).await), [0, 1, 0, 0, 0]);
    let choir = by_uid(&alice, "choir").await;
    assert_eq!(choir["overrides"][0]["original_start"], "2027-03-29T19:30:00+02:00");
    assert_eq!(choir["overrides"][0]["title"], "Choir in church");
    let cancelled = one("STATUS:CANCELLED\nDTSTART:20270329T173000Z");
    assert_eq!(numbers(&alice.import(&alice.calendar, &cancelled, &[]).await), [0, 1, 0, 0, 0]);
    let starts = given::starts(&alice, by_uid(&alice, "choir").await["id"].as_str().expect("an id")).await;
    assert!(
        !starts.iter().any(|start| start.starts_with("2027-03-29") || start.starts_with("2027-03-30")),
        "{starts:?}"
    );
    // Of an event that is not here, there is nothing to cancel.
    let nothing =
        calendar(&event("elsewhere", "RECURRENCE-ID:20270329T173000Z\nSTATUS:CANCELLED\nDTSTART:20270329T173000Z"));
    assert_eq!(numbers(&alice.import(&alice.calendar, &nothing, &[]).await), [0, 0, 1, 0, 0]);
    given::fits(&world).await;
}

#[tokio::test]
async fn the_sequence_goes_on_from_that_of_the_file_and_never_back() {
    let world = World::new().await;
    let alice = world.alice().await;
    let state = |title: &str, sequence: u8| {
        let concert = CONCERT.replace("Concert", title);
        calendar(&event("a", &format!("{concert}\nSEQUENCE:{sequence}\nCREATED:20200229T101112Z")))
    };
    alice.import(&alice.calendar, &state("One", 7), &[]).await;
    let path = format!("/api/v1/events/{}", by_uid(&alice, "a").await["id"].as_str().expect("an id"));
    let told = async || {
        let text = alice.get("/api/v1/exports?format=ics").expect(200).await.text;
        assert!(text.contains("\r\nCREATED:20200229T101112Z\r\n"), "{text}");
        let from = text.split("\r\nSEQUENCE:").nth(1).expect("a sequence");
        from.split("\r\n").next().expect("a line").parse::<i64>().expect("a number")
    };
    assert_eq!(told().await, 7);
    alice.patch(&path).json(&json!({"location": "Aula"})).expect(200).await;
    assert_eq!(told().await, 8);
    // The same again, and an older one: nothing.
    for (title, sequence) in [("One", 7), ("Zero", 6)] {
        assert_eq!(numbers(&alice.import(&alice.calendar, &state(title, sequence), &[]).await), [0, 0, 1, 0, 0]);
        assert_eq!(told().await, 8);
    }
    // Newer than what was imported, but not than what was changed here: the next number.
    assert_eq!(numbers(&alice.import(&alice.calendar, &state("Two", 8), &[]).await), [0, 1, 0, 0, 0]);
    assert_eq!(told().await, 9);
    let job = alice.import(&alice.calendar, &state("Three", 40), &[]).await;
    assert_eq!((numbers(&job), told().await), ([0, 1, 0, 0, 0], 40));
    // Undone, it is another change.
    alice.delete(&format!("/api/v1/jobs/{}", job.id())).expect(204).await;
    assert_eq!(told().await, 41);
    // The same content under a higher number: whoever has that file must take our next change for newer.
    for (sequence, updated) in [(50, 1), (60, 1), (60, 0)] {
        let again = alice.import(&alice.calendar, &state("Three", sequence), &[]).await;
        assert_eq!((numbers(&again), told().await), ([0, updated, 1 - updated, 0, 0], i64::from(sequence)));
    }
    // What we gave is taken back as what is here already.
    let text = alice.get("/api/v1/exports?format=ics").expect(200).await.text;
    assert_eq!(numbers(&alice.import(&alice.calendar, &text, &[]).await), [0, 0, 1, 0, 0]);
    given::fits(&world).await;
}
