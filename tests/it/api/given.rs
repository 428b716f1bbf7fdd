//! Beginnings and ends that many tests share.

use kalends_db::sql;
use kalends_testkit::{Person, Reply, World};
use serde_json::{Value, json};

/// A new event in the person's own calendar or the one that the body names.
pub async fn event(person: &Person, body: &Value) -> Reply {
    person.post("/api/v1/events").json(body).expect(201).await
}

/// The id of a new calendar.
pub async fn calendar(owner: &Person, body: &Value) -> String {
    owner.post("/api/v1/calendars").json(body).expect(201).await.id()
}

/// Gives somebody a role on `calendars/{id}` or `events/{id}`.
pub async fn share(owner: &Person, what: &str, with: &Person, role: &str) {
    let body = json!({"users": [{"user_id": with.id, "role": role}]});
    owner.post(&format!("/api/v1/{what}/share")).json(&body).expect(200).await;
}

/// The choir rehearses every Monday at 19:30, from the last Monday of winter time on.
pub fn choir() -> Value {
    json!({
        "title": "Choir", "start": "2027-03-22T19:30:00", "end": "2027-03-22T21:00:00", "time_zone": "Europe/Zurich",
        "recurrence": ["RRULE:FREQ=WEEKLY;COUNT=6"],
    })
}

/// What is stored fits together: versions without gaps, each with its row in the change log, owners everywhere.
pub async fn fits(world: &World) {
    let mut conn = world.db.reader().await.expect("a reader");
    let differences = kalends_core::check::run(&mut conn).await.expect("a check");
    assert_eq!(differences, []);
}

/// The starts of an event's instances.
pub async fn starts(person: &Person, id: &str) -> Vec<String> {
    person.get(&format!("/api/v1/events/{id}/instances?limit=20")).expect(200).await.each("/start")
}

/// The pointer and code of a problem's only error.
pub fn only_error(reply: &Reply) -> (String, String) {
    let mut errors = reply.errors();
    assert_eq!(errors.len(), 1, "{errors:?}");
    errors.remove(0)
}

/// Waits until every row of the log can be read: on PostgreSQL the transactions of other tests hold it back for a while, and
/// then what a listing has given may come once more.
pub async fn settled(world: &World) {
    let began = std::time::Instant::now();
    let mut conn = world.db.reader().await.expect("a reader");
    loop {
        let horizon = conn.log_horizon().await.expect("a horizon");
        let above: i64 = sql("SELECT count(*) AS n FROM changes WHERE tx >= $1")
            .bind(horizon)
            .one(&mut conn)
            .await
            .expect("a count");
        if above == 0 {
            return;
        }
        assert!(began.elapsed() < std::time::Duration::from_secs(20), "the log is held back");
    }
}
