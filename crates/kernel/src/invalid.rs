use std::fmt;

use serde::Serialize;

/// One thing that is wrong with an input: which field, what, why.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct FieldError {
    /// A JSON Pointer (RFC 6901) into the body, or the name of a query parameter.
    pub pointer: String,
    /// A stable kebab-case code that programs may act on.
    pub code: &'static str,
    /// A sentence for people.
    pub detail: String,
}

/// Everything that is wrong with an input, collected so that a caller sees all of it at once.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize)]
#[serde(transparent)]
pub struct Invalid(Vec<FieldError>);

impl Invalid {
    /// More errors than this help nobody; the rest is left out.
    pub const MOST: usize = 100;

    /// Nothing wrong yet.
    pub fn new() -> Invalid {
        Invalid::default()
    }

    /// One error alone.
    pub fn one(pointer: impl Into<String>, code: &'static str, detail: impl Into<String>) -> Invalid {
        let mut invalid = Invalid::new();
        invalid.add(pointer, code, detail);
        invalid
    }

    /// Adds an error.
    pub fn add(&mut self, pointer: impl Into<String>, code: &'static str, detail: impl Into<String>) {
        if self.0.len() < Self::MOST {
            self.0.push(FieldError { pointer: pointer.into(), code, detail: detail.into() });
        }
    }

    /// Takes over the errors of another.
    pub fn append(&mut self, other: Invalid) {
        for error in other.0 {
            self.add(error.pointer, error.code, error.detail);
        }
    }

    /// The same errors in an object that stands further inside, at the pointer `at`.
    pub fn within(mut self, at: &str) -> Invalid {
        for error in &mut self.0 {
            error.pointer.insert_str(0, at);
        }
        self
    }

    /// Whether nothing is wrong.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The errors in the order they were found.
    pub fn errors(&self) -> &[FieldError] {
        &self.0
    }

    /// `value` if nothing is wrong, else the errors.
    pub fn or<T>(self, value: T) -> Result<T, Invalid> {
        if self.is_empty() { Ok(value) } else { Err(self) }
    }
}

impl fmt::Display for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, error) in self.0.iter().enumerate() {
            write!(f, "{}{}: {}", if i == 0 { "" } else { "; " }, error.pointer, error.detail)?;
        }
        Ok(())
    }
}
