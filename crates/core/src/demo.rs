//! Sample people and calendars for a first look. They come in through the ordinary commands, so that they are nothing that
//! a user could not have made; all of them in one transaction, so that a demo is whole or not there.

use jiff::Timestamp;
use kalends_db::{Error, Tx, sql};
use kalends_ical::{Parsed, Series};
use kalends_kernel::{EmailAddress, Zone};
use serde_json::{Map, Value, json};

use crate::accounts::{self, CreateError, NewAccount, Username};
use crate::calendars::{self, CalendarError, CalendarInput};
use crate::ctx::{Actor, Credential, Ctx, Door, GlobalRole, SignedIn};
use crate::events::{self, EventError, Origin};
use crate::imports::{self, What};
use crate::settings;
use crate::sharing::{self, SharingError};

/// The setting that holds the password of a demo's people. Each demo has its own: a password that everybody knows would
/// open every demo that somebody left on the network.
const PASSWORD: &str = "demo_password";

/// The people, as user name, name, role: the first owns the calendars, the second edits, the third views.
pub const PEOPLE: &[(&str, &str, GlobalRole)] = &[
    ("alice", "Alice Ammann", GlobalRole::Organizer),
    ("bob", "Bob Berger", GlobalRole::User),
    ("carol", "Carol Cattaneo", GlobalRole::User),
    ("admin", "Admin", GlobalRole::Admin),
];

/// A calendar to be.
#[derive(Clone, Debug)]
pub struct Sample {
    /// The name of its file, for messages.
    pub file: &'static str,
    /// Who sees it anyway: `private`, `internal` or `public`.
    pub visibility: &'static str,
    /// The file.
    pub parsed: Parsed,
}

/// What a demo is made of.
#[derive(Clone, Debug)]
pub struct Demo {
    /// Everybody's password.
    pub password: String,
    /// Its hash.
    pub password_hash: String,
    /// The calendars.
    pub samples: Vec<Sample>,
}

/// Why there is no demo.
#[derive(Debug)]
pub enum DemoError {
    /// The database has accounts that are no demo's: it is somebody's own.
    NotEmpty,
    /// A sample was refused: a fault of ours.
    Refused(String),
    /// A fault.
    Internal(Error),
}

impl From<Error> for DemoError {
    fn from(error: Error) -> Self {
        DemoError::Internal(error)
    }
}
impl From<CreateError> for DemoError {
    fn from(error: CreateError) -> Self {
        match error {
            CreateError::Internal(error) => DemoError::Internal(error),
            other => DemoError::Refused(format!("an account: {other:?}")),
        }
    }
}
impl From<CalendarError> for DemoError {
    fn from(error: CalendarError) -> Self {
        match error {
            CalendarError::Internal(error) => DemoError::Internal(error),
            other => DemoError::Refused(format!("a calendar: {other:?}")),
        }
    }
}
impl From<SharingError> for DemoError {
    fn from(error: SharingError) -> Self {
        match error {
            SharingError::Internal(error) => DemoError::Internal(error),
            other => DemoError::Refused(format!("sharing: {other:?}")),
        }
    }
}

/// The password of the demo that the database has, if it has one.
pub async fn password(conn: &mut kalends_db::Conn) -> Result<Option<String>, Error> {
    settings::get(conn, PASSWORD).await
}

/// Makes the demo, unless it is there; gives the password that holds.
pub async fn load(tx: &mut Tx, now: Timestamp, demo: &Demo) -> Result<String, DemoError> {
    let holds = settings::set_once(tx, PASSWORD, &demo.password).await?;
    if holds != demo.password {
        return Ok(holds);
    }
    let accounts: i64 = sql("SELECT count(*) AS n FROM users").one(tx).await?;
    if accounts > 0 {
        return Err(DemoError::NotEmpty);
    }
    let system = Ctx::system(now, Door::Import);
    let mut owner = None;
    for (username, name, role) in PEOPLE {
        let user = make_person(tx, &system, demo, username, name, *role).await?;
        owner = owner.or(Some(user));
    }
    let alice = ctx_of(owner.ok_or_else(|| DemoError::Refused("there are no people".to_owned()))?, now);
    for sample in &demo.samples {
        for calendar in &sample.parsed.calendars {
            let made = make_calendar(tx, &alice, sample, calendar).await?;
            for series in &calendar.series {
                make_event(tx, &alice, &made, sample.file, series).await?;
            }
        }
    }
    Ok(holds)
}

async fn make_person(
    tx: &mut Tx,
    ctx: &Ctx,
    demo: &Demo,
    username: &str,
    name: &str,
    role: GlobalRole,
) -> Result<SignedIn, DemoError> {
    let wrong = |what: &dyn std::fmt::Display| DemoError::Refused(format!("{username}: {what}"));
    let new = NewAccount {
        username: Username::parse(username).map_err(|why| wrong(&why))?,
        email: EmailAddress::parse(&format!("{username}@example.org")).map_err(|why| wrong(&why))?,
        email_verified: true,
        name: name.to_owned(),
        role,
        locale: "en".to_owned(),
        zone: Zone::parse("Europe/Zurich").map_err(|why| wrong(&why))?,
        password_hash: demo.password_hash.clone(),
    };
    let user = accounts::create(tx, ctx, &new).await?;
    Ok(SignedIn {
        id: user.id,
        role: user.role,
        by: Credential::Session(ctx.ids.next::<kalends_kernel::kind::Session>()),
    })
}

/// The circumstances under which somebody imports something.
fn ctx_of(user: SignedIn, now: Timestamp) -> Ctx {
    Ctx { actor: Actor::User(user), ..Ctx::system(now, Door::Import) }
}

async fn make_calendar(
    tx: &mut Tx,
    ctx: &Ctx,
    sample: &Sample,
    calendar: &kalends_ical::Calendar,
) -> Result<calendars::Allowed, DemoError> {
    let body = json!({
        "name": calendar.name.as_deref().unwrap_or(sample.file),
        "description": calendar.description.as_deref().unwrap_or_default(),
        "color": calendar.color.as_deref().filter(|color| color.starts_with('#') && color.len() == 7),
        "time_zone": calendar.time_zone,
        "visibility": sample.visibility,
    });
    let input = CalendarInput::parse(&object(body)).map_err(CalendarError::Invalid)?;
    let made = calendars::create(tx, ctx, &input).await?;
    let shares = json!({"users": [{"username": "bob", "role": "editor"}, {"username": "carol", "role": "viewer"}]});
    let wishes = sharing::parse_share(&object(shares)).map_err(CalendarError::Invalid)?;
    sharing::share_calendar(tx, ctx, made.calendar.id, &wishes).await?;
    Ok(made)
}

async fn make_event(
    tx: &mut Tx,
    ctx: &Ctx,
    calendar: &calendars::Allowed,
    file: &str,
    series: &Series,
) -> Result<(), DemoError> {
    for item in imports::convert(series, Vec::new(), &calendar.calendar.zone) {
        let What::Whole(content) = item.what else {
            return Err(DemoError::Refused(format!("{file}, line {}: {:?}", item.line, item.what)));
        };
        match events::import_event(tx, ctx, calendar, &item.uid, *content, Origin::default()).await {
            Ok(_) => {}
            Err(EventError::Internal(error)) => return Err(error.into()),
            Err(other) => return Err(DemoError::Refused(format!("{file}, line {}: {other:?}", item.line))),
        }
    }
    Ok(())
}

/// The members of an object.
fn object(value: Value) -> Map<String, Value> {
    if let Value::Object(map) = value { map } else { Map::new() }
}
