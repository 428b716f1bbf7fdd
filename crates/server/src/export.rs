//! `kalends export`: a calendar as a file, without the server.

use std::io::{BufWriter, ErrorKind, Write};
use std::path::PathBuf;

use anyhow::{Context, Result, anyhow, bail};
use kalends_core::access::Can;
use kalends_core::audit;
use kalends_core::calendars::{self, CalendarError};
use kalends_core::ctx::{Ctx, Door};
use kalends_core::events::{EventError, List};
use kalends_core::feeds::Language;
use kalends_kernel::{CalendarId, Clock};
use kalends_rest::exports::{Export, Format};

use crate::config::Config;
use crate::start;

/// What shall be written, and where.
#[derive(Debug, clap::Args)]
pub struct Wanted {
    /// The id of the calendar
    #[arg(long, value_name = "ID")]
    calendar: CalendarId,
    /// ics, csv or json
    #[arg(long, value_parser = format, default_value = "ics")]
    format: Format,
    /// The file [default: standard output]
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
}

fn format(text: &str) -> Result<Format, String> {
    let found = Format::NAMES.iter().find(|(name, _)| *name == text).map(|(_, format)| *format);
    found.ok_or_else(|| "must be ics, csv or json".to_owned())
}

/// Writes every event of the calendar that is not deleted, in whatever state.
pub async fn run(config: &Config, clock: &Clock, wanted: &Wanted) -> Result<()> {
    let db = start::open(config, clock).await?;
    let ctx = Ctx::system(clock.now(), Door::Cli);
    let mut conn = db.reader().await?;
    let calendar = match calendars::load(&mut conn, &ctx, wanted.calendar, Can::See).await {
        Ok(found) => found.calendar,
        Err(CalendarError::Internal(error)) => return Err(error.into()),
        Err(_) => bail!("there is no calendar {}", wanted.calendar),
    };
    let mut out: Box<dyn Write> = match &wanted.output {
        Some(path) => {
            Box::new(std::fs::File::create(path).with_context(|| format!("making the file {}", path.display()))?)
        }
        None => Box::new(std::io::stdout().lock()),
    };
    let filters = [("calendar_id".to_owned(), calendar.id.to_string().into())].into_iter().collect();
    let entry = audit::of_export(wanted.format.name(), Some(calendar.id), filters);
    let noted: Result<(), kalends_db::Error> =
        db.write((ctx.clone(), entry), |tx, (ctx, entry)| Box::pin(audit::record(tx, ctx, entry.clone()))).await;
    noted.context("noting the export in the audit log")?;
    let list = List { calendar: Some(calendar.id), ..List::default() };
    let mut export = Export::new(ctx, list, wanted.format, &calendar.name, Language::default());
    let mut out = BufWriter::new(&mut out);
    loop {
        let piece = export.next(&mut conn).await.map_err(|error| match error {
            EventError::Internal(error) => anyhow!(error),
            other => anyhow!("reading the events: {other:?}"),
        })?;
        let Some(piece) = piece else { break };
        match out.write_all(piece.as_bytes()) {
            // `kalends export … | head` has seen enough.
            Err(error) if error.kind() == ErrorKind::BrokenPipe => return Ok(()),
            written => written.context("writing the file")?,
        }
    }
    out.flush().context("writing the file")?;
    drop(conn);
    db.close().await;
    Ok(())
}
