//! Putting a server together and letting it listen. The program and the tests go the same way.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use kalends_core::accounts::{Cost, Passwords, Policy};
use kalends_core::{events, search, settings};
use kalends_db::{Db, Engine};
use kalends_kernel::{Clock, EventId, Ids, tzdb_version};
use kalends_rest::app::Parts;
use kalends_rest::limits::Limits;
use kalends_rest::{App, HotEvents, HotFeeds, Rendered, Settings, TokenCache};
use kalends_web::Web;
use metrics_exporter_prometheus::PrometheusHandle;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use uuid::Uuid;

use crate::config::Config;
use crate::housekeeping::{self, Kept};
use crate::serve::serve;
use crate::telemetry::Telemetry;
use crate::{metrics, secret_key, worker};

/// How long requests that run may go on once the server stops.
const GRACE: Duration = Duration::from_secs(10);

/// How long a client may take to send the head of a request, its first or its next on a connection.
const HEAD: Duration = Duration::from_secs(30);

/// A server that listens.
pub struct Running {
    /// Where.
    pub addr: SocketAddr,
    /// What its handlers have.
    pub app: App,
    /// Its database.
    pub db: Db,
    stopping: watch::Sender<bool>,
    serving: JoinHandle<()>,
    workers: Vec<JoinHandle<()>>,
    housekeeping: JoinHandle<()>,
    telemetry: Telemetry,
}

/// Starts a server: opens and migrates the database, then listens.
pub async fn start(config: Config, clock: Clock) -> Result<Running> {
    start_with(config, clock, Cost::default()).await
}

/// The same with another cost of password hashes: tests sign in often.
pub async fn start_with(config: Config, clock: Clock, cost: Cost) -> Result<Running> {
    Ok(prepare(config, clock, cost).await?.serve())
}

/// A server that has its database and its address, but answers nobody yet: who connects waits.
pub(crate) struct Prepared {
    pub(crate) addr: SocketAddr,
    pub(crate) app: App,
    listener: TcpListener,
    metrics: PrometheusHandle,
    kept: Kept,
    telemetry: Telemetry,
}

/// Everything that can fail at a start.
pub(crate) async fn prepare(config: Config, clock: Clock, cost: Cost) -> Result<Prepared> {
    let telemetry = Telemetry::start(&config.telemetry)?;
    let db = open(&config, &clock).await?;
    let listener = TcpListener::bind(config.http.listen)
        .await
        .with_context(|| format!("cannot listen on {} (http.listen, --listen)", config.http.listen))?;
    let addr = listener.local_addr()?;
    let metrics = metrics::handle()?;
    let rendered = metrics.clone();
    let app = App::new(Parts {
        db,
        clock: clock.clone(),
        passwords: Passwords::new(cost)?,
        tokens: TokenCache::default(),
        hot_events: HotEvents::new(|reply| reply.body.len()),
        hot_feeds: HotFeeds::new(|tag| tag.etag.len()),
        rendered: Rendered::default(),
        limits: Limits::new(clock, config.rate_limit.per_minute),
        settings: settings_of(&config, addr),
        wake: Arc::default(),
        metrics: Box::new(move || rendered.render()),
    });
    let kept = Kept { changes: config.changes.retention_days, jobs: config.jobs.retention_days };
    Ok(Prepared { addr, app, listener, metrics, kept, telemetry })
}

impl Prepared {
    /// Answers from now on.
    pub(crate) fn serve(self) -> Running {
        let Prepared { addr, app, listener, metrics, kept, telemetry } = self;
        let (stopping, stopped) = watch::channel(false);
        let pages = kalends_web::router(Web {
            db: app.db.clone(),
            clock: app.clock.clone(),
            public_url: app.settings.public_url.clone(),
        });
        let router = telemetry.around(kalends_rest::router(app.clone(), pages));
        let serving = tokio::spawn(serve(listener, router, HEAD, signalled(stopped.clone())));
        let years = app.settings.horizon_years;
        let work = || worker::run(app.db.clone(), app.clock.clone(), years, app.wake.clone(), stopped.clone());
        let workers = (0..worker::WORKERS).map(|_| tokio::spawn(work())).collect();
        let housekeeping = tokio::spawn(housekeeping::run(app.clone(), metrics, kept));
        Running { addr, db: app.db.clone(), app, stopping, serving, workers, housekeeping, telemetry }
    }
}

