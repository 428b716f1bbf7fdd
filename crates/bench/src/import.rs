//! `POST /imports` with 10,000 events, until its job is done, against reading the same file and nothing else.

use std::fmt::Write;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use kalends_kernel::Zone;
use serde_json::{Value, json};

use crate::load::Connection;
use crate::place::{self, Engine, Place, call, text};
use crate::report::{median, ms, table};

const EVENTS: usize = 10_000;
const ROUNDS: usize = 3;
const PATIENCE: Duration = Duration::from_secs(300);

pub async fn run(engine: Engine) -> Result<()> {
    let place = Place::fresh(engine).await?;
    let running = place.serve().await?;
    place::person(&running, "alice").await?;
    let token = place::token(&running, "alice").await?;
    let mut connection = Connection::open(running.addr).await?;
    let file = file();
    let (mut news, mut agains, mut reads) = (Vec::new(), Vec::new(), Vec::new());
    for number in 0..ROUNDS {
        let name = json!({"name": format!("Import {number}")});
        let calendar = text(&call(&mut connection, "POST", "/api/v1/calendars", &token, &name).await?, "id")?;
        let began = Instant::now();
        import(&mut connection, &token, &calendar, &file, "created").await?;
        news.push(ms(began.elapsed()));
        let began = Instant::now();
        import(&mut connection, &token, &calendar, &file, "unchanged").await?;
        agains.push(ms(began.elapsed()));
        let bytes = file.clone();
        reads.push(tokio::task::spawn_blocking(move || read(bytes.as_bytes())).await??);
    }
    let (new, again, reading) = (median(&news), median(&agains), median(&reads));
    table(
        &format!("A file of {EVENTS} events, a tenth of them series, on {}", place::name(engine)),
        &["KiB", "imported, ms", "events/s", "once more, unchanged, ms", "only read, ms", "reading / importing"],
        &[vec![
            (file.len() / 1024).to_string(),
            format!("{new:.0}"),
            format!("{:.0}", EVENTS as f64 * 1_000.0 / new),
            format!("{again:.0}"),
            format!("{reading:.0}"),
            format!("{:.1} %", 100.0 * reading / new),
        ]],
    );
    running.stop().await;
    place.end().await
}

/// What the import does first, by itself: text to series with their times.
fn read(file: &[u8]) -> Result<f64> {
    let began = Instant::now();
    let parsed = kalends_ical::read(file, &Zone::look_up)?;
    let time = ms(began.elapsed());
    let series: usize = parsed.calendars.iter().map(|calendar| calendar.series.len()).sum();
    if series != EVENTS {
        bail!("{series} events are read of {EVENTS}");
    }
    Ok(time)
}

fn file() -> String {
    let mut text = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//Kalends//bench//EN\r\n".to_owned();
    for number in 0..EVENTS {
        let (month, day, hour) = (number % 12 + 1, number % 28 + 1, number % 12 + 8);
        let start = format!("2027{month:02}{day:02}T{hour:02}");
        let rule = if number.is_multiple_of(10) { "RRULE:FREQ=WEEKLY;COUNT=30\r\n" } else { "" };
        // Writing to a text cannot fail.
        let _ = write!(
            text,
            "BEGIN:VEVENT\r\nUID:bench-{number}@example.org\r\nDTSTAMP:20270101T000000Z\r\nSUMMARY:Rehearsal {number}\r\n\
             DTSTART;TZID=Europe/Zurich:{start}0000\r\nDTEND;TZID=Europe/Zurich:{start}4500\r\nLOCATION:Aula\\, first floor\r\n\
             DESCRIPTION:Bring your own music stand and the parts that were given out\r\n  last week.\r\n{rule}END:VEVENT\r\n"
        );
    }
    text.push_str("END:VCALENDAR\r\n");
    text
}

/// Imports the file and waits until all of it has become what it should.
async fn import(connection: &mut Connection, token: &str, calendar: &str, file: &str, became: &str) -> Result<()> {
    let boundary = "of-the-bench";
    let body = format!(
        "--{boundary}\r\ncontent-disposition: form-data; name=\"calendar_id\"\r\n\r\n{calendar}\r\n\
         --{boundary}\r\ncontent-disposition: form-data; name=\"file\"; filename=\"bench.ics\"\r\ncontent-type: text/calendar\r\n\r\n\
         {file}\r\n--{boundary}--\r\n"
    );
    let head = format!(
        "POST /api/v1/imports HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {token}\r\n\
         content-type: multipart/form-data; boundary={boundary}\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    let status = connection.send(format!("{head}{body}").as_bytes()).await?;
    if status != 202 {
        bail!("the import answers {status}: {}", String::from_utf8_lossy(connection.body()));
    }
    let path = format!("/api/v1/jobs/{}", text(&connection.json()?, "id")?);
    let began = Instant::now();
    loop {
        let job = call(connection, "GET", &path, token, &Value::Null).await?;
        match text(&job, "state")?.as_str() {
            "queued" | "running" if began.elapsed() < PATIENCE => tokio::time::sleep(Duration::from_millis(10)).await,
            "done" if job.pointer(&format!("/result/{became}")) == Some(&json!(EVENTS)) => return Ok(()),
            _ => bail!("the import came to {job}"),
        }
    }
}
