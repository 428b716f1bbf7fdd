use std::borrow::Cow;
use std::fmt::Write;

use jiff::Timestamp;
use kalends_kernel::Id;
use serde::Serialize;
use uuid::Uuid;

use crate::{Conn, FromRow, Result, Tx};

/// A value that is bound to a statement. Each kind has a type also when it is absent, because PostgreSQL asks for the type
/// of a NULL.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// An id.
    Uuid(Option<Uuid>),
    /// A text, or a document in its JSON text.
    Text(Option<Cow<'static, str>>),
    /// A whole number.
    Int(Option<i64>),
    /// A truth value.
    Bool(Option<bool>),
    /// An instant in microseconds.
    Time(Option<Timestamp>),
    /// Bytes, such as a digest.
    Bytes(Option<Vec<u8>>),
}

impl Value {
    /// Makes the text of a JSON document.
    pub fn json(document: &impl Serialize) -> Result<Value> {
        let text = serde_json::to_string(document)
            .map_err(|error| crate::Error::Decode { column: "(bound)".into(), what: error.to_string() })?;
        Ok(Value::from(text))
    }
}

/// A statement with its values. The text is the same on both engines: `$1`, `$2` … for single values and one `{}`
/// for a list.
#[derive(Clone, Debug)]
#[must_use = "a statement does nothing until it is run"]
pub struct Sql {
    pub(crate) text: Cow<'static, str>,
    pub(crate) values: Vec<Value>,
}

/// Makes a statement of this text. Never build the text from user input: bind it.
pub fn sql(text: impl Into<Cow<'static, str>>) -> Sql {
    Sql { text: text.into(), values: Vec::new() }
}

impl Sql {
    /// Binds the next `$n` to a value.
    pub fn bind(mut self, value: impl Into<Value>) -> Sql {
        self.values.push(value.into());
        self
    }

    /// Binds the next `$n` to a JSON document.
    pub fn bind_json(self, document: &impl Serialize) -> Result<Sql> {
        Ok(self.bind(Value::json(document)?))
    }

    /// Replaces the first `{}` of the text by `$n, $n+1, …` for these values; for `IN ({})`. Bind the single values first.
    /// The list is padded to a power of two with its last value, so that few different texts are prepared.
    /// An empty list becomes NULL, which nothing equals.
    pub fn bind_list<V: Into<Value>>(mut self, values: impl IntoIterator<Item = V>) -> Sql {
        let first = self.values.len() + 1;
        self.values.extend(values.into_iter().map(Into::into));
        let given = self.values.len() + 1 - first;
        if let (true, Some(last)) = (given > 0, self.values.last().cloned()) {
            self.values.resize(first - 1 + given.next_power_of_two(), last);
        }
        let names: Vec<String> = (first..=self.values.len()).map(|n| format!("${n}")).collect();
        let names = if names.is_empty() { "NULL".to_owned() } else { names.join(", ") };
        self.text = Cow::Owned(self.text.replacen("{}", &names, 1));
        self
    }

    /// Replaces the first `{}` of the text by `($n, $n+1, …), (…)` for these rows; for `INSERT … VALUES {}`. Bind the single
    /// values first.
    pub(crate) fn bind_rows(mut self, width: usize, values: impl IntoIterator<Item = Value>) -> Sql {
        let mut number = self.values.len();
        self.values.extend(values);
        let mut rows = String::new();
        while number < self.values.len() {
            rows.push_str(if rows.is_empty() { "(" } else { ", (" });
            for column in 0..width {
                number += 1;
                let separator = if column == 0 { "" } else { ", " };
                write!(rows, "{separator}${number}").ok();
            }
            rows.push(')');
        }
        self.text = Cow::Owned(self.text.replacen("{}", &rows, 1));
        self
    }

    /// Runs the query and returns every row.
    pub async fn all<T: FromRow>(self, conn: &mut Conn) -> Result<Vec<T>> {
        conn.fetch(self, usize::MAX, T::from_row).await
    }

    /// Runs the query and returns the first row, if there is one.
    pub async fn optional<T: FromRow>(self, conn: &mut Conn) -> Result<Option<T>> {
        Ok(conn.fetch(self, 1, T::from_row).await?.pop())
    }

    /// Runs the query and returns its one row.
    pub async fn one<T: FromRow>(self, conn: &mut Conn) -> Result<T> {
        let row = self.optional(conn).await?;
        row.ok_or_else(|| crate::Error::other("the query returned no row, though it always has one"))
    }

    /// Runs the statement and returns the number of rows that it changed.
    pub async fn run(self, tx: &mut Tx) -> Result<u64> {
        tx.execute(self).await
    }

