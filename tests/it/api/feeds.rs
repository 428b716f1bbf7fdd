//! Feeds: calendars and events as iCalendar text, live.

use kalends_core::sync;
use kalends_testkit::{Person, Reply, World};
use serde_json::json;

use super::given::{calendar, choir, event, share};

/// The text without folds, by lines.
fn lines(reply: &Reply) -> Vec<String> {
    reply.text.replace("\r\n ", "").split("\r\n").map(str::to_owned).collect()
}

fn has(reply: &Reply, line: &str) -> bool {
    lines(reply).iter().any(|one| one == line)
}

/// The values of a property, sorted.
fn values(reply: &Reply, name: &str) -> Vec<String> {
    let mut found: Vec<String> =
        lines(reply).iter().filter_map(|line| line.strip_prefix(&format!("{name}:")).map(str::to_owned)).collect();
    found.sort();
    found
}

async fn feed(person: &Person, path: &str) -> Reply {
    let reply = person.get(path).expect(200).await;
    assert_eq!(reply.header("content-type"), Some("text/calendar; charset=utf-8"));
    assert!(reply.text.starts_with("BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:"), "{}", reply.text);
    assert!(reply.text.ends_with("END:VCALENDAR\r\n"), "{}", reply.text);
    assert!(reply.text.split("\r\n").all(|line| line.len() <= 75), "{}", reply.text);
    reply
}

/// The reader has this text already, and is told so. Transactions of other tests in the same PostgreSQL cluster may make the
/// tag another one for a while; the text stays the same, and then the tag.
async fn unchanged(person: &Person, path: &str, before: &Reply) -> String {
    let (mut tag, began) = (before.etag(), std::time::Instant::now());
    loop {
        let reply = person.get(path).header("if-none-match", &tag).send().await;
        if reply.status.as_u16() == 304 {
            assert_eq!((reply.etag(), reply.text.as_str()), (tag.clone(), ""));
            return tag;
        }
        assert_eq!(reply.text, before.text, "it is sent again only as it was");
        assert!(began.elapsed() < std::time::Duration::from_secs(60), "it never settles");
        tag = reply.expect(200).etag();
    }
}

async fn public_calendar(alice: &Person) -> String {
    calendar(
        alice,
        &json!({"name": "Concerts", "visibility": "public", "color": "#4169e1", "time_zone": "Europe/Zurich"}),
    )
    .await
}

#[tokio::test]
async fn a_public_calendar_is_a_feed_for_everybody() {
    let world = World::new().await;
    let alice = world.alice().await;
    let id = public_calendar(&alice).await;
    let mut body = choir();
    body["calendar_id"] = id.clone().into();
    body["description"] = "Bring: scores, pencils; and\nyourselves".into();
    body["overrides"] = json!([{"original_start": "2027-03-29T19:30:00", "cancelled": true},
        {"original_start": "2027-04-05T19:30:00", "start": "2027-04-06T20:00:00", "title": "Dress rehearsal in the Grossmünster, with everybody who sings or plays"}]);
    event(&alice, &body).await;
    let day = json!({"calendar_id": id, "title": "Open day", "start": "2027-05-01", "all_day": true, "busy": false, "categories": ["a,b", "c"]});
    event(&alice, &day).await;
    let got = feed(&world.anonymous(), &format!("/calendars/{id}.ics")).await;
    for line in [
        "NAME:Concerts",
        "X-WR-CALNAME:Concerts",
        "COLOR:royalblue",
        "X-APPLE-CALENDAR-COLOR:#4169e1",
        "REFRESH-INTERVAL;VALUE=DURATION:PT15M",
        "DTSTART;TZID=Europe/Zurich:20270322T193000",
        "DTEND;TZID=Europe/Zurich:20270322T210000",
        "RRULE:FREQ=WEEKLY;COUNT=6",
        "DESCRIPTION:Bring: scores\\, pencils\\; and\\nyourselves",
        "RECURRENCE-ID;TZID=Europe/Zurich:20270329T193000",
        "STATUS:CANCELLED",
        "RECURRENCE-ID;TZID=Europe/Zurich:20270405T193000",
        "DTSTART;TZID=Europe/Zurich:20270406T200000",
        "DTSTART;VALUE=DATE:20270501",
        "DTEND;VALUE=DATE:20270502",
        "TRANSP:TRANSPARENT",
        "CATEGORIES:a\\,b,c",
        "TZID:Europe/Zurich",
        "RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU",
        "CLASS:PUBLIC",
    ] {
        assert!(has(&got, line), "{line}\n{}", got.text);
    }
    assert_eq!(got.text.matches("BEGIN:VTIMEZONE").count(), 1);
    assert!(has(&got, &format!("SOURCE;VALUE=URI:{}/calendars/{id}.ics", world.base())));
    assert_eq!(got.header("cache-control"), Some("no-cache"));
}

