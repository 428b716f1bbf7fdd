//! Everything in, as one transaction.

use std::io::Read;

use super::dump::is_log;
use super::format::{Line, Read1, Reader, broken};
use super::{Backup, head, next_row};
use crate::conn::Link;
use crate::postgres::{MIGRATION_LOCK, PostgresLink};
use crate::runner::Inner;
use crate::sqlite::Access;
use crate::statement::insert_values;
use crate::{Conn, Db, Engine, Error, FromRow, Result, Row, Sql, Tx, Value, migrations, sql};

struct Name(String);

impl FromRow for Name {
    fn from_row(row: &Row<'_>) -> Result<Self> {
        row.get("name").map(Name)
    }
}

/// Our tables that are there.
async fn tables(conn: &mut Conn, engine: Engine) -> Result<Vec<String>> {
    let text = if engine == Engine::Sqlite { migrations::TABLES_ON_SQLITE } else { migrations::TABLES_ON_POSTGRES };
    let there: Vec<Name> = sql(text).all(conn).await?;
    let ours = migrations::tables(engine);
    Ok(there.into_iter().map(|name| name.0).filter(|name| ours.contains(name)).collect())
}

pub(super) async fn is_empty(db: &Db) -> Result<bool> {
    let mut conn = db.reader().await?;
    for table in tables(&mut conn, db.engine()).await? {
        // What every database that was ever opened has.
        if ["settings", "audit_lock"].contains(&table.as_str()) {
            continue;
        }
        if sql(format!("SELECT 1 AS one FROM {table} LIMIT 1")).optional::<Anything>(&mut conn).await?.is_some() {
            return Ok(false);
        }
    }
    Ok(true)
}

struct Anything;

impl FromRow for Anything {
    fn from_row(_: &Row<'_>) -> Result<Self> {
        Ok(Anything)
    }
}

pub(super) async fn run<R: Read + Send>(db: &Db, mut reader: Reader<R>, after: Vec<Sql>) -> Result<Backup> {
    let mut tx = begin(db).await?;
    let filled = fill(&mut tx, db.engine(), &mut reader, after).await;
    // With the connection its lock and settings end, too; without a COMMIT the transaction is rolled back.
    let backup = filled?;
    tx.settle().await?;
    tx.raw("COMMIT").await?;
    Ok(backup)
}

async fn begin(db: &Db) -> Result<Tx> {
    let link = match &db.inner {
        Inner::Sqlite(db) => {
            let connection = db.connect(Access::Write)?;
            connection.batch("PRAGMA foreign_keys = OFF; BEGIN IMMEDIATE")?;
            Link::SqliteOwned(Box::new(connection))
        }
        Inner::Postgres(db) => {
            let session = db.connect().await?;
            session
                .batch(&format!(
                    "SET statement_timeout = 0; SET idle_in_transaction_session_timeout = 0; SET lock_timeout = '30s';
                     SELECT pg_advisory_lock({MIGRATION_LOCK}); BEGIN"
                ))
                .await?;
            Link::Postgres(Box::new(PostgresLink::own(session)))
        }
    };
    Ok(Tx { conn: Conn::over(link) })
}

async fn fill<R: Read>(tx: &mut Tx, engine: Engine, reader: &mut Reader<R>, after: Vec<Sql>) -> Result<Backup> {
    let mut backup = head(reader)?;
    let known: Vec<&str> = migrations::names();
    if backup.migrations.len() > known.len()
        || backup.migrations.iter().zip(&known).any(|(theirs, ours)| theirs != ours)
    {
        return Err(broken(format!("it was made by a newer Kalends ({}) than this one", backup.program)));
    }
    for table in tables(tx, engine).await? {
        let cascade = if engine == Engine::Postgres { " CASCADE" } else { "" };
        tx.raw(&format!("DROP TABLE {table}{cascade}")).await?;
    }
    tx.raw("DROP TABLE IF EXISTS schema_migrations").await?;
    // First as it was for the backup, then on to what this program wants: old backups go the way that old databases go.
    let then = backup.migrations.len();
    migrations::apply(tx, engine, 0..then).await?;
    let filled_before = tables(tx, engine).await?;
    for table in &filled_before {
        sql(format!("DELETE FROM {table}")).run(tx).await?;
    }
    let keys = if engine == Engine::Postgres { defer_foreign_keys(tx).await? } else { Vec::new() };
    loop {
        match reader.next()? {
            Read1::Line(Line::Table { name, columns }) => {
                // The name becomes part of a statement: only those that we know do.
                if !filled_before.contains(&name) || columns.iter().any(|(column, _)| !is_name(column)) {
                    return Err(broken(format!("there is no table {name:?} in that version")));
                }
                backup.rows += fill_table(tx, engine, reader, &name, &columns).await?;
            }
            Read1::Line(Line::End { rows, .. }) if rows == backup.rows => break,
            _ => return Err(broken("its parts are not in order")),
        }
    }
    match engine {
        Engine::Postgres => {
            tx.raw("SET CONSTRAINTS ALL IMMEDIATE").await?;
            for (table, key) in keys {
                tx.raw(&format!("ALTER TABLE {table} ALTER CONSTRAINT {key} NOT DEFERRABLE")).await?;
            }
            go_on_counting(tx).await?;
        }
        Engine::Sqlite => {
            let broken_rows: Vec<Anything> = sql("PRAGMA foreign_key_check").all(tx).await?;
            if !broken_rows.is_empty() {
                return Err(broken(format!("{} rows refer to rows that it does not have", broken_rows.len())));
            }
        }
    }
    migrations::apply(tx, engine, then..known.len()).await?;
    for statement in after {
        statement.run(tx).await?;
    }
    Ok(backup)
}

