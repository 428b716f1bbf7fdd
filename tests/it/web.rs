//! The pages that everybody may see.

use kalends_testkit::{Person, World};
use serde_json::{Value, json};

async fn public_event(alice: &Person, body: Value) -> (String, String) {
    let calendar = json!({"name": "Concerts", "visibility": "public"});
    let calendar = alice.post("/api/v1/calendars").json(&calendar).expect(201).await.id();
    let mut body = body;
    body["calendar_id"] = calendar.clone().into();
    (calendar, alice.post("/api/v1/events").json(&body).expect(201).await.id())
}

async fn page(person: &Person, path: &str) -> String {
    let reply = person.get(path).expect(200).await;
    assert_eq!(reply.header("content-type"), Some("text/html; charset=utf-8"));
    let policy = reply.header("content-security-policy").expect("a policy");
    assert!(policy.contains("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
    assert!(!reply.text.contains("<script"), "{}", reply.text);
    reply.text
}

#[tokio::test]
async fn the_first_page_has_what_comes_next_and_is_public() {
    let world = World::new().await;
    let (alice, anybody) = (world.alice().await, world.anonymous());
    let empty = page(&anybody, "/").await;
    assert!(empty.contains("There are no upcoming public events.") && empty.contains("/api/docs"), "{empty}");
    let series = json!({"title": "Choir", "start": "2027-03-22T19:30:00", "end": "2027-03-22T21:00:00", "time_zone": "Europe/Zurich",
        "location": "Aula", "recurrence": ["RRULE:FREQ=WEEKLY"], "overrides": [{"original_start": "2027-03-29T19:30:00", "cancelled": true},
        {"original_start": "2027-04-05T19:30:00", "title": "Dress rehearsal", "location": "Church"}]});
    let (calendar, id) = public_event(&alice, series).await;
    let hidden = [
        json!({"calendar_id": calendar, "title": "Hidden draft", "start": "2027-03-22T19:30:00", "state": "draft"}),
        json!({"calendar_id": calendar, "title": "Hidden private", "start": "2027-03-22T19:30:00", "visibility": "private"}),
        json!({"calendar_id": calendar, "title": "Long over", "start": "2020-03-22T19:30:00"}),
        json!({"title": "Hidden own", "start": "2027-03-22T19:30:00"}),
    ];
    for body in &hidden {
        alice.post("/api/v1/events").json(body).expect(201).await;
    }
    let day = json!({"calendar_id": calendar, "title": "Open days", "start": "2027-02-06", "end": "2027-02-08", "all_day": true, "status": "tentative"});
    alice.post("/api/v1/events").json(&day).expect(201).await;
    // Also for who is signed in: it is the page of everybody.
    for person in [&anybody, &alice] {
        let text = page(person, "/").await;
        assert!(!text.contains("Hidden") && !text.contains("Long over"), "{text}");
        assert!(text.contains(&format!("<a href=\"/e/{id}\">Choir</a>")), "{text}");
        assert!(
            text.contains("<time datetime=\"2027-03-22T19:30:00+01:00\">Monday, 22 March 2027, 19:30–21:00</time>"),
            "{text}"
        );
        assert!(text.contains("(Europe/Zurich, UTC+1)") && text.contains("(Europe/Zurich, UTC+2)"), "{text}");
        assert!(
            text.contains("Saturday, 6 February 2027 – Sunday, 7 February 2027") && text.contains("Tentative"),
            "{text}"
        );
        assert!(text.contains("Dress rehearsal") && text.contains("Church"), "{text}");
    }
    // An endless series has further pages.
    let first = page(&anybody, "/").await;
    let next = first.split("rel=\"next\" href=\"").nth(1).and_then(|rest| rest.split('"').next()).expect("a next page");
    let second = page(&anybody, &next.replace("&amp;", "&")).await;
    assert!(second.contains("Choir") && !second.contains("Open days"), "{second}");
}

#[tokio::test]
async fn a_series_that_takes_too_much_work_does_not_take_the_first_page_from_everybody() {
    let world = World::new().await;
    let (alice, anybody) = (world.alice().await, world.anonymous());
    // Three Thursdays, then none for 700 years.
    let silent = json!({"title": "Drifting", "start": "2027-04-01T12:00:00", "recurrence":
        ["RRULE:FREQ=SECONDLY;INTERVAL=86402;BYDAY=TH,SU;BYHOUR=12;BYMINUTE=0;BYSECOND=0,14,28"]});
    let (calendar, _) = public_event(&alice, silent).await;
    let concert = json!({"calendar_id": calendar, "title": "Concert", "start": "2027-05-01T19:30:00"});
    alice.post("/api/v1/events").json(&concert).expect(201).await;
    let text = page(&anybody, "/").await;
    assert!(text.contains("Concert") && text.matches("Drifting").count() == 3, "{text}");
}

#[tokio::test]
async fn an_event_has_a_page_with_its_times_dates_and_files() {
    let world = World::new().await;
    let (alice, anybody) = (world.alice().await, world.anonymous());
    let series = json!({"title": "Choir", "description": "Bring\nscores", "start": "2027-03-22T19:30:00", "end": "2027-03-22T21:00:00",
        "time_zone": "Europe/Zurich", "url": "https://example.org/choir", "recurrence": ["RRULE:FREQ=WEEKLY;COUNT=3"], "reminders": [10], "meta": {"inner": "Tenochtitlan"}});
    let (calendar, id) = public_event(&alice, series).await;
    let text = page(&anybody, &format!("/e/{id}")).await;
    for part in [
        "<html lang=\"en\">",
        "<h1>Choir</h1>",
        "<time datetime=\"2027-03-22T19:30:00+01:00\">",
        "Monday, 5 April 2027, 19:30–21:00",
        &format!("href=\"/events/{id}.ics\""),
        &format!("href=\"/calendars/{calendar}.ics\""),
        "rel=\"nofollow noopener\" href=\"https://example.org/choir\"",
        "Bring\nscores",
        "href=\"/api/docs\"",
    ] {
        assert!(text.contains(part), "{part}\n{text}");
    }
    assert!(!text.contains("Tenochtitlan"));
    anybody.get(&format!("/events/{id}.ics")).expect(200).await;
    // In other languages.
    let german =
        anybody.get(&format!("/e/{id}")).header("accept-language", "rm, de-CH;q=0.8, en;q=0.5").expect(200).await;
    assert!(
        german.text.contains("<html lang=\"de\">") && german.text.contains("Montag, 22. März 2027"),
        "{}",
        german.text
    );
    let french = page(&anybody, &format!("/e/{id}?lang=fr")).await;
    assert!(french.contains("lundi 22 mars 2027"), "{french}");
    alice.patch(&format!("/api/v1/events/{id}")).json(&json!({"status": "cancelled"})).expect(200).await;
    assert!(page(&anybody, &format!("/e/{id}")).await.contains("Cancelled"));
    alice.delete(&format!("/api/v1/events/{id}")).expect(204).await;
    let gone = anybody.get(&format!("/e/{id}")).expect(404).await;
    assert_eq!(gone.header("content-type"), Some("text/html; charset=utf-8"));
    anybody.get("/e/nonsense").expect(404).await;
    anybody.get(&format!("/e/{}", alice.calendar)).expect(404).await;
    anybody.get("/?cursor=nonsense").expect(404).await;
    anybody.head("/").expect(200).await;
    assert!(anybody.get("/assets/kalends.css").expect(200).await.text.contains("@media print"));
}

#[tokio::test]
async fn nothing_that_people_write_becomes_markup() {
    let world = World::new().await;
    let (alice, anybody) = (world.alice().await, world.anonymous());
    let evil = "<script>alert('x')</script>\"><img src=x onerror=alert(1)>{{7*7}}&lt;";
    let body = json!({"title": evil, "description": evil, "location": evil, "categories": [evil], "start": "2027-03-22T19:30:00",
        "url": "https://example.org/\"onmouseover=\"alert(1)", "recurrence": ["RRULE:FREQ=WEEKLY;COUNT=3"],
        "overrides": [{"original_start": "2027-03-29T19:30:00", "title": evil.repeat(2)}]});
    let (_, id) = public_event(&alice, body).await;
    for path in ["/".to_owned(), format!("/e/{id}"), format!("/e/{id}?lang=%22%3E%3Cscript%3E")] {
        let text = page(&anybody, &path).await;
        assert!(!text.contains("<img") && !text.contains("\"onmouseover"), "{text}");
        assert!(text.contains("{{7*7}}"), "{text}");
    }
}
