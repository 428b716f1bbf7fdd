//! Sign-ins that failed: counted per minute and address, and one row of the audit log when the minute is over. Guessing
//! passwords must not fill the log.

use jiff::Timestamp;
use kalends_db::{Conn, FromRow, Result, Row, Tx, sql};

use super::{Action, Entry, store};
use crate::ctx::{Ctx, Door};

/// Counts a sign-in that failed.
pub async fn failed_sign_in(tx: &mut Tx, ctx: &Ctx) -> Result<()> {
    let address = ctx.trail.address.map_or_else(String::new, |address| address.to_string());
    sql("INSERT INTO failed_sign_ins (minute, address, count) VALUES ($1, $2, 1)
         ON CONFLICT (minute, address) DO UPDATE SET count = failed_sign_ins.count + 1")
    .bind(minute_of(ctx.now))
    .bind(address)
    .run(tx)
    .await?;
    Ok(())
}

fn minute_of(at: Timestamp) -> Timestamp {
    let seconds = at.as_second();
    Timestamp::from_second(seconds - seconds.rem_euclid(60)).unwrap_or(at)
}

struct Failed {
    minute: Timestamp,
    address: String,
    count: i64,
}

impl FromRow for Failed {
    fn from_row(row: &Row) -> Result<Self> {
        Ok(Failed { minute: row.get("minute")?, address: row.get("address")?, count: row.get("count")? })
    }
}

/// Whether a minute with failed sign-ins is over.
pub(super) async fn is_due(conn: &mut Conn, now: Timestamp) -> Result<bool> {
    let over: i64 = sql("SELECT count(*) AS n FROM (SELECT 1 FROM failed_sign_ins WHERE minute < $1 LIMIT 1) x")
        .bind(minute_of(now))
        .one(conn)
        .await?;
    Ok(over > 0)
}

/// Writes the rows of the minutes that are over.
pub(super) async fn write(tx: &mut Tx, now: Timestamp) -> Result<()> {
    let until = minute_of(now);
    let over: Vec<Failed> =
        sql("SELECT minute, address, count FROM failed_sign_ins WHERE minute < $1 ORDER BY minute, address LIMIT 1000")
            .bind(until)
            .all(tx)
            .await?;
    for one in over {
        let gone = sql("DELETE FROM failed_sign_ins WHERE minute = $1 AND address = $2 AND count = $3")
            .bind(one.minute)
            .bind(one.address.as_str())
            .bind(one.count)
            .run(tx)
            .await?;
        // Another node may have written it, or counted one more.
        if gone == 1 {
            let mut ctx = Ctx::system(now, Door::Rest);
            ctx.trail.address = one.address.parse().ok();
            let entry = Entry { result: "failed", count: one.count, ..Entry::of(Action::SignIn) };
            store::insert(tx, &ctx, one.minute, entry).await?;
        }
    }
    Ok(())
}
