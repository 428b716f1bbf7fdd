//! All SQL of calendars.

use std::collections::HashMap;

use jiff::Timestamp;
use kalends_db::{Conn, Error, FromRow, Result, Row, Tx, sql};
use kalends_kernel::{CalendarId, UserId, Zone};

use super::{Allowed, Calendar, CalendarError, Conflicts};
use crate::access::{self, CalendarFacts, CalendarVisibility, Can, Denied, Review, Role};
use crate::ctx::Ctx;

macro_rules! facts {
    () => {
        "c.id, c.visibility, c.review, c.deleted_at, cp.role AS calendar_role,
    (SELECT max(g.rank) FROM group_members m JOIN calendar_group_permissions g ON g.group_id = m.group_id
     WHERE m.user_id = $1 AND g.calendar_id = c.id) AS calendar_rank"
    };
}
/// The columns of [`Seen`]: a calendar's facts with the role of user `$1` on it, their own and the strongest of their groups.
pub(crate) const FACTS: &str = facts!();
/// The columns of a calendar with the same.
pub(crate) const COLUMNS: &str = concat!(
    facts!(),
    ", c.owner_id, c.name, c.description, c.color, c.time_zone, c.conflicts, c.is_default, c.version, c.created_at, c.updated_at"
);
/// Where they come from.
pub(crate) const FROM: &str =
    "calendars c LEFT JOIN calendar_permissions cp ON cp.calendar_id = c.id AND cp.user_id = $1";

impl FromRow for Calendar {
    fn from_row(row: &Row) -> Result<Self> {
        Ok(Calendar {
            id: row.get("id")?,
            owner: row.get("owner_id")?,
            name: row.get("name")?,
            description: row.get("description")?,
            color: row.opt("color")?,
            zone: zone(row, "time_zone")?,
            conflicts: Conflicts::from_name(row.text("conflicts")?),
            is_default: row.get("is_default")?,
            version: row.get("version")?,
            created_at: row.get("created_at")?,
            updated_at: row.get("updated_at")?,
            facts: CalendarFacts::from_row(row)?,
        })
    }
}

impl FromRow for CalendarFacts {
    fn from_row(row: &Row) -> Result<Self> {
        Ok(CalendarFacts {
            visibility: CalendarVisibility::from_name(row.text("visibility")?),
            review: Review::from_name(row.text("review")?),
            role: role(row, "calendar_role", "calendar_rank")?,
            deleted: row.opt::<Timestamp>("deleted_at")?.is_some(),
        })
    }
}

/// A calendar as far as it matters for who sees what: lists look at every calendar that somebody sees.
pub(crate) struct Seen {
    pub(crate) id: CalendarId,
    pub(crate) facts: CalendarFacts,
}

impl FromRow for Seen {
    fn from_row(row: &Row) -> Result<Self> {
        Ok(Seen { id: row.get("id")?, facts: CalendarFacts::from_row(row)? })
    }
}

/// The stronger of somebody's own role and that of their groups: the name in one column, the rank in the other.
pub(crate) fn role(row: &Row, own: &str, of_groups: &str) -> Result<Option<Role>> {
    let own = row.opt::<String>(own)?.and_then(|role| Role::from_name(&role));
    Ok(own.max(row.opt(of_groups)?.and_then(Role::from_rank)))
}

/// A zone that we stored ourselves.
pub(crate) fn zone(row: &Row, column: &str) -> Result<Zone> {
    Zone::parse(row.text(column)?).map_err(|e| Error::Decode { column: column.to_owned(), what: e.to_string() })
}

/// The calendar, if the actor may do this with it.
pub async fn load(conn: &mut Conn, ctx: &Ctx, id: CalendarId, can: Can) -> Result<Allowed, CalendarError> {
    let found: Option<Calendar> =
        sql(format!("SELECT {COLUMNS} FROM {FROM} WHERE c.id = $2")).bind(ctx.user()).bind(id).optional(conn).await?;
    let calendar = found.ok_or(Denied::NotFound)?;
    let grant = access::check(access::on_calendar(&ctx.actor, &calendar.facts), can)?;
    // What an administrator sees by that right alone is noted for the audit log.
    if access::needs_admin(&ctx.actor, can, |actor| access::on_calendar(actor, &calendar.facts)) {
        ctx.trail.note("calendar", id.uuid());
    }
    Ok(Allowed { calendar, grant })
}

