//! The order of what a search finds: best fit first.
//!
//! The rank of an event is that of the word that fits worst: by field first (title, category, location, description), then
//! whether the word is there as it stands or only begins one; equals come by how near in time they begin.

use kalends_db::{Conn, FromRow, Result, Row};
use kalends_kernel::{Cursor, EventId};

use super::List;
use super::find::{Class, Key, branches};
use super::scope::{Branch, Scope, Text, run};
use super::search::{Asked, MOST_CALENDARS, count};
use crate::ctx::Ctx;

/// From how many rows of the rarest word on, events are not ranked as a whole, but level by level from the best.
const DENSE: i64 = 1_000;
/// Up to how many words that begin alike are looked through one by one, each in the order of time that the index has.
const MOST_APART: usize = 16;
/// How many rows of the index are taken at a time at most, and how many in all before everything is ranked after all.
const MOST_TAKEN_AT_ONCE: usize = 2_048;
const MOST_LOOKED_AT: usize = 8_192;

/// A row of the list by rank; compares in the order of the list.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
struct Ranked {
    rank: i64,
    /// The distance in time, in microseconds.
    distance: i64,
    id: EventId,
}

impl FromRow for Ranked {
    fn from_row(row: &Row) -> Result<Self> {
        Ok(Ranked { rank: row.get("r")?, distance: row.get("k")?, id: row.get("id")? })
    }
}

/// A place in the list: rank, distance, and from when the distance is counted, which stays from page to page.
fn place(cursor: &Cursor) -> Option<(Ranked, i64)> {
    let mut numbers = cursor.key.split(' ').map(str::parse::<i64>);
    let mut next = || numbers.next().and_then(Result::ok);
    Some((Ranked { rank: next()?, distance: next()?, id: EventId::new(cursor.id) }, next()?))
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
    let Some(asked) = scope.words.as_deref().filter(|_| !scope.branches.is_empty()) else { return Ok(Vec::new()) };
    let (behind, from) = match behind.and_then(place) {
        Some((behind, from)) => (Some(behind), from),
        None => (None, ctx.now.as_microsecond()),
    };
    let question = Question { ctx, list, scope, asked, from };
    // The rarest comes first: where it is common, all are.
    let dense = match asked {
        [rarest, ..] if list.ids.is_none() => count(conn, rarest).await? >= DENSE,
        _ => false,
    };
    let found = if !dense {
        question.at_once(conn, behind, limit).await?
    } else if are_few(conn, scope).await? {
        // Whoever sees little on a large server looks through that.
        let scope = Scope { branches: scope.branches.clone(), words: scope.words.clone(), driven: false };
        Question { scope: &scope, ..question }.at_once(conn, behind, limit).await?
    } else if let Some(found) = question.by_levels(conn, behind, limit).await? {
        found
    } else {
        question.at_once(conn, behind, limit).await?
    };
    let key = |one: Ranked| Key { id: one.id, key: format!("{} {} {from}", one.rank, one.distance) };
    Ok(found.into_iter().map(key).collect())
}

/// Whether the calendars of the actor hold few events together.
async fn are_few(conn: &mut Conn, scope: &Scope) -> Result<bool> {
    let mut text = Text::default();
    text.push(
        "SELECT count(*) AS n FROM (SELECT 1 AS one FROM events e WHERE e.deleted_at IS NULL AND e.calendar_id IN ",
    );
    let calendars = scope.branches.iter().flat_map(|branch| match branch {
        Branch::All(calendars) | Branch::Published { calendars, .. } => calendars.as_slice(),
        Branch::Shared { .. } => &[],
    });
    text.list(&calendars.copied().collect::<Vec<_>>());
    text.push(&format!(" LIMIT {DENSE}) x"));
    Ok(run(text).one::<i64>(conn).await? < DENSE)
}

/// What a page by rank is about.
struct Question<'q> {
    ctx: &'q Ctx,
    list: &'q List,
    scope: &'q Scope,
    asked: &'q [Asked],
    from: i64,
}

