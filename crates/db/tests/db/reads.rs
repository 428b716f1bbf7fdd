//! Long reads keep nobody waiting, and end.

use std::sync::Arc;

use kalends_db::testing::TestDb;
use kalends_db::{Engine, Error, Result, sql};
use tokio::sync::{Barrier, Semaphore};
use tokio::task::JoinSet;

use crate::{add, counter, counters};

#[tokio::test]
async fn a_long_read_gives_what_the_query_gives() {
    let test = TestDb::new().await;
    let db = test.open().await;
    counters(&db).await;
    let read: Result<i64> = db
        .read("b", |conn, name| Box::pin(sql("SELECT n + 7 AS n FROM counters WHERE name = $1").bind(*name).one(conn)))
        .await;
    assert_eq!(read.expect("a number"), 7);
    let panicked: Result<()> = db.read((), |_, ()| Box::pin(async { Err(Error::Check("its own".to_owned())) })).await;
    assert!(matches!(panicked, Err(Error::Check(_))), "an error is the caller's");
}

#[tokio::test]
async fn reads_by_key_and_writes_go_on_beside_long_reads() {
    let test = TestDb::on(Engine::Sqlite).await;
    let db = test.open().await;
    counters(&db).await;
    let (began, go) = (Arc::new(Barrier::new(3)), Arc::new(Semaphore::new(0)));
    let mut long = JoinSet::new();
    // As many as may run at once, and as many again that wait.
    for n in 0..4 {
        let (db, args) = (db.clone(), (began.clone(), go.clone()));
        long.spawn(async move {
            let read: Result<i64> = db
                .read(args, move |conn, (began, go)| {
                    Box::pin(async move {
                        if n < 2 {
                            began.wait().await;
                        }
                        go.acquire().await.expect("open").forget();
                        sql("SELECT n FROM counters WHERE name = 'a'").one(conn).await
                    })
                })
                .await;
            read
        });
    }
    began.wait().await;
    for n in 1..=20 {
        let written: Result<u64> = db.write("a", |tx, name| add(tx, name)).await;
        written.expect("written");
        assert_eq!(counter(&db, "a").await, n);
    }
    go.add_permits(4);
    while let Some(read) = long.join_next().await {
        assert_eq!(read.expect("it ends").expect("a number"), 20);
    }
}

/// A statement of a reader has 5 seconds on SQLite.
#[tokio::test]
async fn a_statement_without_end_is_ended() {
    let test = TestDb::on(Engine::Sqlite).await;
    let db = test.open().await;
    let mut conn = db.reader().await.expect("a reader");
    let endless = sql(
        "WITH RECURSIVE counting(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM counting) SELECT count(*) AS n FROM counting",
    );
    let ended = endless.one::<i64>(&mut conn).await;
    assert!(matches!(ended, Err(Error::Busy(_))), "{ended:?}");
    let next: i64 = sql("SELECT 1 AS n").one(&mut conn).await.expect("the connection is as good as before");
    assert_eq!(next, 1);
}
