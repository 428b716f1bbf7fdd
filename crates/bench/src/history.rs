//! The history of an event with 10,000 versions: its first page and one from its middle.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use kalends_db::{FromRow, sql};
use serde_json::{Value, json};

use crate::load::{self, Connection, request};
use crate::place::{self, Engine, Place, call, text};
use crate::report::{median, ms, table};

const VERSIONS: usize = 10_000;
const ROUND: Duration = Duration::from_secs(2);

pub async fn run(engine: Engine) -> Result<()> {
    let place = Place::fresh(engine).await?;
    let running = place.serve().await?;
    place::person(&running, "alice").await?;
    let token = place::token(&running, "alice").await?;
    let mut connection = Connection::open(running.addr).await?;
    let event = json!({"title": "Rehearsal 1", "start": "2027-06-05T20:00:00", "description": "Bring your own music stand. ".repeat(8)});
    let id = text(&call(&mut connection, "POST", "/api/v1/events", &token, &event).await?, "id")?;
    // Several in one request: what is measured is the reading.
    for first in (2..=VERSIONS).step_by(1_000) {
        let operations: Vec<Value> = (first..first + 1_000)
            .map(|number| json!({"op": "update", "id": id, "event": {"title": format!("Rehearsal {number}")}}))
            .collect();
        let body = json!({"mode": "atomic", "operations": operations});
        call(&mut connection, "POST", "/api/v1/events/batch", &token, &body).await?;
    }
    let mut path = format!("/api/v1/events/{id}/history?limit=50");
    let mut rows = Vec::new();
    for what in ["first page of 50", "second page of 50"] {
        let page = call(&mut connection, "GET", &path, &token, &Value::Null).await?;
        let round =
            load::round(running.addr, &Arc::new(vec![request("GET", &path, &token, "")]), 1, ROUND, 200).await?;
        let plain = plain(&running.db, &id).await?;
        rows.push(vec![what.to_owned(), format!("{:.2}", round.median()), format!("{plain:.2}")]);
        path = format!("/api/v1/events/{id}/history?limit=50&cursor={}", text(&page, "next_cursor")?);
    }
    let title = format!("History of an event with {VERSIONS} versions on {}", place::name(engine));
    table(&title, &["", "median, ms", "the same rows by plain SQL, ms"], &rows);
    running.stop().await;
    place.end().await
}

struct Row;
impl FromRow for Row {
    fn from_row(row: &kalends_db::Row) -> kalends_db::Result<Self> {
        row.text("operation").map(|_| Row)
    }
}

async fn plain(db: &kalends_db::Db, id: &str) -> Result<f64> {
    let id: kalends_kernel::EventId = id.parse().map_err(|_| anyhow::anyhow!("an id"))?;
    let mut conn = db.reader().await?;
    let mut times = Vec::new();
    for _ in 0..50 {
        let began = std::time::Instant::now();
        let _: Vec<Row> = sql("SELECT version, at, actor_id, door, operation, comment, changed FROM event_versions
             WHERE event_id = $1 ORDER BY version DESC LIMIT 51")
        .bind(id)
        .all(&mut conn)
        .await?;
        times.push(ms(began.elapsed()));
    }
    Ok(median(&times))
}
