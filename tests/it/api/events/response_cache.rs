//! Anonymous readers are answered from memory while nothing was committed; they never read what is no longer so.

use kalends_testkit::World;
use serde_json::json;

use super::super::given::{calendar, event};

#[tokio::test]
async fn anonymous_people_see_every_change_at_their_next_request() {
    let world = World::new().await;
    let (alice, anyone) = (world.alice().await, world.anonymous());
    let open = calendar(&alice, &json!({"name": "Open", "visibility": "public"})).await;
    let made = event(&alice, &json!({"title": "Concert", "start": "2027-05-03T20:00:00", "calendar_id": open})).await;
    let path = format!("/api/v1/events/{}", made.id());
    let title = async || anyone.get(&path).expect(200).await.str("/title").to_owned();

    for _ in 0..3 {
        assert_eq!(title().await, "Concert");
    }
    alice.patch(&path).json(&json!({"title": "Great concert"})).expect(200).await;
    assert_eq!(title().await, "Great concert");

    let etag = anyone.get(&path).expect(200).await.header("etag").expect("an ETag").to_owned();
    anyone.get(&path).header("if-none-match", &etag).expect(304).await;
    alice.patch(&path).json(&json!({"location": "Aula"})).expect(200).await;
    anyone.get(&path).header("if-none-match", &etag).expect(200).await;

    for (method, body) in [("draft", 404), ("published", 200)] {
        alice.post(&format!("{path}/state")).json(&json!({"state": method})).expect(200).await;
        anyone.get(&path).expect(body).await;
    }
    let calendar = format!("/api/v1/calendars/{open}");
    for (visibility, status) in [("private", 404), ("public", 200), ("internal", 404), ("public", 200)] {
        alice.patch(&calendar).json(&json!({"visibility": visibility})).expect(200).await;
        anyone.get(&path).expect(status).await;
    }
    alice.delete(&path).expect(204).await;
    anyone.get(&path).expect(404).await;
}

#[tokio::test]
async fn what_anonymous_people_were_answered_is_not_given_to_others() {
    let world = World::new().await;
    let (alice, anyone) = (world.alice().await, world.anonymous());
    let open = calendar(&alice, &json!({"name": "Open", "visibility": "public"})).await;
    let body =
        json!({"title": "Concert", "start": "2027-05-03T20:00:00", "calendar_id": open, "meta": {"note": "inner"}});
    let path = format!("/api/v1/events/{}", event(&alice, &body).await.id());
    for _ in 0..2 {
        assert!(!anyone.get(&path).expect(200).await.text.contains("inner"));
        assert_eq!(alice.get(&path).expect(200).await.str("/meta/note"), "inner");
    }
}
