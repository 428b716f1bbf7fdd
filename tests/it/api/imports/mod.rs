//! Imports: a file becomes events, and is undone.

mod again;
mod bounded;
mod corpus;
mod peculiar;
mod programs;
mod undo;

use kalends_testkit::{Person, Reply, World};
use serde_json::{Value, json};

use super::given;

/// A calendar around these lines.
pub fn calendar(lines: &str) -> String {
    let lines = lines.trim().lines().map(str::trim).collect::<Vec<_>>().join("\r\n");
    format!("BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//Example//EN\r\n{lines}\r\nEND:VCALENDAR\r\n")
}

/// An event around these lines.
pub fn event(uid: &str, lines: &str) -> String {
    format!("BEGIN:VEVENT\nUID:{uid}\nDTSTAMP:20270101T000000Z\n{}\nEND:VEVENT\n", lines.trim())
}

pub const CONCERT: &str =
    "SUMMARY:Concert\nDTSTART;TZID=Europe/Zurich:20270301T190000\nDTEND;TZID=Europe/Zurich:20270301T210000";
pub const CHOIR: &str = "SUMMARY:Choir\nDTSTART;TZID=Europe/Zurich:20270322T193000\nDTEND;TZID=Europe/Zurich:20270322T210000\nRRULE:FREQ=WEEKLY;COUNT=6";

/// The numbers of a result: created, updated, unchanged, refused, skipped.
pub fn numbers(job: &Reply) -> [i64; 5] {
    assert_eq!(job.str("/state"), "done", "{:#}", job.json);
    ["created", "updated", "unchanged", "refused", "skipped"]
        .map(|name| job.json["result"][name].as_i64().unwrap_or_else(|| panic!("{:#}", job.json)))
}

/// The rows of a result as `line action code`.
pub fn rows(job: &Reply) -> Vec<String> {
    let rows = job.json["result"]["rows"].as_array().expect("rows");
    let row = |row: &Value| {
        let code = row["problem"]["code"].as_str().map(|code| format!(" {code}")).unwrap_or_default();
        format!("{} {}{code}", row["line"], row["action"].as_str().expect("an action"))
    };
    rows.iter().map(row).collect()
}

/// The event of this UID in a person's calendar.
pub async fn by_uid(person: &Person, uid: &str) -> Value {
    let all = person.get("/api/v1/events?limit=500").expect(200).await;
    let found = all.items().iter().find(|event| event["uid"] == uid);
    found.unwrap_or_else(|| panic!("no {uid} in {:#}", all.json)).clone()
}

#[tokio::test]
async fn what_takes_time_that_is_taken_is_refused_or_told_as_the_calendar_says() {
    let world = World::new().await;
    let alice = world.alice().await;
    let file = calendar(&(event("concert@example.org", CONCERT) + &event("choir@example.org", CHOIR)));
    for (policy, expected) in [("reject", [1, 0, 0, 1, 0]), ("warn", [2, 0, 0, 0, 0]), ("ignore", [2, 0, 0, 0, 0])] {
        let into = given::calendar(&alice, &json!({"name": policy, "conflicts": policy})).await;
        let party = json!({"title": "Party", "start": "2027-03-01T20:00:00", "end": "2027-03-01T23:00:00",
            "time_zone": "Europe/Zurich", "calendar_id": into, "on_conflict": "ignore"});
        given::event(&alice, &party).await;
        for dry_run in ["true", "false"] {
            let job = alice.import(&into, &file, &[("dry_run", dry_run)]).await;
            assert_eq!(numbers(&job), expected, "{policy}");
            let row = &job.json["result"]["rows"][0];
            let said = row["warnings"].as_array().into_iter().flatten().filter_map(Value::as_str);
            let said: Vec<&str> = said.filter(|said| said.starts_with("It takes the same time as ")).collect();
            match policy {
                "reject" => assert_eq!(row["problem"]["code"], "conflict", "{row:#}"),
                "warn" => assert!(said.len() == 1 && said[0].contains("Party"), "{row:#}"),
                _ => assert!(said.is_empty(), "{row:#}"),
            }
        }
    }
    given::fits(&world).await;
}

