//! What the log says behind a position, for somebody. A row about one event or calendar gives that record; a row about a
//! whole calendar (a role, its visibility, its deletion) gives all its events, in as many pages as that takes.

use std::collections::{BTreeSet, HashMap};

use kalends_db::{Conn, Error};
use kalends_kernel::{CalendarId, EventId, Id, UserId};
use uuid::Uuid;

use super::token::Place;
use super::visibility_replay::{self, EventThen, Viewer};
use super::{CHUNK, Item, Reading, Record, WORK, store};
use crate::access::{CalendarFacts, Can};
use crate::changes::{self, Kind, Logged, Op, Position};
use crate::{calendars, events};

/// What a row is about, for one reader.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum About {
    /// Nothing of theirs.
    Nothing,
    Event(EventId),
    Calendar(CalendarId),
    /// A calendar and everything in it.
    Everything(CalendarId),
}

fn about(row: &Logged, user: Option<UserId>) -> About {
    let mine = row.user.is_some() && row.user == user;
    let is = |kind: Kind| row.kind == kind.name();
    if is(Kind::Event) || (is(Kind::EventPermission) && mine) {
        About::Event(Id::new(row.record))
    } else if is(Kind::CalendarPermission) && mine {
        About::Everything(Id::new(row.record))
    } else if is(Kind::Calendar) {
        let wide =
            row.op == Op::Deleted.name() || row.detail.as_ref().is_some_and(|detail| detail.get("was").is_some());
        if wide { About::Everything(Id::new(row.record)) } else { About::Calendar(Id::new(row.record)) }
    } else {
        About::Nothing
    }
}

/// The row about a calendar has given the calendar itself, and none of its events yet: less than every event's id.
const BEGUN: EventId = Id::new(Uuid::from_u128(1));

/// The next page behind a position; `within`: how far the first row is given, when it is about a whole calendar.
pub(super) async fn page(
    conn: &mut Conn,
    reading: &Reading<'_>,
    mut position: Position,
    mut within: Option<EventId>,
) -> Result<(Vec<Item>, Place, bool), Error> {
    let horizon = conn.log_horizon().await?;
    // Where a calendar is quiet its reader moves on all the same: a position must not grow old without a reason.
    let end = if reading.of.is_some() { changes::last(conn, horizon).await? } else { position };
    let mut page = Page { reading, items: Vec::new(), work: 0 };
    loop {
        let rows =
            changes::below(conn, position, horizon, reading.of, i64::try_from(CHUNK).unwrap_or(i64::MAX)).await?;
        let Some(first) = rows.first() else {
            let place = Place::Following { position: position.max(end), within: None };
            return Ok((page.items, place, false));
        };
        if page.room() == 0 {
            return Ok((page.items, Place::Following { position, within }, true));
        }
        if let About::Everything(calendar) = about(first, reading.ctx.user()) {
            within = page.everything(conn, position, first.position, calendar, within).await?;
            if within.is_none() {
                position = first.position;
            }
        } else {
            position = page.rows(conn, position, &rows).await?;
            within = None;
        }
    }
}

struct Page<'p> {
    reading: &'p Reading<'p>,
    items: Vec<Item>,
    work: usize,
}

