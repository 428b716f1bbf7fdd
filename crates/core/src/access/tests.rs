use kalends_kernel::{Id, SessionId, UserId};
use uuid::Uuid;

use super::*;
use crate::ctx::{Credential, Scope, SignedIn};

fn user(role: GlobalRole) -> Actor {
    let id: UserId = Id::new(Uuid::nil());
    Actor::User(SignedIn { id, role, by: Credential::Session(SessionId::new(Uuid::nil())) })
}

fn event(
    calendar: CalendarVisibility,
    on_calendar: Option<Role>,
    on_event: Option<Role>,
    state: State,
    visibility: Visibility,
) -> EventFacts {
    let calendar = CalendarFacts { visibility: calendar, review: Review::None, role: on_calendar, deleted: false };
    EventFacts { calendar, role: on_event, state, visibility, deleted: false }
}

/// What somebody sees of an event, in a word.
fn sees(actor: &Actor, facts: &EventFacts) -> &'static str {
    match on_event(actor, facts).map(|grant| grant.sight) {
        None => "nothing",
        Some(DetailLevel::Busy) => "busy",
        Some(DetailLevel::Public) => "public",
        Some(DetailLevel::Full) => "full",
    }
}

#[test]
fn what_people_see_of_an_event() {
    use CalendarVisibility as C;
    use State::{Draft, Published, Refused, Review};
    use Visibility as V;
    let (me, nobody, admin) = (user(GlobalRole::User), Actor::Anonymous, user(GlobalRole::Admin));
    let (free_busy, viewer, editor, owner) =
        (Some(Role::FreeBusy), Some(Role::Viewer), Some(Role::Editor), Some(Role::Owner));
    #[rustfmt::skip]
    let table = [
        // actor, calendar, role there, role on the event, state, visibility → sight
        (&nobody, C::Public,   None,      None,      Published, V::Public,       "public"),
        (&nobody, C::Public,   None,      None,      Published, V::Private,      "nothing"),
        (&nobody, C::Public,   None,      None,      Published, V::Confidential, "nothing"),
        (&nobody, C::Public,   None,      None,      Draft,     V::Public,       "nothing"),
        (&nobody, C::Internal, None,      None,      Published, V::Public,       "nothing"),
        (&nobody, C::Private,  None,      None,      Published, V::Public,       "nothing"),
        (&me,     C::Private,  None,      None,      Published, V::Public,       "nothing"),
        (&me,     C::Internal, None,      None,      Published, V::Public,       "full"),
        (&me,     C::Internal, None,      None,      Published, V::Private,      "busy"),
        (&me,     C::Internal, None,      None,      Review,    V::Public,       "nothing"),
        (&me,     C::Public,   None,      None,      Published, V::Public,       "full"),
        (&me,     C::Private,  free_busy, None,      Published, V::Public,       "busy"),
        (&me,     C::Private,  free_busy, None,      Published, V::Confidential, "nothing"),
        (&me,     C::Private,  free_busy, None,      Draft,     V::Public,       "nothing"),
        (&me,     C::Private,  viewer,    None,      Published, V::Public,       "full"),
        (&me,     C::Private,  viewer,    None,      Published, V::Private,      "busy"),
        (&me,     C::Private,  viewer,    None,      Published, V::Confidential, "nothing"),
        (&me,     C::Private,  viewer,    None,      Refused,   V::Public,       "nothing"),
        (&me,     C::Private,  editor,    None,      Draft,     V::Confidential, "full"),
        (&me,     C::Private,  owner,     None,      Review,    V::Private,      "full"),
        (&me,     C::Private,  None,      viewer,    Draft,     V::Confidential, "full"),
        (&me,     C::Private,  None,      free_busy, Published, V::Public,       "busy"),
        (&me,     C::Private,  None,      free_busy, Published, V::Confidential, "nothing"),
        (&me,     C::Private,  None,      free_busy, Draft,     V::Public,       "nothing"),
        (&me,     C::Public,   None,      free_busy, Published, V::Public,       "full"),
        (&admin,  C::Private,  None,      None,      Draft,     V::Confidential, "full"),
    ];
    for (line, (actor, calendar, there, on_it, state, visibility, expected)) in table.into_iter().enumerate() {
        assert_eq!(sees(actor, &event(calendar, there, on_it, state, visibility)), expected, "line {}", line + 1);
    }
}

