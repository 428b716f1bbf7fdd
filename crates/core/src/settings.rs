//! Facts about the database itself that every node shares: the change log's epoch, the time-zone database that derived
//! instants were made with.

use jiff::Timestamp;
use kalends_db::{Conn, FromRow, Result, Row, Sql, Tx, sql};
use kalends_kernel::Ids;

/// The epoch of the change log (rule 30): another one means that positions of before mean nothing any more.
pub const EPOCH: &str = "epoch";
/// The version of the time-zone database with which the events' instants were derived (rule 32), and a number that grows
/// when the program derives more.
pub const TZDB: &str = "tzdb";

/// The version of the normaliser with which the index of words was made (rule 28).
pub const SEARCH: &str = "search";

/// How far conflicts are known, and where the work of looking further is (rule 27).
pub const ROLLED_ON: &str = "conflicts";

struct Setting(String);

impl FromRow for Setting {
    fn from_row(row: &Row) -> Result<Self> {
        row.get("value").map(Setting)
    }
}

/// The value of a setting.
pub async fn get(conn: &mut Conn, key: &str) -> Result<Option<String>> {
    Ok(sql("SELECT value FROM settings WHERE key = $1")
        .bind(key)
        .optional::<Setting>(conn)
        .await?
        .map(|setting| setting.0))
}

/// Sets it.
pub async fn set(tx: &mut Tx, key: &str, value: &str) -> Result<()> {
    sql("INSERT INTO settings (key, value) VALUES ($1, $2) ON CONFLICT (key) DO UPDATE SET value = excluded.value")
        .bind(key)
        .bind(value)
        .run(tx)
        .await?;
    Ok(())
}

/// Sets it unless it is set; gives the value that holds.
pub async fn set_once(tx: &mut Tx, key: &str, value: &str) -> Result<String> {
    sql("INSERT INTO settings (key, value) VALUES ($1, $2) ON CONFLICT (key) DO NOTHING")
        .bind(key)
        .bind(value)
        .run(tx)
        .await?;
    Ok(get(tx, key).await?.unwrap_or_else(|| value.to_owned()))
}

/// The value of a setting that is there, kept from being changed by others until the commit.
pub async fn lock(tx: &mut Tx, key: &str) -> Result<Option<String>> {
    let found: Option<Setting> =
        tx.lock_row("SELECT value FROM settings WHERE key = $1").bind(key).optional(tx).await?;
    Ok(found.map(|setting| setting.0))
}

/// What makes the facts of a restored database true again: positions in the change log mean nothing any more (rule 30), and
/// the index of words has to be made from the events.
pub fn after_restore(now: Timestamp) -> Vec<Sql> {
    let forget = |key: &'static str| sql("DELETE FROM settings WHERE key = $1").bind(key);
    let epoch = Ids::at(now).uuid().to_string();
    let fresh = sql("INSERT INTO settings (key, value) VALUES ($1, $2)").bind(EPOCH).bind(epoch);
    vec![forget(EPOCH), fresh, forget(SEARCH)]
}
