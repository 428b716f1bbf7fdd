//! The text of a feed or export, piece by piece: each piece is one page of events, so that any size needs the memory of a
//! page and no connection is held while a slow reader takes its time.

use std::collections::{BTreeSet, VecDeque};

use jiff::Timestamp;
use kalends_db::Conn;
use kalends_ical::write::{self, Head};
use kalends_kernel::Zone;

use super::{Language, series_of};
use crate::ctx::Ctx;
use crate::events::{self, Allowed, EventError, List, Sort};

/// How many events a piece has.
const PIECE: u32 = 200;

/// What a text is made of.
#[derive(Clone, Debug)]
pub enum Source {
    /// One event that is at hand.
    One(Box<Allowed>),
    /// What the actor sees of a list.
    Many(Box<List>),
}

/// An iCalendar text in the making.
pub struct IcsText {
    ctx: Ctx,
    language: Language,
    busy_only: bool,
    /// The top of the text, until it is given.
    head: Option<String>,
    sources: VecDeque<Source>,
    /// The zone of the calendar: for a text without events, which must have a component (RFC 5545 3.6).
    zone: Zone,
    /// The first moment of any event: from there on zones are told.
    earliest: Option<Timestamp>,
    told: BTreeSet<String>,
    empty: bool,
    ended: bool,
}

impl IcsText {
    /// A text with this top and these sources, one after the other.
    pub fn new(
        ctx: Ctx,
        head: &Head<'_>,
        zone: Zone,
        sources: Vec<Source>,
        language: Language,
        busy_only: bool,
    ) -> IcsText {
        let mut top = String::new();
        write::begin(&mut top, head);
        let sources = sources.into_iter().map(paged).collect();
        IcsText {
            ctx,
            language,
            busy_only,
            head: Some(top),
            sources,
            zone,
            earliest: None,
            told: BTreeSet::new(),
            empty: true,
            ended: false,
        }
    }

    /// What the actor sees of a list, as a file of this name.
    pub fn of_list(ctx: Ctx, list: List, name: &str, language: Language) -> IcsText {
        let head = Head { name: Some(name), ..Head::default() };
        IcsText::new(ctx, &head, Zone::utc(), vec![Source::Many(Box::new(list))], language, false)
    }

    /// The next piece; none after the last.
    pub async fn next(&mut self, conn: &mut Conn) -> Result<Option<String>, EventError> {
        if self.ended {
            return Ok(None);
        }
        let mut out = String::new();
        if let Some(head) = self.head.take() {
            self.find_earliest(conn).await?;
            out = head;
        }
        match self.sources.pop_front() {
            Some(Source::One(one)) => self.tell(&mut out, &one),
            Some(Source::Many(mut list)) => {
                let page = events::list(conn, &self.ctx, &list).await?;
                for found in &page.items {
                    self.tell(&mut out, &found.of);
                }
                if page.next.is_some() {
                    list.cursor = page.next;
                    self.sources.push_front(Source::Many(list));
                }
            }
            None => {
                if self.empty {
                    write::time_zone(&mut out, self.zone.name(), self.zone.time_zone(), self.ctx.now);
                }
                write::end(&mut out);
                self.ended = true;
            }
        }
        Ok(Some(out))
    }

    fn tell(&mut self, out: &mut String, of: &Allowed) {
        let series = series_of(of, self.language, self.busy_only);
        for name in write::zones_of(&series) {
            if self.told.contains(name) {
                continue;
            }
            if let Ok(zone) = Zone::parse(name) {
                let own = first_moment(of);
                // Created while the text is being made, an event may be earlier than all there were.
                let from = self.earliest.map_or(own, |earliest| earliest.min(own));
                write::time_zone(out, name, zone.time_zone(), from);
            }
            self.told.insert(name.to_owned());
        }
        write::series(out, &series);
        self.empty = false;
    }

    async fn find_earliest(&mut self, conn: &mut Conn) -> Result<(), EventError> {
        for source in &self.sources {
            let first = match source {
                Source::One(one) => Some(first_moment(one)),
                Source::Many(list) => {
                    let first = List { sort: Sort::Start, limit: 1, ..(**list).clone() };
                    let page = events::list(conn, &self.ctx, &first).await?;
                    page.items.first().map(|found| first_moment(&found.of))
                }
            };
            self.earliest = [self.earliest, first].into_iter().flatten().min();
        }
        Ok(())
    }
}

/// By when its events were made, because that never changes: nothing is skipped or repeated while the text is being made.
fn paged(source: Source) -> Source {
    match source {
        Source::One(one) => Source::One(one),
        Source::Many(list) => {
            Source::Many(Box::new(List { sort: Sort::Created, descending: false, limit: PIECE, cursor: None, ..*list }))
        }
    }
}

fn first_moment(of: &Allowed) -> Timestamp {
    events::derive(&of.event.content, &of.event.calendar_zone).starts_at
}
