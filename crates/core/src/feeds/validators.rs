//! Whether a feed is still what its reader has, told from the reader's rights and the log's position alone.
//!
//! The tag names the newest change of each calendar and, on PostgreSQL, the transactions that began before it and were
//! still running: when one of them commits behind it (its row has a smaller position), the tag is another.

use jiff::Timestamp;
use kalends_db::{Conn, unfinished};
use kalends_ical::write::Head;
use kalends_kernel::{CalendarId, EventId, Zone, tzdb_version};
use sha2::{Digest, Sha256};

use super::secret::Secret;
use super::store::{self, Newest};
use super::text::{IcsText, Source};
use super::{Language, series_of};
use crate::access::{self, Can, Denied, State};
use crate::calendars::{Calendar, CalendarError};
use crate::ctx::{Actor, Ctx};
use crate::events::{self, Allowed, EventError, List};

/// Changes when the text of the same events does.
const FORM: &str = concat!(env!("CARGO_PKG_VERSION"), "-1");
/// After how many minutes an app is asked to look again.
const REFRESH: u32 = 15;

/// A validator of a feed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Tag {
    /// The ETag, its quotes included.
    pub etag: String,
    /// When the newest change was made, as far as the log knows. Only for callers that nobody knows: whoever has rights may
    /// lose them, and what is left has an older newest change.
    pub changed_at: Option<Timestamp>,
}

/// A feed that somebody may read: its tag at once, its text when it is wanted.
pub struct Asked {
    /// What stays the same as long as nothing changes.
    pub tag: Tag,
    ctx: Ctx,
    language: Language,
    busy_only: bool,
    head: Top,
    zone: Zone,
    sources: Vec<Source>,
}

/// What stands at its top.
#[derive(Default)]
struct Top {
    name: String,
    description: String,
    color: Option<String>,
    zone: Option<String>,
}

/// The feed of a calendar as the actor sees it. `log_days` is for how many days the log keeps its rows.
pub async fn of_calendar(
    conn: &mut Conn,
    ctx: &Ctx,
    id: CalendarId,
    language: Language,
    log_days: u32,
) -> Result<Asked, CalendarError> {
    let found = store::newest(conn, ctx.user(), &[id]).await?;
    Ok(Asked::of(ctx.clone(), found, None, language, false, log_days).ok_or(Denied::NotFound)?)
}

/// The feed behind a secret, as its owner sees it now; none when there is no such secret (any more).
pub async fn of_secret(
    conn: &mut Conn,
    ctx: &Ctx,
    secret: &str,
    language: Option<Language>,
    log_days: u32,
) -> Result<Option<(Secret, Asked)>, CalendarError> {
    let Some(secret) = super::secret::find(conn, secret).await? else { return Ok(None) };
    let ctx = Ctx { actor: secret.actor(), ..ctx.clone() };
    let calendars = match &secret.feed.calendars {
        Some(named) => named.clone(),
        None => store::calendars_of(conn, secret.owner).await?,
    };
    let found = store::newest(conn, ctx.user(), &calendars).await?;
    let language = language.unwrap_or_else(|| Language::of(&secret.locale));
    let asked = Asked::of(ctx, found, Some(&secret.feed.name), language, secret.feed.busy_only, log_days);
    Ok(asked.map(|asked| (secret, asked)))
}

/// One event as the actor sees it. (An event's version says by itself whether it changed; the log is not needed.)
pub async fn of_event(conn: &mut Conn, ctx: &Ctx, id: EventId, language: Language) -> Result<Asked, EventError> {
    let of = events::load(conn, ctx, id, Can::See).await?;
    if of.event.facts.deleted {
        return Err(Denied::NotFound.into());
    }
    let changed_at = dated(ctx, Some(of.event.updated_at));
    let name = series_of(&of, language, false).master.map(|one| one.summary).unwrap_or_default();
    let asked = of_events(ctx, &name, language, vec![of]);
    Ok(Asked { tag: Tag { changed_at, ..asked.tag }, ..asked })
}

