//! Accounts, the sessions and tokens by which they show who they are, and who may change them.
//!
//! Invariants: user names and e-mail addresses are unique, whatever their case; only digests of tokens and argon2id hashes
//! of passwords are stored; every request asks the database (or a cache of at most a second) for the session, so that a
//! logout, a new role or a disabled account takes effect at once; a refresh token is good once, and its second use ends
//! the session; there is always an administrator once there was one; deleting an account takes the person out of it and
//! leaves the history.
#![deny(missing_docs)]

mod card;
mod create;
mod delete;
mod edit;
mod edit_by_admin;
mod housekeeping;
mod list;
mod model;
mod password;
mod passwords;
mod personal_tokens;
mod refresh;
mod register;
mod sessions;
mod sign_in;
mod store;
mod tokens;

pub use card::{card, find, find_by_login};
pub use create::{CreateError, create, create_admin};
pub use delete::delete;
pub use edit::edit;
pub use edit_by_admin::edit_by_admin;
pub use housekeeping::housekeeping;
pub use list::{Listed, count, list};
pub use model::{Card, NewAccount, Origin, Password, Policy, User, Username, UsernameError};
pub use password::{PasswordChange, change_password, note_wrong_password, parse_password_change};
pub use passwords::{Cost, Passwords, PasswordsError};
pub use personal_tokens::{
    MadeToken, PersonalToken, TokenError, TokenInput, create_token, revoke_token, token_count, tokens,
};
pub use refresh::{Refreshed, parse_refresh, refresh};
pub use register::{RegisterError, Registration, register};
pub use sessions::{NewSession, Session, end_session, end_session_of_refresh_token, session_count, sessions};
pub use sign_in::{Attempt, Credentials, Proof, credentials_of, credentials_of_login, sign_in};
pub use tokens::{Verified, note_use, token_digest, verify};

use kalends_db::{Error, Tx};
use kalends_kernel::{Invalid, UserId};

use crate::changes::{self, Change, Kind, Op};
use crate::ctx::Ctx;

/// Why a command on an account was refused.
#[derive(Debug)]
pub enum AccountError {
    /// There is no such account, or it was deleted.
    NotFound,
    /// The input is wrong.
    Invalid(Invalid),
    /// It was changed since the version that the caller names; this is what it is now.
    Changed(Box<User>),
    /// Another account has the user name.
    UsernameTaken,
    /// Another account has the e-mail address.
    EmailTaken,
    /// Nobody would be left to administer.
    LastAdmin,
    /// A fault.
    Internal(Error),
}

impl From<Error> for AccountError {
    fn from(error: Error) -> Self {
        match error {
            Error::Unique(index) if index == "users_username_key" => AccountError::UsernameTaken,
            Error::Unique(index) if index == "users_email_key" => AccountError::EmailTaken,
            other => AccountError::Internal(other),
        }
    }
}
impl From<Invalid> for AccountError {
    fn from(invalid: Invalid) -> Self {
        AccountError::Invalid(invalid)
    }
}

/// Refuses to take this account out of the administrators when it is the last. The lock makes two who step down at the
/// same time do it one after the other; it comes before the lock of the account itself, so that they never wait for
/// each other in a circle.
async fn another_admin_than(tx: &mut Tx, id: UserId) -> Result<bool, Error> {
    Ok(store::lock_admins(tx).await?.into_iter().any(|admin| admin != id))
}

async fn record(
    tx: &mut Tx,
    ctx: &Ctx,
    op: Op,
    id: UserId,
    version: i64,
    detail: Option<serde_json::Value>,
) -> Result<(), Error> {
    let change = Change {
        kind: Kind::User,
        op,
        record: id.uuid(),
        calendar: None,
        user: Some(id),
        version: Some(version),
        detail,
    };
    changes::record(tx, ctx, change).await
}
