use kalends_db::Tx;
use kalends_kernel::CalendarId;

use super::{Allowed, CalendarError, store};
use crate::access::{Can, Denied};
use crate::changes::{self, Change, Kind, Op};
use crate::ctx::Ctx;

/// Deletes a calendar; its events go out of sight with it. A second time is no news.
pub async fn delete(
    tx: &mut Tx,
    ctx: &Ctx,
    id: CalendarId,
    is_current: impl Fn(&Allowed) -> bool,
) -> Result<(), CalendarError> {
    store::lock(tx, id).await?;
    let allowed = match store::load(tx, ctx, id, Can::Delete).await {
        Ok(allowed) => allowed,
        Err(CalendarError::Denied(Denied::NotFound)) => {
            return match ctx.user() {
                Some(user) if store::was_deleted_by_owner(tx, id, user).await? => Ok(()),
                _ => Err(Denied::NotFound.into()),
            };
        }
        Err(other) => return Err(other),
    };
    if !is_current(&allowed) {
        return Err(CalendarError::Changed(Box::new(allowed)));
    }
    if allowed.calendar.is_default {
        return Err(CalendarError::Default);
    }
    Ok(trash(tx, ctx, id, allowed.calendar.version).await?)
}

/// Takes a calendar that is locked out of sight. Whether that may be is the caller's to know.
pub(crate) async fn trash(tx: &mut Tx, ctx: &Ctx, id: CalendarId, version: i64) -> Result<(), kalends_db::Error> {
    store::mark_deleted(tx, id, ctx.now).await?;
    let change = Change {
        kind: Kind::Calendar,
        op: Op::Deleted,
        record: id.uuid(),
        calendar: Some(id),
        user: None,
        version: Some(version + 1),
        detail: None,
    };
    changes::record(tx, ctx, change).await
}
