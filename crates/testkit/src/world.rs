//! A running server in the test's own process, and the people who use it.

use jiff::Timestamp;
use kalends_core::accounts::{Cost, CreateError, NewAccount, Password, User, Username, create};
use kalends_core::ctx::{Ctx, Door, GlobalRole};
use kalends_db::testing::TestDb;
use kalends_db::{Db, Engine, FromRow, Options, Row, sql};
use kalends_kernel::{CalendarId, Clock, EmailAddress, UserId, Zone};
use kalends_server::{Config, Flags, Running, start_with};
use reqwest::Method;
use serde_json::json;
use tokio::sync::Mutex;

use crate::request::{Reply, Request};

/// Where the clock stands when a world begins: a Friday in winter, at eleven o'clock in Zurich.
pub const START: &str = "2027-01-15T10:00:00Z";

/// Everybody's password. People are made with hashes that cost next to nothing.
const PASSWORD: &str = "correct horse";
const CHEAP: Cost = Cost { memory: 16, passes: 1, lanes: 1 };

/// A running server with its own database, clock and people.
pub struct World {
    /// The clock; it stands until it is moved.
    pub clock: Clock,
    /// The server's database, for what cannot be seen from outside.
    pub db: Db,
    /// The database of this test.
    pub test_db: TestDb,
    /// The configuration that the server runs with.
    pub config: Config,
    running: Option<Running>,
    client: reqwest::Client,
    base: String,
    made: Mutex<()>,
    _folder: tempfile::TempDir,
}

/// What is unusual about a world.
#[derive(Default)]
#[must_use = "a world begins with `start`"]
pub struct Builder {
    settings: Vec<(String, String)>,
    engine: Option<Engine>,
    over: Option<TestDb>,
}

impl Builder {
    /// With a setting, as the environment would give it: `set("rate_limit.enabled", "true")`.
    pub fn set(mut self, key: &str, value: &str) -> Builder {
        let variable = format!("KALENDS__{}", key.replace('.', "__").to_uppercase());
        self.settings.retain(|(name, _)| *name != variable);
        self.settings.push((variable, value.to_owned()));
        self
    }

    /// With requests being counted and refused.
    pub fn with_rate_limits(self) -> Builder {
        self.set("rate_limit.enabled", "true")
    }

    /// On this engine, whatever the test run is about: races are always also run on PostgreSQL.
    pub fn on(mut self, engine: Engine) -> Builder {
        self.engine = Some(engine);
        self
    }

    /// Over this database, which may be reached in an unusual way.
    pub fn over(mut self, db: TestDb) -> Builder {
        self.over = Some(db);
        self
    }

    /// Starts it.
    #[expect(clippy::expect_used, reason = "for tests only")]
    pub async fn start(self) -> World {
        let test_db = match (self.over, self.engine) {
            (Some(db), _) => db,
            (None, Some(engine)) => TestDb::on(engine).await,
            (None, None) => TestDb::new().await,
        };
        let folder = tempfile::tempdir().expect("a temporary folder");
        let clock = Clock::manual(START.parse().expect("a time"));
        let config = config(&test_db, folder.path(), self.settings);
        let running = start_with(config.clone(), clock.clone(), CHEAP).await.expect("the server starts");
        let client = reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .timeout(std::time::Duration::from_secs(60))
            .build()
            .expect("a client");
        let (db, base) = (running.db.clone(), format!("http://{}", running.addr));
        let running = Some(running);
        World { clock, db, test_db, config, running, client, base, made: Mutex::default(), _folder: folder }
    }
}

/// The configuration of a server on a test's database: a free port, no rate limits.
#[expect(clippy::expect_used, reason = "for tests only")]
pub fn config(db: &TestDb, folder: &std::path::Path, settings: Vec<(String, String)>) -> Config {
    let usual = [
        ("KALENDS__HTTP__LISTEN", "127.0.0.1:0"),
        ("KALENDS__RATE_LIMIT__ENABLED", "false"),
        ("KALENDS__SECRET_KEY", "a key of tests, long enough for everybody"),
    ];
    let usual = usual.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let flags = Flags { data: Some(folder.to_owned()), database: Some(db.url.clone()), ..Flags::default() };
    // The later wins.
    let mut config = Config::read(&flags, usual.into_iter().chain(settings)).expect("the configuration is right");
    if let Options::Postgres { connections, .. } = &mut config.database.options {
        // Many worlds share one PostgreSQL.
        *connections = 8;
    }
    config
}

