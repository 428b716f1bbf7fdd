//! A copy of everything in one file that either engine can be filled from: for backups, and for moving between databases.
//!
//! It is made from one snapshot while others go on working, and read back whole before it counts. It goes in as one
//! transaction: a file that is no good, or a machine that stops half way, changes nothing.

mod dump;
mod format;
mod load;

use std::io::{Read, Write};

use jiff::Timestamp;

use crate::{Db, Result, Sql};
use format::{FORMAT, Kind, Line, Read1, Reader, broken};

/// What a backup says about itself.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Backup {
    /// When it was made.
    pub made_at: Timestamp,
    /// The version of the program that made it.
    pub program: String,
    /// How many rows it holds.
    pub rows: u64,
    /// The migrations that its database had.
    pub(crate) migrations: Vec<String>,
}

/// What a backup is to say about itself.
#[derive(Clone, Debug)]
pub struct About {
    /// When it is made.
    pub made_at: Timestamp,
    /// The version of this program.
    pub program: String,
    /// Tables that are made from others, and are not worth keeping.
    pub leave_out: &'static [&'static str],
}

impl Db {
    /// Writes everything as it is at this moment, and gives back where it was written to with the number of rows.
    pub async fn back_up<W: Write + Send>(&self, about: &About, out: W) -> Result<(W, u64)> {
        dump::run(self, about, out).await
    }

    /// Whether there is nothing in it yet that somebody could miss.
    pub async fn is_empty(&self) -> Result<bool> {
        load::is_empty(self).await
    }

    /// Puts what a backup holds in the place of everything that is there, then runs these statements: all of it or
    /// nothing. Read it with [`read`] before, which says whether it is any good. Nobody else may be at work meanwhile.
    pub async fn restore(&self, from: impl Read + Send, after: Vec<Sql>) -> Result<Backup> {
        load::run(self, Reader::new(from), after).await
    }
}

/// Reads a whole backup and says what it is, if every line of it is as it was written.
pub fn read(from: impl Read) -> Result<Backup> {
    let mut reader = Reader::new(from);
    let mut backup = head(&mut reader)?;
    loop {
        let read = reader.next()?;
        match read {
            Read1::Line(Line::Table { name, columns }) => {
                backup.rows += read_table(&mut reader, &name, &columns, |_| Ok(()))?
            }
            Read1::Line(Line::End { rows, .. }) if rows == backup.rows => return Ok(backup),
            _ => return Err(broken("its parts are not in order")),
        }
    }
}

fn head(reader: &mut Reader<impl Read>) -> Result<Backup> {
    match reader.next()? {
        Read1::Line(Line::Backup { format, .. }) if format != FORMAT => {
            Err(broken(format!("its format is {format}; this program knows {FORMAT}")))
        }
        Read1::Line(Line::Backup { made_at, program, migrations, .. }) => {
            let made_at = made_at.parse().map_err(|error| broken(&error))?;
            Ok(Backup { made_at, program, migrations, rows: 0 })
        }
        _ => Err(broken("it does not begin as one")),
    }
}

/// Reads the rows of a table to its end.
fn read_table(
    reader: &mut Reader<impl Read>,
    name: &str,
    columns: &[(String, Kind)],
    mut each: impl FnMut(Vec<crate::Value>) -> Result<()>,
) -> Result<u64> {
    let mut rows = 0;
    loop {
        match next_row(reader, name, columns, rows)? {
            Some(row) => each(row)?,
            None => return Ok(rows),
        }
        rows += 1;
    }
}

/// The next row of a table; none at its end, which says how many there were.
fn next_row(
    reader: &mut Reader<impl Read>,
    name: &str,
    columns: &[(String, Kind)],
    before: u64,
) -> Result<Option<Vec<crate::Value>>> {
    let row = match reader.next()? {
        Read1::Line(Line::EndTable { rows }) if rows == before => return Ok(None),
        Read1::Row(row) if row.len() == columns.len() => row,
        _ => return Err(broken(format!("the rows of {name} are not whole"))),
    };
    let values = row.into_iter().zip(columns).map(|(value, (column, kind))| {
        kind.value(value).ok_or_else(|| broken(format!("{name}.{column} holds what it cannot hold")))
    });
    values.collect::<Result<Vec<_>>>().map(Some)
}
