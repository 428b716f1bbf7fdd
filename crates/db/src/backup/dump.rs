//! Everything out of one snapshot.

use std::io::Write;

use futures_util::{TryStreamExt, pin_mut};
use serde_json::Value;

use super::About;
use super::format::{FORMAT, Kind, Line, Writer};
use crate::postgres::Session;
use crate::runner::Inner;
use crate::sqlite::{Access, Connection};
use crate::{Db, Engine, Error, Result, Row, migrations, sql};

/// A connection inside its snapshot.
enum Snapshot {
    Sqlite(Box<Connection>),
    Postgres(Box<Session>),
}

pub(super) async fn run<W: Write + Send>(db: &Db, about: &About, out: W) -> Result<(W, u64)> {
    let mut snapshot = Snapshot::of(db).await?;
    let mut writer = Writer::new(out);
    let applied = snapshot.texts("SELECT name FROM schema_migrations ORDER BY name").await?;
    let engine = if db.engine() == Engine::Sqlite { "sqlite" } else { "postgres" };
    writer.put(&Line::Backup {
        format: FORMAT,
        made_at: about.made_at.to_string(),
        program: about.program.clone(),
        engine: engine.to_owned(),
        migrations: applied,
    })?;
    let mut rows = 0;
    let there = snapshot.tables().await?;
    for name in migrations::tables(db.engine()) {
        if about.leave_out.contains(&name.as_str()) || !there.contains(&name) {
            continue;
        }
        let columns = snapshot.columns(&name).await?;
        writer.put(&Line::Table { name: name.clone(), columns: columns.clone() })?;
        let of_table = snapshot.rows(&name, &columns, &mut writer).await?;
        writer.put(&Line::EndTable { rows: of_table })?;
        rows += of_table;
    }
    Ok((writer.finish(rows)?, rows))
}

impl Snapshot {
    async fn of(db: &Db) -> Result<Snapshot> {
        match &db.inner {
            Inner::Sqlite(db) => {
                let connection = db.connect(Access::Read)?;
                // The first SELECT takes the snapshot: with the write-ahead log, writers go on meanwhile.
                connection.batch("BEGIN")?;
                Ok(Snapshot::Sqlite(Box::new(connection)))
            }
            Inner::Postgres(db) => {
                let session = db.connect().await?;
                session
                    .batch(
                        "SET statement_timeout = 0; SET idle_in_transaction_session_timeout = 0;
                         BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY",
                    )
                    .await?;
                Ok(Snapshot::Postgres(Box::new(session)))
            }
        }
    }

    /// Returns the first column of every row of a query.
    async fn texts(&mut self, text: &str) -> Result<Vec<String>> {
        match self {
            Snapshot::Sqlite(connection) => {
                connection.query(&sql(text.to_owned()), usize::MAX, |row| Ok(first_text(row)?.to_owned()))
            }
            Snapshot::Postgres(session) => session.texts(text).await,
        }
    }

    async fn tables(&mut self) -> Result<Vec<String>> {
        let text = match self {
            Snapshot::Sqlite(_) => migrations::TABLES_ON_SQLITE,
            Snapshot::Postgres(_) => migrations::TABLES_ON_POSTGRES,
        };
        self.texts(text).await
    }

    async fn columns(&mut self, table: &str) -> Result<Vec<(String, Kind)>> {
        // The name comes from a migration.
        let said = match self {
            Snapshot::Sqlite(_) => format!("SELECT name || ' ' || type FROM pragma_table_info('{table}') ORDER BY cid"),
            Snapshot::Postgres(_) => format!(
                "SELECT column_name || ' ' || data_type FROM information_schema.columns
                 WHERE table_schema = current_schema() AND table_name = '{table}' ORDER BY ordinal_position"
            ),
        };
        let columns = self.texts(&said).await?;
        let read = columns.iter().map(|said| {
            let (name, type_name) = said.split_once(' ').unwrap_or((said, ""));
            let kind = Kind::of(type_name);
            let unknown =
                || Error::Setup(format!("{table}.{name} has a type that a backup does not know: {type_name}"));
            Ok((name.to_owned(), kind.ok_or_else(unknown)?))
        });
        read.collect()
    }

    async fn rows<W: Write>(&mut self, table: &str, columns: &[(String, Kind)], writer: &mut Writer<W>) -> Result<u64> {
        let names: Vec<String> = columns
            .iter()
            .map(|(name, kind)| match self {
                Snapshot::Sqlite(_) => kind.on_sqlite(name),
                Snapshot::Postgres(_) => kind.on_postgres(name),
            })
            .collect();
        // A log keeps its order.
        let order = if is_log(columns) { " ORDER BY tx, seq" } else { "" };
        let text = format!("SELECT {} FROM {table}{order}", names.join(", "));
        let mut written = 0;
        let mut write = |row: &Row<'_>| {
            let values = columns.iter().enumerate().map(|(at, (name, kind))| value(row, at, name, *kind));
            written += 1;
            writer.put(&values.collect::<Result<Vec<Value>>>()?)
        };
        match self {
            Snapshot::Sqlite(connection) => {
                connection.query(&sql(text), usize::MAX, &mut write)?;
            }
            Snapshot::Postgres(session) => {
                let rows = session.client.query_raw(&text, std::iter::empty::<crate::Value>()).await?;
                pin_mut!(rows);
                while let Some(row) = rows.try_next().await? {
                    write(&Row::postgres(&row))?;
                }
            }
        }
        Ok(written)
    }
}

fn first_text<'a>(row: &'a Row<'_>) -> Result<&'a str> {
    row.text_at(0).map_err(|what| Error::Decode { column: "1".to_owned(), what })
}

/// Reads a value as the text or the whole number that the file holds.
fn value(row: &Row<'_>, at: usize, column: &str, kind: Kind) -> Result<Value> {
    let read = if kind.is_text() {
        row.opt_at::<String>(at).map(|text| text.map_or(Value::Null, Value::from))
    } else {
        row.opt_at::<i64>(at).map(|number| number.map_or(Value::Null, Value::from))
    };
    read.map_err(|what| Error::Decode { column: column.to_owned(), what })
}

/// Whether a table is a log whose rows stand in the order (transaction, sequence).
pub(super) fn is_log(columns: &[(String, Kind)]) -> bool {
    ["tx", "seq"].iter().all(|wanted| columns.iter().any(|(name, _)| name == wanted))
}
