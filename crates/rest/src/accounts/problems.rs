//! What the refusals of accounts are to a caller.

use kalends_core::accounts::{AccountError, PasswordsError, RegisterError, TokenError, User};

use super::AccountView;
use crate::codes;
use crate::problem::Problem;

impl From<RegisterError> for Problem {
    fn from(error: RegisterError) -> Problem {
        match error {
            RegisterError::Closed => Problem::new(&codes::SIGN_UP_CLOSED),
            RegisterError::Invalid(invalid) => invalid.into(),
            RegisterError::UsernameTaken => Problem::new(&codes::USERNAME_TAKEN),
            RegisterError::EmailTaken => Problem::new(&codes::EMAIL_TAKEN),
            RegisterError::Internal(error) => error.into(),
        }
    }
}

impl From<AccountError> for Problem {
    fn from(error: AccountError) -> Problem {
        match error {
            AccountError::NotFound => Problem::new(&codes::NOT_FOUND),
            AccountError::Invalid(invalid) => invalid.into(),
            AccountError::Changed(now) => current(*now),
            AccountError::UsernameTaken => Problem::new(&codes::USERNAME_TAKEN),
            AccountError::EmailTaken => Problem::new(&codes::EMAIL_TAKEN),
            AccountError::LastAdmin => Problem::new(&codes::LAST_ADMIN),
            AccountError::Internal(error) => error.into(),
        }
    }
}

impl From<TokenError> for Problem {
    fn from(error: TokenError) -> Problem {
        match error {
            TokenError::Invalid(invalid) => invalid.into(),
            TokenError::Internal(error) => error.into(),
        }
    }
}

impl From<PasswordsError> for Problem {
    fn from(error: PasswordsError) -> Problem {
        match error {
            PasswordsError::Busy => Problem::new(&codes::BUSY).retry_after(2),
            PasswordsError::Failed(why) => {
                tracing::error!(why, "a password could not be hashed");
                Problem::new(&codes::INTERNAL)
            }
        }
    }
}

/// The account is not the version that the caller looked at.
fn current(now: User) -> Problem {
    let view = AccountView::of(now);
    let etag = view.etag();
    Problem::new(&codes::PRECONDITION_FAILED).with("current", &view).etag(etag)
}
