use kalends_core::accounts::{Card, NewSession, User};
use kalends_kernel::UserId;
use serde::Serialize;
use utoipa::ToSchema;

use crate::reply::etag;

/// The part of an account that everyone who is signed in can see.
#[derive(Serialize, ToSchema)]
// Nothing more: so that a document that may hold this or a whole account is one of the two.
#[serde(deny_unknown_fields)]
#[schema(title = "Card", example = json!({"id": "01941f29-7c00-7bbb-8000-3d1c7e9a5b10", "name": "Anna Müller", "username": "anna"}))]
pub struct CardView {
    /// The id.
    #[schema(value_type = uuid::Uuid)]
    id: UserId,
    /// The display name; "Deleted user" for a deleted account.
    name: String,
    /// The user name.
    username: String,
}

impl CardView {
    pub(crate) fn of(card: Card) -> CardView {
        CardView { id: card.id, name: card.name, username: card.username }
    }
}

/// An account, as its owner and administrators see it.
#[derive(Serialize, ToSchema)]
#[schema(title = "Account", example = json!({
    "id": "01941f29-7c00-7bbb-8000-3d1c7e9a5b10", "username": "anna", "email": "anna@example.org", "email_verified_at": null,
    "name": "Anna Müller", "role": "user", "locale": "de-CH", "time_zone": "Europe/Zurich", "disabled": false, "version": 1,
    "created_at": "2027-01-15T10:00:00Z", "updated_at": "2027-01-15T10:00:00Z"
}))]
pub struct AccountView {
    /// The id.
    #[schema(value_type = uuid::Uuid)]
    id: UserId,
    /// The user name, for sign-in and search.
    username: String,
    /// The email address; null once the account is deleted.
    #[schema(required)]
    email: Option<String>,
    /// The instant at which the email address was verified; null until then.
    #[schema(required)]
    email_verified_at: Option<String>,
    /// The display name.
    name: String,
    /// The role. An `organizer` can create public calendars and venues and take registrations.
    role: &'static str,
    /// The language (BCP 47).
    locale: String,
    /// The IANA time zone.
    time_zone: String,
    /// Whether an administrator has disabled the account.
    disabled: bool,
    /// The version. It grows by 1 with each change.
    version: i64,
    /// The instant of creation.
    created_at: String,
    /// The instant of the last change.
    updated_at: String,
    /// The instant at which the account was deleted. Omitted while it exists.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    deleted_at: Option<String>,
}

impl AccountView {
    pub(crate) fn of(user: User) -> AccountView {
        AccountView {
            id: user.id,
            username: user.username,
            email: user.email,
            email_verified_at: user.email_verified_at.map(|at| at.to_string()),
            name: user.name,
            role: user.role.name(),
            locale: user.locale,
            time_zone: user.zone.name().to_owned(),
            disabled: user.disabled,
            version: user.version,
            created_at: user.created_at.to_string(),
            updated_at: user.updated_at.to_string(),
            deleted_at: user.deleted_at.map(|at| at.to_string()),
        }
    }

    pub(crate) fn etag(&self) -> String {
        etag(self.version, &["account"])
    }
}

/// The tokens of a session. Both are secrets and are shown only once.
#[derive(Serialize, ToSchema)]
#[schema(title = "Tokens", example = json!({
    "access_token": "kla_3q2-7wAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "refresh_token": "klr_3q2-7wAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
    "token_type": "Bearer", "expires_in": 900
}))]
pub struct TokensView {
    /// The access token, for `Authorization: Bearer …`.
    access_token: String,
    /// The refresh token, for one `POST /auth/refresh`.
    refresh_token: String,
    /// Always `Bearer`.
    token_type: &'static str,
    /// The number of seconds until the access token expires.
    expires_in: u64,
}

impl TokensView {
    pub(super) fn of(session: &NewSession) -> TokensView {
        TokensView {
            access_token: session.access_token.reveal().to_owned(),
            refresh_token: session.refresh_token.reveal().to_owned(),
            token_type: "Bearer",
            expires_in: session.expires_in,
        }
    }
}

/// A new account and the tokens of its first session.
#[derive(Serialize, ToSchema)]
#[schema(title = "SignedUp")]
pub struct SignedUpView {
    /// The account.
    pub(super) user: AccountView,
    #[serde(flatten)]
    pub(super) tokens: TokensView,
}
