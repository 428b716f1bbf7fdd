//! Rows that are appended to a log, such as the change log: kept until the commit, then written together.
//!
//! A command that makes a thousand events writes its thousand rows of each log with a few statements. A statement that names
//! the table is run after its rows were written, so that nothing can tell the difference; so is every DELETE, which may take
//! away what a row refers to.

use crate::{Result, Tx, Value};

/// Appends a row to a log at the end of the transaction. The text has one `{}` in the place of its rows:
/// `INSERT INTO changes (at, kind) VALUES {}`. Rows of one table keep their order. A failure fails the command.
pub async fn append<const N: usize>(tx: &mut Tx, text: &'static str, row: [Value; N]) -> Result<()> {
    tx.append(text, row.into()).await
}

/// The number of values of one table that are kept.
const KEPT: usize = 4_096;

/// The rows that are still to be written, by statement, in the order in which they were first used.
#[derive(Default)]
pub(crate) struct Appended(Vec<Group>);

pub(crate) struct Group {
    pub(crate) text: &'static str,
    pub(crate) width: usize,
    pub(crate) values: Vec<Value>,
}

impl Group {
    fn table(&self) -> &'static str {
        self.text.strip_prefix("INSERT INTO ").and_then(|rest| rest.split_whitespace().next()).unwrap_or_default()
    }
}

impl Appended {
    /// Adds a row. Returns the rows of its table when they have become many.
    pub(crate) fn push(&mut self, text: &'static str, row: Vec<Value>) -> Option<Group> {
        let at = self.0.iter().position(|group| group.text == text);
        match at.and_then(|at| self.0.get_mut(at)) {
            Some(group) => group.values.extend(row),
            None => self.0.push(Group { text, width: row.len(), values: row }),
        }
        let at = at.unwrap_or(self.0.len().saturating_sub(1));
        let full = self.0.get(at).is_some_and(|group| group.values.len() >= KEPT);
        full.then(|| self.0.remove(at))
    }

    /// Takes the first rows.
    pub(crate) fn next(&mut self) -> Option<Group> {
        (!self.0.is_empty()).then(|| self.0.remove(0))
    }

    /// Takes the first rows when they must be written before this statement runs.
    pub(crate) fn next_before(&mut self, statement: &str) -> Option<Group> {
        let is_needed = |group: &Group| statement.contains(group.table()) || statement.starts_with("DELETE");
        if self.0.iter().any(is_needed) { self.next() } else { None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHANGES: &str = "INSERT INTO changes (a) VALUES {}";
    const AUDIT: &str = "INSERT INTO audit (a) VALUES {}";

    fn two() -> Appended {
        let mut appended = Appended::default();
        for text in [AUDIT, CHANGES, AUDIT] {
            assert!(appended.push(text, vec![1.into()]).is_none());
        }
        appended
    }

    #[test]
    fn rows_are_written_before_a_statement_that_needs_them() {
        for needs in ["SELECT seq FROM changes WHERE tx = 1", "DELETE FROM events", "UPDATE changes SET a = 2"] {
            let mut appended = two();
            let first = appended.next_before(needs).expect("all groups, in order");
            assert_eq!((first.text, first.values.len()), (AUDIT, 2));
            assert_eq!(appended.next_before(needs).expect("the second").text, CHANGES);
        }
        assert!(two().next_before("SELECT n FROM counters").is_none());
    }

    #[test]
    fn many_rows_do_not_wait_for_the_commit() {
        let mut appended = Appended::default();
        let full = (0..10_000_i64).filter_map(|n| appended.push(CHANGES, vec![n.into(), n.into()])).count();
        assert_eq!(full, 4);
    }
}
