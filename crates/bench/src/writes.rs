//! `POST /events` against a plain INSERT with its COMMIT through the same database layer.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Result;
use kalends_db::{Db, Error, sql};
use kalends_kernel::{Clock, EventId, Ids, UserId};
use serde_json::json;

use crate::load::{self, Round, request};
use crate::place::{self, Engine, Place};
use crate::report::{median, percent, table};

const ROUNDS: usize = 5;
const ROUND: Duration = Duration::from_millis(1_500);

pub async fn run(engine: Engine) -> Result<()> {
    let place = Place::fresh(engine).await?;
    let running = place.serve().await?;
    let user = place::person(&running, "alice").await?;
    let token = place::token(&running, "alice").await?;
    let event = json!({
        "title": "Rehearsal", "description": "Bring your own music stand.", "location": "Aula",
        "start": "2027-03-22T19:30:00", "end": "2027-03-22T21:00:00", "time_zone": "Europe/Zurich",
    });
    let requests = Arc::new(vec![request("POST", "/api/v1/events", &token, &event.to_string())]);
    let calendar = calendar_of(&running.db, user).await?;

    let mut rows = Vec::new();
    for connections in [1, 32] {
        let (mut posts, mut inserts): (Vec<Round>, Vec<f64>) = (Vec::new(), Vec::new());
        for number in 0..=ROUNDS {
            let post = load::round(running.addr, &requests, connections, ROUND, 201).await?;
            let insert = plain_inserts(&running.db, user, calendar, connections).await?;
            if number > 0 {
                posts.push(post);
                inserts.push(insert);
            }
        }
        let rate = median(&posts.iter().map(|round| round.per_second).collect::<Vec<_>>());
        let latency = median(&posts.iter().map(Round::median).collect::<Vec<_>>());
        let plain = median(&inserts);
        rows.push(vec![
            connections.to_string(),
            format!("{rate:.0}"),
            format!("{latency:.2}"),
            format!("{plain:.0}"),
            percent(rate, plain),
        ]);
    }
    table(
        &format!("POST /events on {}", place::name(engine)),
        &["connections", "POST/s", "median, ms", "plain INSERT and COMMIT/s", "the server reaches"],
        &rows,
    );
    running.stop().await;
    place.end().await
}

async fn calendar_of(db: &Db, user: UserId) -> Result<uuid::Uuid> {
    struct Id(uuid::Uuid);
    impl kalends_db::FromRow for Id {
        fn from_row(row: &kalends_db::Row) -> kalends_db::Result<Self> {
            row.get("id").map(Id)
        }
    }
    let id: Id = sql("SELECT id FROM calendars WHERE owner_id = $1").bind(user).one(&mut *db.reader().await?).await?;
    Ok(id.0)
}

/// One row of an event alone, each in a transaction of its own: no version, no change-log row, no check, no HTTP.
async fn plain_inserts(db: &Db, user: UserId, calendar: uuid::Uuid, tasks: usize) -> Result<f64> {
    let until = Instant::now() + ROUND;
    let began = Instant::now();
    let mut running = tokio::task::JoinSet::new();
    for _ in 0..tasks {
        let db = db.clone();
        running.spawn(async move {
            let mut done = 0_u32;
            while Instant::now() < until {
                insert(&db, user, calendar).await?;
                done += 1;
            }
            Ok::<u32, Error>(done)
        });
    }
    let mut done = 0;
    while let Some(one) = running.join_next().await {
        done += one??;
    }
    Ok(f64::from(done) / began.elapsed().as_secs_f64())
}

async fn insert(db: &Db, user: UserId, calendar: uuid::Uuid) -> Result<u64, Error> {
    let now = Clock::system().now();
    let id: EventId = Ids::at(now).next();
    db.write((), move |tx, ()| {
        Box::pin(async move {
            sql("INSERT INTO events (id, uid, calendar_id, author_id, state, submitted, visibility, version, starts_at, ends_at, reach,
                    weekday, title_key, created_at, updated_at, content)
                 VALUES ($1, $2, $3, $4, 'published', true, 'public', 1, $5, $5, 0, 1, 'rehearsal', $5, $5, '{}')")
                .bind(id)
                .bind(id.to_string())
                .bind(calendar)
                .bind(user)
                .bind(now)
                .run(tx)
                .await
        })
    })
    .await
}
