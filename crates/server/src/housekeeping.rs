//! What has to be done now and then: forgetting what has expired.

use std::time::Duration;

use kalends_core::accounts;
use kalends_core::ctx::{Ctx, Door};
use kalends_rest::App;
use metrics_exporter_prometheus::PrometheusHandle;
use tokio::time::MissedTickBehavior;

/// How often expired rows are deleted.
const EVERY: Duration = Duration::from_secs(3_600);
/// How often the recorder folds what it has collected; without it histograms grow.
const UPKEEP: Duration = Duration::from_secs(5);

/// Goes on until it is dropped. Losing a turn harms nothing: the next one does its work.
pub async fn run(app: App, metrics: PrometheusHandle) {
    let mut hourly = tokio::time::interval(EVERY);
    hourly.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut often = tokio::time::interval(UPKEEP);
    often.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = hourly.tick() => tidy(&app).await,
            _ = often.tick() => metrics.run_upkeep(),
        }
    }
}

async fn tidy(app: &App) {
    app.limits.tidy();
    let ctx = Ctx::system(app.clock.now(), Door::Cli);
    let tidied: Result<_, kalends_db::Error> =
        app.db.write(ctx, |tx, ctx| Box::pin(accounts::housekeeping(tx, ctx))).await;
    if let Err(error) = tidied {
        tracing::warn!(%error, "housekeeping failed; it is tried again in an hour");
    }
}
