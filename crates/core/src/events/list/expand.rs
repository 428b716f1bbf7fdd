//! Lists of instances: single events from the database in order, and the series of the window, each asked for its instances
//! lazily; what comes first by start makes the page.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Arc, LazyLock};

use jiff::Timestamp;
use jiff::civil::DateTime;
use kalends_db::{Conn, FromRow, Result, Row, sql};
use kalends_kernel::{Cursor, EventId, Page, Zone};

use super::find::{Behind, Class, branches, classes};
use super::scope::{Scope, Text, run};
use super::{List, ListedEvent, Window, load_some, part_of};
use crate::calendars;
use crate::ctx::Ctx;
use crate::events::content::Content;
use crate::events::series::{Compiled, Instance};
use crate::events::{Allowed, Event, EventError, duration_class};

/// A place in the list: by start, then event, then original start (of single events none is needed, and it is the least).
type Place = (Timestamp, EventId, DateTime);

/// Compiled series by event, each with the version and the zone of the calendar that it was compiled from. It only saves
/// reading and parsing the same series for every page; the newest version takes the place of the one before.
static COMPILED: LazyLock<moka::sync::Cache<EventId, Kept>> = LazyLock::new(|| {
    let weight = |_: &EventId, kept: &Kept| u32::try_from(kept.compiled.weight()).unwrap_or(u32::MAX);
    moka::sync::Cache::builder().weigher(weight).max_capacity(CACHE_BYTES).build()
});

/// The bytes that compiled series may take, about.
const CACHE_BYTES: u64 = 96 << 20;

#[derive(Clone)]
struct Kept {
    version: i64,
    zone: Zone,
    compiled: Arc<Compiled>,
}

fn cached(id: EventId, version: i64, zone: &Zone) -> Option<Arc<Compiled>> {
    COMPILED.get(&id).filter(|kept| kept.version == version && kept.zone == *zone).map(|kept| kept.compiled)
}

fn keep(id: EventId, version: i64, zone: &Zone, compiled: &Arc<Compiled>) {
    COMPILED.insert(id, Kept { version, zone: zone.clone(), compiled: compiled.clone() });
}

/// How many instances of one series a request may pass over (every 13th for eight thousand years, where Fridays are wanted).
const MOST_PASSED_OVER: usize = 100_000;

/// After how many instances on the wrong weekday the rules are asked whether they ever give the right one. Not at once: where
/// a zone left out a whole day, the one that fell on it is on another weekday than its rule says.
const SURELY_NONE: usize = 1_000;

/// How many series are looked at before others get a turn on the thread.
const TURN: usize = 200;

