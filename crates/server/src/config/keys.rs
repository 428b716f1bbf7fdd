//! The keys a configuration may have, and what was given for them: by file, environment or flag. Every mistake is
//! kept, so that all of them are reported at once, each with the key, the value and the reason.

use std::collections::BTreeMap;
use std::fmt;
use std::fmt::Display;

use kalends_kernel::fields::nearest;
use toml::Value;

/// The beginning of every environment variable that is ours.
const PREFIX: &str = "KALENDS__";

/// One key: the source of the reference page, of `config generate` and of `config show`.
#[derive(Debug)]
pub struct Key {
    /// Its name, such as `http.listen`.
    pub name: &'static str,
    /// What it is when nobody says otherwise, in words or as TOML.
    pub default: &'static str,
    /// What it does.
    pub what: &'static str,
    /// Whether its value must not be shown.
    pub secret: bool,
}

/// A key whose value may be shown.
pub const fn key(name: &'static str, default: &'static str, what: &'static str) -> Key {
    Key { name, default, what, secret: false }
}

/// A key whose value must not be shown.
pub const fn secret(name: &'static str, default: &'static str, what: &'static str) -> Key {
    Key { name, default, what, secret: true }
}

impl Key {
    /// Its environment variable.
    pub fn variable(&self) -> String {
        format!("{PREFIX}{}", self.name.replace('.', "__").to_uppercase())
    }
}

/// What is wrong with a configuration: one line per mistake.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ConfigError(pub Vec<String>);

impl ConfigError {
    /// One mistake.
    pub fn one(what: impl Into<String>) -> ConfigError {
        ConfigError(vec![what.into()])
    }
}

impl Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the configuration is not right\n")?;
        f.write_str(&self.0.iter().map(|line| format!("  {line}")).collect::<Vec<_>>().join("\n"))
    }
}

impl std::error::Error for ConfigError {}

/// A value and where it stands, as a person would look for it.
#[derive(Clone, Debug)]
struct Given {
    value: Value,
    /// Environment and flags know only texts; numbers and lists are read out of them.
    text: bool,
    place: String,
}

/// What was given, key by key.
#[derive(Debug, Default)]
pub struct Keys {
    given: BTreeMap<String, Given>,
    mistakes: Vec<String>,
}

impl Keys {
    /// Takes over a file's tables.
    pub fn file(&mut self, path: &str, table: toml::Table, known: &[&Key]) {
        for (name, value) in table {
            match value {
                Value::Table(section) => {
                    for (inner, value) in section {
                        self.put(format!("{name}.{inner}"), value, path, known);
                    }
                }
                value => self.put(name, value, path, known),
            }
        }
    }

    fn put(&mut self, name: String, value: Value, path: &str, known: &[&Key]) {
        let place = format!("{path}: {name}");
        if known.iter().any(|key| key.name == name) {
            self.given.insert(name, Given { value, text: false, place });
        } else {
            let known: Vec<String> = known.iter().map(|key| key.name.to_owned()).collect();
            self.mistakes.push(format!("{place}: there is no such key; {}", hint(&name, &known, ".")));
        }
    }

    /// Takes over the environment. Every variable with our prefix must be one we know: a typo would otherwise be a
    /// setting that silently does not hold.
    pub fn environment(&mut self, variables: impl IntoIterator<Item = (String, String)>, known: &[&Key]) {
        for (name, value) in variables.into_iter().filter(|(name, _)| name.starts_with(PREFIX)) {
            match known.iter().find(|key| key.variable() == name) {
                Some(key) => self.text(key.name, value, name),
                None => {
                    let known: Vec<String> = known.iter().map(|key| key.variable()).collect();
                    self.mistakes.push(format!("{name}: there is no such setting; {}", hint(&name, &known, "__")));
                }
            }
        }
    }

    /// Takes over a flag of the command line.
    pub fn flag(&mut self, flag: &str, name: &str, value: Option<String>) {
        if let Some(value) = value {
            self.text(name, value, flag.to_owned());
        }
    }

    fn text(&mut self, name: &str, value: String, place: String) {
        self.given.insert(name.to_owned(), Given { value: Value::String(value), text: true, place });
    }

    /// Notes that a value is wrong.
    pub fn wrong(&mut self, name: &str, why: impl Display) {
        let place = self.given.get(name).map_or_else(|| name.to_owned(), |given| given.place.clone());
        self.mistakes.push(format!("{place}: {why}"));
    }

