//! The schema, as numbered texts that only ever grow (`migrations/README.md`).

use sha2::{Digest, Sha256};

use crate::postgres::{MIGRATION_LOCK, PostgresDb};
use crate::sqlite::{Access, SqliteDb};
use crate::{Engine, Error, FromRow, Result, Row, Tx, sql};

struct Migration {
    name: &'static str,
    sqlite: &'static str,
    postgres: &'static str,
}

/// A migration whose text serves both engines.
const fn same(name: &'static str, text: &'static str) -> Migration {
    Migration { name, sqlite: text, postgres: text }
}

/// In order; the position is the number. A released one is never edited.
const MIGRATIONS: &[Migration] = &[
    same("0001_accounts", include_str!("../../../migrations/0001_accounts.sql")),
    same("0002_calendars_and_events", include_str!("../../../migrations/0002_calendars_and_events.sql")),
    Migration {
        name: "0003_change_log",
        sqlite: include_str!("../../../migrations/0003_change_log.sqlite.sql"),
        postgres: include_str!("../../../migrations/0003_change_log.postgres.sql"),
    },
    Migration {
        name: "0004_sync",
        sqlite: include_str!("../../../migrations/0004_sync.sqlite.sql"),
        postgres: include_str!("../../../migrations/0004_sync.postgres.sql"),
    },
    same("0005_search", include_str!("../../../migrations/0005_search.sql")),
    same("0006_history", include_str!("../../../migrations/0006_history.sql")),
    same("0007_feeds", include_str!("../../../migrations/0007_feeds.sql")),
    same("0008_jobs", include_str!("../../../migrations/0008_jobs.sql")),
    same("0009_imports", include_str!("../../../migrations/0009_imports.sql")),
    same("0010_venues_and_occupancy", include_str!("../../../migrations/0010_venues_and_occupancy.sql")),
    same("0011_groups", include_str!("../../../migrations/0011_groups.sql")),
    Migration {
        name: "0012_audit",
        sqlite: include_str!("../../../migrations/0012_audit.sqlite.sql"),
        postgres: include_str!("../../../migrations/0012_audit.postgres.sql"),
    },
    same("0013_share_links", include_str!("../../../migrations/0013_share_links.sql")),
    same("0014_sequence_and_retention", include_str!("../../../migrations/0014_sequence_and_retention.sql")),
];

/// The result of a migration run.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Migrated {
    /// The names that were applied now, in order; empty when the schema was up to date.
    pub applied: Vec<&'static str>,
}

const LEDGER: &str = "CREATE TABLE IF NOT EXISTS schema_migrations (name TEXT PRIMARY KEY, digest TEXT NOT NULL)";

/// The names of the tables that are there, as `name`.
pub(crate) const TABLES_ON_SQLITE: &str =
    "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name";
/// The same on PostgreSQL.
pub(crate) const TABLES_ON_POSTGRES: &str = "SELECT table_name::text AS name FROM information_schema.tables
     WHERE table_schema = current_schema() AND table_type = 'BASE TABLE' ORDER BY table_name";

fn text_of(migration: &'static Migration, engine: Engine) -> &'static str {
    match engine {
        Engine::Sqlite => migration.sqlite,
        Engine::Postgres => migration.postgres,
    }
}

/// The tables that the migrations make, in the order in which they do.
pub(crate) fn tables(engine: Engine) -> Vec<String> {
    let lines = MIGRATIONS.iter().flat_map(|migration| text_of(migration, engine).lines());
    let made = lines.filter_map(|line| line.trim_start().strip_prefix("CREATE TABLE "));
    made.filter_map(|rest| rest.split([' ', '(']).find(|word| !word.is_empty())).map(str::to_owned).collect()
}

/// The names of all migrations, in order.
pub(crate) fn names() -> Vec<&'static str> {
    MIGRATIONS.iter().map(|migration| migration.name).collect()
}

