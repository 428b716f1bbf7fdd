//! How long the log is kept. What is older is let go, and with it the tokens from before.

use jiff::{SignedDuration, Timestamp};
use kalends_db::{Conn, Result, Tx, sql};

use crate::changes::{self, Position};
use crate::settings;

/// The setting that says up to where the log was let go: `tx.seq`, then since when everything is there, in microseconds.
pub const PRUNED: &str = "changes_pruned";
/// How many rows one transaction lets go.
const BATCH: i64 = 5_000;

/// Lets go of the oldest rows that are older than so many days: at most a few thousand, so that nobody waits long. Says how many;
/// none at the end.
pub async fn prune(tx: &mut Tx, now: Timestamp, days: u32) -> Result<u64> {
    let until = now.checked_sub(SignedDuration::from_hours(24 * i64::from(days))).unwrap_or(Timestamp::MIN);
    let horizon = tx.log_horizon().await?;
    let oldest = changes::below(tx, Position::default(), horizon, None, BATCH).await?;
    // Up to the first that is young enough, so that the log stays whole from there on.
    let Some(last) = oldest.iter().take_while(|row| row.at < until).last() else { return Ok(0) };
    let Position { tx: of_tx, seq } = last.position;
    let gone = sql(format!("DELETE FROM changes WHERE {}", tx.up_to(1))).bind(of_tx).bind(seq).run(tx).await?;
    settings::set(tx, PRUNED, &format!("{of_tx}.{seq} {}", until.as_microsecond())).await?;
    Ok(gone)
}

/// Up to where the log was let go; the very beginning, if it never was.
pub(super) async fn pruned(conn: &mut Conn) -> Result<Position> {
    let said = settings::get(conn, PRUNED).await?;
    let position = said.as_deref().and_then(|said| said.split(' ').next()).and_then(|said| said.split_once('.'));
    Ok(position.map_or(Position::default(), |(tx, seq)| Position {
        tx: tx.parse().unwrap_or(0),
        seq: seq.parse().unwrap_or(0),
    }))
}

/// From when on everything is in the log; none if it was never let go.
pub(crate) async fn complete_since(conn: &mut Conn) -> Result<Option<Timestamp>> {
    let said = settings::get(conn, PRUNED).await?;
    let micros = said.as_deref().and_then(|said| said.split_once(' ')).and_then(|(_, micros)| micros.parse().ok());
    Ok(micros.and_then(|micros| Timestamp::from_microsecond(micros).ok()))
}