    /// Notes that something is missing.
    pub fn mistake(&mut self, why: String) {
        self.mistakes.push(why);
    }

    /// Where a key's value stands, if it was given.
    pub fn place(&self, name: &str) -> Option<&str> {
        self.given.get(name).map(|given| given.place.as_str())
    }

    /// A text that is not empty.
    pub fn string(&mut self, name: &'static str) -> Option<String> {
        match self.given.get(name).map(|given| given.value.clone())? {
            Value::String(text) if !text.trim().is_empty() => Some(text.trim().to_owned()),
            Value::String(_) => self.not(name, "must not be empty"),
            other => self.not(name, format!("must be a text, not {}", other.type_str())),
        }
    }

    /// A text that is read further. The value is quoted in the message, so this is not for secrets.
    pub fn parsed<T, E: Display>(&mut self, name: &'static str, parse: impl FnOnce(&str) -> Result<T, E>) -> Option<T> {
        let text = self.string(name)?;
        match parse(&text) {
            Ok(value) => Some(value),
            Err(why) => self.not(name, format!("{why}, not {text:?}")),
        }
    }

    /// True or false.
    pub fn boolean(&mut self, name: &'static str) -> Option<bool> {
        let given = self.given.get(name)?;
        match &given.value {
            Value::Boolean(yes) => Some(*yes),
            Value::String(text) if given.text => match text.trim() {
                "true" | "1" => Some(true),
                "false" | "0" => Some(false),
                other => {
                    let why = format!("must be true or false, not {other:?}");
                    self.not(name, why)
                }
            },
            other => {
                let why = format!("must be true or false, not {}", other.type_str());
                self.not(name, why)
            }
        }
    }

    /// A whole number within bounds.
    pub fn integer(&mut self, name: &'static str, least: u32, greatest: u32) -> Option<u32> {
        let given = self.given.get(name)?;
        let number = match &given.value {
            Value::Integer(number) => Some(*number),
            Value::String(text) if given.text => text.trim().parse().ok(),
            _ => None,
        };
        match number.and_then(|number| u32::try_from(number).ok()) {
            Some(number) if (least..=greatest).contains(&number) => Some(number),
            _ => self.not(name, format!("must be a whole number from {least} to {greatest}")),
        }
    }

    /// A list; in the environment separated by commas. Each item is read further.
    pub fn list<T, E: Display>(&mut self, name: &'static str, parse: impl Fn(&str) -> Result<T, E>) -> Option<Vec<T>> {
        let given = self.given.get(name)?;
        let items: Option<Vec<String>> = match &given.value {
            Value::String(text) if given.text => {
                Some(text.split(',').map(str::trim).filter(|item| !item.is_empty()).map(str::to_owned).collect())
            }
            Value::Array(items) => items.iter().map(|item| item.as_str().map(|text| text.trim().to_owned())).collect(),
            _ => None,
        };
        let Some(items) = items else {
            return self.not(name, "must be a list of texts, such as [\"one\", \"two\"]");
        };
        let mut read = Vec::new();
        for item in items {
            match parse(&item) {
                Ok(value) => read.push(value),
                Err(why) => self.wrong(name, format!("{why}, not {item:?}")),
            }
        }
        Some(read)
    }

    fn not<T>(&mut self, name: &str, why: impl Display) -> Option<T> {
        self.wrong(name, why);
        None
    }

    /// Nothing, or every mistake.
    pub fn finish(self) -> Result<(), ConfigError> {
        if self.mistakes.is_empty() { Ok(()) } else { Err(ConfigError(self.mistakes)) }
    }
}

/// What was probably meant: the key a slip away, else those that begin alike.
fn hint(name: &str, known: &[String], separator: &str) -> String {
    // A key without its section is a slip too, though a long way in letters.
    let bare = || known.iter().find(|key| key.rsplit(separator).next() == Some(name)).map(String::as_str);
    if let Some(near) = nearest(name, known.iter().map(String::as_str)).or_else(bare) {
        return format!("did you mean {near}?");
    }
    let section = name.rsplit_once(separator).map(|(section, _)| format!("{section}{separator}"));
    let alike: Vec<&str> = known
        .iter()
        .map(String::as_str)
        .filter(|key| section.as_deref().is_none_or(|section| key.starts_with(section)))
        .collect();
    let choices = if alike.is_empty() { known.iter().map(String::as_str).collect() } else { alike };
    format!("there are {}", choices.join(", "))
}
