use jiff::{SignedDuration, Timestamp};
use kalends_db::{Conn, Error, FromRow, Result, Row, Tx, sql};
use kalends_kernel::{Cursor, TokenId, UserId};

use super::There;
use crate::accounts::{PersonalToken, Verified};
use crate::ctx::{Credential, GlobalRole, Scope, SignedIn};

/// Scopes are stored as their names, separated by blanks.
fn scopes(row: &Row) -> Result<Vec<Scope>> {
    let text = row.text("scopes")?;
    let scope = |word: &str| Scope::NAMES.iter().find(|(name, _)| *name == word).map(|(_, scope)| *scope);
    text.split(' ')
        .map(|word| scope(word).ok_or_else(|| Error::Decode { column: "scopes".to_owned(), what: word.to_owned() }))
        .collect()
}

impl FromRow for PersonalToken {
    fn from_row(row: &Row) -> Result<Self> {
        Ok(PersonalToken {
            id: row.get("id")?,
            name: row.get("name")?,
            scopes: scopes(row)?,
            created_at: row.get("created_at")?,
            expires_at: row.opt("expires_at")?,
            last_used_at: row.opt("last_used_at")?,
        })
    }
}

struct ByPersonalToken {
    verified: Verified,
    id: TokenId,
    last_used_at: Option<Timestamp>,
}

impl FromRow for ByPersonalToken {
    fn from_row(row: &Row) -> Result<Self> {
        let id: TokenId = row.get("id")?;
        let by = Credential::PersonalToken(id, scopes(row)?);
        let user = SignedIn { id: row.get("user_id")?, role: GlobalRole::from_name(row.text("role")?), by };
        let verified = Verified { user, expires_at: row.opt("expires_at")?, note: None };
        Ok(ByPersonalToken { verified, id, last_used_at: row.opt("last_used_at")? })
    }
}

/// How exactly the last use of a personal token is known.
const NOTED_EVERY: SignedDuration = SignedDuration::from_hours(1);

/// Who shows this personal token, while it and its account are good.
pub(in crate::accounts) async fn by_personal_token(
    conn: &mut Conn,
    digest: [u8; 32],
    now: Timestamp,
) -> Result<Option<Verified>> {
    let found: Option<ByPersonalToken> = sql("SELECT t.id, t.user_id, u.role, t.scopes, t.expires_at, t.last_used_at
         FROM personal_tokens t JOIN users u ON u.id = t.user_id
         WHERE t.digest = $1 AND t.revoked_at IS NULL AND (t.expires_at IS NULL OR t.expires_at > $2) AND NOT u.disabled AND u.deleted_at IS NULL")
        .bind(digest)
        .bind(now)
        .optional(conn)
        .await?;
    Ok(found.map(|found| {
        let noted = found.last_used_at.is_some_and(|at| now.duration_since(at) < NOTED_EVERY);
        Verified { note: (!noted).then_some(found.id), ..found.verified }
    }))
}

pub(in crate::accounts) async fn note_use(tx: &mut Tx, id: TokenId, at: Timestamp) -> Result<()> {
    sql("UPDATE personal_tokens SET last_used_at = $2 WHERE id = $1").bind(id).bind(at).run(tx).await?;
    Ok(())
}

pub(in crate::accounts) async fn insert_token(
    tx: &mut Tx,
    user: UserId,
    token: &PersonalToken,
    digest: [u8; 32],
) -> Result<()> {
    let scopes: Vec<&str> = token.scopes.iter().map(|scope| scope.name()).collect();
    sql("INSERT INTO personal_tokens (id, user_id, name, digest, scopes, created_at, expires_at, last_used_at, revoked_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8)")
        .bind(token.id)
        .bind(user)
        .bind(token.name.as_str())
        .bind(digest)
        .bind(scopes.join(" "))
        .bind(token.created_at)
        .bind(token.expires_at)
        .bind(None::<Timestamp>)
        .run(tx)
        .await?;
    Ok(())
}

/// Whether this is or was a token of this account.
pub(in crate::accounts) async fn is_token_of(conn: &mut Conn, id: TokenId, user: UserId) -> Result<bool> {
    Ok(sql("SELECT 1 AS n FROM personal_tokens WHERE id = $1 AND user_id = $2")
        .bind(id)
        .bind(user)
        .optional::<There>(conn)
        .await?
        .is_some())
}

pub(in crate::accounts) async fn revoke_token(tx: &mut Tx, id: TokenId, at: Timestamp) -> Result<()> {
    sql("UPDATE personal_tokens SET revoked_at = $2 WHERE id = $1 AND revoked_at IS NULL")
        .bind(id)
        .bind(at)
        .run(tx)
        .await?;
    Ok(())
}

pub(in crate::accounts) async fn revoke_tokens_of(tx: &mut Tx, user: UserId, at: Timestamp) -> Result<()> {
    sql("UPDATE personal_tokens SET revoked_at = $2 WHERE user_id = $1 AND revoked_at IS NULL")
        .bind(user)
        .bind(at)
        .run(tx)
        .await?;
    Ok(())
}

/// A page of the account's tokens that were not revoked and one row more, newest first.
pub(in crate::accounts) async fn tokens_of(
    conn: &mut Conn,
    user: UserId,
    limit: u32,
    cursor: Option<&Cursor>,
) -> Result<Vec<PersonalToken>> {
    let statement = match cursor {
        None => sql("SELECT id, name, scopes, created_at, expires_at, last_used_at FROM personal_tokens
             WHERE user_id = $1 AND revoked_at IS NULL ORDER BY id DESC LIMIT $2"),
        Some(_) => sql("SELECT id, name, scopes, created_at, expires_at, last_used_at FROM personal_tokens
             WHERE user_id = $1 AND revoked_at IS NULL AND id < $3 ORDER BY id DESC LIMIT $2"),
    };
    let statement = statement.bind(user).bind(i64::from(limit) + 1);
    match cursor {
        None => statement.all(conn).await,
        Some(cursor) => statement.bind(cursor.id).all(conn).await,
    }
}

pub(in crate::accounts) async fn count_tokens_of(conn: &mut Conn, user: UserId) -> Result<i64> {
    sql("SELECT count(*) AS n FROM personal_tokens WHERE user_id = $1 AND revoked_at IS NULL")
        .bind(user)
        .one(conn)
        .await
}

/// Lets go of tokens that were revoked or expired before `before`.
pub(in crate::accounts) async fn delete_old_tokens(tx: &mut Tx, before: Timestamp) -> Result<u64> {
    sql("DELETE FROM personal_tokens WHERE revoked_at <= $1 OR expires_at <= $1").bind(before).run(tx).await
}