/// These calendars with the actor's role on each; who may see them is not asked here.
pub(crate) async fn load_all(conn: &mut Conn, ctx: &Ctx, ids: &[CalendarId]) -> Result<HashMap<CalendarId, Calendar>> {
    let mut found = HashMap::new();
    for ids in ids.chunks(512) {
        let calendars: Vec<Calendar> = sql(format!("SELECT {COLUMNS} FROM {FROM} WHERE c.id IN ({{}})"))
            .bind(ctx.user())
            .bind_list(ids.iter().copied())
            .all(conn)
            .await?;
        found.extend(calendars.into_iter().map(|calendar| (calendar.id, calendar)));
    }
    Ok(found)
}

/// Keeps others from changing the calendar or its permissions until the commit.
pub(crate) async fn lock(tx: &mut Tx, id: CalendarId) -> Result<()> {
    tx.lock_row("SELECT version AS n FROM calendars WHERE id = $1").bind(id).optional::<i64>(tx).await?;
    Ok(())
}

/// Keeps the calendar as it is until the commit; others may do the same.
pub(crate) async fn keep(tx: &mut Tx, id: CalendarId) -> Result<()> {
    tx.keep_row("SELECT version AS n FROM calendars WHERE id = $1").bind(id).optional::<i64>(tx).await?;
    Ok(())
}

pub(crate) async fn insert(tx: &mut Tx, calendar: &Calendar) -> Result<()> {
    sql("INSERT INTO calendars (id, owner_id, name, description, color, time_zone, visibility, review, conflicts, is_default, version, created_at, updated_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)")
        .bind(calendar.id)
        .bind(calendar.owner)
        .bind(calendar.name.as_str())
        .bind(calendar.description.as_str())
        .bind(calendar.color.clone())
        .bind(calendar.zone.name())
        .bind(calendar.facts.visibility.name())
        .bind(calendar.facts.review.name())
        .bind(calendar.conflicts.name())
        .bind(calendar.is_default)
        .bind(calendar.version)
        .bind(calendar.created_at)
        .bind(calendar.updated_at)
        .run(tx)
        .await?;
    Ok(())
}

/// Writes the calendar over the version that it was read as; false when somebody was faster.
pub(crate) async fn update(tx: &mut Tx, calendar: &Calendar, read: i64) -> Result<bool> {
    let changed = sql("UPDATE calendars SET name = $3, description = $4, color = $5, time_zone = $6, visibility = $7, review = $8, conflicts = $9,
                version = $10, updated_at = $11 WHERE id = $1 AND version = $2 AND deleted_at IS NULL")
        .bind(calendar.id)
        .bind(read)
        .bind(calendar.name.as_str())
        .bind(calendar.description.as_str())
        .bind(calendar.color.clone())
        .bind(calendar.zone.name())
        .bind(calendar.facts.visibility.name())
        .bind(calendar.facts.review.name())
        .bind(calendar.conflicts.name())
        .bind(calendar.version)
        .bind(calendar.updated_at)
        .run(tx)
        .await?;
    Ok(changed == 1)
}

pub(crate) async fn mark_deleted(tx: &mut Tx, id: CalendarId, at: Timestamp) -> Result<()> {
    sql("UPDATE calendars SET deleted_at = $2, updated_at = $2, version = version + 1 WHERE id = $1 AND deleted_at IS NULL").bind(id).bind(at).run(tx).await?;
    Ok(())
}

/// Whether this user deleted the calendar or owned it when it was deleted: then deleting it again is no news.
pub(crate) async fn was_deleted_by_owner(conn: &mut Conn, id: CalendarId, user: UserId) -> Result<bool> {
    let known: i64 = sql("SELECT count(*) AS n FROM calendars c WHERE c.id = $1 AND c.deleted_at IS NOT NULL AND
         (EXISTS (SELECT 1 FROM calendar_permissions p WHERE p.calendar_id = c.id AND p.user_id = $2 AND p.role = 'owner')
          OR EXISTS (SELECT 1 FROM changes x WHERE x.record_id = c.id AND x.kind = 'calendar' AND x.op = 'deleted' AND x.actor_id = $2))")
    .bind(id)
    .bind(user)
    .one(conn)
    .await?;
    Ok(known > 0)
}

/// The zone of the account: what a new calendar takes when nobody says.
pub(crate) async fn zone_of(conn: &mut Conn, user: UserId) -> Result<Zone> {
    struct ZoneRow(Zone);
    impl FromRow for ZoneRow {
        fn from_row(row: &Row) -> Result<Self> {
            zone(row, "time_zone").map(ZoneRow)
        }
    }
    Ok(sql("SELECT time_zone FROM users WHERE id = $1")
        .bind(user)
        .optional::<ZoneRow>(conn)
        .await?
        .map_or_else(Zone::utc, |found| found.0))
}
