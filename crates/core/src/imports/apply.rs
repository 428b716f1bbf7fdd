//! One step of an import: a few of the file's events, in one transaction.

use std::collections::HashMap;

use kalends_db::{Error, Tx};
use kalends_kernel::{CalendarId, EventId};

use super::convert::{Item, said, same_time};
use super::decide::{Decision, decide};
use super::report::{Action, ReportRow, Source};
use super::store;
use crate::ctx::Ctx;
use crate::events::{self, Allowed, Event, EventError, Origin};
use crate::{calendars, conflicts};

/// Does with these events what is to be done, and gives their rows. An error undoes all of them.
pub async fn apply(tx: &mut Tx, ctx: &Ctx, calendar: CalendarId, items: &[Item]) -> Result<Vec<ReportRow>, EventError> {
    ctx.begin();
    let into = events::into_calendar(tx, ctx, calendar).await?;
    let uids: Vec<&str> = items.iter().map(|item| item.uid.as_str()).collect();
    let here = events::with_uids(tx, ctx, calendar, &uids).await?;
    let ids: Vec<EventId> = here.iter().map(|one| one.event.id).collect();
    let sources = store::sources(tx, &ids).await?;
    let here: HashMap<String, Allowed> = here.into_iter().map(|one| (one.event.uid.clone(), one)).collect();
    let mut rows = Vec::with_capacity(items.len());
    for item in items {
        // At most one of a UID is no refusal: what a file says twice was brought together before (`gather`, `each_once`).
        let known = here.get(&item.uid);
        let source = known.and_then(|one| sources.get(&one.event.id));
        rows.push(take(tx, ctx, &into, item, known, source).await?);
    }
    Ok(rows)
}

async fn take(
    tx: &mut Tx,
    ctx: &Ctx,
    into: &calendars::Allowed,
    item: &Item,
    known: Option<&Allowed>,
    source: Option<&Source>,
) -> Result<ReportRow, EventError> {
    let mut warnings = item.warnings.clone();
    let decision = decide(item, known.map(|one| (&one.event, source)), &into.calendar.zone, &mut warnings);
    let mut row = ReportRow {
        uid: Some(item.uid.clone()),
        title: Some(item.title.clone()),
        event: known.map(|one| one.event.id),
        ..ReportRow::of(item.line, Action::Unchanged)
    };
    let written: Result<Option<Event>, EventError> = match (decision, known) {
        (Decision::Create(content), None) => {
            row.action = Action::Created;
            let origin = Origin { sequence_from: item.stamp.sequence, first_made_at: item.created };
            events::import_event(tx, ctx, into, &item.uid, *content, origin).await.map(|made| Some(made.event))
        }
        (decision @ (Decision::Update(_) | Decision::Raise), Some(old)) => {
            row.action = Action::Updated;
            row.before = Some(old.event.version);
            row.source_before = source.cloned();
            let content = if let Decision::Update(content) = decision { *content } else { old.event.content.clone() };
            events::take_over(tx, ctx, old, content, item.stamp.sequence).await.map(Some)
        }
        (Decision::Same(remember), Some(old)) => {
            if remember {
                remember_source(tx, item, &old.event).await?;
            }
            Ok(None)
        }
        (Decision::Older, _) => {
            warnings.push("What is here is newer; it was left as it is.".to_owned());
            Ok(None)
        }
        (Decision::NothingToChange, _) => {
            warnings.push("It cancels instances of an event that is not here.".to_owned());
            Ok(None)
        }
        (Decision::Refuse(code, detail), _) => {
            row.action = Action::Refused;
            row = row.with_problem(&code, detail);
            Ok(None)
        }
        (Decision::Create(_), Some(_)) | (Decision::Update(_) | Decision::Raise | Decision::Same(_), None) => Ok(None),
    };
    match written {
        Ok(Some(event)) => {
            remember_source(tx, item, &event).await?;
            warnings.extend(clash_of(tx, ctx, &event).await?);
            row.event = Some(event.id);
            row.version = Some(event.version);
        }
        Ok(None) => {}
        Err(error) if passes_on(&error) => return Err(error),
        // Somebody else is making an event with this UID at this moment.
        Err(EventError::UidTaken) => return Err(tx.stale().into()),
        Err(error) => {
            let (code, detail) = said(&error);
            row = ReportRow { action: Action::Refused, before: None, source_before: None, ..row }
                .with_problem(&code, detail);
        }
    }
    row.warnings = bounded(warnings);
    Ok(row)
}

/// What the event clashes with, where the calendar wants it told.
async fn clash_of(tx: &mut Tx, ctx: &Ctx, event: &Event) -> Result<Option<String>, EventError> {
    let report = match conflicts::conflict_report(tx, ctx, event, None).await {
        Err(EventError::TooMuchToCheck) => {
            return Ok(Some("It was not looked at for conflicts: that would be too much.".to_owned()));
        }
        other => other?,
    };
    Ok(report.filter(conflicts::Report::is_about_something).map(|report| same_time(&report)))
}

/// What is no one event's fault.
fn passes_on(error: &EventError) -> bool {
    matches!(error, EventError::Internal(_))
}

async fn remember_source(tx: &mut Tx, item: &Item, event: &Event) -> Result<(), Error> {
    let source = Source { stamp: item.stamp, digest: item.digest.to_vec(), version: event.version };
    store::put_source(tx, event.id, Some(&source)).await
}

/// A report is for reading.
fn bounded(mut warnings: Vec<String>) -> Vec<String> {
    let more = warnings.len().saturating_sub(20);
    warnings.truncate(20);
    if more > 0 {
        warnings.push(format!("And {more} more."));
    }
    warnings.into_iter().map(|warning| warning.chars().take(500).collect()).collect()
}
