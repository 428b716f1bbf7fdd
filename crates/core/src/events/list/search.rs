//! Finding events by words among what the actor may see (rule 28).
//!
//! An event is found when each asked word begins a word of it. Its rank is that of the word that fits worst: by field first
//! (title, category, location, description), then whether the word is there as it stands or only begins one; equals come
//! by how near in time they begin. A word that nothing visible has is corrected before.

use kalends_db::{Conn, FromRow, Result, Row};
use kalends_kernel::{Cursor, EventId};

use super::List;
use super::find::{Class, Key, branches};
use super::scope::{Branch, Scope, Text, run};
use crate::ctx::Ctx;
use crate::search::{self, words};

/// An asked word, as what it stands for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Asked {
    /// The beginnings that are looked for: the word itself, or what it is corrected to.
    beginnings: Vec<String>,
}

/// What an asked word was corrected to, because nothing that the actor may see has it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Corrected {
    /// The word, normalised.
    pub asked: String,
    /// What was looked for instead: the nearest words.
    pub to: Vec<String>,
}

/// How many corrections of one word are tried, and how many equally near ones are taken.
const MOST_TRIED: usize = 64;
const MOST_TAKEN: usize = 8;
/// Up to how many rows two words are compared for which is rarer.
const COUNTED: i64 = 5_000;

/// What the words of a question stand for, the rarest first; none when one of them is found nowhere.
pub(super) async fn ask(
    conn: &mut Conn,
    list: &List,
    scope: &Scope,
    question: &str,
) -> Result<(Option<Vec<Asked>>, Vec<Corrected>)> {
    let mut asked_words = words::of(question);
    asked_words.sort();
    asked_words.dedup();
    let (mut asked, mut corrected) = (Vec::new(), Vec::new());
    if asked_words.is_empty() || scope.branches.is_empty() {
        return Ok((None, corrected));
    }
    for word in asked_words {
        if is_visible(conn, list, scope, &word, true).await? {
            asked.push(Asked { beginnings: vec![word] });
            continue;
        }
        let to = correct(conn, list, scope, &word).await?;
        if to.is_empty() {
            return Ok((None, Vec::new()));
        }
        asked.push(Asked { beginnings: to.clone() });
        corrected.push(Corrected { asked: word, to });
    }
    if asked.len() > 1 {
        let mut counted = Vec::new();
        for one in asked {
            counted.push((count(conn, &one).await?, one));
        }
        counted.sort_by_key(|(rows, _)| *rows);
        asked = counted.into_iter().map(|(_, one)| one).collect();
    }
    Ok((Some(asked), corrected))
}

/// The nearest words that something visible has.
async fn correct(conn: &mut Conn, list: &List, scope: &Scope, word: &str) -> Result<Vec<String>> {
    let near = search::near(conn, word).await?;
    let mut taken: Vec<String> = Vec::new();
    let mut level = None;
    for one in near.into_iter().take(MOST_TRIED) {
        let this = (one.beginning, one.edits);
        if (level.is_some_and(|level| level != this) && !taken.is_empty()) || taken.len() == MOST_TAKEN {
            break;
        }
        level = Some(this);
        if is_visible(conn, list, scope, &one.word, one.beginning).await? {
            taken.push(one.word);
        }
    }
    Ok(taken)
}

/// Whether something that the actor may see has this word, or one that begins so.
async fn is_visible(conn: &mut Conn, list: &List, scope: &Scope, word: &str, beginning: bool) -> Result<bool> {
    let mut text = Text::default();
    for (number, branch) in scope.branches.iter().enumerate() {
        text.push(if number > 0 { " UNION ALL " } else { "" });
        text.push("SELECT * FROM (SELECT CAST(1 AS bigint) AS n FROM ");
        match branch {
            Branch::Shared { .. } => {
                text.push(branch.from());
                text.push(" CROSS JOIN search_words w");
            }
            _ => text.push("search_words w CROSS JOIN events e"),
        }
        text.push(" WHERE w.event_id = e.id AND w.word >= ");
        text.value(word);
        text.push(if beginning { " AND w.word < " } else { " AND w.word <= " });
        text.value(if beginning { words::behind(word) } else { word.to_owned() });
        branch.of_words(&mut text);
        text.push(" AND ");
        branch.condition(&mut text);
        text.push(if list.deleted { " AND e.deleted_at IS NOT NULL" } else { " AND e.deleted_at IS NULL" });
        text.push(" LIMIT 1) b");
    }
    text.push(" LIMIT 1");
    Ok(run(text).optional::<i64>(conn).await?.is_some())
}

/// In how many rows a word stands, as far as that is worth counting.
async fn count(conn: &mut Conn, asked: &Asked) -> Result<i64> {
    let mut text = Text::default();
    text.push("SELECT count(*) AS n FROM (SELECT 1 AS one FROM search_words w WHERE ");
    asked.ranges(&mut text, "w");
    text.push(&format!(" LIMIT {COUNTED}) x"));
    run(text).one(conn).await
}

