//! A session with the server: its settings and its prepared statements.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

use bytes::BytesMut;
use tokio_postgres::types::{IsNull, ToSql, Type, to_sql_checked};
use tokio_postgres::{Client, SimpleQueryMessage, Statement};

use super::address::Address;
use crate::{Error, Result, Sql, Value};

/// The prepared statements that a session keeps.
const PREPARED: usize = 500;

pub(crate) struct Session {
    pub(crate) client: Arc<Client>,
    prepared: HashMap<Cow<'static, str>, Statement>,
}

impl Session {
    /// Opens a session and refuses a server under whose settings an acknowledged write could be lost.
    pub(crate) async fn open(address: &Address) -> Result<Session> {
        let (client, connection) = address.config.connect(address.tls.clone()).await?;
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "a connection to postgresql ended");
            }
        });
        refuse_weak_settings(&client).await?;
        Ok(Session { client: Arc::new(client), prepared: HashMap::new() })
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.client.is_closed()
    }

    /// Prepares a statement, or finds it among those that were prepared before.
    pub(crate) async fn prepare(&mut self, statement: &Sql) -> Result<Statement> {
        if let Some(prepared) = self.prepared.get(&*statement.text)
            && prepared.params().iter().eq(statement.values.iter().map(type_of))
        {
            return Ok(prepared.clone());
        }
        let types: Vec<Type> = statement.values.iter().map(|value| type_of(value).clone()).collect();
        let prepared = self.client.prepare_typed(&statement.text, &types).await?;
        if self.prepared.len() >= PREPARED {
            self.prepared.clear();
        }
        self.prepared.insert(statement.text.clone(), prepared.clone());
        Ok(prepared)
    }

    /// Runs statements that have no values: settings, DDL.
    pub(crate) async fn batch(&self, text: &str) -> Result<()> {
        Ok(self.client.batch_execute(text).await?)
    }

    /// Returns the first column of every row of a query, as texts.
    pub(crate) async fn texts(&self, text: &str) -> Result<Vec<String>> {
        let rows = self.client.query(text, &[]).await?;
        rows.iter().map(|row| Ok(row.try_get(0)?)).collect()
    }
}

/// Requires PostgreSQL 14 or newer, and settings under which a commit that was answered is on the disk.
async fn refuse_weak_settings(client: &Client) -> Result<()> {
    let settings = "SELECT current_setting('server_version_num'), current_setting('synchronous_commit'),
                           current_setting('fsync'), current_setting('full_page_writes')";
    let answer = client.simple_query(settings).await?;
    let row = answer.iter().find_map(|message| match message {
        SimpleQueryMessage::Row(row) => Some(row),
        _ => None,
    });
    let setting = |column| row.and_then(|row| row.get(column)).unwrap_or_default();
    let version = setting(0);
    if version.parse::<u32>().unwrap_or(0) < 140_000 {
        return Err(Error::Setup(format!("PostgreSQL 14 or newer is needed; this server is {version}")));
    }
    for (column, name, strong) in [
        (1, "synchronous_commit", &["on", "remote_apply"][..]),
        (2, "fsync", &["on"]),
        (3, "full_page_writes", &["on"]),
    ] {
        let value = setting(column);
        if !strong.contains(&value) {
            return Err(Error::Setup(format!(
                "PostgreSQL runs with {name} = {value}: an acknowledged write could be lost. Set it to {}",
                strong.join(" or ")
            )));
        }
    }
    Ok(())
}

fn type_of(value: &Value) -> &'static Type {
    match value {
        Value::Uuid(_) => &Type::UUID,
        Value::Text(_) => &Type::TEXT,
        Value::Int(_) => &Type::INT8,
        Value::Bool(_) => &Type::BOOL,
        Value::Time(_) => &Type::TIMESTAMPTZ,
        Value::Bytes(_) => &Type::BYTEA,
    }
}

type Written = std::result::Result<IsNull, Box<dyn std::error::Error + Sync + Send>>;

impl ToSql for Value {
    fn to_sql(&self, wanted: &Type, out: &mut BytesMut) -> Written {
        match self {
            Value::Uuid(value) => value.to_sql(wanted, out),
            Value::Text(value) => value.as_deref().to_sql(wanted, out),
            Value::Int(value) => value.to_sql(wanted, out),
            Value::Bool(value) => value.to_sql(wanted, out),
            Value::Time(value) => value.to_sql(wanted, out),
            Value::Bytes(value) => value.to_sql(wanted, out),
        }
    }

    /// Accepts every type here: a statement is prepared with the types of its values.
    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}
