//! Log lines on standard error: standard output belongs to what a command answers.

use std::fmt::Debug;

use tracing::field::Field;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::field::MakeExt;
use tracing_subscriber::fmt::FormatFields;
use tracing_subscriber::fmt::format::{Writer, debug_fn};

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
        Format::Text => {
            lines.fmt_fields(fields()).with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr())).try_init()
        }
    };
    if started.is_ok() {
        std::panic::set_hook(Box::new(|panic| tracing::error!(%panic, "a panic: this is a fault of ours")));
    }
}

/// The fields of a line of text, `name=value`, without colours: a line is written for each request, and to paint each name
/// costs as much as the rest of the line.
pub fn fields() -> impl for<'w> FormatFields<'w> + 'static {
    debug_fn(|writer: &mut Writer<'_>, field: &Field, value: &dyn Debug| match field.name() {
        "message" => write!(writer, "{value:?}"),
        name => write!(writer, "{name}={value:?}"),
    })
    .delimited(" ")
}
