//! All SQL of accounts.

mod sessions;
mod tokens;
mod users;

pub(super) use sessions::*;
pub(super) use tokens::*;
pub(super) use users::*;

use kalends_db::{FromRow, Result, Row};

/// A row that is only there or not.
struct There;

impl FromRow for There {
    fn from_row(_: &Row) -> Result<Self> {
        Ok(There)
    }
}
