//! Log lines on standard error: standard output belongs to what a command answers.

use tracing_subscriber::EnvFilter;

use crate::config::{Format, Log};

/// Starts logging, and lets panics speak through the log too.
pub fn start(log: &Log) {
    // The configuration has checked the filter.
    // The driver repeats every notice of PostgreSQL at info; who wants them says so.
    let level = if log.level.contains("sqlx") { log.level.clone() } else { format!("sqlx=warn,{}", log.level) };
    let filter = EnvFilter::try_new(level).unwrap_or_else(|_| EnvFilter::new("info"));
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let started = match log.format {
        Format::Json => lines.json().flatten_event(true).try_init(),
        Format::Text => lines.with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr())).try_init(),
    };
    if started.is_ok() {
        std::panic::set_hook(Box::new(|panic| tracing::error!(%panic, "a panic: this is a fault of ours")));
    }
}
