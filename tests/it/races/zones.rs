//! A calendar's zone changes while events are made in it: they all stand where the zone says.

use std::sync::atomic::Ordering;

use kalends_core::check;
use kalends_db::Engine;
use kalends_testkit::World;
use serde_json::json;
use tokio::task::JoinSet;

use super::unguarded::Unguarded;

/// How many times something was found that is not where the calendar's zone says.
async fn astray(world: &World, rounds: usize) -> usize {
    let alice = world.alice().await;
    let club = alice.post("/api/v1/calendars").json(&json!({"name": "Club"})).expect(201).await.id();
    let mut found = 0;
    for round in 0..rounds {
        let zone = ["Asia/Tokyo", "America/New_York"][round % 2];
        let mut sent = JoinSet::new();
        for day in 1..=6 {
            let body =
                json!({"title": "Holiday", "all_day": true, "start": format!("2027-05-0{day}"), "calendar_id": club});
            sent.spawn(alice.post("/api/v1/events").json(&body).send());
            if day == 3 {
                let body = json!({"time_zone": zone});
                sent.spawn(alice.patch(&format!("/api/v1/calendars/{club}")).json(&body).send());
            }
        }
        while let Some(reply) = sent.join_next().await {
            let reply = reply.expect("it ends");
            assert!(reply.status.is_success(), "{}", reply.text);
        }
        let mut conn = world.db.reader().await.expect("a reader");
        found += usize::from(!check::run(&mut conn).await.expect("an answer").is_empty());
    }
    found
}

#[tokio::test]
async fn events_that_are_made_while_the_zone_changes_are_in_the_new_one() {
    for engine in [Engine::Postgres, Engine::Sqlite] {
        let world = World::builder().on(engine).start().await;
        assert_eq!(astray(&world, 12).await, 0, "on {engine:?}");
    }
}

/// The control: an event is made with the zone that was read, though another one is committed before it is.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_keeping_the_calendar_some_are_in_the_zone_of_before() {
    let unguarded = Unguarded::database(&[(" FOR SHARE", "          ")]).await;
    let world = World::builder().over(unguarded.db).start().await;
    let mut found = 0;
    for _ in 0..20 {
        found += astray(&world, 10).await;
        if found > 0 {
            break;
        }
    }
    assert!(unguarded.lost.load(Ordering::SeqCst) > 0 && found > 0);
}
