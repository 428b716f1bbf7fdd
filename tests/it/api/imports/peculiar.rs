//! What the calendar programs of the world write.

use kalends_testkit::{Person, World};
use serde_json::{Value, json};

use super::{CHOIR, CONCERT, by_uid, calendar, event, numbers, rows};
use crate::api::given::{self, share};

/// What an import makes of one file, with the instances of the event of this UID.
async fn instances(alice: &Person, file: &str, uid: &str) -> (Value, Vec<String>) {
    let job = alice.import(&alice.calendar, file, &[]).await;
    assert_eq!(numbers(&job)[3], 0, "{:#}", job.json);
    let event = by_uid(alice, uid).await;
    let id = event["id"].as_str().expect("an id").to_owned();
    (event, given::starts(alice, &id).await)
}

#[tokio::test]
async fn zones_of_windows_custom_zones_and_several_calendars_in_one_stream() {
    let world = World::new().await;
    let alice = world.alice().await;
    let outlook = "METHOD:PUBLISH\nBEGIN:VTIMEZONE\nTZID:W. Europe Standard Time\nBEGIN:STANDARD\nDTSTART:16011028T030000\nRRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=10\nTZOFFSETFROM:+0200\nTZOFFSETTO:+0100\nEND:STANDARD\nBEGIN:DAYLIGHT\nDTSTART:16010325T020000\nRRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=3\nTZOFFSETFROM:+0100\nTZOFFSETTO:+0200\nEND:DAYLIGHT\nEND:VTIMEZONE\n".to_owned()
        + &event("outlook", "SUMMARY;LANGUAGE=de:Sitzung\nDTSTART;TZID=W. Europe Standard Time:20270322T080000\nDTEND;TZID=W. Europe Standard Time:20270322T090000\nRRULE:FREQ=WEEKLY;COUNT=2;WKST=SU\nX-MICROSOFT-CDO-BUSYSTATUS:BUSY\nTRANSP:OPAQUE\nCLASS:PUBLIC");
    let google = event(
        "google@google.com",
        "SUMMARY:Lunch\nDTSTART:20270301T110000Z\nDTEND:20270301T120000Z\nTRANSP:TRANSPARENT\nSTATUS:TENTATIVE",
    );
    let stream = calendar(&outlook) + "\u{feff}" + &calendar(&format!("X-WR-CALNAME:Second\n{google}"));
    let job = alice.import(&alice.calendar, &stream.replace("\r\n", "\n"), &[]).await;
    assert_eq!(numbers(&job), [2, 0, 0, 0, 0], "{:#}", job.json);
    let sitzung = by_uid(&alice, "outlook").await;
    assert_eq!((&sitzung["title"], &sitzung["time_zone"]), (&json!("Sitzung"), &json!("Europe/Berlin")));
    let starts = given::starts(&alice, sitzung["id"].as_str().expect("an id")).await;
    assert_eq!(starts, ["2027-03-22T08:00:00+01:00", "2027-03-29T08:00:00+02:00"]);
    let lunch = by_uid(&alice, "google@google.com").await;
    assert_eq!(
        (&lunch["busy"], &lunch["status"], &lunch["time_zone"]),
        (&json!(false), &json!("tentative"), &json!("UTC"))
    );
}

#[tokio::test]
async fn floating_times_whole_days_durations_and_ends_that_are_missing() {
    let world = World::new().await;
    let alice = world.alice().await;
    let file = calendar(
        &(event("floating", "SUMMARY:Wherever\nDTSTART:20270301T090000\nDTEND:20270301T100000")
            + &event("duration", "SUMMARY:Long\nDTSTART;TZID=Europe/Zurich:20270301T090000\nDURATION:P1DT2H")
            + &event("no-end", "SUMMARY:Instant\nDTSTART;TZID=Europe/Zurich:20270301T090000")
            + &event("day", "SUMMARY:Day\nDTSTART;VALUE=DATE:20270301")
            + &event("days", "SUMMARY:Days\nDTSTART;VALUE=DATE:20270301\nDTEND;VALUE=DATE:20270304")
            + &event(
                "flight",
                "SUMMARY:Flight\nDTSTART;TZID=Europe/Zurich:20270301T100000\nDTEND;TZID=America/New_York:20270301T130000",
            )),
    );
    assert_eq!(numbers(&alice.import(&alice.calendar, &file, &[]).await), [6, 0, 0, 0, 0]);
    let mut found = Vec::new();
    for uid in ["floating", "duration", "no-end", "day", "days", "flight"] {
        let event = by_uid(&alice, uid).await;
        found.push(format!(
            "{uid}: {} / {}",
            event["start"].as_str().expect("a start"),
            event["end"].as_str().expect("an end")
        ));
    }
    assert_eq!(
        found,
        [
            "floating: 2027-03-01T09:00:00 / 2027-03-01T10:00:00",
            "duration: 2027-03-01T09:00:00+01:00 / 2027-03-02T11:00:00+01:00",
            "no-end: 2027-03-01T09:00:00+01:00 / 2027-03-01T09:00:00+01:00",
            "day: 2027-03-01 / 2027-03-02",
            "days: 2027-03-01 / 2027-03-04",
            "flight: 2027-03-01T10:00:00+01:00 / 2027-03-01T13:00:00-05:00",
        ]
    );
}