fn is_name(text: &str) -> bool {
    !text.is_empty()
        && text.chars().all(|letter| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '_')
}

/// The number of values that are collected before they are written.
const VALUES: usize = 4_096;

async fn fill_table<R: Read>(
    tx: &mut Tx,
    engine: Engine,
    reader: &mut Reader<R>,
    name: &str,
    columns: &[(String, super::format::Kind)],
) -> Result<u64> {
    let names: Vec<&str> = columns.iter().map(|(column, _)| column.as_str()).collect();
    let place = |wanted: &str| names.iter().position(|name| *name == wanted);
    // The numbers of transactions mean nothing in another cluster; the order does, and the epoch is another.
    let log = is_log(columns).then(|| (place("tx"), place("seq")));
    let overriding = if engine == Engine::Postgres { " OVERRIDING SYSTEM VALUE" } else { "" };
    let into = format!("INSERT INTO {name} ({}){overriding} VALUES {{}}", names.join(", "));
    let mut rows = 0;
    let mut waiting: Vec<Value> = Vec::new();
    while let Some(mut row) = next_row(reader, name, columns, rows)? {
        rows += 1;
        if let Some((Some(tx_at), Some(seq_at))) = log {
            for (at, value) in [(tx_at, 0), (seq_at, i64::try_from(rows).unwrap_or(i64::MAX))] {
                if let Some(place) = row.get_mut(at) {
                    *place = Value::Int(Some(value));
                }
            }
        }
        waiting.append(&mut row);
        if waiting.len() >= VALUES {
            insert(tx, &into, columns.len(), std::mem::take(&mut waiting)).await?;
        }
    }
    insert(tx, &into, columns.len(), waiting).await?;
    Ok(rows)
}

async fn insert(tx: &mut Tx, into: &str, width: usize, values: Vec<Value>) -> Result<()> {
    let sent = insert_values(tx, into.to_owned(), width, values).await;
    let inserted = match sent {
        Ok(()) => tx.settle().await,
        Err(error) => Err(error),
    };
    inserted.map_err(|error| match error {
        Error::Full | Error::Busy(_) => error,
        other => broken(other),
    })
}

struct Pair(String, String);

impl FromRow for Pair {
    fn from_row(row: &Row<'_>) -> Result<Self> {
        Ok(Pair(row.get("a")?, row.get("b")?))
    }
}

/// Tables may be filled in any order: what they refer to is looked at in the end.
async fn defer_foreign_keys(tx: &mut Tx) -> Result<Vec<(String, String)>> {
    let keys: Vec<Pair> = sql("SELECT c.conrelid::regclass::text AS a, c.conname::text AS b FROM pg_constraint c
         JOIN pg_namespace n ON n.oid = c.connamespace WHERE c.contype = 'f' AND n.nspname = current_schema() ORDER BY 1, 2")
    .all(tx)
    .await?;
    for Pair(table, key) in &keys {
        tx.raw(&format!("ALTER TABLE {table} ALTER CONSTRAINT {key} DEFERRABLE INITIALLY DEFERRED")).await?;
    }
    Ok(keys.into_iter().map(|Pair(table, key)| (table, key)).collect())
}

/// Columns that count by themselves go on behind what they hold now.
async fn go_on_counting(tx: &mut Tx) -> Result<()> {
    let columns: Vec<Pair> = sql("SELECT table_name::text AS a, column_name::text AS b FROM information_schema.columns
         WHERE table_schema = current_schema() AND is_identity = 'YES'")
    .all(tx)
    .await?;
    for Pair(table, column) in columns {
        let last: i64 = sql(format!("SELECT coalesce(max({column}), 0)::bigint AS n FROM {table}")).one(tx).await?;
        if last > 0 {
            let next = format!("SELECT setval(pg_get_serial_sequence('{table}', '{column}'), $1) AS n");
            sql(next).bind(last).one::<i64>(tx).await?;
        }
    }
    Ok(())
}
