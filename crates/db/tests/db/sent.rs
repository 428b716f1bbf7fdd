//! Statements that are sent without waiting, and rows that are appended, count like any other: their failure fails the command,
//! and whoever looks finds them.

use kalends_db::testing::TestDb;
use kalends_db::{Error, Result, Value, append, insert_rows, sql};

use crate::{count, ddl};

const LOG: &str = "INSERT INTO log (n, word) VALUES {}";

async fn tables(db: &kalends_db::Db) {
    ddl(
        db,
        &[
            "CREATE TABLE log (n BIGINT NOT NULL CHECK (n >= 0), word TEXT NOT NULL)",
            "CREATE TABLE names (name TEXT PRIMARY KEY)",
            "INSERT INTO names (name) VALUES ('taken')",
        ],
    )
    .await;
}

fn line(n: i64) -> [Value; 2] {
    [n.into(), format!("w{n}").into()]
}

#[tokio::test]
async fn a_statement_that_was_sent_fails_the_command_if_it_fails() {
    let test = TestDb::new().await;
    let db = test.open().await;
    tables(&db).await;
    // Nothing waits after it; or something does.
    for waits in [false, true] {
        let outcome: Result<()> = db
            .write(waits, |tx, waits| {
                Box::pin(async move {
                    sql("INSERT INTO names (name) VALUES ('new')").send(tx).await?;
                    sql("INSERT INTO names (name) VALUES ('taken')").send(tx).await?;
                    if *waits {
                        sql("INSERT INTO names (name) VALUES ('later')").run(tx).await?;
                    }
                    Ok(())
                })
            })
            .await;
        assert!(matches!(&outcome, Err(Error::Unique(name)) if name == "names_pkey"), "{outcome:?}");
        assert_eq!(count(&db, "SELECT count(*) AS n FROM names").await, 1, "nothing of it is there");
    }
}

#[tokio::test]
async fn many_statements_that_were_sent_are_all_there() {
    let test = TestDb::new().await;
    let db = test.open().await;
    tables(&db).await;
    let outcome: Result<i64> = db
        .write((), |tx, ()| {
            Box::pin(async move {
                for n in 0..300_i64 {
                    sql("INSERT INTO log (n, word) VALUES ($1, 'sent')").bind(n).send(tx).await?;
                }
                insert_rows(tx, LOG, (300..5_000).map(line)).await?;
                sql("SELECT count(*) AS n FROM log").one(tx).await
            })
        })
        .await;
    assert_eq!(outcome.expect("written"), 5_000, "a query sees what was sent before it");
    assert_eq!(count(&db, "SELECT CAST(sum(n) AS BIGINT) AS n FROM log").await, (0..5_000).sum::<i64>());
}

#[tokio::test]
async fn appended_rows_are_seen_by_every_statement_that_names_their_table() {
    let test = TestDb::new().await;
    let db = test.open().await;
    tables(&db).await;
    let seen: Result<(i64, u64, i64)> = db
        .write((), |tx, ()| {
            Box::pin(async move {
                append(tx, LOG, line(1)).await?;
                append(tx, LOG, line(2)).await?;
                let read = sql("SELECT count(*) AS n FROM log").one(tx).await?;
                append(tx, LOG, line(3)).await?;
                let changed = sql("UPDATE log SET word = 'x' WHERE n >= 2").run(tx).await?;
                append(tx, LOG, line(4)).await?;
                Ok((read, changed, sql("SELECT count(*) AS n FROM names").one(tx).await?))
            })
        })
        .await;
    assert_eq!(seen.expect("written"), (2, 2, 1));
    assert_eq!(count(&db, "SELECT count(*) AS n FROM log").await, 4);
    assert_eq!(count(&db, "SELECT count(*) AS n FROM log WHERE word = 'x'").await, 2);
}

#[tokio::test]
async fn appended_rows_go_with_their_part_and_with_their_command() {
    let test = TestDb::new().await;
    let db = test.open().await;
    tables(&db).await;
    let kept: Result<()> = db
        .write((), |tx, ()| {
            Box::pin(async move {
                append(tx, LOG, line(1)).await?;
                for (n, fails) in [(2, true), (3, false)] {
                    let part = async |tx: &mut kalends_db::Tx| {
                        append(tx, LOG, line(n)).await?;
                        if fails { Err(Error::Check("its own reason".to_owned())) } else { Ok(()) }
                    };
                    assert_eq!(tx.attempt(part).await?.is_err(), fails);
                }
                // A row that the database refuses refuses its part.
                let part = async |tx: &mut kalends_db::Tx| append(tx, LOG, line(-1)).await;
                assert!(matches!(tx.attempt(part).await?, Err(Error::Check(_))));
                Ok(())
            })
        })
        .await;
    kept.expect("written");
    assert_eq!(count(&db, "SELECT CAST(sum(n) AS BIGINT) AS n FROM log").await, 4);
    let refused: Result<()> = db.write((), |tx, ()| Box::pin(append(tx, LOG, line(-1)))).await;
    assert!(
        matches!(refused, Err(Error::Check(_))),
        "a row that is refused at the end refuses the command: {refused:?}"
    );
    let failed: Result<()> = db
        .write((), |tx, ()| {
            Box::pin(async move {
                append(tx, LOG, line(9)).await?;
                Err(Error::Check("its own reason".to_owned()))
            })
        })
        .await;
    failed.expect_err("it failed");
    let next: Result<()> = db.write((), |tx, ()| Box::pin(append(tx, LOG, line(5)))).await;
    next.expect("written");
    assert_eq!(count(&db, "SELECT CAST(sum(n) AS BIGINT) AS n FROM log").await, 9, "1, 3 and 5");
}