#[tokio::test]
async fn instances_that_are_cancelled_moved_excluded_or_not_in_the_series() {
    let world = World::new().await;
    let alice = world.alice().await;
    let change = |id: &str, lines: &str| event("choir", &format!("RECURRENCE-ID;TZID=Europe/Zurich:{id}\n{lines}"));
    let file = calendar(
        &(change("20270329T193000", "STATUS:CANCELLED\nDTSTART;TZID=Europe/Zurich:20270329T193000")
            + &event("choir", &format!("{CHOIR}\nEXDATE;TZID=Europe/Zurich:20270405T193000,20270412T193000"))
            // Exchange writes the exclusion and the changed instance.
            + &change("20270405T193000", "SUMMARY:Moved\nDTSTART;TZID=Europe/Zurich:20270406T193000\nDTEND;TZID=Europe/Zurich:20270406T210000")
            // Somebody added one by hand.
            + &change("20270407T120000", "SUMMARY:Extra\nDTSTART;TZID=Europe/Zurich:20270407T120000\nDTEND;TZID=Europe/Zurich:20270407T130000")),
    );
    let (event, starts) = instances(&alice, &file, "choir").await;
    assert_eq!(
        starts,
        [
            "2027-03-22T19:30:00+01:00",
            "2027-04-06T19:30:00+02:00",
            "2027-04-07T12:00:00+02:00",
            "2027-04-19T19:30:00+02:00",
            "2027-04-26T19:30:00+02:00"
        ]
    );
    assert_eq!(event["overrides"].as_array().map(Vec::len), Some(3));
    given::fits(&world).await;
}

#[tokio::test]
async fn a_change_from_an_instance_on_is_another_event_from_there() {
    let world = World::new().await;
    let alice = world.alice().await;
    let file = calendar(
        &(event("choir", CHOIR)
            + &event(
                "choir",
                "SUMMARY:Late choir\nRECURRENCE-ID;RANGE=THISANDFUTURE;TZID=Europe/Zurich:20270405T193000\nDTSTART;TZID=Europe/Zurich:20270405T203000\nDTEND;TZID=Europe/Zurich:20270405T220000",
            )
            + &event(
                "choir",
                "SUMMARY:Last\nRECURRENCE-ID;TZID=Europe/Zurich:20270426T193000\nDTSTART;TZID=Europe/Zurich:20270426T180000\nDTEND;TZID=Europe/Zurich:20270426T190000",
            )),
    );
    let (_, before) = instances(&alice, &file, "choir").await;
    assert_eq!(before, ["2027-03-22T19:30:00+01:00", "2027-03-29T19:30:00+02:00"]);
    let after = by_uid(&alice, "choir#20270405T193000").await;
    assert_eq!(after["title"], "Late choir");
    let starts = given::starts(&alice, after["id"].as_str().expect("an id")).await;
    assert_eq!(
        starts,
        [
            "2027-04-05T20:30:00+02:00",
            "2027-04-12T20:30:00+02:00",
            "2027-04-19T20:30:00+02:00",
            "2027-04-26T18:00:00+02:00"
        ]
    );
    given::fits(&world).await;
}

