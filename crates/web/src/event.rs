//! `/e/{id}`: one public event.

use askama::Template;
#[expect(clippy::disallowed_types, reason = "a page answers a wrong id with a page, not with a problem document")]
use axum::extract::{Path, State};
use axum::response::Response;
use jiff::Timestamp;
use kalends_core::access::Can;
use kalends_core::events::{self, List, Status, Window};
use kalends_kernel::EventId;

use crate::Web;
use crate::page::{Missing, Visit, anybody, show as page};
use crate::when::{When, content_at};
use crate::words::Words;

/// How many dates of a series are shown.
const MOST: u32 = 12;
/// The end of all events.
const END: Timestamp = Timestamp::constant(253_200_000_000, 0);

#[derive(Template)]
#[template(path = "event.html")]
struct Event {
    words: &'static Words,
    public_url: String,
    /// The same without its scheme, for `webcal:`.
    host: String,
    id: String,
    calendar: String,
    title: String,
    description: String,
    location: String,
    url: Option<String>,
    categories: Vec<String>,
    status: Status,
    when: When,
    recurring: bool,
    dates: Vec<Date>,
    /// Whether there are more dates than are shown.
    more: bool,
}

struct Date {
    when: When,
    /// Only where the date has a title of its own.
    title: String,
    status: Status,
}

#[expect(clippy::disallowed_types, reason = "a page answers a wrong id with a page, not with a problem document")]
pub(crate) async fn show(
    State(web): State<Web>,
    visit: Visit,
    path: Result<Path<String>, axum::extract::rejection::PathRejection>,
) -> Result<Response, Missing> {
    let words = visit.words;
    let id: Option<EventId> = path.ok().and_then(|Path(text)| text.parse().ok());
    let id = id.ok_or(Missing::NotFound(words))?;
    let ctx = anybody(&web);
    let refused = |error| Missing::of(error, words);
    let mut conn = web.db.reader().await.map_err(|error| Missing::fault(error, words))?;
    let of = events::load(&mut conn, &ctx, id, Can::See).await.map_err(refused)?;
    let list = List {
        window: Some(Window { from: ctx.now, to: END }),
        expand: true,
        ids: Some(vec![id]),
        calendar: Some(of.event.calendar_id),
        limit: MOST,
        ..List::default()
    };
    let recurring = of.event.content.is_recurring();
    let found = if recurring { Some(events::list(&mut conn, &ctx, &list).await.map_err(refused)?) } else { None };
    drop(conn);
    let (event, zone) = (&of.event, &of.event.calendar_zone);
    let instances = found.iter().flat_map(|page| &page.items).filter_map(|found| found.instance.as_ref());
    let dates: Vec<Date> = instances
        .map(|instance| {
            let content = content_at(event, instance);
            Date {
                when: When::of(&content.times, instance.start, instance.end, zone, words),
                title: Some(content.title).filter(|title| *title != event.content.title).unwrap_or_default(),
                status: content.status,
            }
        })
        .collect();
    let content = of.event.content.clone();
    let (start, end) = (content.times.start_instant(zone), content.times.end_instant(zone));
    let shown = Event {
        words,
        host: web.public_url.split_once("://").map_or(web.public_url.as_str(), |(_, host)| host).to_owned(),
        public_url: web.public_url,
        id: id.to_string(),
        calendar: event.calendar_id.to_string(),
        when: When::of(&content.times, start, end.max(start), zone, words),
        title: content.title,
        description: content.description,
        location: content.location,
        url: content.url,
        categories: content.categories,
        status: content.status,
        recurring,
        dates,
        more: found.is_some_and(|page| page.next.is_some()),
    };
    Ok(page(&shown, words))
}
