//! `GET /changes` with one new row behind a log of a million.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Result;
use kalends_db::{Db, Error, FromRow, sql};
use kalends_kernel::Clock;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::load::{self, Connection, request};
use crate::place::{self, Engine, Place, call, text};
use crate::report::{median, ms, table};

const ROWS: i64 = 1_000_000;
const ROUND: Duration = Duration::from_secs(2);

pub async fn run(engine: Engine) -> Result<()> {
    let place = Place::fresh(engine).await?;
    let running = place.serve().await?;
    place::person(&running, "alice").await?;
    let token = place::token(&running, "alice").await?;
    fill(&running.db).await?;
    let mut connection = Connection::open(running.addr).await?;
    let listing = call(&mut connection, "GET", "/api/v1/changes", &token, &Value::Null).await?;
    let since = text(&listing, "next_token")?;
    let event = json!({"title": "Rehearsal", "start": "2027-06-05T20:00:00"});
    call(&mut connection, "POST", "/api/v1/events", &token, &event).await?;
    let path = format!("/api/v1/changes?since={since}");
    let found = call(&mut connection, "GET", &path, &token, &Value::Null).await?;
    let items = found.get("items").and_then(Value::as_array).map_or(0, Vec::len);
    let round = load::round(running.addr, &Arc::new(vec![request("GET", &path, &token, "")]), 1, ROUND, 200).await?;
    let plain = plain(&running.db).await?;
    table(
        &format!("GET /changes with one new change in a log of {ROWS} rows on {}", place::name(engine)),
        &["items", "median, ms", "the newest row by plain SQL, ms"],
        &[vec![items.to_string(), format!("{:.2}", round.median()), format!("{plain:.2}")]],
    );
    running.stop().await;
    place.end().await
}

/// Changes of other people's events, written as the log has them.
async fn fill(db: &Db) -> Result<()> {
    const BATCH: i64 = 20_000;
    for _ in 0..ROWS / BATCH {
        let filled: Result<(), Error> = db
            .write((), |tx, ()| {
                Box::pin(async move {
                    for _ in 0..BATCH / 500 {
                        let values: Vec<String> =
                            (0..500).map(|n| format!("($1, 'event', 'updated', ${}, 'rest', '')", n + 2)).collect();
                        let text = format!(
                            "INSERT INTO changes (at, kind, op, record_id, door, request_id) VALUES {}",
                            values.join(", ")
                        );
                        let statement = sql(text).bind(Clock::system().now());
                        (0..500).fold(statement, |statement, _| statement.bind(Uuid::now_v7())).run(tx).await?;
                    }
                    Ok(())
                })
            })
            .await;
        filled?;
    }
    Ok(())
}

struct Row;
impl FromRow for Row {
    fn from_row(row: &kalends_db::Row) -> kalends_db::Result<Self> {
        row.text("kind").map(|_| Row)
    }
}

async fn plain(db: &Db) -> Result<f64> {
    let mut conn = db.reader().await?;
    let mut times = Vec::new();
    let newest = match db.engine() {
        Engine::Sqlite => "SELECT kind, record_id FROM changes ORDER BY seq DESC LIMIT 1",
        Engine::Postgres => "SELECT kind, record_id FROM changes ORDER BY tx DESC, seq DESC LIMIT 1",
    };
    for _ in 0..50 {
        let began = Instant::now();
        let _: Vec<Row> = sql(newest).all(&mut conn).await?;
        times.push(ms(began.elapsed()));
    }
    Ok(median(&times))
}
