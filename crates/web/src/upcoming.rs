//! `/`: what comes next, of everything that is public.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use jiff::Timestamp;
use kalends_core::events::{self, List, Status, Window};
use kalends_kernel::Cursor;

use crate::Web;
use crate::page::{Missing, Visit, anybody, show as page};
use crate::when::{When, content_at};
use crate::words::Words;

/// How many events a page has.
const MOST: u32 = 25;
/// The end of all events.
const END: Timestamp = Timestamp::constant(253_200_000_000, 0);
/// The cursors of this list: any number that is no other list's.
const OF: u32 = 0x77_65_62;

#[derive(Template)]
#[template(path = "upcoming.html")]
struct Upcoming {
    words: &'static Words,
    events: Vec<UpcomingRow>,
    /// Where the next page begins.
    next: Option<String>,
    /// Whether this is not the first page.
    further: bool,
}

struct UpcomingRow {
    id: String,
    title: String,
    location: String,
    when: When,
    status: Status,
}

pub(crate) async fn show(State(web): State<Web>, visit: Visit) -> Result<Response, Missing> {
    let words = visit.words;
    let ctx = anybody(&web);
    let cursor = visit.parameter("cursor").map(|text| Cursor::decode(text, OF));
    let cursor = cursor.transpose().map_err(|_| Missing::NotFound(words))?;
    let further = cursor.is_some();
    let list = List {
        window: Some(Window { from: ctx.now, to: END }),
        expand: true,
        limit: MOST,
        cursor,
        digest: OF,
        // One such series must not take the page from everybody.
        leave_out_too_much_work: true,
        ..List::default()
    };
    let read = web.db.read((ctx, list), |conn, (ctx, list)| Box::pin(events::list(conn, ctx, list)));
    let found = read.await.map_err(|error| Missing::of(error, words))?;
    let events = found.items.iter().filter_map(|found| {
        let (event, instance) = (&found.of.event, found.instance.as_ref()?);
        let content = content_at(event, instance);
        let when = When::of(&content.times, instance.start, instance.end, &event.calendar_zone, words);
        Some(UpcomingRow {
            id: event.id.to_string(),
            title: content.title,
            location: content.location,
            when,
            status: content.status,
        })
    });
    let upcoming = Upcoming { words, events: events.collect(), next: found.next.map(|next| next.encode()), further };
    Ok(page(&upcoming, words))
}
