use kalends_db::{Conn, Result, sql};
use kalends_kernel::{CalendarId, Cursor, Page};

use super::{Allowed, Calendar, store};
use crate::access::{self, Can};
use crate::ctx::Ctx;

/// Which calendars: all that the actor may see, by name; administrators see the others by their ids alone.
#[derive(Clone, Debug)]
pub struct Listed {
    /// How many at most.
    pub limit: u32,
    /// Behind which.
    pub cursor: Option<Cursor>,
    /// A digest of the question, for the next cursor.
    pub digest: u32,
}

const VISIBLE: &str =
    "c.deleted_at IS NULL AND (cp.role IS NOT NULL OR c.visibility = 'public' OR (c.visibility = 'internal' AND $2)
    OR c.id IN (SELECT g.calendar_id FROM group_members m JOIN calendar_group_permissions g ON g.group_id = m.group_id WHERE m.user_id = $1))";

/// The calendars that are shared with the actor or open to them, by name.
pub async fn list(conn: &mut Conn, ctx: &Ctx, listed: &Listed) -> Result<Page<Allowed>> {
    let user = ctx.user();
    let statement = match &listed.cursor {
        None => sql(format!(
            "SELECT {} FROM {} WHERE {VISIBLE} ORDER BY c.name, c.id LIMIT $3",
            store::COLUMNS,
            store::FROM
        ))
        .bind(user)
        .bind(user.is_some())
        .bind(i64::from(listed.limit) + 1),
        Some(cursor) => sql(format!(
            "SELECT {} FROM {} WHERE {VISIBLE} AND (c.name, c.id) > ($4, $5) ORDER BY c.name, c.id LIMIT $3",
            store::COLUMNS,
            store::FROM
        ))
        .bind(user)
        .bind(user.is_some())
        .bind(i64::from(listed.limit) + 1)
        .bind(cursor.key.as_str())
        .bind(cursor.id),
    };
    let mut found: Vec<Calendar> = statement.all(conn).await?;
    let more = found.len() > listed.limit as usize;
    found.truncate(listed.limit as usize);
    let next = found.last().filter(|_| more).map(|last| Cursor {
        key: last.name.clone(),
        id: last.id.uuid(),
        part: String::new(),
        of: listed.digest,
    });
    let items = found
        .into_iter()
        .filter_map(|calendar| {
            access::on_calendar(&ctx.actor, &calendar.facts).map(|grant| Allowed { calendar, grant })
        })
        .collect();
    Ok(Page { items, next })
}

/// How many there are in all.
pub async fn count(conn: &mut Conn, ctx: &Ctx) -> Result<i64> {
    let user = ctx.user();
    sql(format!("SELECT count(*) AS n FROM {} WHERE {VISIBLE}", store::FROM))
        .bind(user)
        .bind(user.is_some())
        .one(conn)
        .await
}

/// The calendars of exactly this name into which the actor may put events; a few of them when there are many.
pub async fn named(conn: &mut Conn, ctx: &Ctx, name: &str) -> Result<Vec<CalendarId>> {
    let found: Vec<Calendar> = sql(format!(
        "SELECT {} FROM {} WHERE c.deleted_at IS NULL AND c.name = $2 ORDER BY c.id LIMIT 100",
        store::COLUMNS,
        store::FROM
    ))
    .bind(ctx.user())
    .bind(name)
    .all(conn)
    .await?;
    let may_edit = |one: &Calendar| access::check(access::on_calendar(&ctx.actor, &one.facts), Can::Edit).is_ok();
    Ok(found.into_iter().filter(may_edit).map(|one| one.id).collect())
}
