//! What can be wrong with recurrence text. Codes are stable: callers may match on them and show their own words.

/// One thing wrong with a rule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message} ({code})")]
pub struct Fault {
    /// Stable kebab-case name of the fault, such as `count-and-until`.
    pub code: &'static str,
    /// What is wrong, for people; lower case, without the code.
    pub message: String,
}

impl Fault {
    pub(crate) fn new(code: &'static str, message: impl Into<String>) -> Fault {
        Fault { code, message: message.into() }
    }
}

/// Everything wrong with the text of one RRULE.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", .faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
pub struct InvalidRule {
    /// At least one fault, in the order found.
    pub faults: Vec<Fault>,
}

/// One thing wrong with one of the lines given to [`crate::Series::parse`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {message} ({code})")]
pub struct LineError {
    /// Index of the line in the given slice, from 0.
    pub line: usize,
    /// Stable kebab-case name of the fault, such as `unknown-time-zone`.
    pub code: &'static str,
    /// What is wrong, for people; lower case, without the code.
    pub message: String,
}

impl LineError {
    pub(crate) fn at(line: usize, fault: Fault) -> LineError {
        LineError { line, code: fault.code, message: fault.message }
    }
}
