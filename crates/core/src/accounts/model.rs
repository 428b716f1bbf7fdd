use std::fmt;
use std::time::Duration;

use jiff::Timestamp;
use kalends_kernel::{EmailAddress, Secret, UserId, Zone};

use crate::ctx::GlobalRole;

/// An account, as its owner and administrators see it.
#[derive(Clone, PartialEq, Debug)]
pub struct User {
    /// Its id.
    pub id: UserId,
    /// What it signs in with and is found by.
    pub username: String,
    /// Its e-mail address; none once it is deleted.
    pub email: Option<String>,
    /// When the address was shown to be its own.
    pub email_verified_at: Option<Timestamp>,
    /// What people call it.
    pub name: String,
    /// What it may do everywhere.
    pub role: GlobalRole,
    /// The language it reads (BCP 47).
    pub locale: String,
    /// The zone it lives in.
    pub zone: Zone,
    /// Whether it is shut out.
    pub disabled: bool,
    /// Counts its changes; for ETags.
    pub version: i64,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// When it was deleted and its person's data with it.
    pub deleted_at: Option<Timestamp>,
}

impl User {
    /// What everybody signed in may know of it.
    pub fn card(&self) -> Card {
        Card { id: self.id, name: self.name.clone(), username: self.username.clone() }
    }

    /// Whether it administers now.
    pub(super) fn is_active_admin(&self) -> bool {
        self.role == GlobalRole::Admin && !self.disabled && self.deleted_at.is_none()
    }
}

/// What everybody signed in may know of an account.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Card {
    /// Its id.
    pub id: UserId,
    /// What people call it.
    pub name: String,
    /// What it is found by.
    pub username: String,
}

/// How accounts come to be, and how long people stay signed in.
#[derive(Clone, Debug)]
pub struct Policy {
    /// Whether people may make accounts for themselves.
    pub self_registration: bool,
    /// Whether they may choose to be organisers.
    pub role_choice: bool,
    /// Whether the very first account becomes an administrator.
    pub first_user_is_admin: bool,
    /// How long an access token is good for.
    pub access_lifetime: Duration,
    /// How long a refresh token is good for, and with it a session that nobody uses.
    pub refresh_lifetime: Duration,
}

impl Default for Policy {
    fn default() -> Self {
        Policy {
            self_registration: true,
            role_choice: true,
            first_user_is_admin: false,
            access_lifetime: Duration::from_secs(15 * 60),
            refresh_lifetime: Duration::from_secs(30 * 24 * 3_600),
        }
    }
}

/// A user name: 1 to 64 letters, digits, dots, underscores and hyphens of any script. Two that differ only in case are
/// the same: compare [`Username::key`]. It never has an `@`, so a login is either a user name or an e-mail address.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Username(String);

/// Why a text is no user name.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum UsernameError {
    /// It is empty, too long, or has other characters.
    Form,
    /// Deleted accounts are named so.
    Reserved,
}

impl fmt::Display for UsernameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            UsernameError::Form => "must have 1 to 64 letters, digits, dots, underscores and hyphens",
            UsernameError::Reserved => "must not begin with \"deleted-\"",
        })
    }
}

/// What the user names of deleted accounts begin with. Nobody else may have one: the name that a deletion needs must be free.
const DELETED: &str = "deleted-";

impl Username {
    /// The greatest number of characters.
    pub const MAX: usize = 64;

    /// Reads a user name.
    pub fn parse(text: &str) -> Result<Username, UsernameError> {
        let allowed = |c: char| c.is_alphanumeric() || matches!(c, '.' | '_' | '-');
        if text.is_empty() || text.chars().count() > Self::MAX || !text.chars().all(allowed) {
            return Err(UsernameError::Form);
        }
        let username = Username(text.to_owned());
        if username.key().starts_with(DELETED) { Err(UsernameError::Reserved) } else { Ok(username) }
    }

    /// The user name of this account once it is deleted.
    pub(super) fn of_deleted(id: UserId) -> Username {
        Username(format!("{DELETED}{id}"))
    }

    /// As it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The form in which user names are compared: lower case.
    pub fn key(&self) -> String {
        self.0.to_lowercase()
    }
}

/// A password that somebody chooses: 8 to 1024 characters, every one of which counts (nothing is trimmed).
#[derive(Clone, Debug)]
pub struct Password(Secret);

impl Password {
    /// The least number of characters.
    pub const MIN: usize = 8;
    /// The greatest number of characters.
    pub const MAX: usize = 1_024;

    /// Takes a text as a password; else the code and the sentence.
    pub fn parse(text: &str) -> Result<Password, (&'static str, String)> {
        match text.chars().count() {
            short if short < Self::MIN => Err(("too-short", format!("must have at least {} characters", Self::MIN))),
            long if long > Self::MAX => Err(("too-long", format!("must have at most {} characters", Self::MAX))),
            _ => Ok(Password(Secret::new(text))),
        }
    }

    /// The text, for hashing.
    pub(super) fn secret(&self) -> Secret {
        self.0.clone()
    }
}

/// A new account, ready to be written: its password is hashed already, because that takes too long for a transaction.
#[derive(Clone, Debug)]
pub struct NewAccount {
    /// What it signs in with.
    pub username: Username,
    /// Its e-mail address.
    pub email: EmailAddress,
    /// Whether somebody vouches for the address.
    pub email_verified: bool,
    /// What people call it.
    pub name: String,
    /// What it may do everywhere.
    pub role: GlobalRole,
    /// The language it reads.
    pub locale: String,
    /// The zone it lives in.
    pub zone: Zone,
    /// From [`super::Passwords::hash`].
    pub password_hash: String,
}

/// Where a sign-in comes from, for the list of sessions.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Origin {
    /// `User-Agent`.
    pub user_agent: String,
    /// The client's address.
    pub address: String,
}

/// `at` moved on by `by`, or the last instant there is.
pub(super) fn later(at: Timestamp, by: Duration) -> Timestamp {
    at.checked_add(by).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn user_names_are_letters_of_any_script_and_deleted_is_reserved() {
        for good in ["a", "anna.müller", "Ζωή_7", "李-雷", &"x".repeat(64)] {
            assert!(Username::parse(good).is_ok(), "{good}");
        }
        for bad in ["", "a b", "a@b", "a/b", "a\0b", "<b>", "%", &"x".repeat(65)] {
            assert_eq!(Username::parse(bad), Err(UsernameError::Form), "{bad}");
        }
        assert_eq!(Username::parse("Deleted-1"), Err(UsernameError::Reserved));
        assert_eq!(Username::parse("Anna").map(|name| name.key()), Ok("anna".to_owned()));
    }

    #[test]
    fn a_password_keeps_its_blanks_and_counts_characters_not_bytes() {
        assert!(Password::parse(" öäü ö ").is_err_and(|(code, _)| code == "too-short"));
        assert_eq!(
            Password::parse(" 1234567").map(|password| password.secret().reveal().to_owned()),
            Ok(" 1234567".to_owned())
        );
        assert!(Password::parse(&"é".repeat(1_024)).is_ok());
        assert!(Password::parse(&"é".repeat(1_025)).is_err_and(|(code, _)| code == "too-long"));
    }
}
