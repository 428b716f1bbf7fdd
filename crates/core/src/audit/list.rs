use jiff::Timestamp;
use kalends_db::{Conn, Result, Value, sql};
use kalends_kernel::{Cursor, Page, UserId};
use uuid::Uuid;

use super::store::COLUMNS;
use super::{Action, Audited};

/// Which rows.
#[derive(Clone, Debug)]
pub struct Filter {
    /// Only what this account did.
    pub actor: Option<UserId>,
    /// Only this.
    pub action: Option<Action>,
    /// Only about this record.
    pub record: Option<Uuid>,
    /// From here on.
    pub from: Option<Timestamp>,
    /// Up to here.
    pub to: Option<Timestamp>,
    /// How many at most.
    pub limit: u32,
    /// Behind which.
    pub cursor: Option<Cursor>,
    /// A digest of the question, for the next cursor.
    pub digest: u32,
}

/// A page of the audit log, newest first. Whether the caller may read it is asked before.
pub async fn list(conn: &mut Conn, filter: &Filter) -> Result<Page<Audited>> {
    let mut text = format!("SELECT {COLUMNS} FROM audit WHERE at < ");
    let mut values: Vec<Value> = Vec::new();
    let mut bind = |text: &mut String, value: Value| {
        values.push(value);
        text.push_str(&format!("${}", values.len()));
    };
    bind(&mut text, filter.to.unwrap_or(LATEST).into());
    if let Some(from) = filter.from {
        text.push_str(" AND at >= ");
        bind(&mut text, from.into());
    }
    if let Some(actor) = filter.actor {
        text.push_str(" AND actor_id = ");
        bind(&mut text, actor.into());
    }
    if let Some(action) = filter.action {
        text.push_str(" AND action = ");
        bind(&mut text, action.name().into());
    }
    if let Some(record) = filter.record {
        text.push_str(" AND record_id = ");
        bind(&mut text, record.into());
    }
    if let Some((at, tx, seq)) = filter.cursor.as_ref().and_then(place_of) {
        text.push_str(" AND (at, tx, seq) < (");
        for value in [Value::from(at), tx.into(), seq.into()] {
            bind(&mut text, value);
            text.push_str(", ");
        }
        text.truncate(text.len() - 2);
        text.push(')');
    }
    text.push_str(&format!(" ORDER BY at DESC, tx DESC, seq DESC LIMIT {}", u64::from(filter.limit) + 1));
    let statement = values.into_iter().fold(sql(text), |statement, value| statement.bind(value));
    let mut items: Vec<Audited> = statement.all(conn).await?;
    let limit = usize::try_from(filter.limit).unwrap_or(usize::MAX);
    let more = items.len() > limit;
    items.truncate(limit);
    let next = items.last().filter(|_| more).map(|last| Cursor {
        key: format!("{} {} {}", last.at.as_microsecond(), last.position.tx, last.position.seq),
        id: Uuid::nil(),
        part: String::new(),
        of: filter.digest,
    });
    Ok(Page { items, next })
}

/// Later than every row.
const LATEST: Timestamp = Timestamp::constant(253_200_000_000, 0);

fn place_of(cursor: &Cursor) -> Option<(Timestamp, i64, i64)> {
    let mut parts = cursor.key.split(' ').map(|part| part.parse::<i64>().ok());
    let (at, tx, seq) = (parts.next()??, parts.next()??, parts.next()??);
    Some((Timestamp::from_microsecond(at).ok()?, tx, seq))
}
