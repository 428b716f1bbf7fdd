//! The first page of a month: over a million events in a thousand calendars of which the reader sees ten, and in one calendar
//! that holds all of them.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use kalends_db::{Db, FromRow, sql};
use kalends_kernel::UserId;

use crate::load::{self, Connection, request};
use crate::place::{self, Engine, Place};
use crate::report::{median, ms, percentile, table};
use crate::seed;

const MONTH: &str = "from=2027-03-01T00:00:00Z&to=2027-04-01T00:00:00Z&limit=500";
const FROM: &str = "2027-03-01T00:00:00Z";
const TO: &str = "2027-04-01T00:00:00Z";
/// How long one kind of page is asked for.
const ROUND: Duration = Duration::from_secs(3);

pub async fn run(engine: Engine) -> Result<()> {
    for plan in [seed::MANY_CALENDARS, seed::ONE_CALENDAR] {
        let place = seed::seeded(engine, plan).await?;
        measure(engine, plan.0, &place).await?;
    }
    Ok(())
}

async fn measure(engine: Engine, title: &str, place: &Place) -> Result<()> {
    let mut rows = Vec::new();
    for (what, query) in [("instances (`expand=true`)", format!("{MONTH}&expand=true")), ("events", MONTH.to_owned())] {
        // A server of its own, so that nothing is warm but what the operating system keeps.
        let running = place.serve().await?;
        let reader = place::person(&running, "reader").await?;
        let token = place::token(&running, "reader").await?;
        let page = request("GET", &format!("/api/v1/events?{query}"), &token, "");
        let mut connection = Connection::open(running.addr).await?;
        let began = Instant::now();
        let status = connection.send(&page).await?;
        let cold = ms(began.elapsed());
        if status != 200 {
            bail!("the page answers {status}: {}", String::from_utf8_lossy(connection.body()));
        }
        let size = connection.body().len();
        let items = connection.json()?.get("items").and_then(|items| items.as_array().map(Vec::len)).unwrap_or(0);
        let round = load::round(running.addr, &Arc::new(vec![page]), 1, ROUND, 200).await?;
        let plain = plain(&running.db, reader).await?;
        rows.push(vec![
            what.to_owned(),
            items.to_string(),
            format!("{}", size / 1024),
            format!("{cold:.1}"),
            format!("{:.1}", round.median()),
            format!("{:.1}", percentile(&round.latencies, 0.95)),
            format!("{plain:.1}"),
        ]);
        running.stop().await;
    }
    table(
        &format!("Month view on {}: {title}", place::name(engine)),
        &[
            "page of 500",
            "rows",
            "KiB",
            "first request, ms",
            "median, ms",
            "95 %, ms",
            "single events by plain SQL, ms",
        ],
        &rows,
    );
    Ok(())
}

struct Plain;
impl FromRow for Plain {
    fn from_row(row: &kalends_db::Row) -> kalends_db::Result<Self> {
        row.text("content").map(|_| Plain)
    }
}

/// What a program without series would ask: the same number of single events of the month, by start, and no right but that of
/// the calendar.
async fn plain(db: &Db, reader: UserId) -> Result<f64> {
    let mut conn = db.reader().await?;
    let mut times = Vec::new();
    for _ in 0..15 {
        let began = Instant::now();
        let rows: Vec<Plain> =
            sql("SELECT e.id, e.content FROM events e JOIN calendar_permissions p ON p.calendar_id = e.calendar_id
             WHERE p.user_id = $1 AND e.deleted_at IS NULL AND e.reach = 0 AND e.starts_at >= $2 AND e.starts_at < $3
             ORDER BY e.starts_at, e.id LIMIT 501")
            .bind(reader)
            .bind(FROM.parse::<jiff::Timestamp>()?)
            .bind(TO.parse::<jiff::Timestamp>()?)
            .all(&mut conn)
            .await?;
        times.push(ms(began.elapsed()));
        if rows.is_empty() {
            bail!("the month has no single event");
        }
    }
    Ok(median(&times))
}