impl Asked {
    /// `(t.word >= … AND t.word < … OR …)`.
    fn ranges(&self, text: &mut Text, table: &str) {
        text.push("(");
        for (number, beginning) in self.beginnings.iter().enumerate() {
            text.push(if number > 0 { " OR " } else { "" });
            text.push(&format!("({table}.word >= "));
            text.value(beginning.as_str());
            text.push(&format!(" AND {table}.word < "));
            text.value(words::behind(beginning));
            text.push(")");
        }
        text.push(")");
    }
}

impl Branch {
    /// The same condition on rows of the index of words, as far as those know: what it leaves out is not looked at further.
    fn of_words(&self, text: &mut Text) {
        match self {
            Branch::All(calendars) => {
                text.push(" AND w.calendar_id IN ");
                text.list(calendars);
            }
            Branch::Published { calendars, .. } => {
                text.push(" AND w.open = ");
                text.value(true);
                text.push(" AND w.calendar_id IN ");
                text.list(calendars);
            }
            Branch::Shared { .. } => {}
        }
    }

    /// Where events with these words come from, as `e`: through the index of words, or through the few shares.
    pub(super) fn source_with(&self, text: &mut Text, asked: &[Asked]) {
        match (self, asked.first()) {
            (Branch::All(_) | Branch::Published { .. }, Some(rarest)) => {
                text.push("(SELECT DISTINCT w.event_id FROM search_words w WHERE ");
                rarest.ranges(text, "w");
                self.of_words(text);
                text.push(") f CROSS JOIN events e");
            }
            _ => text.push(self.from()),
        }
    }

    /// The condition that goes with it.
    pub(super) fn holds_with(&self, text: &mut Text, asked: &[Asked]) {
        let mut rest = asked;
        if let (Branch::All(_) | Branch::Published { .. }, Some((_, others))) = (self, asked.split_first()) {
            text.push("e.id = f.event_id AND ");
            rest = others;
        }
        for one in rest {
            text.push("EXISTS (SELECT 1 FROM search_words x WHERE x.event_id = e.id AND ");
            one.ranges(text, "x");
            text.push(") AND ");
        }
    }
}

/// A key of the list by rank: rank, distance in time, and from when the distance is counted, which stays from page to page.
struct Place {
    rank: i64,
    distance: i64,
    from: i64,
}

impl Place {
    fn of(cursor: &Cursor) -> Option<Place> {
        let mut numbers = cursor.key.split(' ').map(str::parse::<i64>);
        let mut next = || numbers.next().and_then(Result::ok);
        Some(Place { rank: next()?, distance: next()?, from: next()? })
    }
}

/// The next keys of the list by rank, behind a place.
pub(super) async fn keys(
    conn: &mut Conn,
    ctx: &Ctx,
    list: &List,
    scope: &Scope,
    behind: Option<&Cursor>,
    limit: usize,
) -> Result<Vec<Key>> {
    struct Ranked(EventId, i64, i64);
    impl FromRow for Ranked {
        fn from_row(row: &Row) -> Result<Self> {
            Ok(Ranked(row.get("id")?, row.get("r")?, row.get("k")?))
        }
    }
    let Some(asked) = scope.words.as_deref().filter(|_| !scope.branches.is_empty()) else { return Ok(Vec::new()) };
    let behind = behind.and_then(|cursor| Place::of(cursor).map(|place| (place, cursor.id)));
    let from = behind.as_ref().map_or_else(|| ctx.now.as_microsecond(), |(place, _)| place.from);
    let mut text = Text::default();
    text.push("SELECT id, r, k FROM (");
    let class = Class { condition: list.window.map(|window| (None, None, window)), ..Class::default() };
    let select = |text: &mut Text| {
        text.push("SELECT e.id, (SELECT max(v) FROM (");
        for (number, one) in asked.iter().enumerate() {
            text.push(if number > 0 { " UNION ALL " } else { "" });
            text.push("SELECT min(x.field * 2 + CASE WHEN x.word IN ");
            text.list(&one.beginnings);
            text.push(" THEN 0 ELSE 1 END) AS v FROM search_words x WHERE x.event_id = e.id AND ");
            one.ranges(text, "x");
        }
        text.push(") y) AS r, abs((SELECT max(x.at) FROM search_words x WHERE x.event_id = e.id) - ");
        text.value(from);
        text.push(") AS k");
    };
    branches(&mut text, ctx, list, scope, select, &[class]);
    text.push(") x");
    if let Some((place, id)) = behind {
        text.push(" WHERE (r, k, id) > (");
        text.value(place.rank);
        text.push(", ");
        text.value(place.distance);
        text.push(", ");
        text.value(id);
        text.push(")");
    }
    text.push(&format!(" ORDER BY r, k, id LIMIT {limit}"));
    let found: Vec<Ranked> = run(text).all(conn).await?;
    Ok(found
        .into_iter()
        .map(|Ranked(id, rank, distance)| Key { id, key: format!("{rank} {distance} {from}") })
        .collect())
}
