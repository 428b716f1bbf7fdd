//! The file: lines of JSON under gzip, the same whichever engine it comes from.
//!
//! A head (what and when), for each table its columns, its rows as arrays and their number, and at the end the number of all
//! rows and the SHA-256 of every line before. A file that was cut off, altered or mixed up is found out before it is used.

use std::io::{BufRead, BufReader, BufWriter, Read, Write};

use flate2::Compression;
use flate2::read::MultiGzDecoder;
use flate2::write::GzEncoder;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::{Error, Result};

/// The version of the format.
pub(super) const FORMAT: u32 = 1;

/// A longer line is no row of ours: the largest document is some megabytes.
const LONGEST: u64 = 256 << 20;

/// What a value is, the same on both engines.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Kind {
    Uuid,
    Text,
    Int,
    Bool,
    /// In microseconds since 1970.
    Time,
    /// In hexadecimal digits.
    Bytes,
}

/// A line of the file that is no row.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(tag = "kalends", rename_all = "lowercase", deny_unknown_fields)]
pub(super) enum Line {
    Backup { format: u32, made_at: String, program: String, engine: String, migrations: Vec<String> },
    Table { name: String, columns: Vec<(String, Kind)> },
    EndTable { rows: u64 },
    End { rows: u64, sha256: String },
}

pub(super) fn broken(why: impl std::fmt::Display) -> Error {
    Error::Setup(format!("the backup cannot be used: {why}"))
}

fn failed(error: &std::io::Error) -> Error {
    if error.kind() == std::io::ErrorKind::StorageFull {
        Error::Full
    } else {
        Error::Setup(format!("writing the backup: {error}"))
    }
}

/// Writes a file.
pub(super) struct Writer<W: Write> {
    out: BufWriter<GzEncoder<W>>,
    digest: Sha256,
    line: Vec<u8>,
}

impl<W: Write> Writer<W> {
    pub(super) fn new(out: W) -> Writer<W> {
        // Fast rather than small: the backup is made while others work.
        Writer {
            out: BufWriter::new(GzEncoder::new(out, Compression::fast())),
            digest: Sha256::new(),
            line: Vec::new(),
        }
    }

    pub(super) fn put(&mut self, line: &impl Serialize) -> Result<()> {
        self.line.clear();
        serde_json::to_writer(&mut self.line, line).map_err(|error| broken(&error))?;
        self.line.push(b'\n');
        self.digest.update(&self.line);
        self.out.write_all(&self.line).map_err(|error| failed(&error))
    }

    /// Writes the end.
    pub(super) fn finish(mut self, rows: u64) -> Result<W> {
        let sha256 = hex(&std::mem::take(&mut self.digest).finalize());
        self.put(&Line::End { rows, sha256 })?;
        let zip = self.out.into_inner().map_err(|error| failed(error.error()))?;
        zip.finish().map_err(|error| failed(&error))
    }
}

/// Reads a file.
pub(super) struct Reader<R: Read> {
    from: BufReader<MultiGzDecoder<R>>,
    digest: Sha256,
    line: Vec<u8>,
}

/// What is read.
pub(super) enum Read1 {
    Line(Line),
    Row(Vec<Value>),
}

impl<R: Read> Reader<R> {
    pub(super) fn new(from: R) -> Reader<R> {
        Reader { from: BufReader::new(MultiGzDecoder::new(from)), digest: Sha256::new(), line: Vec::new() }
    }

