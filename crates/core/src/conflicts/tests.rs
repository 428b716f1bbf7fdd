//! The pure parts against the plainest models of them, and the whole, on the database, against a model that looks at every
//! minute.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::DateTime;
use jiff::tz::{Disambiguation, TimeZone};
use jiff::{SignedDuration, Timestamp, ToSpan};
use kalends_db::Db;
use kalends_db::testing::TestDb;
use kalends_kernel::{CalendarId, EmailAddress, Id, Ids, UserId, VenueId, Zone};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::free_slots::slots;
use super::overlap::{CoveredIntervals, OwnInterval, Timeline, gaps, merged};
use super::{DryRun, FreeSlots, Reason, Work, dry_run};
use crate::access::State;
use crate::accounts::{self, CreateError, NewAccount, Username};
use crate::calendars::{self, CalendarError, CalendarInput};
use crate::ctx::{Actor, Credential, Ctx, Door, GlobalRole, SignedIn};
use crate::events::{self, BusyInterval, Edit, EventError, How, NewEvent};
use crate::venues::{self, VenueError, VenueInput};

fn second(n: i64) -> Timestamp {
    Timestamp::from_second(n).expect("in range")
}

fn stretches() -> impl Strategy<Value = Vec<(i64, i64)>> {
    prop::collection::vec((0_i64..60, 1_i64..12).prop_map(|(start, length)| (start, start + length)), 0..12)
}

proptest! {
    #[test]
    fn a_stretch_is_held_when_it_lies_in_one_of_those_that_were_taken(all in stretches(), (start, length) in (0_i64..70, 1_i64..20)) {
        let held = CoveredIntervals::of(all.iter().map(|(start, end)| (second(*start), second(*end))));
        let plain = all.iter().any(|one| one.0 <= start && start + length <= one.1);
        prop_assert_eq!(held.has(second(start), second(start + length)), plain);
    }

    #[test]
    fn a_timeline_gives_exactly_what_overlaps(all in stretches(), (start, length) in (0_i64..70, 0_i64..20)) {
        let mine = |(start, end): &(i64, i64)| OwnInterval {
            taken: BusyInterval { start: second(*start), end: second(*end), original_start: DateTime::MIN, venue: None },
            moved: true,
            rehoused: true,
        };
        let timeline = Timeline::new(all.iter().map(mine).collect());
        let found: Vec<_> = timeline.overlapping(second(start), second(start + length)).map(|one| (one.taken.start, one.taken.end)).collect();
        let mut expected: Vec<_> = all.iter().filter(|(a, b)| *a < start + length && *b > start).map(|(a, b)| (second(*a), second(*b))).collect();
        expected.sort_unstable();
        prop_assert_eq!(found, expected);
    }

    #[test]
    fn merged_stretches_and_their_gaps_are_the_same_seconds(all in stretches(), (from, length) in (0_i64..70, 1_i64..40)) {
        let to = from + length;
        let busy = merged(all.iter().map(|(a, b)| (second(*a), second(*b))).collect());
        prop_assert!(busy.windows(2).all(|pair| pair[0].1 < pair[1].0));
        let free = gaps(&busy, second(from), second(to));
        let within = |all: &[(Timestamp, Timestamp)], at: i64| all.iter().any(|(a, b)| *a <= second(at) && second(at) < *b);
        for at in 0..100 {
            let taken = all.iter().any(|(a, b)| *a <= at && at < *b);
            prop_assert_eq!(within(&busy, at), taken);
            prop_assert_eq!(within(&free, at), !taken && (from..to).contains(&at));
        }
    }

    #[test]
    fn slots_are_free_long_enough_on_the_clock_and_the_first_is_the_first(all in stretches(), minutes in 1_i64..30, step in 1_i64..20) {
        let minute = |n: i64| second(n * 60);
        let busy = merged(all.iter().map(|(a, b)| (minute(*a), minute(*b))).collect());
        let wanted = FreeSlots {
            duration: SignedDuration::from_mins(minutes), window: (minute(3), minute(90)), users: Vec::new(), venue: None,
            zone: Zone::utc(), hours: None, step, limit: 100,
        };
        let found = slots(&busy, &wanted);
        let is_free = |at: i64| (3..=90 - minutes).contains(&at) && at % step == 0
            && all.iter().all(|(a, b)| *b <= at || *a >= at + minutes);
        let expected = (0..90).find(|at| is_free(*at)).map(minute);
        prop_assert_eq!(found.first().map(|slot| slot.0), expected);
        for (start, end) in &found {
            prop_assert_eq!(end.duration_since(*start), wanted.duration);
            prop_assert!(is_free(start.as_second() / 60));
        }
        prop_assert!(found.windows(2).all(|pair| pair[0].1 <= pair[1].0));
    }
}

