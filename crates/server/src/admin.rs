//! `kalends admin create`: how the first administrator comes to be.

use std::io::Read;

use anyhow::{Context, Result, bail};
use kalends_core::accounts::{self, Cost, CreateError, Password, Passwords, User, Username};
use kalends_core::ctx::{Ctx, Door};
use kalends_kernel::{Clock, EmailAddress};

use crate::config::Config;
use crate::start;

/// Who the administrator shall be.
#[derive(Debug, clap::Args)]
pub struct NewAdmin {
    /// The name to sign in with
    #[arg(long)]
    pub username: String,
    /// The e-mail address; it counts as verified
    #[arg(long)]
    pub email: String,
    /// Read the password from standard input: arguments can be seen by every user of the machine
    #[arg(long, required = true)]
    pub password_stdin: bool,
}

/// Makes the account and says so.
pub async fn create(config: &Config, clock: &Clock, new: &NewAdmin) -> Result<User> {
    let username = match Username::parse(&new.username) {
        Ok(username) => username,
        Err(why) => bail!("--username {:?} {why}", new.username),
    };
    let email = match EmailAddress::parse(&new.email) {
        Ok(email) => email,
        Err(why) => bail!("--email {:?} {why}", new.email),
    };
    let password = match Password::parse(&read_line()?) {
        Ok(password) => password,
        Err((_, why)) => bail!("the password {why}"),
    };
    let hash = Passwords::new(Cost::default())?.hash(&password).await?;
    let db = start::open(config, clock).await?;
    let ctx = Ctx::system(clock.now(), Door::Cli);
    let made = db
        .write((ctx, username, email, hash), |tx, (ctx, username, email, hash)| {
            Box::pin(accounts::create_admin(tx, ctx, username, email, hash))
        })
        .await;
    db.close().await;
    match made {
        Ok(user) => Ok(user),
        Err(CreateError::UsernameTaken) => bail!("there is an account with the user name {:?} already", new.username),
        Err(CreateError::EmailTaken) => bail!("there is an account with the address {:?} already", new.email),
        Err(CreateError::Internal(error)) => Err(error).context("making the account"),
    }
}

/// The password: standard input without its last line end, every other character counts.
fn read_line() -> Result<String> {
    let mut text = String::new();
    // More than a password can have; what is too long is refused later with a sentence.
    std::io::stdin().take(64 << 10).read_to_string(&mut text).context("reading the password from standard input")?;
    let line = text.strip_suffix('\n').unwrap_or(&text);
    Ok(line.strip_suffix('\r').unwrap_or(line).to_owned())
}