/// Opens the database of a configuration, brings it up to date and makes what a fresh one needs.
pub(crate) async fn open(config: &Config, clock: &Clock) -> Result<Db> {
    let now = clock.now();
    make_data_dir(config)?;
    // Loaded now, so that a missing or damaged key stops the start and not, some day, the first use.
    let _key = secret_key::load(config.secret_key.as_ref(), &config.data_dir, Ids::at(now))?;
    let db = Db::open(&config.database.options).await?;
    let migrated = db.migrate().await.context("bringing the database up to date")?;
    for name in migrated.applied {
        tracing::info!(migration = name, "applied");
    }
    let epoch = Ids::at(now).uuid().to_string();
    let set: Result<String, kalends_db::Error> =
        db.write(epoch, |tx, epoch| Box::pin(settings::set_once(tx, settings::EPOCH, epoch))).await;
    set?;
    follow_time_zone_database(&db)
        .await
        .context("deriving the events' times with this program's time-zone database")?;
    follow_normaliser(&db).await.context("making the index of words")?;
    Ok(db)
}

/// Makes the index of words anew when it was last made with another normaliser than this program's, or never.
async fn follow_normaliser(db: &Db) -> Result<(), kalends_db::Error> {
    let known = settings::get(&mut *db.reader().await?, settings::SEARCH).await?;
    if known.as_deref() == Some(search::VERSION) {
        return Ok(());
    }
    db.write((), |tx, ()| Box::pin(search::clear(tx))).await?;
    let mut after = Some(EventId::new(Uuid::nil()));
    while let Some(last) = after {
        after = db.write(last, |tx, last| Box::pin(events::index_next(tx, *last))).await?;
    }
    db.write((), |tx, ()| Box::pin(settings::set(tx, settings::SEARCH, search::VERSION))).await?;
    tracing::info!(version = search::VERSION, "every event can be found by its words");
    Ok(())
}

/// Derives the times of all events anew when that was last done with another time-zone database than this program's.
async fn follow_time_zone_database(db: &Db) -> Result<(), kalends_db::Error> {
    let known = settings::get(&mut *db.reader().await?, settings::TZDB).await?;
    // What is derived also changes when the program derives more: then the number behind the version does.
    let version = format!("{} {}", tzdb_version(), events::DERIVATION);
    if known.as_deref() == Some(version.as_str()) {
        return Ok(());
    }
    let mut after = Some(EventId::new(Uuid::nil()));
    while let Some(last) = after {
        after = db.write(last, |tx, last| Box::pin(events::derive_next(tx, *last))).await?;
    }
    db.write(version.clone(), |tx, version| Box::pin(settings::set(tx, settings::TZDB, version))).await?;
    tracing::info!(version, "all times are derived with this time-zone database");
    Ok(())
}

/// The data folder is for its owner alone: with SQLite everything is in it.
pub(crate) fn make_data_dir(config: &Config) -> Result<()> {
    let needed = config.database.engine() == Engine::Sqlite || config.secret_key.is_none();
    if !needed || config.data_dir.is_dir() {
        return Ok(());
    }
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(&config.data_dir).with_context(|| format!("making the data folder {}", config.data_dir.display()))
}

fn settings_of(config: &Config, addr: SocketAddr) -> Settings {
    Settings {
        public_url: config.http.public_url.clone().unwrap_or_else(|| reachable(addr)),
        trusted_proxies: config.http.trusted_proxies.clone(),
        cors_origins: config.http.cors_origins.clone(),
        rate_limits: config.rate_limit.enabled,
        largest_upload: config.imports.largest_file,
        log_days: config.changes.retention_days,
        horizon_years: config.conflicts.horizon_years.into(),
        accounts: Policy {
            self_registration: config.accounts.self_registration,
            role_choice: config.accounts.role_choice,
            first_user_is_admin: config.accounts.first_user_is_admin,
            ..Policy::default()
        },
    }
}

/// An address that a browser on this machine can open.
fn reachable(addr: SocketAddr) -> String {
    if addr.ip().is_unspecified() { format!("http://localhost:{}", addr.port()) } else { format!("http://{addr}") }
}

async fn signalled(mut stopped: watch::Receiver<bool>) {
    // An error means that the sender is gone: then nobody could ever stop it otherwise.
    stopped.wait_for(|stopping| *stopping).await.ok();
}

impl Running {
    /// Ends once the server does not serve any more though nobody stopped it.
    pub async fn ended(&mut self) {
        (&mut self.serving).await.ok();
    }

    /// Stops: no new connections, then running requests end (for a while), then the database closes.
    pub async fn stop(mut self) {
        self.stopping.send_replace(true);
        if !self.serving.is_finished() && tokio::time::timeout(GRACE, &mut self.serving).await.is_err() {
            tracing::warn!(seconds = GRACE.as_secs(), "requests were still running; they are cut off");
            self.serving.abort();
        }
        for worker in &mut self.workers {
            if tokio::time::timeout(GRACE, &mut *worker).await.is_err() {
                tracing::warn!("a job does not stop; it is cut off, and goes on when its lease ends");
                worker.abort();
            }
        }
        self.housekeeping.abort();
        self.telemetry.stop().await;
        self.db.close().await;
    }
}
