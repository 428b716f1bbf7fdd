//! `[database]`: where the data is.

use std::path::Path;

use kalends_db::{Engine, Options};
use kalends_kernel::Secret;

use super::keys::{Key, Keys, secret};

/// `[database]`.
#[derive(Clone, Debug)]
pub struct Database {
    /// `sqlite:PATH` or `postgres://…`; it may hold a password.
    pub url: Secret,
    /// The same, read.
    pub options: Options,
}

pub(super) static KEYS: &[Key] = &[secret(
    "database.url",
    "sqlite:kalends.db in the data folder",
    "sqlite:PATH, or postgres://user:password@host:port/database (PostgreSQL 14 or newer).",
)];

impl Database {
    pub(super) fn read(keys: &mut Keys, data_dir: &Path) -> Database {
        let default = data_dir.join("kalends.db");
        let url = keys.string("database.url");
        // The URL may hold a password: messages do not quote it.
        let options = match url.as_deref().map(Options::parse) {
            Some(Ok(options)) => options,
            Some(Err(why)) => {
                keys.wrong("database.url", why);
                Options::Sqlite { path: default.clone(), readers: 8 }
            }
            None => Options::Sqlite { path: default.clone(), readers: 8 },
        };
        let url = url.unwrap_or_else(|| format!("sqlite:{}", default.display()));
        Database { url: Secret::new(url), options }
    }

    /// Which database it is.
    pub fn engine(&self) -> Engine {
        match self.options {
            Options::Sqlite { .. } => Engine::Sqlite,
            Options::Postgres { .. } => Engine::Postgres,
        }
    }
}
