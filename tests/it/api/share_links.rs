//! Share links: several events for whoever has the address.

use kalends_core::ctx::GlobalRole;
use kalends_testkit::{Person, Reply, World};
use serde_json::{Value, json};

use super::given::{calendar, share};

async fn event(person: &Person, body: &Value) -> String {
    super::given::event(person, body).await.id()
}

/// A link to these events.
async fn link(person: &Person, more: Value, events: &[&str]) -> Reply {
    let mut body = more;
    body["event_ids"] = events.into();
    person.post("/api/v1/share-links").json(&body).expect(201).await
}

/// What it shows, through each door: as JSON, as a page, as iCalendar.
async fn opened(world: &World, made: &Reply) -> [Reply; 3] {
    let (anybody, token) = (world.anonymous(), made.str("/token"));
    let mut doors = Vec::new();
    for path in [format!("/api/v1/share-links/{token}"), format!("/s/{token}"), format!("/share-links/{token}.ics")] {
        let mut reply = anybody.get(&path).expect(200).await;
        assert_eq!(reply.header("cache-control"), Some("private, no-cache"), "{path}");
        assert_eq!(reply.header("referrer-policy"), Some("no-referrer"), "{path}");
        assert_eq!(reply.header("x-robots-tag"), Some("noindex, nofollow"), "{path}");
        reply.text = reply.text.replace("\r\n ", "");
        doors.push(reply);
    }
    doors.try_into().expect("three doors")
}

async fn shown(world: &World, made: &Reply) -> Vec<Value> {
    opened(world, made).await[0].items().iter().map(|item| item["title"].clone()).collect()
}

/// It is as if it had never been.
async fn closed(world: &World, made: &Reply) {
    let (anybody, token) = (world.anonymous(), made.str("/token"));
    anybody.get(&format!("/api/v1/share-links/{token}")).send().await.expect_problem("not-found");
    anybody.get(&format!("/share-links/{token}.ics")).send().await.expect_problem("not-found");
    let page = anybody.get(&format!("/s/{token}")).expect(404).await;
    assert_eq!(page.header("content-type"), Some("text/html; charset=utf-8"));
}

#[tokio::test]
async fn a_link_shows_several_events_to_people_without_an_account() {
    let world = World::new().await;
    let alice = world.alice().await;
    let team = calendar(&alice, &json!({"name": "Team"})).await;
    let talk = json!({"calendar_id": team, "title": "Talk", "description": "Bring <slides>", "location": "Aula", "start": "2027-03-24T18:00:00",
        "end": "2027-03-24T19:00:00", "time_zone": "Europe/Zurich", "meta": {"inner": "Tenochtitlan"}, "reminders": [10],
        "url": "https://example.org/talk", "audience": {"kind": "all", "user_ids": [alice.id]}});
    let talk = event(&alice, &talk).await;
    let choir = json!({"title": "Choir", "start": "2027-03-22T19:30:00", "end": "2027-03-22T21:00:00", "time_zone": "Europe/Zurich",
        "recurrence": ["RRULE:FREQ=WEEKLY"], "overrides": [{"original_start": "2027-03-29T19:30:00", "title": "Dress rehearsal"},
        {"original_start": "2027-04-05T19:30:00", "status": "cancelled"}]});
    let choir = event(&alice, &choir).await;
    let made = link(&alice, json!({"name": "Tour 2027"}), &[&talk, &choir]).await;
    let token = made.str("/token");
    assert_eq!(made.str("/url"), format!("{}/s/{token}", world.base()));
    assert_eq!(made.json["event_ids"], json!([talk, choir]));
    assert_eq!(made.header("cache-control"), Some("no-store"));
    let [as_json, page, feed] = opened(&world, &made).await;
    assert_eq!(as_json.json["name"], "Tour 2027");
    assert_eq!(as_json.each("/title"), ["Choir", "Talk"], "by start");
    assert_eq!(as_json.items()[1]["location"], "Aula");
    for (pointer, hidden) in [("/meta", json!({})), ("/author_id", Value::Null), ("/my_role", Value::Null)] {
        assert_eq!(as_json.items()[1].pointer(pointer), Some(&hidden), "{pointer}");
    }
    for told in [&as_json, &page, &feed] {
        assert!(!told.text.contains("Tenochtitlan") && !told.text.contains(&alice.id), "{}", told.text);
    }
    for part in [
        "<h1>Tour 2027</h1>",
        "<h2>Choir</h2>",
        "Bring &#60;slides&#62;",
        "Dress rehearsal",
        "Wednesday, 24 March 2027, 18:00–19:00",
        "Monday, 29 March 2027, 19:30–21:00",
        "Cancelled",
        "noindex",
        &format!("href=\"/share-links/{token}.ics\""),
    ] {
        assert!(page.text.contains(part), "{part}\n{}", page.text);
    }
    assert!(!page.text.contains("<script"));
    let german = world.anonymous().get(&format!("/s/{token}?lang=de")).expect(200).await;
    assert!(german.text.contains("Montag, 22. März 2027") && german.text.contains("Abgesagt"), "{}", german.text);
    for line in ["NAME:Tour 2027", "SUMMARY:Talk", "SUMMARY:Choir", "RRULE:FREQ=WEEKLY", "STATUS:CANCELLED"] {
        assert!(feed.text.lines().any(|one| one == line), "{line}\n{}", feed.text);
    }
    assert!(!feed.text.contains("VALARM") && !feed.text.contains(token), "{}", feed.text);
    // Whoever has it already is told so, until something changes.
    for path in [format!("/api/v1/share-links/{token}"), format!("/share-links/{token}.ics")] {
        let before = world.anonymous().get(&path).expect(200).await;
        world.anonymous().get(&path).header("if-none-match", &before.etag()).expect(304).await;
        alice.patch(&format!("/api/v1/events/{talk}")).json(&json!({"location": path})).expect(200).await;
        let after = world.anonymous().get(&path).header("if-none-match", &before.etag()).expect(200).await;
        assert!(after.text.contains("share-links"), "{}", after.text);
    }
}

