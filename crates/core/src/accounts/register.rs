use std::fmt;

use kalends_db::{Error, Tx};
use kalends_kernel::fields::{Fields, Text, kind_of};
use kalends_kernel::{EmailAddress, Invalid, Zone};
use serde_json::{Map, Value};

use super::{CreateError, NewAccount, NewSession, Origin, Password, Policy, User, Username, create, sessions, store};
use crate::ctx::{Ctx, GlobalRole};
use crate::settings;

/// What a person says who wants an account.
#[derive(Clone, Debug)]
pub struct Registration {
    /// The account, but for the hash of its password.
    account: NewAccount,
    /// The password.
    pub password: Password,
}

/// Why a person cannot have an account.
#[derive(Debug)]
pub enum RegisterError {
    /// Accounts are made by administrators here.
    Closed,
    /// The input is wrong.
    Invalid(Invalid),
    /// Another account has the user name.
    UsernameTaken,
    /// Another account has the e-mail address.
    EmailTaken,
    /// A fault.
    Internal(Error),
}

impl From<Error> for RegisterError {
    fn from(error: Error) -> Self {
        RegisterError::Internal(error)
    }
}
impl From<CreateError> for RegisterError {
    fn from(error: CreateError) -> Self {
        match error {
            CreateError::UsernameTaken => RegisterError::UsernameTaken,
            CreateError::EmailTaken => RegisterError::EmailTaken,
            CreateError::Internal(error) => RegisterError::Internal(error),
        }
    }
}

impl Registration {
    /// Reads a body, where people may register at all; everything wrong is told at once.
    pub fn parse(body: &Map<String, Value>, policy: &Policy) -> Result<Registration, RegisterError> {
        if !policy.self_registration {
            return Err(RegisterError::Closed);
        }
        let mut fields = Fields::of_map(body, "");
        let username = fields.parsed("username", "bad-username", Username::parse);
        let username = fields.require("username", username);
        let email = fields.parsed("email", "bad-email", EmailAddress::parse);
        let email = fields.require("email", email);
        let password = read_password(&mut fields, "password");
        let name = fields.text("name", Text::line(200)).filter(|name| !name.is_empty());
        let role = fields.choice("role", GlobalRole::NAMES).unwrap_or(GlobalRole::User);
        match role {
            GlobalRole::Admin => {
                fields.error("role", "not-allowed", "nobody makes himself an administrator; choose user or organizer")
            }
            GlobalRole::Organizer if !policy.role_choice => {
                fields.error("role", "not-allowed", "an administrator gives this role here")
            }
            GlobalRole::Organizer | GlobalRole::User => {}
        }
        let locale = read_locale(&mut fields);
        let zone = fields.parsed("time_zone", "unknown-time-zone", Zone::parse).unwrap_or_else(Zone::utc);
        let invalid = fields.finish();
        match (username, email, password) {
            (Some(username), Some(email), Some(password)) if invalid.is_empty() => {
                let name = name.unwrap_or_else(|| username.as_str().to_owned());
                let account = NewAccount {
                    username,
                    email,
                    email_verified: false,
                    name,
                    role,
                    locale,
                    zone,
                    password_hash: String::new(),
                };
                Ok(Registration { account, password })
            }
            _ => Err(RegisterError::Invalid(invalid)),
        }
    }

    /// The account, ready to be written.
    pub fn with_hash(self, password_hash: String) -> NewAccount {
        NewAccount { password_hash, ..self.account }
    }
}

/// Makes an account for a person who asks for it, and signs him in.
pub async fn register(
    tx: &mut Tx,
    ctx: &Ctx,
    new: &NewAccount,
    origin: &Origin,
    policy: &Policy,
) -> Result<(User, NewSession), RegisterError> {
    let mut new = new.clone();
    if policy.first_user_is_admin && is_first(tx, ctx).await? {
        new.role = GlobalRole::Admin;
    }
    let user = create(tx, ctx, &new).await?;
    let session = sessions::start(tx, ctx, user.id, origin, policy).await?;
    Ok((user, session))
}

/// Whether this is the very first account. The row of the setting makes a second one wait for the outcome of the first, on
/// every node.
async fn is_first(tx: &mut Tx, ctx: &Ctx) -> Result<bool, Error> {
    if store::is_there_any(tx).await? {
        return Ok(false);
    }
    settings::set_once(tx, "first_account", &ctx.request_id).await?;
    Ok(!store::is_there_any(tx).await?)
}

/// A password to be: the text as it stands, not trimmed.
pub(super) fn read_password(fields: &mut Fields<'_>, name: &'static str) -> Option<Password> {
    let text = read_secret(fields, name)?;
    match Password::parse(text) {
        Ok(password) => Some(password),
        Err((code, detail)) => {
            fields.error(name, code, detail);
            None
        }
    }
}

/// A secret text that must be given, as it stands.
pub(super) fn read_secret<'a>(fields: &mut Fields<'a>, name: &'static str) -> Option<&'a str> {
    let value = fields.value(name);
    match fields.require(name, value)? {
        Value::String(text) => Some(text),
        other => {
            fields.error(name, "wrong-type", format!("must be a text, not {}", kind_of(other)));
            None
        }
    }
}

/// A language (BCP 47), English unless it is said.
pub(super) fn read_locale(fields: &mut Fields<'_>) -> String {
    fields.parsed("locale", "bad-locale", parse_locale).unwrap_or_else(|| "en".to_owned())
}

struct LocaleError;

impl fmt::Display for LocaleError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("must be a language such as de or de-CH")
    }
}

fn parse_locale(text: &str) -> Result<String, LocaleError> {
    let subtag = |part: &str| (1..=8).contains(&part.len()) && part.chars().all(|c| c.is_ascii_alphanumeric());
    let language = text.split('-').next().unwrap_or_default();
    let ok = text.len() <= 35
        && (2..=3).contains(&language.len())
        && language.chars().all(|c| c.is_ascii_alphabetic())
        && text.split('-').all(subtag);
    if ok { Ok(text.to_owned()) } else { Err(LocaleError) }
}
