//! All SQL of feeds.

use jiff::Timestamp;
use kalends_db::{Conn, FromRow, Result, Row, Tx, sql};
use kalends_kernel::{CalendarId, Cursor, FeedId, UserId};

use super::secret::{Feed, Secret};
use crate::calendars::Calendar;
use crate::calendars::store::{COLUMNS, FROM};
use crate::changes::Position;
use crate::ctx::GlobalRole;

/// A calendar with its newest row of the change log.
pub(super) struct Newest {
    pub(super) calendar: Calendar,
    pub(super) position: Option<Position>,
    pub(super) at: Option<Timestamp>,
    /// What [`kalends_db::unfinished`] reads.
    pub(super) snapshot: String,
}

impl FromRow for Newest {
    fn from_row(row: &Row) -> Result<Self> {
        let (tx, seq): (Option<i64>, Option<i64>) = (row.opt("tx")?, row.opt("seq")?);
        Ok(Newest {
            calendar: Calendar::from_row(row)?,
            position: tx.zip(seq).map(|(tx, seq)| Position { tx, seq }),
            at: row.opt("changed_at")?,
            snapshot: row.text("snapshot")?.to_owned(),
        })
    }
}

/// These calendars with their newest changes, all of one snapshot: one statement.
pub(super) async fn newest(conn: &mut Conn, user: Option<UserId>, calendars: &[CalendarId]) -> Result<Vec<Newest>> {
    let newest = |column: &str| {
        format!("(SELECT x.{column} FROM changes x WHERE x.calendar_id = c.id ORDER BY x.tx DESC, x.seq DESC LIMIT 1)")
    };
    let text = format!(
        "SELECT {COLUMNS}, {} AS tx, {} AS seq, {} AS changed_at, {} AS snapshot FROM {FROM} WHERE c.id IN ({{}}) ORDER BY c.id",
        newest("tx"),
        newest("seq"),
        newest("at"),
        conn.snapshot_column(),
    );
    sql(text).bind(user).bind_list(calendars.iter().copied()).all(conn).await
}

struct CalendarRow(CalendarId);

impl FromRow for CalendarRow {
    fn from_row(row: &Row) -> Result<Self> {
        row.get("id").map(CalendarRow)
    }
}

/// The calendars that are shared with somebody or a group of theirs, their own included.
pub(super) async fn calendars_of(conn: &mut Conn, user: UserId) -> Result<Vec<CalendarId>> {
    let found: Vec<CalendarRow> = sql("SELECT c.id FROM calendars c WHERE c.deleted_at IS NULL AND c.id IN (
            SELECT p.calendar_id FROM calendar_permissions p WHERE p.user_id = $1
            UNION SELECT g.calendar_id FROM group_members m JOIN calendar_group_permissions g ON g.group_id = m.group_id
                WHERE m.user_id = $1)
         ORDER BY c.id")
    .bind(user)
    .all(conn)
    .await?;
    Ok(found.into_iter().map(|found| found.0).collect())
}

const FEED: &str = "f.id, f.name, f.calendar_ids, f.busy_only, f.created_at, f.last_used_at";

impl FromRow for Feed {
    fn from_row(row: &Row) -> Result<Self> {
        let calendars: Option<String> = row.opt("calendar_ids")?;
        Ok(Feed {
            id: row.get("id")?,
            name: row.get("name")?,
            calendars: if calendars.is_some() { Some(row.json("calendar_ids")?) } else { None },
            busy_only: row.get("busy_only")?,
            created_at: row.get("created_at")?,
            last_used_at: row.opt("last_used_at")?,
        })
    }
}

impl FromRow for Secret {
    fn from_row(row: &Row) -> Result<Self> {
        Ok(Secret {
            feed: Feed::from_row(row)?,
            owner: row.get("user_id")?,
            role: GlobalRole::from_name(row.text("role")?),
            locale: row.get("locale")?,
        })
    }
}

/// The feed with this digest, while it and its owner's account are good.
pub(super) async fn by_digest(conn: &mut Conn, digest: [u8; 32]) -> Result<Option<Secret>> {
    sql(format!(
        "SELECT {FEED}, f.user_id, u.role, u.locale FROM feeds f JOIN users u ON u.id = f.user_id
         WHERE f.digest = $1 AND f.revoked_at IS NULL AND NOT u.disabled AND u.deleted_at IS NULL"
    ))
    .bind(digest)
    .optional(conn)
    .await
}

pub(super) async fn insert(tx: &mut Tx, owner: UserId, feed: &Feed, digest: [u8; 32]) -> Result<()> {
    let calendars = feed.calendars.as_ref().map(|all| serde_json::to_string(all).unwrap_or_default());
    sql("INSERT INTO feeds (id, user_id, name, digest, calendar_ids, busy_only, created_at, last_used_at, revoked_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8)")
    .bind(feed.id)
    .bind(owner)
    .bind(feed.name.as_str())
    .bind(digest)
    .bind(calendars)
    .bind(feed.busy_only)
    .bind(feed.created_at)
    .bind(None::<Timestamp>)
    .run(tx)
    .await?;
    Ok(())
}

/// A page of somebody's feeds and one row more, newest first.
pub(super) async fn feeds_of(conn: &mut Conn, owner: UserId, limit: u32, cursor: Option<&Cursor>) -> Result<Vec<Feed>> {
    let behind = if cursor.is_some() { "AND f.id < $3" } else { "" };
    let statement = sql(format!(
        "SELECT {FEED} FROM feeds f WHERE f.user_id = $1 AND f.revoked_at IS NULL {behind} ORDER BY f.id DESC LIMIT $2"
    ))
    .bind(owner)
    .bind(i64::from(limit) + 1);
    match cursor {
        None => statement.all(conn).await,
        Some(cursor) => statement.bind(cursor.id).all(conn).await,
    }
}

pub(super) async fn count_of(conn: &mut Conn, owner: UserId) -> Result<i64> {
    sql("SELECT count(*) AS n FROM feeds WHERE user_id = $1 AND revoked_at IS NULL").bind(owner).one(conn).await
}

/// Whether this is or was a feed of this account.
pub(super) async fn is_of(conn: &mut Conn, id: FeedId, owner: UserId) -> Result<bool> {
    let found: i64 =
        sql("SELECT count(*) AS n FROM feeds WHERE id = $1 AND user_id = $2").bind(id).bind(owner).one(conn).await?;
    Ok(found > 0)
}

/// Ends a feed; false when it had ended already.
pub(super) async fn revoke(tx: &mut Tx, id: FeedId, at: Timestamp) -> Result<bool> {
    let ended = sql("UPDATE feeds SET revoked_at = $2 WHERE id = $1 AND revoked_at IS NULL");
    Ok(ended.bind(id).bind(at).run(tx).await? > 0)
}

pub(super) async fn note_use(tx: &mut Tx, id: FeedId, at: Timestamp) -> Result<()> {
    sql("UPDATE feeds SET last_used_at = $2 WHERE id = $1").bind(id).bind(at).run(tx).await?;
    Ok(())
}
