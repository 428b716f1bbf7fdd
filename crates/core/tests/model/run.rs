//! One sequence: each operation is done to the model and to the database, then both are compared.

use std::fmt::Debug;

use jiff::civil::DateTime;
use jiff::{Timestamp, ToSpan};
use kalends_core::accounts::{CreateError, NewAccount, Username, create};
use kalends_core::ctx::{Actor, Credential, Ctx, Door, GlobalRole, SignedIn};
use kalends_core::events::{
    self, Allowed, Edit, EventError, How, List, NewEvent, Precondition, Scope, Sort, StateWish, Window,
};
use kalends_core::history::{RollbackWish, roll_back};
use kalends_core::{access, check};
use kalends_db::testing::TestDb;
use kalends_db::{Db, FromRow, Row as DbRow, sql};
use kalends_kernel::{CalendarId, EmailAddress, EventId, Ids, UserId, Zone};
use serde_json::{Map, Value, json};

use crate::history::{self, Chain};
use crate::ops::{self, Op, Seen};
use crate::plain::{HOME, InstancePatch, Kind, ListedRow, Patch, Plain, Refusal, Wish, merge};

/// An event as the model has it.
struct Known {
    id: EventId,
    calendar: CalendarId,
    split_from: Option<EventId>,
    versions: Vec<Version>,
    submitted: bool,
    /// A draft that went for good.
    gone: bool,
    /// How many versions there were when the series was last ended before an occurrence.
    ended: Option<usize>,
}

#[derive(Clone, PartialEq, Debug)]
struct Version {
    plain: Plain,
    published: bool,
    deleted: bool,
}

impl Known {
    fn now(&self) -> &Version {
        self.versions.last().expect("a version")
    }

    fn version(&self) -> i64 {
        i64::try_from(self.versions.len()).expect("small")
    }

    /// A change that changes nothing is none.
    fn put(&mut self, version: Version) {
        self.submitted |= version.published;
        if *self.now() != version {
            self.versions.push(version);
        }
    }

    fn change(&mut self, plain: Plain) {
        let version = Version { plain, ..self.now().clone() };
        self.put(version);
    }

    /// What may be changed now.
    fn open(&self) -> Result<&Version, Refusal> {
        match self.now() {
            _ if self.gone => Err(Refusal::NotFound),
            now if now.deleted => Err(Refusal::State),
            now => Ok(now),
        }
    }

    /// Whether an occurrence went when the series was ended, and nothing came from it on since.
    fn ended_before(&self, at: DateTime) -> bool {
        let before = self.ended.and_then(|versions| self.versions.get(versions - 1));
        before.is_some_and(|before| before.plain.has(at)) && !self.now().plain.occurrences().any(|other| other >= at)
    }

    fn delete(&mut self) {
        if self.gone || self.now().deleted {
            return;
        }
        if self.submitted {
            self.put(Version { deleted: true, ..self.now().clone() });
        } else {
            self.gone = true;
        }
    }
}

pub struct Run {
    pub db: Db,
    /// The operations so far, for people.
    pub told: Vec<String>,
    /// The same, as what they were and how they ended.
    pub ended: Vec<(String, String)>,
    _test_db: TestDb,
    user: UserId,
    calendar: CalendarId,
    now: Timestamp,
    known: Vec<Known>,
}

/// The windows that are compared: both changes of the clock, and a later year.
const WINDOWS: [(&str, &str); 3] = [
    ("2027-03-01T00:00:00Z", "2027-04-15T00:00:00Z"),
    ("2027-10-27T10:00:00Z", "2027-11-09T10:00:00Z"),
    ("2031-01-01T00:00:00Z", "2031-01-04T00:00:00Z"),
];

pub type Done = Result<(), String>;

fn differs(what: &str, found: &impl Debug, wanted: &impl Debug) -> Done {
    let (found, wanted) = (format!("{found:#?}"), format!("{wanted:#?}"));
    if found == wanted {
        Ok(())
    } else {
        Err(format!("{what}\n--- the server says\n{found}\n--- the model says\n{wanted}"))
    }
}