#[tokio::test]
async fn two_events_that_come_to_the_same_uid_stop_none_of_the_others() {
    let world = World::new().await;
    let alice = world.alice().await;
    let late = "SUMMARY:Late choir\nRECURRENCE-ID;RANGE=THISANDFUTURE;TZID=Europe/Zurich:20270405T193000\nDTSTART;TZID=Europe/Zurich:20270405T203000\nDTEND;TZID=Europe/Zurich:20270405T220000";
    let file = calendar(
        // A UID has no control characters, however they are written.
        &(event("a\\nb", CONCERT)
            + &event("ab", &format!("{}\nSEQUENCE:1", CONCERT.replace("Concert", "Opera")))
            // What goes on from an instance on has a UID that another event of the file has, too.
            + &event("choir", CHOIR)
            + &event("choir", late)
            + &event("choir#20270405T193000", CONCERT)
            + &event("good", CONCERT)),
    );
    let expected =
        ["4 refused duplicate-uid", "11 created", "19 refused duplicate-uid", "19 created", "35 created", "42 created"];
    for dry_run in ["true", "false"] {
        let job = alice.import(&alice.calendar, &file, &[("dry_run", dry_run)]).await;
        assert_eq!((numbers(&job), rows(&job)), ([4, 0, 0, 2, 0], expected.map(str::to_owned).to_vec()), "{dry_run}");
    }
    assert_eq!(by_uid(&alice, "ab").await["title"], "Opera");
    assert_eq!(by_uid(&alice, "choir#20270405T193000").await["title"], "Concert");
    // Again, nothing changes.
    assert_eq!(numbers(&alice.import(&alice.calendar, &file, &[]).await), [0, 0, 4, 2, 0]);
    given::fits(&world).await;
}

#[tokio::test]
async fn lines_that_an_event_may_have_once_come_out_once() {
    let world = World::new().await;
    let alice = world.alice().await;
    let lines = [
        "PRIORITY:1",
        "priority:2",
        "GEO:47.37;8.54",
        "GEO:46.94;7.44",
        "ORGANIZER;CN=Ada:mailto:ada@example.org",
        "ORGANIZER:mailto:other@example.org",
        "COLOR:navy",
        "COLOR:gold",
        "Last-Modified:20270101T000000Z",
        "ATTENDEE:mailto:a@example.org",
        "ATTENDEE:mailto:b@example.org",
    ];
    let file = calendar(&event("once", &format!("{CONCERT}\n{}", lines.join("\n"))));
    assert_eq!(numbers(&alice.import(&alice.calendar, &file, &[]).await), [1, 0, 0, 0, 0]);
    let text = alice.get(&format!("/calendars/{}.ics", alice.calendar)).expect(200).await.text.to_ascii_uppercase();
    let body = text.split("BEGIN:VEVENT").nth(1).expect("an event");
    let count = |name: &str| body.lines().filter(|line| line.starts_with(name)).count();
    let once = ["PRIORITY", "GEO", "ORGANIZER", "COLOR", "LAST-MODIFIED"].map(count);
    assert_eq!((once, count("ATTENDEE")), ([1; 5], 2), "{body}");
    assert!(body.contains("PRIORITY:1") && body.contains("ORGANIZER;CN=ADA:"), "the first stays: {body}");
}

#[tokio::test]
async fn invitations_to_single_instances_are_what_they_say() {
    let world = World::new().await;
    let alice = world.alice().await;
    let one = |day: u8, hour: u8| {
        event(
            "invited",
            &format!(
                "SUMMARY:Guest\nRECURRENCE-ID:202703{day:02}T090000Z\nDTSTART:202703{day:02}T{hour:02}0000Z\nDTEND:202703{day:02}T{:02}0000Z",
                hour + 1
            ),
        )
    };
    let (event, starts) = instances(&alice, &calendar(&(one(1, 9) + &one(9, 14))), "invited").await;
    assert_eq!(starts, ["2027-03-01T09:00:00+00:00", "2027-03-09T14:00:00+00:00"]);
    assert_eq!(event["recurrence"], json!(["RDATE:20270309T090000Z"]));
}

#[tokio::test]
async fn what_we_do_not_model_is_kept_and_shown_to_nobody() {
    let world = World::new().await;
    let alice = world.alice().await;
    let file = calendar(&event(
        "a",
        "SUMMARY:Concert\nDTSTART:20270301T190000Z\nX-STAGE;SIZE=m:large\nATTENDEE;CN=Bob;PARTSTAT=ACCEPTED:mailto:bob@example.org\nGEO:47.05;8.30\nURL:message:%3Cabc%3E\nBEGIN:VALARM\nACTION:AUDIO\nTRIGGER:-PT15M\nATTACH:Basso\nEND:VALARM\nBEGIN:VALARM\nACTION:DISPLAY\nDESCRIPTION:x\nTRIGGER:-PT30M\nEND:VALARM",
    ));
    let job = alice.import(&alice.calendar, &file, &[]).await;
    assert_eq!(numbers(&job), [1, 0, 0, 0, 0]);
    let made = by_uid(&alice, "a").await;
    assert_eq!((&made["reminders"], &made["url"]), (&json!([15, 30]), &Value::Null));
    let told = alice.get("/api/v1/events").expect(200).await.text;
    assert!(!told.contains("X-STAGE") && !told.contains("icalendar"), "{told}");
    let path = format!("/api/v1/events/{}", made["id"].as_str().expect("an id"));
    alice.patch(&path).json(&json!({"title": "Opera"})).expect(200).await;
    let kept = kept(&world, &path).await;
    let wanted = [
        "URL:message:%3Cabc%3E",
        "X-STAGE;SIZE=m:large",
        "ATTENDEE;CN=Bob;PARTSTAT=ACCEPTED:mailto:bob@example.org",
        "GEO:47.05;8.30",
        "BEGIN:VALARM",
        "ACTION:AUDIO",
        "TRIGGER:-PT15M",
        "ATTACH:Basso",
        "END:VALARM",
    ];
    assert_eq!(kept, wanted);
    alice.patch(&path).json(&json!({"icalendar": ["X:1"]})).send().await.expect_problem("invalid");
}

