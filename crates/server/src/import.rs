//! `kalends import`: a file into a calendar, without a running server or beside one. The same work as `POST /imports`, done
//! here and now.

use std::io::{IsTerminal, Read, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use kalends_core::accounts;
use kalends_core::calendars;
use kalends_core::ctx::{Actor, Credential, Ctx, Door, SignedIn};
use kalends_core::imports::{self, ImportError, NewImport, Profile};
use kalends_core::job_runner;
use kalends_core::jobs::{self, Job, Lease, State};
use kalends_db::Db;
use kalends_kernel::{CalendarId, Clock};
use serde_json::Value;

use crate::config::Config;
use crate::start;

/// What to import, where to, and in whose name.
#[derive(Debug, clap::Args)]
pub struct Import {
    /// The file; - reads standard input
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// The calendar: its id or its name [default: the user's own]
    #[arg(long, value_name = "ID|NAME")]
    pub calendar: Option<String>,
    /// In whose name: a user name or an e-mail address
    #[arg(long, value_name = "USER")]
    pub user: String,
    /// How the file is read: ics
    #[arg(long, default_value = "ics", value_parser = profile)]
    pub profile: Profile,
    /// Only say what would be done
    #[arg(long)]
    pub dry_run: bool,
}

fn profile(text: &str) -> Result<Profile, String> {
    let known = || Profile::NAMES.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ");
    let found = Profile::NAMES.iter().find(|(name, _)| *name == text).map(|(_, profile)| *profile);
    found.ok_or_else(|| format!("there is {}", known()))
}

/// What came of it.
pub struct Imported {
    /// For people, line by line.
    pub report: String,
    /// Whether everything could be taken.
    pub whole: bool,
}

/// Imports, and gives the report.
pub async fn run(config: &Config, clock: &Clock, wish: &Import) -> Result<Imported> {
    let content = read(&wish.file, config.imports.largest_file)?;
    let db = start::open(config, clock).await?;
    let imported = import(&db, clock, config.conflicts.horizon_years.into(), wish, content).await;
    db.close().await;
    imported
}

async fn import(db: &Db, clock: &Clock, horizon_years: i64, wish: &Import, content: Vec<u8>) -> Result<Imported> {
    let ctx = ctx_of(db, clock, &wish.user).await?;
    let calendar = match &wish.calendar {
        Some(name) => Some(find_calendar(db, &ctx, name).await?),
        None => None,
    };
    let name = wish.file.file_name().map_or_else(|| "-".to_owned(), |name| name.to_string_lossy().into_owned());
    let new =
        NewImport { profile: wish.profile, calendar, dry_run: wish.dry_run, name, media_type: String::new(), content };
    // Enqueued and taken in one transaction: a server beside this does not begin it too, but goes on with it should this
    // program end.
    let begun: Result<(Job, Lease), ImportError> = db
        .write((ctx.clone(), new), |tx, (ctx, new)| {
            Box::pin(async move {
                let job = imports::start(tx, ctx, new).await?;
                Ok(jobs::take(tx, ctx, job).await?)
            })
        })
        .await;
    let (job, lease) = begun.map_err(said)?;
    let id = job.id;
    let working = job_runner::work(db, clock, horizon_years, job, lease);
    with_progress(db, &ctx, id, working).await?;
    let job = jobs::load(&mut *db.reader().await?, &ctx, id).await.map_err(|error| anyhow!("{error:?}"))?;
    report(&job)
}

fn read(file: &Path, most: usize) -> Result<Vec<u8>> {
    let mut content = Vec::new();
    let limit = u64::try_from(most).unwrap_or(u64::MAX).saturating_add(1);
    let read = if file == Path::new("-") {
        std::io::stdin().lock().take(limit).read_to_end(&mut content)
    } else {
        std::fs::File::open(file).and_then(|open| open.take(limit).read_to_end(&mut content))
    };
    read.with_context(|| format!("reading {}", file.display()))?;
    if content.len() > most {
        bail!("{} is larger than {} MiB (imports.largest_file_mib)", file.display(), most >> 20);
    }
    Ok(content)
}

async fn ctx_of(db: &Db, clock: &Clock, login: &str) -> Result<Ctx> {
    let mut conn = db.reader().await?;
    let card = accounts::find_by_login(&mut conn, login).await?;
    let card = card.ok_or_else(|| anyhow!("--user {login:?}: there is no such account, or it may not sign in"))?;
    let user = accounts::find(&mut conn, card.id).await?.ok_or_else(|| anyhow!("--user {login:?} is gone"))?;
    let ctx = Ctx::system(clock.now(), Door::Cli);
    let by = Credential::Session(ctx.ids.next());
    Ok(Ctx { actor: Actor::User(SignedIn { id: user.id, role: user.role, by }), ..ctx })
}

async fn find_calendar(db: &Db, ctx: &Ctx, name: &str) -> Result<CalendarId> {
    if let Ok(id) = name.parse::<CalendarId>() {
        return Ok(id);
    }
    let found = calendars::named(&mut *db.reader().await?, ctx, name).await?;
    match found.as_slice() {
        [one] => Ok(*one),
        [] => bail!("--calendar {name:?}: the user may put events into no calendar of this name"),
        several => bail!(
            "--calendar {name:?}: there are several; name one of {}",
            several.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
        ),
    }
}

fn said(error: ImportError) -> anyhow::Error {
    match error {
        ImportError::Internal(error) => error.into(),
        ImportError::Invalid(invalid) => anyhow!("{invalid}"),
        ImportError::Denied(_) => anyhow!("the user may not put events into this calendar"),
    }
}

/// Shows on a terminal how far a job is while it is worked on.
async fn with_progress(
    db: &Db,
    ctx: &Ctx,
    id: kalends_kernel::JobId,
    working: impl Future<Output = kalends_db::Result<()>>,
) -> Result<()> {
    let mut working = std::pin::pin!(working);
    if !std::io::stderr().is_terminal() {
        return Ok(working.await?);
    }
    let mut ticks = tokio::time::interval(Duration::from_millis(200));
    loop {
        tokio::select! {
            done = &mut working => {
                write!(std::io::stderr(), "\r\x1b[K").ok();
                return Ok(done?);
            }
            _ = ticks.tick() => {
                if let Ok(job) = jobs::load(&mut *db.reader().await?, ctx, id).await {
                    show(&job);
                }
            }
        }
    }
}

const BAR: i64 = 30;

fn show(job: &Job) {
    let (done, total) = (job.progress.done, job.progress.total.unwrap_or_default());
    let line = if total == 0 {
        "reading".to_owned()
    } else {
        let full = usize::try_from(done * BAR / total).unwrap_or_default();
        let rest = usize::try_from(BAR).unwrap_or_default().saturating_sub(full);
        format!("[{}{}] {done}/{total}", "#".repeat(full), " ".repeat(rest))
    };
    let mut terminal = std::io::stderr();
    write!(terminal, "\r\x1b[K{line}").and_then(|()| terminal.flush()).ok();
}

/// The report: what could not be taken or was taken otherwise than it stands, then the numbers.
fn report(job: &Job) -> Result<Imported> {
    let result = job.result.clone().unwrap_or_default();
    if job.state != State::Done {
        let why = result.pointer("/problem/detail").and_then(Value::as_str);
        let last = job.log.last().map(|line| line.message.as_str());
        bail!("the import is {}: {}", job.state.name(), why.or(last).unwrap_or("see the log"));
    }
    let mut report = String::new();
    for row in result.get("rows").and_then(Value::as_array).into_iter().flatten() {
        let text = |name: &str| row.get(name).and_then(Value::as_str).unwrap_or_default();
        let line = row.get("line").and_then(Value::as_u64).unwrap_or_default();
        if let Some(problem) = row.get("problem") {
            let part = |name: &str| problem.get(name).and_then(Value::as_str).unwrap_or_default();
            report.push_str(&format!("line {line}: {} {}: {}\n", text("action"), part("code"), part("detail")));
        }
        for warning in row.get("warnings").and_then(Value::as_array).into_iter().flatten() {
            let warning = warning.as_str().unwrap_or_default();
            report.push_str(&format!("line {line}: {} {:?}: {warning}\n", text("action"), text("title")));
        }
    }
    if result.get("truncated") == Some(&Value::Bool(true)) {
        report.push_str("(more than is shown)\n");
    }
    let message = job.log.last().map(|line| line.message.as_str()).unwrap_or_default();
    report.push_str(&format!("{message}\njob {}\n", job.id));
    let whole = result.get("refused").and_then(Value::as_i64) == Some(0);
    Ok(Imported { report, whole })
}
