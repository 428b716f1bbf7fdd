//! Everything out of one snapshot.

use std::io::Write;

use futures_util::TryStreamExt;
use serde_json::Value;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Row as _};

use super::About;
use super::format::{FORMAT, Kind, Line, Writer};
use crate::conn::{run_postgres, run_sqlite};
use crate::runner::Inner;
use crate::{Db, Engine, Error, Result, migrations};

/// A connection inside its snapshot.
enum Snapshot {
    Sqlite(Box<sqlx::sqlite::SqliteConnection>),
    Postgres(Box<sqlx::postgres::PgConnection>),
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
    snapshot.end().await;
    Ok((writer.finish(rows)?, rows))
}

impl Snapshot {
    async fn of(db: &Db) -> Result<Snapshot> {
        match &db.inner {
            Inner::Sqlite(db) => {
                let options = db.options.as_ref().clone().read_only(true).create_if_missing(false);
                let mut connection = options.connect().await?;
                // The first SELECT takes the snapshot: with the write-ahead log, writers go on meanwhile.
                run_sqlite(&mut connection, "BEGIN").await?;
                Ok(Snapshot::Sqlite(Box::new(connection)))
            }
            Inner::Postgres(db) => {
                let mut connection = db.pool.acquire().await?.detach();
                run_postgres(
                    &mut connection,
                    "SET statement_timeout = 0; SET idle_in_transaction_session_timeout = 0; SET extra_float_digits = 3;
                     BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY",
                )
                .await?;
                Ok(Snapshot::Postgres(Box::new(connection)))
            }
        }
    }

    async fn end(self) {
        match self {
            Snapshot::Sqlite(connection) => connection.close().await.ok(),
            Snapshot::Postgres(connection) => connection.close().await.ok(),
        };
    }

    async fn texts(&mut self, text: &str) -> Result<Vec<String>> {
        let text = AssertSqlSafe(text.to_owned());
        Ok(match self {
            Snapshot::Sqlite(connection) => sqlx::query_scalar(text).fetch_all(connection.as_mut()).await?,
            Snapshot::Postgres(connection) => sqlx::query_scalar(text).fetch_all(connection.as_mut()).await?,
        })
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
        let text = AssertSqlSafe(format!("SELECT {} FROM {table}{order}", names.join(", ")));
        let kinds = || columns.iter().map(|(_, kind)| kind.is_text()).enumerate();
        let mut written = 0;
        match self {
            Snapshot::Sqlite(connection) => {
                let mut rows = sqlx::query(text).fetch(connection.as_mut());
                while let Some(row) = rows.try_next().await? {
                    let values = kinds().map(|(index, text)| {
                        Ok(if text {
                            row.try_get_unchecked::<Option<String>, _>(index)?.map_or(Value::Null, Value::from)
                        } else {
                            row.try_get_unchecked::<Option<i64>, _>(index)?.map_or(Value::Null, Value::from)
                        })
                    });
                    writer.put(&values.collect::<Result<Vec<Value>, sqlx::Error>>()?)?;
                    written += 1;
                }
            }
            Snapshot::Postgres(connection) => {
                let mut rows = sqlx::query(text).fetch(connection.as_mut());
                while let Some(row) = rows.try_next().await? {
                    let values = kinds().map(|(index, text)| {
                        Ok(if text {
                            row.try_get::<Option<String>, _>(index)?.map_or(Value::Null, Value::from)
                        } else {
                            row.try_get::<Option<i64>, _>(index)?.map_or(Value::Null, Value::from)
                        })
                    });
                    writer.put(&values.collect::<Result<Vec<Value>, sqlx::Error>>()?)?;
                    written += 1;
                }
            }
        }
        Ok(written)
    }
}

/// Whether a table is a log whose rows stand in the order (transaction, sequence).
pub(super) fn is_log(columns: &[(String, Kind)]) -> bool {
    ["tx", "seq"].iter().all(|wanted| columns.iter().any(|(name, _)| name == wanted))
}
