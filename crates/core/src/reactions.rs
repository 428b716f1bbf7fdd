//! What a change below means for the features above it: a list of plain calls, in the transaction of the change.

use kalends_db::{Result, Tx};
use kalends_kernel::UserId;

use crate::accounts::User;
use crate::ctx::Ctx;
use crate::sharing;

/// An account is about to be deleted.
pub(crate) async fn account_deleted(tx: &mut Tx, ctx: &Ctx, user: UserId) -> Result<()> {
    sharing::leave_all(tx, ctx, user).await
}

/// Somebody has shown that an address (its key) is theirs.
pub(crate) async fn address_verified(tx: &mut Tx, ctx: &Ctx, user: UserId, key: &str) -> Result<()> {
    sharing::address_verified(tx, ctx, user, key).await
}

/// An account was changed, perhaps its address or whether that is its own.
pub(crate) async fn address_changed(tx: &mut Tx, ctx: &Ctx, old: &User, new: &User) -> Result<()> {
    let key = |user: &User| user.email.as_ref().map(|email| email.to_lowercase()).unwrap_or_default();
    let (before, after) = (key(old), key(new));
    let (was, is) = (old.email_verified_at.is_some(), new.email_verified_at.is_some());
    if was && (before != after || !is) {
        sharing::address_given_up(tx, ctx, new.id, &before, before != after).await?;
    }
    if is && (before != after || !was) {
        address_verified(tx, ctx, new.id, &after).await?;
    }
    Ok(())
}
