//! `[log]`: what the program says on standard error.

use tracing_subscriber::EnvFilter;

use super::keys::{Key, Keys, key};

/// `[log]`.
#[derive(Clone, Debug)]
pub struct Log {
    /// A filter such as `info` or `kalends_rest=debug,info`.
    pub level: String,
    /// In which form.
    pub format: Format,
}

/// The form of a log line.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Format {
    /// For people.
    Text,
    /// For programs: one JSON object a line.
    Json,
}

pub(super) static KEYS: &[Key] = &[
    key(
        "log.level",
        "info",
        "How much is said on standard error: error, warn, info, debug or trace, also by module \
         (kalends_rest=debug,info).",
    ),
    key("log.format", "text", "text for people, json for programs (one object a line)."),
];

impl Log {
    pub(super) fn read(keys: &mut Keys) -> Log {
        let level = keys.parsed("log.level", level);
        let format = keys.parsed("log.format", |text| match text {
            "text" => Ok(Format::Text),
            "json" => Ok(Format::Json),
            _ => Err("must be text or json"),
        });
        Log { level: level.unwrap_or_else(|| "info".to_owned()), format: format.unwrap_or(Format::Text) }
    }
}

fn level(text: &str) -> Result<String, &'static str> {
    // A single word that is no level would be taken for the name of a module, and everything else fall silent.
    let word = !text.contains(['=', ',']);
    let known = ["off", "error", "warn", "info", "debug", "trace"].contains(&text.to_lowercase().as_str());
    let good = (!word || known) && EnvFilter::try_new(text).is_ok();
    if good {
        Ok(text.to_owned())
    } else {
        Err("must be error, warn, info, debug, trace, or a filter such as kalends_rest=debug,info")
    }
}
