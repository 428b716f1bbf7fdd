//! All SQL of permissions: of people here, of groups in `groups`.

pub(crate) mod groups;
pub(crate) mod members;
pub(crate) mod shared_with_me;

use jiff::Timestamp;
use kalends_db::{Conn, Error, FromRow, Result, Row, Tx, sql};
use kalends_kernel::{CalendarId, EventId, UserId};

use super::{Permission, Principal};
use crate::access::Role;

impl FromRow for Permission {
    fn from_row(row: &Row) -> Result<Self> {
        let role: String = row.get("role")?;
        Ok(Permission {
            principal: Principal::User {
                id: row.get("user_id")?,
                name: row.get("name")?,
                username: row.get("username")?,
            },
            role: Role::from_name(&role).ok_or_else(|| Error::Decode { column: "role".to_owned(), what: role })?,
            inherited: row.get("inherited")?,
            created_at: row.get("created_at")?,
            updated_at: row.get("updated_at")?,
        })
    }
}

struct Account(UserId);

impl FromRow for Account {
    fn from_row(row: &Row) -> Result<Self> {
        row.get("account").map(Account)
    }
}

/// The roles on a calendar, in the order they were given.
pub(crate) async fn on_calendar(conn: &mut Conn, id: CalendarId) -> Result<Vec<Permission>> {
    sql("SELECT p.user_id, u.name, u.username, p.role, false AS inherited, p.created_at, p.updated_at
         FROM calendar_permissions p JOIN users u ON u.id = p.user_id WHERE p.calendar_id = $1 ORDER BY p.created_at, u.username")
        .bind(id)
        .all(conn)
        .await
}

/// The roles on an event: its own, then those of its calendar.
pub(crate) async fn on_event(conn: &mut Conn, id: EventId, calendar: CalendarId) -> Result<Vec<Permission>> {
    sql("SELECT p.user_id, u.name, u.username, p.role, false AS inherited, p.created_at, p.updated_at
         FROM event_permissions p JOIN users u ON u.id = p.user_id WHERE p.event_id = $1
         UNION ALL
         SELECT p.user_id, u.name, u.username, p.role, true AS inherited, p.created_at, p.updated_at
         FROM calendar_permissions p JOIN users u ON u.id = p.user_id WHERE p.calendar_id = $2
         ORDER BY 5, 6, 3")
    .bind(id)
    .bind(calendar)
    .all(conn)
    .await
}

pub(crate) async fn put_on_calendar(
    tx: &mut Tx,
    id: CalendarId,
    user: UserId,
    role: Role,
    at: Timestamp,
) -> Result<()> {
    sql("INSERT INTO calendar_permissions (calendar_id, user_id, role, created_at, updated_at) VALUES ($1, $2, $3, $4, $4)
         ON CONFLICT (calendar_id, user_id) DO UPDATE SET role = excluded.role, updated_at = excluded.updated_at")
        .bind(id)
        .bind(user)
        .bind(role.name())
        .bind(at)
        .run(tx)
        .await?;
    Ok(())
}

pub(crate) async fn put_on_event(tx: &mut Tx, id: EventId, user: UserId, role: Role, at: Timestamp) -> Result<()> {
    sql("INSERT INTO event_permissions (event_id, user_id, role, created_at, updated_at) VALUES ($1, $2, $3, $4, $4)
         ON CONFLICT (event_id, user_id) DO UPDATE SET role = excluded.role, updated_at = excluded.updated_at")
    .bind(id)
    .bind(user)
    .bind(role.name())
    .bind(at)
    .run(tx)
    .await?;
    Ok(())
}

pub(crate) async fn remove_from_calendar(tx: &mut Tx, id: CalendarId, user: UserId) -> Result<()> {
    sql("DELETE FROM calendar_permissions WHERE calendar_id = $1 AND user_id = $2").bind(id).bind(user).run(tx).await?;
    Ok(())
}

pub(crate) async fn remove_from_event(tx: &mut Tx, id: EventId, user: UserId) -> Result<()> {
    sql("DELETE FROM event_permissions WHERE event_id = $1 AND user_id = $2").bind(id).bind(user).run(tx).await?;
    Ok(())
}

/// To which of its owners the calendar belongs.
pub(crate) async fn owner(conn: &mut Conn, id: CalendarId) -> Result<Option<UserId>> {
    sql("SELECT owner_id AS account FROM calendars WHERE id = $1")
        .bind(id)
        .optional::<Account>(conn)
        .await
        .map(|found| found.map(|one| one.0))
}

/// The calendar now belongs to this one of its owners; gives its new version.
pub(crate) async fn set_owner(tx: &mut Tx, id: CalendarId, owner: UserId, at: Timestamp) -> Result<i64> {
    sql("UPDATE calendars SET owner_id = $2, version = version + 1, updated_at = $3 WHERE id = $1")
        .bind(id)
        .bind(owner)
        .bind(at)
        .run(tx)
        .await?;
    sql("SELECT version AS n FROM calendars WHERE id = $1").bind(id).one(tx).await
}

/// Notes who gave a role.
pub(crate) async fn granted_on_calendar(tx: &mut Tx, id: CalendarId, user: UserId, by: Option<UserId>) -> Result<()> {
    sql("UPDATE calendar_permissions SET granted_by = $3 WHERE calendar_id = $1 AND user_id = $2")
        .bind(id)
        .bind(user)
        .bind(by)
        .run(tx)
        .await?;
    Ok(())
}

/// Notes who gave a role.
pub(crate) async fn granted_on_event(tx: &mut Tx, id: EventId, user: UserId, by: Option<UserId>) -> Result<()> {
    sql("UPDATE event_permissions SET granted_by = $3 WHERE event_id = $1 AND user_id = $2")
        .bind(id)
        .bind(user)
        .bind(by)
        .run(tx)
        .await?;
    Ok(())
}

/// Gives somebody the role that they had by an address, unless they have one of their own that is as strong.
pub(crate) async fn keep(tx: &mut Tx, on: groups::On, user: UserId, role: Role, at: Timestamp) -> Result<()> {
    struct Own(String);
    impl FromRow for Own {
        fn from_row(row: &Row) -> Result<Self> {
            row.get("role").map(Own)
        }
    }
    let own: Option<Own> = match on {
        groups::On::Calendar(id) => {
            sql("SELECT role FROM calendar_permissions WHERE calendar_id = $1 AND user_id = $2").bind(id)
        }
        groups::On::Event(id) => {
            sql("SELECT role FROM event_permissions WHERE event_id = $1 AND user_id = $2").bind(id)
        }
    }
    .bind(user)
    .optional(tx)
    .await?;
    if own.and_then(|own| Role::from_name(&own.0)) >= Some(role) {
        return Ok(());
    }
    match on {
        groups::On::Calendar(id) => put_on_calendar(tx, id, user, role, at).await,
        groups::On::Event(id) => put_on_event(tx, id, user, role, at).await,
    }
}

/// The roles of one event given on to another (a series that was split).
pub(crate) async fn copy_to_event(tx: &mut Tx, from: EventId, to: EventId) -> Result<()> {
    sql("INSERT INTO event_permissions (event_id, user_id, role, created_at, updated_at, granted_by)
         SELECT $2, user_id, role, created_at, updated_at, granted_by FROM event_permissions WHERE event_id = $1")
    .bind(from)
    .bind(to)
    .run(tx)
    .await?;
    groups::copy_grants_to_event(tx, from, to).await
}

/// The account with this id or user name that something can be shared with.
pub(crate) async fn account(conn: &mut Conn, who: &super::Invitation) -> Result<Option<UserId>> {
    let statement = match who {
        super::Invitation::User(id) => {
            sql("SELECT id AS account FROM users WHERE id = $1 AND deleted_at IS NULL").bind(*id)
        }
        super::Invitation::Username(name) => {
            sql("SELECT id AS account FROM users WHERE username_key = $1 AND deleted_at IS NULL")
                .bind(name.to_lowercase())
        }
        // Who they are is not told.
        super::Invitation::Email(_) | super::Invitation::Group(_) => return Ok(None),
    };
    Ok(statement.optional::<Account>(conn).await?.map(|found| found.0))
}

/// The calendars that belong to somebody.
pub(crate) async fn calendars_of(conn: &mut Conn, user: UserId) -> Result<Vec<CalendarId>> {
    struct CalendarRow(CalendarId);
    impl FromRow for CalendarRow {
        fn from_row(row: &Row) -> Result<Self> {
            row.get("id").map(CalendarRow)
        }
    }
    let found: Vec<CalendarRow> =
        sql("SELECT id FROM calendars WHERE owner_id = $1 AND deleted_at IS NULL ORDER BY id")
            .bind(user)
            .all(conn)
            .await?;
    Ok(found.into_iter().map(|found| found.0).collect())
}

/// What counts of a calendar whose owner leaves.
pub(crate) struct Left {
    pub(crate) is_default: bool,
    /// Whether others than those with a role see it.
    pub(crate) is_open: bool,
    pub(crate) version: i64,
}

impl FromRow for Left {
    fn from_row(row: &Row) -> Result<Self> {
        Ok(Left {
            is_default: row.get("is_default")?,
            is_open: row.text("visibility")? != "private",
            version: row.get("version")?,
        })
    }
}

/// The calendar, if it still belongs to this person.
pub(crate) async fn calendar_of(conn: &mut Conn, id: CalendarId, user: UserId) -> Result<Option<Left>> {
    sql("SELECT is_default, visibility, version FROM calendars WHERE id = $1 AND owner_id = $2 AND deleted_at IS NULL")
        .bind(id)
        .bind(user)
        .optional(conn)
        .await
}

/// The calendar is nobody's first one any more.
pub(crate) async fn no_longer_default(tx: &mut Tx, id: CalendarId) -> Result<()> {
    sql("UPDATE calendars SET is_default = $2 WHERE id = $1").bind(id).bind(false).run(tx).await?;
    Ok(())
}

/// Keeps an account from being disabled or deleted until the commit; false when it is so already.
pub(crate) async fn lock_active(tx: &mut Tx, user: UserId) -> Result<bool> {
    let found: Option<i64> = tx
        .lock_row("SELECT version AS n FROM users WHERE id = $1 AND deleted_at IS NULL AND NOT disabled")
        .bind(user)
        .optional(tx)
        .await?;
    Ok(found.is_some())
}

/// The other administrators, the oldest first.
pub(crate) async fn admins(conn: &mut Conn, but: UserId) -> Result<Vec<UserId>> {
    let found: Vec<Account> = sql("SELECT id AS account FROM users WHERE role = 'admin' AND NOT disabled AND deleted_at IS NULL AND id <> $1 ORDER BY created_at, id")
        .bind(but)
        .all(conn)
        .await?;
    Ok(found.into_iter().map(|found| found.0).collect())
}

/// The roles of a person on calendars that do not belong to them.
pub(crate) async fn roles_on_calendars(conn: &mut Conn, user: UserId) -> Result<Vec<(CalendarId, Role)>> {
    struct CalendarRoleRow(CalendarId, Role);
    impl FromRow for CalendarRoleRow {
        fn from_row(row: &Row) -> Result<Self> {
            Ok(CalendarRoleRow(row.get("calendar_id")?, Role::from_name(row.text("role")?).unwrap_or(Role::FreeBusy)))
        }
    }
    let found: Vec<CalendarRoleRow> =
        sql("SELECT p.calendar_id, p.role FROM calendar_permissions p JOIN calendars c ON c.id = p.calendar_id
         WHERE p.user_id = $1 AND c.owner_id <> $1 ORDER BY 1")
        .bind(user)
        .all(conn)
        .await?;
    Ok(found.into_iter().map(|found| (found.0, found.1)).collect())
}

/// The roles of a person on single events.
pub(crate) async fn roles_on_events(conn: &mut Conn, user: UserId) -> Result<Vec<(EventId, CalendarId, Role)>> {
    struct EventRoleRow(EventId, CalendarId, Role);
    impl FromRow for EventRoleRow {
        fn from_row(row: &Row) -> Result<Self> {
            let role = Role::from_name(row.text("role")?).unwrap_or(Role::FreeBusy);
            Ok(EventRoleRow(row.get("event_id")?, row.get("calendar_id")?, role))
        }
    }
    let found: Vec<EventRoleRow> =
        sql("SELECT p.event_id, e.calendar_id, p.role FROM event_permissions p JOIN events e ON e.id = p.event_id
         WHERE p.user_id = $1 ORDER BY 1")
        .bind(user)
        .all(conn)
        .await?;
    Ok(found.into_iter().map(|found| (found.0, found.1, found.2)).collect())
}
