//! One event back to one of its versions.

use kalends_db::Tx;
use kalends_kernel::fields::{Fields, Text};
use kalends_kernel::{EventId, Invalid};
use serde_json::{Map, Value};

use super::read::Seen;
use super::store;
use crate::access::{Can, Denied};
use crate::calendars::Conflicts;
use crate::ctx::Ctx;
use crate::events::roll_back::{RollbackOptions, take_back, way_back};
use crate::events::{self, Allowed, EventError};

/// A rollback that somebody wishes.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct RollbackWish {
    /// The versions that `If-Match` names.
    pub if_match: Option<Vec<i64>>,
    /// What they say about it.
    pub comment: Option<String>,
    /// What is to happen when it takes time that is taken; none for what calendar and venue say.
    pub on_conflict: Option<Conflicts>,
}

impl RollbackWish {
    /// Reads `{comment?, on_conflict?}`.
    pub fn parse(body: &Map<String, Value>, if_match: Option<Vec<i64>>) -> Result<RollbackWish, Invalid> {
        let mut fields = Fields::of_map(body, "");
        let comment = fields.text("comment", COMMENT);
        let on_conflict = fields.choice("on_conflict", Conflicts::NAMES);
        fields.finish().or(RollbackWish { if_match, comment, on_conflict })
    }
}

pub(super) const COMMENT: Text = Text::lines(2_000).filled();

/// Gives an event the whole state of one of its versions, as a new version. Who may edit it may; into and out of the trash
/// its owners. What changes nothing is none.
pub async fn roll_back(
    tx: &mut Tx,
    ctx: &Ctx,
    id: EventId,
    version: i64,
    wish: &RollbackWish,
) -> Result<Allowed, EventError> {
    events::lock(tx, id).await?;
    let old = events::load(tx, ctx, id, Can::Edit).await?;
    if let Some(versions) = &wish.if_match
        && !versions.contains(&old.event.version)
    {
        return Err(EventError::Changed(Box::new(old)));
    }
    // Who may edit an event sees every version of it.
    let then = store::version(tx, id, Seen::All, version).await?.ok_or(Denied::NotFound)?;
    let way = way_back(tx, ctx, &old, &then.snapshot).await?;
    let taking =
        RollbackOptions { comment: wish.comment.clone(), on_conflict: wish.on_conflict, ..RollbackOptions::default() };
    take_back(tx, ctx, &old.event, way, taking).await?;
    events::load(tx, ctx, id, Can::See).await
}
