//! All SQL that writes the index of words, and what looks into the vocabulary. (What searches has its in `events/list`, where
//! the conditions of rights are.)

use std::collections::{BTreeSet, HashMap, HashSet};

use kalends_db::{Conn, FromRow, Result, Row, Tx, append, sql};
use kalends_kernel::{CalendarId, EventId};

use super::typo::{self, Near};
use super::words::{self, Words};
use super::{Entry, TABLES};

/// What the index holds about an event, row by row.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Indexed {
    words: Words,
    /// What the rows say beside the words; more than one when they disagree.
    of: HashSet<(i64, CalendarId, bool)>,
}

impl Indexed {
    /// Whether it is this.
    pub fn is(&self, entry: &Entry) -> bool {
        let same = self.of.len() == 1 && self.of.contains(&(entry.at, entry.calendar, entry.open));
        self.words == entry.words && (same || entry.words.is_empty())
    }
}

struct IndexRow(EventId, String, i64, (i64, CalendarId, bool));

impl FromRow for IndexRow {
    fn from_row(row: &Row) -> Result<Self> {
        let of = (row.get("at")?, row.get("calendar_id")?, row.get("open")?);
        Ok(IndexRow(row.get("event_id")?, row.get("word")?, row.get("field")?, of))
    }
}

/// What the index holds about these events.
pub async fn indexed(conn: &mut Conn, events: &[EventId]) -> Result<HashMap<EventId, Indexed>> {
    let rows: Vec<IndexRow> =
        sql("SELECT event_id, word, field, at, calendar_id, open FROM search_words WHERE event_id IN ({})")
            .bind_list(events.iter().copied())
            .all(conn)
            .await?;
    let mut found: HashMap<EventId, Indexed> = HashMap::new();
    for IndexRow(event, word, field, of) in rows {
        let entry = found.entry(event).or_default();
        entry.words.insert(word, field);
        entry.of.insert(of);
    }
    Ok(found)
}

pub(super) async fn remove(tx: &mut Tx, event: EventId) -> Result<()> {
    sql("DELETE FROM search_words WHERE event_id = $1").bind(event).run(tx).await?;
    Ok(())
}

pub(super) async fn moved(tx: &mut Tx, event: EventId, at: i64) -> Result<()> {
    sql("UPDATE search_words SET at = $2 WHERE event_id = $1 AND at <> $2").bind(event).bind(at).run(tx).await?;
    Ok(())
}

/// Writes the words of an event. A row that is there already stays as it is.
pub(super) async fn insert(tx: &mut Tx, event: EventId, entry: &Entry) -> Result<()> {
    for (word, field) in &entry.words {
        let row = [
            event.into(),
            word.as_str().into(),
            (*field).into(),
            entry.at.into(),
            entry.calendar.into(),
            entry.open.into(),
        ];
        append(tx, INSERT_WORDS, row).await?;
    }
    Ok(())
}

const INSERT_WORDS: &str =
    "INSERT INTO search_words (event_id, word, field, at, calendar_id, open) VALUES {} ON CONFLICT DO NOTHING";

struct Word(String);

impl FromRow for Word {
    fn from_row(row: &Row) -> Result<Self> {
        row.get("word").map(Word)
    }
}

/// Which of these words the vocabulary has.
pub(super) async fn known(conn: &mut Conn, words: &Words) -> Result<BTreeSet<String>> {
    let found: Vec<Word> = sql("SELECT word FROM search_vocabulary WHERE word IN ({})")
        .bind_list(words.keys().map(String::as_str))
        .all(conn)
        .await?;
    Ok(found.into_iter().map(|word| word.0).collect())
}

/// Adds words to the vocabulary. Somebody else may be adding the same.
pub(super) async fn learn(tx: &mut Tx, words: &[&str]) -> Result<()> {
    for word in words {
        append(tx, "INSERT INTO search_vocabulary (word) VALUES {} ON CONFLICT DO NOTHING", [(*word).into()]).await?;
    }
    let cuts: BTreeSet<(String, String)> = words.iter().flat_map(|word| typo::kept(word)).collect();
    for (cut, head) in cuts {
        let row = [cut.into(), head.into()];
        append(tx, "INSERT INTO search_cuts (cut, head) VALUES {} ON CONFLICT DO NOTHING", row).await?;
    }
    Ok(())
}

pub(super) async fn clear(tx: &mut Tx) -> Result<()> {
    for table in TABLES {
        sql(format!("DELETE FROM {table}")).run(tx).await?;
    }
    Ok(())
}

/// How many heads are read, and how many of those, the nearest, are looked at with how many words each time.
const MOST_READ: usize = 10_000;
const MOST_HEADS: usize = 512;
const MOST_WORDS: usize = 5_000;

/// The words of the vocabulary that are near this one, nearest first. Whether the asker may know them is another question.
pub async fn near(conn: &mut Conn, word: &str) -> Result<Vec<Near>> {
    let asked = typo::asked(word);
    if asked.is_empty() {
        return Ok(Vec::new());
    }
    let mut heads: Vec<Word> =
        sql(format!("SELECT DISTINCT head AS word FROM search_cuts WHERE cut IN ({{}}) LIMIT {MOST_READ}"))
            .bind_list(asked)
            .all(conn)
            .await?;
    heads.sort_by_cached_key(|head| (typo::apart(word, &head.0), head.0.clone()));
    heads.truncate(MOST_HEADS);
    let mut found = BTreeSet::new();
    for heads in heads.chunks(64) {
        let ranges: Vec<String> =
            (0..heads.len()).map(|n| format!("(word >= ${} AND word < ${})", 2 * n + 1, 2 * n + 2)).collect();
        let statement =
            sql(format!("SELECT word FROM search_vocabulary WHERE {} LIMIT {MOST_WORDS}", ranges.join(" OR ")));
        let words: Vec<Word> = heads
            .iter()
            .fold(statement, |statement, head| statement.bind(head.0.as_str()).bind(words::behind(&head.0)))
            .all(conn)
            .await?;
        found.extend(words.into_iter().filter_map(|other| typo::nearness(word, &other.0)));
    }
    Ok(found.into_iter().collect())
}