#[tokio::test]
async fn links_are_listed_without_their_secrets_and_end_at_once() {
    let world = World::new().await;
    let (alice, mallory) = (world.alice().await, world.mallory().await);
    let talk = event(&alice, &json!({"title": "Talk", "start": "2027-03-24T18:00:00"})).await;
    let first = link(&alice, json!({}), &[&talk]).await;
    world.advance(1);
    let second =
        link(&alice, json!({"name": "B", "busy_only": true, "expires_at": "2027-02-01T00:00:00+01:00"}), &[&talk])
            .await;
    assert_eq!(first.json["name"], Value::Null);
    assert_eq!(second.json["expires_at"], "2027-01-31T23:00:00Z");
    opened(&world, &first).await;
    let listed = alice.get("/api/v1/me/share-links?include=total").expect(200).await;
    assert!(!listed.text.contains("kls_") && listed.json["total"] == 2, "{}", listed.text);
    assert_eq!(listed.each("/id"), [second.id(), first.id()], "newest first");
    let used: Vec<&Value> = listed.items().iter().map(|item| &item["last_used_at"]).collect();
    assert_eq!(used, [&Value::Null, &json!("2027-01-15T10:00:01Z")]);
    let page = alice.get("/api/v1/me/share-links?limit=1").expect(200).await;
    let next = format!("/api/v1/me/share-links?limit=1&cursor={}", page.str("/next_cursor"));
    assert_eq!(alice.get(&next).expect(200).await.each("/id"), [first.id()]);
    assert!(mallory.get("/api/v1/me/share-links").expect(200).await.items().is_empty());
    // The end of each: the one is deleted, the other is over.
    let of_first = format!("/api/v1/me/share-links/{}", first.id());
    mallory.delete(&of_first).send().await.expect_problem("not-found");
    opened(&world, &first).await;
    alice.delete(&of_first).expect(204).await;
    closed(&world, &first).await;
    alice.delete(&of_first).expect(204).await;
    assert_eq!(alice.get("/api/v1/me/share-links").expect(200).await.each("/id"), [second.id()]);
    opened(&world, &second).await;
    let over: jiff::Timestamp = "2027-01-31T23:00:00Z".parse().expect("a time");
    world.advance(over.as_second() - world.now().as_second());
    closed(&world, &second).await;
    for nothing in ["kls_nothing", "klf_3q2-7wAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "%00", "x"] {
        world.anonymous().get(&format!("/api/v1/share-links/{nothing}")).send().await.expect_problem("not-found");
        world.anonymous().get(&format!("/s/{nothing}")).expect(404).await;
    }
    // Who made and ended which.
    let path = format!("/api/v1/audit?record_id={}", first.id());
    let told = world.admin().await.get(&path).expect(200).await;
    assert_eq!(told.each("/operation"), ["deleted", "created"]);
    assert_eq!(told.each("/type"), ["share_link", "share_link"]);
    assert_eq!(told.items()[1]["detail"]["event_ids"], json!([talk]));
}

