//! Exports: what a list of events shows, whole, as a file. Streamed, whatever its size.

use std::fmt::Write as _;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::header;
use kalends_core::audit;
use kalends_core::ctx::Ctx;
use kalends_core::events::{self, EventError, List, ListedEvent};
use kalends_core::feeds::{IcsText, Language};
use kalends_db::Conn;
use kalends_kernel::MAX_LIMIT;
use serde_json::Value;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::events::EventView;
use crate::extract::Call;
use crate::problem::Answer;
use crate::query::Query;
use crate::stream_body;

/// The routes of exports.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(export))
}

/// The form of an export.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Format {
    /// iCalendar.
    Ics,
    /// Comma-separated values (RFC 4180).
    Csv,
    /// The events as the API shows them.
    Json,
}

impl Format {
    /// Every format with its name.
    pub const NAMES: &'static [(&'static str, Format)] =
        &[("ics", Format::Ics), ("csv", Format::Csv), ("json", Format::Json)];

    /// Its name.
    pub fn name(self) -> &'static str {
        Self::NAMES.iter().find(|(_, format)| *format == self).map_or("json", |(name, _)| name)
    }

    fn media(self) -> (&'static str, &'static str) {
        match self {
            Format::Ics => ("text/calendar; charset=utf-8", "attachment; filename=\"events.ics\""),
            Format::Csv => ("text/csv; charset=utf-8; header=present", "attachment; filename=\"events.csv\""),
            Format::Json => ("application/json", "attachment; filename=\"events.json\""),
        }
    }
}

/// Export events
///
/// Returns all events that the list of events with the same filters returns, as one file in the given format. A CSV
/// file (RFC 4180) has a row for each event or, with `expand=true`, for each instance; a text that a spreadsheet would
/// read as a formula starts with an apostrophe. The export of a signed-in user is recorded in the audit log with its
/// filters.
#[utoipa::path(get, path = "/api/v1/exports", tag = "feeds", operation_id = "export_events", security((), ("bearer" = [])),
    params(("format" = String, Query, description = "The format of the file."),
        ("from" = Option<String>, Query, description = "Only events that overlap the time from this instant on (RFC 3339 with offset)."), ("to" = Option<String>, Query, description = "Only events that overlap the time before this instant (RFC 3339 with offset)."),
        ("expand" = Option<bool>, Query, description = "`true` returns the instances of series instead of the series. Requires `from` and `to`. Not allowed for `ics`."),
        ("calendar_id" = Option<uuid::Uuid>, Query, description = "Only events of this calendar."), ("ids" = Option<String>, Query, description = "Only these events: ids, separated by commas."),
        ("state" = Option<String>, Query, description = "Only events in this editorial state."), ("mine" = Option<bool>, Query, description = "Only events that you created."),
        ("q" = Option<String>, Query, description = "Only events with all these words, as in `GET /api/v1/events`."),
        ("venue_id" = Option<uuid::Uuid>, Query, description = "Only events at this venue."),
        ("category" = Option<String>, Query, description = "Only events with this category."), ("weekday" = Option<String>, Query, description = "Only events that start on this weekday: `mo` to `su`, or 1 (Monday) to 7."),
        ("deleted" = Option<bool>, Query, description = "`true` returns the events in the trash that you own."), ("sort" = Option<String>, Query, description = "The sort key. A leading `-` reverses the order. Defaults to `start`. Not allowed for `ics`."),
        ("lang" = Option<String>, Query, description = "The language of the title of events of which you may see only the times: `en`, `de` or `fr`.")),
    responses((status = 200, description = "The file", content((String = "text/calendar"), (String = "text/csv"), (crate::events::EventFile = "application/json"))),
        (status = 503, description = "`recurrence-budget`: a series in the window needs too much work to expand. `busy`: the server is busy.")))]
async fn export(State(app): State<App>, call: Call, mut query: Query) -> Answer<Response> {
    let format = query.choice("format", Format::NAMES);
    if format.is_none() && !query.has("format") {
        query.error("format", "required", "must be ics, csv or json");
    }
    let language = query.text("lang").map(|tag| Language::of(&tag)).unwrap_or_default();
    for name in ["limit", "cursor", "include"] {
        if query.has(name) {
            query.error(name, "not-paged", "an export has no pages");
        }
    }
    if format == Some(Format::Ics) && query.boolean("expand") == Some(true) {
        query.error("expand", "contradiction", "iCalendar has series; leave expand out");
    }
    if format == Some(Format::Ics) && query.has("sort") {
        query.error("sort", "contradiction", "iCalendar has no order; leave sort out");
    }
    let filters = query.told(&["format", "lang"]);
    let (list, _) = crate::events::read_query(query)?;
    // A missing one was refused with all the rest.
    let format = format.unwrap_or(Format::Json);
    let (media, disposition) = format.media();
    let (ctx, calendar) = (call.ctx.clone(), list.calendar);
    let export = Export::new(call.ctx, list, format, "Kalends", language);
    let body = stream_body::body(&app, export, |export: &mut Export, conn| Box::pin(export.next(conn))).await?;
    // Before anything is sent. What people without an account take along is there for everybody.
    if ctx.user().is_some() {
        let entry = audit::of_export(format.name(), calendar, filters);
        let noting = app.db.write((ctx, entry), |tx, (ctx, entry)| Box::pin(audit::record(tx, ctx, entry.clone())));
        noting.await?;
    }
    Ok(([(header::CONTENT_TYPE, media), (header::CONTENT_DISPOSITION, disposition)], body).into_response())
}

