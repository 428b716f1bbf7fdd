//! Lists of whole events: keys from the database, series in a window asked whether they have an instance in it.

use std::collections::HashMap;
use std::sync::Arc;

use jiff::Timestamp;
use kalends_db::{Conn, FromRow, Result, Row};
use kalends_kernel::{Cursor, EventId, Page};

use super::rank;
use super::scope::{Branch, Scope, Text, filters, run};
use super::{List, ListedEvent, Sort, Window, load_some};
use crate::ctx::Ctx;
use crate::events::{Allowed, EventError, duration_class};

/// How many rounds of keys one request may take before it answers with a shorter page.
const ROUNDS: usize = 20;

pub(super) async fn page(
    conn: &mut Conn,
    ctx: &Ctx,
    list: &List,
    scope: &Scope,
) -> Result<Page<ListedEvent>, EventError> {
    let wanted = list.limit as usize;
    let mut behind = list.cursor.clone();
    let mut items: Vec<ListedEvent> = Vec::new();
    for round in 0..ROUNDS {
        let keys = keys(conn, ctx, list, scope, behind.as_ref(), wanted + 1).await?;
        let full = keys.len() > wanted;
        let ids: Vec<EventId> = keys.iter().map(|key| key.id).collect();
        let (loaded, read) = load_some(conn, ctx, &ids).await?;
        let mut events: HashMap<EventId, Allowed> = loaded.into_iter().map(|one| (one.event.id, one)).collect();
        for key in keys.into_iter().take(read) {
            if items.len() == wanted {
                return Ok(Page { items, next: behind });
            }
            behind = Some(Cursor { key: key.key, id: key.id.uuid(), part: String::new(), of: list.digest });
            let Some(of) = events.remove(&key.id) else { continue };
            if is_in(ctx, &of, list.window)? {
                items.push(ListedEvent { of: Arc::new(of), instance: None });
            }
        }
        if read < ids.len() {
            // The page is full by its size.
            return Ok(Page { items, next: behind });
        }
        if !full {
            return Ok(Page { items, next: None });
        }
        if round + 1 == ROUNDS {
            break;
        }
    }
    Ok(Page { items, next: behind })
}

pub(super) async fn count(conn: &mut Conn, ctx: &Ctx, list: &List, scope: &Scope) -> Result<i64, EventError> {
    let mut text = Text::default();
    text.push("SELECT count(*) AS n FROM (");
    branches(&mut text, ctx, list, scope, |text| text.push("SELECT e.id"), &classes(list, true));
    text.push(") x");
    let mut total: i64 = if scope.branches.is_empty() { 0 } else { run(text).one(conn).await? };
    if let Some(window) = list.window {
        for candidates in super::expand::candidates(conn, ctx, list, window, scope).await?.chunks(500) {
            for compiled in super::expand::compile(conn, candidates).await? {
                total += i64::from(
                    compiled.1.overlapping(window.from, window.to, &ctx.budget).next().transpose()?.is_some(),
                );
            }
        }
    }
    Ok(total)
}

/// Whether a series has an instance in the window; of single events the database knows.
fn is_in(ctx: &Ctx, of: &Allowed, window: Option<Window>) -> Result<bool, EventError> {
    match window {
        Some(window) if of.event.content.is_recurring() => {
            let compiled = super::expand::compiled(&of.event);
            Ok(compiled.overlapping(window.from, window.to, &ctx.budget).next().transpose()?.is_some())
        }
        _ => Ok(true),
    }
}

/// A row of the list to be: which event, and its sort key as a cursor has it.
pub(super) struct Key {
    pub(super) id: EventId,
    pub(super) key: String,
}

struct ByTime(Key);
struct ByText(Key);

impl FromRow for ByTime {
    fn from_row(row: &Row) -> Result<Self> {
        let at: Timestamp = row.get("k")?;
        Ok(ByTime(Key { id: row.get("id")?, key: at.as_microsecond().to_string() }))
    }
}
impl FromRow for ByText {
    fn from_row(row: &Row) -> Result<Self> {
        Ok(ByText(Key { id: row.get("id")?, key: row.get("k")? }))
    }
}

