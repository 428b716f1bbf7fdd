//! Where it is measured: a database, a server on it, somebody who is signed in.

use std::path::PathBuf;

use anyhow::{Context, Result, anyhow, bail};
use kalends_core::accounts::{Cost, CreateError, NewAccount, Password, User, Username, create};
use kalends_core::ctx::{Actor, Credential, Ctx, Door, GlobalRole, SignedIn};
use kalends_db::Options;
use kalends_db::testing::run_alone;
use kalends_kernel::{Clock, EmailAddress, Id, Ids, UserId, Zone};
use kalends_server::{Config, Flags, Running, start_with};
use serde_json::{Value, json};

use crate::load::{Connection, request};

pub use kalends_db::Engine;

const PASSWORD: &str = "correct horse";
/// Hashes that cost next to nothing: passwords are not what is measured.
const CHEAP: Cost = Cost { memory: 16, passes: 1, lanes: 1 };

/// The name of an engine.
pub fn name(engine: Engine) -> &'static str {
    match engine {
        Engine::Sqlite => "SQLite",
        Engine::Postgres => "PostgreSQL",
    }
}

/// The address of the PostgreSQL server to measure on.
pub fn postgres_server() -> Option<String> {
    std::env::var("KALENDS_TEST_POSTGRES").ok()
}

/// A database for the length of a run, or for longer when it has a name.
pub struct Place {
    pub url: String,
    /// Whether it was there before.
    pub existed: bool,
    _folder: tempfile::TempDir,
    drop_at_end: Option<String>,
}

impl Place {
    /// An empty one.
    pub async fn fresh(engine: Engine) -> Result<Place> {
        let folder = tempfile::tempdir()?;
        match engine {
            Engine::Sqlite => {
                let url = format!("sqlite:{}", folder.path().join("kalends.db").display());
                Ok(Place { url, existed: false, _folder: folder, drop_at_end: None })
            }
            Engine::Postgres => {
                let database = format!("bench_{}", Ids::at(Clock::system().now()).uuid().simple());
                run_on_server(&format!("CREATE DATABASE {database}")).await?;
                let url = with_database(&database)?;
                Ok(Place { url, existed: false, _folder: folder, drop_at_end: Some(database) })
            }
        }
    }

    /// The one of this name, which stays for the next run.
    pub async fn kept(engine: Engine, name: &str) -> Result<Place> {
        let folder = tempfile::tempdir()?;
        match engine {
            Engine::Sqlite => {
                let kept = kept_folder()?;
                let path = kept.join(format!("{name}.db"));
                let url = format!("sqlite:{}", path.display());
                Ok(Place { url, existed: path.exists(), _folder: folder, drop_at_end: None })
            }
            Engine::Postgres => {
                let existed = run_on_server(&format!("CREATE DATABASE {name}")).await.is_err();
                Ok(Place { url: with_database(name)?, existed, _folder: folder, drop_at_end: None })
            }
        }
    }

    /// A server on it: everything as by default, but nobody is refused for asking often.
    pub async fn serve(&self) -> Result<Running> {
        let settings = [
            ("KALENDS__HTTP__LISTEN", "127.0.0.1:0"),
            ("KALENDS__RATE_LIMIT__ENABLED", "false"),
            ("KALENDS__SECRET_KEY", "a key of benchmarks, long enough for all"),
        ];
        let settings = settings.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let flags =
            Flags { data: Some(self._folder.path().to_owned()), database: Some(self.url.clone()), ..Flags::default() };
        let config = Config::read(&flags, settings).map_err(|error| anyhow!("{error:?}"))?;
        start_with(config, Clock::system(), CHEAP).await
    }

    /// The way to it.
    pub fn options(&self) -> Result<Options> {
        Ok(Options::parse(&self.url)?)
    }

    /// Forgets what was not seeded to its end.
    pub async fn keep_if<T>(&self, seeding: Result<T>) -> Result<T> {
        if seeding.is_err() {
            match self.options()? {
                Options::Sqlite { path, .. } => std::fs::remove_file(path)?,
                Options::Postgres { .. } => {
                    let name = self.url.rsplit('/').next().unwrap_or_default();
                    run_on_server(&format!("DROP DATABASE {name}")).await?;
                }
            }
        }
        seeding
    }

