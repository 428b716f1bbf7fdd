use kalends_db::{Conn, Result};
use kalends_kernel::{Cursor, JobId, Page, UserId};

use super::model::{Job, Kind, State};
use super::{JobError, store};
use crate::access::{self, Denied};
use crate::ctx::Ctx;

/// Which jobs.
#[derive(Clone, Debug, Default)]
pub struct Listed {
    /// Only in this state.
    pub state: Option<State>,
    /// Only of this kind.
    pub kind: Option<Kind>,
    /// How many at most.
    pub limit: u32,
    /// Behind which.
    pub cursor: Option<Cursor>,
    /// A digest of the question, for the next cursor.
    pub digest: u32,
}

/// The actor's jobs, of administrators all jobs, newest first.
pub async fn list(conn: &mut Conn, ctx: &Ctx, listed: &Listed) -> Result<Page<Job>> {
    let mut found = store::list(conn, ctx, listed).await?;
    let limit = listed.limit as usize;
    let more = found.len() > limit;
    found.truncate(limit);
    let next = found.last().filter(|_| more).map(|last| Cursor {
        key: String::new(),
        id: last.id.uuid(),
        part: String::new(),
        of: listed.digest,
    });
    Ok(Page { items: found, next })
}

/// How many there are in all.
pub async fn count(conn: &mut Conn, ctx: &Ctx, listed: &Listed) -> Result<i64> {
    store::count(conn, ctx, listed).await
}

/// How many jobs of this kind somebody has that wait or run.
pub async fn waiting(conn: &mut Conn, user: UserId, kind: Kind) -> Result<i64> {
    store::waiting(conn, user, kind).await
}

/// A job, if it is the actor's to see.
pub async fn load(conn: &mut Conn, ctx: &Ctx, id: JobId) -> Result<Job, JobError> {
    let job = store::find(conn, id).await?.ok_or(Denied::NotFound)?;
    access::check_job(&ctx.actor, job.user)?;
    Ok(job)
}
