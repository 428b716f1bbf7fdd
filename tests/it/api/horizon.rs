//! The horizon of conflicts moves on with the clock, and owners are told what has come into reach.

use kalends_core::conflicts;
use kalends_testkit::{Person, World};
use serde_json::{Value, json};

use super::given::{calendar, event, fits, share};

/// What the owner was told, newest first; none is told twice, so it is asked until there are as many.
async fn reports(person: &Person, many: usize) -> Vec<Value> {
    let began = std::time::Instant::now();
    loop {
        let jobs = person.get("/api/v1/jobs?kind=conflicts").expect(200).await.items().clone();
        if jobs.len() >= many {
            let mut whole = Vec::new();
            for job in jobs {
                let id = job["id"].as_str().expect("an id");
                whole.push(person.get(&format!("/api/v1/jobs/{id}")).expect(200).await.json.clone());
            }
            return whole;
        }
        assert!(began.elapsed() < std::time::Duration::from_secs(60), "nothing is told");
    }
}

/// Moves the horizon on to the end, as this node's housekeeping does.
async fn roll(world: &World) {
    while conflicts::extend_horizon(&world.db, world.now(), 10).await.expect("a step") <= world.now() {}
}

fn to(world: &World, when: &str) {
    let when: jiff::Timestamp = when.parse().expect("a time");
    world.advance(when.as_second() - world.now().as_second());
}

/// Every twelfth year on the 20th of March; in 2039 that is a Sunday.
fn jubilee(calendar: &str) -> Value {
    json!({"calendar_id": calendar, "title": "Jubilee", "start": "2027-03-20T09:00:00", "end": "2027-03-20T12:00:00",
        "time_zone": "Europe/Zurich", "recurrence": ["RRULE:FREQ=YEARLY;INTERVAL=12"]})
}

/// Every Sunday.
fn brunch(calendar: &str) -> Value {
    json!({"calendar_id": calendar, "title": "Brunch", "start": "2027-03-21T10:00:00", "end": "2027-03-21T13:00:00",
        "time_zone": "Europe/Zurich", "recurrence": ["RRULE:FREQ=WEEKLY"]})
}

#[tokio::test]
async fn an_import_looks_as_far_ahead_as_the_server_is_told_to() {
    for (years, expected) in [("10", "created"), ("20", "refused")] {
        let world = World::builder().set("conflicts.horizon_years", years).start().await;
        let alice = world.alice().await;
        let club = calendar(&alice, &json!({"name": "Club", "conflicts": "reject"})).await;
        event(&alice, &brunch(&club)).await;
        // In twelve years it falls on a Sunday.
        let file = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//test//\r\nBEGIN:VEVENT\r\nUID:jubilee\r\nDTSTAMP:20270101T000000Z\r\n\
            SUMMARY:Jubilee\r\nDTSTART;TZID=Europe/Zurich:20270320T090000\r\nDTEND;TZID=Europe/Zurich:20270320T120000\r\n\
            RRULE:FREQ=YEARLY;INTERVAL=12\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n";
        let job = alice.import(&club, file, &[]).await;
        assert_eq!(job.json["result"][expected], 1, "{years} years: {}", job.text);
    }
}

#[tokio::test]
async fn what_comes_into_reach_is_told_to_the_owner_once() {
    let world = World::new().await;
    let (alice, bob) = (world.alice().await, world.bob().await);
    let club = calendar(&alice, &json!({"name": "Club", "conflicts": "reject"})).await;
    let quiet = calendar(&alice, &json!({"name": "Quiet", "conflicts": "ignore"})).await;
    share(&alice, &format!("calendars/{club}"), &bob, "editor").await;
    let jubilee_id = event(&bob, &jubilee(&club)).await.id();
    // Twelve years ahead nobody looks yet, so both are there.
    let brunch_id = event(&alice, &brunch(&club)).await.id();
    event(&alice, &jubilee(&quiet)).await;
    roll(&world).await;
    // A year before it comes into reach, nothing; nothing of a calendar that does not ask either.
    to(&world, "2028-03-21T00:00:00Z");
    roll(&world).await;
    let alice_then = world.alice().await;
    assert_eq!(alice_then.get("/api/v1/jobs?include=total").expect(200).await.json["total"], 0);
    to(&world, "2029-03-21T00:00:00Z");
    roll(&world).await;
    let alice = world.alice().await;
    let told = reports(&alice, 1).await;
    assert_eq!(told.len(), 1, "{told:?}");
    let job = &told[0];
    assert_eq!((&job["state"], &job["user_id"]), (&json!("done"), &json!(alice.id)));
    let result = &job["result"];
    assert_eq!(result["checked_until"], "2039-03-21T00:00:00Z");
    let mut rows: Vec<(&Value, &Value, &Value)> = result["rows"]
        .as_array()
        .expect("rows")
        .iter()
        .map(|row| (&row["event_id"], &row["with"]["event_id"], &row["with"]["start"]))
        .collect();
    rows.sort_by_key(|row| row.2.as_str());
    // Bob's time is his own: his jubilee and alice's brunch meet in the calendar that they share.
    let (jubilee_id, brunch_id) = (json!(jubilee_id), json!(brunch_id));
    let at = |hour: &str| json!(format!("2039-03-20T{hour}:00:00+01:00"));
    assert!(rows.contains(&(&brunch_id, &jubilee_id, &at("09"))), "{rows:?}");
    assert!(rows.contains(&(&jubilee_id, &brunch_id, &at("10"))), "{rows:?}");
    assert!(job["log"][0]["message"].as_str().expect("a line").contains("new conflicts"));
    // It is theirs alone, there is nothing to undo, and the next days bring no more of it.
    let bob = world.bob().await;
    assert_eq!(bob.get("/api/v1/jobs?include=total").expect(200).await.json["total"], 0);
    let path = format!("/api/v1/jobs/{}", job["id"].as_str().expect("an id"));
    bob.get(&path).send().await.expect_problem("not-found");
    alice.delete(&path).send().await.expect_problem("wrong-state");
    for _ in 0..3 {
        world.advance(86_400);
        roll(&world).await;
    }
    assert_eq!(reports(&world.alice().await, 1).await.len(), 1);
    // Who makes it now is told at once, and not by the next day's round again.
    let later = json!({"calendar_id": club, "title": "Late", "start": "2029-03-25T10:30:00", "end": "2029-03-25T11:00:00", "time_zone": "Europe/Zurich"});
    world.alice().await.post("/api/v1/events").json(&later).send().await.expect_problem("conflict");
    fits(&world).await;
}

#[tokio::test]
async fn several_nodes_tell_it_once() {
    let world = World::new().await;
    let alice = world.alice().await;
    let club = calendar(&alice, &json!({"name": "Club", "conflicts": "warn"})).await;
    event(&alice, &jubilee(&club)).await;
    event(&alice, &brunch(&club)).await;
    roll(&world).await;
    to(&world, "2029-03-21T00:00:00Z");
    // The server's own housekeeping is one more.
    let nodes: Vec<_> = (0..6)
        .map(|_| {
            let (db, now) = (world.db.clone(), world.now());
            tokio::spawn(async move { while conflicts::extend_horizon(&db, now, 10).await.expect("a step") <= now {} })
        })
        .collect();
    for node in nodes {
        node.await.expect("it ends");
    }
    assert_eq!(reports(&world.alice().await, 1).await.len(), 1);
}
