//! `kalends-bench`: the whole server against what it stands on, in one run. Prints Markdown for `docs/performance.md`.
//!
//! Only ratios of one run mean something: machines differ, and other work on them does. So nothing here fails on time.
//! `kalends-bench [recurrence] [get] [hot] [feeds] [history] [changes] [conflicts]
//! [writes] [import] [month] [search] [process]`; without a name everything. `KALENDS_TEST_POSTGRES` names a
//! PostgreSQL server to measure on as well, `KALENDS_BENCH_ENGINE` (`sqlite`, `postgresql`) is the only one then, `KALENDS_BIN` the release program for `process`.

#![expect(
    clippy::disallowed_methods,
    reason = "the rules are for the product: a benchmark reads its environment and waits"
)]

mod bulk;
mod changes;
mod conflicts;
mod feeds;
mod get;
mod history;
mod import;
mod load;
mod month;
mod place;
mod process;
mod public_event;
mod recurrence;
mod report;
mod search;
mod seed;
mod writes;

use anyhow::{Context, Result, bail};
use kalends_server::logging::{Lines, PlainFields, PlainLine};
use place::Engine;

const SECTIONS: &[&str] = &[
    "recurrence",
    "get",
    "hot",
    "feeds",
    "history",
    "changes",
    "conflicts",
    "writes",
    "import",
    "month",
    "search",
    "process",
];

fn main() -> Result<()> {
    let wanted: Vec<String> = std::env::args().skip(1).collect();
    if let Some(unknown) = wanted.iter().find(|name| !SECTIONS.contains(&name.as_str())) {
        bail!("unknown section {unknown}; there are {}", SECTIONS.join(", "));
    }
    let runs = |name: &str| wanted.is_empty() || wanted.iter().any(|one| one == name);
    log_as_the_program_does()?;
    // As the program's own: a worker for each core.
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().context("starting the runtime")?;
    if runs("recurrence") {
        recurrence::run()?;
    }
    runtime.block_on(async {
        for engine in engines() {
            if runs("get") {
                get::run(engine).await?;
            }
            if runs("hot") {
                public_event::run(engine).await?;
            }
            if runs("feeds") {
                feeds::run(engine).await?;
            }
            if runs("history") {
                history::run(engine).await?;
            }
            if runs("changes") {
                changes::run(engine).await?;
            }
            if runs("conflicts") {
                conflicts::run(engine).await?;
            }
            if runs("writes") {
                writes::run(engine).await?;
            }
            if runs("import") {
                import::run(engine).await?;
            }
            if runs("month") {
                month::run(engine).await?;
            }
            if runs("search") {
                search::run(engine).await?;
            }
        }
        if runs("process") {
            process::run().await?;
        }
        Ok(())
    })
}

fn engines() -> Vec<Engine> {
    let mut engines = vec![Engine::Sqlite];
    match place::postgres_server() {
        Some(_) => engines.push(Engine::Postgres),
        None => eprintln!("KALENDS_TEST_POSTGRES names no server: measuring on SQLite alone"),
    }
    let only = std::env::var("KALENDS_BENCH_ENGINE").unwrap_or_default().to_lowercase();
    engines.retain(|engine| only.is_empty() || place::name(*engine).to_lowercase() == only);
    engines
}

/// Log lines are part of serving: they are made and written as by default, though nobody reads them.
fn log_as_the_program_does() -> Result<()> {
    let sink = std::fs::OpenOptions::new().write(true).open("/dev/null").context("opening the sink of the log")?;
    let lines = tracing_subscriber::fmt().fmt_fields(PlainFields).with_writer(Lines::to(sink));
    lines.with_ansi(false).with_env_filter("info").map_event_format(PlainLine).init();
    Ok(())
}
