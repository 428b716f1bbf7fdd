//! All SQL of venues.

use jiff::Timestamp;
use kalends_db::{Conn, FromRow, Result, Row, Tx, sql};
use kalends_kernel::{Cursor, VenueId};

use super::{Venue, VenueError};
use crate::access::Denied;
use crate::calendars::Conflicts;
use crate::calendars::store::zone;
use crate::changes::{self, Change, Kind, Op};
use crate::ctx::Ctx;

const COLUMNS: &str = "v.id, v.owner_id, v.name, v.description, v.capacity, v.time_zone, v.conflicts, v.version, v.created_at, v.updated_at";

impl FromRow for Venue {
    fn from_row(row: &Row) -> Result<Self> {
        Ok(Venue {
            id: row.get("id")?,
            owner: row.get("owner_id")?,
            name: row.get("name")?,
            description: row.get("description")?,
            capacity: row.opt("capacity")?,
            zone: zone(row, "time_zone")?,
            conflicts: Conflicts::from_name(row.text("conflicts")?),
            version: row.get("version")?,
            created_at: row.get("created_at")?,
            updated_at: row.get("updated_at")?,
        })
    }
}

/// The venue. Everybody with an account may see it.
pub async fn load(conn: &mut Conn, id: VenueId) -> Result<Venue, VenueError> {
    let found: Option<Venue> = sql(format!("SELECT {COLUMNS} FROM venues v WHERE v.id = $1 AND v.deleted_at IS NULL"))
        .bind(id)
        .optional(conn)
        .await?;
    Ok(found.ok_or(Denied::NotFound)?)
}

/// Those of these that are there.
pub(crate) async fn all_of(conn: &mut Conn, ids: impl IntoIterator<Item = VenueId>) -> Result<Vec<Venue>> {
    let ids: Vec<VenueId> = ids.into_iter().collect();
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    sql(format!("SELECT {COLUMNS} FROM venues v WHERE v.deleted_at IS NULL AND v.id IN ({{}})"))
        .bind_list(ids)
        .all(conn)
        .await
}

/// A venue that was deleted.
pub(super) async fn deleted(conn: &mut Conn, id: VenueId) -> Result<Option<Venue>> {
    sql(format!("SELECT {COLUMNS} FROM venues v WHERE v.id = $1 AND v.deleted_at IS NOT NULL"))
        .bind(id)
        .optional(conn)
        .await
}

/// The next ones by name.
pub(super) async fn after(conn: &mut Conn, cursor: Option<&Cursor>, limit: i64) -> Result<Vec<Venue>> {
    let statement = match cursor {
        None => sql(format!(
            "SELECT {COLUMNS} FROM venues v WHERE v.deleted_at IS NULL ORDER BY v.name, v.id LIMIT $1"
        ))
        .bind(limit),
        Some(cursor) => sql(format!(
            "SELECT {COLUMNS} FROM venues v WHERE v.deleted_at IS NULL AND (v.name, v.id) > ($2, $3) ORDER BY v.name, v.id LIMIT $1"
        ))
        .bind(limit)
        .bind(cursor.key.as_str())
        .bind(cursor.id),
    };
    statement.all(conn).await
}

pub(super) async fn count(conn: &mut Conn) -> Result<i64> {
    sql("SELECT count(*) AS n FROM venues WHERE deleted_at IS NULL").one(conn).await
}

/// Keeps others from changing the venue until the commit.
pub(super) async fn lock(tx: &mut Tx, id: VenueId) -> Result<()> {
    tx.lock_row("SELECT version AS n FROM venues WHERE id = $1").bind(id).optional::<i64>(tx).await?;
    Ok(())
}

pub(super) async fn insert(tx: &mut Tx, venue: &Venue) -> Result<()> {
    sql("INSERT INTO venues (id, owner_id, name, description, capacity, time_zone, conflicts, version, created_at, updated_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)")
    .bind(venue.id)
    .bind(venue.owner)
    .bind(venue.name.as_str())
    .bind(venue.description.as_str())
    .bind(venue.capacity)
    .bind(venue.zone.name())
    .bind(venue.conflicts.name())
    .bind(venue.version)
    .bind(venue.created_at)
    .bind(venue.updated_at)
    .run(tx)
    .await?;
    Ok(())
}

/// Writes the venue over the version that it was read as; false when somebody was faster.
pub(super) async fn update(tx: &mut Tx, venue: &Venue, read: i64) -> Result<bool> {
    let changed = sql("UPDATE venues SET name = $3, description = $4, capacity = $5, time_zone = $6, conflicts = $7, version = $8, updated_at = $9
         WHERE id = $1 AND version = $2 AND deleted_at IS NULL")
    .bind(venue.id)
    .bind(read)
    .bind(venue.name.as_str())
    .bind(venue.description.as_str())
    .bind(venue.capacity)
    .bind(venue.zone.name())
    .bind(venue.conflicts.name())
    .bind(venue.version)
    .bind(venue.updated_at)
    .run(tx)
    .await?;
    Ok(changed == 1)
}

pub(super) async fn mark_deleted(tx: &mut Tx, id: VenueId, at: Timestamp) -> Result<()> {
    sql("UPDATE venues SET deleted_at = $2, updated_at = $2, version = version + 1 WHERE id = $1 AND deleted_at IS NULL")
        .bind(id)
        .bind(at)
        .run(tx)
        .await?;
    Ok(())
}

/// The change-log row of a venue.
pub(super) async fn log(tx: &mut Tx, ctx: &Ctx, venue: &Venue, op: Op) -> Result<()> {
    let change = Change {
        kind: Kind::Venue,
        op,
        record: venue.id.uuid(),
        calendar: None,
        user: None,
        version: Some(venue.version),
        detail: None,
    };
    changes::record(tx, ctx, change).await
}
