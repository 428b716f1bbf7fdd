//! What was wrong in a file, and where.

use std::fmt;

use crate::{MAX_BYTES, MAX_COMPONENTS, MAX_DEPTH, MAX_LINE_BYTES, MAX_LINES, MAX_PROBLEMS};

/// Something that could not be read as it stands. What it touched was left out or read as the message says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Problem {
    /// The line of the file, from 1.
    pub line: usize,
    /// What kind of problem.
    pub code: Code,
    /// What happened, for a person.
    pub message: String,
    /// Whether a component is missing in the answer because of it; otherwise the message says how it was read.
    pub left_out: bool,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {} ({})", self.line, self.message, self.code.as_str())
    }
}

macro_rules! codes {
    ($($(#[$doc:meta])* $variant:ident = $text:literal,)*) => {
        /// The kinds of problems. Their texts are stable.
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
        #[non_exhaustive]
        pub enum Code { $($(#[$doc])* $variant,)* }

        impl Code {
            /// The stable text of the code, such as `unknown-zone`.
            pub fn as_str(self) -> &'static str {
                match self { $(Code::$variant => $text,)* }
            }
        }
    };
}

codes! {
    /// Bytes that are not UTF-8.
    Encoding = "encoding",
    /// Control characters were removed.
    ControlCharacter = "control-character",
    /// A line without a name or a colon.
    NotAProperty = "not-a-property",
    /// A property or event outside any VCALENDAR.
    OutsideCalendar = "outside-calendar",
    /// An END without its BEGIN.
    UnexpectedEnd = "unexpected-end",
    /// A BEGIN without its END; the component was left out.
    Unclosed = "unclosed",
    /// vCalendar 1.0, whose texts are encoded otherwise.
    OldVersion = "old-version",
    /// A component other than an event or a time zone was left out.
    NotAnEvent = "not-an-event",
    /// A UID that is missing.
    MissingUid = "missing-uid",
    /// Two different events with one UID.
    DuplicateUid = "duplicate-uid",
    /// Two overrides of one instance; the newer was taken.
    DuplicateOverride = "duplicate-override",
    /// An event without DTSTART; it was left out.
    MissingStart = "missing-start",
    /// A date or time that is none.
    InvalidTime = "invalid-time",
    /// A duration that is none.
    InvalidDuration = "invalid-duration",
    /// An end before the start.
    EndBeforeStart = "end-before-start",
    /// A start and an end of which one is a date and the other a time.
    MixedKinds = "mixed-kinds",
    /// A TZID that is no IANA, Windows or vendor name and whose VTIMEZONE fits no zone.
    UnknownZone = "unknown-zone",
    /// EXRULE, which RFC 5545 removed.
    ExceptionRule = "exception-rule",
    /// RRULE, RDATE or EXDATE that are not valid.
    InvalidRecurrence = "invalid-recurrence",
    /// A RECURRENCE-ID that cannot be read.
    InvalidOverride = "invalid-override",
}

/// The problems of one file, at most [`MAX_PROBLEMS`] of them.
#[derive(Default, Debug)]
pub(crate) struct Problems {
    pub list: Vec<Problem>,
    pub omitted: usize,
}

impl Problems {
    /// Something that was read otherwise than it stands.
    pub fn add(&mut self, line: usize, code: Code, message: impl Into<String>) {
        self.push(Problem { line, code, message: message.into(), left_out: false });
    }

    /// A component that was left out.
    pub fn leave_out(&mut self, line: usize, code: Code, message: impl Into<String>) {
        self.push(Problem { line, code, message: message.into(), left_out: true });
    }

    fn push(&mut self, problem: Problem) {
        if self.list.len() < MAX_PROBLEMS {
            self.list.push(problem);
        } else {
            self.omitted += 1;
        }
    }
}

/// Text from a file inside a message: short, and quoted.
pub(crate) fn quote(text: &str) -> String {
    let short: String = text.chars().take(60).collect();
    if short.len() < text.len() { format!("\"{short}…\"") } else { format!("\"{short}\"") }
}

/// Why nothing of a file was read.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum ReadError {
    /// More than [`MAX_BYTES`].
    TooLarge {
        /// How many there are.
        bytes: usize,
    },
    /// UTF-16, which iCalendar never is.
    Utf16,
    /// No component at all.
    NoCalendar,
    /// An unfolded line of more than [`MAX_LINE_BYTES`].
    LineTooLong {
        /// Where it begins.
        line: usize,
    },
    /// More than [`MAX_LINES`] unfolded lines.
    TooManyLines {
        /// The first line too many.
        line: usize,
    },
    /// Components inside components, deeper than [`MAX_DEPTH`].
    TooDeep {
        /// The BEGIN that is too deep.
        line: usize,
    },
    /// More than [`MAX_COMPONENTS`] components.
    TooManyComponents {
        /// The BEGIN of the first too many.
        line: usize,
    },
}

impl ReadError {
    /// The line of the file, from 1.
    pub fn line(&self) -> usize {
        match *self {
            ReadError::TooLarge { .. } | ReadError::Utf16 | ReadError::NoCalendar => 1,
            ReadError::LineTooLong { line }
            | ReadError::TooManyLines { line }
            | ReadError::TooDeep { line }
            | ReadError::TooManyComponents { line } => line,
        }
    }
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ReadError::TooLarge { bytes } => {
                write!(f, "The file has {bytes} bytes; at most {MAX_BYTES} can be read. Split it.")
            }
            ReadError::Utf16 => write!(f, "The file is UTF-16; iCalendar is UTF-8. Save it as UTF-8."),
            ReadError::NoCalendar => write!(f, "This is no iCalendar file: there is no BEGIN:VCALENDAR in it."),
            ReadError::LineTooLong { line } => {
                write!(f, "line {line}: the unfolded line has more than {MAX_LINE_BYTES} bytes")
            }
            ReadError::TooManyLines { line } => {
                write!(f, "line {line}: more than {MAX_LINES} properties; split the file")
            }
            ReadError::TooDeep { line } => write!(f, "line {line}: components are nested deeper than {MAX_DEPTH}"),
            ReadError::TooManyComponents { line } => {
                write!(f, "line {line}: more than {MAX_COMPONENTS} components; split the file")
            }
        }
    }
}

impl std::error::Error for ReadError {}
