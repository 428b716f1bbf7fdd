//! What the policy looks at.

use super::Role;

/// Who may see a calendar beside those it is shared with.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CalendarVisibility {
    /// Nobody.
    Private,
    /// Everybody with an account.
    Internal,
    /// Everybody.
    Public,
}

impl CalendarVisibility {
    /// Every value with its name in the API.
    pub const NAMES: &'static [(&'static str, CalendarVisibility)] = &[
        ("private", CalendarVisibility::Private),
        ("internal", CalendarVisibility::Internal),
        ("public", CalendarVisibility::Public),
    ];

    /// Its name in the API and the database.
    pub fn name(self) -> &'static str {
        match self {
            CalendarVisibility::Private => "private",
            CalendarVisibility::Internal => "internal",
            CalendarVisibility::Public => "public",
        }
    }

    /// Reads the name; what the database cannot hold is seen by nobody.
    pub fn from_name(name: &str) -> CalendarVisibility {
        Self::NAMES.iter().find(|(word, _)| *word == name).map_or(CalendarVisibility::Private, |(_, value)| *value)
    }
}

/// Whether events are reviewed before they are published.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Review {
    /// Editors publish.
    None,
    /// Only reviewers publish.
    Required,
}

impl Review {
    /// Every value with its name in the API.
    pub const NAMES: &'static [(&'static str, Review)] = &[("none", Review::None), ("required", Review::Required)];

    /// Its name in the API and the database.
    pub fn name(self) -> &'static str {
        match self {
            Review::None => "none",
            Review::Required => "required",
        }
    }

    /// Reads the name; what the database cannot hold is reviewed.
    pub fn from_name(name: &str) -> Review {
        if name == "none" { Review::None } else { Review::Required }
    }
}

/// The editorial state of an event.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum State {
    /// Being written.
    Draft,
    /// Waiting for a reviewer.
    Review,
    /// There for those whom it is for.
    Published,
    /// A reviewer said no, with a reason.
    Refused,
}

impl State {
    /// Every state with its name in the API.
    pub const NAMES: &'static [(&'static str, State)] = &[
        ("draft", State::Draft),
        ("review", State::Review),
        ("published", State::Published),
        ("refused", State::Refused),
    ];

    /// Its name in the API and the database.
    pub fn name(self) -> &'static str {
        match self {
            State::Draft => "draft",
            State::Review => "review",
            State::Published => "published",
            State::Refused => "refused",
        }
    }

    /// Reads the name; what the database cannot hold is a draft.
    pub fn from_name(name: &str) -> State {
        Self::NAMES.iter().find(|(word, _)| *word == name).map_or(State::Draft, |(_, state)| *state)
    }
}

/// How much of an event those see who only view its calendar (RFC 5545 3.8.1.3 CLASS).
#[derive(Clone, Copy, PartialEq, Eq, Debug, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Visibility {
    /// All of it.
    Public,
    /// The times alone.
    Private,
    /// Nothing: it is not there for them.
    Confidential,
}

impl Visibility {
    /// Every value with its name in the API.
    pub const NAMES: &'static [(&'static str, Visibility)] =
        &[("public", Visibility::Public), ("private", Visibility::Private), ("confidential", Visibility::Confidential)];

    /// Its name in the API and the database.
    pub fn name(self) -> &'static str {
        match self {
            Visibility::Public => "public",
            Visibility::Private => "private",
            Visibility::Confidential => "confidential",
        }
    }

    /// Reads the name; what the database cannot hold is shown to nobody.
    pub fn from_name(name: &str) -> Visibility {
        Self::NAMES.iter().find(|(word, _)| *word == name).map_or(Visibility::Confidential, |(_, value)| *value)
    }
}

/// What counts of a calendar.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CalendarFacts {
    /// Who sees it anyway.
    pub visibility: CalendarVisibility,
    /// Whether events are reviewed.
    pub review: Review,
    /// The actor's own role on it.
    pub role: Option<Role>,
    /// Whether it is deleted.
    pub deleted: bool,
}

/// What counts of an event.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct EventFacts {
    /// Its calendar.
    pub calendar: CalendarFacts,
    /// The actor's own role on the event.
    pub role: Option<Role>,
    /// Its editorial state.
    pub state: State,
    /// How much viewers see.
    pub visibility: Visibility,
    /// Whether it is in the trash.
    pub deleted: bool,
}