#[tokio::test]
async fn a_feed_shows_its_reader_what_the_calendar_would() {
    let world = World::new().await;
    let (alice, carol, mallory) = (world.alice().await, world.carol().await, world.mallory().await);
    let id = public_calendar(&alice).await;
    share(&alice, &format!("calendars/{id}"), &carol, "editor").await;
    let at = |title: &str, visibility: &str, state: &str| json!({"calendar_id": id, "title": title, "start": "2027-03-22T19:30:00", "visibility": visibility, "state": state, "reminders": [10]});
    event(&alice, &at("Concert", "public", "published")).await;
    event(&alice, &at("Board", "private", "published")).await;
    event(&alice, &at("Layoffs", "confidential", "published")).await;
    event(&alice, &at("Idea", "public", "draft")).await;
    let deleted = event(&alice, &at("Gone", "public", "published")).await.id();
    alice.delete(&format!("/api/v1/events/{deleted}")).expect(204).await;
    let path = format!("/calendars/{id}.ics");
    let titles = async |person: &Person, path: &str| values(&feed(person, path).await, "SUMMARY");
    assert_eq!(titles(&world.anonymous(), &path).await, ["Concert"]);
    assert_eq!(titles(&mallory, &path).await, ["Busy", "Concert"]);
    assert_eq!(titles(&mallory, &format!("{path}?lang=de-CH")).await, ["Besetzt", "Concert"]);
    assert_eq!(titles(&mallory, &format!("{path}?lang=xx")).await, ["Busy", "Concert"]);
    assert_eq!(titles(&carol, &path).await, ["Board", "Concert", "Layoffs"], "a draft is nobody's appointment yet");
    assert!(!feed(&world.anonymous(), &path).await.text.contains("VALARM"));
    assert!(has(&feed(&carol, &path).await, "TRIGGER:-PT10M"));
    // A private calendar's is there for nobody else.
    let own = format!("/calendars/{}.ics", alice.calendar);
    world.anonymous().get(&own).send().await.expect_problem("not-found");
    mallory.get(&own).send().await.expect_problem("not-found");
    let empty = feed(&alice, &own).await;
    assert!(has(&empty, "BEGIN:VTIMEZONE") && !has(&empty, "BEGIN:VEVENT"));
    assert_eq!(empty.header("cache-control"), Some("private, no-cache"));
    // Only with its ending.
    world.anonymous().get(&format!("/calendars/{id}")).send().await.expect_problem("not-found");
    world.anonymous().get(&format!("{path}?langg=de")).send().await.expect_problem("invalid");
}

#[tokio::test]
async fn a_cancelled_event_says_so_with_a_higher_sequence() {
    let world = World::new().await;
    let alice = world.alice().await;
    let id = public_calendar(&alice).await;
    let mut body = choir();
    body["calendar_id"] = id.into();
    let made = event(&alice, &body).await.id();
    let path = format!("/events/{made}.ics");
    let got = feed(&world.anonymous(), &path).await;
    assert!(has(&got, "STATUS:CONFIRMED") && has(&got, "SEQUENCE:0") && has(&got, "NAME:Choir"));
    world.advance(5);
    alice.patch(&format!("/api/v1/events/{made}")).json(&json!({"status": "cancelled"})).expect(200).await;
    let got = feed(&world.anonymous(), &path).await;
    assert!(has(&got, "STATUS:CANCELLED") && has(&got, "SEQUENCE:1") && has(&got, "LAST-MODIFIED:20270115T100005Z"));
    assert!(has(&got, "CREATED:20270115T100000Z") && has(&got, "DTSTAMP:20270115T100005Z"));
    alice.delete(&format!("/api/v1/events/{made}")).expect(204).await;
    alice.get(&path).send().await.expect_problem("not-found");
}

