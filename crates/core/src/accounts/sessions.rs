use jiff::Timestamp;
use kalends_db::{Conn, Result, Tx};
use kalends_kernel::{Cursor, Page, Secret, SessionId, UserId};

use super::model::later;
use super::tokens::TokenKind;
use super::{Origin, Policy, store};
use crate::audit::{self, Action, Entry};
use crate::ctx::Ctx;

/// A signed-in session, as its owner sees it.
#[derive(Clone, PartialEq, Debug)]
pub struct Session {
    /// Its id.
    pub id: SessionId,
    /// When it began.
    pub created_at: Timestamp,
    /// When it began or was last refreshed.
    pub last_used_at: Timestamp,
    /// When it ends unless it is refreshed.
    pub expires_at: Timestamp,
    /// Where it began.
    pub origin: Origin,
}

/// The tokens of a session, shown once.
#[derive(Clone, Debug)]
pub struct NewSession {
    /// The session.
    pub id: SessionId,
    /// To be shown with each request.
    pub access_token: Secret,
    /// To be exchanged, once, for the next pair.
    pub refresh_token: Secret,
    /// Seconds for which the access token is good.
    pub expires_in: u64,
}

/// Starts a session.
pub(super) async fn start(
    tx: &mut Tx,
    ctx: &Ctx,
    user: UserId,
    origin: &Origin,
    policy: &Policy,
) -> Result<NewSession> {
    let id: SessionId = ctx.ids.next();
    store::insert_session(tx, id, user, origin, ctx.now, later(ctx.now, policy.refresh_lifetime)).await?;
    audit::record(tx, ctx, Entry { actor: Some(user), ..Entry::of(Action::SignIn) }).await?;
    give_tokens(tx, ctx, id, policy).await
}

/// The next pair of tokens of a session.
pub(super) async fn give_tokens(tx: &mut Tx, ctx: &Ctx, id: SessionId, policy: &Policy) -> Result<NewSession> {
    let (access_token, access_digest) = TokenKind::Access.make(ctx.ids);
    let (refresh_token, refresh_digest) = TokenKind::Refresh.make(ctx.ids);
    store::insert_access_token(tx, access_digest, id, later(ctx.now, policy.access_lifetime)).await?;
    store::insert_refresh_token(tx, refresh_digest, id, later(ctx.now, policy.refresh_lifetime)).await?;
    Ok(NewSession { id, access_token, refresh_token, expires_in: policy.access_lifetime.as_secs() })
}

/// Ends a session of this account; its tokens are dead with the commit. A second time is no news; false when it never
/// was the account's.
pub async fn end_session(tx: &mut Tx, ctx: &Ctx, owner: UserId, id: SessionId) -> Result<bool> {
    if !store::is_session_of(tx, id, owner).await? {
        return Ok(false);
    }
    store::end_session(tx, id, ctx.now).await?;
    audit::record(tx, ctx, Entry::of_access("deleted", "session", id.uuid(), owner)).await?;
    Ok(true)
}

/// Ends the session to which this refresh token belongs, spent or not; false when there is none.
pub async fn end_session_of_refresh_token(tx: &mut Tx, ctx: &Ctx, token: &Secret) -> Result<bool> {
    let Some(digest) = TokenKind::Refresh.digest(token.reveal()) else { return Ok(false) };
    let Some(row) = store::lock_refresh_token(tx, digest).await? else { return Ok(false) };
    end(tx, ctx, row.session, "ok").await?;
    Ok(true)
}

/// Ends a session and notes it with its result for whoever has the token.
pub(super) async fn end(tx: &mut Tx, ctx: &Ctx, id: SessionId, result: &'static str) -> Result<()> {
    store::end_session(tx, id, ctx.now).await?;
    let Some(owner) = store::owner_of_session(tx, id).await? else { return Ok(()) };
    let entry = Entry { result, ..Entry::of_access("deleted", "session", id.uuid(), owner) };
    audit::record(tx, ctx, entry).await
}

/// The account's living sessions, newest first.
pub async fn sessions(
    conn: &mut Conn,
    owner: UserId,
    now: Timestamp,
    limit: u32,
    cursor: Option<&Cursor>,
    of: u32,
) -> Result<Page<Session>> {
    let found = store::sessions_of(conn, owner, now, limit, cursor).await?;
    Ok(super::list::page(found, limit, |last| Cursor {
        key: String::new(),
        id: last.id.uuid(),
        part: String::new(),
        of,
    }))
}

/// How many living sessions the account has.
pub async fn session_count(conn: &mut Conn, owner: UserId, now: Timestamp) -> Result<i64> {
    store::count_sessions_of(conn, owner, now).await
}