    /// The next line. The last one ([`Line::End`]) is given only when the digest is right and nothing follows.
    pub(super) fn next(&mut self) -> Result<Read1> {
        self.line.clear();
        let read = (&mut self.from).take(LONGEST).read_until(b'\n', &mut self.line);
        let read = read.map_err(|error| broken(format!("it is damaged or cut off ({error})")))?;
        if read == 0 || self.line.last() != Some(&b'\n') {
            return Err(broken("it ends before its end"));
        }
        if self.line.first() == Some(&b'[') {
            self.digest.update(&self.line);
            return serde_json::from_slice(&self.line).map(Read1::Row).map_err(|error| broken(&error));
        }
        let line: Line = serde_json::from_slice(&self.line).map_err(|error| broken(&error))?;
        if let Line::End { sha256, .. } = &line {
            if *sha256 != hex(&self.digest.clone().finalize()) {
                return Err(broken("what it holds is not what was written (the digest differs)"));
            }
            let mut rest = [0];
            match self.from.read(&mut rest) {
                Ok(0) => {}
                Ok(_) => return Err(broken("something follows its end")),
                Err(error) => return Err(broken(format!("it is damaged or cut off ({error})"))),
            }
        }
        self.digest.update(&self.line);
        Ok(Read1::Line(line))
    }
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

pub(super) fn unhex(text: &str) -> Option<Vec<u8>> {
    if !text.len().is_multiple_of(2) {
        return None;
    }
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(text.get(at..at + 2)?, 16).ok()).collect()
}

impl Kind {
    /// The kind of a column by its type's name on either engine.
    pub(super) fn of(type_name: &str) -> Option<Kind> {
        match type_name.to_ascii_lowercase().as_str() {
            "uuid" => Some(Kind::Uuid),
            "text" => Some(Kind::Text),
            "bigint" | "integer" | "smallint" => Some(Kind::Int),
            "boolean" => Some(Kind::Bool),
            "timestamptz" | "timestamp with time zone" => Some(Kind::Time),
            "bytea" => Some(Kind::Bytes),
            _ => None,
        }
    }

    /// The value that a line holds, to be bound.
    pub(super) fn value(self, value: Value) -> Option<crate::Value> {
        use crate::Value as Bound;
        Some(match (self, value) {
            (Kind::Uuid, Value::Null) => Bound::Uuid(None),
            (Kind::Text, Value::Null) => Bound::Text(None),
            (Kind::Int, Value::Null) => Bound::Int(None),
            (Kind::Bool, Value::Null) => Bound::Bool(None),
            (Kind::Time, Value::Null) => Bound::Time(None),
            (Kind::Bytes, Value::Null) => Bound::Bytes(None),
            (Kind::Uuid, Value::String(text)) => Bound::Uuid(Some(uuid::Uuid::try_parse(&text).ok()?)),
            (Kind::Text, Value::String(text)) => Bound::Text(Some(text.into())),
            (Kind::Bytes, Value::String(text)) => Bound::Bytes(Some(unhex(&text)?)),
            (Kind::Int, Value::Number(number)) => Bound::Int(Some(number.as_i64()?)),
            (Kind::Bool, Value::Number(number)) => Bound::Bool(Some(number.as_i64()? != 0)),
            (Kind::Time, Value::Number(number)) => {
                Bound::Time(Some(jiff::Timestamp::from_microsecond(number.as_i64()?).ok()?))
            }
            _ => return None,
        })
    }

    /// Whether its values are read from the database as texts; the others are whole numbers.
    pub(super) fn is_text(self) -> bool {
        matches!(self, Kind::Uuid | Kind::Text | Kind::Bytes)
    }

    /// How SQLite gives it as a text or a whole number.
    pub(super) fn on_sqlite(self, column: &str) -> String {
        match self {
            Kind::Uuid | Kind::Bytes => format!("CASE WHEN {column} IS NULL THEN NULL ELSE lower(hex({column})) END"),
            Kind::Text | Kind::Int | Kind::Bool | Kind::Time => column.to_owned(),
        }
    }

    /// How PostgreSQL does.
    pub(super) fn on_postgres(self, column: &str) -> String {
        match self {
            Kind::Uuid => format!("replace({column}::text, '-', '')"),
            Kind::Bytes => format!("encode({column}, 'hex')"),
            Kind::Text => column.to_owned(),
            Kind::Int => format!("{column}::bigint"),
            Kind::Bool => format!("{column}::int::bigint"),
            Kind::Time => format!("(extract(epoch FROM {column}) * 1000000)::bigint"),
        }
    }
}
