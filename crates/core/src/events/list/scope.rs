//! What the actor may see, as conditions for the database. The same rules as `access`, which looks at every row again.

use std::collections::BTreeMap;

use kalends_db::{Conn, Result, Value, sql};
use kalends_kernel::{CalendarId, EventId, UserId};

use super::search::{self, Asked, Corrected};
use super::{List, Sort};
use crate::access::{self, DetailLevel, Role};
use crate::calendars::store::{self as calendars, Seen};
use crate::ctx::{Actor, Ctx};

/// A statement in the making: its text, and the values of its `$1`, `$2` …
#[derive(Clone, Debug, Default)]
pub(super) struct Text {
    pub(super) text: String,
    pub(super) values: Vec<Value>,
    /// The lists that stand before the text, once each, as a table: where their values begin, and how many there are.
    long: BTreeMap<usize, usize>,
}

/// Up to how many values a list stands where it is used.
const SHORT: usize = 256;

impl Text {
    /// Adds a piece of text.
    pub(super) fn push(&mut self, text: &str) {
        self.text.push_str(text);
    }

    /// Adds a value: its `$n` where it belongs.
    pub(super) fn value(&mut self, value: impl Into<Value>) {
        self.values.push(value.into());
        self.text.push('$');
        self.text.push_str(&self.values.len().to_string());
    }

    /// Adds `(a, b, c)`; padded to a power of two, so that few different texts are prepared. A list that stands in the text
    /// several times is bound once: every part of a list names the calendars, and there may be thousands of them.
    pub(super) fn list<V: Into<Value> + Clone>(&mut self, values: &[V]) {
        let mut padded: Vec<Value> = values.iter().cloned().map(Into::into).collect();
        let Some(last) = padded.last().cloned() else { return self.push("(NULL)") };
        padded.resize(padded.len().next_power_of_two(), last);
        let bound = self.values.windows(padded.len()).position(|bound| bound == padded);
        let first = bound.unwrap_or(self.values.len()) + 1;
        if bound.is_none() {
            self.values.extend(padded.iter().cloned());
        }
        if padded.len() <= SHORT {
            let names: Vec<String> = (first..first + padded.len()).map(|n| format!("${n}")).collect();
            self.push(&format!("({})", names.join(", ")));
        } else {
            self.long.insert(first, padded.len());
            self.push(&format!("(SELECT v FROM list_{first})"));
        }
    }
}

impl Text {
    /// Adds `(VALUES (a), (b), (c))`, a table with a `column1` that SQLite goes through before what is joined to it. Padded
    /// with what is no id.
    pub(super) fn rows(&mut self, ids: &[EventId]) {
        self.push("(VALUES ");
        for index in 0..ids.len().next_power_of_two() {
            self.push(if index > 0 { ", (" } else { "(" });
            self.value(ids.get(index).copied());
            self.push(")");
        }
        self.push(")");
    }
}

/// The statement of a text.
pub(super) fn run(text: Text) -> kalends_db::Sql {
    let lists: Vec<String> = text
        .long
        .iter()
        .map(|(first, length)| {
            let values: Vec<String> = (*first..first + length).map(|n| format!("(${n})")).collect();
            format!("list_{first}(v) AS (VALUES {})", values.join(", "))
        })
        .collect();
    let with = if lists.is_empty() { String::new() } else { format!("WITH {} ", lists.join(", ")) };
    text.values.into_iter().fold(sql(with + &text.text), |statement, value| statement.bind(value))
}

/// One way in which the actor sees events: a calendar in a role, or a share of single events.
#[derive(Clone, Debug)]
pub(super) enum Branch {
    /// Everything in these calendars.
    All(Vec<CalendarId>),
    /// What viewers of these calendars see; only whole events when `whole`.
    Published { calendars: Vec<CalendarId>, public_only: bool },
    /// Single events that are shared with this user, or with a group that they are in.
    Shared { user: UserId, by_group: bool, calendar: Option<CalendarId>, owned: bool, public_only: bool },
}

