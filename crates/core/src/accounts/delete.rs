use kalends_db::Tx;
use kalends_kernel::UserId;

use super::{AccountError, another_admin_than, record, store};
use crate::changes::Op;
use crate::ctx::Ctx;
use crate::reactions;

/// Deletes an account: takes the person out of it, ends its sessions and tokens, frees its name and address. What it
/// wrote stays, as a deleted user's; what others use of it passes to others (`sharing::leave_all`).
pub async fn delete(tx: &mut Tx, ctx: &Ctx, id: UserId, is_current: impl Fn(i64) -> bool) -> Result<(), AccountError> {
    let another_admin = another_admin_than(tx, id).await?;
    let user = store::lock(tx, id).await?.filter(|user| user.deleted_at.is_none()).ok_or(AccountError::NotFound)?;
    if !is_current(user.version) {
        return Err(AccountError::Changed(Box::new(user)));
    }
    if user.is_active_admin() && !another_admin {
        return Err(AccountError::LastAdmin);
    }
    reactions::account_deleted(tx, ctx, id).await?;
    store::anonymise(tx, id, ctx.now).await?;
    store::end_sessions_of(tx, id, None, ctx.now).await?;
    store::revoke_tokens_of(tx, id, ctx.now).await?;
    record(tx, ctx, Op::Deleted, id, user.version + 1, None).await?;
    Ok(())
}