/// A file in the making.
pub struct Export(Form);

enum Form {
    Ics(Box<IcsText>),
    Rows(Box<Rows>),
}

impl Export {
    /// What `list` shows the actor, in this form; `name` is that of the calendar where the form has one.
    pub fn new(ctx: Ctx, list: List, format: Format, name: &str, language: Language) -> Export {
        Export(match format {
            Format::Ics => Form::Ics(Box::new(IcsText::of_list(ctx, list, name, language))),
            Format::Csv | Format::Json => Form::Rows(Box::new(Rows {
                ctx,
                list: Some(List { limit: MAX_LIMIT, cursor: None, ..list }),
                csv: format == Format::Csv,
                begun: false,
                any: false,
            })),
        })
    }

    /// The next piece; none after the last.
    pub async fn next(&mut self, conn: &mut Conn) -> Result<Option<String>, EventError> {
        match &mut self.0 {
            Form::Ics(text) => text.next(conn).await,
            Form::Rows(rows) => rows.next(conn).await,
        }
    }
}

/// Rows of JSON or CSV in the making.
struct Rows {
    ctx: Ctx,
    /// What is still to be listed.
    list: Option<List>,
    csv: bool,
    begun: bool,
    any: bool,
}

impl Rows {
    async fn next(&mut self, conn: &mut Conn) -> Result<Option<String>, EventError> {
        let Some(list) = self.list.take() else { return Ok(None) };
        let mut out = String::new();
        if !self.begun {
            self.begun = true;
            if self.csv {
                row(&mut out, COLUMNS.iter().map(|name| Value::from(*name)));
            } else {
                out.push_str("{\"items\":[");
            }
        }
        let page = events::list(conn, &self.ctx, &list).await?;
        for found in &page.items {
            self.tell(&mut out, found);
        }
        match page.next {
            Some(next) => self.list = Some(List { cursor: Some(next), ..list }),
            None if !self.csv => out.push_str("\n]}\n"),
            None => {}
        }
        Ok(Some(out))
    }

    fn tell(&mut self, out: &mut String, found: &ListedEvent) {
        let view = serde_json::to_value(EventView::of_found(found)).unwrap_or_default();
        if self.csv {
            row(out, COLUMNS.iter().map(|name| view.get(*name).cloned().unwrap_or_default()));
            return;
        }
        out.push_str(if self.any { ",\n" } else { "\n" });
        self.any = true;
        // Writing into a text cannot fail.
        write!(out, "{view}").ok();
    }
}

/// The columns of CSV: fields of an event as the API names them.
const COLUMNS: [&str; 24] = [
    "id",
    "uid",
    "calendar_id",
    "series_id",
    "original_start",
    "title",
    "start",
    "end",
    "time_zone",
    "all_day",
    "floating",
    "location",
    "description",
    "url",
    "categories",
    "recurrence",
    "state",
    "status",
    "visibility",
    "busy",
    "capacity",
    "version",
    "created_at",
    "updated_at",
];

/// A row of CSV (RFC 4180), with CR LF.
fn row(out: &mut String, cells: impl Iterator<Item = Value>) {
    for (index, cell) in cells.enumerate() {
        if index > 0 {
            out.push(',');
        }
        let text = match cell {
            Value::Null => String::new(),
            Value::String(text) => harmless(text),
            Value::Array(all) => harmless(
                all.iter().filter_map(Value::as_str).map(|one| one.replace(';', ",")).collect::<Vec<_>>().join("; "),
            ),
            other => other.to_string(),
        };
        if text.contains([',', '"', '\r', '\n', ';', '\t']) {
            out.push('"');
            out.push_str(&text.replace('"', "\"\""));
            out.push('"');
        } else {
            out.push_str(&text);
        }
    }
    out.push_str("\r\n");
}

/// A text that no spreadsheet takes for a formula: those begin with one of a few signs, after blanks too.
fn harmless(text: String) -> String {
    let first = text.trim_start_matches(|c: char| c.is_whitespace() || c == '\u{feff}').chars().next();
    let formula = first.is_some_and(|c| matches!(c, '=' | '+' | '-' | '@' | '|' | '%' | '＝' | '＋' | '－' | '＠'));
    if formula || text.starts_with(['\t', '\r', '\n']) { format!("'{text}") } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_is_quoted_where_it_must_be_and_is_never_a_formula() {
        let cells = [
            Value::from("plain"),
            Value::from("a,b"),
            Value::from("say \"hi\"\nthere"),
            Value::from("=1+1"),
            Value::from(" @SUM(A1)"),
            Value::from("-5"),
            Value::Null,
            Value::from(-5),
            serde_json::json!(["a", "b;c"]),
        ];
        let mut out = String::new();
        row(&mut out, cells.into_iter());
        assert_eq!(out, "plain,\"a,b\",\"say \"\"hi\"\"\nthere\",'=1+1,' @SUM(A1),'-5,,-5,\"a; b,c\"\r\n");
    }
}
