//! What the operator has decided: a file `kalends.toml`, then environment variables, then flags; the later wins.
//!
//! One file per section. Keys that nobody knows are refused, so that a typo never is a setting that does not hold.

mod accounts;
mod changes;
mod conflicts;
mod database;
mod http;
mod imports;
mod jobs;
mod keys;
mod log;
mod mail;
mod rate_limit;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use kalends_db::Engine;
use kalends_kernel::Secret;

pub use accounts::Accounts;
pub use changes::Changes;
pub use conflicts::Conflicts;
pub use database::Database;
pub use http::Http;
pub use imports::Imports;
pub use jobs::Jobs;
pub use keys::{ConfigError, Key};
use keys::{Keys, key, secret};
pub use log::{Format, Log};
pub use mail::Mail;
pub use rate_limit::RateLimit;

/// The least length of a secret key that somebody gives.
const LEAST_SECRET: usize = 32;

/// Everything that can be configured, read and checked.
#[derive(Clone, Debug)]
pub struct Config {
    /// The folder for the SQLite database, the secret key and `kalends.toml`.
    pub data_dir: PathBuf,
    /// The key that encrypts secrets at rest; None: the one in the data folder.
    pub secret_key: Option<Secret>,
    /// `[http]`.
    pub http: Http,
    /// `[database]`.
    pub database: Database,
    /// `[rate_limit]`.
    pub rate_limit: RateLimit,
    /// `[accounts]`.
    pub accounts: Accounts,
    /// `[changes]`.
    pub changes: Changes,
    /// `[imports]`.
    pub imports: Imports,
    /// `[jobs]`.
    pub jobs: Jobs,
    /// `[conflicts]`.
    pub conflicts: Conflicts,
    /// `[mail]`.
    pub mail: Mail,
    /// `[log]`.
    pub log: Log,
    /// Where the values were given that are no defaults, by key.
    places: BTreeMap<&'static str, String>,
}

static GENERAL: &[Key] = &[
    key(
        "data_dir",
        "./kalends-data; with --demo ./kalends-data/demo",
        "The folder for the SQLite database, the secret key and kalends.toml. Made when it is not there.",
    ),
    secret(
        "secret_key",
        "generated into secret.key in the data folder; must be given on PostgreSQL",
        "At least 32 characters; encrypts secrets at rest. All nodes need the same. Keep it apart from backups.",
    ),
];

