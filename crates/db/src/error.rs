use std::sync::Arc;

/// What a statement or transaction can fail with. Cheap to clone: a failed batch gives it to every waiting caller.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Error {
    /// A UNIQUE constraint or a primary key refused the row. The name is `table_column_column` or `table_pkey`, the same
    /// on both engines.
    #[error("unique constraint {0}")]
    Unique(String),
    /// A CHECK constraint refused the row.
    #[error("check constraint {0}")]
    Check(String),
    /// A row that others refer to, or that refers to none.
    #[error("foreign key: {0}")]
    ForeignKey(String),
    /// The transaction lost against another one and should be run again; the runner does so by itself.
    #[error("the transaction lost against another one")]
    Stale,
    /// The database did not answer or let us in in time.
    #[error("the database is busy: {0}")]
    Busy(String),
    /// There is no room left on the disk.
    #[error("the disk is full")]
    Full,
    /// A row that cannot be read as what it should be.
    #[error("column {column}: {what}")]
    Decode {
        /// The column.
        column: String,
        /// What is wrong with it.
        what: String,
    },
    /// The configuration or the database's settings do not allow a start.
    #[error("{0}")]
    Setup(String),
    /// Everything else: a fault of ours or of the machine.
    #[error("{0}")]
    Other(Arc<sqlx::Error>),
}

/// A result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// Whether running the same transaction again may succeed.
    pub fn is_worth_a_retry(&self) -> bool {
        matches!(self, Error::Stale)
    }
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Error {
        if matches!(error, sqlx::Error::PoolTimedOut) {
            return Error::Busy("no free connection".to_owned());
        }
        // A server that is restarting, or gone for a moment.
        if matches!(error, sqlx::Error::Io(_) | sqlx::Error::Tls(_)) {
            return Error::Busy(error.to_string());
        }
        let sqlx::Error::Database(refused) = &error else { return Error::Other(Arc::new(error)) };
        let code = refused.code().unwrap_or_default();
        // SQLSTATE on PostgreSQL, extended result codes on SQLite.
        match code.as_ref() {
            "23505" => Error::Unique(refused.constraint().unwrap_or_default().to_owned()),
            "2067" => Error::Unique(sqlite_constraint(refused.message())),
            "1555" => Error::Unique(sqlite_primary_key(refused.message())),
            "23514" => Error::Check(refused.constraint().unwrap_or_default().to_owned()),
            "275" => Error::Check(sqlite_constraint(refused.message())),
            "23503" | "787" => Error::ForeignKey(refused.message().to_owned()),
            "40001" | "40P01" => Error::Stale,
            // It is shutting down, has not started yet, or has no connection left.
            "57P01" | "57P02" | "57P03" | "53300" => Error::Busy(refused.message().to_owned()),
            "55P03" | "57014" | "5" | "6" | "261" | "517" => Error::Busy(refused.message().to_owned()),
            "53100" | "13" => Error::Full,
            _ => Error::Other(Arc::new(error)),
        }
    }
}

/// `UNIQUE constraint failed: users.email_key` → `users_email_key`; two columns are joined, as our index names are.
fn sqlite_constraint(message: &str) -> String {
    let columns = message.rsplit_once(": ").map_or(message, |(_, columns)| columns);
    let mut parts = columns.split(", ");
    let mut name = parts.next().unwrap_or_default().replace('.', "_");
    for column in parts {
        name.push('_');
        name.push_str(column.rsplit_once('.').map_or(column, |(_, column)| column));
    }
    name
}

/// `UNIQUE constraint failed: settings.key` of a primary key → `settings_pkey`, as PostgreSQL calls it.
fn sqlite_primary_key(message: &str) -> String {
    let columns = message.rsplit_once(": ").map_or(message, |(_, columns)| columns);
    format!("{}_pkey", columns.split('.').next().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::Error;

    #[test]
    fn a_database_that_is_gone_for_a_moment_is_busy() {
        let gone = std::io::Error::from(std::io::ErrorKind::ConnectionReset);
        assert!(matches!(Error::from(sqlx::Error::Io(gone)), Error::Busy(_)));
        assert!(matches!(Error::from(sqlx::Error::PoolTimedOut), Error::Busy(_)));
        assert!(matches!(Error::from(sqlx::Error::RowNotFound), Error::Other(_)), "a fault of ours is not waited for");
    }

    #[test]
    fn sqlite_names_a_constraint_as_postgresql_does() {
        let name = super::sqlite_constraint;
        assert_eq!(name("UNIQUE constraint failed: users.email_key"), "users_email_key");
        assert_eq!(name("UNIQUE constraint failed: events.calendar_id, events.uid"), "events_calendar_id_uid");
        assert_eq!(name("CHECK constraint failed: taken_within_capacity"), "taken_within_capacity");
        let key = super::sqlite_primary_key;
        assert_eq!(
            key("UNIQUE constraint failed: event_versions.event_id, event_versions.version"),
            "event_versions_pkey"
        );
    }
}
