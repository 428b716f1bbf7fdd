//! Writing and reading rows of the audit log.

use jiff::Timestamp;
use kalends_db::{FromRow, Result, Row, Sql, Tx, Value, sql};

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
    sql("INSERT INTO audit (at, action, result, actor_id, door, address, request_id, op, kind, record_id, count, detail)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)")
        .bind(at)
        .bind(entry.action.name())
        .bind(entry.result)
        .bind(entry.actor.or(ctx.user()))
        .bind(ctx.door.name())
        .bind(ctx.trail.address.map(|address| address.to_string()))
        .bind(&*ctx.request_id)
        .bind(entry.op.map(str::to_owned))
        .bind(entry.kind.map(str::to_owned))
        .bind(Value::Uuid(entry.record))
        .bind(entry.count)
        .bind(entry.detail.map(|detail| detail.to_string()))
        .run(tx)
        .await?;
    Ok(())
}

/// What makes the seals of a restored database true again: rows of logs are numbered anew from 1, in their order, and a
/// seal knows how many it is about.
pub fn after_restore() -> Sql {
    sql(
        "UPDATE audit_seals SET tx = 0, seq = (SELECT CAST(sum(s.rows_sealed) AS BIGINT) FROM audit_seals s WHERE s.n <= audit_seals.n)",
    )
}
