//! A million events. They go into the real schema by the same derivation as any other, many rows at a time, without versions
//! and change-log rows: lists do not look at those.

use std::collections::BTreeSet;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Instant;

use anyhow::{Context, Result, anyhow};
use jiff::civil::DateTime;
use jiff::{Timestamp, ToSpan};
use kalends_core::access::State;
use kalends_core::calendars::{self, CalendarInput};
use kalends_core::events::{self, Content, derive};
use kalends_core::search::Words;
use kalends_db::{Db, Error, Options, Sql, Tx, sql};
use kalends_kernel::{CalendarId, Clock, EventId, Ids, UserId, VenueId, Zone};
use serde_json::{Value, json};

use crate::bulk;
use crate::place::{self, Engine, Place};

/// Changes whenever seeded databases must be made anew.
const FORMAT: u32 = 2;
const SCHEMA: &str = concat!(
    include_str!("../../../migrations/0002_calendars_and_events.sql"),
    include_str!("../../../migrations/0005_search.sql"),
    include_str!("../../../migrations/0010_venues_and_occupancy.sql")
);

/// What is seeded.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    pub calendars: usize,
    pub events_in_each: usize,
    /// How many of the calendars the reader views; with one calendar the reader owns it.
    pub seen: usize,
}

impl Plan {
    /// A name for the seeded database: other plans or another schema have another.
    pub fn name(&self) -> String {
        format!("bench_{FORMAT}_{}_{}_{}_{:08x}", self.calendars, self.events_in_each, self.seen, schema())
    }
}

/// The same for bookings.
pub fn name_of_bookings(venues: usize, bookings: usize) -> String {
    format!("bench_{FORMAT}_bookings_{venues}_{bookings}_{:08x}", schema())
}

fn schema() -> u64 {
    let mut schema = DefaultHasher::new();
    SCHEMA.hash(&mut schema);
    schema.finish() & 0xffff_ffff
}

/// Rows of one INSERT.
const ROWS: usize = 200;
/// Rows of one transaction.
const BATCH: usize = 10_000;

/// The first day on which something begins, and how many days follow.
const FIRST: DateTime = DateTime::constant(2025, 1, 1, 0, 0, 0, 0);
const DAYS: i64 = 3 * 365;
const RULES: &[&str] = &[
    "RRULE:FREQ=WEEKLY",
    "RRULE:FREQ=MONTHLY;BYDAY=1MO,3TU",
    "RRULE:FREQ=WEEKLY;COUNT=30",
    "RRULE:FREQ=DAILY;COUNT=60",
];
const ZONES: &[&str] = &["Europe/Zurich", "Europe/Zurich", "America/New_York", "Asia/Kolkata"];

/// The plan that a month is read from and words are searched in.
pub const MANY_CALENDARS: (&str, Plan) =
    ("1,000,000 events in 1,000 calendars, 10 seen", Plan { calendars: 1_000, events_in_each: 1_000, seen: 10 });
/// A million events in one place.
pub const ONE_CALENDAR: (&str, Plan) =
    ("1,000,000 events in one calendar", Plan { calendars: 1, events_in_each: 1_000_000, seen: 1 });

/// The database of a plan, seeded when it is not there yet.
pub async fn seeded(engine: Engine, (title, plan): (&str, Plan)) -> Result<Place> {
    let place = Place::kept(engine, &plan.name()).await?;
    if !place.existed {
        eprintln!("seeding {title} on {}; this takes minutes, once", place::name(engine));
        let began = Instant::now();
        let running = place.serve().await?;
        let owner = place::person(&running, "owner").await?;
        let reader = place::person(&running, "reader").await?;
        let seeding = seed(&running.db, &place.options()?, plan, owner, reader).await;
        running.stop().await;
        place.keep_if(seeding).await?;
        eprintln!("seeded in {:.0} s", began.elapsed().as_secs_f64());
    }
    Ok(place)
}

/// Seeds an empty database.
async fn seed(db: &Db, options: &Options, plan: Plan, owner: UserId, reader: UserId) -> Result<()> {
    let zone = Zone::parse("Europe/Zurich").map_err(|why| anyhow!("{why}"))?;
    let into = make_calendars(db, plan, owner, reader).await?;
    let templates = Templates::new(&zone)?;
    let common = templates.common_words();
    bulk::begin(db, options, &common).await?;
    let mut rows: Vec<Row> = Vec::with_capacity(BATCH);
    let mut vocabulary: BTreeSet<String> = common.keys().cloned().collect();
    for (place, calendar) in into.iter().enumerate() {
        for number in 0..plan.events_in_each {
            let row = Row::of(templates.event(place, number)?, *calendar, owner, &zone, &common);
            vocabulary.extend(row.words.keys().cloned());
            rows.push(row);
            if rows.len() == BATCH {
                insert(db, std::mem::take(&mut rows), true).await?;
            }
        }
    }
    insert(db, rows, true).await?;
    bulk::end(db, options, vocabulary).await
}

