//! Text → words: pure.
//!
//! Compatibility forms and marks are taken off (NFKD), case is folded, and letters that are no marked letters but are
//! written as others where the keyboard lacks them become those: ß → ss, ø → o, æ → ae. A word is a run of letters and
//! digits; an ideograph or kana is a word by itself, since those scripts do not part their words.

use std::collections::BTreeMap;

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use super::{LONGEST_WORD, MOST_WORDS};

/// Where a word stands; the smaller counts more.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Field {
    /// The title.
    Title = 0,
    /// A category.
    Category = 1,
    /// The free-text location.
    Location = 2,
    /// The description.
    Description = 3,
}

/// The words of an event, each with the best field it stands in.
pub type Words = BTreeMap<String, i64>;

/// The words of a text, in its order.
pub fn of(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut length = 0;
    let mut end = |word: &mut String, length: &mut usize| {
        if !word.is_empty() {
            words.push(std::mem::take(word));
        }
        *length = 0;
    };
    for letter in text.nfkd().filter(|letter| !is_combining_mark(*letter)).flat_map(char::to_lowercase) {
        // Lower case may bring marks of its own (İ).
        if is_combining_mark(letter) {
            continue;
        }
        if !letter.is_alphanumeric() {
            end(&mut word, &mut length);
        } else if stands_alone(letter) {
            end(&mut word, &mut length);
            word.push(letter);
            end(&mut word, &mut length);
        } else if length < LONGEST_WORD {
            let before = word.len();
            match letter {
                'ß' => word.push_str("ss"),
                'æ' => word.push_str("ae"),
                'œ' => word.push_str("oe"),
                'þ' => word.push_str("th"),
                'ø' => word.push('o'),
                'đ' | 'ð' => word.push('d'),
                'ł' => word.push('l'),
                'ħ' => word.push('h'),
                'ı' => word.push('i'),
                'ς' => word.push('σ'),
                other => word.push(other),
            }
            length += word.get(before..).map_or(1, |added| added.chars().count());
        }
    }
    end(&mut word, &mut length);
    words
}

/// Adds the words of a text that stands in a field.
pub fn add(words: &mut Words, field: Field, text: &str) {
    for word in of(text) {
        if let Some(best) = words.get_mut(&word) {
            *best = (*best).min(field as i64);
        } else if words.len() < MOST_WORDS {
            words.insert(word, field as i64);
        }
    }
}

/// Ideographs and kana; Hangul parts its words with blanks.
fn stands_alone(letter: char) -> bool {
    matches!(letter, '\u{3040}'..='\u{30FF}' | '\u{3400}'..='\u{4DBF}' | '\u{4E00}'..='\u{9FFF}' | '\u{F900}'..='\u{FAFF}'
        | '\u{20000}'..='\u{323AF}')
}

/// The first text behind all words that begin with this one.
pub fn behind(word: &str) -> String {
    format!("{word}\u{10FFFF}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_marks_and_typefaces_do_not_count() {
        for (text, words) in [
            ("Große Übung!", &["grosse", "ubung"][..]),
            ("GROSSE  uebung", &["grosse", "uebung"]),
            ("Café–Crème, l'été", &["cafe", "creme", "l", "ete"]),
            ("Łódź, Ærø & İstanbul", &["lodz", "aero", "istanbul"]),
            ("ﬁnal Ⅳ ①", &["final", "iv", "1"]),
            ("26Ga 3.5.2027", &["26ga", "3", "5", "2027"]),
            ("Καλημέρα ΚΌΣΜΟΣ", &["καλημερα", "κοσμοσ"]),
            ("音楽会 2027", &["音", "楽", "会", "2027"]),
            ("… — \u{0301}", &[]),
        ] {
            assert_eq!(of(text), words, "{text}");
        }
    }

    #[test]
    fn a_word_without_an_end_is_cut_and_an_endless_text_too() {
        let long = "ß".repeat(500);
        let cut = of(&long);
        assert_eq!(cut.len(), 1);
        assert!(cut.iter().all(|word| word.len() <= LONGEST_WORD + 1));
        let mut words = Words::new();
        add(&mut words, Field::Title, "concert");
        let many: String = (0..2_000).map(|number| format!("w{number} ")).collect();
        add(&mut words, Field::Description, &many);
        add(&mut words, Field::Location, "concert w1");
        assert_eq!(words.len(), MOST_WORDS);
        assert_eq!((words.get("concert"), words.get("w1")), (Some(&0), Some(&2)));
    }
}
