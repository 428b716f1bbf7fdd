//! All SQL of share links.

use jiff::Timestamp;
use kalends_db::{Conn, FromRow, Result, Row, Tx, sql};
use kalends_kernel::{Cursor, ShareLinkId, UserId};

use super::ShareLink;
use crate::ctx::GlobalRole;

const LINK: &str = "l.id, l.name, l.event_ids, l.busy_only, l.expires_at, l.created_at, l.last_used_at";

impl FromRow for ShareLink {
    fn from_row(row: &Row) -> Result<Self> {
        Ok(ShareLink {
            id: row.get("id")?,
            name: row.opt("name")?,
            events: row.json("event_ids")?,
            busy_only: row.get("busy_only")?,
            expires_at: row.opt("expires_at")?,
            created_at: row.get("created_at")?,
            last_used_at: row.opt("last_used_at")?,
        })
    }
}

/// A link, and its maker's account of now.
pub(super) struct LinkRow {
    pub(super) link: ShareLink,
    pub(super) owner: UserId,
    pub(super) role: GlobalRole,
    pub(super) locale: String,
}

impl FromRow for LinkRow {
    fn from_row(row: &Row) -> Result<Self> {
        Ok(LinkRow {
            link: ShareLink::from_row(row)?,
            owner: row.get("user_id")?,
            role: GlobalRole::from_name(row.text("role")?),
            locale: row.get("locale")?,
        })
    }
}

/// The link with this digest, while it and its maker's account are good.
pub(super) async fn by_digest(conn: &mut Conn, digest: [u8; 32], now: Timestamp) -> Result<Option<LinkRow>> {
    sql(format!(
        "SELECT {LINK}, l.user_id, u.role, u.locale FROM share_links l JOIN users u ON u.id = l.user_id
         WHERE l.digest = $1 AND l.revoked_at IS NULL AND (l.expires_at IS NULL OR l.expires_at > $2)
            AND NOT u.disabled AND u.deleted_at IS NULL"
    ))
    .bind(digest)
    .bind(now)
    .optional(conn)
    .await
}

pub(super) async fn insert(tx: &mut Tx, owner: UserId, link: &ShareLink, digest: [u8; 32]) -> Result<()> {
    sql("INSERT INTO share_links (id, user_id, name, digest, event_ids, busy_only, expires_at, created_at, last_used_at, revoked_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9)")
    .bind(link.id)
    .bind(owner)
    .bind(link.name.clone())
    .bind(digest)
    .bind_json(&link.events)?
    .bind(link.busy_only)
    .bind(link.expires_at)
    .bind(link.created_at)
    .bind(None::<Timestamp>)
    .run(tx)
    .await?;
    Ok(())
}

/// A page of somebody's links and one row more, newest first.
pub(super) async fn links_of(
    conn: &mut Conn,
    owner: UserId,
    limit: u32,
    cursor: Option<&Cursor>,
) -> Result<Vec<ShareLink>> {
    let behind = if cursor.is_some() { "AND l.id < $3" } else { "" };
    let statement = sql(format!(
        "SELECT {LINK} FROM share_links l WHERE l.user_id = $1 AND l.revoked_at IS NULL {behind} ORDER BY l.id DESC LIMIT $2"
    ))
    .bind(owner)
    .bind(i64::from(limit) + 1);
    match cursor {
        None => statement.all(conn).await,
        Some(cursor) => statement.bind(cursor.id).all(conn).await,
    }
}

pub(super) async fn count_of(conn: &mut Conn, owner: UserId) -> Result<i64> {
    sql("SELECT count(*) AS n FROM share_links WHERE user_id = $1 AND revoked_at IS NULL").bind(owner).one(conn).await
}

/// Whether this is or was a link of this account.
pub(super) async fn is_of(conn: &mut Conn, id: ShareLinkId, owner: UserId) -> Result<bool> {
    let found: i64 = sql("SELECT count(*) AS n FROM share_links WHERE id = $1 AND user_id = $2")
        .bind(id)
        .bind(owner)
        .one(conn)
        .await?;
    Ok(found > 0)
}

/// Ends a link; false when it had ended already.
pub(super) async fn revoke(tx: &mut Tx, id: ShareLinkId, at: Timestamp) -> Result<bool> {
    let ended = sql("UPDATE share_links SET revoked_at = $2 WHERE id = $1 AND revoked_at IS NULL");
    Ok(ended.bind(id).bind(at).run(tx).await? > 0)
}

pub(super) async fn note_use(tx: &mut Tx, id: ShareLinkId, at: Timestamp) -> Result<()> {
    sql("UPDATE share_links SET last_used_at = $2 WHERE id = $1").bind(id).bind(at).run(tx).await?;
    Ok(())
}
