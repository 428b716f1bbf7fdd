//! The circumstances of one command: who, when, through which door.

use std::sync::Arc;

use jiff::Timestamp;
use kalends_kernel::{Ids, SessionId, TokenId, UserId};

use crate::audit::Trail;
use crate::budget::Budget;

/// How many years ahead conflicts are looked for when nobody says.
pub const HORIZON_YEARS: i64 = 10;

/// The circumstances of one command or query.
#[derive(Clone, Debug)]
pub struct Ctx {
    /// Who asks.
    pub actor: Actor,
    /// When: one instant for the whole command, to the microsecond.
    pub now: Timestamp,
    /// Fresh ids.
    pub ids: Ids,
    /// The way in.
    pub door: Door,
    /// How many years ahead conflicts are looked for (rule 27).
    pub horizon_years: i64,
    /// Ties the log lines, the change-log rows and the answer together.
    pub request_id: Arc<str>,
    /// Where it comes from, for the audit log.
    pub trail: Trail,
    /// The work that it may still cost.
    pub budget: Budget,
}

impl Ctx {
    /// The circumstances of the program's own work.
    pub fn system(now: Timestamp, door: Door) -> Ctx {
        let ids = Ids::at(now);
        let request_id = ids.uuid().to_string().into();
        let (trail, budget) = (Trail::default(), Budget::default());
        Ctx { actor: Actor::System, now, ids, door, horizon_years: HORIZON_YEARS, request_id, trail, budget }
    }

    /// The command begins, perhaps not for the first time.
    pub fn begin(&self) {
        self.budget.restart();
    }

    /// The account that asks, if one does.
    pub fn user(&self) -> Option<UserId> {
        match &self.actor {
            Actor::User(user) => Some(user.id),
            Actor::Anonymous | Actor::System => None,
        }
    }
}

/// Who asks.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Actor {
    /// Nobody we know.
    Anonymous,
    /// An account.
    User(SignedIn),
    /// The program itself: the command line on the server's machine, start-up, jobs.
    System,
}

/// An account that has proved who it is, as it stands in the database now (never as a token remembers it).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SignedIn {
    /// The account.
    pub id: UserId,
    /// Its global role.
    pub role: GlobalRole,
    /// How it proved it.
    pub by: Credential,
}

impl SignedIn {
    /// Whether it acts as an administrator: it is one, and a personal token says so too. What a program may do in an
    /// administrator's name is by itself no more than anybody's.
    pub fn is_admin(&self) -> bool {
        let allowed = match &self.by {
            Credential::Session(_) => true,
            Credential::PersonalToken(_, scopes) => scopes.contains(&Scope::Admin),
        };
        self.role == GlobalRole::Admin && allowed
    }
}

/// How an account proved who it is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Credential {
    /// By a session's access token: everything the account may do.
    Session(SessionId),
    /// By a personal token: what its scopes allow.
    PersonalToken(TokenId, Vec<Scope>),
}

/// What a personal token may be used for.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Scope {
    /// Reading calendars and events.
    Read,
    /// Changing calendars and events; includes reading.
    Write,
    /// Administering, where the account may; includes writing.
    Admin,
}

impl Scope {
    /// Every scope with its name in the API.
    pub const NAMES: &'static [(&'static str, Scope)] =
        &[("read", Scope::Read), ("write", Scope::Write), ("admin", Scope::Admin)];

    /// Its name in the API.
    pub fn name(self) -> &'static str {
        match self {
            Scope::Read => "read",
            Scope::Write => "write",
            Scope::Admin => "admin",
        }
    }
}

/// What an account may do everywhere, apart from what is shared with it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum GlobalRole {
    /// Keeps calendars and takes part.
    User,
    /// May also make public calendars and take registrations.
    Organizer,
    /// Runs the place.
    Admin,
}

impl GlobalRole {
    /// Every role with its name in the API.
    pub const NAMES: &'static [(&'static str, GlobalRole)] =
        &[("user", GlobalRole::User), ("organizer", GlobalRole::Organizer), ("admin", GlobalRole::Admin)];

    /// Its name in the API and the database.
    pub fn name(self) -> &'static str {
        match self {
            GlobalRole::User => "user",
            GlobalRole::Organizer => "organizer",
            GlobalRole::Admin => "admin",
        }
    }

    /// Reads the name; what the database cannot hold becomes the role with the least rights.
    pub fn from_name(name: &str) -> GlobalRole {
        Self::NAMES.iter().find(|(word, _)| *word == name).map_or(GlobalRole::User, |(_, role)| *role)
    }
}

/// The way a command came in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Door {
    /// The REST API.
    Rest,
    /// The command line.
    Cli,
    /// The pages.
    Web,
    /// An import.
    Import,
    /// A job of the program's own.
    Job,
}

impl Door {
    /// Its name in history and logs.
    pub fn name(self) -> &'static str {
        match self {
            Door::Rest => "rest",
            Door::Cli => "cli",
            Door::Web => "web",
            Door::Import => "import",
            Door::Job => "job",
        }
    }
}
