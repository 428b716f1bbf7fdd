//! Query parameters: read by name, all mistakes told at once.

use std::collections::BTreeSet;
use std::fmt::Display;
use std::str::FromStr;

use axum::extract::FromRequestParts;
use http::Uri;
use http::request::Parts;
use jiff::Timestamp;
use kalends_kernel::{DEFAULT_LIMIT, Invalid, MAX_LIMIT, fields};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use crate::problem::Problem;

/// The query parameters. Those that no handler asks for are errors: a filter with a typo would otherwise filter nothing.
pub struct Query {
    /// Of the address it belongs to.
    uri: Uri,
    given: Vec<(String, String)>,
    known: BTreeSet<&'static str>,
    invalid: Invalid,
}

impl<S: Sync> FromRequestParts<S> for Query {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let query = Query::parse(parts.uri.query().unwrap_or_default());
        Ok(Query { uri: parts.uri.clone(), ..query })
    }
}

impl Query {
    /// Reads `a=b&c=d`.
    pub fn parse(text: &str) -> Query {
        let given = url::form_urlencoded::parse(text.as_bytes())
            .map(|(name, value)| (name.into_owned(), value.into_owned()))
            .collect();
        Query { uri: Uri::default(), given, known: BTreeSet::new(), invalid: Invalid::new() }
    }

    /// Whether a parameter is given at all.
    pub fn has(&self, name: &str) -> bool {
        self.given.iter().any(|(given, _)| given == name)
    }

    /// Notes that something is wrong with a parameter.
    pub fn error(&mut self, name: &str, code: &'static str, detail: impl Into<String>) {
        self.invalid.add(format!("?{name}"), code, detail);
    }

    /// A parameter's text; the empty text counts as absent.
    pub fn text(&mut self, name: &'static str) -> Option<String> {
        self.given(name).filter(|value| !value.is_empty())
    }

    fn given(&mut self, name: &'static str) -> Option<String> {
        self.known.insert(name);
        let mut found = self.given.iter().filter(|(given, _)| given == name).map(|(_, value)| value.clone());
        let first = found.next();
        if found.next().is_some() {
            self.error(name, "repeated", "may be given once; separate several values by commas");
        }
        let value = first?;
        if value.chars().count() > 2_000 || value.contains(char::is_control) {
            self.error(name, "bad-text", "must be at most 2000 characters, without control characters");
            return None;
        }
        Some(value)
    }

    /// A parameter that is read further. An empty one is not absent: `?calendar_id=` is a program's mistake, and "all
    /// calendars" the wrong answer to it.
    pub fn parsed<T, E: Display>(
        &mut self,
        name: &'static str,
        code: &'static str,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        let text = self.given(name)?;
        parse(&text).map_err(|why| self.error(name, code, why.to_string())).ok()
    }

    /// One of a few words.
    pub fn choice<T: Copy>(&mut self, name: &'static str, choices: &[(&str, T)]) -> Option<T> {
        self.parsed(name, "not-a-choice", |text| {
            let words = || choices.iter().map(|(word, _)| *word).collect::<Vec<_>>().join(", ");
            choices
                .iter()
                .find(|(word, _)| *word == text)
                .map(|(_, value)| *value)
                .ok_or_else(|| format!("must be one of {}", words()))
        })
    }

    /// An id.
    pub fn id<T: FromStr>(&mut self, name: &'static str) -> Option<T> {
        self.parsed(name, "not-an-id", |text| text.parse().map_err(|_| "must be an id (a UUID)"))
    }

    /// Ids, separated by commas.
    pub fn ids<T: FromStr>(&mut self, name: &'static str, most: usize) -> Option<Vec<T>> {
        self.parsed(name, "not-an-id", |text| {
            let ids = text
                .split(',')
                .map(|id| id.trim().parse())
                .collect::<Result<Vec<T>, _>>()
                .map_err(|_| "must be ids (UUIDs), separated by commas".to_owned())?;
            if ids.len() > most { Err(format!("at most {most} ids")) } else { Ok(ids) }
        })
    }

    /// A boolean, in the spellings that generated clients send.
    pub fn boolean(&mut self, name: &'static str) -> Option<bool> {
        self.parsed(name, "not-a-choice", |text| match text {
            "true" | "True" | "1" => Ok(true),
            "false" | "False" | "0" => Ok(false),
            _ => Err("must be true or false"),
        })
    }

    /// An instant, RFC 3339 with an offset. (A `+` that was not escaped arrives as a blank; it is forgiven.)
    pub fn instant(&mut self, name: &'static str) -> Option<Timestamp> {
        self.parsed(name, "not-an-instant", |text| {
            text.replace(' ', "+")
                .parse::<Timestamp>()
                .map_err(|_| "must be an instant with an offset such as 2027-03-28T00:00:00+01:00")
        })
    }

    /// Notes that a parameter must be given, when it is not.
    pub fn require<T>(&mut self, name: &'static str, found: Option<T>) -> Option<T> {
        if found.is_none() && self.given.iter().all(|(given, value)| given != name || value.is_empty()) {
            self.error(name, "required", "must be given");
        }
        found
    }

    /// How many rows, from 1 to the most a list gives.
    pub fn limit(&mut self) -> u32 {
        self.parsed("limit", "out-of-range", |text| match text.parse::<u32>() {
            Ok(limit) if (1..=MAX_LIMIT).contains(&limit) => Ok(limit),
            _ => Err(format!("must be a number from 1 to {MAX_LIMIT}")),
        })
        .unwrap_or(DEFAULT_LIMIT)
    }

    /// Whether `include=total` is asked for.
    pub fn include_total(&mut self) -> bool {
        self.choice("include", &[("total", ())]).is_some()
    }

    /// Everything that was wrong, unknown parameters included.
    pub fn finish(mut self) -> Result<(), Problem> {
        for (name, _) in &self.given {
            if !self.known.contains(name.as_str()) {
                let shown: String = name.chars().filter(|c| !c.is_control()).take(64).collect();
                let hint = fields::nearest(name, self.known.iter().copied())
                    .map_or_else(String::new, |near| format!("; did you mean \"{near}\"?"));
                self.invalid.add(
                    format!("?{shown}"),
                    "unknown-parameter",
                    format!("there is no parameter \"{shown}\" here{hint}"),
                );
            }
        }
        self.invalid.or(()).map_err(Problem::from)
    }

    /// What was asked, by name, without some of it.
    pub fn told(&self, but: &[&str]) -> Map<String, Value> {
        let asked = self.given.iter().filter(|(name, _)| !but.contains(&name.as_str()));
        asked.map(|(name, value)| (name.clone(), value.clone().into())).collect()
    }

    /// A digest of the question without its place (`cursor`, `limit`): a cursor belongs to one question.
    pub fn digest(&self) -> u32 {
        let mut asked: Vec<String> = self
            .given
            .iter()
            .filter(|(name, _)| !matches!(name.as_str(), "cursor" | "limit" | "include"))
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        asked.sort();
        asked.push(self.uri.path().to_owned());
        let bytes: [u8; 32] = Sha256::digest(asked.join("&").as_bytes()).into();
        bytes.iter().take(4).fold(0, |sum, byte| (sum << 8) | u32::from(*byte))
    }

    /// The place to go on from.
    pub fn cursor(&mut self) -> Option<kalends_kernel::Cursor> {
        let of = self.digest();
        self.parsed("cursor", "bad-cursor", |text| {
            kalends_kernel::Cursor::decode(text, of).map_err(|_| "is no cursor of this list; begin again without it")
        })
    }
}
