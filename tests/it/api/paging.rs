//! Lists of events: filters, orders, pages.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use kalends_kernel::{CalendarId, Ids};
use kalends_testkit::{Person, World};
use serde_json::{Value, json};

use super::given::{calendar, choir, event};

fn at(title: &str, start: &str, end: &str) -> Value {
    json!({"title": title, "start": start, "end": end, "time_zone": "UTC"})
}

/// One text of every row of a list, page by page, with something happening between the pages.
async fn all(person: &Person, question: &str, pointer: &str, between: impl AsyncFn()) -> Vec<String> {
    let (mut found, mut cursor) = (Vec::new(), String::new());
    for _ in 0..50 {
        let page = person.get(&format!("/api/v1/events?{question}{cursor}")).expect(200).await;
        found.extend(page.each(pointer));
        let Some(next) = page.json["next_cursor"].as_str() else { return found };
        cursor = format!("&cursor={next}");
        between().await;
    }
    panic!("the list has no end: {found:?}");
}

#[tokio::test]
async fn a_window_takes_what_overlaps_it_and_not_what_touches_it() {
    let world = World::new().await;
    let alice = world.alice().await;
    for body in [
        at("before", "2027-05-03T08:00:00", "2027-05-03T10:00:00"),
        at("into", "2027-05-03T09:00:00", "2027-05-03T10:30:00"),
        at("inside", "2027-05-03T10:30:00", "2027-05-03T11:00:00"),
        at("around", "2027-05-03T09:30:00", "2027-05-03T13:00:00"),
        at("two weeks", "2027-04-25T00:00:00", "2027-05-09T00:00:00"),
        at("two years", "2026-01-01T00:00:00", "2028-01-01T00:00:00"),
        at("after", "2027-05-03T12:00:00", "2027-05-03T13:00:00"),
    ] {
        event(&alice, &body).await;
    }
    let expected = ["two years", "two weeks", "into", "around", "inside"];
    let window = "from=2027-05-03T10:00:00Z&to=2027-05-03T12:00:00Z";
    for question in [
        window.to_owned(),
        format!("{window}&expand=true"),
        format!("{window}&limit=2"),
        format!("{window}&expand=true&limit=2"),
    ] {
        assert_eq!(all(&alice, &question, "/title", async || {}).await, expected, "{question}");
    }
    let total = alice.get(&format!("/api/v1/events?{window}&include=total&limit=1")).expect(200).await;
    assert_eq!(total.json["total"], json!(5));
    let offset = "from=2027-05-03T12:00:00%2B02:00&to=2027-05-03T14:00:00%2B02:00";
    assert_eq!(alice.get(&format!("/api/v1/events?{offset}")).expect(200).await.each("/title"), expected);
    let open = alice.get("/api/v1/events?from=2027-05-03T12:30:00Z").expect(200).await;
    assert_eq!(open.each("/title"), ["two years", "two weeks", "around", "after"]);
}

#[tokio::test]
async fn expanded_lists_give_instances_in_order() {
    let world = World::new().await;
    let alice = world.alice().await;
    let series = event(&alice, &choir()).await;
    event(&alice, &at("Concert", "2027-03-29T18:00:00", "2027-03-29T19:00:00")).await;
    let path = format!("/api/v1/events/{}/instances", series.id());
    alice.patch(&format!("{path}/20270405T193000")).json(&json!({"start": "2027-03-28T08:00:00"})).expect(200).await;
    alice.delete(&format!("{path}/20270412T193000")).expect(204).await;
    let question = "from=2027-03-23T00:00:00Z&to=2027-04-20T00:00:00Z&expand=true&limit=1";
    assert_eq!(
        all(&alice, question, "/start", async || {}).await,
        [
            "2027-03-28T08:00:00+02:00",
            "2027-03-29T19:30:00+02:00",
            "2027-03-29T18:00:00+00:00",
            "2027-04-19T19:30:00+02:00"
        ]
    );
    let mondays = format!("{question}&weekday=mo").replace("limit=1", "limit=10");
    assert_eq!(all(&alice, &mondays, "/title", async || {}).await, ["Choir", "Concert", "Choir"]);
    assert_eq!(
        all(&alice, "from=2027-04-12T00:00:00Z&to=2027-04-13T00:00:00Z", "/title", async || {}).await,
        Vec::<String>::new()
    );
}

