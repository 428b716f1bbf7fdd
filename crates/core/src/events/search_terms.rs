//! The words by which an event is found, those of its overrides included.

use jiff::Timestamp;
use kalends_db::{Result, Tx};
use kalends_kernel::{CalendarId, EventId};

use super::content::Content;
use super::store;
use crate::access::{State, Visibility};
use crate::search::{self, Entry, Field, Words};

/// What the index of words holds about an event.
pub fn entry(content: &Content, calendar: CalendarId, state: State, deleted: bool, starts_at: Timestamp) -> Entry {
    let mut words = Words::new();
    let of_overrides = || content.overrides.iter();
    let mut add = |field, text: &str| search::words::add(&mut words, field, text);
    add(Field::Title, &content.title);
    of_overrides().filter_map(|one| one.title.as_deref()).for_each(|text| add(Field::Title, text));
    content.categories.iter().for_each(|text| add(Field::Category, text));
    of_overrides().flat_map(|one| one.categories.iter().flatten()).for_each(|text| add(Field::Category, text));
    add(Field::Location, &content.location);
    of_overrides().filter_map(|one| one.location.as_deref()).for_each(|text| add(Field::Location, text));
    add(Field::Description, &content.description);
    of_overrides().filter_map(|one| one.description.as_deref()).for_each(|text| add(Field::Description, text));
    let open = state == State::Published && content.visibility == Visibility::Public && !deleted;
    Entry { at: starts_at.as_microsecond(), calendar, open, words }
}

/// How many events are read anew at a time.
const BATCH: i64 = 200;

/// Writes the words of the next events behind `after` anew. Gives the last of them; none at the end.
pub async fn index_next(tx: &mut Tx, after: EventId) -> Result<Option<EventId>> {
    let events = store::to_index(tx, after, BATCH).await?;
    for (event, entry) in &events {
        search::put(tx, *event, entry).await?;
    }
    Ok(events.last().map(|(event, _)| *event))
}