impl Run {
    pub async fn new() -> Run {
        let test_db = TestDb::new().await;
        let db = test_db.open().await;
        let now: Timestamp = "2027-01-15T10:00:00Z".parse().expect("a time");
        let ctx = Ctx::system(now, Door::Cli);
        let new = NewAccount {
            username: Username::parse("alice").expect("a name"),
            email: EmailAddress::parse("alice@example.org").expect("an address"),
            email_verified: true,
            name: "Alice".to_owned(),
            role: GlobalRole::Organizer,
            locale: "en".to_owned(),
            zone: Zone::parse(HOME).expect("a zone"),
            password_hash: "none".to_owned(),
        };
        let made: Result<_, CreateError> = db.write((ctx, new), |tx, (ctx, new)| Box::pin(create(tx, ctx, new))).await;
        let user = made.expect("an account").id;
        struct Id(CalendarId);
        impl FromRow for Id {
            fn from_row(row: &DbRow) -> kalends_db::Result<Self> {
                row.get("id").map(Id)
            }
        }
        let mut conn = db.reader().await.expect("a reader");
        let calendar: Id = sql("SELECT id FROM calendars").one(&mut conn).await.expect("a calendar");
        drop(conn);
        Run {
            db,
            told: Vec::new(),
            ended: Vec::new(),
            _test_db: test_db,
            user,
            calendar: calendar.0,
            now,
            known: Vec::new(),
        }
    }

    fn ctx(&mut self) -> Ctx {
        self.now += 1.second();
        let ids = Ids::at(self.now);
        let by = Credential::Session(ids.next());
        let actor = Actor::User(SignedIn { id: self.user, role: GlobalRole::Organizer, by });
        Ctx { actor, ids, ..Ctx::system(self.now, Door::Rest) }
    }

    /// The next operation.
    pub async fn step(&mut self, number: u64) -> Done {
        let before = Chain::read_all(&self.db, self.known.iter().map(|one| one.id)).await;
        self.operate(number).await?;
        let after = Chain::read_all(&self.db, self.known.iter().map(|one| one.id)).await;
        history::went_on(&before, &after)?;
        history::differences_lead_from_one_to_the_other(&after, number)
    }

    async fn operate(&mut self, number: u64) -> Done {
        let seen: Vec<Seen<'_>> = self
            .known
            .iter()
            .map(|one| Seen { now: &one.now().plain, versions: one.versions.iter().map(|v| &v.plain).collect() })
            .collect();
        let op = ops::next(number, &seen);
        self.told.push(format!("{op:?}"));
        let found = self.server(&op).await;
        let expected = self.model(&op);
        let told = match &found {
            Ok(_) => "done".to_owned(),
            Err(EventError::Changed(_)) => "refused: changed".to_owned(),
            Err(error) => format!("refused: {error:?}"),
        };
        if let Some(line) = self.told.last_mut() {
            *line += &format!("\n     → {told}");
        }
        let name = |text: String| text.split([' ', '(', '{']).next().unwrap_or_default().to_owned();
        let how = found.as_ref().err().and_then(refusal).map_or_else(|| "done".to_owned(), |why| format!("{why:?}"));
        self.ended.push((name(format!("{op:?}")), how));
        let found = match found {
            Ok(ids) => Ok(ids),
            Err(error) => Err(refusal(&error).ok_or_else(|| format!("a fault: {error:?}"))?),
        };
        match (expected, found) {
            (Err(wanted), Err(found)) => differs("refused for another reason", &found, &wanted)?,
            (Err(wanted), Ok(_)) => return Err(format!("done, where the model refuses: {wanted:?}")),
            (Ok(_), Err(found)) => return Err(format!("refused ({found:?}), where the model agrees")),
            (Ok(new), Ok(ids)) => {
                if let (Some(mut new), Some(id)) = (new, ids) {
                    new.id = id;
                    self.known.push(new);
                }
            }
        }
        self.compare().await
    }