impl Question<'_> {
    /// Ranks everything that is found.
    async fn at_once(&self, conn: &mut Conn, behind: Option<Ranked>, limit: usize) -> Result<Vec<Ranked>> {
        if self.scope.branches.is_empty() {
            return Ok(Vec::new());
        }
        let mut text = Text::default();
        text.push("SELECT id, r, k FROM (");
        let class = Class { condition: self.list.window.map(|window| (None, None, window)), ..Class::default() };
        let select = |text: &mut Text| {
            text.push("SELECT e.id, (SELECT max(v) FROM (");
            for (number, one) in self.asked.iter().enumerate() {
                text.push(if number > 0 { " UNION ALL " } else { "" });
                text.push("SELECT min(x.field * 2 + CASE WHEN x.word IN ");
                text.list(&one.beginnings);
                text.push(" THEN 0 ELSE 1 END) AS v FROM search_words x WHERE x.event_id = e.id AND ");
                one.ranges(text, "x");
            }
            text.push(") y) AS r, abs((SELECT max(x.at) FROM search_words x WHERE x.event_id = e.id) - ");
            text.value(self.from);
            text.push(") AS k");
        };
        branches(&mut text, self.ctx, self.list, self.scope, select, &[class]);
        text.push(") x");
        if let Some(behind) = behind {
            text.push(" WHERE (r, k, id) > (");
            text.value(behind.rank);
            text.push(", ");
            text.value(behind.distance);
            text.push(", ");
            text.value(behind.id);
            text.push(")");
        }
        text.push(&format!(" ORDER BY r, k, id LIMIT {limit}"));
        run(text).all(conn).await
    }

    /// The same for words that very many events have: the index gives those of the best rank in the order of time, and no
    /// more are looked at than the page needs. None when that would be too many, because few of them are what is asked for.
    async fn by_levels(&self, conn: &mut Conn, behind: Option<Ranked>, limit: usize) -> Result<Option<Vec<Ranked>>> {
        let (shares, calendars): (Vec<Branch>, Vec<Branch>) =
            self.scope.branches.iter().cloned().partition(|branch| matches!(branch, Branch::Shared { .. }));
        let part = |branches| Scope { branches, words: self.scope.words.clone(), driven: false };
        let (shares, calendars) = (part(shares), part(calendars));
        let mut found = Question { scope: &shares, ..*self }.at_once(conn, behind, limit).await?;
        let mut of_calendars: Vec<Ranked> = Vec::new();
        let mut words = Vec::new();
        if !calendars.branches.is_empty() {
            for word in self.asked {
                words.push((word, longer(conn, word).await?));
            }
        }
        let mut first = behind.map_or(0, |behind| behind.rank);
        if words.len() > 1 {
            for (word, longer) in &words {
                first = first.max(least(conn, word, longer.as_deref()).await?);
            }
        }
        let mut looked_at = 0;
        for rank in first..8 {
            if calendars.branches.is_empty() || of_calendars.len() >= limit {
                break;
            }
            let mut after = behind.filter(|behind| behind.rank == rank).unwrap_or(Ranked {
                rank,
                distance: -1,
                id: EventId::new(uuid::Uuid::nil()),
            });
            let mut taken = limit;
            while of_calendars.len() < limit {
                if looked_at >= MOST_LOOKED_AT {
                    return Ok(None);
                }
                let rows = self.rows(conn, &calendars, &words, after, taken).await?;
                let Some(last) = rows.last() else { break };
                after = *last;
                looked_at += rows.len();
                let ids = rows.iter().map(|row| row.id).collect();
                let list = List { ids: Some(ids), ..self.list.clone() };
                let ranked = Question { list: &list, scope: &calendars, ..*self }.at_once(conn, None, taken).await?;
                // The rank of an event is that of the word that fits worst: it is found at its own level, too.
                of_calendars.extend(ranked.into_iter().filter(|one| one.rank == rank));
                if rows.len() < taken {
                    break;
                }
                taken = (2 * taken).min(MOST_TAKEN_AT_ONCE);
            }
        }
        found.extend(of_calendars);
        found.sort();
        found.dedup();
        found.truncate(limit);
        Ok(Some(found))
    }

    /// The next rows of the index in which one of the words stands as `after.rank` says, by distance.
    async fn rows(
        &self,
        conn: &mut Conn,
        scope: &Scope,
        words: &[(&Asked, Option<Vec<String>>)],
        after: Ranked,
        limit: usize,
    ) -> Result<Vec<Ranked>> {
        let (field, exact) = (after.rank / 2, after.rank % 2 == 0);
        let mut text = Text::default();
        text.push(&format!("SELECT DISTINCT id, k, CAST({} AS bigint) AS r FROM (", after.rank));
        let mut first = true;
        let mut part = |text: &mut Text| {
            text.push(if first { "" } else { " UNION ALL " });
            first = false;
        };
        for (asked, longer) in words {
            let apart = if exact { Some(asked.beginnings.as_slice()) } else { longer.as_deref() };
            for word in apart.into_iter().flatten() {
                for ahead in [true, false] {
                    part(&mut text);
                    text.push("SELECT * FROM (SELECT w.event_id AS id, abs(w.at - ");
                    text.value(self.from);
                    text.push(") AS k FROM search_words w WHERE w.word = ");
                    text.value(word.as_str());
                    text.push(&format!(" AND w.field = {field}"));
                    self.of_calendars(&mut text, scope);
                    self.beyond(&mut text, after, ahead);
                    // What lies equally far comes by id, on both sides of now.
                    text.push(if ahead { " ORDER BY w.at, w.event_id" } else { " ORDER BY w.at DESC, w.event_id" });
                    text.push(&format!(" LIMIT {limit}) b"));
                }
            }
            if apart.is_none() {
                part(&mut text);
                text.push("SELECT w.event_id AS id, abs(w.at - ");
                text.value(self.from);
                text.push(&format!(") AS k FROM search_words w WHERE w.field = {field} AND "));
                asked.ranges(&mut text, "w");
                text.push(" AND w.word NOT IN ");
                text.list(&asked.beginnings);
                self.of_calendars(&mut text, scope);
            }
        }
        if first {
            return Ok(Vec::new());
        }
        text.push(") x WHERE (k, id) > (");
        text.value(after.distance);
        text.push(", ");
        text.value(after.id);
        text.push(&format!(") ORDER BY k, id LIMIT {limit}"));
        run(text).all(conn).await
    }

    /// On this side of now, at least as far as where we are.
    fn beyond(&self, text: &mut Text, after: Ranked, ahead: bool) {
        let distance = after.distance.max(0);
        let (at, further) = if ahead {
            (self.from.saturating_add(distance), " AND w.at > ")
        } else {
            (self.from.saturating_sub(distance), " AND w.at < ")
        };
        if after.distance < 0 {
            // From the beginning: now itself lies ahead.
            text.push(if ahead { " AND w.at >= " } else { " AND w.at < " });
            text.value(at);
            return;
        }
        text.push(if ahead { " AND w.at >= " } else { " AND w.at <= " });
        text.value(at);
        text.push(" AND (");
        text.push(further.trim_start_matches(" AND "));
        text.value(at);
        text.push(" OR w.event_id > ");
        text.value(after.id);
        text.push(")");
    }

    /// The calendars of all branches, as far as the index knows.
    fn of_calendars(&self, text: &mut Text, scope: &Scope) {
        let only_open = scope.branches.iter().all(|branch| matches!(branch, Branch::Published { .. }));
        let named: usize = scope
            .branches
            .iter()
            .map(|branch| match branch {
                Branch::All(calendars) | Branch::Published { calendars, .. } => calendars.len(),
                Branch::Shared { .. } => 0,
            })
            .sum();
        if named <= MOST_CALENDARS / 4 {
            text.push(" AND (");
            for (number, branch) in scope.branches.iter().enumerate() {
                text.push(if number > 0 { " OR (1 = 1" } else { "(1 = 1" });
                branch.of_words(text);
                text.push(")");
            }
            text.push(")");
        } else if only_open {
            text.push(" AND w.open = ");
            text.value(true);
        }
    }
}

