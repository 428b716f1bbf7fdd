//! Rollbacks that meet edits and each other.

use kalends_db::Engine;
use kalends_testkit::{Reply, Request, World};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::is_sound;

const ENGINES: [Engine; 2] = [Engine::Postgres, Engine::Sqlite];

async fn together(requests: impl IntoIterator<Item = Request>) -> Vec<Reply> {
    let mut all: JoinSet<Reply> = requests.into_iter().map(Request::send).collect();
    let mut replies = Vec::new();
    while let Some(reply) = all.join_next().await {
        replies.push(reply.expect("it ends"));
    }
    replies
}

fn title(event: &Value) -> &str {
    event["title"].as_str().unwrap_or_default()
}

#[tokio::test]
async fn rollbacks_and_edits_at_once_leave_a_whole_chain_and_each_rollback_is_its_version() {
    for engine in ENGINES {
        let world = World::builder().on(engine).start().await;
        let alice = world.alice().await;
        let body = json!({"title": "One", "start": "2027-03-01T09:00:00"});
        let id = alice.post("/api/v1/events").json(&body).expect(201).await.id();
        let path = format!("/api/v1/events/{id}");
        alice.patch(&path).json(&json!({"title": "Two", "location": "Aula"})).expect(200).await;
        let requests = (0..20).flat_map(|n| {
            let back =
                |to: i64| alice.post(&format!("{path}/rollback/{to}")).json(&json!({"comment": format!("to {to}")}));
            [back(1), alice.patch(&path).json(&json!({"title": format!("Edit {n}")})), back(2)]
        });
        for reply in together(requests).await {
            reply.expect(200);
        }
        let story = alice.get(&format!("{path}/changelog?limit=500")).expect(200).await;
        let mut now = json!({});
        let mut rollbacks = 0;
        for line in story.items() {
            let patch: json_patch::Patch = serde_json::from_value(line["diff"]["patch"].clone()).expect("a patch");
            json_patch::patch(&mut now, &patch).expect("it fits the version before");
            match line["comment"].as_str() {
                Some("to 1") => assert_eq!((title(&now), &now["location"]), ("One", &json!("")), "{engine:?}"),
                Some("to 2") => assert_eq!((title(&now), &now["location"]), ("Two", &json!("Aula")), "{engine:?}"),
                _ => continue,
            }
            rollbacks += 1;
        }
        assert_eq!(now, alice.get(&path).expect(200).await.json, "the story ends where the event is");
        println!("{engine:?}: {} versions, {rollbacks} of them rollbacks", story.items().len());
        is_sound(&world.db).await;
    }
}

/// Of many who saw the same version one goes back. The control: without `If-Match` all of them do, so they did meet.
#[tokio::test]
async fn of_many_rollbacks_from_one_version_one_is_done() {
    for engine in ENGINES {
        let world = World::builder().on(engine).start().await;
        let alice = world.alice().await;
        let body = json!({"title": "Version 1", "start": "2027-03-01T09:00:00"});
        let id = alice.post("/api/v1/events").json(&body).expect(201).await.id();
        let path = format!("/api/v1/events/{id}");
        for n in 2..=21 {
            alice.patch(&path).json(&json!({"title": format!("Version {n}")})).expect(200).await;
        }
        let etag = alice.get(&path).expect(200).await.etag();
        let back = |n: i64| alice.post(&format!("{path}/rollback/{n}"));
        let replies = together((1..=20).map(|n| back(n).header("if-match", &etag))).await;
        let done = replies.iter().filter(|reply| reply.status.is_success()).count();
        let late = replies.iter().filter(|reply| reply.status.as_u16() == 412).count();
        assert_eq!((done, late), (1, 19), "{engine:?}");
        let before = alice.get(&path).expect(200).await.json["version"].as_i64().expect("a number");
        assert_eq!(before, 22);
        let replies = together((1..=20).map(back)).await;
        assert!(replies.iter().all(|reply| reply.status.is_success()), "{engine:?}");
        let after = alice.get(&path).expect(200).await.json["version"].as_i64().expect("a number");
        // Whoever found the event as they wanted it made no version.
        assert!((41..=42).contains(&after), "{engine:?}: {after}");
        is_sound(&world.db).await;
    }
}

#[tokio::test]
async fn two_restores_of_one_calendar_at_once_do_not_wait_for_each_other_for_ever() {
    for engine in ENGINES {
        let world = World::builder().on(engine).start().await;
        let alice = world.alice().await;
        let club = alice.post("/api/v1/calendars").json(&json!({"name": "Club"})).expect(201).await.id();
        let mut ids = Vec::new();
        for n in 0..20 {
            let body = json!({"title": format!("Event {n}"), "start": "2027-03-01T09:00:00", "calendar_id": club});
            ids.push(alice.post("/api/v1/events").json(&body).expect(201).await.id());
        }
        world.advance(60);
        for id in &ids {
            alice.patch(&format!("/api/v1/events/{id}")).json(&json!({"location": "Aula"})).expect(200).await;
        }
        let restore = json!({"at": "2027-01-15T10:00:30Z", "preview": false});
        let restores = (0..6).map(|_| alice.post(&format!("/api/v1/calendars/{club}/restore")).json(&restore));
        let edits = ids
            .iter()
            .rev()
            .map(|id| alice.patch(&format!("/api/v1/events/{id}")).json(&json!({"description": "meanwhile"})));
        for reply in together(restores.chain(edits)).await {
            reply.expect(200);
        }
        alice.post(&format!("/api/v1/calendars/{club}/restore")).json(&restore).expect(200).await;
        let now = alice.get(&format!("/api/v1/events?calendar_id={club}")).expect(200).await;
        assert!(now.items().iter().all(|one| one["location"] == "" && one["description"] == ""), "{engine:?}");
        is_sound(&world.db).await;
    }
}
