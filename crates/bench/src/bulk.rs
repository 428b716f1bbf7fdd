//! Millions of rows of the index of words, which the program itself would take an hour for: what all events have in common is
//! written by the database from a list, and the large index is made when the rows are there.

use std::collections::BTreeSet;

use anyhow::Result;
use kalends_core::search::{Words, typo};
use kalends_db::testing::run_alone;
use kalends_db::{Db, Engine, Error, Options, Sql, Tx, Value, sql};

use crate::seed::Row;

/// Rows of one INSERT.
const ROWS: usize = 200;
/// Rows of one transaction.
const BATCH: usize = 20_000;
/// As in the migration that makes it.
const INDEX: &str = "CREATE INDEX search_words_word ON search_words (word, field, at, event_id, calendar_id, open)";

/// `INSERT INTO … VALUES` of so many rows.
pub fn insert(into: &str, columns: &str, rows: usize) -> Sql {
    let width = columns.split(',').count();
    let values: Vec<String> = (0..rows)
        .map(|row| {
            let names: Vec<String> = (1..=width).map(|n| format!("${}", row * width + n)).collect();
            format!("({})", names.join(", "))
        })
        .collect();
    sql(format!("INSERT INTO {into} ({columns}) VALUES {}", values.join(", ")))
}

/// Writes rows of any number, many in one transaction.
async fn put(db: &Db, into: &'static str, columns: &'static str, rows: Vec<Vec<Value>>) -> Result<()> {
    for rows in rows.chunks(BATCH) {
        let put: Result<(), Error> = db
            .write(rows.to_vec(), move |tx, rows| {
                Box::pin(async move {
                    for rows in rows.chunks(ROWS) {
                        let statement = insert(into, columns, rows.len());
                        rows.iter().flatten().cloned().fold(statement, Sql::bind).run(tx).await?;
                    }
                    Ok(())
                })
            })
            .await;
        put?;
    }
    Ok(())
}

/// Before the events: the words that all of them have, and no index in the way.
pub async fn begin(db: &Db, options: &Options, common: &Words) -> Result<()> {
    run_alone(
        options,
        "DROP INDEX search_words_word; CREATE TABLE bench_words (word TEXT NOT NULL, field BIGINT NOT NULL)",
    )
    .await?;
    if db.engine() == Engine::Postgres {
        // It would be asked of every row.
        run_alone(options, "ALTER TABLE search_words DROP CONSTRAINT search_words_event_id_fkey").await?;
    }
    let rows = common.iter().map(|(word, field)| vec![word.as_str().into(), (*field).into()]).collect();
    put(db, "bench_words", "word, field", rows).await
}

/// The words of some events that not all have.
pub async fn put_words(tx: &mut Tx, events: &[Row]) -> Result<(), Error> {
    let rows: Vec<Vec<Value>> = events
        .iter()
        .flat_map(|event| {
            event.words.iter().map(|(word, field)| {
                let at = event.starts_at.as_microsecond();
                let id = event.id;
                vec![id.into(), word.as_str().into(), (*field).into(), at.into(), event.calendar.into(), true.into()]
            })
        })
        .collect();
    for rows in rows.chunks(ROWS) {
        let statement = insert("search_words", "event_id, word, field, at, calendar_id, open", rows.len());
        rows.iter().flatten().cloned().fold(statement, Sql::bind).run(tx).await?;
    }
    Ok(())
}

/// After the events: the words that all have, the vocabulary, the index.
pub async fn end(db: &Db, options: &Options, vocabulary: BTreeSet<String>) -> Result<()> {
    let cuts: BTreeSet<(String, String)> = vocabulary.iter().flat_map(|word| typo::kept(word)).collect();
    put(db, "search_vocabulary", "word", vocabulary.into_iter().map(|word| vec![word.into()]).collect()).await?;
    put(db, "search_cuts", "cut, head", cuts.into_iter().map(|(cut, head)| vec![cut.into(), head.into()]).collect())
        .await?;
    let micros = match db.engine() {
        Engine::Sqlite => "e.starts_at",
        Engine::Postgres => "CAST(extract(epoch FROM e.starts_at) * 1000000 AS bigint)",
    };
    let words = format!(
        "INSERT INTO search_words (event_id, word, field, at, calendar_id, open)
         SELECT e.id, w.word, w.field, {micros}, e.calendar_id, TRUE FROM events e CROSS JOIN bench_words w;
         DROP TABLE bench_words"
    );
    run_alone(options, &words).await?;
    run_alone(options, INDEX).await?;
    if db.engine() == Engine::Postgres {
        let constraint = "ALTER TABLE search_words ADD CONSTRAINT search_words_event_id_fkey
            FOREIGN KEY (event_id) REFERENCES events (id) ON DELETE CASCADE";
        run_alone(options, constraint).await?;
    }
    analyze(options).await
}

/// What every PostgreSQL that has run for a while has done. (The program never has SQLite gather statistics.)
pub async fn analyze(options: &Options) -> Result<()> {
    if matches!(options, Options::Postgres { .. }) {
        run_alone(options, "VACUUM (ANALYZE)").await?;
    }
    Ok(())
}

/// What all events take: the time of their calendar, of their venue and of who made them.
pub async fn occupy(options: &Options) -> Result<()> {
    let of = |subject: &str| {
        format!(
            "INSERT INTO occupancy (event_id, subject_id, reach, starts_at, ends_at)
             SELECT id, {subject}, reach, starts_at, ends_at FROM events ORDER BY {subject}, reach, starts_at"
        )
    };
    run_alone(options, &["calendar_id", "venue_id", "author_id"].map(of).join(";")).await?;
    analyze(options).await
}