/// The best rank that a word has anywhere: that of an event is no better.
async fn least(conn: &mut Conn, word: &Asked, longer: Option<&[String]>) -> Result<i64> {
    let Some(longer) = longer else { return Ok(0) };
    let mut text = Text::default();
    text.push("SELECT min(r) AS n FROM (SELECT CAST(8 AS bigint) AS r");
    for (words, worse) in [(word.beginnings.as_slice(), 0), (longer, 1)] {
        for word in words {
            // The index has the best field of a word first.
            text.push(&format!(" UNION ALL SELECT min(w.field) * 2 + {worse} FROM search_words w WHERE w.word = "));
            text.value(word.as_str());
        }
    }
    text.push(") x");
    run(text).one(conn).await
}

/// The longer words that begin as an asked one, if they are few.
async fn longer(conn: &mut Conn, word: &Asked) -> Result<Option<Vec<String>>> {
    struct Word(String);
    impl FromRow for Word {
        fn from_row(row: &Row) -> Result<Self> {
            row.get("word").map(Word)
        }
    }
    let mut text = Text::default();
    text.push("SELECT v.word FROM search_vocabulary v WHERE ");
    word.ranges(&mut text, "v");
    text.push(" AND v.word NOT IN ");
    text.list(&word.beginnings);
    text.push(&format!(" LIMIT {}", MOST_APART + 1));
    let words: Vec<Word> = run(text).all(conn).await?;
    Ok((words.len() <= MOST_APART).then(|| words.into_iter().map(|word| word.0).collect()))
}
