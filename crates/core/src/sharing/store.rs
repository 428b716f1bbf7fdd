//! All SQL of permissions.

use jiff::Timestamp;
use kalends_db::{Conn, Error, FromRow, Result, Row, Tx, sql};
use kalends_kernel::{CalendarId, EventId, UserId};

use super::Permission;
use crate::access::Role;

impl FromRow for Permission {
    fn from_row(row: &Row) -> Result<Self> {
        let role: String = row.get("role")?;
        Ok(Permission {
            user: row.get("user_id")?,
            name: row.get("name")?,
            username: row.get("username")?,
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

/// The calendar now belongs to this one of its owners.
pub(crate) async fn set_owner(tx: &mut Tx, id: CalendarId, owner: UserId) -> Result<()> {
    sql("UPDATE calendars SET owner_id = $2 WHERE id = $1").bind(id).bind(owner).run(tx).await?;
    Ok(())
}

/// The roles of one event given on to another (a series that was split).
pub(crate) async fn copy_to_event(tx: &mut Tx, from: EventId, to: EventId) -> Result<()> {
    sql("INSERT INTO event_permissions (event_id, user_id, role, created_at, updated_at)
         SELECT $2, user_id, role, created_at, updated_at FROM event_permissions WHERE event_id = $1")
    .bind(from)
    .bind(to)
    .run(tx)
    .await?;
    Ok(())
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
    };
    Ok(statement.optional::<Account>(conn).await?.map(|found| found.0))
}