    /// Sends the statement without waiting for its result, which nothing that follows needs. PostgreSQL runs it while the
    /// command goes on; SQLite runs it at once. A failure fails the command at its next statement that waits, or at its
    /// end: before the commit in any case. Do not send a statement whose refusal you want to tell apart, such as one that
    /// may violate a UNIQUE constraint: run it.
    pub async fn send(self, tx: &mut Tx) -> Result<()> {
        tx.send(self).await
    }
}

/// The number of values in one INSERT at most. Both engines take more than 30,000.
const VALUES_AT_ONCE: usize = 4_096;

/// Inserts many rows with few statements. The text has one `{}` in the place of the rows: `INSERT INTO t (a, b) VALUES {}`.
///
/// The numbers of rows in a statement are powers of two, so that few different texts are prepared.
pub async fn insert_rows<const N: usize>(
    tx: &mut Tx,
    text: &'static str,
    rows: impl IntoIterator<Item = [Value; N]>,
) -> Result<()> {
    insert_values(tx, text, N, rows.into_iter().flatten().collect()).await
}

/// Does the work of [`insert_rows`] for rows of a width that is known only when the program runs.
pub(crate) async fn insert_values(
    tx: &mut Tx,
    text: impl Into<Cow<'static, str>>,
    width: usize,
    values: Vec<Value>,
) -> Result<()> {
    for statement in in_rows(text, width, values) {
        statement.send(tx).await?;
    }
    Ok(())
}

/// Divides rows into statements.
pub(crate) fn in_rows(
    text: impl Into<Cow<'static, str>>,
    width: usize,
    values: Vec<Value>,
) -> impl Iterator<Item = Sql> {
    let (text, width) = (text.into(), width.max(1));
    let mut left = values.len() / width;
    let mut values = values.into_iter();
    std::iter::from_fn(move || {
        let most = left.min((VALUES_AT_ONCE / width).max(1));
        let count = 1_usize << most.checked_ilog2()?;
        left -= count;
        Some(sql(text.clone()).bind_rows(width, values.by_ref().take(count * width)))
    })
}

impl<K> From<Id<K>> for Value {
    fn from(id: Id<K>) -> Value {
        Value::Uuid(Some(id.uuid()))
    }
}
impl<K> From<Option<Id<K>>> for Value {
    fn from(id: Option<Id<K>>) -> Value {
        Value::Uuid(id.map(Id::uuid))
    }
}
impl From<Uuid> for Value {
    fn from(id: Uuid) -> Value {
        Value::Uuid(Some(id))
    }
}
impl From<String> for Value {
    fn from(text: String) -> Value {
        Value::Text(Some(text.into()))
    }
}
impl From<&str> for Value {
    fn from(text: &str) -> Value {
        Value::Text(Some(text.to_owned().into()))
    }
}
impl From<Option<String>> for Value {
    fn from(text: Option<String>) -> Value {
        Value::Text(text.map(Into::into))
    }
}
impl From<i64> for Value {
    fn from(number: i64) -> Value {
        Value::Int(Some(number))
    }
}
impl From<Option<i64>> for Value {
    fn from(number: Option<i64>) -> Value {
        Value::Int(number)
    }
}
impl From<bool> for Value {
    fn from(yes: bool) -> Value {
        Value::Bool(Some(yes))
    }
}
impl From<Timestamp> for Value {
    fn from(at: Timestamp) -> Value {
        Value::Time(Some(at))
    }
}
impl From<Option<Timestamp>> for Value {
    fn from(at: Option<Timestamp>) -> Value {
        Value::Time(at)
    }
}
impl From<Vec<u8>> for Value {
    fn from(bytes: Vec<u8>) -> Value {
        Value::Bytes(Some(bytes))
    }
}
impl<const N: usize> From<[u8; N]> for Value {
    fn from(bytes: [u8; N]) -> Value {
        Value::Bytes(Some(bytes.to_vec()))
    }
}
impl From<Option<Vec<u8>>> for Value {
    fn from(bytes: Option<Vec<u8>>) -> Value {
        Value::Bytes(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_takes_the_numbers_behind_the_single_values_and_is_padded() {
        let one = sql("a = $1 AND b IN ({})").bind(1).bind_list([2, 3, 4]);
        assert_eq!(one.text, "a = $1 AND b IN ($2, $3, $4, $5)");
        assert_eq!(one.values.len(), 5);
        assert_eq!(sql("b IN ({})").bind_list(Vec::<i64>::new()).text, "b IN (NULL)");
    }

    #[test]
    fn rows_are_numbered_through() {
        let rows = sql("INSERT INTO t (a, b) VALUES {}").bind_rows(2, [1, 2, 3, 4].map(Value::from));
        assert_eq!(rows.text, "INSERT INTO t (a, b) VALUES ($1, $2), ($3, $4)");
        assert_eq!(rows.values.len(), 4);
    }
}
