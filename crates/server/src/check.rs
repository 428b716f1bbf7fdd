//! `kalends check`: does the database keep its promises?

use anyhow::{Result, bail};
use kalends_core::check::{self, Difference};
use kalends_core::settings;
use kalends_db::Options;
use kalends_kernel::Clock;

use crate::config::Config;
use crate::start;

/// What is not as it should be, a line each; empty when all is well.
pub async fn run(config: &Config, clock: &Clock) -> Result<Vec<String>> {
    if let Options::Sqlite { path, .. } = &config.database.options
        && !path.exists()
    {
        bail!("there is no database at {}", path.display());
    }
    let db = start::open(config, clock).await?;
    let mut conn = db.reader().await?;
    let shown = |difference: &Difference| format!("{}: broken at {}", difference.what, difference.id);
    let mut differences: Vec<String> = check::run(&mut conn).await?.iter().map(shown).collect();
    if settings::get(&mut conn, settings::EPOCH).await?.is_none() {
        differences.push("the change log has an epoch: broken".to_owned());
    }
    drop(conn);
    db.close().await;
    Ok(differences)
}
