//! Commits overtake each other: a change that began before the newest one and commits after it makes a feed another. The
//! newest position alone does not show it, which this test shows too. PostgreSQL: SQLite has one writer.

use std::sync::Arc;

use kalends_core::changes::{self, Change, Kind, Op};
use kalends_core::ctx::{Ctx, Door};
use kalends_db::{Engine, FromRow, Result, Row, sql};
use kalends_kernel::{CalendarId, EventId};
use kalends_testkit::World;
use serde_json::json;
use tokio::sync::{Notify, Semaphore};

struct Place(i64, i64);

impl FromRow for Place {
    fn from_row(row: &Row) -> Result<Self> {
        Ok(Place(row.get("tx")?, row.get("seq")?))
    }
}

async fn newest(world: &World, calendar: CalendarId) -> (i64, i64) {
    let mut conn = world.db.reader().await.expect("a reader");
    let newest: Place = sql("SELECT tx, seq FROM changes WHERE calendar_id = $1 ORDER BY tx DESC, seq DESC LIMIT 1")
        .bind(calendar)
        .one(&mut conn)
        .await
        .expect("a row");
    (newest.0, newest.1)
}

#[tokio::test]
async fn a_change_that_commits_behind_a_newer_one_is_in_the_next_answer() {
    let world = World::builder().on(Engine::Postgres).start().await;
    let alice = world.alice().await;
    let calendar: CalendarId = alice.calendar.parse().expect("an id");
    let late = json!({"title": "Late", "start": "2027-03-22T19:30:00"});
    let late: EventId = alice.post("/api/v1/events").json(&late).expect(201).await.id().parse().expect("an id");
    // Begins first, commits last.
    let (began, go) = (Arc::new(Notify::new()), Arc::new(Semaphore::new(0)));
    let held = tokio::spawn({
        let (db, args) = (world.db.clone(), (began.clone(), go.clone(), world.now(), calendar, late));
        async move {
            let done: Result<()> = db
                .write(args, |tx, (began, go, now, calendar, late)| {
                    Box::pin(async move {
                        let ctx = Ctx::system(*now, Door::Cli);
                        let change = Change {
                            kind: Kind::Event,
                            op: Op::Deleted,
                            record: late.uuid(),
                            calendar: Some(*calendar),
                            user: None,
                            version: None,
                            detail: None,
                        };
                        sql("UPDATE events SET deleted_at = $2 WHERE id = $1").bind(*late).bind(*now).run(tx).await?;
                        changes::record(tx, &ctx, change).await?;
                        began.notify_one();
                        if let Ok(permit) = go.acquire().await {
                            permit.forget();
                        }
                        Ok(())
                    })
                })
                .await;
            done
        }
    });
    began.notified().await;
    let newer = json!({"title": "Newer", "start": "2027-03-22T19:30:00"});
    alice.post("/api/v1/events").json(&newer).expect(201).await;
    let path = format!("/calendars/{calendar}.ics");
    let between = alice.get(&path).expect(200).await;
    assert!(between.text.contains("SUMMARY:Late") && between.text.contains("SUMMARY:Newer"), "{}", between.text);
    let position = newest(&world, calendar).await;
    go.add_permits(1);
    held.await.expect("it ends").expect("it commits");
    assert_eq!(newest(&world, calendar).await, position, "by its position alone nothing has happened");
    let after = alice.get(&path).header("if-none-match", &between.etag()).expect(200).await;
    assert!(!after.text.contains("SUMMARY:Late") && after.text.contains("SUMMARY:Newer"), "{}", after.text);
}
