use jiff::{SignedDuration, Timestamp};
use kalends_db::{Result, Tx};

use super::store;

/// How long ended sessions and dead tokens stay, so that deleting them twice is no news and a stolen token is recognised.
const KEPT: SignedDuration = SignedDuration::from_hours(30 * 24);
/// How long a retried request gets the stored answer (rule 8).
const ANSWERS_KEPT: SignedDuration = SignedDuration::from_hours(24);

/// Lets go of what nobody can use any more: expired tokens and sessions, stored answers of yesterday. Says how many rows.
pub async fn housekeeping(tx: &mut Tx, now: Timestamp) -> Result<u64> {
    let ago = |by: SignedDuration| now.checked_sub(by).unwrap_or(Timestamp::MIN);
    let mut gone = store::delete_old_sessions(tx, ago(KEPT), now).await?;
    gone += store::delete_old_tokens(tx, ago(KEPT)).await?;
    gone += store::delete_old_idempotency_keys(tx, ago(ANSWERS_KEPT)).await?;
    Ok(gone)
}
