//! Reading the fields of JSON objects.

use std::collections::BTreeSet;
use std::fmt::Display;

use serde_json::{Map, Value};

use crate::Invalid;

/// Reads the fields of a JSON object one by one and keeps everything that is wrong, so that a caller is told all of it
/// at once. A field that is `null` counts as absent (in a merge patch it means "back to the default"). A field that
/// nobody asked for is an error: typos do not pass.
pub struct Fields<'a> {
    map: &'a Map<String, Value>,
    at: String,
    known: BTreeSet<&'static str>,
    invalid: Invalid,
}

/// What a text may be.
#[derive(Clone, Copy, Debug)]
pub struct Text {
    /// The least number of characters, after trimming white space.
    pub min: usize,
    /// The greatest number of characters.
    pub max: usize,
    /// Whether line breaks are allowed.
    pub lines: bool,
}

impl Text {
    /// One line of at most `max` characters, perhaps empty.
    pub const fn line(max: usize) -> Text {
        Text { min: 0, max, lines: false }
    }

    /// Several lines of at most `max` characters in all, perhaps none.
    pub const fn lines(max: usize) -> Text {
        Text { min: 0, max, lines: true }
    }

    /// The same, but not empty.
    pub const fn filled(self) -> Text {
        Text { min: 1, ..self }
    }
}

