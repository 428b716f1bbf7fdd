//! Log lines on standard error: standard output belongs to what a command answers.
//!
//! A line is written for each request. So plain text is put together without much machinery, and lines that come quickly one
//! after the other are written together.

use std::cell::RefCell;
use std::fmt::{self, Debug, Write};
use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Metadata, Subscriber};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::field::RecordFields;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields, MakeWriter};
use tracing_subscriber::registry::LookupSpan;

use crate::config::{Format, Log};

/// Starts logging, and lets panics speak through the log too. Whoever ends the program flushes the lines.
pub fn start(log: &Log) -> Lines {
    // The configuration has checked the filter.
    // The driver repeats every notice of PostgreSQL at info; who wants them says so.
    let level = if log.level.contains("tokio_postgres") {
        log.level.clone()
    } else {
        format!("tokio_postgres=warn,{}", log.level)
    };
    let filter = EnvFilter::try_new(level).unwrap_or_else(|_| EnvFilter::new("info"));
    let lines = Lines::to(io::stderr());
    let all = tracing_subscriber::fmt().with_env_filter(filter).with_writer(lines.clone());
    let started = match log.format {
        Format::Json => all.json().flatten_event(true).try_init(),
        Format::Text => {
            let ansi = io::IsTerminal::is_terminal(&io::stderr());
            all.fmt_fields(PlainFields).with_ansi(ansi).map_event_format(PlainLine).try_init()
        }
    };
    if started.is_ok() {
        std::panic::set_hook(Box::new(|panic| tracing::error!(%panic, "a panic: this is a fault of ours")));
    }
    lines
}

/// Where lines go. To write each by itself costs the machine more than the line; so they wait for a moment for others, but a
/// warning or an error is written at once, with all that waits before it.
#[derive(Clone)]
pub struct Lines(Arc<Waiting>);

struct Waiting {
    lines: Mutex<Vec<u8>>,
    some: Condvar,
    to: Mutex<Box<dyn io::Write + Send>>,
}

/// For how long lines wait, and how many bytes at most.
const MOMENT: Duration = Duration::from_millis(20);
const MOST: usize = 64 << 10;

impl Lines {
    /// To be written there, by a thread of their own.
    pub fn to(to: impl io::Write + Send + 'static) -> Lines {
        let waiting = Waiting { lines: Mutex::default(), some: Condvar::new(), to: Mutex::new(Box::new(to)) };
        let lines = Lines(Arc::new(waiting));
        let own = lines.clone();
        let started = std::thread::Builder::new().name("log".to_owned()).spawn(move || {
            loop {
                drop(own.0.some.wait_while(locked(&own.0.lines), |lines| lines.is_empty()));
                #[expect(clippy::disallowed_methods, reason = "a moment for more lines; nothing else is waited for")]
                std::thread::sleep(MOMENT);
                own.flush();
            }
        });
        if let Err(error) = started {
            lines.add(format!("no thread for the log: {error}\n").as_bytes(), true);
        }
        lines
    }

    /// Writes what waits. Where that cannot be written there is nobody to be told.
    pub fn flush(&self) {
        // First the place, then the lines, so that they come in order.
        let mut to = locked(&self.0.to);
        let lines = std::mem::take(&mut *locked(&self.0.lines));
        to.write_all(&lines).and_then(|()| to.flush()).ok();
    }

    fn add(&self, line: &[u8], at_once: bool) {
        let mut lines = locked(&self.0.lines);
        let first = lines.is_empty();
        lines.extend_from_slice(line);
        let enough = at_once || lines.len() >= MOST;
        drop(lines);
        if enough {
            self.flush();
        } else if first {
            self.0.some.notify_one();
        }
    }
}

fn locked<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// One event's line on its way.
pub struct OfEvent<'l> {
    lines: &'l Lines,
    at_once: bool,
}

impl<'l> MakeWriter<'l> for Lines {
    type Writer = OfEvent<'l>;

    fn make_writer(&'l self) -> OfEvent<'l> {
        OfEvent { lines: self, at_once: true }
    }

    fn make_writer_for(&'l self, event: &Metadata<'_>) -> OfEvent<'l> {
        OfEvent { lines: self, at_once: *event.level() <= Level::WARN }
    }
}