#[tokio::test]
async fn addresses_of_guests_go_out_to_those_who_may_edit_and_to_nobody_else() {
    let world = World::new().await;
    let (alice, bob, carol) = (world.alice().await, world.bob().await, world.carol().await);
    let into =
        alice.post("/api/v1/calendars").json(&json!({"name": "Town", "visibility": "public"})).expect(201).await.id();
    let guests = "ORGANIZER;CN=Alice:mailto:alice@example.org\nattendee;CN=Dora:mailto:dora@example.org\nX-STAGE:large";
    let file = calendar(&event("a", &format!("SUMMARY:Concert\nDTSTART:20270301T190000Z\n{guests}")));
    assert_eq!(numbers(&alice.import(&into, &file, &[]).await), [1, 0, 0, 0, 0]);
    share(&alice, &format!("calendars/{into}"), &bob, "editor").await;
    let id = by_uid(&alice, "a").await["id"].as_str().expect("an id").to_owned();
    let texts = async |person: &Person| {
        let mut all = String::new();
        for path in [
            format!("/calendars/{into}.ics"),
            format!("/events/{id}.ics"),
            format!("/api/v1/exports?format=ics&calendar_id={into}"),
        ] {
            all += &person.get(&path).expect(200).await.text;
        }
        all
    };
    for person in [&alice, &bob] {
        let text = texts(person).await;
        assert_eq!(
            (text.matches("alice@example.org").count(), text.matches("dora@example.org").count()),
            (3, 3),
            "{text}"
        );
    }
    for person in [&carol, &world.anonymous()] {
        let text = texts(person).await;
        assert!(text.contains("SUMMARY:Concert") && !text.contains("@example.org"), "{text}");
    }
    assert!(texts(&carol).await.contains("X-STAGE:large"), "nothing else is left out");
}

/// The raw lines that an event keeps.
async fn kept(world: &World, path: &str) -> Vec<String> {
    let id = path.rsplit('/').next().expect("an id").parse().expect("an id");
    let ctx = kalends_core::ctx::Ctx::system(world.now(), kalends_core::ctx::Door::Cli);
    let mut conn = world.db.reader().await.expect("a reader");
    let of = kalends_core::events::load(&mut conn, &ctx, id, kalends_core::access::Can::See).await.expect("the event");
    of.event.content.icalendar
}

#[tokio::test]
async fn what_is_longer_than_an_event_can_be_is_cut_and_said() {
    let world = World::new().await;
    let alice = world.alice().await;
    let long = format!(
        "SUMMARY:{}\nDTSTART:20270301T190000Z\nLOCATION:Aula\\nSecond floor\nATTACH;ENCODING=BASE64;VALUE=BINARY:{}\nX-SMALL:1\nSTATUS:CONFIRMED",
        "x".repeat(700),
        "QUJD".repeat(30_000)
    );
    let job = alice
        .import(
            &alice.calendar,
            &calendar(&(event("long", &long) + &event("untitled", "DTSTART:20270301T190000Z"))),
            &[],
        )
        .await;
    assert_eq!(numbers(&job), [2, 0, 0, 0, 0]);
    let warnings = job.json["result"]["rows"][0]["warnings"].to_string();
    assert!(warnings.contains("SUMMARY has 700 characters") && warnings.contains("bytes of ATTACH"), "{warnings}");
    let made = by_uid(&alice, "long").await;
    assert_eq!((made["title"].as_str().map(str::len), &made["location"]), (Some(500), &json!("Aula\nSecond floor")));
    let path = format!("/api/v1/events/{}", made["id"].as_str().expect("an id"));
    assert_eq!(kept(&world, &path).await, ["X-SMALL:1"]);
    assert_eq!(by_uid(&alice, "untitled").await["title"], "(untitled)");
}