/// Numbers that can be had again: SplitMix64.
struct Chance(u64);

impl Chance {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (z ^ (z >> 31)) % n
    }

    fn of<T: Clone>(&mut self, all: &[T]) -> T {
        all[usize::try_from(self.below(all.len() as u64)).expect("small")].clone()
    }

    fn one_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }
}

/// An event as the model has it: what it says, and nothing computed.
#[derive(Clone, Debug)]
struct Plain {
    calendar: usize,
    zone: Option<&'static str>,
    start: DateTime,
    minutes: i64,
    all_day: bool,
    /// Every so many days, so many times; for ever without a number.
    repeats: Option<(i64, Option<i64>)>,
    changes: BTreeMap<i64, Change>,
    busy: bool,
    venue: Option<usize>,
    people: Vec<usize>,
}

#[derive(Clone, Debug)]
enum Change {
    Cancelled,
    Moved(i64),
    Free,
    At(usize),
}

const ZONES: &[&str] = &["Europe/Zurich", "UTC", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe"];
const OF_CALENDARS: [&str; 2] = ["Europe/Zurich", "Asia/Tokyo"];

fn resolve(local: DateTime, zone: &str) -> Timestamp {
    let zone = TimeZone::get(zone).expect("a zone");
    zone.to_ambiguous_timestamp(local).disambiguate(Disambiguation::Compatible).expect("in range")
}

impl Plain {
    fn any(chance: &mut Chance) -> Plain {
        // Around both changes of the clock in spring.
        let day = i64::try_from(chance.below(6)).expect("small");
        let all_day = chance.one_in(6);
        let (hour, quarter) = if all_day { (0, 0) } else { (chance.below(24), chance.below(4) * 15) };
        let date = jiff::civil::date(2027, 3, 25).checked_add(day.days()).expect("a day");
        let start = date.at(i8::try_from(hour).expect("small"), i8::try_from(quarter).expect("small"), 0, 0);
        let repeats = chance.one_in(2).then(|| (chance.of(&[1, 1, 2, 7]), chance.of(&[None, Some(2), Some(4)])));
        let mut changes = BTreeMap::new();
        if let Some((_, count)) = repeats {
            for _ in 0..chance.below(3) {
                let which =
                    i64::try_from(chance.below(u64::try_from(count.unwrap_or(5)).expect("small"))).expect("small");
                let change = match chance.below(4) {
                    0 => Change::Cancelled,
                    1 if !all_day => Change::Moved(chance.of(&[-300, -45, 30, 600])),
                    2 => Change::Free,
                    _ => Change::At(chance.of(&[0, 1])),
                };
                changes.insert(which, change);
            }
        }
        Plain {
            calendar: chance.of(&[0, 1]),
            zone: if all_day { None } else { Some(chance.of(ZONES)) },
            start,
            minutes: if all_day { 1_440 } else { chance.of(&[0, 15, 30, 60, 95, 600]) },
            all_day,
            repeats,
            changes,
            busy: !chance.one_in(8),
            venue: chance.of(&[None, Some(0), Some(1)]),
            people: chance.of(&[vec![], vec![0], vec![1], vec![0, 1]]),
        }
    }

    fn nth(&self, n: i64) -> DateTime {
        self.start.checked_add((n * self.repeats.map_or(1, |(every, _)| every)).days()).expect("in range")
    }

    /// The stretches that it takes, each with its venue.
    fn taken(&self) -> Vec<(Timestamp, Timestamp, Option<usize>)> {
        let zone = self.zone.unwrap_or(OF_CALENDARS[self.calendar]);
        let times = match self.repeats {
            None => 1,
            // For ever is long enough for what is asked here.
            Some((_, count)) => count.unwrap_or(60),
        };
        (0..times)
            .filter_map(|n| {
                let change = self.changes.get(&n);
                let by = if let Some(Change::Moved(minutes)) = change { *minutes } else { 0 };
                let local = self.nth(n).checked_add(by.minutes()).expect("in range");
                let start = resolve(local, zone);
                let end = resolve(local.checked_add(self.minutes.minutes()).expect("in range"), zone);
                let venue = if let Some(Change::At(venue)) = change { Some(*venue) } else { self.venue };
                let free = !self.busy || matches!(change, Some(Change::Cancelled | Change::Free));
                (!free && start < end).then_some((start, end, venue))
            })
            .collect()
    }

    /// Minute by minute: at which venue, if at any.
    fn minutes(&self) -> BTreeMap<i64, BTreeSet<Option<usize>>> {
        let mut all: BTreeMap<i64, BTreeSet<Option<usize>>> = BTreeMap::new();
        for (start, end, venue) in self.taken() {
            for minute in start.as_second() / 60..end.as_second() / 60 {
                all.entry(minute).or_default().insert(venue);
            }
        }
        all
    }

    fn show(&self, local: DateTime) -> Value {
        if self.all_day { local.date().to_string().into() } else { local.to_string().into() }
    }

    fn body(&self, place: &Place) -> Value {
        let end = self.start.checked_add(self.minutes.minutes()).expect("in range");
        let mut body = json!({"start": self.show(self.start), "end": self.show(end)});
        if self.all_day {
            body["all_day"] = true.into();
        }
        if let Some(zone) = self.zone {
            body["time_zone"] = zone.into();
        }
        if let Some((every, count)) = self.repeats {
            let count = count.map_or_else(String::new, |count| format!(";COUNT={count}"));
            body["recurrence"] = json!([format!("RRULE:FREQ=DAILY;INTERVAL={every}{count}")]);
            let overrides = self.changes.iter().map(|(n, change)| {
                let mut one = json!({"original_start": self.show(self.nth(*n))});
                match change {
                    Change::Cancelled => one["cancelled"] = true.into(),
                    Change::Free => one["busy"] = false.into(),
                    Change::At(venue) => one["venue_id"] = place.venues[*venue].to_string().into(),
                    Change::Moved(by) => {
                        one["start"] = self.show(self.nth(*n).checked_add(by.minutes()).expect("in range"));
                    }
                }
                one
            });
            body["overrides"] = overrides.collect();
        }
        body
    }

    fn event(&self, place: &Place, title: &str) -> Value {
        let mut body = self.body(place);
        body["title"] = title.into();
        body["busy"] = self.busy.into();
        body["calendar_id"] = place.calendars[self.calendar].to_string().into();
        if let Some(venue) = self.venue {
            body["venue_id"] = place.venues[venue].to_string().into();
        }
        let people: Vec<String> = self.people.iter().map(|who| place.people[*who].to_string()).collect();
        body["audience"] = json!({"user_ids": people});
        body
    }
}

/// A database with two calendars, two venues, alice, and two who are invited.
struct Place {
    db: Db,
    _test_db: TestDb,
    alice: UserId,
    people: Vec<UserId>,
    calendars: Vec<CalendarId>,
    venues: Vec<VenueId>,
}

impl Place {
    async fn new() -> Place {
        let test_db = TestDb::new().await;
        let db = test_db.open().await;
        let mut people = Vec::new();
        for name in ["alice", "bob", "carol"] {
            let new = NewAccount {
                username: Username::parse(name).expect("a name"),
                email: EmailAddress::parse(&format!("{name}@example.org")).expect("an address"),
                email_verified: true,
                name: name.to_owned(),
                role: GlobalRole::Organizer,
                locale: "en".to_owned(),
                zone: Zone::utc(),
                password_hash: "none".to_owned(),
            };
            let made: Result<_, CreateError> =
                db.write((ctx(None), new), |tx, (ctx, new)| Box::pin(accounts::create(tx, ctx, new))).await;
            people.push(made.expect("an account").id);
        }
        let alice = people.remove(0);
        let mut place = Place { db, _test_db: test_db, alice, people, calendars: Vec::new(), venues: Vec::new() };
        for zone in OF_CALENDARS {
            let body = json!({"name": zone, "time_zone": zone});
            let input = CalendarInput::parse(body.as_object().expect("an object")).expect("right");
            let made: Result<_, CalendarError> = place
                .db
                .write((ctx(Some(alice)), input), |tx, (ctx, input)| Box::pin(calendars::create(tx, ctx, input)))
                .await;
            place.calendars.push(made.expect("a calendar").calendar.id);
            let body = json!({"name": zone, "conflicts": "ignore"});
            let input = VenueInput::parse(body.as_object().expect("an object")).expect("right");
            let made: Result<_, VenueError> = place
                .db
                .write((ctx(Some(alice)), input), |tx, (ctx, input)| Box::pin(venues::create(tx, ctx, input)))
                .await;
            place.venues.push(made.expect("a venue").id);
        }
        place
    }

    async fn create(&self, mut body: Value, wish: &str) -> Result<events::Allowed, EventError> {
        body["on_conflict"] = wish.into();
        let new = NewEvent::parse(body.as_object().expect("an object").clone()).expect("right");
        self.db.write((ctx(Some(self.alice)), new), |tx, (ctx, new)| Box::pin(events::create(tx, ctx, new))).await
    }

    async fn edit(&self, id: kalends_kernel::EventId, mut body: Value) -> Result<events::Allowed, EventError> {
        body["on_conflict"] = "reject".into();
        let edit = Edit::parse(body.as_object().expect("an object").clone(), How::Patch, None).expect("right");
        self.db
            .write((ctx(Some(self.alice)), edit, id), |tx, (ctx, edit, id)| Box::pin(events::edit(tx, ctx, *id, edit)))
            .await
    }

    async fn ask(&self, body: Value) -> BTreeMap<String, BTreeSet<Reason>> {
        let what = DryRun::parse(body.as_object().expect("an object").clone()).expect("right");
        let mut conn = self.db.reader().await.expect("a reader");
        let report = dry_run(&mut conn, &ctx(Some(self.alice)), &what).await.expect("affordable");
        assert!(!report.more);
        let mut found: BTreeMap<String, BTreeSet<Reason>> = BTreeMap::new();
        for clash in report.clashes {
            found.entry(clash.title.expect("alice sees all")).or_default().extend(clash.reasons);
        }
        found
    }
}

fn ctx(user: Option<UserId>) -> Ctx {
    let now = "2027-01-15T10:00:00Z".parse().expect("a time");
    let base = Ctx::system(now, Door::Rest);
    match user {
        None => base,
        Some(id) => {
            let by = Credential::Session(Id::new(Ids::at(now).uuid()));
            Ctx { actor: Actor::User(SignedIn { id, role: GlobalRole::Organizer, by }), ..base }
        }
    }
}

/// Why two events conflict, minute by minute, when alice wrote both.
fn reasons(one: &Plain, other: &Plain, with_author: bool) -> BTreeSet<Reason> {
    let (mine, theirs) = (one.minutes(), other.minutes());
    let together: Vec<_> = mine.iter().filter_map(|(minute, venues)| Some((venues, theirs.get(minute)?))).collect();
    let mut found = BTreeSet::new();
    if together.is_empty() {
        return found;
    }
    if one.calendar == other.calendar {
        found.insert(Reason::Calendar);
    }
    if with_author || one.people.iter().any(|who| other.people.contains(who)) {
        found.insert(Reason::User);
    }
    if together.iter().any(|(a, b)| a.intersection(b).flatten().next().is_some()) {
        found.insert(Reason::Venue);
    }
    found
}

#[expect(clippy::disallowed_methods, reason = "a soak asks for more rounds")]
fn rounds() -> u64 {
    std::env::var("KALENDS_CONFLICT_ROUNDS").map_or(5, |rounds| rounds.parse().expect("a number"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn conflicts_are_what_a_look_at_every_minute_says() {
    let (mut asked, mut met, mut refused) = (0, 0, 0);
    for seed in 0..rounds() {
        let mut chance = Chance(seed);
        let place = Place::new().await;
        let mut there: Vec<(String, Plain, kalends_kernel::EventId)> = Vec::new();
        for n in 0..14 {
            let plain = Plain::any(&mut chance);
            let title = format!("event {n}");
            // Whoever insists is refused exactly when there is a conflict; alice wrote all of them.
            let strict = chance.one_in(2);
            let conflicts = there.iter().any(|(_, other, _)| !reasons(&plain, other, true).is_empty());
            let made = place.create(plain.event(&place, &title), if strict { "reject" } else { "ignore" }).await;
            match made {
                Ok(made) => {
                    assert!(!(strict && conflicts), "seed {seed}: {plain:#?} was let in among {there:#?}");
                    assert_eq!(made.event.state(), State::Published);
                    there.push((title, plain, made.event.id));
                }
                Err(EventError::Clash(report)) => {
                    assert!(strict && conflicts, "seed {seed}: {plain:#?} was refused because of {report:#?}");
                    refused += 1;
                }
                Err(other) => panic!("seed {seed}: {other:?} {plain:#?}"),
            }
        }
        for _ in 0..12 {
            let plain = Plain { busy: true, ..Plain::any(&mut chance) };
            // An endless question would list more than is compared.
            let plain =
                Plain { repeats: plain.repeats.map(|(every, count)| (every, Some(count.unwrap_or(5)))), ..plain };
            let people: Vec<String> = plain.people.iter().map(|who| place.people[*who].to_string()).collect();
            let mut body = plain.body(&place);
            body["calendar_id"] = place.calendars[plain.calendar].to_string().into();
            body["user_ids"] = json!(people);
            if let Some(venue) = plain.venue {
                body["venue_id"] = place.venues[venue].to_string().into();
            }
            let found = place.ask(body).await;
            let mut expected = BTreeMap::new();
            for (title, other, _) in &there {
                let why = reasons(&plain, other, false);
                if !why.is_empty() {
                    expected.insert(title.clone(), why);
                }
            }
            asked += 1;
            met += expected.len();
            assert_eq!(found, expected, "seed {seed}: {plain:#?} among {there:#?}");
        }
        // Moving one is refused exactly when it takes time anew that is taken.
        for n in 0..there.len() {
            let (_, plain, id) = there[n].clone();
            if plain.all_day || plain.repeats.is_some() {
                continue;
            }
            let by: i64 = chance.of(&[-60, 30, 240]);
            let moved = Plain { start: plain.start.checked_add(by.minutes()).expect("in range"), ..plain.clone() };
            let others = there.iter().enumerate().filter(|(m, _)| *m != n);
            let conflicts = others.into_iter().any(|(_, (_, other, _))| !reasons(&moved, other, true).is_empty());
            let times = moved.body(&place);
            let edited = place.edit(id, json!({"start": times["start"], "end": times["end"]})).await;
            match edited {
                Ok(_) if !conflicts => there[n].1 = moved,
                Err(EventError::Clash(_)) if conflicts => refused += 1,
                other => panic!("seed {seed}: {conflicts} {other:?} {moved:#?}"),
            }
        }
        let mut conn = place.db.reader().await.expect("a reader");
        assert_eq!(crate::check::run(&mut conn).await.expect("an answer"), []);
    }
    println!("{asked} questions, {met} conflicts told, {refused} refused");
    assert!(rounds() < 5 || (met > 20 && refused > 5));
}

#[test]
fn a_command_of_many_events_has_an_end() {
    let ctx = Ctx::system(Timestamp::UNIX_EPOCH, Door::Rest);
    let check = |ctx: &Ctx| Work::of(ctx).spend(Work::MOST - 1).is_ok();
    let checked = (0..100).filter(|_| check(&ctx.clone())).count();
    assert_eq!(u64::try_from(checked).expect("few"), crate::budget::Budget::STEPS / (Work::MOST - 1));
    // A command that runs once more begins anew.
    ctx.begin();
    assert!(check(&ctx));
}