#[tokio::test]
async fn a_file_becomes_events_and_the_job_says_which() {
    let world = World::new().await;
    let alice = world.alice().await;
    let file = calendar(&(event("concert@example.org", CONCERT) + &event("choir@example.org", CHOIR)));
    let begun =
        alice.post("/api/v1/imports").upload("spring.ics", file.as_bytes(), &[("profile", "ics")]).expect(202).await;
    assert_eq!(begun.header("location"), Some(format!("/api/v1/jobs/{}", begun.id()).as_str()));
    assert_eq!((begun.str("/kind"), begun.str("/user_id")), ("import", alice.id.as_str()));
    let job = alice.finished(&begun.id()).await;
    assert_eq!(numbers(&job), [2, 0, 0, 0, 0]);
    assert_eq!(rows(&job), ["4 created", "11 created"]);
    assert_eq!(job.json["progress"], json!({"done": 2, "total": 2}));
    assert_eq!(job.str("/log/0/message"), "2 created, 0 updated, 0 unchanged, 0 refused, 0 skipped");
    let choir = by_uid(&alice, "choir@example.org").await;
    assert_eq!(choir["start"], "2027-03-22T19:30:00+01:00");
    assert_eq!(choir["recurrence"], json!(["RRULE:FREQ=WEEKLY;COUNT=6"]));
    assert_eq!((&choir["state"], &choir["calendar_id"]), (&json!("published"), &json!(alice.calendar)));
    assert_eq!(job.json["result"]["rows"][1]["event_id"], choir["id"]);
    given::fits(&world).await;
}

#[tokio::test]
async fn a_dry_run_says_what_an_import_does_and_does_nothing() {
    let world = World::new().await;
    let alice = world.alice().await;
    let old = calendar(&(event("a", CONCERT) + &event("b", CHOIR)));
    alice.import(&alice.calendar, &old, &[]).await;
    let file = calendar(
        &(event("a", &CONCERT.replace("Concert", "Opera"))
            + &event("b", CHOIR)
            + &event("c", CONCERT)
            + &event("d", "SUMMARY:No start")),
    );
    let before = alice.get("/api/v1/events").expect(200).await.json;
    let dry = alice.import(&alice.calendar, &file, &[("dry_run", "true")]).await;
    assert_eq!(alice.get("/api/v1/events").expect(200).await.json, before);
    let wet = alice.import(&alice.calendar, &file, &[]).await;
    assert_eq!(numbers(&dry), [1, 1, 1, 1, 0]);
    assert_eq!(numbers(&wet), numbers(&dry));
    assert_eq!(rows(&wet), rows(&dry));
    assert_eq!((&dry.json["result"]["dry_run"], &wet.json["result"]["dry_run"]), (&json!(true), &json!(false)));
    given::fits(&world).await;
}

#[tokio::test]
async fn what_is_wrong_with_one_event_stops_none_of_the_others() {
    let world = World::new().await;
    let alice = world.alice().await;
    let file = calendar(
        &(event("no-start", "SUMMARY:x")
            + &event("no-zone", "DTSTART;TZID=Mars/Olympus:20270301T190000")
            + &event(
                "february",
                "SUMMARY:Never\nDTSTART:20270201T090000Z\nRRULE:FREQ=SECONDLY;INTERVAL=86402;BYDAY=MO,TH;BYHOUR=9;BYMINUTE=0;BYSECOND=0",
            )
            + "BEGIN:VTODO\nUID:todo\nSUMMARY:Buy milk\nEND:VTODO\n"
            + &event("backwards", "DTSTART:20270301T190000Z\nDTEND:20270301T180000Z")
            + &event("good", CONCERT)),
    );
    let job = alice.import(&alice.calendar, &file, &[]).await;
    assert_eq!(numbers(&job), [1, 0, 0, 4, 1]);
    assert_eq!(
        rows(&job),
        [
            "4 refused missing-start",
            "12 refused unknown-zone",
            "14 refused recurrence-too-sparse",
            "21 skipped not-an-event",
            "29 refused end-before-start",
            "31 created"
        ]
    );
    given::fits(&world).await;
}

#[tokio::test]
async fn what_is_no_calendar_fails_with_a_reason() {
    let world = World::new().await;
    let alice = world.alice().await;
    for (text, says) in
        [("", "no BEGIN:VCALENDAR"), ("<html>\n", "no BEGIN:VCALENDAR"), ("\u{feff}hello", "no BEGIN:VCALENDAR")]
    {
        let job = alice.import(&alice.calendar, text, &[]).await;
        assert_eq!(job.str("/state"), "failed");
        assert!(job.str("/result/problem/detail").contains(says), "{:#}", job.json);
        assert_eq!(job.json["result"]["problem"]["line"], 1);
    }
    // A calendar without events is one.
    assert_eq!(numbers(&alice.import(&alice.calendar, &calendar(""), &[]).await), [0; 5]);
}

