//! A check for conflicts of a weekly series of a year, where 500 venues have 1,000 bookings each; against counting by plain SQL
//! what may overlap it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use jiff::{Timestamp, ToSpan};
use kalends_db::{Db, Options, sql};
use kalends_kernel::VenueId;
use kalends_server::Running;
use serde_json::{Value, json};

use crate::load::{self, Connection, request};
use crate::place::{self, Engine, Place, call, text};
use crate::report::{median, ms, percentile, table};
use crate::seed;

const VENUES: usize = 500;
const BOOKINGS: usize = 1_000;
const ROUND: Duration = Duration::from_secs(3);

pub async fn run(engine: Engine) -> Result<()> {
    let place = Place::kept(engine, &seed::name_of_bookings(VENUES, BOOKINGS)).await?;
    let running = place.serve().await?;
    place::person(&running, "alice").await?;
    if !place.existed {
        let began = Instant::now();
        let made = make_venues(&running, &place.options()?).await;
        place.keep_if(made).await?;
        eprintln!("{} bookings made in {:.0} s", VENUES * BOOKINGS, began.elapsed().as_secs_f64());
    }
    let token = place::token(&running, "alice").await?;
    let mut connection = Connection::open(running.addr).await?;
    let mut venues: Vec<VenueId> = Vec::new();
    let mut path = "/api/v1/venues?limit=500".to_owned();
    while venues.len() < VENUES {
        let page = call(&mut connection, "GET", &path, &token, &Value::Null).await?;
        for venue in page.get("items").and_then(Value::as_array).context("a page of venues")? {
            venues.push(text(venue, "id")?.parse()?);
        }
        path = format!("/api/v1/venues?limit=500&cursor={}", text(&page, "next_cursor").unwrap_or_default());
    }

    // Everything is booked between 6 and 22 at the latest.
    let question = |hour: u32, venue: VenueId| {
        json!({"start": format!("2026-01-05T{hour:02}:00:00"), "end": format!("2026-01-05T{hour:02}:45:00"), "time_zone": "Europe/Zurich",
            "recurrence": ["RRULE:FREQ=WEEKLY;COUNT=52"], "venue_id": venue})
    };
    let everywhere = |venue: VenueId| {
        let mut asked = question(12, venue);
        let first: jiff::civil::DateTime = jiff::civil::datetime(2026, 1, 5, 12, 0, 0, 0);
        let moves = venues.iter().take(52).zip(0_i64..).filter_map(|(venue, week)| {
            let day = first.checked_add(week.weeks()).ok()?;
            Some(json!({"original_start": day.to_string(), "venue_id": venue}))
        });
        if let Some(asked) = asked.as_object_mut() {
            asked.insert("overrides".to_owned(), moves.collect());
        }
        asked
    };
    let mut rows = Vec::new();
    let kinds: [(&str, Vec<Value>); 3] = [
        ("at a free hour, each venue in turn", venues.iter().map(|venue| question(23, *venue)).collect()),
        ("at noon, each venue in turn", venues.iter().map(|venue| question(12, *venue)).collect()),
        ("at noon, each week at another venue", venues.iter().take(1).map(|venue| everywhere(*venue)).collect()),
    ];
    for (what, questions) in kinds {
        let first = questions.first().context("there are venues")?;
        let report = call(&mut connection, "POST", "/api/v1/conflicts", &token, first).await?;
        let clashes = report.get("conflicts").and_then(Value::as_array).map_or(0, Vec::len);
        if (clashes == 0) != what.contains("free") {
            bail!("{clashes} conflicts {what}");
        }
        let requests: Vec<Vec<u8>> =
            questions.iter().map(|asked| request("POST", "/api/v1/conflicts", &token, &asked.to_string())).collect();
        let round = load::round(running.addr, &Arc::new(requests), 1, ROUND, 200).await?;
        let asked = if what.contains("another") { venues.get(..52) } else { venues.get(..1) };
        let (candidates, plain) = plain(&running.db, asked.unwrap_or_default()).await?;
        rows.push(vec![
            what.to_owned(),
            clashes.to_string(),
            format!("{:.1}", round.median()),
            format!("{:.1}", percentile(&round.latencies, 0.95)),
            candidates.to_string(),
            format!("{plain:.2}"),
        ]);
    }
    rows.push(written(&mut connection, &token, &venues, question).await?);
    table(
        &format!("52 weeks against {VENUES} venues with {BOOKINGS} bookings each on {}", place::name(engine)),
        &["", "conflicts", "median, ms", "95 %, ms", "candidates", "counted by plain SQL, ms"],
        &rows,
    );
    running.stop().await;
    place.end().await
}

async fn make_venues(running: &Running, options: &Options) -> Result<()> {
    let owner = place::person(running, "owner").await?;
    let token = place::token(running, "owner").await?;
    let mut connection = Connection::open(running.addr).await?;
    let mut venues: Vec<VenueId> = Vec::new();
    for number in 0..VENUES {
        let venue = json!({"name": format!("Hall {number}"), "time_zone": "Europe/Zurich"});
        venues.push(text(&call(&mut connection, "POST", "/api/v1/venues", &token, &venue).await?, "id")?.parse()?);
    }
    seed::book(&running.db, options, owner, &venues, BOOKINGS).await
}

/// The check and the write of it, at a free hour.
async fn written(
    connection: &mut Connection,
    token: &str,
    venues: &[VenueId],
    question: impl Fn(u32, VenueId) -> Value,
) -> Result<Vec<String>> {
    let mut times = Vec::new();
    for venue in venues {
        let mut event = question(23, *venue);
        if let Some(event) = event.as_object_mut() {
            event.insert("title".to_owned(), "Choir".into());
        }
        let began = Instant::now();
        let status = connection.send(&request("POST", "/api/v1/events", token, &event.to_string())).await?;
        times.push(ms(began.elapsed()));
        if status != 201 {
            bail!("the event answers {status}: {}", String::from_utf8_lossy(connection.body()));
        }
        // The next run finds the hour free again.
        let path = format!("/api/v1/events/{}", text(&connection.json()?, "id")?);
        call(connection, "DELETE", &path, token, &Value::Null).await?;
    }
    Ok(vec![
        "`POST /events` at a free hour".to_owned(),
        String::new(),
        format!("{:.1}", median(&times)),
        format!("{:.1}", percentile(&times, 0.95)),
        String::new(),
        String::new(),
    ])
}

/// What may overlap the year, and how long it takes to count it.
async fn plain(db: &Db, venues: &[VenueId]) -> Result<(i64, f64)> {
    let mut conn = db.reader().await?;
    let (from, to): (Timestamp, Timestamp) = ("2026-01-05T11:00:00Z".parse()?, "2026-12-28T12:00:00Z".parse()?);
    let (mut times, mut found) = (Vec::new(), 0);
    for _ in 0..30 {
        let began = Instant::now();
        found = sql("SELECT count(*) AS n FROM occupancy WHERE starts_at < $1 AND (ends_at > $2 OR ends_at IS NULL) AND subject_id IN ({})")
            .bind(to)
            .bind(from)
            .bind_list(venues.iter().copied())
            .one(&mut conn)
            .await?;
        times.push(ms(began.elapsed()));
    }
    Ok((found, median(&times)))
}