#[tokio::test]
async fn a_link_gives_no_more_than_its_maker_may_still_share() {
    let world = World::new().await;
    let (alice, bob, admin) = (world.alice().await, world.bob().await, world.admin().await);
    let team = calendar(&alice, &json!({"name": "Team", "visibility": "public"})).await;
    share(&alice, &format!("calendars/{team}"), &bob, "owner").await;
    let on = |title: &str, at: &str| json!({"calendar_id": team, "title": title, "start": format!("2027-03-24T{at}")});
    let a = event(&alice, &on("A", "18:00:00")).await;
    let b = event(&alice, &on("B", "19:00:00")).await;
    let c = event(&alice, &on("C", "20:00:00")).await;
    let own = event(&bob, &json!({"title": "Own", "start": "2027-03-25T18:00:00"})).await;
    let made = link(&bob, json!({}), &[&a, &b, &c, &own]).await;
    assert_eq!(shown(&world, &made).await, ["A", "B", "C", "Own"]);
    // Unpublished, confidential, in the trash: not in it; private: its times.
    alice.post(&format!("/api/v1/events/{a}/state")).json(&json!({"state": "draft"})).expect(200).await;
    alice.patch(&format!("/api/v1/events/{b}")).json(&json!({"visibility": "confidential"})).expect(200).await;
    alice.patch(&format!("/api/v1/events/{c}")).json(&json!({"visibility": "private"})).expect(200).await;
    assert_eq!(shown(&world, &made).await, [Value::Null, json!("Own")]);
    alice.patch(&format!("/api/v1/events/{b}")).json(&json!({"visibility": "public"})).expect(200).await;
    bob.delete(&format!("/api/v1/events/{own}")).expect(204).await;
    assert_eq!(shown(&world, &made).await, [json!("B"), Value::Null]);
    bob.post(&format!("/api/v1/events/{own}/restore")).expect(200).await;
    // An owner no more: what everybody may see is not shown either, because it is not theirs to share.
    let permission = format!("/api/v1/calendars/{team}/permissions/{}", bob.id);
    for role in ["editor", "viewer"] {
        alice.put(&permission).json(&json!({"role": role})).expect(200).await;
        assert_eq!(shown(&world, &made).await, ["Own"], "{role}");
    }
    alice.put(&permission).json(&json!({"role": "owner"})).expect(200).await;
    assert_eq!(shown(&world, &made).await, [json!("B"), Value::Null, json!("Own")]);
    // An administrator's rights are not put into an address.
    for by in [&admin, &world.carol().await] {
        let body = json!({"event_ids": [own, b]});
        let refused = by.post("/api/v1/share-links").json(&body).send().await.expect_problem("not-found");
        assert_eq!(refused.json["index"], 0);
        assert_eq!(refused.json["problems"][1]["problem"]["type"], "/problems/forbidden", "{}", refused.text);
    }
    admin.patch(&format!("/api/v1/users/{}", bob.id)).json(&json!({"role": "admin"})).expect(200).await;
    let bob = world.person("bob", GlobalRole::User).await;
    alice.delete(&permission).expect(204).await;
    assert_eq!(shown(&world, &made).await, ["Own"]);
    // Without its maker there is no link.
    admin.patch(&format!("/api/v1/users/{}", bob.id)).json(&json!({"disabled": true})).expect(200).await;
    closed(&world, &made).await;
}