impl Page<'_> {
    fn eyes(&self) -> Viewer<'_> {
        Viewer { actor: &self.reading.ctx.actor, of: self.reading.of }
    }

    fn user(&self) -> Option<UserId> {
        self.reading.ctx.user()
    }

    fn room(&self) -> usize {
        if self.work >= WORK { 0 } else { self.reading.limit.saturating_sub(self.items.len()) }
    }

    /// Each record is in a page once: as it was seen last.
    fn push(&mut self, mut item: Item) {
        let before = self.items.iter().position(|one| one.kind == item.kind && one.id == item.id);
        if let Some(before) = before.map(|index| self.items.remove(index))
            && (before.op, item.op) == (Op::Created, Op::Updated)
        {
            item.op = Op::Created;
        }
        self.items.push(item);
    }

    /// Rows about single records, up to one about a whole calendar. Gives the position of the last.
    async fn rows(&mut self, conn: &mut Conn, since: Position, rows: &[Logged]) -> Result<Position, Error> {
        let mut position = since;
        let mut wanted: Vec<(About, Position)> = Vec::new();
        for row in rows {
            match about(row, self.user()) {
                About::Everything(_) => break,
                About::Nothing => {}
                one if wanted.iter().any(|(other, _)| *other == one) => {}
                _ if wanted.len() >= self.room() => break,
                one => wanted.push((one, row.position)),
            }
            position = row.position;
            self.work += 1;
        }
        let events: Vec<EventId> =
            wanted.iter().filter_map(|(one, _)| if let About::Event(id) = one { Some(*id) } else { None }).collect();
        let mut events = self.events(conn, since, &events).await?;
        for (one, position) in wanted {
            let item = match one {
                About::Event(id) => events.remove(&id).map(|judged| judged.item(Kind::Event, id.uuid(), position)),
                About::Calendar(id) => self.calendar(conn, since, id, position).await?.0,
                About::Nothing | About::Everything(_) => None,
            };
            if let Some(item) = item {
                self.push(item);
            }
        }
        Ok(position)
    }

    /// A row about a whole calendar: the calendar, then its events behind `within`. Gives how far it got; nothing at the end.
    async fn everything(
        &mut self,
        conn: &mut Conn,
        since: Position,
        row: Position,
        calendar: CalendarId,
        within: Option<EventId>,
    ) -> Result<Option<EventId>, Error> {
        let (item, grants) = self.calendar(conn, since, calendar, row).await?;
        if within.is_none()
            && let Some(item) = item
        {
            self.push(item);
        }
        let same = grants.iter().all(|grant| Some(grant) == grants.first());
        let sees = grants.first().is_some_and(Option::is_some);
        let mut last = within.unwrap_or(BEGUN);
        // What they are to the calendar has not changed: neither has what they see through it.
        let user = self.user();
        if same && (sees || user.is_none()) {
            self.work += 1;
            return Ok(None);
        }
        loop {
            let wanted = self.room().min(CHUNK);
            if wanted == 0 {
                return Ok(Some(last));
            }
            let ids = match user {
                // Nor do they see the calendar: only what is shared with them by itself can come or go.
                Some(user) if same => store::ids_shared_in(conn, calendar, user, row, last, wanted).await?,
                _ => store::ids_in(conn, calendar, row, last, wanted).await?,
            };
            self.work += ids.len() + 1;
            let mut judged = self.events(conn, since, &ids).await?;
            for id in &ids {
                if let Some(judged) = judged.remove(id) {
                    self.push(judged.item(Kind::Event, id.uuid(), row));
                }
            }
            last = ids.last().copied().unwrap_or(last);
            if ids.len() < wanted {
                return Ok(None);
            }
        }
    }

    /// What these events are to the reader now, and were since a position; none of those that they never saw.
    async fn events(
        &self,
        conn: &mut Conn,
        since: Position,
        ids: &[EventId],
    ) -> Result<HashMap<EventId, RecordChange>, Error> {
        if ids.is_empty() {
            return Ok(HashMap::new());
        }
        let eyes = self.eyes();
        let mut now: HashMap<EventId, events::Event> =
            store::events(conn, self.reading.ctx, ids).await?.into_iter().map(|event| (event.id, event)).collect();
        let of_events = store::past(conn, ids.iter().map(|id| id.uuid()), since, self.user()).await?;
        let calendars: BTreeSet<CalendarId> =
            now.values().map(|event| event.calendar_id).chain(visibility_replay::calendars_of(&of_events)).collect();
        let calendars: Vec<CalendarId> = calendars.into_iter().collect();
        let of_calendars = store::past(conn, calendars.iter().map(|id| id.uuid()), since, self.user()).await?;
        let facts: HashMap<CalendarId, CalendarFacts> = store::calendars(conn, self.reading.ctx, &calendars)
            .await?
            .into_iter()
            .map(|calendar| (calendar.id, calendar.facts))
            .collect();
        let mut judged = HashMap::new();
        for id in ids {
            let event = now.remove(id);
            let own: Vec<&Logged> = of_events.iter().filter(|row| row.record == id.uuid()).collect();
            let mut places: BTreeSet<CalendarId> =
                visibility_replay::calendars_of(own.iter().copied()).into_iter().collect();
            places.extend(event.as_ref().map(|event| event.calendar_id));
            let rows = own
                .into_iter()
                .chain(of_calendars.iter().filter(|row| row.calendar.is_some_and(|id| places.contains(&id))))
                .collect();
            let then = event.as_ref().map(|event| EventThen {
                calendar: event.calendar_id,
                state: event.facts.state,
                visibility: event.facts.visibility,
                deleted: event.facts.deleted,
            });
            let role = event.as_ref().and_then(|event| event.facts.role);
            let here = places.iter().filter_map(|id| facts.get(id).map(|facts| (*id, *facts))).collect();
            let seen = visibility_replay::of_event(&eyes, then, role, here, rows);
            let shown = event.and_then(|event| {
                let grant = eyes.on_event(event.calendar_id, &event.facts)?;
                events::store::note(self.reading.ctx, Can::See, &event);
                Some(Record::Event(Box::new(events::Allowed { event, grant })))
            });
            judged.extend(RecordChange::of(shown, seen.first, seen.ever).map(|judged| (*id, judged)));
        }
        Ok(judged)
    }

    /// What a calendar is to the reader now, and what they were to it at every moment since a position.
    async fn calendar(
        &self,
        conn: &mut Conn,
        since: Position,
        id: CalendarId,
        row: Position,
    ) -> Result<(Option<Item>, Vec<Option<crate::access::Grant>>), Error> {
        let eyes = self.eyes();
        let calendar = store::calendars(conn, self.reading.ctx, &[id]).await?.pop();
        let rows = store::past(conn, [id.uuid()], since, self.user()).await?;
        let facts = calendar.as_ref().map(|calendar| calendar.facts);
        let grants = visibility_replay::of_calendar(&eyes, id, facts, rows.iter().collect());
        let shown = calendar.and_then(|calendar| {
            let grant = eyes.on_calendar(id, &calendar.facts)?;
            Some(Record::Calendar(Box::new(calendars::Allowed { calendar, grant })))
        });
        let first = grants.last().is_some_and(Option::is_some);
        let ever = grants.iter().any(Option::is_some);
        let item = RecordChange::of(shown, first, ever).map(|judged| judged.item(Kind::Calendar, id.uuid(), row));
        Ok((item, grants))
    }
}

/// What has become of a record, for one reader.
struct RecordChange {
    op: Op,
    record: Option<Record>,
}

impl RecordChange {
    /// From what is shown now, and whether it was seen at the position and at any moment since.
    fn of(shown: Option<Record>, first: bool, ever: bool) -> Option<RecordChange> {
        let op = match (&shown, first, ever) {
            (Some(_), true, _) => Op::Updated,
            (Some(_), false, _) => Op::Created,
            (None, _, true) => Op::Deleted,
            (None, _, false) => return None,
        };
        Some(RecordChange { op, record: shown })
    }

    fn item(self, kind: Kind, id: Uuid, position: Position) -> Item {
        Item { position, kind, id, op: self.op, record: self.record }
    }
}