#[tokio::test]
async fn each_filter_takes_what_it_says() {
    let world = World::new().await;
    let (alice, bob) = (world.alice().await, world.bob().await);
    let club = calendar(&alice, &json!({"name": "Club"})).await;
    super::given::share(&alice, &format!("calendars/{club}"), &bob, "editor").await;
    let mut monday = at("Monday", "2027-05-03T10:00:00", "2027-05-03T11:00:00");
    monday["categories"] = json!(["Öffentlich", "music"]);
    let monday = event(&alice, &monday).await;
    let mut tuesday = at("Tuesday", "2027-05-04T10:00:00", "2027-05-04T11:00:00");
    tuesday["calendar_id"] = json!(club);
    tuesday["state"] = json!("draft");
    let tuesday = event(&alice, &tuesday).await;
    let mut his = at("Bob's", "2027-05-05T10:00:00", "2027-05-05T11:00:00");
    his["calendar_id"] = json!(club);
    event(&bob, &his).await;
    for (question, expected) in [
        (format!("calendar_id={club}"), vec!["Tuesday", "Bob's"]),
        (format!("ids={},{}", tuesday.id(), monday.id()), vec!["Monday", "Tuesday"]),
        ("state=draft".into(), vec!["Tuesday"]),
        ("state=published".into(), vec!["Monday", "Bob's"]),
        ("mine=true".into(), vec!["Monday", "Tuesday"]),
        ("mine=false".into(), vec!["Monday", "Tuesday", "Bob's"]),
        ("category=%C3%96FFENTLICH".into(), vec!["Monday"]),
        ("category=Music".into(), vec!["Monday"]),
        ("weekday=tu".into(), vec!["Tuesday"]),
        ("weekday=3".into(), vec!["Bob's"]),
        ("state=draft&weekday=mo".into(), vec![]),
        ("sort=-start".into(), vec!["Bob's", "Tuesday", "Monday"]),
        ("sort=title".into(), vec!["Bob's", "Monday", "Tuesday"]),
        ("sort=-title".into(), vec!["Tuesday", "Monday", "Bob's"]),
        (format!("calendar_id={}", bob.calendar), vec![]),
    ] {
        let list = alice.get(&format!("/api/v1/events?{question}&include=total")).expect(200).await;
        assert_eq!(list.each("/title"), expected, "{question}");
        assert_eq!(list.json["total"], json!(expected.len()), "{question}");
    }
    assert_eq!(world.anonymous().get("/api/v1/events?mine=true").expect(200).await.items().len(), 0);
}

#[tokio::test]
async fn pages_neither_repeat_nor_skip_while_others_come_and_go() {
    let world = World::new().await;
    let alice = world.alice().await;
    let mut ids = Vec::new();
    // Many with the same key: the id decides.
    for number in 0..12 {
        let day = 1 + number / 4;
        let body =
            at(&format!("{}", number % 3), &format!("2027-06-0{day}T10:00:00"), &format!("2027-06-0{day}T11:00:00"));
        ids.push(event(&alice, &body).await.id());
        world.advance(i64::from(number % 2));
    }
    for sort in ["start", "-start", "title", "-title", "created_at", "-created_at", "updated_at", "-updated_at"] {
        let question = format!("sort={sort}&limit=5");
        let extra = async || {
            // One that comes and goes, at either end.
            for start in ["2020-01-01T00:00:00", "2040-01-01T00:00:00"] {
                let made = event(&alice, &at("zz", start, start)).await;
                alice.delete(&format!("/api/v1/events/{}", made.id())).expect(204).await;
            }
        };
        let mut found = all(&alice, &question, "/id", extra).await;
        found.sort();
        let mut expected = ids.clone();
        expected.sort();
        assert_eq!(found, expected, "{sort}");
    }
    // A row that is deleted behind the reader does not move the others.
    let ids = alice.get("/api/v1/events").expect(200).await.each("/id");
    let first = alice.get("/api/v1/events?limit=4").expect(200).await;
    alice.delete(&format!("/api/v1/events/{}", ids[0])).expect(204).await;
    let rest = alice.get(&format!("/api/v1/events?limit=50&cursor={}", first.str("/next_cursor"))).expect(200).await;
    assert_eq!(rest.each("/id"), ids[4..].to_vec());
}

