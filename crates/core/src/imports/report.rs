//! The report of an import: what became of each event.

use jiff::Timestamp;
use kalends_kernel::EventId;
use serde_json::{Map, Value, json};

/// What became of an event of the file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Action {
    /// It is a new event.
    Created,
    /// An event that was here says what the file says.
    Updated,
    /// The event here says so already, or is newer.
    Unchanged,
    /// It could not be taken.
    Refused,
    /// It is no event.
    Skipped,
    /// Something about the file as a whole.
    Noted,
}

impl Action {
    const NAMES: &'static [(&'static str, Action)] = &[
        ("created", Action::Created),
        ("updated", Action::Updated),
        ("unchanged", Action::Unchanged),
        ("refused", Action::Refused),
        ("skipped", Action::Skipped),
        ("noted", Action::Noted),
    ];

    /// Its name in the API and the database.
    pub fn name(self) -> &'static str {
        Self::NAMES.iter().find(|(_, action)| *action == self).map_or("noted", |(name, _)| name)
    }

    /// Reads the name.
    pub fn from_name(name: &str) -> Action {
        Self::NAMES.iter().find(|(word, _)| *word == name).map_or(Action::Noted, |(_, action)| *action)
    }
}

/// What was known of an event's source before: so that undoing an update also undoes what was remembered of it.
#[derive(Clone, PartialEq, Debug)]
pub struct Source {
    /// SEQUENCE and LAST-MODIFIED of what it was imported as.
    pub stamp: Stamp,
    /// The digest of what it was imported as.
    pub digest: Vec<u8>,
    /// The version that the import made.
    pub version: i64,
}

/// How new a state of an event is (RFC 5545 3.8.7.4, 3.8.7.3).
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Stamp {
    /// SEQUENCE.
    pub sequence: i64,
    /// LAST-MODIFIED.
    pub last_modified: Option<Timestamp>,
}

/// A row of the report.
#[derive(Clone, PartialEq, Debug)]
pub struct ReportRow {
    /// The line of the file, from 1.
    pub line: usize,
    /// The UID, where there is one.
    pub uid: Option<String>,
    /// What it is called.
    pub title: Option<String>,
    /// What became of it.
    pub action: Action,
    /// Why it was not taken: a stable code and a sentence.
    pub problem: Option<(String, String)>,
    /// What was taken otherwise than it stands.
    pub warnings: Vec<String>,
    /// The event here.
    pub event: Option<EventId>,
    /// The event's version after it, where it was changed.
    pub version: Option<i64>,
    /// The version before it, where it was updated.
    pub before: Option<i64>,
    /// What was known of its source before, where it was updated.
    pub source_before: Option<Source>,
}

impl ReportRow {
    /// A row about this line.
    pub fn of(line: usize, action: Action) -> ReportRow {
        ReportRow {
            line,
            uid: None,
            title: None,
            action,
            problem: None,
            warnings: Vec::new(),
            event: None,
            version: None,
            before: None,
            source_before: None,
        }
    }

    /// With why.
    pub fn with_problem(mut self, code: &str, detail: impl Into<String>) -> ReportRow {
        let detail: String = detail.into();
        self.problem = Some((code.to_owned(), detail.chars().take(500).collect()));
        self
    }

    /// As it stands in the result.
    pub fn to_json(&self) -> Value {
        let mut row = Map::new();
        row.insert("line".into(), self.line.into());
        row.insert("uid".into(), json!(self.uid));
        row.insert("title".into(), json!(self.title));
        row.insert("action".into(), self.action.name().into());
        row.insert("event_id".into(), json!(self.event));
        if let Some((code, detail)) = &self.problem {
            row.insert("problem".into(), json!({"code": code, "detail": detail}));
        }
        row.insert("warnings".into(), json!(self.warnings));
        row.into()
    }
}

/// How many rows a result shows; those that were refused come before the others.
pub const ROWS: i64 = 1_000;

/// The result of a job from its rows.
pub fn result(counts: &[(Action, i64)], mut rows: Vec<ReportRow>, dry_run: bool, omitted: usize) -> Value {
    let count = |action| counts.iter().find(|(one, _)| *one == action).map_or(0, |(_, count)| *count);
    let all: i64 = counts.iter().map(|(_, count)| count).sum();
    rows.sort_by_key(|row| row.line);
    json!({
        "dry_run": dry_run,
        "created": count(Action::Created),
        "updated": count(Action::Updated),
        "unchanged": count(Action::Unchanged),
        "refused": count(Action::Refused),
        "skipped": count(Action::Skipped),
        "rows": rows.iter().map(ReportRow::to_json).collect::<Vec<_>>(),
        "truncated": omitted > 0 || all > i64::try_from(rows.len()).unwrap_or(i64::MAX),
    })
}
