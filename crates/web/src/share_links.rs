//! `/s/{token}`: the events of a share link, for whoever has it.

use askama::Template;
#[expect(
    clippy::disallowed_types,
    reason = "a page answers a wrong address with a page, not with a problem document"
)]
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use http::header::{self, HeaderName, HeaderValue};
use jiff::Timestamp;
use kalends_core::access::DetailLevel;
use kalends_core::budget::Budget;
use kalends_core::events::{Allowed, Compiled, Content, Instance, Status};
use kalends_core::feeds::Language;
use kalends_core::share_links;

use crate::Web;
use crate::page::{Missing, Visit, anybody, show as page};
use crate::when::{When, content_at};
use crate::words::Words;

/// How many dates of a series are shown.
const MOST: usize = 5;
/// The end of all events.
const END: Timestamp = Timestamp::constant(253_200_000_000, 0);

#[derive(Template)]
#[template(path = "share_link.html")]
struct Shared {
    words: &'static Words,
    token: String,
    title: String,
    events: Vec<Event>,
}

struct Event {
    title: String,
    description: String,
    location: String,
    url: Option<String>,
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

#[expect(clippy::disallowed_types, reason = "a page answers a wrong address with a page, not with a problem document")]
pub(crate) async fn show(
    State(web): State<Web>,
    visit: Visit,
    path: Result<Path<String>, axum::extract::rejection::PathRejection>,
) -> Result<Response, Missing> {
    let words = visit.words;
    let Ok(Path(token)) = path else { return Err(Missing::NotFound(words)) };
    let ctx = anybody(&web);
    let mut conn = web.db.reader().await.map_err(|error| Missing::fault(error, words))?;
    let found = share_links::open(&mut conn, &ctx, &token).await.map_err(|error| Missing::of(error, words))?;
    drop(conn);
    let opened = found.ok_or(Missing::NotFound(words))?;
    if opened.is_news(ctx.now) {
        let noting =
            web.db.write((opened.link.id, ctx.now), |tx, (id, now)| Box::pin(share_links::note_use(tx, *id, *now)));
        if let Err(error) = noting.await {
            tracing::warn!(%error, "the use of a share link could not be noted");
        }
    }
    let shown = Shared {
        words,
        token,
        title: opened.link.name.unwrap_or_else(|| words.shared.to_owned()),
        events: opened.events.iter().map(|of| Event::of(of, ctx.now, words)).collect(),
    };
    // The address is a secret: no cache keeps what is behind it for others, no index finds it, no other site is told it.
    let told = [
        (header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache")),
        (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
        (HeaderName::from_static("x-robots-tag"), HeaderValue::from_static("noindex, nofollow")),
    ];
    Ok((told, page(&shown, words)).into_response())
}

impl Event {
    fn of(of: &Allowed, now: Timestamp, words: &'static Words) -> Event {
        let (event, zone, seen) = (&of.event, &of.event.calendar_zone, of.grant.sight >= DetailLevel::Public);
        let content = &event.content;
        let text = |text: &String| if seen { text.clone() } else { String::new() };
        let title = if seen { content.title.clone() } else { Language::of(words.tag).busy().to_owned() };
        let (start, end) = (content.times.start_instant(zone), content.times.end_instant(zone));
        let next = if content.is_recurring() { next(content, of, now) } else { Vec::new() };
        let dates = next.iter().take(MOST).map(|instance| {
            let at = content_at(event, instance);
            Date {
                when: When::of(&at.times, instance.start, instance.end, zone, words),
                title: Some(at.title).filter(|own| seen && *own != content.title).unwrap_or_default(),
                status: at.status,
            }
        });
        Event {
            dates: dates.collect(),
            more: next.len() > MOST,
            title,
            description: text(&content.description),
            location: text(&content.location),
            url: content.url.clone().filter(|_| seen),
            status: content.status,
            when: When::of(&content.times, start, end.max(start), zone, words),
            recurring: content.is_recurring(),
        }
    }
}

/// The next dates and one more; those of a rule that takes too much work are left out.
fn next(content: &Content, of: &Allowed, now: Timestamp) -> Vec<Instance> {
    let compiled = Compiled::of(content, &of.event.calendar_zone);
    compiled.overlapping(now, END, &Budget::default()).take(MOST + 1).map_while(Result::ok).collect()
}
