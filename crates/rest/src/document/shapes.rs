//! Types that Rust's `String` does not say: closed sets become enums, instants and addresses get their format. The words of a
//! set come from the table that the program itself reads and writes them with.

use kalends_core::access::{CalendarVisibility, Review, Role, State, Visibility};
use kalends_core::audit::Action;
use kalends_core::calendars::Conflicts;
use kalends_core::ctx::{GlobalRole, Scope};
use kalends_core::events::{Scope as InstanceScope, Status};
use kalends_core::jobs;
use serde_json::Value;
use utoipa::openapi::schema::{ArrayItems, Components, Object, ObjectBuilder, OneOfBuilder, SchemaType};
use utoipa::openapi::{KnownFormat, Ref, RefOr, Schema, SchemaFormat, Type};

/// Gives a property of a component, or a query parameter, its enum and its format. `owner` is the component, or the
/// operation id of the parameter.
pub fn refine(owner: &str, name: &str, schema: &mut RefOr<Schema>) {
    match schema {
        RefOr::T(Schema::Object(object)) if is_text(object) => match set(owner, name) {
            Some((Some(component), _)) => *schema = reference(component, object),
            Some((None, words)) => object.enum_values = Some(values(words)),
            None if object.format.is_none() => object.format = format(owner, name),
            None => {}
        },
        RefOr::T(Schema::Array(array)) => {
            if let (ArrayItems::RefOrSchema(items), Some((component, words))) = (&mut array.items, set(owner, name))
                && let RefOr::T(Schema::Object(object)) = items.as_mut()
            {
                match component {
                    Some(component) => **items = reference(component, object),
                    None => object.enum_values = Some(values(words)),
                }
            }
        }
        _ => {}
    }
}

fn values(words: Vec<&'static str>) -> Vec<Value> {
    words.into_iter().map(Value::from).collect()
}

/// A reference to a set, with the description and the nullability of the property.
fn reference(component: &str, object: &Object) -> RefOr<Schema> {
    let mut to = Ref::from_schema_name(component);
    if is_nullable(object) {
        let null = ObjectBuilder::new().schema_type(Type::Null).build();
        return RefOr::T(
            OneOfBuilder::new().item(null).item(to).description(object.description.clone()).build().into(),
        );
    }
    if let Some(description) = &object.description {
        to.description.clone_from(description);
    }
    RefOr::Ref(to)
}

/// Adds the sets that several properties share.
pub fn add_to(components: &mut Components) {
    for (name, about, words) in shared() {
        let schema =
            ObjectBuilder::new().schema_type(Type::String).enum_values(Some(words)).description(Some(about)).build();
        components.schemas.insert(name.to_owned(), schema.into());
    }
}

fn is_text(object: &Object) -> bool {
    match &object.schema_type {
        SchemaType::Type(kind) => *kind == Type::String,
        SchemaType::Array(kinds) => kinds.contains(&Type::String),
        SchemaType::AnyValue => false,
    }
}

fn is_nullable(object: &Object) -> bool {
    matches!(&object.schema_type, SchemaType::Array(kinds) if kinds.contains(&Type::Null))
}

fn format(owner: &str, name: &str) -> Option<SchemaFormat> {
    let of_a_query = owner.starts_with(|first: char| first.is_ascii_lowercase());
    Some(match name {
        "at" | "checked_until" | "checked_from" => SchemaFormat::KnownFormat(KnownFormat::DateTime),
        "from" | "to" if of_a_query => SchemaFormat::KnownFormat(KnownFormat::DateTime),
        name if name.ends_with("_at") => SchemaFormat::KnownFormat(KnownFormat::DateTime),
        "email" => SchemaFormat::Custom("email".to_owned()),
        "url" => SchemaFormat::Custom("uri".to_owned()),
        _ => return None,
    })
}

