//! A feed of 5,000 events: read for the first time, and unchanged.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use axum::http::{StatusCode, header};
use axum::routing::get;
use serde_json::{Value, json};

use crate::get::listen;
use crate::load::{self, Connection, request, request_with};
use crate::place::{self, Engine, Place, call, text};
use crate::report::{median, ms, reached, table};

const EVENTS: usize = 5_000;
const CONNECTIONS: usize = 16;
const ROUNDS: usize = 15;
const ROUND: Duration = Duration::from_millis(1_000);

pub async fn run(engine: Engine) -> Result<()> {
    let place = Place::fresh(engine).await?;
    let running = place.serve().await?;
    place::person(&running, "alice").await?;
    let token = place::token(&running, "alice").await?;
    let mut connection = Connection::open(running.addr).await?;
    let calendar = call(&mut connection, "POST", "/api/v1/calendars", &token, &json!({"name": "Feed"})).await?;
    let calendar = text(&calendar, "id")?;
    fill(&mut connection, &token, &calendar).await?;
    let feed = json!({"name": "Phone", "calendar_ids": [calendar]});
    let feed = call(&mut connection, "POST", "/api/v1/me/feeds", &token, &feed).await?;
    let url = text(&feed, "url")?;
    let path = url.splitn(4, '/').nth(3).map(|path| format!("/{path}")).context("a path in the address")?;

    let mut cold = Vec::new();
    for _ in 0..5 {
        let began = Instant::now();
        let status = connection.send(&request("GET", &path, "", "")).await?;
        cold.push(ms(began.elapsed()));
        if status != 200 {
            bail!("the feed answers {status}");
        }
    }
    let size = connection.body().len();
    let etag = connection.header("etag").context("the feed has an ETag")?;
    let entries = connection.body().windows(12).filter(|text| text == b"BEGIN:VEVENT").count();

    let not_modified = etag.clone();
    let bare = axum::Router::new().route(
        "/{*path}",
        get(move || {
            let etag = not_modified.clone();
            async move { (StatusCode::NOT_MODIFIED, [(header::ETAG, etag)]) }
        }),
    );
    let bare = listen(bare).await?;
    let known = Arc::new(vec![request_with("GET", &path, "", &format!("if-none-match: {etag}\r\n"), "")]);
    let (mut whole, mut constant) = (Vec::new(), Vec::new());
    for number in 0..=ROUNDS {
        let ours = load::round(running.addr, &known, CONNECTIONS, ROUND, 304).await?.per_second;
        let theirs = load::round(bare, &known, CONNECTIONS, ROUND, 304).await?.per_second;
        if number > 0 {
            whole.push(ours);
            constant.push(theirs);
        }
    }
    table(
        &format!("A feed of {entries} events on {}", place::name(engine)),
        &["whole feed, ms", "KiB", "304/s", "304/s, bare handler", "the server reaches"],
        &[vec![
            format!("{:.0}", median(&cold)),
            (size / 1024).to_string(),
            format!("{:.0}", median(&whole)),
            format!("{:.0}", median(&constant)),
            reached(&whole, &constant),
        ]],
    );
    running.stop().await;
    place.end().await
}

/// Single events and, every tenth, a series, five hundred in each request.
async fn fill(connection: &mut Connection, token: &str, calendar: &str) -> Result<()> {
    for part in 0..EVENTS / 500 {
        let operations: Vec<Value> = (0..500)
            .map(|number| {
                let day = (part * 500 + number) % 28 + 1;
                let mut event = json!({
                    "title": format!("Rehearsal {part}-{number}"), "description": "Bring your own music stand.", "calendar_id": calendar,
                    "start": format!("2027-{:02}-{day:02}T19:30:00", part % 12 + 1), "time_zone": "Europe/Zurich",
                });
                if number % 10 == 0
                    && let Some(event) = event.as_object_mut()
                {
                    event.insert("recurrence".to_owned(), json!(["RRULE:FREQ=WEEKLY"]));
                }
                json!({"op": "create", "event": event})
            })
            .collect();
        let body = json!({"mode": "atomic", "operations": operations});
        call(connection, "POST", "/api/v1/events/batch", token, &body).await?;
    }
    Ok(())
}
