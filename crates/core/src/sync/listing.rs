//! Everything that is there for somebody: calendar by calendar, each followed by its events; then single events that are
//! shared with them. By id, so that nothing moves while they read.

use kalends_db::{Conn, Error};
use kalends_kernel::{CalendarId, EventId};

use super::token::{Place, Spot};
use super::visibility_replay::Viewer;
use super::{CHUNK, Item, Reading, Record, WORK, store};
use crate::access::Can;
use crate::changes::{Kind, Op, Position};
use crate::events::Event;
use crate::{calendars, events};

/// How many calendars are asked for at a time.
const CALENDARS: i64 = 50;
/// What a calendar counts as, in rows: it costs a statement of its own.
const CALENDAR: usize = 20;

/// The next page from a spot on.
pub(super) async fn page(
    conn: &mut Conn,
    reading: &Reading<'_>,
    start: Position,
    mut at: Spot,
) -> Result<(Vec<Item>, Place, bool), Error> {
    let mut page = Page { reading, start, items: Vec::new(), work: 0 };
    loop {
        at = match at {
            Spot::Calendars { calendar, event } => match page.calendars(conn, calendar, event).await? {
                at @ Spot::Shares { .. } => at,
                at @ Spot::Calendars { .. } => return Ok((page.items, Place::Listing { start, at }, true)),
            },
            Spot::Shares { event } => {
                return Ok(match page.shares(conn, event).await? {
                    Some(at) => (page.items, Place::Listing { start, at }, true),
                    None => (page.items, Place::Following { position: start, within: None }, false),
                });
            }
        };
    }
}

struct Page<'p> {
    reading: &'p Reading<'p>,
    start: Position,
    items: Vec<Item>,
    work: usize,
}

impl Page<'_> {
    fn eyes(&self) -> Viewer<'_> {
        Viewer { actor: &self.reading.ctx.actor, of: self.reading.of }
    }

    fn room(&self) -> usize {
        if self.work >= WORK { 0 } else { self.reading.limit.saturating_sub(self.items.len()) }
    }

    fn push(&mut self, kind: Kind, id: uuid::Uuid, record: Record) {
        self.items.push(Item { position: self.start, kind, id, op: Op::Created, record: Some(record) });
    }

    /// Goes on with the events of a calendar, then with further calendars. Gives where it got to.
    async fn calendars(
        &mut self,
        conn: &mut Conn,
        mut calendar: Option<CalendarId>,
        mut event: Option<EventId>,
    ) -> Result<Spot, Error> {
        let stopped = |calendar, event| Ok(Spot::Calendars { calendar, event });
        if let Some(id) = calendar
            && !self.events(conn, id, &mut event).await?
        {
            return stopped(calendar, event);
        }
        loop {
            let next = store::next_calendars(conn, self.reading.ctx, self.reading.of, calendar, CALENDARS).await?;
            if next.is_empty() {
                return Ok(Spot::Shares { event: None });
            }
            for one in next {
                if self.room() == 0 {
                    return stopped(calendar, event);
                }
                self.work += CALENDAR;
                let id = one.id;
                (calendar, event) = (Some(id), None);
                let Some(grant) = self.eyes().on_calendar(id, &one.facts) else { continue };
                let shown = calendars::Allowed { calendar: one, grant };
                self.push(Kind::Calendar, id.uuid(), Record::Calendar(Box::new(shown)));
                if !self.events(conn, id, &mut event).await? {
                    return stopped(calendar, event);
                }
            }
        }
    }

    /// Goes on with a calendar's events; whether that was all of them.
    async fn events(
        &mut self,
        conn: &mut Conn,
        calendar: CalendarId,
        last: &mut Option<EventId>,
    ) -> Result<bool, Error> {
        loop {
            let wanted = self.room().min(CHUNK);
            if wanted == 0 {
                return Ok(false);
            }
            let found = store::next_events(conn, self.reading.ctx, calendar, *last, wanted).await?;
            let ended = found.len() < wanted;
            self.work += found.len();
            *last = found.last().map(|event| event.id).or(*last);
            for event in found {
                self.show(event);
            }
            if ended {
                return Ok(true);
            }
        }
    }

    /// Goes on with single shared events; the calendars that are shown have given theirs. Gives where it got to, nothing at
    /// the end.
    async fn shares(&mut self, conn: &mut Conn, mut last: Option<EventId>) -> Result<Option<Spot>, Error> {
        let Some(user) = self.reading.ctx.user() else { return Ok(None) };
        loop {
            let wanted = self.room().min(CHUNK);
            if wanted == 0 {
                return Ok(Some(Spot::Shares { event: last }));
            }
            let found = store::next_shared(conn, self.reading.ctx, user, last, wanted).await?;
            let ended = found.len() < wanted;
            self.work += found.len();
            last = found.last().map(|event| event.id).or(last);
            for event in found {
                if self.eyes().on_calendar(event.calendar_id, &event.facts.calendar).is_none() {
                    self.show(event);
                }
            }
            if ended {
                return Ok(None);
            }
        }
    }

    fn show(&mut self, event: Event) {
        if let Some(grant) = self.eyes().on_event(event.calendar_id, &event.facts) {
            events::store::note(self.reading.ctx, Can::See, &event);
            let id = event.id.uuid();
            self.push(Kind::Event, id, Record::Event(Box::new(events::Allowed { event, grant })));
        }
    }
}
