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

/// The way of lines to their reader. To write each by itself costs the machine more than the line, so a thread writes those
/// that come together. The program never waits for the reader: when it does not read, lines are dropped and counted.
#[derive(Clone)]
pub struct Lines(Arc<Waiting>);

struct Waiting {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    lines: Vec<u8>,
    /// The lines are to be written now, without waiting for others.
    urgent: bool,
    /// The thread is writing.
    writing: bool,
    /// The lines that were dropped and not yet told of.
    dropped: u64,
}

/// The time that lines wait for others.
const MOMENT: Duration = Duration::from_millis(20);
/// The bytes that are written at once without waiting for more.
const ENOUGH: usize = 64 << 10;
/// The bytes that wait at most.
const MOST: usize = 4 << 20;
/// The time that the end of the program waits for the reader.
const PATIENCE: Duration = Duration::from_secs(2);

impl Lines {
    /// Writes lines there, in a thread of their own.
    pub fn to(mut to: impl io::Write + Send + 'static) -> Lines {
        let lines = Lines(Arc::new(Waiting { state: Mutex::default(), changed: Condvar::new() }));
        let own = lines.clone();
        let started = std::thread::Builder::new().name("log".to_owned()).spawn(move || {
            loop {
                let batch = own.next_batch();
                // When it cannot be written there is nobody to tell.
                to.write_all(&batch).and_then(|()| to.flush()).ok();
                locked(&own.0.state).writing = false;
                own.0.changed.notify_all();
            }
        });
        if let Err(error) = started {
            io::Write::write_all(&mut io::stderr(), format!("no thread for the log: {error}\n").as_bytes()).ok();
        }
        lines
    }

    fn next_batch(&self) -> Vec<u8> {
        let waiting = &*self.0;
        let state = waiting.changed.wait_while(locked(&waiting.state), |state| state.lines.is_empty());
        let state = state.unwrap_or_else(PoisonError::into_inner);
        let more = |state: &mut State| !state.urgent && state.lines.len() < ENOUGH;
        let waited = waiting.changed.wait_timeout_while(state, MOMENT, more);
        let mut state = waited.unwrap_or_else(PoisonError::into_inner).0;
        state.urgent = false;
        state.writing = true;
        let mut batch = std::mem::take(&mut state.lines);
        if let Some(dropped) = std::mem::take(&mut state.dropped).checked_sub(1) {
            let line = format!("{} log lines were dropped: nobody read them in time\n", dropped + 1);
            batch.extend_from_slice(line.as_bytes());
        }
        batch
    }

    /// Waits until everything is written, but not for a reader that does not read.
    pub fn flush(&self) {
        let waiting = &*self.0;
        let mut state = locked(&waiting.state);
        state.urgent = true;
        waiting.changed.notify_all();
        let unwritten = |state: &mut State| state.writing || !state.lines.is_empty();
        drop(waiting.changed.wait_timeout_while(state, PATIENCE, unwritten));
    }

    fn add(&self, line: &[u8], at_once: bool) {
        let mut state = locked(&self.0.state);
        if state.lines.len() + line.len() > MOST {
            state.dropped += 1;
            ::metrics::counter!("kalends_log_lines_dropped_total").increment(1);
            return;
        }
        let was_empty = state.lines.is_empty();
        state.lines.extend_from_slice(line);
        state.urgent |= at_once;
        if was_empty || at_once || state.lines.len() >= ENOUGH {
            self.0.changed.notify_all();
        }
    }
}

fn locked(mutex: &Mutex<State>) -> MutexGuard<'_, State> {
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
        let mut both = String::new();
        while !both.ends_with(": three\n") {
            both += &pieces.recv_timeout(Duration::from_secs(20)).expect("a warning is written at once");
        }
        assert!(both.contains(": two\n"), "{both}");
        lines.add(b"four", false);
        lines.flush();
        assert_eq!(pieces.try_iter().collect::<String>(), "four");
    }

    /// A reader that reads nothing until it is told to.
    struct Stuck(mpsc::Receiver<()>, mpsc::Sender<String>);

    impl io::Write for Stuck {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.recv().ok();
            self.1.send(String::from_utf8(bytes.to_vec()).expect("text")).ok();
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn nobody_waits_for_a_reader_that_does_not_read_and_what_is_dropped_is_told_once() {
        let ((go, stuck), (sender, pieces)) = (mpsc::channel(), mpsc::channel());
        let lines = Lines::to(Stuck(stuck, sender));
        let line = format!("{}\n", "x".repeat(999));
        // Three times of what may wait; that this ends is the point.
        for _ in 0..3 * MOST / line.len() {
            lines.add(line.as_bytes(), true);
        }
        drop(go);
        lines.add(b"again\n", true);
        lines.flush();
        let written: String = pieces.try_iter().collect();
        let told: Vec<&str> = written.lines().filter(|line| line.contains("were dropped")).collect();
        let [told] = told.as_slice() else { panic!("{told:?}") };
        let dropped: usize = told.split(' ').next().expect("a number").parse().expect("a number");
        let kept = written.lines().filter(|line| line.starts_with('x')).count();
        // The last line may have found no room either.
        let all = 3 * MOST / line.len() + 1;
        assert_eq!(kept + dropped + usize::from(written.contains("again")), all, "each line is written or counted");
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
