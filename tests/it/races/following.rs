//! Whoever follows over REST does not pass a commit that is still to come. PostgreSQL always.

use std::sync::Arc;

use kalends_core::ctx::{Ctx, Door};
use kalends_core::events::{self, Allowed, EventError, NewEvent};
use kalends_db::Engine;
use kalends_testkit::{Person, World};
use serde_json::{Value, json};
use tokio::sync::{Notify, Semaphore};

/// The events that a page tells of, and where to go on.
async fn page(person: &Person, since: &str) -> (Vec<String>, String) {
    let page = person.get(&format!("/api/v1/changes?limit=100&since={since}")).expect(200).await;
    let ids = page.items().iter().map(|item| item["id"].as_str().expect("an id").to_owned()).collect();
    (ids, page.str("/next_token").to_owned())
}

#[tokio::test]
async fn a_change_that_commits_late_is_not_skipped() {
    let world = World::builder().on(Engine::Postgres).start().await;
    let alice = world.alice().await;
    let mut token = alice.get("/api/v1/changes?limit=500").expect(200).await.str("/next_token").to_owned();
    let Value::Object(body) = json!({"title": "Late", "start": "2027-05-03T12:00:00", "calendar_id": alice.calendar})
    else {
        unreachable!("it is an object");
    };
    let new = NewEvent::parse(body).expect("it is right");
    let (began, go) = (Arc::new(Notify::new()), Arc::new(Semaphore::new(0)));
    let held = tokio::spawn({
        let (db, ctx) = (world.db.clone(), Ctx::system(world.now(), Door::Import));
        let args = (ctx, new, began.clone(), go.clone());
        async move {
            let made: Result<Allowed, EventError> = db
                .write(args, |tx, (ctx, new, began, go)| {
                    Box::pin(async move {
                        let made = events::create(tx, ctx, new).await?;
                        began.notify_one();
                        go.acquire().await.expect("open").forget();
                        Ok(made)
                    })
                })
                .await;
            made.expect("it commits").event.id.to_string()
        }
    });
    began.notified().await;
    // Another overtakes it: everybody can see it …
    let body = json!({"title": "Fast", "start": "2027-05-03T12:00:00"});
    let fast = alice.post("/api/v1/events").json(&body).expect(201).await.id();
    assert_eq!(alice.get("/api/v1/events").expect(200).await.items().len(), 1);
    for _ in 0..5 {
        let (ids, next) = page(&alice, &token).await;
        assert!(!ids.contains(&fast), "… but whoever follows waits for the earlier one");
        token = next;
    }
    go.add_permits(1);
    let late = held.await.expect("it ends");
    let mut told = Vec::new();
    let began = std::time::Instant::now();
    while told.len() < 2 && began.elapsed() < std::time::Duration::from_secs(20) {
        let (ids, next) = page(&alice, &token).await;
        told.extend(ids);
        token = next;
    }
    assert_eq!(told, [late, fast]);
}
