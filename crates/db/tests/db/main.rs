//! What every caller relies on, on both engines: values come back as they went in, constraints have one name, commands
//! stand and fall alone. What is about one engine runs on that engine whatever `KALENDS_TEST_DATABASE` says.
#![expect(clippy::expect_used, reason = "the helpers of tests may fail like the tests")]

mod bell;
mod constraints;
mod cut_off;
mod migrations;
mod order;
mod postgres;
mod reads;
mod runner;
mod sent;
mod sqlite;
mod values;

use futures_util::future::BoxFuture;
use kalends_db::{Db, Error, FromRow, Result, Row, Tx, sql};

/// Runs statements that have no values as one transaction.
async fn ddl(db: &Db, statements: &[&'static str]) {
    let statements = statements.to_vec();
    let done: Result<()> = db
        .write(statements, |tx, statements| {
            Box::pin(async move {
                for statement in statements {
                    sql(*statement).run(tx).await?;
                }
                Ok(())
            })
        })
        .await;
    done.expect("it is made");
}

/// A table with a number by name, on which many tests play.
async fn counters(db: &Db) {
    ddl(
        db,
        &[
            "CREATE TABLE counters (name TEXT PRIMARY KEY, n BIGINT NOT NULL CONSTRAINT counters_small CHECK (n < 1000000))",
            "INSERT INTO counters (name, n) VALUES ('a', 0), ('b', 0)",
        ],
    )
    .await;
}

async fn counter(db: &Db, name: &'static str) -> i64 {
    let mut conn = db.reader().await.expect("a reader");
    sql("SELECT n FROM counters WHERE name = $1").bind(name).one(&mut conn).await.expect("a number")
}

async fn count(db: &Db, text: &'static str) -> i64 {
    let mut conn = db.reader().await.expect("a reader");
    sql(text).one(&mut conn).await.expect("a number")
}

fn add<'a>(tx: &'a mut Tx, name: &'a &'static str) -> BoxFuture<'a, Result<u64>> {
    Box::pin(async move { sql("UPDATE counters SET n = n + 1 WHERE name = $1").bind(*name).run(tx).await })
}

/// A text in a column named `t`.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Text(String);

impl FromRow for Text {
    fn from_row(row: &Row) -> Result<Self> {
        row.get("t").map(Text)
    }
}

/// A connection beside the program's.
async fn outside(url: &str) -> tokio_postgres::Client {
    kalends_db::testing::outside(url).await.expect("PostgreSQL answers")
}

/// The number of this program's sessions on this database that are in a transaction, as the server reports it.
async fn in_transaction(url: &str) -> i64 {
    let row = outside(url)
        .await
        .query_one(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'kalends'
                AND state LIKE 'idle in transaction%'",
            &[],
        )
        .await;
    row.expect("a number").get(0)
}

fn is_busy<T>(outcome: &Result<T>) -> bool {
    matches!(outcome, Err(Error::Busy(_)))
}