impl<'a> Fields<'a> {
    /// The fields of an object at the pointer `at` (empty at the top).
    pub fn of(value: &'a Value, at: &str) -> Result<Fields<'a>, Invalid> {
        match value {
            Value::Object(map) => Ok(Fields::of_map(map, at)),
            other => Err(Invalid::one(at, "wrong-type", format!("must be an object, not {}", kind_of(other)))),
        }
    }

    /// The same for a map.
    pub fn of_map(map: &'a Map<String, Value>, at: &str) -> Fields<'a> {
        Fields { map, at: at.to_owned(), known: BTreeSet::new(), invalid: Invalid::new() }
    }

    /// The JSON Pointer of a field.
    pub fn pointer(&self, name: &str) -> String {
        format!("{}/{}", self.at, name.replace('~', "~0").replace('/', "~1"))
    }

    /// Notes that something is wrong with a field.
    pub fn error(&mut self, name: &str, code: &'static str, detail: impl Into<String>) {
        let pointer = self.pointer(name);
        self.invalid.add(pointer, code, detail);
    }

    /// Notes that something further inside is wrong, by its whole pointer.
    pub fn error_at(&mut self, pointer: String, code: &'static str, detail: impl Into<String>) {
        self.invalid.add(pointer, code, detail);
    }

    /// Takes over what is wrong further inside.
    pub fn append(&mut self, invalid: Invalid) {
        self.invalid.append(invalid);
    }

    /// The field's value, unless it is absent or null.
    pub fn value(&mut self, name: &'static str) -> Option<&'a Value> {
        self.known.insert(name);
        self.map.get(name).filter(|value| !value.is_null())
    }

    /// Whether the field is there, even as null.
    pub fn is_given(&self, name: &str) -> bool {
        self.map.contains_key(name)
    }

    /// Notes that a field must be given, when it is not.
    pub fn require<T>(&mut self, name: &'static str, found: Option<T>) -> Option<T> {
        if found.is_none() && self.map.get(name).is_none_or(Value::is_null) {
            self.error(name, "required", "must be given");
        }
        found
    }

    /// A text. White space around it is cut off; control characters are refused.
    pub fn text(&mut self, name: &'static str, text: Text) -> Option<String> {
        let value = self.value(name)?;
        match read_text(value, text) {
            Ok(found) => Some(found),
            Err((code, detail)) => {
                self.error(name, code, detail);
                None
            }
        }
    }

    /// A text that is read further, such as an address, a zone, a choice.
    pub fn parsed<T, E: Display>(
        &mut self,
        name: &'static str,
        code: &'static str,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        let text = self.text(name, Text::line(2_000))?;
        match parse(&text) {
            Ok(found) => Some(found),
            Err(why) => {
                self.error(name, code, why.to_string());
                None
            }
        }
    }

    /// One of a few words.
    pub fn choice<T: Copy>(&mut self, name: &'static str, choices: &[(&str, T)]) -> Option<T> {
        let text = self.text(name, Text::line(64))?;
        let found = choices.iter().find(|(word, _)| *word == text).map(|(_, value)| *value);
        if found.is_none() {
            let words: Vec<&str> = choices.iter().map(|(word, _)| *word).collect();
            self.error(name, "not-a-choice", format!("must be one of {}", words.join(", ")));
        }
        found
    }

    /// Yes or no.
    pub fn boolean(&mut self, name: &'static str) -> Option<bool> {
        let value = self.value(name)?;
        if value.is_boolean() {
            return value.as_bool();
        }
        self.error(name, "wrong-type", format!("must be true or false, not {}", kind_of(value)));
        None
    }

    /// A whole number within bounds.
    pub fn integer(&mut self, name: &'static str, least: i64, greatest: i64) -> Option<i64> {
        let value = self.value(name)?;
        match read_integer(value, least, greatest) {
            Ok(number) => Some(number),
            Err((code, detail)) => {
                self.error(name, code, detail);
                None
            }
        }
    }

    /// A list of at most `most` items, each read by `read`, which says what is wrong with one.
    pub fn list<T>(
        &mut self,
        name: &'static str,
        most: usize,
        mut read: impl FnMut(&'a Value, &str) -> Result<T, Invalid>,
    ) -> Option<Vec<T>> {
        let value = self.value(name)?;
        let Value::Array(items) = value else {
            self.error(name, "wrong-type", format!("must be a list, not {}", kind_of(value)));
            return None;
        };
        if items.len() > most {
            self.error(name, "too-many", format!("at most {most} items; {} were given", items.len()));
            return None;
        }
        let mut found = Vec::with_capacity(items.len());
        for (index, item) in items.iter().enumerate() {
            match read(item, &format!("{}/{index}", self.pointer(name))) {
                Ok(item) => found.push(item),
                Err(invalid) => self.invalid.append(invalid),
            }
        }
        Some(found)
    }

    /// A list of texts.
    pub fn texts(&mut self, name: &'static str, most: usize, text: Text) -> Option<Vec<String>> {
        self.list(name, most, |item, at| read_text(item, text).map_err(|(code, detail)| Invalid::one(at, code, detail)))
    }

    /// Everything that was wrong, unknown fields included.
    pub fn finish(mut self) -> Invalid {
        for name in self.map.keys() {
            if !self.known.contains(name.as_str()) {
                let shown: String = name.chars().take(64).collect();
                let near = nearest(name, self.known.iter().copied());
                let hint = near.map_or_else(String::new, |near| format!("; did you mean \"{near}\"?"));
                let pointer = self.pointer(&shown);
                self.invalid.add(pointer, "unknown-field", format!("there is no field \"{shown}\" here{hint}"));
            }
        }
        self.invalid
    }
}

/// Reads a text by its rule: the code and the sentence when it breaks it.
pub fn read_text(value: &Value, text: Text) -> Result<String, (&'static str, String)> {
    let Value::String(raw) = value else {
        return Err(("wrong-type", format!("must be a text, not {}", kind_of(value))));
    };
    let trimmed = raw.trim();
    let count = trimmed.chars().count();
    if count < text.min {
        return Err(if count == 0 {
            ("empty", "must not be empty".to_owned())
        } else {
            ("too-short", format!("must have at least {} characters", text.min))
        });
    }
    if count > text.max {
        return Err(("too-long", format!("must have at most {} characters; it has {count}", text.max)));
    }
    let allowed = |c: char| !c.is_control() || (text.lines && matches!(c, '\n' | '\r' | '\t'));
    if let Some(bad) = trimmed.chars().find(|c| !allowed(*c)) {
        return Err(("control-character", format!("must not contain the control character U+{:04X}", u32::from(bad))));
    }
    Ok(trimmed.to_owned())
}

/// Reads a whole number within bounds.
pub fn read_integer(value: &Value, least: i64, greatest: i64) -> Result<i64, (&'static str, String)> {
    match value {
        Value::Number(number) => match number.as_i64() {
            Some(number) if (least..=greatest).contains(&number) => Ok(number),
            _ => Err(("out-of-range", format!("must be a whole number from {least} to {greatest}"))),
        },
        other => Err(("wrong-type", format!("must be a whole number, not {}", kind_of(other)))),
    }
}

/// How people call a JSON value's type.
pub fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

/// The known word nearest to a mistyped one (at most two edits away), for "did you mean".
pub fn nearest<'k>(word: &str, known: impl Iterator<Item = &'k str>) -> Option<&'k str> {
    let word: Vec<char> = word.chars().take(40).collect();
    known.map(|k| (distance(&word, k), k)).filter(|(d, k)| *d <= 2 && *d < k.chars().count()).min().map(|(_, k)| k)
}

/// Levenshtein's distance.
fn distance(a: &[char], b: &str) -> usize {
    let mut row: Vec<usize> = (0..=a.len()).collect();
    for (i, cb) in b.chars().enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        let mut next = vec![left];
        for (ca, above) in a.iter().zip(row.iter().skip(1)) {
            left = (left + 1).min(above + 1).min(diagonal + usize::from(*ca != cb));
            diagonal = *above;
            next.push(left);
        }
        row = next;
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn everything_wrong_is_told_at_once_with_pointers() {
        let body = json!({"name": " ", "color": 3, "colour": "red", "tags": ["a", 1], "size": 1.5, "on": null});
        let mut fields = Fields::of(&body, "").expect("an object");
        fields.text("name", Text::line(10).filled());
        fields.text("color", Text::line(10));
        fields.texts("tags", 5, Text::line(5));
        fields.integer("size", 0, 9);
        assert_eq!(fields.boolean("on"), None);
        let missing = fields.text("zone", Text::line(5));
        fields.require("zone", missing);
        let found: Vec<(String, &str)> = fields.finish().errors().iter().map(|e| (e.pointer.clone(), e.code)).collect();
        assert_eq!(
            found,
            [
                ("/name".to_owned(), "empty"),
                ("/color".to_owned(), "wrong-type"),
                ("/tags/1".to_owned(), "wrong-type"),
                ("/size".to_owned(), "out-of-range"),
                ("/zone".to_owned(), "required"),
                ("/colour".to_owned(), "unknown-field"),
            ]
        );
    }

    #[test]
    fn the_nearest_known_word_is_two_edits_away_at_most() {
        assert_eq!(nearest("tittle", ["title", "start"].into_iter()), Some("title"));
        assert_eq!(nearest("xyz", ["title", "start"].into_iter()), None);
    }
}
