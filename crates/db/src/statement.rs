use std::borrow::Cow;

use jiff::Timestamp;
use kalends_kernel::Id;
use serde::Serialize;
use uuid::Uuid;

use crate::{Conn, FromRow, Result, Tx};

/// A value that a statement is given. Each kind knows its type also when it is absent, because PostgreSQL
/// wants to know of what type a NULL is.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// An id.
    Uuid(Option<Uuid>),
    /// A text, or a document in its JSON text.
    Text(Option<Cow<'static, str>>),
    /// A whole number.
    Int(Option<i64>),
    /// Yes or no.
    Bool(Option<bool>),
    /// An instant in microseconds.
    Time(Option<Timestamp>),
    /// Bytes, such as a digest.
    Bytes(Option<Vec<u8>>),
}

/// A statement with its values. The text is the same on both engines: `$1`, `$2` … for single values and one `{}`
/// for a list.
#[derive(Clone, Debug)]
#[must_use = "a statement does nothing until it is run"]
pub struct Sql {
    pub(crate) text: Cow<'static, str>,
    pub(crate) values: Vec<Value>,
}

/// A statement of this text. Never build the text from what a user sent: bind it.
pub fn sql(text: impl Into<Cow<'static, str>>) -> Sql {
    Sql { text: text.into(), values: Vec::new() }
}

impl Sql {
    /// Gives the next `$n` its value.
    pub fn bind(mut self, value: impl Into<Value>) -> Sql {
        self.values.push(value.into());
        self
    }

    /// Gives the next `$n` a document.
    pub fn bind_json(self, document: &impl Serialize) -> Result<Sql> {
        let text = serde_json::to_string(document)
            .map_err(|e| crate::Error::Decode { column: "(bound)".into(), what: e.to_string() })?;
        Ok(self.bind(text))
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

    /// Runs it and gives every row.
    pub async fn all<T: FromRow>(self, conn: &mut Conn) -> Result<Vec<T>> {
        conn.fetch_all(self).await?.iter().map(T::from_row).collect()
    }

    /// Runs it and gives the first row, if there is one.
    pub async fn optional<T: FromRow>(self, conn: &mut Conn) -> Result<Option<T>> {
        conn.fetch_optional(self).await?.as_ref().map(T::from_row).transpose()
    }

    /// Runs it and gives its one row.
    pub async fn one<T: FromRow>(self, conn: &mut Conn) -> Result<T> {
        let row = conn.fetch_optional(self).await?.ok_or_else(|| crate::Error::from(sqlx::Error::RowNotFound))?;
        T::from_row(&row)
    }

    /// Runs it and gives the number of rows it changed.
    pub async fn run(self, tx: &mut Tx) -> Result<u64> {
        tx.execute(self).await
    }
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
}
