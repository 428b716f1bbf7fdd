use kalends_db::{Result, Tx};
use kalends_kernel::fields::Fields;
use kalends_kernel::{Invalid, Secret};
use serde_json::{Map, Value};

use super::model::later;
use super::register::read_secret;
use super::tokens::TokenKind;
use super::{NewSession, Policy, sessions, store};
use crate::ctx::Ctx;

/// What came of a refresh. All of them are committed: also the end of a session whose token was stolen.
#[derive(Clone, Debug)]
pub enum Refreshed {
    /// The next pair.
    Tokens(NewSession),
    /// The token was spent before: somebody else has or had it. The session is over for both (RFC 9700 4.14.2).
    Reused,
    /// It is not ours, has expired, or its session has ended.
    Bad,
}

/// Reads `{refresh_token}`.
pub fn parse_refresh(body: &Map<String, Value>) -> Result<Secret, Invalid> {
    let mut fields = Fields::of_map(body, "");
    let token = read_secret(&mut fields, "refresh_token").unwrap_or_default();
    fields.finish().or(Secret::new(token))
}

/// Exchanges a refresh token for the next pair. Of two at the same time one is first; the other finds the token spent.
pub async fn refresh(tx: &mut Tx, ctx: &Ctx, token: &Secret, policy: &Policy) -> Result<Refreshed> {
    let Some(digest) = TokenKind::Refresh.digest(token.reveal()) else { return Ok(Refreshed::Bad) };
    let Some(row) = store::lock_refresh_token(tx, digest).await? else { return Ok(Refreshed::Bad) };
    if row.spent {
        sessions::end(tx, ctx, row.session, "refused").await?;
        return Ok(Refreshed::Reused);
    }
    if row.expires_at <= ctx.now || !store::is_alive(tx, row.session).await? {
        return Ok(Refreshed::Bad);
    }
    store::spend_refresh_token(tx, digest, ctx.now).await?;
    store::prolong(tx, row.session, ctx.now, later(ctx.now, policy.refresh_lifetime)).await?;
    sessions::give_tokens(tx, ctx, row.session, policy).await.map(Refreshed::Tokens)
}
