//! A public event that many anonymous people ask for at once, against a handler of the same framework that answers with a
//! constant of the same size.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use axum::http::header;
use axum::routing::get;
use serde_json::{Value, json};

use crate::get::listen;
use crate::load::{self, Connection, Round, request};
use crate::place::{self, Engine, Place, call, text};
use crate::report::{median, reached, table};

const CONNECTIONS: usize = 16;
const ROUNDS: usize = 15;
const ROUND: Duration = Duration::from_millis(1_000);

pub async fn run(engine: Engine) -> Result<()> {
    let place = Place::fresh(engine).await?;
    let running = place.serve().await?;
    place::person(&running, "alice").await?;
    let token = place::token(&running, "alice").await?;
    let mut connection = Connection::open(running.addr).await?;
    let open = json!({"name": "Open", "visibility": "public"});
    let calendar = text(&call(&mut connection, "POST", "/api/v1/calendars", &token, &open).await?, "id")?;
    let event = json!({
        "title": "Concert", "description": "Doors open at seven. ".repeat(10), "location": "Town hall", "calendar_id": calendar,
        "start": "2027-06-05T20:00:00", "end": "2027-06-05T22:00:00", "time_zone": "Europe/Zurich",
    });
    let id = text(&call(&mut connection, "POST", "/api/v1/events", &token, &event).await?, "id")?;
    let path = format!("/api/v1/events/{id}");
    call(&mut connection, "GET", &path, "", &Value::Null).await?;
    let body = String::from_utf8(connection.body().to_vec())?;
    let etag = connection.header("etag").unwrap_or_default();

    let constant = axum::Router::new().route(
        "/api/v1/events/{id}",
        get(move || {
            let body = body.clone();
            async move { ([(header::CONTENT_TYPE, "application/json")], body) }
        }),
    );
    let bare = listen(constant).await?;
    let plain = Arc::new(vec![request("GET", &path, "", "")]);
    let known = Arc::new(vec![load::request_with("GET", &path, "", &format!("if-none-match: {etag}\r\n"), "")]);
    let kinds = [
        ("constant, bare handler", bare, &plain, 200),
        ("whole server, anonymous", running.addr, &plain, 200),
        ("whole server, anonymous, 304", running.addr, &known, 304),
    ];
    let mut rates: [Vec<f64>; 3] = Default::default();
    for number in 0..=ROUNDS {
        for ((_, addr, requests, status), rates) in kinds.iter().zip(&mut rates) {
            let round: Round = load::round(*addr, requests, CONNECTIONS, ROUND, *status).await?;
            if number > 0 {
                rates.push(round.per_second);
            }
        }
    }
    let [base, ..] = &rates;
    let rows = kinds
        .iter()
        .zip(&rates)
        .map(|((name, ..), rates)| vec![(*name).to_owned(), format!("{:.0}", median(rates)), reached(rates, base)]);
    let title = format!("A hot public event on {}, {CONNECTIONS} connections", place::name(engine));
    table(&title, &["", "requests/s", "of the constant"], &rows.collect::<Vec<_>>());
    running.stop().await;
    place.end().await
}
