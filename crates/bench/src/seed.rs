//! A million events. They go into the real schema by the same derivation as any other, many rows at a time, without versions
//! and change-log rows: lists do not look at those.

use std::hash::{DefaultHasher, Hash, Hasher};

use anyhow::{Context, Result, anyhow};
use jiff::civil::DateTime;
use jiff::{Timestamp, ToSpan};
use kalends_core::calendars::{self, CalendarInput};
use kalends_core::events::{Content, derive};
use kalends_db::{Db, Error, Sql, Tx, sql};
use kalends_kernel::{CalendarId, Clock, EventId, Ids, UserId, Zone};
use serde_json::{Value, json};

use crate::place;

/// Changes whenever seeded databases must be made anew.
const FORMAT: u32 = 1;
const SCHEMA: &str = include_str!("../../../migrations/0002_calendars_and_events.sql");

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
        let mut schema = DefaultHasher::new();
        SCHEMA.hash(&mut schema);
        let schema = schema.finish() & 0xffff_ffff;
        format!("bench_{FORMAT}_{}_{}_{}_{schema:08x}", self.calendars, self.events_in_each, self.seen)
    }
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

/// Seeds an empty database.
pub async fn seed(db: &Db, plan: Plan, owner: UserId, reader: UserId) -> Result<()> {
    let zone = Zone::parse("Europe/Zurich").map_err(|why| anyhow!("{why}"))?;
    let into = make_calendars(db, plan, owner, reader).await?;
    let templates = Templates::new(&zone)?;
    let mut rows: Vec<Row> = Vec::with_capacity(BATCH);
    for calendar in &into {
        for number in 0..plan.events_in_each {
            rows.push(Row::of(templates.event(number)?, *calendar, owner, &zone));
            if rows.len() == BATCH {
                insert(db, std::mem::take(&mut rows)).await?;
            }
        }
    }
    insert(db, rows).await?;
    // What every database that has run for a while knows about itself.
    sql("ANALYZE").optional::<i64>(&mut *db.reader().await?).await.ok();
    Ok(())
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
                if plan.calendars > 1 && number % (plan.calendars / plan.seen) == 0 {
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
        let description = "Bring your own music stand and the parts that were given out last week. ".repeat(3);
        let said =
            json!({"title": "Rehearsal of the choir", "description": description, "location": "Aula, first floor"});
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

    /// The event of this number: every tenth is a series. The times are spread evenly, and the same in every run.
    fn event(&self, number: usize) -> Result<Content> {
        let of = if number.is_multiple_of(10) { &self.series } else { &self.singles };
        let mut content = of.get((number / 10) % of.len()).context("there are templates")?.clone();
        let mixed = i64::try_from(number.wrapping_mul(2_654_435_761) >> 7)? & 0xffff_ffff;
        if content.overrides.is_empty() {
            let minutes = if content.times.all_day { 0 } else { mixed / 7_919 % 56 * 15 + 360 };
            let start = FIRST.checked_add((mixed % DAYS).days().minutes(minutes))?;
            content.times = content.times.begun_at(start);
        }
        content.title = format!("{} {number}", content.title);
        Ok(content)
    }
}

struct Row {
    id: EventId,
    calendar: CalendarId,
    author: UserId,
    starts_at: Timestamp,
    ends_at: Option<Timestamp>,
    reach: i64,
    weekday: i64,
    title_key: String,
    made: Timestamp,
    content: String,
}

impl Row {
    fn of(content: Content, calendar: CalendarId, author: UserId, zone: &Zone) -> Row {
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
    }
}

const COLUMNS: &str =
    "id, uid, calendar_id, author_id, state, submitted, visibility, version, starts_at, ends_at, reach, weekday,
    title_key, created_at, updated_at, content";

async fn insert(db: &Db, rows: Vec<Row>) -> Result<()> {
    let inserted: Result<(), Error> = db
        .write(rows, |tx, rows| {
            Box::pin(async move {
                for rows in rows.chunks(ROWS) {
                    let number = COLUMNS.split(',').count();
                    let values: Vec<String> = (0..rows.len())
                        .map(|row| {
                            let names: Vec<String> = (1..=number).map(|n| format!("${}", row * number + n)).collect();
                            format!("({})", names.join(", "))
                        })
                        .collect();
                    let statement = sql(format!("INSERT INTO events ({COLUMNS}) VALUES {}", values.join(", ")));
                    rows.iter().fold(statement, |statement, row| row.bind(statement)).run(tx).await?;
                }
                Ok(())
            })
        })
        .await;
    Ok(inserted?)
}
