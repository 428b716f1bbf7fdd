//! `GET /events/{id}` through the whole server, against a handler of the same framework that runs the same SELECT through
//! the same pool, and against one that answers with a constant of the same size.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use axum::extract::State;
use axum::http::{StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::serve::ListenerExt;
use kalends_core::events::LOAD;
use kalends_db::{Db, FromRow, Row, sql};
use kalends_kernel::{EventId, UserId};
use serde_json::json;
use tokio::net::TcpListener;

use crate::load::{self, Connection, Round, request};
use crate::place::{self, Engine, Place};
use crate::report::{median, reached, table};

const EVENTS: usize = 1_000;
const CONNECTIONS: usize = 16;
const ROUNDS: usize = 15;
const ROUND: Duration = Duration::from_millis(1_000);

pub async fn run(engine: Engine) -> Result<()> {
    let place = Place::fresh(engine).await?;
    let running = place.serve().await?;
    let user = place::person(&running, "alice").await?;
    let token = place::token(&running, "alice").await?;
    let (ids, body) = make_events(running.addr, &token).await?;

    let select = router_of_select(running.db.clone(), user);
    let constant = axum::Router::new().route(
        "/events/{id}",
        get(move || {
            let body = body.clone();
            async move { ([(header::CONTENT_TYPE, "application/json")], body) }
        }),
    );
    let requests = |base: &str| {
        Arc::new(ids.iter().map(|id| request("GET", &format!("{base}/events/{id}"), &token, "")).collect::<Vec<_>>())
    };
    let (whole, bare) = (requests("/api/v1"), requests(""));
    let servers = [
        ("whole server", running.addr, whole),
        ("same SELECT, bare handler", listen(select).await?, bare.clone()),
        ("constant, bare handler", listen(constant).await?, bare),
    ];

    for connections in [CONNECTIONS, 1] {
        let mut rounds: [Vec<Round>; 3] = Default::default();
        for number in 0..=ROUNDS {
            for ((_, addr, requests), rounds) in servers.iter().zip(&mut rounds) {
                let round = load::round(*addr, requests, connections, ROUND, 200).await?;
                // The first is for warming up.
                if number > 0 {
                    rounds.push(round);
                }
            }
        }
        show(engine, connections, servers.iter().map(|(name, ..)| *name).zip(&rounds));
    }
    running.stop().await;
    place.end().await
}

fn show<'r>(engine: Engine, connections: usize, of: impl Iterator<Item = (&'static str, &'r Vec<Round>)>) {
    let of: Vec<_> = of.collect();
    let rates = |rounds: &[Round]| rounds.iter().map(|round| round.per_second).collect::<Vec<_>>();
    let latency = |rounds: &[Round]| median(&rounds.iter().map(Round::median).collect::<Vec<_>>());
    let cpu = |rounds: &[Round]| median(&rounds.iter().map(|round| round.server_cpu).collect::<Vec<_>>());
    let whole = of.first().map(|(_, rounds)| rates(rounds)).unwrap_or_default();
    let rows: Vec<Vec<String>> = of
        .iter()
        .map(|(name, rounds)| {
            vec![
                (*name).to_owned(),
                format!("{:.0}", median(&rates(rounds))),
                reached(&whole, &rates(rounds)),
                format!("{:.3}", latency(rounds)),
                format!("{:.0}", cpu(rounds)),
            ]
        })
        .collect();
    let title = format!("GET /events/{{id}} on {}, {connections} connection(s)", place::name(engine));
    table(&title, &["", "requests/s", "the server reaches", "median, ms", "CPU without the generator, µs"], &rows);
}

async fn make_events(addr: SocketAddr, token: &str) -> Result<(Vec<EventId>, String)> {
    let mut connection = Connection::open(addr).await?;
    let mut ids = Vec::new();
    for number in 0..EVENTS {
        let event = json!({
            "title": format!("Rehearsal {number}"),
            "description": "Bring your own music stand and the parts that were given out last week. ".repeat(3),
            "location": "Aula, first floor", "start": "2027-03-22T19:30:00", "end": "2027-03-22T21:00:00",
            "time_zone": "Europe/Zurich", "categories": ["music", "choir"], "reminders": [60, 1440],
        });
        connection.send(&request("POST", "/api/v1/events", token, &event.to_string())).await?;
        let made = connection.json()?;
        let id = made.get("id").and_then(|id| id.as_str()).with_context(|| format!("no event was made: {made}"))?;
        ids.push(id.parse()?);
    }
    Ok((ids, String::from_utf8(connection.body().to_vec())?))
}

pub async fn listen(router: axum::Router) -> Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let addr = listener.local_addr()?;
    let listener = listener.tap_io(|tcp| {
        tcp.set_nodelay(true).ok();
    });
    tokio::spawn(async move { axum::serve(listener, router).await });
    Ok(addr)
}

fn router_of_select(db: Db, user: UserId) -> axum::Router {
    axum::Router::new().route("/events/{id}", get(select)).with_state((db, user))
}

struct ContentColumn(String);

impl FromRow for ContentColumn {
    fn from_row(row: &Row) -> kalends_db::Result<Self> {
        row.get("content").map(ContentColumn)
    }
}

async fn select(State((db, user)): State<(Db, UserId)>, uri: Uri) -> Response {
    let id: Option<EventId> = uri.path().rsplit('/').next().and_then(|id| id.parse().ok());
    let Some(id) = id else { return StatusCode::NOT_FOUND.into_response() };
    let Ok(mut conn) = db.reader().await else { return StatusCode::SERVICE_UNAVAILABLE.into_response() };
    match sql(LOAD.as_str()).bind(user).bind(id).optional::<ContentColumn>(&mut conn).await {
        Ok(Some(found)) => ([(header::CONTENT_TYPE, "application/json")], found.0).into_response(),
        Ok(None) => StatusCode::NOT_FOUND.into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}
