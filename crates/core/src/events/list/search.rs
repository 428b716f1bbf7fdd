//! Finding events by words among what the actor may see (rule 28).
//!
//! An event is found when each asked word begins a word of it; `rank` puts them in order. A word that nothing visible has is
//! corrected before.

use kalends_db::{Conn, Result};

use super::List;
use super::scope::{Branch, Scope, Text, run};
use crate::search::{self, words};

/// An asked word, as what it stands for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Asked {
    /// The beginnings that are looked for: the word itself, or what it is corrected to.
    pub(super) beginnings: Vec<String>,
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
const MOST_ALIKE: usize = 8;
/// Up to how many rows two words are compared for which is rarer.
const COUNTED: i64 = 5_000;
/// Up to how many calendars are named to the index of words.
pub(super) const MOST_CALENDARS: usize = 256;

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
        if (level.is_some_and(|level| level != this) && !taken.is_empty()) || taken.len() == MOST_ALIKE {
            break;
        }
        level = Some(this);
        if is_visible(conn, list, scope, &one.word, one.beginning).await? {
            taken.push(one.word);
        }
    }
    Ok(taken)
}

/// Whether something that the actor may see has this word, or one that begins so. First the first few rows of the word are
/// looked at, then the first few events of the actor; only when neither says it, all rows.
async fn is_visible(conn: &mut Conn, list: &List, scope: &Scope, word: &str, beginning: bool) -> Result<bool> {
    for look in [Look::SomeRows, Look::SomeEvents, Look::AllRows] {
        let mut text = Text::default();
        for (number, branch) in scope.branches.iter().enumerate() {
            text.push(if number > 0 { " UNION ALL " } else { "" });
            text.push("SELECT * FROM (SELECT CAST(1 AS bigint) AS n FROM ");
            let range = |text: &mut Text| {
                text.push("w.word >= ");
                text.value(word);
                text.push(if beginning { " AND w.word < " } else { " AND w.word <= " });
                text.value(if beginning { words::behind(word) } else { word.to_owned() });
            };
            match (branch, look) {
                (Branch::Shared { .. }, _) => {
                    text.push(branch.from());
                    text.push(" CROSS JOIN search_words w");
                }
                (_, Look::AllRows) => text.push("search_words w CROSS JOIN events e"),
                (_, Look::SomeRows) => {
                    text.push("(SELECT w.event_id, w.word, w.calendar_id, w.open FROM search_words w WHERE ");
                    range(&mut text);
                    text.push(&format!(" LIMIT {LOOKED_AT}) w CROSS JOIN events e"));
                }
                (_, Look::SomeEvents) => {
                    text.push("(SELECT e.* FROM events e WHERE ");
                    branch.condition(&mut text, false);
                    text.push(&format!(" LIMIT {LOOKED_AT}) e CROSS JOIN search_words w"));
                }
            }
            text.push(" WHERE w.event_id = e.id AND ");
            range(&mut text);
            branch.of_words(&mut text);
            text.push(" AND ");
            branch.condition(&mut text, true);
            text.push(if list.deleted { " AND e.deleted_at IS NOT NULL" } else { " AND e.deleted_at IS NULL" });
            text.push(" LIMIT 1) b");
        }
        text.push(" LIMIT 1");
        if run(text).optional::<i64>(conn).await?.is_some() {
            return Ok(true);
        }
        if look == Look::SomeRows && rows_of(conn, word, beginning).await? < LOOKED_AT {
            return Ok(false);
        }
    }
    Ok(false)
}

/// Where a word is looked for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Look {
    SomeRows,
    SomeEvents,
    AllRows,
}

/// How many rows or events of those are some.
const LOOKED_AT: i64 = 1_000;

/// How many rows a word has, as far as that matters.
async fn rows_of(conn: &mut Conn, word: &str, beginning: bool) -> Result<i64> {
    let to = if beginning { words::behind(word) } else { word.to_owned() };
    let how = if beginning { "<" } else { "<=" };
    let text = format!(
        "SELECT count(*) AS n FROM (SELECT 1 AS one FROM search_words w WHERE w.word >= $1 AND w.word {how} $2 LIMIT {LOOKED_AT}) x"
    );
    kalends_db::sql(text).bind(word).bind(to).one(conn).await
}

/// In how many rows a word stands, as far as that is worth counting.
pub(super) async fn count(conn: &mut Conn, asked: &Asked) -> Result<i64> {
    let mut text = Text::default();
    text.push("SELECT count(*) AS n FROM (SELECT 1 AS one FROM search_words w WHERE ");
    asked.ranges(&mut text, "w");
    text.push(&format!(" LIMIT {COUNTED}) x"));
    run(text).one(conn).await
}

impl Asked {
    /// `(t.word >= … AND t.word < … OR …)`.
    pub(super) fn ranges(&self, text: &mut Text, table: &str) {
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
    pub(super) fn of_words(&self, text: &mut Text) {
        let calendars = match self {
            Branch::All(calendars) => calendars,
            Branch::Published { calendars, .. } => {
                text.push(" AND w.open = ");
                text.value(true);
                calendars
            }
            Branch::Shared { .. } => return,
        };
        // Who sees most of what there is gains nothing by it.
        if calendars.len() <= MOST_CALENDARS {
            text.push(" AND w.calendar_id IN ");
            text.list(calendars);
        }
    }

    /// Where events with these words come from, as `e`: through the index of words, or through the few shares.
    pub(super) fn source_with(&self, text: &mut Text, asked: &[Asked], driven: bool) {
        match (self, asked.first()) {
            (Branch::All(_) | Branch::Published { .. }, Some(rarest)) if driven => {
                text.push("(SELECT DISTINCT w.event_id FROM search_words w WHERE ");
                rarest.ranges(text, "w");
                self.of_words(text);
                text.push(") f CROSS JOIN events e");
            }
            _ => text.push(self.from()),
        }
    }

    /// The condition that goes with it.
    pub(super) fn holds_with(&self, text: &mut Text, asked: &[Asked], driven: bool) {
        let mut rest = asked;
        if let (Branch::All(_) | Branch::Published { .. }, Some((_, others)), true) =
            (self, asked.split_first(), driven)
        {
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
