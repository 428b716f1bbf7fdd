//! Types that Rust's `String` does not say: closed sets become enums, instants and addresses get their format. The words of a
//! set come from the table that the program itself reads and writes them with.

use kalends_core::access::{CalendarVisibility, Review, Role, State, Visibility};
use kalends_core::audit::Action;
use kalends_core::calendars::Conflicts;
use kalends_core::ctx::{GlobalRole, Scope};
use kalends_core::events::Status;
use kalends_core::jobs;
use serde_json::Value;
use utoipa::openapi::schema::{ArrayItems, Object, SchemaType};
use utoipa::openapi::{KnownFormat, RefOr, Schema, SchemaFormat, Type};

/// Gives a property of a component, or a query parameter, its enum and its format.
pub fn refine(owner: &str, name: &str, schema: &mut RefOr<Schema>) {
    let RefOr::T(schema) = schema else { return };
    match schema {
        Schema::Object(object) if is_text(object) => {
            if let Some(words) = words(owner, name) {
                let mut values: Vec<Value> = words.iter().map(|word| (*word).into()).collect();
                if is_nullable(object) {
                    values.push(Value::Null);
                }
                object.enum_values = Some(values);
            } else if object.format.is_none() {
                object.format = format(owner, name);
            }
        }
        Schema::Array(array) => {
            if let (ArrayItems::RefOrSchema(items), Some(words)) = (&mut array.items, words(owner, name))
                && let RefOr::T(Schema::Object(items)) = items.as_mut()
            {
                items.enum_values = Some(words.iter().map(|word| (*word).into()).collect());
            }
        }
        _ => {}
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

/// The words of a closed set. `owner` is the component, or the operation id of a query parameter.
fn words(owner: &str, name: &str) -> Option<Vec<&'static str>> {
    let of_an_account = ["AccountView", "UserPatch"].contains(&owner);
    let of_a_job = ["JobView", "list_jobs"].contains(&owner);
    let of_a_calendar = owner.starts_with("Calendar");
    Some(match (owner, name) {
        ("RegisterBody", "role") => vec![GlobalRole::User.name(), GlobalRole::Organizer.name()],
        (_, "role") if of_an_account => names(GlobalRole::NAMES),
        (_, "role" | "my_role") => names(Role::NAMES),
        ("RoleChangeView", "from" | "to") => names(Role::NAMES),
        ("TransferBody", "keep") => names(Role::NAMES).into_iter().chain(["none"]).collect(),
        (_, "on_conflict") => names(Conflicts::NAMES),
        (_, "conflicts") => names(Conflicts::NAMES),
        (_, "visibility") if of_a_calendar => names(CalendarVisibility::NAMES),
        (_, "visibility") => names(Visibility::NAMES),
        (_, "review") => names(Review::NAMES),
        (_, "state") if of_a_job => names(jobs::State::NAMES),
        ("EventBody" | "EventCopy", "state") => vec![State::Draft.name(), State::Published.name()],
        (_, "state") => names(State::NAMES),
        ("PermissionView", "status") => vec!["active", "pending"],
        ("EventView" | "EventFields", "status") => names(Status::NAMES),
        (_, "scopes") => names(Scope::NAMES),
        ("ClashView", "reason" | "reasons") => vec!["venue", "calendar", "user", "duplicate"],
        ("AudienceView", "kind") => vec!["all", "students", "teachers", "class_teachers"],
        ("AuditedView", "result") => vec!["ok", "failed", "refused"],
        ("AuditedView" | "list_audit", "action") => names(Action::NAMES),
        ("AuditedView", "operation") | ("ChangeView", "op") => vec!["created", "updated", "deleted"],
        ("BatchOperation", "op") => vec!["create", "update", "delete"],
        ("BatchBody", "mode") => vec!["atomic", "each"],
        ("RestoreItem", "action") => vec!["rollback", "delete", "restore", "none"],
        ("SharedView" | "ChangeView", "type") => vec!["calendar", "event"],
        ("SharedView", "via") => vec!["name", "email", "group"],
        ("TokensView", "token_type") => vec!["Bearer"],
        ("ImportRow", "action") => vec!["created", "updated", "unchanged", "refused", "skipped", "noted"],
        ("list_jobs", "kind") => names(jobs::Kind::NAMES),
        (_, "scope") if owner.ends_with("_instance") => vec!["this", "following", "all"],
        (_, "include") if owner.starts_with("list_") => vec!["total"],
        ("list_changes", "representation") => vec!["full", "ids"],
        ("export_events", "format") => vec!["ics", "csv", "json"],
        (_, "sort") => {
            vec!["start", "-start", "title", "-title", "created_at", "-created_at", "updated_at", "-updated_at"]
        }
        _ => return None,
    })
}
