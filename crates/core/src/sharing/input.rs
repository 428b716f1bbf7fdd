use kalends_kernel::fields::{Fields, Text};
use kalends_kernel::{EmailAddress, GroupId, Invalid, UserId};
use serde_json::{Map, Value};

use crate::access::Role;
use crate::calendars::Conflicts;

/// Whom something is to be shared with.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Invitation {
    /// By id.
    User(UserId),
    /// By user name; case does not count.
    Username(String),
    /// Whoever has shown, or will show, that this address is theirs.
    Email(EmailAddress),
    /// Everybody in a group.
    Group(GroupId),
}

/// One line of a share: who shall be what.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Wish {
    /// Who.
    pub who: Invitation,
    /// What.
    pub role: Role,
}

/// How many people one request may share with.
const MOST: usize = 200;
const WAYS: &[&str] = &["user_id", "username", "email", "group_id"];

/// Reads `{users: [{user_id | username | email | group_id, role}]}`.
pub fn parse_share(body: &Map<String, Value>) -> Result<Vec<Wish>, Invalid> {
    let mut fields = Fields::of_map(body, "");
    let wishes = read_wishes(&mut fields);
    fields.finish().or(wishes)
}

/// Reads the same for an event, and `on_conflict`: what happens when those who are named are busy then.
pub fn parse_event_share(body: &Map<String, Value>) -> Result<(Vec<Wish>, Option<Conflicts>), Invalid> {
    let mut fields = Fields::of_map(body, "");
    let wishes = read_wishes(&mut fields);
    let on_conflict = fields.choice("on_conflict", Conflicts::NAMES);
    fields.finish().or((wishes, on_conflict))
}

fn read_wishes(fields: &mut Fields) -> Vec<Wish> {
    let wishes = fields.list("users", MOST, parse_wish);
    let wishes = fields.require("users", wishes);
    if fields.value("users").and_then(Value::as_array).is_some_and(Vec::is_empty) {
        fields.error("users", "empty", "must name at least one person");
    }
    wishes.unwrap_or_default()
}

fn parse_wish(value: &Value, at: &str) -> Result<Wish, Invalid> {
    let mut fields = Fields::of(value, at)?;
    let who = read_who(&mut fields, WAYS);
    let role = fields.choice("role", Role::NAMES);
    let role = fields.require("role", role);
    let invalid = fields.finish();
    match (who, role) {
        (Some(who), Some(role)) => invalid.or(Wish { who, role }),
        _ => Err(invalid),
    }
}

/// Reads `{user_id | username}`.
pub(super) fn parse_person(value: &Value, at: &str) -> Result<Invitation, Invalid> {
    let mut fields = Fields::of(value, at)?;
    let who = read_person(&mut fields);
    let invalid = fields.finish();
    who.map_or_else(|| Err(invalid.clone()), |who| invalid.clone().or(who))
}

/// Reads `user_id` or `username`.
pub(super) fn read_person(fields: &mut Fields) -> Option<Invitation> {
    read_who(fields, &["user_id", "username"])
}

/// Reads one of these fields.
fn read_who(fields: &mut Fields, ways: &[&'static str]) -> Option<Invitation> {
    const WRONG: &str = "must be an id (a UUID)";
    let given: Vec<&'static str> = ways.iter().copied().filter(|name| fields.value(name).is_some()).collect();
    if let Some(first) = ways.first().filter(|_| !ways.iter().any(|name| fields.is_given(name))) {
        fields.error(first, "required", format!("give one of {}", ways.join(", ")));
    }
    let mut found = None;
    for (number, name) in given.into_iter().enumerate() {
        let who = match name {
            "user_id" => fields.parsed(name, "not-an-id", |text| text.parse().map_err(|_| WRONG)).map(Invitation::User),
            "username" => fields.text(name, Text::line(64).filled()).map(Invitation::Username),
            "email" => fields.parsed(name, "bad-email", EmailAddress::parse).map(Invitation::Email),
            _ => fields.parsed(name, "not-an-id", |text| text.parse().map_err(|_| WRONG)).map(Invitation::Group),
        };
        if number > 0 {
            fields.error(name, "contradiction", format!("give one of {}", ways.join(", ")));
        }
        found = found.or(who);
    }
    found
}

/// Reads `{role}`.
pub fn parse_role(body: &Map<String, Value>) -> Result<Role, Invalid> {
    let mut fields = Fields::of_map(body, "");
    let role = fields.choice("role", Role::NAMES);
    let role = fields.require("role", role);
    fields.finish().or(role.unwrap_or(Role::FreeBusy))
}
