//! Every problem code is produced by a real request, or stands in a list with the reason why none can from outside.

use std::collections::BTreeSet;

use kalends_testkit::{Person, Reply, World};
use serde_json::json;

/// What no request brings about in a test.
const NOT_FROM_OUTSIDE: &[(&str, &str)] = &[
    ("internal", "a fault of ours: known ones are repaired"),
    ("busy", "needs a database that does not answer, or more writers than the queue holds"),
    ("storage-full", "needs a full disk"),
    ("not-acceptable", "nothing looks at Accept yet; for what the framework may answer"),
    (
        "idempotency-in-progress",
        "needs a twin that runs for more than 3 seconds; tests/it/races tries it with a row held by hand",
    ),
];

#[tokio::test]
async fn every_problem_code_is_produced_or_has_a_reason() {
    let world = World::new().await;
    let (alice, bob, carol) = (world.alice().await, world.bob().await, world.carol().await);
    let mut produced = BTreeSet::new();
    for reply in [
        accounts(&world, &alice).await,
        calendars(&alice, &bob, &carol).await,
        events(&alice, &bob).await,
        conventions(&alice).await,
        // The last: it makes the change log another one.
        vec![gone(&world, &alice).await],
    ]
    .concat()
    {
        let slug = reply.json["type"].as_str().expect("a problem").trim_start_matches("/problems/").to_owned();
        let reply = reply.expect_problem(&slug);
        assert!(reply.json["title"].is_string() && reply.json["status"].is_u64(), "{}", reply.text);
        let has_detail = reply.json["detail"].as_str().is_some_and(|detail| detail.len() > 10);
        assert!(has_detail || reply.status.is_server_error(), "{}", reply.text);
        assert!(reply.header("x-request-id").is_some());
        produced.insert(slug);
    }
    // Settings of their own.
    let closed = World::builder().set("accounts.self_registration", "false").with_rate_limits().start().await;
    let somebody = closed.anonymous();
    let new = json!({"username": "new", "email": "new@example.org", "password": "correct horse"});
    somebody.post("/api/v1/auth/register").json(&new).send().await.expect_problem("sign-up-closed");
    let mut limited = somebody.post("/api/v1/auth/register").json(&new).send().await;
    for _ in 0..50 {
        limited = somebody.post("/api/v1/auth/register").json(&new).send().await;
    }
    let limited = limited.expect_problem("too-many-requests");
    assert!(limited.header("retry-after").is_some_and(|seconds| seconds.parse::<u32>().is_ok()));
    produced.extend(["sign-up-closed".to_owned(), "too-many-requests".to_owned()]);

    let all: BTreeSet<String> = kalends_rest::codes::ALL.iter().map(|code| code.slug.to_owned()).collect();
    let excused: BTreeSet<String> = NOT_FROM_OUTSIDE.iter().map(|(slug, _)| (*slug).to_owned()).collect();
    let missing: Vec<&String> = all.difference(&produced).filter(|slug| !excused.contains(*slug)).collect();
    assert!(missing.is_empty(), "no request produces {missing:?}");
    let needless: Vec<&String> =
        excused.iter().filter(|slug| produced.contains(*slug) || !all.contains(*slug)).collect();
    assert!(needless.is_empty(), "{needless:?} need no excuse");
    // Each has its page.
    for slug in &all {
        let page = alice.get(&format!("/problems/{slug}")).expect(200).await;
        assert!(page.header("content-type").is_some_and(|media| media.starts_with("text/html")), "{slug}");
    }
}

