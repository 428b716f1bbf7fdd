//! The first page of a search over a million events in a thousand calendars: of somebody who sees ten of them, and of their
//! owner, who sees all. Against the same words looked up in the same index by plain SQL, without rights, ranks or typing errors.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use kalends_core::search::words::behind;
use kalends_db::{Db, FromRow, sql};

use crate::load::{self, Connection, request};
use crate::place::{self, Engine};
use crate::report::{median, ms, percentile, table};
use crate::seed::{self, rare_word};

const ROUND: Duration = Duration::from_secs(2);

pub async fn run(engine: Engine) -> Result<()> {
    let place = seed::seeded(engine, seed::MANY_CALENDARS).await?;
    let running = place.serve().await?;
    let rare = rare_word(500);
    let typo: String = rare.chars().enumerate().map(|(n, letter)| if n == 4 { 'q' } else { letter }).collect();
    let asked = [
        ("in the title of every event", "rehearsal".to_owned(), "rehearsal"),
        ("in the description of every event", "music".to_owned(), "music"),
        ("the beginning of a word of every title", "rehe".to_owned(), "rehe"),
        ("two words of every event", "rehearsal music".to_owned(), "music"),
        ("in 50 events", rare.clone(), rare.as_str()),
        ("in 50 events, and one of every event", format!("rehearsal {rare}"), rare.as_str()),
        ("in 50 events, with a letter wrong", typo, rare.as_str()),
    ];
    for (login, sees) in [("reader", "who sees 10 of 1,000 calendars"), ("owner", "who owns all calendars")] {
        let token = place::token(&running, login).await?;
        let mut rows = Vec::new();
        for (what, words, plainly) in &asked {
            let page = request("GET", &format!("/api/v1/events?q={}", words.replace(' ', "%20")), &token, "");
            let mut connection = Connection::open(running.addr).await?;
            let began = Instant::now();
            let status = connection.send(&page).await?;
            let first = ms(began.elapsed());
            if status != 200 {
                bail!("the search answers {status}: {}", String::from_utf8_lossy(connection.body()));
            }
            let items = connection.json()?.get("items").and_then(|items| items.as_array().map(Vec::len)).unwrap_or(0);
            if items == 0 {
                bail!("nothing is found by {words}");
            }
            let round = load::round(running.addr, &Arc::new(vec![page]), 1, ROUND, 200).await?;
            let plain = plain(&running.db, plainly).await?;
            rows.push(vec![
                (*what).to_owned(),
                items.to_string(),
                format!("{first:.1}"),
                format!("{:.2}", round.median()),
                format!("{:.2}", percentile(&round.latencies, 0.95)),
                format!("{plain:.2}"),
            ]);
        }
        let title = format!("Search over 1,000,000 events on {}, by somebody {sees}", place::name(engine));
        let head = ["a word", "found", "first request, ms", "median, ms", "95 %, ms", "plain SQL, ms"];
        table(&title, &head, &rows);
    }
    running.stop().await;
    place.end().await
}

struct Plain;
impl FromRow for Plain {
    fn from_row(row: &kalends_db::Row) -> kalends_db::Result<Self> {
        row.text("content").map(|_| Plain)
    }
}

async fn plain(db: &Db, word: &str) -> Result<f64> {
    let mut conn = db.reader().await?;
    let mut times = Vec::new();
    for _ in 0..30 {
        let began = Instant::now();
        let _: Vec<Plain> =
            sql("SELECT e.content FROM (SELECT w.event_id FROM search_words w WHERE w.word >= $1 AND w.word < $2
             ORDER BY w.word, w.field, w.at LIMIT 51) f JOIN events e ON e.id = f.event_id")
            .bind(word)
            .bind(behind(word))
            .all(&mut conn)
            .await?;
        times.push(ms(began.elapsed()));
    }
    Ok(median(&times))
}