    /// Does it to the model; a new event is not yet among the known ones.
    fn model(&mut self, op: &Op) -> Result<Option<Known>, Refusal> {
        let calendar = self.calendar;
        let fresh = |plain: Plain, published: bool, split_from: Option<EventId>| Known {
            id: EventId::new(uuid_nil()),
            calendar,
            split_from,
            submitted: published,
            versions: vec![Version { plain, published, deleted: false }],
            gone: false,
            ended: None,
        };
        match op {
            Op::Create { plain, draft } => {
                let plain = Wish::new(plain.clone()).following(plain, false)?;
                Ok(Some(fresh(plain, !draft, None)))
            }
            Op::Patch { event, patch, base } => {
                let known = &mut self.known[*event];
                let now = known.open()?.plain.clone();
                let plain = match base {
                    Some(behind) if *behind < 0 => return Err(Refusal::Invalid),
                    Some(behind) if *behind > 0 => {
                        let base =
                            known.versions[usize::try_from(known.version() - 1 - behind).expect("small")].plain.clone();
                        let mine = Wish::of(&base, patch, now.when.kind)?.following(&base, patch.drop_orphans)?;
                        merge(&base, &now, &mine)?.following(&now, patch.drop_orphans)?
                    }
                    _ => Wish::of(&now, patch, now.when.kind)?.following(&now, patch.drop_orphans)?,
                };
                known.change(plain);
                Ok(None)
            }
            Op::Stale { event, patch, behind } => {
                let known = &mut self.known[*event];
                let now = known.open()?.plain.clone();
                if *behind > 0 {
                    return Err(Refusal::Changed);
                }
                known.change(Wish::of(&now, patch, now.when.kind)?.following(&now, false)?);
                Ok(None)
            }
            Op::Put { event, plain } => {
                let known = &mut self.known[*event];
                let now = known.open()?.plain.clone();
                known.change(Wish::new(plain.clone()).following(&now, false)?);
                Ok(None)
            }
            Op::This { event, at, patch, base } => {
                let known = &mut self.known[*event];
                let now = known.open()?.plain.clone();
                if base.is_some_and(|behind| behind < 0) {
                    return Err(Refusal::Invalid);
                }
                instance_of(&now, *at)?;
                let base = base.filter(|behind| *behind > 0).map(|behind| {
                    known.versions[usize::try_from(known.version() - 1 - behind).expect("small")].plain.clone()
                });
                let plain = now.with_instance(*at, patch, base.as_ref())?;
                known.change(plain);
                Ok(None)
            }
            Op::Following { event, at, patch } => {
                let known = &mut self.known[*event];
                let now = known.open()?.clone();
                instance_of(&now.plain, *at)?;
                let Some((stays, goes_on)) = now.plain.halves(*at) else {
                    return self.model(&Op::All { event: *event, at: *at, patch: patch.clone() });
                };
                let mut patch = patch.clone();
                if let (Some(start), None) = (patch.start, patch.end) {
                    patch.end = Some(goes_on.when.begun_at(start).end);
                }
                let new = Wish::of(&goes_on, &patch, goes_on.when.kind)?.following(&goes_on, patch.drop_orphans)?;
                known.change(stays);
                let (id, submitted) = (known.id, known.submitted);
                Ok(Some(Known { submitted, ..fresh(new, now.published, Some(id)) }))
            }
            Op::All { event, at, patch } => {
                let known = &mut self.known[*event];
                let now = known.open()?.plain.clone();
                instance_of(&now, *at)?;
                let mut patch = patch.clone();
                // The whole series moves by as much as this occurrence.
                let usual = now.when.begun_at(*at);
                if let (Some(start), None) = (patch.start, patch.end) {
                    patch.end = Some(usual.begun_at(start).end);
                }
                patch.start = patch.start.map(|start| now.when.start + start.duration_since(usual.start));
                patch.end = patch.end.map(|end| now.when.end + end.duration_since(usual.end));
                known.change(Wish::of(&now, &patch, now.when.kind)?.following(&now, patch.drop_orphans)?);
                Ok(None)
            }
            Op::CancelThis { event, at } => {
                let known = &mut self.known[*event];
                let now = known.open()?.plain.clone();
                instance_of(&now, *at)?;
                let patch = InstancePatch { cancelled: Some(true), ..InstancePatch::default() };
                known.change(now.with_instance(*at, &patch, None)?);
                Ok(None)
            }
            Op::CancelFollowing { event, at } => {
                let known = &mut self.known[*event];
                if known.gone || known.now().deleted || known.ended_before(*at) {
                    return Ok(None);
                }
                let now = known.open()?.plain.clone();
                instance_of(&now, *at)?;
                match now.halves(*at) {
                    Some((stays, _)) => {
                        known.ended = Some(known.versions.len());
                        known.change(stays);
                    }
                    None => known.delete(),
                }
                Ok(None)
            }
            Op::Delete { event } => {
                self.known[*event].delete();
                Ok(None)
            }
            Op::Restore { event } => {
                let known = &mut self.known[*event];
                if known.gone {
                    return Err(Refusal::NotFound);
                }
                known.put(Version { deleted: false, ..known.now().clone() });
                Ok(None)
            }
            Op::State { event, published } => {
                let known = &mut self.known[*event];
                let now = known.open()?.clone();
                if now.published == *published {
                    return Err(Refusal::State);
                }
                known.put(Version { published: *published, ..now });
                Ok(None)
            }
            Op::Clone { event, patch } => {
                let known = &self.known[*event];
                if known.gone {
                    return Err(Refusal::NotFound);
                }
                let now = &known.now().plain;
                let plain = Wish::of(now, patch, now.when.kind)?.following(now, false)?;
                Ok(Some(fresh(plain, true, None)))
            }
            Op::Rollback { event, to } => {
                let known = &mut self.known[*event];
                let then = known.versions.get(*to).filter(|_| !known.gone).cloned();
                known.put(then.ok_or(Refusal::NotFound)?);
                Ok(None)
            }
        }
    }

