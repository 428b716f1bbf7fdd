//! Many at once; always also on PostgreSQL.

mod change_log;
mod conflicts;
mod disconnects;
mod feeds;
mod following;
mod history;
mod jobs;
mod nodes;
mod owners;
mod requests;
mod series;
mod unguarded;
mod zones;

use kalends_core::check;
use kalends_db::{Db, FromRow, Result, Row};

/// A text in a column named `t`.
struct Text(String);

impl FromRow for Text {
    fn from_row(row: &Row) -> Result<Self> {
        row.get("t").map(Text)
    }
}

/// `kalends check` finds nothing.
async fn is_sound(db: &Db) {
    let mut conn = db.reader().await.expect("a reader");
    assert_eq!(check::run(&mut conn).await.expect("an answer"), []);
}

/// Numbers without order, the same in every run.
pub struct Chance(u64);

impl Chance {
    pub fn new(seed: u64) -> Chance {
        Chance(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % u64::try_from(end).expect("small")).expect("small")
    }
}
