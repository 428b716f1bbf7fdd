//! What must be so of every history: what was written stays, and differences lead from one version to the other.

use std::collections::BTreeMap;

use jiff::Timestamp;
use kalends_core::history::diff;
use kalends_db::{Db, FromRow, Row, sql};
use kalends_kernel::EventId;
use serde_json::Value;

use crate::chance::Chance;
use crate::run::Done;

/// The versions of an event, oldest first, as they are stored.
#[derive(Clone, PartialEq, Debug)]
pub struct Chain(Vec<(i64, Timestamp, Value)>);

struct Link(i64, Timestamp, Value);

impl FromRow for Link {
    fn from_row(row: &Row) -> kalends_db::Result<Self> {
        Ok(Link(row.get("version")?, row.get("at")?, row.json("snapshot")?))
    }
}

impl Chain {
    pub async fn read_all(db: &Db, ids: impl Iterator<Item = EventId>) -> BTreeMap<EventId, Chain> {
        let mut conn = db.reader().await.expect("a reader");
        let mut all = BTreeMap::new();
        for id in ids {
            let links: Vec<Link> =
                sql("SELECT version, at, snapshot FROM event_versions WHERE event_id = $1 ORDER BY version")
                    .bind(id)
                    .all(&mut conn)
                    .await
                    .expect("versions");
            all.insert(
                id,
                Chain(links.into_iter().map(|Link(version, at, snapshot)| (version, at, snapshot)).collect()),
            );
        }
        all
    }
}

/// Nothing that was written is another now, numbers have no gaps, time does not run back.
pub fn went_on(before: &BTreeMap<EventId, Chain>, after: &BTreeMap<EventId, Chain>) -> Done {
    for (id, Chain(links)) in after {
        if let Some(Chain(old)) = before.get(id)
            && !links.is_empty()
            && !links.starts_with(old)
        {
            return Err(format!("the history of {id} was rewritten: {old:#?} is no beginning of {links:#?}"));
        }
        let numbers: Vec<i64> = links.iter().map(|link| link.0).collect();
        if numbers != (1..).take(links.len()).collect::<Vec<i64>>() {
            return Err(format!("the versions of {id} are {numbers:?}"));
        }
        if !links.is_sorted_by_key(|link| link.1) {
            return Err(format!("the versions of {id} run back in time: {links:#?}"));
        }
    }
    Ok(())
}

/// The patch between two versions, taken by chance, makes the second of the first.
pub fn differences_lead_from_one_to_the_other(chains: &BTreeMap<EventId, Chain>, number: u64) -> Done {
    let chance = &mut Chance(number);
    for (id, Chain(links)) in chains {
        if links.is_empty() {
            continue;
        }
        let (one, other) = (&chance.of(links), &chance.of(links));
        let found = diff(&one.2, &other.2);
        let patch: json_patch::Patch = serde_json::from_value(found.patch).expect("a patch");
        let mut document = one.2.clone();
        json_patch::patch(&mut document, &patch).map_err(|error| format!("{id}: {} → {}: {error}", one.0, other.0))?;
        if document != other.2 || found.changes.is_empty() != (one.2 == other.2) {
            return Err(format!("{id}: {} → {} gives {document:#} and {:#?}", one.0, other.0, found.changes));
        }
    }
    Ok(())
}
