//! Sealing: a chain of digests over the rows in the order of the log.

use jiff::Timestamp;
use kalends_db::{Conn, FromRow, Result, Row, Tx, sql};
use serde_json::json;
use sha2::{Digest, Sha256};

use super::store::COLUMNS;
use super::{Audited, failed};
use crate::changes::Position;

/// A link of the chain.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Seal {
    /// Counts the seals, from 1, without gaps.
    pub n: i64,
    /// The last row that it is about.
    pub last: Position,
    /// How many rows it is about.
    pub rows: i64,
    /// SHA-256, in hexadecimal digits, of the seal before and of its rows.
    pub hash: String,
    /// When it was made.
    pub at: Timestamp,
}

impl FromRow for Seal {
    fn from_row(row: &Row) -> Result<Self> {
        Ok(Seal {
            n: row.get("n")?,
            last: Position::from_row(row)?,
            rows: row.get("rows_sealed")?,
            hash: row.get("hash")?,
            at: row.get("at")?,
        })
    }
}

/// How many rows one seal is about at most.
const MOST: i64 = 2_000;

/// The newest seal; none before the first.
pub async fn head(conn: &mut Conn) -> Result<Option<Seal>> {
    sql("SELECT n, tx, seq, rows_sealed, hash, at FROM audit_seals ORDER BY n DESC LIMIT 1").optional(conn).await
}

/// Whether there is something to seal.
pub async fn is_due(conn: &mut Conn, now: Timestamp) -> Result<bool> {
    let last = head(conn).await?.map_or(Position::default(), |head| head.last);
    let horizon = conn.log_horizon().await?;
    Ok(failed::is_due(conn, now).await? || !rows(conn, last, Bound::Below(horizon), 1).await?.is_empty())
}

/// Writes what has been counted, and seals the rows that nothing can come before any more. Gives the new head; none when
/// there is nothing to seal.
pub async fn seal(tx: &mut Tx, now: Timestamp) -> Result<Option<Seal>> {
    // One at a time, whichever node: this row is there for being locked.
    tx.lock_row("SELECT n FROM audit_lock").optional::<i64>(tx).await?;
    let before = head(tx).await?;
    failed::write(tx, now).await?;
    // Asked behind the lock: below it nothing appears any more.
    let horizon = tx.log_horizon().await?;
    let last = before.as_ref().map_or(Position::default(), |seal| seal.last);
    let found = rows(tx, last, Bound::Below(horizon), MOST).await?;
    let Some(newest) = found.last() else { return Ok(None) };
    let seal = Seal {
        n: before.as_ref().map_or(1, |seal| seal.n + 1),
        last: newest.position,
        rows: i64::try_from(found.len()).unwrap_or(i64::MAX),
        hash: digest(before.as_ref().map_or("", |seal| &seal.hash), &found),
        at: now,
    };
    sql("INSERT INTO audit_seals (n, tx, seq, rows_sealed, hash, at) VALUES ($1, $2, $3, $4, $5, $6)")
        .bind(seal.n)
        .bind(seal.last.tx)
        .bind(seal.last.seq)
        .bind(seal.rows)
        .bind(seal.hash.as_str())
        .bind(seal.at)
        .run(tx)
        .await?;
    Ok(Some(seal))
}

enum Bound {
    /// Transactions below this.
    Below(i64),
    /// Up to this row.
    UpTo(Position),
}

/// The next rows behind a place.
async fn rows(conn: &mut Conn, behind: Position, bound: Bound, limit: i64) -> Result<Vec<Audited>> {
    let end = match bound {
        Bound::Below(_) => "+tx < $4 AND 0 <= $5".to_owned(),
        Bound::UpTo(_) => conn.up_to(4),
    };
    let (tx, seq) = match bound {
        Bound::Below(horizon) => (horizon, 0),
        Bound::UpTo(position) => (position.tx, position.seq),
    };
    let after = conn.behind(1);
    sql(format!("SELECT {COLUMNS} FROM audit WHERE {after} AND {end} ORDER BY tx, seq LIMIT $3"))
        .bind(behind.tx)
        .bind(behind.seq)
        .bind(limit)
        .bind(tx)
        .bind(seq)
        .all(conn)
        .await
}

/// The digest of a seal: of the one before, and of each row as a line of JSON. Not of positions: a restored database numbers
/// its rows anew, and their order is in the chain anyway.
fn digest(before: &str, rows: &[Audited]) -> String {
    let mut digest = Sha256::new();
    digest.update(before.as_bytes());
    for row in rows {
        let line = json!([
            row.at.as_microsecond(),
            row.action,
            row.result,
            row.actor,
            row.door,
            row.address,
            row.request_id,
            row.op,
            row.kind,
            row.record,
            row.count,
            row.detail,
        ]);
        digest.update(b"\n");
        digest.update(line.to_string().as_bytes());
    }
    digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The number of the first seal that does not fit its rows or the seal before it; none when the chain holds.
pub async fn verify(conn: &mut Conn) -> Result<Option<i64>> {
    let mut before = Seal { n: 0, last: Position::default(), rows: 0, hash: String::new(), at: Timestamp::UNIX_EPOCH };
    loop {
        let seals: Vec<Seal> =
            sql("SELECT n, tx, seq, rows_sealed, hash, at FROM audit_seals WHERE n > $1 ORDER BY n LIMIT 500")
                .bind(before.n)
                .all(conn)
                .await?;
        if seals.is_empty() {
            return Ok(None);
        }
        for seal in seals {
            // One more than there may be shows a row that was put in.
            let found = rows(conn, before.last, Bound::UpTo(seal.last), MOST + 1).await?;
            let fits = seal.n == before.n + 1
                && i64::try_from(found.len()) == Ok(seal.rows)
                && digest(&before.hash, &found) == seal.hash;
            if !fits {
                return Ok(Some(before.n + 1));
            }
            before = seal;
        }
    }
}
