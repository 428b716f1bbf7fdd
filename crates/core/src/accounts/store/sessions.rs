use jiff::Timestamp;
use kalends_db::{Conn, FromRow, Result, Row, Tx, sql};
use kalends_kernel::{Cursor, SessionId, UserId};

use super::There;
use crate::accounts::{Origin, Session, Verified};
use crate::ctx::{Credential, GlobalRole, SignedIn};

impl FromRow for Session {
    fn from_row(row: &Row) -> Result<Self> {
        Ok(Session {
            id: row.get("id")?,
            created_at: row.get("created_at")?,
            last_used_at: row.get("last_used_at")?,
            expires_at: row.get("expires_at")?,
            origin: Origin { user_agent: row.get("user_agent")?, address: row.get("address")? },
        })
    }
}

struct ByAccessToken(Verified);

impl FromRow for ByAccessToken {
    fn from_row(row: &Row) -> Result<Self> {
        let by = Credential::Session(row.get("session_id")?);
        let user = SignedIn { id: row.get("user_id")?, role: GlobalRole::from_name(row.text("role")?), by };
        Ok(ByAccessToken(Verified { user, expires_at: Some(row.get("expires_at")?), note: None }))
    }
}

/// Who shows this access token, while it, its session and its account are good.
pub(in crate::accounts) async fn by_access_token(
    conn: &mut Conn,
    digest: [u8; 32],
    now: Timestamp,
) -> Result<Option<Verified>> {
    let found: Option<ByAccessToken> = sql("SELECT s.user_id, u.role, a.session_id, a.expires_at
         FROM access_tokens a JOIN sessions s ON s.id = a.session_id JOIN users u ON u.id = s.user_id
         WHERE a.digest = $1 AND a.expires_at > $2 AND s.ended_at IS NULL AND NOT u.disabled AND u.deleted_at IS NULL")
    .bind(digest)
    .bind(now)
    .optional(conn)
    .await?;
    Ok(found.map(|found| found.0))
}

pub(in crate::accounts) async fn insert_session(
    tx: &mut Tx,
    id: SessionId,
    user: UserId,
    origin: &Origin,
    now: Timestamp,
    expires_at: Timestamp,
) -> Result<()> {
    sql("INSERT INTO sessions (id, user_id, created_at, last_used_at, expires_at, ended_at, user_agent, address) VALUES ($1, $2, $3, $3, $4, $5, $6, $7)")
        .bind(id)
        .bind(user)
        .bind(now)
        .bind(expires_at)
        .bind(None::<Timestamp>)
        .bind(origin.user_agent.as_str())
        .bind(origin.address.as_str())
        .run(tx)
        .await?;
    Ok(())
}

pub(in crate::accounts) async fn insert_access_token(
    tx: &mut Tx,
    digest: [u8; 32],
    session: SessionId,
    expires_at: Timestamp,
) -> Result<()> {
    sql("INSERT INTO access_tokens (digest, session_id, expires_at) VALUES ($1, $2, $3)")
        .bind(digest)
        .bind(session)
        .bind(expires_at)
        .run(tx)
        .await?;
    Ok(())
}

pub(in crate::accounts) async fn insert_refresh_token(
    tx: &mut Tx,
    digest: [u8; 32],
    session: SessionId,
    expires_at: Timestamp,
) -> Result<()> {
    sql("INSERT INTO refresh_tokens (digest, session_id, expires_at, spent_at) VALUES ($1, $2, $3, $4)")
        .bind(digest)
        .bind(session)
        .bind(expires_at)
        .bind(None::<Timestamp>)
        .run(tx)
        .await?;
    Ok(())
}

/// A refresh token as the database knows it.
pub(in crate::accounts) struct RefreshRow {
    pub session: SessionId,
    pub expires_at: Timestamp,
    pub spent: bool,
}

impl FromRow for RefreshRow {
    fn from_row(row: &Row) -> Result<Self> {
        let spent_at: Option<Timestamp> = row.opt("spent_at")?;
        Ok(RefreshRow {
            session: row.get("session_id")?,
            expires_at: row.get("expires_at")?,
            spent: spent_at.is_some(),
        })
    }
}

/// The refresh token, kept from being spent by others until the commit.
pub(in crate::accounts) async fn lock_refresh_token(tx: &mut Tx, digest: [u8; 32]) -> Result<Option<RefreshRow>> {
    tx.lock_row("SELECT session_id, expires_at, spent_at FROM refresh_tokens WHERE digest = $1")
        .bind(digest)
        .optional(tx)
        .await
}

pub(in crate::accounts) async fn spend_refresh_token(tx: &mut Tx, digest: [u8; 32], at: Timestamp) -> Result<()> {
    sql("UPDATE refresh_tokens SET spent_at = $2 WHERE digest = $1").bind(digest).bind(at).run(tx).await?;
    Ok(())
}

/// Whether the session goes on and its account may use it.
pub(in crate::accounts) async fn is_alive(conn: &mut Conn, id: SessionId) -> Result<bool> {
    let found: Option<There> = sql("SELECT 1 AS n FROM sessions s JOIN users u ON u.id = s.user_id
         WHERE s.id = $1 AND s.ended_at IS NULL AND NOT u.disabled AND u.deleted_at IS NULL")
    .bind(id)
    .optional(conn)
    .await?;
    Ok(found.is_some())
}

/// The session was used; it lives on until then.
pub(in crate::accounts) async fn prolong(
    tx: &mut Tx,
    id: SessionId,
    now: Timestamp,
    expires_at: Timestamp,
) -> Result<()> {
    sql("UPDATE sessions SET last_used_at = $2, expires_at = $3 WHERE id = $1")
        .bind(id)
        .bind(now)
        .bind(expires_at)
        .run(tx)
        .await?;
    Ok(())
}

pub(in crate::accounts) async fn end_session(tx: &mut Tx, id: SessionId, at: Timestamp) -> Result<()> {
    sql("UPDATE sessions SET ended_at = $2 WHERE id = $1 AND ended_at IS NULL").bind(id).bind(at).run(tx).await?;
    Ok(())
}

/// Ends all sessions of an account, or all but one.
pub(in crate::accounts) async fn end_sessions_of(
    tx: &mut Tx,
    user: UserId,
    except: Option<SessionId>,
    at: Timestamp,
) -> Result<()> {
    sql("UPDATE sessions SET ended_at = $2 WHERE user_id = $1 AND ended_at IS NULL AND ($3 IS NULL OR id <> $3)")
        .bind(user)
        .bind(at)
        .bind(except)
        .run(tx)
        .await?;
    Ok(())
}

/// Whether this is or was a session of this account.
pub(in crate::accounts) async fn is_session_of(conn: &mut Conn, id: SessionId, user: UserId) -> Result<bool> {
    Ok(sql("SELECT 1 AS n FROM sessions WHERE id = $1 AND user_id = $2")
        .bind(id)
        .bind(user)
        .optional::<There>(conn)
        .await?
        .is_some())
}

/// Returns whose session it is.
pub(in crate::accounts) async fn owner_of_session(conn: &mut Conn, id: SessionId) -> Result<Option<UserId>> {
    struct Owner(UserId);
    impl FromRow for Owner {
        fn from_row(row: &Row<'_>) -> Result<Self> {
            row.get("user_id").map(Owner)
        }
    }
    let owner: Option<Owner> = sql("SELECT user_id FROM sessions WHERE id = $1").bind(id).optional(conn).await?;
    Ok(owner.map(|owner| owner.0))
}

/// A page of the account's living sessions and one row more, newest first.
pub(in crate::accounts) async fn sessions_of(
    conn: &mut Conn,
    user: UserId,
    now: Timestamp,
    limit: u32,
    cursor: Option<&Cursor>,
) -> Result<Vec<Session>> {
    let statement = match cursor {
        None => sql("SELECT id, created_at, last_used_at, expires_at, user_agent, address FROM sessions
             WHERE user_id = $1 AND ended_at IS NULL AND expires_at > $2 ORDER BY id DESC LIMIT $3"),
        Some(_) => sql("SELECT id, created_at, last_used_at, expires_at, user_agent, address FROM sessions
             WHERE user_id = $1 AND ended_at IS NULL AND expires_at > $2 AND id < $4 ORDER BY id DESC LIMIT $3"),
    };
    let statement = statement.bind(user).bind(now).bind(i64::from(limit) + 1);
    match cursor {
        None => statement.all(conn).await,
        Some(cursor) => statement.bind(cursor.id).all(conn).await,
    }
}

pub(in crate::accounts) async fn count_sessions_of(conn: &mut Conn, user: UserId, now: Timestamp) -> Result<i64> {
    sql("SELECT count(*) AS n FROM sessions WHERE user_id = $1 AND ended_at IS NULL AND expires_at > $2")
        .bind(user)
        .bind(now)
        .one(conn)
        .await
}

/// Lets go of sessions that ended or expired before `ended_before`, and of tokens that expired before `now`.
pub(in crate::accounts) async fn delete_old_sessions(
    tx: &mut Tx,
    ended_before: Timestamp,
    now: Timestamp,
) -> Result<u64> {
    let mut gone = sql("DELETE FROM access_tokens WHERE expires_at <= $1").bind(now).run(tx).await?;
    gone += sql("DELETE FROM refresh_tokens WHERE expires_at <= $1").bind(now).run(tx).await?;
    gone += sql("DELETE FROM sessions WHERE expires_at <= $1 OR ended_at <= $2")
        .bind(now)
        .bind(ended_before)
        .run(tx)
        .await?;
    Ok(gone)
}

/// Lets go of stored answers of retried requests.
pub(in crate::accounts) async fn delete_old_idempotency_keys(tx: &mut Tx, before: Timestamp) -> Result<u64> {
    sql("DELETE FROM idempotency_keys WHERE created_at <= $1").bind(before).run(tx).await
}
