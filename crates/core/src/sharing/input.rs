use kalends_kernel::fields::{Fields, Text};
use kalends_kernel::{Invalid, UserId};
use serde_json::{Map, Value};

use crate::access::Role;

/// Whom something is to be shared with.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Invitation {
    /// By id.
    User(UserId),
    /// By user name; case does not count.
    Username(String),
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

/// Reads `{users: [{user_id | username, role}]}`.
pub fn parse_share(body: &Map<String, Value>) -> Result<Vec<Wish>, Invalid> {
    let mut fields = Fields::of_map(body, "");
    let wishes = fields.list("users", MOST, parse_wish);
    let wishes = fields.require("users", wishes);
    if fields.value("users").and_then(Value::as_array).is_some_and(Vec::is_empty) {
        fields.error("users", "empty", "must name at least one person");
    }
    fields.finish().or(wishes.unwrap_or_default())
}

fn parse_wish(value: &Value, at: &str) -> Result<Wish, Invalid> {
    let mut fields = Fields::of(value, at)?;
    let id = fields.parsed("user_id", "not-an-id", |text| text.parse::<UserId>().map_err(|_| "must be an id (a UUID)"));
    let username = fields.text("username", Text::line(64).filled());
    if fields.value("email").is_some() {
        fields.error(
            "email",
            "not-supported",
            "sharing by e-mail comes with mail; name the person by user_id or username",
        );
    }
    let role = fields.choice("role", Role::NAMES);
    let role = fields.require("role", role);
    let who = match (id, username) {
        (Some(id), None) => Some(Invitation::User(id)),
        (None, Some(username)) => Some(Invitation::Username(username)),
        (Some(_), Some(_)) => {
            fields.error("username", "contradiction", "give either user_id or username");
            None
        }
        (None, None) => {
            if !["user_id", "username", "email"].iter().any(|name| fields.is_given(name)) {
                fields.error("user_id", "required", "give user_id or username");
            }
            None
        }
    };
    let invalid = fields.finish();
    match (who, role) {
        (Some(who), Some(role)) => invalid.or(Wish { who, role }),
        _ => Err(invalid),
    }
}

/// Reads `{role}`.
pub fn parse_role(body: &Map<String, Value>) -> Result<Role, Invalid> {
    let mut fields = Fields::of_map(body, "");
    let role = fields.choice("role", Role::NAMES);
    let role = fields.require("role", role);
    fields.finish().or(role.unwrap_or(Role::FreeBusy))
}
