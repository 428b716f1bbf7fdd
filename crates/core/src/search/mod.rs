//! Finding events by words (rule 28): the same on both databases, without any extension of them.
//!
//! Text is normalised here, when it is written and when it is asked for ([`words`]): case and diacritics do not count. Every
//! word of an event stands in an index, with the best field it occurs in, written in the transaction that writes the event.
//! A word that is asked for matches itself and every longer word that begins with it; when nothing that the asker may see
//! does, it is corrected to the nearest words ([`typo`]) that something they may see has.
//!
//! Invariants: the index says of every event what its content says ([`Entry`]); nobody finds an event by words that
//! they are not shown, nor is offered a word from one.

mod store;
pub mod typo;
pub mod words;

use kalends_db::{Result, Tx};
use kalends_kernel::{CalendarId, EventId};

pub use store::{Indexed, indexed, near};
pub use words::{Field, Words};

/// The version of what [`words`] and [`typo`] make of a text. Another one makes the index anew at the next start.
pub const VERSION: &str = "1";

/// The longest word that is kept; of a longer one its beginning.
pub const LONGEST_WORD: usize = 40;
/// How many different words of one event are kept: those of the title first.
pub const MOST_WORDS: usize = 500;
/// How many words one may ask for at once.
pub const MOST_ASKED: usize = 20;

/// The tables of the index: made from the events, so that no backup needs them.
pub const TABLES: &[&str] = &["search_words", "search_vocabulary", "search_cuts"];

/// What the index holds about an event.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Entry {
    /// Its first moment, in microseconds since 1970.
    pub at: i64,
    /// Its calendar.
    pub calendar: CalendarId,
    /// Whether those who view its calendar see its words.
    pub open: bool,
    /// Its words.
    pub words: Words,
}

/// Writes what the index shall hold about an event.
pub async fn put(tx: &mut Tx, event: EventId, entry: &Entry) -> Result<()> {
    let before = indexed(tx, &[event]).await?.remove(&event);
    if before.as_ref().is_some_and(|before| before.is(entry)) || (before.is_none() && entry.words.is_empty()) {
        return Ok(());
    }
    if before.is_some() {
        store::remove(tx, event).await?;
    }
    add(tx, event, entry).await
}

/// The same for an event that the index does not know yet.
pub async fn add(tx: &mut Tx, event: EventId, entry: &Entry) -> Result<()> {
    store::insert(tx, event, entry).await?;
    let known = store::known(tx, &entry.words).await?;
    let new: Vec<&str> = entry.words.keys().map(String::as_str).filter(|word| !known.contains(*word)).collect();
    store::learn(tx, &new).await
}

/// Notes that an event has another first moment.
pub async fn moved(tx: &mut Tx, event: EventId, at: i64) -> Result<()> {
    store::moved(tx, event, at).await
}

/// Forgets everything, so that all of it can be written anew.
pub async fn clear(tx: &mut Tx) -> Result<()> {
    store::clear(tx).await
}
