//! Log lines on standard error: standard output belongs to what a command answers.

use std::fmt::{self, Debug, Write};

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
/// costs as much as the rest of the line. Whatever comes from outside stays within its line.
pub fn fields() -> impl for<'w> FormatFields<'w> + 'static {
    debug_fn(|writer: &mut Writer<'_>, field: &Field, value: &dyn Debug| {
        let mut line = OneLine(writer);
        match field.name() {
            "message" => write!(line, "{value:?}"),
            name => write!(line, "{name}={value:?}"),
        }
    })
    .delimited(" ")
}

/// Writes control characters as `\n` or `\u{1b}`: a line of the log is one line, and moves no terminal's cursor.
struct OneLine<'a, 'w>(&'a mut Writer<'w>);

impl Write for OneLine<'_, '_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        if !text.contains(char::is_control) {
            return self.0.write_str(text);
        }
        text.chars().try_for_each(|c| match c {
            c if c.is_control() => write!(self.0, "{}", c.escape_default()),
            c => self.0.write_char(c),
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl std::io::Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().expect("nobody panicked").write(bytes)
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn what_comes_from_outside_stays_within_its_line() {
        let lines = Lines::default();
        let sink = lines.clone();
        let log = tracing_subscriber::fmt().fmt_fields(fields()).with_ansi(false).with_writer(move || sink.clone());
        tracing::subscriber::with_default(log.finish(), || {
            tracing::info!(text = "a\nb", shown = %"c\nINFO forged\u{1b}[2J", status = 200, "Grüße\r\nan alle");
        });
        let written = String::from_utf8(lines.0.lock().expect("nobody panicked").clone()).expect("text");
        let wanted = r#"Grüße\r\nan alle text="a\nb" shown=c\nINFO forged\u{1b}[2J status=200"#;
        assert!(written.ends_with(&format!("{wanted}\n")), "{written}");
        assert_eq!(written.matches('\n').count(), 1, "{written}");
    }
}