async fn accounts(world: &World, alice: &Person) -> Vec<Reply> {
    let (nobody, admin) = (world.anonymous(), world.admin().await);
    let token = alice.post("/api/v1/me/tokens").json(&json!({"name": "t", "scopes": ["read"]})).expect(201).await;
    let reader = alice.with_token(token.str("/token"));
    vec![
        nobody.get("/api/v1/me").send().await.expect_problem("sign-in-needed"),
        nobody.with_token("kla_never").get("/api/v1/me").send().await.expect_problem("bad-token"),
        nobody
            .post("/api/v1/auth/login")
            .json(&json!({"login": "alice", "password": "wrong horse"}))
            .send()
            .await
            .expect_problem("bad-credentials"),
        reader.post("/api/v1/calendars").json(&json!({"name": "x"})).send().await.expect_problem("scope-needed"),
        nobody
            .post("/api/v1/auth/register")
            .json(&json!({"username": "ALICE", "email": "x@example.org", "password": "correct horse"}))
            .send()
            .await
            .expect_problem("username-taken"),
        nobody
            .post("/api/v1/auth/register")
            .json(&json!({"username": "x", "email": "Alice@example.org", "password": "correct horse"}))
            .send()
            .await
            .expect_problem("email-taken"),
        admin
            .patch(&format!("/api/v1/users/{}", admin.id))
            .json(&json!({"role": "user"}))
            .send()
            .await
            .expect_problem("last-admin"),
    ]
}

async fn calendars(alice: &Person, bob: &Person, carol: &Person) -> Vec<Reply> {
    let id = alice.post("/api/v1/calendars").json(&json!({"name": "Choir"})).expect(201).await.id();
    let share = json!({"users": [{"username": "carol", "role": "viewer"}]});
    alice.post(&format!("/api/v1/calendars/{id}/share")).json(&share).expect(200).await;
    vec![
        bob.get(&format!("/api/v1/calendars/{id}")).send().await.expect_problem("not-found"),
        carol.delete(&format!("/api/v1/calendars/{id}")).send().await.expect_problem("forbidden"),
        bob.post("/api/v1/calendars")
            .json(&json!({"name": "x", "visibility": "public"}))
            .send()
            .await
            .expect_problem("role-needed"),
        alice
            .delete(&format!("/api/v1/calendars/{id}/permissions/{}", alice.id))
            .send()
            .await
            .expect_problem("last-owner"),
        alice.delete(&format!("/api/v1/calendars/{}", alice.calendar)).send().await.expect_problem("default-calendar"),
        alice
            .delete(&format!("/api/v1/calendars/{id}"))
            .header("if-match", "\"99-0\"")
            .send()
            .await
            .expect_problem("precondition-failed"),
    ]
}

