//! A series that many split at once keeps every instance exactly once.

use kalends_db::Engine;
use kalends_testkit::{Person, World};
use serde_json::json;
use tokio::task::JoinSet;

use super::is_sound;

/// Sixty mornings across the change of the clocks.
fn mornings() -> Vec<String> {
    let first = jiff::civil::date(2027, 3, 1);
    first.series(jiff::Span::new().days(1)).take(60).map(|day| day.to_string()).collect()
}

/// The days on which something stands in the calendar, from all events together.
async fn days(alice: &Person) -> Vec<String> {
    let all = alice
        .get("/api/v1/events?from=2027-01-01T00:00:00Z&to=2028-01-01T00:00:00Z&expand=true&limit=500")
        .expect(200)
        .await;
    let starts = all.each("/start");
    assert!(starts.iter().all(|start| start.get(10..19) == Some("T09:00:00")), "{starts:?}");
    starts.iter().map(|start| start.chars().take(10).collect()).collect()
}

#[tokio::test]
async fn parallel_splits_keep_every_instance_exactly_once() {
    for engine in [Engine::Postgres, Engine::Sqlite] {
        let world = World::builder().on(engine).start().await;
        let alice = world.alice().await;
        let series = json!({"title": "Morning", "start": "2027-03-01T09:00:00", "end": "2027-03-01T10:00:00", "time_zone": "Europe/Zurich",
            "recurrence": ["RRULE:FREQ=DAILY;COUNT=60"]});
        let id = alice.post("/api/v1/events").json(&series).expect(201).await.id();
        assert_eq!(days(&alice).await, mornings());
        // Neither forwards nor backwards: each order alone would be too easy for one of the two cases below.
        let mornings_of_splits = (0..15).map(|n| 2 + 4 * (14 - n * 4 % 15));
        let splits = mornings_of_splits.map(|n| {
            let path =
                format!("/api/v1/events/{id}/instances/{}T090000?scope=following", mornings()[n].replace('-', ""));
            alice.patch(&path).json(&json!({"title": format!("Morning from {n}")}))
        });
        let mut splits: JoinSet<_> = splits.map(kalends_testkit::Request::send).collect();
        let (mut done, mut gone) = (0, 0);
        while let Some(reply) = splits.join_next().await {
            let reply = reply.expect("it ends");
            match reply.status.as_u16() {
                // The days of a later split belong to another event once an earlier one was quicker.
                404 => gone += 1,
                _ => {
                    reply.expect(200);
                    done += 1;
                }
            }
        }
        println!("{engine:?}: {done} splits, {gone} came too late");
        assert!(done >= 1 && done + gone == 15);
        assert_eq!(days(&alice).await, mornings(), "{done} splits on {engine:?}");
        let events = alice.get("/api/v1/events?limit=500").expect(200).await;
        assert_eq!(events.items().len(), done + 1, "every split that was answered has made its event");
        is_sound(&world.db).await;
    }
}
