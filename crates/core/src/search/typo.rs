//! How near words are to each other: pure.
//!
//! Two texts that are at most n edits apart (a letter too many, one too few, another one, two neighbours swapped) have a
//! text in common that is left when at most n letters are cut out of each. The index keeps the cuts of the first seven
//! letters of each word ([`kept`]); those of the asked word ([`asked`]) find what may be near, [`distance`] decides.

use std::collections::BTreeSet;

/// Of how many letters cuts are made.
const HEAD: usize = 7;
/// The least number of letters that are corrected.
const LEAST: usize = 4;

/// How many edits a word of so many letters is corrected by.
pub fn allowed(letters: usize) -> usize {
    match letters {
        0..LEAST => 0,
        LEAST..=HEAD => 1,
        _ => 2,
    }
}

/// What is left of a text when up to `most` letters are cut out, the text itself among it.
fn cuts(of: &[char], most: usize) -> BTreeSet<Vec<char>> {
    let mut all = BTreeSet::from([of.to_vec()]);
    let mut last = all.clone();
    for _ in 0..most {
        let mut next = BTreeSet::new();
        for text in &last {
            for index in 0..text.len() {
                let mut shorter = text.clone();
                shorter.remove(index);
                next.insert(shorter);
            }
        }
        all.extend(next.iter().cloned());
        last = next;
    }
    all
}

/// Which kind of cut: of a whole short word, or of the first letters of one.
fn key(kind: char, cut: &[char]) -> String {
    std::iter::once(kind).chain(cut.iter().copied()).collect()
}

fn kind_of(letters: usize) -> char {
    match letters {
        4 => '4',
        5 => '5',
        6 => '6',
        _ => '7',
    }
}

/// The rows (cut, head) that a word has in the index. A head is the word itself, or its first letters.
pub fn kept(word: &str) -> BTreeSet<(String, String)> {
    let letters: Vec<char> = word.chars().collect();
    let mut rows = BTreeSet::new();
    let mut add = |kind: char, head: &[char], most: usize| {
        for cut in cuts(head, most) {
            rows.insert((key(kind, &cut), head.iter().collect()));
        }
    };
    if (LEAST - 1..HEAD).contains(&letters.len()) {
        // A word of 6 letters may be what 8 were meant to be, one of 3 what 4 were.
        add('w', &letters, if letters.len() >= HEAD - 1 { 2 } else { 1 });
    }
    for length in LEAST..=HEAD {
        if let Some(head) = letters.get(..length) {
            add(kind_of(length), head, if length == HEAD { 2 } else { 1 });
        }
    }
    rows
}

/// The cuts under which words near this one stand, if it may be corrected.
pub fn asked(word: &str) -> Vec<String> {
    let letters: Vec<char> = word.chars().collect();
    let edits = allowed(letters.len());
    if edits == 0 {
        return Vec::new();
    }
    let head = letters.get(..HEAD).unwrap_or(&letters);
    let mut keys = BTreeSet::new();
    for cut in cuts(head, edits) {
        keys.insert(key('w', &cut));
        keys.insert(key('7', &cut));
        keys.insert(key(kind_of(letters.len()), &cut));
    }
    keys.into_iter().collect()
}

/// A word that another may have been meant to be.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Near {
    /// Whether only its beginning is near: a whole word comes first.
    pub beginning: bool,
    /// In how many edits.
    pub edits: usize,
    /// The word, or the beginning.
    pub word: String,
}

/// How a word of the vocabulary is near an asked one: the whole of it, or else a beginning that is no shorter than what
/// was asked (one that is shorter would be near by leaving out what was typed last).
pub fn nearness(asked: &str, word: &str) -> Option<Near> {
    let (asked, letters): (Vec<char>, Vec<char>) = (asked.chars().collect(), word.chars().collect());
    let most = allowed(asked.len());
    if most == 0 {
        return None;
    }
    let whole = distance(&asked, &letters, most);
    if let Some(edits) = whole {
        return Some(Near { beginning: false, edits, word: word.to_owned() });
    }
    (asked.len()..=asked.len() + most)
        .filter_map(|length| letters.get(..length).filter(|head| head.len() < letters.len()))
        .filter_map(|head| distance(&asked, head, most).map(|edits| (edits, head)))
        .min()
        .map(|(edits, head)| Near { beginning: true, edits, word: head.iter().collect() })
}

/// How many edits lead from the beginning of a word to a head; for heads that are longer, to as much of it.
pub fn apart(asked: &str, head: &str) -> usize {
    let (asked, head): (Vec<char>, Vec<char>) = (asked.chars().collect(), head.chars().collect());
    let begun = if head.len() < HEAD { asked.as_slice() } else { asked.get(..HEAD).unwrap_or(&asked) };
    distance(begun, &head, 2 * HEAD).unwrap_or(2 * HEAD)
}

/// How many edits lead from one text to another (a letter is edited once: optimal string alignment), if at most `most`.
pub fn distance(from: &[char], to: &[char], most: usize) -> Option<usize> {
    if from.len().abs_diff(to.len()) > most {
        return None;
    }
    let mut before: Vec<usize> = Vec::new();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (i, letter) in from.iter().enumerate() {
        let mut next = vec![i + 1];
        for (j, other) in to.iter().enumerate() {
            let at = |row: &[usize], index: usize| row.get(index).copied().unwrap_or(usize::MAX / 2);
            let mut least = (at(&row, j + 1) + 1).min(at(&next, j) + 1).min(at(&row, j) + usize::from(letter != other));
            let swapped = i > 0 && j > 0 && from.get(i - 1) == Some(other) && to.get(j - 1) == Some(letter);
            if swapped {
                least = least.min(at(&before, j - 1) + 1);
            }
            next.push(least);
        }
        before = std::mem::replace(&mut row, next);
    }
    row.last().copied().filter(|edits| *edits <= most)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn edits(from: &str, to: &str) -> Option<usize> {
        distance(&from.chars().collect::<Vec<_>>(), &to.chars().collect::<Vec<_>>(), 2)
    }

    #[test]
    fn edits_are_counted() {
        for (from, to, wanted) in [
            ("konzert", "konzert", Some(0)),
            ("konzrt", "konzert", Some(1)),
            ("kozner", "konzer", Some(1)),
            ("konnzertt", "konzert", Some(2)),
            ("abc", "cba", Some(2)),
            ("konzert", "concerto", None),
            ("", "ab", Some(2)),
        ] {
            assert_eq!(edits(from, to), wanted, "{from} {to}");
            assert_eq!(edits(to, from), wanted, "{to} {from}");
        }
    }

    #[test]
    fn a_whole_word_is_nearer_than_a_beginning() {
        let near = |asked, word| nearness(asked, word).map(|near| (near.beginning, near.edits, near.word));
        assert_eq!(near("konzrt", "konzert"), Some((false, 1, "konzert".to_owned())));
        assert_eq!(near("konzrt", "konzertabend"), Some((true, 1, "konzert".to_owned())));
        assert_eq!(near("kon", "kan"), None, "three letters are not corrected");
        assert_eq!(near("konzertabnd", "konzertabend"), Some((false, 1, "konzertabend".to_owned())));
        assert_eq!(near("konxxxt", "konzert"), None);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]

        /// Whatever is near is found by its cuts.
        #[test]
        fn near_words_share_a_cut(asked_word in "[a-c]{3,11}", word in "[a-c]{2,14}") {
            if nearness(&asked_word, &word).is_some() {
                let keys = asked(&asked_word);
                prop_assert!(kept(&word).iter().any(|(cut, _)| keys.contains(cut)), "{asked_word} {word}");
            }
        }
    }
}