/// Every key there is, in the order of the reference page.
pub fn known_keys() -> Vec<&'static Key> {
    [
        GENERAL,
        http::KEYS,
        database::KEYS,
        rate_limit::KEYS,
        accounts::KEYS,
        changes::KEYS,
        conflicts::KEYS,
        imports::KEYS,
        jobs::KEYS,
        mail::KEYS,
        log::KEYS,
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// What the command line says about the configuration.
#[derive(Clone, Debug, Default)]
pub struct Flags {
    /// `--config`.
    pub config: Option<PathBuf>,
    /// `--data`.
    pub data: Option<PathBuf>,
    /// `--listen`.
    pub listen: Option<String>,
    /// `--database`.
    pub database: Option<String>,
    /// `--demo`: other data than the real ones, by default.
    pub demo: bool,
}

impl Config {
    /// Reads file, environment and flags.
    pub fn read(flags: &Flags, environment: impl IntoIterator<Item = (String, String)>) -> Result<Config, ConfigError> {
        let known = known_keys();
        // The environment may say where the file is, and wins over it: it is looked at twice.
        let environment: Vec<(String, String)> = environment.into_iter().collect();
        let mut outside = Keys::default();
        outside.environment(environment.iter().cloned(), &known);
        outside.flag("--data", "data_dir", flags.data.as_ref().map(|path| path.display().to_string()));
        let default_dir = if flags.demo { "./kalends-data/demo" } else { "./kalends-data" };
        let data_dir = outside.string("data_dir").map_or_else(|| PathBuf::from(default_dir), PathBuf::from);

        let mut keys = Keys::default();
        match &flags.config {
            Some(path) => {
                let text = std::fs::read_to_string(path)
                    .map_err(|why| ConfigError::one(format!("--config {}: {why}", path.display())))?;
                keys.file(&path.display().to_string(), parse(path, &text)?, &known);
            }
            None => {
                let path = data_dir.join("kalends.toml");
                if let Some(text) = read_if_there(&path)? {
                    keys.file(&path.display().to_string(), parse(&path, &text)?, &known);
                    if keys.place("data_dir").is_some() {
                        keys.wrong("data_dir", "cannot stand in the data folder's own file; use --data or --config");
                    }
                }
            }
        }
        keys.environment(environment, &known);
        keys.flag("--data", "data_dir", flags.data.as_ref().map(|path| path.display().to_string()));
        keys.flag("--listen", "http.listen", flags.listen.clone());
        keys.flag("--database", "database.url", flags.database.clone());

        let data_dir = keys.string("data_dir").map_or(data_dir, PathBuf::from);
        let config = Config {
            http: Http::read(&mut keys),
            database: Database::read(&mut keys, &data_dir),
            rate_limit: RateLimit::read(&mut keys),
            accounts: Accounts::read(&mut keys),
            changes: Changes::read(&mut keys),
            imports: Imports::read(&mut keys),
            jobs: Jobs::read(&mut keys),
            conflicts: Conflicts::read(&mut keys),
            mail: Mail::read(&mut keys),
            log: Log::read(&mut keys),
            secret_key: keys.string("secret_key").map(Secret::new),
            data_dir,
            places: known.iter().filter_map(|key| Some((key.name, keys.place(key.name)?.to_owned()))).collect(),
        };
        match &config.secret_key {
            Some(key) if key.reveal().chars().count() < LEAST_SECRET => {
                keys.wrong("secret_key", format!("must have at least {LEAST_SECRET} characters"));
            }
            None if config.database.engine() == Engine::Postgres => {
                let why = format!(
                    "KALENDS__SECRET_KEY (secret_key): must be given on PostgreSQL, because every node needs the \
                     same: at least {LEAST_SECRET} random characters, such as from: openssl rand -base64 32"
                );
                keys.mistake(why);
            }
            _ => {}
        }
        keys.finish()?;
        Ok(config)
    }

    /// The effective values as TOML, secrets hidden.
    pub fn show(&self) -> String {
        let text = |value: &str| toml::Value::from(value).to_string();
        let hidden = |secret: Option<&Secret>| secret.map_or("(not set)", |_| "(set, not shown)");
        let list = |items: Vec<String>| toml::Value::from(items).to_string();
        let or_not_set = |value: &Option<String>| value.as_deref().map_or_else(|| "(not set)".to_owned(), text);
        let lines = [
            ("data_dir", text(&self.data_dir.display().to_string())),
            ("secret_key", hidden(self.secret_key.as_ref()).to_owned()),
            ("http.listen", text(&self.http.listen.to_string())),
            ("http.public_url", or_not_set(&self.http.public_url)),
            ("http.trusted_proxies", list(self.http.trusted_proxies.iter().map(ToString::to_string).collect())),
            ("http.cors_origins", list(self.http.cors_origins.iter().cloned().collect())),
            ("database.url", text(&without_password(self.database.url.reveal()))),
            ("rate_limit.enabled", self.rate_limit.enabled.to_string()),
            ("rate_limit.auth_per_minute", self.rate_limit.per_minute.auth.to_string()),
            ("rate_limit.read_per_minute", self.rate_limit.per_minute.read.to_string()),
            ("rate_limit.write_per_minute", self.rate_limit.per_minute.write.to_string()),
            ("accounts.self_registration", self.accounts.self_registration.to_string()),
            ("accounts.role_choice", self.accounts.role_choice.to_string()),
            ("accounts.first_user_is_admin", self.accounts.first_user_is_admin.to_string()),
            ("changes.retention_days", self.changes.retention_days.to_string()),
            ("imports.largest_file_mib", (self.imports.largest_file >> 20).to_string()),
            ("jobs.retention_days", self.jobs.retention_days.to_string()),
            ("conflicts.horizon_years", self.conflicts.horizon_years.to_string()),
            (
                "mail.smtp_url",
                self.mail.smtp_url.as_ref().map_or("(not set)".to_owned(), |url| text(&without_password(url.reveal()))),
            ),
            ("mail.from", or_not_set(&self.mail.from)),
            ("log.level", text(&self.log.level)),
            ("log.format", text(if self.log.format == Format::Json { "json" } else { "text" })),
        ];
        let mut page = String::new();
        for (name, value) in lines {
            page.push_str(&format!("{name} = {value}\n"));
        }
        page
    }
}

/// A `kalends.toml` in which every key stands with its default, commented out.
pub fn generate() -> String {
    let mut page = "# Kalends. Every key with its default; remove the # in front of what you change.\n".to_owned();
    let mut section = "";
    for key in known_keys() {
        let (table, name) = key.name.split_once('.').unwrap_or(("", key.name));
        if table != section {
            page.push_str(&format!("\n[{table}]\n"));
            section = table;
        }
        page.push_str(&format!("\n# {}\n# Default: {}. Environment: {}\n", key.what, key.default, key.variable()));
        // A word in prose is no TOML value: then the line says only where the value goes.
        let shown = match key.default {
            default if format!("x = {default}").parse::<toml::Table>().is_ok() => default.to_owned(),
            "text" | "info" | "127.0.0.1:8080" => format!("{:?}", key.default),
            _ => "\"\"".to_owned(),
        };
        page.push_str(&format!("# {name} = {shown}\n"));
    }
    page
}

fn parse(path: &Path, text: &str) -> Result<toml::Table, ConfigError> {
    text.parse().map_err(|why| ConfigError::one(format!("{}: {why}", path.display())))
}

fn read_if_there(path: &Path) -> Result<Option<String>, ConfigError> {
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(why) if why.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(why) => Err(ConfigError::one(format!("{}: {why}", path.display()))),
    }
}

impl Config {
    /// The effective values as [`Config::show`] gives them, each with where it comes from.
    pub fn show_with_places(&self) -> String {
        let shown = self.show();
        let lines = shown.lines().map(|line| {
            let name = line.split(" = ").next().unwrap_or_default();
            let place = self.places.get(name).map_or("default", String::as_str);
            format!("{line}  # {place}\n")
        });
        lines.collect()
    }
}

/// An address without the password in it.
fn without_password(url: &str) -> String {
    let Ok(mut parsed) = url::Url::parse(url) else { return url.to_owned() };
    if parsed.password().is_none() || parsed.set_password(Some("***")).is_err() {
        return url.to_owned();
    }
    parsed.into()
}
