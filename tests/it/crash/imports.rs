//! A server that is killed in the middle of an import, and in the middle of undoing it: it goes on behind the last step, and
//! the result is that of one run.

use std::time::Duration;

use kalends_db::testing::TestDb;
use kalends_db::{Engine, FromRow, Row, sql};
use kalends_kernel::EventId;
use kalends_testkit::{Binary, Method, Reply, Setup};
use serde_json::json;

use super::{program, sign_in};

const EVENTS: usize = 1_500;

struct EventRow(EventId);

impl FromRow for EventRow {
    fn from_row(row: &Row) -> kalends_db::Result<Self> {
        row.get("id").map(EventRow)
    }
}

async fn job(server: &Binary, bearer: &str, id: &str) -> Reply {
    server.get(&format!("/api/v1/jobs/{id}")).header("authorization", bearer).expect(200).await
}

/// Kills the server up to so many times while it works on the job, whenever that got further. Gives the last server, the job
/// at its end, and how often it was killed.
async fn with_kills(
    setup: &Setup,
    db: &TestDb,
    server: Binary,
    bearer: &str,
    id: &str,
    most: usize,
) -> (Binary, Reply, usize) {
    let mut ticks = tokio::time::interval(Duration::from_millis(2));
    let (mut server, mut kills, mut seen) = (server, 0, 0);
    loop {
        let now = job(&server, bearer, id).await;
        if !["queued", "running"].contains(&now.str("/state")) {
            return (server, now, kills);
        }
        let done = now.json["progress"]["done"].as_i64().expect("a number");
        if done > seen && kills < most {
            (kills, seen) = (kills + 1, done);
            server.kill();
            // The lease would end in a minute.
            let open = db.open().await;
            let ended: Result<u64, kalends_db::Error> = open
                .write((), |tx, ()| {
                    Box::pin(async {
                        sql("UPDATE jobs SET lease_until = run_at WHERE lease_until IS NOT NULL").run(tx).await
                    })
                })
                .await;
            ended.expect("the lease ends");
            open.close().await;
            server = setup.serve(&[]).await;
        }
        ticks.tick().await;
    }
}

async fn killed_in_the_middle(engine: Engine) {
    let (setup, db) = program(engine).await;
    let events: String = (0..EVENTS)
        .map(|n| format!("BEGIN:VEVENT\r\nUID:e{n}\r\nSUMMARY:Event {n}\r\nDTSTART:20270301T190000Z\r\nEND:VEVENT\r\n"))
        .collect();
    let file = format!("BEGIN:VCALENDAR\r\n{events}END:VCALENDAR\r\n");
    let server = setup.serve(&[]).await;
    let bearer = sign_in(&server).await;
    let begun = server
        .post("/api/v1/imports")
        .header("authorization", &bearer)
        .upload("x.ics", file.as_bytes(), &[])
        .expect(202)
        .await;
    let id = begun.id();
    let (server, done, kills) = with_kills(&setup, &db, server, &bearer, &id, 3).await;
    assert!(kills > 0, "the import was over before anything was killed");
    assert_eq!(done.str("/state"), "done", "{:#}", done.json);
    assert_eq!(done.json["result"]["created"], EVENTS);
    assert_eq!(done.json["progress"]["done"], EVENTS);
    let open = db.open().await;
    let mut conn = open.reader().await.expect("a reader");
    for (what, statement) in [
        ("events", "SELECT count(*) AS n FROM events"),
        ("versions", "SELECT count(*) AS n FROM event_versions"),
        ("rows", "SELECT count(*) AS n FROM import_rows"),
    ] {
        let count: i64 = sql(statement).one(&mut conn).await.expect("a number");
        assert_eq!(usize::try_from(count).expect("a number"), EVENTS, "{what}");
    }
    let last: EventId = sql("SELECT id FROM events WHERE uid = $1")
        .bind(format!("e{}", EVENTS - 1))
        .one::<EventRow>(&mut conn)
        .await
        .expect("an event")
        .0;
    drop(conn);
    open.close().await;
    // Undone from the last on: what is kept is said by the first step, and by the result though nobody who heard it is left.
    let path = format!("/api/v1/events/{last}");
    let change = server.request(Method::PATCH, &path).header("authorization", &bearer);
    change.json(&json!({"title": "Changed since"})).expect(200).await;
    let undo = server.request(Method::DELETE, &format!("/api/v1/jobs/{id}")).header("authorization", &bearer);
    let undoing = tokio::spawn(async move { undo.try_send().await.is_ok() });
    let mut ticks = tokio::time::interval(Duration::from_millis(2));
    while job(&server, &bearer, &id).await.str("/state") == "done" {
        ticks.tick().await;
    }
    let (_server, undone, kills) = with_kills(&setup, &db, server, &bearer, &id, 1).await;
    assert!(kills > 0, "it was undone before anything was killed");
    undoing.abort();
    assert_eq!(undone.str("/state"), "reverted", "{:#}", undone.json);
    let undone = &undone.json["result"]["undone"];
    assert_eq!(
        (&undone["trashed"], &undone["kept"], &undone["gone"]),
        (&json!(EVENTS - 1), &json!(1), &json!(0)),
        "{undone:#}"
    );
    assert_eq!(undone["kept_events"][0]["event_id"], json!(last));
    let checked = setup.run(&["check"]);
    assert_eq!(checked.code, Some(0), "{checked:?}");
}

#[tokio::test]
async fn an_import_and_its_undoing_that_are_killed_on_sqlite_go_on_to_the_same_result() {
    killed_in_the_middle(Engine::Sqlite).await;
}

#[tokio::test]
async fn an_import_and_its_undoing_that_are_killed_on_postgresql_go_on_to_the_same_result() {
    killed_in_the_middle(Engine::Postgres).await;
}