async fn events(alice: &Person, bob: &Person) -> Vec<Reply> {
    let reviewed =
        alice.post("/api/v1/calendars").json(&json!({"name": "School", "review": "required"})).expect(201).await.id();
    let share = json!({"users": [{"username": "bob", "role": "editor"}]});
    alice.post(&format!("/api/v1/calendars/{reviewed}/share")).json(&share).expect(200).await;
    let published =
        json!({"calendar_id": reviewed, "title": "Exam", "start": "2027-03-01T09:00:00", "state": "published"});
    let published = alice.post("/api/v1/events").json(&published).expect(201).await.id();

    let series = json!({"title": "Choir", "start": "2027-03-01T09:00:00", "end": "2027-03-01T10:00:00", "uid": "choir@example.org",
        "recurrence": ["RRULE:FREQ=WEEKLY;COUNT=5"], "overrides": [{"original_start": "2027-03-29T09:00:00", "cancelled": true}]});
    let id = alice.post("/api/v1/events").json(&series).expect(201).await.id();
    let path = format!("/api/v1/events/{id}");
    alice.patch(&path).json(&json!({"title": "Rehearsal"})).expect(200).await;
    // Two seconds later each day: the third of these Mondays is the last for 700 years.
    let drifting = |seconds: &str| {
        let rule = format!("RRULE:FREQ=SECONDLY;INTERVAL=86402;BYDAY=MO,TH;BYHOUR=9;BYMINUTE=0;BYSECOND={seconds}");
        json!({"title": "Drifting", "start": "2027-03-01T09:00:00", "recurrence": [rule]})
    };
    let silent = alice.post("/api/v1/events").json(&drifting("0,14,28")).expect(201).await.id();
    let sparse = drifting("0");
    // Each is silent for four hundred years, and only that is looked at.
    let calendar = alice.post("/api/v1/calendars").json(&json!({"name": "Silence"})).expect(201).await.id();
    for _ in 0..30 {
        let mut body = drifting("0,14,28");
        body["calendar_id"] = calendar.clone().into();
        alice.post("/api/v1/events").json(&body).expect(201).await;
    }
    let window = "from=2027-04-01T00:00:00Z&to=2427-01-01T00:00:00Z";
    let silence = format!("/api/v1/events?calendar_id={calendar}&expand=true&{window}");
    vec![
        alice.get(&silence).send().await.expect_problem("too-much-work"),
        bob.patch(&format!("/api/v1/events/{published}"))
            .json(&json!({"title": "x"}))
            .send()
            .await
            .expect_problem("review-required"),
        alice.post("/api/v1/events").json(&series).send().await.expect_problem("uid-taken"),
        alice
            .patch(&path)
            .json(&json!({"title": "Concert", "base_version": 1}))
            .send()
            .await
            .expect_problem("edit-conflict"),
        alice
            .post(&format!("{path}/state"))
            .json(&json!({"state": "review"}))
            .send()
            .await
            .expect_problem("wrong-state"),
        alice
            .patch(&path)
            .json(&json!({"recurrence": ["RRULE:FREQ=WEEKLY;COUNT=2"]}))
            .send()
            .await
            .expect_problem("orphaned-overrides"),
        alice
            .put(&path)
            .json(&json!({"title": "x", "start": "2027-03-01T09:00:00"}))
            .send()
            .await
            .expect_problem("precondition-required"),
        alice.post("/api/v1/events").json(&json!({"start": "nonsense"})).send().await.expect_problem("invalid"),
        alice.post("/api/v1/events").json(&sparse).send().await.expect_problem("recurrence-too-sparse"),
        alice
            .post("/api/v1/conflicts")
            .json(&json!({"start": "2027-03-01T09:00:00", "end": "2027-03-01T09:00:01", "recurrence": ["RRULE:FREQ=SECONDLY"]}))
            .send()
            .await
            .expect_problem("too-much-to-check"),
        alice
            .post("/api/v1/events")
            .json(&json!({"title": "x", "start": "2027-03-01T09:30:00", "end": "2027-03-01T09:31:00", "on_conflict": "reject"}))
            .send()
            .await
            .expect_problem("conflict"),
        alice
            .get(&format!(
                "/api/v1/events?ids={silent}&expand=true&from=2027-03-01T00:00:00Z&to=3627-03-01T00:00:00Z"
            ))
            .send()
            .await
            .expect_problem("recurrence-budget"),
    ]
}

async fn gone(world: &World, alice: &Person) -> Reply {
    let token = alice.get("/api/v1/changes?limit=500").expect(200).await.str("/next_token").to_owned();
    let set: Result<(), kalends_db::Error> = world
        .db
        .write((), |tx, ()| Box::pin(kalends_core::settings::set(tx, kalends_core::settings::EPOCH, "another")))
        .await;
    set.expect("set");
    alice.get(&format!("/api/v1/changes?since={token}")).send().await.expect_problem("gone")
}

async fn conventions(alice: &Person) -> Vec<Reply> {
    let first = json!({"name": "One"});
    alice.post("/api/v1/calendars").header("idempotency-key", "k").json(&first).expect(201).await;
    vec![
        alice.post("/api/v1/calendars").body("application/json", "{").send().await.expect_problem("unreadable"),
        alice.post("/api/v1/calendars").body("text/plain", "x").send().await.expect_problem("unsupported-media-type"),
        alice
            .post("/api/v1/calendars")
            .body("application/json", " ".repeat(1_100_000))
            .send()
            .await
            .expect_problem("too-large"),
        alice.put("/api/v1/calendars").json(&first).send().await.expect_problem("method-not-allowed"),
        alice
            .post("/api/v1/calendars")
            .header("idempotency-key", "k")
            .json(&json!({"name": "Two"}))
            .send()
            .await
            .expect_problem("idempotency-key-reused"),
    ]
}