#[tokio::test]
async fn the_form_is_read_strictly() {
    let world = World::builder().set("imports.largest_file_mib", "1").start().await;
    let (alice, bob) = (world.alice().await, world.bob().await);
    let send = |parts: &[(&str, &str)]| {
        alice.post("/api/v1/imports").upload("x.ics", b"BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n", parts)
    };
    for (parts, wrong) in [
        (vec![("profile", "xlsx")], "/profile not-a-choice"),
        (vec![("calendar_id", "mine")], "/calendar_id not-an-id"),
        (vec![("dry_run", "maybe")], "/dry_run not-a-choice"),
        (vec![("dryrun", "true")], "/dryrun unknown-field"),
    ] {
        let reply = send(&parts).send().await.expect_problem("invalid");
        let (pointer, code) = given::only_error(&reply);
        assert_eq!(format!("{pointer} {code}"), wrong);
    }
    let media = "multipart/form-data; boundary=b";
    let alone = alice
        .post("/api/v1/imports")
        .body(media, "--b\r\nContent-Disposition: form-data; name=\"profile\"\r\n\r\nics\r\n--b--\r\n");
    assert_eq!(
        given::only_error(&alone.send().await.expect_problem("invalid")),
        ("/file".to_owned(), "required".to_owned())
    );
    alice.post("/api/v1/imports").body(media, "--b\r\nnonsense").send().await.expect_problem("unreadable");
    alice.post("/api/v1/imports").json(&json!({})).send().await.expect_problem("unsupported-media-type");
    let large = vec![b'x'; (1 << 20) + 1];
    alice.post("/api/v1/imports").upload("x.ics", &large, &[]).send().await.expect_problem("too-large");
    // Somebody else's calendar is not there; one that is only seen is not for writing.
    let calendar = given::calendar(&alice, &json!({"name": "Choir"})).await;
    let to = |id: &str| bob.post("/api/v1/imports").upload("x.ics", b"x", &[("calendar_id", id)]);
    to(&calendar).send().await.expect_problem("not-found");
    given::share(&alice, &format!("calendars/{calendar}"), &bob, "viewer").await;
    to(&calendar).send().await.expect_problem("forbidden");
    world.anonymous().post("/api/v1/imports").upload("x.ics", b"x", &[]).send().await.expect_problem("sign-in-needed");
}

#[tokio::test]
async fn a_retried_upload_with_the_same_key_is_one_import() {
    let world = World::new().await;
    let alice = world.alice().await;
    let file = calendar(&event("a", CONCERT));
    let send = || alice.post("/api/v1/imports").header("idempotency-key", "k").upload("x.ics", file.as_bytes(), &[]);
    let (first, second) = (send().expect(202).await, send().expect(202).await);
    assert_eq!(first.id(), second.id());
    assert_eq!(alice.get("/api/v1/jobs?include=total").expect(200).await.json["total"], 1);
    alice.finished(&first.id()).await;
}

#[tokio::test]
async fn events_of_a_calendar_with_review_come_in_as_drafts_and_published_ones_are_not_changed_by_editors() {
    let world = World::new().await;
    let (alice, bob) = (world.alice().await, world.bob().await);
    let school = given::calendar(&alice, &json!({"name": "School", "review": "required"})).await;
    given::share(&alice, &format!("calendars/{school}"), &bob, "editor").await;
    let file = calendar(&event("a", CONCERT));
    assert_eq!(numbers(&bob.import(&school, &file, &[]).await), [1, 0, 0, 0, 0]);
    let made = by_uid(&bob, "a").await;
    assert_eq!((&made["state"], &made["my_role"]), (&json!("draft"), &json!("owner")));
    let path = format!("/api/v1/events/{}", made["id"].as_str().expect("an id"));
    alice.post(&format!("{path}/state")).json(&json!({"state": "published"})).expect(200).await;
    let changed = calendar(&event("a", &CONCERT.replace("Concert", "Opera")));
    let job = bob.import(&school, &changed, &[]).await;
    assert_eq!((numbers(&job), rows(&job)), ([0, 0, 0, 1, 0], vec!["4 refused review-required".to_owned()]));
    assert_eq!(numbers(&alice.import(&school, &changed, &[]).await), [0, 1, 0, 0, 0]);
    given::fits(&world).await;
}

#[tokio::test]
async fn a_long_file_is_done_in_steps_and_its_report_is_bounded() {
    let world = World::new().await;
    let alice = world.alice().await;
    let mut events: String = (0..1_200).map(|n| event(&format!("e{n}"), CONCERT)).collect();
    events += &event("bad", "SUMMARY:x");
    let job = alice.import(&alice.calendar, &calendar(&events), &[]).await;
    assert_eq!(numbers(&job), [1_200, 0, 0, 1, 0]);
    assert_eq!(job.json["progress"], json!({"done": 1_201, "total": 1_201}));
    let rows = rows(&job);
    assert_eq!((rows.len(), job.json["result"]["truncated"].as_bool()), (1_000, Some(true)));
    assert!(rows.iter().any(|row| row.ends_with("refused missing-start")), "what was refused is always shown");
    assert_eq!(alice.get("/api/v1/events?include=total").expect(200).await.json["total"], 1_200);
}
