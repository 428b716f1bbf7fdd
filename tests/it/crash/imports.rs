//! A server that is killed in the middle of an import: it goes on behind the last step, and the result is that of one run.

use std::time::Duration;

use kalends_db::{Engine, sql};
use kalends_testkit::{Binary, Reply};

use super::{program, sign_in};

const EVENTS: usize = 2_500;

async fn job(server: &Binary, bearer: &str, id: &str) -> Reply {
    server.get(&format!("/api/v1/jobs/{id}")).header("authorization", bearer).expect(200).await
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
    let mut ticks = tokio::time::interval(Duration::from_millis(2));
    let mut kills = 0;
    let mut server = Some(server);
    let mut seen = 0;
    let done = loop {
        let running = server.take().expect("a server");
        let now = job(&running, &bearer, &id).await;
        if !["queued", "running"].contains(&now.str("/state")) {
            break now;
        }
        let done = now.json["progress"]["done"].as_i64().expect("a number");
        if done > seen && kills < 3 {
            (kills, seen) = (kills + 1, done);
            running.kill();
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
            server = Some(setup.serve(&[]).await);
        } else {
            server = Some(running);
        }
        ticks.tick().await;
    };
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
    let checked = setup.run(&["check"]);
    assert_eq!(checked.code, Some(0), "{checked:?}");
}

#[tokio::test]
async fn an_import_that_is_killed_on_sqlite_goes_on_to_the_same_result() {
    killed_in_the_middle(Engine::Sqlite).await;
}

#[tokio::test]
async fn an_import_that_is_killed_on_postgresql_goes_on_to_the_same_result() {
    killed_in_the_middle(Engine::Postgres).await;
}