/// Events that are at hand, each as far as it may be seen. When one was taken out is not known, so there is no date.
pub fn of_events(ctx: &Ctx, name: &str, language: Language, events: Vec<Allowed>) -> Asked {
    let mut seen_as = vec![FORM.to_owned(), tzdb_version().to_owned(), format!("{language:?} {name:?}")];
    // With its time: a restored database counts versions anew.
    let seen = |of: &Allowed| format!("{} {} {} {:?}", of.event.id, of.event.version, of.event.updated_at, of.grant);
    seen_as.extend(events.iter().map(seen));
    Asked {
        tag: Tag { etag: etag(&seen_as.join("\n")), changed_at: None },
        ctx: ctx.clone(),
        language,
        busy_only: false,
        head: Top { name: name.to_owned(), ..Top::default() },
        zone: events.first().map_or_else(Zone::utc, |of| of.event.calendar_zone.clone()),
        sources: events.into_iter().map(|of| Source::One(Box::new(of))).collect(),
    }
}

/// The date that a caller is told: see [`Tag::changed_at`].
fn dated(ctx: &Ctx, changed_at: Option<Timestamp>) -> Option<Timestamp> {
    changed_at.filter(|_| ctx.actor == Actor::Anonymous)
}

fn etag(seen_as: &str) -> String {
    let digest: [u8; 32] = Sha256::digest(seen_as.as_bytes()).into();
    let hex: String = digest.iter().take(12).map(|byte| format!("{byte:02x}")).collect();
    format!("\"{hex}\"")
}

impl Asked {
    /// Of these calendars those that the actor sees; none where there are none.
    fn of(
        ctx: Ctx,
        found: Vec<Newest>,
        name: Option<&str>,
        language: Language,
        busy_only: bool,
        log_days: u32,
    ) -> Option<Asked> {
        let user = ctx.user().map_or_else(|| "anybody".to_owned(), |user| user.to_string());
        let mut seen_as = vec![FORM.to_owned(), tzdb_version().to_owned(), user];
        seen_as.push(format!("{language:?} {busy_only} {name:?}"));
        let mut changed_at = None;
        let mut calendars = Vec::new();
        for one in found {
            let Some(grant) = access::on_calendar(&ctx.actor, &one.calendar.facts) else { continue };
            seen_as.push(format!("{} {} {grant:?}", one.calendar.id, one.calendar.version));
            match one.position {
                Some(at) => {
                    let behind = unfinished(&one.snapshot, at.tx);
                    // With its time: a restored database counts its positions anew.
                    seen_as.push(format!("{} {} {:?} {behind:?}", at.tx, at.seq, one.at));
                }
                // Its newest row is gone from the log. Without one a tag holds for at most as long as the log keeps a row: so
                // a change since then has made it another, though its row may be gone as well.
                None => {
                    let held = 86_400 * i64::from(log_days.max(1));
                    seen_as.push(format!("{log_days} {}", ctx.now.as_second().div_euclid(held)));
                }
            }
            changed_at = changed_at.max(one.at);
            calendars.push(one.calendar);
        }
        let mut head = Top { name: name.unwrap_or_default().to_owned(), ..Top::default() };
        if let [only] = calendars.as_slice() {
            head.name = name.unwrap_or(&only.name).to_owned();
            head.description = if busy_only { String::new() } else { only.description.clone() };
            head.color = only.color.clone();
            head.zone = Some(only.zone.name().to_owned());
        }
        let published = |calendar: &Calendar| {
            Source::Many(Box::new(List {
                calendar: Some(calendar.id),
                state: Some(State::Published),
                ..List::default()
            }))
        };
        let zone = calendars.first().map_or_else(Zone::utc, |one| one.zone.clone());
        let sources: Vec<Source> = calendars.iter().map(published).collect();
        let tag = Tag { etag: etag(&seen_as.join("\n")), changed_at: dated(&ctx, changed_at) };
        (name.is_some() || !sources.is_empty()).then_some(Asked { tag, ctx, language, busy_only, head, zone, sources })
    }

    /// Its text, to be taken piece by piece. `source` is where it can be fetched again, unless that is a secret.
    pub fn text(self, source: Option<&str>) -> IcsText {
        let head = Head {
            name: Some(&self.head.name),
            description: Some(&self.head.description),
            color: self.head.color.as_deref(),
            time_zone: self.head.zone.as_deref(),
            url: None,
            source,
            refresh: Some(REFRESH),
        };
        IcsText::new(self.ctx, &head, self.zone, self.sources, self.language, self.busy_only)
    }
}
