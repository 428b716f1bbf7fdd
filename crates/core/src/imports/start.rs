use kalends_db::{Error, Tx};
use kalends_kernel::{CalendarId, Invalid, UploadId, UserId};
use serde_json::json;
use sha2::{Digest, Sha256};

use super::store::{self, Upload};
use crate::access::{Can, Denied};
use crate::calendars::{self, CalendarError};
use crate::ctx::{Ctx, Door};
use crate::events;
use crate::jobs::{self, Job, Kind, NewJob};

/// How a file is read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Profile {
    /// iCalendar.
    Ics,
}

impl Profile {
    /// Every profile with its name in the API.
    pub const NAMES: &'static [(&'static str, Profile)] = &[("ics", Profile::Ics)];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Profile::Ics => "ics",
        }
    }
}

/// An import to be.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NewImport {
    /// How the file is read.
    pub profile: Profile,
    /// Which calendar; none for the account's own.
    pub calendar: Option<CalendarId>,
    /// Whether only to say what would be done.
    pub dry_run: bool,
    /// The file's name, for people.
    pub name: String,
    /// What the sender says that it is.
    pub media_type: String,
    /// The file.
    pub content: Vec<u8>,
}

/// Why an import does not begin.
#[derive(Debug)]
pub enum ImportError {
    /// The actor may not put events into the calendar, or does not see it.
    Denied(Denied),
    /// The input is wrong.
    Invalid(Invalid),
    /// A fault.
    Internal(Error),
}

impl From<Error> for ImportError {
    fn from(error: Error) -> Self {
        ImportError::Internal(error)
    }
}
impl From<CalendarError> for ImportError {
    fn from(error: CalendarError) -> Self {
        match error {
            CalendarError::Denied(denied) => ImportError::Denied(denied),
            CalendarError::Internal(error) => ImportError::Internal(error),
            CalendarError::Invalid(invalid) => ImportError::Invalid(invalid),
            // Loading a calendar says none of the others.
            _ => ImportError::Denied(Denied::NotFound),
        }
    }
}

/// How many imports of an account may wait or run.
const MOST_WAITING: i64 = 20;
/// How many bytes of files are kept of an account at most, beside the last one.
const MOST_KEPT: i64 = 1 << 30;

/// One account neither fills the disk nor makes all others wait. (Who sits at the server may.)
async fn has_room(tx: &mut Tx, user: UserId) -> Result<(), ImportError> {
    let too_many = |detail: String| Err(ImportError::Invalid(Invalid::one("", "too-many", detail)));
    if jobs::waiting(tx, user, Kind::Import).await? >= MOST_WAITING {
        return too_many(format!("{MOST_WAITING} imports of this account wait or run; send the next when one is done"));
    }
    if store::kept(tx, user).await? >= MOST_KEPT {
        let most = MOST_KEPT >> 30;
        return too_many(format!(
            "the files that this account has imported take {most} GiB; they go when their jobs do"
        ));
    }
    Ok(())
}

/// Keeps the file and enqueues the import.
pub async fn start(tx: &mut Tx, ctx: &Ctx, new: &NewImport) -> Result<Job, ImportError> {
    let user = ctx.user().ok_or(ImportError::Denied(Denied::NotFound))?;
    let calendar = match new.calendar {
        Some(id) => id,
        None => events::default_calendar(tx, user).await?.ok_or(ImportError::Denied(Denied::NotFound))?,
    };
    calendars::load(tx, ctx, calendar, Can::Edit).await?;
    if ctx.door != Door::Cli {
        has_room(tx, user).await?;
    }
    let id: UploadId = ctx.ids.next();
    let upload = Upload {
        id,
        user,
        name: &new.name,
        media_type: &new.media_type,
        digest: Sha256::digest(&new.content).into(),
        content: &new.content,
    };
    store::insert_upload(tx, ctx, upload).await?;
    let args = json!({
        "profile": new.profile.name(),
        "calendar_id": calendar,
        "dry_run": new.dry_run,
        "file": new.name,
        "upload_id": id,
    });
    Ok(jobs::enqueue(tx, ctx, NewJob { kind: Kind::Import, args, run_at: ctx.now }).await?)
}