#[tokio::test]
async fn an_unchanged_feed_is_not_sent_again_and_every_change_is_seen_at_once() {
    let world = World::new().await;
    let (alice, carol) = (world.alice().await, world.carol().await);
    let id = calendar(&alice, &json!({"name": "Team"})).await;
    let other = calendar(&alice, &json!({"name": "Other"})).await;
    share(&alice, &format!("calendars/{id}"), &carol, "viewer").await;
    let mut body = choir();
    body["calendar_id"] = id.clone().into();
    let made = event(&alice, &body).await.id();
    let path = format!("/calendars/{id}.ics");
    let of_event = format!("/api/v1/events/{made}");
    let first = feed(&carol, &path).await;
    let mut tag = unchanged(&carol, &path, &first).await;
    carol.get(&format!("{path}?lang=de")).header("if-none-match", &tag).expect(200).await;
    // What happens elsewhere changes nothing here.
    event(&alice, &json!({"calendar_id": other, "title": "x", "start": "2027-03-22T19:30:00"})).await;
    unchanged(&carol, &path, &first).await;
    let changes = [
        alice.patch(&of_event).json(&json!({"title": "Rehearsal"})),
        alice.patch(&format!("{of_event}/instances/20270405T193000")).json(&json!({"location": "Church"})),
        alice.delete(&format!("{of_event}/instances/20270412T193000")),
        alice.post(&format!("{of_event}/state")).json(&json!({"state": "draft"})),
        alice.post(&format!("{of_event}/state")).json(&json!({"state": "published"})),
        alice.post(&format!("{of_event}/share")).json(&json!({"users": [{"username": "carol", "role": "editor"}]})),
        alice.delete(&of_event),
        alice.post(&format!("{of_event}/restore")),
        alice.patch(&format!("/api/v1/calendars/{id}")).json(&json!({"name": "The team"})),
        alice.put(&format!("/api/v1/calendars/{id}/permissions/{}", carol.id)).json(&json!({"role": "free_busy"})),
        // It leaves the calendar: the calendar's feed hears of it.
        alice.patch(&of_event).json(&json!({"calendar_id": other})),
    ];
    for change in changes {
        let done = change.send().await;
        assert!(done.status.is_success(), "{}", done.text);
        let now = carol.get(&path).header("if-none-match", &tag).expect(200).await;
        assert_ne!(now.etag(), tag);
        tag = unchanged(&carol, &path, &now).await;
    }
    // Alice sees it otherwise, so it is another text.
    alice.get(&path).header("if-none-match", &tag).expect(200).await;
    alice.delete(&format!("/api/v1/calendars/{id}/permissions/{}", carol.id)).expect(204).await;
    carol.get(&path).header("if-none-match", &tag).send().await.expect_problem("not-found");
}

#[tokio::test]
async fn by_date_it_is_sent_again_until_the_change_has_settled() {
    let world = World::new().await;
    let alice = world.alice().await;
    let id = public_calendar(&alice).await;
    event(&alice, &json!({"calendar_id": id, "title": "One", "start": "2027-03-22T19:30:00"})).await;
    let path = format!("/calendars/{id}.ics");
    let anybody = world.anonymous();
    let first = feed(&anybody, &path).await;
    let date = first.header("last-modified").expect("a date").to_owned();
    // In the same second more may come.
    event(&alice, &json!({"calendar_id": id, "title": "Two", "start": "2027-03-22T19:30:00"})).await;
    anybody.get(&path).header("if-modified-since", &date).expect(200).await;
    world.advance(120);
    let settled = feed(&anybody, &path).await.header("last-modified").expect("a date").to_owned();
    assert_eq!(settled, "Fri, 15 Jan 2027 10:00:00 GMT");
    anybody.get(&path).header("if-modified-since", &settled).expect(304).await;
    anybody.get(&path).header("if-modified-since", "nonsense").expect(200).await;
    // The ETag has the last word.
    anybody.get(&path).header("if-modified-since", &settled).header("if-none-match", "\"other\"").expect(200).await;
    let head = anybody.head(&path).expect(200).await;
    assert!(head.text.is_empty() && head.header("etag").is_some());
}

