use kalends_db::Tx;
use kalends_kernel::fields::Fields;
use kalends_kernel::{CalendarId, Invalid};
use serde_json::{Map, Value};

use super::calendar::{hand_over, set};
use super::{Invitation, SharingError, input, store};
use crate::access::{Can, Denied, Role};
use crate::calendars::{self, Allowed, CalendarError};
use crate::ctx::Ctx;

/// To whom a calendar shall belong, and what its owner until now stays.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Transfer {
    to: Invitation,
    keep: Option<Role>,
}

const KEEP: &[(&str, Option<Role>)] = &[
    ("editor", Some(Role::Editor)),
    ("owner", Some(Role::Owner)),
    ("viewer", Some(Role::Viewer)),
    ("free_busy", Some(Role::FreeBusy)),
    ("none", None),
];

impl Transfer {
    /// Reads `{user_id | username, keep?}`.
    pub fn parse(body: &Map<String, Value>) -> Result<Transfer, Invalid> {
        let mut fields = Fields::of_map(body, "");
        let to = input::read_person(&mut fields);
        let keep = fields.choice("keep", KEEP).unwrap_or(Some(Role::Editor));
        let invalid = fields.finish();
        match to {
            Some(to) => invalid.or(Transfer { to, keep }),
            None => Err(invalid),
        }
    }
}

/// Gives a calendar to somebody else. Its owners may. Gives the calendar as the actor sees it now; none when they do not.
pub async fn transfer(
    tx: &mut Tx,
    ctx: &Ctx,
    id: CalendarId,
    transfer: &Transfer,
) -> Result<Option<Allowed>, SharingError> {
    calendars::store::lock(tx, id).await?;
    let calendar = calendars::load(tx, ctx, id, Can::Share).await?.calendar;
    if calendar.is_default {
        return Err(SharingError::Default);
    }
    let unknown = || Invalid::one("/user_id", "unknown-user", "there is no such account, or it is disabled");
    let heir = store::account(tx, &transfer.to).await?.ok_or_else(unknown)?;
    // Nobody may be deleted while they become the owner.
    if !store::lock_active(tx, heir).await? {
        return Err(unknown().into());
    }
    set(tx, ctx, &calendar, heir, Some(Role::Owner)).await?;
    if heir != calendar.owner {
        hand_over(tx, ctx, id, calendar.owner, heir).await?;
        set(tx, ctx, &calendar, calendar.owner, transfer.keep).await?;
    }
    match calendars::load(tx, ctx, id, Can::See).await {
        Ok(allowed) => Ok(Some(allowed)),
        Err(CalendarError::Denied(Denied::NotFound)) => Ok(None),
        Err(other) => Err(other.into()),
    }
}
