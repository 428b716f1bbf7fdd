use kalends_db::{Error, Tx};
use kalends_kernel::{EmailAddress, UserId, Zone};

use super::{NewAccount, User, Username, record, store};
use crate::calendars;
use crate::changes::Op;
use crate::ctx::{Ctx, GlobalRole};
use crate::reactions;

/// Why an account could not be made.
#[derive(Debug)]
pub enum CreateError {
    /// Another account has the user name.
    UsernameTaken,
    /// Another account has the e-mail address.
    EmailTaken,
    /// A fault.
    Internal(Error),
}

impl From<Error> for CreateError {
    fn from(error: Error) -> Self {
        match error {
            Error::Unique(index) if index == "users_username_key" => CreateError::UsernameTaken,
            Error::Unique(index) if index == "users_email_key" => CreateError::EmailTaken,
            other => CreateError::Internal(other),
        }
    }
}

/// Makes an account and its calendar. Who may is the caller's to know: [`super::register`], the command line, the demo.
pub async fn create(tx: &mut Tx, ctx: &Ctx, new: &NewAccount) -> Result<User, CreateError> {
    if store::is_username_taken(tx, &new.username.key()).await? {
        return Err(CreateError::UsernameTaken);
    }
    let id: UserId = ctx.ids.next();
    store::insert(tx, id, new, ctx.now).await?;
    calendars::create_default(tx, ctx, id, &new.zone).await?;
    record(tx, ctx, Op::Created, id, 1, None).await?;
    if new.email_verified {
        reactions::address_verified(tx, ctx, id, &new.email.key()).await?;
    }
    Ok(User {
        id,
        username: new.username.as_str().to_owned(),
        email: Some(new.email.as_str().to_owned()),
        email_verified_at: new.email_verified.then_some(ctx.now),
        name: new.name.clone(),
        role: new.role,
        locale: new.locale.clone(),
        zone: new.zone.clone(),
        disabled: false,
        version: 1,
        created_at: ctx.now,
        updated_at: ctx.now,
        deleted_at: None,
    })
}

/// Makes an administrator, from the command line. Whoever holds the machine vouches for the address.
pub async fn create_admin(
    tx: &mut Tx,
    ctx: &Ctx,
    username: &Username,
    email: &EmailAddress,
    password_hash: &str,
) -> Result<User, CreateError> {
    let new = NewAccount {
        username: username.clone(),
        email: email.clone(),
        email_verified: true,
        name: username.as_str().to_owned(),
        role: GlobalRole::Admin,
        locale: "en".to_owned(),
        zone: Zone::utc(),
        password_hash: password_hash.to_owned(),
    };
    create(tx, ctx, &new).await
}