/// So many bookings of each venue, in a calendar of its own: between 6 and 22, over three years.
pub async fn book(db: &Db, options: &Options, owner: UserId, venues: &[VenueId], bookings: usize) -> Result<()> {
    let zone = Zone::parse("Europe/Zurich").map_err(|why| anyhow!("{why}"))?;
    let plan = Plan { calendars: venues.len(), events_in_each: bookings, seen: venues.len() };
    let into = make_calendars(db, plan, owner, owner).await?;
    let templates = Templates::new(&zone)?.of_one_zone();
    let mut rows: Vec<Row> = Vec::with_capacity(BATCH);
    for (place, (calendar, venue)) in into.iter().zip(venues).enumerate() {
        for number in 0..bookings {
            let mut content = templates.event(place, number)?;
            content.venue_id = Some(*venue);
            rows.push(Row::of(content, *calendar, owner, &zone, &Words::new()));
            if rows.len() == BATCH {
                insert(db, std::mem::take(&mut rows), false).await?;
            }
        }
    }
    insert(db, rows, false).await?;
    bulk::occupy(options).await
}

async fn make_calendars(db: &Db, plan: Plan, owner: UserId, reader: UserId) -> Result<Vec<CalendarId>> {
    db.write((), move |tx, ()| {
        Box::pin(async move {
            let mut made = Vec::new();
            for number in 0..plan.calendars {
                let name = json!({"name": format!("Calendar {number}"), "time_zone": "Europe/Zurich"});
                let input = CalendarInput::parse(name.as_object().unwrap_or(&serde_json::Map::new()));
                let input = input.map_err(|_| Error::Setup("the calendar is refused".to_owned()))?;
                let owner = if plan.calendars == 1 { reader } else { owner };
                let calendar = calendars::create(tx, &place::ctx_of(owner), &input).await;
                let id = calendar.map_err(|why| Error::Setup(format!("{why:?}")))?.calendar.id;
                // Spread over all of them, as a reader's calendars are.
                if owner != reader && number % (plan.calendars / plan.seen) == 0 {
                    share(tx, id, reader).await?;
                }
                made.push(id);
            }
            Ok(made)
        })
    })
    .await
    .map_err(|error: Error| error.into())
}

async fn share(tx: &mut Tx, calendar: CalendarId, with: UserId) -> Result<(), Error> {
    let now = Clock::system().now();
    sql("INSERT INTO calendar_permissions (calendar_id, user_id, role, created_at, updated_at) VALUES ($1, $2, 'viewer', $3, $3)")
        .bind(calendar)
        .bind(with)
        .bind(now)
        .run(tx)
        .await?;
    Ok(())
}

/// One event of each kind, read as a request would be; the others differ in their times.
struct Templates {
    singles: Vec<Content>,
    series: Vec<Content>,
}

impl Templates {
    fn new(zone: &Zone) -> Result<Templates> {
        let description = "Bring your music stand. ".repeat(9);
        let said = json!({"title": "Rehearsal", "description": description, "location": "Aula, first floor"});
        let read = |parts: &[&Value]| -> Result<Content> {
            let body = [&said].into_iter().chain(parts.iter().copied()).filter_map(Value::as_object).flatten();
            let body = body.map(|(name, value)| (name.clone(), value.clone())).collect();
            Content::parse(&body, zone).map_err(|why| anyhow!("{why:?}"))
        };
        let at = |zone: &str| json!({"start": "2025-01-06T09:00:00", "end": "2025-01-06T10:30:00", "time_zone": zone});
        let mut singles = Vec::new();
        let mut series = Vec::new();
        for zone in ZONES {
            singles.push(read(&[&at(zone)])?);
            for rule in RULES {
                series.push(read(&[&at(zone), &json!({"recurrence": [rule]})])?);
            }
        }
        singles.push(read(&[&json!({"start": "2025-01-06", "end": "2025-01-09", "all_day": true})])?);
        // The overrides hang on its first day, so this one keeps its start.
        let overrides = json!([
            {"original_start": "2027-03-08T09:00:00", "cancelled": true},
            {"original_start": "2027-03-15T09:00:00", "title": "In the church", "start": "2027-03-15T18:00:00", "end": "2027-03-15T20:00:00"},
        ]);
        let weekly = json!({"recurrence": ["RRULE:FREQ=WEEKLY;BYDAY=MO"], "overrides": overrides});
        series.push(read(&[&at("Europe/Zurich"), &weekly])?);
        Ok(Templates { singles, series })
    }

