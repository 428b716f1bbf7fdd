//! A calendar that gets another zone: its all-day and floating events take other time than before.

use std::collections::BTreeSet;

use jiff::Timestamp;
use kalends_db::Tx;
use kalends_kernel::{EventId, Id};
use uuid::Uuid;

use super::check::against;
use super::occupancy::takes_time;
use super::{MOST_LISTED, Report, Work, horizon};
use crate::calendars::Calendar;
use crate::ctx::Ctx;
use crate::events::store::next;
use crate::events::{CalendarSettings, Event, EventError};

/// How many events may move so; each is checked.
const MOST: usize = 1_000;
/// How many events are read at a time.
const BATCH: i64 = 500;

/// What stands against another zone of a calendar: the events that would newly take time that is taken, and what they would
/// meet; none when nothing does. They move together: what they do among themselves stays as it is.
pub(crate) async fn against_zone(
    tx: &mut Tx,
    ctx: &Ctx,
    old: &Calendar,
    new: &Calendar,
) -> Result<Option<(Vec<EventId>, Report)>, EventError> {
    let mut moving: Vec<Event> = Vec::new();
    let mut after: EventId = Id::new(Uuid::nil());
    loop {
        let events = next(tx, ctx, Some(old.id), after, BATCH).await?;
        let Some(last) = events.last() else { break };
        after = last.id;
        moving.extend(events.into_iter().filter(|one| one.content.times.time_zone.is_none() && takes_time(one)));
        if moving.len() > MOST {
            return Err(EventError::TooMuchToCheck);
        }
    }
    let together: BTreeSet<EventId> = moving.iter().map(|one| one.id).collect();
    let mut work = Work::of(ctx);
    let none =
        Report { clashes: Vec::new(), more: false, warnings: Vec::new(), checked_until: horizon(ctx, Timestamp::MIN) };
    let (mut which, mut all) = (Vec::new(), none);
    for event in moving {
        let moved = Event { calendar_zone: new.zone.clone(), in_calendar: CalendarSettings::of(new), ..event.clone() };
        let Some(report) = against(tx, ctx, Some(&event), &moved, None, &together, &mut work).await? else {
            continue;
        };
        which.push(event.id);
        let fresh = report.clashes.into_iter().filter(|one| !all.clashes.contains(one)).collect::<Vec<_>>();
        all.clashes.extend(fresh);
        all.more |= report.more;
        if all.clashes.len() > MOST_LISTED {
            all.clashes.truncate(MOST_LISTED);
            all.more = true;
            break;
        }
    }
    Ok((!which.is_empty()).then_some((which, all)))
}