impl io::Write for OfEvent<'_> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.lines.add(line, self.at_once);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A line of text as the usual one is, which is asked where there is more to it: colours, or spans around the event.
#[derive(Debug)]
pub struct PlainLine<F>(pub F);

impl<S, N, F> FormatEvent<S, N> for PlainLine<F>
where
    S: Subscriber + for<'l> LookupSpan<'l>,
    N: for<'w> FormatFields<'w> + 'static,
    F: FormatEvent<S, N>,
{
    fn format_event(&self, ctx: &FmtContext<'_, S, N>, mut writer: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        if writer.has_ansi_escapes() || ctx.lookup_current().is_some() {
            return self.0.format_event(ctx, writer, event);
        }
        write_now(&mut writer)?;
        writer.write_str(match *event.metadata().level() {
            Level::ERROR => " ERROR ",
            Level::WARN => "  WARN ",
            Level::INFO => "  INFO ",
            Level::DEBUG => " DEBUG ",
            Level::TRACE => " TRACE ",
        })?;
        writer.write_str(event.metadata().target())?;
        writer.write_str(": ")?;
        ctx.format_fields(writer.by_ref(), event)?;
        writer.write_str("\n")
    }
}

/// The machine's time in UTC to the microsecond. Its second is put together once.
fn write_now(writer: &mut Writer<'_>) -> fmt::Result {
    thread_local!(static SECOND: RefCell<(i64, String)> = RefCell::default());
    #[expect(
        clippy::disallowed_methods,
        reason = "a line says when it was written, whatever time the program works at"
    )]
    let now = Timestamp::now();
    SECOND.with_borrow_mut(|(second, text)| {
        if *second != now.as_second() || text.is_empty() {
            *second = now.as_second();
            *text = now.strftime("%Y-%m-%dT%H:%M:%S").to_string();
        }
        writer.write_str(text)
    })?;
    writer.write_str(".")?;
    write_number(writer, u64::from(now.subsec_nanosecond().unsigned_abs() / 1_000), 6)?;
    writer.write_str("Z")
}

/// A number with at least so many digits.
fn write_number(writer: &mut Writer<'_>, mut number: u64, least: usize) -> fmt::Result {
    let mut text = [b'0'; 20];
    let mut count = 0;
    for digit in text.iter_mut().rev() {
        if number == 0 && count >= least.max(1) {
            break;
        }
        *digit += u8::try_from(number % 10).unwrap_or(0);
        number /= 10;
        count += 1;
    }
    writer.write_str(text.split_at(text.len() - count).1.utf8_chunks().next().map_or("", |chunk| chunk.valid()))
}

/// The fields of a line of text, `name=value`, without colours. A line is written for each request: plain text goes into it
/// as it is, without the machinery of formatting. Whatever comes from outside stays within its line.
#[derive(Clone, Copy, Debug)]
pub struct PlainFields;

impl<'w> FormatFields<'w> for PlainFields {
    fn format_fields<R: RecordFields>(&self, writer: Writer<'w>, fields: R) -> fmt::Result {
        let mut line = Line { writer, first: true, done: Ok(()) };
        fields.record(&mut line);
        line.done
    }
}

struct Line<'w> {
    writer: Writer<'w>,
    first: bool,
    done: fmt::Result,
}

impl Line<'_> {
    fn field(&mut self, field: &Field, value: impl FnOnce(&mut Writer<'_>) -> fmt::Result) {
        let write = || {
            if !std::mem::take(&mut self.first) {
                self.writer.write_str(" ")?;
            }
            if field.name() != "message" {
                self.writer.write_str(field.name())?;
                self.writer.write_str("=")?;
            }
            value(&mut self.writer)
        };
        self.done = self.done.and_then(|()| write());
    }
}

