use std::sync::Arc;

use tokio_postgres::error::SqlState;

/// The reasons why a statement or a transaction fails. Cheap to clone: a failed batch gives it to every waiting caller.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Error {
    /// A UNIQUE constraint or a primary key refused the row. The name is `table_column_column` or `table_pkey`, the same
    /// on both engines.
    #[error("unique constraint {0}")]
    Unique(String),
    /// A CHECK constraint refused the row.
    #[error("check constraint {0}")]
    Check(String),
    /// A FOREIGN KEY constraint refused the row.
    #[error("foreign key: {0}")]
    ForeignKey(String),
    /// The transaction lost against another one. The runner runs the command again.
    #[error("the transaction lost against another one")]
    Stale,
    /// The database did not answer, or did not accept the connection, in time.
    #[error("the database is busy: {0}")]
    Busy(String),
    /// The disk is full.
    #[error("the disk is full")]
    Full,
    /// A column cannot be read as the wanted type.
    #[error("column {column}: {what}")]
    Decode {
        /// The column.
        column: String,
        /// The reason.
        what: String,
    },
    /// The configuration or the database's settings do not allow a start.
    #[error("{0}")]
    Setup(String),
    /// Anything else: a fault of this program or of the machine.
    #[error("{0}")]
    Other(Arc<str>),
}

/// A result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// Returns whether running the same transaction again may succeed.
    pub fn is_worth_a_retry(&self) -> bool {
        matches!(self, Error::Stale)
    }

    pub(crate) fn other(reason: impl std::fmt::Display) -> Error {
        Error::Other(reason.to_string().into())
    }
}

impl From<rusqlite::Error> for Error {
    fn from(error: rusqlite::Error) -> Error {
        use rusqlite::ffi;
        let code = error.sqlite_error().map(|failure| failure.extended_code);
        let message = match &error {
            rusqlite::Error::SqliteFailure(_, Some(message)) => message.clone(),
            other => other.to_string(),
        };
        match code {
            Some(ffi::SQLITE_CONSTRAINT_UNIQUE) => Error::Unique(sqlite_constraint(&message)),
            Some(ffi::SQLITE_CONSTRAINT_PRIMARYKEY) => Error::Unique(sqlite_primary_key(&message)),
            Some(ffi::SQLITE_CONSTRAINT_CHECK) => Error::Check(sqlite_constraint(&message)),
            Some(ffi::SQLITE_CONSTRAINT_FOREIGNKEY) => Error::ForeignKey(message),
            // The progress handler ends what is still running at its deadline.
            Some(ffi::SQLITE_INTERRUPT) => Error::Busy("the statement took too long".to_owned()),
            Some(code) if [ffi::SQLITE_BUSY, ffi::SQLITE_LOCKED].contains(&(code & 0xff)) => Error::Busy(message),
            Some(code) if code & 0xff == ffi::SQLITE_FULL => Error::Full,
            _ => Error::other(message),
        }
    }
}

impl From<tokio_postgres::Error> for Error {
    fn from(error: tokio_postgres::Error) -> Error {
        let Some(refused) = error.as_db_error() else {
            let reason = match std::error::Error::source(&error) {
                Some(cause) => format!("{error}: {cause}"),
                None => error.to_string(),
            };
            // The driver says `io` and `closed` of a server that is restarting or gone for a moment.
            let gone = error.is_closed()
                || std::error::Error::source(&error).is_some_and(|cause| cause.is::<std::io::Error>());
            return if gone { Error::Busy(reason) } else { Error::other(reason) };
        };
        let constraint = || refused.constraint().unwrap_or_default().to_owned();
        let message = || refused.message().to_owned();
        match refused.code() {
            code if *code == SqlState::UNIQUE_VIOLATION => Error::Unique(constraint()),
            code if *code == SqlState::CHECK_VIOLATION => Error::Check(constraint()),
            code if *code == SqlState::FOREIGN_KEY_VIOLATION => Error::ForeignKey(message()),
            code if [SqlState::T_R_SERIALIZATION_FAILURE, SqlState::T_R_DEADLOCK_DETECTED].contains(code) => {
                Error::Stale
            }
            code if BUSY.contains(code) => Error::Busy(message()),
            code if *code == SqlState::DISK_FULL => Error::Full,
            code => Error::other(format_args!("{} (SQLSTATE {})", refused.message(), code.code())),
        }
    }
}

/// The server is shutting down, has not started yet, has no connection left, or gave up waiting for a lock or for the end
/// of a statement.
const BUSY: [SqlState; 6] = [
    SqlState::ADMIN_SHUTDOWN,
    SqlState::CRASH_SHUTDOWN,
    SqlState::CANNOT_CONNECT_NOW,
    SqlState::TOO_MANY_CONNECTIONS,
    SqlState::LOCK_NOT_AVAILABLE,
    SqlState::QUERY_CANCELED,
];

/// Turns `UNIQUE constraint failed: users.email_key` into `users_email_key`. Two columns are joined, as in the names of
/// our indexes.
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

/// Turns `UNIQUE constraint failed: settings.key` of a primary key into `settings_pkey`, as PostgreSQL calls it.
fn sqlite_primary_key(message: &str) -> String {
    let columns = message.rsplit_once(": ").map_or(message, |(_, columns)| columns);
    format!("{}_pkey", columns.split('.').next().unwrap_or_default())
}

#[cfg(test)]
mod tests {
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