/// All ways.
pub(super) struct Scope {
    pub(super) branches: Vec<Branch>,
    /// The words that are asked for, where some are.
    pub(super) words: Option<Vec<Asked>>,
    /// Whether events with them are looked up in the index of words; else those that are named are asked one by one.
    pub(super) driven: bool,
}

/// In how many calendars a list looks at most at once; whoever sees more names one.
const MOST: usize = 10_000;

/// Everything through which the actor may see something that this list asks for.
/// With words to find by, what they stand for there, and what was corrected.
pub(super) async fn of(conn: &mut Conn, ctx: &Ctx, list: &List) -> Result<(Scope, Vec<Corrected>)> {
    let user = ctx.user();
    let mut text = Text::default();
    text.push("SELECT ");
    text.push(calendars::FACTS);
    text.push(" FROM ");
    text.values.push(Value::from(user));
    text.push(calendars::FROM);
    text.push(" WHERE c.deleted_at IS NULL AND ");
    match list.calendar {
        Some(id) => {
            text.push("c.id = ");
            text.value(id);
        }
        // Look-ups by index: an OR over the join would walk through every calendar there is.
        None if user.is_some() => text.push(
            "c.id IN (SELECT p.calendar_id FROM calendar_permissions p WHERE p.user_id = $1
              UNION SELECT g.calendar_id FROM group_members m JOIN calendar_group_permissions g ON g.group_id = m.group_id WHERE m.user_id = $1
              UNION SELECT v.id FROM calendars v WHERE v.deleted_at IS NULL AND v.visibility <> 'private')",
        ),
        None => text.push("c.visibility = 'public'"),
    }
    text.push(&format!(" LIMIT {MOST}"));
    let visible: Vec<Seen> = run(text).all(conn).await?;

    // What somebody sees only as busy must not be told by a filter on, or an order by, what it hides.
    let reveals = list.category.is_some() || list.venue.is_some() || list.q.is_some() || list.sort == Sort::Title;
    let (mut all, mut published, mut owned) = (Vec::new(), Vec::new(), Vec::new());
    let mut anonymous_or_revealing = reveals || ctx.actor == Actor::Anonymous;
    for calendar in visible {
        let Some(grant) = access::on_calendar(&ctx.actor, &calendar.facts) else { continue };
        match (grant.role, grant.sight) {
            (Some(Role::Owner), _) => {
                owned.push(calendar.id);
                all.push(calendar.id);
            }
            (Some(Role::Editor), _) => all.push(calendar.id),
            (_, DetailLevel::Busy) if reveals => {}
            _ => published.push(calendar.id),
        }
    }
    let mut branches = Vec::new();
    if list.deleted {
        all = owned;
        published.clear();
        anonymous_or_revealing = false;
    }
    if !all.is_empty() {
        branches.push(Branch::All(all));
    }
    if !published.is_empty() {
        branches.push(Branch::Published { calendars: published, public_only: anonymous_or_revealing });
    }
    if let Some(user) = user {
        let shared = |by_group| Branch::Shared {
            user,
            by_group,
            calendar: list.calendar,
            owned: list.deleted,
            public_only: reveals,
        };
        branches.push(shared(false));
        // Most people have none: their lists need not look.
        if has_events_by_group(conn, user).await? {
            branches.push(shared(true));
        }
    }
    let mut scope = Scope { branches, words: None, driven: list.ids.is_none() };
    let mut corrected = Vec::new();
    if let Some(question) = &list.q {
        (scope.words, corrected) = search::ask(conn, list, &scope, question).await?;
        if scope.words.is_none() {
            scope.branches.clear();
        }
    }
    Ok((scope, corrected))
}

async fn has_events_by_group(conn: &mut Conn, user: UserId) -> Result<bool> {
    let statement = sql("SELECT count(*) AS n FROM (SELECT 1 AS n FROM group_members m
         JOIN event_group_permissions g ON g.group_id = m.group_id WHERE m.user_id = $1 LIMIT 1) x");
    Ok(statement.bind(user).one::<i64>(conn).await? > 0)
}

