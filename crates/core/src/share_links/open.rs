//! What whoever has a link's address sees.

use jiff::{SignedDuration, Timestamp};
use kalends_db::{Conn, Error, Tx};
use kalends_kernel::ShareLinkId;

use super::{PREFIX, ShareLink, digest, maker, store};
use crate::access;
use crate::ctx::Ctx;
use crate::events::{self, Allowed, EventError};
use crate::feeds::{Asked, Language, of_events};

/// How exactly the last use is known: one write an hour, however often somebody looks.
const NOTED_EVERY: SignedDuration = SignedDuration::from_hours(1);

/// A link that was opened, with what it shows now.
#[derive(Clone, Debug)]
pub struct Opened {
    /// The link.
    pub link: ShareLink,
    /// Its events by start, each as far as it is shown.
    pub events: Vec<Allowed>,
    /// The language of its maker, for those who do not say theirs.
    pub language: Language,
}

/// What is behind an address; none when there is no such link (any more).
pub async fn open(conn: &mut Conn, ctx: &Ctx, secret: &str) -> Result<Option<Opened>, EventError> {
    // What cannot be one is not looked up.
    let plausible = secret.strip_prefix(PREFIX).is_some_and(|rest| rest.len() == 43 && rest.is_ascii());
    if !plausible {
        return Ok(None);
    }
    let Some(found) = store::by_digest(conn, digest(secret), ctx.now).await? else { return Ok(None) };
    let as_maker = Ctx { actor: maker(found.link.id, found.owner, found.role), ..ctx.clone() };
    let shown = |of: Allowed| {
        let grant = access::by_link(&as_maker.actor, &of.event.facts, found.link.busy_only)?;
        Some(Allowed { grant, ..of })
    };
    let all = events::load_all(conn, &as_maker, &found.link.events).await?;
    let mut events: Vec<Allowed> = all.into_iter().filter_map(shown).collect();
    events.sort_by_cached_key(|of| (of.event.content.times.start_instant(&of.event.calendar_zone), of.event.id));
    Ok(Some(Opened { language: Language::of(&found.locale), link: found.link, events }))
}

impl Opened {
    /// Whether the use was not noted lately.
    pub fn is_news(&self, now: Timestamp) -> bool {
        self.link.last_used_at.is_none_or(|at| now.duration_since(at) >= NOTED_EVERY)
    }

    /// The same as iCalendar.
    pub fn as_feed(self, ctx: &Ctx, language: Option<Language>) -> Asked {
        let name = self.link.name.as_deref().unwrap_or_default();
        of_events(ctx, name, language.unwrap_or(self.language), self.events)
    }
}

/// Notes that a link is in use, so that its maker sees which ones are.
pub async fn note_use(tx: &mut Tx, id: ShareLinkId, now: Timestamp) -> Result<(), Error> {
    store::note_use(tx, id, now).await
}