pub(super) async fn page(
    conn: &mut Conn,
    ctx: &Ctx,
    list: &List,
    window: Window,
    scope: &Scope,
) -> Result<Page<ListedEvent>, EventError> {
    let wanted = list.limit as usize;
    let behind = list.cursor.as_ref().map(place_of);
    let mut page: BTreeMap<Place, Option<Instance>> = BTreeMap::new();
    for single in singles(conn, ctx, list, window, scope, behind.as_ref(), wanted + 1).await? {
        page.insert((single.starts_at, single.id, DateTime::MIN), None);
    }
    let candidates = candidates(conn, ctx, list, window, scope).await?;
    'all: for candidates in candidates.chunks(TURN) {
        for (id, compiled) in compile(conn, candidates).await? {
            match take(&mut page, ctx, id, &compiled, list, window, behind.as_ref(), wanted + 1) {
                Err(EventError::Budget) if list.leave_out_too_much_work => {
                    tracing::warn!(event = %id, "the series takes too much work: its later instances are left out");
                }
                Err(EventError::TooMuchWork) if list.leave_out_too_much_work => {
                    tracing::warn!("a page takes too much work: series are left out");
                    break 'all;
                }
                taken => taken?,
            }
        }
        tokio::task::yield_now().await;
    }
    let places: Vec<Place> = page.keys().take(wanted).copied().collect();
    let mut ids: Vec<EventId> = Vec::new();
    let mut known = HashSet::new();
    ids.extend(places.iter().map(|place| place.1).filter(|id| known.insert(*id)));
    let (loaded, whole) = load_some(conn, ctx, &ids).await?;
    let events: HashMap<EventId, Arc<Allowed>> = loaded.into_iter().map(|one| (one.event.id, Arc::new(one))).collect();
    // The page ends where the first event stands that was not read any more.
    let unread: HashSet<EventId> = ids.iter().skip(whole).copied().collect();
    let wanted = places.iter().position(|place| unread.contains(&place.1)).unwrap_or(wanted);
    let more = page.len() > wanted;
    let next = page.keys().nth(wanted.saturating_sub(1)).filter(|_| more).map(|place| cursor_of(place, list.digest));
    let items = page
        .into_iter()
        .take(wanted)
        .filter_map(|((start, id, _), instance)| {
            let of = events.get(&id)?.clone();
            let instance = instance.unwrap_or_else(|| Instance {
                original_start: of.event.content.times.start,
                start,
                end: of.event.content.times.end_instant(&of.event.calendar_zone).max(start),
                overridden: false,
            });
            Some(ListedEvent { of, instance: Some(instance) })
        })
        .collect();
    Ok(Page { items, next })
}

/// Adds the instances of a series to the page, as far as they can come before its end.
#[expect(clippy::too_many_arguments, reason = "the place and the question of one page")]
fn take(
    page: &mut BTreeMap<Place, Option<Instance>>,
    ctx: &Ctx,
    id: EventId,
    compiled: &Compiled,
    list: &List,
    window: Window,
    behind: Option<&Place>,
    most: usize,
) -> Result<(), EventError> {
    let from = behind.map_or(window.from, |behind| window.from.max(behind.0));
    let mut instances = compiled.overlapping_or_starting(window.from, window.to, from, &ctx.budget);
    let mut passed_over = 0;
    while let Some(instance) = instances.next().transpose()? {
        let place = (instance.start, id, instance.original_start);
        if page.len() >= most && page.last_key_value().is_some_and(|(last, _)| place > *last) {
            break;
        }
        let wrong_day = list.weekday.filter(|weekday| *weekday != compiled.weekday_of(&instance));
        if wrong_day.is_some() || behind.is_some_and(|behind| place <= *behind) {
            passed_over += 1;
            if passed_over > MOST_PASSED_OVER {
                return Err(EventError::Budget);
            }
            if let Some(wanted) = wrong_day {
                instances.skip_to(compiled.next_weekday(&instance, wanted));
                if passed_over == SURELY_NONE && !compiled.rules_may_fall_on(wanted) {
                    instances.leave_out_rules();
                }
            }
            continue;
        }
        page.insert(place, Some(instance));
        if page.len() > most {
            page.pop_last();
        }
    }
    Ok(())
}

fn place_of(cursor: &Cursor) -> Place {
    let micros = cursor.key.parse().unwrap_or(0);
    let original = cursor.part.parse().unwrap_or(DateTime::MIN);
    (Timestamp::from_microsecond(micros).unwrap_or(Timestamp::MIN), EventId::new(cursor.id), original)
}

fn cursor_of(place: &Place, of: u32) -> Cursor {
    Cursor { key: place.0.as_microsecond().to_string(), id: place.1.uuid(), part: part_of(place.2), of }
}

/// A single event of the window.
struct Single {
    id: EventId,
    starts_at: Timestamp,
}

impl FromRow for Single {
    fn from_row(row: &Row) -> Result<Self> {
        Ok(Single { id: row.get("id")?, starts_at: row.get("k")? })
    }
}

