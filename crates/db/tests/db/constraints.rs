//! What a constraint refuses has the same name on both engines.

use kalends_db::testing::TestDb;
use kalends_db::{Db, Error, Result, sql};

use crate::{counter, counters, ddl};

async fn refused(db: &Db, statement: &'static str) -> Error {
    let outcome: Result<u64> = db.write((), move |tx, ()| Box::pin(async move { sql(statement).run(tx).await })).await;
    outcome.expect_err("it is refused")
}

#[tokio::test]
async fn what_is_refused_is_named_alike_on_both_engines() {
    let test = TestDb::new().await;
    let db = test.open().await;
    ddl(
        &db,
        &[
            "CREATE TABLE rooms (id BIGINT NOT NULL PRIMARY KEY, house TEXT NOT NULL, name TEXT NOT NULL, seats BIGINT NOT NULL,
                CONSTRAINT rooms_seats CHECK (seats BETWEEN 1 AND 9))",
            "CREATE UNIQUE INDEX rooms_name ON rooms (name)",
            "CREATE UNIQUE INDEX rooms_house_seats ON rooms (house, seats) WHERE house <> 'any'",
            "CREATE TABLE keys (room BIGINT NOT NULL REFERENCES rooms (id), person TEXT NOT NULL, PRIMARY KEY (room, person))",
            "INSERT INTO rooms (id, house, name, seats) VALUES (1, 'a', 'one', 1)",
            "INSERT INTO keys (room, person) VALUES (1, 'ada')",
        ],
    )
    .await;
    let unique = async |statement| match refused(&db, statement).await {
        Error::Unique(name) => name,
        other => panic!("{other:?}"),
    };
    assert_eq!(unique("INSERT INTO rooms (id, house, name, seats) VALUES (2, 'b', 'one', 1)").await, "rooms_name");
    assert_eq!(
        unique("INSERT INTO rooms (id, house, name, seats) VALUES (2, 'a', 'two', 1)").await,
        "rooms_house_seats"
    );
    assert_eq!(unique("INSERT INTO rooms (id, house, name, seats) VALUES (1, 'b', 'two', 1)").await, "rooms_pkey");
    assert_eq!(unique("INSERT INTO keys (room, person) VALUES (1, 'ada')").await, "keys_pkey");
    let check = refused(&db, "INSERT INTO rooms (id, house, name, seats) VALUES (2, 'b', 'two', 10)").await;
    assert!(matches!(&check, Error::Check(name) if name == "rooms_seats"), "{check:?}");
    for orphan in ["INSERT INTO keys (room, person) VALUES (7, 'ada')", "DELETE FROM rooms WHERE id = 1"] {
        let refused = refused(&db, orphan).await;
        assert!(matches!(refused, Error::ForeignKey(_)), "{refused:?}");
    }
    let null = refused(&db, "INSERT INTO keys (room, person) VALUES (1, NULL)").await;
    assert!(matches!(null, Error::Other(_)), "{null:?}");
    let nonsense = refused(&db, "SELEKT 1").await;
    assert!(matches!(nonsense, Error::Other(_)), "{nonsense:?}");
}

#[tokio::test]
async fn a_command_that_goes_on_after_a_refusal_is_not_called_done() {
    let test = TestDb::new().await;
    let db = test.open().await;
    counters(&db).await;
    // PostgreSQL would answer its COMMIT with a rollback and no error: an acknowledged write would be lost.
    let outcome: Result<()> = db
        .write((), |tx, ()| {
            Box::pin(async move {
                sql("UPDATE counters SET n = 5 WHERE name = 'a'").run(tx).await?;
                sql("INSERT INTO counters (name, n) VALUES ('a', 1)").run(tx).await.ok();
                Ok(())
            })
        })
        .await;
    assert!(matches!(outcome, Err(Error::Other(_))), "{outcome:?}");
    assert_eq!(counter(&db, "a").await, 0);
}