#[test]
fn the_stronger_of_both_roles_counts_and_only_owners_share_and_delete() {
    let me = user(GlobalRole::User);
    let may = |calendar, on_event_role, can| {
        let facts = event(CalendarVisibility::Private, calendar, on_event_role, State::Published, Visibility::Public);
        check(on_event(&me, &facts), can).map(|_| ())
    };
    assert_eq!(may(Some(Role::Viewer), Some(Role::Editor), Can::Edit), Ok(()));
    assert_eq!(may(Some(Role::Editor), Some(Role::Viewer), Can::Edit), Ok(()));
    assert_eq!(may(Some(Role::Editor), None, Can::Delete), Err(Denied::Needs(Role::Owner)));
    assert_eq!(may(Some(Role::Editor), None, Can::Share), Err(Denied::Needs(Role::Owner)));
    assert_eq!(may(Some(Role::Editor), Some(Role::Owner), Can::Delete), Ok(()));
    assert_eq!(may(Some(Role::Viewer), None, Can::Edit), Err(Denied::Needs(Role::Editor)));
    assert_eq!(may(Some(Role::FreeBusy), None, Can::Copy), Err(Denied::Needs(Role::Viewer)));
    assert_eq!(may(None, None, Can::See), Err(Denied::NotFound));
}

#[test]
fn a_deleted_event_is_there_for_its_owners_alone() {
    let me = user(GlobalRole::User);
    let seen = |role| {
        let facts = EventFacts {
            deleted: true,
            ..event(CalendarVisibility::Public, role, None, State::Published, Visibility::Public)
        };
        sees(&me, &facts)
    };
    assert_eq!([seen(Some(Role::Owner)), seen(Some(Role::Editor)), seen(None)], ["full", "nothing", "nothing"]);
}

#[test]
fn a_personal_token_makes_an_administrator_only_with_the_scope() {
    let id: UserId = Id::new(Uuid::nil());
    let with = |scope| {
        let by = Credential::PersonalToken(Id::new(Uuid::nil()), vec![scope]);
        Actor::User(SignedIn { id, role: GlobalRole::Admin, by })
    };
    let facts = event(CalendarVisibility::Private, None, None, State::Published, Visibility::Public);
    assert_eq!(sees(&with(Scope::Write), &facts), "nothing");
    assert_eq!(sees(&with(Scope::Admin), &facts), "full");
}

/// Every event there can be, for somebody.
fn all_facts() -> Vec<EventFacts> {
    let roles = [None, Some(Role::FreeBusy), Some(Role::Viewer), Some(Role::Editor), Some(Role::Owner)];
    let mut all = Vec::new();
    for (_, calendar) in CalendarVisibility::NAMES {
        for (_, state) in State::NAMES {
            for (_, visibility) in Visibility::NAMES {
                for (there, on_it) in roles.iter().flat_map(|there| roles.map(|on_it| (*there, on_it))) {
                    for (deleted, of_deleted) in [(false, false), (true, false), (false, true)] {
                        let mut facts = event(*calendar, there, on_it, *state, *visibility);
                        (facts.deleted, facts.calendar.deleted) = (deleted, of_deleted);
                        all.push(facts);
                    }
                }
            }
        }
    }
    all
}

#[test]
fn a_link_shows_what_its_maker_owns_and_a_viewer_would_see_and_never_all_of_it() {
    let me = user(GlobalRole::User);
    let mut shown = 0;
    for facts in all_facts() {
        let owns = facts.role == Some(Role::Owner) || facts.calendar.role == Some(Role::Owner);
        let there = !facts.deleted && !facts.calendar.deleted && facts.state == State::Published;
        let expected = match facts.visibility {
            _ if !owns || !there => None,
            Visibility::Public => Some(DetailLevel::Public),
            Visibility::Private => Some(DetailLevel::Busy),
            Visibility::Confidential => None,
        };
        let sight = |busy_only| by_link(&me, &facts, busy_only).map(|grant| (grant.role, grant.sight, grant.reviewer));
        assert_eq!(sight(false), expected.map(|sight| (None, sight, false)), "{facts:?}");
        assert_eq!(sight(true), expected.map(|_| (None, DetailLevel::Busy, false)), "{facts:?}");
        // No more than the maker sees.
        let own = on_event(&me, &facts).map(|grant| grant.sight);
        assert!(expected.is_none_or(|sight| own >= Some(sight)), "{facts:?}");
        shown += usize::from(expected.is_some());
    }
    assert!(shown > 20, "{shown}");
}
