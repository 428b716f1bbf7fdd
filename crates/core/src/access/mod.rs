//! The one policy: who may do what (rules 14 to 16). Everything is denied unless something here grants it.
//!
//! Pure functions of the actor and the facts; `load_for` functions of the features call them and give an object only
//! together with the right to it. The hand-written table in `tests/it/promises/rights.rs` holds every operation to it.

mod facts;

pub use facts::{CalendarFacts, CalendarVisibility, EventFacts, Review, State, Visibility};

use kalends_kernel::UserId;

use crate::ctx::{Actor, GlobalRole, SignedIn};

/// A role on a calendar or one event, weakest first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Role {
    /// Sees when the time is taken, not by what.
    FreeBusy,
    /// Sees everything that is published.
    Viewer,
    /// Changes events.
    Editor,
    /// Shares and deletes.
    Owner,
}

impl Role {
    /// Every role with its name in the API.
    pub const NAMES: &'static [(&'static str, Role)] =
        &[("free_busy", Role::FreeBusy), ("viewer", Role::Viewer), ("editor", Role::Editor), ("owner", Role::Owner)];

    /// Its name in the API and the database.
    pub fn name(self) -> &'static str {
        match self {
            Role::FreeBusy => "free_busy",
            Role::Viewer => "viewer",
            Role::Editor => "editor",
            Role::Owner => "owner",
        }
    }

    /// Reads the name.
    pub fn from_name(name: &str) -> Option<Role> {
        Self::NAMES.iter().find(|(word, _)| *word == name).map(|(_, role)| *role)
    }

    /// The role as a number, where the database has to find the strongest.
    pub fn rank(self) -> i64 {
        match self {
            Role::FreeBusy => 1,
            Role::Viewer => 2,
            Role::Editor => 3,
            Role::Owner => 4,
        }
    }

    /// Reads the number.
    pub fn from_rank(rank: i64) -> Option<Role> {
        Self::NAMES.iter().map(|(_, role)| *role).find(|role| role.rank() == rank)
    }
}

/// How much of an event somebody sees.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum DetailLevel {
    /// The times alone.
    Busy,
    /// What everybody may know: no linked people, no meta, no reminders.
    Public,
    /// All of it.
    Full,
}

/// What somebody is to a calendar or event.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Grant {
    /// The effective role; none for anonymous people, who are nobody's viewers.
    pub role: Option<Role>,
    /// How much they see.
    pub sight: DetailLevel,
    /// Whether they review: owners of the calendar and administrators.
    pub reviewer: bool,
}

/// Why not.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Denied {
    /// It is not there, or they may not know that it is.
    NotFound,
    /// They see it, but this needs a stronger role.
    Needs(Role),
    /// This needs a reviewer: an owner of the calendar or an administrator.
    NeedsReviewer,
    /// This needs a stronger global role.
    NeedsGlobal(GlobalRole),
}

/// What one wants to do with a calendar or event.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Can {
    /// See it, perhaps only its times.
    See,
    /// See all of it that is published for anybody: to copy it.
    Copy,
    /// See what it was and who changed it.
    SeeHistory,
    /// Change it; put events into it.
    Edit,
    /// See who else may do what.
    SeePermissions,
    /// Share it.
    Share,
    /// Delete and restore it.
    Delete,
}

impl Can {
    fn needs(self) -> Role {
        match self {
            Can::See => Role::FreeBusy,
            Can::Copy | Can::SeeHistory => Role::Viewer,
            Can::Edit | Can::SeePermissions => Role::Editor,
            Can::Share | Can::Delete => Role::Owner,
        }
    }
}

/// What the actor is to a calendar, if anything.
pub fn on_calendar(actor: &Actor, facts: &CalendarFacts) -> Option<Grant> {
    if facts.deleted {
        return None;
    }
    let (user, admin) = match actor {
        Actor::Anonymous => (false, false),
        Actor::User(user) => (true, user.is_admin()),
        Actor::System => (true, true),
    };
    let by_visibility = match facts.visibility {
        CalendarVisibility::Public => Some(Role::Viewer),
        CalendarVisibility::Internal if user => Some(Role::Viewer),
        CalendarVisibility::Internal | CalendarVisibility::Private => None,
    };
    let role = if admin { Some(Role::Owner) } else { facts.role.max(by_visibility) }?;
    let sight = match role {
        Role::FreeBusy => DetailLevel::Busy,
        _ if user => DetailLevel::Full,
        _ => DetailLevel::Public,
    };
    Some(Grant { role: user.then_some(role), sight, reviewer: role == Role::Owner })
}

/// What the actor is to an event, if anything: the stronger of the role on its calendar and the role on itself.
pub fn on_event(actor: &Actor, facts: &EventFacts) -> Option<Grant> {
    if facts.calendar.deleted {
        return None;
    }
    let calendar = on_calendar(actor, &facts.calendar);
    let from_calendar = calendar.and_then(|grant| grant.role);
    let reviewer = calendar.is_some_and(|grant| grant.reviewer);
    let role = from_calendar.max(facts.role);
    if facts.deleted {
        return (role == Some(Role::Owner)).then_some(Grant { role, sight: DetailLevel::Full, reviewer });
    }
    // Who works on the calendar, or with whom the event itself is shared, sees it whatever its state.
    if facts.role >= Some(Role::Viewer) || from_calendar >= Some(Role::Editor) {
        return Some(Grant { role, sight: DetailLevel::Full, reviewer });
    }
    if facts.state != State::Published {
        return None;
    }
    let sight = match (facts.visibility, calendar) {
        (Visibility::Confidential, _) => return None,
        (Visibility::Private, Some(Grant { role: None, .. })) => return None,
        (Visibility::Private, _) => DetailLevel::Busy,
        (Visibility::Public, Some(grant)) => grant.sight,
        (Visibility::Public, None) => DetailLevel::Busy,
    };
    if calendar.is_none() && facts.role.is_none() {
        return None;
    }
    Some(Grant { role, sight, reviewer })
}