    /// Does it to the database; gives the id of a new event.
    async fn server(&mut self, op: &Op) -> Result<Option<EventId>, EventError> {
        let ctx = self.ctx();
        let id = |event: &usize| self.known[*event].id;
        let version = |event: &usize| self.known[*event].version();
        match op {
            Op::Create { plain, draft } => {
                let mut body = whole(plain);
                body.insert("state".into(), if *draft { "draft" } else { "published" }.into());
                let new = NewEvent::parse(body)?;
                let made: Result<Allowed, EventError> =
                    self.db.write((ctx, new), |tx, (ctx, new)| Box::pin(events::create(tx, ctx, new))).await;
                Ok(Some(made?.event.id))
            }
            Op::Patch { event, patch, base } => {
                let mut body = change(patch, self.kind(event));
                if let Some(behind) = base {
                    body.insert("base_version".into(), (version(event) - behind).into());
                }
                self.edit(ctx, id(event), Edit::parse(body, How::Patch, None)?).await
            }
            Op::Stale { event, patch, behind } => {
                let edit =
                    Edit::parse(change(patch, self.kind(event)), How::Patch, Some(vec![version(event) - behind]))?;
                self.edit(ctx, id(event), edit).await
            }
            Op::Put { event, plain } => {
                let edit = Edit::parse(whole(plain), How::Replace, Some(vec![version(event)]))?;
                self.edit(ctx, id(event), edit).await
            }
            Op::This { event, at, patch, base } => {
                let kind = self.known[*event].now().plain.when.kind;
                let kind = self.known[*event]
                    .now()
                    .plain
                    .overrides
                    .get(at)
                    .and_then(|one| one.when.as_ref())
                    .map_or(kind, |when| when.kind);
                let mut body = Map::new();
                if let Some(cancelled) = patch.cancelled {
                    body.insert("cancelled".into(), cancelled.into());
                }
                if let Some(title) = &patch.title {
                    body.insert("title".into(), title.clone().into());
                }
                if let Some(start) = patch.start {
                    body.insert("start".into(), local(start, kind));
                }
                if let Some(end) = patch.end {
                    body.insert("end".into(), local(end, kind));
                }
                if let Some(behind) = base {
                    body.insert("base_version".into(), (version(event) - behind).into());
                }
                self.instance(ctx, event, *at, Scope::This, body).await
            }
            Op::Following { event, at, patch } => {
                let made = self.instance(ctx, event, *at, Scope::Following, change(patch, self.kind(event))).await?;
                Ok(made.filter(|made| *made != self.known[*event].id))
            }
            Op::All { event, at, patch } => {
                self.instance(ctx, event, *at, Scope::All, change(patch, self.kind(event))).await.map(|_| None)
            }
            Op::CancelThis { event, at } => self.cancel(ctx, event, *at, Scope::This).await,
            Op::CancelFollowing { event, at } => self.cancel(ctx, event, *at, Scope::Following).await,
            Op::Delete { event } => {
                let done: Result<(), EventError> = self
                    .db
                    .write((ctx, id(event)), |tx, (ctx, id)| {
                        Box::pin(async move { events::delete(tx, ctx, *id, &Precondition::default()).await })
                    })
                    .await;
                done.map(|()| None)
            }
            Op::Restore { event } => {
                let done: Result<Allowed, EventError> = self
                    .db
                    .write((ctx, id(event)), |tx, (ctx, id)| Box::pin(events::restore(tx, ctx, *id, None)))
                    .await;
                done.map(|_| None)
            }
            Op::State { event, published } => {
                let to = if *published { access::State::Published } else { access::State::Draft };
                let wish = StateWish { to, comment: None, on_conflict: None };
                let done: Result<Allowed, EventError> = self
                    .db
                    .write((ctx, id(event), wish), |tx, (ctx, id, wish)| {
                        Box::pin(events::change_state(tx, ctx, *id, wish))
                    })
                    .await;
                done.map(|_| None)
            }
            Op::Clone { event, patch } => {
                let mut body = change(patch, self.kind(event));
                body.remove("drop_orphans");
                let new = NewEvent::parse(body)?;
                let made: Result<Allowed, EventError> = self
                    .db
                    .write((ctx, id(event), new), |tx, (ctx, id, new)| Box::pin(events::clone(tx, ctx, *id, new)))
                    .await;
                Ok(Some(made?.event.id))
            }
            Op::Rollback { event, to } => {
                let version = i64::try_from(*to).expect("small") + 1;
                let done: Result<Allowed, EventError> = self
                    .db
                    .write((ctx, id(event), version), |tx, (ctx, id, version)| {
                        Box::pin(async move { roll_back(tx, ctx, *id, *version, &RollbackWish::default()).await })
                    })
                    .await;
                done.map(|_| None)
            }
        }
    }

