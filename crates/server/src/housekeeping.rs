//! What has to be done now and then: forgetting what has expired.

use std::time::Duration;

use kalends_core::{accounts, sync};
use kalends_rest::App;
use metrics_exporter_prometheus::PrometheusHandle;
use tokio::time::MissedTickBehavior;

/// How often expired rows are deleted.
const EVERY: Duration = Duration::from_secs(3_600);
/// How often the recorder folds what it has collected; without it histograms grow.
const UPKEEP: Duration = Duration::from_secs(5);

/// Goes on until it is dropped. Losing a turn harms nothing: the next one does its work.
pub async fn run(app: App, metrics: PrometheusHandle, keep_changes: u32) {
    let mut hourly = tokio::time::interval(EVERY);
    hourly.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut often = tokio::time::interval(UPKEEP);
    often.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = hourly.tick() => {
                tidy(&app).await;
                prune(&app, keep_changes).await;
            }
            _ = often.tick() => metrics.run_upkeep(),
        }
    }
}

async fn tidy(app: &App) {
    app.limits.tidy();
    let tidied: Result<u64, kalends_db::Error> =
        app.db.write(app.clock.now(), |tx, now| Box::pin(accounts::housekeeping(tx, *now))).await;
    match tidied {
        Ok(rows) => tracing::debug!(rows, "what had expired is gone"),
        Err(error) => tracing::warn!(%error, "housekeeping failed; it is tried again in an hour"),
    }
}

/// Lets go of what is too old in the change log, a few thousand rows at a time.
async fn prune(app: &App, keep_days: u32) {
    loop {
        let args = (app.clock.now(), keep_days);
        let gone: Result<u64, kalends_db::Error> =
            app.db.write(args, |tx, (now, days)| Box::pin(sync::prune(tx, *now, *days))).await;
        match gone {
            Ok(0) => return,
            Ok(rows) => tracing::debug!(rows, "old changes are gone"),
            Err(error) => return tracing::warn!(%error, "pruning the change log failed; it is tried again in an hour"),
        }
    }
}
