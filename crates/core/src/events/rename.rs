//! Words that are replaced in texts: literally and as whole words, all in one pass, so that two can be exchanged.

/// The words to replace, with what they become.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Rename(Vec<Word>);

#[derive(Clone, PartialEq, Eq, Debug)]
struct Word {
    from: String,
    /// `from` as it is compared: each character in lower case.
    chars: Vec<char>,
    to: String,
}

impl Rename {
    /// Takes pairs of what stands there and what shall stand there.
    pub fn of(pairs: impl IntoIterator<Item = (String, String)>) -> Rename {
        let words = pairs.into_iter().filter(|(from, _)| !from.is_empty());
        let mut words: Vec<Word> =
            words.map(|(from, to)| Word { chars: from.chars().map(lower).collect(), from, to }).collect();
        // Where several fit, the longest is meant.
        words.sort_by_key(|word| std::cmp::Reverse(word.chars.len()));
        Rename(words)
    }

    /// Whether there is nothing to replace.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The text with its words replaced. Case does not count; what stood in capitals stays in capitals.
    pub fn apply(&self, text: &str) -> String {
        if self.is_empty() {
            return text.to_owned();
        }
        let chars: Vec<char> = text.chars().collect();
        let compared: Vec<char> = chars.iter().copied().map(lower).collect();
        let mut result = String::with_capacity(text.len());
        let mut at = 0;
        while let Some(&next) = chars.get(at) {
            match self.0.iter().filter(|word| word.stands_at(&compared, at)).min_by_key(|word| word.misfit(&chars, at))
            {
                Some(word) => {
                    let found: String = chars.iter().skip(at).take(word.chars.len()).collect();
                    result.push_str(&word.replacing(&found));
                    at += word.chars.len();
                }
                None => {
                    result.push(next);
                    at += 1;
                }
            }
        }
        result
    }
}

impl Word {
    fn stands_at(&self, text: &[char], at: usize) -> bool {
        let Some(here) = text.get(at..at + self.chars.len()) else { return false };
        let before = at.checked_sub(1).and_then(|before| text.get(before));
        here.first() == self.chars.first()
            && here == self.chars
            && is_edge(before, here.first())
            && is_edge(here.last(), text.get(at + here.len()))
    }

    /// How little it fits where it stands: shorter words less than longer, another case less than the same.
    fn misfit(&self, text: &[char], at: usize) -> (std::cmp::Reverse<usize>, bool) {
        let other_case = !self.from.chars().eq(text.iter().copied().skip(at).take(self.chars.len()));
        (std::cmp::Reverse(self.chars.len()), other_case)
    }

    fn replacing(&self, found: &str) -> String {
        let capitals =
            |text: &str| text.chars().filter(|c| c.is_uppercase()).count() > 1 && !text.chars().any(char::is_lowercase);
        let capital = |text: &str| text.chars().next().is_some_and(char::is_uppercase);
        if found != self.from && capitals(found) && !capitals(&self.from) {
            return self.to.to_uppercase();
        }
        if capital(found) && !capital(&self.from) {
            let mut rest = self.to.chars();
            return rest.next().map_or_else(String::new, |first| first.to_uppercase().chain(rest).collect());
        }
        self.to.clone()
    }
}

/// Whether a word can begin or end between these two.
fn is_edge(one: Option<&char>, other: Option<&char>) -> bool {
    let is_word = |c: Option<&char>| c.is_some_and(|c| c.is_alphanumeric() || *c == '_');
    !(is_word(one) && is_word(other))
}

/// One character for one: positions stay.
fn lower(c: char) -> char {
    let mut lower = c.to_lowercase();
    match (lower.next(), lower.next()) {
        (Some(one), None) => one,
        _ => c,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_words_are_replaced_literally_and_in_one_pass() {
        type Pairs<'p> = &'p [(&'p str, &'p str)];
        #[rustfmt::skip]
        let table: [(Pairs, &str, &str); 12] = [
            (&[("26Ga", "27Ga")], "26Ga: exam of 26Ga, not 26Gab or x26Ga", "27Ga: exam of 27Ga, not 26Gab or x26Ga"),
            (&[("a", "b"), ("b", "a")], "a b, A-B (ab)", "b a, B-A (ab)"),
            (&[("choir", "band")], "Choir and CHOIR and choir", "Band and BAND and band"),
            (&[("Choir", "Band")], "choir", "Band"),
            (&[("26Ga", "27Ga")], "26GA 26ga", "27GA 27Ga"),
            (&[("exam", "test"), ("final exam", "finals")], "Final exam, exam", "Finals, test"),
            (&[(".*", "x"), ("(a", "[b")], "a.*b (a) .*", "axb [b) x"),
            (&[("é", "e")], "É, café é", "E, café e"),
            (&[("a", "x"), ("A", "y")], "a A", "x y"),
            (&[("gone", "")], "all gone", "all "),
            (&[("İ", "i")], "İ i", "i i"),
            (&[], "as it is", "as it is"),
        ];
        for (pairs, text, expected) in table {
            let rename = Rename::of(pairs.iter().map(|(from, to)| ((*from).to_owned(), (*to).to_owned())));
            assert_eq!(rename.apply(text), expected, "{pairs:?}");
        }
    }
}