    fn kind(&self, event: &usize) -> Kind {
        self.known[*event].now().plain.when.kind
    }

    async fn edit(&self, ctx: Ctx, id: EventId, edit: Edit) -> Result<Option<EventId>, EventError> {
        let done: Result<Allowed, EventError> =
            self.db.write((ctx, id, edit), |tx, (ctx, id, edit)| Box::pin(events::edit(tx, ctx, *id, edit))).await;
        done.map(|_| None)
    }

    async fn instance(
        &self,
        ctx: Ctx,
        event: &usize,
        at: DateTime,
        scope: Scope,
        body: Map<String, Value>,
    ) -> Result<Option<EventId>, EventError> {
        let edit = Edit::parse(body, How::Patch, None)?;
        let args = (ctx, self.known[*event].id, path(at, self.kind(event)), scope, edit);
        let done: Result<events::Instanced, EventError> = self
            .db
            .write(args, |tx, (ctx, id, at, scope, edit)| {
                Box::pin(async move { events::edit_instance(tx, ctx, *id, at, *scope, edit).await })
            })
            .await;
        done.map(|one| Some(one.of.event.id))
    }

    async fn cancel(&self, ctx: Ctx, event: &usize, at: DateTime, scope: Scope) -> Result<Option<EventId>, EventError> {
        let args = (ctx, self.known[*event].id, path(at, self.kind(event)), scope);
        let done: Result<(), EventError> = self
            .db
            .write(args, |tx, (ctx, id, at, scope)| {
                Box::pin(
                    async move { events::cancel_instance(tx, ctx, *id, at, *scope, &Precondition::default()).await },
                )
            })
            .await;
        done.map(|()| None)
    }

