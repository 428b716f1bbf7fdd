use kalends_core::accounts::{Card, NewSession, User};
use kalends_kernel::UserId;
use serde::Serialize;
use utoipa::ToSchema;

use crate::reply::etag;

/// What everybody signed in may know of an account.
#[derive(Serialize, ToSchema)]
// Nothing more: so that a document that may hold this or a whole account is one of the two.
#[serde(deny_unknown_fields)]
#[schema(title = "Card", example = json!({"id": "01941f29-7c00-7bbb-8000-3d1c7e9a5b10", "name": "Anna Müller", "username": "anna"}))]
pub struct CardView {
    /// Its id.
    #[schema(value_type = uuid::Uuid)]
    id: UserId,
    /// What people call it; "Deleted user" once it is deleted.
    name: String,
    /// What it is found by.
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
    /// Its id.
    #[schema(value_type = uuid::Uuid)]
    id: UserId,
    /// What it signs in with and is found by.
    username: String,
    /// Its e-mail address; null once the account is deleted.
    #[schema(required)]
    email: Option<String>,
    /// When the address was shown to be its own; null until then.
    #[schema(required)]
    email_verified_at: Option<String>,
    /// What people call it.
    name: String,
    /// `user`, `organizer` (may make public calendars and take registrations) or `admin`.
    role: &'static str,
    /// The language it reads (BCP 47).
    locale: String,
    /// The IANA zone it lives in.
    time_zone: String,
    /// Whether it is shut out.
    disabled: bool,
    /// Counts its changes.
    version: i64,
    /// When it was made.
    created_at: String,
    /// When it last changed.
    updated_at: String,
    /// When it was deleted; absent while it is not.
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

/// The tokens of a session. Both are secrets, and shown this once.
#[derive(Serialize, ToSchema)]
#[schema(title = "Tokens", example = json!({
    "access_token": "kla_3q2-7wAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "refresh_token": "klr_3q2-7wAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
    "token_type": "Bearer", "expires_in": 900
}))]
pub struct TokensView {
    /// For `Authorization: Bearer …`.
    access_token: String,
    /// For `POST /auth/refresh`, once.
    refresh_token: String,
    /// Always `Bearer`.
    token_type: &'static str,
    /// Seconds for which the access token is good.
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
