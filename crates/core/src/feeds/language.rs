/// The language of the few words that a feed says of itself.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum Language {
    /// `en`, and whatever else is asked for.
    #[default]
    English,
    /// `de`
    German,
    /// `fr`
    French,
}

impl Language {
    /// Reads a language tag such as `de-CH`. A calendar app cannot show an error, so an unknown one is English.
    pub fn of(tag: &str) -> Language {
        match tag.split(['-', '_']).next().unwrap_or_default().to_ascii_lowercase().as_str() {
            "de" => Language::German,
            "fr" => Language::French,
            _ => Language::English,
        }
    }

    /// What an event is called of which only the times are shown.
    pub fn busy(self) -> &'static str {
        match self {
            Language::English => "Busy",
            Language::German => "Besetzt",
            Language::French => "Occupé",
        }
    }
}