    /// Whether the database is what the model is.
    async fn compare(&mut self) -> Done {
        let ctx = self.ctx();
        let mut conn = self.db.reader().await.expect("a reader");
        for (number, known) in self.known.iter().enumerate() {
            struct Number(i64);
            impl FromRow for Number {
                fn from_row(row: &DbRow) -> kalends_db::Result<Self> {
                    row.get("version").map(Number)
                }
            }
            let versions: Vec<Number> = sql("SELECT version FROM event_versions WHERE event_id = $1 ORDER BY version")
                .bind(known.id)
                .all(&mut conn)
                .await
                .expect("versions");
            let versions: Vec<i64> = versions.into_iter().map(|one| one.0).collect();
            let wanted: Vec<i64> = if known.gone { Vec::new() } else { (1..=known.version()).collect() };
            differs(&format!("the versions of event {number}"), &versions, &wanted)?;
            let found = events::load(&mut conn, &ctx, known.id, access::Can::See).await;
            let event = match (found, known.gone) {
                (Err(EventError::Denied(access::Denied::NotFound)), true) => continue,
                (Ok(found), false) => found.event,
                (other, _) => return Err(format!("event {number}: gone is {}, but {other:?}", known.gone)),
            };
            let now = known.now();
            let state = if now.published { access::State::Published } else { access::State::Draft };
            differs(
                &format!("the head of event {number}"),
                &(
                    event.version,
                    event.state(),
                    event.deleted_at.is_some(),
                    event.calendar_id,
                    event.split_from,
                    event.submitted,
                ),
                &(known.version(), state, now.deleted, known.calendar, known.split_from, known.submitted),
            )?;
            let location = (&event.content.title, &event.content.location);
            differs(&format!("the words of event {number}"), &location, &(&now.plain.title, &now.plain.location))?;
        }
        for (from, to) in WINDOWS {
            let (from, to): (Timestamp, Timestamp) = (from.parse().expect("a time"), to.parse().expect("a time"));
            let mut listed = self.listed(&mut conn, &ctx, from, to).await?;
            for (number, known) in self.known.iter().enumerate() {
                let there = !known.gone && !known.now().deleted;
                let mut wanted = if there { known.now().plain.rows(from, to) } else { Vec::new() };
                wanted.sort();
                let mut found = listed.remove(&known.id).unwrap_or_default();
                found.sort();
                differs(&format!("the list of {from} to {to}: event {number}"), &found, &wanted)?;
                if there {
                    let (of, found) = events::instances(&mut conn, &ctx, known.id, (from, to), None, 500)
                        .await
                        .map_err(|error| format!("the instances of event {number}: {error:?}"))?;
                    let found: Vec<ListedRow> = found.iter().map(|one| row(&of, one)).collect();
                    differs(&format!("the instances of event {number} from {from} to {to}"), &found, &wanted)?;
                }
            }
            differs(
                "events that the model does not have",
                &listed.keys().collect::<Vec<_>>(),
                &Vec::<&EventId>::new(),
            )?;
        }
        let differences = check::run(&mut conn).await.expect("an answer");
        differs("check finds something", &differences, &Vec::<check::Difference>::new())
    }

    async fn listed(
        &self,
        conn: &mut kalends_db::Conn,
        ctx: &Ctx,
        from: Timestamp,
        to: Timestamp,
    ) -> Result<std::collections::BTreeMap<EventId, Vec<ListedRow>>, String> {
        let mut listed = std::collections::BTreeMap::<EventId, Vec<ListedRow>>::new();
        let mut question = List {
            window: Some(Window { from, to }),
            expand: true,
            calendar: None,
            ids: None,
            state: None,
            mine: false,
            q: None,
            venue: None,
            category: None,
            weekday: None,
            leave_out_too_much_work: false,
            deleted: false,
            sort: Sort::Start,
            descending: false,
            limit: 97,
            cursor: None,
            digest: 7,
        };
        let mut last = None;
        loop {
            let page = events::list(conn, ctx, &question).await.map_err(|error| format!("the list: {error:?}"))?;
            for found in &page.items {
                let instance = found.instance.as_ref().expect("expanded");
                let place = (instance.start, found.of.event.id, instance.original_start);
                if last.is_some_and(|last| last >= place) {
                    return Err(format!("the list is not in order, or repeats {place:?}"));
                }
                last = Some(place);
                listed.entry(found.of.event.id).or_default().push(row(&found.of, instance));
            }
            if page.next.is_none() {
                return Ok(listed);
            }
            question.cursor = page.next;
        }
    }
}