/// The next single events of the window behind a place.
async fn singles(
    conn: &mut Conn,
    ctx: &Ctx,
    list: &List,
    window: Window,
    scope: &Scope,
    behind: Option<&Place>,
    limit: usize,
) -> Result<Vec<Single>, EventError> {
    if scope.branches.is_empty() {
        return Ok(Vec::new());
    }
    // The weekday of a single event is in the database; in its own zone, as that of an instance.
    let list = List { expand: false, window: Some(window), ..list.clone() };
    let mut classes = classes(&list, true);
    let order = format!(" ORDER BY k, id LIMIT {limit}");
    for class in &mut classes {
        class.order = Some(order.clone());
        class.behind = behind.map(|place| Behind {
            column: "e.starts_at",
            descending: false,
            is_time: true,
            cursor: cursor_of(place, 0),
        });
    }
    let mut text = Text::default();
    text.push("SELECT id, k FROM (");
    branches(&mut text, ctx, &list, scope, |text| text.push("SELECT e.id, e.starts_at AS k"), &classes);
    text.push(") x");
    text.push(&order);
    Ok(run(text).all(conn).await?)
}

/// A series that may have an instance in a window: what it takes to find it compiled.
#[derive(Clone, Debug)]
pub(crate) struct Candidate {
    pub(crate) id: EventId,
    pub(crate) version: i64,
    pub(crate) zone: Zone,
}

impl FromRow for Candidate {
    fn from_row(row: &Row) -> Result<Self> {
        Ok(Candidate {
            id: row.get("id")?,
            version: row.get("version")?,
            zone: calendars::store::zone(row, "time_zone")?,
        })
    }
}

/// Every series that the actor may see and that may have an instance in the window.
pub(super) async fn candidates(
    conn: &mut Conn,
    ctx: &Ctx,
    list: &List,
    window: Window,
    scope: &Scope,
) -> Result<Vec<Candidate>, EventError> {
    if scope.branches.is_empty() {
        return Ok(Vec::new());
    }
    let mut text = Text::default();
    text.push("SELECT x.id, x.version, c.time_zone FROM (");
    let class = Class { condition: Some((Some(duration_class::SERIES), None, window)), ..Class::default() };
    branches(&mut text, ctx, list, scope, |text| text.push("SELECT e.id, e.version, e.calendar_id"), &[class]);
    text.push(") x JOIN calendars c ON c.id = x.calendar_id");
    Ok(run(text).all(conn).await?)
}

/// An event that is at hand, compiled.
pub(super) fn compiled(event: &Event) -> Arc<Compiled> {
    let zone = &event.calendar_zone;
    cached(event.id, event.version, zone).unwrap_or_else(|| {
        let compiled = Arc::new(Compiled::of(&event.content, zone));
        keep(event.id, event.version, zone, &compiled);
        compiled
    })
}

/// The candidates compiled, from the cache or from the database.
pub(crate) async fn compile(conn: &mut Conn, candidates: &[Candidate]) -> Result<Vec<(EventId, Arc<Compiled>)>> {
    struct Contents(EventId, Content);
    impl FromRow for Contents {
        fn from_row(row: &Row) -> Result<Self> {
            Ok(Contents(row.get("id")?, row.json("content")?))
        }
    }
    let mut compiled = Vec::with_capacity(candidates.len());
    let mut missing: HashMap<EventId, &Candidate> = HashMap::new();
    for one in candidates {
        match cached(one.id, one.version, &one.zone) {
            Some(found) => compiled.push((one.id, found)),
            None => {
                missing.insert(one.id, one);
            }
        }
    }
    if !missing.is_empty() {
        let rows: Vec<Contents> =
            sql("SELECT id, content FROM events WHERE id IN ({})").bind_list(missing.keys().copied()).all(conn).await?;
        for Contents(id, content) in rows {
            let Some(one) = missing.get(&id) else { continue };
            let made = Arc::new(Compiled::of(&content, &one.zone));
            keep(id, one.version, &one.zone, &made);
            compiled.push((id, made));
        }
    }
    Ok(compiled)
}