/// Whether somebody is in any group (or has an address that something was shared with).
pub(super) async fn is_in_groups(conn: &mut Conn, user: Option<UserId>) -> Result<bool> {
    let statement = sql("SELECT count(*) AS n FROM (SELECT 1 AS n FROM group_members WHERE user_id = $1 LIMIT 1) x");
    Ok(user.is_some() && statement.bind(user).one::<i64>(conn).await? > 0)
}

impl Branch {
    /// Where its events come from, as `e`.
    pub(super) fn from(&self) -> &'static str {
        match self {
            Branch::All(_) | Branch::Published { .. } => "events e",
            // SQLite goes through a CROSS JOIN in the order it is written in: the few shares first, never all events.
            Branch::Shared { by_group: false, .. } => "event_permissions p CROSS JOIN events e",
            Branch::Shared { by_group: true, .. } => {
                "group_members m CROSS JOIN event_group_permissions p CROSS JOIN events e"
            }
        }
    }

    /// The condition on `e` that says what this branch shows. Where `e` is `found` by its id, the calendar is no way to it:
    /// SQLite would take that one, since it has an index that covers all.
    pub(super) fn condition(&self, text: &mut Text, found: bool) {
        let calendar = if found { "COALESCE(e.calendar_id, e.calendar_id)" } else { "e.calendar_id" };
        match self {
            Branch::All(calendars) => {
                text.push(&format!("{calendar} IN "));
                text.list(calendars);
            }
            Branch::Published { calendars, public_only } => {
                text.push(&format!("{calendar} IN "));
                text.list(calendars);
                text.push(" AND e.state = 'published' AND ");
                text.push(if *public_only { "e.visibility = 'public'" } else { "e.visibility <> 'confidential'" });
            }
            Branch::Shared { user, by_group, calendar, owned, public_only } => {
                let (whose, is_owner, is_free_busy) = if *by_group {
                    ("p.group_id = m.group_id AND m.user_id", "p.rank = 4", "p.rank = 1")
                } else {
                    ("p.user_id", "p.role = 'owner'", "p.role = 'free_busy'")
                };
                text.push(&format!("e.id = p.event_id AND {whose} = "));
                text.value(*user);
                match (owned, public_only) {
                    (true, _) => text.push(&format!(" AND {is_owner}")),
                    (false, true) => text.push(&format!(" AND NOT {is_free_busy}")),
                    (false, false) => text.push(&format!(
                        " AND (NOT {is_free_busy} OR (e.state = 'published' AND e.visibility <> 'confidential'))"
                    )),
                }
                text.push(" AND NOT EXISTS (SELECT 1 FROM calendars d WHERE d.id = e.calendar_id AND d.deleted_at IS NOT NULL)");
                if let Some(calendar) = calendar {
                    text.push(" AND e.calendar_id = ");
                    text.value(*calendar);
                }
            }
        }
    }
}

/// The filters that are the same for every branch.
pub(super) fn filters(text: &mut Text, ctx: &Ctx, list: &List) {
    text.push(if list.deleted { " AND e.deleted_at IS NOT NULL" } else { " AND e.deleted_at IS NULL" });
    if let Some(ids) = &list.ids {
        text.push(" AND e.id IN ");
        text.list(ids);
    }
    if let Some(state) = list.state {
        text.push(" AND e.state = ");
        text.value(state.name());
    }
    if list.mine {
        text.push(" AND e.author_id = ");
        text.value(ctx.user());
    }
    if let Some(venue) = list.venue {
        text.push(" AND e.venue_id = ");
        text.value(venue);
    }
    if let Some(category) = &list.category {
        text.push(" AND EXISTS (SELECT 1 FROM event_categories k WHERE k.event_id = e.id AND k.category_key = ");
        text.value(category.to_lowercase());
        text.push(")");
    }
    if let (Some(weekday), false) = (list.weekday, list.expand) {
        text.push(" AND e.weekday = ");
        text.value(weekday);
    }
}