fn row(of: &Allowed, instance: &events::Instance) -> ListedRow {
    let content = &of.event.content;
    let own = content.overrides.iter().find(|one| one.original_start == instance.original_start);
    let title = own.and_then(|one| one.title.clone()).unwrap_or_else(|| content.title.clone());
    let events::Instance { original_start, start, end, overridden, .. } = instance.clone();
    ListedRow { start, end, original: original_start, title, overridden }
}

/// Only a series has instances to change.
fn instance_of(plain: &Plain, at: DateTime) -> Result<(), Refusal> {
    if plain.rule.is_some() && plain.has(at) { Ok(()) } else { Err(Refusal::NotFound) }
}

fn refusal(error: &EventError) -> Option<Refusal> {
    Some(match error {
        EventError::Denied(access::Denied::NotFound) => Refusal::NotFound,
        EventError::Invalid(_) => Refusal::Invalid,
        EventError::Changed(_) => Refusal::Changed,
        EventError::Conflict { .. } => Refusal::Conflict,
        EventError::WrongState { .. } | EventError::Deleted => Refusal::State,
        EventError::Orphans(_) => Refusal::Orphans,
        _ => return None,
    })
}

fn local(at: DateTime, kind: Kind) -> Value {
    if kind == Kind::AllDay { at.date().to_string().into() } else { at.to_string().into() }
}

fn path(at: DateTime, kind: Kind) -> String {
    at.strftime(if kind == Kind::AllDay { "%Y%m%d" } else { "%Y%m%dT%H%M%S" }).to_string()
}

fn kind_fields(kind: Kind, body: &mut Map<String, Value>) {
    body.insert("all_day".into(), (kind == Kind::AllDay).into());
    body.insert("floating".into(), (kind == Kind::Floating).into());
    if let Kind::Zoned(zone) = kind {
        body.insert("time_zone".into(), zone.into());
    }
}

fn whole(plain: &Plain) -> Map<String, Value> {
    let mut body = Map::new();
    body.insert("title".into(), plain.title.clone().into());
    body.insert("location".into(), plain.location.clone().into());
    kind_fields(plain.when.kind, &mut body);
    body.insert("start".into(), local(plain.when.start, plain.when.kind));
    body.insert("end".into(), local(plain.when.end, plain.when.kind));
    body.insert(
        "recurrence".into(),
        json!(plain.rule.as_ref().map_or_else(Vec::new, |rule| rule.lines(plain.when.kind))),
    );
    body
}

/// A patch as the body of a request about an event of this kind.
fn change(patch: &Patch, kind: Kind) -> Map<String, Value> {
    let kind = patch.kind.unwrap_or(kind);
    let mut body = Map::new();
    if let Some(title) = &patch.title {
        body.insert("title".into(), title.clone().into());
    }
    if let Some(location) = &patch.location {
        body.insert("location".into(), location.clone().into());
    }
    if let Some(kind) = patch.kind {
        kind_fields(kind, &mut body);
    }
    if patch.no_overrides {
        body.insert("overrides".into(), Value::Null);
    }
    if patch.drop_orphans {
        body.insert("drop_orphans".into(), true.into());
    }
    if let Some(start) = patch.start {
        body.insert("start".into(), local(start, kind));
    }
    if let Some(end) = patch.end {
        body.insert("end".into(), local(end, kind));
    }
    if let Some(rule) = &patch.rule {
        body.insert("recurrence".into(), json!(rule.as_ref().map(|rule| rule.lines(kind))));
    }
    body
}

fn uuid_nil() -> uuid::Uuid {
    uuid::Uuid::nil()
}