#[tokio::test]
async fn a_secret_feed_shows_what_its_owner_sees_and_ends_at_once() {
    let world = World::new().await;
    let (alice, carol) = (world.alice().await, world.carol().await);
    let team = calendar(&alice, &json!({"name": "Team"})).await;
    share(&alice, &format!("calendars/{team}"), &carol, "viewer").await;
    event(&alice, &json!({"calendar_id": team, "title": "Standup", "start": "2027-03-22T09:00:00"})).await;
    event(
        &alice,
        &json!({"calendar_id": team, "title": "Talk", "start": "2027-03-22T09:00:00", "visibility": "private"}),
    )
    .await;
    event(&carol, &json!({"title": "Dentist", "start": "2027-03-23T09:00:00"})).await;
    let made = carol.post("/api/v1/me/feeds").json(&json!({"name": "My phone"})).expect(201).await;
    let path = made.str("/url").strip_prefix(world.base()).expect("an address here").to_owned();
    assert_eq!(path, format!("/feeds/{}.ics", made.str("/token")));
    assert_eq!(made.json["calendar_ids"], serde_json::Value::Null);
    let anybody = world.anonymous();
    let got = feed(&anybody, &path).await;
    assert_eq!(values(&got, "SUMMARY"), ["Busy", "Dentist", "Standup"]);
    assert!(has(&got, "NAME:My phone") && !got.text.contains("klf_"), "{}", got.text);
    assert_eq!(got.header("cache-control"), Some("private, no-cache"));
    unchanged(&anybody, &path, &got).await;
    // Another of them: one calendar, times alone.
    world.advance(1);
    let busy = json!({"name": "For the office", "calendar_ids": [carol.calendar], "busy_only": true});
    let busy = carol.post("/api/v1/me/feeds").json(&busy).expect(201).await;
    let of_busy = format!("/feeds/{}.ics", busy.str("/token"));
    assert_eq!(values(&feed(&anybody, &of_busy).await, "SUMMARY"), ["Busy"]);
    assert_eq!(values(&feed(&anybody, &format!("{of_busy}?lang=fr")).await, "SUMMARY"), ["Occupé"]);
    // When each was last used; never the secrets.
    let listed = carol.get("/api/v1/me/feeds?include=total").expect(200).await;
    assert_eq!(listed.each("/name"), ["For the office", "My phone"]);
    assert_eq!(listed.json["total"], 2);
    assert_eq!(listed.each("/last_used_at"), ["2027-01-15T10:00:01Z", "2027-01-15T10:00:00Z"]);
    assert!(!listed.text.contains("klf_"));
    // Access that is taken away is gone at once, and so is the feed.
    alice.delete(&format!("/api/v1/calendars/{team}/permissions/{}", carol.id)).expect(204).await;
    let now = anybody.get(&path).header("if-none-match", &got.etag()).expect(200).await;
    assert_eq!(values(&now, "SUMMARY"), ["Dentist"]);
    let id = made.id();
    alice.delete(&format!("/api/v1/me/feeds/{id}")).send().await.expect_problem("not-found");
    carol.delete(&format!("/api/v1/me/feeds/{id}")).expect(204).await;
    carol.delete(&format!("/api/v1/me/feeds/{id}")).expect(204).await;
    anybody.get(&path).send().await.expect_problem("not-found");
    anybody.get(&path).header("if-none-match", &now.etag()).send().await.expect_problem("not-found");
    feed(&anybody, &of_busy).await;
    anybody.get("/feeds/klf_nothing.ics").send().await.expect_problem("not-found");
}

#[tokio::test]
async fn what_a_secret_feed_shows_no_more_is_gone_for_those_who_ask_by_date_too() {
    let world = World::new().await;
    let (alice, carol) = (world.alice().await, world.carol().await);
    event(&carol, &json!({"title": "Dentist", "start": "2027-03-23T09:00:00"})).await;
    world.advance(10);
    let team = calendar(&alice, &json!({"name": "Team"})).await;
    share(&alice, &format!("calendars/{team}"), &carol, "viewer").await;
    event(&alice, &json!({"calendar_id": team, "title": "Standup", "start": "2027-03-22T09:00:00"})).await;
    let made = carol.post("/api/v1/me/feeds").json(&json!({"name": "My phone"})).expect(201).await;
    let path = format!("/feeds/{}.ics", made.str("/token"));
    world.advance(120);
    let (anybody, alice) = (world.anonymous(), world.alice().await);
    let before = feed(&anybody, &path).await;
    assert_eq!(values(&before, "SUMMARY"), ["Dentist", "Standup"]);
    let date = before.header("last-modified").unwrap_or("Fri, 15 Jan 2027 10:02:00 GMT").to_owned();
    alice.delete(&format!("/api/v1/calendars/{team}/permissions/{}", carol.id)).expect(204).await;
    let now = anybody.get(&path).header("if-modified-since", &date).expect(200).await;
    assert_eq!(values(&now, "SUMMARY"), ["Dentist"]);
}

#[tokio::test]
async fn whoever_signed_in_is_told_no_date_since_less_may_be_theirs_without_a_change() {
    let world = World::new().await;
    let (alice, carol) = (world.alice().await, world.carol().await);
    let club = public_calendar(&alice).await;
    let party =
        event(&alice, &json!({"calendar_id": club, "title": "Party", "start": "2027-03-22T19:30:00"})).await.id();
    for path in [format!("/calendars/{club}.ics"), format!("/events/{party}.ics")] {
        assert!(feed(&world.anonymous(), &path).await.header("last-modified").is_some(), "{path}");
        let hers = feed(&carol, &path).await;
        assert!(hers.header("last-modified").is_none() && hers.header("etag").is_some(), "{path}");
    }
}