#[tokio::test]
async fn a_cursor_belongs_to_its_question() {
    let world = World::new().await;
    let alice = world.alice().await;
    for _ in 0..3 {
        event(&alice, &at("x", "2027-06-01T10:00:00", "2027-06-01T11:00:00")).await;
    }
    let cursor = alice.get("/api/v1/events?limit=1").expect(200).await.str("/next_cursor").to_owned();
    alice.get(&format!("/api/v1/events?limit=2&cursor={cursor}")).expect(200).await;
    for other in ["sort=title", "mine=true", "from=2027-01-01T00:00:00Z"] {
        let refused =
            alice.get(&format!("/api/v1/events?{other}&cursor={cursor}")).send().await.expect_problem("invalid");
        assert_eq!(refused.errors()[0].0, "?cursor", "{other}");
    }
    alice.get(&format!("/api/v1/calendars?cursor={cursor}")).send().await.expect_problem("invalid");
}

#[tokio::test]
async fn the_longest_titles_have_pages_too() {
    let world = World::new().await;
    let alice = world.alice().await;
    for letter in ["😀", "ü", "\\"] {
        event(&alice, &at(&letter.repeat(500), "2027-06-01T10:00:00", "2027-06-01T11:00:00")).await;
    }
    for sort in ["title", "-title"] {
        assert_eq!(all(&alice, &format!("sort={sort}&limit=1"), "/title", async || {}).await.len(), 3);
    }
}

#[tokio::test]
async fn a_cursor_that_somebody_changed_is_no_error_of_ours() {
    let world = World::new().await;
    let alice = world.alice().await;
    for _ in 0..2 {
        event(&alice, &at("x", "2027-06-01T10:00:00", "2027-06-01T11:00:00")).await;
    }
    for question in ["sort=title", "sort=start", "expand=true&from=2027-01-01T00:00:00Z&to=2028-01-01T00:00:00Z"] {
        let cursor =
            alice.get(&format!("/api/v1/events?{question}&limit=1")).expect(200).await.str("/next_cursor").to_owned();
        let whole = URL_SAFE_NO_PAD.decode(&cursor).expect("base64");
        let whole: Value = serde_json::from_slice(&whole).expect("JSON");
        for (name, value) in [
            ("key", json!("\u{0}")),
            ("key", json!("x")),
            ("key", json!("9".repeat(30))),
            ("part", json!("\u{0}")),
            ("id", json!("x")),
        ] {
            let mut changed = whole.clone();
            changed[name] = value;
            let cursor = URL_SAFE_NO_PAD.encode(changed.to_string());
            let reply = alice.get(&format!("/api/v1/events?{question}&limit=1&cursor={cursor}")).send().await;
            assert!(reply.status.as_u16() < 500, "{changed}: {}", reply.text);
        }
    }
}

#[tokio::test]
async fn a_server_may_have_thousands_of_public_calendars() {
    let world = World::new().await;
    let (boss, anyone) = (world.admin().await, world.anonymous());
    let open = calendar(&boss, &json!({"name": "Open", "visibility": "public"})).await;
    for title in ["Concert", "Market"] {
        let body = json!({"title": title, "start": "2027-05-03T20:00:00Z", "calendar_id": open, "recurrence": ["RRULE:FREQ=DAILY;COUNT=2"]});
        event(&boss, &body).await;
    }
    let like: CalendarId = open.parse().expect("an id");
    let made = world.app().db.write((like, Ids::at(world.now())), |tx, (like, ids)| {
        Box::pin(async move {
            for _ in 0..5_000 {
                kalends_db::sql(
                    "INSERT INTO calendars (id, name, description, color, time_zone, visibility, review, conflicts, owner_id, is_default,
                         version, created_at, updated_at, deleted_at)
                     SELECT $1, name, description, color, time_zone, visibility, review, conflicts, owner_id, is_default,
                         version, created_at, updated_at, deleted_at FROM calendars WHERE id = $2",
                )
                .bind(ids.uuid())
                .bind(*like)
                .run(tx)
                .await?;
            }
            Ok::<(), kalends_db::Error>(())
        })
    });
    made.await.expect("made");

    let month = "from=2027-05-01T00:00:00Z&to=2027-06-01T00:00:00Z";
    for person in [&anyone, &boss] {
        for question in [month, &format!("{month}&expand=true"), "q=concert", "q=concert&category=none", "sort=title"] {
            person.get(&format!("/api/v1/events?{question}")).expect(200).await;
        }
    }
    assert_eq!(anyone.get(&format!("/api/v1/events?{month}&expand=true")).expect(200).await.each("/title").len(), 4);
    assert_eq!(anyone.get("/api/v1/events?q=concert").expect(200).await.each("/title"), ["Concert"]);
}
