use jiff::Timestamp;
use kalends_kernel::{JobId, UserId};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The kinds of work there are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// Taking a file's events into a calendar.
    Import,
    /// Telling of conflicts that came into reach; written when it is done.
    Conflicts,
}

impl Kind {
    /// Every kind with its name in the API and the database.
    pub const NAMES: &'static [(&'static str, Kind)] = &[("import", Kind::Import), ("conflicts", Kind::Conflicts)];

    /// Its name in the API and the database.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Import => "import",
            Kind::Conflicts => "conflicts",
        }
    }

    /// Reads the name; none for a kind that a newer program knows.
    pub fn from_name(name: &str) -> Option<Kind> {
        Self::NAMES.iter().find(|(word, _)| *word == name).map(|(_, kind)| *kind)
    }

    /// Whether what it did can be undone.
    pub fn can_be_undone(self) -> bool {
        match self {
            Kind::Import => true,
            Kind::Conflicts => false,
        }
    }
}

/// How far a job is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum State {
    /// It waits for its time and a worker.
    Queued,
    /// A worker has it, or had it and is gone.
    Running,
    /// It is done.
    Done,
    /// It gave up; the log says why.
    Failed,
    /// Somebody stopped it.
    Cancelled,
    /// It was undone.
    Reverted,
}

impl State {
    /// Every state with its name in the API and the database.
    pub const NAMES: &'static [(&'static str, State)] = &[
        ("queued", State::Queued),
        ("running", State::Running),
        ("done", State::Done),
        ("failed", State::Failed),
        ("cancelled", State::Cancelled),
        ("reverted", State::Reverted),
    ];

    /// Its name in the API and the database.
    pub fn name(self) -> &'static str {
        Self::NAMES.iter().find(|(_, state)| *state == self).map_or("failed", |(name, _)| name)
    }

    /// Reads the name; what the database cannot hold has failed.
    pub fn from_name(name: &str) -> State {
        Self::NAMES.iter().find(|(word, _)| *word == name).map_or(State::Failed, |(_, state)| *state)
    }

    /// Whether nothing more happens by itself.
    pub fn is_final(self) -> bool {
        !matches!(self, State::Queued | State::Running)
    }
}

/// How much of the work is done.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Progress {
    /// How many pieces.
    pub done: i64,
    /// Of how many; none while nobody knows.
    pub total: Option<i64>,
}

/// A line of a job's log.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct LogLine {
    /// When.
    pub at: Timestamp,
    /// What happened, for people.
    pub message: String,
}

/// How many lines of a log are kept; the oldest go first.
pub(super) const LOG: usize = 100;
/// How many characters a line has at most.
pub(super) const LINE: usize = 1_000;

/// A job.
#[derive(Clone, PartialEq, Debug)]
pub struct Job {
    /// Its id.
    pub id: JobId,
    /// What work it is; none for a kind that only a newer program knows.
    pub kind: Option<Kind>,
    /// The name of the kind.
    pub kind_name: String,
    /// How far it is.
    pub state: State,
    /// Whose it is: in whose name it works. None for the program's own.
    pub user: Option<UserId>,
    /// Whether whoever asked for it acted as an administrator; otherwise the job does not either.
    pub as_admin: bool,
    /// What it is to do, in its kind's words.
    pub args: Value,
    /// How much is done.
    pub progress: Progress,
    /// What happened, oldest first.
    pub log: Vec<LogLine>,
    /// What came of it, in its kind's words.
    pub result: Option<Value>,
    /// How often it was begun since its last step.
    pub attempts: i64,
    /// Not before this.
    pub run_at: Timestamp,
    /// Whether somebody wants it stopped.
    pub cancel_wanted: bool,
    /// Whether its work is now to undo what it did.
    pub undoing: bool,
    /// When it was wanted.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// Since when nothing more happens.
    pub finished_at: Option<Timestamp>,
}

impl Job {
    /// With a line more in the log.
    pub(super) fn say(&mut self, at: Timestamp, message: &str) {
        self.log.push(LogLine { at, message: message.chars().take(LINE).collect() });
        let over = self.log.len().saturating_sub(LOG);
        self.log.drain(..over);
    }
}