impl World {
    /// A world as most tests want it.
    pub async fn new() -> World {
        World::builder().start().await
    }

    /// A world with something unusual.
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// The address of the server, without a slash at the end.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// What the server's handlers have.
    #[expect(clippy::expect_used, reason = "for tests only")]
    pub fn app(&self) -> &kalends_rest::App {
        &self.running.as_ref().expect("the server runs").app
    }

    /// The present.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Moves the clock.
    pub fn advance(&self, seconds: i64) {
        self.clock.advance(seconds);
    }

    /// Who is not signed in.
    pub fn anonymous(&self) -> Person {
        Person {
            name: "anonymous".to_owned(),
            id: String::new(),
            calendar: String::new(),
            token: None,
            base: self.base.clone(),
            client: self.client.clone(),
        }
    }

    /// Who owns. An organiser, so that public calendars and registrations are hers to make.
    pub async fn alice(&self) -> Person {
        self.person("alice", GlobalRole::Organizer).await
    }

    /// Who edits.
    pub async fn bob(&self) -> Person {
        self.person("bob", GlobalRole::User).await
    }

    /// Who views.
    pub async fn carol(&self) -> Person {
        self.person("carol", GlobalRole::User).await
    }

    /// Who has nothing.
    pub async fn mallory(&self) -> Person {
        self.person("mallory", GlobalRole::User).await
    }

    /// Who administers.
    pub async fn admin(&self) -> Person {
        self.person("admin", GlobalRole::Admin).await
    }

    /// Somebody with an account and a fresh session; the account is made at the first call.
    #[expect(clippy::expect_used, reason = "for tests only")]
    pub async fn person(&self, username: &str, role: GlobalRole) -> Person {
        let making = self.made.lock().await;
        let user = self.account(username, role).await;
        drop(making);
        let login = json!({"login": username, "password": PASSWORD});
        let signed_in = self.anonymous().post("/api/v1/auth/login").json(&login).expect(200).await;
        let token = signed_in.str("/access_token").to_owned();
        let mut person =
            Person { name: username.to_owned(), id: user.to_string(), token: Some(token), ..self.anonymous() };
        let mut conn = self.db.reader().await.expect("a reader");
        let own = sql("SELECT id FROM calendars WHERE owner_id = $1 AND is_default").bind(user);
        person.calendar = own.one::<Own>(&mut conn).await.expect("a calendar of one's own").0.to_string();
        person
    }

    /// The password with which a person of this world can sign in.
    pub fn password(&self) -> &'static str {
        PASSWORD
    }

    /// The id of an account, which is made when it is not there.
    #[expect(clippy::expect_used, clippy::panic, reason = "for tests only")]
    async fn account(&self, username: &str, role: GlobalRole) -> UserId {
        let password = Password::parse(PASSWORD).expect("a password");
        let password_hash = self.app().passwords.hash(&password).await.expect("a hash");
        let new = NewAccount {
            username: Username::parse(username).expect("a user name"),
            email: EmailAddress::parse(&format!("{username}@example.org")).expect("an address"),
            email_verified: true,
            name: capitalised(username),
            role,
            locale: "en".to_owned(),
            zone: Zone::parse("Europe/Zurich").expect("a zone"),
            password_hash,
        };
        let ctx = Ctx::system(self.now(), Door::Cli);
        let made: Result<User, CreateError> =
            self.db.write((ctx, new), |tx, (ctx, new)| Box::pin(create(tx, ctx, new))).await;
        match made {
            Ok(user) => user.id,
            Err(CreateError::UsernameTaken) => {
                let mut conn = self.db.reader().await.expect("a reader");
                let found = kalends_core::accounts::find_by_login(&mut conn, username).await.expect("an answer");
                found.expect("the account is there").id
            }
            Err(other) => panic!("{username} could not be made: {other:?}"),
        }
    }

    /// Stops the server and starts it again on the same database, at another address. People from before keep their
    /// sessions, but ask at the old address: get them anew.
    #[expect(clippy::expect_used, reason = "for tests only")]
    pub async fn restart(&mut self) {
        if let Some(running) = self.running.take() {
            running.stop().await;
        }
        let running = start_with(self.config.clone(), self.clock.clone(), CHEAP).await.expect("the server starts");
        self.db = running.db.clone();
        self.base = format!("http://{}", running.addr);
        self.running = Some(running);
    }

    /// Stops the server and leaves the database, for tests that do its work themselves.
    pub async fn halt(&mut self) {
        if let Some(running) = self.running.take() {
            running.stop().await;
        }
    }

    /// Stops the server as the program would.
    pub async fn stop(mut self) {
        if let Some(running) = self.running.take() {
            running.stop().await;
        }
    }
}