/// The next keys of the list behind a place.
async fn keys(
    conn: &mut Conn,
    ctx: &Ctx,
    list: &List,
    scope: &Scope,
    behind: Option<&Cursor>,
    limit: usize,
) -> Result<Vec<Key>, EventError> {
    if scope.branches.is_empty() {
        return Ok(Vec::new());
    }
    let column = match list.sort {
        Sort::Rank => return Ok(rank::keys(conn, ctx, list, scope, behind, limit).await?),
        Sort::Start => "e.starts_at",
        Sort::Title => "e.title_key",
        Sort::Created => "e.created_at",
        Sort::Updated => "e.updated_at",
    };
    let direction = if list.descending { "DESC" } else { "ASC" };
    let order = format!(" ORDER BY k {direction}, id {direction} LIMIT {limit}");
    let mut text = Text::default();
    text.push("SELECT id, k FROM (");
    let select = |text: &mut Text| text.push(&format!("SELECT e.id, {column} AS k"));
    let mut classes = classes(list, false);
    for class in &mut classes {
        class.behind = behind.map(|cursor| Behind {
            column,
            descending: list.descending,
            is_time: list.sort != Sort::Title,
            cursor: cursor.clone(),
        });
        class.order = Some(order.clone());
    }
    branches(&mut text, ctx, list, scope, select, &classes);
    text.push(") x");
    text.push(&order);
    let statement = run(text);
    let keys: Vec<Key> = match list.sort {
        Sort::Title => statement.all::<ByText>(conn).await?.into_iter().map(|key| key.0).collect(),
        _ => statement.all::<ByTime>(conn).await?.into_iter().map(|key| key.0).collect(),
    };
    Ok(keys)
}

/// A place to go on from.
pub(super) struct Behind {
    pub(super) column: &'static str,
    pub(super) descending: bool,
    pub(super) is_time: bool,
    pub(super) cursor: Cursor,
}

/// One class of events in a window, by how far they reach; or all, without a window.
#[derive(Default)]
pub(super) struct Class {
    pub(super) condition: Option<(Option<i64>, Option<Timestamp>, Window)>,
    pub(super) behind: Option<Behind>,
    pub(super) order: Option<String>,
}

/// The classes of a list; without series when those are looked at by themselves.
pub(super) fn classes(list: &List, singles_only: bool) -> Vec<Class> {
    let Some(window) = list.window else { return vec![Class::default()] };
    let mut classes: Vec<Class> = (0_i64..)
        .zip(duration_class::LONGEST)
        .map(|(class, longest)| Class {
            condition: Some((Some(class), window.from.checked_sub(longest).ok(), window)),
            ..Class::default()
        })
        .collect();
    classes.push(Class { condition: Some((Some(duration_class::LONG), None, window)), ..Class::default() });
    if !singles_only {
        classes.push(Class { condition: Some((Some(duration_class::SERIES), None, window)), ..Class::default() });
    }
    classes
}

/// The union of all branches and classes: every event once.
pub(super) fn branches(
    text: &mut Text,
    ctx: &Ctx,
    list: &List,
    scope: &Scope,
    select: impl Fn(&mut Text),
    classes: &[Class],
) {
    let mut first = true;
    for branch in &scope.branches {
        for class in classes {
            if !first {
                text.push(" UNION ");
            }
            first = false;
            text.push("SELECT * FROM (");
            select(text);
            text.push(" FROM ");
            let words = scope.words.as_deref().unwrap_or_default();
            let named = list.ids.as_deref().filter(|_| !matches!(branch, Branch::Shared { .. }));
            if let Some(ids) = named {
                text.rows(ids);
                text.push(" i CROSS JOIN ");
            }
            branch.source_with(text, words, scope.driven);
            text.push(if named.is_some() { " WHERE e.id = i.column1 AND " } else { " WHERE " });
            branch.holds_with(text, words, scope.driven);
            let is_found = named.is_some() || (scope.driven && !words.is_empty());
            branch.condition(text, is_found);
            filters(text, ctx, list);
            class.narrow(text);
            // Each part gives at most a page, already in order.
            if let Some(order) = &class.order {
                text.push(order);
            }
            text.push(") b");
        }
    }
}

impl Class {
    fn narrow(&self, text: &mut Text) {
        if let Some((class, earliest, window)) = &self.condition {
            if let Some(class) = class {
                text.push(&format!(" AND e.reach = {class}"));
            }
            text.push(" AND e.starts_at < ");
            text.value(window.to);
            if let Some(earliest) = earliest {
                text.push(" AND e.starts_at > ");
                text.value(earliest.checked_sub(jiff::SignedDuration::from_micros(1)).unwrap_or(*earliest));
            }
            text.push(" AND (e.ends_at > ");
            text.value(window.from);
            if class.is_none_or(|class| class == duration_class::SERIES) {
                text.push(" OR e.ends_at IS NULL");
            }
            // Without length it counts when it begins in the window.
            text.push(" OR e.starts_at >= ");
            text.value(window.from);
            text.push(")");
        }
        if let Some(behind) = &self.behind {
            text.push(&format!(" AND ({}, e.id) {} (", behind.column, if behind.descending { "<" } else { ">" }));
            if behind.is_time {
                let micros = behind.cursor.key.parse().unwrap_or(0);
                text.value(Timestamp::from_microsecond(micros).unwrap_or(Timestamp::UNIX_EPOCH));
            } else {
                text.value(behind.cursor.key.as_str());
            }
            text.push(", ");
            text.value(behind.cursor.id);
            text.push(")");
        }
    }
}