    /// Ends it, after its server.
    pub async fn end(self) -> Result<()> {
        match &self.drop_at_end {
            Some(database) => run_on_server(&format!("DROP DATABASE {database}")).await,
            None => Ok(()),
        }
    }
}

/// Seeding takes minutes: what was seeded lies beside this program.
pub fn kept_folder() -> Result<PathBuf> {
    let program = std::env::current_exe()?;
    let target = program.ancestors().nth(2).context("this program is not in a target folder")?;
    let folder = target.join("bench");
    std::fs::create_dir_all(&folder)?;
    Ok(folder)
}

fn with_database(name: &str) -> Result<String> {
    let server = postgres_server().context("KALENDS_TEST_POSTGRES names no server")?;
    let base = server.rsplit_once('/').map_or(server.as_str(), |(base, _)| base);
    Ok(format!("{base}/{name}"))
}

/// Making databases is not for transactions.
async fn run_on_server(text: &str) -> Result<()> {
    let url = postgres_server().context("KALENDS_TEST_POSTGRES names no server")?;
    Ok(run_alone(&Options::parse(&url)?, text).await?)
}

/// Somebody with an account; found when it is there. An organiser: they may make calendars public.
pub async fn person(running: &Running, username: &str) -> Result<UserId> {
    let password = Password::parse(PASSWORD).map_err(|(_, why)| anyhow!("the password {why}"))?;
    let new = NewAccount {
        username: Username::parse(username).map_err(|why| anyhow!("{why}"))?,
        email: EmailAddress::parse(&format!("{username}@example.org")).map_err(|why| anyhow!("{why}"))?,
        email_verified: true,
        name: username.to_owned(),
        role: GlobalRole::Organizer,
        locale: "en".to_owned(),
        zone: Zone::parse("Europe/Zurich").map_err(|why| anyhow!("{why}"))?,
        password_hash: running.app.passwords.hash(&password).await?,
    };
    let ctx = Ctx::system(Clock::system().now(), Door::Cli);
    let made: Result<User, CreateError> =
        running.db.write((ctx, new), |tx, (ctx, new)| Box::pin(create(tx, ctx, new))).await;
    match made {
        Ok(user) => Ok(user.id),
        Err(CreateError::UsernameTaken) => {
            let found = kalends_core::accounts::find_by_login(&mut *running.db.reader().await?, username).await?;
            found.map(|user| user.id).context("the account is there")
        }
        Err(other) => bail!("{username} could not be made: {other:?}"),
    }
}

/// The circumstances of what this person does.
pub fn ctx_of(user: UserId) -> Ctx {
    let by = Credential::Session(Id::new(uuid::Uuid::nil()));
    Ctx {
        actor: Actor::User(SignedIn { id: user, role: GlobalRole::User, by }),
        ..Ctx::system(Clock::system().now(), Door::Import)
    }
}

/// Does something over HTTP and gives the answer; a refusal is an error.
pub async fn call(connection: &mut Connection, method: &str, path: &str, token: &str, body: &Value) -> Result<Value> {
    let body = if body.is_null() { String::new() } else { body.to_string() };
    let status = connection.send(&request(method, path, token, &body)).await?;
    if status >= 300 {
        bail!("{method} {path} answered {status}: {}", String::from_utf8_lossy(connection.body()));
    }
    if status == 204 { Ok(Value::Null) } else { connection.json() }
}

/// A text in an answer.
pub fn text(answer: &Value, name: &str) -> Result<String> {
    answer.get(name).and_then(Value::as_str).map(str::to_owned).with_context(|| format!("no {name} in {answer}"))
}

/// An access token, by signing in.
pub async fn token(running: &Running, username: &str) -> Result<String> {
    let mut connection = Connection::open(running.addr).await?;
    let body = json!({"login": username, "password": PASSWORD}).to_string();
    let status = connection.send(&request("POST", "/api/v1/auth/login", "", &body)).await?;
    let answer = connection.json()?;
    let token = answer.get("access_token").and_then(|token| token.as_str());
    token.map(str::to_owned).with_context(|| format!("signing in gave {status}"))
}