    /// Those of a place where nobody stays overnight.
    fn of_one_zone(self) -> Templates {
        let here = |content: &Content| {
            let zone = content.times.time_zone.as_ref().map(Zone::name);
            zone == Some("Europe/Zurich") && !content.times.all_day && content.overrides.is_empty()
        };
        let kept = |of: Vec<Content>| of.into_iter().filter(here).collect();
        Templates { singles: kept(self.singles), series: kept(self.series) }
    }

    /// The words that all of them have.
    fn common_words(&self) -> Words {
        self.singles.first().map(words).unwrap_or_default()
    }

    /// The event of this number in a calendar: every tenth is a series. The times are spread evenly, and the same in every run.
    fn event(&self, calendar: usize, number: usize) -> Result<Content> {
        let of = if number.is_multiple_of(10) { &self.series } else { &self.singles };
        let mut content = of.get((number / 10) % of.len()).context("there are templates")?.clone();
        let mixed = i64::try_from(number.wrapping_mul(2_654_435_761) >> 7)? & 0xffff_ffff;
        if content.overrides.is_empty() {
            let minutes = if content.times.all_day { 0 } else { mixed / 7_919 % 56 * 15 + 360 };
            let start = FIRST.checked_add((mixed % DAYS).days().minutes(minutes))?;
            content.times = content.times.begun_at(start);
        }
        content.title = format!("{} {number} {}", content.title, rare_word(number + 7 * calendar));
        Ok(content)
    }
}

/// How many words there are that few events have.
const RARE_WORDS: usize = 20_000;

/// A word that one event in so many has, made of syllables.
pub fn rare_word(number: usize) -> String {
    const CONSONANTS: &[u8] = b"bdfgklmnprstvz";
    let mut rest = (number % RARE_WORDS) * 7_919 + 4_321;
    let mut word = String::new();
    for _ in 0..4 {
        word.push(char::from(CONSONANTS.get(rest % 14).copied().unwrap_or(b'x')));
        rest /= 14;
        word.push(char::from(b"aeiou".get(rest % 5).copied().unwrap_or(b'y')));
        rest /= 5;
    }
    word
}

fn words(content: &Content) -> Words {
    let anywhere = CalendarId::new(uuid::Uuid::nil());
    events::words(content, anywhere, State::Published, false, Timestamp::UNIX_EPOCH).words
}

pub struct Row {
    pub id: EventId,
    pub calendar: CalendarId,
    author: UserId,
    pub starts_at: Timestamp,
    ends_at: Option<Timestamp>,
    reach: i64,
    weekday: i64,
    title_key: String,
    made: Timestamp,
    content: String,
    venue: Option<VenueId>,
    /// The words that not all of them have.
    pub words: Words,
}

impl Row {
    fn of(content: Content, calendar: CalendarId, author: UserId, zone: &Zone, common: &Words) -> Row {
        let mut words = words(&content);
        words.retain(|word, _| !common.contains_key(word));
        let derived = derive(&content, zone);
        let made = Clock::system().now();
        Row {
            id: Ids::at(made).next(),
            calendar,
            author,
            starts_at: derived.starts_at,
            ends_at: derived.ends_at,
            reach: derived.reach,
            weekday: derived.weekday,
            title_key: derived.title_key,
            made,
            content: serde_json::to_string(&content).unwrap_or_default(),
            venue: content.venue_id,
            words,
        }
    }

    fn bind(&self, into: Sql) -> Sql {
        into.bind(self.id)
            .bind(self.id.to_string())
            .bind(self.calendar)
            .bind(self.author)
            .bind("published")
            .bind(true)
            .bind("public")
            .bind(1)
            .bind(self.starts_at)
            .bind(self.ends_at)
            .bind(self.reach)
            .bind(self.weekday)
            .bind(self.title_key.as_str())
            .bind(self.made)
            .bind(self.made)
            .bind(self.content.as_str())
            .bind(self.venue)
    }
}

const COLUMNS: &str =
    "id, uid, calendar_id, author_id, state, submitted, visibility, version, starts_at, ends_at, reach, weekday,
    title_key, created_at, updated_at, content, venue_id";

async fn insert(db: &Db, rows: Vec<Row>, with_words: bool) -> Result<()> {
    let inserted: Result<(), Error> = db
        .write(rows, move |tx, rows| {
            Box::pin(async move {
                for rows in rows.chunks(ROWS) {
                    let statement = bulk::insert("events", COLUMNS, rows.len());
                    rows.iter().fold(statement, |statement, row| row.bind(statement)).run(tx).await?;
                }
                if with_words { bulk::put_words(tx, rows).await } else { Ok(()) }
            })
        })
        .await;
    Ok(inserted?)
}
