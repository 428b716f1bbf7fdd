use kalends_db::{Conn, Result, Tx};
use kalends_kernel::fields::{Fields, Text};
use kalends_kernel::{Invalid, Secret, UserId};
use serde_json::{Map, Value};

use super::register::read_secret;
use super::store::SecretOf;
use super::{NewSession, Origin, Passwords, PasswordsError, Policy, sessions, store};
use crate::ctx::Ctx;

/// What a person says who wants to sign in.
#[derive(Clone, Debug)]
pub struct Attempt {
    /// User name or e-mail address.
    pub login: String,
    /// The password.
    pub password: Secret,
}

impl Attempt {
    /// Reads `{login | username, password}`.
    pub fn parse(body: &Map<String, Value>) -> Result<Attempt, Invalid> {
        Self::read(Fields::of_map(body, ""))
    }

    /// Reads the members of an OAuth2 password form (RFC 6749 4.3.2); who the client is and what it asks for do not matter.
    pub fn parse_form(form: &Map<String, Value>) -> Result<Attempt, Invalid> {
        let mut fields = Fields::of_map(form, "");
        fields.choice("grant_type", &[("password", ())]);
        for tolerated in ["scope", "client_id", "client_secret"] {
            fields.value(tolerated);
        }
        Self::read(fields)
    }

    fn read(mut fields: Fields<'_>) -> Result<Attempt, Invalid> {
        let login = fields.text("login", Text::line(254).filled());
        let username = fields.text("username", Text::line(254).filled());
        if login.is_some() && username.is_some() {
            fields.error("username", "contradiction", "give either login or username");
        }
        let login = login.or(username);
        if !fields.is_given("username") {
            fields.require("login", login.as_ref());
        } else if !fields.is_given("login") {
            fields.require("username", login.as_ref());
        }
        let password = read_secret(&mut fields, "password").unwrap_or_default();
        fields.finish().or(Attempt { login: login.unwrap_or_default(), password: Secret::new(password) })
    }
}

/// What a password is checked against; also when there is nobody, so that the check takes as long.
pub struct Credentials(Option<SecretOf>);

/// What an account that signs in with this name or address is checked against.
pub async fn credentials_of_login(conn: &mut Conn, login: &str) -> Result<Credentials> {
    Ok(Credentials(store::secret_of_login(conn, login).await?))
}

/// What an account is checked against that is signed in already.
pub async fn credentials_of(conn: &mut Conn, id: UserId) -> Result<Credentials> {
    Ok(Credentials(store::secret_of(conn, id).await?))
}

/// Somebody knew the password of this account when it had this hash.
#[derive(Clone, Debug)]
pub struct Proof {
    user: UserId,
    hash: String,
}

impl Credentials {
    /// Checks a password. The answer and the work are the same for an unknown account, a wrong password, a disabled and
    /// a deleted account.
    pub async fn check(self, passwords: &Passwords, password: &Secret) -> Result<Option<Proof>, PasswordsError> {
        let hash = self.0.as_ref().and_then(|found| found.hash.as_deref());
        let right = passwords.check(hash, password).await?;
        Ok(match self.0 {
            Some(SecretOf { user, hash: Some(hash), open: true }) if right => Some(Proof { user, hash }),
            _ => None,
        })
    }
}

impl Proof {
    /// Whose password it was.
    pub fn user(&self) -> UserId {
        self.user
    }

    /// Whether it still holds: the check ran outside the transaction, so the password may have been changed and the
    /// account shut since. The account stays locked until the commit, so that a change waits and then ends this session.
    pub(super) async fn still_holds(&self, tx: &mut Tx) -> Result<bool> {
        let now = store::lock_secret_of(tx, self.user).await?;
        Ok(now.is_some_and(|now| now.open && now.hash.as_deref() == Some(self.hash.as_str())))
    }
}

/// Starts a session for whoever proved to know the password; none when that does not hold any more.
pub async fn sign_in(
    tx: &mut Tx,
    ctx: &Ctx,
    proof: &Proof,
    origin: &Origin,
    policy: &Policy,
) -> Result<Option<NewSession>> {
    if !proof.still_holds(tx).await? {
        return Ok(None);
    }
    sessions::start(tx, ctx, proof.user, origin, policy).await.map(Some)
}