/// Applies some of the migrations within a transaction, and notes them.
pub(crate) async fn apply(tx: &mut Tx, engine: Engine, range: std::ops::Range<usize>) -> Result<()> {
    let shaped = |text: &str| if engine == Engine::Postgres { compared_by_bytes(text) } else { text.to_owned() };
    tx.raw(&shaped(LEDGER)).await?;
    for migration in MIGRATIONS.get(range).unwrap_or_default() {
        let text = text_of(migration, engine);
        tx.raw(&shaped(text)).await?;
        sql(NOTE).bind(migration.name).bind(digest(text)).run(tx).await?;
    }
    Ok(())
}

fn digest(text: &str) -> String {
    Sha256::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A short name of the whole PostgreSQL schema of this build, for templates of test databases.
#[cfg(feature = "testing")]
pub(crate) fn fingerprint() -> String {
    let all: String = MIGRATIONS.iter().map(|migration| migration.postgres).collect();
    digest(&all).chars().take(12).collect()
}

/// Which migrations are still to be applied; an error when the ledger is not a beginning of ours.
fn pending(ledger: &[Applied], text: fn(&Migration) -> &'static str) -> Result<&'static [Migration]> {
    for (number, Applied { name, digest: applied }) in ledger.iter().enumerate() {
        match MIGRATIONS.get(number) {
            Some(ours) if ours.name == name && digest(text(ours)) == *applied => {}
            Some(ours) if ours.name == name => {
                return Err(Error::Setup(format!(
                    "migration {name} was applied in another form than this program knows; is this database from a development build?"
                )));
            }
            _ => {
                return Err(Error::Setup(format!(
                    "the database has migration {name}, which this program does not know: it was used by a newer Kalends"
                )));
            }
        }
    }
    Ok(MIGRATIONS.get(ledger.len()..).unwrap_or_default())
}

/// Makes every text column compare by its bytes, as SQLite does: the order of a list must not depend on the language that
/// the cluster was set up with.
fn compared_by_bytes(ddl: &str) -> String {
    ddl.replace(" TEXT", " TEXT COLLATE \"C\"")
}

struct Applied {
    name: String,
    digest: String,
}

impl FromRow for Applied {
    fn from_row(row: &Row<'_>) -> Result<Self> {
        Ok(Applied { name: row.get("name")?, digest: row.get("digest")? })
    }
}

const APPLIED: &str = "SELECT name, digest FROM schema_migrations ORDER BY name";
const NOTE: &str = "INSERT INTO schema_migrations (name, digest) VALUES ($1, $2)";

pub(crate) fn migrate_sqlite(db: &SqliteDb) -> Result<Migrated> {
    let connection = db.connect(Access::Write)?;
    // BEGIN IMMEDIATE is the lock: a second process waits here and then finds the ledger full.
    connection.batch("BEGIN IMMEDIATE")?;
    connection.batch(LEDGER)?;
    let ledger = connection.query(&sql(APPLIED), usize::MAX, Applied::from_row)?;
    let mut applied = Vec::new();
    for migration in pending(&ledger, |m| m.sqlite)? {
        connection.batch(migration.sqlite)?;
        connection.execute(&sql(NOTE).bind(migration.name).bind(digest(migration.sqlite)))?;
        applied.push(migration.name);
    }
    connection.batch("COMMIT")?;
    Ok(Migrated { applied })
}

pub(crate) async fn migrate_postgres(db: &PostgresDb) -> Result<Migrated> {
    // With the session its lock ends, too, whatever happens. A lock of a transaction would be let go by the first
    // migration's commit.
    let session = db.connect().await?;
    session
        .batch(&format!("SET lock_timeout = 0; SET statement_timeout = 0; SELECT pg_advisory_lock({MIGRATION_LOCK})"))
        .await?;
    session.batch(&compared_by_bytes(LEDGER)).await?;
    let rows = session.client.query(APPLIED, &[]).await?;
    let ledger = rows.iter().map(|row| Applied::from_row(&Row::postgres(row))).collect::<Result<Vec<_>>>()?;
    let mut applied = Vec::new();
    for migration in pending(&ledger, |m| m.postgres)? {
        session.batch("BEGIN").await?;
        session.batch(&compared_by_bytes(migration.postgres)).await?;
        session.client.execute(NOTE, &[&migration.name, &digest(migration.postgres)]).await?;
        session.batch("COMMIT").await?;
        applied.push(migration.name);
    }
    Ok(Migrated { applied })
}