struct Own(CalendarId);

impl FromRow for Own {
    fn from_row(row: &Row) -> kalends_db::Result<Self> {
        row.get("id").map(Own)
    }
}

fn capitalised(word: &str) -> String {
    let mut chars = word.chars();
    chars.next().map(|first| first.to_uppercase().chain(chars).collect()).unwrap_or_default()
}

/// Somebody who sends requests.
#[derive(Clone)]
pub struct Person {
    /// The user name.
    pub name: String,
    /// The account's id; empty for who is anonymous.
    pub id: String,
    /// The id of the account's own calendar; empty for who is anonymous.
    pub calendar: String,
    /// The token shown with each request.
    pub token: Option<String>,
    base: String,
    client: reqwest::Client,
}

impl Person {
    /// The same person with another token, such as a personal one.
    pub fn with_token(&self, token: &str) -> Person {
        Person { token: Some(token.to_owned()), ..self.clone() }
    }

    /// GET. Paths begin with a slash: `/api/v1/me`.
    pub fn get(&self, path: &str) -> Request {
        self.request(Method::GET, path)
    }

    /// HEAD.
    pub fn head(&self, path: &str) -> Request {
        self.request(Method::HEAD, path)
    }

    /// POST.
    pub fn post(&self, path: &str) -> Request {
        self.request(Method::POST, path)
    }

    /// PUT.
    pub fn put(&self, path: &str) -> Request {
        self.request(Method::PUT, path)
    }

    /// PATCH.
    pub fn patch(&self, path: &str) -> Request {
        self.request(Method::PATCH, path)
    }

    /// DELETE.
    pub fn delete(&self, path: &str) -> Request {
        self.request(Method::DELETE, path)
    }

    /// Sends a file to be imported, and gives the job once nothing more happens to it.
    pub async fn import(&self, calendar: &str, ics: &str, parts: &[(&str, &str)]) -> Reply {
        let parts: Vec<(&str, &str)> = [("calendar_id", calendar)].into_iter().chain(parts.iter().copied()).collect();
        let begun = self.post("/api/v1/imports").upload("calendar.ics", ics.as_bytes(), &parts).expect(202).await;
        self.finished(&begun.id()).await
    }

    /// A job, once nothing more happens to it.
    #[expect(clippy::panic, reason = "for tests only")]
    pub async fn finished(&self, job: &str) -> Reply {
        let mut ticks = tokio::time::interval(std::time::Duration::from_millis(10));
        for _ in 0..6_000 {
            let reply = self.get(&format!("/api/v1/jobs/{job}")).expect(200).await;
            if !["queued", "running"].contains(&reply.str("/state")) {
                return reply;
            }
            ticks.tick().await;
        }
        panic!("the job {job} does not end")
    }

    /// Any method.
    pub fn request(&self, method: Method, path: &str) -> Request {
        let what = format!("{} {method} {path}", self.name);
        let mut inner = self.client.request(method, format!("{}{path}", self.base));
        if let Some(token) = &self.token {
            inner = inner.bearer_auth(token);
        }
        Request::new(inner, what)
    }
}
