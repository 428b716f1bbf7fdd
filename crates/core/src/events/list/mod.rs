//! Lists of events: what the actor may see, filtered, in order, by pages.
//!
//! Two steps: the database finds the keys of a page among what the actor may see (`scope`), then the events are loaded and
//! the policy looks at each once more. Series are asked for their instances (`expand`); nothing is ever cut at a horizon.

mod expand;
mod find;
mod rank;
mod scope;
mod search;

pub(crate) use expand::{Candidate, compile};

use std::sync::Arc;

use jiff::Timestamp;
use jiff::civil::DateTime;
use kalends_db::{Conn, sql};
use kalends_kernel::{CalendarId, Cursor, EventId, Page, VenueId};

use super::series::Instance;
use super::store::{COLUMNS, FROM, WITHOUT_GROUPS};
use super::{Allowed, Event, EventError};
use crate::access::{self, Can, State};
use crate::budget::Budget;
use crate::ctx::Ctx;

pub use self::search::Corrected;

/// A half-open stretch of time.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Window {
    /// The first moment.
    pub from: Timestamp,
    /// The first moment after.
    pub to: Timestamp,
}

/// By what a list is ordered.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub enum Sort {
    /// By the first moment.
    #[default]
    Start,
    /// By how well it fits the words that are asked for.
    Rank,
    /// By the title, case aside.
    Title,
    /// By when it was made.
    Created,
    /// By when it last changed.
    Updated,
}

/// What is asked for.
#[derive(Clone, PartialEq, Default, Debug)]
pub struct List {
    /// Only what overlaps this.
    pub window: Option<Window>,
    /// Instances instead of series; needs a window.
    pub expand: bool,
    /// Only of this calendar.
    pub calendar: Option<CalendarId>,
    /// Only these.
    pub ids: Option<Vec<EventId>>,
    /// Only in this state.
    pub state: Option<State>,
    /// Only what the actor made.
    pub mine: bool,
    /// Only with these words; see `search`.
    pub q: Option<String>,
    /// Only at this venue.
    pub venue: Option<VenueId>,
    /// Only with this category, case aside.
    pub category: Option<String>,
    /// Only what begins on this weekday, Monday = 1: of a series its first start, expanded each instance.
    pub weekday: Option<i64>,
    /// Whether a series that takes too much work is left out of an expanded list, with a line in the log, from where it does.
    /// Else the list is refused: an answer to a client is never silently shorter.
    pub leave_out_too_much_work: bool,
    /// The trash of what the actor owns, instead of what is there.
    pub deleted: bool,
    /// The order.
    pub sort: Sort,
    /// Backwards.
    pub descending: bool,
    /// How many at most.
    pub limit: u32,
    /// Behind which.
    pub cursor: Option<Cursor>,
    /// A digest of the question, for the next cursor.
    pub digest: u32,
}

/// A row of a list: an event, or one of its instances.
#[derive(Clone, PartialEq, Debug)]
pub struct ListedEvent {
    /// The event, and what the actor is to it. All instances of an event share it.
    pub of: Arc<Allowed>,
    /// Which instance, in an expanded list.
    pub instance: Option<Instance>,
}

/// A page of events.
pub async fn list(conn: &mut Conn, ctx: &Ctx, list: &List) -> Result<Page<ListedEvent>, EventError> {
    Ok(search(conn, ctx, list).await?.0)
}

/// A page of events, and which of the words that were asked for were corrected.
pub async fn search(
    conn: &mut Conn,
    ctx: &Ctx,
    list: &List,
) -> Result<(Page<ListedEvent>, Vec<Corrected>), EventError> {
    let (scope, corrected) = scope::of(conn, ctx, list).await?;
    let page = match list.window {
        Some(window) if list.expand => expand::page(conn, ctx, list, window, &scope).await?,
        _ => find::page(conn, ctx, list, &scope).await?,
    };
    Ok((page, corrected))
}

/// How many there are in all, pages aside (not for expanded lists).
pub async fn count(conn: &mut Conn, ctx: &Ctx, list: &List) -> Result<i64, EventError> {
    let (scope, _) = scope::of(conn, ctx, list).await?;
    find::count(conn, ctx, list, &scope).await
}

/// As many events are loaded as quickly as it is asked whether somebody is in a group.
const FEW: usize = 20;

/// The events with these ids as the actor may see them, in any order.
pub(crate) async fn load_all(conn: &mut Conn, ctx: &Ctx, ids: &[EventId]) -> Result<Vec<Allowed>, EventError> {
    Ok(load(conn, ctx, ids, usize::MAX, 512).await?.0)
}

/// Loads the first of these events, until they fill a page by their size. Returns them and how many ids were read: at least
/// one, if there is one.
async fn load_some(conn: &mut Conn, ctx: &Ctx, ids: &[EventId]) -> Result<(Vec<Allowed>, usize), EventError> {
    load(conn, ctx, ids, Budget::PAGE_BYTES, 16).await
}

async fn load(
    conn: &mut Conn,
    ctx: &Ctx,
    ids: &[EventId],
    most_bytes: usize,
    at_once: usize,
) -> Result<(Vec<Allowed>, usize), EventError> {
    let mut found = Vec::with_capacity(ids.len().min(512));
    let (mut read, mut bytes) = (0, 0);
    // Most people are in no group: a long list need not ask for each event what theirs may do.
    let in_groups = ids.len() <= FEW || scope::is_in_groups(conn, ctx.user()).await?;
    let columns = if in_groups { COLUMNS } else { WITHOUT_GROUPS };
    for ids in ids.chunks(at_once) {
        if bytes >= most_bytes {
            break;
        }
        read += ids.len();
        let events: Vec<Event> = sql(format!("SELECT {columns} FROM {FROM} WHERE e.id IN ({{}})"))
            .bind(ctx.user())
            .bind_list(ids.iter().copied())
            .all(conn)
            .await?;
        found.extend(
            events
                .into_iter()
                .filter_map(|event| access::on_event(&ctx.actor, &event.facts).map(|grant| Allowed { event, grant }))
                .inspect(|one| super::store::note(ctx, Can::See, &one.event))
                .inspect(|one| bytes += one.event.content.weight()),
        );
    }
    Ok((found, read))
}

/// The original start as it stands in a cursor.
fn part_of(original: DateTime) -> String {
    original.to_string()
}
