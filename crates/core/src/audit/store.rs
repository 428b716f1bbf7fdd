//! Writing and reading rows of the audit log.

use jiff::Timestamp;
use kalends_db::{FromRow, Result, Row, Sql, Tx, Value, append, sql};

use super::{Audited, Entry};
use crate::changes::Position;
use crate::ctx::Ctx;

/// The columns of a row.
pub(super) const COLUMNS: &str =
    "tx, seq, at, action, result, actor_id, door, address, request_id, op, kind, record_id, count, detail";

impl FromRow for Audited {
    fn from_row(row: &Row) -> Result<Self> {
        Ok(Audited {
            position: Position::from_row(row)?,
            at: row.get("at")?,
            action: row.get("action")?,
            result: row.get("result")?,
            actor: row.opt("actor_id")?,
            door: row.get("door")?,
            address: row.opt("address")?,
            request_id: row.get("request_id")?,
            op: row.opt("op")?,
            kind: row.opt("kind")?,
            record: row.opt("record_id")?,
            count: row.get("count")?,
            detail: row.opt("detail")?,
        })
    }
}

pub(super) async fn insert(tx: &mut Tx, ctx: &Ctx, at: Timestamp, entry: Entry) -> Result<()> {
    let row = [
        at.into(),
        entry.action.name().into(),
        entry.result.into(),
        entry.actor.or(ctx.user()).into(),
        ctx.door.name().into(),
        ctx.trail.address.map(|address| address.to_string()).into(),
        (*ctx.request_id).into(),
        entry.op.map(str::to_owned).into(),
        entry.kind.map(str::to_owned).into(),
        Value::Uuid(entry.record),
        entry.count.into(),
        entry.detail.map(|detail| detail.to_string()).into(),
    ];
    append(tx, INSERT, row).await
}

const INSERT: &str =
    "INSERT INTO audit (at, action, result, actor_id, door, address, request_id, op, kind, record_id, count, detail)
     VALUES {}";

/// What makes the seals of a restored database true again: rows of logs are numbered anew from 1, in their order, and a
/// seal knows how many it is about.
pub fn after_restore() -> Sql {
    sql(
        "UPDATE audit_seals SET tx = 0, seq = (SELECT CAST(sum(s.rows_sealed) AS BIGINT) FROM audit_seals s WHERE s.n <= audit_seals.n)",
    )
}