#[tokio::test]
async fn what_is_wrong_with_a_link_to_be_is_said_all_at_once() {
    let world = World::new().await;
    let alice = world.alice().await;
    let talk = event(&alice, &json!({"title": "Talk", "start": "2027-03-24T18:00:00"})).await;
    let body = json!({"event_ids": ["x", talk, talk], "name": "", "expires_at": "2027-01-15T10:00:00Z", "busy_only": 1, "colour": "red"});
    let refused = alice.post("/api/v1/share-links").json(&body).send().await.expect_problem("invalid");
    let pointers: Vec<String> = refused.errors().into_iter().map(|(pointer, _)| pointer).collect();
    assert_eq!(pointers, ["/busy_only", "/colour", "/event_ids", "/event_ids/0", "/expires_at", "/name"]);
    for (events, code) in [
        (json!([]), "empty"),
        (json!([talk, talk]), "duplicate"),
        (json!(vec![&talk; 201]), "too-many"),
        (Value::Null, "required"),
    ] {
        let refused = alice
            .post("/api/v1/share-links")
            .json(&json!({"event_ids": events}))
            .send()
            .await
            .expect_problem("invalid");
        assert_eq!(refused.errors(), [("/event_ids".to_owned(), code.to_owned())]);
    }
    alice.delete(&format!("/api/v1/events/{talk}")).expect(204).await;
    alice.post("/api/v1/share-links").json(&json!({"event_ids": [talk]})).send().await.expect_problem("wrong-state");
    let token = alice.post("/api/v1/me/tokens").json(&json!({"name": "t", "scopes": ["write"]})).expect(201).await;
    let program = alice.with_token(token.str("/token"));
    program.post("/api/v1/share-links").json(&json!({"event_ids": [talk]})).send().await.expect_problem("scope-needed");
}

#[tokio::test]
async fn times_alone_never_tell_a_word() {
    const SECRET: &str = "Quetzalcoatl";
    let world = World::new().await;
    let alice = world.alice().await;
    let mut seed = 4711_u64;
    let mut next = |most: u64| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) % most
    };
    let (mut private, mut public) = (Vec::new(), Vec::new());
    for number in 0..24 {
        let day = 1 + next(27);
        let mut body = json!({"title": format!("{SECRET} {number}"), "start": format!("2027-03-{day:02}T09:00:00"), "end": format!("2027-03-{day:02}T10:00:00"),
            "time_zone": "Europe/Zurich", "uid": format!("{SECRET}-{number}@example.org")});
        for (name, value) in [
            ("description", json!(format!("{SECRET} d"))),
            ("location", json!(format!("{SECRET} l"))),
            ("url", json!(format!("https://example.org/{SECRET}"))),
            ("categories", json!([format!("{SECRET} c")])),
            ("meta", json!({SECRET: SECRET})),
            ("audience", json!({"kind": "all", "classes": [SECRET], "user_ids": [alice.id]})),
            ("status", json!("tentative")),
            ("capacity", json!(4_711_471)),
        ] {
            if next(2) == 0 {
                body[name] = value;
            }
        }
        if next(2) == 0 {
            body["recurrence"] = json!(["RRULE:FREQ=DAILY;COUNT=9"]);
            let other = format!("2027-03-{:02}T09:00:00", day + 1);
            let own = [
                json!({"original_start": other, "title": SECRET, "location": SECRET}),
                json!({"original_start": other, "cancelled": true}),
                json!({"original_start": other, "start": format!("2027-04-{day:02}T09:00:00"), "description": SECRET}),
            ];
            body["overrides"] = json!([own[usize::try_from(next(3)).expect("small")]]);
        }
        let of_private = next(2) == 0;
        body["visibility"] = if of_private { "private" } else { "public" }.into();
        let id = event(&alice, &body).await;
        if of_private {
            private.push(id)
        } else {
            public.push(id)
        };
    }
    let all: Vec<&str> = private.iter().chain(&public).map(String::as_str).collect();
    let of_private: Vec<&str> = private.iter().map(String::as_str).collect();
    for made in [link(&alice, json!({"busy_only": true}), &all).await, link(&alice, json!({}), &of_private).await] {
        for (door, told) in ["json", "page", "ics"].iter().zip(opened(&world, &made).await) {
            let said = format!("{}{:?}", told.text, told.headers).to_lowercase();
            assert!(!said.contains(&SECRET.to_lowercase()) && !said.contains("4711471"), "{door}: {said}");
            assert!(!said.contains(&alice.id), "{door}: {said}");
        }
    }
    // The negative control: without it the words are there.
    let made = link(&alice, json!({}), &all).await;
    for told in opened(&world, &made).await {
        assert!(told.text.contains(SECRET), "{}", told.text);
    }
}