impl Visit for Line<'_> {
    fn record_str(&mut self, field: &Field, value: &str) {
        // In quotation marks, with what would end them or the line escaped.
        let plain = value.bytes().all(|byte| matches!(byte, b' '..=b'~') && byte != b'"' && byte != b'\\');
        self.field(field, |writer| {
            if !plain {
                return write!(OneLine(writer), "{value:?}");
            }
            writer.write_str("\"")?;
            writer.write_str(value)?;
            writer.write_str("\"")
        });
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.field(field, |writer| write_number(writer, value, 1));
    }

    /// To three digits.
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.field(field, |writer| {
            if !(0.0..1e12).contains(&value) {
                return write!(writer, "{value:?}");
            }
            let thousandths = (value * 1_000.0).round() as u64;
            write_number(writer, thousandths / 1_000, 1)?;
            writer.write_str(".")?;
            write_number(writer, thousandths % 1_000, 3)
        });
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.field(field, |writer| write!(OneLine(writer), "{value:?}"));
    }
}

/// Writes control characters as `\n` or `\u{1b}`: a line of the log is one line, and moves no terminal's cursor.
struct OneLine<'a, 'w>(&'a mut Writer<'w>);

impl Write for OneLine<'_, '_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        // The control characters are below the blank, DEL, and those of two bytes that begin with C2.
        if text.bytes().all(|byte| byte >= b' ' && byte != 0x7f && byte != 0xc2) {
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
    use std::sync::mpsc;

    use super::*;

    /// Gives each piece that is written to whoever listens.
    struct Pieces(mpsc::Sender<String>);

    impl io::Write for Pieces {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            // At the end nobody listens any more.
            self.0.send(String::from_utf8(bytes.to_vec()).expect("text")).ok();
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn logged(events: impl FnOnce()) -> (Lines, mpsc::Receiver<String>) {
        let (sender, pieces) = mpsc::channel();
        let lines = Lines::to(Pieces(sender));
        let log = tracing_subscriber::fmt().fmt_fields(PlainFields).with_ansi(false).with_writer(lines.clone());
        let log = log.map_event_format(PlainLine);
        tracing::subscriber::with_default(log.finish(), events);
        (lines, pieces)
    }

    #[test]
    fn lines_come_by_themselves_and_at_once_with_a_warning() {
        let (_, pieces) = logged(|| tracing::info!("one"));
        let one = pieces.recv_timeout(Duration::from_secs(20)).expect("it comes by itself");
        assert!(one.ends_with(": one\n"), "{one}");
        let (lines, pieces) = logged(|| {
            tracing::info!("two");
            tracing::warn!("three");
        });
        let both: String = pieces.try_iter().collect();
        assert!(both.contains(": two\n") && both.ends_with(": three\n"), "{both}");
        lines.add(b"four", false);
        lines.flush();
        assert_eq!(pieces.try_iter().collect::<String>(), "four");
    }

    #[test]
    fn what_comes_from_outside_stays_within_its_line() {
        let (lines, pieces) = logged(|| {
            tracing::info!(text = "a\nb", plain = "a b", shown = %"c\nINFO forged\u{1b}[2J", "Grüße\r\nan alle");
        });
        lines.flush();
        let written: String = pieces.try_iter().collect();
        let wanted = r#"Grüße\r\nan alle text="a\nb" plain="a b" shown=c\nINFO forged\u{1b}[2J"#;
        assert!(written.ends_with(&format!("{wanted}\n")), "{written}");
        assert_eq!(written.matches('\n').count(), 1, "{written}");
    }

    #[test]
    fn a_line_is_as_the_usual_one() {
        let (lines, pieces) = logged(|| {
            tracing::error!(status = 200_u16, none = 0_u64, most = u64::MAX, less = -7, ms = 0.05, "one");
            let (whole, long, wrong) = (3.0, 1_234.567_8, f64::NAN);
            tracing::warn!(whole, long, wrong, yes = true, nobody = Option::<u64>::None);
        });
        lines.flush();
        let written: String = pieces.try_iter().collect();
        let (first, second) = written.split_once('\n').expect("two lines");
        let (time, rest) = first.split_once(' ').expect("a time");
        assert!(time.parse::<Timestamp>().is_ok() && time.len() == "2027-01-15T10:00:00.000000Z".len(), "{time}");
        let target = module_path!();
        assert_eq!(rest, format!("ERROR {target}: one status=200 none=0 most=18446744073709551615 less=-7 ms=0.050"));
        assert!(
            second.ends_with(&format!("  WARN {target}: whole=3.000 long=1234.568 wrong=NaN yes=true\n")),
            "{second}"
        );
    }
}