#[tokio::test]
async fn a_quiet_calendar_is_not_sent_again_every_day_once_the_log_has_let_go_of_it() {
    const DAY: i64 = 24 * 3_600;
    let world = World::new().await;
    let prune = async || {
        let began = std::time::Instant::now();
        loop {
            let gone: Result<u64, kalends_db::Error> =
                world.db.write(world.now(), |tx, now| Box::pin(sync::prune(tx, *now, 90))).await;
            if gone.expect("pruned") > 0 {
                return;
            }
            assert!(began.elapsed() < std::time::Duration::from_secs(20), "nothing is let go of");
        }
    };
    let alice = world.alice().await;
    let id = public_calendar(&alice).await;
    let path = format!("/calendars/{id}.ics");
    let made = event(&alice, &json!({"calendar_id": id, "title": "One", "start": "2027-03-22T19:30:00"})).await.id();
    world.advance(91 * DAY);
    prune().await;
    // Not anonymous: those are answered from memory for a second, whatever the clock says.
    let first = feed(&world.alice().await, &path).await;
    for _ in 0..3 {
        world.advance(DAY);
        world.alice().await.get(&path).header("if-none-match", &first.etag()).expect(304).await;
    }
    // A change that the log has let go of again before anybody asked is seen all the same.
    let alice = world.alice().await;
    alice.patch(&format!("/api/v1/events/{made}")).json(&json!({"title": "Two"})).expect(200).await;
    world.advance(91 * DAY);
    prune().await;
    let now = world.alice().await.get(&path).header("if-none-match", &first.etag()).expect(200).await;
    assert_eq!(values(&now, "SUMMARY"), ["Two"]);
}

#[tokio::test]
async fn the_feed_of_a_disabled_account_is_gone() {
    let world = World::new().await;
    let (carol, admin) = (world.carol().await, world.admin().await);
    let made = carol.post("/api/v1/me/feeds").json(&json!({"name": "phone"})).expect(201).await;
    let path = format!("/feeds/{}.ics", made.str("/token"));
    feed(&world.anonymous(), &path).await;
    admin.patch(&format!("/api/v1/users/{}", carol.id)).json(&json!({"disabled": true})).expect(200).await;
    world.anonymous().get(&path).send().await.expect_problem("not-found");
}

#[tokio::test]
async fn a_feed_of_an_administrator_does_not_show_other_peoples_calendars() {
    let world = World::new().await;
    let (alice, admin) = (world.alice().await, world.admin().await);
    event(&alice, &json!({"title": "Secret", "start": "2027-03-22T09:00:00"})).await;
    let all = admin.post("/api/v1/me/feeds").json(&json!({"name": "a"})).expect(201).await;
    let named = json!({"name": "b", "calendar_ids": [alice.calendar]});
    // As an administrator one sees the calendar by its id; what is put into an address is less.
    let named = admin.post("/api/v1/me/feeds").json(&named).expect(201).await;
    for made in [all, named] {
        let got = feed(&world.anonymous(), &format!("/feeds/{}.ics", made.str("/token"))).await;
        assert!(!got.text.contains("BEGIN:VEVENT"), "{}", got.text);
    }
}

#[tokio::test]
async fn what_is_wrong_with_a_feed_to_be_is_said_all_at_once() {
    let world = World::new().await;
    let (alice, carol) = (world.alice().await, world.carol().await);
    let body = json!({"name": "", "calendar_ids": ["x", alice.calendar], "busy_only": 1});
    let refused = carol.post("/api/v1/me/feeds").json(&body).send().await.expect_problem("invalid");
    let pointers: Vec<String> = refused.errors().into_iter().map(|(pointer, _)| pointer).collect();
    assert_eq!(pointers, ["/busy_only", "/calendar_ids/0", "/name"]);
    let unseen = json!({"name": "x", "calendar_ids": [carol.calendar, alice.calendar]});
    let refused = carol.post("/api/v1/me/feeds").json(&unseen).send().await.expect_problem("invalid");
    assert_eq!(refused.errors(), [("/calendar_ids/1".to_owned(), "not-found".to_owned())]);
    let token = carol.post("/api/v1/me/tokens").json(&json!({"name": "t", "scopes": ["write"]})).expect(201).await;
    let program = carol.with_token(token.str("/token"));
    program.post("/api/v1/me/feeds").json(&json!({"name": "x"})).send().await.expect_problem("scope-needed");
}