/// What whoever holds a link to an event is to it, as long as whoever made the link may share it: nobody's viewer, who sees
/// what is published as the viewers of its calendar do, but nothing that is not everybody's to know ([`DetailLevel::Public`]).
pub fn by_link(maker: &Actor, facts: &EventFacts, busy_only: bool) -> Option<Grant> {
    check(on_event(maker, facts), Can::Share).ok()?;
    if facts.deleted || facts.state != State::Published {
        return None;
    }
    let sight = match facts.visibility {
        Visibility::Confidential => return None,
        Visibility::Private => DetailLevel::Busy,
        Visibility::Public if busy_only => DetailLevel::Busy,
        Visibility::Public => DetailLevel::Public,
    };
    Some(Grant { role: None, sight, reviewer: false })
}

/// Whether the actor sees an event whatever its state and visibility: who works on its calendar, or with whom the event
/// itself is shared. Others see of its history what they could see when it was so.
pub fn sees_every_version(actor: &Actor, facts: &EventFacts) -> bool {
    let unpublished = EventFacts { state: State::Draft, deleted: false, ..*facts };
    on_event(actor, &unpublished).is_some()
}

/// What the actor is to a calendar, if lists show it to them: administrators find other people's private calendars only by
/// naming them.
pub fn in_lists_calendar(actor: &Actor, facts: &CalendarFacts, named: bool) -> Option<Grant> {
    on_calendar(actor, facts).filter(|_| named || is_open(facts))
}

/// What the actor is to an event, if lists show it to them: no trash, and of other people's private calendars what is
/// shared with them.
pub fn in_lists_event(actor: &Actor, facts: &EventFacts, named: bool) -> Option<Grant> {
    if facts.deleted {
        return None;
    }
    let grant = on_event(actor, facts)?;
    match actor {
        Actor::User(user) if user.is_admin() && !named && !is_open(&facts.calendar) => {
            on_event(&as_anybody(user), facts).map(|_| grant)
        }
        _ => Some(grant),
    }
}

/// Whether the calendar is the actor's by role, or not private.
fn is_open(facts: &CalendarFacts) -> bool {
    facts.role.is_some() || facts.visibility != CalendarVisibility::Private
}

/// Whether what the actor is to something is enough.
pub fn check(grant: Option<Grant>, can: Can) -> Result<Grant, Denied> {
    let grant = grant.ok_or(Denied::NotFound)?;
    let needs = can.needs();
    match (can, grant.role) {
        (Can::See, _) => Ok(grant),
        (Can::Copy | Can::SeeHistory, Some(_)) if grant.sight == DetailLevel::Full => Ok(grant),
        (Can::Copy | Can::SeeHistory, _) => Err(Denied::Needs(needs)),
        (_, Some(role)) if role >= needs => Ok(grant),
        (_, _) => Err(Denied::Needs(needs)),
    }
}

/// What the actor is to a group of people. Who is in it sees it; who owns it (and administrators) change it.
pub fn on_group(actor: &Actor, owns: bool, is_member: bool) -> Option<Role> {
    match actor {
        Actor::System => Some(Role::Owner),
        Actor::User(user) if owns || user.is_admin() => Some(Role::Owner),
        Actor::User(_) if is_member => Some(Role::Viewer),
        Actor::User(_) | Actor::Anonymous => None,
    }
}

/// Whether only an administrator's rights make this possible, or show as much: without them the same person would be
/// refused, or see less.
pub fn needs_admin(actor: &Actor, can: Can, on: impl Fn(&Actor) -> Option<Grant>) -> bool {
    let Actor::User(user) = actor else { return false };
    if !user.is_admin() {
        return false;
    }
    match check(on(&as_anybody(user)), can) {
        Ok(grant) => on(actor).is_some_and(|actual| actual.sight > grant.sight),
        Err(_) => true,
    }
}

/// The same account without an administrator's rights.
fn as_anybody(user: &SignedIn) -> Actor {
    Actor::User(SignedIn { role: GlobalRole::User, ..user.clone() })
}

/// Whether the account's global role is enough.
pub fn check_global(actor: &Actor, needs: GlobalRole) -> Result<(), Denied> {
    match actor {
        Actor::System => Ok(()),
        Actor::User(user) if user.role >= needs && (needs < GlobalRole::Admin || user.is_admin()) => Ok(()),
        Actor::User(_) | Actor::Anonymous => Err(Denied::NeedsGlobal(needs)),
    }
}

/// Whether somebody may see and manage a job: whose it is, and administrators.
pub fn check_job(actor: &Actor, owner: Option<UserId>) -> Result<(), Denied> {
    let own = matches!(actor, Actor::User(user) if Some(user.id) == owner);
    if own || sees_all_jobs(actor) { Ok(()) } else { Err(Denied::NotFound) }
}

/// Whether somebody sees everybody's jobs.
pub fn sees_all_jobs(actor: &Actor) -> bool {
    match actor {
        Actor::System => true,
        Actor::User(user) => user.is_admin(),
        Actor::Anonymous => false,
    }
}

#[cfg(test)]
mod tests;