fn names<T>(table: &[(&'static str, T)]) -> Vec<&'static str> {
    table.iter().map(|(name, _)| *name).collect()
}

const ACCOUNT_ROLE: &str = "AccountRole";
const CALENDAR_VISIBILITY: &str = "CalendarVisibility";
const CONFLICT_POLICY: &str = "ConflictPolicy";
const CONFLICT_REASON: &str = "ConflictReason";
const EVENT_STATE: &str = "EventState";
const EVENT_STATUS: &str = "EventStatus";
const EVENT_VISIBILITY: &str = "EventVisibility";
const INSTANCE_SCOPE: &str = "InstanceScope";
const JOB_STATE: &str = "JobState";
const REVIEW_POLICY: &str = "ReviewPolicy";
const NEW_EVENT_STATE: &str = "NewEventState";
const BATCH_MODE: &str = "BatchMode";
const KEPT_ROLE: &str = "KeptRole";
const GROUP_ROLE: &str = "GroupRole";
const ROLE: &str = "Role";
const SIGN_UP_ROLE: &str = "SignUpRole";
const TOKEN_SCOPE: &str = "TokenScope";

/// The sets that several properties share: component, description, words.
fn shared() -> [(&'static str, &'static str, Vec<&'static str>); 17] {
    [
        (ACCOUNT_ROLE, "The role of an account on this server.", names(GlobalRole::NAMES)),
        (
            CALENDAR_VISIBILITY,
            "Who can see a calendar besides the people it is shared with.",
            names(CalendarVisibility::NAMES),
        ),
        (CONFLICT_POLICY, "What happens when events overlap.", names(Conflicts::NAMES)),
        (CONFLICT_REASON, "Why two events conflict.", vec!["venue", "calendar", "user", "duplicate"]),
        (EVENT_STATE, "The editorial state of an event.", names(State::NAMES)),
        (EVENT_STATUS, "Whether an event takes place.", names(Status::NAMES)),
        (EVENT_VISIBILITY, "Who can see the content of an event.", names(Visibility::NAMES)),
        (INSTANCE_SCOPE, "The instances that a change applies to.", names(InstanceScope::NAMES)),
        (JOB_STATE, "The state of a job.", names(jobs::State::NAMES)),
        (REVIEW_POLICY, "Whether events are reviewed before they are published.", names(Review::NAMES)),
        (ROLE, "A role on a calendar or an event, from weakest to strongest.", names(Role::NAMES)),
        (GROUP_ROLE, "A role in a group.", vec!["owner", "member"]),
        (
            NEW_EVENT_STATE,
            "The editorial state that a new event may have.",
            vec![State::Draft.name(), State::Published.name()],
        ),
        (BATCH_MODE, "Whether a batch fails as a whole.", vec!["atomic", "each"]),
        (
            KEPT_ROLE,
            "The role that the previous owner keeps.",
            names(Role::NAMES).into_iter().chain(["none"]).collect(),
        ),
        (
            SIGN_UP_ROLE,
            "The role that a new account may choose.",
            vec![GlobalRole::User.name(), GlobalRole::Organizer.name()],
        ),
        (TOKEN_SCOPE, "What a personal token can be used for.", names(Scope::NAMES)),
    ]
}

/// The closed set of a property or parameter: its component if several share it, else its words.
fn set(owner: &str, name: &str) -> Option<(Option<&'static str>, Vec<&'static str>)> {
    if let Some(component) = component(owner, name) {
        return Some((Some(component), Vec::new()));
    }
    own_words(owner, name).map(|words| (None, words))
}

fn component(owner: &str, name: &str) -> Option<&'static str> {
    let of_a_calendar = owner.starts_with("Calendar");
    Some(match (owner, name) {
        ("RegisterBody", "role") => SIGN_UP_ROLE,
        ("TransferBody", "keep") => KEPT_ROLE,
        ("BatchBody", "mode") => BATCH_MODE,
        ("EventBody" | "EventCopy", "state") => NEW_EVENT_STATE,
        ("AccountView" | "UserPatch", "role") => ACCOUNT_ROLE,
        ("GroupView", "my_role") => GROUP_ROLE,
        (_, "role" | "my_role") | ("RoleChangeView", "from" | "to") => ROLE,
        (_, "on_conflict" | "conflicts") => CONFLICT_POLICY,
        ("ClashView" | "ConflictPartner", "reason" | "reasons") => CONFLICT_REASON,
        (_, "visibility") if of_a_calendar => CALENDAR_VISIBILITY,
        (_, "visibility") => EVENT_VISIBILITY,
        (_, "review") => REVIEW_POLICY,
        ("JobView" | "list_jobs", "state") => JOB_STATE,
        (_, "state") => EVENT_STATE,
        ("EventView" | "EventFields", "status") => EVENT_STATUS,
        (_, "scopes") => TOKEN_SCOPE,
        (_, "scope") if owner.ends_with("_instance") => INSTANCE_SCOPE,
        _ => return None,
    })
}

fn own_words(owner: &str, name: &str) -> Option<Vec<&'static str>> {
    Some(match (owner, name) {
        ("PermissionView", "status") => vec!["active", "pending"],
        ("AudienceView", "kind") => vec!["all", "students", "teachers", "class_teachers"],
        ("AuditedView", "result") => vec!["ok", "failed", "refused"],
        ("AuditedView" | "list_audit", "action") => names(Action::NAMES),
        ("ChangeView", "op") => vec!["created", "updated", "deleted"],
        ("BatchOperation", "op") => vec!["create", "update", "delete"],
        ("RestoreItem", "action") => vec!["rollback", "delete", "restore", "none"],
        ("SharedView" | "ChangeView", "type") => vec!["calendar", "event"],
        ("SharedView", "via") => vec!["name", "email", "group"],
        ("TokensView", "token_type") => vec!["Bearer"],
        ("ImportRow", "action") => vec!["created", "updated", "unchanged", "refused", "skipped", "noted"],
        ("list_jobs", "kind") => names(jobs::Kind::NAMES),
        (_, "include") if owner.starts_with("list_") => vec!["total"],
        ("list_changes", "representation") => vec!["full", "ids"],
        ("export_events", "format") => vec!["ics", "csv", "json"],
        (_, "sort") => {
            vec!["start", "-start", "title", "-title", "created_at", "-created_at", "updated_at", "-updated_at"]
        }
        _ => return None,
    })
}
